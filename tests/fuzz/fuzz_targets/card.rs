//! Everything that a card says about its files.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    use bootgate::wire::{apdu, arr, fcp, pkcs15, tlv};
    let _ = apdu::CommandApdu::decode(octets);
    let _ = apdu::ResponseApdu::decode(octets);
    let _ = tlv::parse_all(octets);
    let _ = fcp::Fcp::decode(octets);
    let _ = arr::AccessRules::decode(octets);
    let _ = pkcs15::DirEntry::decode(octets);
    let _ = pkcs15::Odf::decode(octets);
    let _ = pkcs15::Dodf::decode(octets);
});

//! Provisioning documents in both syntaxes.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    use bootgate::wire::{Syntax, prov::ProvDoc};
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        let _ = ProvDoc::decode(syntax, octets);
    }
});

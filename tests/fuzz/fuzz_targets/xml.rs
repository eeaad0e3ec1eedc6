//! XML as strangers send it.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(root) = bootgate::wire::xml::parse(octets) {
        let again = bootgate::wire::xml::write(&root);
        let _ = bootgate::wire::xml::parse(again.as_bytes());
    }
});

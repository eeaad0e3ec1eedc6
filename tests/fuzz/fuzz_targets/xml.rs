//! XML as strangers send it; what is written of it must read the same again.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(root) = bootgate::wire::xml::parse(octets) {
        if let Ok(again) = bootgate::wire::xml::write(&root) {
            let back = bootgate::wire::xml::parse(again.as_bytes()).expect("what was written reads");
            assert_eq!(back, root);
        }
    }
});

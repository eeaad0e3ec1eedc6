//! WBXML of any document type; what decodes must encode, and decode to the same again.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(document) = bootgate::wire::wbxml::decode(octets) {
        if let Ok(again) = bootgate::wire::wbxml::encode(&document) {
            let back = bootgate::wire::wbxml::decode(&again).expect("what was encoded decodes");
            assert_eq!(back.root, document.root);
        }
    }
});

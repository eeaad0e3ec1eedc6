//! SyncML messages in both syntaxes.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    use bootgate::wire::{Syntax, syncml::Message};
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        let _ = Message::decode(syntax, octets);
    }
});

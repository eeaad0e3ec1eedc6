//! Push access protocol, from initiators and from gateways.
#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    targets::run("pap", octets);
});

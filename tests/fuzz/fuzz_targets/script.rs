//! Card scripts, which anybody may hand in.
#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    targets::run("script", octets);
});

//! SMPP, from SMSCs and from their clients.
#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    targets::run("smpp", octets);
});

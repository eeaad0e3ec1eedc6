//! Benchmarks: `make bench`. Figures that have a target are printed first, each with `met` or `missed`; that is no test.
//! What cannot be measured for want of libwbxml2 ends the run with an error.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on may fall over")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its results")]

mod card;
mod card_write;
mod convert;
mod decode;
#[path = "../load/mod.rs"]
#[expect(dead_code, unreachable_pub, clippy::panic, reason = "shared with the soak, which uses more of it")]
mod load;
mod payload;
#[path = "../it/peers"]
#[expect(dead_code, unreachable_pub, clippy::panic, reason = "shared with the tests, which use more of it")]
mod peers {
    pub mod kannel;
    pub mod namespace;
    pub mod pcscd;
    mod process;

    pub use process::{Process, program, wait_for};
}
mod pushes;
mod rehearsal;
mod verdict;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A filter is for the benchmarks of divan, unless it says target.
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let listed = std::env::args().any(|a| a == "--list");
    if !listed && (words.is_empty() || words.iter().any(|w| w.contains("target"))) {
        if let Err(why) = convert::compare() {
            eprintln!(
                "No comparison with libwbxml2: {why}; `tests/peers/install bench` installs what it needs"
            );
            return ExitCode::FAILURE;
        }
        payload::judge();
        decode::judge();
        println!();
    }
    if !listed && (words.is_empty() || words.iter().any(|w| w.contains("card"))) {
        card::commands();
        card_write::tell();
    }
    if !listed && (words.is_empty() || words.iter().any(|w| w.contains("push"))) {
        pushes::tell();
    }
    divan::main();
    ExitCode::SUCCESS
}

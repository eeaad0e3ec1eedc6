//! Benchmarks: `make bench`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start may fall over")]
#![expect(clippy::print_stdout, reason = "its results")]

mod convert;
mod decode;
mod payload;
mod rehearsal;

fn main() {
    // A filter is for the benchmarks of divan, unless it says libwbxml.
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let listed = std::env::args().any(|a| a == "--list");
    if !listed && (words.is_empty() || words.iter().any(|w| w.contains("libwbxml"))) {
        convert::compare();
    }
    divan::main();
}

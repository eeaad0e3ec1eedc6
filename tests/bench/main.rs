//! Benchmarks: `make bench`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start may fall over")]

mod payload;

fn main() {
    divan::main();
}

//! Benchmarks: `make bench`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start may fall over")]

mod payload;
mod rehearsal;

fn main() {
    divan::main();
}

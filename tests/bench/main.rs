//! Benchmarks: `make bench`.

fn main() {
    divan::main();
}

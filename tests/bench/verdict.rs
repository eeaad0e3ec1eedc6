//! Figures beside their targets. Nothing fails for being slow: a machine that does other work measures whatever it likes.

use std::{hint::black_box, time::Instant};

/// How long a batch of calls takes that is timed, in nanoseconds: short, so that some batch is not interrupted.
const BATCH: f64 = 250_000.0;

/// How many batches are timed; the fastest counts, which other work on the machine disturbs least.
pub(crate) const BATCHES: usize = 200;

/// Nanoseconds for one call, the fastest batch of [`BATCHES`]. `libwbxml.c` does the same.
pub(crate) fn fastest<T>(call: impl Fn() -> T) -> f64 {
    let batch = |n: u32| {
        let began = Instant::now();
        for _ in 0..n {
            black_box(call());
        }
        began.elapsed().as_nanos() as f64 / f64::from(n)
    };
    let each = (BATCH / batch(20)) as u32 + 1;
    (0..BATCHES).map(|_| batch(each)).fold(f64::INFINITY, f64::min)
}

/// Whether a figure holds its target.
pub(crate) fn verdict(holds: bool) -> &'static str {
    if holds { "met" } else { "missed" }
}

/// Prints a time beside the longest that it may be; both in nanoseconds.
pub(crate) fn at_most(what: &str, measured: f64, target: f64) {
    let verdict = verdict(measured <= target);
    println!("{what:<58} {:>10}   target {:>8} or less   {verdict}", time(measured), time(target));
}

/// A time in the unit that suits it.
pub(crate) fn time(nanoseconds: f64) -> String {
    let (value, unit) =
        if nanoseconds < 1e6 { (nanoseconds / 1e3, "µs") } else { (nanoseconds / 1e6, "ms") };
    format!("{value:.*} {unit}", if value < 100.0 { 2 } else { 0 })
}

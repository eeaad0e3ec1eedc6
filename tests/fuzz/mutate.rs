//! The fuzz targets without libFuzzer and without nightly: seeds of our own are changed at random, again and again, and each
//! decoder gets the results. What still reads is changed further.
//!
//! Without more said a run is short and always the same. `BOOTGATE_FUZZ_SECONDS` is how long all targets together take,
//! `BOOTGATE_FUZZ_SEED` makes it another run. `make fuzz` is the run that follows coverage; the seeds that it begins with
//! are written here (`BOOTGATE_FUZZ_SEEDS` names the folder).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "this crate is nothing but tests"
)]

mod seeds;
mod targets;
mod truncations;

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use self::targets::{TARGETS, Target};

/// Changed inputs for each target when no time is given.
const EXECUTIONS: u64 = 400;
/// The longest input.
const LONGEST: usize = 16 * 1024;
/// The most inputs that are kept to be changed further.
const KEPT: usize = 512;
/// No input may take longer than this, in a build without optimisation on a busy machine.
const SLOWEST: Duration = Duration::from_secs(5);

/// Pieces that mean something to one decoder or another.
const WORDS: [&[u8]; 20] = [
    b"\x00",
    b"\xFF",
    b"\x80",
    b"\x7F\xFF\xFF\xFF",
    b"\x8F\xFF\xFF\xFF\x7F",
    b"\xFF\xFF\xFF\xFF",
    b"\x03A\x00",
    b"\x83\x00",
    b"\xC3\x03abc",
    b"\x00\x01",
    b"\x00\x00",
    b"\x01",
    b"\x04\x05",
    b"<a>",
    b"</a>",
    b"&#x41;",
    b"]]>",
    b"<!--",
    b"<?x ?>",
    b"\xF4\x8F\xBF\xBF",
];

/// Numbers that are the same in every run with the same seed (splitmix64, in the public domain).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn octet(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A range within `length`, most of them short.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 8 };
        let end = (start + self.below(most + 1)).min(length);
        start..end
    }
}

/// One change.
fn change(octets: &mut Vec<u8>, other: &[u8], n: &mut Numbers) {
    let length = octets.len();
    match n.below(9) {
        0 if length > 0 => octets[n.below(length)] ^= 1 << n.below(8),
        1 if length > 0 => octets[n.below(length)] = n.octet(),
        2 if length > 0 => {
            let at = n.below(length);
            let small = i8::try_from(n.below(17)).unwrap() - 8;
            octets[at] = octets[at].wrapping_add_signed(small);
        }
        3 => drop(octets.drain(n.range(length))),
        4 => {
            let piece = octets[n.range(length)].to_vec();
            let at = n.below(length + 1);
            octets.splice(at..at, piece);
        }
        5 => {
            let piece = &other[n.range(other.len())];
            let at = n.range(length);
            octets.splice(at, piece.iter().copied());
        }
        6 => {
            let word = WORDS[n.below(WORDS.len())];
            let at = n.below(length + 1);
            octets.splice(at..at, word.iter().copied());
        }
        7 => {
            let word = WORDS[n.below(WORDS.len())];
            let at = n.below(length + 1);
            let end = (at + word.len()).min(length);
            octets.splice(at..end, word.iter().copied());
        }
        _ => octets.truncate(n.below(length + 1)),
    }
    octets.truncate(LONGEST);
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// Runs a target and gives how many inputs it took.
fn fuzz(target: &Target, seed: u64, until: Option<Instant>) -> u64 {
    let mut kept = seeds::seeds(target.name);
    assert!(!kept.is_empty(), "{} has no seeds", target.name);
    let first = kept.len();
    let mut n = Numbers(seed ^ u64::from(target.name.as_bytes()[0]) << 8);
    let mut executions = 0;
    while until.map_or(executions < EXECUTIONS, |end| Instant::now() < end) {
        let mut input = kept[n.below(kept.len())].clone();
        let other = kept[n.below(kept.len())].clone();
        for _ in 0..=n.below(4) {
            change(&mut input, &other, &mut n);
        }
        let begin = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| targets::run(target.name, &input)));
        let took = begin.elapsed();
        let hex = || input.iter().map(|o| format!("{o:02X}")).collect::<String>();
        let read = read.unwrap_or_else(|_| panic!("{} fails on {}", target.name, hex()));
        assert!(took < SLOWEST, "{} takes {took:?} on {}", target.name, hex());
        if read && !input.is_empty() {
            if kept.len() < KEPT {
                kept.push(input);
            } else {
                let at = first + n.below(KEPT - first);
                kept[at] = input;
            }
        }
        executions += 1;
    }
    executions
}

#[test]
fn changed_seeds_break_nothing() {
    let seed = number("BOOTGATE_FUZZ_SEED").unwrap_or(1);
    let each = number("BOOTGATE_FUZZ_SECONDS")
        .map(|seconds| Duration::from_secs(seconds) / u32::try_from(TARGETS.len()).unwrap());
    for target in &TARGETS {
        let executions = fuzz(target, seed, each.map(|each| Instant::now() + each));
        assert!(executions > 100, "{}: only {executions} inputs", target.name);
        if each.is_some() {
            // Straight to standard error: what a passing test prints otherwise is swallowed.
            let _ = writeln!(std::io::stderr(), "{:>9} {executions} inputs", target.name);
        }
    }
}

#[test]
fn seeds_are_what_they_are_for() {
    for target in &TARGETS {
        let seeds = seeds::seeds(target.name);
        let read = seeds.iter().filter(|s| targets::run(target.name, s)).count();
        // A short message may explain as odd text; of documents each target reads its own.
        assert!(2 * read >= seeds.len().min(2), "{}: {read} of {} seeds are read", target.name, seeds.len());
        assert!(seeds.iter().all(|s| s.len() <= LONGEST), "{}", target.name);
    }
}

#[test]
fn each_target_can_be_run_under_libfuzzer() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for target in &TARGETS {
        let file = format!("fuzz_targets/{}.rs", target.name);
        assert!(manifest.contains(&format!("path = \"{file}\"")), "{file} is not in Cargo.toml");
        let text = std::fs::read_to_string(folder.join(&file)).unwrap();
        assert!(text.contains(&format!("targets::run(\"{}\", octets)", target.name)), "{file}");
    }
}

/// Writes the seeds where libFuzzer looks for them; nothing without the folder's name.
#[test]
fn write_seeds() {
    let Some(folder) = std::env::var_os("BOOTGATE_FUZZ_SEEDS") else { return };
    for target in &TARGETS {
        let folder = std::path::Path::new(&folder).join(target.name);
        std::fs::create_dir_all(&folder).unwrap();
        for (at, seed) in seeds::seeds(target.name).into_iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{at:02}")), seed).unwrap();
        }
    }
}

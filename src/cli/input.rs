//! Files that are named on the command line, to be read. One that cannot be read is a mistake there, whatever it was to hold.

use std::{fmt::Display, fs::File, io::Read as _, path::Path};

use super::{Exit, Failure, output::name};

/// The octets of a file.
///
/// # Errors
/// Exit status 2.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    read_most(file, u64::MAX)
}

/// The octets of a file, not more than `most` of them.
///
/// # Errors
/// Exit status 2.
pub(super) fn read_most(file: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let read = File::open(file).and_then(|open| open.take(most).read_to_end(&mut octets));
    read.map(|_| octets).map_err(|error| unreadable(file, error))
}

/// Says that a file cannot be read.
pub(super) fn unreadable(file: &Path, error: impl Display) -> anyhow::Error {
    Failure::because(Exit::Usage, format!("cannot read {}: {error}", name(file)))
}

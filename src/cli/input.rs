//! Files that are named on the command line, to be read. One that cannot be read is a mistake there, whatever it was to hold.

use std::{
    fmt::Display,
    fs::File,
    io::{BufRead, Read as _},
    path::Path,
};

use super::{Exit, Failure, output::name};

/// The most octets of a file that is read whole where nothing says less.
const MOST: u64 = 16 * 1024 * 1024;
/// The longest line that somebody types or scans, in octets.
const MAX_LINE: u64 = 4096;

/// The octets of a file.
///
/// # Errors
/// Exit status 2, also when there are more than 16 MiB.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    read_within(file, MOST)
}

/// The octets of a file that has `most` of them at the most.
///
/// # Errors
/// Exit status 2, also when there are more.
pub(super) fn read_within(file: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let octets = read_most(file, most.saturating_add(1))?;
    if u64::try_from(octets.len()).unwrap_or(u64::MAX) > most {
        return Err(unreadable(file, format!("it is longer than {most} octets, so it is another file")));
    }
    Ok(octets)
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

/// The next line of standard input, without what goes beyond 4096 octets; none at its end.
pub(super) fn line() -> Option<String> {
    line_of(&mut std::io::stdin().lock())
}

fn line_of(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).ok().filter(|octets| *octets > 0)?;
    if line.last() != Some(&b'\n') {
        // The rest of a line that is too long belongs to no other.
        input.skip_until(b'\n').ok()?;
    }
    Some(String::from_utf8_lossy(&line).into_owned())
}

/// Says that a file cannot be read.
pub(super) fn unreadable(file: &Path, error: impl Display) -> anyhow::Error {
    Failure::because(Exit::Usage, format!("cannot read {}: {error}", name(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_files_without_end_are_cut() {
        let mut input = [vec![b'8'; 10_000], b"\n4711\n".to_vec(), b"last".to_vec()].concat();
        input.extend([0xFF]);
        let mut input = input.as_slice();
        assert_eq!(line_of(&mut input).map(|line| line.len()), Some(4096));
        assert_eq!(line_of(&mut input).as_deref(), Some("4711\n"));
        assert_eq!(line_of(&mut input).as_deref(), Some("last\u{FFFD}"));
        assert_eq!(line_of(&mut input), None);
        let said = read_within(Path::new("/dev/zero"), 100).unwrap_err().to_string();
        assert!(said.contains("cannot read /dev/zero: it is longer than 100 octets"), "{said}");
    }
}

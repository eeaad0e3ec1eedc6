//! The results of a batch as CSV: what stands in the lines of results, in a table. So a table that a run left behind, however it
//! was ended, is made whole from them and gone on with.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::{
    cli::{
        Exit, Failure,
        batch::signature::{Signer, refuse_unsigned},
        output::{self, Open},
    },
    ident::SigningKey,
};

/// The table: signed after each result, as their lines are, so that a run that is killed leaves one that can be checked.
pub(super) struct Table {
    path: PathBuf,
    file: File,
    signer: Option<Signer>,
    has_titles: bool,
}

impl Table {
    /// Opens the table of `lines`, which hold `there` so far. What a table that is there lacks of them is added to it.
    ///
    /// # Errors
    /// As of [`Table::check`], and 1 when it cannot be written.
    pub(super) fn open(
        path: &Path,
        sign_key: Option<SigningKey>,
        lines: &Path,
        there: &[u8],
    ) -> anyhow::Result<Self> {
        let (whole, before) = Self::check(path, sign_key.is_some(), lines, there)?;
        let missing = whole.get(before..).unwrap_or_default();
        let failed = || format!("cannot write {}", output::name(path));
        let mut file = output::open(path, Open::Append).with_context(failed)?;
        file.write_all(missing).and_then(|()| file.sync_data()).with_context(failed)?;
        // The lines that it was made from are signed by this key, or there are none.
        let signer = sign_key.map(|key| Signer::go_on(key, path, b"")).transpose()?;
        let mut signer = signer.map(|(signer, _)| signer);
        signer.iter_mut().try_for_each(|signer| signer.add(&whole))?;
        Ok(Self { path: path.to_owned(), file, signer, has_titles: !whole.is_empty() })
    }

    /// Whether there is, or can be, a table of `lines`, which hold `there` so far. Nothing is written. Returns what it would be in all,
    /// and how many octets of that are there.
    ///
    /// # Errors
    /// Exit status 2 when what is there is not a table of these lines, 77 when it is signed and there is no key to sign it with,
    /// 1 when it cannot be read.
    pub(super) fn check(
        path: &Path,
        signs: bool,
        lines: &Path,
        there: &[u8],
    ) -> anyhow::Result<(Vec<u8>, usize)> {
        let name = output::name(path);
        let usage = |why: String| Failure::because(Exit::Usage, format!("{name} {why}"));
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => {
                return Err(usage("is no file; name one with --csv".to_owned()));
            }
            _ if is_same(path, lines) => {
                return Err(usage(
                    "is where the lines of results go; name another file with --csv".to_owned(),
                ));
            }
            _ => output::check_place(path)?,
        }
        if !signs {
            refuse_unsigned(path, "--csv")?;
        }
        let whole = Self::of_lines(there)?;
        let mut before = Vec::new();
        if let Ok(found) = File::open(path) {
            // One octet more than it may have tells a longer one.
            let most = u64::try_from(whole.len()).unwrap_or(u64::MAX).saturating_add(1);
            found.take(most).read_to_end(&mut before).with_context(|| format!("cannot read {name}"))?;
        }
        if !whole.starts_with(&before) {
            let results = output::name(lines);
            return Err(usage(format!(
                "is there already and was left as it is: it is not the table of the results in {results}; move it away, or name \
                 another file with --csv"
            )));
        }
        Ok((whole, before.len()))
    }

    /// Adds a result, given as its line.
    pub(super) fn add(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let row = row(&serde_json::from_slice(line)?, !self.has_titles)?;
        let failed = || format!("cannot write {}", output::name(&self.path));
        self.file.write_all(&row).with_context(failed)?;
        self.file.sync_data().with_context(failed)?;
        self.has_titles = true;
        self.signer.iter_mut().try_for_each(|signer| signer.add(&row))
    }

    /// What the table of these lines is. A line that was torn off is no result.
    fn of_lines(lines: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut table = Vec::new();
        for line in lines.split(|octet| *octet == b'\n') {
            if let Ok(result) = serde_json::from_slice(line) {
                let row = row(&result, table.is_empty())?;
                table.extend(row);
            }
        }
        Ok(table)
    }
}

/// Whether two names are of one file, also of one that is not there yet.
fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some((fs::canonicalize(folder).ok()?, path.file_name()?.to_owned()))
    };
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        (Err(_), Err(_)) => one == other || place(one).is_some_and(|place_of| Some(place_of) == place(other)),
        _ => false,
    }
}

/// A row, as its line has it: the columns are the fields of [`crate::job::batch::CardResult`], in their order. Every row comes by
/// way of a line, so that one that is made again is the same octets.
#[derive(Serialize, Deserialize)]
struct Row {
    at: String,
    bay: String,
    line: Option<u64>,
    iccid: Option<String>,
    ending: String,
    bin: String,
    job: Option<String>,
    state: Option<String>,
    reason: Option<String>,
    octets: Option<u64>,
    sha256: Option<String>,
    milliseconds: u64,
    contact_errors: u64,
    repowered: u64,
    expected: Option<String>,
    seen: Option<String>,
}

/// A row in octets, below the titles if it is the first.
fn row(row: &Row, with_titles: bool) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(with_titles).from_writer(Vec::new());
    writer.serialize(row)?;
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::batch::run::results::tests::result,
        job::{
            State,
            batch::{CardResult, WholeResult},
        },
    };

    fn line(result: &CardResult) -> Vec<u8> {
        let mut line = serde_json::to_vec(&WholeResult::from(result)).unwrap();
        line.push(b'\n');
        line
    }

    /// A field that a result gets one day and a row has not is found here.
    #[test]
    fn rows_are_what_results_are() {
        let full = CardResult {
            state: Some(State::Delivered),
            octets: Some(927),
            sha256: Some("9b3d".to_owned()),
            expected: Some("90 00".to_owned()),
            seen: Some("line one\nline two, \"quoted\"".to_owned()),
            ..result(2)
        };
        for result in [result(2), full] {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.serialize(&result).unwrap();
            let expected = writer.into_inner().unwrap();
            assert_eq!(Table::of_lines(&line(&result)).unwrap(), expected);
        }
    }

    /// A run is ended at any octet of the table, also with a line torn off: the next makes it whole, and goes on.
    #[test]
    fn a_table_that_was_torn_off_anywhere_is_made_whole() {
        let folder = tempfile::tempdir().unwrap();
        let [lines, path] = ["r.jsonl", "r.csv"].map(|name| folder.path().join(name));
        let there = [line(&result(2)), b"{\"at\":\"20\n".to_vec(), line(&result(3))].concat();
        fs::write(&lines, &there).unwrap();
        let whole = Table::of_lines(&there).unwrap();
        assert_eq!(whole.iter().filter(|octet| **octet == b'\n').count(), 3);
        for torn in 0..=whole.len() {
            fs::write(&path, &whole[..torn]).unwrap();
            let mut table = Table::open(&path, None, &lines, &there).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole, "{torn} octets");
            table.add(&line(&result(4))).unwrap();
            let all = [&there[..], &line(&result(4))].concat();
            assert_eq!(fs::read(&path).unwrap(), Table::of_lines(&all).unwrap(), "{torn} octets");
        }
    }

    #[test]
    fn nothing_else_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let [lines, path] = ["r.jsonl", "r.csv"].map(|name| folder.path().join(name));
        let there = line(&result(2));
        fs::write(&lines, &there).unwrap();
        let other = Table::of_lines(&line(&result(3))).unwrap();
        let longer = [Table::of_lines(&there).unwrap(), b"x".to_vec()].concat();
        for foreign in [b"iccid,adm1\n".to_vec(), other, longer] {
            fs::write(&path, &foreign).unwrap();
            let said = Table::open(&path, None, &lines, &there).err().unwrap().to_string();
            assert!(said.contains("left as it is") && said.contains("--csv"), "{said}");
            assert_eq!(fs::read(&path).unwrap(), foreign);
        }
        for (not, why) in [(lines.as_path(), "lines of results go"), (folder.path(), "is no file")] {
            let said = Table::open(not, None, &lines, &there).err().unwrap().to_string();
            assert!(said.contains(why), "{said}");
        }
        assert_eq!(fs::read(&lines).unwrap(), there);
    }
}

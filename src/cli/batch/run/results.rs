//! The results of a batch: a line each, on disk before the next card.

use std::{
    collections::HashSet,
    fmt,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::Value;

use super::{
    hook::{Heard, Hook},
    table::Table,
};
use crate::{
    cli::{
        Format,
        batch::signature::{Signer, refuse_unsigned},
        output::{self, Open},
    },
    ident::{Iccid, SigningKey, counted},
    job::batch::{Bin, CardResult, Ending, ScriptDone, WholeResult},
};

/// Where results go.
pub(super) struct Results {
    pub(super) path: PathBuf,
    lines: std::fs::File,
    signer: Option<Signer>,
    csv: Option<Table>,
    hook: Option<Hook>,
    format: Format,
    /// Cards for the bad bin.
    pub(super) bad: usize,
    /// Cards that nothing was done with.
    pub(super) skipped: HashSet<Option<Iccid>>,
}

impl Results {
    /// Whether results can go there: that is told before anybody is asked and before the readers are. Nothing is written.
    ///
    /// # Errors
    /// Exit status 2 when they cannot, 77 when what is there is signed and the key is another one or none.
    pub(super) fn check(
        path: &Path,
        csv: Option<&Path>,
        sign_key: Option<&SigningKey>,
    ) -> anyhow::Result<()> {
        if sign_key.is_none() {
            refuse_unsigned(path, "--results")?;
        }
        output::check_place(path)?;
        let mut there = Vec::new();
        if (sign_key.is_some() || csv.is_some()) && path.is_file() {
            there = std::fs::read(path).with_context(|| format!("cannot read {}", output::name(path)))?;
        }
        if let Some(key) = sign_key {
            Signer::check(key, path, &there)?;
        }
        csv.map_or(Ok(()), |csv| Table::check(csv, sign_key.is_some(), path, &there).map(drop))
    }

    /// Whether results that are there name rows: those were given to cards. What is no result may be one of another version. A
    /// card that was given no row says nothing of who gives them.
    pub(super) fn name_rows(path: &Path) -> anyhow::Result<bool> {
        if !path.is_file() {
            return Ok(false);
        }
        let failed = || format!("cannot read {}", output::name(path));
        let lines = BufReader::new(std::fs::File::open(path).with_context(failed)?).split(b'\n');
        for line in lines {
            let line = line.with_context(failed)?;
            // A run that was ended may have left the beginning of a line: that may be of a row.
            let names = |result: Value| result.get("line").is_none_or(|line| !line.is_null());
            if !line.is_empty() && serde_json::from_slice(&line).map_or(true, names) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn open(
        path: &Path,
        csv: Option<&Path>,
        hook: Option<Hook>,
        sign_key: Option<SigningKey>,
        format: Format,
    ) -> anyhow::Result<Self> {
        if sign_key.is_none() {
            refuse_unsigned(path, "--results")?;
        }
        let failed = || format!("cannot write {}", path.display());
        let mut lines = output::open(path, Open::Append).with_context(failed)?;
        let mut there = Vec::new();
        // What is there is signed along, and its table is made whole; for any other end its last octet is enough.
        if sign_key.is_none() && csv.is_none() {
            let about = lines.metadata().with_context(failed)?;
            if about.is_file() && about.len() > 0 {
                lines.seek(SeekFrom::End(-1)).with_context(failed)?;
            }
        }
        lines.read_to_end(&mut there).with_context(failed)?;
        let signer = sign_key.clone().map(|key| Signer::go_on(key, path, &there)).transpose()?;
        let (mut signer, unsigned) = signer.unzip();
        if unsigned == Some(true) {
            let why = "the run before was ended before it had signed its last line";
            output::note(&format!("{}: {why}", path.display()));
        }
        let csv = csv.map(|csv| Table::open(csv, sign_key, path, &there)).transpose()?;
        if there.is_empty() {
            // So that a run that is ended before it has signed its first line is gone on with as any other.
            signer.iter_mut().try_for_each(|signer| signer.add(b""))?;
        }
        // A line that was torn off when a run was ended must not spoil the next.
        if there.last().is_some_and(|last| *last != b'\n') {
            lines.write_all(b"\n").with_context(failed)?;
            signer.iter_mut().try_for_each(|signer| signer.add(b"\n"))?;
        }
        Ok(Self { path: path.to_owned(), lines, signer, csv, hook, format, bad: 0, skipped: HashSet::new() })
    }

    /// Writes a result down, so that it survives whatever comes next, and tells it.
    pub(super) fn add(&mut self, result: &CardResult) -> anyhow::Result<()> {
        if result.bin == Bin::Bad {
            self.bad += 1;
        }
        if result.ending == Ending::Skipped {
            self.skipped.insert(result.iccid.clone());
        }
        let mut line = serde_json::to_vec(&WholeResult::from(result))?;
        line.push(b'\n');
        let failed = || format!("cannot write {}", self.path.display());
        self.lines.write_all(&line).with_context(failed)?;
        self.lines.sync_data().with_context(failed)?;
        if let Some(signer) = &mut self.signer {
            signer.add(&line)?;
        }
        if let Some(csv) = &mut self.csv {
            csv.add(&line)?;
        }
        match self.format {
            Format::Text => output::text(&Told(result).to_string())?,
            Format::Json => {}
        }
        if let Some(hook) = &mut self.hook {
            hook.tell(line, result.bin);
        }
        Ok(())
    }
}

impl Results {
    /// Waits for the command that hears results; what it heard.
    pub(super) fn finish(&mut self) -> Option<Heard> {
        self.hook.take().map(Hook::finish)
    }
}

/// What whoever stands at a bay has to know of a result, what matters most first: a line may be cut short.
pub(super) struct Verdict<'a>(pub(super) &'a CardResult);

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CardResult { bin, iccid, ending, reason, .. } = self.0;
        let bin = match bin {
            Bin::Good => "good",
            Bin::Bad => "BAD",
        };
        let card = iccid.as_ref().map_or("no number", |iccid| iccid.digits());
        let again = match ending {
            Ending::Unknown => " and put it in again, which settles it",
            _ => "",
        };
        write!(f, "{bin}, take it out{again}: {card} {}", ending.name())?;
        reason.iter().try_for_each(|reason| write!(f, ": {reason}"))
    }
}

/// A result on one line.
struct Told<'a>(&'a CardResult);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CardResult { bay, line, iccid, ending, reason, octets, expected, seen, script, .. } = self.0;
        let card = iccid.as_ref().map_or("no number", |iccid| iccid.digits());
        let row = line.map(|line| format!(" line {line}")).unwrap_or_default();
        write!(f, "{bay}: {card}{row} {}", ending.name())?;
        if let Some(octets) = octets {
            write!(f, ", {} read back", counted(*octets, "octet"))?;
        }
        if let Some(ScriptDone { changes, not_read_back, .. }) = script {
            write!(f, ", {}", counted(*changes, "change"))?;
            if *not_read_back > 0 {
                write!(f, ", {not_read_back} of them not read back")?;
            }
        }
        if let Some(reason) = reason {
            write!(f, ": {reason}")?;
        }
        if let (Some(expected), Some(seen)) = (expected, seen) {
            write!(f, "\n  expected  {expected}\n  seen      {seen}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        cli::batch::signature::Place,
        ident::{SigningKey, Timestamp, signature_tests::SIGN},
    };

    /// A card that failed.
    pub(in crate::cli::batch::run) fn result(line: u64) -> CardResult {
        CardResult {
            line: Some(line),
            iccid: Some("89490200001234567892".parse().unwrap()),
            ending: Ending::Failed,
            reason: Some("worn, \"old\"".into()),
            milliseconds: 1,
            ..CardResult::new(Timestamp::from_millis(0), "left")
        }
    }

    /// Nothing is finished: as when the process is killed after any of the results.
    #[test]
    fn both_files_are_signed_after_each_result() {
        let folder = tempfile::tempdir().unwrap();
        let [lines, csv] = ["r.jsonl", "r.csv"].map(|name| folder.path().join(name));
        let key = || SigningKey::from_pem(SIGN).unwrap();
        let mut results = Results::open(&lines, Some(&csv), None, Some(key()), Format::Json).unwrap();
        for count in 0..3 {
            for file in [&csv, &lines] {
                let there = std::fs::read(file).unwrap();
                let signed = Place::beside(file).unwrap().read(&key().verifying_key()).unwrap();
                let checked = signed.unwrap().check(&there, &key().verifying_key());
                assert_eq!(checked, Ok(()), "{count} results");
            }
            results.add(&result(count + 2)).unwrap();
        }
        let text = std::fs::read_to_string(&csv).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.starts_with("at,bay,line,iccid"), "{text}");
    }

    #[test]
    fn results_of_cards_that_got_no_row_name_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.jsonl");
        assert!(!Results::name_rows(&file).unwrap(), "there is no file");
        let none = CardResult { line: None, ending: Ending::AlreadyDone, ..result(2) };
        let [none, row] =
            [&none, &result(2)].map(|of| serde_json::to_string(&WholeResult::from(of)).unwrap());
        for (text, names) in [
            (String::new(), false),
            (format!("{none}\n{none}\n"), false),
            (format!("{none}\n{row}\n{none}\n"), true),
            (format!("{none}\n{}", &row[..20]), true),
            ("{}\n".to_owned(), true),
        ] {
            std::fs::write(&file, &text).unwrap();
            assert_eq!(Results::name_rows(&file).unwrap(), names, "{text}");
        }
    }

    /// A run is ended when it has written its first line, and not signed it.
    #[test]
    fn a_first_line_that_was_not_signed_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let lines = folder.path().join("r.jsonl");
        let key = || SigningKey::from_pem(SIGN).unwrap();
        let open = |key| Results::open(&lines, None, None, key, Format::Json);
        drop(open(Some(key())).unwrap());
        let mut line = serde_json::to_vec(&WholeResult::from(&result(2))).unwrap();
        line.push(b'\n');
        std::fs::write(&lines, line).unwrap();
        open(Some(key())).unwrap().add(&result(3)).unwrap();
        let (there, public) = (std::fs::read(&lines).unwrap(), key().verifying_key());
        let signed = Place::beside(&lines).unwrap().read(&public).unwrap().unwrap();
        assert_eq!((signed.check(&there, &public), there.split(|o| *o == b'\n').count()), (Ok(()), 3));
        // Without the key nothing is added, and the signature stays true.
        let said = open(None).err().unwrap().to_string();
        assert!(said.contains("--sign-key"), "{said}");
        assert_eq!(std::fs::read(&lines).unwrap(), there);
    }
}

//! The results of a batch: a line each, on disk before the next card.

use std::{
    collections::HashSet,
    fmt,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::hook::Hook;
use crate::{
    cli::{
        Format,
        batch::signature::Signer,
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
    csv: Option<(PathBuf, csv::Writer<std::fs::File>)>,
    hook: Option<Hook>,
    format: Format,
    /// Cards for the bad bin.
    pub(super) bad: usize,
    /// Cards that nothing was done with.
    pub(super) skipped: HashSet<Option<Iccid>>,
}

impl Results {
    pub(super) fn open(
        path: &Path,
        csv: Option<&Path>,
        hook: Option<PathBuf>,
        sign_key: Option<SigningKey>,
        format: Format,
    ) -> anyhow::Result<Self> {
        let failed = || format!("cannot write {}", path.display());
        let mut lines = output::open(path, Open::Append).with_context(failed)?;
        let mut there = Vec::new();
        // What is there is signed along; for any other end its last octet is enough.
        if sign_key.is_none() {
            let about = lines.metadata().with_context(failed)?;
            if about.is_file() && about.len() > 0 {
                lines.seek(SeekFrom::End(-1)).with_context(failed)?;
            }
        }
        lines.read_to_end(&mut there).with_context(failed)?;
        let signer = sign_key.map(|key| Signer::go_on(key, path, &there)).transpose()?;
        let (mut signer, unsigned) = signer.unzip();
        if unsigned == Some(true) {
            let why = "the run before was ended before it had signed its last line";
            output::note(&format!("{}: {why}", path.display()));
        }
        // A line that was torn off when a run was ended must not spoil the next.
        if there.last().is_some_and(|last| *last != b'\n') {
            lines.write_all(b"\n").with_context(failed)?;
            signer.iter_mut().try_for_each(|signer| signer.add(b"\n"))?;
        }
        let csv = csv
            .map(|path| {
                let file = output::open(path, Open::New);
                let file = file.with_context(|| format!("cannot make {}", path.display()))?;
                anyhow::Ok((path.to_owned(), csv::Writer::from_writer(file)))
            })
            .transpose()?;
        let hook = hook.map(Hook::start);
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
        if let Some((_, csv)) = &mut self.csv {
            csv.serialize(result).and_then(|()| csv.flush().map_err(csv::Error::from))?;
        }
        match self.format {
            Format::Text => output::text(&Told(result).to_string())?,
            Format::Json => {}
        }
        if let Some(hook) = &self.hook {
            hook.tell(line, result.bin);
        }
        Ok(())
    }
}

impl Results {
    /// Waits for the command that hears results, and signs what is signed at the end only.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        if let Some(hook) = self.hook.take() {
            hook.finish();
        }
        match (&self.signer, &self.csv) {
            (Some(signer), Some((path, _))) => signer.sign_whole(path),
            _ => Ok(()),
        }
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
            write!(f, ", {octets} octets read back")?;
        }
        if let Some(ScriptDone { changes, .. }) = script {
            write!(f, ", {}", counted(*changes, "change"))?;
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

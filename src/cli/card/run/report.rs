//! What is shown of a script that was run, or would be.

use std::fmt;

use serde::Serialize;

use crate::{
    card::{
        ApduCounts, KeyId,
        script::{Entry, Output, Report, declared_keys, dry_run},
    },
    ident::{Iccid, counted, printable},
    job::batch::{Row, ScriptWork},
};

/// A dry run.
#[derive(Serialize)]
pub(super) struct Dry {
    pub(super) entries: Vec<Entry>,
}

impl fmt::Display for Dry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
        f.write_str("dry run: nothing was sent")
    }
}

/// A dry run of the rows of a table.
#[derive(Serialize)]
pub(super) struct DryRows {
    pub(super) rows: Vec<DryRow>,
}

/// What would be sent to the card of a row.
#[derive(Serialize)]
pub(super) struct DryRow {
    /// Where it stands.
    row: String,
    /// Keys that have no value there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lacks: Vec<String>,
    entries: Vec<Entry>,
}

impl DryRow {
    pub(super) fn new(place: String, row: &Row, work: &ScriptWork) -> Self {
        let checked = work.checked(row);
        let is_there = |(key, name): &(KeyId, &str)| {
            work.given.get(name).or_else(|| row.values.get(name)).is_some()
                || row.keys.iter().any(|known| known.id == *key)
        };
        let lacks = declared_keys(&checked.script).filter(|declared| !is_there(declared));
        let lacks = lacks.map(|(key, name)| format!("{name} in column {}", key.name().unwrap_or(name)));
        Self { row: place, lacks: lacks.collect(), entries: dry_run(&checked) }
    }
}

impl fmt::Display for DryRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for DryRow { row, lacks, entries } in &self.rows {
            writeln!(f, "{}:", printable(row))?;
            for lack in lacks {
                writeln!(f, "  has no key {lack}: --set or a source of keys (--keys) must have it")?;
            }
            entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
        }
        f.write_str("dry run: nothing was sent")
    }
}

/// A run.
#[derive(Serialize)]
pub(super) struct Done {
    script: String,
    iccid: Option<Iccid>,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    entries: Vec<Entry>,
    outputs: Vec<Output>,
    pub(super) changes: u32,
    not_read_back: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
    /// Whether a backup was asked for.
    #[serde(skip)]
    pub(super) keeps: bool,
    saved: usize,
    /// True when what it changed is in the journal of writes, to be taken back.
    pending: bool,
    apdus: ApduCounts,
}

impl Done {
    pub(super) fn new(script: &str, report: &Report, backup: Option<String>) -> Self {
        Self {
            script: script.to_owned(),
            iccid: report.iccid.clone(),
            ok: report.stopped.is_none(),
            error: report.stopped.as_ref().map(ToString::to_string),
            entries: report.entries.clone(),
            outputs: report.outputs.clone(),
            changes: report.changes,
            not_read_back: report.not_read_back,
            backup,
            keeps: false,
            saved: report.saved,
            pending: report.pending,
            apdus: report.apdus,
        }
    }
}

/// What cannot be said of some changes.
fn unread(changes: u32) -> String {
    if changes == 0 { String::new() } else { format!(", {changes} of them not read back") }
}

impl fmt::Display for Done {
    /// Entries were shown when they happened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let card = self.iccid.as_ref().map_or_else(|| "without a number".into(), ToString::to_string);
        let how = if self.ok { "ok" } else { "stopped" };
        write!(
            f,
            "{how}: {} on card {card}, {}{} ({})",
            self.script,
            counted(self.changes, "change"),
            unread(self.not_read_back),
            self.apdus
        )?;
        if self.pending {
            let reader = "`bootgate card recover -r READER --roll-back`";
            write!(
                f,
                "\nwhat it changed is in the journal of writes: {reader} takes back what it did to files, and says what it did to keys"
            )?;
        }
        match &self.backup {
            Some(file) => write!(f, "\nkept: {} of old content in {file}", counted(self.saved, "piece")),
            None if self.keeps => f.write_str(
                "\nkept: nothing, since the script came to no file that it changes; no backup was made",
            ),
            None => Ok(()),
        }
    }
}

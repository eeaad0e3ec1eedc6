//! A script that is sent, or shown as it would be.

use std::{fmt, sync::Arc};

use serde::Serialize;
use tracing::debug;

use super::{
    Args,
    keep::{Keeps, require_backup},
    rows::{Rows, Values},
    values,
};
use crate::{
    card::{
        ApduCounts, CardTransport as _, FileError, FileSystem, Key, KeyGuard, KeyId, KeyRings, PcscCard,
        Session,
        script::{
            Backup, CardBackup, Entry, Output, Report, ScriptError, Setup, declared_keys, dry_run,
            run as run_script,
        },
    },
    cli::{
        Exit, Failure, Format, Global,
        card::{args::ConsentArgs, connect, open_app},
        config,
        exit::{Meaning as _, failure},
        input, output,
    },
    ident::{Iccid, counted, printable},
    store::{BackupFile, BackupFileError},
    vault::Vault,
    wire::script::{Checked, Need, Severity, check},
};

pub(super) fn run(script: &str, args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let text = super::text(script)?;
    let mut given = values::given(&text, &args.set)?;
    let dry = args.consent.dry_run;
    // Keys that are not given may come from a source, which is asked when the card has told its number.
    let sources = args.rings.are_given() || !config::load(global, Vec::new())?.card.key_rings.is_empty();
    let need = if dry || sources { Need::Variables } else { Need::Everything };
    let rows = args.rows.as_deref().map(|file| Rows::read(file, &text)).transpose()?;
    let card = match (&rows, dry) {
        (None, _) => None,
        (Some(rows), true) => {
            let mut dry = Vec::new();
            each(script, &text, &given, rows, need, |row, checked, values| {
                dry.push(DryRow { row, lacks: lacks(checked, values), entries: dry_run(checked) });
            })?;
            output::emit(global.format, &DryRows { rows: dry })?;
            return Ok(Exit::Ok);
        }
        (Some(rows), false) => {
            each(script, &text, &given, rows, need, |_, _, _| ())?;
            let mut card = connect(args.reader.as_deref().unwrap_or_default())?;
            let iccid = number(&mut card)?.ok_or_else(|| {
                let why =
                    "the card does not tell its number, by which --rows finds its row; nothing was sent";
                Failure::because(Exit::Failed, why)
            })?;
            given = over(rows.of(&iccid)?, &given);
            Some((card, iccid))
        }
    };
    let checked = sound(script, script, &text, &given, need)?;
    if dry {
        output::emit(global.format, &Dry { entries: dry_run(&checked) })?;
        return Ok(Exit::Ok);
    }
    let (backup, restore) = (args.backup.is_some(), args.restore.is_some());
    require_backup(&checked, Keeps { backup, restore, nothing: args.no_backup }, "FILE")?;
    let keys = keys(&checked, &given)?;
    if checked.changes_card() && !consent(script, &checked, args, global)? {
        output::note("nothing was changed");
        return Ok(Exit::Failed);
    }
    execute(script, &checked, keys, card, args, global)
}

/// The script with values given, when nothing is wrong with it; `place` is what problems belong to.
fn sound(script: &str, place: &str, text: &[u8], given: &Values, need: Need) -> anyhow::Result<Checked> {
    let (checked, errors) = look(place, text, given, need);
    match errors {
        0 => Ok(checked),
        _ => {
            let why = format!("{script} has {}; nothing was sent", counted(errors, "error"));
            Err(Failure::because(Exit::Config, why))
        }
    }
}

/// The script with values given, and how many errors it has; each problem is told.
fn look(place: &str, text: &[u8], given: &Values, need: Need) -> (Checked, usize) {
    let checked = check(text, given, need);
    for problem in &checked.problems {
        output::note(&format!("{place}:{problem}"));
    }
    let errors = checked.problems.iter().filter(|problem| problem.severity() == Severity::Error).count();
    (checked, errors)
}

/// Checks the script with the values of each row, and tells what is wrong with any of them.
fn each(
    script: &str,
    text: &[u8],
    given: &Values,
    rows: &Rows,
    need: Need,
    mut take: impl FnMut(String, &Checked, &Values),
) -> anyhow::Result<()> {
    let (mut errors, mut bad) = (0, 0);
    for (place, row) in rows.each() {
        let values = over(row, given);
        let (checked, of_row) = look(&format!("{place}: {script}"), text, &values, need);
        (errors, bad) = (errors + of_row, bad + usize::from(of_row > 0));
        take(place, &checked, &values);
    }
    if errors == 0 {
        return Ok(());
    }
    let (errors, bad) = (counted(errors, "error"), counted(bad, "row"));
    Err(Failure::because(Exit::Config, format!("{script} has {errors} with {bad}; nothing was sent")))
}

/// The names of the keys that the script presents and that have no value: a source of keys must have them.
fn lacks(checked: &Checked, values: &Values) -> Vec<String> {
    let lacking = declared_keys(&checked.script).filter(|(_, name)| !values.contains_key(*name));
    lacking.map(|(key, name)| format!("{name} ({key})")).collect()
}

/// The values of a row, and over them those that were given by name.
fn over(row: &Values, given: &Values) -> Values {
    let mut values = row.clone();
    values.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    values
}

fn execute(
    script: &str,
    checked: &Checked,
    keys: Vec<Key>,
    card: Option<(PcscCard, Iccid)>,
    args: &Args,
    global: &Global,
) -> anyhow::Result<Exit> {
    let app = open_app(global)?;
    let restore = args.restore.as_deref().map(|file| read_backup(file, app.vault())).transpose()?;
    let vault = || (!args.plain_backup).then(|| Arc::clone(app.vault()));
    let backup = args.backup.as_deref().map(|file| BackupFile::new(file, vault())).transpose();
    let mut backup = backup.map_err(|error| Failure::because(Exit::Usage, error))?;
    let rings = args.rings.open(&app)?;
    // One whose row was looked for is connected still: nobody can have put another in its place.
    let (mut card, iccid) = match card {
        Some((card, iccid)) => (card, Some(iccid)),
        None => {
            let mut card = connect(args.reader.as_deref().unwrap_or_default())?;
            let iccid = number(&mut card)?;
            (card, iccid)
        }
    };
    let keys = complete(checked, keys, &rings, iccid.as_ref())?;
    let (journal, policy) = (app.key_journal(), rings.policy(iccid.as_ref(), &app.key_policy()));
    let mut session = Session::new(&mut card);
    session.set_trace(|apdu| debug!("{apdu}"));
    let mut observe = |entry: &Entry| {
        if global.format == Format::Text {
            // A reader of the output that went away does not stop a card in mid-write.
            let _ = output::text(&entry.to_string());
        }
    };
    let writes = app.write_journal();
    let setup = Setup {
        name: script,
        writes: Some(&*writes),
        keys,
        guard: KeyGuard::new(&*journal, &policy),
        backup: backup.as_mut().map(|backup| backup as &mut dyn Backup),
        restore: restore.as_ref(),
        observe: &mut observe,
    };
    let report = run_script(session, checked, setup);
    let file = args.backup.as_ref().filter(|_| report.saved > 0).map(|file| file.display().to_string());
    let (done, stopped) = Done::new(script, report, file);
    output::emit(global.format, &done)?;
    match stopped {
        None => Ok(Exit::Ok),
        Some(error) => Err(Failure::because(exit(&error, done.changes), format!("{script}:{error}"))),
    }
}

fn read_backup(file: &std::path::Path, vault: &Vault) -> anyhow::Result<CardBackup> {
    BackupFile::read(file, vault).map_err(|error| match error {
        BackupFileError::Read { source, .. } => input::unreadable(file, source),
        other => other.into(),
    })
}

/// A script that was stopped after it had changed something has failed, whatever stopped it; only a key goes before.
fn exit(error: &ScriptError, changes: u32) -> Exit {
    match (error, error.exit()) {
        (ScriptError::Key { .. }, exit) => exit,
        (_, _) if changes > 0 => Exit::Failed,
        (_, exit) => exit,
    }
}

fn keys(checked: &Checked, given: &Values) -> anyhow::Result<Vec<Key>> {
    let read = |(id, name): (KeyId, &str)| {
        let text = given.get(name)?;
        let key = Key::read(id, text);
        Some(key.map_err(|why| Failure::because(Exit::Usage, format!("--set {name}=…: {why}"))))
    };
    declared_keys(&checked.script).filter_map(read).collect()
}

/// The card's number, where it tells one; the card is as fresh afterwards as it was.
fn number(card: &mut PcscCard) -> anyhow::Result<Option<Iccid>> {
    let iccid = match FileSystem::new(Session::new(card)).iccid() {
        Err(FileError::Transport(error)) => return Err(failure(error)),
        other => other.ok(),
    };
    card.reset().map_err(failure)?;
    Ok(iccid)
}

/// The keys that the script declares: those that were given, and the others from sources of keys. One that none of them has
/// is told before anything is sent.
fn complete(
    checked: &Checked,
    mut keys: Vec<Key>,
    rings: &KeyRings,
    iccid: Option<&Iccid>,
) -> anyhow::Result<Vec<Key>> {
    for (id, name) in declared_keys(&checked.script) {
        if keys.iter().any(|key| key.id == id) {
            continue;
        }
        let card = iccid.ok_or_else(|| {
            let why = "and the card does not tell its number, by which sources of keys are asked";
            Failure::because(Exit::Usage, format!("key {id} is not given (--set {name}=…), {why}"))
        })?;
        let key = rings.key(card, id);
        keys.push(
            key.map_err(|why| {
                Failure::because(why.exit(), format!("{why}; or give it with --set {name}=…"))
            })?,
        );
    }
    Ok(keys)
}

/// Shows what the script declares, and asks.
fn consent(script: &str, checked: &Checked, args: &Args, global: &Global) -> anyhow::Result<bool> {
    if !args.consent.can_ask() {
        return Err(ConsentArgs::missing());
    }
    let mut lines = vec![format!("{script} on the card in {}:", args.reader.as_deref().unwrap_or_default())];
    lines.extend(checked.declared.all().map(|(kind, place)| format!("  {:<9} {place}", kind.name())));
    lines.extend(checked.declared.changed_keys().iter().map(|key| format!("  {:<9} {key}", "keys")));
    if checked.script.version.is_none() {
        lines.push("  changes files; it is plain Annex B and does not declare which".into());
    }
    match (global.format, args.consent.yes) {
        (Format::Text, _) => output::text(&lines.join("\n"))?,
        (Format::Json, false) => output::note(&lines.join("\n")),
        (Format::Json, true) => {}
    }
    Ok(args.consent.ask("Run this script?"))
}

/// A dry run.
#[derive(Serialize)]
struct Dry {
    entries: Vec<Entry>,
}

impl fmt::Display for Dry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
        f.write_str("dry run: nothing was sent")
    }
}

/// A dry run of the rows of a table.
#[derive(Serialize)]
struct DryRows {
    rows: Vec<DryRow>,
}

/// What would be sent to the card of a row.
#[derive(Serialize)]
struct DryRow {
    /// Where it stands.
    row: String,
    /// Keys that have no value there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lacks: Vec<String>,
    entries: Vec<Entry>,
}

impl fmt::Display for DryRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for DryRow { row, lacks, entries } in &self.rows {
            writeln!(f, "{}:", printable(row))?;
            if !lacks.is_empty() {
                writeln!(f, "  has no {}: --set or a source of keys must have it", lacks.join(", "))?;
            }
            entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
        }
        f.write_str("dry run: nothing was sent")
    }
}

/// A run.
#[derive(Serialize)]
struct Done {
    script: String,
    iccid: Option<Iccid>,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    entries: Vec<Entry>,
    outputs: Vec<Output>,
    changes: u32,
    not_read_back: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
    saved: usize,
    /// True when what it changed is in the journal of writes, to be taken back.
    pending: bool,
    apdus: ApduCounts,
}

impl Done {
    fn new(script: &str, report: Report, backup: Option<String>) -> (Self, Option<ScriptError>) {
        let Report { iccid, entries, outputs, changes, not_read_back, saved, apdus, pending, stopped } =
            report;
        let done = Self {
            script: script.to_owned(),
            iccid,
            ok: stopped.is_none(),
            error: stopped.as_ref().map(ToString::to_string),
            entries,
            outputs,
            changes,
            not_read_back,
            backup,
            saved,
            pending,
            apdus,
        };
        (done, stopped)
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
            None => Ok(()),
        }
    }
}

//! A script that is sent, or shown as it would be.

use std::{collections::BTreeMap, sync::Arc};

use tracing::debug;

use super::{
    Args,
    keep::{Keeps, require_backup},
    report::{Done, Dry, DryRow, DryRows},
    rows::Rows,
    values::{self, Values},
};
use crate::{
    app::{App, OsRandom},
    card::{
        CardTransport as _, FileError, FileSystem, Key, KeyGuard, KeyId, KeyRings, LoneCard, Session,
        script::{Backup, CardBackup, Entry, ScriptError, Setup, declared_keys, dry_run, run as run_script},
    },
    cli::{
        Exit, Failure, Format, Global, batch,
        card::{args::ConsentArgs, connect, open_app},
        config,
        exit::{Meaning as _, failure},
        input, output,
    },
    ident::{Iccid, counted},
    job::batch::{Row, ScriptWork},
    store::{BackupFile, BackupFileError},
    vault::Vault,
    wire::script::{Checked, Need, ProblemKind, Severity, check},
};

pub(super) fn run(script: &str, args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let text = super::text(script)?;
    let mut given = values::given(&text, &args.set)?;
    let dry = args.consent.dry_run;
    let config = config::load(global, Vec::new())?;
    let vault = App::vault_of(&config, Arc::new(OsRandom));
    // Keys that are not given may come from a source, which is asked when the card has told its number.
    let sources = args.rings.are_given() || !config.card.key_rings.is_empty();
    let mut need = if dry || sources { Need::Variables } else { Need::Everything };
    let work = ScriptWork { given: given.clone().into(), ..ScriptWork::new(script, text) };
    let rows = args.rows.as_deref().map(|file| {
        Rows::read(file, batch::columns(args.columns.as_deref())?, &work, dry || sources, &vault)
    });
    let rows = rows.transpose()?;
    if let (Some(rows), true) = (&rows, dry) {
        let rows = rows.each().map(|(place, row)| DryRow::new(place, row, &work)).collect();
        output::emit(global.format, &DryRows { rows })?;
        return Ok(Exit::Ok);
    }
    // What is wrong with the command line is told before anybody is asked and before the reader is.
    let files = if dry { None } else { Some(Files::open(&work.text, args, &vault)?) };
    let rings = if dry { KeyRings::default() } else { args.rings.open_with(&config, &vault)? };
    let mut card = None;
    if let Some(rows) = &rows {
        let mut connected = connect(args.reader.as_deref().unwrap_or_default(), global)?;
        let iccid = number(&mut connected)?.ok_or_else(|| {
            let why = "the card does not tell its number, by which --rows finds its row; nothing was sent";
            Failure::because(Exit::Failed, why)
        })?;
        let row = rows.of(&iccid)?;
        given = row.values.over(&work.given).all().clone();
        // Keys that the row lacks and may not lack were told with the other problems of the table.
        need = Need::Variables;
        card = Some(Matched { card: connected, iccid, row });
    }
    let checked = sound(script, &work.text, &given, need)?;
    let Some(files) = files else {
        output::emit(global.format, &Dry { entries: dry_run(&checked) })?;
        return Ok(Exit::Ok);
    };
    let of_row = card.as_ref().map(|matched| matched.row.keys.as_slice()).unwrap_or_default();
    let keys = keys(&checked, &given, of_row)?;
    if checked.changes_card() && !consent(script, &checked, args, global)? {
        output::note("nothing was changed");
        return Ok(Exit::Failed);
    }
    execute(script, &checked, (keys, &rings), card, files, args, global)
}

/// The card whose row was looked for.
struct Matched<'a> {
    card: LoneCard,
    iccid: Iccid,
    row: &'a Row,
}

/// The files that old content goes into and comes from.
struct Files {
    restore: Option<CardBackup>,
    backup: Option<BackupFile>,
}

impl Files {
    /// Opens them. The script is told which it needs and which it has no use for.
    fn open(text: &[u8], args: &Args, vault: &Arc<Vault>) -> anyhow::Result<Self> {
        let (backup, restore) = (args.backup.is_some(), args.restore.is_some());
        let checked = check(text, &BTreeMap::new(), Need::Nothing);
        require_backup(&checked, Keeps { backup, restore, nothing: args.no_backup }, "FILE")?;
        let restore = args.restore.as_deref().map(|file| {
            BackupFile::read(file, vault).map_err(|error| match error {
                BackupFileError::Read { source, .. } => input::unreadable(file, source),
                other => failure(other),
            })
        });
        let backup = args.backup.as_deref().map(|file| {
            let vault = (!args.plain_backup).then(|| Arc::clone(vault));
            let backup = BackupFile::new(file, vault).map_err(failure)?;
            output::check_place(file)?;
            anyhow::Ok(backup)
        });
        Ok(Self { restore: restore.transpose()?, backup: backup.transpose()? })
    }
}

/// The script with values given, when nothing is wrong with it; each problem is told.
fn sound(script: &str, text: &[u8], given: &Values, need: Need) -> anyhow::Result<Checked> {
    let checked = check(text, given, need);
    for problem in &checked.problems {
        let is_key = |name: &str| declared_keys(&checked.script).any(|(_, key)| key == name);
        let or = match &problem.kind {
            ProblemKind::NoValue { name } if is_key(name) => ", or name a source of keys with --keys",
            _ => "",
        };
        output::note(&format!("{script}:{problem}{or}"));
    }
    match checked.problems.iter().filter(|problem| problem.severity() == Severity::Error).count() {
        0 => Ok(checked),
        errors => {
            let why = format!("{script} has {}; nothing was sent", counted(errors, "error"));
            Err(Failure::because(Exit::Config, why))
        }
    }
}

fn execute(
    script: &str,
    checked: &Checked,
    (keys, rings): (Vec<Key>, &KeyRings),
    card: Option<Matched<'_>>,
    Files { restore, mut backup }: Files,
    args: &Args,
    global: &Global,
) -> anyhow::Result<Exit> {
    let app = open_app(global)?;
    // One whose row was looked for is connected still: nobody can have put another in its place.
    let (mut card, iccid, attested) = match card {
        Some(Matched { card, iccid, row }) => (card, Some(iccid), row.allow_once),
        None => {
            let mut card = connect(args.reader.as_deref().unwrap_or_default(), global)?;
            let iccid = number(&mut card)?;
            (card, iccid, false)
        }
    };
    let keys = complete(checked, keys, rings, iccid.as_ref())?;
    let policy = match &iccid {
        Some(card) if attested => app.key_policy().allowing_once(card),
        card => rings.policy(card.as_ref(), &app.key_policy()),
    };
    let journal = app.key_journal();
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
    let mut done = Done::new(script, &report, file);
    done.keeps = args.backup.is_some();
    let stopped = report.stopped;
    output::emit(global.format, &done)?;
    match stopped {
        None => Ok(Exit::Ok),
        Some(error) => Err(Failure::because(exit(&error, done.changes), format!("{script}:{error}"))),
    }
}

/// A script that was stopped after it had changed something has failed, whatever stopped it; only a key goes before.
fn exit(error: &ScriptError, changes: u32) -> Exit {
    match (error, error.exit()) {
        (ScriptError::Key { .. }, exit) => exit,
        (_, _) if changes > 0 => Exit::Failed,
        (_, exit) => exit,
    }
}

/// The keys that the script declares, as they are given by name, else as the card's row has them.
fn keys(checked: &Checked, given: &Values, of_row: &[Key]) -> anyhow::Result<Vec<Key>> {
    let read = |(id, name): (KeyId, &str)| match given.get(name) {
        Some(text) => {
            let key = Key::read(id, text);
            Some(key.map_err(|why| Failure::because(Exit::Usage, format!("--set {name}=…: {why}"))))
        }
        None => of_row.iter().find(|key| key.id == id).cloned().map(Ok),
    };
    declared_keys(&checked.script).filter_map(read).collect()
}

/// The card's number, where it tells one; the card is as fresh afterwards as it was.
fn number(card: &mut LoneCard) -> anyhow::Result<Option<Iccid>> {
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

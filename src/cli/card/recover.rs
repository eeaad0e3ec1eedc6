//! `bootgate card recover`: a write that was cut off, on to its end or back to its beginning.

use std::fmt;

use serde::Serialize;

use super::{
    args::{ChangeArgs, ConsentArgs},
    connect, failure, file_system, open_existing_app,
    refusal::iccid,
};
use crate::{
    app::App,
    card::{
        ChangedKey, FileError, KeyGuard, Origin, PendingSummary, PendingWrite, RecoverError, Recovered,
        Standing, Way, WriteJournalError, examine, forget, recover,
    },
    cli::{Exit, Failure, Global, output},
    ident::{Iccid, counted, printable},
};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Reader, as `card list` names it, or the beginning of its name where no other begins so.
    #[arg(short, long, value_name = "READER", required_unless_present_any = ["list", "iccid"])]
    reader: Option<String>,
    /// Goes on with the interrupted write, to its end.
    #[arg(long)]
    resume: bool,
    /// Takes the interrupted write back: the card holds again what it held before.
    #[arg(long, conflicts_with = "resume")]
    roll_back: bool,
    /// Drops the interrupted write from the journal and leaves the card as it is. For a person who has looked at it.
    #[arg(long, conflicts_with_all = ["resume", "roll_back"])]
    forget: bool,
    /// Number of the card, for `--forget` when it is in no reader any more.
    #[arg(long, value_name = "DIGITS", requires = "forget", conflicts_with = "reader", value_parser = iccid)]
    iccid: Option<Iccid>,
    /// Lists the cards whose writes were interrupted. Needs no reader.
    #[arg(long, conflicts_with_all = ["reader", "resume", "roll_back", "forget"])]
    list: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let app = open_existing_app(global)?;
    let writes = app.write_journal();
    if args.list {
        output::emit(global.format, &List { cards: writes.list().map_err(failure)? })?;
        return Ok(Exit::Ok);
    }
    if let Some(card) = &args.iccid {
        return drop_entry(args, global, &app, card);
    }
    let keys = args.change.keys()?;
    let rings = args.change.adm.rings(&app)?;
    let mut transport = connect(args.reader.as_deref().unwrap_or_default(), global)?;
    let mut fs = file_system(&mut transport, global)?;
    let card = fs.iccid().map_err(failure)?;
    let keys = rings.complete(Some(&card), &keys).map_err(failure)?;
    if args.forget {
        return drop_entry(args, global, &app, &card);
    }
    let Some(entry) = writes.pending(&card).map_err(failure)? else {
        output::emit(global.format, &Report { card, pending: None, recovered: None })?;
        return Ok(Exit::Ok);
    };
    if entry.under_way {
        return Err(failure(WriteJournalError::UnderWay { card }));
    }
    let (journal, policy) = (app.key_journal(), rings.policy(Some(&card), &app.key_policy()));
    let guard = KeyGuard::new(&*journal, &policy);
    let keys = entry.write.still_valid(&keys);
    let standing = args.change.with_pins(&mut fs, &keys, &guard, |fs| examine(fs, &entry.write))?;
    let chosen = args.resume || args.roll_back;
    let pending = match standing {
        // How far it came is seen with a key that either way takes as well.
        Err(RecoverError::Denied { .. }) if chosen && !args.change.consent.dry_run => None,
        standing => Some(Pending::new(&entry.write, standing.map_err(failure)?)),
    };
    let way = match (args.resume, args.roll_back) {
        (true, _) => Way::Resume,
        (_, true) => Way::RollBack,
        // As far as it came, all of it is there; what was to come is not known.
        _ if pending.as_ref().is_some_and(|pending| pending.script && !pending.standing.is_old()) => {
            output::emit(global.format, &Report { card, pending, recovered: None })?;
            if args.change.consent.dry_run {
                return Ok(Exit::Ok);
            }
            let why = "give --roll-back to take the script back (it cannot be gone on with), or --forget to leave the card as it is";
            return Err(Failure::because(Exit::Usage, why));
        }
        // All or nothing of it is there: there is nothing to choose.
        _ if pending.as_ref().is_some_and(|p| p.standing.is_new() || p.standing.is_old()) => Way::Settle,
        _ => {
            output::emit(global.format, &Report { card, pending, recovered: None })?;
            if args.change.consent.dry_run {
                return Ok(Exit::Ok);
            }
            return Err(Failure::because(
                Exit::Usage,
                "give --resume to go on to its end, or --roll-back to take it back",
            ));
        }
    };
    if args.change.consent.dry_run {
        output::emit(global.format, &Report { card, pending, recovered: None })?;
        return Ok(Exit::Ok);
    }
    if global.format == crate::cli::Format::Text {
        let keys =
            || entry.write.keys.iter().map(|key| format!("{:02X}", key.0)).collect::<Vec<_>>().join(", ");
        output::text(&pending.as_ref().map_or_else(
            || {
                format!(
                    "a write to this card was interrupted; how far it came is not seen without a key of it ({})",
                    keys()
                )
            },
            ToString::to_string,
        ))?;
    }
    if !args.change.consent.can_ask() {
        return Err(ConsentArgs::missing());
    }
    let question = match way {
        Way::Resume => "Go on with this write to its end?",
        Way::RollBack => "Take this write back?",
        Way::Settle => "Close this write?",
    };
    if !args.change.consent.ask(question) {
        output::note("nothing was changed");
        return Ok(Exit::Failed);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let mut jobs = app.job_writes(runtime.handle().clone());
    let recovered = recover(&mut fs, &entry, way, &keys, &guard, &*writes, &mut jobs).map_err(failure)?;
    let pending = pending.filter(|_| global.format == crate::cli::Format::Json);
    output::emit(global.format, &Report { card, pending, recovered: Some(recovered) })?;
    Ok(Exit::Ok)
}

/// Drops the entry of a card. Whatever becomes of it then, no value goes to a key that the script may have changed.
fn drop_entry(args: &Args, global: &Global, app: &App, card: &Iccid) -> anyhow::Result<Exit> {
    let writes = app.write_journal();
    let summary = writes.list().map_err(failure)?.into_iter().find(|summary| summary.card == *card);
    let Some(summary) = summary else {
        output::emit(global.format, &Forgotten::of(card, false))?;
        return Ok(Exit::Ok);
    };
    let mut report = Forgotten::of(card, true);
    if !args.change.consent.dry_run {
        if !args.change.consent.can_ask() {
            return Err(ConsentArgs::missing());
        }
        if !args.change.consent.ask("Forget what this card held before, and leave it as it is?") {
            output::note("nothing was changed");
            return Ok(Exit::Failed);
        }
        let (journal, policy) = (app.key_journal(), app.key_policy());
        report.in_doubt = forget(&*writes, &summary, &KeyGuard::new(&*journal, &policy)).map_err(failure)?;
        report.forgotten = true;
    }
    output::emit(global.format, &report)?;
    Ok(Exit::Ok)
}

/// An interrupted write and where it stands.
#[derive(Serialize)]
struct Pending {
    /// What it is done for, in the words of whoever began it: a job, or the name of a script.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// True for a script: it can only be taken back.
    script: bool,
    /// The keys that a recovery presents.
    keys: Vec<String>,
    /// What was done to keys besides; it is not taken back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys_stay: Vec<ChangedKey>,
    #[serde(flatten)]
    standing: Standing,
}

impl Pending {
    fn new(write: &PendingWrite, standing: Standing) -> Self {
        let keys = write.keys.iter().map(|key| format!("{:02X}", key.0)).collect();
        let (reference, script) = (write.reference.clone(), write.origin == Origin::Script);
        let keys_stay = write.changed_keys().to_vec();
        Self { reference, script, keys, keys_stay, standing }
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reference.as_ref().filter(|_| self.script) {
            Some(script) => {
                write!(
                    f,
                    "{} was interrupted on this card; as far as it came: {}",
                    printable(script),
                    self.standing
                )?;
            }
            None => write!(f, "a write to this card was interrupted: {}", self.standing)?,
        }
        if !self.keys.is_empty() {
            write!(f, "\nneeds key {}", self.keys.join(", "))?;
        }
        self.keys_stay.iter().try_for_each(|changed| write!(f, "\nis not taken back: {changed}"))
    }
}

#[derive(Serialize)]
struct Report {
    card: Iccid,
    pending: Option<Pending>,
    recovered: Option<Recovered>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pending, &self.recovered) {
            (None, None) => write!(f, "no write to card {} was interrupted", self.card),
            (Some(pending), None) => write!(f, "card {}\n{pending}", self.card),
            (_, Some(recovered)) => write!(f, "ok: {recovered}"),
        }
    }
}

#[derive(Serialize)]
struct List {
    cards: Vec<PendingSummary>,
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cards.is_empty() {
            return f.write_str("no write was interrupted");
        }
        let line = |summary: &PendingSummary| {
            let began = summary.began.map_or(String::new(), |began| format!(", began {began}"));
            let script = if summary.origin == Origin::Script { " of a script" } else { "" };
            let now = if summary.under_way { ", under way at this moment" } else { "" };
            let steps = match summary.steps {
                // That is in the journal, too, and nothing that could be taken back.
                0 => "keys alone".to_owned(),
                steps => counted(steps, "step"),
            };
            format!("{}  {steps}{script}{began}{now}", summary.card)
        };
        f.write_str(&self.cards.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

#[derive(Serialize)]
struct Forgotten {
    card: Iccid,
    pending: bool,
    forgotten: bool,
    /// Keys that the script changed, or was about to: no value of them goes to the card.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    in_doubt: Vec<ChangedKey>,
}

impl Forgotten {
    fn of(card: &Iccid, pending: bool) -> Self {
        Self { card: card.clone(), pending, forgotten: false, in_doubt: Vec::new() }
    }
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pending, self.forgotten) {
            (false, _) => write!(f, "no write to card {} was interrupted", self.card),
            (true, false) => {
                write!(f, "a write to card {} was interrupted; it would be forgotten", self.card)
            }
            (true, true) => write!(f, "card {}: the interrupted write is forgotten", self.card),
        }?;
        self.in_doubt.iter().try_for_each(|changed| write!(f, "\n  {changed}"))?;
        if self.in_doubt.is_empty() {
            return Ok(());
        }
        write!(
            f,
            "\n  no value of it goes to the card before somebody has found out which one it takes: then run \
             `bootgate card clear-refusal --iccid {}`",
            self.card
        )
    }
}

/// Says that a write to this card was interrupted, when one was, for actions that change nothing. A store that is not there
/// yet is not made for that.
pub(super) fn interrupted(
    fs: &mut crate::card::FileSystem<'_>,
    global: &Global,
) -> anyhow::Result<Option<PendingSummary>> {
    let config = crate::cli::config::load(global, Vec::new())?;
    if !config.store.path.exists() {
        return Ok(None);
    }
    let card = match fs.iccid() {
        Ok(card) => card,
        Err(FileError::Transport(error)) => return Err(failure(error)),
        Err(_) => return Ok(None),
    };
    let pending = open_existing_app(global)?.write_journal().list().map_err(failure)?;
    Ok(pending.into_iter().find(|summary| summary.card == card))
}

//! `bootgate batch run --dry-run`: what each row would bring to its card. No store is made, no key is presented, nothing is written;
//! cards that lie in readers are read, to say what would change on them.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::Serialize;

use super::{RunArgs, asked, task};
use crate::{
    app::{App, OsRandom, config::Card as CardConfig},
    bootstrap::{build, resolve, usim_files},
    card::{
        Addressing, AdmKeys, CardTransport, FileSystem, Pcsc, Plan, PlanOptions, Session, TransportError,
        plan,
        script::{Entry, dry_run},
        survey,
    },
    cli::{
        Exit, Global,
        batch::{Checked, look},
        card::{bays::choose, connect_within},
        config,
        exit::failure,
        output,
    },
    ident::{Iccid, ReaderName, counted},
    job::{
        batch::{Row, ScriptWork, Task, Work},
        describe,
    },
    profile::Subscriber,
    wire::script::EffectKind,
};

pub(super) fn run(args: &RunArgs, global: &Global) -> anyhow::Result<Exit> {
    let config = config::load(global, Vec::new())?;
    let reach = Reach::of(&config.card);
    let vault = App::vault_of(&config, Arc::new(OsRandom));
    let rings = args.rings.open_with(&config, &vault)?;
    let task = task(args, rings, &vault)?;
    let (script, asked_for) = asked(&task);
    let readers = if script.is_none() { readers(args, &config.card.bays)? } else { Vec::new() };
    let (batch, report) = look(&args.table, script, Some(asked_for), config, &vault)?;
    let file = args.table.file.display().to_string();
    if !report.is_sound() {
        output::emit(global.format, &Checked { file, report })?;
        return Ok(Exit::Config);
    }
    for problem in &report.problems {
        output::note(&format!("{file}:{problem}"));
    }
    let mut cards = there(&readers, reach);
    let rows = batch.rows.iter().map(|row| {
        let iccid = row.subscriber.iccid.clone();
        let reader = iccid.as_ref().and_then(|iccid| cards.remove(iccid));
        let what = match &task {
            Task::Script(work) => What::script(work, row),
            Task::Bootstrap(work) => What::bootstrap(work, row, reader.as_ref(), reach)?,
        };
        anyhow::Ok(PlannedRow { line: row.line, iccid, done: report.is_done(row.line), reader, what })
    });
    let rows = rows.collect::<Result<_, _>>()?;
    output::emit(global.format, &Planned { file, rows })?;
    Ok(Exit::Ok)
}

/// The readers that were named, or all; without any, rows are shown for themselves.
pub(super) fn readers(args: &RunArgs, labels: &[crate::card::Label]) -> anyhow::Result<Vec<ReaderName>> {
    let chosen = match choose(&args.reader, labels) {
        Ok(chosen) => chosen,
        Err(error) if !args.reader.is_empty() => return Err(error),
        Err(error) => {
            output::note(&format!("no card is looked at: {error:#}"));
            return Ok(Vec::new());
        }
    };
    let there = survey(&Pcsc, labels).map_err(failure)?;
    Ok(there.into_iter().filter(|found| chosen.contains(&found.bay)).map(|found| found.reader).collect())
}

/// The cards in readers. One that does not tell its number is none that a row names.
pub(super) fn there(readers: &[ReaderName], reach: Reach) -> BTreeMap<Iccid, ReaderName> {
    let number = |reader: &ReaderName| {
        let mut card = connect_within(reader.as_str(), reach.watchdog).ok()?;
        reach.files(&mut card).ok()?.iccid().ok()
    };
    readers.iter().filter_map(|reader| Some((number(reader)?, reader.clone()))).collect()
}

/// How cards in readers are reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// How long one may take for an answer.
    watchdog: Duration,
    /// How it is spoken to.
    addressing: Addressing,
}

impl Reach {
    pub(super) fn of(config: &CardConfig) -> Self {
        Self { watchdog: config.watchdog, addressing: config.addressing }
    }

    /// The files of a card that was connected just now.
    fn files(self, card: &mut dyn CardTransport) -> Result<FileSystem<'_>, TransportError> {
        let mut session = Session::new(card);
        session.address(self.addressing)?;
        Ok(FileSystem::new(session))
    }
}

/// What all rows would bring.
#[derive(Serialize)]
struct Planned {
    file: String,
    rows: Vec<PlannedRow>,
}

#[derive(Serialize)]
struct PlannedRow {
    line: u64,
    /// The card; none where rows go to cards as they come.
    iccid: Option<Iccid>,
    /// Whether the card was done by an earlier run; a job that is under way has not done it.
    done: bool,
    /// The reader that the card is in now.
    reader: Option<ReaderName>,
    #[serde(flatten)]
    what: What,
}

/// What a row would bring.
#[derive(Serialize)]
#[serde(untagged)]
enum What {
    Bootstrap {
        /// The payload, and settings files of the USIM: what each would hold, in octets.
        files: Vec<PlannedFile>,
        /// What would change on the card, where it is in a reader and can be read without a PIN.
        plan: Option<Plan>,
        /// Why there is no plan although the card is in a reader.
        #[serde(skip_serializing_if = "Option::is_none")]
        unplanned: Option<String>,
    },
    Script {
        /// Files that the script declares to change, and how.
        changes: Vec<String>,
        /// Its commands.
        entries: Vec<Entry>,
    },
}

#[derive(Serialize)]
struct PlannedFile {
    file: String,
    octets: usize,
}

impl What {
    fn script(work: &ScriptWork, row: &Row) -> Self {
        let checked = work.checked(row);
        let changes = checked.declared.all().filter(|(kind, _)| *kind != EffectKind::Reads);
        let changes = changes.map(|(kind, place)| format!("{} {place}", kind.name())).collect();
        Self::Script { changes, entries: dry_run(&checked) }
    }

    /// Secrets are drawn for it, and thrown away.
    fn bootstrap(work: &Work, row: &Row, reader: Option<&ReaderName>, reach: Reach) -> anyhow::Result<Self> {
        let mut subscriber: Subscriber = row.subscriber.clone();
        if subscriber.iccid.is_none() {
            // The card itself will say it; any of that length will do here.
            subscriber.iccid = Iccid::from_card("89000000000000000000").ok();
        }
        let settings = resolve(&work.profile, &subscriber, &OsRandom).map_err(failure)?;
        let payload = build(&settings, work.payload).map_err(failure)?;
        let of_usim = usim_files(&settings, &work.profile.card).map_err(failure)?;
        let layout = work.layout.or(&work.profile.card);
        let wanted = [layout.file(&payload)];
        let file = format!("{} ({})", wanted[0].label, payload.kind.title());
        let mut files = vec![PlannedFile { file, octets: payload.octets.len() }];
        files.extend(
            of_usim.iter().map(|content| PlannedFile {
                file: content.file.name().to_owned(),
                octets: content.length(),
            }),
        );
        let (mut plan_of_card, mut unplanned) = (None, None);
        if let Some(reader) = reader {
            let mut card = connect_within(reader.as_str(), reach.watchdog).map_err(failure)?;
            let keys = work.rings.complete(row.subscriber.iccid.as_ref(), &row.keys).map_err(failure)?;
            let named: Vec<_> = work.adm.into_iter().collect();
            let adm = AdmKeys::new(&named, &keys);
            let options = PlanOptions { settings: &of_usim, ..layout.options(&adm, &describe) };
            match plan(&mut reach.files(&mut card).map_err(failure)?, &wanted, &options) {
                Ok(plan) => plan_of_card = Some(plan),
                Err(error) => unplanned = Some(error.to_string()),
            }
        }
        Ok(Self::Bootstrap { files, plan: plan_of_card, unplanned })
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for PlannedRow { line, iccid, done, reader, what } in &self.rows {
            let card =
                iccid.as_ref().map_or_else(|| "the next card".to_owned(), |iccid| format!("card {iccid}"));
            write!(f, "line {line}, {card}")?;
            if let Some(reader) = reader {
                write!(f, " in {reader}")?;
            }
            let skipped = match what {
                _ if !done => "",
                What::Bootstrap { .. } => ": done already, and skipped if the card still holds it",
                What::Script { .. } => ": done already, and not looked at",
            };
            writeln!(f, "{skipped}")?;
            match what {
                What::Bootstrap { files, plan, unplanned } => {
                    for PlannedFile { file, octets } in files {
                        writeln!(f, "  {file}: {}", counted(*octets, "octet"))?;
                    }
                    if let Some(plan) = plan {
                        plan.to_string().trim_end().lines().try_for_each(|line| writeln!(f, "    {line}"))?;
                    }
                    if let Some(why) = unplanned {
                        writeln!(f, "    what would change on the card cannot be told: {why}")?;
                    }
                }
                What::Script { changes, entries } => {
                    changes.iter().try_for_each(|change| writeln!(f, "  {change}"))?;
                    entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))?;
                }
            }
        }
        write!(
            f,
            "dry run of {} in {}: nothing was written, and no key presented",
            counted(self.rows.len(), "row"),
            self.file
        )
    }
}

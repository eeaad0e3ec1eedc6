//! `bootgate batch run`: the cards of a table, in as many readers as there are.

mod floor;
mod hook;
mod plan;
mod results;
mod scanner;
mod screen;
mod table;

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;

use self::{
    floor::{Books, Floor},
    hook::{Heard, Hook},
    plan::Reach,
    results::Results,
    scanner::Scanner,
    screen::Screen,
};
use super::{
    Asked, TableArgs, compare,
    script::{KeepArgs, ScriptArgs},
    table_with,
};
use crate::{
    app::SystemClock,
    bootstrap::PayloadKind,
    card::{Bay, BayConfig, KeyRings, Pcsc},
    cli::{
        Exit, Failure, Global,
        card::{
            args::{ConsentArgs, KeyRingArgs, LayoutArgs, key_ref},
            bays::{bay_config, choose},
            open_app,
        },
        factory, output, profile,
        secret::SecretSource,
    },
    ident::{Clock as _, Timestamp, counted},
    job::batch::{Matching, Run, ScriptWork, Shift, Task, Totals, Work},
    vault::Vault,
    wire::arr::KeyRef,
};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RunArgs {
    #[command(flatten)]
    table: TableArgs,
    /// Kind of payload: cp or dm.
    #[arg(long = "as", value_name = "KIND", conflicts_with = "script")]
    kind: Option<PayloadKind>,
    #[command(flatten)]
    script: ScriptArgs,
    #[command(flatten)]
    keep: KeepArgs,
    /// Reader: its label, its name as `card list` shows it, or the beginning of that; may be given more than once. Without it,
    /// all readers, those that are plugged in later included.
    #[arg(short, long, value_name = "READER")]
    reader: Vec<String>,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    rings: KeyRingArgs,
    /// Which administrative key the cards mean where they do not say it (compact access rules), or mean another by their access
    /// level (SIM, R-UIM) than those at hand: 0A is adm1. One that no column is called for (04 to 09, 11) is what adm1 of the table
    /// and of sources of keys is.
    #[arg(long, value_name = "REF", value_parser = key_ref, conflicts_with = "script")]
    adm_ref: Option<KeyRef>,
    /// Speaks to the cards in class A0: a UICC that knows it is in 2G mode then. As `[card] class` of the configuration does;
    /// commands of scripts have their own class.
    #[arg(long = "2g")]
    two_g: bool,
    /// Goes on after a card refused its key. Without it the batch stops there: the next card may be of the same wrong lot.
    #[arg(long)]
    go_on: bool,
    /// Asks for the number printed on each card, as a barcode scanner types it, before anything is written. For one reader.
    #[arg(long)]
    scan: bool,
    /// Where the results go: one JSON object a line, added to what is there. Without it, beside the table, with the ending
    /// .results.jsonl.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// The same results as CSV, those of earlier runs too: a file that is not there yet, or the one of the run that is gone on with.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Command that is run for each result, with its JSON object on standard input and the bin, good or bad, as its last
    /// argument.
    #[arg(long, value_name = "COMMAND")]
    hook: Option<PathBuf>,
    /// How long that command may take for one result. Then it is ended.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    hook_limit: u64,
    /// Private Ed25519 key (PKCS#8 PEM) that signs the results after each card: @FILE or env:NAME. `batch verify` checks them.
    #[arg(long, value_name = "SECRET")]
    sign_key: Option<SecretSource>,
    #[command(flatten)]
    consent: ConsentArgs,
}

pub(super) fn run(args: &RunArgs, global: &Global) -> anyhow::Result<Exit> {
    let global = &global.in_2g(args.two_g);
    if args.consent.dry_run {
        return plan::run(args, global);
    }
    // What is wrong with the command line is told before the store, the sources of keys and the readers are asked.
    let path = args.results.clone().unwrap_or_else(|| args.table.file.with_extension("results.jsonl"));
    let sign_key = args.sign_key.as_ref().map(factory::signing_key).transpose()?;
    Results::check(&path, args.csv.as_deref(), sign_key.as_ref())?;
    args.hook.as_deref().map_or(Ok(()), hook::check)?;
    let app = open_app(global)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let rings = args.rings.open(&app)?;
    let task = task(args, rings, app.vault())?;
    let (script, asked_for) = asked(&task);
    let (batch, mut report) = table_with(&args.table, script, app.vault())?;
    compare(&mut report, &batch, asked_for, args.table.reissue, &app, &runtime)?;
    let name = args.table.file.display();
    if !report.is_sound() {
        output::emit(global.format, &super::Checked { file: name.to_string(), report })?;
        return Ok(Exit::Config);
    }
    for problem in &report.problems {
        output::note(&format!("{name}:{problem}"));
    }
    let keepers = app.keepers();
    if batch.matching == Matching::FirstCome
        && Results::name_rows(&path)?
        && !runtime.block_on(keepers.know(&batch))?
    {
        return Err(Failure::because(
            Exit::Config,
            format!(
                "{name} does not name its cards, and {} has results of another station or database: rows that were given \
                 away would be given again. Run it where they were given away, or take their lines out of the table and \
                 name another file with --results",
                output::name(&path)
            ),
        ));
    }
    if !args.consent.can_ask() {
        return Err(ConsentArgs::missing());
    }
    let (bays, asked) = (choose(&args.reader, &app.config().card.bays)?, !args.reader.is_empty());
    if args.scan && bays.len() != 1 {
        return Err(Failure::because(Exit::Usage, "--scan is for one reader; name it with -r"));
    }
    let (cards, readers) = (counted(report.rows, "card"), counted(bays.len(), "reader"));
    let bootstraps = script.is_none();
    let question = match script {
        Some(work) => format!("Run {} on {cards} in {readers}?", work.name),
        None => format!("Write {cards} in {readers}?"),
    };
    if !args.consent.ask(&question) {
        output::note("nothing was changed");
        return Ok(Exit::Failed);
    }

    let run = runtime.block_on(Run::begin(app.card_route(), &keepers, task, batch, !args.go_on))?;
    let run = Arc::new(run);
    if bootstraps && run.totals().before > 0 {
        // Those that lie in readers are not called good unseen. One that cannot be read now is not waited for.
        let readers = plan::readers(args, &app.config().card.bays).unwrap_or_default();
        let reach = Reach::of(&app.config().card);
        plan::there(&readers, reach).keys().for_each(|card| run.expect(card));
    }
    let hook = args.hook.clone().map(|hook| Hook::start(hook, Duration::from_secs(args.hook_limit)));
    let mut results = Results::open(&path, args.csv.as_deref(), hook, sign_key, global.format)?;

    let began = SystemClock.now();
    let config = BayConfig { only: (asked || args.scan).then(|| bays.clone()), ..bay_config(app.config()) };
    let shift = Shift::begin(Arc::clone(&run), Arc::new(Pcsc), config, runtime.handle().clone())?;
    let screen = Screen::new(began);
    let floor = Floor {
        shift,
        stop: stop_on_ctrl_c(&runtime),
        screen: &screen,
        results: &mut results,
        scanner: args.scan.then(Scanner::start),
        to_scan: None,
        scanned: None,
        troubles: HashMap::new(),
    };
    let books = floor.work();
    screen.clear();
    let heard = results.finish();
    let books = books?;
    let mut summary = Summary::new(&run, books, &results, began, SystemClock.now());
    summary.hook = heard;
    let exit = summary.exit();
    output::emit(global.format, &summary)?;
    Ok(exit)
}

/// What a table is checked for.
fn asked(task: &Task) -> (Option<&ScriptWork>, Asked<'_>) {
    match task {
        Task::Bootstrap(work) => (None, Asked::Profile(work.wanted())),
        Task::Script(work) => (Some(work), Asked::Script(work)),
    }
}

/// What is done with each card.
fn task(args: &RunArgs, rings: KeyRings, vault: &Arc<Vault>) -> anyhow::Result<Task> {
    if let Some(mut work) = args.script.work(|| Ok(rings.clone()))? {
        if !args.consent.dry_run {
            args.keep.fill(&mut work, vault)?;
        }
        return Ok(work.into());
    }
    let (file, payload) = match (&args.table.profile, args.kind) {
        (Some(file), Some(payload)) => (file, payload),
        (file, payload) => {
            let missing = [
                file.is_none().then_some("--profile FILE (what they get)"),
                payload.is_none().then_some("--as KIND (cp or dm, the kind of payload)"),
            ];
            let missing: Vec<_> = missing.into_iter().flatten().collect();
            let why = format!(
                "what the cards are to get is not wholly said: give {}; or --script FILE, to run a script on each",
                missing.join(" and ")
            );
            return Err(Failure::because(Exit::Usage, why));
        }
    };
    let rings = args.adm_ref.into_iter().fold(rings, KeyRings::meaning);
    let (profile, layout, again) = (profile::load(file)?, args.layout.layout(), args.script.again);
    Ok(Work { profile, payload, layout, adm: args.adm_ref, rings, again }.into())
}

/// Becomes true when somebody presses Ctrl-C.
fn stop_on_ctrl_c(runtime: &tokio::runtime::Runtime) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            output::note("stopping when the cards in hand are done");
            asked.store(true, Ordering::Relaxed);
        }
    });
    stop
}

/// What a run came to.
#[derive(Serialize)]
struct Summary {
    #[serde(flatten)]
    totals: Totals,
    /// Keys that were refused, whatever else came of their cards.
    keys_refused: usize,
    /// Cards that went into the bad bin, those of no row included.
    bad: usize,
    /// Cards that were none of the table's, or could not be worked on now.
    skipped: usize,
    seconds: u64,
    results: String,
    bays: Vec<Bay>,
    /// Threads whose card did not answer, and that were left behind.
    left_behind: Vec<String>,
    /// What the command of `--hook` heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<Heard>,
}

impl Summary {
    fn new(run: &Run, books: Books, results: &Results, began: Timestamp, ended: Timestamp) -> Self {
        Self {
            totals: run.totals(),
            keys_refused: run.keys_refused(),
            bad: results.bad,
            skipped: results.skipped.len(),
            seconds: ended.since(began).as_secs(),
            results: results.path.display().to_string(),
            bays: books.bays,
            left_behind: books.left_behind.iter().map(|name| name.to_string()).collect(),
            hook: None,
        }
    }

    /// Good only when every row's card is, and the hook has taken every result.
    fn exit(&self) -> Exit {
        let rows = self.totals.rows;
        if self.totals.good() == rows {
            // Whoever sorts cards by what the command does must not take a card for sorted that it did not hear of.
            if self.hook.is_none_or(Heard::is_all) { Exit::Ok } else { Exit::Failed }
        } else if self.keys_refused > 0 {
            Exit::Refused
        } else {
            Exit::Failed
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} s", self.totals, self.seconds)?;
        if self.skipped > 0 {
            let (cards, were) =
                (counted(self.skipped, "card"), if self.skipped == 1 { "was" } else { "were" });
            write!(f, "; {cards} {were} not of this table or could not be worked on")?;
        }
        for bay in self.bays.iter().filter(|bay| bay.bad_contacts > 0) {
            write!(
                f,
                "\n{}: {} of {} had bad contact; clean the reader's contacts",
                bay.bay,
                bay.bad_contacts,
                counted(bay.cards, "card")
            )?;
        }
        for thread in &self.left_behind {
            write!(f, "\nthread `{thread}` was left behind: its card did not answer")?;
        }
        if let Some(heard) = self.hook.filter(|heard| !heard.is_all()) {
            write!(f, "\n{heard}")?;
        }
        write!(f, "\nresults are in {}", self.results)
    }
}

//! `bootgate card watch`: the station.

mod desk;
mod news;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Runtime;

use super::{
    args::{AdmArgs, LayoutArgs, PinArgs},
    bays::{bay_config, choose},
    open_app,
};
use crate::{
    app::App,
    bootstrap::PayloadKind,
    card::{BayConfig, BayEvent, BayName, BayNews, Bays, KeyId, Pcsc, PendingWrite, Plan, Work, Worked},
    cli::{Exit, Failure, Global, batch, output, profile, subscriber::SubscriberArgs},
    ident::{Iccid, counted},
    job::{
        CardContact, CardJobError, Clerk, KeyStop, Offer, Station, Verdict, Wanted,
        batch::{Matching, Row},
    },
};

use desk::Desk;
use news::{News, Teller};

pub(super) const EXAMPLES: &str = "Examples:
  bootgate card watch                                             says which cards come
  bootgate card watch --profile acme.toml --as cp --table shift.csv --apply
  bootgate card watch -r left --profile acme.toml --as dm --adm @adm.key --apply --yes --once --format json

A table is checked as `batch check --profile` checks it, the store included, before the first card.

With --format json each thing that happens is a JSON object on a line of its own.
Exit status with --once: that of the one card; otherwise 0 after Ctrl-C, and 77 when a refused key has ended it.";

/// How often the station looks whether it is to end.
const TICK: Duration = Duration::from_millis(200);
/// How long threads may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Arguments.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Reader: its label, its name as `card list` shows it, or the beginning of that; may be given more than once. Without it,
    /// all readers, those that are plugged in later included.
    #[arg(short, long, value_name = "READER")]
    reader: Vec<String>,
    /// Profile (TOML) that cards may get.
    #[arg(long, value_name = "FILE", requires = "kind")]
    profile: Option<PathBuf>,
    /// Kind of payload: cp or dm.
    #[arg(long = "as", value_name = "KIND", requires = "profile")]
    kind: Option<PayloadKind>,
    /// Table (CSV, as for `batch run`) with a row for each card that may get it. Without it, every card may.
    #[arg(long, value_name = "FILE", requires = "profile")]
    table: Option<PathBuf>,
    /// What the table's columns are called (TOML), where they do not have their own names.
    #[arg(long, value_name = "FILE", requires = "table")]
    columns: Option<PathBuf>,
    /// Takes rows with an IMSI that a job has given to another card: the cards of this table replace others. Without it such rows
    /// are errors.
    #[arg(long, requires = "table")]
    reissue: bool,
    #[command(flatten)]
    subscriber: SubscriberArgs,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    adm: AdmArgs,
    #[command(flatten)]
    pin: PinArgs,
    /// Writes what waits for a card, when you agree to the plan.
    #[arg(long, requires = "profile")]
    apply: bool,
    /// Agrees to every plan.
    #[arg(short, long, requires = "apply")]
    yes: bool,
    /// Goes on after a card refused its key. Without it, a station presents no key any more then, and ends: the next card may be of
    /// the same wrong lot.
    #[arg(long, requires = "apply")]
    go_on: bool,
    /// Ends after the first card.
    #[arg(long)]
    once: bool,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let app = open_app(global)?;
    let labels = &app.config().card.bays;
    let only = if args.reader.is_empty() { None } else { Some(choose(&args.reader, labels)?) };
    let runtime = Runtime::new()?;
    let offer = offer(args, &app, &runtime)?;
    let stop = Arc::new(AtomicBool::new(false));
    let desk = Arc::new(Desk::open(args.yes || !args.apply, Arc::clone(&stop)));
    let keys = KeyStop::new(!args.go_on);
    let post = Post {
        station: Arc::new(Station::new(app.card_route(), offer)),
        teller: Teller::new(global.format),
        desk,
        apply: args.apply,
    };
    let asked = Arc::clone(&stop);
    runtime.spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            asked.store(true, Ordering::Relaxed);
        }
    });
    let config = BayConfig { only, ..bay_config(app.config()) };
    let mut bays = Bays::open(Arc::new(Pcsc), config)?;
    let (mut in_hand, mut exit) = (HashMap::new(), Exit::Ok);
    // A card in hand is done before the station closes; the desk agrees to nothing any more by then.
    while !in_hand.is_empty() || !stop.load(Ordering::Relaxed) {
        let Some(BayEvent { bay, news }) = bays.next(TICK) else { continue };
        let Some(bay) = bay else {
            post.teller.service(&news);
            continue;
        };
        if let BayNews::CardIn { stay } = &news {
            if !stop.load(Ordering::Relaxed) {
                let contact = Arc::new(post.station.contact(&keys));
                in_hand.insert(bay.clone(), Arc::clone(&contact));
                bays.work(stay, post.work(bay, contact, runtime.handle().clone()));
            }
            continue;
        }
        if let (Some(contact), BayNews::Stuck { .. }) = (in_hand.remove(&bay), &news) {
            contact.give_up();
        }
        if let Some(how) = post.teller.bay(&bay, &news)
            && args.once
        {
            exit = how;
            stop.store(true, Ordering::Relaxed);
        }
        if keys.is_stopped() {
            exit = Exit::Refused;
            stop.store(true, Ordering::Relaxed);
        }
    }
    bays.close(PATIENCE);
    if exit == Exit::Refused && !args.once {
        output::note("a card refused its key, which ends the station (--go-on goes on all the same)");
    }
    Ok(exit)
}

/// What cards may get.
fn offer(args: &Args, app: &App, runtime: &Runtime) -> anyhow::Result<Option<Offer>> {
    let (Some(file), Some(payload)) = (&args.profile, args.kind) else { return Ok(None) };
    let profile = profile::load(file)?;
    let rows = match &args.table {
        None => None,
        Some(table) => {
            let wanted = Wanted { profile: &profile, payload: Some(payload), again: false };
            Some(rows(args, table, wanted, app, runtime)?)
        }
    };
    let mut keys = args.adm.keys()?;
    keys.extend(args.pin.key()?);
    let layout = args.layout.layout();
    let (subscriber, adm, rings) = (args.subscriber.read()?, args.adm.named(), args.adm.rings(app)?);
    Ok(Some(Offer { profile, payload, layout, rows, subscriber, keys, adm, rings }))
}

/// The rows of the table by their cards: checked as a batch checks them, against the table itself, the profile, and what was done
/// before.
fn rows(
    args: &Args,
    table: &Path,
    wanted: Wanted<'_>,
    app: &App,
    runtime: &Runtime,
) -> anyhow::Result<HashMap<Iccid, Row>> {
    let name = output::name(table);
    let (batch, mut report) = batch::table(table, args.columns.as_deref(), app.vault())?;
    let asked = batch::Asked::Profile(wanted);
    batch::compare(&mut report, &batch, asked, args.reissue, app, runtime)?;
    for problem in &report.problems {
        output::note(&format!("{name}:{problem}"));
    }
    if !report.is_sound() {
        return Err(Failure::because(Exit::Config, format!("{name} has errors")));
    }
    if batch.matching == Matching::FirstCome {
        let why = "its rows have no ICCIDs, and a station waits for cards that it knows; `bootgate batch run` gives rows to cards as they come";
        return Err(Failure::because(Exit::Config, format!("{name}: {why}")));
    }
    Ok(Offer::rows(batch))
}

/// What works on cards.
struct Post {
    station: Arc<Station>,
    teller: Teller,
    desk: Arc<Desk>,
    apply: bool,
}

impl Post {
    /// Looks at the card in a bay, and does what waits for it.
    fn work(&self, bay: BayName, contact: Arc<CardContact>, runtime: tokio::runtime::Handle) -> Work<Exit> {
        let (station, teller, apply) = (Arc::clone(&self.station), self.teller.clone(), self.apply);
        let desk = Arc::clone(&self.desk);
        Work::new(move |card| {
            let seen = match station.look(card, &runtime) {
                Ok(seen) => seen,
                Err(error) => return Worked::Bad(teller.failed(&bay, &error)),
            };
            let number = seen.iccid.clone().filter(|_| seen.waiting.is_some());
            teller.tell(&bay, &News::Card(Box::new(seen)));
            let Some(iccid) = number else { return Worked::Good(Exit::Ok) };
            if !apply {
                return match station.plan(&iccid, card) {
                    Ok(plan) => {
                        teller.tell(&bay, &News::Plan(Box::new(plan)));
                        Worked::Good(Exit::Ok)
                    }
                    Err(error) => Worked::Bad(teller.failed(&bay, &error)),
                };
            }
            let mut clerk = AtDesk { bay: bay.clone(), teller: teller.clone(), desk: Arc::clone(&desk) };
            match station.work(&iccid, card, &contact, &mut clerk, &runtime) {
                Ok(done) => {
                    teller.tell(&bay, &News::Written(Box::new(done)));
                    Worked::Good(Exit::Ok)
                }
                Err(error @ CardJobError::CalledOff { .. }) => Worked::Good(teller.failed(&bay, &error)),
                Err(error) => Worked::Bad(teller.failed(&bay, &error)),
            }
        })
    }
}

/// Shows plans and asks at the desk.
struct AtDesk {
    bay: BayName,
    teller: Teller,
    desk: Arc<Desk>,
}

impl AtDesk {
    fn asks(&self, question: &str) -> Verdict {
        if self.desk.agrees(&self.bay, question) { Verdict::GoOn } else { Verdict::CallOff }
    }
}

impl Clerk for AtDesk {
    fn planned(&mut self, plan: &Plan) -> Verdict {
        self.teller.tell(&self.bay, &News::Plan(Box::new(plan.clone())));
        let agreed = plan.is_unchanged() || self.desk.agrees(&self.bay, "write this to the card?");
        if agreed { Verdict::GoOn } else { Verdict::CallOff }
    }

    fn pin(&mut self, card: &Iccid, pin: KeyId) -> Verdict {
        self.asks(&format!("card {card} does not let itself be looked at without PIN {pin}; present it?"))
    }

    fn interrupted(&mut self, write: &PendingWrite) -> Verdict {
        let files = counted(write.files().len(), "file");
        self.asks(&format!("an earlier write to the card, of {files}, was interrupted; take it back?"))
    }
}

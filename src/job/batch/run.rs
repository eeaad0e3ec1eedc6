//! One card of a batch, from the bay to its line in the results.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::runtime::Handle;

use super::{
    Assignment, Bin, Ending, Hand, Ledger, Row, Totals,
    check::{is_of, is_standing},
};
use crate::{
    bootstrap::{Payload, PayloadKind},
    card::{
        ApplyError, BOOTSTRAP_OBJECTS, CardTransport, Depth, FileSystem, KeyError, KeyRings, RecoverError,
        Session, locate,
    },
    ident::{Iccid, JobId, Timestamp},
    job::{
        CardDone, CardJob, CardJobError, CardRoute, Event, JobsError, Layout, Observer, Reason, State, Step,
        card::holds,
    },
    profile::{Profile, Subscriber},
};

/// The most jobs that a row with a name may make.
const MOST_JOBS: u32 = 20;

/// What every card of a run gets.
#[derive(Debug, Clone)]
pub struct Work {
    /// The profile.
    pub profile: Profile,
    /// What the payload is.
    pub payload: PayloadKind,
    /// How it goes on the card.
    pub layout: Layout,
    /// Where keys come from that the table does not have.
    pub rings: KeyRings,
}

/// A run: the way to the cards, what they get, and the book. Bays share it.
pub struct Run {
    route: CardRoute,
    work: Work,
    ledger: Mutex<Ledger>,
}

/// How one card ended: a line of the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardResult {
    /// When it ended.
    pub at: Timestamp,
    /// The bay it was in.
    pub bay: String,
    /// The line of the table; none for a card without one.
    pub line: Option<u64>,
    /// The card; none when it could not be read.
    pub iccid: Option<Iccid>,
    /// How it ended.
    pub ending: Ending,
    /// Where it goes.
    pub bin: Bin,
    /// The job.
    pub job: Option<JobId>,
    /// Where the job stands.
    pub state: Option<State>,
    /// Why it ended so, where it is not good.
    pub reason: Option<String>,
    /// Octets of the bootstrap that was read back.
    pub octets: Option<usize>,
    /// SHA-256 of the bootstrap that was read back, in hexadecimal.
    pub sha256: Option<String>,
    /// How long the card was worked on.
    pub milliseconds: u64,
    /// Commands that did not come back although the card was not pulled: a sign of bad contacts.
    pub contact_errors: u64,
    /// How often its power was taken away because of that.
    pub repowered: u64,
}

impl CardResult {
    /// A card that nothing was done with yet.
    fn new(at: Timestamp, bay: &str) -> Self {
        Self {
            at,
            bay: bay.to_owned(),
            line: None,
            iccid: None,
            ending: Ending::Skipped,
            bin: Bin::Bad,
            job: None,
            state: None,
            reason: None,
            octets: None,
            sha256: None,
            milliseconds: 0,
            contact_errors: 0,
            repowered: 0,
        }
    }

    /// Notes how long it took until [`CardResult::at`].
    fn took(&mut self, began: Timestamp) {
        self.milliseconds = u64::try_from(self.at.since(began).as_millis()).unwrap_or(u64::MAX);
    }
}

impl Run {
    /// A run over the rows of a book.
    pub fn new(route: CardRoute, work: Work, ledger: Ledger) -> Self {
        Self { route, work, ledger: Mutex::new(ledger) }
    }

    /// Does what there is to do with the card behind `card`, which was connected or reset just now. Blocks; `runtime` is the
    /// one that the keepers live on. `scanned` is the number that was read off the card's print: when it is another, nothing
    /// is written.
    pub fn card(
        &self,
        bay: &str,
        card: &mut dyn CardTransport,
        scanned: Option<&Iccid>,
        runtime: &Handle,
    ) -> CardResult {
        self.card_in_hand(&Hand::new(bay), card, scanned, runtime)
    }

    /// The same with a card in hand: what is found out about it is noted there, for [`Run::give_up`]. When it was given up in
    /// the meantime, what comes of it changes nothing any more.
    pub fn card_in_hand(
        &self,
        hand: &Hand,
        card: &mut dyn CardTransport,
        scanned: Option<&Iccid>,
        runtime: &Handle,
    ) -> CardResult {
        let began = self.route.clock.now();
        let mut result = CardResult::new(began, &hand.bay);
        if !hand.begin(began) {
            return result;
        }
        let read = FileSystem::new(Session::new(card)).iccid();
        match read {
            Ok(iccid) => self.known(&mut result, hand, iccid, card, scanned, runtime),
            Err(error) => result.reason = Some(format!("the card's ICCID cannot be read: {error}")),
        }
        result.bin = result.ending.bin();
        result.at = self.route.clock.now();
        result.took(began);
        hand.settle(&result);
        result
    }

    /// Gives up a card that does not come back from the work on it: says so in its job and in the book. The result is
    /// `unknown` when something may have been written.
    pub fn give_up(&self, hand: &Hand, why: &str, runtime: &Handle) -> CardResult {
        let now = self.route.clock.now();
        let held = match hand.give_up() {
            Ok(held) => held,
            // It had ended; only its reader did not.
            Err(result) => return *result,
        };
        let mut result = CardResult::new(now, &hand.bay);
        result.reason = Some(why.to_owned());
        result.took(held.began.unwrap_or(now));
        (result.iccid, result.line) = (held.iccid, held.row.map(|(_, line)| line));
        (result.job, result.state) = held.job.unzip();
        result.ending = match (held.job, held.row) {
            (Some((_, State::Queued | State::Registered | State::Prepared)), _) => Ending::Failed,
            (Some(_), _) => Ending::Unknown,
            (None, Some(_)) => Ending::Failed,
            (None, None) => Ending::Skipped,
        };
        if let Some((job, _)) = held.job {
            let reason = Reason::new(why);
            let event = match result.ending {
                Ending::Failed => Event::Failed { reason },
                _ => Event::DeliveryUnclear { reason },
            };
            // When the keeper does not take it, the job is found abandoned when a process starts next.
            if let Ok(Step::To(state)) = runtime.block_on(self.route.jobs.tell(job, &event, now)) {
                result.state = Some(state);
            }
        }
        result.bin = result.ending.bin();
        if let Some((at, _)) = held.row {
            self.ledger().settle(at, result.ending);
        }
        result
    }

    /// The sums so far.
    pub fn totals(&self) -> Totals {
        self.ledger().totals()
    }

    /// True when no card is expected any more.
    pub fn is_over(&self) -> bool {
        self.ledger().is_over()
    }

    /// A card whose number is known.
    fn known(
        &self,
        result: &mut CardResult,
        hand: &Hand,
        iccid: Iccid,
        card: &mut dyn CardTransport,
        scanned: Option<&Iccid>,
        runtime: &Handle,
    ) {
        result.iccid = Some(iccid.clone());
        hand.note(|held| held.iccid = Some(iccid.clone()));
        if scanned.is_some_and(|scanned| *scanned != iccid) {
            result.reason = Some("the number that was scanned is another than the card's".into());
            return;
        }
        let before = self.done_before(&iccid, runtime).map_err(|e| e.to_string());
        let mut gone = false;
        let before = before.and_then(|done| {
            gone = done.is_some() && !self.stands(&iccid, card)?;
            Ok(done.filter(|_| !gone))
        });
        match before {
            Ok(None) => {}
            Ok(Some((job, state))) => {
                let mut ledger = self.ledger();
                result.line = ledger.settle_before(&iccid);
                (result.ending, result.job, result.state) = (Ending::AlreadyDone, Some(job), Some(state));
                return;
            }
            Err(why) => {
                result.reason = Some(why);
                return;
            }
        }
        let assigned = {
            let mut ledger = self.ledger();
            match ledger.assign(&iccid) {
                Assignment::Row(at) => ledger.row(at).cloned().map(|row| (at, row)).ok_or("no such row"),
                Assignment::AlreadyDone(_) if gone => Err(
                    "it was done in this run, and does not hold any more what it was given: look who changed it",
                ),
                Assignment::AlreadyDone(at) => {
                    result.line = ledger.row(at).map(|row| row.line);
                    result.ending = Ending::AlreadyDone;
                    return;
                }
                Assignment::InAnotherBay => Err("another bay works on a card with the same ICCID"),
                Assignment::NotInTable => Err("the table has no row for this card"),
                Assignment::NoneLeft => Err("all rows of the table are given away"),
                Assignment::Stopped => Err("a key was refused before, which stops the batch"),
            }
        };
        match assigned {
            Ok((at, row)) => {
                result.line = Some(row.line);
                hand.note(|held| held.row = Some((at, row.line)));
                self.write(result, hand, row, iccid, card, runtime);
                result.bin = result.ending.bin();
                if hand.settle(result) {
                    self.ledger().settle(at, result.ending);
                }
            }
            Err(why) => result.reason = Some(why.to_owned()),
        }
    }

    fn write(
        &self,
        result: &mut CardResult,
        hand: &Hand,
        row: Row,
        iccid: Iccid,
        card: &mut dyn CardTransport,
        runtime: &Handle,
    ) {
        let mut job = CardJob {
            key: row.key,
            profile: self.work.profile.clone(),
            subscriber: Subscriber { iccid: Some(iccid), ..row.subscriber },
            payload: self.work.payload,
            layout: self.work.layout,
            keys: row.keys,
            rings: self.work.rings.clone(),
            attested: row.allow_once,
        };
        let mut witness = Witness { hand, last: None, sha256: String::new() };
        let done = self.again(&mut job, card, &mut witness, runtime);
        (result.job, result.state) = witness.last.unzip();
        match done {
            Ok(CardDone { record, payload_octets, .. }) => {
                result.ending = Ending::Done;
                (result.job, result.state) = (Some(record.job.id), Some(record.job.state));
                // The route says so only of what was read back.
                (result.octets, result.sha256) = (Some(payload_octets), Some(witness.sha256));
            }
            Err(error) => {
                result.ending = ending(&error);
                result.reason = Some(error.to_string());
            }
        }
    }

    /// Runs a row's job. One that ended without success keeps the row's name; the next gets it with a number.
    fn again(
        &self,
        job: &mut CardJob,
        card: &mut dyn CardTransport,
        witness: &mut Witness<'_>,
        runtime: &Handle,
    ) -> Result<CardDone, CardJobError> {
        let name = job.key.clone();
        let mut number = 1;
        loop {
            let done = self.route.run(job, card, witness, runtime);
            let (Err(CardJobError::AlreadyAccepted { state, .. }), Some(name)) = (&done, &name) else {
                return done;
            };
            if is_standing(*state) || number == MOST_JOBS {
                return done;
            }
            number += 1;
            // A name that has no room for a number is done without.
            job.key = format!("{} ({number})", name.as_str()).parse().ok();
        }
    }

    /// The job that has put this version of the profile on the card.
    fn done_before(&self, card: &Iccid, runtime: &Handle) -> Result<Option<(JobId, State)>, JobsError> {
        let jobs = runtime.block_on(self.route.jobs.of_card(card))?;
        let done = |state| matches!(state, State::Delivered | State::HandedOff | State::ReHomed);
        let last = jobs.first().filter(|job| is_of(job, &self.work.profile) && done(job.state));
        Ok(last.map(|job| (job.id, job.state)))
    }

    /// Whether what a job has put on the card is there still: somebody may have erased it, or torn a write.
    fn stands(&self, iccid: &Iccid, card: &mut dyn CardTransport) -> Result<bool, String> {
        if self.route.writes.pending(iccid).map_err(|e| e.to_string())?.is_some() {
            return Ok(false);
        }
        let mut fs = FileSystem::new(Session::new(card));
        let view = locate(&mut fs, Depth::Objects(&BOOTSTRAP_OBJECTS)).map_err(|e| e.to_string())?;
        let account = self.work.profile.dm_account.as_ref();
        Ok(account.is_none_or(|account| holds(&view, &account.server_id)))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Run({})", self.totals())
    }
}

/// What an error of the route means for the card.
fn ending(error: &CardJobError) -> Ending {
    match error {
        CardJobError::Apply { state: State::Unknown, .. } | CardJobError::Crashed => Ending::Unknown,
        CardJobError::Apply { source, .. } if is_refused(source) => Ending::Refused,
        CardJobError::Interrupted { source, .. } => match &**source {
            RecoverError::Apply(source) if is_refused(source) => Ending::Refused,
            _ => Ending::Failed,
        },
        _ => Ending::Failed,
    }
}

/// The key is wrong, by the card's word now or before. Whatever else keeps a key from being presented is about this card alone,
/// and no reason to doubt the keys of the others.
fn is_refused(error: &ApplyError) -> bool {
    use KeyError::{LostAndRefused, Quarantined, Wrong};
    matches!(error, ApplyError::Key(Wrong { .. } | LostAndRefused { .. } | Quarantined { .. }))
}

/// Sees which job it is, where it stands, and what goes on the card.
struct Witness<'a> {
    hand: &'a Hand,
    last: Option<(JobId, State)>,
    sha256: String,
}

impl Observer for Witness<'_> {
    fn built(&mut self, payload: &Payload) {
        self.sha256 = payload.sha256();
    }

    fn reached(&mut self, job: JobId, state: State) {
        self.last = Some((job, state));
        self.hand.note(|held| held.job = self.last);
    }
}

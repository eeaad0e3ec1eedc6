//! One card of a batch, from the bay to its line in the results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use super::{
    Assignment, Batch, CardResult, Claims, Ending, Hand, KeeperError, Keepers, Ledger, Matching, Row, Totals,
    check::{is_done, is_standing},
    claims::Prints,
    result::ending,
};
use crate::{
    bootstrap::{Payload, PayloadKind},
    card::{BOOTSTRAP_OBJECTS, CardTransport, Depth, FileError, FileSystem, KeyRings, Session, locate},
    ident::{Iccid, JobId},
    job::{
        CardDone, CardJob, CardJobError, CardRoute, Event, JobsError, KeyStop, Layout, Observer, Reason,
        State, Step, card::holds,
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
    /// What rows are known by that go to cards as they come, and who keeps where they went.
    given: Option<(Prints, Arc<dyn Claims>)>,
    /// What keeps the other bays from presenting their keys where the first refused one ends the run.
    keys: Arc<KeyStop>,
}

impl Run {
    /// A run over the rows of a table. Rows that were given to cards before stay theirs, and cards that were done before are not
    /// waited for. `stop_at_refusal`: see [`Ledger::new`].
    ///
    /// # Errors
    /// [`KeeperError`], when what was done before cannot be told.
    pub async fn begin(
        route: CardRoute,
        keepers: &Keepers,
        work: Work,
        batch: Batch,
        stop_at_refusal: bool,
    ) -> Result<Self, KeeperError> {
        if batch.matching == Matching::FirstCome {
            // Rows are given away from here on, and must be known again.
            keepers.fingerprints.key()?;
        }
        let cards = keepers.cards(&batch).await?;
        let done = keepers.done(&cards, &work.profile).await?;
        let torn = route.writes.list().unwrap_or_default();
        let mut ledger = Ledger::new(batch, stop_at_refusal);
        for (at, card) in cards.of_rows.iter().enumerate() {
            card.iter().for_each(|card| ledger.claimed(at, card));
        }
        for at in done {
            let card = cards.of_rows.get(at).and_then(Option::as_ref);
            // A card between old and new is waited for, whatever its job says.
            if !torn.iter().any(|write| Some(&write.card) == card) {
                ledger.done_before(at);
            }
        }
        let given = cards.prints.map(|prints| (prints, Arc::clone(&keepers.claims)));
        let keys = KeyStop::new(stop_at_refusal);
        Ok(Self { route, work, ledger: Mutex::new(ledger), given, keys })
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
        if !hand.begin(began, self.keys.contact()) {
            return result;
        }
        let read = self.files(card).and_then(|mut fs| fs.iccid());
        let row = match read {
            Ok(iccid) => self.known(&mut result, hand, iccid, card, scanned, runtime),
            Err(error) => {
                result.reason = Some(format!("the card's ICCID cannot be read: {error}"));
                None
            }
        };
        result.bin = result.ending.bin();
        result.at = self.route.clock.now();
        result.took(began);
        let refused = result.ending == Ending::Refused;
        if hand.settle(&mut result)
            && let Some(at) = row
        {
            self.ledger().settle(at, result.ending, refused);
        }
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
        held.before.iter().for_each(|before| result.follow(before));
        if let Some((at, _)) = held.row {
            self.ledger().settle(at, result.ending, false);
        }
        result
    }

    /// The sums so far.
    pub fn totals(&self) -> Totals {
        self.ledger().totals()
    }

    /// How many rows belong to cards: by the table, or because they were given to them.
    pub fn taken(&self) -> usize {
        self.ledger().taken()
    }

    /// True when no card is expected any more.
    pub fn is_over(&self) -> bool {
        self.ledger().is_over()
    }

    /// A card whose number is known. Its row, where it was worked on.
    fn known(
        &self,
        result: &mut CardResult,
        hand: &Hand,
        iccid: Iccid,
        card: &mut dyn CardTransport,
        scanned: Option<&Iccid>,
        runtime: &Handle,
    ) -> Option<usize> {
        result.iccid = Some(iccid.clone());
        hand.note(|held| held.iccid = Some(iccid.clone()));
        if let Some(scanned) = scanned.filter(|scanned| **scanned != iccid) {
            result.reason =
                Some(format!("{scanned} was scanned, and the card is {iccid}: nothing was written"));
            return None;
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
                return None;
            }
            Err(why) => {
                result.reason = Some(why);
                return None;
            }
        }
        let assigned = match self.assign(&iccid, runtime) {
            Ok(Assignment::Row(at)) => {
                self.ledger().row(at).cloned().map(|row| (at, row)).ok_or_else(|| "no such row".into())
            }
            Ok(Assignment::AlreadyDone(at)) if !gone => {
                result.line = self.ledger().row(at).map(|row| row.line);
                result.ending = Ending::AlreadyDone;
                return None;
            }
            Ok(other) => Err(other.why_not().to_owned()),
            Err(error) => Err(error.to_string()),
        };
        match assigned {
            Ok((at, row)) => {
                result.line = Some(row.line);
                hand.note(|held| held.row = Some((at, row.line)));
                self.write(result, hand, row, iccid, card, runtime);
                Some(at)
            }
            Err(why) => {
                result.reason = Some(why);
                None
            }
        }
    }

    /// The row of a card. One that it gets as it comes is kept as its own before this returns.
    fn assign(&self, card: &Iccid, runtime: &Handle) -> Result<Assignment, JobsError> {
        let Some((prints, claims)) = &self.given else { return Ok(self.ledger().assign(card)) };
        if !self.ledger().knows(card) {
            // Another process may have given it one.
            for claim in runtime.block_on(claims.of_claimant(card))? {
                prints.place(&claim.row).iter().for_each(|at| self.ledger().claimed(*at, card));
            }
        }
        loop {
            let assignment = self.ledger().assign(card);
            let Assignment::Row(at) = assignment else { return Ok(assignment) };
            let Some(print) = prints.get(at) else { return Ok(assignment) };
            match runtime.block_on(claims.claim(print, card, self.route.clock.now())) {
                Ok(claim) if claim.card.as_ref() == Some(card) => return Ok(assignment),
                // Another process was faster.
                Ok(claim) => self.ledger().take_back(at, card, claim.card.as_ref()),
                Err(error) => {
                    self.ledger().take_back(at, card, None);
                    return Err(error);
                }
            }
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
        let route = CardRoute { permit: witness.hand.permit(), ..self.route.clone() };
        let mut number = 1;
        loop {
            let done = route.run(job, card, witness, runtime);
            let Some(name) = &name else { return done };
            let taken = match &done {
                Err(CardJobError::AlreadyAccepted { state, .. }) => !is_standing(*state),
                // The row was taken back from the card of that job: it could not be this card's otherwise.
                Err(CardJobError::Jobs(JobsError::KeyTaken { .. })) => self.given.is_some(),
                _ => false,
            };
            if !taken || number == MOST_JOBS {
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
        let last = jobs.first().filter(|job| is_done(job, &self.work.profile));
        Ok(last.map(|job| (job.id, job.state)))
    }

    /// Whether what a job has put on the card is there still: somebody may have erased it, or torn a write.
    fn stands(&self, iccid: &Iccid, card: &mut dyn CardTransport) -> Result<bool, String> {
        if self.route.writes.pending(iccid).map_err(|e| e.to_string())?.is_some() {
            return Ok(false);
        }
        let mut fs = self.files(card).map_err(|e| e.to_string())?;
        let view = locate(&mut fs, Depth::Objects(&BOOTSTRAP_OBJECTS)).map_err(|e| e.to_string())?;
        drop(fs);
        // What comes next begins in the MF of a fresh card.
        card.reset().map_err(|e| e.to_string())?;
        let account = self.work.profile.dm_account.as_ref();
        Ok(account.is_none_or(|account| holds(&view, &account.server_id)))
    }

    /// The files of a card, on the channel that was chosen.
    fn files<'c>(&self, card: &'c mut dyn CardTransport) -> Result<FileSystem<'c>, FileError> {
        let mut session = Session::new(card);
        session.use_channel(self.route.channel)?;
        Ok(FileSystem::new(session))
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

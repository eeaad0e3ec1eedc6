//! One card of a batch, from the bay to its line in the results.

mod away;
mod bootstrap;
mod place;
mod script;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::runtime::Handle;

use super::{
    Batch, CardResult, Ending, Hand, KeeperError, Keepers, Ledger, Matching, Row, ScriptWork, Totals,
    claims::Prints,
};
use crate::{
    card::{CardTransport, FileError, FileSystem, Session},
    ident::Iccid,
    job::{CardContact, CardRoute, Event, KeyStop, Reason, State, Step},
};

pub use bootstrap::Work;
use place::Placed;

/// What is done with each card of a run.
#[derive(Debug, Clone)]
pub enum Task {
    /// It gets a bootstrap.
    Bootstrap(Box<Work>),
    /// A script is run on it.
    Script(ScriptWork),
}

impl From<Work> for Task {
    fn from(work: Work) -> Self {
        Self::Bootstrap(Box::new(work))
    }
}

impl From<ScriptWork> for Task {
    fn from(work: ScriptWork) -> Self {
        Self::Script(work)
    }
}

/// A run: the way to the cards, what they get, and the book. Bays share it.
pub struct Run {
    route: CardRoute,
    task: Task,
    ledger: Mutex<Ledger>,
    /// Who keeps what was done before.
    keepers: Keepers,
    /// What rows are known by that go to cards as they come.
    given: Option<Prints>,
    /// What keeps the other bays from presenting their keys where the first refused one ends the run.
    keys: Arc<KeyStop>,
    /// How many keys were refused, whatever else came of their cards.
    refusals: AtomicUsize,
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
        task: impl Into<Task>,
        batch: Batch,
        stop_at_refusal: bool,
    ) -> Result<Self, KeeperError> {
        let task = task.into();
        if batch.matching == Matching::FirstCome || matches!(task, Task::Script(_)) {
            // What is kept from here on must be known again.
            keepers.fingerprints.key()?;
        }
        let cards = keepers.cards(&batch).await?;
        let done = match &task {
            Task::Bootstrap(work) => keepers.done(&cards, &batch, &work.wanted()).await?,
            Task::Script(work) => keepers.ran(&cards, &batch, work).await?,
        };
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
        let given = cards.prints;
        let keys = KeyStop::new(stop_at_refusal);
        let keepers = keepers.clone();
        Ok(Self {
            route,
            task,
            ledger: Mutex::new(ledger),
            keepers,
            given,
            keys,
            refusals: AtomicUsize::new(0),
        })
    }

    /// A card is in a reader now: where it was done before this run, it is waited for, and looked at.
    pub fn expect(&self, card: &Iccid) {
        self.ledger().expect(card);
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
        if !hand.begin(began, CardContact::new(&self.keys, Arc::clone(&self.route.writes))) {
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
        self.look_for_torn(&mut result);
        result.bin = result.ending.bin();
        result.at = self.route.clock.now();
        result.took(began);
        // A script may expect that a key is refused, and come to its end.
        result.key_refused |= result.ending == Ending::Refused || hand.key_was_refused();
        if result.key_refused {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        // Where that stops the run, it does so whatever came of the card.
        let refused = result.key_refused || self.keys.is_stopped();
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
            (None, _) if held.touched => Ending::Unknown,
            (None, Some(_)) => Ending::Failed,
            (None, None) => Ending::Skipped,
        };
        if let Some((job, _)) = held.job {
            let reason = Reason::new(why);
            // The job has brought nothing of its own yet.
            let event = match result.ending {
                Ending::Failed => Event::Failed { reason },
                _ => Event::DeliveryUnclear { reason },
            };
            // When the keeper does not take it, the job is found abandoned when a process starts next.
            if let Ok(Step::To(state)) = runtime.block_on(self.route.jobs.tell(job, &event, now)) {
                result.state = Some(state);
            }
        }
        self.look_for_torn(&mut result);
        result.bin = result.ending.bin();
        held.before.iter().for_each(|before| result.follow(before));
        if let Some((at, _)) = held.row {
            self.ledger().settle(at, result.ending, false);
        }
        result
    }

    /// A card that is between old and new has not just failed, whoever has left it so: an earlier write that was being taken back, or one
    /// of this contact. Whoever has it in hand is told what to do.
    fn look_for_torn(&self, result: &mut CardResult) {
        let Some(card) = result.iccid.as_ref().filter(|_| result.ending == Ending::Failed) else { return };
        // What another has under way is his.
        if !matches!(self.route.writes.pending(card), Ok(Some(entry)) if !entry.under_way) {
            return;
        }
        result.ending = Ending::Unknown;
        let why = result.reason.take().map_or_else(String::new, |why| format!("{why}; "));
        result.reason = Some(format!(
            "{why}a write to this card was cut off and is not settled yet: put it in again, or see `bootgate card recover`"
        ));
    }

    /// The sums so far.
    pub fn totals(&self) -> Totals {
        self.ledger().totals()
    }

    /// How many keys were refused, by the word of cards now or before, whatever else came of those cards.
    pub fn keys_refused(&self) -> usize {
        self.refusals.load(Ordering::Relaxed)
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
        let assigned = match self.place(hand, &iccid, card, runtime) {
            Ok(Placed::Row(at, row)) => Ok((at, row)),
            Ok(Placed::Stands(job)) => {
                result.line = self.ledger().settle_before(&iccid);
                (result.job, result.state) = job.unzip();
                result.ending = Ending::AlreadyDone;
                if matches!(self.task, Task::Script(_)) {
                    result.reason = Some(script::RAN_BEFORE.to_owned());
                }
                return None;
            }
            Ok(Placed::AlreadyDone(line)) => {
                result.line = line;
                result.ending = Ending::AlreadyDone;
                return None;
            }
            Ok(Placed::Nowhere(why)) => Err(why.to_owned()),
            Err(lapse) => Err(lapse.why),
        };
        match assigned {
            Ok((at, row)) => {
                result.line = Some(row.line);
                hand.note(|held| held.row = Some((at, row.line)));
                let matched = Matched { hand, row, iccid, runtime };
                match &self.task {
                    Task::Bootstrap(work) => self.bootstrap(work, result, &matched, card),
                    Task::Script(work) => self.script(work, result, &matched, card),
                }
                Some(at)
            }
            Err(why) => {
                result.reason = Some(why);
                None
            }
        }
    }

    /// The files of a card, spoken to as was chosen.
    fn files<'c>(&self, card: &'c mut dyn CardTransport) -> Result<FileSystem<'c>, FileError> {
        let mut session = Session::new(card);
        session.address(self.route.addressing)?;
        Ok(FileSystem::new(session))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A card in hand, with its row.
struct Matched<'a> {
    hand: &'a Hand,
    row: Row,
    iccid: Iccid,
    runtime: &'a Handle,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Run({})", self.totals())
    }
}

//! A batch at work in the bays: each card that comes is taken in hand, each ends with a result, whatever happens to it.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::{Bin, CardResult, Hand, Progress, Run, progress::Counter};
use crate::{
    card::{
        Bay, BayConfig, BayEvent, BayName, BayNews, Bays, Contact, Identity, ReaderError, ReaderService,
        Stay, Work, Worked,
    },
    ident::Iccid,
};

/// How long a card whose work was interrupted is waited for when the service is back.
const REUNION: Duration = Duration::from_secs(3);

/// A batch at work. It is driven by [`Shift::next`] and [`Shift::work`], on a thread that may wait.
pub struct Shift {
    run: Arc<Run>,
    bays: Bays<CardResult>,
    in_hand: HashMap<BayName, Arc<Hand>>,
    /// How far the work on those is.
    counters: HashMap<BayName, Arc<Counter>>,
    /// Cards whose service went away in the middle: the work is done again when it is back and they are still there.
    interrupted: BTreeMap<BayName, Box<CardResult>>,
    /// The service is away.
    away: bool,
    /// Until when those are waited for; none while the service is away, because then it is for as long as that takes.
    reunion: Option<Instant>,
    events: VecDeque<ShiftEvent>,
    runtime: Handle,
}

/// Something that happened in a bay, or to all of them.
#[derive(Debug)]
pub struct ShiftEvent {
    /// Which bay; none when it happened to the service.
    pub bay: Option<BayName>,
    /// What.
    pub news: ShiftNews,
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum ShiftNews {
    /// A reader was found, and has a bay now.
    Opened(Identity),
    /// Its reader is gone.
    Closed,
    /// A reader more than there may be.
    TooMany(usize),
    /// A card is in. It waits for [`Shift::work`].
    CardIn(Stay),
    /// The card is out.
    CardOut,
    /// A card has ended.
    Ended(Box<CardResult>),
    /// The card cannot be worked on now: another program has it, or it went as it came.
    NotNow(ReaderError),
    /// The service is gone; the bays wait for it.
    ServiceLost(ReaderError),
    /// The service is back.
    ServiceBack,
}

impl Shift {
    /// Begins to look for cards. `runtime` is the one that the keepers live on.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn begin(
        run: Arc<Run>,
        service: Arc<dyn ReaderService>,
        config: BayConfig,
        runtime: Handle,
    ) -> std::io::Result<Self> {
        Ok(Self {
            run,
            bays: Bays::open(service, config)?,
            in_hand: HashMap::new(),
            counters: HashMap::new(),
            interrupted: BTreeMap::new(),
            away: false,
            reunion: None,
            events: VecDeque::new(),
            runtime,
        })
    }

    /// What happened next; none when nothing did for as long as `patience`.
    pub fn next(&mut self, patience: Duration) -> Option<ShiftEvent> {
        if self.reunion.is_some_and(|end| end <= Instant::now()) {
            self.call_off();
        }
        if self.events.is_empty() {
            let event = self.bays.next(patience)?;
            self.hear(event);
        }
        self.events.pop_front()
    }

    /// Waits no longer for cards whose work was interrupted: it ended so.
    pub fn call_off(&mut self) {
        self.reunion = None;
        for bay in std::mem::take(&mut self.interrupted) {
            self.events.push_back(ShiftEvent { bay: Some(bay.0), news: ShiftNews::Ended(bay.1) });
        }
    }

    fn hear(&mut self, BayEvent { bay, news }: BayEvent<CardResult>) {
        let news = match news {
            BayNews::Opened { identity } => ShiftNews::Opened(identity),
            BayNews::TooMany { most } => ShiftNews::TooMany(most),
            BayNews::CardIn { stay } => ShiftNews::CardIn(stay),
            BayNews::ServiceLost { error } => {
                (self.away, self.reunion) = (true, None);
                ShiftNews::ServiceLost(error)
            }
            BayNews::ServiceBack => {
                (self.away, self.reunion) = (false, Some(Instant::now() + REUNION));
                ShiftNews::ServiceBack
            }
            BayNews::Done { result, contact } => {
                self.take(bay.as_ref());
                let result = with_contact(result, contact);
                match bay.clone() {
                    Some(bay) if contact.lost > 0 && result.bin == Bin::Bad => {
                        self.interrupted.insert(bay, result);
                        // A reader that only blinked is back before its service was missed.
                        if !self.away {
                            self.reunion = Some(Instant::now() + REUNION);
                        }
                        return;
                    }
                    _ => self.ended(bay.as_ref(), result),
                }
            }
            BayNews::NotBegun { error: error @ ReaderError::Mute { .. } } => {
                let contact = Contact { errors: 1, repowered: 1, ..Contact::default() };
                self.give_up(bay.as_ref(), &error.to_string(), contact)
            }
            BayNews::NotBegun { error } => {
                self.take(bay.as_ref());
                ShiftNews::NotNow(error)
            }
            BayNews::Crashed { contact } => {
                let why = "bootgate made a mistake on this card; please report it";
                self.give_up(bay.as_ref(), why, contact)
            }
            BayNews::Stuck { waited, thread } => {
                let waited = waited.as_secs_f64();
                let why = format!(
                    "no answer for {waited:.1} s; take the card out (thread `{thread}` is left behind)"
                );
                self.give_up(bay.as_ref(), &why, Contact { errors: 1, ..Contact::default() })
            }
            // A card that goes, or a reader, before the work was begun has no result.
            BayNews::CardOut => {
                self.take(bay.as_ref());
                ShiftNews::CardOut
            }
            BayNews::Closed => {
                self.take(bay.as_ref());
                ShiftNews::Closed
            }
        };
        self.events.push_back(ShiftEvent { bay, news });
    }

    /// A card has ended. One that was interrupted in that bay before has, too; when it is the same, its result counts with the
    /// new one.
    fn ended(&mut self, bay: Option<&BayName>, mut result: Box<CardResult>) -> ShiftNews {
        let before = bay.and_then(|bay| self.interrupted.remove(bay));
        match before {
            Some(before) if before.iccid.is_some() && before.iccid != result.iccid => {
                self.events.push_back(ShiftEvent { bay: bay.cloned(), news: ShiftNews::Ended(before) });
            }
            Some(before) => result.follow(&before),
            None => {}
        }
        ShiftNews::Ended(result)
    }

    /// Works on a card. `scanned` is the number that was read off its print.
    pub fn work(&mut self, bay: &BayName, stay: &Stay, scanned: Option<Iccid>) {
        let before = self.interrupted.get(bay).cloned();
        let hand = Arc::new(Hand::new(bay.as_str()).after(before));
        self.in_hand.insert(bay.clone(), Arc::clone(&hand));
        let counter = Arc::new(Counter::default());
        self.counters.insert(bay.clone(), Arc::clone(&counter));
        let (run, runtime) = (Arc::clone(&self.run), self.runtime.clone());
        let work = Work::new(move |card| {
            let result = run.card_in_hand(&hand, &mut counter.count(card), scanned.as_ref(), &runtime);
            // A key that was refused is refused at any contact.
            if result.bin == Bin::Good || result.key_refused {
                Worked::Good(result)
            } else {
                Worked::Bad(result)
            }
        });
        self.bays.work(stay, work);
    }

    /// How far the work on the cards in hand is.
    pub fn progress(&self) -> impl Iterator<Item = (&BayName, Progress)> {
        self.counters.iter().map(|(bay, counter)| (bay, counter.progress()))
    }

    /// The batch.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// True while a card is in hand, or its work was interrupted and may go on.
    pub fn is_busy(&self) -> bool {
        !(self.in_hand.is_empty() && self.interrupted.is_empty() && self.events.is_empty())
    }

    /// True when no card is expected any more, and none is in hand.
    pub fn is_over(&self) -> bool {
        !self.is_busy() && self.run.is_over()
    }

    /// The books of the bays.
    pub fn books(&self) -> Vec<Bay> {
        self.bays.books().cloned().collect()
    }

    /// Ends the shift. The names of threads that were left behind.
    pub fn end(self, patience: Duration) -> Vec<Arc<str>> {
        self.bays.close(patience)
    }

    /// The card in hand in a bay, which is so no longer.
    fn take(&mut self, bay: Option<&BayName>) -> Option<Arc<Hand>> {
        let bay = bay?;
        self.counters.remove(bay);
        self.in_hand.remove(bay)
    }

    /// A card that will not end by itself. Where none is in hand, it is the reader that does not answer.
    fn give_up(&mut self, bay: Option<&BayName>, why: &str, contact: Contact) -> ShiftNews {
        let name = bay.map_or("", BayName::as_str);
        let hand = self.take(bay).unwrap_or_else(|| Arc::new(Hand::new(name)));
        let result = self.run.give_up(&hand, why, &self.runtime);
        self.ended(bay, with_contact(result, contact))
    }
}

impl std::fmt::Debug for Shift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shift")
            .field("run", &self.run)
            .field("in_hand", &self.in_hand)
            .finish_non_exhaustive()
    }
}

fn with_contact(mut result: CardResult, contact: Contact) -> Box<CardResult> {
    (result.contact_errors, result.repowered) = (contact.errors, contact.repowered);
    Box::new(result)
}

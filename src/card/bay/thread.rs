//! What the thread of a bay does: looks at its reader, tells what comes and goes, and does the work that it is sent.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

use super::{
    Contact, Identity, Work, Worked,
    connect::{FIRST_WAIT, LONGEST_WAIT, SHARING_TRIES, connect},
    pulse::{Abandoned, Pulse, Watched},
};
use crate::{
    card::{CardTransport, Look, ReaderContext, ReaderError, ReaderService},
    ident::ReaderName,
};

/// How long one look at a reader takes when nothing happens: how soon the thread hears that it is to stop.
pub(super) const LOOK: Duration = Duration::from_millis(250);
/// How long a reader must be the same before a new card in it is believed.
const SETTLED: Duration = Duration::from_millis(20);
/// How long the thread listens for work after it has told of a card, before it looks at the reader again.
const LISTEN: Duration = Duration::from_millis(250);
/// How long a card that another program still has is left alone.
const SHARING_PAUSE: Duration = Duration::from_secs(2);
/// How long a card is left alone that is there and that the service does not connect to.
const OTHER_PAUSE: Duration = Duration::from_millis(500);

/// What a thread tells.
pub(super) enum Note<R> {
    /// It has found out what reader it has.
    Identified(Identity),
    /// Its reader cannot be asked for now. It will be asked again.
    Unanswered(ReaderError),
    /// Its context is lost. With the next, its reader may be another.
    Lost,
    /// A card is in; its stay has this number.
    CardIn(u64),
    CardOut,
    Done(R, Contact),
    NotBegun(ReaderError),
    Crashed(Contact),
    /// The reader is gone, and the thread with it.
    Gone,
}

/// What a thread is sent.
pub(super) enum ToDo<R> {
    /// Work, and the stay of the card that it is for.
    Work(u64, Work<R>),
    /// Nobody hears of this stay yet: the card is to be told again later.
    Wait(u64),
    /// The reader is to be asked again who it is.
    Ask,
}

/// What a card that is in the reader when the thread begins is to the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// A card like any other.
    New,
    /// The one that kept the thread before this one, by the service's count where that is known: only its going is of
    /// interest.
    Old(Option<u32>),
}

/// What a thread is given.
pub(super) struct Given<R> {
    pub(super) reader: ReaderName,
    pub(super) service: Arc<dyn ReaderService>,
    pub(super) first: First,
    /// The thread before this one has asked the reader who it is.
    pub(super) answered: bool,
    pub(super) works: Receiver<ToDo<R>>,
    pub(super) notes: Box<dyn Fn(Note<R>) + Send>,
    pub(super) pulse: Pulse,
    pub(super) stop: Arc<AtomicBool>,
}

/// A thread of a bay.
pub(super) struct Thread<R> {
    given: Given<R>,
    /// The service's count when a card was told, or passed over.
    card: Option<u32>,
    /// When a card that could not be connected to is told again.
    again: Option<Instant>,
    /// How many stays of cards were told.
    stay: u64,
    asked: Asked,
    /// The card that is in was passed over: calls to its reader may not come back.
    passed_over: bool,
}

/// Whether the reader has said who it is.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Not,
    /// It could not be asked, and is asked again then.
    Unanswered(Instant),
    Answered,
}

/// Why a thread stops looking.
enum End {
    Stopped,
    Gone,
    /// The context is lost; there may be another.
    Lost,
}

impl<R> Thread<R> {
    pub(super) fn new(given: Given<R>) -> Self {
        let asked = if given.answered { Asked::Answered } else { Asked::Not };
        Self { given, card: None, again: None, stay: 0, asked, passed_over: false }
    }

    /// Works until it is stopped, abandoned, or without a reader.
    pub(super) fn run(mut self) {
        let mut wait = FIRST_WAIT;
        while !self.is_over() {
            let Ok(mut context) = self.given.service.open() else {
                std::thread::sleep(wait);
                wait = (wait * 2).min(LONGEST_WAIT);
                continue;
            };
            wait = FIRST_WAIT;
            match self.serve(&mut *context) {
                End::Stopped => return,
                End::Gone => return self.tell(Note::Gone),
                End::Lost => {
                    // Whether the card is the same when the service is back, nobody can tell: it counts as another.
                    if self.card.take().is_some() {
                        self.tell(Note::CardOut);
                    }
                    (self.again, self.passed_over) = (None, false);
                    self.asked = Asked::Not;
                    self.tell(Note::Lost);
                    std::thread::sleep(wait);
                }
            }
        }
    }

    fn serve(&mut self, context: &mut dyn ReaderContext) -> End {
        while !self.is_over() {
            let again = self.again.is_some_and(|at| at <= Instant::now());
            let ask = (self.card.is_none() || again) && self.given.first == First::New && !self.passed_over;
            if ask && self.ask(context).is_err() {
                return End::Stopped;
            }
            let look = match self.look(context) {
                Ok(look) => look,
                Err(ReaderError::UnknownReader { .. }) => return End::Gone,
                Err(_) => return End::Lost,
            };
            let there = look.state.holds_card();
            if self.card.is_some_and(|count| !there || count != look.changes) {
                self.card = None;
                (self.again, self.passed_over) = (None, false);
                self.tell(Note::CardOut);
            }
            if there && self.card.is_none() {
                self.card = Some(look.changes);
                match std::mem::replace(&mut self.given.first, First::New) {
                    First::Old(count) if count.is_none_or(|count| count == look.changes) => {
                        self.passed_over = true;
                    }
                    First::Old(_) | First::New => self.card_in(context),
                }
            } else if there && again {
                self.card_in(context);
            } else if !there {
                self.given.first = First::New;
            }
            match self.given.works.try_recv() {
                Ok(to_do) => self.do_it(to_do, there, context),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return End::Stopped,
            }
        }
        End::Stopped
    }

    /// Looks at the reader. pcscd changes state and count one after the other while anybody may look: a card that seems to be
    /// another is looked at until it keeps still, or it would be told twice.
    fn look(&self, context: &mut dyn ReaderContext) -> Result<Look, ReaderError> {
        let mut look = context.look(&self.given.reader, LOOK)?;
        while look.state.holds_card() && self.card != Some(look.changes) && !self.is_over() {
            let again = context.look(&self.given.reader, SETTLED)?;
            if again == look {
                break;
            }
            look = again;
        }
        Ok(look)
    }

    /// Tells of a card, and does what there is to do with it when that comes at once.
    fn card_in(&mut self, context: &mut dyn ReaderContext) {
        self.again = None;
        self.stay += 1;
        self.tell(Note::CardIn(self.stay));
        match self.given.works.recv_timeout(LISTEN) {
            Ok(to_do) => self.do_it(to_do, true, context),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    /// Does what was sent. What is about a card that is out comes too late.
    fn do_it(&mut self, to_do: ToDo<R>, there: bool, context: &mut dyn ReaderContext) {
        match to_do {
            ToDo::Work(stay, work) if there && stay == self.stay => self.work(work, context),
            ToDo::Wait(stay) if there && stay == self.stay => {
                self.again = Some(Instant::now() + OTHER_PAUSE);
            }
            ToDo::Work(..) | ToDo::Wait(_) => {}
            ToDo::Ask => {
                self.asked = Asked::Not;
                // A card that nobody heard of waits for this.
                self.again = self.again.map(|_| Instant::now());
            }
        }
    }

    /// Asks the reader who it is, when that is due: at first as patiently as a card that another program has is tried, then once
    /// in a while. It is done between cards alone, because its bay may get another name by that.
    fn ask(&mut self, context: &mut dyn ReaderContext) -> Result<(), Abandoned> {
        let mut tries = match self.asked {
            Asked::Answered => return Ok(()),
            Asked::Unanswered(at) if at > Instant::now() => return Ok(()),
            Asked::Unanswered(_) => SHARING_TRIES,
            Asked::Not => 1,
        };
        let mut wait = FIRST_WAIT;
        loop {
            let error = match self.given.pulse.watched(|| context.identity(&self.given.reader))? {
                Ok(identity) => {
                    self.asked = Asked::Answered;
                    self.tell(Note::Identified(identity));
                    return Ok(());
                }
                Err(error) => error,
            };
            // That the service or the reader is gone, the next look tells.
            if matches!(error, ReaderError::NoService | ReaderError::UnknownReader { .. }) {
                return Ok(());
            }
            if tries < SHARING_TRIES && !self.is_over() {
                std::thread::sleep(wait);
                wait = (wait * 2).min(LONGEST_WAIT);
                tries += 1;
                continue;
            }
            let first = matches!(self.asked, Asked::Not);
            self.asked = Asked::Unanswered(Instant::now() + SHARING_PAUSE);
            if first {
                self.tell(Note::Unanswered(error));
            }
            return Ok(());
        }
    }

    fn work(&mut self, mut work: Work<R>, context: &mut dyn ReaderContext) {
        self.given.pulse.works_on(self.card);
        let mut contact = Contact::default();
        let mut repowered = false;
        let mut before = None;
        loop {
            let card = match self.connect(context, &mut contact, &mut repowered) {
                Ok(Ok(card)) => card,
                Ok(Err(error)) => {
                    // A card that was told and not worked on is told again for as long as it is there.
                    let pause = match error {
                        ReaderError::Mute { .. } => None,
                        ReaderError::InUse { .. } => Some(SHARING_PAUSE),
                        _ => Some(OTHER_PAUSE),
                    };
                    self.again = pause.filter(|_| before.is_none()).map(|pause| Instant::now() + pause);
                    if !matches!(
                        error,
                        ReaderError::Mute { .. } | ReaderError::InUse { .. } | ReaderError::NoCard { .. }
                    ) {
                        contact.lost += 1;
                    }
                    // What came of the first time counts where there is no second.
                    return self.tell(match before {
                        Some(result) => Note::Done(result, contact),
                        None => Note::NotBegun(error),
                    });
                }
                Err(Abandoned) => return,
            };
            let mut card = Watched { card, pulse: &self.given.pulse, contact };
            // Behind an unwind the card is reset; what else the work has touched is told as crashed.
            let worked = catch_unwind(AssertUnwindSafe(|| work.0.on(&mut card)));
            let errors = card.contact.errors - contact.errors;
            contact = card.contact;
            let again = match worked {
                Ok(Worked::Bad(result)) if errors > 0 && !repowered && !self.is_over() => Some(result),
                Ok(worked) => {
                    self.tell(Note::Done(worked.into_inner(), contact));
                    None
                }
                Err(_) => {
                    self.tell(Note::Crashed(contact));
                    None
                }
            };
            // What is in the reader by now is not this thread's any more.
            if self.given.pulse.is_abandoned() {
                return card.card.let_go();
            }
            // Taking leave of a card resets it, which a mute one can keep for ever, too.
            let left = self.given.pulse.watched(|| drop(card.card));
            if again.is_none() || left.is_err() {
                return;
            }
            before = again;
            repowered = true;
            contact.repowered += 1;
            // A card that cannot be switched off is tried again as it is.
            if self.given.pulse.watched(|| context.repower(&self.given.reader)).is_err() {
                return;
            }
        }
    }

    fn connect(
        &self,
        context: &mut dyn ReaderContext,
        contact: &mut Contact,
        repowered: &mut bool,
    ) -> Result<Result<Box<dyn CardTransport>, ReaderError>, Abandoned> {
        let Given { reader, pulse, .. } = &self.given;
        connect(context, reader, pulse, (contact, repowered), &|| self.is_over())
    }

    fn tell(&self, note: Note<R>) {
        (self.given.notes)(note);
    }

    fn is_over(&self) -> bool {
        self.given.stop.load(Ordering::Relaxed) || self.given.pulse.is_abandoned()
    }
}

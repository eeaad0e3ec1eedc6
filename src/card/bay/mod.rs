//! Bays: readers at work side by side. A bay is one thread with its own PC/SC context, spoken to by channels.
//!
//! | what happens                   | what the bays do                                                              |
//! |--------------------------------|-------------------------------------------------------------------------------|
//! | a reader is plugged in or out  | it gets a bay, or its bay ends; 16 at most, which is pcsc-lite's limit         |
//! | a card comes or goes           | tell; the service counts, so that a card that was swapped quickly is not missed |
//! | another program has the card   | try again a little later, and later; then tell, and look from time to time     |
//! | a card loses contact           | take its power away and do the work once more, once; the guard of keys decides then whether a key may be presented again |
//! | a card does not answer in time | leave the thread behind, named; a new one waits until that card is out         |
//! | the work panics                | tell; the card is reset, the bay goes on                                       |
//! | the service goes               | open new contexts until it is back; an old one never recovers                  |
//! | it comes with other numbers    | ask each reader again who it is: the bay of one is closed, and opened anew under the name that is its own |
//! | a reader cannot be asked       | go on with the name that it has, and ask again between cards                   |
//!
//! Only exchanges with cards are watched: waiting for a person or a database is not being mute. An abandoned thread may come
//! back when its card is pulled; it can send nothing to a card any more, and nothing that it says is heard.

mod bays;
mod connect;
mod identity;
mod lone;
mod plug;
mod pulse;
mod thread;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use super::{CardTransport, ReaderError};
use crate::ident::ReaderName;

pub use bays::Bays;
pub(super) use identity::usb_path;
pub use identity::{BayName, Identity, Label, Mark, Surveyed, survey};
pub use lone::LoneCard;

/// How bays are run.
#[derive(Debug, Clone)]
pub struct BayConfig {
    /// How long a card may take for one answer before its bay is marked stuck.
    pub watchdog: Duration,
    /// What people call their readers.
    pub labels: Vec<Label>,
    /// Only these bays; none means all that there are.
    pub only: Option<Vec<BayName>>,
}

impl BayConfig {
    /// As many readers as pcsc-lite serves to one process.
    pub const MOST: usize = 16;
}

/// What is to be done with a card: called with the card connected and reset, and once more when it ends badly after the card
/// lost contact.
pub struct Work<R>(Box<dyn Act<R>>);

/// What is called.
trait Act<R>: Send {
    fn on(&mut self, card: &mut dyn CardTransport) -> Worked<R>;
}

impl<R, F: FnMut(&mut dyn CardTransport) -> Worked<R> + Send> Act<R> for F {
    fn on(&mut self, card: &mut dyn CardTransport) -> Worked<R> {
        self(card)
    }
}

impl<R> Work<R> {
    /// Work that this function does.
    pub fn new(work: impl FnMut(&mut dyn CardTransport) -> Worked<R> + Send + 'static) -> Self {
        Self(Box::new(work))
    }
}

impl<R> std::fmt::Debug for Work<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Work")
    }
}

/// The stay of a card in a bay: work for one is not done on the card that comes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    reader: ReaderName,
    thread: u64,
    number: u64,
}

/// What came of the work on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked<R> {
    /// All is well.
    Good(R),
    /// It is not; worth another try when the contact was bad.
    Bad(R),
}

impl<R> Worked<R> {
    /// What came of it, either way.
    pub fn into_inner(self) -> R {
        match self {
            Self::Good(result) | Self::Bad(result) => result,
        }
    }
}

/// How good the contact between a reader and its cards was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Contact {
    /// Commands that went to the card.
    pub exchanges: u64,
    /// Commands that did not come back although the card was not pulled.
    pub errors: u64,
    /// How often the power was taken away because of that.
    pub repowered: u64,
    /// How often the reader went away in the middle, or its service did.
    pub lost: u64,
}

/// A bay, as a summary shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Bay {
    /// Its name.
    pub bay: BayName,
    /// Cards that were worked on.
    pub cards: u64,
    /// Cards whose contact was bad.
    pub bad_contacts: u64,
    /// Cards that did not answer in time, and so cost a thread.
    pub stuck: u64,
    /// The sums over its cards.
    pub contact: Contact,
}

impl Bay {
    fn new(bay: BayName) -> Self {
        Self { bay, cards: 0, bad_contacts: 0, stuck: 0, contact: Contact::default() }
    }

    fn add(&mut self, contact: &Contact) {
        self.cards += 1;
        self.bad_contacts += u64::from(contact.errors > 0);
        self.contact.exchanges += contact.exchanges;
        self.contact.errors += contact.errors;
        self.contact.repowered += contact.repowered;
        self.contact.lost += contact.lost;
    }
}

/// Something happened in a bay.
#[derive(Debug)]
pub struct BayEvent<R> {
    /// Which bay; none when it happened to the service.
    pub bay: Option<BayName>,
    /// What.
    pub news: BayNews<R>,
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum BayNews<R> {
    /// A reader was found, and has a bay now; or its bay has another name now, and the one with the old name was closed.
    Opened {
        /// What tells it from others.
        identity: Identity,
    },
    /// Its reader is gone, or is known by another name.
    Closed,
    /// A reader more than there may be.
    TooMany {
        /// How many there may be.
        most: usize,
    },
    /// A card is in. It waits for [`Bays::work`].
    CardIn {
        /// Its stay.
        stay: Stay,
    },
    /// The card is out.
    CardOut,
    /// The work is done.
    Done {
        /// What came of it.
        result: R,
        /// How good the contact was.
        contact: Contact,
    },
    /// The work was not begun, or a reader could not be asked who it is, and is none of those that were asked for before it has
    /// said so: it is asked again. A card that is mute stays so; any other is told again after a while, when it is still there.
    NotBegun {
        /// Why.
        error: ReaderError,
    },
    /// The work panicked. What it had done by then is not known.
    Crashed {
        /// How good the contact was.
        contact: Contact,
    },
    /// The card did not answer in time. What it did is not known.
    Stuck {
        /// How long it was waited for.
        waited: Duration,
        /// The thread that was left behind.
        thread: Arc<str>,
    },
    /// The service is gone; bays open new contexts until it is back.
    ServiceLost {
        /// What it was.
        error: ReaderError,
    },
    /// The service is back.
    ServiceBack,
}

//! A card in hand: what is known of it while it is worked on, for the case that whoever does so never comes back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::CardResult;
use crate::{
    ident::{Iccid, JobId, Timestamp},
    job::{CardContact, CardRoute, State},
};

/// A card in hand. Its row is settled once: by the work on it, or by who gives that up.
#[derive(Debug)]
pub struct Hand {
    /// The bay that it is in.
    pub(super) bay: String,
    held: Mutex<Held>,
}

/// What is known of a card.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    /// When the work on it began.
    pub(super) began: Option<Timestamp>,
    /// Its number, once it was read.
    pub(super) iccid: Option<Iccid>,
    /// Its row: the place in the book, and the line of the table.
    pub(super) row: Option<(usize, u64)>,
    /// True when something may have been written that no job tells of.
    pub(super) touched: bool,
    /// Its job, and where that stands.
    pub(super) job: Option<(JobId, State)>,
    /// How the work before this ended, where it is done again because the contact was bad.
    pub(super) before: Option<Box<CardResult>>,
    /// By which it is given its keys, and is in the journal of writes.
    contact: Option<Arc<CardContact>>,
    end: End,
}

#[derive(Debug, Clone, Default)]
enum End {
    #[default]
    Open,
    GivenUp,
    Settled(Box<CardResult>),
}

impl Hand {
    /// A hand that takes up a card in a bay.
    pub fn new(bay: &str) -> Self {
        Self { bay: bay.to_owned(), held: Mutex::default() }
    }

    /// The same for a card that is perhaps one that was interrupted in that bay: `before` is how that ended.
    pub(super) fn after(self, before: Option<Box<CardResult>>) -> Self {
        self.note(|held| held.before = before);
        self
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins, or begins again. False when the card was given up.
    pub(super) fn begin(&self, now: Timestamp, contact: CardContact) -> bool {
        let mut held = self.held();
        let before = match std::mem::take(&mut held.end) {
            End::Open => held.before.take(),
            End::Settled(result) => Some(result),
            End::GivenUp => {
                held.end = End::GivenUp;
                return false;
            }
        };
        *held = Held { began: Some(now), before, contact: Some(Arc::new(contact)), ..Held::default() };
        true
    }

    /// The way to the card: it is given keys and is in the journal of writes until it is given up.
    pub(super) fn route(&self, route: &CardRoute) -> CardRoute {
        let contact = self.held().contact.clone();
        contact.map_or_else(|| route.clone(), |contact| contact.route(route))
    }

    /// True when the card has refused a key in this contact.
    pub(super) fn key_was_refused(&self) -> bool {
        self.held().contact.as_ref().is_some_and(|contact| contact.key_was_refused())
    }

    /// Notes what is found out.
    pub(super) fn note(&self, note: impl FnOnce(&mut Held)) {
        note(&mut self.held());
    }

    /// Ends the work with a result, which what came of it before may make worse. False when the card was given up before: then
    /// somebody else has said how it ended.
    pub(super) fn settle(&self, result: &mut CardResult) -> bool {
        let mut held = self.held();
        if matches!(held.end, End::GivenUp) {
            return false;
        }
        held.before.iter().for_each(|before| result.follow(before));
        held.end = End::Settled(Box::new(result.clone()));
        true
    }

    /// Gives the card up: what is known of it, or how it had ended by then.
    pub(super) fn give_up(&self) -> Result<Held, Box<CardResult>> {
        let (end, held) = {
            let mut held = self.held();
            (std::mem::replace(&mut held.end, End::GivenUp), held.clone())
        };
        // Whoever hangs in it may come back: it gets no key any more, and what it had begun is for the next contact to settle.
        held.contact.iter().for_each(|contact| contact.give_up());
        match end {
            End::Open | End::GivenUp => Ok(held),
            End::Settled(result) => Err(result),
        }
    }
}

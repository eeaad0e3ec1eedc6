//! One contact with a card, as long as somebody waits for it.

use std::sync::Arc;

use super::{CardRoute, KeyContact, KeyStop};
use crate::card::{ContactWrites, WriteJournal};

/// What is in the hands of one contact with a card: its turn to be given a key, and its entries in the journal of writes. Whoever
/// gives the contact up takes both away, because a thread that hangs in a driver may come back when the card is in another
/// reader, or never.
#[derive(Debug)]
pub struct CardContact {
    keys: Arc<KeyContact>,
    writes: Arc<ContactWrites>,
}

impl CardContact {
    /// For a contact that begins.
    pub fn new(keys: &Arc<KeyStop>, writes: Arc<dyn WriteJournal>) -> Self {
        Self { keys: keys.contact(), writes: Arc::new(ContactWrites::new(writes)) }
    }

    /// Nobody waits for the contact any more: it is given no key, and what it had begun is for the next one to settle.
    pub fn give_up(&self) {
        self.keys.give_up();
        self.writes.give_up();
    }

    /// True when its card has refused a key.
    pub fn key_was_refused(&self) -> bool {
        self.keys.was_refused()
    }

    /// The way to its card.
    pub fn route(&self, route: &CardRoute) -> CardRoute {
        let (permit, writes) = (Arc::clone(&self.keys), Arc::clone(&self.writes));
        CardRoute { permit: Some(permit), writes, ..route.clone() }
    }
}

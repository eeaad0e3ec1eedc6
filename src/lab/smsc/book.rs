//! What a virtual SMSC remembers over its connections: ids, receipts that are still to be taken, and its dice.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::Behaviour;
use crate::{bearer::smpp::IdForm, ident::Random, lab::random::SeededRandom, wire::smpp::MessageState};

/// A receipt that was not taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owed {
    /// Who bound for it.
    pub(super) system_id: String,
    /// The message.
    pub(super) number: u64,
    /// Who sent it, and for whom it was.
    pub(super) source: String,
    pub(super) destination: String,
    /// What became of it.
    pub(super) state: MessageState,
    /// When it is due.
    pub(super) at: Instant,
}

/// The book.
pub(super) struct Book {
    random: SeededRandom,
    taken: u64,
    owed: VecDeque<Owed>,
    /// Sent and not answered yet.
    out: usize,
    /// No receipt is sent for now.
    held: bool,
}

impl Book {
    pub(super) fn new(behaviour: &Behaviour) -> Self {
        Self {
            random: SeededRandom::new(behaviour.seed),
            taken: 0,
            owed: VecDeque::new(),
            out: 0,
            held: false,
        }
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn receipts_open(&self) -> usize {
        self.owed.len() + self.out
    }

    /// Keeps receipts back, or lets them go.
    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// The number of the next message.
    pub(super) fn next(&mut self) -> u64 {
        self.taken += 1;
        self.taken
    }

    /// One in `n`; never when that is 0.
    pub(super) fn chance(&mut self, n: u32) -> bool {
        n > 0 && self.below(n) == 0
    }

    /// A number below `n`.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        let mut drawn = [0; 4];
        self.random.fill(&mut drawn);
        u32::from_be_bytes(drawn) % n.max(1)
    }

    pub(super) fn owe(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }

    /// A receipt that is due for this account; else how long until one may be.
    pub(super) fn due(&mut self, system_id: &str, now: Instant) -> Result<Owed, Option<Duration>> {
        if self.held {
            return Err(None);
        }
        let mut soonest: Option<Duration> = None;
        for (at, owed) in self.owed.iter().enumerate().filter(|(_, owed)| owed.system_id == system_id) {
            if owed.at <= now {
                let owed = self.owed.remove(at).ok_or(None)?;
                self.out += 1;
                return Ok(owed);
            }
            let wait = owed.at - now;
            soonest = Some(soonest.map_or(wait, |s| s.min(wait)));
        }
        Err(soonest)
    }

    /// A receipt was answered.
    pub(super) fn settled(&mut self) {
        self.out = self.out.saturating_sub(1);
    }

    /// Receipts that were not answered when their connection ended are sent again.
    pub(super) fn again(&mut self, receipts: impl IntoIterator<Item = Owed>) {
        for owed in receipts {
            self.out = self.out.saturating_sub(1);
            self.owed.push_front(owed);
        }
    }
}

/// A message's number as the SMSC writes it.
pub(super) fn id(form: IdForm, number: u64) -> String {
    match form {
        IdForm::Text => format!("m{number}"),
        IdForm::Hex => format!("{number:08X}"),
        IdForm::Decimal => format!("{number:010}"),
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Book({} taken, {} receipts owed)", self.taken, self.receipts_open())
    }
}

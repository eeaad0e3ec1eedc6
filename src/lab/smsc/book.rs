//! What a virtual SMSC remembers over its connections: ids, receipts that are still to be taken, and its dice.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{Behaviour, Happened};
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
    /// From how many that are due the next one is drawn.
    reorder: u32,
    /// How often what went wrong.
    pub(super) happened: Happened,
}

impl Book {
    pub(super) fn new(behaviour: &Behaviour) -> Self {
        Self {
            random: SeededRandom::new(behaviour.seed),
            taken: 0,
            owed: VecDeque::new(),
            out: 0,
            held: false,
            reorder: behaviour.faults.reorder,
            happened: Happened::default(),
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
        let most = usize::try_from(self.reorder.max(1)).unwrap_or(usize::MAX);
        let mut due = Vec::new();
        for (at, owed) in self.owed.iter().enumerate().filter(|(_, owed)| owed.system_id == system_id) {
            if owed.at <= now {
                due.push(at);
                if due.len() == most {
                    break;
                }
                continue;
            }
            let wait = owed.at - now;
            soonest = Some(soonest.map_or(wait, |s| s.min(wait)));
        }
        let count = u32::try_from(due.len()).unwrap_or(u32::MAX);
        // One that is the only one is not drawn for.
        let drawn = if count > 1 { self.below(count) } else { 0 };
        let at = usize::try_from(drawn).ok().and_then(|drawn| due.get(drawn).copied());
        let owed = at.and_then(|at| self.owed.remove(at)).ok_or(soonest)?;
        self.out += 1;
        self.happened.receipts_mixed += u64::from(drawn > 0);
        Ok(owed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::smsc::Faults;

    /// The numbers of twenty receipts in the order in which they are sent.
    fn order(reorder: u32) -> (Vec<u64>, u64) {
        let faults = Faults { reorder, ..Faults::default() };
        let mut book = Book::new(&Behaviour { faults, ..Behaviour::default() });
        let now = Instant::now();
        let owed = |number, at| Owed {
            system_id: "us".to_owned(),
            number,
            source: String::new(),
            destination: String::new(),
            state: MessageState::Delivered,
            at,
        };
        (0..20).for_each(|number| book.owe(owed(number, now)));
        book.owe(owed(20, now + Duration::from_secs(5)));
        let sent: Vec<u64> =
            std::iter::from_fn(|| book.due("us", now).ok()).map(|owed| owed.number).collect();
        assert_eq!(book.due("us", now), Err(Some(Duration::from_secs(5))));
        assert_eq!(book.due("others", now), Err(None));
        (sent, book.happened.receipts_mixed)
    }

    #[test]
    fn receipts_leave_in_another_order_when_that_is_what_it_does() {
        let straight: Vec<u64> = (0..20).collect();
        assert_eq!(order(0), (straight.clone(), 0));
        let (mut mixed, times) = order(4);
        assert_ne!(mixed, straight);
        assert!((1..20).contains(&times), "{times} of 20");
        mixed.sort_unstable();
        assert_eq!(mixed, straight, "each once");
    }
}

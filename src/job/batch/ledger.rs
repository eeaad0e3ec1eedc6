//! Which row goes to which card, and how each ended: the book that a run keeps. No card gets two rows, no row two cards.

use std::{collections::HashMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Batch, Matching, Row};
use crate::ident::{Iccid, Timestamp, counted};

/// The book of a run.
#[derive(Debug)]
pub struct Ledger {
    rows: Vec<Row>,
    matching: Matching,
    places: Vec<Place>,
    /// The sums of the places, kept as they change: bays ask for them many times a second.
    totals: Totals,
    by_card: HashMap<Iccid, usize>,
    /// Rows that belong to a card, by the table or because they were given to it.
    taken: Vec<bool>,
    /// The first row that may be free, for cards that come without a row of their own.
    next: usize,
    refusals: usize,
    stop_at_refusal: bool,
}

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Waiting,
    /// Done by a run before this one, by the word of its job. Not waited for, and looked at when it comes.
    Before,
    InBay,
    Ended(Ending),
}

/// How a card ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Written and read back.
    Done,
    /// The card had it already, from this run or one before.
    AlreadyDone,
    /// It did not work, and the card holds nothing half done.
    Failed,
    /// A key was refused. Nothing was changed.
    Refused,
    /// It cannot be told what the card holds, or it holds a part.
    Unknown,
    /// Nothing was done with it: it is not of this batch, or not now.
    Skipped,
}

/// Where a card goes when it leaves the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bin {
    /// It holds the bootstrap.
    Good,
    /// Somebody must look at it.
    Bad,
}

/// What is to be done with a card.
#[derive(Debug, Clone, PartialEq)]
pub enum Assignment {
    /// It gets this row.
    Row(usize),
    /// It has its row's bootstrap already.
    AlreadyDone(usize),
    /// Another bay has its row in hand: two cards with one number.
    InAnotherBay,
    /// The table has no row for it.
    NotInTable,
    /// All rows are given away.
    NoneLeft,
    /// A key was refused, and nobody said to go on.
    Stopped,
}

/// The sums of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// All rows.
    pub rows: usize,
    /// Rows that no card came for yet.
    pub waiting: usize,
    /// Rows whose cards were done by runs before this one and did not come in this one.
    pub before: usize,
    /// Rows in a bay now.
    pub in_bay: usize,
    /// [`Ending::Done`].
    pub done: usize,
    /// [`Ending::AlreadyDone`].
    pub already_done: usize,
    /// [`Ending::Failed`].
    pub failed: usize,
    /// [`Ending::Refused`].
    pub refused: usize,
    /// [`Ending::Unknown`].
    pub unknown: usize,
}

impl Assignment {
    /// Why a card gets no row.
    pub(super) fn why_not(&self) -> &'static str {
        match self {
            Self::Row(_) => "it has a row",
            Self::AlreadyDone(_) => {
                "it was done in this run, and does not hold any more what it was given: look who changed it"
            }
            Self::InAnotherBay => "another bay works on a card with the same ICCID",
            Self::NotInTable => "the table has no row for this card",
            Self::NoneLeft => {
                "all rows of the table are given away (`bootgate batch release` frees those of cards that are lost)"
            }
            Self::Stopped => "a key was refused before, which stops the batch",
        }
    }
}

impl Ending {
    /// Where the card goes.
    pub fn bin(self) -> Bin {
        match self {
            Self::Done | Self::AlreadyDone => Bin::Good,
            Self::Failed | Self::Refused | Self::Unknown | Self::Skipped => Bin::Bad,
        }
    }

    /// How bad it is, among those that are.
    pub(super) fn gravity(self) -> u8 {
        match self {
            Self::Done | Self::AlreadyDone | Self::Skipped => 0,
            Self::Failed => 1,
            Self::Refused => 2,
            Self::Unknown => 3,
        }
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadyDone => "already-done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

impl Ledger {
    /// The book of a table. `stop_at_refusal`: the first refused key ends the run, because the next card may be of the same
    /// wrong lot.
    pub fn new(batch: Batch, stop_at_refusal: bool) -> Self {
        let by_card = |(at, row): (usize, &Row)| row.subscriber.iccid.clone().map(|iccid| (iccid, at));
        Self {
            by_card: batch.rows.iter().enumerate().filter_map(by_card).collect(),
            places: vec![Place::Waiting; batch.rows.len()],
            taken: batch.rows.iter().map(|row| row.subscriber.iccid.is_some()).collect(),
            totals: Totals { rows: batch.rows.len(), waiting: batch.rows.len(), ..Totals::default() },
            matching: batch.matching,
            rows: batch.rows,
            next: 0,
            refusals: 0,
            stop_at_refusal,
        }
    }

    /// A row.
    pub fn row(&self, at: usize) -> Option<&Row> {
        self.rows.get(at)
    }

    /// The row of a card, where it has one.
    pub fn row_of(&self, card: &Iccid) -> Option<&Row> {
        self.row(*self.by_card.get(card)?)
    }

    /// A row belongs to a card.
    pub fn claimed(&mut self, at: usize, card: &Iccid) {
        if let Some(taken) = self.taken.get_mut(at) {
            *taken = true;
            self.by_card.insert(card.clone(), at);
        }
    }

    /// True when a card has a row.
    pub fn knows(&self, card: &Iccid) -> bool {
        self.by_card.contains_key(card)
    }

    /// The first row without a card that is as asked for.
    pub(super) fn free_row(&self, is_it: impl Fn(&Row) -> bool) -> Option<usize> {
        self.rows.iter().zip(&self.taken).position(|(row, taken)| !taken && is_it(row))
    }

    /// How many rows belong to cards.
    pub fn taken(&self) -> usize {
        self.taken.iter().filter(|taken| **taken).count()
    }

    /// Takes back a row that was assigned and was not given in the end: it is free, or another card has it.
    pub fn take_back(&mut self, at: usize, card: &Iccid, holder: Option<&Iccid>) {
        self.put(at, Place::Waiting);
        self.by_card.remove(card);
        if let Some(taken) = self.taken.get_mut(at) {
            *taken = false;
        }
        self.next = self.next.min(at);
        if let Some(holder) = holder {
            self.claimed(at, holder);
        }
    }

    /// The card of a row was done before this run began, by the word of its job: it is not waited for.
    pub fn done_before(&mut self, at: usize) {
        if self.places.get(at) == Some(&Place::Waiting) {
            self.put(at, Place::Before);
        }
    }

    /// A card that was done before this run began is there: it is waited for, and looked at.
    pub fn expect(&mut self, card: &Iccid) {
        if let Some(at) = self.by_card.get(card).copied()
            && self.places.get(at) == Some(&Place::Before)
        {
            self.put(at, Place::Waiting);
        }
    }

    /// A card that was done before this run began is not written again. Returns the line of its row, where it has one.
    pub fn settle_before(&mut self, card: &Iccid) -> Option<u64> {
        let at = *self.by_card.get(card)?;
        if matches!(self.places.get(at), Some(Place::Waiting | Place::Before)) {
            self.put(at, Place::Ended(Ending::AlreadyDone));
        }
        self.rows.get(at).map(|row| row.line)
    }

    /// What is to be done with a card that came into a bay. A row that it gets is its own until [`Ledger::settle`].
    pub fn assign(&mut self, card: &Iccid) -> Assignment {
        let at = match self.by_card.get(card) {
            Some(at) => *at,
            None if self.matching == Matching::ByIccid => return Assignment::NotInTable,
            None => {
                let free = self.taken.iter().skip(self.next).position(|taken| !taken);
                let Some(free) = free else { return Assignment::NoneLeft };
                self.next += free;
                self.next
            }
        };
        let stopped = self.stop_at_refusal && self.refusals > 0;
        match self.places.get(at) {
            Some(Place::InBay) => Assignment::InAnotherBay,
            Some(Place::Ended(Ending::Done | Ending::AlreadyDone)) => Assignment::AlreadyDone(at),
            Some(_) if stopped => Assignment::Stopped,
            // A card that failed may be put in again.
            Some(_) => {
                self.put(at, Place::InBay);
                self.claimed(at, card);
                Assignment::Row(at)
            }
            None => Assignment::NoneLeft,
        }
    }

    /// How a row that was assigned ended. `refused`: a key was, whatever else came of it.
    pub fn settle(&mut self, at: usize, ending: Ending, refused: bool) {
        self.put(at, Place::Ended(ending));
        if refused {
            self.refusals += 1;
        }
    }

    /// The sums.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Moves a row to another place.
    fn put(&mut self, at: usize, place: Place) {
        let Some(now) = self.places.get_mut(at) else { return };
        *self.totals.of(*now) -= 1;
        *self.totals.of(place) += 1;
        *now = place;
    }

    /// True when no card is expected any more: every row has ended, or a refusal has stopped the run.
    pub fn is_over(&self) -> bool {
        let totals = &self.totals;
        totals.in_bay == 0 && (totals.waiting == 0 || (self.stop_at_refusal && self.refusals > 0))
    }
}

impl Totals {
    /// The sum of a place.
    fn of(&mut self, place: Place) -> &mut usize {
        match place {
            Place::Waiting | Place::Ended(Ending::Skipped) => &mut self.waiting,
            Place::Before => &mut self.before,
            Place::InBay => &mut self.in_bay,
            Place::Ended(Ending::Done) => &mut self.done,
            Place::Ended(Ending::AlreadyDone) => &mut self.already_done,
            Place::Ended(Ending::Failed) => &mut self.failed,
            Place::Ended(Ending::Refused) => &mut self.refused,
            Place::Ended(Ending::Unknown) => &mut self.unknown,
        }
    }

    /// Cards that hold the bootstrap.
    pub fn good(&self) -> usize {
        self.done + self.already_done + self.before
    }

    /// Cards a minute since the run began, and how long the rest takes at that rate; none before the first card is done.
    pub fn pace(&self, began: Timestamp, now: Timestamp) -> Option<(f64, Duration)> {
        let ended = self.done + self.failed + self.refused + self.unknown;
        let elapsed = now.since(began).as_secs_f64();
        if ended == 0 || elapsed <= 0.0 {
            return None;
        }
        let count = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
        let each = elapsed / count(ended);
        let left = Duration::try_from_secs_f64(each * count(self.waiting + self.in_bay)).ok()?;
        Some((60.0 / each, left))
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let good = self.good();
        write!(f, "{good} of {} good", counted(self.rows, "card"))?;
        let others = [
            (self.already_done, "done before"),
            (self.before, "by earlier runs, not looked at now"),
            (self.failed, "failed"),
            (self.refused, "refused a key"),
            (self.unknown, "unknown"),
            (self.in_bay, "in a reader"),
            (self.waiting, "to come"),
        ];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::batch::{Columns, NoOpener, read};

    const A: &str = "89490200001234567892";
    const B: &str = "89490200001234567900";

    fn card(digits: &str) -> Iccid {
        digits.parse().unwrap()
    }

    fn ledger(table: &str, stop: bool) -> Ledger {
        let (batch, problems) = read(table.as_bytes(), &Columns::default(), &NoOpener);
        assert_eq!(problems, []);
        Ledger::new(batch, stop)
    }

    #[test]
    fn each_card_gets_its_row_once() {
        let mut ledger = ledger(&format!("iccid\n{A}\n{B}\n"), true);
        assert_eq!(ledger.assign(&card(A)), Assignment::Row(0));
        assert_eq!(ledger.assign(&card(A)), Assignment::InAnotherBay);
        assert_eq!(ledger.assign(&card("89490200001234567918")), Assignment::NotInTable);
        ledger.settle(0, Ending::Done, false);
        assert_eq!(ledger.assign(&card(A)), Assignment::AlreadyDone(0));
        assert!(!ledger.is_over());
        // A card that failed may be put in again.
        assert_eq!(ledger.assign(&card(B)), Assignment::Row(1));
        ledger.settle(1, Ending::Unknown, false);
        assert!(ledger.is_over());
        assert_eq!(ledger.assign(&card(B)), Assignment::Row(1));
        assert_eq!(ledger.totals(), Totals { rows: 2, in_bay: 1, done: 1, ..Totals::default() });
    }

    #[test]
    fn rows_without_cards_are_given_in_order_and_stay_with_their_card() {
        let mut ledger = ledger("imei\n490154203237518\n490154203237526\n", true);
        assert_eq!(ledger.assign(&card(B)), Assignment::Row(0));
        assert_eq!(ledger.assign(&card(A)), Assignment::Row(1));
        assert_eq!(ledger.assign(&card("89490200001234567918")), Assignment::NoneLeft);
        ledger.settle(0, Ending::Failed, false);
        // Its row waits for this card, not for another one.
        assert_eq!(ledger.assign(&card("89490200001234567918")), Assignment::NoneLeft);
        assert_eq!(ledger.assign(&card(B)), Assignment::Row(0));
    }

    #[test]
    fn rows_that_were_given_away_before_stay_given() {
        let mut ledger = ledger("imei\n490154203237518\n490154203237526\n490154203237534\n", true);
        let c = card("89490200001234567918");
        ledger.claimed(0, &card(A));
        ledger.done_before(0);
        assert_eq!((ledger.taken(), ledger.totals().before, ledger.totals().waiting), (1, 1, 2));
        // The first free row is reserved, and turns out to be another card's.
        assert_eq!(ledger.assign(&card(B)), Assignment::Row(1));
        ledger.take_back(1, &card(B), Some(&c));
        assert_eq!(ledger.assign(&card(B)), Assignment::Row(2));
        // It could not be written down: the row is free, and the next card gets it.
        ledger.take_back(2, &card(B), None);
        assert!(!ledger.knows(&card(B)));
        assert_eq!(ledger.assign(&card("89490200001234567926")), Assignment::Row(2));
        assert_eq!(ledger.assign(&c), Assignment::Row(1));
        ledger.settle(1, Ending::Done, false);
        ledger.settle(2, Ending::Done, false);
        assert!(ledger.is_over(), "a card that is done is not waited for");
        assert_eq!(ledger.totals().to_string(), "3 of 3 cards good, 1 by earlier runs, not looked at now");
        // It is in a reader, and does not hold it any more.
        ledger.expect(&card(A));
        assert!(!ledger.is_over(), "a card that is there is looked at");
        assert_eq!(ledger.assign(&card(A)), Assignment::Row(0));
    }

    #[test]
    fn the_first_refusal_stops_the_run_unless_told_otherwise() {
        for stop in [true, false] {
            let mut ledger = ledger(&format!("iccid\n{A}\n{B}\n"), stop);
            assert_eq!(ledger.assign(&card(A)), Assignment::Row(0));
            ledger.settle(0, Ending::Refused, true);
            assert_eq!(ledger.is_over(), stop);
            let next = ledger.assign(&card(B));
            assert_eq!(next, if stop { Assignment::Stopped } else { Assignment::Row(1) });
            assert_eq!(Ending::Refused.bin(), Bin::Bad);
        }
    }

    #[test]
    fn the_pace_is_that_of_cards_that_were_worked_on() {
        let mut ledger = ledger(&format!("iccid\n{A}\n{B}\n89490200001234567918\n"), true);
        let (began, now) = (Timestamp::from_millis(0), Timestamp::from_millis(30_000));
        ledger.settle_before(&card(B));
        assert_eq!(ledger.totals().pace(began, now), None);
        ledger.assign(&card(A));
        ledger.settle(0, Ending::Done, false);
        assert_eq!(ledger.totals().pace(began, now), Some((2.0, Duration::from_secs(30))));
        assert_eq!(ledger.totals().to_string(), "2 of 3 cards good, 1 done before, 1 to come");
    }
}

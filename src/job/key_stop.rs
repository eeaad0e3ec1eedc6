//! Keys of many cards: one after the other, and none any more once a card has refused one. The next card may be of the same wrong
//! lot, and each would lose a try.

use std::{
    collections::BTreeSet,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::card::{KeyPermit, KeysStopped};

/// The longest that the others wait for one card. A reader that hangs for longer holds nobody up; should its card refuse
/// after all, that stops the rest then.
const LONGEST_TURN: Duration = Duration::from_secs(20);

/// Gives turns to cards, until one refuses its key. Bays share it.
#[derive(Debug)]
pub struct KeyStop {
    turns: Mutex<Turns>,
    over: Condvar,
    longest: Duration,
    /// Whether a refused key stops the others; if not, they need no turns either.
    stops: bool,
}

#[derive(Debug, Default)]
struct Turns {
    /// Whose turn it is, and since when.
    now: Option<(u64, Instant)>,
    stopped: bool,
    /// How many contacts there were.
    contacts: u64,
    /// Those that nobody waits for any more.
    given_up: BTreeSet<u64>,
    /// Those whose card has refused a key.
    refused: BTreeSet<u64>,
}

impl KeyStop {
    /// Where the first refused key is the last one; or, when not `at_refusal`, where each card is on its own.
    pub fn new(at_refusal: bool) -> Arc<Self> {
        Self::lasting(at_refusal, LONGEST_TURN)
    }

    fn lasting(stops: bool, longest: Duration) -> Arc<Self> {
        Arc::new(Self { turns: Mutex::default(), over: Condvar::new(), longest, stops })
    }

    /// True when no key is presented any more.
    pub fn is_stopped(&self) -> bool {
        self.turns().stopped
    }

    /// A card that was put in. The same card put in again is another contact.
    pub fn contact(self: &Arc<Self>) -> Arc<KeyContact> {
        let mut turns = self.turns();
        turns.contacts += 1;
        Arc::new(KeyContact { number: turns.contacts, keys: Arc::clone(self) })
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One contact with a card: it waits for its turn to be given its keys.
#[derive(Debug)]
pub struct KeyContact {
    keys: Arc<KeyStop>,
    number: u64,
}

impl KeyContact {
    /// Nobody waits for the card any more. Its turn is over, and it gets none again: whoever hangs in it may come back when all
    /// think that it is done with.
    pub fn give_up(&self) {
        let mut turns = self.keys.turns();
        turns.given_up.insert(self.number);
        self.end(turns);
    }

    /// True when its card has refused a key.
    pub fn was_refused(&self) -> bool {
        self.keys.turns().refused.contains(&self.number)
    }

    fn end(&self, mut turns: MutexGuard<'_, Turns>) {
        turns.now.take_if(|(holder, _)| *holder == self.number);
        drop(turns);
        self.keys.over.notify_all();
    }
}

impl KeyPermit for KeyContact {
    fn take_turn(&self) -> Result<(), KeysStopped> {
        let mut turns = self.keys.turns();
        loop {
            if turns.given_up.contains(&self.number) {
                return Err(KeysStopped::GivenUp);
            }
            if !self.keys.stops {
                return Ok(());
            }
            if turns.stopped {
                return Err(KeysStopped::Refused);
            }
            let others = turns.now.filter(|(holder, _)| *holder != self.number);
            let left = others.and_then(|(_, since)| self.keys.longest.checked_sub(since.elapsed()));
            let Some(left) = left else { break };
            let waited = self.keys.over.wait_timeout(turns, left);
            turns = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        turns.now = Some((self.number, Instant::now()));
        Ok(())
    }

    fn end_turn(&self) {
        self.end(self.keys.turns());
    }

    fn refused(&self) {
        {
            let mut turns = self.keys.turns();
            turns.stopped |= self.keys.stops;
            turns.refused.insert(self.number);
        }
        self.keys.over.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Waits for a turn on another thread.
    fn waits(contact: &Arc<KeyContact>) -> mpsc::Receiver<Result<(), KeysStopped>> {
        let (tell, told) = mpsc::channel();
        let contact = Arc::clone(contact);
        std::thread::spawn(move || tell.send(contact.take_turn()));
        told
    }

    #[test]
    fn one_key_at_a_time_and_none_after_a_refusal() {
        let stop = KeyStop::new(true);
        let [first, second, third] = [stop.contact(), stop.contact(), stop.contact()];
        first.take_turn().unwrap();
        let told = waits(&second);
        // Whoever has no turn ends none.
        third.give_up();
        assert!(told.recv_timeout(Duration::from_millis(20)).is_err(), "it is not its turn");
        first.end_turn();
        assert_eq!(told.recv(), Ok(Ok(())));

        let told = waits(&first);
        second.refused();
        assert!(second.was_refused() && !first.was_refused());
        assert_eq!(told.recv(), Ok(Err(KeysStopped::Refused)), "at once, and not when the turn is over");
        assert!(stop.is_stopped());
    }

    #[test]
    fn a_card_that_was_given_up_holds_nobody_up_and_gets_no_turn() {
        for stops in [true, false] {
            let stop = KeyStop::new(stops);
            let [mute, other] = [stop.contact(), stop.contact()];
            mute.take_turn().unwrap();
            mute.give_up();
            other.take_turn().unwrap();
            // It comes back: what it would present now nobody waits for.
            assert_eq!(mute.take_turn(), Err(KeysStopped::GivenUp));
            mute.end_turn();
            assert_eq!(stop.turns().now.is_some(), stops, "the other's turn is its own");
            // The same card, put in anew.
            other.end_turn();
            stop.contact().take_turn().unwrap();
            // A refusal that comes late counts all the same, where refusals count.
            mute.refused();
            assert_eq!(other.take_turn().is_err(), stops);
        }
    }

    #[test]
    fn whoever_waits_in_its_turn_is_asked_again() {
        let stop = KeyStop::lasting(true, Duration::ZERO);
        let [slow, other] = [stop.contact(), stop.contact()];
        slow.take_turn().unwrap();
        // Its turn runs out, and the card that has the next one refuses.
        other.take_turn().unwrap();
        other.refused();
        other.end_turn();
        assert_eq!(slow.take_turn(), Err(KeysStopped::Refused));
    }
}

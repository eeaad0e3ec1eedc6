//! Keys of many cards: one after the other, and none any more once a card has refused one. The next card may be of the same wrong
//! lot, and each would lose a try.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    card::{KeyPermit, KeysStopped},
    ident::Iccid,
};

/// The longest that the others wait for one card. A reader that hangs for longer holds nobody up; should its card refuse
/// after all, that stops the rest then.
const LONGEST_TURN: Duration = Duration::from_secs(20);

/// Gives turns to cards, until one refuses its key. Bays share it.
#[derive(Debug, Default)]
pub struct KeyStop {
    turns: Mutex<Turns>,
    over: Condvar,
}

#[derive(Debug, Default)]
struct Turns {
    /// The card whose turn it is, and since when.
    now: Option<(Iccid, Instant)>,
    stopped: bool,
}

impl KeyStop {
    /// True when no key is presented any more.
    pub fn is_stopped(&self) -> bool {
        self.turns().stopped
    }

    /// A key is refused, by the card's word now or before: no other is presented.
    pub fn stop(&self) {
        self.turns().stopped = true;
        self.over.notify_all();
    }

    /// A card that never answers: its turn is over.
    pub fn give_up(&self, card: &Iccid) {
        self.end_turn(card, false);
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyPermit for KeyStop {
    fn take_turn(&self, card: &Iccid) -> Result<(), KeysStopped> {
        let mut turns = self.turns();
        loop {
            if turns.stopped {
                return Err(KeysStopped);
            }
            let left = turns.now.as_ref().and_then(|(_, since)| LONGEST_TURN.checked_sub(since.elapsed()));
            let Some(left) = left else { break };
            let waited = self.over.wait_timeout(turns, left);
            turns = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        turns.now = Some((card.clone(), Instant::now()));
        Ok(())
    }

    fn end_turn(&self, card: &Iccid, refused: bool) {
        let mut turns = self.turns();
        turns.stopped |= refused;
        // One that was given up may come back when another card has the turn.
        turns.now.take_if(|(holder, _)| holder == card);
        drop(turns);
        self.over.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    fn card(check: &str) -> Iccid {
        Iccid::from_card(&format!("8949020000123456789{check}")).unwrap()
    }

    #[test]
    fn one_key_at_a_time_and_none_after_a_refusal() {
        let stop = Arc::new(KeyStop::default());
        stop.take_turn(&card("2")).unwrap();
        let (tell, told) = mpsc::channel();
        let waits = Arc::clone(&stop);
        let other = std::thread::spawn(move || tell.send(waits.take_turn(&card("0"))));
        assert!(told.try_recv().is_err(), "it is not its turn");
        // Whoever has no turn ends none.
        stop.give_up(&card("0"));
        assert!(told.recv_timeout(Duration::from_millis(20)).is_err());
        stop.end_turn(&card("2"), false);
        assert_eq!(told.recv(), Ok(Ok(())));
        other.join().unwrap().unwrap();

        let (tell, told) = mpsc::channel();
        let waits = Arc::clone(&stop);
        let other = std::thread::spawn(move || tell.send(waits.take_turn(&card("2"))));
        stop.end_turn(&card("0"), true);
        assert_eq!(told.recv(), Ok(Err(KeysStopped)));
        other.join().unwrap().unwrap();
        assert!(stop.is_stopped());
    }

    #[test]
    fn a_card_that_was_given_up_holds_nobody_up() {
        let stop = KeyStop::default();
        stop.take_turn(&card("2")).unwrap();
        stop.give_up(&card("2"));
        stop.take_turn(&card("0")).unwrap();
        // It comes back with a refusal: that counts all the same, and the other's turn is its own.
        stop.end_turn(&card("2"), true);
        assert_eq!(stop.take_turn(&card("2")), Err(KeysStopped));
    }
}

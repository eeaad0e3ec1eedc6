//! Turns: what is asked, told, written and sent in which order.

#![cfg(test)]

use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    card::{CardTransport, TransportError},
    ident::ReaderName,
};

/// What happened, in order.
#[derive(Default)]
struct Log(Mutex<Vec<&'static str>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Gives so many turns, then says that keys are stopped.
struct Turns(Arc<Log>, Mutex<usize>);

impl KeyPermit for Turns {
    fn take_turn(&self) -> Result<(), KeysStopped> {
        self.0.note("turn");
        let mut left = self.1.lock().unwrap();
        *left = left.checked_sub(1).ok_or(KeysStopped::Refused)?;
        Ok(())
    }
    fn end_turn(&self) {
        self.0.note("end");
    }
    fn refused(&self) {
        self.0.note("refused");
    }
}

struct Written(Arc<Log>, MemoryKeyJournal);

impl KeyJournal for Written {
    fn state(&self, card: &Iccid, key: KeyId) -> Result<KeyState, JournalError> {
        self.1.state(card, key)
    }
    fn presenting(
        &self,
        card: &Iccid,
        key: KeyId,
        known: KeyState,
        tries: Option<u8>,
    ) -> Result<(), JournalError> {
        self.0.note("presenting");
        self.1.presenting(card, key, known, tries)
    }
    fn put_back(&self, card: &Iccid, key: KeyId, known: KeyState) -> Result<(), JournalError> {
        self.0.note("put back");
        self.1.put_back(card, key, known)
    }
    fn outcome(&self, card: &Iccid, key: KeyId, outcome: KeyOutcome) -> Result<(), JournalError> {
        self.0.note("outcome");
        self.1.outcome(card, key, outcome)
    }
    fn clear(&self, card: &Iccid) -> Result<Vec<(KeyId, KeyState)>, JournalError> {
        self.1.clear(card)
    }
}

struct Sent(Arc<Log>, Script);

impl CardTransport for Sent {
    fn reader(&self) -> &ReaderName {
        self.1.reader()
    }
    fn atr(&self) -> &[u8] {
        self.1.atr()
    }
    fn protocol(&self) -> Protocol {
        self.1.protocol()
    }
    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        if apdu.len() > 5 {
            self.0.note("sent");
        }
        self.1.exchange(apdu)
    }
    fn reset(&mut self) -> Result<(), TransportError> {
        self.1.reset()
    }
}

/// Presents the key to a card of which `known` is known; what happened, how it ended, and what is known then.
fn present(
    known: KeyState,
    turns: usize,
    steps: &[(&str, &str)],
) -> (Vec<&'static str>, Result<Presented, KeyError>, KeyState) {
    let log = Arc::new(Log::default());
    let journal = Written(Arc::clone(&log), MemoryKeyJournal::new());
    journal.1.put_back(&iccid(), KeyRef::ADM1.into(), known).unwrap();
    let (permit, policy) = (Turns(Arc::clone(&log), turns.into()), strict());
    let mut card = Sent(Arc::clone(&log), Script::new(Protocol::T0, steps));
    let mut session = Session::new(&mut card);
    let guard = KeyGuard::new(&journal, &policy).asking(Some(&permit));
    let done = guard.present(&mut session, Some(&iccid()), &key());
    drop(session);
    assert_eq!(card.1.left(), 0, "{done:?}");
    (log.take(), done, state(&journal.1))
}

const FULL: (&str, &str) = ("0020000A00", "63C3");

#[test]
fn the_turn_is_asked_for_again_right_before_the_key_goes_and_a_refusal_is_told_before_all_else() {
    let (log, done, _) = present(KeyState::Clear, 2, &[FULL, (VERIFY, "9000")]);
    assert_eq!(log, ["turn", "presenting", "turn", "sent", "end", "outcome"], "{done:?}");
    let (log, done, _) = present(KeyState::Clear, 2, &[FULL, (VERIFY, "63C2")]);
    assert_eq!(log, ["turn", "presenting", "turn", "sent", "refused", "end", "outcome"], "{done:?}");
    let (log, done, _) = present(KeyState::Clear, 2, &[FULL, (VERIFY, "")]);
    assert_eq!(log, ["turn", "presenting", "turn", "sent", "end"], "{done:?}");
}

#[test]
fn a_stop_that_comes_while_the_journal_is_written_keeps_the_key_back() {
    for known in
        [KeyState::Clear, KeyState::Accepted { tries: Some(3) }, KeyState::Unanswered { tries: Some(3) }]
    {
        let (log, done, after) = present(known, 1, &[FULL]);
        assert!(matches!(done, Err(KeyError::Stopped(KeysStopped::Refused))), "{done:?}");
        assert_eq!(log, ["turn", "presenting", "turn", "put back", "end"]);
        assert_eq!(after, known, "it was not sent, and so is as good as before");
        let (log, done, after) = present(known, 0, &[FULL]);
        assert!(matches!(done, Err(KeyError::Stopped(_))), "{done:?}");
        assert_eq!((log, after), (vec!["turn"], known));
    }
}

#[test]
fn a_refusal_that_is_known_without_sending_is_told_at_once() {
    let (log, done, _) = present(KeyState::Refused { tries: Some(3) }, 2, &[]);
    assert!(matches!(done, Err(KeyError::Quarantined { .. })), "{done:?}");
    assert_eq!(log, ["refused"]);
    let (log, done, after) = present(KeyState::Unanswered { tries: Some(3) }, 2, &[("0020000A00", "63C2")]);
    assert!(matches!(done, Err(KeyError::LostAndRefused { .. })), "{done:?}");
    assert_eq!((log, after), (vec!["refused", "outcome"], KeyState::Refused { tries: Some(3) }));
    // A low counter is about this card alone.
    let (log, done, _) = present(KeyState::Clear, 2, &[("0020000A00", "63C1")]);
    assert!(matches!(done, Err(KeyError::TooFewTries { .. })) && log.is_empty(), "{done:?} {log:?}");
}

/// Two cards of one number, or two programs: what one of them knows is not true any more when the other has gone before.
#[test]
fn whoever_was_overtaken_presents_nothing() {
    let journal = MemoryKeyJournal::new();
    let adm = KeyRef::ADM1.into();
    let known = journal.state(&iccid(), adm).unwrap();
    journal.presenting(&iccid(), adm, known, None).unwrap();
    let late = journal.presenting(&iccid(), adm, known, None).unwrap_err();
    let why = std::error::Error::source(&late).unwrap().to_string();
    assert!(why.contains("another bay or program"), "{why}");
    journal.outcome(&iccid(), adm, KeyOutcome::Refused).unwrap();
    journal.presenting(&iccid(), adm, known, None).unwrap_err();
    assert_eq!(state(&journal), KeyState::Refused { tries: None });
}

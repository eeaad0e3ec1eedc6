//! What stays in doubt, and under which name: no key is sent again while nobody can tell what became of it.

#![cfg(test)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{
    change::{EMPTY, NEW, WRONG, card, cards, known, on, pin, puk, tries, with},
    *,
};
use crate::{
    card::{CardTransport, Depth, FileSystem, Mode, TransportError, locate},
    ident::ReaderName,
    lab::{
        image::{Personality, SAMPLE_PIN, SAMPLE_PUK},
        reader::{Fault, InProcess},
    },
};

const PIN1: KeyId = KeyId::Key(KeyRef::PIN1);

/// The doubt about a PIN outlives what becomes of its PUK.
#[test]
fn a_pin_stays_in_doubt_when_a_second_unblock_is_refused() {
    for station in cards() {
        let journal = MemoryKeyJournal::new();
        let reader = InProcess::insert(&station.0, "bay 0".parse().unwrap());
        with(&mut reader.with_fault(Fault::AnswerLost(2)), station.1, &journal, |guard, s, of| {
            guard.unblock(s, of, &puk(SAMPLE_PUK), &pin(NEW)).unwrap_err()
        });
        let wrong = on(&station, &journal, |guard, s, of| guard.unblock(s, of, &puk("00000000"), &pin(NEW)));
        assert!(matches!(wrong, Err(KeyError::Wrong { .. })), "{wrong:?}");
        for digits in [SAMPLE_PIN, NEW] {
            let err = on(&station, &journal, |guard, s, of| guard.present(s, of, &pin(digits))).unwrap_err();
            assert!(matches!(err, KeyError::InDoubt { .. }), "{err}");
        }
        assert_eq!(tries(&station.0), (3, 9));
    }
}

/// What was known of a PIN is known still when the card has refused its PUK, and only then.
#[test]
fn a_refused_unblock_leaves_the_pin_as_it_was() {
    let unblock = ("002C000110333134313539323637373737FFFFFFFF", "63C9");
    for before in [
        KeyState::Clear,
        KeyState::Accepted { tries: Some(3) },
        KeyState::Refused { tries: Some(3) },
        KeyState::Unanswered { tries: Some(3) },
    ] {
        for (sw, after) in [
            ("63C9", before),
            ("6983", before),
            ("9804", before),
            ("6D00", before),
            // Nobody knows what the card has done before it said so.
            ("6F00", KeyState::Unanswered { tries: None }),
            ("6581", KeyState::Unanswered { tries: None }),
            ("", KeyState::Unanswered { tries: None }),
        ] {
            let journal = MemoryKeyJournal::new();
            journal.put_back(&iccid(), PIN1, before).unwrap();
            let mut script = Script::new(Protocol::T0, &[("002C000100", "63CA"), (unblock.0, sw)]);
            with(&mut script, Mode::ThreeG, &journal, |guard, s, of| {
                guard.unblock(s, of, &puk(SAMPLE_PUK), &pin(NEW)).unwrap_err()
            });
            assert_eq!((known(&journal, PIN1), script.left()), (after, 0), "{before:?}, {sw}");
        }
    }
}

/// A journal whose process is killed after some writes.
struct Mortal<'a> {
    inner: &'a MemoryKeyJournal,
    left: AtomicUsize,
}

impl Mortal<'_> {
    fn alive(&self) -> Result<(), JournalError> {
        let lives = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        lives.map(drop).map_err(|_| JournalError::new(std::io::Error::other("killed")))
    }
}

impl KeyJournal for Mortal<'_> {
    fn state(&self, card: &Iccid, key: KeyId) -> Result<KeyState, JournalError> {
        self.inner.state(card, key)
    }
    fn presenting(
        &self,
        card: &Iccid,
        key: KeyId,
        known: KeyState,
        tries: Option<u8>,
    ) -> Result<(), JournalError> {
        self.alive()?;
        self.inner.presenting(card, key, known, tries)
    }
    fn put_back(&self, card: &Iccid, key: KeyId, known: KeyState) -> Result<(), JournalError> {
        self.alive()?;
        self.inner.put_back(card, key, known)
    }
    fn outcome(&self, card: &Iccid, key: KeyId, outcome: KeyOutcome) -> Result<(), JournalError> {
        self.alive()?;
        self.inner.outcome(card, key, outcome)
    }
    fn clear(&self, card: &Iccid) -> Result<Vec<(KeyId, KeyState)>, JournalError> {
        self.inner.clear(card)
    }
}

/// Killed between any two entries: the old value, which the card does not take any more, is not sent.
#[test]
fn no_kill_while_a_pin_is_unblocked_costs_a_try() {
    for (personality, mode) in [(Personality::Uicc, Mode::ThreeG), (Personality::Sim, Mode::TwoG)] {
        let mut ended = Vec::new();
        for left in 0..=4 {
            let (station, inner) = ((card(personality), mode), MemoryKeyJournal::new());
            // It was presented before, and was right.
            on(&station, &inner, |guard, s, of| guard.present(s, of, &pin(SAMPLE_PIN))).unwrap();
            let (journal, policy) = (Mortal { inner: &inner, left: left.into() }, strict());
            let mut reader = InProcess::insert(&station.0, "bay 0".parse().unwrap());
            let mut session = Session::new(&mut reader);
            session.set_mode(mode);
            let guard = KeyGuard::new(&journal, &policy);
            ended.push(guard.unblock(&mut session, Some(&iccid()), &puk(SAMPLE_PUK), &pin(NEW)).is_ok());
            let old = on(&station, &inner, |guard, s, of| guard.present(s, of, &pin(SAMPLE_PIN)));
            // The last one is no kill: that the old value is wrong then is known to whoever has given a new one.
            let costs = usize::from(left == 4);
            assert_eq!(
                usize::from(matches!(old, Err(KeyError::Wrong { .. }))),
                costs,
                "{left} entries: {old:?}"
            );
        }
        assert_eq!(ended, [false, false, false, false, true]);
    }
}

/// In the same session, too, where the card says of the PIN that it was presented, and nothing of its counter.
#[test]
fn what_was_lost_is_not_sent_again_in_the_same_session() {
    const VERIFY: &str = "002000010831323334FFFFFFFF";
    let says = ("0020000100", "9000");
    for (lost, change) in
        [("002400011031323334FFFFFFFF37373737FFFFFFFF", true), ("002600010831323334FFFFFFFF", false)]
    {
        let journal = MemoryKeyJournal::new();
        let steps = [EMPTY, (VERIFY, "9000"), says, (lost, ""), says];
        let mut script = Script::new(Protocol::T0, &steps);
        let again = with(&mut script, Mode::ThreeG, &journal, |guard, s, of| {
            guard.present(s, of, &pin(SAMPLE_PIN)).unwrap();
            let mut work = || match change {
                true => guard.change(s, of, &pin(SAMPLE_PIN), &pin(NEW)),
                false => guard.switch(s, of, &pin(SAMPLE_PIN), false).map(drop),
            };
            assert!(matches!(work(), Err(KeyError::AnswerLost { .. })));
            work().unwrap_err()
        });
        assert!(matches!(again, KeyError::InDoubt { .. }), "{again}");
        assert_eq!(script.left(), 0);
    }
}

/// CHV2 of class A0 is PIN2 of class 00: what is known of it in one class is known in the other.
#[test]
fn a_key_has_one_entry_whatever_class_it_is_presented_in() {
    let key = |reference| Key::pin(KeyRef(reference), &WRONG.parse().unwrap()).unwrap();
    let puk = |reference| Key::puk(KeyRef(reference), &"00000000".parse().unwrap()).unwrap();
    let quarantined = |done: Result<(), KeyError>| matches!(done, Err(KeyError::Quarantined { .. }));
    for (first, second) in [(Mode::TwoG, Mode::ThreeG), (Mode::ThreeG, Mode::TwoG)] {
        let station = |mode: Mode| {
            let personality = if mode == Mode::TwoG { Personality::Uicc2g } else { Personality::Uicc };
            (card(personality), mode)
        };
        let names = |mode: Mode, of: [u8; 2]| if mode == Mode::TwoG { of.to_vec() } else { vec![of[1]] };
        for (at, of) in [(0, [0x02, 0x81]), (1, [0x02, 0x81]), (1, [0x00, 0x01]), (0, [0x01, 0x01])] {
            let give = |mode: Mode, journal: &MemoryKeyJournal, reference| {
                on(&station(mode), journal, |guard, s, card| match at {
                    0 => guard.present(s, card, &key(reference)).map(drop),
                    _ => guard.unblock(s, card, &puk(reference), &key(reference)),
                })
            };
            for reference in names(first, of) {
                let journal = MemoryKeyJournal::new();
                let wrong = give(first, &journal, reference);
                assert!(matches!(wrong, Err(KeyError::Wrong { .. })), "{first:?} {reference:02X}: {wrong:?}");
                for again in names(second, of) {
                    let told = give(second, &journal, again);
                    assert!(quarantined(told), "{first:?} {reference:02X}, then {second:?} {again:02X}");
                }
                assert_eq!(
                    journal.clear(&iccid()).unwrap().iter().filter(|(_, s)| *s != KeyState::Clear).count(),
                    1
                );
            }
        }
    }
    // In class 00, 02 is the PIN of another application.
    let journal = MemoryKeyJournal::new();
    journal.put_back(&iccid(), KeyRef::PIN2.into(), KeyState::Refused { tries: Some(3) }).unwrap();
    let mut script = Script::new(Protocol::T0, &[("0020000200", "6A88")]);
    let other = with(&mut script, Mode::ThreeG, &journal, |guard, s, of| guard.present(s, of, &key(0x02)));
    assert!(matches!(other, Err(KeyError::NoSuchKey { .. })), "{other:?}");
}

/// A SIM that takes a PIN and keeps its file closed all the same. In class A0 the counter shows no difference.
struct Stubborn<'a> {
    inner: InProcess,
    closed: &'a AtomicBool,
    verified: &'a AtomicUsize,
}

impl CardTransport for Stubborn<'_> {
    fn reader(&self) -> &ReaderName {
        self.inner.reader()
    }
    fn atr(&self) -> &[u8] {
        self.inner.atr()
    }
    fn protocol(&self) -> Protocol {
        self.inner.protocol()
    }
    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        match apdu[1] {
            0xB0 if self.closed.load(Ordering::Relaxed) => Ok(vec![0x98, 0x04]),
            0x20 => {
                let before = self.verified.fetch_add(1, Ordering::Relaxed);
                assert!(before < 3, "the same PIN again and again");
                self.inner.exchange(apdu)
            }
            _ => self.inner.exchange(apdu),
        }
    }
    fn reset(&mut self) -> Result<(), TransportError> {
        self.inner.reset()
    }
}

#[test]
fn a_pin_that_opens_nothing_is_presented_once() {
    let (closed, verified) = (AtomicBool::new(false), AtomicUsize::new(0));
    let inner = InProcess::insert(&card(Personality::Sim), "bay 0".parse().unwrap());
    let mut stubborn = Stubborn { inner, closed: &closed, verified: &verified };
    let mut fs = FileSystem::new(Session::new(&mut stubborn));
    locate(&mut fs, Depth::Everything).unwrap();
    let file = fs.take_denied().pop().unwrap();
    let (journal, policy) = (MemoryKeyJournal::new(), strict());
    let guard = KeyGuard::new(&journal, &policy);
    let mut tried = 0;
    // A second value for the same PIN is not tried either.
    let read = guard.with_pins(&mut fs, &[pin(SAMPLE_PIN), pin(WRONG)], |fs| {
        tried += 1;
        closed.store(true, Ordering::Relaxed);
        let read = fs.read_all(&file);
        closed.store(false, Ordering::Relaxed);
        read
    });
    assert!(read.unwrap().unwrap_err().is_denied());
    assert_eq!((verified.load(Ordering::Relaxed), tried), (1, 2));
    assert_eq!(known(&journal, PIN1), KeyState::Accepted { tries: Some(3) });

    // Where somebody is asked and does not agree, nothing is sent.
    drop(fs);
    stubborn.reset().unwrap();
    let mut fs = FileSystem::new(Session::new(&mut stubborn));
    let asked =
        guard.with_agreed_pins(&mut fs, &[pin(SAMPLE_PIN)], |_, pin| pin != PIN1, |fs| fs.read_all(&file));
    assert!(matches!(asked, Err(KeyError::NotAgreed { key: PIN1, .. })));
    assert_eq!(verified.load(Ordering::Relaxed), 1);
}

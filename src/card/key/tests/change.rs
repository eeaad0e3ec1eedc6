//! CHANGE, DISABLE, ENABLE and UNBLOCK PIN: by the rule for VERIFY, on cards of all kinds, and against scripted ones.

#![cfg(test)]

use super::*;
use crate::{
    card::{CardTransport, Mode, TransportError},
    lab::{
        card::VirtualCard,
        image::{Personality, Quirk, SAMPLE_PIN, SAMPLE_PUK, Sample, SampleKind},
        reader::{CardHandle, Fault, InProcess},
    },
};

pub(super) const WRONG: &str = "0000";
pub(super) const NEW: &str = "7777";
pub(super) const EMPTY: (&str, &str) = ("0020000100", "63C3");
const CHANGE: &str = "002400011031323334FFFFFFFF37373737FFFFFFFF";
const UNBLOCK: &str = "002C000110333134313539323637373737FFFFFFFF";

pub(super) fn pin(digits: &str) -> Key {
    Key::pin(KeyRef::PIN1, &digits.parse().unwrap()).unwrap()
}

pub(super) fn puk(digits: &str) -> Key {
    Key::puk(KeyRef::PIN1, &digits.parse().unwrap()).unwrap()
}

pub(super) fn known(journal: &MemoryKeyJournal, id: KeyId) -> KeyState {
    journal.state(&iccid(), id).unwrap()
}

/// A sample card whose PIN1 is on, and the class that it is spoken to in.
pub(super) fn cards() -> Vec<(CardHandle, Mode)> {
    [
        (Personality::Uicc, Mode::ThreeG),
        (Personality::Uicc2g, Mode::TwoG),
        (Personality::Sim, Mode::TwoG),
        (Personality::Ruim, Mode::TwoG),
    ]
    .map(|(personality, mode)| (card(personality), mode))
    .into()
}

pub(super) fn card(personality: Personality) -> CardHandle {
    let mut sample = Sample::new(SampleKind::Pin, iccid(), "001010123456789".parse().unwrap());
    sample.personality = personality;
    CardHandle::new(VirtualCard::from_image(sample.image()).unwrap())
}

/// Tries of PIN1 and of its PUK.
pub(super) fn tries(card: &CardHandle) -> (u8, u8) {
    let image = card.image();
    let pin = image.keys.iter().find(|key| key.key == KeyRef::PIN1).unwrap();
    (pin.tries, pin.puk.as_ref().unwrap().tries)
}

/// A fresh session on a card.
pub(super) fn with<T>(
    transport: &mut dyn CardTransport,
    mode: Mode,
    journal: &MemoryKeyJournal,
    work: impl FnOnce(&KeyGuard<'_>, &mut Session<'_>, Option<&Iccid>) -> T,
) -> T {
    let policy = strict();
    let mut session = Session::new(transport);
    session.set_mode(mode);
    work(&KeyGuard::new(journal, &policy), &mut session, Some(&iccid()))
}

/// As [`with`], on a card that was just put in.
pub(super) fn on<T>(
    (card, mode): &(CardHandle, Mode),
    journal: &MemoryKeyJournal,
    work: impl FnOnce(&KeyGuard<'_>, &mut Session<'_>, Option<&Iccid>) -> T,
) -> T {
    with(&mut InProcess::insert(card, "bay 0".parse().unwrap()), *mode, journal, work)
}

#[test]
fn a_pin_gets_another_value_and_its_tries_back() {
    for station in cards() {
        let journal = MemoryKeyJournal::new();
        on(&station, &journal, |guard, s, of| guard.change(s, of, &pin(SAMPLE_PIN), &pin(NEW))).unwrap();
        let taken = on(&station, &journal, |guard, s, of| guard.present(s, of, &pin(NEW))).unwrap();
        assert_eq!((taken, tries(&station.0)), (Presented::Accepted, (3, 10)));

        // The old value is refused once, and never sent again; the PUK gives a new one, which is presented then.
        let wrong = on(&station, &journal, |guard, s, of| guard.change(s, of, &pin(SAMPLE_PIN), &pin(WRONG)));
        assert!(matches!(wrong, Err(KeyError::Wrong { left: Some(2), .. })), "{wrong:?}");
        let again = on(&station, &journal, |guard, s, of| guard.present(s, of, &pin(NEW)));
        assert!(matches!(again, Err(KeyError::Quarantined { .. })), "{again:?}");
        assert_eq!(tries(&station.0), (2, 10));
        on(&station, &journal, |guard, s, of| guard.unblock(s, of, &puk(SAMPLE_PUK), &pin("2222"))).unwrap();
        let taken = on(&station, &journal, |guard, s, of| guard.present(s, of, &pin("2222"))).unwrap();
        assert_eq!((taken, tries(&station.0)), (Presented::Accepted, (3, 10)));
    }
}

#[test]
fn a_blocked_pin_is_unblocked_and_a_wrong_puk_is_presented_once() {
    for (handle, mode) in cards() {
        let mut image = handle.image();
        image.key_mut(KeyRef::PIN1).unwrap().tries = 0;
        let station = (CardHandle::new(VirtualCard::from_image(image).unwrap()), mode);
        let journal = MemoryKeyJournal::new();
        let blocked = on(&station, &journal, |guard, s, of| guard.present(s, of, &pin(SAMPLE_PIN)));
        let blocked = blocked.unwrap_err();
        assert!(blocked.to_string().contains("card unblock"), "{blocked}");
        let wrong = on(&station, &journal, |guard, s, of| guard.unblock(s, of, &puk("00000000"), &pin(NEW)));
        let error = wrong.unwrap_err();
        assert!(matches!(error, KeyError::Wrong { left: Some(9), .. }), "{error}");
        assert!(
            error.to_string().contains("9 tries are left") && error.to_string().contains("clear-refusal")
        );
        let again = on(&station, &journal, |guard, s, of| guard.unblock(s, of, &puk(SAMPLE_PUK), &pin(NEW)));
        assert!(matches!(again, Err(KeyError::Quarantined { .. })), "{again:?}");
        assert_eq!(tries(&station.0), (0, 9));
        // The PIN is not in quarantine: it was its PUK.
        assert_eq!(known(&journal, KeyRef::PIN1.into()), KeyState::Clear);
        journal.clear(&iccid()).unwrap();
        on(&station, &journal, |guard, s, of| guard.unblock(s, of, &puk(SAMPLE_PUK), &pin(NEW))).unwrap();
        assert_eq!(tries(&station.0), (3, 10));
    }
}

#[test]
fn a_low_counter_keeps_a_puk_back() {
    for (handle, mode) in cards() {
        let journal = MemoryKeyJournal::new();
        let mut low = InProcess::insert(&handle, "bay 0".parse().unwrap()).with_fault(Fault::CounterLow(1));
        let err = with(&mut low, mode, &journal, |guard, s, of| {
            guard.unblock(s, of, &puk(SAMPLE_PUK), &pin(NEW)).unwrap_err()
        });
        assert!(matches!(err, KeyError::TooFewTries { left: 1, .. }), "{err}");
        assert_eq!((tries(&handle), known(&journal, KeyId::Puk(KeyRef::PIN1))), ((1, 1), KeyState::Clear));
    }
}

#[test]
fn a_pin_goes_off_and_on_and_what_is_so_already_is_not_sent() {
    for station in cards() {
        let journal = MemoryKeyJournal::new();
        let switch = |on_: bool, digits: &'static str| {
            on(&station, &journal, |guard, s, of| guard.switch(s, of, &pin(digits), on_))
        };
        assert_eq!(switch(true, WRONG).unwrap(), Presented::NotNeeded);
        assert_eq!(switch(false, SAMPLE_PIN).unwrap(), Presented::Accepted);
        assert_eq!(switch(false, WRONG).unwrap(), Presented::NotNeeded);
        let changed = on(&station, &journal, |guard, s, of| guard.change(s, of, &pin(SAMPLE_PIN), &pin(NEW)));
        assert!(matches!(changed, Err(KeyError::SwitchedOff { .. })), "{changed:?}");
        match station.1 {
            // The status of a directory tells the counter of a PIN that is off, an empty VERIFY does not.
            Mode::TwoG => assert_eq!(switch(true, SAMPLE_PIN).unwrap(), Presented::Accepted),
            Mode::ThreeG => {
                let untold = switch(true, SAMPLE_PIN).unwrap_err();
                assert!(matches!(untold, KeyError::UnknownCounter { .. }), "{untold}");
                let (once, fresh) = (strict().allowing_once(&iccid()), MemoryKeyJournal::new());
                let mut reader = InProcess::insert(&station.0, "bay 0".parse().unwrap());
                let mut session = Session::new(&mut reader);
                let guard = KeyGuard::new(&fresh, &once);
                let done = guard.switch(&mut session, Some(&iccid()), &pin(SAMPLE_PIN), true);
                assert_eq!(done.unwrap(), Presented::Accepted);
            }
        }
        assert_eq!(tries(&station.0), (3, 10));
    }
}

/// A verified PIN is not asked for its counter again: it is as full as it was.
#[test]
fn a_pin_that_was_presented_in_the_session_is_changed() {
    for station in cards() {
        let journal = MemoryKeyJournal::new();
        let done = on(&station, &journal, |guard, s, of| {
            guard.present(s, of, &pin(SAMPLE_PIN))?;
            guard.change(s, of, &pin(SAMPLE_PIN), &pin(NEW))?;
            guard.change(s, of, &pin(NEW), &pin(SAMPLE_PIN))?;
            guard.switch(s, of, &pin(SAMPLE_PIN), false)
        });
        assert_eq!(done.unwrap(), Presented::Accepted);
    }
    // Somebody else has presented it: the card says so, and nothing of its counter.
    let journal = MemoryKeyJournal::new();
    let mut script = Script::new(Protocol::T0, &[("0020000100", "9000")]);
    let err = with(&mut script, Mode::ThreeG, &journal, |guard, s, of| {
        guard.change(s, of, &pin(SAMPLE_PIN), &pin(NEW)).unwrap_err()
    });
    assert!(matches!(err, KeyError::UnknownCounter { sw: None, .. }), "{err}");
}

#[test]
fn a_card_that_tells_no_counter_needs_leave_and_gets_one_try() {
    let mut sample = Sample::new(SampleKind::Pin, iccid(), "001010123456789".parse().unwrap());
    sample.personality = Personality::Uicc;
    let mut image = sample.image();
    image.quirks.insert(Quirk::CounterNotTold);
    let card = CardHandle::new(VirtualCard::from_image(image).unwrap());
    let journal = MemoryKeyJournal::new();
    let unblock = |policy: &KeyPolicy, digits: &str| {
        let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
        let mut session = Session::new(&mut reader);
        KeyGuard::new(&journal, policy).unblock(&mut session, Some(&iccid()), &puk(digits), &pin(NEW))
    };
    let err = unblock(&strict(), SAMPLE_PUK).unwrap_err();
    assert!(matches!(err, KeyError::UnknownCounter { .. }), "{err}");
    let once = strict().allowing_once(&iccid());
    unblock(&once, SAMPLE_PUK).unwrap();
    let err = unblock(&once, "00000000").unwrap_err();
    assert!(matches!(err, KeyError::AllowanceUsed { .. }), "{err}");
    assert_eq!(tries(&card), (3, 10));
}

/// The answer to a command that gives a PIN another value is lost: which one it has no counter tells, so neither is presented.
#[test]
fn a_change_whose_answer_is_lost_waits_for_a_person() {
    for (handle, mode) in cards() {
        for (fault, changed) in [(Fault::AnswerLost(2), true), (Fault::CutBefore(2), false)] {
            let station = (CardHandle::new(VirtualCard::from_image(handle.image()).unwrap()), mode);
            let journal = MemoryKeyJournal::new();
            let mut reader = InProcess::insert(&station.0, "bay 0".parse().unwrap()).with_fault(fault);
            let lost = with(&mut reader, mode, &journal, |guard, s, of| {
                guard.change(s, of, &pin(SAMPLE_PIN), &pin(NEW)).unwrap_err()
            });
            assert!(matches!(lost, KeyError::AnswerLost { .. }), "{lost}");
            for digits in [SAMPLE_PIN, NEW] {
                let err =
                    on(&station, &journal, |guard, s, of| guard.present(s, of, &pin(digits))).unwrap_err();
                assert!(matches!(err, KeyError::InDoubt { .. }), "{err}");
                assert!(err.to_string().contains("clear-refusal"), "{err}");
            }
            assert_eq!(tries(&station.0), (3, 10));
            journal.clear(&iccid()).unwrap();
            let right = if changed { NEW } else { SAMPLE_PIN };
            on(&station, &journal, |guard, s, of| guard.present(s, of, &pin(right))).unwrap();
        }
    }
}

/// After a lost UNBLOCK the PIN is in doubt; the PUK is not, while its counter is as full as before, and settles it.
#[test]
fn an_unblock_whose_answer_is_lost_is_done_again_by_its_counter() {
    for station in cards() {
        let journal = MemoryKeyJournal::new();
        let reader = InProcess::insert(&station.0, "bay 0".parse().unwrap());
        let mut reader = reader.with_fault(Fault::AnswerLost(2));
        let lost = with(&mut reader, station.1, &journal, |guard, s, of| {
            guard.unblock(s, of, &puk(SAMPLE_PUK), &pin(NEW)).unwrap_err()
        });
        assert!(matches!(lost, KeyError::AnswerLost { source: TransportError::Mute { .. }, .. }), "{lost}");
        let err = on(&station, &journal, |guard, s, of| guard.present(s, of, &pin(SAMPLE_PIN))).unwrap_err();
        assert!(matches!(err, KeyError::InDoubt { .. }), "{err}");
        on(&station, &journal, |guard, s, of| guard.unblock(s, of, &puk(SAMPLE_PUK), &pin(NEW))).unwrap();
        on(&station, &journal, |guard, s, of| guard.present(s, of, &pin(NEW))).unwrap();
        assert_eq!(tries(&station.0), (3, 10));
    }
}

#[test]
fn the_octets_are_those_of_the_standard_and_odd_answers_count_as_refusals() {
    let journal = MemoryKeyJournal::new();
    let mut script = Script::new(Protocol::T0, &[EMPTY, (CHANGE, "9000")]);
    with(&mut script, Mode::ThreeG, &journal, |g, s, of| g.change(s, of, &pin(SAMPLE_PIN), &pin(NEW)))
        .unwrap();
    let mut script = Script::new(Protocol::T0, &[("002C000100", "63CA"), (UNBLOCK, "6F00")]);
    let odd =
        with(&mut script, Mode::ThreeG, &journal, |g, s, of| g.unblock(s, of, &puk(SAMPLE_PUK), &pin(NEW)));
    assert!(matches!(odd, Err(KeyError::Wrong { left: None, .. })), "{odd:?}");
    assert!(matches!(known(&journal, KeyId::Puk(KeyRef::PIN1)), KeyState::Refused { .. }));

    // A card that does not know the command has not looked at the PIN: it is as good as before while its counter says so.
    let journal = MemoryKeyJournal::new();
    let mut script = Script::new(Protocol::T0, &[EMPTY, (CHANGE, "6D00")]);
    let none =
        with(&mut script, Mode::ThreeG, &journal, |g, s, of| g.change(s, of, &pin(SAMPLE_PIN), &pin(NEW)));
    let none = none.unwrap_err();
    assert!(none.to_string().contains("does not know CHANGE PIN"), "{none}");
    assert_eq!(known(&journal, KeyRef::PIN1.into()), KeyState::Unanswered { tries: Some(3) });
    let steps = [EMPTY, ("002000010831323334FFFFFFFF", "9000")];
    let mut script = Script::new(Protocol::T0, &steps);
    with(&mut script, Mode::ThreeG, &journal, |g, s, of| g.present(s, of, &pin(SAMPLE_PIN))).unwrap();
}

#[test]
fn a_puk_is_eight_digits_and_opens_nothing() {
    for bad in ["1234567", "123456789", "1234"] {
        assert!(matches!(Key::puk(KeyRef::PIN1, &bad.parse().unwrap()), Err(KeyError::PukLength)));
    }
    let journal = MemoryKeyJournal::new();
    let mut script = Script::new(Protocol::T0, &[]);
    with(&mut script, Mode::ThreeG, &journal, |guard, s, of| {
        assert!(matches!(guard.present(s, of, &puk(SAMPLE_PUK)), Err(KeyError::PukIsNoKey { .. })));
        assert!(matches!(guard.unblock(s, of, &key(), &pin(NEW)), Err(KeyError::NotPuk { .. })));
    });
    for (id, text, why) in [
        (KeyId::Puk(KeyRef::PIN1), "MARKED-8", "PIN"),
        (KeyId::Key(KeyRef::PIN2), "MARKED", "PIN"),
        (KeyId::Key(KeyRef::ADM1), "MARKED-KEY", "ADM key"),
    ] {
        let error = Key::read(id, text).unwrap_err();
        assert!(error.contains(why) && !error.contains("MARKED"), "{error}");
    }
}

//! The guard before keys against scripted cards: what is sent, and what never is.

mod change;
mod doubt;
mod turns;

use super::*;
use crate::{
    card::{
        JournalError, KeyJournal, KeyOutcome, KeyState, MemoryKeyJournal, Protocol, Session, scripted::Script,
    },
    ident::Iccid,
    wire::apdu::StatusWord,
};

const VERIFY: &str = "0020000A083132333435363738";

fn iccid() -> Iccid {
    Iccid::from_card("89860318640220133897").unwrap()
}

fn key() -> Key {
    Key::adm(KeyRef::ADM1, "12345678".parse().unwrap())
}

fn strict() -> KeyPolicy {
    KeyPolicy::new(KeyPolicy::FLOOR, vec![])
}

/// Presents the key once to a card that must be asked exactly `steps`.
fn present(
    journal: &MemoryKeyJournal,
    policy: &KeyPolicy,
    steps: &[(&str, &str)],
) -> Result<Presented, KeyError> {
    let mut script = Script::new(Protocol::T0, steps);
    let mut session = Session::new(&mut script);
    let done = KeyGuard::new(journal, policy).present(&mut session, Some(&iccid()), &key());
    drop(session);
    assert_eq!(script.left(), 0, "{done:?}");
    done
}

fn state(journal: &MemoryKeyJournal) -> KeyState {
    journal.state(&iccid(), KeyRef::ADM1.into()).unwrap()
}

#[test]
fn a_key_is_presented_once_when_its_counter_is_full() {
    let journal = MemoryKeyJournal::new();
    for _ in 0..2 {
        let done = present(&journal, &strict(), &[("0020000A00", "63C3"), (VERIFY, "9000")]);
        assert_eq!(done.unwrap(), Presented::Accepted);
        assert_eq!(state(&journal), KeyState::Accepted { tries: Some(3) });
    }
}

#[test]
fn t1_asks_for_the_counter_with_four_octets() {
    let (journal, policy) = (MemoryKeyJournal::new(), strict());
    let mut script = Script::new(Protocol::T1, &[("0020000A", "63C3"), (VERIFY, "9000")]);
    let mut session = Session::new(&mut script);
    KeyGuard::new(&journal, &policy).present(&mut session, Some(&iccid()), &key()).unwrap();
}

/// Its answer to the key itself would be booked as a refusal, and the card put aside for nothing.
#[test]
fn a_card_that_does_not_know_verify_is_not_given_the_key() {
    let allowing = strict().allowing_once(&iccid());
    for sw in ["6E00", "6D00"] {
        let journal = MemoryKeyJournal::new();
        let err = present(&journal, &allowing, &[("0020000A00", sw)]).unwrap_err();
        assert!(matches!(err, KeyError::NoInstruction { .. }), "{err}");
        assert_eq!(state(&journal), KeyState::Clear);
    }
}

#[test]
fn a_refused_key_waits_for_a_person() {
    let journal = MemoryKeyJournal::new();
    let err = present(&journal, &strict(), &[("0020000A00", "63C3"), (VERIFY, "63C2")]).unwrap_err();
    assert!(matches!(err, KeyError::Wrong { sw: StatusWord(0x63C2), .. }), "{err}");
    assert_eq!(state(&journal), KeyState::Refused { tries: Some(3) });
    let err = present(&journal, &strict(), &[]).unwrap_err();
    assert!(matches!(err, KeyError::Quarantined { .. }), "{err}");
    // Another card and another key are not concerned.
    assert_eq!(journal.state(&iccid(), KeyRef::ADM3.into()).unwrap(), KeyState::Clear);
    assert_eq!(
        journal.clear(&iccid()).unwrap(),
        [(KeyRef::ADM1.into(), KeyState::Refused { tries: Some(3) })]
    );
    present(&journal, &strict(), &[("0020000A00", "63C2"), (VERIFY, "9000")]).unwrap();
}

#[test]
fn an_odd_answer_to_a_key_counts_as_a_refusal() {
    for sw in ["6983", "6982", "6700", "6F00", "6C08", "9300"] {
        let journal = MemoryKeyJournal::new();
        let err = present(&journal, &strict(), &[("0020000A00", "63C3"), (VERIFY, sw)]).unwrap_err();
        assert!(matches!(err, KeyError::Wrong { .. }), "{sw}: {err}");
        assert!(matches!(state(&journal), KeyState::Refused { .. }));
    }
}

#[test]
fn a_low_counter_keeps_the_key_back() {
    for (sw, floor) in [("63C1", 2), ("63C2", 3)] {
        let journal = MemoryKeyJournal::new();
        let err = present(&journal, &KeyPolicy::new(floor, vec![]), &[("0020000A00", sw)]).unwrap_err();
        assert!(matches!(err, KeyError::TooFewTries { .. }), "{err}");
        assert_eq!(state(&journal), KeyState::Clear);
    }
    for sw in ["63C0", "6983"] {
        let err = present(&MemoryKeyJournal::new(), &strict(), &[("0020000A00", sw)]).unwrap_err();
        assert!(matches!(err, KeyError::Blocked { .. }), "{err}");
    }
    let err = present(&MemoryKeyJournal::new(), &strict(), &[("0020000A00", "6A88")]).unwrap_err();
    assert!(matches!(err, KeyError::NoSuchKey { .. }), "{err}");
    assert_eq!(KeyPolicy::new(0, vec![]), strict(), "the floor cannot be taken away");
}

#[test]
fn a_key_that_is_not_needed_is_not_sent() {
    for sw in ["9000", "6984", "6985"] {
        let done = present(&MemoryKeyJournal::new(), &strict(), &[("0020000A00", sw)]).unwrap();
        assert_eq!(done, Presented::NotNeeded);
    }
}

#[test]
fn a_card_without_counter_is_tried_once_and_only_where_a_policy_says_so() {
    let silent = ("0020000A00", "6700");
    let journal = MemoryKeyJournal::new();
    let other = KeyPolicy::new(2, vec![CardRange::Iccid("8949".into()), CardRange::Atr(vec![0x3B])]);
    for policy in [strict(), other] {
        let err = present(&journal, &policy, &[silent]).unwrap_err();
        assert!(matches!(err, KeyError::UnknownCounter { sw: Some(StatusWord(0x6700)), .. }), "{err}");
    }
    for range in [CardRange::Iccid("8986031".into()), CardRange::Atr(vec![0x3B, 0x00])] {
        let (journal, policy) = (MemoryKeyJournal::new(), KeyPolicy::new(2, vec![range]));
        present(&journal, &policy, &[silent, (VERIFY, "9000")]).unwrap();
        let err = present(&journal, &policy, &[silent]).unwrap_err();
        assert!(matches!(err, KeyError::AllowanceUsed { .. }), "{err}");
    }
}

#[test]
fn a_lost_answer_is_settled_by_the_counter() {
    let journal = MemoryKeyJournal::new();
    let lost = [("0020000A00", "63C3"), (VERIFY, "")];
    let err = present(&journal, &strict(), &lost).unwrap_err();
    assert!(matches!(err, KeyError::AnswerLost { .. }), "{err}");
    assert_eq!(state(&journal), KeyState::Unanswered { tries: Some(3) });
    // As full as before: it was not refused, and is presented again.
    present(&journal, &strict(), &[("0020000A00", "63C3"), (VERIFY, "9000")]).unwrap();
    // Lost again, and lower now: it was refused.
    present(&journal, &strict(), &lost).unwrap_err();
    let err = present(&journal, &strict(), &[("0020000A00", "63C2")]).unwrap_err();
    assert!(matches!(err, KeyError::LostAndRefused { before: 3, left: 2, .. }), "{err}");
    assert!(matches!(present(&journal, &strict(), &[]).unwrap_err(), KeyError::Quarantined { .. }));
}

#[test]
fn a_counter_that_fell_since_the_last_acceptance_stops_us() {
    let journal = MemoryKeyJournal::new();
    present(&journal, &strict(), &[("0020000A00", "63C3"), (VERIFY, "9000")]).unwrap();
    let err = present(&journal, &strict(), &[("0020000A00", "63C2")]).unwrap_err();
    assert!(matches!(err, KeyError::CounterFell { before: 3, left: 2, .. }), "{err}");
}

#[test]
fn without_journal_or_iccid_nothing_is_sent() {
    struct Broken;
    impl KeyJournal for Broken {
        fn state(&self, _: &Iccid, _: KeyId) -> Result<KeyState, JournalError> {
            Ok(KeyState::Clear)
        }
        fn presenting(&self, _: &Iccid, _: KeyId, _: KeyState, _: Option<u8>) -> Result<(), JournalError> {
            Err(JournalError::new(std::io::Error::other("disk full")))
        }
        fn put_back(&self, _: &Iccid, _: KeyId, _: KeyState) -> Result<(), JournalError> {
            Ok(())
        }
        fn outcome(&self, _: &Iccid, _: KeyId, _: KeyOutcome) -> Result<(), JournalError> {
            Ok(())
        }
        fn clear(&self, _: &Iccid) -> Result<Vec<(KeyId, KeyState)>, JournalError> {
            Ok(vec![])
        }
    }
    let policy = strict();
    let mut script = Script::new(Protocol::T0, &[("0020000A00", "63C3")]);
    let mut session = Session::new(&mut script);
    let guard = KeyGuard::new(&Broken, &policy);
    assert!(matches!(guard.present(&mut session, Some(&iccid()), &key()).unwrap_err(), KeyError::Journal(_)));
    assert!(matches!(guard.present(&mut session, None, &key()).unwrap_err(), KeyError::NoIccid));
}

#[test]
fn a_pin_is_filled_up_and_never_prints() {
    let pin = Key::pin(KeyRef::PIN1, &"1234".parse().unwrap()).unwrap();
    assert_eq!(pin.octets.expose(), b"1234\xFF\xFF\xFF\xFF");
    for long in ["123456789", "1234567890123456"] {
        assert!(matches!(Key::pin(KeyRef::PIN1, &long.parse().unwrap()), Err(KeyError::PinLength)));
    }
    assert_eq!(format!("{:?}", key()), "Key(0A (ADM1), ***)");
}

//! Keys on virtual cards: counters stay up, whatever goes wrong.

#![cfg(test)]

use super::*;
use crate::lab::card::EmptyVerify;

#[test]
fn a_wrong_key_costs_one_try_and_no_more() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let journal = MemoryKeyJournal::new();
    let wanted = [file(CP, payload(100, 1))];
    let wrong = [key("87654321")];
    let ended = write_with(&card, None, &wanted, &options(), &journal, &wrong);
    assert!(matches!(ended, Ended::NotApplied(ApplyError::Key(KeyError::Wrong { .. }))), "{ended:?}");
    assert_eq!((tries(&card), card.changes()), (2, 1), "the counter is all that changed");
    for keys in [&wrong, &[adm()]] {
        let ended = write_with(&card, None, &wanted, &options(), &journal, keys);
        assert!(
            matches!(ended, Ended::NotApplied(ApplyError::Key(KeyError::Quarantined { .. }))),
            "{ended:?}"
        );
        assert_eq!(tries(&card), 2);
    }
    journal.clear(&iccid()).unwrap();
    let ended = write_with(&card, None, &wanted, &options(), &journal, &[adm()]);
    assert!(matches!(ended, Ended::Done(Outcome::Written { .. })), "{ended:?}");
    assert_eq!(tries(&card), 3);
}

#[test]
fn a_low_counter_keeps_the_key_back() {
    for protocol in [Protocol::T0, Protocol::T1] {
        let mut sample = sample(SampleKind::Prepared);
        sample.protocol = protocol;
        let mut image = sample.image();
        image.key_mut(KeyRef::ADM1).unwrap().tries = 1;
        let card = from(image);
        let journal = MemoryKeyJournal::new();
        let ended =
            write_with(&card, None, &[file(CP, payload(100, 1))], &options(), &journal, &[key("87654321")]);
        assert!(
            matches!(ended, Ended::NotApplied(ApplyError::Key(KeyError::TooFewTries { left: 1, .. }))),
            "{ended:?}"
        );
        assert_eq!((tries(&card), card.changes()), (1, 0));
    }
}

#[test]
fn a_card_that_tells_no_counter_is_refused_unless_a_policy_allows_it() {
    let quirks = Quirks { empty_verify: EmptyVerify::WrongLength, ..Quirks::default() };
    let card = with(sample(SampleKind::Prepared).image(), quirks);
    let journal = MemoryKeyJournal::new();
    let wanted = [file(CP, payload(100, 1))];
    let ended = write_with(&card, None, &wanted, &options(), &journal, &[adm()]);
    assert!(
        matches!(ended, Ended::NotApplied(ApplyError::Key(KeyError::UnknownCounter { .. }))),
        "{ended:?}"
    );
    assert_eq!(card.changes(), 0);
    let policy = KeyPolicy::new(2, vec![CardRange::Iccid("8988211".into())]);
    let mut reader = InProcess::insert(&card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let plan = plan(&mut fs, &wanted, &options()).unwrap();
    apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&journal, &policy), &MemoryWriteJournal::new()).unwrap();
    assert_eq!(found(&card, CP), wanted[0].octets);
}

#[test]
fn a_missing_key_is_missed_before_anything_is_sent() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let journal = MemoryKeyJournal::new();
    let ended = write_with(&card, None, &[file(CP, payload(100, 1))], &options(), &journal, &[]);
    assert!(
        matches!(ended, Ended::NotApplied(ApplyError::KeyMissing { key: KeyRef::ADM1, .. })),
        "{ended:?}"
    );
    assert_eq!(card.changes(), 0);
}

/// What comes of a plan that needs ADM1 and ADM3, with these keys; whatever it is, nothing was presented.
fn with_two_needed(card: &CardHandle, keys: &[Key]) -> ApplyError {
    let (journal, policy, writes) = (MemoryKeyJournal::new(), allowed_once(), MemoryWriteJournal::new());
    let mut reader = InProcess::insert(card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let mut plan = plan(&mut fs, &[file(CP, payload(100, 1))], &options()).unwrap();
    plan.keys = vec![KeyRef::ADM1, KeyRef::ADM3];
    let error = apply(&mut fs, &plan, keys, &KeyGuard::new(&journal, &policy), &writes).unwrap_err();
    for key in plan.keys {
        assert_eq!(journal.state(&iccid(), key.into()).unwrap(), KeyState::Clear, "{key}: {error}");
    }
    assert_eq!((card.changes(), writes.list().unwrap().len()), (0, 0), "{error}");
    error
}

#[test]
fn no_key_is_presented_while_another_is_missing() {
    // A card with counters, and one where each key has one leave.
    let silent = Quirks { empty_verify: EmptyVerify::WrongLength, ..Quirks::default() };
    for card in [card(SampleKind::Prepared, Protocol::T0), with(sample(SampleKind::Prepared).image(), silent)]
    {
        let error = with_two_needed(&card, &[adm()]);
        assert!(matches!(error, ApplyError::KeyMissing { key: KeyRef::ADM3, .. }), "{error}");
    }
}

#[test]
fn no_key_is_presented_while_another_may_not_be() {
    // The card does not know ADM3.
    let adm3 = Key::adm(KeyRef::ADM3, "12345678".parse().unwrap());
    let error = with_two_needed(&card(SampleKind::Prepared, Protocol::T0), &[adm(), adm3]);
    assert!(
        matches!(&error, ApplyError::Key(KeyError::NoSuchKey { key }) if *key == KeyRef::ADM3),
        "{error}"
    );
}

#[test]
fn a_plan_of_another_session_is_stale() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let mut reader = InProcess::insert(&card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let plan = plan(&mut fs, &[file(CP, payload(100, 1))], &options()).unwrap();
    drop(fs);
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let (journal, policy) = (MemoryKeyJournal::new(), policy());
    let error =
        apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&journal, &policy), &MemoryWriteJournal::new())
            .unwrap_err();
    assert!(matches!(error, ApplyError::Stale));
    assert_eq!(card.changes(), 0);
}

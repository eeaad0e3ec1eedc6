//! Who may read and write: closed cards, rules that nobody fulfils, files behind a PIN.

#![cfg(test)]

use super::*;
use crate::wire::{fcp::Security, vectors::hex};

#[test]
fn a_closed_card_is_refused_and_nothing_is_sent() {
    let card = card(SampleKind::Closed, Protocol::T0);
    let error = refused(&card, &[file(CP, payload(100, 1))], &options());
    assert!(matches!(error, PlanError::NoRight { right: Right::CreateDf, .. }), "{error}");
    assert!(error.is_refusal());
    assert_eq!(tries(&card), 3);
}

#[test]
fn files_that_nobody_may_update_are_refused() {
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &pkcs15(0x6431), |f| *f = f.clone().ruled_by(Fid::ARR, 3));
    let error = refused(&from(image.clone()), &[file(CP, payload(100, 1))], &options());
    assert!(matches!(error, PlanError::NoRight { right: Right::Update, .. }), "{error}");
    change(&mut image, &pkcs15(0x6431), |f| f.security = Some(Security::Compact(vec![0x7F])));
    let error = refused(&from(image.clone()), &[file(CP, payload(100, 1))], &options());
    assert!(
        matches!(error, PlanError::RightsUnknown { why: UnknownRights::Compact, right: Right::Read, .. }),
        "{error}"
    );
    assert!(error.is_refusal());
    change(&mut image, &pkcs15(0x6431), |f| *f = f.clone().ruled_by(Fid::ARR, 77));
    let error = refused(&from(image), &[file(CP, payload(100, 1))], &options());
    assert!(
        matches!(error, PlanError::RightsUnknown { why: UnknownRights::Unreadable { .. }, .. }),
        "{error}"
    );
}

#[test]
fn reading_can_be_kept_behind_a_pin() {
    let pin = PlanOptions { read: ReadAccess::Pin, ..options() };
    let card = card(SampleKind::Bare, Protocol::T0);
    let cp = file(CP, payload(300, 1));
    write(&card, std::slice::from_ref(&cp), &pin);
    let image = card.image();
    assert_eq!(
        image.mf.find(&pkcs15(0x6431)).unwrap().security,
        Some(Security::Referenced { arr: Fid::ARR, record: 4 })
    );
    // The entry says so (flag private); the directories stay open.
    assert!(at_rest(&card, &pkcs15(0x6430)).starts_with(&hex("A12330040302")));
    // PIN1 of this card is switched off, which counts as presented.
    assert_eq!(found(&card, CP), cp.octets);
}

#[test]
fn a_file_behind_a_pin_is_written_when_the_pin_is_given() {
    let card = card(SampleKind::Pin, Protocol::T0);
    let view = look(&card);
    assert_eq!(view.file(CP).unwrap().readable_without_pin(), Some(false));
    let cp = file(CP, payload(300, 1));
    let error = refused(&card, std::slice::from_ref(&cp), &options());
    assert!(matches!(error, PlanError::NeedsPin { .. }) && error.is_refusal(), "{error}");
    let mut reader = InProcess::insert(&card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let (journal, policy) = (MemoryKeyJournal::new(), policy());
    let guard = KeyGuard::new(&journal, &policy);
    let pin = Key::pin(KeyRef::PIN1, &"1234".parse().unwrap()).unwrap();
    let pin2 = Key::pin(KeyRef::PIN2, &"5678".parse().unwrap()).unwrap();
    let (wanted, options) = ([cp.clone()], options());
    let planned = guard.with_pins(&mut fs, &[adm(), pin2, pin], |fs| plan(fs, &wanted, &options));
    let plan = planned.unwrap().unwrap();
    // Only the PIN that the rules of the file ask for was presented.
    assert_eq!(journal.state(&iccid(), KeyRef::PIN1.into()).unwrap(), KeyState::Accepted { tries: Some(3) });
    for key in [KeyRef::PIN2, KeyRef::ADM1] {
        assert_eq!(journal.state(&iccid(), key.into()).unwrap(), KeyState::Clear);
    }
    apply(&mut fs, &plan, &[adm()], &guard, &MemoryWriteJournal::new()).unwrap();
    let view = locate(&mut fs, Depth::Everything).unwrap();
    assert_eq!(view.file(CP).unwrap().content.used(), Some(cp.octets.as_slice()));
}

/// Rules that do not say which PIN they mean: PIN1 goes, or the only one that was given, and never one after the other.
#[test]
fn a_pin_without_a_number_is_one_pin() {
    let mut image = sample(SampleKind::Pin).image();
    image.add_quirk(crate::lab::image::Quirk::CompactRules);
    let closed = from(image);
    let pin = |key: u8, text: &str| Key::pin(KeyRef(key), &text.parse().unwrap()).unwrap();
    for (pins, opened, sent) in [
        (vec![pin(0x81, "9999"), pin(0x01, "1234")], true, &[0x01][..]),
        (vec![pin(0x01, "1234"), pin(0x81, "5678")], true, &[0x01]),
        (vec![pin(0x01, "1234")], true, &[0x01]),
        (vec![pin(0x81, "5678")], false, &[0x81]),
        (vec![pin(0x81, "5678"), pin(0x11, "1234")], false, &[]),
    ] {
        let card = closed.copy();
        let mut reader = InProcess::insert(&card, bay());
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let (journal, policy) = (MemoryKeyJournal::new(), policy());
        let read = KeyGuard::new(&journal, &policy).with_pins(&mut fs, &pins, |fs| {
            let view = locate(fs, Depth::Everything).unwrap();
            view.file(CP).unwrap().content.used().is_some()
        });
        assert_eq!(read.unwrap(), opened, "{pins:?}");
        let presented = |key: &u8| journal.state(&iccid(), KeyRef(*key).into()).unwrap() != KeyState::Clear;
        let taken: Vec<u8> = [0x01, 0x11, 0x81].into_iter().filter(presented).collect();
        assert_eq!(taken, sent, "{pins:?}");
    }
}

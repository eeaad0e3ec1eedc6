//! The next contact with a card whose write was cut off, where it is no matter of going on or back: somebody else has written to
//! it, its counter has fallen, somebody is at it, it deletes nothing. See `cuts` for the ways themselves.

#![cfg(test)]

use super::{
    cuts::{
        case::{Case, NEW, OLD},
        document::{document, phone_sees},
        kind::Kind,
        target::Target,
    },
    *,
};
use crate::{bootstrap::PayloadKind, lab::image::Personality};

fn update() -> Case {
    Case::new(Kind::Update, Target::plain(Personality::Uicc), PayloadKind::Cp)
}

/// A case that was cut off behind its `n`-th UPDATE.
fn cut_behind(case: &Case, n: usize) -> (CardHandle, MemoryKeyJournal, MemoryWriteJournal) {
    let (card, keys, writes) = (case.before.copy(), MemoryKeyJournal::new(), MemoryWriteJournal::new());
    let (ended, _) = case.run(&card, Some(Fault::TornUpdate(n)), &keys, &writes);
    assert!(matches!(ended, Err(Some(ApplyError::Unknown { .. }))), "{ended:?}");
    (card, keys, writes)
}

#[test]
fn a_card_that_somebody_else_wrote_is_left_alone() {
    let case = update();
    for n in 2..=4 {
        let (card, keys, writes) = cut_behind(&case, n);
        let mut image = card.image();
        // Another program has put a bootstrap there, and only its first octet would tell.
        change(&mut image, &[Fid::PKCS15, Fid(0x6431)], |file| {
            let crate::lab::image::Body::Transparent(octets) = &mut file.body else { panic!() };
            octets[0] = 0x02;
        });
        let card = from(image.clone());
        for way in [Way::Resume, Way::RollBack, Way::Settle] {
            let error = case.go(&card, None, way, &keys, &writes).0.unwrap_err();
            assert!(matches!(&error, RecoverError::Changed { file } if file.to_string() == "3F00/7F50/6431"));
            assert!(error.to_string().contains("--forget"), "{error}");
        }
        assert!(card.image() == image && writes.list().unwrap().len() == 1);
    }
}

#[test]
fn a_counter_that_fell_is_no_reason_to_try() {
    let case = update();
    let (card, keys, writes) = cut_behind(&case, 2);
    let mut image = card.image();
    image.key_mut(KeyRef::ADM1).unwrap().tries = 2;
    let card = from(image.clone());
    for way in [Way::Resume, Way::RollBack, Way::Settle] {
        let error = case.go(&card, None, way, &keys, &writes).0.unwrap_err();
        assert!(
            matches!(
                error,
                RecoverError::Apply(ApplyError::Key(KeyError::CounterFell { before: 3, left: 2, .. }))
            ),
            "{error}"
        );
    }
    assert!(card.image() == image && writes.list().unwrap().len() == 1);
    // Nor without the key.
    let mut reader = InProcess::insert(&card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let policy = allowed_once();
    let guard = KeyGuard::new(&keys, &policy);
    let error = settle(&mut fs, &iccid(), &[], &guard, &writes, &mut Unobserved).unwrap_err();
    assert!(
        matches!(error, RecoverError::Apply(ApplyError::KeyMissing { key: KeyRef::ADM1, .. })),
        "{error}"
    );
    // A person has looked into it.
    keys.clear(&iccid()).unwrap();
    assert_eq!(
        settle(&mut fs, &iccid(), &[adm()], &guard, &writes, &mut Unobserved).unwrap().unwrap().now,
        Now::Old
    );
    assert!(settle(&mut fs, &iccid(), &[adm()], &guard, &writes, &mut Unobserved).unwrap().is_none());
    assert_eq!(found(&card, CP), document(PayloadKind::Cp, OLD));
}

#[test]
fn no_key_is_presented_for_a_way_back_that_needs_another_too() {
    let case = update();
    let (card, _, writes) = cut_behind(&case, 2);
    let mut entry = writes.pending(&iccid()).unwrap().unwrap();
    entry.write.keys.push(KeyRef::ADM3);
    let (keys, policy, before) = (MemoryKeyJournal::new(), allowed_once(), card.image());
    for way in [Way::Resume, Way::RollBack, Way::Settle] {
        let mut reader = InProcess::insert(&card, bay());
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let guard = KeyGuard::new(&keys, &policy);
        let error = recover(&mut fs, &entry, way, &[adm()], &guard, &writes, &mut Unobserved).unwrap_err();
        assert!(
            matches!(error, RecoverError::Apply(ApplyError::KeyMissing { key: KeyRef::ADM3, .. })),
            "{error}"
        );
        assert_eq!(keys.state(&iccid(), KeyRef::ADM1.into()).unwrap(), KeyState::Clear);
    }
    assert!(card.image() == before && writes.list().unwrap().len() == 1);
}

#[test]
fn a_write_that_somebody_is_at_is_not_settled_on_another_card_of_that_number() {
    let case = update();
    let (_, keys, writes) = cut_behind(&case, 2);
    let entry = writes.pending(&iccid()).unwrap().unwrap();
    // Somebody has taken it, and his card is between old and new; ours is as it was before.
    let his = writes.take(&iccid(), entry.id).unwrap();
    let ours = case.before.copy();
    let (ended, _) = case.run(&ours, None, &keys, &writes);
    assert!(matches!(ended, Err(Some(ApplyError::Journal(WriteJournalError::UnderWay { .. })))), "{ended:?}");
    for way in [Way::Resume, Way::RollBack, Way::Settle] {
        let error = case.go(&ours, None, way, &keys, &writes).0.unwrap_err();
        assert!(matches!(error, RecoverError::Journal(WriteJournalError::UnderWay { .. })), "{error}");
    }
    assert!(ours.image() == case.before.image());
    assert_eq!(writes.pending(&iccid()).unwrap().map(|entry| entry.id), Some(entry.id));
    writes.leave(&his);
    assert_eq!(case.go(&ours, None, Way::Settle, &keys, &writes).0.unwrap().now, Now::Old);
}

/// A card that has no DELETE FILE.
struct NoDelete(InProcess);

impl CardTransport for NoDelete {
    fn reader(&self) -> &ReaderName {
        self.0.reader()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn protocol(&self) -> Protocol {
        self.0.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        if apdu.get(1) == Some(&0xE4) { Ok(vec![0x6D, 0x00]) } else { self.0.exchange(apdu) }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }
}

#[test]
fn what_cannot_be_deleted_is_left_empty_and_used_again() {
    let case = Case::new(Kind::Tree, Target::plain(Personality::Uicc), PayloadKind::Cp);
    for n in 1.. {
        let (card, keys, writes) = (case.before.copy(), MemoryKeyJournal::new(), MemoryWriteJournal::new());
        if case.run(&card, Some(Fault::TornUpdate(n)), &keys, &writes).0.is_ok() {
            assert!(n > 8, "{n}");
            return;
        }
        let mut reader = NoDelete(InProcess::insert(&card, bay()));
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let policy = allowed_once();
        let guard = KeyGuard::new(&keys, &policy);
        let recovered =
            settle(&mut fs, &iccid(), &[adm()], &guard, &writes, &mut Unobserved).unwrap().unwrap();
        assert!(recovered.now == Now::Old && recovered.deleted.is_empty(), "{n}: {recovered:?}");
        assert!(recovered.left_empty.contains(&FilePath::mf().child(Fid::PKCS15)), "{n}: {recovered:?}");
        assert_eq!(phone_sees(&card, &n.to_string()), None, "{n}");
        case.run(&card, None, &keys, &writes).0.unwrap();
        assert_eq!(phone_sees(&card, &n.to_string()).as_deref(), Some(NEW), "{n}");
    }
}

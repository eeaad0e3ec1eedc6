//! Which administrative key goes to a card: the one that the card asks for, whatever else is at hand.

#![cfg(test)]

use super::*;
use crate::lab::image::{KeyImage, Personality, Quirk};

const RIGHT: &str = "12345678";
/// A second administrative key that cards have here and no file asks for.
const OTHER: [u8; 8] = *b"otherkey";

/// A prepared card whose administrative key has that reference, and which has ADM1 and ADM2 besides.
fn with_adm(kind: SampleKind, personality: Personality, adm_ref: u8) -> CardHandle {
    let mut sample = sample(kind);
    (sample.personality, sample.adm_ref) = (personality, KeyRef(adm_ref));
    let mut image = sample.image();
    for other in [KeyRef::ADM1, KeyRef(0x0B)] {
        if image.key_mut(other).is_none() {
            image.keys.push(KeyImage::new(other, OTHER));
        }
    }
    from(image)
}

/// Keys of these references, all with the value of the right one: what goes to the card is told by its number.
fn keys(of: &[u8]) -> Vec<Key> {
    of.iter().map(|of| Key::adm(KeyRef(*of), RIGHT.parse().unwrap())).collect()
}

/// Plans and applies with keys at hand, of which some were named. How it ended, and which keys went to the card.
fn with_keys(card: &CardHandle, named: &[u8], held: &[u8]) -> (Ended, Vec<u8>) {
    let keys = keys(held);
    let named: Vec<_> = named.iter().copied().map(KeyRef).collect();
    let adm = AdmKeys::new(&named, &keys);
    let options = PlanOptions { adm: &adm, ..options() };
    let sent = std::sync::Mutex::new(Vec::new());
    let mut reader = InProcess::insert(card, bay());
    let mut session = Session::new(&mut reader);
    session.set_trace(|apdu| {
        if apdu.command == "VERIFY" && apdu.sent > 0 {
            sent.lock().unwrap().push(apdu.parameters.1);
        }
    });
    let mut fs = FileSystem::new(session);
    let (journal, writes, policy) = (MemoryKeyJournal::new(), MemoryWriteJournal::new(), allowed_once());
    let ended = match plan(&mut fs, &[file(CP, payload(300, 1))], &options) {
        Err(error) => Ended::NotPlanned(error),
        Ok(plan) => match apply(&mut fs, &plan, &keys, &KeyGuard::new(&journal, &policy), &writes) {
            Err(error) => Ended::NotApplied(error),
            Ok(outcome) => Ended::Done(outcome),
        },
    };
    drop(fs);
    (ended, sent.into_inner().unwrap())
}

/// A level of class A0 is the key of its number. Levels that no key at hand has are asked about, whatever is there.
#[test]
fn a_sim_is_given_the_key_of_its_level_or_the_one_that_was_named() {
    let sim = |level| with_adm(SampleKind::Prepared, Personality::Sim, level);
    let done: &[(u8, &[u8], &[u8], u8)] = &[
        // level, named, at hand, what goes to the card
        (0x0A, &[], &[0x81, 0x0A], 0x0A),
        (0x0A, &[], &[0x11, 0x0B, 0x0A], 0x0A),
        (0x0B, &[], &[0x0A, 0x0B], 0x0B),
        (0x0B, &[], &[0x0B], 0x0B),
        (0x04, &[0x04], &[0x04], 0x04),
        (0x05, &[0x05], &[0x05, 0x0A], 0x05),
        (0x05, &[0x04, 0x05], &[0x04, 0x05], 0x05),
    ];
    for (level, named, held, key) in done {
        let card = sim(*level);
        let (ended, sent) = with_keys(&card, named, held);
        assert!(matches!(ended, Ended::Done(_)), "{level:02X} {named:02X?} {held:02X?}: {ended:?}");
        assert_eq!(sent, [*key], "{level:02X} {named:02X?} {held:02X?}");
        assert_eq!(found(&card, CP), payload(300, 1));
    }
    for (level, named, held) in [
        (0x05_u8, &[][..], &[0x0A][..]),
        (0x05, &[], &[0x0A, 0x0B]),
        (0x0B, &[], &[0x0A]),
        (0x0B, &[0x04, 0x05], &[0x04, 0x05]),
    ] {
        let card = sim(level);
        let (ended, sent) = with_keys(&card, named, held);
        let at = format!("{level:02X} {named:02X?} {held:02X?}: {ended:?}");
        let Ended::NotPlanned(PlanError::RightsUnknown { why, .. }) = ended else { panic!("{at}") };
        assert_eq!((why, sent), (UnknownRights::LevelNotNamed { level }, vec![]), "{at}");
        assert_eq!(card.changes(), 0);
    }
    // A card that numbers its keys in another way: the one that was named goes, and its word counts.
    let (ended, sent) = with_keys(&sim(0x05), &[0x0A], &[0x0A]);
    assert!(matches!(ended, Ended::NotApplied(ApplyError::Key(KeyError::Wrong { .. }))), "{ended:?}");
    assert_eq!(sent, [0x0A]);
    // With PINs alone no key is at hand, and none of them is taken for one.
    let (ended, sent) = with_keys(&sim(0x05), &[], &[0x81, 0x11, 0x01]);
    let missing = ApplyError::KeyMissing { key: KeyRef(0x05), places: Vec::new() };
    assert!(matches!(&ended, Ended::NotApplied(why) if why.to_string() == missing.to_string()), "{ended:?}");
    assert!(sent.is_empty(), "{sent:02X?}");
}

/// Where a UICC gets new files, a rule of any administrative key at hand will do, in whatever order they came.
#[test]
fn the_order_of_the_keys_at_hand_is_of_no_account() {
    for (adm_ref, held) in [
        (0x0A, &[0x0B, 0x0A][..]),
        (0x0A, &[0x81, 0x0A]),
        (0x0A, &[0x11, 0x0A]),
        (0x0B, &[0x0A, 0x0B]),
        (0x8A, &[0x81, 0x0A, 0x8A]),
    ] {
        for kind in [SampleKind::Bare, SampleKind::Prepared] {
            let card = with_adm(kind, Personality::Uicc, adm_ref);
            let (ended, sent) = with_keys(&card, &[], held);
            assert!(matches!(ended, Ended::Done(_)), "{kind} {adm_ref:02X} {held:02X?}: {ended:?}");
            assert_eq!(sent, [adm_ref], "{kind} {held:02X?}");
        }
    }
}

/// Compact rules say that some key is asked for: the only one at hand, or the one that was named, and no PIN.
#[test]
fn a_key_without_a_number_is_the_only_one_or_the_one_that_was_named() {
    let card = || {
        let mut image = sample(SampleKind::Prepared).image();
        image.add_quirk(Quirk::CompactRules);
        image.keys.push(KeyImage::new(KeyRef(0x0B), OTHER));
        from(image)
    };
    for (named, held) in [(&[][..], &[0x81, 0x0A][..]), (&[], &[0x0A]), (&[0x0A], &[0x0B, 0x0A])] {
        let (ended, sent) = with_keys(&card(), named, held);
        assert!(matches!(ended, Ended::Done(_)), "{named:02X?} {held:02X?}: {ended:?}");
        assert_eq!(sent, [0x0A], "{named:02X?} {held:02X?}");
    }
    for held in [&[0x0B, 0x0A][..], &[0x81], &[]] {
        let (ended, sent) = with_keys(&card(), &[], held);
        let why = UnknownRights::KeyNotNamed;
        assert!(
            matches!(&ended, Ended::NotPlanned(PlanError::RightsUnknown { why: told, .. }) if *told == why),
            "{held:02X?}: {ended:?}"
        );
        assert!(sent.is_empty(), "{sent:02X?}");
    }
}

/// The same key of a card may have one number in class 00 and another in class A0: what was refused in one class is not tried in the
/// other until a person has cleared it.
#[test]
fn a_key_that_was_refused_in_one_class_is_not_tried_in_the_other() {
    let card = with_adm(SampleKind::Prepared, Personality::Uicc2g, 0x05);
    let policy = allowed_once();
    let adm = |of: u8, text: &str| Key::adm(KeyRef(of), text.parse().unwrap());
    let present = |journal: &MemoryKeyJournal, mode, key: &Key| {
        let mut reader = InProcess::insert(&card, bay());
        let mut session = Session::new(&mut reader);
        session.set_mode(mode);
        KeyGuard::new(journal, &policy).present(&mut session, Some(&iccid()), key)
    };
    let tries = |of: u8| card.image().key_mut(KeyRef(of)).unwrap().tries;
    let pin2 = Key::pin(KeyRef::PIN2, &"5678".parse().unwrap()).unwrap();
    for (first, refused, then, other) in
        [(Mode::ThreeG, 0x0A, Mode::TwoG, 0x05), (Mode::TwoG, 0x05, Mode::ThreeG, 0x0A)]
    {
        let journal = MemoryKeyJournal::new();
        let wrong = present(&journal, first, &adm(refused, "87654321"));
        assert!(matches!(wrong, Err(KeyError::Wrong { .. })), "{wrong:?}");
        let before = tries(other);
        let kept = present(&journal, then, &adm(other, "87654321"));
        assert!(matches!(kept, Err(KeyError::Quarantined { key, .. }) if key == KeyRef(refused)), "{kept:?}");
        assert_eq!(tries(other), before);
        // A PIN is no other key's namesake.
        assert_eq!(present(&journal, then, &pin2).unwrap(), Presented::Accepted);
        journal.clear(&iccid()).unwrap();
        let right = adm(other, if other == 0x05 { RIGHT } else { "otherkey" });
        assert_eq!(present(&journal, then, &right).unwrap(), Presented::Accepted);
    }
}

/// Class 00 has PINs under numbers that class A0 has for administrative keys: such a PIN shuts no administrative key of class 00, and
/// what a vendor's number met there counts in class A0.
#[test]
fn a_refused_pin_shuts_no_administrative_key_of_its_class() {
    let card = with_adm(SampleKind::Prepared, Personality::Uicc2g, 0x05);
    let policy = allowed_once();
    let present = |journal: &MemoryKeyJournal, mode, of: u8, text: &str| {
        let mut reader = InProcess::insert(&card, bay());
        let mut session = Session::new(&mut reader);
        session.set_mode(mode);
        let key = Key::adm(KeyRef(of), text.parse().unwrap());
        KeyGuard::new(journal, &policy).present(&mut session, Some(&iccid()), &key)
    };
    for vendor in [0x04, 0x08, 0x09, 0x11] {
        for outcome in [None, Some(KeyOutcome::Refused)] {
            // By its counter it was made in class 00.
            let journal = MemoryKeyJournal::new();
            let enter = |tries| {
                let key = KeyId::Key(KeyRef(vendor));
                journal.presenting(&iccid(), key, KeyState::Clear, tries).unwrap();
                outcome.iter().for_each(|outcome| journal.outcome(&iccid(), key, *outcome).unwrap());
            };
            enter(Some(3));
            let shut = present(&journal, Mode::TwoG, 0x05, RIGHT);
            assert!(
                matches!(shut, Err(KeyError::Quarantined { .. } | KeyError::InDoubt { .. })),
                "{vendor:02X}: {shut:?}"
            );
            assert_eq!(present(&journal, Mode::ThreeG, 0x0A, "otherkey").unwrap(), Presented::Accepted);
            // Without one it may have been an administrative key in class A0.
            journal.clear(&iccid()).unwrap();
            enter(None);
            let shut = present(&journal, Mode::ThreeG, 0x0A, "otherkey");
            assert!(
                matches!(shut, Err(KeyError::Quarantined { .. } | KeyError::InDoubt { .. })),
                "{vendor:02X}: {shut:?}"
            );
        }
    }
}

//! The same job on every kind of card: UICC, UICC in 2G mode, SIM, R-UIM, token.

#![cfg(test)]

use super::*;
use crate::lab::image::Personality;

fn kind(personality: Personality, protocol: Protocol) -> CardHandle {
    let mut sample = sample(SampleKind::Prepared);
    sample.personality = personality;
    sample.protocol = protocol;
    from(sample.image())
}

/// The PKCS#15 directory of a sample card.
fn home(personality: Personality) -> Fid {
    if personality == Personality::Token { Fid::PKCS15_GENERIC } else { Fid::PKCS15 }
}

fn allowed_once() -> KeyPolicy {
    KeyPolicy::new(KeyPolicy::FLOOR, vec![CardRange::Iccid("8988211".into())])
}

/// Plans and applies in a mode, under a policy.
fn job(
    card: &CardHandle,
    mode: Mode,
    fault: Option<Fault>,
    wanted: &[BootstrapFile],
    journal: &MemoryKeyJournal,
    policy: &KeyPolicy,
) -> Ended {
    let mut reader = InProcess::insert(card, bay());
    if let Some(fault) = fault {
        reader = reader.with_fault(fault);
    }
    let mut session = Session::new(&mut reader);
    session.set_mode(mode);
    let mut fs = FileSystem::new(session);
    match plan(&mut fs, wanted, &options()) {
        Err(error) => Ended::NotPlanned(error),
        Ok(plan) => match apply(&mut fs, &plan, &[adm()], &KeyGuard::new(journal, policy)) {
            Ok(outcome) => Ended::Done(outcome),
            Err(error) => Ended::NotApplied(error),
        },
    }
}

#[test]
fn one_job_leaves_the_same_octets_on_every_kind() {
    let config1 =
        BootstrapFile { oid: ObjectId::CP_CONFIG1, label: "Config1".into(), octets: payload(90, 7) };
    let wanted = [file(CP, payload(700, 1)), file(DM, payload(300, 9))];
    let mut seen = Vec::new();
    for (personality, protocol, mode) in [
        (Personality::Uicc, Protocol::T0, Mode::ThreeG),
        (Personality::Uicc, Protocol::T1, Mode::ThreeG),
        (Personality::Uicc2g, Protocol::T0, Mode::ThreeG),
        (Personality::Uicc2g, Protocol::T0, Mode::TwoG),
        (Personality::Sim, Protocol::T0, Mode::ThreeG),
        (Personality::Ruim, Protocol::T0, Mode::ThreeG),
        (Personality::Token, Protocol::T0, Mode::ThreeG),
        (Personality::Token, Protocol::T1, Mode::ThreeG),
    ] {
        let at = format!("{personality} {protocol} {mode:?}");
        let card = kind(personality, protocol);
        let (journal, policy) = (MemoryKeyJournal::new(), allowed_once());
        let ended = job(&card, mode, None, &wanted, &journal, &policy);
        assert!(matches!(ended, Ended::Done(Outcome::Written { .. })), "{at}: {ended:?}");
        let again = job(&card, mode, None, &wanted, &journal, &policy);
        assert!(matches!(again, Ended::Done(Outcome::Unchanged)), "{at}: {again:?}");
        let contents = [Fid::ODF, Fid::DODF, Fid(0x6431), Fid(0x6432)]
            .map(|fid| at_rest(&card, &[home(personality), fid]));
        seen.push((at.clone(), contents));
        let view = look(&card);
        assert_eq!(view.iccid, Some(iccid()), "{at}");
        assert_eq!(found(&card, CP), payload(700, 1), "{at}");
        // A third object needs a file that is not there: a UICC and a token create it.
        let third = std::slice::from_ref(&config1);
        journal.clear(&iccid()).unwrap();
        let before = card.changes();
        let ended = job(&card, mode, None, third, &journal, &policy);
        if personality.speaks_2g() && (mode == Mode::TwoG || !personality.speaks_3g()) {
            assert!(matches!(ended, Ended::NotPlanned(PlanError::NoCreate { .. })), "{at}: {ended:?}");
            assert_eq!(card.changes(), before, "{at}");
        } else {
            assert!(matches!(ended, Ended::Done(Outcome::Written { .. })), "{at}: {ended:?}");
            assert_eq!(found(&card, ObjectId::CP_CONFIG1), payload(90, 7), "{at}");
        }
    }
    assert_eq!(seen.len(), 8);
    for (at, contents) in &seen {
        assert!(*contents == seen[0].1, "{at} differs from {}", seen[0].0);
    }
}

#[test]
fn a_sim_that_tells_no_counter_is_given_no_key_without_a_policy() {
    let card = kind(Personality::Sim, Protocol::T0);
    let journal = MemoryKeyJournal::new();
    let wanted = [file(CP, payload(100, 1))];
    let ended = job(&card, Mode::ThreeG, None, &wanted, &journal, &policy());
    match ended {
        Ended::NotApplied(ApplyError::Key(error @ KeyError::UnknownCounter { sw: None, .. })) => {
            assert!(error.to_string().contains("cannot be asked"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((tries(&card), card.changes()), (3, 0));
    // Allowed once, it is presented once: a wrong key stays the only try.
    let mut image = card.image();
    image.key_mut(KeyRef::ADM1).unwrap().value.0 = b"87654321".to_vec();
    let card = from(image);
    for _ in 0..3 {
        let ended = job(&card, Mode::ThreeG, None, &wanted, &journal, &allowed_once());
        assert!(matches!(ended, Ended::NotApplied(ApplyError::Key(_))), "{ended:?}");
        assert_eq!(tries(&card), 2);
    }
}

#[test]
fn the_counter_of_chv1_is_in_the_status_of_a_directory() {
    let pin = Key::pin(KeyRef::PIN1, &"1234".parse().unwrap()).unwrap();
    let journal = MemoryKeyJournal::new();
    for (left, readable) in [(3, true), (1, false)] {
        let mut sample = sample(SampleKind::Pin);
        sample.personality = Personality::Sim;
        let mut image = sample.image();
        image.key_mut(KeyRef::PIN1).unwrap().tries = left;
        let card = from(image);
        let mut reader = InProcess::insert(&card, bay());
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let policy = policy();
        let guard = KeyGuard::new(&journal, &policy);
        let presented = guard.present_pins(&mut fs, std::slice::from_ref(&pin));
        let view = locate(&mut fs, Depth::Everything).unwrap();
        assert_eq!(view.file(CP).unwrap().readable_without_pin(), Some(readable), "{left} tries");
        match presented {
            Ok(()) => assert!(readable),
            Err(KeyError::TooFewTries { left: 1, .. } | KeyError::CounterFell { left: 1, .. }) => {
                assert!(!readable);
            }
            Err(error) => panic!("{error}"),
        }
        assert_eq!(card.changes(), 0);
    }
}

#[test]
fn a_sim_pulled_at_every_command_is_old_none_or_new() {
    let wanted = [file(CP, payload(300, 50))];
    let old = payload(500, 3);
    let full = kind(Personality::Sim, Protocol::T0);
    let first =
        job(&full, Mode::ThreeG, None, &[file(CP, old.clone())], &MemoryKeyJournal::new(), &allowed_once());
    assert!(matches!(first, Ended::Done(_)), "{first:?}");
    let faults: [fn(usize) -> Fault; 4] =
        [Fault::CutBefore, Fault::CutAfter, Fault::EmptyAnswer, Fault::AnswerLost];
    let mut cuts = 0;
    for fault in faults {
        for n in 1.. {
            let card = from(full.image());
            let journal = MemoryKeyJournal::new();
            let ended = job(&card, Mode::ThreeG, Some(fault(n)), &wanted, &journal, &allowed_once());
            let at = format!("{:?}: {ended:?}", fault(n));
            let now = found(&card, CP);
            assert!(now.is_empty() || now == old || now == wanted[0].octets, "{at}");
            if let Ended::Done(_) = ended {
                assert_eq!(now, wanted[0].octets, "{at}");
                break;
            }
            cuts += 1;
            // A key that was presented is not presented again before a person clears it.
            let presented = journal.state(&iccid(), KeyRef::ADM1).unwrap() != KeyState::Clear;
            let again = job(&card, Mode::ThreeG, None, &wanted, &journal, &allowed_once());
            match again {
                Ended::NotApplied(ApplyError::Key(KeyError::AllowanceUsed { .. })) => {
                    assert!(presented, "{at}")
                }
                Ended::Done(Outcome::Unchanged) => assert_eq!(now, wanted[0].octets, "{at}"),
                Ended::Done(_) => assert!(!presented, "{at}"),
                other => panic!("{at}, then {other:?}"),
            }
            assert_eq!(tries(&card), 3, "{at}");
            journal.clear(&iccid()).unwrap();
            let last = job(&card, Mode::ThreeG, None, &wanted, &journal, &allowed_once());
            assert!(matches!(last, Ended::Done(_)), "{at}, at last {last:?}");
            assert_eq!(found(&card, CP), wanted[0].octets, "{at}");
        }
    }
    assert!(cuts > 4 * 20, "{cuts} cuts");
}

#[test]
fn the_phone_finds_on_every_kind_what_was_written() {
    use crate::{lab::slot::PhoneSlot, phone::Phone};
    for personality in [Personality::Sim, Personality::Ruim, Personality::Token, Personality::Uicc2g] {
        let card = kind(personality, Protocol::T0);
        let wanted = [file(CP, payload(700, 1))];
        job(&card, Mode::ThreeG, None, &wanted, &MemoryKeyJournal::new(), &allowed_once());
        let mut phone =
            Phone::new(&crate::lab::rehearsal::identity(&"490154203237518".parse().unwrap())).unwrap();
        let mut reader = InProcess::insert(&card, bay());
        let mut slot = PhoneSlot::insert(&mut reader).unwrap();
        let report = phone.power_on(Some(&mut slot)).to_string();
        // The content is no document; that it was found and read is what counts here.
        assert!(report.contains("CP Bootstrap"), "{personality}: {report}");
        assert!(!report.contains("no PKCS#15 application"), "{personality}: {report}");
    }
}

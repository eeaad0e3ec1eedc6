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

/// Plans and applies in a mode, under a policy.
pub(super) fn job(
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
        Ok(plan) => {
            match apply(&mut fs, &plan, &[adm()], &KeyGuard::new(journal, policy), &MemoryWriteJournal::new())
            {
                Ok(outcome) => Ended::Done(outcome),
                Err(error) => Ended::NotApplied(error),
            }
        }
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
        let presented =
            guard.with_pins(&mut fs, std::slice::from_ref(&pin), |fs| drop(locate(fs, Depth::Everything)));
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
            let presented = journal.state(&iccid(), KeyRef::ADM1.into()).unwrap() != KeyState::Clear;
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

/// Power-on of a phone that was told a PIN.
fn with_pin(card: &CardHandle, phone: &mut crate::phone::Phone, fault: Option<Fault>) -> String {
    let mut reader = InProcess::insert(card, bay());
    if let Some(fault) = fault {
        reader = reader.with_fault(fault);
    }
    let mut slot = crate::lab::slot::PhoneSlot::insert(&mut reader).unwrap();
    phone.power_on(Some(&mut slot)).to_string()
}

fn pin_tries(card: &CardHandle) -> u8 {
    card.image().key_mut(KeyRef::PIN1).unwrap().tries
}

#[test]
fn the_phone_presents_chv1_where_the_card_asks_for_it_and_never_twice_in_doubt() {
    use crate::phone::Phone;
    let new_phone = |pin: Option<&str>| {
        let mut phone =
            Phone::new(&crate::lab::rehearsal::identity(&"490154203237518".parse().unwrap())).unwrap();
        pin.into_iter().for_each(|pin| phone.enter_card_pin(pin.parse().unwrap()));
        phone
    };
    for (personality, protocol) in [
        (Personality::Uicc, Protocol::T0),
        (Personality::Uicc, Protocol::T1),
        (Personality::Uicc2g, Protocol::T0),
        (Personality::Sim, Protocol::T0),
        (Personality::Ruim, Protocol::T0),
        (Personality::Token, Protocol::T1),
    ] {
        let at = format!("{personality} {protocol}");
        let mut sample = sample(SampleKind::Pin);
        (sample.personality, sample.protocol) = (personality, protocol);
        let card = from(sample.image());
        // Without a PIN the files stay unread, and no try is spent.
        let report = with_pin(&card, &mut new_phone(None), None);
        assert!(report.contains("access condition") && !report.contains("CHV1"), "{at}: {report}");
        let report = with_pin(&card, &mut new_phone(Some("1234")), None);
        assert!(report.contains("CHV1, which was presented and accepted"), "{at}: {report}");
        assert!(!report.contains("access condition"), "{at}: {report}");
        assert_eq!((pin_tries(&card), card.changes()), (3, 0), "{at}");
        // A wrong one costs one try, and is forgotten.
        let mut wrong = new_phone(Some("9999"));
        assert!(with_pin(&card, &mut wrong, None).contains("not presented again"), "{at}");
        assert_eq!(pin_tries(&card), 2, "{at}");
        assert!(!with_pin(&card, &mut wrong, None).contains("CHV1"), "{at}");
        assert_eq!(pin_tries(&card), 2, "{at}");
        // With one try left, not even the right one.
        let low = Some(Fault::CounterLow(1));
        let report = with_pin(&card, &mut new_phone(Some("1234")), low);
        assert!(report.contains("was not presented"), "{at}: {report}");
        assert_eq!(pin_tries(&card), 1, "{at}");
    }
}

#[test]
fn a_chv1_whose_answer_is_lost_is_not_presented_again() {
    let image = sample(SampleKind::Pin).image();
    let mut doubts = 0;
    for n in 1..60 {
        let card = from(image.clone());
        let mut phone =
            crate::phone::Phone::new(&crate::lab::rehearsal::identity(&"490154203237518".parse().unwrap()))
                .unwrap();
        phone.enter_card_pin("9999".parse().unwrap());
        with_pin(&card, &mut phone, Some(Fault::CutAfter(n)));
        let spent = 3 - pin_tries(&card);
        assert!(spent <= 1, "{n}");
        doubts += u8::from(spent == 1);
        let again = with_pin(&card, &mut phone, None);
        assert!(pin_tries(&card) >= 2, "command {n}: {again}");
    }
    assert!(doubts > 0);
}

#[test]
fn what_kind_a_card_is_shows_in_the_view() {
    for (personality, shown) in [
        (Personality::Uicc, CardKind::Uicc),
        (Personality::Uicc2g, CardKind::Uicc),
        (Personality::Sim, CardKind::Sim),
        (Personality::Ruim, CardKind::Ruim),
        (Personality::Token, CardKind::Token),
    ] {
        assert_eq!(look(&kind(personality, Protocol::T0)).kind, Some(shown), "{personality}");
    }
}

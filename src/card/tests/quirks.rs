//! Every quirk of the virtual card, before the station and before a phone: what differs is got over, or refused with nothing
//! changed.

#![cfg(test)]

use super::*;
use crate::{
    lab::{
        image::{Personality, Quirk},
        slot::PhoneSlot,
    },
    phone::Phone,
    wire::pkcs15::Shape,
};

/// A prepared card, or a bare one, with a quirk.
fn quirky(kind: SampleKind, quirk: Quirk, personality: Personality, protocol: Protocol) -> CardHandle {
    let mut sample = sample(kind);
    sample.personality = personality;
    sample.protocol = protocol;
    let mut image = sample.image();
    image.add_quirk(quirk);
    from(image)
}

/// What the phone says of a card.
fn phone(card: &CardHandle) -> String {
    let mut phone =
        Phone::new(&crate::lab::rehearsal::identity(&"490154203237518".parse().unwrap())).unwrap();
    let mut reader = InProcess::insert(card, bay());
    let mut slot = PhoneSlot::insert(&mut reader).unwrap();
    phone.power_on(Some(&mut slot)).to_string()
}

/// Plans and applies. Compact rules do not say which key they ask for, so it is named there.
fn on(
    card: &CardHandle,
    quirk: Quirk,
    wanted: &[BootstrapFile],
    journal: &MemoryKeyJournal,
    policy: &KeyPolicy,
) -> Ended {
    let adm =
        if quirk == Quirk::CompactRules { AdmKeys::of(&[KeyRef::ADM1], []) } else { AdmKeys::default() };
    let options = PlanOptions { adm: &adm, ..options() };
    let mut reader = InProcess::insert(card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    match plan(&mut fs, wanted, &options) {
        Err(error) => Ended::NotPlanned(error),
        Ok(plan) => match apply(
            &mut fs,
            &plan,
            &[self::adm()],
            &KeyGuard::new(journal, policy),
            &MemoryWriteJournal::new(),
        ) {
            Ok(outcome) => Ended::Done(outcome),
            Err(error) => Ended::NotApplied(error),
        },
    }
}

/// Quirks that keep the station from writing a prepared card, by design: nothing is changed then.
fn is_refused(quirk: Quirk) -> bool {
    // A path that reaches past its file says what nobody can mean.
    quirk == Quirk::PathPastEnd
}

#[test]
fn a_prepared_card_with_any_quirk_is_written_or_refused_whole() {
    let wanted = [file(CP, payload(700, 1)), file(DM, payload(300, 9))];
    for (personality, protocol) in [
        (Personality::Uicc, Protocol::T0),
        (Personality::Uicc, Protocol::T1),
        (Personality::Sim, Protocol::T0),
        (Personality::Token, Protocol::T1),
    ] {
        for quirk in Quirk::ALL.iter().copied() {
            let at = format!("{quirk} on {personality} {protocol}");
            let card = quirky(SampleKind::Prepared, quirk, personality, protocol);
            let (journal, policy) = (MemoryKeyJournal::new(), allowed_once());
            let before = card.changes();
            let ended = on(&card, quirk, &wanted, &journal, &policy);
            if is_refused(quirk) {
                assert!(matches!(ended, Ended::NotPlanned(PlanError::PathPastEnd { .. })), "{at}: {ended:?}");
                assert_eq!(card.changes(), before, "{at}");
                continue;
            }
            match ended {
                Ended::Done(Outcome::Written { .. }) => {}
                // An EF(DODF) that seems to hold nothing of ours takes new entries where there is room, and the files that
                // they would lead to are made: not on a SIM.
                Ended::NotPlanned(PlanError::NoCreate { .. }) if quirk == Quirk::DodfInA7 => continue,
                // A token has its number there; no key is presented to a card without one.
                Ended::NotApplied(ApplyError::Key(KeyError::NoIccid))
                    if quirk == Quirk::NoTokenInfo && personality == Personality::Token =>
                {
                    assert_eq!(card.changes(), before, "{at}");
                    continue;
                }
                other => panic!("{at}: {other:?}"),
            }
            assert_eq!(found(&card, CP), payload(700, 1), "{at}");
            assert_eq!(found(&card, DM), payload(300, 9), "{at}");
            journal.clear(&iccid()).unwrap();
            let again = on(&card, quirk, &wanted, &journal, &policy);
            assert!(matches!(again, Ended::Done(Outcome::Unchanged)), "{at}: {again:?}");
            let report = phone(&card);
            assert!(report.contains("CP Bootstrap") && report.contains("DM bootstrap"), "{at}: {report}");
        }
    }
}

#[test]
fn a_bare_card_with_any_quirk_gets_its_application() {
    let wanted = [file(CP, payload(400, 1))];
    for protocol in [Protocol::T0, Protocol::T1] {
        for quirk in Quirk::ALL.iter().copied() {
            let at = format!("{quirk} {protocol}");
            let card = quirky(SampleKind::Bare, quirk, Personality::Uicc, protocol);
            let journal = MemoryKeyJournal::new();
            let ended = on(&card, quirk, &wanted, &journal, &allowed_once());
            assert!(matches!(ended, Ended::Done(Outcome::Written { .. })), "{at}: {ended:?}");
            assert_eq!(found(&card, CP), payload(400, 1), "{at}");
            assert!(phone(&card).contains("CP Bootstrap"), "{at}");
        }
    }
}

#[test]
fn what_is_odd_is_seen() {
    let view = |quirk| look(&quirky(SampleKind::Prepared, quirk, Personality::Uicc, Protocol::T0));
    let warned = |quirk, part: &str| {
        let warnings = view(quirk).warnings;
        assert!(warnings.iter().any(|w| w.to_string().contains(part)), "{quirk}: {warnings:?}");
    };
    warned(Quirk::DoubleWrappedOid, "twice");
    warned(Quirk::PathPastEnd, "6431");
    warned(Quirk::NotInDir, "EF(DIR)");
    assert_eq!(view(Quirk::OpaqueDo).file(CP).unwrap().shape, Shape::OpaqueDo);
    assert_eq!(view(Quirk::OtherLabelPlace).file(CP).unwrap().label.as_deref(), Some("Bootstrap"));
    assert_eq!(view(Quirk::PathLengthAsInteger).file(CP).unwrap().path.range.unwrap().length, 2048);
    assert_eq!(view(Quirk::SeveralDodfs).pkcs15.unwrap().dodfs.len(), 2);
    assert_eq!(view(Quirk::SeveralDodfs).file(CP).unwrap().dodf, 1);
    assert!(view(Quirk::DodfInA7).file(CP).is_none());
    for quirk in [Quirk::WrongFid, Quirk::DodfZeroPadding, Quirk::EndOfFileLoop, Quirk::BlockOf255] {
        assert_eq!(view(quirk).warnings, [], "{quirk}");
    }
}

/// An answer of 256 octets is refused: to GET RESPONSE on T=0, and to each part of an object but the first on T=1.
#[test]
fn data_objects_are_read_from_a_card_that_counts_to_255() {
    use crate::wire::usim::{Configuration, SettingsContent, SettingsFile};
    for protocol in [Protocol::T0, Protocol::T1] {
        for length in [200, 252, 253, 254, 255, 256, 510, 511, 512, 1500] {
            let mut sample = sample(SampleKind::Prepared);
            (sample.protocol, sample.all_settings) = (protocol, true);
            let mut image = sample.image();
            image.add_quirk(Quirk::BlockOf255);
            let card = from(image);
            let text = "<ims>".chars().cycle().take(length).collect::<String>();
            let parts = Configuration { encoding: 0, text: &text }.parts();
            let settings = [SettingsContent { file: SettingsFile::Ims, parts }];
            let options = PlanOptions { settings: &settings, ..options() };
            let wanted = [file(CP, payload(300, 1))];
            write(&card, &wanted, &options);
            assert_eq!(write(&card, &wanted, &options), Outcome::Unchanged, "{protocol:?}, {length}");
            let mut reader = InProcess::insert(&card, bay());
            let mut fs = FileSystem::new(Session::new(&mut reader));
            let found = settings_files(&mut fs).unwrap();
            let found = found.iter().find(|found| found.kind == SettingsFile::Ims).unwrap();
            assert_eq!(
                found.content.as_ref().unwrap()[0].0,
                settings[0].parts.concat(),
                "{protocol:?}, {length}"
            );
        }
    }
}

#[test]
fn a_session_uses_a_logical_channel_where_there_is_one() {
    let wanted = [file(CP, payload(700, 1))];
    for (quirk, personality, opened) in [
        (None, Personality::Uicc, true),
        (None, Personality::Token, true),
        (None, Personality::Uicc2g, true),
        (None, Personality::Sim, false),
        (Some(Quirk::NoChannels), Personality::Uicc, false),
    ] {
        let mut image = {
            let mut sample = sample(SampleKind::Prepared);
            sample.personality = personality;
            sample.image()
        };
        quirk.into_iter().for_each(|quirk| image.add_quirk(quirk));
        let card = from(image);
        let mut reader = InProcess::insert(&card, bay());
        // Five times, more often than the card has channels: each is closed again.
        for _ in 0..5 {
            let mut session = Session::new(&mut reader);
            session.use_channel(ChannelChoice::Logical).unwrap();
            assert_eq!(session.channel() != 0, opened, "{personality}");
            let mut fs = FileSystem::new(session);
            let journal = MemoryKeyJournal::new();
            let policy = allowed_once();
            let plan = plan(&mut fs, &wanted, &options()).unwrap();
            apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&journal, &policy), &MemoryWriteJournal::new())
                .unwrap();
        }
        assert_eq!(found(&card, CP), payload(700, 1), "{personality}");
    }
}

#[test]
fn a_slow_card_takes_the_time_of_its_octets() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let mut reader = InProcess::insert(&card, bay()).with_speed(800);
    let wanted = [file(CP, payload(1000, 1))];
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let (journal, policy) = (MemoryKeyJournal::new(), policy());
    let plan = plan(&mut fs, &wanted, &options()).unwrap();
    apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&journal, &policy), &MemoryWriteJournal::new()).unwrap();
    drop(fs);
    // 1000 octets out and back at 800 a second, and what stands around them.
    let seconds = reader.busy().as_secs_f64();
    assert!((2.5..6.0).contains(&seconds), "{seconds} s");
}

#[test]
fn a_flipped_answer_never_ends_in_a_wrong_card_called_done() {
    let wanted = [file(CP, payload(300, 50))];
    let (mut done, mut refused) = (0, 0);
    for protocol in [Protocol::T0, Protocol::T1] {
        for n in 1..=60 {
            let card = card(SampleKind::Prepared, protocol);
            let journal = MemoryKeyJournal::new();
            let fault = Some(Fault::FlippedAnswer(n, 1));
            match write_with(&card, fault, &wanted, &options(), &journal, &[adm()]) {
                Ended::Done(_) => {
                    assert_eq!(found(&card, CP), wanted[0].octets, "{protocol}, answer {n}");
                    done += 1;
                }
                Ended::NotPlanned(_) | Ended::NotApplied(_) => refused += 1,
            }
            assert_eq!(tries(&card), 3, "{protocol}, answer {n}");
        }
    }
    assert!(refused > 10 && done > 40, "{done} done, {refused} refused");
}

#[test]
fn counters_that_are_low_or_not_told_keep_the_key_back() {
    let wanted = [file(CP, payload(300, 50))];
    for (fault, allowed) in [
        (Fault::CounterLow(2), true),
        (Fault::CounterLow(1), false),
        (Fault::CounterLow(0), false),
        (Fault::CounterNotTold, false),
    ] {
        let card = card(SampleKind::Prepared, Protocol::T0);
        let journal = MemoryKeyJournal::new();
        let ended = write_with(&card, Some(fault), &wanted, &options(), &journal, &[adm()]);
        assert_eq!(matches!(ended, Ended::Done(_)), allowed, "{fault}: {ended:?}");
        if !allowed {
            assert!(matches!(ended, Ended::NotApplied(ApplyError::Key(_))), "{fault}: {ended:?}");
            assert_eq!(card.changes(), 0, "{fault}");
        }
    }
}

#[test]
fn compact_rules_want_the_key_named() {
    let card = quirky(SampleKind::Prepared, Quirk::CompactRules, Personality::Uicc, Protocol::T0);
    let error = refused(&card, &[file(CP, payload(100, 1))], &options());
    let PlanError::RightsUnknown { why: UnknownRights::KeyNotNamed, .. } = &error else { panic!("{error}") };
    assert!(error.to_string().contains("--adm-ref"), "{error}");
}

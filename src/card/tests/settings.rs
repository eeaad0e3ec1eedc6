//! Settings files of the USIM: read, filled, never created.

#![cfg(test)]

use super::*;
use crate::{
    lab::image::{Body, Personality},
    wire::usim::{Configuration, SettingsContent, SettingsFile},
};

const USIM: Fid = Fid(0x7FD0);

fn acl() -> SettingsContent {
    SettingsContent::octets(SettingsFile::AccessPoints, b"\x01\xDD\x09\x08internet".to_vec())
}

/// A sample with all settings files.
fn all_settings(protocol: Protocol) -> CardImage {
    let mut sample = sample(SampleKind::Prepared);
    (sample.protocol, sample.all_settings) = (protocol, true);
    sample.image()
}

/// The data objects of a settings file of a card at rest.
fn objects(card: &CardHandle, file: SettingsFile) -> Vec<(u8, Vec<u8>)> {
    match &card.image().mf.find(&[USIM, file.fid()]).unwrap().body {
        Body::Objects { objects, .. } => objects.clone(),
        _ => panic!("no file of objects"),
    }
}

fn ims(length: usize) -> SettingsContent {
    let text = "<ims>".chars().cycle().take(length).collect::<String>();
    SettingsContent { file: SettingsFile::Ims, parts: Configuration { encoding: 0, text: &text }.parts() }
}

#[test]
fn data_objects_are_written_block_by_block_and_read_again() {
    let wanted = [file(CP, payload(300, 1))];
    for protocol in [Protocol::T0, Protocol::T1] {
        let card = from(all_settings(protocol));
        for length in [700, 3, 253, 1500, 0] {
            let settings = [ims(length)];
            let options = PlanOptions { settings: &settings, ..options() };
            write(&card, &wanted, &options);
            let there = objects(&card, SettingsFile::Ims);
            assert_eq!(there[0], (0x80, vec![0x00]));
            assert_eq!((there[1].0, there[1].1.len(), there.len()), (0x81, length, 2), "{protocol}");
            assert_eq!(write(&card, &wanted, &options), Outcome::Unchanged);
            let mut reader = InProcess::insert(&card, bay());
            let files = settings_files(&mut FileSystem::new(Session::new(&mut reader))).unwrap();
            let found = files.iter().find(|file| file.kind == SettingsFile::Ims).unwrap();
            assert_eq!(found.served, Some(true));
            assert_eq!(found.content.as_ref().unwrap()[0].0, settings[0].parts.concat());
        }
        // More than the file may hold.
        let settings = [ims(2048)];
        let error = refused(&card, &wanted, &PlanOptions { settings: &settings, ..options() });
        assert!(matches!(error, PlanError::TooSmall { room: 2048, needed: 2055, .. }), "{error}");
    }
}

#[test]
fn records_are_written_and_those_behind_them_emptied() {
    let card = from(all_settings(Protocol::T0));
    let wanted = [file(CP, payload(300, 1))];
    let kind = SettingsFile::MmsPreferences;
    for count in [3, 1, 2] {
        let parts: Vec<Vec<u8>> = (1..=count).map(|n| vec![0x80, 0x01, n]).collect();
        let settings = [SettingsContent { file: kind, parts: parts.clone() }];
        let options = PlanOptions { settings: &settings, ..options() };
        write(&card, &wanted, &options);
        let image = card.image();
        let Body::Records { records, .. } = &image.mf.find(&[USIM, kind.fid()]).unwrap().body else {
            panic!()
        };
        for (at, record) in records.iter().enumerate() {
            let wanted = parts.get(at).map_or(&[][..], Vec::as_slice);
            assert!(
                record.starts_with(wanted) && record[wanted.len()..].iter().all(|o| *o == 0xFF),
                "{count}"
            );
        }
        assert_eq!(write(&card, &wanted, &options), Outcome::Unchanged);
    }
    for (parts, why) in
        [(vec![vec![0x80]; 4], "has 3 records; 4 are needed"), (vec![vec![0x80; 49]], "48 octets")]
    {
        let settings = [SettingsContent { file: kind, parts }];
        let error = refused(&card, &wanted, &PlanOptions { settings: &settings, ..options() });
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// FF fills files up, and may be the last octet of what is in them too.
#[test]
fn settings_that_end_in_ff_are_there_when_they_are() {
    let card = from(all_settings(Protocol::T0));
    let wanted = [file(CP, payload(100, 1))];
    let settings = [SettingsContent::octets(SettingsFile::Nas, vec![0x83, 0x01, 0xFF])];
    let options = PlanOptions { settings: &settings, ..options() };
    write(&card, &wanted, &options);
    assert!(at_rest(&card, &[USIM, SettingsFile::Nas.fid()]).starts_with(&settings[0].parts[0]));
    assert_eq!(write(&card, &wanted, &options), Outcome::Unchanged);
    let mut reader = InProcess::insert(&card, bay());
    let plan = plan(&mut FileSystem::new(Session::new(&mut reader)), &wanted, &options).unwrap();
    assert!(plan.to_string().contains("is   3 octets: settings: minimum periodic search timer"), "{plan}");
}

/// Of each structure: what was put there, and nothing else, is what a card has.
#[test]
fn a_card_is_known_to_have_the_settings_that_it_was_given() {
    let preferences = |names: &[u8]| SettingsContent {
        file: SettingsFile::MmsPreferences,
        parts: names.iter().map(|name| vec![0x80, 0x01, *name]).collect(),
    };
    let nas = |octet| SettingsContent::octets(SettingsFile::Nas, vec![0x83, 0x01, octet]);
    let given = [acl(), nas(0xFF), preferences(&[1, 2]), ims(700)];
    let card = from(all_settings(Protocol::T0));
    write(&card, &[file(CP, payload(100, 1))], &PlanOptions { settings: &given, ..options() });
    let has = |card: &CardHandle, wanted: &[SettingsContent]| {
        let mut reader = InProcess::insert(card, bay());
        has_settings(&mut FileSystem::new(Session::new(&mut reader)), wanted).unwrap()
    };
    for held in [&given[..], &[], &given[1..2]] {
        assert_eq!(has(&card, held), Holds::Yes);
    }
    let other_acl = SettingsContent::octets(SettingsFile::AccessPoints, b"\x01\xDD\x06\x05other".to_vec());
    let lacking = SettingsContent::octets(SettingsFile::MmsIssuer, b"\x80\x01\x01".to_vec());
    for other in [
        other_acl,
        nas(0xFE),
        preferences(&[1]),
        preferences(&[1, 2, 3]),
        preferences(&[2, 1]),
        preferences(&[1, 2, 3, 4, 5]),
        ims(699),
        ims(0),
        lacking,
    ] {
        let has_it = has(&card, std::slice::from_ref(&other));
        assert_eq!(has_it, Holds::No, "{} {:?}", other.file, other.parts);
        assert_eq!(has(&card, &[acl(), other]), Holds::No);
    }
    // A file that is not there holds nothing; one that only a PIN opens may hold it.
    assert_eq!(has(&from(sample(SampleKind::Bare).image()), &[ims(700)]), Holds::No);
    let mut image = card.image();
    image.key_mut(KeyRef::PIN1).unwrap().enabled = true;
    change(&mut image, &[USIM, SettingsFile::AccessPoints.fid()], |file| {
        let rule = (
            crate::wire::arr::AccessMode::Operations(0xFF),
            crate::wire::arr::SecurityCondition::Key { key: KeyRef::PIN1, usage: None },
        );
        file.security = Some(crate::wire::fcp::Security::Expanded(crate::wire::arr::AccessRules(vec![rule])));
    });
    let (card, unread) = (from(image), SettingsContent::octets(SettingsFile::AccessPoints, vec![1]));
    assert_eq!(has(&card, &[unread]), Holds::Unread);
}

#[test]
fn a_file_of_another_structure_is_left_alone() {
    let mut image = all_settings(Protocol::T0);
    change(&mut image, &[USIM, SettingsFile::Ims.fid()], |f| f.body = Body::Transparent(vec![0xFF; 64]));
    let settings = [ims(5)];
    let options = PlanOptions { settings: &settings, ..options() };
    let error = refused(&from(image), &[file(CP, payload(100, 1))], &options);
    assert!(error.to_string().contains("is not a file of data objects"), "{error}");
}

#[test]
fn settings_files_are_filled_with_the_bootstrap_and_read_again() {
    let settings =
        [acl(), SettingsContent::octets(SettingsFile::MmsIssuer, b"\x80\x01\x01\x81\x05a.b:c".to_vec())];
    let options = PlanOptions { settings: &settings, ..options() };
    for kind in [SampleKind::Bare, SampleKind::Prepared] {
        let card = card(kind, Protocol::T0);
        let wanted = [file(CP, payload(300, 1))];
        write(&card, &wanted, &options);
        for SettingsContent { file: kind, parts } in &settings {
            let octets = parts[0].as_slice();
            let there = at_rest(&card, &[USIM, kind.fid()]);
            assert!(there.starts_with(octets) && there[octets.len()..].iter().all(|o| *o == 0xFF), "{kind}");
        }
        assert_eq!(found(&card, CP), wanted[0].octets);
        assert_eq!(write(&card, &wanted, &options), Outcome::Unchanged);
        let mut reader = InProcess::insert(&card, bay());
        let files = settings_files(&mut FileSystem::new(Session::new(&mut reader))).unwrap();
        let shown: Vec<_> = files.iter().map(|f| (f.kind, f.served)).collect();
        assert_eq!(shown, [(SettingsFile::AccessPoints, Some(true)), (SettingsFile::MmsIssuer, Some(true))]);
        assert!(files[0].content.as_ref().unwrap()[0].0.starts_with(&settings[0].parts[0]));
    }
}

#[test]
fn a_card_pulled_while_settings_are_written_shows_old_none_or_new() {
    let settings = [acl()];
    let options = PlanOptions { settings: &settings, ..options() };
    let wanted = [file(CP, payload(100, 1))];
    let mut image = sample(SampleKind::Prepared).image();
    let old = b"\x01\xDD\x04\x03mms".to_vec();
    change(&mut image, &[USIM, SettingsFile::AccessPoints.fid()], |f| {
        if let Body::Transparent(octets) = &mut f.body {
            octets[..old.len()].copy_from_slice(&old);
        }
    });
    for n in 1.. {
        let card = from(image.clone());
        let journal = MemoryKeyJournal::new();
        let ended = write_with(&card, Some(Fault::CutAfter(n)), &wanted, &options, &journal, &[adm()]);
        let there = at_rest(&card, &[USIM, SettingsFile::AccessPoints.fid()]);
        let is = |octets: &[u8]| there.starts_with(octets);
        assert!(there[0] == 0xFF || is(&old) || is(&settings[0].parts[0]), "command {n}: {there:02X?}");
        if let Ended::Done(_) = ended {
            assert!(is(&settings[0].parts[0]));
            return;
        }
    }
}

#[test]
fn what_a_card_has_not_is_not_made() {
    let settings = [SettingsContent::octets(SettingsFile::Nas, vec![0x80, 0x01, 0x01])];
    let missing = PlanOptions { settings: &settings, ..options() };
    let wanted = [file(CP, payload(100, 1))];
    let error = refused(&card(SampleKind::Prepared, Protocol::T0), &wanted, &missing);
    assert!(matches!(error, PlanError::NoSettingsFile { kind: SettingsFile::Nas, .. }), "{error}");
    // A SIM has no USIM.
    let mut sample = sample(SampleKind::Prepared);
    sample.personality = Personality::Sim;
    let settings = [acl()];
    let error = refused(&from(sample.image()), &wanted, &PlanOptions { settings: &settings, ..options() });
    assert!(error.to_string().contains("settings-files"), "{error}");
    // Too much for the file.
    let settings = [SettingsContent::octets(SettingsFile::AccessPoints, vec![0x01; 65])];
    let error = refused(
        &card(SampleKind::Prepared, Protocol::T0),
        &wanted,
        &PlanOptions { settings: &settings, ..options() },
    );
    assert!(matches!(error, PlanError::TooSmall { room: 64, needed: 65, .. }), "{error}");
}

/// What standards say of an object that was cut off between two blocks is not known here, so a card may show any of this: nothing,
/// the beginning under a length of its own, all octets with FF behind the beginning, or an answer that says that it is damaged.
/// All of it is gone on with, and taken back; an object that nobody has sent is left alone.
#[test]
fn a_card_that_is_pulled_between_two_blocks_is_settled_whatever_it_shows() {
    let policy = policy();
    let new = ims(700);
    let options = |settings: &'static [SettingsContent]| PlanOptions { settings, ..options() };
    let settings: &'static [SettingsContent] = vec![new.clone()].leak();
    let wanted = [file(CP, payload(100, 1))];
    let old: &'static [SettingsContent] = vec![ims(300)].leak();
    let before = from(all_settings(Protocol::T0));
    write(&before, &wanted, &options(old));
    let whole = before.copy();
    write(&whole, &wanted, &options(settings));

    // UPDATEs: object 80 away, 81 away, then the three blocks of 81.
    let cut = |n: usize| {
        let (card, writes) = (before.copy(), MemoryWriteJournal::new());
        let mut reader = InProcess::insert(&card, bay()).with_fault(Fault::TornUpdate(n));
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let plan = plan(&mut fs, &wanted, &options(settings)).unwrap();
        let keys = MemoryKeyJournal::new();
        let error = apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&keys, &policy), &writes).unwrap_err();
        assert!(matches!(error, ApplyError::Unknown { .. }), "{error}");
        (card, writes)
    };
    let settle = |card: &CardHandle, writes: &MemoryWriteJournal, way: Way| {
        let mut reader = InProcess::insert(card, bay());
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let entry = writes.pending(&iccid()).unwrap().unwrap();
        let keys = MemoryKeyJournal::new();
        recover(&mut fs, &entry, way, &[adm()], &KeyGuard::new(&keys, &policy), writes, &mut Unobserved)
    };
    let text = new.parts[1][4..].to_vec();
    let beginning = |length: usize| text[..length].to_vec();
    let shown: [Vec<(u8, Vec<u8>)>; 5] = [
        vec![],
        vec![(0x81, beginning(251))],
        vec![(0x81, beginning(506))],
        vec![(0x81, [beginning(251), vec![0xFF; 449]].concat())],
        vec![(0x81, vec![])],
    ];
    let with_objects = |card: &CardHandle, shown: &[(u8, Vec<u8>)]| {
        let mut image = card.image();
        change(&mut image, &[USIM, SettingsFile::Ims.fid()], |f| {
            if let Body::Objects { objects, .. } = &mut f.body {
                *objects = shown.to_vec();
            }
        });
        from(image)
    };
    for n in [3, 4, 5] {
        for shown in &shown {
            for (way, end) in [(Way::Resume, &whole), (Way::RollBack, &before), (Way::Settle, &before)] {
                let (card, writes) = cut(n);
                let card = with_objects(&card, shown);
                let recovered =
                    settle(&card, &writes, way).unwrap_or_else(|error| panic!("{n} {way:?}: {error}"));
                assert_eq!(recovered.now == Now::New, way == Way::Resume);
                assert!(card.image() == end.image() && writes.list().unwrap().is_empty(), "{n} {way:?}");
            }
        }
        // Somebody else has put an object there.
        for shown in [b"another".to_vec(), vec![0x41; 900]] {
            let (card, writes) = cut(n);
            let card = with_objects(&card, &[(0x81, shown)]);
            for way in [Way::Resume, Way::RollBack, Way::Settle] {
                let error = settle(&card, &writes, way).unwrap_err();
                assert!(
                    matches!(&error, RecoverError::Changed { file } if file.fid() == Some(Fid(0x6FF8))),
                    "{error}"
                );
            }
        }
    }
}

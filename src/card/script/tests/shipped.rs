//! The scripts that come with this program, on every kind of card; where one makes no sense, it says so before a key is presented.

#![cfg(test)]

use super::*;

const ADM: &[(&str, &str)] = &[("ADM", "12345678")];

fn script(name: &str) -> &'static str {
    shipped(name).unwrap().text
}

fn with(set: &'static [(&'static str, &'static str)]) -> With<'static> {
    With { set, ..With::default() }
}

/// Runs a script with ADM1 on a card that may tell no counter, and its files where the card has them. What is known of ADM1 then.
fn allowed(card: &CardHandle, name: &str, mut with: With<'_>) -> (Report, KeyState) {
    let set = files_of(card, name);
    let set: Vec<_> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let checked = checked(script(name), &set, Need::Nothing);
    let policy = KeyPolicy::new(2, vec![crate::card::CardRange::Iccid("8988211".into())]);
    let journal = MemoryKeyJournal::new();
    let mut reader = InProcess::insert(card, "bay 0".parse().unwrap());
    let setup = Setup {
        name: "test",
        writes: None,
        keys: vec![Key::read(KeyRef::ADM1.into(), "12345678").unwrap()],
        guard: KeyGuard::new(&journal, &policy),
        backup: with.backup.take().map(|backup| backup as &mut dyn Backup),
        restore: with.restore,
        observe: &mut |_| {},
    };
    let report = run(Session::new(&mut reader), &checked, setup);
    (report, journal.state(&sample_iccid(), KeyRef::ADM1.into()).unwrap())
}

fn sample_iccid() -> Iccid {
    Iccid::from_card("8988211000000430010").unwrap()
}

/// Values of a script's variables for files: a token has its PKCS#15 directory elsewhere, and the script that locks names it from
/// the MF.
fn files_of(card: &CardHandle, name: &str) -> Vec<(&'static str, String)> {
    let mut set = vec![("ADM", "12345678".to_owned())];
    set.retain(|_| script(name).contains("KEY 0A ADM"));
    if card.image().personality == Personality::Token && name != "create-bootstrap-tree" {
        let home = if name == "lock-for-shipping" { "3F00/5015" } else { "A000000063504B43532D3135" };
        let files = [("ODF", "5031"), ("DODF", "6430"), ("FILE", "6431")];
        let declared = files.iter().filter(|(file, _)| script(name).contains(&format!("VAR {file} ")));
        set.extend(declared.map(|(file, fid)| (*file, format!("{home}/{fid}"))));
    }
    set
}

fn content_of(card: &CardHandle) -> Vec<u8> {
    let token = card.image().personality == Personality::Token;
    at_rest(card, &[if token { Fid::PKCS15_GENERIC } else { Fid::PKCS15 }, Fid(0x6431)])
}

/// A prepared card of a kind whose bootstrap file holds something.
fn holding(personality: Personality, content: &[u8]) -> CardHandle {
    let mut image = sample(personality, SampleKind::Prepared).image();
    let home = if personality == Personality::Token { Fid::PKCS15_GENERIC } else { Fid::PKCS15 };
    if let Body::Transparent(octets) = &mut image.mf.find_mut(&[home, FILE[1]]).unwrap().body {
        octets[..content.len()].copy_from_slice(content);
    }
    from(image)
}

#[test]
fn all_are_sound_and_say_what_they_do() {
    for script in SHIPPED {
        let checked = check(script.text.as_bytes(), &BTreeMap::new(), Need::Nothing);
        assert_eq!(checked.problems, [], "{}", script.name);
        assert!(script.title().len() > 20, "{}", script.name);
        assert_eq!(checked.script.version, Some(1));
    }
    assert_eq!((shipped("nonesuch"), nearest_shipped("nonesuch")), (None, None));
}

#[test]
fn survey_tells_what_is_there() {
    for (personality, kind, told) in [
        (Personality::Uicc, SampleKind::Prepared, "EF(DODF)"),
        (Personality::Uicc, SampleKind::Bare, "PKCS#15 application"),
        (Personality::Sim, SampleKind::Prepared, "EF(DODF)"),
        (Personality::Sim, SampleKind::Bare, "DF 7F50"),
        (Personality::Ruim, SampleKind::Prepared, "EF(ODF)"),
        (Personality::Token, SampleKind::Prepared, "EF(ODF)"),
    ] {
        let card = from(sample(personality, kind).image());
        let report = done(run_on(&card, script("survey"), With::default()));
        let labels: Vec<_> = report.outputs.iter().map(|o| o.label.as_str()).collect();
        assert!(labels.contains(&told), "{personality:?}, {kind}: {labels:?}");
        if personality != Personality::Token {
            assert_eq!(report.outputs[0].value, "8988211000000430010");
        }
        assert_eq!((card.changes(), report.changes), (0, 0));
    }
    let mut image = sample(Personality::Uicc, SampleKind::Prepared);
    image.protocol = Protocol::T1;
    done(run_on(&from(image.image()), script("survey"), With::default()));
}

#[test]
fn what_is_backed_up_and_erased_is_restored() {
    let content = b"a document that was there";
    for (personality, _) in Personality::ALL {
        let card = holding(personality, content);
        let before = card.image();
        let mut backup = MemoryBackup::default();
        let with = With { backup: Some(&mut backup), ..With::default() };
        let (report, known) = allowed(&card, "back-up", with);
        assert_eq!((done(report).saved, card.changes(), known), (3, 0, KeyState::Clear), "{personality}");

        let mut more = MemoryBackup::default();
        let with = With { backup: Some(&mut more), ..With::default() };
        done(allowed(&card, "erase", with).0);
        assert!(content_of(&card).iter().all(|octet| *octet == 0xFF), "{personality}");
        assert_eq!(more.0.saved.len(), 1);

        let with = With { restore: Some(&backup.0), ..With::default() };
        let report = done(allowed(&card, "restore", with).0);
        assert!(card.image() == before, "{personality}: {}", shown(&report));
    }
}

#[test]
fn a_card_on_which_a_script_makes_no_sense_is_given_no_key() {
    for (personality, _) in Personality::ALL {
        let bare = from(sample(personality, SampleKind::Bare).image());
        let mut backup = MemoryBackup::default();
        let with = With { backup: Some(&mut backup), ..With::default() };
        // That there is nothing is worth keeping, and cannot be put back.
        let (report, _) = allowed(&bare, "back-up", with);
        assert_eq!(done(report).saved, 3, "{personality}");
        for name in ["erase", "restore", "lock-for-shipping"] {
            let with = With { restore: Some(&backup.0), ..With::default() };
            let (report, known) = allowed(&bare, name, with);
            let said = shown(&report);
            assert!(report.stopped.is_some(), "{name} on a bare {personality}: {said}");
            assert_eq!((known, bare.changes()), (KeyState::Clear, 0), "{name}, {personality}: {said}");
        }
    }
    // Files are created in class 00, and a token has its application already.
    for personality in [Personality::Sim, Personality::Ruim, Personality::Token] {
        let kind = if personality == Personality::Token { SampleKind::Prepared } else { SampleKind::Bare };
        let card = from(sample(personality, kind).image());
        let (report, known) = allowed(&card, "create-bootstrap-tree", With::default());
        let said = shown(&report);
        assert!(report.stopped.is_some(), "{personality}: {said}");
        assert_eq!((known, card.changes()), (KeyState::Clear, 0), "{personality}: {said}");
    }
    let both = from(sample(Personality::Uicc2g, SampleKind::Bare).image());
    assert_eq!(done(allowed(&both, "create-bootstrap-tree", With::default()).0).changes, 9);
}

#[test]
fn the_backup_of_an_erased_card_is_restored_too() {
    let card = written(Personality::Uicc, b"a document that was there");
    let before = card.image();
    let mut backup = MemoryBackup::default();
    done(run_on(&card, script("erase"), With { set: ADM, backup: Some(&mut backup), ..With::default() }));
    let report = done(run_on(
        &card,
        script("restore"),
        With { set: ADM, restore: Some(&backup.0), ..With::default() },
    ));
    assert_eq!(card.image(), before, "{}", shown(&report));
    assert!(
        shown(&report).contains("RES 3F00/7F50/6430\n      the backup holds nothing of it; left as it is")
    );
}

#[test]
fn nothing_is_restored_where_not_all_of_it_can_be() {
    let back_up = |card: &CardHandle| {
        let mut backup = MemoryBackup::default();
        let with = With { backup: Some(&mut backup), ..With::default() };
        let report = done(run_on(card, script("back-up"), with));
        (backup.0, report)
    };
    let stopped = |card: &CardHandle, backup: &CardBackup, why: &str| {
        let changes = card.changes();
        let report =
            run_on(card, script("restore"), With { set: ADM, restore: Some(backup), ..With::default() });
        assert!(shown(&report).contains(why), "{why}: {}", shown(&report));
        assert_eq!((card.changes(), report.changes, report.entries.len()), (changes, 0, 0));
    };
    let whole = written(Personality::Uicc, b"a document that was there");
    let (backup, _) = back_up(&whole);

    let mut image = prepared().image();
    let Body::Directory { files, .. } = &mut image.mf.find_mut(&[Fid::PKCS15]).unwrap().body else {
        panic!()
    };
    files.retain(|file| file.fid != Fid(0x6430));
    let lacking = from(image);
    stopped(
        &lacking,
        &backup,
        "11:1: 3F00/7F50/6430 cannot be put back: the card has no such file; nothing was written",
    );
    let mut smaller = sample(Personality::Uicc, SampleKind::Prepared);
    smaller.bootstrap_size = 299;
    let why =
        "10:1: 3F00/7F50/6431 cannot be put back: the backup holds 300 octets, and there is room for 299";
    stopped(&from(smaller.image()), &backup, why);
    stopped(
        &whole,
        &CardBackup { saved: Vec::new(), ..backup.clone() },
        "the backup holds nothing of the files",
    );

    // What a card lacks is kept as that, and is no reason to stop.
    let (backup, report) = back_up(&lacking);
    assert!(shown(&report).contains("SAV 3F00/7F50/6430\n      the card has no such file; that is kept"));
    stopped(&whole, &backup, "the card had no such file when the backup was made, and RES deletes none");
    let before = lacking.image();
    done(run_on(&lacking, script("erase"), With { set: ADM, ..With::default() }));
    done(run_on(&lacking, script("restore"), With { set: ADM, restore: Some(&backup), ..With::default() }));
    assert_eq!(lacking.image(), before);
}

#[test]
fn a_tree_is_made_on_a_bare_card_and_a_write_finds_it() {
    use crate::{
        card::{Depth, FileSystem, locate},
        wire::pkcs15::ObjectId,
    };
    for create_df in [crate::lab::card::CreateDf::Any, crate::lab::card::CreateDf::RefusesPinStatus] {
        for protocol in [Protocol::T0, Protocol::T1] {
            let mut sample = sample(Personality::Uicc, SampleKind::Bare);
            sample.protocol = protocol;
            let quirks = crate::lab::card::Quirks { create_df, ..Default::default() };
            let card = VirtualCard::from_image(sample.image()).unwrap().with_quirks(quirks);
            let card = CardHandle::new(card);
            let mut backup = MemoryBackup::default();
            let with = With { set: ADM, backup: Some(&mut backup), ..With::default() };
            let report = done(run_on(&card, script("create-bootstrap-tree"), with));
            assert_eq!((report.changes, report.saved), (9, 5), "{}", shown(&report));
            let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
            let view = locate(&mut FileSystem::new(Session::new(&mut reader)), Depth::Everything).unwrap();
            assert!(view.warnings.is_empty(), "{:?}", view.warnings);
            let file = view.file(ObjectId::CP_BOOTSTRAP).unwrap();
            assert_eq!((file.file.to_string().as_str(), file.size), ("3F00/7F50/6431", Some(2048)));

            // Twice is once: the record is not free any more, and nothing was changed before that was seen.
            let changes = card.changes();
            let report = run_on(&card, script("create-bootstrap-tree"), with_adm());
            assert!(matches!(report.stopped, Some(ScriptError::Assertion { .. })), "{}", shown(&report));
            assert_eq!(card.changes(), changes);
        }
    }
}

fn with_adm() -> With<'static> {
    with(ADM)
}

/// The records of EF(DIR).
fn dir(card: &CardHandle) -> Vec<Vec<u8>> {
    match &card.image().mf.find(&[Fid::DIR]).unwrap().body {
        Body::Records { records, .. } => records.clone(),
        _ => panic!("no records"),
    }
}

/// A card that uses the second record of EF(DIR) is listed in another one: the number comes from outside, of either kind.
#[test]
fn the_record_that_lists_the_tree_may_be_chosen() {
    let mut image = sample(Personality::Uicc, SampleKind::Bare).image();
    if let Body::Records { records, .. } = &mut image.mf.find_mut(&[Fid::DIR]).unwrap().body {
        records[1][..4].copy_from_slice(&[0x61, 0x02, 0x4F, 0x00]);
    }
    let card = from(image);
    let before = dir(&card);
    let report = run_on(&card, script("create-bootstrap-tree"), with_adm());
    assert!(matches!(report.stopped, Some(ScriptError::Assertion { .. })), "{}", shown(&report));
    assert_eq!((card.changes(), tries(&card, KeyRef::ADM1)), (0, 3));
    let other = [ADM, &[("RECORD", "03")]].concat();
    let report =
        done(run_on(&card, script("create-bootstrap-tree"), With { set: &other, ..With::default() }));
    assert!(shown(&report).contains("PUT 3F00/2F00 record 3"), "{}", shown(&report));
    let after = dir(&card);
    assert!(after[2].starts_with(&[0x61, 0x1D, 0x4F, 0x0C]), "{after:02X?}");
    assert!((0..before.len()).filter(|n| *n != 2).all(|n| after[n] == before[n]), "{after:02X?}");

    let text = "REM bootgate 1\nVAR N digits\nKEY 0A ADM\nEFF updates 3F00/2F00 by 0A\nRST\nVER 0A\nPUT 3F00/2F00 record ${N} 61 02 4F 00\n";
    let set = [ADM, &[("N", "4")]].concat();
    done(run_on(&card, text, With { set: &set, ..With::default() }));
    assert!(dir(&card)[3].starts_with(&[0x61, 0x02, 0x4F, 0x00, 0xFF]) && dir(&card)[..3] == after[..3]);
    for wrong in ["0", "255", "256", "99999999999"] {
        let given = [("N", wrong), ("ADM", "12345678")].map(|(n, v)| (n.to_owned(), v.to_owned().into()));
        let checked = check(text.as_bytes(), &given.into(), Need::Everything);
        assert!(!checked.is_sound(), "{wrong}");
    }
    // A dry run tells which one.
    let set: Vec<_> = set.iter().map(|(name, value)| (*name, *value)).collect();
    let shown: Vec<_> =
        dry_run(&checked(text, &set, Need::Everything)).iter().map(ToString::to_string).collect();
    assert!(shown.join("\n").contains("PUT 3F00/2F00 record 4"), "{shown:?}");
}

#[test]
fn a_card_is_locked_for_shipping_and_one_that_cannot_be_is_told() {
    for (personality, kind) in Personality::ALL
        .iter()
        .flat_map(|(personality, _)| [SampleKind::Prepared, SampleKind::Pin].map(|kind| (*personality, kind)))
    {
        let card = from(sample(personality, kind).image());
        let before = card.image();
        let mut backup = MemoryBackup::default();
        let with = With { backup: Some(&mut backup), ..With::default() };
        let report = done(allowed(&card, "lock-for-shipping", with).0);
        let told = if kind == SampleKind::Pin { "neither read nor written" } else { "read, not written" };
        assert_eq!(report.outputs[0].value, told, "{personality}");
        assert!(card.image() == before, "{personality}");
    }
    // A file that anybody writes.
    let mut image = sample(Personality::Uicc, SampleKind::Prepared).image();
    let rules = crate::wire::fcp::Security::Expanded(crate::wire::arr::AccessRules(vec![(
        crate::wire::arr::AccessMode::Operations(0xFF),
        crate::wire::arr::SecurityCondition::Always,
    )]));
    image.mf.find_mut(&FILE).unwrap().security = Some(rules);
    let card = from(image);
    let report = run_on(&card, script("lock-for-shipping"), with(ADM));
    assert!(matches!(report.stopped, Some(ScriptError::Unexpected { .. })), "{}", shown(&report));
    assert!(at_rest(&card, &FILE).iter().all(|octet| *octet == 0xFF), "the octet that was there is written");
}

/// Settings files of data objects and of records are kept and put back by the same scripts; what came since goes.
#[test]
fn data_objects_and_records_are_restored() {
    let objects = Fid(0x6FF8);
    let records = Fid(0x6FD1);
    let directory = Fid(0x7FD0);
    let long: Vec<u8> = (0..700_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let mut sample = sample(Personality::Uicc, SampleKind::Prepared);
    sample.all_settings = true;
    let mut image = sample.image();
    let set = |image: &mut CardImage, wanted: &[(u8, Vec<u8>)], octet: u8| {
        if let Body::Objects { objects, .. } = &mut image.mf.find_mut(&[directory, objects]).unwrap().body {
            *objects = wanted.to_vec();
        }
        if let Body::Records { records, .. } = &mut image.mf.find_mut(&[directory, records]).unwrap().body {
            records[1][0] = octet;
        }
    };
    set(&mut image, &[(0x80, vec![0]), (0x81, long.clone())], 0x80);
    let before = image.clone();
    let script = |what: &str| {
        format!(
            "REM bootgate 1\nREM Settings.\nKEY 0A ADM\nEFF reads 3F00/7FD0/6FF8 3F00/7FD0/6FD1\n\
             EFF updates 3F00/7FD0/6FF8 3F00/7FD0/6FD1 by 0A\nRST\nVER 0A\n{what} 3F00/7FD0/6FF8\n{what} 3F00/7FD0/6FD1\nOFF\n"
        )
    };
    let key = [("ADM", "12345678")];
    let mut backup = MemoryBackup::default();
    let card = from(image.clone());
    let with = With { set: &key, backup: Some(&mut backup), ..With::default() };
    assert!(run_on(&card, &script("SAV"), with).stopped.is_none());
    assert!(card.image() == before, "nothing is changed");
    // As it comes out of a file.
    let kept: CardBackup = serde_json::from_value(serde_json::to_value(&backup.0).unwrap()).unwrap();
    for other in [vec![], vec![(0x81, vec![7; 300]), (0x85, vec![1])], vec![(0x80, vec![0]), (0x81, vec![1])]]
    {
        set(&mut image, &other, 0xFF);
        let (card, writes) = (from(image.clone()), MemoryWriteJournal::new());
        let with = With { set: &key, restore: Some(&kept), writes: Some(&writes), ..With::default() };
        let report = run_on(&card, &script("RES"), with);
        assert!(report.stopped.is_none(), "{:?}", report.stopped);
        assert!(card.image() == before && writes.list().unwrap().is_empty());
    }
    // A file that cannot hold it all.
    if let Body::Objects { room, .. } = &mut image.mf.find_mut(&[directory, objects]).unwrap().body {
        *room = 600;
    }
    let report =
        run_on(&from(image), &script("RES"), With { set: &key, restore: Some(&kept), ..With::default() });
    let stopped = report.stopped.unwrap().to_string();
    assert!(stopped.contains("there is room for 600"), "{stopped}");
}

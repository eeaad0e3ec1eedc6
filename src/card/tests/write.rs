//! Writing and erasing on cards of every kind.

#![cfg(test)]

use super::*;
use crate::{
    lab::{card::CreateDf, image::Body},
    wire::{
        fcp::Security,
        pkcs15::{DirEntry, Shape},
        vectors::hex,
    },
};

const BOTH: [Protocol; 2] = [Protocol::T0, Protocol::T1];

fn pkcs15(fid: u16) -> [Fid; 2] {
    [Fid::PKCS15, Fid(fid)]
}

#[test]
fn a_bare_card_gets_the_whole_tree() {
    for protocol in BOTH {
        let card = card(SampleKind::Bare, protocol);
        assert!(look(&card).pkcs15.is_none());
        let (cp, dm) = (file(CP, payload(900, 1)), file(DM, payload(300, 2)));
        write(&card, &[cp.clone(), dm.clone()], &options());
        let view = look(&card);
        assert_eq!(view.warnings, []);
        let app = view.pkcs15.as_ref().unwrap();
        assert_eq!((app.directory.to_string().as_str(), app.found_by), ("3F00/7F50", FoundBy::Dir));
        assert_eq!((found(&card, CP), found(&card, DM)), (cp.octets.clone(), dm.octets.clone()));
        // Octet for octet what the card sheet has for such entries (section A.5).
        assert!(at_rest(&card, &pkcs15(0x5031)).starts_with(&hex("A706300404026430FF")));
        let dodf = hex("A11F3000300B0C09426F6F747374726170A10E300C0604672B0501300404026431\
             A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0701300404026432FF");
        assert!(at_rest(&card, &pkcs15(0x6430)).starts_with(&dodf));
        assert_eq!(at_rest(&card, &pkcs15(0x5032))[0], 0x30);
        let mut content = at_rest(&card, &pkcs15(0x6431));
        assert_eq!(content.len(), 1152, "a quarter more, in steps of 64");
        assert!(content.split_off(900).iter().all(|octet| *octet == 0xFF));
        // Everybody reads, ADM1 updates; and so for all of them.
        let image = card.image();
        for fid in [0x5031, 0x5032, 0x6430, 0x6431, 0x6432] {
            let security = image.mf.find(&pkcs15(fid)).unwrap().security.clone();
            assert_eq!(security, Some(Security::Referenced { arr: Fid::ARR, record: 2 }), "{fid:04X}");
        }
        assert_eq!(
            image.mf.find(&[Fid::PKCS15]).unwrap().security,
            Some(Security::Referenced { arr: Fid::ARR, record: 1 })
        );
        let Body::Records { records, .. } = &image.mf.find(&[Fid::DIR]).unwrap().body else { panic!() };
        assert!(DirEntry::decode(&records[1]).unwrap().is_pkcs15());
        // Once more changes nothing and needs no key.
        let changes = card.changes();
        let again = write_with(&card, None, &[cp, dm], &options(), &MemoryKeyJournal::new(), &[]);
        assert!(matches!(again, Ended::Done(Outcome::Unchanged)), "{again:?}");
        assert_eq!(card.changes(), changes);
    }
}

#[test]
fn a_card_that_takes_no_pin_status_is_given_none() {
    for create_df in [CreateDf::RefusesPinStatus, CreateDf::NeedsPinStatus] {
        let quirks = Quirks { create_df, ..Quirks::default() };
        let card = with(sample(SampleKind::Bare).image(), quirks);
        let cp = file(CP, payload(100, 3));
        write(&card, std::slice::from_ref(&cp), &options());
        assert_eq!(found(&card, CP), cp.octets);
    }
}

#[test]
fn payloads_grow_and_shrink_in_place() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let mut last = 0;
    for (length, seed) in [(1024, 1), (1500, 1), (40, 9), (2048, 4), (2047, 4)] {
        let cp = file(CP, payload(length, seed));
        let outcome = write(&card, std::slice::from_ref(&cp), &options());
        assert!(matches!(outcome, Outcome::Written { .. }));
        assert_eq!(found(&card, CP), cp.octets);
        let content = at_rest(&card, &pkcs15(0x6431));
        assert!(content[length..].iter().all(|octet| *octet == 0xFF), "{length} after {last}");
        last = length;
    }
    assert_eq!(found(&card, DM), Vec::<u8>::new());
}

#[test]
fn only_octets_that_differ_are_written() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let mut octets = payload(1024, 1);
    write(&card, &[file(CP, octets.clone())], &options());
    octets[500] ^= 1;
    octets[510] ^= 1;
    octets[900] ^= 1;
    let Outcome::Written { written, .. } = write(&card, &[file(CP, octets.clone())], &options()) else {
        panic!()
    };
    let changes: Vec<_> = written.iter().map(|w| w.change.clone()).collect();
    let octets_at = |from, count| Change::Octets { from, count };
    assert_eq!(changes, [octets_at(0, 1), octets_at(500, 11), octets_at(900, 1), octets_at(0, 1)]);
    assert_eq!(found(&card, CP), octets);
}

#[test]
fn remains_behind_an_empty_beginning_are_cleaned() {
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &pkcs15(0x6431), |f| {
        let Body::Transparent(octets) = &mut f.body else { panic!() };
        octets[1..1800].fill(0x77);
    });
    let card = from(image.clone());
    let cp = file(CP, payload(1000, 5));
    write(&card, std::slice::from_ref(&cp), &options());
    assert!(at_rest(&card, &pkcs15(0x6431))[1000..].iter().all(|octet| *octet == 0xFF));
    // Erasing cleans them too.
    let card = from(image);
    erase(&card);
    assert!(at_rest(&card, &pkcs15(0x6431)).iter().all(|octet| *octet == 0xFF));
}

fn erase(card: &CardHandle) -> Outcome {
    let mut reader = InProcess::insert(card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let plan = plan_erase(&mut fs, &[CP, DM], &options()).unwrap();
    let (journal, policy) = (MemoryKeyJournal::new(), policy());
    apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&journal, &policy), &MemoryWriteJournal::new()).unwrap()
}

#[test]
fn erasing_leaves_empty_files_that_are_written_again() {
    let card = card(SampleKind::Bare, Protocol::T1);
    let (cp, dm) = (file(CP, payload(700, 1)), file(DM, payload(200, 2)));
    write(&card, &[cp.clone(), dm], &options());
    erase(&card);
    assert!(found(&card, CP).is_empty() && found(&card, DM).is_empty());
    for fid in [0x6431, 0x6432] {
        assert!(at_rest(&card, &pkcs15(fid)).iter().all(|octet| *octet == 0xFF));
    }
    assert_eq!(erase(&card), Outcome::Unchanged);
    write(&card, std::slice::from_ref(&cp), &options());
    assert_eq!(found(&card, CP), cp.octets);
    let bare = self::card(SampleKind::Bare, Protocol::T0);
    let mut reader = InProcess::insert(&bare, bay());
    let error = plan_erase(&mut FileSystem::new(Session::new(&mut reader)), &[CP], &options()).unwrap_err();
    assert!(matches!(error, PlanError::NothingToErase));
}

#[test]
fn the_opaque_shape_is_written_when_asked_for() {
    let opaque = PlanOptions { shape: Some(Shape::OpaqueDo), ..options() };
    let card = card(SampleKind::Bare, Protocol::T0);
    let dm = file(DM, payload(100, 1));
    write(&card, std::slice::from_ref(&dm), &opaque);
    let entry = hex("3020300E0C0C444D20426F6F74737472617030060604672B0701A106300404026431FF");
    assert!(at_rest(&card, &pkcs15(0x6430)).starts_with(&entry));
    assert_eq!((found(&card, DM), look(&card).files[0].shape), (dm.octets.clone(), Shape::OpaqueDo));
    // Without being asked the shape stays; asked for the other one, the entry is replaced.
    assert_eq!(write(&card, std::slice::from_ref(&dm), &options()), Outcome::Unchanged);
    let oid = PlanOptions { shape: Some(Shape::OidDo), ..options() };
    write(&card, std::slice::from_ref(&dm), &oid);
    let entry = hex("A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0701300404026431FF");
    assert!(at_rest(&card, &pkcs15(0x6430)).starts_with(&entry));
    assert_eq!(found(&card, DM), dm.octets);
}

#[test]
fn entries_of_others_stay_octet_for_octet() {
    // A real card's entry for access control in front, an external object behind.
    let others = hex(
        "A1293000300F0C0D4750205345204163632043746CA1143012060A2A864886FC6B81480101300404024200A00430020500",
    );
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &pkcs15(0x6430), |f| {
        let Body::Transparent(octets) = &mut f.body else { panic!() };
        octets.fill(0xFF);
        octets[..others.len()].copy_from_slice(&others);
    });
    let card = from(image);
    let cp = file(CP, payload(500, 6));
    write(&card, std::slice::from_ref(&cp), &options());
    let dodf = at_rest(&card, &pkcs15(0x6430));
    assert!(dodf.starts_with(&others));
    assert!(dodf[others.len()..].starts_with(&hex("A11F3000300B0C09426F6F747374726170")));
    assert_eq!(found(&card, CP), cp.octets);
    assert_eq!(look(&card).files.len(), 2);
}

#[test]
fn an_entry_with_others_behind_it_keeps_its_shape() {
    // CP stands before DM on a prepared card.
    let card = card(SampleKind::Prepared, Protocol::T0);
    let opaque = PlanOptions { shape: Some(Shape::OpaqueDo), ..options() };
    let error = refused(&card, &[file(CP, payload(100, 1))], &opaque);
    assert!(matches!(error, PlanError::EntryNotLast { .. }), "{error}");
    let both = [file(CP, payload(100, 1)), file(DM, payload(100, 2))];
    write(&card, &both, &opaque);
    assert_eq!((found(&card, CP), found(&card, DM)), (both[0].octets.clone(), both[1].octets.clone()));
    assert!(look(&card).files.iter().all(|f| f.shape == Shape::OpaqueDo));
}

#[test]
fn a_full_directory_gets_another_beside_it() {
    let gp = hex("A1293000300F0C0D4750205345204163632043746CA1143012060A2A864886FC6B81480101300404024200");
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &pkcs15(0x6430), |f| f.body = Body::Transparent(gp.clone()));
    let card = from(image);
    let cp = file(CP, payload(500, 6));
    write(&card, std::slice::from_ref(&cp), &options());
    assert_eq!(at_rest(&card, &pkcs15(0x6430)), gp);
    assert!(at_rest(&card, &pkcs15(0x5031)).starts_with(&hex("A706300404026430A706300404026440FF")));
    assert_eq!(found(&card, CP), cp.octets);
}

#[test]
fn a_part_of_a_file_is_written_within_its_bounds() {
    let entry = hex("A1263000300B0C09426F6F747374726170A11530130604672B0501300B0402643102010480020123");
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &pkcs15(0x6430), |f| {
        let Body::Transparent(octets) = &mut f.body else { panic!() };
        octets.fill(0xFF);
        octets[..entry.len()].copy_from_slice(&entry);
    });
    change(&mut image, &pkcs15(0x6431), |f| {
        let Body::Transparent(octets) = &mut f.body else { panic!() };
        octets.fill(0x55);
    });
    let card = from(image);
    let cp = file(CP, payload(0x100, 6));
    write(&card, std::slice::from_ref(&cp), &options());
    assert_eq!(found(&card, CP), cp.octets);
    let content = at_rest(&card, &pkcs15(0x6431));
    assert!(content[..4].iter().chain(&content[4 + 0x123..]).all(|octet| *octet == 0x55));
    let error = refused(&card, &[file(CP, payload(0x124, 6))], &options());
    assert!(matches!(error, PlanError::TooSmall { room: 0x123, needed: 0x124, .. }), "{error}");
}

#[test]
fn a_file_too_small_is_refused_with_both_sizes() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    let error = refused(&card, &[file(CP, payload(2049, 1))], &options());
    let text = error.to_string();
    assert!(text.contains("2048 octets") && text.contains("2049 are needed"), "{text}");
    assert!(!error.is_refusal());
}

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
fn without_a_fitting_access_rule_nothing_is_created() {
    let mut image = sample(SampleKind::Bare).image();
    change(&mut image, &[Fid::ARR], |f| {
        let Body::Records { records, .. } = &mut f.body else { panic!() };
        // The record "everybody reads, ADM1 writes" becomes "everybody reads, nobody writes".
        records[1] = records[2].clone();
    });
    // EF(DIR) is writable by a rule of its own, so that this is not what stops it.
    change(&mut image, &[Fid::DIR], |f| *f = f.clone().ruled_by(Fid::ARR, 4));
    for key in image.keys.iter_mut().filter(|k| k.key == KeyRef::PIN1) {
        key.enabled = false;
    }
    let error = refused(&from(image), &[file(CP, payload(100, 1))], &options());
    assert!(matches!(error, PlanError::NoRule { .. }), "{error}");
    assert!(error.is_refusal());
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

#[test]
fn damaged_directories_are_not_touched() {
    let spoil = |path: &[Fid], head: &[u8]| {
        let mut image = sample(SampleKind::Prepared).image();
        change(&mut image, path, |f| {
            let Body::Transparent(octets) = &mut f.body else { panic!() };
            octets.fill(0xFF);
            octets[..head.len()].copy_from_slice(head);
        });
        from(image)
    };
    let wanted = [file(CP, payload(100, 1))];
    // Garbage, lengths past the end, an identifier that does not end.
    for head in [
        "30051122",
        "A1FF",
        "7F000102",
        "A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0781300404026431",
    ] {
        let card = spoil(&pkcs15(0x6430), &hex(head));
        let error = refused(&card, &wanted, &options());
        assert!(matches!(error, PlanError::Unreadable { name: "EF(DODF)", .. }), "{head}: {error}");
        assert!(matches!(look(&card).warnings.as_slice(), [Warning::Listing { name: "EF(DODF)", .. }]));
    }
    for head in ["A705300504033F0064", "3006300404026430", "A7FF"] {
        let card = spoil(&pkcs15(0x5031), &hex(head));
        let error = refused(&card, &wanted, &options());
        assert!(matches!(error, PlanError::Unreadable { name: "EF(ODF)", .. }), "{head}: {error}");
    }
    // A path that leads past the end of its file.
    let entry = "A1263000300B0C09426F6F747374726170A11530130604672B0501300B0402643102010080027FFF";
    let card = spoil(&pkcs15(0x6430), &hex(entry));
    let error = refused(&card, &wanted, &options());
    assert!(matches!(error, PlanError::PathPastEnd { .. }), "{error}");
    assert!(matches!(look(&card).warnings.as_slice(), [Warning::PathPastEnd { .. }]));
}

#[test]
fn loops_are_not_followed() {
    let mut image = sample(SampleKind::Prepared).image();
    // EF(ODF) leads to itself, twice to EF(DODF), and an entry there leads back to EF(ODF).
    change(&mut image, &pkcs15(0x5031), |f| {
        let Body::Transparent(octets) = &mut f.body else { panic!() };
        octets[..24].copy_from_slice(&hex("A706300404025031A706300404026430A706300404026430"));
    });
    change(&mut image, &pkcs15(0x6430), |f| {
        let Body::Transparent(octets) = &mut f.body else { panic!() };
        octets.fill(0xFF);
        octets[..33]
            .copy_from_slice(&hex("A11F3000300B0C09426F6F747374726170A10E300C0604672B0501300404025031"));
    });
    let card = from(image);
    let view = look(&card);
    assert_eq!(view.warnings.len(), 3, "{:?}", view.warnings);
    assert!(view.warnings.iter().all(|w| matches!(w, Warning::Loop { .. })));
    assert!(view.files.is_empty());
}

#[test]
fn a_shared_file_is_not_written() {
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &pkcs15(0x6430), |f| {
        let Body::Transparent(octets) = &mut f.body else { panic!() };
        octets[33 + 35] = 0x31;
    });
    let error = refused(&from(image), &[file(CP, payload(100, 1))], &options());
    assert!(matches!(error, PlanError::Shared { .. }), "{error}");
}

#[test]
fn an_application_that_ef_dir_does_not_list_is_found_and_listed() {
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &[Fid::DIR], |f| {
        let Body::Records { records, .. } = &mut f.body else { panic!() };
        records[1].fill(0xFF);
    });
    let card = from(image);
    let view = look(&card);
    assert_eq!(view.pkcs15.as_ref().unwrap().found_by, FoundBy::Aid);
    assert!(view.warnings.contains(&Warning::NotInDir));
    let cp = file(CP, payload(100, 1));
    write(&card, std::slice::from_ref(&cp), &options());
    let view = look(&card);
    assert_eq!((view.pkcs15.unwrap().found_by, found(&card, CP)), (FoundBy::Dir, cp.octets));
}

#[test]
fn an_application_by_its_place_alone_is_found() {
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &[Fid::DIR], |f| {
        let Body::Records { records, .. } = &mut f.body else { panic!() };
        records[1].fill(0xFF);
    });
    change(&mut image, &[Fid::PKCS15], |f| f.aid = None);
    let view = look(&from(image));
    assert_eq!(view.pkcs15.unwrap().found_by, FoundBy::Place(Fid::PKCS15));
    assert_eq!(view.files.len(), 2);
}

#[test]
fn an_entry_that_leads_nowhere_gets_its_file() {
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &[Fid::PKCS15], |f| {
        let Body::Directory { files, .. } = &mut f.body else { panic!() };
        files.retain(|f| f.fid != Fid(0x6431));
    });
    let card = from(image);
    let cp = file(CP, payload(100, 1));
    write(&card, std::slice::from_ref(&cp), &options());
    assert_eq!(found(&card, CP), cp.octets);
    assert_eq!(at_rest(&card, &pkcs15(0x6431)).len(), 128);
}

#[test]
fn the_identifier_of_a_new_file_can_be_chosen() {
    let chosen = PlanOptions { content_fid: Some(Fid(0x6455)), ..options() };
    let bare = card(SampleKind::Bare, Protocol::T0);
    write(&bare, &[file(CP, payload(100, 1))], &chosen);
    assert_eq!(look(&bare).file(CP).unwrap().file.to_string(), "3F00/7F50/6455");
    for taken in [0x5031, 0x6430] {
        let chosen = PlanOptions { content_fid: Some(Fid(taken)), ..options() };
        let card = card(SampleKind::Bare, Protocol::T0);
        let error = refused(&card, &[file(CP, payload(100, 1))], &chosen);
        assert!(matches!(error, PlanError::FidTaken { .. }), "{error}");
    }
}

#[test]
fn plans_print_old_and_new_and_no_octets() {
    let card = card(SampleKind::Prepared, Protocol::T0);
    write(&card, &[file(CP, payload(300, 7))], &options());
    let mut reader = InProcess::insert(&card, bay());
    let mut fs = FileSystem::new(Session::new(&mut reader));
    let plan = plan(&mut fs, &[file(CP, payload(400, 8)), file(DM, payload(5, 1))], &options()).unwrap();
    let text = plan.to_string();
    for part in [
        "Card 8988211000000430010 in bay 0",
        "update    3F00/7F50/6431  bootstrap file 2.23.43.5.1, room for 2048 octets, 399 would change",
        "old  300 octets: 2.23.43.5.1, 300 octets",
        "new  400 octets: 2.23.43.5.1, 400 octets",
        "old  empty",
        "Key needed: 0A (ADM1).",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["keys"], serde_json::json!(["0A"]));
    assert_eq!(json["steps"][0]["action"], "update");
    assert_eq!(json["steps"][0]["new"]["octets"], 400);
    assert!(json.get("operations").is_none() && !format!("{plan:?}").contains("0x"));
}

/// What writing and checking 1 Kbyte on a prepared card takes. The aim was 10 reads. One reads the ICCID, five the
/// directories and access rules, one the first block of the file, one looks into the file of the other bootstrap, five read
/// back; replacing reads the four blocks of the old content too, because only octets that differ are written.
#[test]
#[expect(clippy::print_stdout, reason = "figures that are worth reading")]
fn few_commands_are_needed() {
    for (protocol, others) in [(Protocol::T0, 24), (Protocol::T1, 14)] {
        let mut sample = sample(SampleKind::Prepared);
        (sample.protocol, sample.bootstrap_size) = (protocol, 1024);
        let card = from(sample.image());
        for (what, seed, reads) in [("first", 1, 13), ("replacement", 100, 17)] {
            let outcome = write(&card, &[file(CP, payload(1024, seed))], &options());
            let Outcome::Written { apdus, .. } = outcome else { panic!() };
            println!("{protocol}, {what} write of 1 Kbyte: {apdus}");
            assert!((5..=7).contains(&apdus.writes), "{apdus}");
            assert!(apdus.reads <= reads, "{apdus}");
            assert!(apdus.others <= others, "{apdus}");
        }
    }
}

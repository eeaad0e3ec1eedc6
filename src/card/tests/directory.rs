//! EF(ODF) and EF(DODF): shapes of entries, those of others, damaged ones, and where the application is found.

#![cfg(test)]

use super::*;
use crate::{
    lab::image::Body,
    wire::{pkcs15::Shape, vectors::hex},
};

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

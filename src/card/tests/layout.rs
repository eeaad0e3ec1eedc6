//! Where files go and how their entries are written, when somebody asks for other than is customary; and which of several entries
//! counts.

#![cfg(test)]

use super::*;
use crate::{
    lab::image::{Personality, Quirk},
    wire::{
        Path,
        pkcs15::{OdfEntry, Pkcs15Path, Shape},
    },
};

#[test]
fn identifiers_are_as_they_were_asked_for() {
    let card = card(SampleKind::Bare, Protocol::T0);
    let options = PlanOptions {
        directory_fid: Some(Fid(0x7F51)),
        dodf_fid: Some(Fid(0x6FD0)),
        content_fid: Some(Fid(0x6FD1)),
        ..options()
    };
    let wanted = [file(CP, payload(200, 1))];
    write(&card, &wanted, &options);
    assert_eq!(at_rest(&card, &[Fid(0x7F51), Fid(0x6FD1)])[..200], wanted[0].octets);
    let view = look(&card);
    let app = view.pkcs15.as_ref().unwrap();
    assert_eq!(
        (app.directory.to_string(), app.dodfs[0].file().fid()),
        ("3F00/7F51".into(), Some(Fid(0x6FD0)))
    );
    assert_eq!(view.file(CP).unwrap().content.used(), Some(wanted[0].octets.as_slice()));
    assert_eq!(view.warnings, []);
    // What is there is found, whatever is asked for now.
    assert_eq!(write(&card, &wanted, &self::options()), Outcome::Unchanged);
    // A directory that is somebody else's is not taken.
    let card = self::card(SampleKind::Bare, Protocol::T0);
    let taken = PlanOptions { directory_fid: Some(Fid(0x7FD0)), ..self::options() };
    assert!(matches!(refused(&card, &wanted, &taken), PlanError::FidTaken { .. }));
}

#[test]
fn an_identifier_is_wrapped_twice_only_when_asked_for() {
    let double = PlanOptions { double_wrapped_oid: true, ..options() };
    let opaque = PlanOptions { shape: Some(Shape::OpaqueDo), ..double };
    // An entry is changed only together with those behind it.
    let wanted = [file(CP, payload(200, 1)), file(DM, payload(100, 2))];
    for (kind, options, is_double, shape) in [
        (SampleKind::Bare, options(), false, Shape::OidDo),
        (SampleKind::Bare, double, true, Shape::OidDo),
        (SampleKind::Bare, opaque, true, Shape::OpaqueDo),
        (SampleKind::Prepared, options(), false, Shape::OidDo),
        (SampleKind::Prepared, double, true, Shape::OidDo),
        (SampleKind::Prepared, opaque, true, Shape::OpaqueDo),
    ] {
        let card = card(kind, Protocol::T0);
        write(&card, &wanted, &options);
        let view = look(&card);
        let found = view.file(CP).unwrap();
        assert_eq!((found.double_wrapped_oid, found.shape), (is_double, shape), "{kind}");
        assert_eq!(
            (found.label.as_deref(), found.content.used()),
            (Some("Bootstrap"), Some(&*wanted[0].octets))
        );
        assert_eq!(write(&card, &wanted, &options), Outcome::Unchanged, "{kind}");
    }
}

/// A card with two directories of data objects, each with a CP Bootstrap; EF(ODF) lists that in 4404 first.
fn two_of_a_kind() -> CardImage {
    let mut sample = sample(SampleKind::Prepared);
    sample.personality = Personality::Uicc;
    let mut image = sample.image();
    image.add_quirk(Quirk::SeveralDodfs);
    let entry = crate::wire::pkcs15::DataObject::new(Shape::OidDo, CP, "First", Path::new([Fid(0x6433)]));
    let mut content = image.mf.find(&[Fid::PKCS15, Fid(0x6431)]).unwrap().clone();
    content.fid = Fid(0x6433);
    change(&mut image, &[Fid::PKCS15, Fid(0x4404)], |f| put(f, &crate::wire::Encode::to_octets(&entry)));
    change(&mut image, &[Fid::PKCS15], |f| {
        if let crate::lab::image::Body::Directory { files, .. } = &mut f.body {
            files.push(content);
        }
    });
    image
}

fn put(file: &mut FileImage, octets: &[u8]) {
    if let crate::lab::image::Body::Transparent(content) = &mut file.body {
        content[..octets.len()].copy_from_slice(octets);
        content[octets.len()..].fill(0xFF);
    }
}

#[test]
fn the_first_of_several_entries_counts() {
    let card = from(two_of_a_kind());
    let wanted = [file(CP, payload(200, 1))];
    write(&card, &wanted, &options());
    // The first in the order of EF(ODF) was written, and the other one left alone.
    assert_eq!(at_rest(&card, &[Fid::PKCS15, Fid(0x6433)])[..200], wanted[0].octets);
    assert_eq!(at_rest(&card, &[Fid::PKCS15, Fid(0x6431)])[0], 0xFF);
    let view = look(&card);
    assert_eq!(view.files.iter().filter(|f| f.oid == Some(CP)).count(), 2);
    assert_eq!(view.file(CP).unwrap().label.as_deref(), Some("First"));
    // Turned round, the other one counts.
    let mut image = card.image();
    let entries = [0x6430, 0x4404]
        .map(|fid| OdfEntry::data_objects(Pkcs15Path::whole(Path::new([Fid(fid)]))))
        .iter()
        .flat_map(crate::wire::Encode::to_octets)
        .collect::<Vec<u8>>();
    change(&mut image, &[Fid::PKCS15, Fid::ODF], |f| put(f, &entries));
    let card = from(image);
    write(&card, &wanted, &options());
    assert_eq!(at_rest(&card, &[Fid::PKCS15, Fid(0x6431)])[..200], wanted[0].octets);
}

#[test]
fn the_user_may_change_config2_where_a_rule_lets_him() {
    let config2 =
        BootstrapFile { oid: ObjectId::CP_CONFIG2, label: "Config2".into(), octets: payload(90, 7) };
    let updates = |card: &CardHandle, fid: u16| {
        let mut reader = InProcess::insert(card, bay());
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let rights = fs.rights(&FilePath::mf().child(Fid::PKCS15).child(Fid(fid))).unwrap();
        rights.condition(crate::wire::arr::Operation::Update).unwrap().keys()
    };
    // PIN1 is switched off on this card, so that it counts as presented.
    let card = card(SampleKind::Prepared, Protocol::T0);
    write(&card, std::slice::from_ref(&config2), &options());
    assert_eq!(found(&card, ObjectId::CP_CONFIG2), config2.octets);
    assert_eq!(updates(&card, 0x6433), [KeyRef::PIN1]);
    assert_eq!(updates(&card, 0x6431), [KeyRef::ADM1]);
    // Switched on, it has to be given.
    let mut image = sample(SampleKind::Prepared).image();
    image.key_mut(KeyRef::PIN1).unwrap().enabled = true;
    let (card, journal) = (from(image), MemoryKeyJournal::new());
    let wanted = std::slice::from_ref(&config2);
    let ended = write_with(&card, None, wanted, &options(), &journal, &[adm()]);
    assert!(
        matches!(ended, Ended::NotApplied(ApplyError::KeyMissing { key: KeyRef::PIN1, .. })),
        "{ended:?}"
    );
    let pin = Key::pin(KeyRef::PIN1, &"1234".parse().unwrap()).unwrap();
    let ended = write_with(&card, None, wanted, &options(), &MemoryKeyJournal::new(), &[adm(), pin]);
    assert!(matches!(ended, Ended::Done(_)), "{ended:?}");
    // Without a rule for it, the issuer alone changes it.
    let mut image = sample(SampleKind::Prepared).image();
    change(&mut image, &[Fid::ARR], |f| {
        if let crate::lab::image::Body::Records { records, .. } = &mut f.body {
            records[5].fill(0xFF);
        }
    });
    let card = from(image);
    write(&card, wanted, &options());
    assert_eq!(updates(&card, 0x6433), [KeyRef::ADM1]);
}

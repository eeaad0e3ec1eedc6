//! Files that a card gets: the whole tree of a bare one, or what one lacks.

#![cfg(test)]

use super::*;
use crate::{
    lab::{card::CreateDf, image::Body},
    wire::{fcp::Security, pkcs15::DirEntry, vectors::hex},
};

const BOTH: [Protocol; 2] = [Protocol::T0, Protocol::T1];

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

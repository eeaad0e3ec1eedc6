//! Settings files of the USIM: read, filled, never created.

#![cfg(test)]

use super::*;
use crate::{
    lab::image::{Body, Personality},
    wire::usim::SettingsFile,
};

const USIM: Fid = Fid(0x7FD0);

fn acl() -> (SettingsFile, Vec<u8>) {
    (SettingsFile::AccessPoints, b"\x01\xDD\x09\x08internet".to_vec())
}

#[test]
fn settings_files_are_filled_with_the_bootstrap_and_read_again() {
    let settings = [acl(), (SettingsFile::MmsIssuer, b"\x80\x01\x01\x81\x05a.b:c".to_vec())];
    let options = PlanOptions { settings: &settings, ..options() };
    for kind in [SampleKind::Bare, SampleKind::Prepared] {
        let card = card(kind, Protocol::T0);
        let wanted = [file(CP, payload(300, 1))];
        write(&card, &wanted, &options);
        for (kind, octets) in &settings {
            let there = at_rest(&card, &[USIM, kind.fid()]);
            assert!(there.starts_with(octets) && there[octets.len()..].iter().all(|o| *o == 0xFF), "{kind}");
        }
        assert_eq!(found(&card, CP), wanted[0].octets);
        assert_eq!(write(&card, &wanted, &options), Outcome::Unchanged);
        let mut reader = InProcess::insert(&card, bay());
        let files = settings_files(&mut FileSystem::new(Session::new(&mut reader))).unwrap();
        let shown: Vec<_> = files.iter().map(|f| (f.kind, f.served)).collect();
        assert_eq!(shown, [(SettingsFile::AccessPoints, Some(true)), (SettingsFile::MmsIssuer, Some(true))]);
        assert!(files[0].content.as_ref().unwrap()[0].0.starts_with(&settings[0].1));
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
        assert!(there[0] == 0xFF || is(&old) || is(&settings[0].1), "command {n}: {there:02X?}");
        if let Ended::Done(_) = ended {
            assert!(is(&settings[0].1));
            return;
        }
    }
}

#[test]
fn what_a_card_has_not_is_not_made() {
    let settings = [(SettingsFile::Nas, vec![0x80, 0x01, 0x01])];
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
    let settings = [(SettingsFile::AccessPoints, vec![0x01; 65])];
    let error = refused(
        &card(SampleKind::Prepared, Protocol::T0),
        &wanted,
        &PlanOptions { settings: &settings, ..options() },
    );
    assert!(matches!(error, PlanError::TooSmall { room: 64, needed: 65, .. }), "{error}");
}

//! Content of a file that is there: it grows and shrinks, only what differs goes over the wire, and how a plan is shown.

#![cfg(test)]

use super::*;
use crate::{lab::image::Body, wire::vectors::hex};

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

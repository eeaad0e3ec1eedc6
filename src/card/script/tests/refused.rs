//! Commands that a card refuses, or should have: a file that was there before is not taken for one that the script has made, and
//! what was refused leaves the journal.

#![cfg(test)]

use super::{
    journal::{ADM, iccid, on, take_back},
    *,
};
use crate::{
    card::RecoverError,
    lab::{fault::Fault, image::Quirk},
};

/// A card with a bootstrap that EF(DIR) does not list.
fn unlisted() -> CardHandle {
    let mut image = written(Personality::Uicc, b"a document that was there").image();
    let Body::Records { records, .. } = &mut image.mf.find_mut(&[Fid::DIR]).unwrap().body else {
        panic!("records");
    };
    records.iter_mut().for_each(|record| record.fill(0xFF));
    from(image)
}

fn creates(fid: &str, behind: &str) -> String {
    format!(
        "REM bootgate 1\nREM Creates a file.\nKEY 0A ADM\nEFF creates 3F00/7F50/{fid} by 0A\nEFF updates 3F00/7F50/6432 by 0A\n\
         EFF destroys 3F00/7F50/6FFF by 0A\nRST\nVER 0A\nPUT 3F00/7F50/6432 AA BB\n\
         APD 00 A4 00 0C 02 3F 00 (90 00)\nAPD 00 A4 00 0C 02 7F 50 (90 00)\n\
         APD 00 E0 00 00 lv(tlv(62, 82 02 41 21 83 02 {fid} 8A 01 05 8B 03 2F 06 02 80 02 00 20 88 00)) {behind}\nOFF\n"
    )
}

#[test]
fn what_was_there_before_a_creation_is_never_deleted() {
    let text = shipped("create-bootstrap-tree").unwrap().text;
    let card = unlisted();
    let before = card.image();
    let mut counting = InProcess::insert(&card.copy(), "bay 0".parse().unwrap());
    let writes = MemoryWriteJournal::new();
    let whole = run_in(&mut counting, text, With { set: ADM, writes: Some(&writes), ..With::default() });
    assert!(!whole.pending && writes.list().unwrap().is_empty(), "{}", shown(&whole));
    assert!(shown(&whole).contains("6A89"), "{}", shown(&whole));
    let (mut left, commands) = (0, counting.sent());
    assert!(commands > 10, "{commands}");
    for fault in (1..=commands).flat_map(|n| [Fault::CutBefore(n), Fault::CutAfter(n), Fault::AnswerLost(n)])
    {
        let (card, writes) = (card.copy(), MemoryWriteJournal::new());
        let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap()).with_fault(fault);
        run_in(&mut reader, text, With { set: ADM, writes: Some(&writes), ..With::default() });
        match take_back(&card, &writes) {
            Ok(_) => assert!(writes.list().unwrap().is_empty(), "{fault}"),
            Err(RecoverError::NoWayBack { file, .. }) => {
                left += 1;
                assert_eq!(file.to_string(), "3F00/7F50", "{fault}");
            }
            Err(error) => panic!("{fault}: {error}"),
        }
        assert!(card.image().mf == before.mf, "{fault}: files are gone");
    }
    assert_eq!(left, 3, "around the one command that was sent: {}", shown(&whole));
}

#[test]
fn a_card_that_replaces_a_file_is_not_called_taken_back() {
    let mut image = written(Personality::Uicc, b"a document that was there").image();
    image.add_quirk(Quirk::CreateReplaces);
    let (card, writes) = (from(image), MemoryWriteJournal::new());
    let before = at_rest(&card, &FILE);
    let text = creates("6431", "(6A 89)");

    // What it holds is kept, as of a file that is deleted.
    let mut kept = MemoryBackup::default();
    let copy = card.copy();
    run_on(&copy, &text, With { set: ADM, backup: Some(&mut kept), ..With::default() });
    let of_file =
        |saved: &&Saved| saved.file.as_ref().is_some_and(|file| file.to_string() == "3F00/7F50/6431");
    let kept = kept.0.saved.iter().find(of_file).unwrap();
    assert!(matches!(&kept.kept, Kept::Octets { at: 0, octets } if *octets == before));

    let report = on(&card, &text, &writes);
    assert!(report.pending, "{}", shown(&report));
    let changes = card.changes();
    let error = take_back(&card, &writes).unwrap_err();
    assert!(
        matches!(&error, RecoverError::NoWayBack { file, .. } if file.to_string() == "3F00/7F50/6431"),
        "{error}"
    );
    assert_eq!(card.changes(), changes);
}

#[test]
fn what_was_refused_leaves_the_journal() {
    for text in [
        creates("6431", "(90 00)"),
        creates("6440", "(6A 89)").replace("\nOFF", "\nAPD 00 E4 00 00 02 6F FF (90 00)\nOFF"),
        creates("6431", "(6A 89)").replace("\nOFF", "\nAPD 00 E4 00 00 02 6F FF (90 00)\nOFF"),
    ] {
        let card = written(Personality::Uicc, b"a document that was there");
        let (before, writes) = (card.image(), MemoryWriteJournal::new());
        let report = on(&card, &text, &writes);
        assert!(report.stopped.is_some() && report.pending, "{}", shown(&report));
        let entry = writes.pending(&iccid()).unwrap().unwrap();
        assert!(!format!("{:?}", entry.write).contains("FILE"), "{:?}", entry.write);
        take_back(&card, &writes).unwrap().unwrap();
        assert!(card.image() == before && writes.list().unwrap().is_empty());
    }
}

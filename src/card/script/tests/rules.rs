//! What is kept, what is hidden, what is not sent.

#![cfg(test)]

use super::*;
use crate::lab::{image::RecordShape, reader::Fault};

const PUT: &str = "REM bootgate 1\nVAR KI secret hex\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
                   PUT 3F00/7F50/6431 01 02 ${KI} 03\nOFF\n";
const SET: &[(&str, &str)] = &[("KI", "A1A2A3A4A5A6A7A8"), ("ADM", "12345678")];

#[test]
fn secrets_are_shown_nowhere() {
    let card = prepared();
    let script = "REM bootgate 1\nVAR KI secret hex\nVAR IMSI secret digits\nKEY 0A ADM\n\
        EFF updates 3F00/7F50/6431 by 0A\nEFF reads 3F00/7F50/6431\nRST\nVER 0A\n\
        PUT 3F00/7F50/6431 01 ${KI} 02 bcd-swap(${IMSI})\n\
        APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n\
        APD 00 B0 00 00 10 (90 00)\n\
        OUT \"all\" ${R}\nOUT \"some\" slice(${R}, 1, 4)\nLET PART slice(${R}, 2, 3)\nOUT \"part\" ${PART}\n\
        APD 00 B0 00 00 12 [01 ${KI} 99] (90 00)\n";
    let set = [("KI", "A1A2A3A4A5A6A7A8"), ("IMSI", "262011234567890"), ("ADM", "12345678")];
    let report = run_on(&card, script, With { set: &set, ..With::default() });
    let json = serde_json::to_string(&report.entries).unwrap();
    for text in [shown(&report), json, format!("{report:?}")] {
        for secret in ["A1 A2", "A1A2", "A3 A4", "262011", "62 02 11", "3132", "31 32 33", "1234567"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let text = shown(&report);
    assert!(text.contains("expected  01 *** 99 (90 00)"), "{text}");
    assert!(text.contains("seen      01 *** 02"), "{text}");
    assert_eq!(report.outputs[0].value, "01 *** 02 ***");
    assert_eq!(report.outputs[1].value, "***");
    assert_eq!(at_rest(&card, &FILE)[1..3], [0xA1, 0xA2], "the card has got it all the same");
}

#[test]
fn what_changes_is_kept_first() {
    let card = written(Personality::Uicc, &[1, 2, 3, 4, 5]);
    let script = "REM bootgate 1\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 3F00/2F00 by 0A\nRST\nVER 0A\n\
        APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nAPD 00 D6 00 01 02 AA BB (90 00)\nAPD 00 D6 00 02 01 CC (90 00)\n\
        APD 00 A4 08 0C 02 2F 00 (90 00)\nAPD 00 DC 03 04 30 pad(61 00, 48) (90 00)\nPUT 3F00/2F00 record 4 61 01 00\n";
    let mut backup = MemoryBackup::default();
    let set = [("ADM", "12345678")];
    let report =
        done(run_on(&card, script, With { set: &set, backup: Some(&mut backup), ..With::default() }));
    assert_eq!((report.changes, report.saved), (4, 3), "the third UPDATE is within the first");
    assert_eq!(backup.0.iccid, report.iccid);
    let kept: Vec<_> = backup.0.saved.iter().map(|saved| saved.kept.clone()).collect();
    assert_eq!(kept[0], Kept::Octets { at: 1, octets: vec![2, 3] });
    assert_eq!(kept[1], Kept::Record { number: 3, octets: vec![0xFF; 48] });
    assert_eq!(kept[2], Kept::Record { number: 4, octets: vec![0xFF; 48] });

    // And it goes back.
    let script = "REM bootgate 1\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 3F00/2F00 by 0A\nRST\nVER 0A\n\
        RES 3F00/7F50/6431\nRES 3F00/2F00\n";
    done(run_on(&card, script, With { set: &set, restore: Some(&backup.0), ..With::default() }));
    assert_eq!(at_rest(&card, &FILE)[..6], [1, 2, 3, 4, 5, 0xFF]);
    let Body::Records { records, .. } = card.image().mf.find(&[Fid::DIR]).unwrap().body.clone() else {
        panic!()
    };
    assert_eq!((&records[2], &records[3]), (&vec![0xFF; 48], &vec![0xFF; 48]));

    // Not onto another card.
    let mut other = sample(Personality::Uicc, SampleKind::Prepared);
    other.iccid = Iccid::from_card("8988211000000430028").unwrap();
    let other = from(other.image());
    let report = run_on(&other, script, With { set: &set, restore: Some(&backup.0), ..With::default() });
    assert!(matches!(report.stopped, Some(ScriptError::OtherCard { .. })), "{}", shown(&report));
    assert_eq!(other.changes(), 0);
}

#[test]
fn what_cannot_be_kept_is_not_changed() {
    // The PIN is needed to read, not to write.
    let card = from(sample(Personality::Uicc, SampleKind::Pin).image());
    let script = "REM bootgate 1\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
        APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nAPD 00 D6 00 00 02 AA BB (90 00)\n";
    let mut backup = MemoryBackup::default();
    let set = [("ADM", "12345678")];
    let report = run_on(&card, script, With { set: &set, backup: Some(&mut backup), ..With::default() });
    assert!(matches!(report.stopped, Some(ScriptError::NotBackedUp { .. })), "{}", shown(&report));
    assert_eq!(card.changes(), 0);
    let script = script.replace(" by 0A\n", " by 0A unread\n");
    done(run_on(&card, &script, With { set: &set, ..With::default() }));
    assert_eq!(card.changes(), 1);
}

#[test]
fn what_only_the_run_shows_is_held_against_the_declaration() {
    // Which file is written, and with what command, is on the card: the check cannot see that.
    let card = written(Personality::Uicc, &[0x64, 0x32]);
    let script = "REM bootgate 1\nKEY 0A ADM\nEFF reads 3F00/7F50/6431\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
        APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nAPD 00 B0 00 00 02 (90 00)\nLET FID ${R}\n\
        APD 00 A4 00 0C 02 ${FID} (90 00)\nAPD slice(${FID}, 0, 0) 00 D6 00 00 01 AA (90 00)\n";
    let report = run_on(&card, script, With { set: &[("ADM", "12345678")], ..With::default() });
    let text = shown(&report);
    assert!(
        text.contains("11:1: error: UPDATE BINARY changes 3F00/7F50/6432, which no EFF updates"),
        "{text}"
    );
    assert_eq!(card.changes(), 0);
    let command = "REM bootgate 1\nEFF reads 3F00/7F50/6431\nRST\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n\
        APD 00 B0 00 00 06 (90 00)\nCMD ${R}\n";
    let card = written(Personality::Uicc, &[0x00, 0xD6, 0x00, 0x00, 0x01, 0xAA]);
    let report = run_on(&card, command, With::default());
    let text = shown(&report);
    assert!(
        text.contains("6:1: error: UPDATE BINARY changes 3F00/7F50/6431, which no EFF updates"),
        "{text}"
    );
    let card = written(Personality::Uicc, &[0x00, 0xE4, 0x00, 0x00, 0x02, 0x64]);
    let report = run_on(&card, &command.replace("00 06 (", "00 07 ("), With::default());
    assert!(report.stopped.is_some(), "{}", shown(&report));
    assert_eq!(card.changes(), 0);
}

#[test]
fn a_failed_assertion_stops_and_is_shown() {
    let script = "REM bootgate 1\nEFF reads 3F00/2FE2\nVAR N digits\nRST\nAPD 00 A4 00 0C 02 2F E2 (90 00)\n\
        APD 00 B0 00 00 0A (90 00)\nAST bcd-unswap(${R}) == ${N}\nOUT \"past\" 01\n";
    let good = [("N", "8988211000000430010")];
    assert_eq!(done(run_on(&prepared(), script, With { set: &good, ..With::default() })).outputs.len(), 1);
    let report = run_on(&prepared(), script, With { set: &[("N", "89")], ..With::default() });
    let text = shown(&report);
    assert!(text.contains("expected  == 89") && text.contains("seen      8988211000000430010"), "{text}");
    assert!(report.outputs.is_empty());
    let begins = script.replace("== ${N}", "^= ${N}");
    done(run_on(&prepared(), &begins, With { set: &[("N", "8988")], ..With::default() }));
}

#[test]
fn a_dry_run_shows_commands_and_no_secret() {
    let script = "REM bootgate 1\nVAR F path 3F00/7F50/6431\nVAR KI secret hex\nKEY 0A ADM\nEFF updates ${F} by 0A\n\
        EFF reads ${F}\nRST\nVER 0A\nAPD 00 A4 08 0C lv(path(${F})) (90 00)\nAPD 00 B0 00 00 02\nSWI\n90 00 :\n\
        APD 00 D6 00 00 02 ${R} (90 00)\nESW\nPUT ${F} 01 ${KI}\nOFF\n";
    let checked = checked(script, &[("KI", "A1A2A3A4")], Need::Variables);
    let lines: Vec<_> = dry_run(&checked).iter().map(ToString::to_string).collect();
    let text = lines.join("\n");
    for line in [
        "   9  APD 00 A4 08 0C 04 7F 50 64 31\n      expects (90 00)",
        "  12  SWI (90 00) :",
        "  13  APD 00 D6 00 00 02 ${R}",
        "  15  PUT 3F00/7F50/6431 01 ***",
        "   8  VER 0A",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

/// The content that a reader of the file takes for one: none when its first octet is FF.
fn seen(card: &CardHandle) -> Option<Vec<u8>> {
    let octets = at_rest(card, &FILE);
    (octets[0] != 0xFF).then_some(octets)
}

#[test]
fn a_file_that_is_put_is_old_none_or_new_at_every_cut() {
    let old: Vec<u8> = (1..=200).collect();
    let whole = |begin: &[u8]| {
        let mut octets = begin.to_vec();
        octets.resize(300, 0xFF);
        octets
    };
    let new = whole(&crate::wire::vectors::hex("0102A1A2A3A4A5A6A7A803"));
    let old = whole(&old);
    let (mut cuts, mut news) = (0, 0);
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for n in 1.. {
            let card = written(Personality::Uicc, &old);
            let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap()).with_fault(fault(n));
            let mut backup = MemoryBackup::default();
            let report =
                run_in(&mut reader, PUT, With { set: SET, backup: Some(&mut backup), ..With::default() });
            if report.stopped.is_none() && reader.sent() < n {
                break;
            }
            cuts += 1;
            let seen = seen(&card);
            assert!([None, Some(&old), Some(&new)].contains(&seen.as_ref()), "cut at {n}: {seen:02X?}");
            news += usize::from(seen.as_ref() == Some(&new));
            if seen.as_ref() != Some(&old) {
                let kept = &backup.0.saved[0].kept;
                assert_eq!(*kept, Kept::Octets { at: 0, octets: old.clone() }, "it can be put back");
            }
            // Reading back is not done when the last commands are lost, so it is never called done.
            assert!(report.stopped.is_some() || seen.as_ref() == Some(&new));
        }
    }
    assert!(cuts > 30 && news > 0, "{cuts} cuts, {news} new");
}

#[test]
fn text_is_shown_as_text_and_octets_as_octets() {
    let card = prepared();
    let script = "REM bootgate 1\nVAR NAME text \"Acme\"\nVAR KI secret text\nRST\nOUT \"a\" \"read, not written\"\n\
        OUT \"b\" ${NAME} \" 7\"\nOUT \"c\" \"no\" 00\nOUT \"d\" 41 42\nOUT \"e\" ${KI} \"x\"\nAST ${NAME} == 41 63 6D 65\n\
        LET SAME ${NAME}\nOUT \"f\" ${SAME}\nOFF\n";
    let report = done(run_on(&card, script, With { set: &[("KI", "MARKED-K")], ..With::default() }));
    let values: Vec<_> = report.outputs.iter().map(|output| output.value.as_str()).collect();
    assert_eq!(values, ["read, not written", "Acme 7", "6E 6F 00", "41 42", "*** 78", "Acme"]);
    let report = run_on(&card, "REM bootgate 1\nRST\nAST \"A\" != 41\n", With::default());
    assert!(matches!(report.stopped, Some(ScriptError::Assertion { .. })), "{}", shown(&report));
}

#[test]
fn what_a_command_writes_is_read_back_or_said_not_to_be() {
    let text = "REM bootgate 1\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 3F00/2F00 by 0A\nRST\nVER 0A\n\
        APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\nAPD 00 D6 00 07 04 AA BB CC DD (90 00)\n\
        APD 00 A4 08 0C 02 2F 00 (90 00)\nAPD 00 DC 03 04 30 pad(61 00, 48) (90 00)\nOFF\n";
    let adm = [("ADM", "12345678")];
    let report = done(run_on(&prepared(), text, With { set: &adm, ..With::default() }));
    let notes: Vec<_> = report.entries.iter().filter_map(|entry| entry.note.as_deref()).collect();
    assert_eq!(notes.iter().filter(|note| **note == "read back").count(), 2, "{}", shown(&report));
    assert_eq!((report.changes, report.not_read_back), (2, 0));

    // A card that answers 9000 and has done nothing.
    for (update, file) in [
        (1, "3F00/7F50/6431 reads back other octets than were written, from octet 7 on"),
        (2, "3F00/2F00 reads back"),
    ] {
        let fault = Fault::UpdateNotDone(update, crate::wire::apdu::StatusWord::OK);
        let mut reader = InProcess::insert(&prepared(), "bay 0".parse().unwrap()).with_fault(fault);
        let report = run_in(&mut reader, text, With { set: &adm, ..With::default() });
        assert!(matches!(report.stopped, Some(ScriptError::Mismatch { .. })), "{}", shown(&report));
        assert!(shown(&report).contains(file), "{}", shown(&report));
    }

    // The PIN is needed to read, not to write.
    let card = from(sample(Personality::Uicc, SampleKind::Pin).image());
    let text =
        text.replace("APD 00 A4 08 0C 02 2F 00 (90 00)\nAPD 00 DC 03 04 30 pad(61 00, 48) (90 00)\n", "");
    let writes = MemoryWriteJournal::new();
    let run =
        |text: &str| run_on(&card.copy(), text, With { set: &adm, writes: Some(&writes), ..With::default() });
    let report = run(&text);
    assert_eq!((report.changes, report.not_read_back), (1, 1), "{}", shown(&report));
    assert!(shown(&report).contains("not read back: the card answered 6982"), "{}", shown(&report));
    // That is not well, but for a script that says so; and nothing is to be taken back.
    assert!(matches!(report.stopped, Some(ScriptError::NotReadBack { changes: 1 })), "{}", shown(&report));
    assert!(!report.pending && writes.list().unwrap().is_empty());
    let report = done(run(&text.replace(" by 0A\n", " by 0A unread\n")));
    assert_eq!(report.not_read_back, 1, "{}", shown(&report));
    let other = text.replace(" by 0A\n", " by 0A\nEFF updates 3F00/2F05 by 0A unread\n");
    assert!(matches!(run(&other).stopped, Some(ScriptError::NotReadBack { .. })));
}

/// A card whose bootstrap file is a cyclic one of three records, and one of data objects.
fn with_records(shape: RecordShape, records: &[u8]) -> CardHandle {
    let mut image = written(Personality::Uicc, b"a document").image();
    let records = records.iter().map(|octet| vec![*octet; 4]).collect();
    image.mf.find_mut(&FILE).unwrap().body = Body::Records { shape, length: 4, records };
    from(image)
}

#[test]
fn what_the_card_chooses_is_read_back_too() {
    use RecordShape::{Cyclic, LinearFixed};
    let script = |command: &str| {
        format!(
            "REM bootgate 1\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
             APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n{command} (90 00)\nOFF\n"
        )
    };
    let writes = MemoryWriteJournal::new();
    let run = |shape, records: &[u8], command: &str, fault: Option<Fault>| {
        let card = with_records(shape, records);
        let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
        if let Some(fault) = fault {
            reader = reader.with_fault(fault);
        }
        let writes = writes.clone();
        run_in(
            &mut reader,
            &script(command),
            With { set: &[("ADM", "12345678")], writes: Some(&writes), ..With::default() },
        )
    };
    let nothing_done = Some(Fault::UpdateNotDone(1, crate::wire::apdu::StatusWord::OK));
    let previous = "APD 00 DC 00 03 04 BB BB BB BB";
    let next = "APD 00 DC 00 02 04 BB BB BB BB";
    for (shape, command) in [(Cyclic, previous), (LinearFixed, next)] {
        let good = done(run(shape, &[1, 2, 3], command, None));
        assert_eq!((good.changes, good.not_read_back), (1, 0), "{}", shown(&good));
        assert!(shown(&good).contains("read back"), "{}", shown(&good));
        let bad = run(shape, &[1, 2, 3], command, nothing_done);
        assert!(matches!(bad.stopped, Some(ScriptError::Unexpected { .. })), "{}", shown(&bad));
        assert!(bad.pending, "{}", shown(&bad));
    }
    // Which record was written cannot be told when one of them holds that already.
    let unsure = run(LinearFixed, &[1, 0xBB, 3], next, nothing_done);
    assert!(matches!(unsure.stopped, Some(ScriptError::NotReadBack { changes: 1 })), "{}", shown(&unsure));
}

#[test]
fn a_data_object_is_read_back_when_all_of_it_is_there() {
    let script = |commands: &str| {
        format!(
            "REM bootgate 1\nKEY 0A ADM\nEFF updates 3F00/7F50/6431 by 0A\nRST\nVER 0A\n\
             APD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n{commands}\nOFF\n"
        )
    };
    let card = || {
        let mut image = written(Personality::Uicc, b"a document").image();
        image.mf.find_mut(&FILE).unwrap().body = Body::Objects { room: 200, objects: vec![] };
        from(image)
    };
    let adm = [("ADM", "12345678")];
    let object = "APD 80 DB 00 80 04 81 02 AA BB (90 00)";
    let good = done(run_on(&card(), &script(object), With { set: &adm, ..With::default() }));
    assert_eq!((good.changes, good.not_read_back), (1, 0), "{}", shown(&good));
    let fault = Fault::UpdateNotDone(1, crate::wire::apdu::StatusWord::OK);
    let mut reader = InProcess::insert(&card(), "bay 0".parse().unwrap()).with_fault(fault);
    let bad = run_in(&mut reader, &script(object), With { set: &adm, ..With::default() });
    assert!(matches!(bad.stopped, Some(ScriptError::Mismatch { octet: 0, .. })), "{}", shown(&bad));
}

#[test]
fn files_that_come_and_go_are_looked_at() {
    let text = "REM bootgate 1\nKEY 0A ADM\nEFF creates 3F00/7F50/6440 by 0A\nEFF updates 3F00/7F50/6431 by 0A\n\
        EFF destroys 3F00/7F50/6432 3F00/7F50/6431 by 0A\nRST\nVER 0A\nAPD 00 A4 00 0C 02 7F 50 (90 00)\n\
        APD 00 E0 00 00 lv(tlv(62, 82 02 41 21 83 02 64 40 8A 01 05 8B 03 2F 06 02 80 02 00 20 88 00)) (90 00)\n\
        APD 00 A4 00 0C 02 64 31 (90 00)\nAPD 00 04 00 00 (90 00)\nAPD 00 44 00 00 (90 00)\n\
        APD 00 E4 00 00 02 64 32 (90 00)\nAPD 00 A4 00 0C 02 64 40 (90 00)\nOFF\n";
    let report = done(run_on(&prepared(), text, With { set: &[("ADM", "12345678")], ..With::default() }));
    let notes = report.entries.iter().filter(|entry| entry.note.as_deref() == Some("read back")).count();
    assert_eq!((report.changes, report.not_read_back, notes), (4, 0, 4), "{}", shown(&report));
}

#[test]
fn what_may_change_anything_is_entered_and_counted_as_not_read_back() {
    let text = "REM bootgate 1\nEFF updates 3F00/7F50/6431\nRST\nAPD 80 C2 00 00 02 D1 00 (90 00, 6X XX, 9X XX)\nAST 01 == 02\n";
    for (backup, sent) in [(true, false), (false, true)] {
        let mut kept = MemoryBackup::default();
        let writes = MemoryWriteJournal::new();
        let backup = backup.then_some(&mut kept);
        let report = run_on(&prepared(), text, With { writes: Some(&writes), backup, ..With::default() });
        let refused = matches!(report.stopped, Some(ScriptError::NotBackedUp { .. }));
        assert_eq!(refused, !sent, "{}", shown(&report));
    }
}

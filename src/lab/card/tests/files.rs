//! Selecting, reading and writing files, by the letter of TS 102 221.

use super::*;

#[test]
fn files_are_found_as_the_standard_says() {
    let card = &mut card(SampleKind::Prepared);
    assert_eq!(fcp(card, "00A40004023F00").fid, Some(Fid::MF));
    assert_eq!(fcp(card, "00A40004022FE2").size, Some(10));
    says(card, "00B000000A", "988812010000400310F0 9000");
    // An EF under the MF cannot be reached by its identifier from a DF; a DF beside it can, and the way up.
    fcp(card, "00A40004027F50");
    says(card, "00A40004022FE2", "6A82");
    fcp(card, "00A40004027FD0");
    fcp(card, "00A40004027F50");
    says(card, "00A4030C00", "9000");
    says(card, "00A4030C00", "6A82");
    // Paths from the MF, from the application, and from the current directory.
    assert_eq!(fcp(card, "00A40804047F505031").fid, Some(Fid::ODF));
    says(card, "00A40804067F5050315031", "6A82");
    says(card, "00A40804037F5050", "6A87");
    says(card, "00A40804043F007F50", "6A82");
    says(card, "00A40804047FFF5031", "6A82");
    fcp(card, "00A404040CA000000063504B43532D3135");
    fcp(card, "00A40004023F00");
    assert_eq!(fcp(card, "00A40804047FFF5031").fid, Some(Fid::ODF));
    assert_eq!(fcp(card, "00A40004027FFF").fid, Some(Fid::PKCS15));
    assert_eq!(fcp(card, "00A40904025031").fid, Some(Fid::ODF));
    says(card, "00A4010C025031", "6A82");
    // AIDs in part: first, next, next again, previous, last.
    assert_eq!(fcp(card, "00A4040401A0").fid, Some(Fid::PKCS15));
    assert_eq!(fcp(card, "00A4040601A0").fid, Some(Fid(0x7FD0)));
    says(card, "00A4040601A0", "6A82");
    assert_eq!(fcp(card, "00A4040701A0").fid, Some(Fid::PKCS15));
    assert_eq!(fcp(card, "00A4040501A0").fid, Some(Fid(0x7FD0)));
    says(card, "00A404040CA000000063504B43532D3136", "6A82");
    // P2=00 is for cards of another standard, unless the switch is on.
    says(card, "00A40000023F00", "6A86");
    says(card, "00A40002023F00", "6A86");
    let card = with_quirks(card, Quirks { template: Template::FcpAndFci, ..Quirks::default() });
    let answer = card.exchange(&hex("00A40000023F00"));
    let answer = card.exchange(&[0x00, 0xC0, 0x00, 0x00, answer[1]]);
    assert_eq!(answer[0], 0x6F);
    says(card, "00A40800047F505031", "6118");
}

#[test]
fn status_tells_the_current_directory_and_application() {
    let card = &mut card(SampleKind::Prepared);
    says(card, "80F2000C00", "9000");
    says(card, "80F2000100", "6A88");
    let answer = card.exchange(&hex("80F2000000"));
    assert_eq!((answer.len(), answer[0]), (2, 0x6C));
    let answer = card.exchange(&[0x80, 0xF2, 0x00, 0x00, answer[1]]);
    let mf = Fcp::decode(&answer[..answer.len() - 2]).unwrap();
    assert_eq!(mf.fid, Some(Fid::MF));
    let free = u32::from_be_bytes(mf.proprietary_value(Fcp::FREE_MEMORY).unwrap().try_into().unwrap());
    assert!(free > 55_000 && free < 0x1_0000, "{free}");
    fcp(card, "00A4040401A0");
    says(card, "80F200010E", "840CA000000063504B43532D3135 9000");
    says(card, "00F2000000", "6E00");
}

#[test]
fn records_are_read_and_written_whole() {
    let card = &mut card(SampleKind::Bare);
    let dir = fcp(card, "00A40004022F00");
    assert_eq!((dir.record_count(), dir.size), (Some(4), Some(192)));
    says(card, "00B2010400", "6C30");
    says(card, "00B2010431", "6C30");
    says(card, "00B2050430", "6A83");
    says(card, "00B2000430", "6A83");
    let first = format!("61184F10A0000000871002FFFFFFFF89070900005004{}{}9000", "5553494D", "FF".repeat(22));
    says(card, "00B2010430", &first);
    // Next from the start is the first; then on to the last; previous goes back.
    says(card, "00B2000230", &first);
    for _ in 0..3 {
        says(card, "00B2000230", &format!("{}9000", "FF".repeat(48)));
    }
    says(card, "00B2000230", "6A83");
    for _ in 0..2 {
        says(card, "00B2000330", &format!("{}9000", "FF".repeat(48)));
    }
    says(card, "00B2000330", &first);
    says(card, "00B2000330", "6A83");
    // By short file identifier 1E, from the MF; on a transparent file; without the key.
    fcp(card, "00A40004023F00");
    says(card, "00B201F430", &first);
    says(card, &format!("00DC0204 30 {}", "AA".repeat(48)), "6982");
    says(card, "0020000A08 3132333435363738", "9000");
    says(card, &format!("00DC0204 30 {}", "AA".repeat(48)), "9000");
    says(card, &format!("00DC0204 2F {}", "AA".repeat(47)), "6700");
    says(card, "00B2020430", &format!("{}9000", "AA".repeat(48)));
    says(card, "00B0000030", "6981");
    says(card, "00B2011430", "6981");
    fcp(card, "00A40004023F00");
    says(card, "00B2010430", "6986");
}

#[test]
fn a_cyclic_file_keeps_the_newest_first() {
    let card = &mut card(SampleKind::Bare);
    says(card, "0020000A08 3132333435363738", "9000");
    says(card, "00E000001B 6219 82054621000203 83026F01 8A0105 8B032F0602 80020006 8800", "9000");
    for record in ["0101", "0202", "0303", "0404"] {
        says(card, &format!("00DC000302{record}"), "9000");
    }
    says(card, "00DC0104020505", "6A86");
    says(card, "00B2010402", "0404 9000");
    says(card, "00B2030402", "0202 9000");
    says(card, "00B2000402", "0404 9000");
    says(card, "00B2000302", "0202 9000");
    says(card, "00B2000202", "0404 9000");
}

#[test]
fn the_end_of_a_file_has_several_manners() {
    let card = &mut card(SampleKind::Bare);
    fcp(card, "00A40004022FE2");
    says(card, "00B0000000", "6C0A");
    says(card, "00B0000803", "6C02");
    says(card, "00B0000802", "10F0 9000");
    says(card, "00B0000A01", "6B00");
    says(card, "00B0000B01", "6B00");
    says(card, "00B0820802", "10F0 9000");
    says(card, "00B0E20002", "6A86");
    says(card, "00B0800002", "6A86");
    says(card, "00B09C0002", "6A82");
    for (end_of_file, answer, at_end) in [
        (EndOfFile::Warning, "10F0 6282", "6B00"),
        (EndOfFile::Short, "10F0 9000", "6B00"),
        (EndOfFile::Loop, "6C02", "6C00"),
    ] {
        let card = with_quirks(card, Quirks { end_of_file, ..Quirks::default() });
        says(card, "00B0000803", answer);
        says(card, "00B0000A00", at_end);
    }
}

//! The virtual card against conversations with other card programs, and against the letter of TS 102 221.

use proptest::prelude::*;

use super::*;
use crate::{
    ident::{Iccid, Imsi},
    lab::image::{Body, FileImage, Hex, RecordShape, Sample, SampleKind},
    wire::{
        Fid,
        fcp::{Fcp, LifeCycle},
        vectors::{hex, vectors},
    },
};

fn sample(kind: SampleKind) -> Sample {
    let iccid: Iccid = Iccid::from_card("8988211000000430010").unwrap();
    let imsi: Imsi = "001010123456789".parse().unwrap();
    Sample::new(kind, iccid, imsi)
}

fn card(kind: SampleKind) -> VirtualUicc {
    VirtualUicc::from_image(sample(kind).image()).unwrap()
}

fn card_t1(kind: SampleKind) -> VirtualUicc {
    let mut sample = sample(kind);
    sample.protocol = Protocol::T1;
    VirtualUicc::from_image(sample.image()).unwrap()
}

/// The same card with other manners.
fn with_quirks(card: &mut VirtualUicc, quirks: Quirks) -> &mut VirtualUicc {
    card.quirks = quirks;
    card
}

/// Sends a command; expects an answer, both in hexadecimal digits.
fn says(card: &mut VirtualUicc, command: &str, answer: &str) {
    let got = Hex(card.exchange(&hex(command))).to_string();
    assert_eq!(got, Hex(hex(answer)).to_string(), "to {command}");
}

/// Selects on T=0 and fetches the template.
fn fcp(card: &mut VirtualUicc, select: &str) -> Fcp {
    let answer = card.exchange(&hex(select));
    assert_eq!((answer.len(), answer[0]), (2, 0x61), "{select}: {answer:02X?}");
    let answer = card.exchange(&[0x00, 0xC0, 0x00, 0x00, answer[1]]);
    let (template, sw) = answer.split_last_chunk::<2>().unwrap();
    assert_eq!(sw, &[0x90, 0x00]);
    Fcp::decode(template).unwrap()
}

/// The card of the sheet's appendix A.4: an MF in initialisation with EF(DIR) and EF(ARR), nothing else.
fn blank() -> VirtualUicc {
    let record = |text: &str, length: usize| {
        let mut octets = hex(text);
        octets.resize(length, 0xFF);
        octets
    };
    let records = |fid, length: u8, list: &[&str]| {
        let records = list.iter().map(|text| record(text, usize::from(length))).collect();
        FileImage::new(fid, Body::Records { shape: RecordShape::LinearFixed, length, records })
            .ruled_by(Fid::ARR, 8)
    };
    let rows = [
        "",
        "",
        "",
        "",
        "",
        "",
        "800106A40683010A950108800140A40683010A950108",
        "8001019000800102A40683010A950108800140A40683010A950108",
        "800101A406830101950108800102A40683010A950108800140A40683010A950108",
    ];
    let files = vec![records(Fid::DIR, 38, &["", ""]).with_sfi(0x1E), records(Fid::ARR, 40, &rows)];
    let mut mf = FileImage::new(Fid::MF, Body::Directory { total_size: None, files }).ruled_by(Fid::ARR, 7);
    mf.life_cycle = LifeCycle::INITIALISATION;
    mf.pins = vec![KeyRef::PIN1, KeyRef::PIN2, KeyRef::ADM1];
    let key = |key, text: &str| KeyImage::new(key, hex(text).try_into().unwrap());
    VirtualUicc::from_image(CardImage {
        atr: Hex(hex("3B00")),
        protocol: Protocol::T0,
        memory: 8192,
        keys: vec![
            key(KeyRef::PIN1, "31323334FFFFFFFF").disabled(),
            key(KeyRef::PIN2, "31323334FFFFFFFF").disabled(),
            key(KeyRef::ADM1, "31323334FFFFFFFF"),
        ],
        mf,
    })
    .unwrap()
    .with_quirks(Quirks { denied: StatusWord(0x6900), ..Quirks::default() })
}

/// Card sheet, A.4: how a blank card is given its PKCS#15 tree.
fn personalise(card: &mut VirtualUicc) {
    says(card, "00A4000C022F00", "9000");
    says(
        card,
        "00DC020426 611D4F0CA000000063504B43532D31355007504B43532D313551043F007F50FFFFFFFFFFFFFF",
        "9000",
    );
    says(card, "00E0000024 62228202782183027F50840CA000000063504B43532D31358A01058B032F060781020800", "9000");
    says(card, "00E0000018 621682024121830250318A01058B032F0608800200208800", "9000");
    says(card, "00D6000008 A706300404026430", "9000");
    says(card, "00E0000018 621682024121830264308A01058B032F0608800200788800", "9000");
    says(card, "00D6000024 A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0701300404026431", "9000");
    says(card, "0044000002 3F00", "9000");
    card.reset();
}

#[test]
fn a_session_with_another_card_program_is_repeated() {
    let mut card = blank();
    personalise(&mut card);
    let card = &mut card;
    says(card, "00A404040CA000000063504B43532D3135", "6132");
    let answer = card.exchange(&hex("00C0000032"));
    let theirs = hex(
        "62308202782183027F50840CA000000063504B43532D31358A01058B032F060781020800C60C90012083010183018183010A",
    );
    // The same data objects; ours stand in the order of TS 102 221.
    assert_eq!(Fcp::decode(&answer[..50]), Fcp::decode(&theirs));
    says(card, "00A40004025031", "6118");
    says(card, "00C0000018", "621682024121830250318A01058B032F0608800200208800 9000");
    let ff = |n: usize| "FF".repeat(n);
    says(card, "00B0000020", &format!("A706300404026430{}9000", ff(24)));
    says(card, "00A40004026430", "6118");
    let dodf = "A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0701300404026431";
    says(card, "00B0000078", &format!("{dodf}{}9000", ff(84)));
    says(card, "00D6000001AA", "6900");
    says(card, "0020000A00", "63C3");
    says(card, "0020000A08 31323334FFFFFFFF", "9000");
    says(card, "0020000A00", "9000");
    says(card, "00D6000001AA", "9000");
    card.reset();
    says(card, "0020000A00", "63C3");
    for sw in ["63C2", "63C1", "63C0", "6983"] {
        says(card, "0020000A08 30303030FFFFFFFF", sw);
    }
    says(card, "0020000A08 31323334FFFFFFFF", "6983");
    card.reset();
    says(card, "0020000A00", "6983");
}

#[test]
fn the_shared_read_flow_is_answered() {
    let Some(cases) = vectors("card/read-flow.json") else { return };
    assert_eq!(cases.len(), 6);
    let case = cases.iter().find(|case| case["id"] == "softsim-t0").unwrap();
    let steps = case["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 7);
    let mut card = blank();
    personalise(&mut card);
    for step in steps {
        let answer = card.exchange(&hex(step["c"].as_str().unwrap()));
        let wanted = hex(step["r"].as_str().unwrap());
        if wanted[0] == 0x62 {
            let template = |octets: &[u8]| Fcp::decode(&octets[..octets.len() - 2]).unwrap();
            assert_eq!(template(&answer), template(&wanted), "{}", step["c"]);
        } else {
            assert_eq!(answer, wanted, "{}", step["c"]);
        }
    }
}

#[test]
fn the_recipe_with_two_keys_works_only_with_both() {
    // EFs in initialisation, made under a rule that asks for ADM1 and ADM3 (recipe of the Android test suite).
    let mut image = sample(SampleKind::Prepared).image();
    image.keys.push(KeyImage::new(KeyRef::ADM3, *b"33333333"));
    let both = "80015AAF10A40683010A950108A40683010C9501088001019000";
    let arr = image.mf.find_mut(&[Fid::ARR]).unwrap();
    let Body::Records { records, .. } = &mut arr.body else { panic!() };
    records.push([hex(both), vec![0xFF; 48 - hex(both).len()]].concat());
    let card = &mut VirtualUicc::from_image(image).unwrap();
    let aid = "00A404040CA000000063504B43532D3135";
    let create = "00E000001D621B82024121830242008A01038B032F0607800201DC8800A503C00140";
    fcp(card, aid);
    says(card, create, "6982");
    says(card, "0020000A08 3132333435363738", "9000");
    says(card, create, "9000");
    says(card, create, "6A89");
    says(card, "00A4000C024200", "9000");
    says(card, "00D6000001AA", "6982");
    says(card, "00440000024200", "6982");
    says(card, "0020000C08 3333333333333333", "9000");
    says(card, "00D6000001AA", "6985");
    says(card, "00440000024200", "9000");
    says(card, &format!("00D60000C8{}", "A5".repeat(200)), "9000");
    says(card, &format!("00D600C8C8{}", "A5".repeat(200)), "9000");
    says(card, &format!("00D601904C{}", "A5".repeat(76)), "9000");
    says(card, "00D601DC01A5", "6700");
    says(card, "00D601DD01A5", "6B00");
    says(card, "00E40000024200", "9000");
    says(card, "00A4000C024200", "6A82");
    says(card, "00E40000024200", "6A82");
}

#[test]
fn a_right_key_fills_the_counter_up_again() {
    let card = &mut card(SampleKind::Prepared);
    says(card, "0020000A08 3030303030303030", "63C2");
    says(card, "0020000A08 3030303030303030", "63C1");
    card.reset();
    says(card, "0020000A00", "63C1");
    says(card, "0020000A07 30303030303030", "6700");
    says(card, "0020000A08 3132333435363738", "9000");
    says(card, "0020000A08 3030303030303030", "63C2");
    says(card, "0020000A00", "63C2");
    says(card, "0020000A08 3132333435363738", "9000");
    card.reset();
    says(card, "0020000A00", "63C3");
    says(card, "0020000100", "6984");
    says(card, "0020000B00", "6A88");
    says(card, "0020010A00", "6A86");
    says(card, "0020000A", "6700");
    let changed = with_quirks(card, Quirks { empty_verify: EmptyVerify::WrongLength, ..Quirks::default() });
    says(changed, "0020000A00", "6700");
}

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

#[test]
fn the_two_protocols_frame_the_same_card_differently() {
    let (t0, t1) = (&mut card(SampleKind::Prepared), &mut card_t1(SampleKind::Prepared));
    assert_ne!(t0.atr(), t1.atr());
    // Case 1: P3 is part of a T=0 header, and absent from T=1.
    says(t0, "0020000A", "6700");
    says(t0, "0020000A00", "63C3");
    says(t1, "0020000A", "63C3");
    // Case 2: T=0 must name the length, T=1 may leave it to the card.
    for card in [&mut *t0, &mut *t1] {
        says(card, "00A4000C022FE2", "9000");
        says(card, "00B000000B", "6C0A");
        says(card, "00B00000", "6700");
    }
    says(t0, "00B0000000", "6C0A");
    says(t1, "00B0000000", "988812010000400310F0 9000");
    for card in [&mut *t0, &mut *t1] {
        says(card, "00A4000C027F50", "9000");
    }
    // Case 4: T=0 makes the terminal fetch the answer, in parts if it likes; T=1 sends it at once.
    says(t0, "00A40004025031", "6118");
    says(t0, "00C0000019", "6C18");
    says(t0, "00C0000010", "621682024121830250318A01058B032F 6108");
    says(t0, "00C0000008", "0602800200208800 9000");
    says(t1, "00A40004025031 00", "621682024121830250318A01058B032F0602800200208800 9000");
    says(t1, "00A40004025031 05", "6C18");
    says(t1, "00A40004025031", "9000");
    says(t1, "00C0000018", "6D00");
}

#[test]
fn what_is_not_there_is_refused() {
    let card = &mut card(SampleKind::Prepared);
    for (command, sw) in [
        ("", "6700"),
        ("00", "6700"),
        ("00A40004", "6700"),
        ("A0A40000023F00", "6E00"),
        ("80A40004023F00", "6E00"),
        ("01A40004023F00", "6881"),
        ("41A40004023F00", "6881"),
        ("04A40004023F00", "6882"),
        ("0070000001", "6881"),
        ("00D70000020000", "6D00"),
        ("FFA40004023F00", "6E00"),
        ("00C0000010", "6985"),
        ("00B0000001", "6986"),
        ("00A4000402 3F00 00 00", "6700"),
        ("00A4000403 3F00", "6700"),
        ("00D6000000", "6986"),
        ("80AA000005 A903800101", "9000"),
    ] {
        says(card, command, sw);
    }
    // What waits is gone with the next command.
    says(card, "00A40004023F00", &format!("61{:02X}", card_fcp_length(SampleKind::Prepared)));
    says(card, "80F2000C00", "9000");
    says(card, "00C0000010", "6985");
}

fn card_fcp_length(kind: SampleKind) -> usize {
    let card = card(kind);
    card.fcp(card.files.mf()).len()
}

#[test]
fn creating_needs_the_right_the_space_and_a_new_name() {
    let create = |fid: &str, size: &str| {
        format!("00E0000018 6216 82024121 8302{fid} 8A0105 8B032F0602 8002{size} 8800")
    };
    let closed = &mut card(SampleKind::Closed);
    says(closed, "0020000A08 3132333435363738", "9000");
    says(closed, &create("6F01", "0010"), "6982");

    let card = &mut card(SampleKind::Bare);
    says(card, &create("6F01", "0010"), "6982");
    says(card, "0020000A08 3132333435363738", "9000");
    for (template, sw) in [
        ("6216 82024121 83026F01 8A0105 8B032F0602 80020000 8800", "6A80"),
        ("6216 82024121 83023F00 8A0105 8B032F0602 80020001 8800", "6A80"),
        ("6216 82024121 83026F01 8A0104 8B032F0602 80020001 8800", "6A80"),
        ("6213 82024121 83026F01 8B032F0602 80020001 8800", "6A80"),
        ("6211 82024121 83026F01 8A0105 80020001 8800", "6A80"),
        ("6212 82024121 83026F01 8A0105 8B032F0602 8800", "6A80"),
        ("6210 82027821 83027F01 8A0105 8B032F0601", "6A80"),
        ("6216 82027921 83026F01 8A0105 8B032F0602 80020001 8800", "6A80"),
        ("6219 82054221000303 83026F01 8A0105 8B032F0602 80020008 8800", "6A80"),
        ("6216 82024121 83022FE2 8A0105 8B032F0602 80020001 8800", "6A89"),
        ("6216 82024121 83026F01 8A0105 8B032F0602 8002FFFF 8800", "6A80"),
    ] {
        let octets = hex(template);
        let lc = octets.len();
        assert_eq!(octets[1] as usize + 2, lc, "{template}: the length in it is right");
        says(card, &format!("00E00000{lc:02X}{template}"), sw);
    }
    // A directory of 256 octets takes one EF of 200 and no second one.
    let df = "62 22 82027821 83027F50 840CA000000063504B43532D3135 8A0105 8B032F0601 81020100";
    says(card, &format!("00E0000024{df}"), "9000");
    says(card, &create("5031", "00C8"), "9000");
    says(card, "00B0000001", "FF 9000");
    says(card, &create("6430", "00C8"), "6A84");
    says(card, &create("6430", "0038"), "9000");
    says(card, "00A4000C023F00", "9000");
    says(card, &format!("00E0000024{}", df.replace("7F50", "7F51")), "6A89");
    // Deleting the directory gives its space back, and what was selected in it is gone.
    assert_eq!(fcp(card, "00A404040CA000000063504B43532D3135").total_size, Some(256));
    says(card, "00E40000027F50", "9000");
    says(card, "00A404040CA000000063504B43532D3135", "6A82");
    says(card, "00A40804027FFF", "6A82");
    says(card, "00E40000027FD0", "6982");
}

#[test]
fn new_files_are_filled_as_told_and_pin_status_follows_the_quirk() {
    let card = &mut card(SampleKind::Bare);
    says(card, "0020000A08 3132333435363738", "9000");
    says(card, "00E000001E 621C 82024121 83026F01 8A0105 8B032F0602 80020005 8800 A504C1020102", "9000");
    says(card, "00B0000005", "0102020202 9000");
    says(card, "00E000001E 621C 82024121 83026F02 8A0105 8B032F0602 80020005 8800 A504C2020102", "9000");
    says(card, "00B0000005", "0102010201 9000");
    let without = "00E0000018 6216 82027821 83027F01 8A0105 8B032F0601 81020010";
    let without = without.replace("0000018 6216", "0000016 6214");
    let with = "00E000001E 621C 82027821 83027F02 8A0105 8B032F0601 81020010 C606900180830101";
    let card = with_quirks(card, Quirks { create_df: CreateDf::NeedsPinStatus, ..Quirks::default() });
    says(card, &without, "6A80");
    let card = with_quirks(card, Quirks { create_df: CreateDf::RefusesPinStatus, ..Quirks::default() });
    says(card, with, "6A80");
    says(card, &without, "9000");
    let card = with_quirks(card, Quirks::default());
    says(card, "00A4000C023F00", "9000");
    says(card, with, "9000");
    let pins = fcp(card, "00A40004027F02").pin_status.unwrap();
    assert_eq!(pins.iter().map(|p| (p.key, p.enabled)).collect::<Vec<_>>(), [(KeyRef::PIN1, false)]);
}

#[test]
fn a_pin_guards_what_its_rule_names() {
    let card = &mut card(SampleKind::Pin);
    says(card, "00A4080C047F506431", "9000");
    says(card, "00B0000001", "6982");
    says(card, "0020000108 31323334FFFFFFFF", "9000");
    says(card, "00B0000001", "FF 9000");
    says(card, "00A4080C047FD06F07", "9000");
    says(card, "00B0000009", "080910101032547698 9000");
    says(card, "00D600000108", "6982");
    card.reset();
    says(card, "00B0000001", "6986");
}

#[test]
fn a_deactivated_file_says_so() {
    let card = &mut card(SampleKind::Prepared);
    says(card, "00A4080C047F505031", "9000");
    says(card, "0004000000", "6982");
    says(card, "0020000A08 3132333435363738", "9000");
    says(card, "0004000000", "9000");
    says(card, "00B0000001", "6984");
    says(card, "00A4000C025031", "6283");
    says(card, "0044000002 5031", "9000");
    says(card, "00B0000001", "A7 9000");
}

#[test]
fn an_image_is_the_same_card() {
    for (kind, _) in SampleKind::ALL {
        let image = sample(kind).image();
        let text = image.to_string();
        let again: CardImage = serde_json::from_str(&text).unwrap();
        assert_eq!(again, image);
        assert_eq!(again.to_string(), text, "the order is stable");
        assert_eq!(VirtualUicc::from_image(again).unwrap().image(), image);
    }
    let mut blank = blank();
    let before = (blank.image(), blank.changes());
    personalise(&mut blank);
    assert_ne!(blank.image(), before.0);
    assert_eq!(blank.changes() - before.1, 7);
    let again: CardImage = serde_json::from_str(&blank.image().to_string()).unwrap();
    assert_eq!(again, blank.image());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("card.json");
    again.save(&file).unwrap();
    assert_eq!(CardImage::load(&file).unwrap(), again);
}

#[test]
fn an_image_that_contradicts_itself_is_refused() {
    let good = sample(SampleKind::Prepared).image();
    let text = good.to_string();
    for (from, to, says) in [
        ("\"memory\"", "\"memroy\"", "memroy"),
        ("\"kind\": \"df\"", "\"kind\": \"df\",\n    \"size\": 3", "size"),
        ("\"size\": 10", "\"size\": 1", "content"),
        ("\"2F06:2\"", "\"2F06\"", "access"),
        ("\"sfi\": 30", "\"sfi\": 31", "sfi"),
        ("\"3B9C", "\"3B9", "hexadecimal"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = serde_json::from_str::<CardImage>(&text.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let broken = |change: &dyn Fn(&mut CardImage)| {
        let mut image = good.clone();
        change(&mut image);
        VirtualUicc::from_image(image).unwrap_err().to_string()
    };
    assert!(broken(&|i| i.memory = 100).contains("space"));
    assert!(broken(&|i| i.mf.fid = Fid(0x7F00)).contains("3F00"));
    assert!(broken(&|i| i.keys[0].tries = 9).contains("key 01"));
    assert!(broken(&|i| i.mf.find_mut(&[Fid::PKCS15, Fid::ODF]).unwrap().fid = Fid::DODF).contains("6430"));
    assert!(
        broken(&|i| i.mf.find_mut(&[Fid::PKCS15]).unwrap().aid = i.mf.files().last().unwrap().aid.clone())
            .contains("AID")
    );
}

#[test]
fn nothing_secret_is_shown() {
    let shown = format!("{:?} {:?}", card(SampleKind::Pin), sample(SampleKind::Pin));
    for secret in ["3132333435363738", "12345678", "0910101032547698", "001010123456789"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn apdu() -> impl Strategy<Value = Vec<u8>> {
    let ins =
        prop::sample::select(vec![0x04u8, 0x20, 0x44, 0xA4, 0xB0, 0xB2, 0xC0, 0xD6, 0xDC, 0xE0, 0xE4, 0xF2]);
    let p = || prop_oneof![Just(0u8), Just(4u8), Just(8u8), Just(9u8), Just(0x0Cu8), any::<u8>()];
    let fid =
        prop::sample::select(vec![0x3F00u16, 0x7F50, 0x7FD0, 0x5031, 0x6431, 0x2F00, 0x2FE2, 0x7FFF, 0x6F01]);
    let data = prop_oneof![
        fid.prop_map(|fid| fid.to_be_bytes().to_vec()),
        Just(vec![0xA0]),
        Just(hex("621682024121830250308A01058B032F0602800200208800")),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    (
        prop_oneof![Just(0u8), Just(0x80u8)],
        ins,
        p(),
        p(),
        proptest::option::of(data),
        proptest::option::of(any::<u8>()),
    )
        .prop_map(|(cla, ins, p1, p2, data, le)| {
            let mut out = vec![cla, ins, p1, p2];
            if let Some(data) = data {
                out.push(u8::try_from(data.len()).unwrap());
                out.extend(data);
            }
            out.extend(le);
            out
        })
}

proptest! {
    #[test]
    fn no_octets_make_it_panic_or_open(
        octets in proptest::collection::vec(prop_oneof![apdu(), proptest::collection::vec(any::<u8>(), 0..20)], 1..40),
        t0 in any::<bool>(),
    ) {
        let mut card = if t0 { card(SampleKind::Pin) } else { card_t1(SampleKind::Pin) };
        let before = card.image().mf;
        for command in octets {
            let answer = card.exchange(&command);
            prop_assert!((2..=258).contains(&answer.len()));
        }
        // No key was presented, so no file changed.
        prop_assert!(card.image().mf == before);
    }

    #[test]
    fn with_the_key_it_stays_a_card(octets in proptest::collection::vec(apdu(), 1..60), t0 in any::<bool>()) {
        let mut card = if t0 { card(SampleKind::Prepared) } else { card_t1(SampleKind::Prepared) };
        for command in octets {
            card.exchange(&hex("0020000A08 3132333435363738"));
            let answer = card.exchange(&command);
            prop_assert!((2..=258).contains(&answer.len()));
        }
        prop_assert!(VirtualUicc::from_image(card.image()).is_ok());
    }
}

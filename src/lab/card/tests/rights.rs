//! Who may do what: keys and their counters, access rules, creating and deleting, images that cannot be.

use super::*;

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
        VirtualCard::from_image(image).unwrap_err().to_string()
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

//! Whole conversations: those of another card program, a recipe of the field, and what stays when they are over.

use super::*;

/// The card of the sheet's appendix A.4: an MF in initialisation with EF(DIR) and EF(ARR), nothing else.
fn blank() -> VirtualCard {
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
    VirtualCard::from_image(CardImage {
        personality: Default::default(),
        quirks: Default::default(),
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
fn personalise(card: &mut VirtualCard) {
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
    let card = &mut VirtualCard::from_image(image).unwrap();
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
fn an_image_is_the_same_card() {
    for (kind, _) in SampleKind::ALL {
        let image = sample(kind).image();
        let text = image.to_string();
        let again: CardImage = serde_json::from_str(&text).unwrap();
        assert_eq!(again, image);
        assert_eq!(again.to_string(), text, "the order is stable");
        assert_eq!(VirtualCard::from_image(again).unwrap().image(), image);
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

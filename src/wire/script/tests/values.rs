//! Functions and variables.

use zeroize::Zeroizing;

use super::*;

/// What `OUT "x" <value>` shows, with the variables of the test.
fn shown(value: &str) -> Result<String, String> {
    let text = format!(
        "REM bootgate 1\nVAR ICCID digits 898821100000043001\nVAR F path 3F00/7F50/6431\nVAR K secret hex\nVAR P secret digits\nOUT \"x\" {value}"
    );
    let given =
        [("K".to_owned(), Zeroizing::new("A1B2".to_owned())), ("P".into(), Zeroizing::new("1234".into()))];
    let checked = check(text.as_bytes(), &given.into(), Need::Everything);
    let Some(At { value: Statement::Output(_, items), .. }) = checked.script.statements.last() else {
        return Err(checked.problems.iter().map(ToString::to_string).collect());
    };
    evaluate(items, &checked.environment).map(|v| v.unwrap().to_string()).map_err(|p| p.to_string())
}

#[test]
fn functions_give_what_their_table_says() {
    for (value, is) in [
        ("bcd-swap(${ICCID})", "98 88 12 01 00 00 40 03 10"),
        ("luhn(${ICCID})", "8988211000000430010"),
        ("bcd-swap(luhn(${ICCID}))", "98 88 12 01 00 00 40 03 10 F0"),
        ("bcd-unswap(98 88 12 01 00 00 40 03 10 F0)", "8988211000000430010"),
        ("ascii(${ICCID})", "38 39 38 38 32 31 31 30 30 30 30 30 30 34 33 30 30 31"),
        ("tlv(62, tlv(83, fid(${F})))", "62 04 83 02 64 31"),
        ("lv(path(${F}))", "04 7F 50 64 31"),
        ("len(00 00 00) \"A\"", "03 41"),
        ("pad(01, 4)", "01 FF FF FF"),
        ("pad(01, 3, 00)", "01 00 00"),
        ("slice(01 02 03 04, 1, 2)", "02 03"),
        ("value(62 04 83 02 64 31, 62)", "83 02 64 31"),
        ("parent(${F})", "3F00/7F50"),
        ("fid(parent(${F}))", "7F 50"),
        // What is made of a secret is one.
        ("01 ${K} 02", "01 *** 02"),
        ("tlv(80, ${K})", "80 02 ***"),
        ("pad(slice(${K}, 1, 1), 2)", "*** FF"),
        ("luhn(${P})", "***"),
        ("bcd-swap(${P})", "***"),
    ] {
        assert_eq!(shown(value), Ok(is.into()), "{value}");
    }
}

#[test]
fn what_a_function_does_not_take_is_told() {
    for (value, why) in [
        ("${ICCID} 01", "octets where digits is needed"),
        ("lv(${ICCID})", "bcd-swap() or ascii()"),
        ("bcd-swap(${F})", "a file where digits is needed"),
        ("slice(01, 1, 1)", "there are 1 octets"),
        ("pad(01 02, 1)", "more than 1"),
        ("bcd-unswap(AB)", "no digits"),
        ("value(62 00, 83)", "no tag 83"),
        ("value(62, 83)", "value()"),
        ("parent(3F00)", "in no directory"),
        ("nonesuch(01)", "unknown function `nonesuch`"),
        ("tlv(01)", "tlv() takes a tag and octets"),
        ("slice(01, AA, 1)", "two decimal numbers"),
        ("${NONE}", "unknown variable `NONE`"),
        ("${ICCDI}", "did you mean `ICCID`?"),
        ("${}", "a variable is written"),
    ] {
        let told = shown(value).unwrap_err();
        assert!(told.contains(why), "{value}: {told}");
    }
}

#[test]
fn secrets_are_found_again_and_never_print() {
    let mut octets = Octets::shown(&[1, 2]);
    octets.extend(&Octets::hidden(&[0xAA, 0xBB]));
    octets.extend(&Octets::shown(&[3]));
    octets.extend(&Octets::hidden(&[0xCC]));
    assert_eq!(octets.to_string(), "01 02 *** 03 ***");
    assert_eq!(format!("{octets:?}"), "Octets(01 02 *** 03 ***)");
    let secrets: Vec<Vec<u8>> = octets.secrets().iter().map(|s| s.to_vec()).collect();
    assert_eq!(secrets, [vec![0xAA, 0xBB], vec![0xCC]]);

    let secret = [Zeroizing::new(vec![0xA1, 0xA2, 0xA3, 0xA4])];
    for (answer, shown) in [
        (&[0x01, 0xA1, 0xA2, 0xA3, 0xA4, 0x02][..], "01 *** 02"),
        (&[0x01, 0x02, 0xA1, 0xA2, 0xA3], "01 02 ***"),
        (&[0xA2, 0xA3, 0xA4, 0x02], "*** 02"),
        (&[0xA1, 0xA2, 0x02], "A1 A2 02"),
        (&[0xA1, 0xA2, 0xA3, 0xA4, 0xA1, 0xA2, 0xA3, 0xA4], "***"),
    ] {
        assert_eq!(Octets::hiding(answer, &secret).to_string(), shown);
    }
}

#[test]
fn values_fit_their_variables() {
    let told = |set: &[(&str, &str)]| -> Vec<String> {
        let text = b"REM bootgate 1\nVAR A digits\nVAR B path 3F00\nVAR C secret hex\nOUT \"x\" bcd-swap(${A}) fid(${B}) ${C}\n";
        let given = set.iter().map(|(n, v)| ((*n).to_owned(), Zeroizing::new((*v).to_owned()))).collect();
        check(text, &given, Need::Everything).problems.iter().map(ToString::to_string).collect()
    };
    assert_eq!(told(&[("A", "12"), ("C", "0102")]), Vec::<String>::new());
    let wrong = told(&[("A", "1x2"), ("B", "zz"), ("C", "marked-7"), ("D", "1")]);
    assert_eq!(wrong.len(), 4, "{wrong:?}");
    assert!(wrong.iter().all(|line| !line.contains("marked-7") && !line.contains("1x2")), "{wrong:?}");
    let missing = told(&[]);
    assert!(
        missing[0].contains("2:5: error: variable `A` has no value; give it with --set A="),
        "{missing:?}"
    );
    assert_eq!(missing.len(), 2);
}

#[test]
fn files_have_names() {
    let place = |text: &str| text.parse::<Place>();
    for text in ["3F00", "3F00/7F50/6431", "A000000063504B43532D3135/5031", "3F00/7F50/*", "3F00/*"] {
        assert_eq!(place(text).unwrap().to_string(), text);
    }
    for bad in ["", "7F50", "3F00/", "3F00/6", "A0/5031", "3F00//6431", "3F00/7F50/1/2/3", "*"] {
        assert!(place(bad).is_err(), "{bad}");
    }
    let below = place("3F00/7F50/*").unwrap();
    assert!(below.stands_for(&place("3F00/7F50/6431").unwrap()));
    for other in ["3F00/7F50", "3F00/7F10/6431", "A000000063504B43532D3135/7F50/6431"] {
        assert!(!below.stands_for(&place(other).unwrap()), "{other}");
    }
}

#[test]
fn the_cursor_follows_selections() {
    let mut cursor = Cursor::reset();
    let mut go = |p1: u8, data: &str| {
        cursor.select(p1, &lex::octets(data).unwrap());
        let shown = |place: Option<&Place>| place.map(ToString::to_string).unwrap_or_default();
        (shown(cursor.directory()), shown(cursor.file()))
    };
    let is = |directory: &str, file: &str| (directory.to_owned(), file.to_owned());
    assert_eq!(go(0x00, "2FE2"), is("3F00", "3F00/2FE2"));
    assert_eq!(go(0x00, "7F50"), is("3F00/7F50", ""));
    assert_eq!(go(0x00, "6431"), is("3F00/7F50", "3F00/7F50/6431"));
    assert_eq!(go(0x00, "7F10"), is("3F00/7F10", ""));
    assert_eq!(go(0x00, "5F3A"), is("3F00/7F10/5F3A", ""));
    assert_eq!(go(0x00, "5F3B"), is("3F00/7F10/5F3B", ""));
    assert_eq!(go(0x03, ""), is("3F00/7F10", ""));
    assert_eq!(go(0x08, "7F506431"), is("3F00/7F50", "3F00/7F50/6431"));
    assert_eq!(go(0x04, "A000000063"), is("A000000063", ""));
    assert_eq!(go(0x00, "6430"), is("A000000063", "A000000063/6430"));
    assert_eq!(go(0x08, "7FFF5031"), is("A000000063", "A000000063/5031"));
    assert_eq!(go(0x00, "3F00"), is("3F00", ""));
    assert_eq!(go(0x00, "3F"), is("", ""));
}

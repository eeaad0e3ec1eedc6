//! The language: what it reads, prints and refuses.

mod checks;
mod kinds;
mod values;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Annex B scripts of our own, which use what the annex's example uses.
pub(crate) const SAMPLES: [&str; 4] = [
    include_str!("../../../../tests/data/scripts/e1.scr"),
    include_str!("../../../../tests/data/scripts/e2.scr"),
    include_str!("../../../../tests/data/scripts/e3.scr"),
    include_str!("../../../../tests/data/scripts/e4.scr"),
];

const OWN: &str = r#"REM bootgate 1
REM all statements of the superset
VAR FILE path 3F00/7F50/6431
VAR ICCID digits
VAR LABEL text "Boot strap"
VAR KI secret hex
KEY 0A ADM
EFF reads 3F00/2FE2 3F00/2F00/*
EFF updates ${FILE} by 0A
RST
APD 00 A4 08 0C lv(path(${FILE})) (9000)
APD 00 B0 00 00 0A [XX 3X bcd-swap(luhn(${ICCID} 8988))] (9000, 6282)
SWI
(62 XX) :
OUT "end" slice(${R}, 0, 2)
SWI
62 82 :
REM inner:
ESW
9000:
LET LEN len(${R})
ESW
VER 0A
PUT ${FILE} tlv(A0, 01 "x" ${KI} pad(${LABEL}, 16, 00))
PUT 3F00/2F00 record 2 61 00
AST ${R} ^= 00 01
SAV A000000063504B43532D3135/5031
RES parent(${FILE})
OFF
"#;

const PINS: &str = "REM bootgate 1
VAR NEW secret digits
KEY 01 PIN
PUK 01 PUK1
EFF keys 01 81 by 01
RST
CHG 01 ${NEW}
UNB 01 ${NEW}
DIS 01
ENA 01
";

fn nothing() -> BTreeMap<String, zeroize::Zeroizing<String>> {
    BTreeMap::new()
}

#[test]
fn samples_are_read_and_sound() {
    for sample in SAMPLES {
        let parsed = parse(sample.as_bytes());
        assert_eq!(parsed.problems, [], "{sample}");
        let checked = check(sample.as_bytes(), &nothing(), Need::Everything);
        assert!(checked.is_sound(), "{:?}", checked.problems);
        assert_eq!(parsed.script.version, None);
    }
    // E5: both lines are told, each where it is wrong.
    let bad = b"REM E5\nCMD A0 A4 00 00 03 3F 00 (90 00)\nCMD A0 A4 00 00 02 3F 0 (90 00)\n";
    let told: Vec<_> =
        check(bad, &nothing(), Need::Everything).problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("2:1: error: P3 says 3 octets of data, 2 follow"), "{told:?}");
    assert!(told[1].starts_with("3:23: error: 1 hexadecimal digits"), "{told:?}");
}

#[test]
fn what_is_printed_is_the_same_script() {
    for text in SAMPLES.iter().chain([&OWN, &PINS]) {
        let parsed = parse(text.as_bytes());
        assert_eq!(parsed.problems, [], "{text}");
        let printed = parsed.script.to_string();
        let again = parse(printed.as_bytes());
        assert_eq!(again.problems, [], "{printed}");
        assert_eq!(again.script, parsed.script, "{printed}");
        assert_eq!(again.script.to_string(), printed);
    }
}

#[test]
fn grouping_case_and_white_space_say_nothing() {
    let plain = parse(b"RST\nCMD A0 A4 00 00 02 3F 00 (9F XX, 94 04)\n").script;
    for same in [
        "\u{FEFF}RST\r\nCMD A0A4000002 3f00(9fxx,9404)\r\n",
        "rst  \n cmd\tA0 A4 00 00 02 \\  \n3F00 \\\n(9F XX , 94 04)",
        "RST\x0C\nCMD A0A40000023F00 ( 9F XX,94 04 )",
    ] {
        let parsed = parse(same.as_bytes());
        assert_eq!((parsed.problems, parsed.script), (vec![], plain.clone()), "{same:?}");
    }
}

#[test]
fn every_truncation_is_read_or_told() {
    for text in SAMPLES.iter().chain([&OWN]) {
        let whole = parse(text.as_bytes()).script;
        for end in 0..text.len() {
            let parsed = parse(&text.as_bytes()[..end]);
            assert!(parsed.script.statements.len() <= whole.statements.len() + 12);
            let _ = check(&text.as_bytes()[..end], &nothing(), Need::Everything);
        }
    }
}

#[test]
fn size_lines_statements_depth_and_problems_are_capped() {
    let told = |text: &str| parse(text.as_bytes()).problems;
    let is = |kind: &ProblemKind, word: &str| kind.to_string().contains(word);
    assert!(is(&told(&" ".repeat(MAX_SIZE + 1))[0].kind, "octets"));
    assert!(is(&told(&"\n".repeat(MAX_LINES + 2))[0].kind, "lines"));
    let long = format!("CMD {}", "00 ".repeat(MAX_STATEMENT));
    assert!(is(&told(&long)[0].kind, "characters"));
    let deep = format!("CMD 90\n{}", "SWI\n9000:\n".repeat(MAX_DEPTH + 1));
    assert!(told(&deep).iter().any(|p| p.kind == ProblemKind::TooDeep));
    let nested = format!("REM bootgate 1\nOUT \"x\" {}00", "lv(".repeat(MAX_DEPTH + 1));
    assert!(told(&nested).iter().any(|p| p.kind == ProblemKind::TooDeep));
    assert_eq!(told(&"FOO\n".repeat(MAX_PROBLEMS + 10)).len(), MAX_PROBLEMS);
    let words = vec!["9000"; MAX_STATUS_WORDS + 1].join(",");
    assert!(told(&format!("CMD 00A40000 ({words})")).iter().any(|p| p.kind == ProblemKind::ManyStatusWords));
}

/// Statements that may stand anywhere.
fn statement() -> impl Strategy<Value = String> {
    let octets = |n| {
        proptest::collection::vec(any::<u8>(), n)
            .prop_map(|o| o.iter().map(|o| format!("{o:02X} ")).collect::<String>())
    };
    prop_oneof![
        Just("RST".to_owned()),
        Just("OFF".to_owned()),
        Just(String::new()),
        "[ -~]{0,20}".prop_map(|text| format!("REM {}", text.replace('\\', "/"))),
        octets(1..40).prop_map(|o| format!("INI {o}")),
        (octets(4..60), "([0-9A-FX]{2} ){0,20}", "[0-9A-FX]{4}")
            .prop_map(|(o, d, s)| format!("CMD {o}[{d}] ({s})")),
        (octets(4..60), "[0-9A-FX]{4}").prop_map(|(o, s)| format!("APD {o}({s}, 9000)")),
        octets(1..20).prop_map(|o| format!("SWI\n(90 00, 6X XX) :\nCMD {o}\n91XX:\nESW")),
        octets(1..20).prop_map(|o| format!("OUT \"a b\" tlv(5F2D, lv({o}) ${{N}} \"t\")")),
        octets(1..20).prop_map(|o| format!("PUT 3F00/7F50/6431 record 3 pad({o}, 255, 00)")),
        octets(1..20).prop_map(|o| format!("PUT 3F00/2F00 record ${{N}} {o}")),
    ]
}

proptest! {
    #[test]
    fn scripts_survive_a_round_trip(lines in proptest::collection::vec(statement(), 0..12)) {
        let text = format!("REM bootgate 1\n{}\n", lines.join("\n"));
        let parsed = parse(text.as_bytes());
        prop_assert_eq!(&parsed.problems, &[]);
        let again = parse(parsed.script.to_string().as_bytes());
        prop_assert_eq!(again, parsed);
    }

    #[test]
    fn nothing_makes_it_panic(text in "[ -~\\n\\\\]{0,200}", octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(&octets, &nothing(), Need::Everything);
        let _ = check(format!("REM bootgate 1\n{text}").as_bytes(), &nothing(), Need::Variables);
        let _ = check(text.as_bytes(), &nothing(), Need::Nothing);
    }
}

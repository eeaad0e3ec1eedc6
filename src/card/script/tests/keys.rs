//! Keys in scripts: no card is locked, however a script presents one.

#![cfg(test)]

use super::*;
use crate::{
    card::KeyError,
    lab::card::{EmptyVerify, Quirks},
};

const WRONG: &str = "RST\nCMD 00 20 00 0A 08 38 37 36 35 34 33 32 31 (90 00)\n";

fn stopped_by(report: &Report) -> &KeyError {
    match &report.stopped {
        Some(ScriptError::Key { source, .. }) => source,
        _ => panic!("{}", shown(report)),
    }
}

#[test]
fn a_wrong_key_is_presented_once_by_whatever_statement() {
    let own = "REM bootgate 1\nKEY 0A ADM\nRST\nVER 0A\n";
    for (first, set) in [(WRONG, &[][..]), (own, &[("ADM", "87654321")])] {
        let (card, journal) = (prepared(), MemoryKeyJournal::new());
        let with = |set| With { set, journal: Some(&journal), ..With::default() };
        let report = run_on(&card, first, with(set));
        assert!(report.stopped.is_some());
        assert_eq!(tries(&card, KeyRef::ADM1), 2);
        for (again, set) in [(WRONG, &[][..]), (own, &[("ADM", "12345678")])] {
            let report = run_on(&card, again, with(set));
            assert!(matches!(stopped_by(&report), KeyError::Quarantined { .. }), "{}", shown(&report));
            assert_eq!(tries(&card, KeyRef::ADM1), 2);
        }
    }
}

#[test]
fn a_key_is_not_presented_twice_by_one_script() {
    let card = prepared();
    let script = WRONG.replace("(90 00)", "(63 CX)").repeat(3);
    let report = run_on(&card, &script, With::default());
    assert!(matches!(stopped_by(&report), KeyError::Quarantined { .. }), "{}", shown(&report));
    assert_eq!(tries(&card, KeyRef::ADM1), 2);
}

#[test]
fn a_low_or_hidden_counter_keeps_the_key_back() {
    let mut image = sample(Personality::Uicc, SampleKind::Prepared).image();
    image.key_mut(KeyRef::ADM1).unwrap().tries = 1;
    let low = from(image.clone());
    assert!(matches!(
        stopped_by(&run_on(&low, WRONG, With::default())),
        KeyError::TooFewTries { left: 1, .. }
    ));

    image.key_mut(KeyRef::ADM1).unwrap().tries = 3;
    let quirks = Quirks { empty_verify: EmptyVerify::WrongLength, ..Quirks::default() };
    let mute = CardHandle::new(VirtualCard::from_image(image).unwrap().with_quirks(quirks));
    assert!(matches!(stopped_by(&run_on(&mute, WRONG, With::default())), KeyError::UnknownCounter { .. }));

    let sim = from(sample(Personality::Sim, SampleKind::Prepared).image());
    let adm = WRONG.replace("CMD 00", "CMD A0");
    assert!(matches!(stopped_by(&run_on(&sim, &adm, With::default())), KeyError::UnknownCounter { .. }));
    for (card, left) in [(low, 1), (mute, 3), (sim, 3)] {
        assert_eq!((tries(&card, KeyRef::ADM1), card.changes()), (left, 0));
    }
}

/// Forms that spend a try, or may, and that the guard cannot look after. Each is checked, and each is refused by the runner
/// too when a value that only the card gives makes the command: `${R}` is what the check cannot see.
#[test]
fn what_cannot_be_guarded_is_never_sent() {
    for octets in [
        "00 24 00 01 10 31323334FFFFFFFF 35363738FFFFFFFF",
        "A0 24 00 01 10 31323334FFFFFFFF 35363738FFFFFFFF",
        "00 26 00 01 08 31323334FFFFFFFF",
        "00 28 00 01 08 31323334FFFFFFFF",
        "00 2C 00 01 10 31323334FFFFFFFF 35363738FFFFFFFF",
        "01 20 00 0A 08 3132333435363738",
        "80 20 00 0A 08 3132333435363738",
        "00 20 01 0A 08 3132333435363738",
        "00 20 00 0A 04 31323334",
        "A0 20 00 01 00",
        "00 21 00 0A 08 3132333435363738",
        "80 82 00 00 10 00000000000000000000000000000000",
        "00 FE 00 00 00",
        "80 E8 00 00 01 00",
    ] {
        let card = prepared();
        // A file of the card whose content is the command.
        let mut image = card.image();
        let command = crate::wire::vectors::hex(&octets.replace(' ', ""));
        if let Body::Transparent(content) = &mut image.mf.find_mut(&FILE).unwrap().body {
            content[..command.len()].copy_from_slice(&command);
        }
        let card = from(image);
        let length = command.len();
        let script = format!(
            "REM bootgate 1\nEFF reads 3F00/7F50/6431\nRST\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n\
             APD 00 B0 00 00 {length:02X} (90 00)\nLET C ${{R}}\nCMD ${{C}}\n"
        );
        let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
        let report = run_in(&mut reader, &script, With::default());
        assert!(
            matches!(report.stopped, Some(ScriptError::Problem(_) | ScriptError::Key { .. })),
            "{octets}: {}",
            shown(&report)
        );
        assert_eq!(card.changes(), 0, "{octets}");
        let given = BTreeMap::new();
        let plain = check(format!("CMD {octets}").as_bytes(), &given, Need::Nothing);
        let runs = plain.is_sound().then(|| run_on(&card, &format!("CMD {octets}"), With::default()));
        assert!(runs.is_none_or(|report| report.stopped.is_some()), "{octets}");
        assert_eq!(card.changes(), 0, "{octets}");
    }
}

#[test]
fn a_verify_that_only_the_run_shows_goes_to_the_guard() {
    let key = b"\x00\x20\x00\x0A\x0887654321";
    let card = written(Personality::Uicc, key);
    let script = "REM bootgate 1\nEFF reads 3F00/7F50/6431\nRST\nAPD 00 A4 08 0C 04 7F 50 64 31 (90 00)\n\
                  APD 00 B0 00 00 0D (90 00)\nLET C ${R}\nCMD ${C} (63 CX)\nCMD ${C} (63 CX)\n";
    let report = run_on(&card, script, With::default());
    assert!(matches!(stopped_by(&report), KeyError::Quarantined { .. }), "{}", shown(&report));
    assert_eq!(tries(&card, KeyRef::ADM1), 2);
}

#[test]
fn the_counter_may_be_asked_for() {
    let report = done(run_on(&prepared(), "RST\nCMD 00 20 00 0A 00 (63 C3)\n", With::default()));
    assert_eq!(report.entries[1].to_string().lines().next(), Some("   2  CMD 00 20 00 0A 00"));
    let asks = check(b"CMD 00 20 00 0A 08 [] (63 C3)", &BTreeMap::new(), Need::Nothing);
    assert!(!asks.is_sound(), "P3 promises a key that does not come");
}

/// A script that does one thing with PIN1.
fn pins(statement: &str) -> String {
    let declared = match &statement[..3] {
        "UNB" => "VAR NEW secret digits\nPUK 01 KEY\n",
        "CHG" => "VAR NEW secret digits\nKEY 01 KEY\n",
        _ => "KEY 01 KEY\n",
    };
    format!("REM bootgate 1\n{declared}EFF keys 01\nRST\n{statement}\n")
}

#[test]
fn pins_are_changed_under_the_rule_that_guards_all_keys() {
    for personality in [Personality::Uicc, Personality::Sim] {
        let card = from(sample(personality, SampleKind::Pin).image());
        let pin = || card.image().key_mut(KeyRef::PIN1).unwrap().clone();
        let journal = MemoryKeyJournal::new();
        let run = |statement: &str, set: &[(&str, &str)]| {
            let report =
                run_on(&card, &pins(statement), With { set, journal: Some(&journal), ..With::default() });
            let said = format!("{}{report:?}", shown(&report));
            for secret in ["31415926", "71727374", "86429753", "37 31 37 32", "38 36 34 32", "33 31 34 31"] {
                assert!(!said.contains(secret), "{said}");
            }
            report
        };
        let report = done(run("UNB 01 ${NEW}", &[("KEY", "31415926"), ("NEW", "71727374")]));
        assert_eq!((report.changes, pin().value.0), (1, b"71727374".to_vec()));
        assert!(shown(&report).contains("UNB 01\n      done"), "{}", shown(&report));
        done(run("CHG 01 ${NEW}", &[("KEY", "71727374"), ("NEW", "86429753")]));
        assert_eq!((pin().value.0, pin().tries), (b"86429753".to_vec(), 3));
        let report = done(run("ENA 01", &[("KEY", "71727374")]));
        assert!(shown(&report).contains("was so already, not sent") && report.changes == 0);
        done(run("DIS 01", &[("KEY", "86429753")]));
        assert!(!pin().enabled);

        // A wrong PUK is presented once, whatever the next script gives; the PIN is what it was.
        let wrong = [("KEY", "97979797"), ("NEW", "71727374")];
        let report = run("UNB 01 ${NEW}", &wrong);
        assert!(matches!(stopped_by(&report), KeyError::Wrong { left: Some(9), .. }), "{}", shown(&report));
        let report = run("UNB 01 ${NEW}", &[("KEY", "31415926"), ("NEW", "71727374")]);
        assert!(matches!(stopped_by(&report), KeyError::Quarantined { .. }), "{}", shown(&report));
        assert_eq!((pin().value.0, pin().puk.unwrap().tries), (b"86429753".to_vec(), 9));
    }
}

#[test]
fn a_new_value_that_can_be_no_key_is_told_before_anything_is_sent() {
    for (new, kind) in [("123", "digits"), ("123456789", "digits"), ("31323334", "hex")] {
        let text = pins("CHG 01 ${NEW}").replace("digits", kind);
        let given = [("KEY", "1234"), ("NEW", new)]
            .map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_owned())));
        let checked = check(text.as_bytes(), &given.into(), Need::Everything);
        let told: Vec<_> = checked.problems.iter().map(ToString::to_string).collect();
        assert!(told.len() == 1 && told[0].starts_with("6:8: error: the new value of key 01"), "{told:?}");
    }
}

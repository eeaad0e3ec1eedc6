//! Each static check, and a script that trips it: line, column, and what is said.

use super::*;

/// What is said of a script, warnings included, with no values given.
fn told(text: &str) -> Vec<String> {
    check(text.as_bytes(), &nothing(), Need::Nothing).problems.iter().map(ToString::to_string).collect()
}

/// Plain Annex B scripts with one problem each.
pub(super) const PLAIN: &[(&str, &str)] = &[
    ("FOO 01", "1:1: error: unknown statement `FOO`; expected RST, INI, CMD, REM, OFF or SWI"),
    ("RSTX", "1:1: error: unknown statement `RSTX`"),
    (
        "VAR A hex",
        "1:1: error: VAR is no Annex B; to use it, let the script begin with the line `REM bootgate 1`",
    ),
    ("CMD ${A}", "1:5: error: a variable is no Annex B"),
    ("RST 00", "1:5: error: expected the end of the statement, found `00`"),
    ("CMD", "1:1: error: expected octets, as two hexadecimal digits each, found the end of the statement"),
    ("CMD 00 A4 0", "1:11: error: 1 hexadecimal digits are no whole octets; write two for each, as 00"),
    ("CMD A0 B0 00 XX 0A []", "1:14: error: X stands for digits that are not compared"),
    ("CMD A0 B0 00 00 02 [XX X] (9000)", "1:24: error: 1 hexadecimal digits"),
    ("CMD A0 B0 00 00 02 [XX XX (9000)", "1:27: error: expected octets"),
    ("CMD A0 B0 00 00 02 [XX XX", "1:20: error: `[` is not closed"),
    ("CMD A0 88 00 00 00 (90 00", "1:24: error: `(` is not closed"),
    (
        "CMD A0 88 00 00 00 (90 0)",
        "1:21: error: a status word has four digits, 0 to F or X, as 90 00 or 61 XX; found `900`",
    ),
    ("CMD A0 88 00 00 00 (90 00 61 XX)", "1:21: error: a status word has four digits"),
    ("CMD A0 88 00 00 00 ()", "1:21: error: a status word has four digits"),
    ("CMD A0 88 00 00 00 (9000) [XX]", "1:27: error: the status words stand before the data"),
    ("CMD A0 88 00 00 00 (9000 \\", "1:1: error: the last line ends in \\"),
    ("CMD A0 ü", "1:8: error: this character is not allowed"),
    ("CMD A0 A4 00", "1:1: error: a command has a header of 5 octets"),
    ("CMD A0 A4 00 00 03 3F 00 (9F XX)", "1:1: error: P3 says 3 octets of data, 2 follow"),
    (
        "CMD A0 B0 00 00 0A (90 00)",
        "1:1: error: P3 says 10 octets of data, 0 follow; if it is the length of the answer, write []",
    ),
    (
        "CMD A0 B0 00 00 01 [01 02] (90 00)",
        "1:21: error: the answer has 1 octets at most, and 2 are expected",
    ),
    ("OFF\nCMD A0 88 00 00 00", "2:1: error: nothing reaches a card that was switched off"),
    ("REM a \\\n b", "1:1: warning: the comment ends in \\"),
    // Branches.
    ("SWI\n9000:\nESW", "1:1: error: no command goes before this SWI"),
    ("CMD A0 88 00 00 00\nRST\nSWI\n9000:\nESW", "3:1: error: no command goes before this SWI"),
    ("CMD A0 88 00 00 00\nSWI\nESW", "2:1: error: this SWI has no label"),
    ("CMD A0 88 00 00 00\nSWI\n9000:\nRST", "2:1: error: this SWI has no end"),
    ("CMD A0 88 00 00 00\nSWI 9000\n9000:\nESW", "2:1: error: SWI syntax not understood"),
    ("CMD A0 88 00 00 00\nSWI\nCMD A0 88 00 00 00\n9000:\nESW", "3:1: error: SWI syntax not understood"),
    ("CMD A0 88 00 00 00\nSWI\n900:\nESW\n", "3:1: error: a status word has four digits"),
    (
        "CMD A0 88 00 00 00\nSWI\n9XXX:\n90 00:\nESW",
        "4:1: error: this label is never reached: an earlier label",
    ),
    (
        "CMD A0 88 00 00 00 (90 00)\nSWI\n91XX:\nESW",
        "3:1: error: this label is never reached: the command before accepts",
    ),
    ("ESW", "1:1: error: `ESW` closes no SWI"),
    // Destruction and keys.
    ("CMD A0 E4 00 00 02 6F 07 (90 00)", "1:1: error: DELETE FILE destroys, and is not declared"),
    ("CMD 00 04 00 00 00 (90 00)", "1:1: error: DEACTIVATE FILE destroys, and is not declared"),
    ("CMD 80 E4 00 80 03 4F 01 A0", "1:1: error: DELETE destroys, and is not declared"),
    ("CMD 80 D8 00 80 01 00", "1:1: error: PUT KEY destroys, and is not declared"),
    ("CMD 00 FE 00 00 00", "1:1: error: TERMINATE CARD USAGE cannot be undone by anybody; it is never sent"),
    ("CMD 00 E6 00 00 00", "1:1: error: TERMINATE DF cannot be undone"),
    ("CMD A0 E8 00 00 00", "1:1: error: TERMINATE EF cannot be undone"),
    (
        "CMD A0 20 00 01 08 31 32 33 34 FF FF FF FF (90 00)",
        "1:1: warning: a key stands in clear in this script",
    ),
    (
        "CMD A0 24 00 01 10 31323334FFFFFFFF 31323334FFFFFFFF",
        "1:1: error: CHANGE PIN presents a key and cannot be guarded; it is not sent: say CHG 01 ${NEW}, with a declared KEY",
    ),
    (
        "CMD A0 2C 00 00 10 31323334FFFFFFFF 31323334FFFFFFFF",
        "1:1: error: UNBLOCK PIN presents a key and cannot be guarded; it is not sent: say UNB 01 ${NEW}, with a declared PUK",
    ),
    ("CMD 00 28 00 01 08 31323334FFFFFFFF", "1:1: error: ENABLE PIN presents a key"),
    ("CMD 00 26 00 01 08 31323334FFFFFFFF", "1:1: error: DISABLE PIN presents a key"),
];

/// Scripts of the superset, behind its header: the first statement is on line 2.
pub(super) const OWN: &[(&str, &str)] = &[
    ("VAR 1 hex", "2:5: error: expected the name of a variable"),
    ("VAR A number", "2:7: error: expected hex, digits, text or path"),
    ("VAR A secret hex 0102\nOUT \"a\" ${A}", "2:18: error: a secret has no value in a script"),
    ("VAR A hex 012\nOUT \"a\" ${A}", "2:11: error: the value of `A` is not hexadecimal digits"),
    ("VAR A hex\nVAR A hex\nOUT \"a\" ${A}", "3:5: error: variable `A` is declared twice"),
    ("VAR R hex", "2:5: error: variable `R` is declared twice, or its name is one that the answer has"),
    ("VAR A hex 01", "2:5: warning: variable `A` is declared and not used"),
    ("KEY 0A ADM", "2:8: warning: key `ADM` is declared and not used"),
    ("PUK 01 P", "2:8: warning: key `P` is declared and not used"),
    (
        "VAR N secret digits\nEFF keys 01\nUNB 01 ${N}",
        "4:5: error: the PUK of 01 (PIN1) is not declared; say PUK 01 NAME",
    ),
    (
        "VAR N secret digits\nPUK 01 P\nUNB 01 ${N}",
        "4:1: error: UNBLOCK PIN changes key 01 (PIN1), which no EFF keys declares",
    ),
    ("KEY 01 P\nEFF keys 81\nDIS 01", "4:1: error: DISABLE PIN changes key 01 (PIN1), which no EFF keys"),
    ("EFF keys 01\nENA 01", "3:5: error: key 01 (PIN1) is not declared; say KEY 01 NAME"),
    (
        "PUK 01 P\nEFF keys 01\nUNB 01 37373737FFFFFFFF",
        "4:8: error: the new value of a key stands in no script; say ${NAME}",
    ),
    (
        "VAR N digits 7777\nKEY 01 P\nEFF keys 01\nCHG 01 ${N}",
        "5:8: error: the new value of a key stands in no script",
    ),
    (
        "VAR N secret digits\nKEY 0A A\nEFF keys 0A\nEFF updates 3F00/6F07 by 0A\nRST\nCHG 0A ${N}\nPUT 3F00/6F07 01",
        "7:1: warning: CHG gives key 0A (ADM1) another value before the last change of a file",
    ),
    ("EFF keys 3F00/6F07\nRST", "2:10: error: a key is named by two hexadecimal digits"),
    ("KEY ADM1 ADM\n", "2:5: error: a key is named by two hexadecimal digits"),
    ("OUT \"a\" ${A}", "2:9: error: unknown variable `A`; declare it with VAR"),
    ("OUT \"a\" ${R}", "2:9: error: no command goes before this, so there is no answer"),
    ("OUT \"a", "2:5: error: a quote is opened"),
    ("OUT a 01", "2:5: error: expected a label in quotes"),
    ("AST 01 = 01", "2:8: error: expected ==, != or ^="),
    ("VAR D digits 12\nAST 01 == ${D}", "3:1: error: digits where octets is needed"),
    (
        "VAR D digits 12\nCMD 00 A4 00 00 ${D}",
        "3:17: error: digits where octets is needed; bcd-swap() or ascii()",
    ),
    ("VER 0A", "2:5: error: key 0A (ADM1) is not declared; say KEY 0A NAME"),
    ("EFF writes 3F00", "2:5: error: expected reads, updates, creates, destroys or keys"),
    ("EFF reads 6F07", "2:11: error: expected a file"),
    ("EFF updates 3F00/2F05 by 0A", "2:26: error: key 0A (ADM1) is not declared"),
    // Effects.
    (
        "CMD 00 A4 00 0C 02 2F 05\nCMD 00 B0 00 00 0A [] (9000)",
        "3:1: error: READ BINARY reads 3F00/2F05, which no EFF reads declares",
    ),
    (
        "CMD 00 A4 00 0C 02 2F 05\nCMD 00 D6 00 00 01 00 (9000)",
        "3:1: error: UPDATE BINARY changes 3F00/2F05, which no EFF updates declares",
    ),
    ("CMD 00 A4 00 0C 02 2F 00\nCMD 00 DC 01 04 01 00 (9000)", "3:1: error: UPDATE RECORD changes 3F00/2F00"),
    ("CMD 00 44 00 00 02 2F 05", "2:1: error: ACTIVATE FILE changes 3F00/2F05"),
    ("CMD 00 E0 00 00 08 62 06 82 02 78 21 83 02 7F 50", "2:1: error: P3 says 8 octets of data, 10 follow"),
    (
        "CMD 00 E0 00 00 0A 62 08 82 02 78 21 83 02 7F 50",
        "2:1: error: CREATE FILE changes 3F00/7F50, which no EFF creates declares",
    ),
    (
        "EFF creates 3F00/7F50\nCMD 00 E0 00 00 02 62 00",
        "3:1: error: a file is created with an identifier that its data do not name",
    ),
    ("CMD 00 E4 00 00 02 7F 50", "2:1: error: DELETE FILE changes 3F00/7F50, which no EFF destroys declares"),
    (
        "EFF updates 3F00/2F05\nCMD 00 D6 85 00 01 00",
        "3:1: error: which file UPDATE BINARY is about cannot be told",
    ),
    (
        "CMD 00 70 00 00 01 [01]\nCMD 01 A4 00 0C 02 3F 00\nCMD 01 A4 00 0C 02 2F 05\nCMD 01 D6 00 00 01 00",
        "5:1: error: UPDATE BINARY changes 3F00/2F05, which no EFF updates declares",
    ),
    (
        "EFF updates 3F00/2F05\nCMD 00 A4 00 0C 02 2F 05\nCMD 00 70 00 00 01 [01]\nCMD 01 D6 00 00 01 00",
        "5:1: error: which file UPDATE BINARY is about cannot be told",
    ),
    ("SAV 3F00/2F05", "2:5: error: SAV reads 3F00/2F05, which no EFF reads declares"),
    ("PUT 3F00/2F05 00", "2:5: error: PUT changes 3F00/2F05, which no EFF updates declares"),
    ("RES 3F00/2F05", "2:5: error: RES changes 3F00/2F05"),
    ("EFF reads 3F00/*\nSAV 3F00/*", "3:5: error: 3F00/* stands for many files"),
    ("PUT 3F00/2F05 record 0 00", "2:22: error: expected the number of a record, 1 to 254"),
    ("EFF updates 3F00/2F05\nPUT 3F00/2F05 record ${N} 00", "3:22: error: unknown variable `N`"),
    (
        "VAR N digits 255\nEFF updates 3F00/2F05\nPUT 3F00/2F05 record ${N} 00",
        "4:22: error: the number of a record is 1 to 254",
    ),
    (
        "VAR N hex 00\nEFF updates 3F00/2F05\nPUT 3F00/2F05 record ${N} 00",
        "4:22: error: the number of a record is 1 to 254",
    ),
    (
        "VAR N hex 0102\nEFF updates 3F00/2F05\nPUT 3F00/2F05 record ${N} 00",
        "4:22: error: the number of a record is 1 to 254",
    ),
    (
        "VAR N text \"2\"\nEFF updates 3F00/2F05\nPUT 3F00/2F05 record ${N} 00",
        "4:22: error: the number of a record is 1 to 254",
    ),
    (
        "VAR N path 3F00\nEFF updates 3F00/2F05\nPUT 3F00/2F05 record ${N} 00",
        "4:22: error: the number of a record is 1 to 254",
    ),
    ("EFF updates 3F00/2F05\nPUT 3F00/2F05 record ${R} 00", "3:22: error: no command goes before this"),
    // Rights.
    (
        "KEY 0A A\nEFF updates 3F00/2F05 by 0A\nCMD 00 A4 00 0C 02 2F 05\nCMD 00 D6 00 00 01 00 (9000)\nVER 0A",
        "5:1: error: UPDATE BINARY on 3F00/2F05 comes before VER 0A (ADM1), which EFF says it takes",
    ),
    (
        "KEY 0A A\nEFF updates 3F00/2F05 by 0A\nVER 0A\nRST\nPUT 3F00/2F05 00",
        "6:5: error: PUT on 3F00/2F05 comes before VER 0A",
    ),
    // What may change the card in ways that cannot be told.
    ("CMD 00 0E 00 00 00", "2:1: error: which file ERASE BINARY is about cannot be told"),
    (
        "APD 00 A4 00 0C 02 2F 05\nCMD 00 0E 00 00 00",
        "3:1: error: ERASE BINARY changes 3F00/2F05, which no EFF updates declares",
    ),
    ("APD 00 A4 00 0C 02 2F 05\nCMD 00 0F 00 00 00", "3:1: error: ERASE BINARY changes 3F00/2F05"),
    ("APD 00 A4 00 0C 02 2F 00\nCMD 00 0C 01 04 00", "3:1: error: ERASE RECORD changes 3F00/2F00"),
    ("APD 00 A4 00 0C 02 2F 05\nCMD 00 D0 00 00 01 00", "3:1: error: WRITE BINARY changes 3F00/2F05"),
    ("APD 00 A4 00 0C 02 2F 05\nCMD 00 D1 00 00 01 00", "3:1: error: WRITE BINARY changes 3F00/2F05"),
    ("APD 00 A4 00 0C 02 2F 00\nCMD 00 D2 01 04 01 00", "3:1: error: WRITE RECORD changes 3F00/2F00"),
    (
        "APD 00 A4 00 0C 02 2F 05\nCMD 00 D7 00 00 01 00",
        "3:1: error: UPDATE BINARY with data objects changes",
    ),
    (
        "APD 00 A4 00 0C 02 2F 00\nCMD 00 DD 01 04 01 00",
        "3:1: error: UPDATE RECORD with data objects changes",
    ),
    ("APD 00 A4 00 0C 02 2F 00\nCMD 00 E2 00 00 01 00", "3:1: error: APPEND RECORD changes 3F00/2F00"),
    ("CMD 00 DA 00 6E 01 00", "2:1: error: PUT DATA may change the card, and nothing is declared"),
    ("CMD 80 E2 80 00 01 00", "2:1: error: STORE DATA may change the card, and nothing is declared"),
    ("CMD 80 C2 00 00 02 D1 00", "2:1: error: ENVELOPE may change the card, and nothing is declared"),
    ("CMD A0 C2 00 00 02 D1 00", "2:1: error: ENVELOPE may change the card"),
    ("CMD 00 46 80 00 00", "2:1: error: a command that is not known may change the card"),
    ("VAR A hex\nCMD 80 C2 00 00 lv(${A})", "3:1: error: ENVELOPE may change the card"),
    (
        "EFF destroys 3F00/2F05\nCMD 80 F0 80 FF 00",
        "3:1: error: SET STATUS that locks or ends the card cannot be undone",
    ),
    (
        "EFF destroys 3F00/2F05\nCMD 80 F0 80 7F 00",
        "3:1: error: SET STATUS that locks or ends the card cannot be undone",
    ),
    (
        "CMD 00 20 00 0A 08 3132333435363738",
        "2:1: error: VERIFY presents a key; in a script that is done by VER",
    ),
    ("CMD 00 FE 00 00 00", "2:1: error: TERMINATE CARD USAGE cannot be undone"),
    // What depends on a value that is not known is still looked at by its header.
    (
        "VAR A hex\nCMD 00 D6 00 00 lv(${A}) (9000)",
        "3:1: error: UPDATE BINARY changes a file, which no EFF updates declares",
    ),
    ("VAR A hex\nCMD 00 E4 00 00 lv(${A})", "3:1: error: DELETE FILE destroys, and is not declared"),
    ("VAR A hex\nCMD 00 24 00 01 lv(${A})", "3:1: error: CHANGE PIN presents a key"),
];

#[test]
fn each_check_trips() {
    let plain = PLAIN.iter().map(|(text, is)| ((*text).to_owned(), is));
    let own = OWN.iter().map(|(text, is)| (format!("REM bootgate 1\n{text}"), is));
    let wrong = plain.chain(own).filter_map(|(text, is)| {
        let told = told(&text);
        (!told.iter().any(|line| line.starts_with(is)))
            .then(|| format!("{text:?}\nwanted {is}\ntold {told:#?}"))
    });
    assert_eq!(wrong.collect::<Vec<_>>().join("\n"), "");
    assert!(PLAIN.len() + OWN.len() > 80);
}

/// Annex B declares nothing, so that is asked of whoever runs it.
#[test]
fn what_may_change_the_card_counts_as_a_change() {
    let changes = |text: &str| check(text.as_bytes(), &nothing(), Need::Nothing).changes_card();
    for command in
        ["00 0E 00 00 00", "00 DA 00 6E 01 00", "80 E2 80 00 01 00", "80 C2 00 00 02 D1 00", "00 46 80 00 00"]
    {
        assert!(changes(&format!("CMD {command}")), "{command}");
    }
    assert!(!changes("CMD 00 A4 00 00 02 3F 00\nCMD A0 88 00 00 00\nCMD A0 C0 00 00 02 []"));
}

#[test]
fn another_version_is_not_read_as_this_one() {
    assert_eq!(
        told("REM bootgate 2"),
        ["1:1: error: the script is in version 2 of the superset; this program reads version 1"]
    );
    assert_eq!(told("REM bootgate is a program\nRST"), Vec::<String>::new());
}

#[test]
fn all_problems_come_at_once() {
    let told =
        told("REM bootgate 1\nVAR A hex\nFOO\nCMD 00 A4 0\nCMD 00 A4 00 00 03 01\nOUT \"x\" ${B}\nVER 0A");
    let lines: Vec<_> = told.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(lines, ["2", "3", "4", "5", "6", "7"], "{told:#?}");
}

#[test]
fn what_is_declared_is_sound() {
    for text in [
        "KEY 0A A\nEFF updates 3F00/2F05 by 0A\nVER 0A\nAPD 00 A4 00 0C 02 2F 05 (9000)\nAPD 00 D6 00 00 01 00 (9000)",
        "EFF reads 3F00/2F00\nAPD 00 A4 00 0C 02 2F 00\nAPD 00 B2 01 04 30 [] (9000)\nOUT \"dir\" ${R}",
        "EFF destroys 3F00/7F50\nCMD 00 E4 00 00 02 7F 50",
        "EFF creates 3F00/7F50/* 3F00/7F50\nCMD 00 E0 00 00 0A 62 08 82 02 78 21 83 02 7F 50\nCMD 00 E0 00 00 0A 62 08 82 02 41 21 83 02 50 31",
        // An UPDATE that must be refused changes nothing, so it takes no key.
        "KEY 0A A\nEFF updates 3F00/2F05 by 0A\nAPD 00 A4 00 0C 02 2F 05\nAPD 00 D6 00 00 01 00 (6982)\nVER 0A",
        // A key is changed behind the files that take it, or is one that no file takes, or is what it was.
        "VAR N secret digits\nKEY 0A A\nEFF keys 0A\nEFF updates 3F00/6F07 by 0A\nVER 0A\nPUT 3F00/6F07 01\nCHG 0A ${N}",
        "VAR N secret digits\nKEY 0A A\nPUK 01 P\nEFF keys 01\nEFF updates 3F00/6F07 by 0A\nVER 0A\nUNB 01 ${N}\nPUT 3F00/6F07 01",
        "KEY 01 P\nEFF keys 01\nEFF updates 3F00/6F07 by 01\nENA 01\nPUT 3F00/6F07 01",
        "EFF updates 3F00/2F05\nCMD 80 C2 00 00 02 D1 00",
        "EFF destroys 3F00/2F05\nCMD 80 F0 40 FF 03 4F 01 A0",
        // They change nothing.
        "APD 80 10 00 00 01 FF\nAPD 80 F2 00 00 00 []\nAPD 00 84 00 00 08 []\nAPD A0 FA 00 00 00",
        // Asking for the counter presents nothing.
        "CMD 00 20 00 0A 00 (63 CX)",
        // Another channel, from the first SELECT on it.
        "EFF updates 3F00/2F05\nCMD 00 70 00 00 01 [01]\nCMD 01 A4 00 0C 02 3F 00\nCMD 01 A4 00 0C 02 2F 05\nCMD 01 D6 00 00 01 00\nCMD 00 70 80 01 00",
        // Values that are not known yet.
        "VAR F path\nEFF updates ${F}\nPUT ${F} 01",
        "VAR N digits\nEFF updates 3F00/2F00\nPUT 3F00/2F00 record ${N} 61 00",
        "VAR N hex 0A\nEFF updates 3F00/2F00\nPUT 3F00/2F00 record ${N} 61 00",
        "APD 00 A4 00 04 02 2F 00 00 [62]\nLET SIZE value(value(${R}, 62), 80)\nAST ${SIZE} != 00 00",
    ] {
        assert_eq!(told(&format!("REM bootgate 1\n{text}")), Vec::<String>::new(), "{text}");
    }
}

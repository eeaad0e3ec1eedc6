//! Every kind of problem, and a script that trips it: a kind that is added without one does not compile, or fails here.

#![cfg(test)]

use std::collections::BTreeSet;

use super::{
    checks::{OWN, PLAIN},
    *,
};

/// The kinds by name; a kind that is not listed is no arm of the match.
macro_rules! kinds {
    ($($kind:ident)*) => {
        const KINDS: &[&str] = &[$(stringify!($kind)),*];

        fn name(kind: &ProblemKind) -> &'static str {
            match kind {
                $(ProblemKind::$kind { .. } => stringify!($kind),)*
            }
        }
    };
}

kinds! {
        TooLarge Empty Unfinished Character OpenQuote VariableForm ContinuedRemark UnknownStatement
        NeedsHeader Version Expected OddDigits Wildcard NotClosed StatusWord ManyStatusWords Order TooDeep
        UnknownFunction Arguments KeyReference SecretInClear SwitchSyntax SwitchNotClosed StrayEnd
        SwitchWithoutCommand SwitchEmpty Unreachable ShortHeader Length LongData LongAnswer ProfileLength
        NoPower Terminal UnknownVariable Redeclared NoValue BadValue TypeMismatch Function Unused NoAnswer
        Undeclared UndeclaredRead UnknownFile UndeclaredDestruction NotVerified UndeclaredKey RawKey
        UnguardedKey UndeclaredPuk UndeclaredKeyChange EarlyKeyChange NewKeyInClear NewKey KeyInClear Pattern
        CreateTemplate RecordNumber UndeclaredUnknown
}

/// A script, the values that it is given, and what the line that it is told has in it.
type Told = (String, &'static [(&'static str, &'static str)], &'static str);

/// Scripts that are too long to be written out, and those that need values, with the line that they are told.
fn others() -> Vec<Told> {
    let own = |text: &str| format!("REM bootgate 1\n{text}");
    let octets = |count: usize| "00 ".repeat(count);
    vec![
        ("\n".repeat(MAX_LINES + 1), &[], "the script has more than 20000 lines"),
        ("REM only\n".into(), &[], "1:1: error: nothing in the script does anything"),
        (
            format!("CMD A0 D6 00 00 FF {}", octets(300)),
            &[],
            "1:1: error: data of 300 octets do not fit a command; 255 do",
        ),
        (format!("INI {}", octets(256)), &[], "1:1: error: the profile in INI has 256 octets; 1 to 255 fit"),
        (
            format!("CMD A0 88 00 00 00 ({})", ["90 00"; MAX_STATUS_WORDS + 1].join(", ")),
            &[],
            "1:20: error: more than 32 status words",
        ),
        (
            own(&format!("OUT \"a\" {}01{}", "len(".repeat(MAX_DEPTH + 1), ")".repeat(MAX_DEPTH + 1))),
            &[],
            "functions or branches are nested more than 8 deep",
        ),
        (own("OUT \"a\" double(01)"), &[], "2:9: error: unknown function `double`; expected one of"),
        (own("OUT \"a\" pad(01)"), &[], "pad() takes"),
        (own("OUT \"a\" slice(01, 4, 2)"), &[], "slice(): "),
        (own("OUT \"a\" $A"), &[], "a variable is written ${NAME}"),
        ("REM bootgate 2\nRST\n".into(), &[], "the script is in version 2 of the superset"),
        (own("VAR A hex\nOUT \"a\" ${A}"), &[], "variable `A` has no value; give it with --set A="),
        (
            own("VAR N secret digits\nKEY 01 PIN\nEFF keys 01\nRST\nCHG 01 ${N}"),
            &[("N", "123"), ("PIN", "1234")],
            "6:8: error: the new value of key 01 (PIN1) is 4 to 8 digits",
        ),
    ]
}

#[test]
fn every_kind_is_tripped() {
    let mut tripped = BTreeSet::new();
    let mut note = |problems: &[Problem]| tripped.extend(problems.iter().map(|p| name(&p.kind)));
    for (text, _) in PLAIN {
        note(&check(text.as_bytes(), &nothing(), Need::Nothing).problems);
    }
    for (text, _) in OWN {
        note(&check(format!("REM bootgate 1\n{text}").as_bytes(), &nothing(), Need::Nothing).problems);
    }
    for (text, given, is) in others() {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned().into()));
        let problems = check(text.as_bytes(), &given.collect(), Need::Everything).problems;
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|line| line.contains(is)), "wanted {is}, told {told:#?}");
        note(&problems);
    }
    let missing: Vec<_> = KINDS.iter().filter(|kind| !tripped.contains(*kind)).collect();
    assert!(missing.is_empty(), "no script trips {missing:?}");
}

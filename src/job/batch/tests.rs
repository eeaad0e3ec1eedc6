//! Tables: what is read, what is found wrong, and that nothing they hold is quoted.

use super::*;
use crate::{card::KeyId, profile::Profile, wire::arr::KeyRef};

const GOOD: &str = "iccid,imsi,imei,adm1,pin,allow-once,key\n\
    89490200001234567892,262011234567890,490154203237518,48151623,1234,,unit-1\n\
    \n\
    # a remark\n\
    89490200001234567900,262011234567891,490154203237526,00112233445566FF,,yes,unit-2\n";

fn codes(problems: &[Problem]) -> Vec<(u64, Option<&str>, &str)> {
    problems.iter().map(|p| (p.place.line, p.place.column.as_deref(), p.kind.code())).collect()
}

fn check(text: &str) -> Vec<Problem> {
    read(text.as_bytes(), &Columns::default(), &NoOpener).1
}

fn profile() -> Profile {
    Profile::parse(include_str!("../../../config/profiles/consumer-phone.toml")).unwrap()
}

#[test]
fn rows_are_read_with_their_keys() {
    for text in [GOOD.to_owned(), GOOD.replace(',', ";"), format!("\u{FEFF}{}", GOOD.replace('\n', "\r\n"))] {
        let (batch, problems) = read(text.as_bytes(), &Columns::default(), &NoOpener);
        assert_eq!(problems, [], "{text}");
        assert_eq!(batch.matching, Matching::ByIccid);
        let lines: Vec<u64> = batch.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 5]);
        let references: Vec<KeyId> = batch.rows[0].keys.iter().map(|key| key.id).collect();
        assert_eq!(references, [KeyRef::ADM1.into(), KeyId::Key(KeyRef(1))]);
        assert!(!batch.rows[0].allow_once && batch.rows[1].allow_once);
        let iccid = "89490200001234567900".parse().unwrap();
        let row = batch.rows.iter().find(|row| row.subscriber.iccid.as_ref() == Some(&iccid)).unwrap();
        assert_eq!(row.line, 5);
    }
}

#[test]
fn columns_may_be_called_otherwise() {
    let columns = "ignore = [\"Box\"]\n[columns]\niccid = \"Serial Number\"\nadm1 = \"ADM\"\n";
    let columns = Columns::parse(columns).unwrap();
    let text = "serial number,ADM,box,imei\n89490200001234567892,48151623,17,490154203237518\n";
    let (batch, problems) = read(text.as_bytes(), &columns, &NoOpener);
    assert_eq!((batch.rows.len(), problems.as_slice()), (1, [].as_slice()));

    // A name that was given away, one that is not there, and one that is nearly right.
    let (_, problems) = read(b"iccid,ADM,imie\n1,2,3\n", &columns, &NoOpener);
    let expected = [
        (1, Some("iccid"), "unknown-column"),
        (1, Some("imie"), "unknown-column"),
        (1, Some("serial number"), "absent-column"),
    ];
    assert_eq!(codes(&problems)[..3], expected);
    assert!(problems[1].to_string().contains("did you mean `imei`"), "{}", problems[1]);
    for bad in ["x = 1", "[columns]\nicid = \"a\"", "[columns]\niccid = \"a\"\nimsi = \"A\"", "["] {
        assert!(Columns::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn everything_wrong_is_said_at_once_and_nothing_is_quoted() {
    let text = "iccid,imsi,adm1,pin,allow-once,imsi\n\
        89490200001234567892,262011234567890,48151623,1234,no,\n\
        89490200001234567891,26201,481516234,12345678901,maybe,\n\
        89490200001234567892,262011234567890,48151623,,,\n\
        ,262011234567899,99999999,,,\n\
        1,2,3\n";
    let problems = check(text);
    let expected = [
        (1, Some("imsi"), "doubled-column"),
        (3, Some("iccid"), "cell"),
        (3, Some("imsi"), "cell"),
        (3, Some("adm1"), "cell"),
        (3, Some("pin"), "cell"),
        (3, Some("allow-once"), "cell"),
        (4, Some("iccid"), "duplicate"),
        (4, Some("imsi"), "duplicate"),
        (4, Some("adm1"), "shared-key"),
        (5, Some("iccid"), "no-iccid"),
        (6, None, "cells"),
    ];
    assert_eq!(codes(&problems), expected);
    for problem in &problems {
        let (text, json) = (problem.to_string(), serde_json::to_string(problem).unwrap());
        for secret in ["48151623", "12345678", "26201123", "894902", "maybe"] {
            assert!(!text.contains(secret) && !json.contains(secret), "{text} {json}");
        }
    }
}

#[test]
fn rows_without_cards_go_to_cards_as_they_come() {
    let (batch, problems) = read(b"imei\n490154203237518\n490154203237526\n", &Columns::default(), &NoOpener);
    assert_eq!((batch.matching, batch.rows.len(), problems.len()), (Matching::FirstCome, 2, 0));
}

#[test]
fn what_is_no_table_is_refused() {
    assert_eq!(codes(&check("")), [(1, None, "empty")]);
    assert_eq!(codes(&check("iccid\n")), [(1, None, "empty")]);
    let (_, problems) = read(b"iccid\n8949\n\xFF\n", &Columns::default(), &NoOpener);
    assert_eq!(codes(&problems), [(3, None, "encoding")]);
    let long = format!("imei\n{}\n", "1".repeat(300));
    assert_eq!(codes(&check(&long)), [(2, Some("imei"), "limit")]);
    let wide = format!("{}\n", vec!["imei"; 300].join(","));
    assert!(codes(&check(&wide)).contains(&(1, None, "limit")));
}

#[test]
fn a_row_must_have_what_the_profile_asks_for() {
    let text = "iccid,imei\n89490200001234567892,490154203237518\n89490200001234567900,\n";
    let (batch, mut report) = Report::of_table(text.as_bytes(), &Columns::default());
    report.check_profile(&batch, &profile());
    assert_eq!(codes(&report.problems), [(3, None, "missing-number")]);
    assert!(!report.is_sound());
    assert!(report.problems[0].to_string().contains("{imei}"), "{}", report.problems[0]);
}

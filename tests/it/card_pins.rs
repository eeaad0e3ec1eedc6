//! PINs over a real PC/SC service: a new value, by its PUK too, from a prompt's substitutes or a source of keys; on and off; and
//! nothing of it twice.

use std::{fs, process::Stdio};

use serde_json::Value;

use crate::peers::pcscd::Pcscd;

const ICCID: &str = "89490200001234567892";
/// What the sample card has, and what the tests give it.
const VALUES: [(&str, &str); 5] = [
    ("PIN", "1234"),
    ("NEW_PIN", "71727374"),
    ("OTHER_PIN", "86429753"),
    ("PUK", "31415926"),
    ("WRONG_PUK", "97979797"),
];

/// A station with one card, of that kind.
struct Station {
    pcscd: Pcscd,
    _card: crate::peers::Process,
}

struct Ran {
    exit: Option<i32>,
    out: String,
    err: String,
}

impl Station {
    fn new(personality: &str) -> Self {
        let pcscd = Pcscd::start(1);
        let card = pcscd.insert(0, &["--kind", "pin", "--personality", personality, "--iccid", ICCID]);
        Self { pcscd, _card: card }
    }

    fn card(&self, action: &str, more: &[&str]) -> Ran {
        let mut command = self.pcscd.client(std::path::Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args(["card", action, "-r", &Pcscd::reader(0)]).args(more).envs(VALUES);
        command.env("BOOTGATE_STORE_PATH", self.pcscd.folder().join("store.db")).env("BOOTGATE_LOG", "trace");
        let ran = command.stdin(Stdio::null()).output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        let ran = Ran { exit: ran.status.code(), out: text(ran.stdout), err: text(ran.stderr) };
        // Four digits stand by chance in a time.
        for (_, value) in VALUES.iter().filter(|(_, value)| value.len() == 8) {
            let octets: String = value.bytes().map(|octet| format!("{octet:02X}")).collect();
            for form in [*value, &octets] {
                let said = format!("{}{}", ran.out, ran.err);
                assert!(!said.contains(form), "{form}: {said}");
            }
        }
        ran
    }

    fn clear(&self) {
        assert_eq!(self.card("clear-refusal", &[]).exit, Some(0));
    }
}

#[test]
fn a_pin_is_changed_and_unblocked_on_cards_of_both_classes() {
    for personality in ["uicc", "sim"] {
        let station = Station::new(personality);
        let planned =
            station.card("change-pin", &["--pin", "env:PIN", "--new-pin", "env:NEW_PIN", "--dry-run"]);
        assert_eq!(planned.exit, Some(0), "{}", planned.err);
        assert!(planned.out.contains("gets a new value; it has 3 tries left"), "{}", planned.out);
        // Nobody is there to be asked.
        let unasked = station.card("change-pin", &["--pin", "env:PIN", "--new-pin", "env:NEW_PIN"]);
        assert_eq!(unasked.exit, Some(2), "{}", unasked.err);

        let change = ["--pin", "env:PIN", "--new-pin", "env:NEW_PIN", "--yes"];
        let changed = station.card("change-pin", &change);
        assert_eq!(
            (changed.exit, changed.out.contains("has its new value")),
            (Some(0), true),
            "{}",
            changed.err
        );
        // It is the old one now: refused once, and said so; then not sent any more.
        let wrong = station.card("change-pin", &change);
        assert_eq!(wrong.exit, Some(77), "{}", wrong.out);
        assert!(
            wrong.err.contains("2 tries are left") && wrong.err.contains("clear-refusal"),
            "{}",
            wrong.err
        );
        let again = station.card("change-pin", &["--pin", "env:NEW_PIN", "--new-pin", "env:PIN", "--yes"]);
        assert!(again.exit == Some(77) && again.err.contains("refused by card"), "{}", again.err);
        let unblock = ["--puk", "env:PUK", "--new-pin", "env:OTHER_PIN", "--yes", "--format", "json"];
        let unblocked = station.card("unblock", &unblock);
        assert_eq!(unblocked.exit, Some(0), "{}", unblocked.err);
        let json: Value = serde_json::from_str(&unblocked.out).unwrap();
        assert_eq!(
            (&json["change"], &json["result"], &json["tries_left"], &json["card"]),
            (&"unblock".into(), &"done".into(), &10.into(), &ICCID.into())
        );
        let inspected = station.card("inspect", &["--pin", "env:OTHER_PIN"]);
        assert_eq!(inspected.exit, Some(0), "{}", inspected.err);

        let wrong = station.card("unblock", &["--puk", "env:WRONG_PUK", "--new-pin", "env:PIN", "--yes"]);
        assert!(wrong.exit == Some(77) && wrong.err.contains("9 tries are left"), "{}", wrong.err);
        let again = station.card("unblock", &["--puk", "env:PUK", "--new-pin", "env:PIN", "--yes"]);
        assert!(again.exit == Some(77) && again.err.contains("clear-refusal"), "{}", again.err);
        station.clear();
        let done = station.card("unblock", &["--puk", "env:PUK", "--new-pin", "env:PIN", "--yes"]);
        assert_eq!(done.exit, Some(0), "{}", done.err);

        let off = station.card("disable-pin", &["--pin", "env:PIN", "--yes"]);
        assert!(off.out.contains("is switched off"), "{}{}", off.out, off.err);
        let off = station.card("disable-pin", &["--pin", "env:NEW_PIN", "--yes"]);
        assert!(off.out.contains("was so already"), "{}{}", off.out, off.err);
        let on = station.card("enable-pin", &["--pin", "env:PIN", "--yes"]);
        if personality == "sim" {
            assert_eq!(on.exit, Some(0), "{}", on.err);
        } else {
            // A UICC does not tell the counter of a PIN that is off.
            assert!(on.exit == Some(77) && on.err.contains("does not tell"), "{}", on.err);
        }
    }
}

#[test]
fn a_puk_comes_from_a_table_and_what_is_missing_is_named() {
    let station = Station::new("uicc");
    let write = |name: &str, text: &str| fs::write(station.pcscd.folder().join(name), text).unwrap();
    write("keys.csv", &format!("iccid,puk1,adm1\n{ICCID},31415926,12345678\n"));
    write("others.csv", "iccid,adm1\n89490200001234567900,12345678\n");
    let unblock = |keys: &[&str]| {
        let mut args = vec!["--new-pin", "env:NEW_PIN", "--yes"];
        keys.iter().for_each(|keys| args.extend(["--keys", *keys]));
        station.card("unblock", &args)
    };
    let missing = unblock(&["csv:others.csv", "env:KEYS"]);
    assert_eq!(missing.exit, Some(77), "{}", missing.err);
    for place in
        ["column puk1 of table others.csv, which has no row", "variable KEYS_89490200001234567892_PUK1"]
    {
        assert!(missing.err.contains(place), "{place}: {}", missing.err);
    }
    let missing = unblock(&[]);
    assert!(missing.err.contains("--keys SOURCE"), "{}", missing.err);
    let done = unblock(&["csv:keys.csv"]);
    assert_eq!(done.exit, Some(0), "{}", done.err);
    let changed = station.card("change-pin", &["--pin", "env:NEW_PIN", "--new-pin", "env:PIN", "--yes"]);
    assert_eq!(changed.exit, Some(0), "{}", changed.err);
    // Neither a PIN nor a PUK stands on the command line, and neither is repeated.
    let clear = station.card("unblock", &["--puk", "env:PIN", "--new-pin", "env:NEW_PIN", "--yes"]);
    assert!(clear.exit == Some(2) && clear.err.contains("a PUK has 8 digits"), "{}", clear.err);
}

/// The PIN in the table is wrong: if it is presented, the card refuses it, and has a try less.
#[test]
fn a_pin_of_a_table_is_not_presented_before_somebody_agrees_nor_by_a_dry_run() {
    let station = Station::new("uicc");
    let write = |name: &str, text: &str| fs::write(station.pcscd.folder().join(name), text).unwrap();
    write("keys.csv", &format!("iccid,pin,adm1\n{ICCID},9753,12345678\n"));
    write("saved.bin", "\u{3}\u{b}\u{6a}\u{0}");
    let keys = ["--keys", "csv:keys.csv"];
    let tries = || {
        let look = ["--pin", "env:PIN", "--new-pin", "env:NEW_PIN", "--dry-run", "--format", "json"];
        let looked = station.card("change-pin", &look);
        serde_json::from_str::<Value>(&looked.out).unwrap()["tries_left"].clone()
    };
    for action in [&["erase"][..], &["restore", "--as", "cp", "saved.bin"]] {
        let run = |more: &[&str]| station.card(action[0], &[&action[1..], &keys[..], more].concat());
        let dry = run(&["--dry-run"]);
        assert!(!dry.err.contains("refused key"), "{}", dry.err);
        // Nobody is there to be asked.
        let unasked = run(&[]);
        assert!(unasked.exit == Some(2) && unasked.err.contains("--yes"), "{}", unasked.err);
        assert_eq!(tries(), 3, "{action:?}");
        // Who types a PIN has asked for it, as with `card plan`.
        let told = run(&["--pin", "env:PIN", "--dry-run"]);
        assert_eq!(told.exit, Some(0), "{}", told.err);
    }
    // Agreed, it is presented, once.
    let agreed = station.card("erase", &[&keys[..], &["--yes"]].concat());
    assert!(agreed.exit == Some(77) && agreed.err.contains("2 tries are left"), "{}", agreed.err);
}

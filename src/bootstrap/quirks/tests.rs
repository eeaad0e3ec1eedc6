//! Every rule must be able to fire, and be silent where it should.

#![cfg(test)]

use super::*;
use crate::wire::{
    Syntax,
    prov::ProvDoc,
    syncml::{Command, Message},
    wsp::{Presented, Sec as SecNumber},
};

const CONSUMER: &str = include_str!("../../../config/profiles/consumer-phone.toml");
const IOT: &str = include_str!("../../../config/profiles/iot-module.toml");

/// Documents that break rules, as XML between the root's tags; the rules that must fire on each, and no other.
const BROKEN: &[(&str, &[&str])] = &[
    (
        "<c BOOTSTRAP><p NAME=x/><p PROVURL=http://a-host-with-a-name-that-is-much-too-long.example/x/></c>",
        &["prov-url-length-50"],
    ),
    (
        "<c BOOTSTRAP><p PROVURL=http://a.example/1/></c><c BOOTSTRAP><p PROVURL=http://A.example:80/2/></c>",
        &["prov-url-unique"],
    ),
    ("<c BOOTSTRAP><p PROVURL=https://a.example//></c>", &["prov-url-http"]),
    ("<c BOOTSTRAP><p NETWORK=01/><p PROVURL=http://a//></c>", &["bootstrap-network-needs-country"]),
    ("<c BOOTSTRAP><p NAME=a/></c>", &["bootstrap-prov-url-present"]),
    ("<c APPLICATION><p NAME=x/><p APPID=w2/></c>", &["app-id-first"]),
    (
        "<c APPLICATION><p APPID=w7/><p PROVIDER-ID=x/><c APPADDR><p ADDR=https://a:443//></c><c APPAUTH><p AAUTHNAME=n/><p AAUTHLEVEL=APPSRV/></c><c APPAUTH><p AAUTHLEVEL=CLIENT/></c></c>",
        &["auth-level-before-name", "levels-reversed"],
    ),
    (
        "<c APPLICATION><p APPID=w7/><p PROVIDER-ID=x/><c APPADDR><p ADDR=https://a/x/></c></c>",
        &["port-in-address", "both-levels", "client-level"],
    ),
    (
        "<c APPLICATION><p APPID=w7/><p PROVIDER-ID=x/><c APPADDR><p ADDR=https://a:1/x/><c PORT><p PORTNBR=1/></c></c><c APPAUTH><p AAUTHLEVEL=APPSRV/></c></c>",
        &["no-port-beside-address", "both-levels", "auth-name-present", "levels-reversed"],
    ),
    (
        "<c APPLICATION><p APPID=w7/><p PROVIDER-ID=x/><p ADDR=http://a:1//><c APPADDR><p ADDR=http://a:1//></c><p INIT/></c>",
        &["one-address", "no-init-in-enrolment", "both-levels", "client-level"],
    ),
    ("<c APPLICATION><p APPID=w4/></c>", &["an-address"]),
    ("<c APPLICATION><p APPID=ap2001/></c>", &["an-address-always"]),
    (
        "<c APPLICATION><p APPID=w7/><p PROVIDER-ID=/><p ADDR=http://a:1//><p TO-NAPID=a/><p TO-PROXY=b/><c APPAUTH><p AAUTHLEVEL=CLIENT/><p AAUTHTYPE=BASIC/><p AAUTHDATA=AA==/></c></c>",
        &["provider-id-present", "one-link", "client-level", "server-digest", "nonce-raw", "levels-reversed"],
    ),
    ("<c NAPDEF><p NAPID=a/><p NAP-ADDRESS=x/><p BEARER=GSM-GPRS/></c>", &["nap-address-type-present"]),
    (
        "<c NAPDEF><p NAP-ADDRESS=APN/><p NAP-ADDRTYPE=net.example/><p BEARER=GSM-GPRS/></c>",
        &["nap-address-not-a-type", "nap-address-type-word"],
    ),
    ("<c NAPDEF><p NAP-ADDRESS=x/><p NAP-ADDRTYPE=APN/></c>", &["nap-bearer-present"]),
    ("<c NAPDEF><p NAP-ADDRTYPE=APN/><p BEARER=WLAN/></c>", &["nap-bearer-gsm"]),
    (
        "<c NAPDEF><p NAP-ADDRTYPE=APN/><p BEARER=GSM-CSD/><c VALIDITY><p NETWORK=1/><p SID=1/></c></c>",
        &["validity-network-needs-country", "validity-sid-needs-soc"],
    ),
    (
        "<c PXLOGICAL><p DOMAIN=a/><p DOMAIN=b/><p DOMAIN=c/><p DOMAIN=d/><p DOMAIN=e/><c PXPHYSICAL><p TO-NAPID=nowhere/></c></c>",
        &["domains-4", "physical-proxy-reachable"],
    ),
    ("<c VENDORCONFIG><p NAME=x/></c>", &["no-vendor-config"]),
    ("<c ACCESS><p RULE=a\nb/></c>", &["no-control-characters"]),
];

/// A document out of the short form above: `<c TYPE>`, `<p NAME=VALUE/>` (a value ends at the last `/>` of its tag).
fn document(short: &str, version: Option<&str>) -> ProvDoc {
    fn fill(rest: &mut &str, into: &mut Vec<crate::wire::prov::Item>) {
        use crate::wire::prov::{Characteristic, Item, Parm};
        loop {
            if let Some(tail) = rest.strip_prefix("</c>") {
                *rest = tail;
                return;
            }
            if let Some(tail) = rest.strip_prefix("<c ") {
                let (kind, tail) = tail.split_once('>').unwrap();
                *rest = tail;
                let mut c = Characteristic::new(kind);
                fill(rest, &mut c.items);
                into.push(Item::Characteristic(c));
            } else if let Some(tail) = rest.strip_prefix("<p ") {
                let end = tail.find("/><").unwrap_or(tail.len() - 2);
                let end = end + usize::from(tail[end..].starts_with("//>"));
                let (name, value) = match tail[..end].split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (&tail[..end], None),
                };
                into.push(Item::Parm(Parm { name: name.into(), value }));
                *rest = &tail[end + 2..];
            } else {
                assert_eq!(*rest, "");
                return;
            }
        }
    }
    let mut items = Vec::new();
    fill(&mut &*short, &mut items);
    let characteristics = items
        .into_iter()
        .map(|i| match i {
            crate::wire::prov::Item::Characteristic(c) => c,
            crate::wire::prov::Item::Parm(_) => panic!("a parameter at the root"),
        })
        .collect();
    ProvDoc { version: version.map(str::to_owned), characteristics }
}

fn subject(document: &ProvDoc, sec: Sec) -> Subject {
    Subject::new(&document.encode(Syntax::Wbxml).unwrap(), sec).unwrap()
}

/// The rules that fire, each once, whether or not they are asked for.
fn fired(quirks: &Quirks, subjects: &[Subject]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for rule in quirks.rules() {
        if !apply::breaches(&rule.check, &[], subjects).is_empty() {
            out.push(rule.id.clone());
        }
    }
    out
}

/// What a rule about a lonely BOOTSTRAP says of every document that has none is not what the others are about.
fn without(mut rules: Vec<String>, expected: &[&str]) -> Vec<String> {
    rules.retain(|r| expected.contains(&r.as_str()) || !matches!(r.as_str(), "prov-url-present"));
    rules
}

#[test]
fn every_rule_can_fire_and_no_other_does() {
    let quirks = Quirks::builtin().unwrap();
    let mut seen: Vec<String> = Vec::new();
    let mut check = |subjects: &[Subject], expected: &[&str]| {
        let got = without(fired(&quirks, subjects), expected);
        let mut wanted: Vec<String> = expected.iter().map(|e| (*e).to_owned()).collect();
        wanted.sort();
        let mut sorted = got.clone();
        sorted.sort();
        assert_eq!(sorted, wanted);
        seen.extend(got);
    };
    for (short, expected) in BROKEN {
        check(&[subject(&document(short, Some("1.0")), Sec::NotSaid)], expected);
    }
    let long = |n: usize| "x".repeat(n);
    for (short, expected) in [
        (
            format!("<c BOOTSTRAP><p PROVURL=http://{}.example/></c>", long(250)),
            &["prov-url-length-50", "prov-url-length-256", "card-file-256"][..],
        ),
        (
            format!(
                "<c APPLICATION><p APPID=w7/><p PROVIDER-ID={}/><p NAME={}/><p ADDR=http://a:1//><c APPAUTH><p AAUTHLEVEL=CLIENT/><p AAUTHTYPE=DIGEST/><p AAUTHNAME={}/><p AAUTHSECRET={}/></c></c>",
                long(151),
                long(129),
                long(101),
                long(51)
            ),
            &[
                "ids-length-128",
                "card-file-256",
                "provider-id-length-150",
                "account-name-length-100",
                "auth-name-length-100",
                "auth-secret-length-50",
                "client-level",
                "levels-reversed",
            ],
        ),
        (format!("<c ACCESS><p RULE={}/></c>", long(300)), &["card-file-256"]),
    ] {
        check(&[subject(&document(&short, None), Sec::NotSaid)], expected);
    }
    let empty = |version, sec| subject(&document("", version), sec);
    check(&[empty(None, Sec::NotSaid)], &["prov-url-present"]);
    check(&[empty(Some("2.0"), Sec::NotSaid)], &["document-version-1", "document-version-1-0"]);
    check(&[empty(Some("1.1"), Sec::NotSaid)], &["document-version-1-0"]);
    check(&[empty(None, Sec::Pushed(None))], &["push-without-sec"]);
    check(
        &[empty(None, Sec::Planned(crate::profile::SecurityMethod::UserPinMac))],
        &["push-without-userpinmac"],
    );
    let presented = Presented { sec: Some(SecNumber(2)), mac: Some("d0117c38da".repeat(4)) };
    check(&[empty(None, Sec::Pushed(Some(presented)))], &["push-without-usernetwpin", "mac-upper-case"]);

    // The messages of DM: one of ours, and the same with what is refused.
    let profile = crate::profile::Profile::parse(IOT).unwrap();
    let subjects = subjects(&profile).unwrap();
    let Some(Subject { octets, .. }) = subjects.get(1) else { panic!("no DM payload") };
    let message = Message::decode(Syntax::Wbxml, octets).unwrap();
    let ours = without(fired(&quirks, &[Subject::new(octets, Sec::NotSaid).unwrap()]), &[]);
    assert_eq!(ours, ["card-file-256", "nonce-bin"]);
    let mut broken = message;
    let Some(Command::Operation(first)) = broken.commands.first_mut() else { panic!("no Add") };
    first.cmd_id = "7".into();
    for item in &mut first.items {
        let nonce = item.target.as_ref().unwrap().uri.ends_with("/AAuthData");
        if nonce {
            item.meta.as_mut().unwrap().format = Some("bin".into());
        }
    }
    check(
        &[Subject::new(&broken.encode(Syntax::Wbxml).unwrap(), Sec::NotSaid).unwrap()],
        &["first-add-cmd-id-1", "nonce-chr", "card-file-256"],
    );
    let table =
        [&[0x02, 0x00, 0x00, 0x6A, 0x1D][..], b"-//SYNCML//DTD SyncML 1.2//EN", octets.get(5..).unwrap()];
    let table = table.concat();
    let fired_on_table = fired(&quirks, &[Subject::new(&table, Sec::NotSaid).unwrap()]);
    assert!(fired_on_table.contains(&"no-string-table".to_owned()), "{fired_on_table:?}");
    seen.extend(fired_on_table);

    let silent: Vec<&str> =
        quirks.rules().iter().map(|r| r.id.as_str()).filter(|r| !seen.iter().any(|s| s == r)).collect();
    assert!(silent.is_empty(), "rules that nothing here breaks: {silent:?}");
}

#[test]
fn shipped_profiles_break_no_rule_that_always_holds() {
    let quirks = Quirks::builtin().unwrap();
    for text in [CONSUMER, IOT] {
        let profile = crate::profile::Profile::parse(text).unwrap();
        let found = quirks.apply(&[], &subjects(&profile).unwrap(), None);
        assert_eq!(found, [], "{}", profile.name);
    }
}

#[test]
fn every_placeholder_is_filled_in() {
    let text = CONSUMER.replace("{imei}", "{imei}{imsi}{iccid}{msisdn}");
    assert_ne!(text, CONSUMER);
    let profile = crate::profile::Profile::parse(&text).unwrap();
    assert_eq!(subjects(&profile).unwrap().len(), 2);
}

#[test]
fn a_prov_url_belongs_to_one_profile_of_a_run() {
    let quirks = Quirks::builtin().unwrap();
    let first = document("<c BOOTSTRAP><p PROVURL=http://a.example/1/></c>", None);
    let second = document("<c BOOTSTRAP><p PROVURL=https://a.example/2/></c>", None);
    let (first, second) = (subject(&first, Sec::NotSaid), subject(&second, Sec::NotSaid));
    assert_eq!(quirks.apply(&[], std::slice::from_ref(&second), None), []);
    let found = quirks.apply(&[first], &[second], None);
    assert_eq!(found.iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["prov-url-unique"]);
    assert_eq!(found[0].path, "bootstrap.prov-url");
}

#[test]
fn a_family_is_told_what_it_breaks_on() {
    let quirks = Quirks::builtin().unwrap();
    let profile = crate::profile::Profile::parse(CONSUMER).unwrap();
    let subjects = subjects(&profile).unwrap();
    for (model, expected) in [
        ("symbian", &["bootstrap-prov-url-present", "nonce-raw", "nonce-raw"][..]),
        ("nokia s60", &["bootstrap-prov-url-present", "nonce-raw", "nonce-raw"]),
        ("intel-cpclient", &[]),
        ("windows-mdm", &["no-init-in-enrolment"]),
        ("firefox-os", &[]),
        ("netcomm", &["levels-reversed", "levels-reversed", "push-without-usernetwpin"]),
        ("motorola", &[]),
        ("libdmclient", &["nonce-bin", "nonce-bin"]),
        ("nRF9160", &["card-file-256", "card-file-256"]),
    ] {
        let family = quirks.family(model).unwrap();
        let found: Vec<String> =
            quirks.apply(&[], &subjects, Some(family)).into_iter().map(|f| f.rule).collect();
        assert_eq!(found, expected, "{model}");
    }
    assert!(quirks.family("no such phone").is_none());
}

#[test]
fn a_finding_knows_its_place_in_the_profile() {
    let quirks = Quirks::builtin().unwrap();
    let text = CONSUMER.replace(
        "secret = \"generate\" }\nserver",
        &format!("secret = {{ plain = \"{}\" }} }}\nserver", "s".repeat(51)),
    );
    let profile = crate::profile::Profile::parse(&text).unwrap();
    let found = quirks.apply(&[], &subjects(&profile).unwrap(), None);
    let [only] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (only.rule.as_str(), only.path.as_str()),
        ("auth-secret-length-50", "dm-account.client-auth.secret")
    );
    assert_eq!(only.place, "APPLICATION=w7/APPAUTH=APPSRV/AAUTHSECRET");
    assert_eq!(only.severity, Severity::Warning);
    assert_eq!(only.what, "AAUTHSECRET has 51 characters; at most 50 are taken");
    let text = format!(
        "{CONSUMER}\n[[dm-account.further-auth]]\nlevel = \"client\"\ntype = \"X509\"\n[[dm-account.further-auth]]\nlevel = \"client\"\ntype = \"HMAC\"\nname = \"n\"\nsecret = {{ plain = \"{}\" }}\n",
        "s".repeat(51)
    );
    let further = crate::profile::Profile::parse(&text).unwrap();
    let found = quirks.apply(&[], &subjects(&further).unwrap(), None);
    let places: Vec<_> = found.iter().map(|f| (f.rule.as_str(), f.path.as_str())).collect();
    assert_eq!(
        places,
        [
            ("auth-secret-length-50", "dm-account.further-auth[1].secret"),
            ("auth-name-present", "dm-account.further-auth[0]"),
        ]
    );
    let family = quirks.family("symbian").unwrap();
    let found = quirks.apply(&[], &subjects(&profile).unwrap(), Some(family));
    assert!(found.iter().any(|f| f.rule == "auth-secret-length-50" && f.severity == Severity::Error));
}

#[test]
fn a_file_with_unknown_words_is_refused() {
    const FAMILY: &str = "[[family]]\nid = \"f\"\ntitle = \"t\"\n";
    let rule = |id: &str, extra: &str, check: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\nrefuses = \"r\"\nadvice = \"a\"\nsource = \"s\"\nconfidence = \"read\"\nfamilies = [\"f\"]\nseverity = \"error\"\nwhen = \"always\"\n{extra}check = {check}\n"
        )
    };
    let good = "{ kind = \"mac-upper-case\" }";
    assert!(Quirks::parse(&format!("{FAMILY}{}", rule("x", "", good))).is_ok());
    for (text, expected) in [
        (format!("{FAMILY}{}", rule("x", "colour = 1\n", good)), "unknown field `colour`"),
        (
            format!("{FAMILY}{}", rule("x", "", "{ kind = \"mac-upper-case\", max = 1 }")),
            "unknown field `max`",
        ),
        (format!("{FAMILY}{}", rule("x", "", "{ kind = \"lower-case\" }")), "unknown variant `lower-case`"),
        (
            format!("{FAMILY}{}", rule("x", "", "{ kind = \"max-octets\", max = 1, min = 2 }")),
            "unknown field `min`",
        ),
        (format!("{FAMILY}colour = 1\n{}", rule("x", "", good)), "unknown field `colour`"),
        (format!("{FAMILY}{}{}", rule("x", "", good), rule("x", "", good)), "`x` stands twice"),
        (rule("x", "", good), "missing field `family`"),
        (
            format!("{FAMILY}{}", rule("x", "", good).replace("[\"f\"]", "[\"g\"]")),
            "names the family `g`, which is not listed",
        ),
    ] {
        let error = Quirks::parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "expected {expected}: {error}");
    }
}

#[test]
fn a_device_has_the_family_of_its_type_allocation_code() {
    let quirks = Quirks::builtin().unwrap();
    let imei = "490154203237518".parse().unwrap();
    let table =
        TacTable::parse("TAC,family\n# ours\n49015420, symbian\n\"35999999\",\"nRF91\"\n", &quirks).unwrap();
    assert_eq!((table.len(), table.family(&imei)), (2, Some("symbian")));
    assert_eq!(TacTable::default().family(&imei), None);
    for (text, expected) in [
        ("49015420", TacError::Columns { line: 1 }),
        ("\n4901542,symbian", TacError::Tac { line: 2 }),
        ("49015420,symbian\n49015420,motorola", TacError::Doubled { line: 2 }),
    ] {
        assert_eq!(TacTable::parse(text, &quirks), Err(expected));
    }
    let error = TacTable::parse("49015420,nokia", &quirks).unwrap_err().to_string();
    assert!(error.starts_with("line 1: unknown family \"nokia\"; expected one of symbian, "), "{error}");
}

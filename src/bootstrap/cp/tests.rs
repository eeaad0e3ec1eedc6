//! Documents of others and ours.

use proptest::prelude::*;

use super::*;
use crate::{
    bootstrap::{PayloadKind, build, read_noting, tests},
    profile::{Bearer, Link, NapAddressType},
    wire::{
        prov::{Characteristic, Item, ProvDoc},
        vectors,
    },
};

fn reading(document: &ProvDoc) -> Reading {
    read(&document.encode(Syntax::Wbxml).unwrap()).unwrap()
}

#[test]
fn documents_of_others_are_read_and_written_again() {
    let Some(folder) = vectors::folder("cp") else { return };
    let (mut count, mut naps, mut proxies, mut accounts, mut applications) = (0, 0, 0, 0, 0);
    for name in vectors::names(&folder, "xml") {
        let octets = vectors::read(&folder, &name, "wbxml");
        let found = read(&octets).unwrap_or_else(|e| panic!("{name}: {e}")).settings;
        let again = build(&found, PayloadKind::Cp).unwrap();
        assert_eq!(
            read(&again.octets).unwrap(),
            Reading { settings: found.clone(), ignored: vec![] },
            "{name}"
        );
        count += 1;
        naps += found.naps.len();
        proxies += found.proxies.len();
        accounts += usize::from(found.dm_account.is_some());
        applications += found.applications.len();
    }
    assert_eq!((count, naps, proxies, accounts, applications), (24, 20, 10, 4, 12));
}

/// All parameters of a document by path, sorted: what is left of the order is that of values of one name. Between names
/// and types no order is kept, because none has a meaning but that APPID stands first.
fn facts(document: &ProvDoc) -> Vec<String> {
    fn walk(path: &str, c: &Characteristic, out: &mut Vec<String>) {
        let mut seen: Vec<&str> = Vec::new();
        if c.items.is_empty() {
            out.push(format!("{path}: empty"));
        }
        for item in &c.items {
            match item {
                Item::Parm(p) => {
                    let nth =
                        c.parms().take_while(|q| !std::ptr::eq(*q, p)).filter(|q| q.name == p.name).count();
                    out.push(format!("{path}{}[{}] = {:?}", p.name, nth + 1, p.value));
                }
                Item::Characteristic(inner) => {
                    seen.push(&inner.kind);
                    let nth = seen.iter().filter(|k| **k == inner.kind).count();
                    walk(&format!("{path}{}[{nth}]/", inner.kind), inner, out);
                }
            }
        }
    }
    // A w7 is written before the other applications, so kinds are told apart here.
    let root = Characteristic {
        kind: String::new(),
        items: document
            .characteristics
            .iter()
            .map(|c| {
                let kind = [c.kind.as_str(), c.value("APPID").unwrap_or("")].join(" ").trim_end().to_owned();
                Item::Characteristic(Characteristic { kind, items: c.items.clone() })
            })
            .collect(),
    };
    let mut out = vec![format!("version = {:?}", document.version)];
    walk("", &root, &mut out);
    out.sort();
    out
}

/// `cp-round-trip.txt` says what reading and writing changes in documents of others: `-` gone, `+` new. Nothing else
/// changes: a version that is not one is 1.0, a w7 has its port in the URL, a default type is written out, a bearer that
/// no document defines and an ACCESS without a rule are not there.
#[test]
fn nothing_but_the_named_differences_is_lost_of_documents_of_others() {
    let Some(folder) = vectors::folder("cp") else { return };
    let (mut count, mut found) = (0, String::new());
    for name in vectors::names(&folder, "xml") {
        let theirs = ProvDoc::decode(Syntax::Wbxml, &vectors::read(&folder, &name, "wbxml")).unwrap();
        let settings = read::settings(&theirs).unwrap().settings;
        let ours =
            ProvDoc::decode(Syntax::Wbxml, &build(&settings, PayloadKind::Cp).unwrap().octets).unwrap();
        let (theirs, ours) = (facts(&theirs), facts(&ours));
        let gone = theirs.iter().filter(|f| !ours.contains(f)).map(|f| format!("{name} - {f}\n"));
        let new = ours.iter().filter(|f| !theirs.contains(f)).map(|f| format!("{name} + {f}\n"));
        found.extend(gone.chain(new));
        count += 1;
    }
    assert_eq!(count, 24);
    tests::golden("cp-round-trip.txt", &found);
}

#[test]
fn a_document_for_internet_and_messages_is_understood() {
    let Some(folder) = vectors::folder("cp") else { return };
    let found = read(&vectors::read(&folder, "cpclient-internetmms", "wbxml")).unwrap();
    assert!(found.ignored.is_empty(), "{:?}", found.ignored);
    let [nap] = found.settings.naps.as_slice() else { panic!() };
    assert_eq!((nap.id.as_str(), nap.internet, nap.address_type), ("nd1", true, NapAddressType::Apn));
    assert_eq!(nap.bearers, [Bearer::GsmGprs]);
    assert_eq!(found.settings.proxies[0].physical[0].connect_via, [Link::Nap("nd1".into())]);
    assert_eq!(found.settings.applications[0].connect_via, [Link::Proxy("logical".into())]);
}

#[test]
fn a_port_beside_the_url_is_put_into_it() {
    let Some(folder) = vectors::folder("cp") else { return };
    let found = read(&vectors::read(&folder, "cpclient-omadm", "wbxml")).unwrap();
    let account = found.settings.dm_account.unwrap();
    assert_eq!(account.address, "http://127.0.0.1:8080/dm");
    assert_eq!(account.credentials.client.name, "username");
    assert_eq!(account.credentials.server.secret.expose(), "password");
}

/// A w7 application with one level of authentication for each entry.
fn w7(levels: &[&str]) -> Characteristic {
    let mut c = Characteristic::new("APPLICATION")
        .with("APPID", "w7")
        .with("PROVIDER-ID", "srv")
        .with("ADDR", "http://a.example/");
    for level in levels {
        c = c.with_characteristic(
            Characteristic::new("APPAUTH")
                .with("AAUTHLEVEL", *level)
                .with("AAUTHTYPE", "BASIC,DIGEST")
                .with("AAUTHNAME", "name")
                .with("AAUTHSECRET", "secret")
                .with("AAUTHDATA", "not base64!"),
        );
    }
    c
}

#[test]
fn what_is_skipped_is_named_and_no_value_is_repeated() {
    let nap = |c: Characteristic| c.with("NAPID", "n").with("NAME", "N").with("NAP-ADDRESS", "a");
    for (c, expected) in [
        (Characteristic::new("VERS").with("version", "hidden"), "VERS[1]: not a part of the settings"),
        (Characteristic::new("ACCESS"), "ACCESS[1]: has no RULE"),
        (Characteristic::new("VENDORCONFIG").with("X", "hidden"), "VENDORCONFIG[1]: has no NAME"),
        (Characteristic::new("NAPDEF").with("NAPID", "hidden"), "NAPDEF[1]: has no NAME"),
        (
            nap(Characteristic::new("NAPDEF")).with("BEARER", "hidden"),
            "NAPDEF[1]: BEARER has a value that is not known",
        ),
        (
            nap(Characteristic::new("NAPDEF")).with("FOO", "hidden"),
            "NAPDEF[1]: FOO is not a part of the settings",
        ),
        (
            nap(Characteristic::new("NAPDEF")).with_characteristic(Characteristic::new("NAPAUTHINFO")),
            "NAPDEF[1]/NAPAUTHINFO[1]: has no AUTHTYPE",
        ),
        (
            Characteristic::new("PXLOGICAL").with("PROXY-ID", "hidden").with("NAME", "N"),
            "PXLOGICAL[1]: has no PXPHYSICAL",
        ),
        (Characteristic::new("APPLICATION").with("NAME", "hidden"), "APPLICATION[1]: has no APPID"),
        (
            w7(&["APPSRV"]),
            "APPLICATION[1]: the DM account lacks an APPAUTH of level APPSRV or CLIENT with DIGEST or BASIC, AAUTHNAME and AAUTHSECRET",
        ),
        (
            w7(&["APPSRV", "CLIENT", "OBEX"]),
            "APPLICATION[1]/APPAUTH[3]: AAUTHTYPE has a type that is not known at its AAUTHLEVEL",
        ),
        (
            w7(&["APPSRV", "CLIENT", "PROXY"]),
            "APPLICATION[1]/APPAUTH[3]: its AAUTHLEVEL is not APPSRV, CLIENT or OBEX",
        ),
        (
            w7(&["APPSRV", "CLIENT"])
                .with_characteristic(Characteristic::new("APPADDR").with("ADDR", "http://b.example/")),
            "APPLICATION[1]/APPADDR[1]: another address of the account; the first counts",
        ),
        (
            w7(&["APPSRV", "CLIENT", "CLIENT"]),
            "APPLICATION[1]/APPAUTH[3]: its AAUTHLEVEL has its AAUTHTYPE more than once; only one counts",
        ),
    ] {
        let found = reading(&ProvDoc { version: None, characteristics: vec![c] });
        assert_eq!(found.ignored, [expected]);
    }
}

#[test]
fn the_stronger_of_two_types_and_a_raw_nonce_are_taken() {
    let found = reading(&ProvDoc { version: None, characteristics: vec![w7(&["CLIENT", "APPSRV"])] });
    let account = found.settings.dm_account.unwrap();
    let client = account.credentials.client;
    assert_eq!(client.scheme.as_str(), "DIGEST");
    let further: Vec<String> = account.further_auth.iter().map(|f| f.way.to_string()).collect();
    assert_eq!(further, ["server BASIC", "client BASIC"], "the other one of each list");
    assert_eq!(client.nonce, b"not base64!");
}

#[test]
fn another_version_is_refused() {
    let document = |version: &str| ProvDoc { version: Some(version.into()), characteristics: vec![] };
    for version in ["1.0", "1.1", "1"] {
        assert!(reading(&document(version)).ignored.is_empty());
    }
    let octets = document("2.0").encode(Syntax::Wbxml).unwrap();
    assert_eq!(read(&octets).unwrap_err(), BootstrapError::Version { found: "2.0".into() });
}

#[test]
fn the_account_is_written_in_the_order_that_devices_want() {
    let octets = build(&tests::example(tests::EXAMPLES[0].1), PayloadKind::Cp).unwrap().octets;
    let document = ProvDoc::decode(Syntax::Wbxml, &octets).unwrap();
    let w7 = document.characteristics.iter().find(|c| c.value("APPID") == Some("w7")).unwrap();
    assert_eq!(w7.parms().next().unwrap().name, "APPID");
    for auth in w7.inner("APPAUTH") {
        let names: Vec<&str> = auth.parms().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["AAUTHLEVEL", "AAUTHTYPE", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA"]);
    }
    let address = w7.inner("APPADDR").next().unwrap();
    assert_eq!(address.value("ADDR"), Some("https://dm.acme.example:443/dm"));
    assert_eq!(address.items.len(), 1, "no PORT beside a whole URL");
}

proptest! {
    #[test]
    fn settings_come_back(settings in tests::settings()) {
        let payload = build(&settings, PayloadKind::Cp).unwrap();
        prop_assert!(payload.losses.is_empty());
        let found = read_noting(PayloadKind::Cp, &payload.octets).unwrap();
        prop_assert_eq!(&found.ignored, &Vec::<String>::new());
        prop_assert_eq!(&found.settings, &settings);
        prop_assert_eq!(build(&found.settings, PayloadKind::Cp).unwrap().octets, payload.octets);
    }
}

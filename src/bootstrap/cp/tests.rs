//! Documents of others and ours.

use proptest::prelude::*;

use super::*;
use crate::{
    bootstrap::{PayloadKind, build, read_noting, tests},
    profile::{Bearer, Link, NapAddressType},
    wire::{
        prov::{Characteristic, ProvDoc},
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
    assert_eq!((count, naps, proxies, accounts, applications), (24, 20, 10, 4, 9));
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
        (
            Characteristic::new("VENDORCONFIG").with("NAME", "hidden"),
            "VENDORCONFIG[1]: not a part of the settings",
        ),
        (Characteristic::new("NAPDEF").with("NAPID", "hidden"), "NAPDEF[1]: has no NAME"),
        (
            nap(Characteristic::new("NAPDEF")).with("BEARER", "hidden"),
            "NAPDEF[1]: BEARER has a value that is not known",
        ),
        (
            nap(Characteristic::new("NAPDEF")).with("SPI", "hidden"),
            "NAPDEF[1]: SPI is not a part of the settings",
        ),
        (
            nap(Characteristic::new("NAPDEF")).with_characteristic(Characteristic::new("NAPAUTHINFO")),
            "NAPDEF[1]/NAPAUTHINFO[1]: has no AUTHTYPE",
        ),
        (
            Characteristic::new("PXLOGICAL").with("PROXY-ID", "hidden").with("NAME", "N"),
            "PXLOGICAL[1]: has no PXPHYSICAL",
        ),
        (
            Characteristic::new("APPLICATION").with("APPID", "hidden"),
            "APPLICATION[1]: APPID has a value that is not known",
        ),
        (w7(&["APPSRV"]), "APPLICATION[1]: the DM account lacks an APPAUTH of level APPSRV or CLIENT"),
        (
            w7(&["APPSRV", "CLIENT", "OBEX"]),
            "APPLICATION[1]/APPAUTH[3]: its AAUTHLEVEL is not APPSRV or CLIENT, or stands twice",
        ),
    ] {
        let found = reading(&ProvDoc { version: None, characteristics: vec![c] });
        assert_eq!(found.ignored, [expected]);
    }
}

#[test]
fn the_stronger_of_two_types_and_a_raw_nonce_are_taken() {
    let found = reading(&ProvDoc { version: None, characteristics: vec![w7(&["CLIENT", "APPSRV"])] });
    let client = found.settings.dm_account.unwrap().credentials.client;
    assert_eq!(client.scheme.as_str(), "DIGEST");
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

//! Documents of both kinds, from the shipped profiles.

use super::*;
use crate::{
    bootstrap::tests::{EXAMPLES, example},
    profile::AuthScheme,
    wire::{
        Syntax,
        prov::{Characteristic, Item},
    },
};

fn heading() -> Heading {
    Heading { version: 7, validity: 600, token: Some(("a-token".parse().unwrap(), 60)) }
}

fn document(kind: DocumentKind, settings: &Settings) -> (ProvDoc, Document) {
    let made = write(settings, kind, &heading()).unwrap();
    assert!(
        made.text
            .starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<wap-provisioningdoc version=\"1.1\">")
    );
    (ProvDoc::decode(Syntax::Xml, made.text.as_bytes()).unwrap(), made)
}

fn kinds(document: &ProvDoc) -> Vec<&str> {
    document.characteristics.iter().map(|c| c.kind.as_str()).collect()
}

fn names(c: &Characteristic, out: &mut Vec<String>) {
    for item in &c.items {
        match item {
            Item::Parm(p) => out.push(p.name.clone()),
            Item::Characteristic(inner) => names(inner, out),
        }
    }
}

#[test]
fn an_rcs_document_says_its_version_and_token_first() {
    let (document, made) = document(DocumentKind::Rcs, &example(EXAMPLES[0].1));
    assert_eq!(kinds(&document), ["VERS", "TOKEN", "APPLICATION", "APPLICATION", "APPLICATION"]);
    let [version, token, account, mms, ..] = &document.characteristics[..] else { panic!() };
    assert_eq!((version.value("version"), version.value("validity")), (Some("7"), Some("600")));
    assert_eq!((token.value("token"), token.value("validity")), (Some("a-token"), Some("60")));
    assert_eq!(account.value("APPID"), Some("w7"), "a DM client reads the names of OMA");
    assert_eq!((mms.value("AppID"), mms.value("APPID")), (Some("w4"), None));
    assert!(!made.text.contains("TO-NAPID") && !made.text.contains("TO-PROXY"));
    let lost = |what: &str| made.losses.iter().any(|l| l.starts_with(what));
    assert!(
        lost("[bootstrap]")
            && lost("nap internet")
            && lost("proxy mms-proxy")
            && lost("dm-account: its connect-via")
    );
    assert!(!format!("{made:?} {:?}", heading()).contains("a-token"));
}

#[test]
fn a_windows_document_has_both_levels_and_no_init() {
    let settings = example(EXAMPLES[0].1);
    let (document, made) = document(DocumentKind::Windows, &settings);
    let account = document.characteristics.iter().find(|c| c.kind == "APPLICATION").unwrap();
    assert_eq!(account.items.first(), Characteristic::new("").with("APPID", "w7").items.first());
    let levels: Vec<_> = account.inner("APPAUTH").map(|a| a.value("AAUTHLEVEL").unwrap()).collect();
    assert_eq!(levels, ["APPSRV", "CLIENT"]);
    let mut all = Vec::new();
    document.characteristics.iter().for_each(|c| names(c, &mut all));
    assert!(all.len() > 20 && all.iter().all(|n| *n == n.to_uppercase()), "{all:?}");
    assert!(!all.contains(&"INIT".to_owned()));
    assert!(kinds(&document).iter().all(|k| ["BOOTSTRAP", "NAPDEF", "PXLOGICAL", "APPLICATION"].contains(k)));
    assert_eq!(
        made.losses,
        [
            "dm-account: `init`; enrolment fails on INIT",
            "application w4 (Acme MMS): no Windows configuration service provider for it is known here",
            "application w2 (Acme Portal): no Windows configuration service provider for it is known here",
        ]
    );
}

#[test]
fn windows_wants_an_account_whose_server_signs_in_by_digest() {
    let mut settings = example(EXAMPLES[0].1);
    settings.dm_account.as_mut().unwrap().credentials.server.scheme = AuthScheme::Basic;
    let error = |s: &Settings| write(s, DocumentKind::Windows, &heading()).unwrap_err().to_string();
    assert!(error(&settings).ends_with("set type = \"DIGEST\" in server-auth"), "{}", error(&settings));
    settings.dm_account = None;
    assert!(error(&settings).contains("there is no DM account"));
}

#[test]
fn further_ways_of_authentication_are_carried_or_named() {
    let ways = [("client", "BASIC"), ("client", "HMAC"), ("server", "X509"), ("http", "HTTP-BASIC")];
    let tables = ways.map(|(level, kind)| {
        format!("\n[[dm-account.further-auth]]\nlevel = \"{level}\"\ntype = \"{kind}\"\n")
    });
    let settings = example(&format!("{}{}", EXAMPLES[0].1, tables.concat()));
    let types = |kind| {
        let (document, made) = document(kind, &settings);
        let account = document.characteristics.iter().find(|c| c.value("APPID") == Some("w7")).unwrap();
        let types = account.inner("APPAUTH").map(|a| a.value("AAUTHTYPE").unwrap().to_owned());
        let lost = made.losses.into_iter().filter(|l| l.contains("further-auth"));
        (types.collect::<Vec<_>>(), lost.collect::<Vec<_>>())
    };
    let (rcs, lost) = types(DocumentKind::Rcs);
    assert_eq!(rcs, ["DIGEST", "DIGEST", "BASIC", "HMAC", "X509", "HTTP-BASIC"]);
    assert_eq!(lost, [""; 0]);
    let (windows, lost) = types(DocumentKind::Windows);
    assert_eq!(windows, ["DIGEST", "DIGEST", "BASIC"]);
    let named = ["client HMAC", "server X509", "http HTTP-BASIC"].map(|way| {
        format!(
            "dm-account: its further-auth {way}; Windows reads BASIC and DIGEST at APPSRV, DIGEST at CLIENT"
        )
    });
    assert_eq!(lost, named);
}

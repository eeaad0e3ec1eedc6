//! Tests of the reading of provisioning documents.

use super::*;
use crate::{
    phone::{account, device},
    wire::{
        Syntax,
        prov::{Characteristic, ProvDoc},
        vectors,
    },
};

fn phone() -> Tree {
    device::tree(&device::tests::identity()).unwrap()
}

fn document(characteristics: Vec<Characteristic>) -> ProvDoc {
    ProvDoc { version: None, characteristics }
}

/// The tree that a document makes, and what was found wrong.
fn taken(characteristics: Vec<Characteristic>) -> (Tree, Vec<String>) {
    let mut tree = phone();
    let applied = apply(&mut tree, &document(characteristics), 1, Vec::new()).unwrap();
    (tree, applied.findings.iter().map(Finding::to_string).collect())
}

fn children(tree: &Tree, uri: &str) -> usize {
    tree.node(&uri.parse().unwrap()).map_or(0, |n| n.children().count())
}

fn c(kind: &str) -> Characteristic {
    Characteristic::new(kind)
}

fn nap(id: &str) -> Characteristic {
    c("NAPDEF")
        .with("NAPID", id)
        .with("NAME", "Net")
        .with("NAP-ADDRESS", "internet.example")
        .with("NAP-ADDRTYPE", "APN")
        .with("BEARER", "GSM-GPRS")
}

fn proxy(id: &str, nap: &str) -> Characteristic {
    c("PXLOGICAL").with("PROXY-ID", id).with("NAME", "Proxy").with_characteristic(
        c("PXPHYSICAL")
            .with("PHYSICAL-PROXY-ID", "1")
            .with("PXADDR", "10.0.0.1")
            .with("TO-NAPID", nap)
            .with_characteristic(c("PORT").with("PORTNBR", "8080").with("SERVICE", "CO-WSP")),
    )
}

fn w7(server: &str) -> Characteristic {
    c("APPLICATION").with("APPID", "w7").with("PROVIDER-ID", server).with("ADDR", "https://dm.example:443/dm")
}

fn auth(level: &str, kind: &str) -> Characteristic {
    c("APPAUTH")
        .with("AAUTHLEVEL", level)
        .with("AAUTHTYPE", kind)
        .with("AAUTHNAME", "n")
        .with("AAUTHSECRET", "s3cret")
}

/// Every shared document: how many accounts, access points, proxies and other applications it makes, and what is
/// wrong with it. Counted by hand from the XML.
const SHARED: [(&str, [usize; 4], &[&str]); 24] = [
    ("apnprov-myapn-netwpin", [0, 1, 0, 1], &[]),
    ("cpclient-bookmarks", [0, 0, 0, 1], &[]),
    ("cpclient-email", [0, 0, 0, 2], &[]),
    ("cpclient-internetmms", [0, 1, 1, 1], &[]),
    ("cpclient-omadm", [1, 0, 0, 0], &[]),
    ("cpclient-simplemms", [0, 1, 1, 1], &[]),
    ("derived-netwpin-even-imsi", [1, 0, 0, 0], &[]),
    ("derived-usernetwpin-4711", [1, 0, 0, 0], &[]),
    ("derived-userpinmac-5", [1, 0, 0, 0], &[]),
    ("gecko-cht-userpin-0000", [0, 2, 2, 2], &[]),
    ("gecko-empty-netwpin", [0, 0, 0, 0], &["nothing valid is left of the document"]),
    ("gecko-provcont-appc", [0, 1, 1, 0], &["ACCESS 1: lacks RULE; dropped"]),
    ("lg-apn-manual-userpin-1234", [0, 1, 0, 1], &[]),
    ("lg-otaf-auto-badmac", [0, 1, 0, 0], &[]),
    ("lg-otaf-manual-userpin-1234", [0, 1, 0, 0], &[]),
    ("libwbxml-prov-001", [0, 1, 1, 0], &[]),
    ("libwbxml-prov-002", [0, 2, 1, 0], &[]),
    ("libwbxml-prov-005", [0, 1, 0, 0], &[]),
    ("libwbxml-prov-006", [0, 1, 0, 0], &[]),
    ("nowsms-netwpin-123456789012345", [0, 1, 0, 0], &[]),
    ("omasharp-provcont61-userpin-1234", [0, 1, 1, 0], &[]),
    ("symbian-engineapi-im", [0, 2, 0, 0], &["APPLICATION 1: an application \"wA\" needs AACCEPT; dropped"]),
    ("vmg-mobifone-userpin-1111", [0, 1, 1, 1], &[]),
    (
        "vmg2-vinaphone-userpin-1111",
        [0, 1, 1, 1],
        &["APPLICATION 1: TO-PROXY \"v_P\" names nothing in this document; the reference is dropped"],
    ),
];

#[test]
fn the_shared_documents_become_trees() {
    let Some(folder) = vectors::folder("cp") else { return };
    let names = vectors::names(&folder, "xml");
    assert_eq!(names.len(), SHARED.len());
    for (name, (wanted, counts, wrong)) in names.iter().zip(SHARED) {
        assert_eq!(name, wanted);
        let mut trees = Vec::new();
        for (syntax, ending) in [(Syntax::Wbxml, "wbxml"), (Syntax::Xml, "xml")] {
            let document = ProvDoc::decode(syntax, &vectors::read(&folder, name, ending)).unwrap();
            let mut tree = phone();
            let found: Vec<String> = match apply(&mut tree, &document, 1, Vec::new()) {
                Ok(applied) => applied.findings.iter().map(Finding::to_string).collect(),
                Err((reason, findings)) => {
                    findings.iter().map(Finding::to_string).chain([reason.to_string()]).collect()
                }
            };
            let made = ["./DMAcc", "./NAP", "./Proxy", "./CP/APPLICATION"].map(|uri| children(&tree, uri));
            assert_eq!(
                (made, found.as_slice()),
                (counts, wrong.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>().as_slice()),
                "{name}"
            );
            for (uri, account) in account::accounts(&tree) {
                let account = account.unwrap_or_else(|e| panic!("{name}: {uri}: {e}"));
                assert_eq!(account.addresses[0].url, "http://127.0.0.1:8080/dm");
                assert_eq!((account.server_id.as_str(), account.auth.len()), ("dmserver", 2));
            }
            trees.push(tree);
        }
        assert!(trees[0] == trees[1], "{name}: both syntaxes make the same tree");
    }
}

#[test]
fn w7_becomes_an_account_node_by_node() {
    let application = w7("acme.dm")
        .with("NAME", "Acme")
        .with("TO-PROXY", "px")
        .with("TO-NAPID", "INTERNET")
        .with_flag("INIT")
        .with("ROLE", "8")
        .with_characteristic(auth("APPSRV", "DIGEST,BASIC").with("AAUTHDATA", "bm9uY2VDMQ=="))
        .with_characteristic(auth("CLIENT", "DIGEST").with("AAUTHDATA", "not base64!"));
    let (tree, found) =
        taken(vec![application, nap("n1").with_flag("INTERNET"), nap("n2"), proxy("px", "n1")]);
    assert_eq!(
        found,
        ["APPLICATION 1 / APPAUTH 2: AAUTHDATA is not base64; its characters are taken as the nonce"]
    );
    for (leaf, value) in [
        ("AppID", "w7"),
        ("ServerID", "acme.dm"),
        ("Name", "Acme"),
        ("PrefConRef", "./Proxy/1"),
        ("ToConRef/1/ConRef", "./Proxy/1"),
        ("ToConRef/2/ConRef", "./NAP/1"),
        ("AppAddr/1/Addr", "https://dm.example:443/dm"),
        ("AppAddr/1/AddrType", "URI"),
        ("AppAddr/1/Port/1/PortNbr", "443"),
        ("AppAuth/1/AAuthLevel", "CLCRED"),
        ("AppAuth/1/AAuthType", "DIGEST"),
        ("AppAuth/1/AAuthName", "n"),
        ("AppAuth/1/AAuthSecret", "s3cret"),
        ("AppAuth/1/AAuthData", "nonceC1"),
        ("AppAuth/2/AAuthLevel", "CLCRED"),
        ("AppAuth/2/AAuthType", "BASIC"),
        ("AppAuth/3/AAuthLevel", "SRVCRED"),
        ("AppAuth/3/AAuthData", "not base64!"),
        ("Ext/ROLE", "8"),
    ] {
        assert_eq!(tree.text(&format!("./DMAcc/1/{leaf}")), Some(value), "{leaf}");
    }
    assert_eq!(children(&tree, "./DMAcc/1/AppAuth"), 3);
    assert!(!tree.to_string().contains("INIT") && !tree.to_string().contains("s3cret"));
    let acl = "Delete=acme.dm&Get=acme.dm&Replace=acme.dm";
    for root in ["./DMAcc/1", "./NAP/1", "./NAP/2", "./Proxy/1"] {
        let node = tree.node(&root.parse().unwrap()).unwrap();
        assert_eq!(node.own_acl().map(ToString::to_string).as_deref(), Some(acl), "{root}");
    }
}

#[test]
fn init_asks_for_a_session() {
    let mut tree = phone();
    let document = document(vec![w7("one").with_flag("INIT"), w7("two")]);
    let accounts = apply(&mut tree, &document, 1, Vec::new()).unwrap().accounts;
    assert_eq!(
        accounts.iter().map(|a| a.first_session).collect::<Vec<_>>(),
        [FirstSession::AtOnce, FirstSession::Later]
    );
    assert_eq!(tree.text("./DMAcc/2/ServerID"), Some("two"));
}

#[test]
fn an_application_without_references_is_bound_by_access_or_to_all() {
    let (tree, _) = taken(vec![w7("acme.dm"), nap("n1"), proxy("px", "n1")]);
    assert_eq!(tree.text("./DMAcc/1/PrefConRef"), Some("./Proxy/1"));
    assert_eq!(tree.text("./DMAcc/1/ToConRef/2/ConRef"), Some("./NAP/1"));
    let access = c("ACCESS").with("RULE", "r").with("APPID", "w7").with("TO-NAPID", "n2");
    let (tree, _) = taken(vec![w7("acme.dm"), nap("n1"), nap("n2"), access]);
    assert_eq!(tree.text("./DMAcc/1/PrefConRef"), Some("./NAP/2"));
    assert!(tree.node(&"./DMAcc/1/ToConRef".parse().unwrap()).is_none(), "one way is the preferred one");
}

#[test]
fn without_w7_no_server_gets_rights() {
    let (tree, _) = taken(vec![nap("n1")]);
    assert!(tree.node(&"./NAP/1".parse().unwrap()).unwrap().own_acl().is_none());
}

/// One document for each rule, and what is said of it.
#[test]
fn each_rule_is_named() {
    let long = "x".repeat(129);
    let cases: Vec<(Vec<Characteristic>, &str)> = vec![
        (
            vec![c("WLAN"), nap("n")],
            "WLAN 1: a characteristic of this type is not known here; skipped with all in it",
        ),
        (vec![c("PORT").with("PORTNBR", "1"), nap("n")], "PORT 1: a characteristic of this type"),
        (vec![nap("n").with("COLOUR", "red")], "NAPDEF 1: parameter COLOUR is not known here; skipped"),
        (
            vec![nap("n"), c("NAPDEF").with("NAPID", "m").with("NAME", "x")],
            "NAPDEF 2: lacks NAP-ADDRESS; dropped",
        ),
        (
            vec![nap("n"), c("NAPDEF").with("NAPID", "m").with("NAME", "x").with("NAP-ADDRESS", "y")],
            "NAPDEF 2: lacks BEARER; dropped",
        ),
        (vec![nap("n").with("NAME", "again")], "NAPDEF 1: NAME may stand here once; the first counts"),
        (vec![nap("n"), nap("n")], "NAPDEF 2: has the NAPID of one before it; dropped, the first counts"),
        (vec![nap(&long), nap("n")], "NAPDEF 1: NAPID may have 128 characters; taken as missing"),
        (
            vec![nap("n").with_characteristic(c("VALIDITY").with("NETWORK", "01"))],
            "NAPDEF 1: NETWORK means nothing without COUNTRY; NETWORK is dropped",
        ),
        (
            vec![nap("n").with_characteristic(c("VALIDITY").with("SID", "01"))],
            "NAPDEF 1: SID means nothing without SOC; SID is dropped",
        ),
        (
            vec![nap("n").with_characteristic(c("NAPAUTHINFO").with("AUTHNAME", "x"))],
            "NAPDEF 1 / NAPAUTHINFO 1: lacks AUTHTYPE; dropped",
        ),
        (
            vec![nap("n"), c("PXLOGICAL").with("PROXY-ID", "p").with("NAME", "x")],
            "PXLOGICAL 1: holds no valid PXPHYSICAL; dropped",
        ),
        (
            vec![nap("n"), proxy("p", "m")],
            "PXLOGICAL 1 / PXPHYSICAL 1: no TO-NAPID that leads anywhere is left; dropped",
        ),
        (
            vec![nap("n"), proxy("p", "n"), proxy("p", "n")],
            "PXLOGICAL 2: has the PROXY-ID of one before it; merged",
        ),
        (
            vec![nap("n"), (0..5).fold(proxy("p", "n"), |p, d| p.with("DOMAIN", format!("{d}.example")))],
            "PXLOGICAL 1: at most 4 DOMAIN; the rest is dropped",
        ),
        (
            vec![nap("n"), proxy("p", "n").with_characteristic(c("PORT").with("PORTNBR", "70000"))],
            "PXLOGICAL 1: PORTNBR is not a port number; dropped",
        ),
        (
            vec![c("BOOTSTRAP").with("PROVURL", "http://tps.example").with("COUNTRY", "262")],
            "BOOTSTRAP 1: COUNTRY means nothing beside PROVURL; COUNTRY is dropped",
        ),
        (
            vec![c("BOOTSTRAP").with("PROVURL", "http://tps.example").with("CONTEXT-ALLOW", "256")],
            "BOOTSTRAP 1: CONTEXT-ALLOW is not a number from 0 to 255; dropped",
        ),
        (
            vec![c("BOOTSTRAP").with("NETWORK", "01")],
            "BOOTSTRAP 1: NETWORK means nothing without COUNTRY; NETWORK is dropped",
        ),
        (
            vec![nap("n"), c("ACCESS").with("RULE", "r").with("TO-NAPID", "n").with("DOMAIN", "d")],
            "ACCESS 1: the order must be RULE",
        ),
        (
            vec![c("ACCESS").with("RULE", "r"), c("ACCESS").with("RULE", "r")],
            "ACCESS 2: has the RULE of one before it; dropped",
        ),
        (
            vec![nap("n"), c("APPLICATION").with("APPID", "w4")],
            "APPLICATION 1: an application \"w4\" needs ADDR or APPADDR",
        ),
        (
            vec![nap("n"), c("APPLICATION").with("APPID", "w7").with("ADDR", "http://h")],
            "APPLICATION 1: an application \"w7\" needs PROVIDER-ID; dropped",
        ),
        (
            vec![nap("n"), c("APPLICATION").with("APPID", "25").with("ADDR", "h").with("FROM", "a@b")],
            "APPLICATION 1: an application \"25\" needs PORT; dropped",
        ),
        (
            vec![w7("a"), w7("a")],
            "APPLICATION 2: an application with this APPID and identity stands before it; dropped",
        ),
        (vec![w7("a+b"), nap("n")], "APPLICATION 1: PROVIDER-ID cannot be a ServerID"),
        (
            vec![w7("a").with_characteristic(auth("NETWORK", "DIGEST"))],
            "APPLICATION 1 / APPAUTH 1: AAUTHLEVEL is not APPSRV, CLIENT or OBEX; dropped",
        ),
        (
            vec![w7("a").with_characteristic(auth("OBEX", "DIGEST"))],
            "APPLICATION 1 / APPAUTH 1: AAUTHTYPE is not a type that its AAUTHLEVEL knows; dropped",
        ),
        (
            vec![w7("a").with_characteristic(c("APPAUTH").with("AAUTHLEVEL", "APPSRV"))],
            "APPLICATION 1 / APPAUTH 1: lacks AAUTHTYPE; dropped",
        ),
        (
            vec![nap("n"), c("VENDORCONFIG").with("NAME", "v").with("A?B", "x")],
            "VENDORCONFIG 1: the management tree did not take it",
        ),
    ];
    for (characteristics, wanted) in cases {
        let (_, found) = taken(characteristics);
        assert!(found.iter().any(|f| f.starts_with(wanted)), "{wanted}: {found:?}");
        assert!(found.len() <= 3, "{wanted}: {found:?}");
    }
}

#[test]
fn a_dropped_part_leaves_no_node() {
    let (tree, _) = taken(vec![
        nap("n"),
        proxy("p", "m"),
        w7("a+b"),
        c("VENDORCONFIG").with("NAME", "v").with("A?B", "x"),
    ]);
    assert_eq!((children(&tree, "./NAP"), children(&tree, "./Proxy"), children(&tree, "./DMAcc")), (1, 0, 0));
    assert_eq!(children(&tree, "./CP/VENDORCONFIG"), 0);
    assert_eq!(tree.walk().len(), tree.size());
}

#[test]
fn a_document_is_refused_for_its_version_or_when_nothing_is_left() {
    let mut tree = phone();
    let mut refused = |version: Option<&str>, characteristics| {
        let document = ProvDoc { version: version.map(str::to_owned), characteristics };
        apply(&mut tree, &document, 1, Vec::new()).map(|_| ()).map_err(|(reason, _)| reason)
    };
    assert_eq!(refused(Some("2.0"), vec![nap("n")]), Err(CpRefusal::Version));
    assert_eq!(refused(Some("1.1"), vec![c("NAPDEF")]), Err(CpRefusal::NothingValid));
    assert_eq!(refused(None, vec![w7("a+b")]), Err(CpRefusal::NothingValid));
    assert_eq!(refused(Some("1.01.0"), vec![nap("n")]), Ok(()));
}

#[test]
fn a_second_bootstrap_of_one_provisioning_server_is_refused() {
    let with_url = |url: &str| document(vec![c("BOOTSTRAP").with("PROVURL", url), nap("n")]);
    let mut tree = phone();
    apply(&mut tree, &with_url("http://tps.example/a"), 1, Vec::new()).unwrap();
    let before = tree.clone();
    let again = apply(&mut tree, &with_url("TPS.example:80"), 2, Vec::new()).unwrap_err().0;
    assert_eq!(again, CpRefusal::ContextKnown { host: "tps.example".into() });
    assert!(tree == before);
    apply(&mut tree, &with_url("http://other.example"), 2, Vec::new()).unwrap();
    assert_eq!(children(&tree, "./CP/BOOTSTRAP"), 2);
    tree.remove_bootstrap(1);
    assert_eq!((children(&tree, "./CP/BOOTSTRAP"), tree.text("./NAP/2/NapId")), (1, Some("n")));
}

#[test]
fn a_known_server_keeps_its_first_account_and_the_rest_is_taken() {
    let mut tree = phone();
    let known = vec!["acme.dm".parse().unwrap()];
    let applied = apply(&mut tree, &document(vec![w7("acme.dm"), nap("n")]), 1, known).unwrap();
    assert_eq!(applied.findings[0].rule, Rule::ServerKnown { server_id: "acme.dm".into() });
    assert!(applied.accounts.is_empty());
    assert_eq!((children(&tree, "./DMAcc"), children(&tree, "./NAP")), (0, 1));
}

#[test]
fn the_host_of_a_url_is_found() {
    for (url, host) in [
        ("www.ntn.com", Some("www.ntn.com")),
        ("http://User@H.example:8080/x?y", Some("h.example")),
        ("http://[::1]:80/", Some("::1")),
        ("http:///x", None),
        ("", None),
    ] {
        assert_eq!(meaning::host_of(url).as_deref(), host, "{url}");
    }
}

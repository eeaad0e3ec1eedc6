//! DM bootstrap messages on a phone.

use super::*;
use crate::{
    phone::{
        device,
        tree::{Node, Right},
    },
    wire::{
        Syntax,
        infoset::Element,
        syncml::{Data, Location, Meta},
        vectors, wbxml, xml,
    },
};

fn phone() -> Tree {
    device::tree(&device::tests::identity()).unwrap()
}

/// The leaves below an address, as a client that was run lists them.
fn leaves(tree: &Tree, uri: &str) -> Vec<String> {
    let found = tree.walk_from(&uri.parse().unwrap()).into_iter();
    let mut found: Vec<String> =
        found.filter_map(|(uri, node)| Some(format!("{uri} = [{}]", node.as_text()?))).collect();
    found.sort();
    found
}

fn add(items: &[(&str, &str)]) -> Command {
    let items = items.iter().map(|(uri, value)| Item {
        target: Some(Location::new(*uri)),
        meta: Some(Meta {
            format: Some(if value.is_empty() { "node" } else { "chr" }.to_owned()),
            ..Meta::default()
        }),
        data: (!value.is_empty()).then(|| Data::Text((*value).to_owned())),
        ..Item::default()
    });
    Command::Operation(Operation {
        verb: Verb::Add,
        cmd_id: "1".into(),
        meta: None,
        correlator: None,
        items: items.collect(),
    })
}

const ACCOUNT: [(&str, &str); 4] = [
    ("./DMAcc/x", ""),
    ("./DMAcc/x/AppID", "w7"),
    ("./DMAcc/x/ServerID", "acme.dm"),
    ("./DMAcc/x/AppAddr/1/Addr", "http://dm.example/dm"),
];

fn message(commands: Vec<Command>) -> Message {
    Message {
        header: crate::wire::syncml::Header {
            ver_dtd: "1.2".into(),
            ver_proto: "DM/1.2".into(),
            session_id: "0".into(),
            msg_id: "0".into(),
            target: Location::new("IMEI:490154203237518"),
            source: Location::new("http://dm.example/dm"),
            resp_uri: None,
            cred: None,
            meta: None,
        },
        commands,
        is_final: true,
    }
}

fn refusal(commands: Vec<Command>, known: &[&str]) -> DmRefusal {
    let mut tree = phone();
    let known: Vec<ServerId> = known.iter().map(|k| k.parse().unwrap()).collect();
    let refused = apply(&mut tree, &message(commands), 1, &known).unwrap_err();
    assert!(tree == phone(), "a refused message leaves no trace");
    refused
}

/// Two messages that a client in the field was run with, and the tree that it ended with.
#[test]
fn the_shared_messages_make_the_tree_that_another_client_made() {
    let Some(folder) = vectors::folder("dm") else { return };
    let mut compared = 0;
    for (name, notes) in [("boot-plain-add", 1), ("boot-inbox-tnds-opaque", 2)] {
        let json = vectors::read(&folder, name, "json");
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let wanted = json["client_tree_after"].as_array().unwrap().iter();
        let mut wanted: Vec<&str> = wanted.map(|v| v.as_str().unwrap()).collect();
        wanted.sort_unstable();
        compared += wanted.len();
        for (syntax, ending) in [(Syntax::Wbxml, "wbxml"), (Syntax::Xml, "xml")] {
            let message = Message::decode(syntax, &vectors::read(&folder, name, ending)).unwrap();
            let mut tree = phone();
            let applied = apply(&mut tree, &message, 1, &[]).unwrap();
            assert_eq!(leaves(&tree, "./DMAcc"), wanted, "{name}.{ending}");
            assert_eq!(applied.accounts[0].server_id.as_str(), "com.test.dm");
            // Made for IMEI:1; the one with TNDS refers to a connectivity object that it does not hold.
            assert_eq!(applied.notes.len(), notes, "{name}: {:?}", applied.notes);
            assert!(applied.notes.contains(&DmNote::OtherDevice));
        }
    }
    assert_eq!(compared, 17 + 18);
}

#[test]
fn every_truncation_is_refused() {
    let octets = message(vec![add(&ACCOUNT)]).encode(Syntax::Wbxml).unwrap();
    for end in 0..octets.len() {
        assert!(Message::decode(Syntax::Wbxml, &octets[..end]).is_err(), "{end} of {}", octets.len());
    }
}

#[test]
fn its_servers_get_their_rights() {
    let mut tree = phone();
    let nap = add(&[("./NAP/n/Addr", "internet")]);
    apply(&mut tree, &message(vec![nap, add(&ACCOUNT)]), 1, &[]).unwrap();
    let acme = "acme.dm".parse().unwrap();
    for uri in ["./DMAcc/x/AppAddr", "./NAP/n/Addr"] {
        assert!(tree.allows(Right::Replace, &uri.parse().unwrap(), &acme), "{uri}");
        assert!(!tree.allows(Right::Get, &uri.parse().unwrap(), &"other".parse().unwrap()), "{uri}");
    }
    assert!(!tree.allows(Right::Replace, &"./DevInfo/Lang".parse().unwrap(), &acme));
}

#[test]
fn each_refusal_is_named() {
    let without = |n: usize| {
        let items: Vec<_> = ACCOUNT.iter().enumerate().filter(|(i, _)| *i != n).map(|(_, a)| *a).collect();
        vec![add(&items)]
    };
    assert_eq!(refusal(vec![add(&[("./NAP/n/Addr", "x")])], &[]), DmRefusal::NoAccount);
    for (n, name) in [(1, "AppID"), (2, "ServerID"), (3, "AppAddr")] {
        let refused = refusal(without(n), &[]);
        assert!(
            matches!(refused, DmRefusal::Account(AccountError::Missing { name: n, .. }) if n == name),
            "{refused}"
        );
    }
    assert!(matches!(refusal(vec![add(&ACCOUNT)], &["acme.dm"]), DmRefusal::ServerKnown { .. }));
    let mut elsewhere = ACCOUNT;
    elsewhere[3].1 = "http://other.example/dm";
    assert_eq!(refusal(vec![add(&elsewhere)], &[]), DmRefusal::ForeignSource);
    let refused = refusal(vec![add(&ACCOUNT), add(&ACCOUNT)], &[]);
    assert_eq!(refused.to_string(), "Add ./DMAcc/x: 418 (the node is there already)");
    let mut old = message(vec![add(&ACCOUNT)]);
    old.header.ver_proto = "DM/1.1".into();
    assert!(matches!(apply(&mut phone(), &old, 1, &[]), Err(DmRefusal::Version { what: "VerProto", .. })));
}

/// The account and an access point in TNDS.
fn in_tnds(data: impl Fn(Element) -> Data, kind: &str, server: &str, apn: &str) -> Command {
    let leaf =
        |name: &str, value: &str| format!("<Node><NodeName>{name}</NodeName><Value>{value}</Value></Node>");
    let object = |name: &str, kind: &str, below: String| {
        let kind = format!("<RTProperties><Type><DDFName>{kind}</DDFName></Type></RTProperties>");
        format!("<Node><NodeName>{name}</NodeName>{kind}{below}</Node>")
    };
    let within = |name: &str, below: String| format!("<Node><NodeName>{name}</NodeName>{below}</Node>");
    let account = [
        leaf("AppID", "w7"),
        leaf("ServerID", server),
        leaf("PrefConRef", "./Inbox/net"),
        within("AppAddr", within("1", leaf("Addr", "http://dm.example/dm"))),
    ];
    let net = [leaf("Addr", apn), leaf("ConRef", "./Inbox/net")];
    let tree = [
        object(server, "urn:oma:mo:oma-dm-dmacc:1.0", account.concat()),
        object("net", "urn:oma:mo:oma-connmo-nap:1.0", net.concat()),
    ];
    let xml = format!(r#"<MgmtTree xmlns="syncml:dmddf1.2">{}</MgmtTree>"#, tree.concat());
    let item = Item {
        target: Some(Location::new("./Inbox")),
        meta: Some(Meta { kind: Some(kind.to_owned()), ..Meta::default() }),
        data: Some(data(xml::parse(xml.as_bytes()).unwrap())),
        ..Item::default()
    };
    Command::Operation(Operation {
        verb: Verb::Add,
        cmd_id: "1".into(),
        meta: None,
        correlator: None,
        items: vec![item],
    })
}

#[test]
fn an_object_in_tnds_is_shared_or_refused_by_name_in_every_encoding() {
    type Form = (&'static str, fn(Element) -> Data);
    let forms: [Form; 3] = [
        ("application/vnd.syncml.dmtnds+xml", |root| Data::Text(xml::write(&root).unwrap())),
        ("application/vnd.syncml.dmtnds+wbxml", |root| {
            Data::Octets(wbxml::encode(&wbxml::Document::new(root)).unwrap())
        }),
        ("application/vnd.syncml.dmtnds+wbxml", |root| Data::Element(Box::new(root))),
    ];
    let at: Uri = "./NAP/net".parse().unwrap();
    let acme: ServerId = "acme.dm".parse().unwrap();
    for (first, (kind, data)) in forms.into_iter().enumerate() {
        let mut tree = phone();
        let bring = |server: &str, apn: &str| message(vec![in_tnds(data, kind, server, apn)]);
        apply(&mut tree, &bring("acme.dm", "internet"), 1, &[]).unwrap();
        assert_eq!(tree.text("./NAP/net/ConRef"), Some("./NAP/net"), "{first}");
        for (second, (kind, data)) in forms.into_iter().enumerate() {
            let bring = |server: &str, apn: &str| message(vec![in_tnds(data, kind, server, apn)]);
            let name = format!("{first} then {second}");
            let before = tree.clone();
            let other = apply(&mut tree, &bring("beta.dm", "elsewhere"), 2, std::slice::from_ref(&acme));
            assert_eq!(other, Err(DmRefusal::OtherObject { at: at.clone() }), "{name}");
            let known = apply(&mut tree, &bring("acme.dm", "internet"), 2, std::slice::from_ref(&acme));
            assert_eq!(known, Err(DmRefusal::ServerKnown { server_id: acme.clone() }), "{name}");
            assert!(tree == before, "{name}");
            let mut grown = tree.clone();
            let taken =
                apply(&mut grown, &bring("beta.dm", "internet"), 2, std::slice::from_ref(&acme)).unwrap();
            assert_eq!(taken.notes, [DmNote::Shared { at: at.clone() }], "{name}");
            assert_eq!(taken.shared, std::slice::from_ref(&at), "{name}");
            assert_eq!(grown.node(&at).unwrap().origin(), Origin::Bootstrap(1), "{name}");
            assert_eq!(grown.text("./DMAcc/beta.dm/PrefConRef"), Some("./NAP/net"), "{name}");
            // The same over plain Adds, and more than the same.
            let mut plain =
                vec![("./NAP/net", ""), ("./NAP/net/Addr", "internet"), ("./NAP/net/ConRef", "./NAP/net")];
            let mut items = ACCOUNT.to_vec();
            items[2].1 = "gamma.dm";
            let taken = apply(&mut grown.clone(), &message(vec![add(&plain), add(&items)]), 3, &[]).unwrap();
            assert_eq!(taken.shared, std::slice::from_ref(&at), "{name}");
            plain.push(("./NAP/net/Name", "more"));
            let more = apply(&mut grown, &message(vec![add(&plain), add(&items)]), 3, &[]);
            assert_eq!(more, Err(DmRefusal::OtherObject { at: at.clone() }), "{name}");
        }
    }
}

/// What stands in the way and is no connectivity is named with the status.
#[test]
fn an_account_node_of_that_name_is_named() {
    let mut tree = phone();
    let bring = |server: &str| in_tnds(|root| Data::Element(Box::new(root)), "any", server, "internet");
    tree.insert(&"./DMAcc/acme.dm/Name".parse().unwrap(), Node::text("x", Origin::Device).unwrap()).unwrap();
    let refused = apply(&mut tree, &message(vec![bring("acme.dm")]), 1, &[]).unwrap_err();
    assert_eq!(refused.to_string(), "Add ./Inbox: 418 (./DMAcc/acme.dm is there already)");
}

#[test]
fn a_port_of_its_own_may_stand_in_the_source_or_not() {
    let mut items = ACCOUNT.to_vec();
    items.push(("./DMAcc/x/AppAddr/1/Port/1/PortNbr", "8080"));
    for source in ["http://dm.example/dm", "http://dm.example:8080/dm"] {
        let mut message = message(vec![add(&items)]);
        message.header.source.uri = source.into();
        assert!(apply(&mut phone(), &message, 1, &[]).is_ok(), "{source}");
    }
}

#[test]
fn what_asks_for_an_answer_is_skipped() {
    let Command::Operation(mut get) = add(&[("./DevInfo", "")]) else { unreachable!() };
    get.verb = Verb::Get;
    let applied =
        apply(&mut phone(), &message(vec![Command::Operation(get), add(&ACCOUNT)]), 1, &[]).unwrap();
    assert_eq!(applied.notes, [DmNote::Skipped { command: "Get".into() }]);
}

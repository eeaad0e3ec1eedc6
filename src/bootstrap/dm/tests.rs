//! Messages of others and ours.

use proptest::prelude::*;

use super::*;
use crate::{
    bootstrap::{PayloadKind, build, read_noting, tests},
    profile::{DmEncoding, DmOptions, Link, NonceFormat},
    wire::{
        syncml::{Command, Operation},
        tnds::{Content, MgmtTree, Node},
        vectors,
    },
};

fn operations(message: &Message) -> Vec<&Operation> {
    message
        .commands
        .iter()
        .filter_map(|c| if let Command::Operation(o) = c { Some(o) } else { None })
        .collect()
}

fn uris(operation: &Operation) -> Vec<&str> {
    operation.items.iter().filter_map(|i| i.target.as_ref()).map(|t| t.uri.as_str()).collect()
}

#[test]
fn the_message_that_a_real_client_processed_is_read_and_its_nodes_are_ours() {
    let Some(folder) = vectors::folder("dm") else { return };
    let found = read(&vectors::read(&folder, "boot-plain-add", "wbxml")).unwrap();
    assert!(found.ignored.is_empty(), "{:?}", found.ignored);
    let account = found.settings.dm_account.as_ref().unwrap();
    assert_eq!((account.server_id.as_str(), account.name.as_deref()), ("com.test.dm", Some("Test")));
    assert_eq!(account.address, "http://127.0.0.1:8091/dm");
    assert_eq!(account.credentials.client.name, "dev1");
    assert_eq!(account.credentials.client.nonce, b"nonceC1");
    assert_eq!(account.credentials.server.secret.expose(), "srvpw");

    // Written again it has the same nodes in the same order, with the same values and formats.
    let theirs = Message::decode(Syntax::Wbxml, &vectors::read(&folder, "boot-plain-add", "wbxml")).unwrap();
    let ours = write::message(&found.settings).unwrap();
    assert_eq!(ours.commands, theirs.commands);
    assert_eq!(ours.header.source, theirs.header.source);
}

#[test]
fn the_object_for_the_inbox_that_a_real_client_processed_is_read_and_its_nodes_are_ours() {
    let Some(folder) = vectors::folder("dm") else { return };
    for (syntax, ending) in [(Syntax::Wbxml, "wbxml"), (Syntax::Xml, "xml")] {
        let theirs =
            Message::decode(syntax, &vectors::read(&folder, "boot-inbox-tnds-opaque", ending)).unwrap();
        let found = read::settings(&theirs).unwrap();
        assert!(found.ignored.is_empty(), "{:?}", found.ignored);
        let account = found.settings.dm_account.as_ref().unwrap();
        assert_eq!(account.server_id.as_str(), "com.test.dm");
        assert_eq!(account.connect_via, [Link::Nap("Internet".into())]);
        assert_eq!(account.credentials.server.nonce, b"nonceS1");

        // Written again it is the same message, but for the order of siblings, which has no meaning.
        let ours = write::message(&found.settings).unwrap();
        assert_eq!(ours.header.source, theirs.header.source);
        let [(ours, our_tree), (theirs, their_tree)] = [&ours, &theirs].map(opened);
        assert_eq!(ours, theirs, "{ending}");
        assert_eq!(our_tree, their_tree, "{ending}");
    }
}

/// The one item of the one Add without its data, and the tree that the data is, siblings in the order of their names.
fn opened(message: &Message) -> (Operation, MgmtTree) {
    fn sort(node: &mut Node) {
        if let Content::Interior { nodes, .. } = &mut node.content {
            nodes.iter_mut().for_each(sort);
            nodes.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
    let [add] = operations(message)[..] else { panic!() };
    let mut add = add.clone();
    let document = add.items[0].data.take().unwrap().document().unwrap();
    let mut tree = MgmtTree::from_element(&document).unwrap();
    tree.nodes.iter_mut().for_each(sort);
    (add, tree)
}

#[test]
fn the_message_has_the_shape_that_clients_want() {
    let settings = tests::example(tests::EXAMPLES[0].1);
    let payload = build(&settings, PayloadKind::Dm).unwrap();
    let message = Message::decode(Syntax::Wbxml, &payload.octets).unwrap();
    assert_eq!(message.header.target.uri, "IMEI:490154203237518");
    assert_eq!(message.header.source.uri, "https://dm.acme.example:443/dm");
    assert!(message.is_final && message.header.cred.is_none());
    let [account, connectivity] = operations(&message)[..] else { panic!() };
    assert_eq!((account.cmd_id.as_str(), connectivity.cmd_id.as_str()), ("1", "2"));
    let account = uris(account);
    assert_eq!(account[0], "./DMAcc/acme.dm", "a client takes the server id from the first item");
    assert!(account.iter().all(|u| u.starts_with("./DMAcc/acme.dm")));
    let connectivity = uris(connectivity);
    assert!(connectivity.iter().all(|u| u.starts_with("./NAP/") || u.starts_with("./Proxy/")));
    // A parent stands before its children.
    for (at, uri) in account.iter().chain(&connectivity).enumerate() {
        let (parent, _) = uri.rsplit_once('/').unwrap();
        let known = ["./DMAcc", "./NAP", "./Proxy"].contains(&parent)
            || account.iter().chain(&connectivity).take(at).any(|u| *u == parent);
        assert!(known, "{uri} stands before {parent}");
    }
}

#[test]
fn a_device_without_a_number_is_called_unknown() {
    let mut settings = tests::example(tests::EXAMPLES[1].1);
    settings.device = None;
    assert_eq!(write::message(&settings).unwrap().header.target.uri, "unknown");
}

#[test]
fn losses_are_named() {
    let settings = tests::example(tests::EXAMPLES[0].1);
    let payload = build(&settings, PayloadKind::Dm).unwrap();
    assert_eq!(
        payload.losses,
        [
            "[bootstrap]: a DM bootstrap has no provisioning context",
            "application w4 (Acme MMS): no management object for it",
            "application w2 (Acme Portal): no management object for it",
            "nap internet: the internet flag; references to INTERNET name the first such access point",
        ]
    );
    assert!(build(&tests::example(tests::EXAMPLES[1].1), PayloadKind::Dm).unwrap().losses.is_empty());
}

#[test]
fn references_to_the_internet_name_an_access_point() {
    let mut settings = tests::example(tests::EXAMPLES[0].1);
    settings.dm_account.as_mut().unwrap().connect_via = vec![Link::Proxy("mms-proxy".into()), Link::Internet];
    let octets = build(&settings, PayloadKind::Dm).unwrap().octets;
    let found = read(&octets).unwrap().settings.dm_account.unwrap();
    assert_eq!(found.connect_via, [Link::Proxy("mms-proxy".into()), Link::Nap("internet".into())]);
}

#[test]
fn without_an_account_there_is_no_message() {
    let mut settings = tests::example(tests::EXAMPLES[0].1);
    settings.naps[0].id = "a/b".into();
    assert_eq!(build(&settings, PayloadKind::Dm), Err(BootstrapError::NodeName { id: "a/b".into() }));
    settings.dm_account = None;
    assert_eq!(build(&settings, PayloadKind::Dm), Err(BootstrapError::NoAccount));
}

proptest! {
    #[test]
    fn settings_come_back_but_for_the_losses(settings in tests::dm_settings()) {
        let (reduced, losses) = reduce::reduce(&settings);
        let payload = build(&settings, PayloadKind::Dm).unwrap();
        prop_assert_eq!(&payload.losses, &losses);
        prop_assert_eq!(&reduce::reduce(&reduced), &(reduced.clone(), Vec::new()), "nothing more to lose");
        let found = read_noting(PayloadKind::Dm, &payload.octets).unwrap();
        prop_assert_eq!(&found.ignored, &Vec::<String>::new());
        prop_assert_eq!(&found.settings, &reduced);
        prop_assert_eq!(build(&found.settings, PayloadKind::Dm).unwrap().octets, payload.octets);
    }

    #[test]
    fn every_form_says_the_same(settings in tests::dm_settings()) {
        // All that differs between the forms set aside.
        let bare = |mut settings: Settings| {
            settings.dm = DmOptions::default();
            settings.dm_account.iter_mut().for_each(|a| a.acl = None);
            settings.naps.iter_mut().for_each(|n| n.acl = None);
            settings.proxies.iter_mut().for_each(|p| p.acl = None);
            settings
        };
        let plain = build(&bare(settings.clone()), PayloadKind::Dm).unwrap();
        let plain = read_noting(PayloadKind::Dm, &plain.octets).unwrap().settings;
        for encoding in DmEncoding::ALL {
            let mut settings = settings.clone();
            settings.dm.encoding = *encoding;
            let payload = build(&settings, PayloadKind::Dm).unwrap();
            let found = read_noting(PayloadKind::Dm, &payload.octets).unwrap().settings;
            prop_assert_eq!(found.dm.encoding, *encoding);
            prop_assert_eq!(bare(found), plain.clone(), "{}", encoding);
        }
    }
}

/// A message whose object for the Inbox is this XML.
fn inbox(nodes: &str) -> Result<Reading, BootstrapError> {
    let mut settings = tests::example(tests::EXAMPLES[1].1);
    settings.dm.encoding = DmEncoding::TndsXml;
    let mut message = write::message(&settings).unwrap();
    let Some(Command::Operation(add)) = message.commands.first_mut() else { panic!() };
    let text = format!(r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>{nodes}</MgmtTree>"#);
    add.items[0].data = Some(crate::wire::syncml::Data::Text(text));
    read(&message.encode(Syntax::Wbxml).unwrap())
}

/// A typed object for the Inbox.
fn object(name: &str, inner: &str) -> String {
    format!(
        "<Node><NodeName>{name}</NodeName><RTProperties><Type><DDFName>urn:oma:mo:oma-connmo-nap:1.0</DDFName></Type>\
         </RTProperties>{inner}</Node>"
    )
}

#[test]
fn hostile_objects_are_bounded() {
    let leaf = |n: usize| format!("<Node><NodeName>{n}</NodeName></Node>");
    let many: String = (0..5000).map(leaf).collect();
    assert!(matches!(
        inbox(&object("x", &many)),
        Err(BootstrapError::Decode(crate::wire::DecodeError::Limit { .. }))
    ));
    let deep = |n: usize| "<Node><NodeName>a</NodeName>".repeat(n) + &"</Node>".repeat(n);
    assert!(matches!(inbox(&object("x", &deep(70))), Err(BootstrapError::Decode(_))));
    let ignored = |nodes: String| inbox(&nodes).unwrap().ignored;
    let too_deep = ignored(object("x", &deep(50)));
    assert!(too_deep.iter().any(|i| i.contains("a name that no URI can hold")), "{too_deep:?}");
    let long = object(&"x".repeat(2000), "");
    assert!(ignored(long)[0].contains("does not name a node below the target"));
    assert!(
        ignored(object("x", &(leaf(1) + &leaf(1))))
            .contains(&"NAP/x/1: stands there twice; the first counts".into())
    );
    assert!(
        ignored(object("x", &leaf(1)) + &object("x", &leaf(2)))
            .contains(&"NAP/x: stands there twice; the first counts".into())
    );
    // One that leads out, one that nobody knows, and something that is none.
    let out = "<Node><NodeName>a</NodeName><Path>./NAP/../DMAcc</Path></Node>";
    assert!(ignored(out.into())[0].contains("does not name a node below the target"));
    assert_eq!(ignored(leaf(1)), ["Inbox/1: not an object; the Inbox takes nothing else"]);
    let many: String = (0..1000).map(leaf).collect();
    assert_eq!(ignored(many).last().unwrap(), "message: 744 more that are not named");
}

#[test]
fn an_object_inside_of_a_value_is_a_value() {
    let octets = MgmtTree::new(vec![Node::interior("x", "", Vec::new())]).encode(Syntax::Wbxml).unwrap();
    let mut settings = tests::example(tests::EXAMPLES[1].1);
    settings.dm.nonce_format = NonceFormat::Bin;
    settings.dm_account.as_mut().unwrap().credentials.client.nonce.clone_from(&octets);
    for encoding in DmEncoding::ALL {
        settings.dm.encoding = *encoding;
        let found = read(&build(&settings, PayloadKind::Dm).unwrap().octets).unwrap();
        assert!(found.settings.dm_account.unwrap().credentials.client.nonce == octets, "{encoding}");
    }
}

#[test]
fn as_xml_octets_are_said_to_be_base64() {
    let mut settings = tests::example(tests::EXAMPLES[1].1);
    settings.dm.nonce_format = NonceFormat::Bin;
    for encoding in [DmEncoding::Plain, DmEncoding::TndsOpaque, DmEncoding::TndsInline] {
        settings.dm.encoding = encoding;
        let payload = build(&settings, PayloadKind::Dm).unwrap();
        let xml = payload.to_xml().unwrap();
        let (said, kept) = match encoding {
            DmEncoding::Plain => (">b64</Format>", ">bin</Format>"),
            _ => ("<b64/>", "<bin/>"),
        };
        assert_eq!((xml.matches(said).count(), xml.matches(kept).count()), (2, 0), "{encoding}\n{xml}");
        // The octets themselves stay as they were.
        let message = Message::decode(Syntax::Xml, xml.as_bytes()).unwrap();
        let again = read(&message.encode(Syntax::Wbxml).unwrap()).unwrap().settings.dm_account.unwrap();
        let own = settings.dm_account.as_ref().unwrap();
        assert_eq!(again.credentials.client.nonce, own.credentials.client.nonce, "{encoding}");
    }
}

//! What we build fits what we say that we use; descriptions of others are read.

#![cfg(test)]

use super::*;
use crate::{
    bootstrap::{PayloadKind, build, tests::example},
    profile::DmEncoding,
    wire::{Syntax, syncml::Message, vectors},
};

const CONSUMER: &str = include_str!("../../../config/profiles/consumer-phone.toml");
const IOT: &str = include_str!("../../../config/profiles/iot-module.toml");

fn message(profile: &str) -> Message {
    let payload = build(&example(profile), PayloadKind::Dm).unwrap();
    Message::decode(Syntax::Wbxml, &payload.octets).unwrap()
}

fn count(nodes: &[Node]) -> usize {
    nodes.iter().map(|n| 1 + count(&n.children)).sum()
}

#[test]
fn every_node_that_we_write_is_described() {
    for profile in [CONSUMER, IOT] {
        assert_eq!(missing(&objects(), &message(profile)), []);
    }
}

#[test]
fn every_node_of_any_settings_is_described() {
    use proptest::{
        strategy::{Strategy as _, ValueTree as _},
        test_runner::TestRunner,
    };
    let mut runner = TestRunner::deterministic();
    for _ in 0..64 {
        let settings = crate::bootstrap::tests::settings().new_tree(&mut runner).unwrap().current();
        let payload = build(&settings, PayloadKind::Dm).unwrap();
        let message = Message::decode(Syntax::Wbxml, &payload.octets).unwrap();
        assert_eq!(missing(&objects(), &message), []);
    }
}

#[test]
fn a_description_reads_back() {
    let ours = objects();
    let xml = to_xml(&ours).unwrap();
    assert!(xml.contains("-//OMA//DTD-DM-DDF 1.2//EN") || xml.contains("syncml:dmddf1.2"), "{xml}");
    assert_eq!(parse(xml.as_bytes()).unwrap(), ours);
    assert_eq!(count(&ours), 92);
    // The same as WBXML.
    let root = crate::wire::xml::parse(xml.as_bytes()).unwrap();
    let octets = crate::wire::wbxml::encode(&crate::wire::wbxml::Document::new(root)).unwrap();
    assert_eq!(parse(&octets).unwrap(), ours);
}

#[test]
fn a_device_that_lacks_nodes_is_told_of() {
    let mut device = objects();
    device.retain(|n| n.name.as_deref() != Some("Proxy"));
    let account = &mut device[0].children[0];
    account.children.retain(|n| n.name.as_deref() != Some("AAuthPref"));
    let uris: Vec<(String, usize)> =
        missing(&device, &message(CONSUMER)).into_iter().map(|m| (m.uri, m.below)).collect();
    assert_eq!(uris, [("./DMAcc/acme.dm/AAuthPref".to_owned(), 0), ("./Proxy/mms-proxy".to_owned(), 10)]);
}

#[test]
fn objects_in_the_inbox_are_looked_for_where_the_device_keeps_their_type() {
    for encoding in [DmEncoding::TndsOpaque, DmEncoding::TndsInline, DmEncoding::TndsXml] {
        let mut settings = example(CONSUMER);
        settings.dm.encoding = encoding;
        let payload = build(&settings, PayloadKind::Dm).unwrap();
        let message = Message::decode(Syntax::Wbxml, &payload.octets).unwrap();
        assert_eq!(missing(&objects(), &message), [], "{encoding:?}");

        // Another place and another version, and no proxies at all.
        let mut device = objects();
        device.retain(|n| n.name.as_deref() != Some("Proxy"));
        device[0].name = Some("SyncML".to_owned());
        let account = &mut device[0].children[0];
        account.kind = "urn:oma:mo:oma-dm-dmacc:1.2".to_owned();
        account.children.retain(|n| n.name.as_deref() != Some("AAuthPref"));
        let uris: Vec<(String, usize)> =
            missing(&device, &message).into_iter().map(|m| (m.uri, m.below)).collect();
        assert_eq!(
            uris,
            [("./SyncML/acme.dm/AAuthPref".to_owned(), 0), ("./Inbox/mms-proxy".to_owned(), 10)],
            "{encoding:?}"
        );
    }
}

#[test]
fn a_description_of_others_is_read_with_its_path_and_occurrence() {
    let written = "<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName/><Path>./DMAcc</Path><DFProperties><AccessType><Add/><Get/></AccessType><DFFormat><node/></DFFormat><Occurrence><ZeroOrN>3</ZeroOrN></Occurrence><DFType><DDFName/></DFType></DFProperties><Node><NodeName>ServerID</NodeName><DFProperties><AccessType><Get/></AccessType><DFFormat><chr/></DFFormat><DFType><MIME>text/plain</MIME></DFType></DFProperties></Node></Node></MgmtTree>";
    let nodes = parse(written.as_bytes()).unwrap();
    assert_eq!(text(&nodes), "./DMAcc\n└─ <x> 0..3\n   └─ ServerID\n");
    let lacks = missing(&nodes, &message(IOT));
    assert!(lacks.iter().any(|m| m.uri == "./DMAcc/acme.iot/AppID"), "{lacks:?}");
    assert!(lacks.iter().all(|m| m.uri != "./DMAcc/acme.iot/ServerID" && m.uri != "./DMAcc/acme.iot"));
    assert!(parse(b"<SyncML/>").is_err());
}

#[test]
fn the_vector_is_read_in_both_syntaxes() {
    let Some(folder) = vectors::folder("dm") else { return };
    for ending in ["xml", "wbxml"] {
        let nodes = parse(&vectors::read(&folder, "ddf12-mgmttree", ending)).unwrap();
        assert_eq!(text(&nodes), "./E-Mail\n└─ POP3\n   ├─ POPServer\n   ├─ UserID\n   └─ PWD\n", "{ending}");
        let lacks = missing(&nodes, &message(IOT));
        let tops: Vec<&str> = lacks.iter().map(|m| m.uri.as_str()).collect();
        assert_eq!(tops, ["./DMAcc/acme.iot", "./NAP/meters"]);
    }
}

#[test]
fn figures_show_signs_and_unnamed_nodes() {
    let nodes = objects();
    let figure = text(&nodes);
    assert!(figure.starts_with("./DMAcc\n└─ <x> *\n   ├─ AppID\n   ├─ ServerID\n   ├─ Name ?\n"), "{figure}");
    let picture = svg(&nodes);
    assert_eq!(picture.matches("<rect").count(), count(&nodes));
    assert!(picture.contains(">&lt;x&gt; *</text>") && picture.contains(">Name ?</text>"));
    crate::wire::xml::parse(picture.as_bytes()).unwrap();
}

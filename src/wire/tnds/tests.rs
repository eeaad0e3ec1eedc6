//! Objects written and read in both syntaxes, and objects of others.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::wire::vectors;

fn value() -> impl Strategy<Value = Value> {
    let formats = [
        TextFormat::Bool,
        TextFormat::Chr,
        TextFormat::Date,
        TextFormat::Float,
        TextFormat::Int,
        TextFormat::Time,
        TextFormat::Xml,
    ];
    let octets = select(&[OctetFormat::Bin, OctetFormat::B64][..]);
    prop_oneof![
        (select(formats.to_vec()), "\\PC{0,12}").prop_map(|(f, t)| Value::Text(f, t)),
        (octets, vec(any::<u8>(), 0..12)).prop_map(|(f, o)| Value::Octets(f, o)),
        Just(Value::Null),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let name = "[a-zA-Z0-9.]{1,8}";
    let head = move || {
        (name, option::of("\\./[A-Za-z]{1,8}"), option::of("Get=[a-z]{1,5}"), option::of("[a-z]{1,6}"))
    };
    let leaf =
        (head(), value(), "[a-z]{1,6}/[a-z]{1,6}").prop_map(|((name, path, acl, title), value, mime)| Node {
            name,
            path,
            acl,
            title,
            content: Content::Leaf { mime, value },
        });
    leaf.prop_recursive(4, 32, 4, move |inner| {
        (head(), vec(inner, 0..4), "[a-z:]{0,8}").prop_map(|((name, path, acl, title), nodes, ddf_name)| {
            Node { name, path, acl, title, content: Content::Interior { ddf_name, nodes } }
        })
    })
}

/// What XML makes of it: octets become base64.
fn as_xml(node: &mut Node) {
    match &mut node.content {
        Content::Interior { nodes, .. } => nodes.iter_mut().for_each(as_xml),
        Content::Leaf { value: Value::Octets(format, _), .. } => *format = OctetFormat::B64,
        Content::Leaf { .. } => {}
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(nodes in vec(node(), 1..4), man in option::of("[A-Z]{1,6}")) {
        let mut tree = MgmtTree { man, model: None, nodes };
        let octets = tree.encode(Syntax::Wbxml).unwrap();
        prop_assert_eq!(&MgmtTree::decode(Syntax::Wbxml, &octets).unwrap(), &tree);
        let text = tree.encode(Syntax::Xml).unwrap();
        tree.nodes.iter_mut().for_each(as_xml);
        prop_assert_eq!(MgmtTree::decode(Syntax::Xml, &text).unwrap(), tree);
    }

    #[test]
    fn no_octets_make_it_panic(octets in vec(any::<u8>(), 0..200)) {
        let _ = MgmtTree::decode(Syntax::Wbxml, &octets);
        let _ = MgmtTree::decode(Syntax::Xml, &octets);
    }
}

#[test]
fn the_description_of_another_implementation_is_read_from_both_syntaxes() {
    let Some(folder) = vectors::folder("dm") else { return };
    let octets = vectors::read(&folder, "ddf12-mgmttree", "wbxml");
    let tree = MgmtTree::decode(Syntax::Wbxml, &octets).unwrap();
    assert_eq!(
        tree,
        MgmtTree::decode(Syntax::Xml, &vectors::read(&folder, "ddf12-mgmttree", "xml")).unwrap()
    );
    let [mail] = tree.nodes.as_slice() else { panic!() };
    let Content::Interior { ddf_name, nodes } = &mail.content else { panic!() };
    assert_eq!((mail.name.as_str(), ddf_name.as_str()), ("E-Mail", "com.operatorX.dm/1.0/EMail"));
    // A node without RTProperties that has nodes in it.
    let [pop3] = nodes.as_slice() else { panic!() };
    let Content::Interior { ddf_name, nodes } = &pop3.content else { panic!() };
    assert_eq!((pop3.name.as_str(), ddf_name.as_str(), nodes.len()), ("POP3", "", 3));
    assert_eq!(nodes[0], Node::leaf("POPServer", Value::chr("mail.Operatorx.com")));
    // Every truncation is an error.
    for end in 0..octets.len() {
        assert!(MgmtTree::decode(Syntax::Wbxml, &octets[..end]).is_err(), "{end}");
    }
    // Written again it has the head that the other one wrote: no number, the identifier first in the string table.
    let ours = tree.encode(Syntax::Wbxml).unwrap();
    assert_eq!(ours[..5], [0x02, 0x00, 0x00, 0x6A, 0x1B]);
    assert_eq!(ours[..0x20], octets[..0x20]);
}

fn read(inner: &str) -> Result<Vec<Node>, DecodeError> {
    let text = format!(r#"<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>{inner}</MgmtTree>"#);
    MgmtTree::decode(Syntax::Xml, text.as_bytes()).map(|t| t.nodes)
}

fn leaf_of(format: &str, value: &str) -> Result<Value, DecodeError> {
    let text = format!(
        "<Node><NodeName>a</NodeName><RTProperties><Format><{format}/></Format></RTProperties>{value}</Node>"
    );
    read(&text).map(|nodes| match &nodes[0].content {
        Content::Leaf { value, .. } => value.clone(),
        Content::Interior { .. } => panic!("interior"),
    })
}

#[test]
fn what_an_encoder_may_leave_out_is_supplied() {
    let bare = &read("<Node><NodeName> a </NodeName></Node>").unwrap()[0];
    assert_eq!(*bare, Node::leaf("a", Value::chr("")));
    let named = "<Node><RTProperties><Type><DDFName>x</DDFName></Type></RTProperties></Node>";
    assert_eq!(read(named).unwrap()[0], Node::interior("", "x", Vec::new()));
    let valued = "<Node><NodeName>a</NodeName><RTProperties><Type><DDFName/></Type></RTProperties><Value>v</Value></Node>";
    assert!(matches!(read(valued).unwrap()[0].content, Content::Leaf { .. }));
}

#[test]
fn values_are_what_their_format_says() {
    assert_eq!(
        leaf_of("b64", "<Value>bm9u\n Y2U=</Value>"),
        Ok(Value::Octets(OctetFormat::B64, b"nonce".to_vec()))
    );
    assert_eq!(
        leaf_of("bin", "<Value>nonce</Value>"),
        Ok(Value::Octets(OctetFormat::Bin, b"nonce".to_vec()))
    );
    assert_eq!(leaf_of("int", "<Value>7</Value>"), Ok(Value::Text(TextFormat::Int, "7".into())));
    assert_eq!(leaf_of("null", "<Value>x</Value>"), Ok(Value::Null));
    for (format, value) in [("b64", "<Value>!</Value>"), ("hex", ""), ("chr", "<Value><Node/></Value>")] {
        assert!(leaf_of(format, value).is_err(), "{format}");
    }
    let opaque = |octets: &[u8]| {
        let mut value = element("Value");
        value.children.push(infoset::Node::Opaque(octets.to_vec()));
        Value::read(Some(&value), None)
    };
    assert_eq!(opaque(b"text"), Ok(Value::chr("text")));
    assert_eq!(opaque(&[0xFF]), Ok(Value::Octets(OctetFormat::Bin, vec![0xFF])));
}

#[test]
fn what_is_no_tree_is_refused() {
    let node = |inner: &str| read(&format!("<Node><NodeName>a</NodeName>{inner}</Node>"));
    assert!(read("").is_err());
    assert!(MgmtTree::decode(Syntax::Xml, br#"<Node xmlns="syncml:dmddf1.2"/>"#).is_err());
    assert!(node("<RTProperties><Format><chr/></Format></RTProperties><Node/>").is_err());
    assert!(node("<RTProperties><Format><node/></Format></RTProperties><Value>x</Value>").is_err());
}

#[test]
fn nothing_of_a_value_is_shown() {
    let node = Node::leaf("AAuthSecret", Value::chr("hidden"));
    let octets = Node::leaf("AAuthData", Value::Octets(OctetFormat::Bin, b"hidden".to_vec()));
    let shown = format!("{:?}", MgmtTree::new(vec![node, octets]));
    assert!(!shown.contains("hidden") && !shown.contains("104"), "{shown}");
}

/// The document types of DM by number, and by the text that stands in the string table (the sheet, section 2).
#[test]
fn documents_are_known_by_number_and_by_text() {
    use wbxml::{Document, PublicId};
    let text = |text: &'static str| PublicId::Text(text.into());
    let (syncml, metinf, devinf) = (Vocabulary::SyncMl, Vocabulary::MetInf, Vocabulary::DevInf);
    for (public_id, vocabulary, root) in [
        (PublicId::Number(0x0FD1), syncml, "SyncML"),
        (PublicId::Number(0x0FD3), syncml, "SyncML"),
        (PublicId::Number(0x1201), syncml, "SyncML"),
        (PublicId::Number(0x1202), metinf, "MetInf"),
        (PublicId::Number(0x0FD2), devinf, "DevInf"),
        (PublicId::Number(0x0FD4), devinf, "DevInf"),
        (PublicId::Number(0x1203), devinf, "DevInf"),
        (text("-//SYNCML//DTD SyncML 1.0//EN"), syncml, "SyncML"),
        (text("-//SYNCML//DTD SyncML 1.1//EN"), syncml, "SyncML"),
        (text("-//SYNCML//DTD SyncML 1.2//EN"), syncml, "SyncML"),
        (text("-//SYNCML//DTD MetInf 1.2//EN"), metinf, "MetInf"),
        (text("-//SYNCML//DTD DevInf 1.0//EN"), devinf, "DevInf"),
        (text("-//SYNCML//DTD DevInf 1.1//EN"), devinf, "DevInf"),
        (text("-//SYNCML//DTD DevInf 1.2//EN"), devinf, "DevInf"),
        (text("-//OMA//DTD-DM-DDF 1.2//EN"), Vocabulary::DmDdf, "MgmtTree"),
    ] {
        let version = Document::V1_2;
        let document = Document { version, public_id, root: Element::new(vocabulary, root) };
        let octets = wbxml::encode(&document).unwrap();
        assert!(!octets.ends_with(root.as_bytes()), "{root} has a token");
        assert_eq!(wbxml::decode(&octets).unwrap(), document);
    }
}

//! Tests of the XML reader and writer: round trips, what strangers may send.

use proptest::prelude::*;

use super::*;
use crate::wire::{
    any_infoset::{Octets, any_prov, any_syncml},
    infoset::{MAX_DEPTH, MAX_NODES, MAX_OCTETS, Node},
};

fn read(text: &str) -> Element {
    parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn refused(text: &str) -> DecodeError {
    match parse(text.as_bytes()) {
        Err(e) => e,
        Ok(element) => panic!("{text} was read as {element:?}"),
    }
}

#[test]
fn a_document_both_ways() {
    let root =
        Element::new(Vocabulary::Prov, "wap-provisioningdoc").with_attribute("version", "1.1").with_child(
            Element::new(Vocabulary::Prov, "characteristic")
                .with_attribute("type", "\"<&>'\t\r\n")
                .with_child(Element::new(Vocabulary::Prov, "parm").with_attribute("name", "INIT")),
        );
    let text = write(&root).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<!DOCTYPE wap-provisioningdoc PUBLIC "-//WAPFORUM//DTD PROV 1.0//EN" "http://www.wapforum.org/DTD/prov.dtd">"#,
            r#"<wap-provisioningdoc version="1.1"><characteristic type="&quot;&lt;&amp;&gt;'&#9;&#13;&#10;">"#,
            r#"<parm name="INIT"/></characteristic></wap-provisioningdoc>"#
        )
    );
    assert_eq!(read(&text), root);
    let lines = write_indented(&root).unwrap();
    assert_eq!(lines.lines().count(), 7, "{lines}");
    assert!(lines.contains("\n    <parm name=\"INIT\"/>\n"), "{lines}");
    for end in 0..text.len() {
        assert!(parse(&text.as_bytes()[..end]).is_err(), "{end}");
    }
}

#[test]
fn namespaces_tell_the_vocabulary() {
    let meta = |inner: Element| {
        Element::new(Vocabulary::SyncMl, "SyncML")
            .with_child(Element::new(Vocabulary::SyncMl, "Meta").with_child(inner))
    };
    let kind = || Element::new(Vocabulary::MetInf, "Type").with_text("x");
    for text in [
        "<SyncML xmlns='SYNCML:SYNCML1.2'><Meta><Type xmlns='syncml:metinf'>x</Type></Meta></SyncML>",
        "<SyncML xmlns='syncml:syncml1.1'><Meta><Type xmlns='syncml:metinf1.2'>x</Type></Meta></SyncML>",
        "<s:SyncML xmlns:s='SYNCML:SYNCML1.2' xmlns:m='syncml:metinf'><s:Meta><m:Type>x</m:Type></s:Meta></s:SyncML>",
        "<SyncML><Meta><Type xmlns='syncml:metinf'>x</Type></Meta></SyncML>",
        "<SyncML><Meta><Type>x</Type></Meta></SyncML>",
        "<SyncML xmlns='urn:what'><Meta><Type>x</Type></Meta></SyncML>",
        "<a:SyncML><a:Meta><a:Type>x</a:Type></a:Meta></a:SyncML>",
    ] {
        assert_eq!(read(text), meta(kind()), "{text}");
    }
    let written = write(&meta(kind())).unwrap();
    assert!(
        written.ends_with(
            r#"<SyncML xmlns="SYNCML:SYNCML1.2"><Meta><Type xmlns="syncml:metinf">x</Type></Meta></SyncML>"#
        ),
        "{written}"
    );
    // Bound to the namespace of its parent, it is not guessed.
    assert_eq!(
        read("<SyncML xmlns='SYNCML:SYNCML1.2'><Meta><Type>x</Type></Meta></SyncML>"),
        meta(Element::new(Vocabulary::SyncMl, "Type").with_text("x"))
    );
    for (text, vocabulary) in [
        ("<MgmtTree xmlns='syncml:dmddf1.2'/>", Vocabulary::DmDdf),
        ("<MgmtTree/>", Vocabulary::DmDdf),
        ("<DevInf xmlns='syncml:devinf'/>", Vocabulary::DevInf),
        ("<DevInf/>", Vocabulary::DevInf),
        ("<MetInf/>", Vocabulary::MetInf),
        ("<wap-provisioningdoc/>", Vocabulary::Prov),
    ] {
        assert_eq!(read(text).vocabulary, vocabulary, "{text}");
        assert_eq!(read(&write(&read(text)).unwrap()), read(text));
    }
    let data = read("<SyncML><Data><MgmtTree><Node/></MgmtTree></Data></SyncML>");
    let tree = data.child("Data").unwrap().child("MgmtTree").unwrap();
    assert_eq!(
        (tree.vocabulary, tree.child("Node").unwrap().vocabulary),
        (Vocabulary::DmDdf, Vocabulary::DmDdf)
    );
}

#[test]
fn text_is_one_node_and_white_space_stays() {
    let root = read(
        "\u{FEFF}<?xml version='1.0' encoding='utf-8'?>\r\n<!-- x --><a> b<![CDATA[<c>]]>&amp;&#x64;<!-- e -->f\r\n<?g h?></a>\n",
    );
    assert_eq!(root.children, [Node::Text(" b<c>&df\n".to_owned())]);
    let root = read("<a xml:lang='de' x:b=' c&#10;d\ne '>\n<f/>\n</a>");
    assert_eq!(root.attribute("xml:lang"), Some("de"));
    assert_eq!(root.attribute("b"), Some(" c\nd e "));
    assert_eq!(root.children.len(), 3);
    assert_eq!(read(&write(&root).unwrap()), root);
    assert!(read("<a><![CDATA[]]></a>").children.is_empty());
}

/// Where it is wrong, what is wrong, and nothing of the text: it may be a secret.
#[test]
fn what_strangers_send_is_refused() {
    for (text, says) in [
        ("", "root element"),
        ("  ", "root element"),
        ("hidden", "text outside"),
        ("<a/>hidden", "text outside"),
        ("<a/><b/>", "second root"),
        ("<a>", "end tag"),
        ("<a><b></a>", "does not match"),
        ("</a>", "does not match"),
        ("<a b='hidden", "does not end"),
        ("<a", "does not end"),
        ("<a><!-- hidden", "does not end"),
        ("<a>&hidden;</a>", "entity other than"),
        ("<a>&hidden</a>", "reference does not end"),
        ("<a>&#xD800;</a>", "not a character"),
        ("<a>&#0;</a>", "not a character"),
        ("<a>&#1;</a>", "U+0001"),
        ("<a>\u{1}</a>", "U+0001"),
        ("<a b='&#2;'/>", "U+0002"),
        ("<a b='&hidden;'/>", "not one of the five"),
        ("<a b='1' b='2'/>", "stands twice"),
        ("<a x:b='1' y:b='2'/>", "stands twice"),
        ("<a b=1/>", "malformed"),
        ("<a b/>", "malformed"),
        ("<a 1='x'/>", "name that is none"),
        ("<1/>", "character that names may not have"),
        ("<a{b/>", "character that names may not have"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "encoding"),
        ("<!DOCTYPE a [<!ENTITY b 'hidden'>]><a>&b;</a>", "internal subset"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd' []><a/>", "internal subset"),
    ] {
        let error = refused(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
        assert!(!error.contains("hidden"), "{text}: {error}");
    }
    assert_eq!(parse(b"<a>\xFF</a>").unwrap_err().at(), 3);
    assert_eq!(refused("<a>  <b/> &x; </a>").at(), 10);
    assert_eq!(refused("\u{FEFF}<a>&x;</a>").at(), 6);
    // Naming a DTD is not fetching it.
    assert_eq!(read("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>").name, "a");
}

#[test]
fn nothing_grows_without_bound() {
    let limited = |text: &str| match parse(text.as_bytes()) {
        Err(DecodeError::Limit { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(limited(&"<a>".repeat(1000)), MAX_DEPTH);
    assert_eq!(limited(&format!("<a>{}</a>", "<b/>".repeat(MAX_NODES))), MAX_NODES);
    assert_eq!(limited(&" ".repeat(MAX_OCTETS + 1)), MAX_OCTETS);
    let attributes: String = (0..33).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(limited(&format!("<a{attributes}/>")), 32);
    // Namespace declarations are capped by the parser.
    let declarations: String = (0..1000).map(|n| format!(" xmlns:a{n}='b'")).collect();
    assert!(parse(format!("<a{declarations}/>").as_bytes()).is_err());
    let deep = |n| {
        (0..n).fold(Element::new(Vocabulary::Prov, "a"), |e, _| {
            Element::new(Vocabulary::Prov, "a").with_child(e)
        })
    };
    assert!(read(&write(&deep(MAX_DEPTH - 1)).unwrap()) == deep(MAX_DEPTH - 1));
    assert!(matches!(write(&deep(MAX_DEPTH)), Err(EncodeError::Limit { .. })));
}

#[test]
fn what_does_not_fit_is_not_written() {
    let prov = |name: &str| Element::new(Vocabulary::Prov, name);
    for element in [prov(""), prov("a b"), prov("a:b"), prov("1"), prov("a").with_attribute("xmlns", "x")] {
        assert!(matches!(write(&element), Err(EncodeError::Name { .. })), "{element:?}");
    }
    for element in [prov("a").with_text("\u{1}"), prov("a").with_attribute("b", "\0")] {
        assert!(matches!(write(&element), Err(EncodeError::Character { .. })), "{element:?}");
    }
    let twice = prov("a").with_attribute("b", "1").with_attribute("b", "2");
    assert!(matches!(write(&twice), Err(EncodeError::Twice { .. })));
    let foreign = prov("a").with_child(Element::new(Vocabulary::SyncMl, "b"));
    assert!(matches!(write(&foreign), Err(EncodeError::Foreign { .. })));
}

#[test]
fn octets_become_text_or_base64() {
    for (octets, text) in [(&b"a<b"[..], "a&lt;b"), (&[0xFF, 0x00], "/wA="), (&[0x00], "AA==")] {
        let mut root = Element::new(Vocabulary::Prov, "a");
        root.children.push(Node::Opaque(octets.to_vec()));
        assert!(write(&root).unwrap().ends_with(&format!("<a>{text}</a>")));
    }
}

proptest! {
    #[test]
    fn provisioning_documents_survive(root in any_prov(Octets::None)) {
        prop_assert_eq!(parse(write(&root).unwrap().as_bytes()).unwrap(), root);
    }

    #[test]
    fn syncml_documents_survive(root in any_syncml(Octets::None)) {
        prop_assert_eq!(parse(write(&root).unwrap().as_bytes()).unwrap(), root);
    }

    #[test]
    fn no_text_makes_it_panic(
        pieces in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(vec![
                    "<", ">", "</a>", "<a>", "<a", "/>", "='", "\"", " xmlns", ":b", "&", ";", "&#x", "&lt;",
                    "<![CDATA[", "]]>", "<!--", "-->", "<?", "?>", "<!DOCTYPE", "<?xml", "\r\n", "\0",
                ])
                .prop_map(|s| s.as_bytes().to_vec()),
                proptest::collection::vec(any::<u8>(), 0..3),
            ],
            0..40,
        ),
    ) {
        let octets = pieces.concat();
        if let Ok(root) = parse(&octets) {
            prop_assert_eq!(parse(write(&root).unwrap().as_bytes()).unwrap(), root);
        }
    }
}

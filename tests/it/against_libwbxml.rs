//! libwbxml reads what we write, and we read what it writes: documents of random profiles go through `wbxml2xml` and
//! `xml2wbxml` as processes, and the infoset that comes out is the one that went in. Where libwbxml is known to be wrong
//! stands in [`super::peers::faults`], and nothing else is let through.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use bootgate::{
    bootstrap::PayloadKind,
    wire::{
        infoset::{Element, Node},
        wbxml, xml,
    },
};

use super::{
    peers::{faults, program},
    random_profiles::{drawn, payload},
};

/// Profiles that are drawn; each becomes two documents, and each of these takes two processes.
const PROFILES: usize = 96;

/// The XML of a WBXML document.
pub fn wbxml2xml(folder: &Path, octets: &[u8]) -> Vec<u8> {
    through(folder, octets, "wbxml2xml", &["-m", "0", "-k"])
}

/// The WBXML of an XML document: with a string table, as it does when it is not told otherwise, or without.
pub fn xml2wbxml(folder: &Path, text: &[u8], string_table: bool) -> Vec<u8> {
    through(
        folder,
        text,
        "xml2wbxml",
        if string_table { &["-k", "-v", "1.3"] } else { &["-k", "-n", "-v", "1.3"] },
    )
}

fn through(folder: &Path, input: &[u8], name: &str, switches: &[&str]) -> Vec<u8> {
    let (from, to) = (folder.join("in"), folder.join("out"));
    std::fs::write(&from, input).unwrap();
    let _ = std::fs::remove_file(&to);
    let mut command = Command::new(program(name, "libwbxml2-utils"));
    command.args(switches).arg("-o").arg(&to).arg(&from).stdin(Stdio::null());
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && to.exists(), "{name}: {said}\n{input:02X?}");
    std::fs::read(to).unwrap()
}

/// The infoset as both can tell it: octets that are a document are its root, other octets are text.
pub fn told(element: &Element) -> Element {
    let mut out = Element { children: Vec::new(), ..element.clone() };
    for node in &element.children {
        let text = match node {
            Node::Element(inner) => {
                out.children.push(Node::Element(told(inner)));
                continue;
            }
            Node::Opaque(octets) => match wbxml::decode(octets) {
                Ok(document) => {
                    out.children.push(Node::Element(told(&document.root)));
                    continue;
                }
                Err(_) => String::from_utf8(octets.clone()).unwrap(),
            },
            Node::Text(text) => text.clone(),
        };
        match out.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(&text),
            _ => out.children.push(Node::Text(text)),
        }
    }
    out
}

/// Where two infosets first differ.
pub fn difference(ours: &Element, theirs: &Element) -> Option<String> {
    let here = |what: String| Some(format!("<{}> {what}", ours.name));
    if (ours.vocabulary, &ours.name) != (theirs.vocabulary, &theirs.name) {
        return here(format!("{:?} is {:?} <{}>", ours.vocabulary, theirs.vocabulary, theirs.name));
    }
    if ours.attributes != theirs.attributes {
        return here(format!("{:?} is {:?}", ours.attributes, theirs.attributes));
    }
    let pairs = ours.children.iter().zip(&theirs.children);
    let inner = pairs.into_iter().find_map(|(a, b)| match (a, b) {
        (Node::Element(a), Node::Element(b)) => difference(a, b),
        (Node::Text(a), Node::Text(b)) if a == b => None,
        (Node::Text(a), Node::Text(b)) => Some(format!("{a:?} is {b:?}")),
        _ => Some("another sort of node".to_owned()),
    });
    match inner {
        Some(inner) => here(inner),
        None if ours.children.len() != theirs.children.len() => {
            here(format!("{} nodes are {}", ours.children.len(), theirs.children.len()))
        }
        None => None,
    }
}

/// The documents, of both kinds in turn.
fn documents() -> Vec<(PayloadKind, Vec<u8>)> {
    let profiles = drawn(PROFILES);
    let documents =
        profiles.iter().flat_map(|p| PayloadKind::ALL.map(|kind| (kind, payload(p, kind).octets)));
    documents.collect()
}

#[test]
fn it_reads_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let (mut equal, mut cut, mut octets) = (0, 0, 0);
    for (kind, document) in documents() {
        let mut ours = told(&wbxml::decode(&document).unwrap().root);
        let mut text = wbxml2xml(folder.path(), &document);
        if faults::section_ends(&ours) > 0 {
            // The fault is there, in this document and for this reason: without those texts all of it is compared.
            let faulty = xml::parse(&text).ok().map(|theirs| told(&theirs));
            assert!(faulty != Some(faults::as_libwbxml_reads(&ours)), "{kind}: the fault is mended");
            ours = faults::without_section_ends(&ours);
            text = wbxml2xml(folder.path(), &wbxml::encode(&wbxml::Document::new(ours.clone())).unwrap());
            cut += 1;
        }
        let shown = String::from_utf8_lossy(&text);
        let theirs = xml::parse(&text).unwrap_or_else(|e| panic!("{kind}: {e}\n{shown}"));
        if let Some(difference) = difference(&faults::as_libwbxml_reads(&ours), &told(&theirs)) {
            panic!("{kind}: {difference}\n{shown}");
        }
        equal += 1;
        octets += document.len();
    }
    // None is left out; in some DM messages the texts with the one fault behind which nothing can be compared are.
    assert_eq!(equal, 2 * PROFILES);
    assert!((1..PROFILES).contains(&cut), "{cut}");
    assert!(octets > 100_000, "{octets}");
}

#[test]
fn we_read_what_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let documents = documents();
    for (at, (kind, document)) in documents.iter().enumerate() {
        let ours = told(&wbxml::decode(document).unwrap().root);
        let text = xml::write(&ours).unwrap();
        let octets = xml2wbxml(folder.path(), text.as_bytes(), at % 4 < 2);
        let theirs = wbxml::decode(&octets).unwrap_or_else(|e| panic!("{kind}: {e}\n{text}\n{octets:02X?}"));
        if let Some(difference) = difference(&ours, &told(&theirs.root)) {
            panic!("{kind}: {difference}\n{text}");
        }
    }
    assert_eq!(documents.len(), 2 * PROFILES);
}

#[test]
fn a_difference_is_seen() {
    let document = documents().remove(1).1;
    let ours = told(&wbxml::decode(&document).unwrap().root);
    let text = xml::write(&ours).unwrap();
    assert_eq!(difference(&ours, &xml::parse(text.as_bytes()).unwrap()), None);
    for (from, to) in
        [("chr", "int"), ("<Data>w7</Data>", ""), (" xmlns=\"syncml:metinf\"", ""), ("<Data>w7", "<Data>w7 ")]
    {
        assert!(text.contains(from));
        let other = xml::parse(text.replacen(from, to, 1).as_bytes()).unwrap();
        assert!(difference(&ours, &other).is_some(), "{from}");
    }
}

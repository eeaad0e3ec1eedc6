//! Any document, for the round trips of the tests.
#![cfg(test)]

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample::select};

use super::infoset::{Attribute, Element, Node, Vocabulary};

/// Whether octets stand in the document; XML turns them into text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Octets {
    Some,
    None,
}

/// A provisioning document: any tree with attributes, known names and unknown ones.
pub(crate) fn any_prov(octets: Octets) -> BoxedStrategy<Element> {
    any_element(vec![Vocabulary::Prov], select(vec!["wap-provisioningdoc", "characteristic", "parm"]), octets)
}

/// A SyncML document: three vocabularies in any order, known names and unknown ones.
pub(crate) fn any_syncml(octets: Octets) -> BoxedStrategy<Element> {
    any_element(
        vec![Vocabulary::SyncMl, Vocabulary::MetInf, Vocabulary::DmDdf],
        select(vec![
            "SyncML", "SyncBody", "Meta", "Data", "Item", "Format", "Type", "MgmtTree", "Node", "node",
        ]),
        octets,
    )
}

fn any_element(
    vocabularies: Vec<Vocabulary>,
    known: proptest::sample::Select<&'static str>,
    octets: Octets,
) -> BoxedStrategy<Element> {
    let name = prop_oneof![3 => known.prop_map(str::to_owned), 1 => any_name()].boxed();
    let shell = (select(vocabularies), name, vec(any_attribute(), 0..3))
        .prop_map(|(vocabulary, name, attributes)| {
            let mut seen = BTreeSet::new();
            let attributes = attributes.into_iter().filter(|a| seen.insert(a.name.clone())).collect();
            Element { vocabulary, name, attributes, children: Vec::new() }
        })
        .boxed();
    let octets_weight = if octets == Octets::Some { 1 } else { 0 };
    let leaf = (shell.clone(), vec(any_leaf(octets_weight), 0..3)).prop_map(with_children).boxed();
    leaf.prop_recursive(5, 48, 4, move |inner| {
        let node = prop_oneof![3 => inner.prop_map(Node::Element), 1 => any_leaf(octets_weight)];
        (shell.clone(), vec(node, 0..4)).prop_map(with_children).boxed()
    })
    .boxed()
}

/// The normal form: texts side by side are one.
fn with_children((mut element, children): (Element, Vec<Node>)) -> Element {
    for node in children {
        match (node, element.children.last_mut()) {
            (Node::Text(text), Some(Node::Text(before))) => before.push_str(&text),
            (node, _) => element.children.push(node),
        }
    }
    element
}

fn any_name() -> BoxedStrategy<String> {
    "[A-Za-z_äß][A-Za-z0-9_.-]{0,8}".boxed()
}

fn any_attribute() -> BoxedStrategy<Attribute> {
    let name = prop_oneof![
        4 => select(vec!["type", "name", "value", "version"]).prop_map(str::to_owned),
        1 => any_name()
    ];
    let value = prop_oneof![
        select(vec![
            "",
            "1.0",
            "PAP",
            "BASIC",
            ",",
            "NAME",
            "APPID",
            "APPREF",
            "3G-GSM",
            "APPLICATION",
            "PORT"
        ])
        .prop_map(str::to_owned),
        any_text(),
    ];
    (name, value).prop_map(|(name, value)| Attribute { name, value }).boxed()
}

fn any_leaf(octets: u32) -> BoxedStrategy<Node> {
    let text =
        any_text().prop_filter_map("empty text is no node", |t| (!t.is_empty()).then_some(Node::Text(t)));
    prop_oneof![4 => text, octets => vec(any::<u8>(), 0..200).prop_map(Node::Opaque)].boxed()
}

fn any_text() -> BoxedStrategy<String> {
    prop_oneof!["[ -~]{0,20}", "[\t\n\r <>&\"'\\]äß€\u{1F4F1}\u{85}\u{2028}\u{FFFD}]{0,8}"].boxed()
}

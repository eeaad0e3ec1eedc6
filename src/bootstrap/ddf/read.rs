//! DDF 1.2 → nodes, from XML or WBXML. A management tree without DFProperties (TNDS) is taken too: then each of its nodes
//! is there once.

use crate::{
    bootstrap::BootstrapError,
    wire::{
        DecodeError,
        infoset::{Element, Vocabulary},
        wbxml, xml,
    },
};

use super::{Node, Occurrence};

/// Reads a description.
///
/// # Errors
/// [`BootstrapError::Decode`] when it is broken or something else.
pub fn parse(octets: &[u8]) -> Result<Vec<Node>, BootstrapError> {
    let is_wbxml = matches!(octets.first(), Some(0x01..=0x03));
    let root =
        if is_wbxml { wbxml::decode_expecting(octets, Vocabulary::DmDdf)?.root } else { xml::parse(octets)? };
    if root.name != "MgmtTree" {
        let why = format!("the root element is {}; expected MgmtTree", root.name);
        return Err(DecodeError::invalid("device description", 0, why).into());
    }
    Ok(root.elements().filter(|e| e.name == "Node").map(placed).collect())
}

/// A root with the nodes of its Path above it.
fn placed(e: &Element) -> Node {
    let path = e.child("Path").map(Element::text).unwrap_or_default();
    let above: Vec<&str> = path.trim().split('/').filter(|s| !s.is_empty() && *s != ".").collect();
    above.iter().rev().fold(node(e), |below, name| Node {
        name: Some((*name).to_owned()),
        occurrence: Occurrence::One,
        access: vec!["Get".into()],
        format: "node".into(),
        kind: String::new(),
        permanent: true,
        description: None,
        children: vec![below],
    })
}

/// Recursion is bounded by the depth that the decoders take.
fn node(e: &Element) -> Node {
    let text = |e: &Element| Some(e.text().trim().to_owned()).filter(|t| !t.is_empty());
    let properties = e.child("DFProperties").or_else(|| e.child("RTProperties"));
    let inner = |name: &str| properties.and_then(|p| p.child(name));
    let word = |name: &str| inner(name).and_then(|p| p.elements().next());
    let children: Vec<Node> = e.elements().filter(|c| c.name == "Node").map(node).collect();
    let number = |e: &Element| text(e).and_then(|t| t.parse().ok()).unwrap_or(u32::MAX);
    let format = word("DFFormat").or_else(|| word("Format")).map(|f| f.name.clone());
    Node {
        name: e.child("NodeName").and_then(text),
        occurrence: match word("Occurrence").map(|o| (o.name.as_str(), o)) {
            Some(("ZeroOrOne", _)) => Occurrence::ZeroOrOne,
            Some(("ZeroOrMore", _)) => Occurrence::ZeroOrMore,
            Some(("OneOrMore", _)) => Occurrence::OneOrMore,
            Some(("ZeroOrN", o)) => Occurrence::ZeroOrN(number(o)),
            Some(("OneOrN", o)) => Occurrence::OneOrN(number(o)),
            _ => Occurrence::One,
        },
        access: inner("AccessType")
            .map(|a| a.elements().map(|c| c.name.clone()).collect())
            .unwrap_or_default(),
        format: format.unwrap_or_else(|| if children.is_empty() { "chr" } else { "node" }.to_owned()),
        kind: word("DFType").or_else(|| word("Type")).and_then(text).unwrap_or_default(),
        permanent: word("Scope").is_some_and(|s| s.name == "Permanent"),
        description: inner("Description").and_then(text),
        children,
    }
}

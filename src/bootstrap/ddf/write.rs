//! Nodes → DDF 1.2 (`-//OMA//DTD-DM-DDF 1.2//EN`).

use crate::{
    bootstrap::BootstrapError,
    wire::{
        infoset::{Element, Vocabulary},
        xml,
    },
};

use super::{Node, Occurrence};

/// Writes a description as XML.
///
/// # Errors
/// [`BootstrapError::Encode`] when a text holds what XML cannot carry.
pub fn to_xml(roots: &[Node]) -> Result<String, BootstrapError> {
    let version = element("VerDTD").with_text("1.2");
    let nodes = roots.iter().map(|n| node(n, true));
    Ok(xml::write_indented(&element("MgmtTree").with_child(version).with_all(nodes))?)
}

fn element(name: &str) -> Element {
    Element::new(Vocabulary::DmDdf, name)
}

fn node(n: &Node, is_root: bool) -> Element {
    let mut out = element("Node");
    let name = element("NodeName");
    out = out.with_child(match &n.name {
        Some(text) => name.with_text(text),
        None => name,
    });
    if is_root {
        out = out.with_child(element("Path").with_text("."));
    }
    out.with_child(properties(n)).with_all(n.children.iter().map(|c| node(c, false)))
}

/// `DFProperties`, in the order of the DTD.
fn properties(n: &Node) -> Element {
    let access = element("AccessType").with_all(n.access.iter().map(|a| element(a)));
    let mut out = element("DFProperties").with_child(access);
    if let Some(text) = &n.description {
        out = out.with_child(element("Description").with_text(text));
    }
    let number = |name: &str, n: u32| element(name).with_text(n.to_string());
    let occurrence = match n.occurrence {
        Occurrence::One => element("One"),
        Occurrence::ZeroOrOne => element("ZeroOrOne"),
        Occurrence::ZeroOrMore => element("ZeroOrMore"),
        Occurrence::OneOrMore => element("OneOrMore"),
        Occurrence::ZeroOrN(n) => number("ZeroOrN", n),
        Occurrence::OneOrN(n) => number("OneOrN", n),
    };
    let kind = if n.format == "node" { element("DDFName") } else { element("MIME") };
    let kind = if n.kind.is_empty() { kind } else { kind.with_text(&n.kind) };
    out.with_child(element("DFFormat").with_child(element(&n.format)))
        .with_child(element("Occurrence").with_child(occurrence))
        .with_child(element("Scope").with_child(element(if n.permanent { "Permanent" } else { "Dynamic" })))
        .with_child(element("DFType").with_child(kind))
}

//! Which nodes of a DM bootstrap a device with a certain description does not have.

use crate::wire::{
    infoset::{self, Element},
    syncml::{Command, Message, Verb},
};

use super::Node;

/// The place that objects are delivered to.
const INBOX: &str = "Inbox";

/// A node of the payload that the device does not have.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Missing {
    /// Its place.
    pub uri: String,
    /// How many nodes of the payload stand below it, and are missing with it.
    pub below: usize,
}

/// The nodes of the message that a device with this description lacks; of a missing sub-tree, its top.
pub fn missing(device: &[Node], message: &Message) -> Vec<Missing> {
    let mut uris = Vec::new();
    message.commands.iter().for_each(|c| command(device, c, &mut uris));
    let mut out: Vec<Missing> = Vec::new();
    for uri in uris {
        let segments: Vec<&str> = uri.split('/').collect();
        if has(device, &segments) {
            continue;
        }
        let above = |m: &&mut Missing| uri.strip_prefix(m.uri.as_str()).is_some_and(|r| r.starts_with('/'));
        if let Some(top) = out.iter_mut().find(above) {
            top.below += 1;
        } else if out.iter().all(|m| m.uri != uri) {
            out.push(Missing { uri, below: 0 });
        }
    }
    out.iter_mut().for_each(|m| m.uri.insert_str(0, "./"));
    out
}

/// True when a node is there. A name that is given at run time may be any.
fn has(nodes: &[Node], segments: &[&str]) -> bool {
    let Some((first, rest)) = segments.split_first() else { return true };
    let named = |n: &&Node| n.name.as_deref().is_none_or(|name| name == *first);
    nodes.iter().filter(named).any(|n| has(&n.children, rest))
}

fn command(device: &[Node], c: &Command, uris: &mut Vec<String>) {
    match c {
        Command::Operation(op) if matches!(op.verb, Verb::Add | Verb::Replace) => {
            for item in &op.items {
                let Some(target) = &item.target else { continue };
                let tree =
                    item.data.as_ref().and_then(|d| d.document().ok()).filter(|e| e.name == "MgmtTree");
                let base = bare(&target.uri);
                match tree {
                    Some(tree) if base == INBOX => delivered(device, &tree, uris),
                    Some(tree) => nodes(&tree, &base, uris),
                    None => uris.push(base),
                }
            }
        }
        Command::Group(group) => group.commands.iter().for_each(|c| command(device, c, uris)),
        _ => {}
    }
}

/// The nodes of objects in the inbox, which keeps nothing: the device puts each where it has objects of that type. Of a type
/// that it has no place for, all is missing, and is called as if it stayed in the inbox.
fn delivered(device: &[Node], tree: &Element, uris: &mut Vec<String>) {
    for object in tree.elements().filter(|c| c.name == "Node") {
        let kind = object
            .child("RTProperties")
            .and_then(|p| p.child("Type"))
            .and_then(|t| t.child("DDFName"))
            .map(|name| name.text().trim().to_owned());
        let place = kind.and_then(|kind| place_of(device, &kind)).unwrap_or_else(|| INBOX.to_owned());
        let alone = Element { children: vec![infoset::Node::Element(object.clone())], ..tree.clone() };
        nodes(&alone, &place, uris);
    }
}

/// Where a device keeps objects of a type, whatever the minor version of the one or the other.
fn place_of(nodes: &[Node], kind: &str) -> Option<String> {
    let name = |kind: &str| kind.rsplit_once(':').map(|(name, _version)| name.to_owned());
    nodes.iter().find_map(|node| {
        if node.kind == kind || (name(kind).is_some() && name(&node.kind) == name(kind)) {
            return Some(String::new());
        }
        let below = place_of(&node.children, kind)?;
        // An unnamed node on the way may have any name.
        let own = node.name.as_deref().unwrap_or("x");
        Some(if below.is_empty() { own.to_owned() } else { format!("{own}/{below}") })
    })
}

/// The nodes of a serialised tree. One without a name is named by the target.
fn nodes(e: &Element, base: &str, uris: &mut Vec<String>) {
    for node in e.elements().filter(|c| c.name == "Node") {
        let text = |name: &str| node.child(name).map(|c| bare(c.text().trim())).unwrap_or_default();
        let (path, name) = (text("Path"), text("NodeName"));
        let parts: Vec<&str> =
            [base, path.as_str(), name.as_str()].into_iter().filter(|p| !p.is_empty()).collect();
        let uri = parts.join("/");
        if !uris.contains(&uri) {
            uris.push(uri.clone());
        }
        nodes(node, &uri, uris);
    }
}

fn bare(uri: &str) -> String {
    let uri = uri.strip_prefix("./").unwrap_or(uri).trim_matches('/');
    if uri == "." { String::new() } else { uri.to_owned() }
}

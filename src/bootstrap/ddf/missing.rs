//! Which nodes of a DM bootstrap a device with a certain description does not have.

use crate::wire::{
    infoset::Element,
    syncml::{Command, Message, Verb},
};

use super::Node;

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
    message.commands.iter().for_each(|c| command(c, &mut uris));
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

fn command(c: &Command, uris: &mut Vec<String>) {
    match c {
        Command::Operation(op) if matches!(op.verb, Verb::Add | Verb::Replace) => {
            for item in &op.items {
                let Some(target) = &item.target else { continue };
                let tree =
                    item.data.as_ref().and_then(|d| d.document().ok()).filter(|e| e.name == "MgmtTree");
                let base = bare(&target.uri);
                match tree {
                    // The inbox keeps nothing: the device puts the objects where they belong.
                    Some(tree) => nodes(&tree, if base == "Inbox" { "" } else { &base }, uris),
                    None => uris.push(base),
                }
            }
        }
        Command::Group(group) => group.commands.iter().for_each(|c| command(c, uris)),
        _ => {}
    }
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

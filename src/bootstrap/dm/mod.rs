//! The DM bootstrap message (OMA DM Bootstrap 1.2, section 5.3) and the settings.
//!
//! As plain Adds the message is one `Add` with the nodes of the account (DMAcc, DM Standardized Objects 1.2), command 1,
//! because a client is known that looks for the account there; then, where there are any, one `Add` with the connectivity
//! objects. In one piece (TNDS) it is a single `Add` of all objects to `./Inbox`, each typed, with their access control
//! lists. What a management object has no node for is a named loss: [`reduce`] takes it out first, so that what is written
//! reads back exactly.

mod objects;
mod place;
mod read;
mod reduce;
mod tree;
mod write;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    profile::{DmEncoding, DmOptions},
    wire::{
        Syntax,
        infoset::{Element, Node},
        syncml::Message,
        tnds::{self, MgmtTree},
        wbxml,
    },
};

use super::{BootstrapError, Settings, kind::Reading};

/// Writes settings as a WBXML message, and names what it cannot carry.
pub(super) fn write(settings: &Settings) -> Result<(Vec<u8>, Vec<String>), BootstrapError> {
    let (reduced, losses) = reduce::reduce(settings);
    Ok((write::message(&reduced)?.encode(Syntax::Wbxml)?, losses))
}

/// The objects of settings as a tree, each at its place, and what they cannot carry. It is for TNDS XML, whatever form a
/// message of the profile has: access control lists are in it.
///
/// # Errors
/// [`BootstrapError::NoAccount`], [`BootstrapError::NodeName`].
pub(super) fn tree(settings: &Settings) -> Result<(MgmtTree, Vec<String>), BootstrapError> {
    let dm = DmOptions { encoding: DmEncoding::TndsXml, ..settings.dm };
    let (reduced, losses) = reduce::reduce(&Settings { dm, ..settings.clone() });
    let objects = objects::objects(&reduced, objects::Delivery::ToPlaces)?;
    let at = |o: objects::Object| tnds::Node { path: Some(format!("./{}", o.place.name())), ..o.node };
    Ok((MgmtTree::new(objects.into_iter().map(at).collect()), losses))
}

/// Reads a WBXML message.
pub(super) fn read(octets: &[u8]) -> Result<Reading, BootstrapError> {
    read::settings(&Message::decode(Syntax::Wbxml, octets)?)
}

/// Puts the elements of objects that stand in `Data` as octets in the place of those, as people want to see them.
/// Recursion is bounded by the limit of depth that documents have; what was opened is not opened again.
pub(super) fn open(element: &mut Element) {
    for node in &mut element.children {
        match node {
            Node::Element(inner) => open(inner),
            Node::Opaque(octets) if element.name == "Data" => match wbxml::decode(octets) {
                Ok(document) if document.root.name == "MgmtTree" => *node = Node::Element(document.root),
                _ => {}
            },
            Node::Opaque(_) | Node::Text(_) => {}
        }
    }
}

/// Puts base64 in the place of values that are octets, and says so: XML carries no octets, and the format of the item or
/// the node must be `b64` there (DM Protocol 1.2, `Meta`; DM Tree and Description 1.2, `Format`).
pub(super) fn to_base64(element: &mut Element) {
    let format = match element.name.as_str() {
        "Item" => encoded(element, "Data").then(|| ("Meta", Node::Text("b64".to_owned()))),
        "Node" => encoded(element, "Value")
            .then(|| ("RTProperties", Node::Element(Element::new(element.vocabulary, "b64")))),
        _ => None,
    };
    if let Some((within, b64)) = format
        && let Some(format) = child_mut(element, within).and_then(|own| child_mut(own, "Format"))
    {
        format.children = vec![b64];
    }
    for node in &mut element.children {
        if let Node::Element(inner) = node {
            to_base64(inner);
        }
    }
}

/// Makes base64 of a child that is nothing but octets; false when it is not such.
fn encoded(element: &mut Element, name: &str) -> bool {
    let Some(value) = child_mut(element, name) else { return false };
    let [Node::Opaque(octets)] = &value.children[..] else { return false };
    value.children = vec![Node::Text(BASE64.encode(octets))];
    true
}

fn child_mut<'e>(element: &'e mut Element, name: &str) -> Option<&'e mut Element> {
    element.children.iter_mut().find_map(|node| match node {
        Node::Element(inner) if inner.name == name => Some(inner),
        _ => None,
    })
}

#[cfg(test)]
mod tests;

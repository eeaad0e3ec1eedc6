//! What two bootstraps bring alike. Operators name access points and proxies in every message as in the one before, so a
//! second account comes with the access point that the first one brought. The standard leaves it at 418 (exists), by which
//! a message would be lost for something that it changes nothing of; so a phone that finds the very same there takes it
//! as it is (inferred: nothing that could be read speaks of it). An object in TNDS comes in one piece and is compared in
//! one piece, after its references were rewritten; an Add comes node by node, so that only the whole message tells.

use crate::{
    phone::{
        command::Actor,
        tree::{Address, Aspect, Format, Origin, Tree, Uri},
        value,
    },
    wire::syncml::{Item, Operation, Verb},
};

use super::brought::Brought;

/// Where connectivity objects stand.
const PLACES: [&str; 2] = ["NAP", "Proxy"];

/// The object that a plain Add would make again, when another bootstrap brought the node just as the item has it.
pub(super) fn by(tree: &Tree, actor: &Actor, operation: &Operation, item: &Item) -> Option<Uri> {
    let Actor::Bootstrap(number) = actor else { return None };
    let uri = added(operation, item)?;
    let node = tree.node(&uri)?;
    if !brought_by_another(node.origin(), *number) {
        return None;
    }
    let sent = value::of_item(item, operation.meta.as_ref()).ok()?;
    let format = sent.format.unwrap_or(Format::Chr);
    let same = format == node.format() && node.value().is_none_or(|value| value == sent.octets);
    if same { uri.up_to(2) } else { None }
}

/// The connectivity object that a plain Add brings a node of.
pub(super) fn object_of(operation: &Operation, item: &Item) -> Option<Uri> {
    added(operation, item)?.up_to(2)
}

/// Whether the message brings all of the object that is there, and nothing besides.
pub(super) fn is_whole(tree: &Tree, object: &Uri, brought: &Brought, number: u32) -> bool {
    tree.walk_from(object).into_iter().all(|(uri, node)| {
        node.origin() != Origin::Bootstrap(number) && (node.format() == Format::Node || brought.holds(&uri))
    })
}

/// Whether that is a connectivity object which another bootstrap than that one brought.
pub(in crate::phone) fn is_of_another(tree: &Tree, object: &Uri, number: u32) -> bool {
    let [place, _] = object.segments() else { return false };
    PLACES.contains(&place.as_str())
        && tree.node(object).is_some_and(|node| brought_by_another(node.origin(), number))
}

fn brought_by_another(origin: Origin, number: u32) -> bool {
    matches!(origin, Origin::Bootstrap(other) if other != number)
}

/// The node of a connectivity object that an item adds.
fn added(operation: &Operation, item: &Item) -> Option<Uri> {
    let address: Address = item.target.as_ref()?.uri.parse().ok()?;
    let [place, _, ..] = address.uri.segments() else { return None };
    let is_one =
        operation.verb == Verb::Add && address.aspect == Aspect::Node && PLACES.contains(&place.as_str());
    is_one.then_some(address.uri)
}

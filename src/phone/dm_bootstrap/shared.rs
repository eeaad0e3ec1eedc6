//! What two bootstraps bring alike. Operators name access points and proxies in every message as in the one before, so a
//! second account comes with the access point that the first one brought. The standard leaves it at 418 (exists), by which
//! a message would be lost for something that it changes nothing of; so a phone that finds the very same there takes it
//! as it is (inferred: nothing that could be read speaks of it).

use crate::{
    phone::{
        command::Actor,
        tree::{Address, Aspect, Format, Origin, Tree, Uri},
        value,
    },
    wire::syncml::{Command, Item, Operation, Verb},
};

/// Where connectivity objects stand.
const PLACES: [&str; 2] = ["NAP", "Proxy"];

/// The object that an Add would make again, when another bootstrap brought the node just as the item has it.
pub(super) fn by(tree: &Tree, actor: &Actor, operation: &Operation, item: &Item) -> Option<Uri> {
    let Actor::Bootstrap(number) = actor else { return None };
    let uri = added(operation, item)?;
    let node = tree.node(&uri)?;
    if !matches!(node.origin(), Origin::Bootstrap(other) if other != *number) {
        return None;
    }
    let sent = value::of_item(item, operation.meta.as_ref()).ok()?;
    let format = sent.format.unwrap_or(Format::Chr);
    let same = format == node.format() && node.value().is_none_or(|value| value == sent.octets);
    let [place, name, ..] = uri.segments() else { return None };
    same.then(|| Uri::root().child(place).child(name))
}

/// Whether the message brings all of the object that is there, and nothing besides.
pub(super) fn is_whole(tree: &Tree, object: &Uri, commands: &[Command], number: u32) -> bool {
    tree.walk_from(object).into_iter().all(|(uri, node)| {
        let brought = || commands.iter().any(|command| brings(command, &uri));
        node.origin() != Origin::Bootstrap(number) && (node.format() == Format::Node || brought())
    })
}

fn brings(command: &Command, uri: &Uri) -> bool {
    match command {
        Command::Group(group) => group.commands.iter().any(|command| brings(command, uri)),
        Command::Operation(operation) => {
            operation.items.iter().any(|item| added(operation, item).is_some_and(|to| to == *uri))
        }
        _ => false,
    }
}

/// The node of a connectivity object that an item adds.
fn added(operation: &Operation, item: &Item) -> Option<Uri> {
    let address: Address = item.target.as_ref()?.uri.parse().ok()?;
    let [place, _, ..] = address.uri.segments() else { return None };
    let is_one =
        operation.verb == Verb::Add && address.aspect == Aspect::Node && PLACES.contains(&place.as_str());
    is_one.then_some(address.uri)
}

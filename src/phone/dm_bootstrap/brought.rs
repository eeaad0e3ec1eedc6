//! What the commands of a message bring, whichever form they come in: plain Adds, or TNDS in one of its three encodings.

use std::collections::BTreeMap;

use crate::{
    ident::ServerId,
    phone::{
        command, tnds,
        tree::{Address, Aspect, Uri},
        value,
    },
    wire::syncml::{Command, Item, Operation, Verb},
};

/// The nodes that a message adds, by where they will stand, with the values of leaves as they were sent: references into
/// the Inbox are not yet those into the tree. What cannot be read is left out; executing it says why.
pub(super) struct Brought(BTreeMap<Uri, Vec<u8>>);

impl Brought {
    /// Looks through the commands.
    pub(super) fn by(commands: &[Command]) -> Self {
        let mut brought = Self(BTreeMap::new());
        brought.look_at(commands);
        brought
    }

    /// Whether a node of that address is among them.
    pub(super) fn holds(&self, uri: &Uri) -> bool {
        self.0.contains_key(uri)
    }

    /// The servers that accounts are set for.
    pub(super) fn servers(&self) -> impl Iterator<Item = ServerId> {
        self.0.iter().filter_map(|(uri, value)| {
            let [place, _, name] = uri.segments() else { return None };
            let text = std::str::from_utf8(value).ok()?;
            (place == "DMAcc" && name == "ServerID").then(|| text.trim().parse().ok())?
        })
    }

    fn look_at(&mut self, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Group(group) => self.look_at(&group.commands),
                Command::Operation(operation) if operation.verb == Verb::Add => {
                    operation.items.iter().for_each(|item| {
                        self.note(operation, item);
                    });
                }
                _ => {}
            }
        }
    }

    /// Takes an item down; none when it cannot be read.
    fn note(&mut self, operation: &Operation, item: &Item) -> Option<()> {
        let address: Address = item.target.as_ref()?.uri.parse().ok()?;
        if address.aspect != Aspect::Node {
            return None;
        }
        if let Some(objects) = command::objects(operation, item).ok()? {
            for (uri, value) in tnds::nodes(&address.uri, &objects).ok()? {
                self.0.entry(uri).or_insert_with(|| value.to_vec());
            }
            return Some(());
        }
        let value = value::of_item(item, operation.meta.as_ref()).ok()?;
        self.0.entry(address.uri).or_insert(value.octets);
        Some(())
    }
}

//! Commands on the management tree, one item at a time (OMA DM RepPro 1.2, section 6.6; OMA DM Tree and Description
//! 1.2, section 7). A bootstrap and a session execute them alike; only a session's server is held to the access
//! control lists.

use crate::{
    ident::ServerId,
    wire::{
        infoset::Element,
        syncml::{Data, Item, MoreData, Operation, Verb},
        wbxml, xml,
    },
};

use super::{
    tnds::{self, TndsNote},
    tree::{
        Acl, Address, Aspect, Format, Node, Origin, Property, Right, Scope, Tree, TreeError, Uri, is_secret,
    },
    value::{self, Value},
};

/// In whose name commands are executed.
#[derive(Debug, Clone)]
pub(super) enum Actor {
    /// The bootstrap of that number, which may do anything that the tree can.
    Bootstrap(u32),
    /// A server that was identified.
    Server(ServerId),
}

/// What a Get found.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) format: Format,
    pub(super) kind: String,
    pub(super) octets: Vec<u8>,
}

/// Executes one item of a command. The tree is changed wholly or not at all.
pub(super) fn execute(
    tree: &mut Tree,
    actor: &Actor,
    operation: &Operation,
    item: &Item,
    notes: &mut Vec<TndsNote>,
) -> Result<Option<Reading>, TreeError> {
    if item.more_data == MoreData::Yes {
        // ./DevDetail/LrgObj says so.
        return Err(TreeError::Unsupported { what: "large objects" });
    }
    let target = item.target.as_ref().ok_or(TreeError::Incomplete { what: "Target" })?;
    let address: Address = target.uri.parse()?;
    let mut run = Run { tree, actor, operation, item, notes };
    match operation.verb {
        Verb::Add => run.add(&address).map(|()| None),
        Verb::Replace => run.replace(&address).map(|()| None),
        Verb::Delete => run.delete(&address).map(|()| None),
        Verb::Copy => run.copy(&address).map(|()| None),
        Verb::Get => run.get(&address).map(Some),
        Verb::Exec => run.exec(&address).map(|()| None),
    }
}

struct Run<'a> {
    tree: &'a mut Tree,
    actor: &'a Actor,
    operation: &'a Operation,
    item: &'a Item,
    notes: &'a mut Vec<TndsNote>,
}

impl Run<'_> {
    fn need(&self, right: Right, uri: &Uri) -> Result<(), TreeError> {
        match self.actor {
            Actor::Bootstrap(_) => Ok(()),
            Actor::Server(id) if self.tree.allows(right, uri, id) => Ok(()),
            Actor::Server(_) => Err(TreeError::Denied { right }),
        }
    }

    fn node(&self, uri: &Uri) -> Result<&Node, TreeError> {
        self.tree.node(uri).ok_or(TreeError::NotFound)
    }

    fn origin(&self) -> Origin {
        match self.actor {
            Actor::Bootstrap(number) => Origin::Bootstrap(*number),
            Actor::Server(_) => Origin::Session,
        }
    }

    fn value(&self) -> Result<Value, TreeError> {
        value::of_item(self.item, self.operation.meta.as_ref())
    }

    fn add(&mut self, address: &Address) -> Result<(), TreeError> {
        let Address { uri, aspect: Aspect::Node } = address else {
            return Err(TreeError::NotAllowed { why: "a property cannot be added" });
        };
        let objects = objects(self.operation, self.item)?;
        if let Some(objects) = objects {
            let roots = if uri.is_within(&Uri::root().child("Inbox")) {
                vec![uri.clone()]
            } else {
                tnds::addresses(uri, &objects)?
            };
            for root in &roots {
                self.need(Right::Add, &root.parent().unwrap_or_else(Uri::root))?;
            }
            let origin = self.origin();
            tnds::add(self.tree, uri, &objects, origin, self.notes)?;
            return Ok(());
        }
        if self.tree.node(uri).is_some() {
            return Err(TreeError::Exists);
        }
        let value = self.value()?;
        let parent = uri.parent().ok_or(TreeError::Exists)?;
        self.need(Right::Add, &parent)?;
        let node = match value.format.unwrap_or(Format::Chr) {
            Format::Node => Node::interior(value.kind.unwrap_or_default(), self.origin()),
            format => {
                let kind = value.kind.unwrap_or_else(|| "text/plain".to_owned());
                Node::leaf(format, kind, value.octets, self.origin())?
            }
        };
        let top =
            (1..=uri.segments().len()).filter_map(|n| uri.up_to(n)).find(|u| self.tree.node(u).is_none());
        self.tree.insert(uri, node)?;
        if let (Actor::Server(id), Some(top)) = (self.actor, top) {
            self.give_acl(&top, id)?;
        }
        Ok(())
    }

    /// A server that adds an interior node where it could not replace it gets the rights on what it added.
    fn give_acl(&mut self, top: &Uri, server: &ServerId) -> Result<(), TreeError> {
        let above = top.parent().unwrap_or_else(Uri::root);
        if self.node(top)?.format() != Format::Node || self.tree.allows(Right::Replace, &above, server) {
            return Ok(());
        }
        let rights = [Right::Add, Right::Delete, Right::Replace];
        self.tree.set_acl(top, Acl::granting(&rights, std::slice::from_ref(server)))
    }

    fn replace(&mut self, address: &Address) -> Result<(), TreeError> {
        let uri = &address.uri;
        let node = self.node(uri)?;
        let (interior, permanent) = (node.format() == Format::Node, node.scope() == Scope::Permanent);
        match address.aspect {
            Aspect::Unsupported => Err(TreeError::Unsupported { what: "this property or listing" }),
            Aspect::Property(Property::Acl) => {
                // The right to a leaf is the right to its value; who may use it is for the node above to say.
                let above = uri.parent().unwrap_or_else(Uri::root);
                match self.need(Right::Replace, &above) {
                    Err(denied) if !interior => return Err(denied),
                    Err(_) => self.need(Right::Replace, uri)?,
                    Ok(()) => {}
                }
                let text = String::from_utf8(self.value()?.octets);
                let text = text.map_err(|_| TreeError::BadAcl { why: "it is not text" })?;
                self.tree.set_acl(uri, Acl::parse(&text)?)
            }
            Aspect::Property(Property::Name) => {
                if node.holds_permanent() {
                    return Err(TreeError::NotAllowed { why: "a permanent node keeps its name" });
                }
                self.need(Right::Replace, uri)?;
                self.rename(uri)
            }
            Aspect::Property(_) => Err(TreeError::NotAllowed { why: "this property can only be read" }),
            Aspect::Node if permanent && !interior => {
                Err(TreeError::NotAllowed { why: "the device alone sets this value" })
            }
            Aspect::Node => match objects(self.operation, self.item)? {
                Some(objects) => self.replace_object(uri, &objects),
                None if interior => Err(TreeError::NotAllowed { why: "an interior node has no value" }),
                None => {
                    self.need(Right::Replace, uri)?;
                    let value = self.value()?;
                    self.tree.set_value(uri, &value.octets, value.format, value.kind.as_deref())
                }
            },
        }
    }

    /// Replace with TNDS puts a new sub-tree in the place of the old one: what it does not list is gone.
    fn replace_object(&mut self, uri: &Uri, objects: &[tnds::Object]) -> Result<(), TreeError> {
        if self.node(uri)?.holds_permanent() {
            return Err(TreeError::NotAllowed { why: "permanent nodes stand there" });
        }
        self.need(Right::Replace, uri)?;
        if tnds::addresses(uri, objects)? != [uri.clone()] {
            return Err(TreeError::BadValue { why: "the object is not the one that the target names" });
        }
        let mut changed = self.tree.clone();
        let acl = changed.remove(uri).and_then(|old| old.own_acl().cloned());
        let origin = self.origin();
        tnds::add(&mut changed, uri, objects, origin, self.notes)?;
        if changed.node(uri).is_some_and(|n| n.own_acl().is_none()) {
            changed.set_acl(uri, acl)?;
        }
        *self.tree = changed;
        Ok(())
    }

    fn rename(&mut self, uri: &Uri) -> Result<(), TreeError> {
        let parent = uri.parent().ok_or(TreeError::NotAllowed { why: "the root keeps its name" })?;
        let name = String::from_utf8(self.value()?.octets).unwrap_or_default();
        if name.contains('/') {
            return Err(TreeError::BadUri { why: "a name does not hold `/`" });
        }
        let renamed = parent.join(name.trim())?;
        if self.tree.node(&renamed).is_some() {
            return Err(TreeError::Exists);
        }
        let node = self.tree.remove(uri).ok_or(TreeError::NotFound)?;
        self.tree.insert(&renamed, node)
    }

    fn delete(&mut self, address: &Address) -> Result<(), TreeError> {
        let Address { uri, aspect: Aspect::Node } = address else {
            return Err(TreeError::NotAllowed { why: "a property cannot be deleted" });
        };
        if self.node(uri)?.holds_permanent() {
            return Err(TreeError::NotAllowed { why: "the node, or one below it, is permanent" });
        }
        self.need(Right::Delete, uri)?;
        self.tree.remove(uri).map(|_| ()).ok_or(TreeError::NotFound)
    }

    fn get(&self, address: &Address) -> Result<Reading, TreeError> {
        let uri = &address.uri;
        if uri.is_within(&Uri::root().child("Inbox")) {
            return Err(TreeError::NotAllowed { why: "the Inbox cannot be read" });
        }
        let node = self.node(uri)?;
        let text = |octets: String| Reading {
            format: Format::Chr,
            kind: "text/plain".to_owned(),
            octets: octets.into_bytes(),
        };
        let reading = match address.aspect {
            Aspect::Unsupported => return Err(TreeError::Unsupported { what: "this property or listing" }),
            Aspect::Property(Property::Acl) => text(node.own_acl().map(Acl::to_string).unwrap_or_default()),
            Aspect::Property(Property::Format) => text(node.format().as_str().to_owned()),
            Aspect::Property(Property::Name) => text(uri.name().to_owned()),
            Aspect::Property(Property::Type) => text(node.kind().to_owned()),
            Aspect::Property(Property::Size) => match node.value() {
                Some(value) => text(value.len().to_string()),
                None => return Err(TreeError::NotAllowed { why: "an interior node has no size" }),
            },
            Aspect::Node if is_secret(uri.name()) => {
                return Err(TreeError::NotAllowed { why: "a secret cannot be read" });
            }
            Aspect::Node => match node.value() {
                Some(value) => {
                    Reading { format: node.format(), kind: node.kind().to_owned(), octets: value.to_vec() }
                }
                None => {
                    let names: Vec<&str> = node.children().map(|(name, _)| name).collect();
                    let octets = names.join("/").into_bytes();
                    Reading { format: Format::Node, kind: node.kind().to_owned(), octets }
                }
            },
        };
        self.need(Right::Get, uri)?;
        Ok(reading)
    }

    fn copy(&mut self, address: &Address) -> Result<(), TreeError> {
        let source = self.item.source.as_ref().ok_or(TreeError::Incomplete { what: "Source" })?;
        let (source, target) = (source.uri.parse::<Address>()?, &address.uri);
        if source.aspect != Aspect::Node || address.aspect != Aspect::Node {
            return Err(TreeError::Forbidden { why: "properties are not copied" });
        }
        if is_secret(source.uri.name()) {
            return Err(TreeError::Forbidden { why: "a secret is not copied to where it could be read" });
        }
        let from = self.node(&source.uri)?;
        let Some(octets) = from.value().map(<[u8]>::to_vec) else {
            return Err(TreeError::Forbidden { why: "only leaves are copied" });
        };
        let (format, kind) = (from.format(), from.kind().to_owned());
        self.need(Right::Get, &source.uri)?;
        match self.tree.node(target) {
            None => {
                self.need(Right::Add, &target.parent().unwrap_or_else(Uri::root))?;
                self.tree.insert(target, Node::leaf(format, kind, octets, self.origin())?)
            }
            Some(to) if to.format() == Format::Node || to.scope() == Scope::Permanent => {
                Err(TreeError::Forbidden { why: "the target is not a leaf that can be written" })
            }
            Some(_) => {
                self.need(Right::Replace, target)?;
                self.tree.set_value(target, &octets, Some(format), Some(&kind))
            }
        }
    }

    fn exec(&self, address: &Address) -> Result<(), TreeError> {
        self.node(&address.uri)?;
        Err(TreeError::NotAllowed { why: "nothing on this phone can be executed" })
    }
}

/// The TNDS object in the item's data; none when it holds something else.
pub(super) fn objects(operation: &Operation, item: &Item) -> Result<Option<Vec<tnds::Object>>, TreeError> {
    const BAD: TreeError = TreeError::BadValue { why: "the TNDS object cannot be read" };
    let kind = item.meta.as_ref().and_then(|m| m.kind.as_deref());
    let kind = kind.or_else(|| operation.meta.as_ref().and_then(|m| m.kind.as_deref()));
    let declared = kind.is_some_and(|k| tnds::TYPES.contains(&k.trim()));
    let root: Element = match &item.data {
        Some(Data::Element(root)) => (**root).clone(),
        Some(Data::Octets(octets)) if declared => wbxml::decode(octets).map_err(|_| BAD)?.root,
        Some(Data::Text(text)) if declared => xml::parse(text.as_bytes()).map_err(|_| BAD)?,
        _ => return Ok(None),
    };
    tnds::read(&root).map(Some)
}

//! The management tree (OMA DM Tree and Description 1.2).
//!
//! The phone keeps its nodes in the order of their names, so that every listing of one tree is the same listing.

mod acl;
mod error;
mod leaf;
mod node;
mod uri;

use std::fmt;

use crate::ident::{ServerId, without_imsi};

pub use acl::{Acl, Right};
pub use error::TreeError;
pub use leaf::Leaf;
pub use node::{Format, Node, Origin, Scope, is_secret};
pub use uri::{Address, Aspect, Property, Uri};

use acl::Place;
use node::Content;

/// The tree: an interior root with an access control list, and what stands below.
#[derive(Clone, PartialEq, Eq)]
pub struct Tree {
    root: Node,
    size: usize,
}

impl Tree {
    /// The most nodes of a tree: a stranger's message cannot make it grow without bound.
    pub const MAX_NODES: usize = 4096;

    /// A tree with nothing but its root.
    #[expect(clippy::new_without_default, reason = "a tree is made once, by the phone that owns it")]
    pub fn new() -> Self {
        let root = Node::interior("", Origin::Device).permanent().with_acl(Some(Acl::of_the_root()));
        Self { root, size: 1 }
    }

    /// The node there.
    pub fn node(&self, uri: &Uri) -> Option<&Node> {
        self.find(uri.segments())
    }

    /// The text of the leaf at an address given as text; none when there is no such leaf.
    pub fn text(&self, uri: &str) -> Option<&str> {
        self.node(&uri.parse().ok()?)?.as_text()
    }

    /// How many nodes there are, the root included.
    pub fn size(&self) -> usize {
        self.size
    }

    /// All nodes with their addresses: each node before those below it, in the order of their names.
    pub fn walk(&self) -> Vec<(Uri, &Node)> {
        self.walk_from(&Uri::root())
    }

    /// The node at `uri` and all below it, as [`Self::walk`] gives them; empty when there is no such node.
    pub fn walk_from(&self, uri: &Uri) -> Vec<(Uri, &Node)> {
        let mut found = Vec::new();
        let mut open: Vec<(Uri, &Node)> = self.node(uri).map(|n| (uri.clone(), n)).into_iter().collect();
        while let Some((uri, node)) = open.pop() {
            let below: Vec<(Uri, &Node)> = node.children().map(|(name, n)| (uri.child(name), n)).collect();
            open.extend(below.into_iter().rev());
            found.push((uri, node));
        }
        found
    }

    /// The access control list that holds at `uri`: its own, or that of the nearest node above that has one. Lists
    /// are never merged. An address without a node takes that of the nearest node above.
    pub fn acl(&self, uri: &Uri) -> Option<&Acl> {
        let mut node = &self.root;
        let mut acl = node.own_acl();
        for name in uri.segments() {
            let Some(below) = node.child(name) else { break };
            node = below;
            acl = node.own_acl().or(acl);
        }
        acl
    }

    /// Whether `server` holds `right` at `uri`.
    pub fn allows(&self, right: Right, uri: &Uri, server: &ServerId) -> bool {
        self.acl(uri).is_some_and(|acl| acl.allows(right, server))
    }

    /// Puts a node there, with the interior nodes that lead to it where they are missing.
    ///
    /// The missing nodes are the new node's origin's work, except right below the root: those are places, which
    /// belong to the device.
    ///
    /// # Errors
    /// [`TreeError::Exists`], [`TreeError::NotAllowed`] below a leaf, [`TreeError::Full`].
    pub fn insert(&mut self, uri: &Uri, node: Node) -> Result<(), TreeError> {
        let Some((name, above)) = uri.segments().split_last() else { return Err(TreeError::Exists) };
        let there = (0..=above.len()).rev().find(|n| self.find(&above[..*n]).is_some()).unwrap_or(0);
        if self.size + (above.len() - there) + node.size() > Self::MAX_NODES {
            return Err(TreeError::Full { limit: Self::MAX_NODES });
        }
        // Looked up first, so that a refused insertion leaves no parents behind.
        if self.node(uri).is_some() {
            return Err(TreeError::Exists);
        }
        let mut at = &mut self.root;
        let mut made = node.size();
        for (n, name) in above.iter().enumerate() {
            let Content::Interior(below) = &mut at.content else {
                return Err(TreeError::NotAllowed { why: "the node above is a leaf" });
            };
            let origin = if n == 0 { Origin::Device } else { node.origin };
            at = below.entry(name.clone()).or_insert_with(|| {
                made += 1;
                Node::interior("", origin)
            });
        }
        let Content::Interior(below) = &mut at.content else {
            return Err(TreeError::NotAllowed { why: "the node above is a leaf" });
        };
        below.insert(name.clone(), node);
        self.size += made;
        Ok(())
    }

    /// Takes the node there away with all below it, whatever its scope; the caller asks about that. The root stays.
    pub fn remove(&mut self, uri: &Uri) -> Option<Node> {
        let (name, above) = uri.segments().split_last()?;
        let parent = self.find_mut(above)?;
        let Content::Interior(below) = &mut parent.content else { return None };
        let gone = below.remove(name)?;
        self.size -= gone.size();
        Some(gone)
    }

    /// Writes the value of a leaf, and its format and type when given.
    ///
    /// # Errors
    /// [`TreeError::NotFound`], [`TreeError::NotAllowed`] for an interior node, and as [`Node::leaf`].
    pub fn set_value(
        &mut self,
        uri: &Uri,
        value: &[u8],
        format: Option<Format>,
        kind: Option<&str>,
    ) -> Result<(), TreeError> {
        let node = self.find_mut(uri.segments()).ok_or(TreeError::NotFound)?;
        let Content::Leaf { format: had, .. } = &node.content else {
            return Err(TreeError::NotAllowed { why: "an interior node has no value" });
        };
        let kind = kind.unwrap_or(&node.kind).to_owned();
        let new = Node::leaf(format.unwrap_or(*had), kind, value, node.origin)?;
        (node.content, node.kind) = (new.content, new.kind);
        Ok(())
    }

    /// Writes the node's own access control list; none makes it take that of the node above. The root keeps one.
    ///
    /// # Errors
    /// [`TreeError::NotFound`], [`TreeError::NotAllowed`] for none at the root.
    pub fn set_acl(&mut self, uri: &Uri, acl: Option<Acl>) -> Result<(), TreeError> {
        if acl.is_none() && uri.segments().is_empty() {
            return Err(TreeError::NotAllowed { why: "the root always has an access control list" });
        }
        self.find_mut(uri.segments()).ok_or(TreeError::NotFound)?.acl = acl;
        Ok(())
    }

    /// Says which management object an interior node is the root of, where nobody said so. The device knows the objects
    /// of its own places, whatever was sent.
    pub(super) fn name_object(&mut self, uri: &Uri, object: &str) {
        if let Some(node) = self.find_mut(uri.segments()).filter(|n| n.value().is_none() && n.kind.is_empty())
        {
            object.clone_into(&mut node.kind);
        }
    }

    /// Takes a server's identifier out of every access control list.
    pub fn forget(&mut self, server: &ServerId) {
        fn scrub(node: &mut Node, server: &ServerId, place: Place) {
            node.acl = node.acl.take().and_then(|acl| acl.without(server, place));
            if let Content::Interior(below) = &mut node.content {
                below.values_mut().for_each(|n| scrub(n, server, Place::Below));
            }
        }
        scrub(&mut self.root, server, Place::Root);
    }

    /// Takes away everything that the bootstrap of that number made, with what was put below it since, and then
    /// the places that nothing is left in. A node that another bootstrap put something below stays as a place.
    pub fn remove_bootstrap(&mut self, number: u32) {
        /// Whether the node stays.
        fn prune(node: &mut Node, number: u32) -> bool {
            let theirs = node.origin == Origin::Bootstrap(number);
            if theirs && !node.holds_other_bootstrap(number) {
                return false;
            }
            if theirs {
                node.origin = Origin::Device;
            }
            let is_place = node.origin == Origin::Device && node.scope == Scope::Dynamic;
            let Content::Interior(below) = &mut node.content else { return true };
            let before = below.len();
            below.retain(|_, n| prune(n, number));
            !(is_place && before > 0 && below.is_empty())
        }
        prune(&mut self.root, number);
        self.size = self.root.size();
    }

    /// Makes what one bootstrap made there the work of another one.
    pub(super) fn hand_over(&mut self, uri: &Uri, from: u32, to: u32) {
        fn pass(node: &mut Node, from: Origin, to: Origin) {
            if node.origin == from {
                node.origin = to;
            }
            if let Content::Interior(below) = &mut node.content {
                below.values_mut().for_each(|n| pass(n, from, to));
            }
        }
        if let Some(node) = self.find_mut(uri.segments()) {
            pass(node, Origin::Bootstrap(from), Origin::Bootstrap(to));
        }
    }

    /// The smallest number from 1 on that no node right below `uri` has as its name.
    pub fn free_number(&self, uri: &Uri) -> usize {
        let taken = |n: &usize| self.node(uri).is_some_and(|p| p.child(&n.to_string()).is_some());
        (1..).find(|n| !taken(n)).unwrap_or(usize::MAX)
    }

    fn find(&self, names: &[String]) -> Option<&Node> {
        names.iter().try_fold(&self.root, |node, name| node.child(name))
    }

    fn find_mut(&mut self, names: &[String]) -> Option<&mut Node> {
        names.iter().try_fold(&mut self.root, |node, name| match &mut node.content {
            Content::Interior(below) => below.get_mut(name),
            Content::Leaf { .. } => None,
        })
    }
}

impl fmt::Display for Tree {
    /// The tree as indented lines; the values of secrets as `***`, numbers that may be an IMSI cut short, octets that
    /// are not text as their number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (uri, node) in self.walk() {
            let indent = uri.segments().len() * 2;
            write!(f, "{:indent$}{}", "", uri.name())?;
            match (node.value(), node.as_text()) {
                (None, _) => {}
                (Some(_), _) if is_secret(uri.name()) => f.write_str(" = ***")?,
                (Some(_), Some(text)) => write!(f, " = {}", without_imsi(text).escape_debug())?,
                (Some(octets), None) => write!(f, " = [{} octets]", octets.len())?,
            }
            if let Some(acl) = node.own_acl() {
                write!(f, "  ({acl})")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({} nodes)", self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    fn id(text: &str) -> ServerId {
        text.parse().unwrap()
    }

    fn text(value: &str) -> Node {
        Node::text(value, Origin::Bootstrap(1)).unwrap()
    }

    #[test]
    fn missing_parents_are_made_and_counted() {
        let mut tree = Tree::new();
        tree.insert(&uri("./NAP/1/Name"), text("Acme")).unwrap();
        tree.insert(&uri("./NAP/1/Addr"), text("internet")).unwrap();
        assert_eq!(tree.size(), 5);
        assert_eq!(tree.walk().len(), 5);
        assert_eq!(tree.text("./NAP/1/Name"), Some("Acme"));
        assert_eq!(tree.node(&uri("./NAP")).unwrap().origin(), Origin::Device);
        assert_eq!(tree.node(&uri("./NAP/1")).unwrap().origin(), Origin::Bootstrap(1));
        assert_eq!(tree.insert(&uri("./NAP/1/Name"), text("x")), Err(TreeError::Exists));
        assert!(matches!(tree.insert(&uri("./NAP/1/Name/x"), text("x")), Err(TreeError::NotAllowed { .. })));
        assert_eq!(tree.free_number(&uri("./NAP")), 2);
        tree.remove_bootstrap(1);
        assert_eq!((tree.size(), tree.walk().len()), (1, 1));
    }

    #[test]
    fn the_tree_cannot_be_made_to_burst() {
        let mut tree = Tree::new();
        let full = (0..5000).find_map(|n| tree.insert(&uri(&format!("./a/b/{n}")), text("")).err());
        assert_eq!(full, Some(TreeError::Full { limit: Tree::MAX_NODES }));
        assert_eq!(tree.walk().len(), Tree::MAX_NODES);
        let deep = vec!["x"; Uri::MAX_DEPTH].join("/");
        assert!(tree.insert(&uri(&deep), text("")).is_err());
        assert_eq!(tree.walk().len(), tree.size());
    }

    /// The tree of the example in the sheet, section 3: root `Add=*&Get=*`, node A `Get=C&Replace=C`, its child
    /// `Get=*`.
    #[test]
    fn an_acl_holds_below_until_the_next_one() {
        let mut tree = Tree::new();
        let acl = |text| Acl::parse(text).unwrap();
        tree.insert(&uri("./A"), Node::interior("", Origin::Device).with_acl(acl("Get=C&Replace=C")))
            .unwrap();
        tree.insert(&uri("./A/child"), text("v").with_acl(acl("Get=*"))).unwrap();
        tree.insert(&uri("./A/other"), text("v")).unwrap();
        assert!(tree.allows(Right::Get, &uri("./A/child"), &id("B")));
        assert!(!tree.allows(Right::Replace, &uri("./A/child"), &id("C")));
        assert!(!tree.allows(Right::Get, &uri("./A"), &id("B")));
        assert!(tree.allows(Right::Replace, &uri("./A/other"), &id("C")));
        assert!(!tree.allows(Right::Add, &uri("./A/other"), &id("C")));
        assert!(tree.allows(Right::Add, &uri("./B"), &id("B")));
        tree.forget(&id("C"));
        assert!(tree.allows(Right::Get, &uri("./A"), &id("B")), "an emptied list gives way to the one above");
        assert!(tree.set_acl(&Uri::root(), None).is_err());
    }

    #[test]
    fn secrets_do_not_print() {
        let mut tree = Tree::new();
        tree.insert(&uri("./DMAcc/1/AppAuth/1/AAuthSecret"), text("s3cret")).unwrap();
        tree.insert(&uri("./DMAcc/1/AppAuth/1/AAuthName"), text("dev1")).unwrap();
        tree.insert(&uri("./DMAcc/1/Raw"), Node::leaf(Format::Bin, "", [0xFF, 0], Origin::Device).unwrap())
            .unwrap();
        let shown = tree.to_string();
        assert!(!shown.contains("s3cret") && !format!("{tree:?}{:?}", tree.walk()).contains("s3cret"));
        assert_eq!(
            shown,
            ".  (Add=*&Get=*)\n  DMAcc\n    1\n      AppAuth\n        1\n          AAuthName = dev1\n          \
             AAuthSecret = ***\n      Raw = [2 octets]\n"
        );
    }

    #[test]
    fn a_value_is_written_and_its_format_kept() {
        let mut tree = Tree::new();
        tree.insert(&uri("./X/a"), text("1")).unwrap();
        tree.set_value(&uri("./X/a"), b"2", None, None).unwrap();
        assert_eq!(tree.text("X/a"), Some("2"));
        assert_eq!(tree.node(&uri("./X/a")).unwrap().format(), Format::Chr);
        tree.set_value(&uri("./X/a"), &[1], Some(Format::Bin), Some("")).unwrap();
        assert_eq!(tree.node(&uri("./X/a")).unwrap().format(), Format::Bin);
        assert!(matches!(tree.set_value(&uri("./X"), b"", None, None), Err(TreeError::NotAllowed { .. })));
        assert_eq!(tree.set_value(&uri("./Y"), b"", None, None), Err(TreeError::NotFound));
    }

    proptest::proptest! {
        /// Whatever is put in and taken out, the tree knows its size and holds no bootstrap that went.
        #[test]
        fn the_tree_keeps_count(steps in proptest::collection::vec(("[ab](/[ab]){0,4}", 0u32..4), 0..40)) {
            let mut tree = Tree::new();
            for (address, step) in steps {
                match step {
                    0 => { tree.remove(&uri(&address)); }
                    1 => { let _ = tree.insert(&uri(&address), Node::interior("", Origin::Bootstrap(1))); }
                    number => { let _ = tree.insert(&uri(&address), Node::text("", Origin::Bootstrap(number)).unwrap()); }
                }
                proptest::prop_assert_eq!(tree.walk().len(), tree.size());
            }
            for number in 1..4 {
                tree.remove_bootstrap(number);
                proptest::prop_assert!(tree.walk().iter().all(|(_, n)| n.origin() != Origin::Bootstrap(number)));
                proptest::prop_assert_eq!(tree.walk().len(), tree.size());
            }
        }
    }
}

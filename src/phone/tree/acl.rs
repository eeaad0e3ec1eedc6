//! Access control lists of nodes (OMA DM Tree and Description 1.2, section 7.7.1).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use crate::ident::ServerId;

use super::TreeError;

/// A right that an access control list can grant. There is none for Copy: it needs the others as the case asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Add a node below this one.
    Add,
    /// Delete this node.
    Delete,
    /// Execute this node.
    Exec,
    /// Read this node and its properties.
    Get,
    /// Write this node and its properties.
    Replace,
}

impl Right {
    fn as_str(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Delete => "Delete",
            Self::Exec => "Exec",
            Self::Get => "Get",
            Self::Replace => "Replace",
        }
    }
}

impl FromStr for Right {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, TreeError> {
        [Self::Add, Self::Delete, Self::Exec, Self::Get, Self::Replace]
            .into_iter()
            .find(|r| r.as_str() == text)
            .ok_or(TreeError::BadAcl { why: "the commands are Add, Delete, Exec, Get and Replace" })
    }
}

/// Who holds a right.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holders {
    /// `*`: every server.
    All,
    /// These servers.
    These(BTreeSet<ServerId>),
}

/// An access control list: `Get=*&Replace=one+two`. It is never empty; a node without one takes that of the
/// nearest node above it that has one, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl(BTreeMap<Right, Holders>);

impl Acl {
    /// What the root has until somebody changes it: `Add=*&Get=*`.
    pub fn of_the_root() -> Self {
        Self(BTreeMap::from([(Right::Add, Holders::All), (Right::Get, Holders::All)]))
    }

    /// What the servers of a bootstrap's accounts get on all that came with it: Get, Replace and Delete (OMA DM Bootstrap
    /// 1.2, CP profile).
    pub(in crate::phone) fn of_a_bootstrap(servers: &[ServerId]) -> Option<Self> {
        Self::granting(&[Right::Get, Right::Replace, Right::Delete], servers)
    }

    /// These rights for these servers; none when either is empty.
    pub fn granting(rights: &[Right], servers: &[ServerId]) -> Option<Self> {
        let holders = Holders::These(servers.iter().cloned().collect());
        let given = rights.iter().map(|r| (*r, holders.clone())).collect();
        (!rights.is_empty() && !servers.is_empty()).then_some(Self(given))
    }

    /// Reads what a server sent: none for the empty text, which means "as the node above".
    ///
    /// # Errors
    /// [`TreeError::BadAcl`].
    pub fn parse(text: &str) -> Result<Option<Self>, TreeError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let mut given = BTreeMap::new();
        for entry in text.split('&') {
            let (right, ids) = entry
                .split_once('=')
                .ok_or(TreeError::BadAcl { why: "an entry is Command=server+server" })?;
            let mut holders = Holders::These(BTreeSet::new());
            for id in ids.split('+') {
                match (&mut holders, id) {
                    (_, "*") => holders = Holders::All,
                    (Holders::All, _) => {}
                    (Holders::These(set), id) => {
                        let id = id.parse().map_err(|_| TreeError::BadAcl {
                            why: "a server id is 1 to 128 characters without white space and = & * + /",
                        })?;
                        set.insert(id);
                    }
                }
            }
            if given.insert(right.parse()?, holders).is_some() {
                return Err(TreeError::BadAcl { why: "a command stands there twice" });
            }
        }
        Ok(Some(Self(given)))
    }

    /// Whether `server` holds `right`.
    pub fn allows(&self, right: Right, server: &ServerId) -> bool {
        match self.0.get(&right) {
            Some(Holders::All) => true,
            Some(Holders::These(set)) => set.contains(server),
            None => false,
        }
    }

    /// This list without `server`: a command that nobody holds any more disappears (at the root it goes to
    /// everybody, so that the tree stays manageable). None when nothing is left.
    #[must_use]
    pub(super) fn without(mut self, server: &ServerId, place: Place) -> Option<Self> {
        for holders in self.0.values_mut() {
            if let Holders::These(set) = holders
                && set.remove(server)
                && set.is_empty()
                && place == Place::Root
            {
                *holders = Holders::All;
            }
        }
        self.0.retain(|_, holders| !matches!(holders, Holders::These(set) if set.is_empty()));
        (!self.0.is_empty()).then_some(self)
    }
}

/// Where an access control list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    Below,
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (right, holders)) in self.0.iter().enumerate() {
            write!(f, "{}{}=", if n == 0 { "" } else { "&" }, right.as_str())?;
            match holders {
                Holders::All => f.write_str("*")?,
                Holders::These(set) => {
                    for (n, id) in set.iter().enumerate() {
                        write!(f, "{}{id}", if n == 0 { "" } else { "+" })?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ServerId {
        text.parse().unwrap()
    }

    #[test]
    fn reads_and_prints_in_one_order() {
        let acl = Acl::parse("Replace=b+a&Add=*&Get=x+*").unwrap().unwrap();
        assert_eq!(acl.to_string(), "Add=*&Get=*&Replace=a+b");
        assert!(acl.allows(Right::Replace, &id("a")) && !acl.allows(Right::Replace, &id("c")));
        assert!(acl.allows(Right::Get, &id("anyone")) && !acl.allows(Right::Delete, &id("a")));
        assert_eq!(Acl::parse(" ").unwrap(), None);
    }

    #[test]
    fn bad_lists_are_refused() {
        for bad in ["Get", "Get=", "Copy=*", "get=*", "Get=a&Get=b", "Get=a b", "Get=a&", "=a", "Get=a=b"] {
            assert!(Acl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_that_goes_leaves_no_trace() {
        let acl = Acl::parse("Add=a&Get=a+b").unwrap().unwrap();
        assert_eq!(acl.clone().without(&id("a"), Place::Below).unwrap().to_string(), "Get=b");
        assert_eq!(acl.without(&id("a"), Place::Root).unwrap().to_string(), "Add=*&Get=b");
        assert_eq!(Acl::parse("Add=a").unwrap().unwrap().without(&id("a"), Place::Below), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_reads_back(text in "((Add|Delete|Exec|Get|Replace)=[a-d*](\\+[a-d])?&){0,3}Get=[a-d]") {
            if let Ok(Some(acl)) = Acl::parse(&text) {
                proptest::prop_assert_eq!(Acl::parse(&acl.to_string()).unwrap(), Some(acl));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = Acl::parse(&text);
        }
    }
}

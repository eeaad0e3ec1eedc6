//! Access control lists: which servers may do what with an object of the management tree (OMA DM Tree and Description 1.2,
//! section 7.7.1).
//!
//! Grammar: entries joined by `&`; an entry is a command, `=`, and server ids joined by `+`, or `*` for every server.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use crate::ident::{IdentError, ServerId, nearest};

use super::{
    problem::ProblemKind,
    terms::{Right, Term},
    walk::{Notes, Value, shortened},
};

/// An access control list, `Get=*&Replace=acme.dm`. It gives at least one right; a node without a list takes that of
/// the nearest node above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl(BTreeMap<Right, Holders>);

/// Who holds a right.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holders {
    /// `*`: every server.
    All,
    /// These servers, one or more.
    These(BTreeSet<ServerId>),
}

/// Why a text is not an access control list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AclError {
    /// An entry that is not a command and its servers.
    #[error("entry {at} is not \"Command=server+server\"; expected, for example, \"Get=*&Replace=acme.dm\"")]
    Entry {
        /// Which entry, counted from 1.
        at: usize,
    },
    /// A command that lists do not know.
    #[error("\"{command}\" is not a command of an access control list; expected one of {expected}")]
    Command {
        /// The command, shortened.
        command: String,
        /// The commands that there are.
        expected: String,
        /// The nearest of them.
        suggestion: Option<&'static str>,
    },
    /// A command that stands there twice.
    #[error("{right} stands there twice; expected one entry with all its servers, joined by '+'")]
    Twice {
        /// The command.
        right: Right,
    },
    /// A server id that is none.
    #[error("a server of {right}: {error}")]
    Server {
        /// The command.
        right: Right,
        /// What is wrong with it.
        error: IdentError,
    },
}

impl Acl {
    /// True when a server holds a right.
    pub fn allows(&self, right: Right, server: &ServerId) -> bool {
        match self.0.get(&right) {
            Some(Holders::All) => true,
            Some(Holders::These(these)) => these.contains(server),
            None => false,
        }
    }

    /// True when every server holds a right.
    pub fn is_for_all(&self, right: Right) -> bool {
        self.0.get(&right) == Some(&Holders::All)
    }
}

impl FromStr for Acl {
    type Err = AclError;

    fn from_str(text: &str) -> Result<Self, AclError> {
        let mut rights = BTreeMap::new();
        for (n, entry) in text.trim().split('&').enumerate() {
            let (command, servers) = entry.split_once('=').ok_or(AclError::Entry { at: n + 1 })?;
            let right: Right = command.parse().map_err(|_| AclError::Command {
                command: shortened(command),
                expected: Right::WORDS.join(", "),
                suggestion: nearest(command, Right::WORDS.iter().copied()),
            })?;
            let mut these = BTreeSet::new();
            let mut all = false;
            for server in servers.split('+') {
                if server == "*" {
                    // Every server, whoever else is named beside it.
                    all = true;
                } else {
                    these.insert(server.parse().map_err(|error| AclError::Server { right, error })?);
                }
            }
            let holders = if all { Holders::All } else { Holders::These(these) };
            if rights.insert(right, holders).is_some() {
                return Err(AclError::Twice { right });
            }
        }
        Ok(Self(rights))
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (right, holders)) in self.0.iter().enumerate() {
            write!(f, "{}{right}=", if n == 0 { "" } else { "&" })?;
            match holders {
                Holders::All => f.write_str("*")?,
                Holders::These(these) => {
                    for (n, server) in these.iter().enumerate() {
                        write!(f, "{}{server}", if n == 0 { "" } else { "+" })?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The longest list: no limit is known, this one is ours.
const MAX_ACL: usize = 1024;

/// Reads `acl`.
pub(super) fn read<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<Acl> {
    let text = n.text(v, MAX_ACL, "an access control list, for example \"Get=*&Replace=acme.dm\"")?;
    match text.parse() {
        Ok(acl) => Some(acl),
        Err(AclError::Command { command: value, expected, suggestion }) => {
            n.at(v, ProblemKind::UnknownValue { key: v.key.clone(), value, expected, suggestion });
            None
        }
        Err(error) => {
            n.invalid(v, error.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ServerId {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_reads_and_prints_in_one_order() {
        let acl: Acl = " Replace=b+a&Get=* ".parse().unwrap();
        assert_eq!(acl.to_string(), "Get=*&Replace=a+b");
        assert!(acl.allows(Right::Replace, &id("a")) && !acl.allows(Right::Replace, &id("c")));
        assert!(acl.allows(Right::Get, &id("anyone")) && !acl.allows(Right::Delete, &id("a")));
        assert!(acl.is_for_all(Right::Get) && !acl.is_for_all(Right::Replace));
        assert_eq!("Get=a+*".parse::<Acl>().unwrap().to_string(), "Get=*");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("", "entry 1 is not"),
            ("Get=a&", "entry 2 is not"),
            ("Get", "entry 1 is not"),
            ("Get=", "a server of Get: "),
            ("Get=a b", "a server of Get: "),
            ("Copy=*", "\"Copy\" is not a command"),
            ("get=*", "\"get\" is not a command"),
            ("Get=a&Get=b", "Get stands there twice"),
        ] {
            let error = text.parse::<Acl>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = "Replcae=a".parse::<Acl>().unwrap_err();
        assert!(matches!(error, AclError::Command { suggestion: Some("Replace"), .. }), "{error:?}");
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_reads_back(text in "((Add|Delete|Exec|Get|Replace)=[a-d*](\\+[a-d])?&){0,3}Get=[a-d]") {
            if let Ok(acl) = text.parse::<Acl>() {
                proptest::prop_assert_eq!(acl.to_string().parse::<Acl>(), Ok(acl));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = text.parse::<Acl>();
        }
    }
}

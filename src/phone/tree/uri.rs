//! Addresses in the management tree (OMA DM Tree and Description 1.2, section 4.2; the sheet's URI rules).

use std::{fmt, str::FromStr};

use super::TreeError;

/// Where a node stands: the names from the root down. `./A/B` and `A/B` are the same; the root is `.`.
///
/// Names are compared letter by letter, case included, and no escape is undone. What the phone states in
/// `./DevDetail/URI` is what holds here: [`Uri::MAX_DEPTH`], [`Uri::MAX_LENGTH`], [`Uri::MAX_SEGMENT`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri(Vec<String>);

impl Uri {
    /// The most names from the root to a node (`./DevDetail/URI/MaxDepth`).
    pub const MAX_DEPTH: usize = 32;
    /// The most octets of a whole address (`./DevDetail/URI/MaxTotLen`).
    pub const MAX_LENGTH: usize = 1024;
    /// The most octets of one name (`./DevDetail/URI/MaxSegLen`).
    pub const MAX_SEGMENT: usize = 255;

    /// The root, `.`.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// The names from the root down.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The node's own name; `.` for the root.
    pub fn name(&self) -> &str {
        self.0.last().map_or(".", String::as_str)
    }

    /// The node above; none above the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// The node `depth` names below the root on the way to this one; none when this one is not that deep.
    pub fn up_to(&self, depth: usize) -> Option<Self> {
        Some(Self(self.0.get(..depth)?.to_vec()))
    }

    /// True when `self` is `above` or stands below it.
    pub fn is_within(&self, above: &Self) -> bool {
        self.0.starts_with(&above.0)
    }

    /// The node that a name, or several joined by `/`, leads to from here.
    ///
    /// # Errors
    /// [`TreeError::BadUri`] or [`TreeError::UriTooLong`].
    pub fn join(&self, below: &str) -> Result<Self, TreeError> {
        let mut segments = self.0.clone();
        for segment in below.split('/') {
            if segment.is_empty() || segment == "." || segment == ".." {
                return Err(TreeError::BadUri {
                    why: "a name is empty, `.` or `..`; write ./A/B without a trailing `/`",
                });
            }
            if segment.contains(['?', '\0']) {
                return Err(TreeError::BadUri { why: "a name may not hold `?` or NUL" });
            }
            if segment.len() > Self::MAX_SEGMENT {
                return Err(TreeError::UriTooLong { what: "octets in a name", limit: Self::MAX_SEGMENT });
            }
            segments.push(segment.to_owned());
        }
        if segments.len() > Self::MAX_DEPTH {
            return Err(TreeError::UriTooLong { what: "names", limit: Self::MAX_DEPTH });
        }
        if segments.iter().map(|s| s.len() + 1).sum::<usize>() >= Self::MAX_LENGTH {
            return Err(TreeError::UriTooLong { what: "octets", limit: Self::MAX_LENGTH });
        }
        Ok(Self(segments))
    }

    /// The node of that name right below. The name is one of ours (a constant or a number), not a stranger's.
    pub(in crate::phone) fn child(&self, name: impl fmt::Display) -> Self {
        let mut segments = self.0.clone();
        segments.push(name.to_string());
        Self(segments)
    }
}

impl FromStr for Uri {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, TreeError> {
        let text = text.trim();
        match text.strip_prefix("./") {
            _ if text == "." => Ok(Self::root()),
            Some(below) => Self::root().join(below),
            None => Self::root().join(text),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(".")?;
        self.0.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

impl serde::Serialize for Uri {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// What a command addresses: a node, or a property of it (`URI?prop=ACL`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The node.
    pub uri: Uri,
    /// What of it.
    pub aspect: Aspect,
}

/// What of a node is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// The node itself.
    Node,
    /// One of its properties that this phone has.
    Property(Property),
    /// A property that this phone does not have, or a tree dump (`?list=`).
    Unsupported,
}

/// The properties that this phone keeps; Title, `TStamp` and `VerNo` are optional and not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// `ACL`.
    Acl,
    /// `Format`.
    Format,
    /// `Name`.
    Name,
    /// `Size`.
    Size,
    /// `Type`.
    Type,
}

impl FromStr for Address {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, TreeError> {
        let Some((uri, query)) = text.trim().split_once('?') else {
            return Ok(Self { uri: text.parse()?, aspect: Aspect::Node });
        };
        let aspect = match query.strip_prefix("prop=") {
            Some("ACL") => Aspect::Property(Property::Acl),
            Some("Format") => Aspect::Property(Property::Format),
            Some("Name") => Aspect::Property(Property::Name),
            Some("Size") => Aspect::Property(Property::Size),
            Some("Type") => Aspect::Property(Property::Type),
            _ => Aspect::Unsupported,
        };
        Ok(Self { uri: uri.parse()?, aspect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_are_one_address() {
        let uri: Uri = "./DMAcc/x/AppAddr".parse().unwrap();
        assert_eq!(uri, "DMAcc/x/AppAddr".parse().unwrap());
        assert_eq!(uri.to_string(), "./DMAcc/x/AppAddr");
        assert_eq!((uri.name(), uri.parent().unwrap().to_string()), ("AppAddr", "./DMAcc/x".to_owned()));
        assert_eq!(".".parse::<Uri>().unwrap(), Uri::root());
        assert!(Uri::root().parent().is_none() && uri.is_within(&Uri::root()));
        assert!(!"./DMAccX".parse::<Uri>().unwrap().is_within(&"./DMAcc".parse().unwrap()));
    }

    #[test]
    fn bad_addresses_are_refused() {
        for bad in ["", "/", "/A", "./", "./A/", "./A//B", "../A", "./A/../B", "./A/./B", "A\0B"] {
            assert!(matches!(bad.parse::<Uri>(), Err(TreeError::BadUri { .. })), "{bad:?}");
        }
        for long in [
            "a/".repeat(40) + "a",
            "x".repeat(256),
            format!("{}a", format!("{}/", "y".repeat(200)).repeat(6)),
        ] {
            assert!(matches!(long.parse::<Uri>(), Err(TreeError::UriTooLong { .. })), "{}", long.len());
        }
    }

    #[test]
    fn properties_are_told_apart() {
        let of = |text: &str| text.parse::<Address>().unwrap().aspect;
        assert_eq!(of("./A"), Aspect::Node);
        assert_eq!(of("./A?prop=ACL"), Aspect::Property(Property::Acl));
        assert_eq!(of("./A?prop=Title"), Aspect::Unsupported);
        assert_eq!(of("./A?list=TNDS"), Aspect::Unsupported);
    }
}

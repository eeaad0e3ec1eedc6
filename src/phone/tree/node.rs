//! One node of the management tree with its properties (OMA DM Tree and Description 1.2, sections 5 and 7).

use std::{collections::BTreeMap, fmt, str::FromStr};

use zeroize::Zeroizing;

use super::{Acl, TreeError};

/// The Format property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Octets. Sent as `b64` over XML; `b64` is not a stored format.
    Bin,
    /// `true` or `false`.
    Bool,
    /// Text.
    Chr,
    /// A date.
    Date,
    /// A number with a fraction.
    Float,
    /// A whole number.
    Int,
    /// An interior node.
    Node,
    /// Nothing.
    Null,
    /// A time.
    Time,
    /// XML text.
    Xml,
}

impl Format {
    const ALL: [Self; 10] = [
        Self::Bin,
        Self::Bool,
        Self::Chr,
        Self::Date,
        Self::Float,
        Self::Int,
        Self::Node,
        Self::Null,
        Self::Time,
        Self::Xml,
    ];

    /// The name in `Meta/Format` and in TNDS.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bin => "bin",
            Self::Bool => "bool",
            Self::Chr => "chr",
            Self::Date => "date",
            Self::Float => "float",
            Self::Int => "int",
            Self::Node => "node",
            Self::Null => "null",
            Self::Time => "time",
            Self::Xml => "xml",
        }
    }
}

impl FromStr for Format {
    type Err = TreeError;

    /// `b64` names the way of sending, not what is stored: it reads as [`Format::Bin`].
    fn from_str(text: &str) -> Result<Self, TreeError> {
        let text = text.trim();
        let stored = if text == "b64" { "bin" } else { text };
        Self::ALL.into_iter().find(|f| f.as_str() == stored).ok_or(TreeError::UnsupportedFormat)
    }
}

/// Whether a server may take a node away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The device needs it: no Delete, no rename.
    Permanent,
    /// It comes and goes.
    Dynamic,
}

/// Whose work a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The device itself.
    Device,
    /// The bootstrap of that number; it goes when the bootstrap goes.
    Bootstrap(u32),
    /// A management session.
    Session,
}

/// One node. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    pub(super) content: Content,
    pub(super) kind: String,
    pub(super) acl: Option<Acl>,
    pub(super) scope: Scope,
    pub(super) origin: Origin,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Content {
    Interior(BTreeMap<String, Node>),
    Leaf { format: Format, value: Zeroizing<Vec<u8>> },
}

impl Node {
    /// The most octets of a value.
    pub const MAX_VALUE: usize = 0x10000;

    /// An interior node; `kind` is the identifier of its management object, or empty.
    pub fn interior(kind: impl Into<String>, origin: Origin) -> Self {
        let content = Content::Interior(BTreeMap::new());
        Self { content, kind: kind.into(), acl: None, scope: Scope::Dynamic, origin }
    }

    /// A leaf; `kind` is the MIME type of its value.
    ///
    /// # Errors
    /// [`TreeError::TooLarge`] above [`Self::MAX_VALUE`]; [`TreeError::UnsupportedFormat`] for the format of an
    /// interior node.
    pub fn leaf(
        format: Format,
        kind: impl Into<String>,
        value: impl Into<Vec<u8>>,
        origin: Origin,
    ) -> Result<Self, TreeError> {
        let value = Zeroizing::new(value.into());
        if value.len() > Self::MAX_VALUE {
            return Err(TreeError::TooLarge { got: value.len(), limit: Self::MAX_VALUE });
        }
        if format == Format::Node {
            return Err(TreeError::UnsupportedFormat);
        }
        let content = Content::Leaf { format, value };
        Ok(Self { content, kind: kind.into(), acl: None, scope: Scope::Dynamic, origin })
    }

    /// A leaf of text.
    ///
    /// # Errors
    /// As [`Self::leaf`].
    pub fn text(value: &str, origin: Origin) -> Result<Self, TreeError> {
        Self::leaf(Format::Chr, "text/plain", value, origin)
    }

    /// The same node with an access control list of its own.
    #[must_use]
    pub fn with_acl(mut self, acl: Option<Acl>) -> Self {
        self.acl = acl;
        self
    }

    /// The same node as a permanent one.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.scope = Scope::Permanent;
        self
    }

    /// Format.
    pub fn format(&self) -> Format {
        match &self.content {
            Content::Interior(_) => Format::Node,
            Content::Leaf { format, .. } => *format,
        }
    }

    /// Type: a MIME type, or the identifier of a management object.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// ACL; none means "as the node above".
    pub fn own_acl(&self) -> Option<&Acl> {
        self.acl.as_ref()
    }

    /// Whether a server may take it away.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whose work it is.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The octets of a leaf; none for an interior node.
    pub fn value(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Interior(_) => None,
            Content::Leaf { value, .. } => Some(value),
        }
    }

    /// The value of a leaf whose octets are text.
    pub fn as_text(&self) -> Option<&str> {
        self.value().and_then(|v| std::str::from_utf8(v).ok())
    }

    /// The nodes right below, in the order of their names; empty for a leaf.
    pub fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        let below = match &self.content {
            Content::Interior(below) => Some(below),
            Content::Leaf { .. } => None,
        };
        below.into_iter().flatten().map(|(name, node)| (name.as_str(), node))
    }

    /// The node of that name right below.
    pub fn child(&self, name: &str) -> Option<&Self> {
        match &self.content {
            Content::Interior(below) => below.get(name),
            Content::Leaf { .. } => None,
        }
    }

    /// How many nodes this is, with all below it.
    pub(super) fn size(&self) -> usize {
        1 + self.children().map(|(_, n)| n.size()).sum::<usize>()
    }

    /// True when this or a node below is the work of another bootstrap than that of the number.
    pub(super) fn holds_other_bootstrap(&self, number: u32) -> bool {
        matches!(self.origin, Origin::Bootstrap(n) if n != number)
            || self.children().any(|(_, n)| n.holds_other_bootstrap(number))
    }

    /// True when this or a node below is permanent.
    pub fn holds_permanent(&self) -> bool {
        self.scope == Scope::Permanent || self.children().any(|(_, n)| n.holds_permanent())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}, {} below)", self.format().as_str(), self.size() - 1)
    }
}

/// True for the names of leaves that hold a secret: no server may read them, and nothing prints them.
///
/// `AAuthSecret` and `AAuthData` have no Get in the DMAcc object; the others are their kin in the connectivity
/// objects and in provisioning documents.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.contains("SECRET")
        || name.contains("PASSWORD")
        || name.ends_with("AUTHDATA")
        || name.ends_with("-PW")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name() {
        for secret in
            ["AAuthSecret", "AAuthData", "AuthSecret", "AAUTHSECRET", "PXAUTH-PW", "BASAUTH-PW", "PROXY-PW"]
        {
            assert!(is_secret(secret), "{secret}");
        }
        for open in ["AAuthName", "AAuthType", "ServerID", "Addr", "PXAUTH-ID", "Ext"] {
            assert!(!is_secret(open), "{open}");
        }
    }

    #[test]
    fn formats_are_a_closed_set() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse::<Format>().unwrap(), format);
        }
        assert_eq!("b64".parse::<Format>().unwrap(), Format::Bin);
        assert!("text".parse::<Format>().is_err());
    }

    #[test]
    fn a_value_has_a_limit() {
        let long = vec![0x41; Node::MAX_VALUE + 1];
        assert!(matches!(
            Node::leaf(Format::Bin, "", long, Origin::Device),
            Err(TreeError::TooLarge { got: 0x10001, .. })
        ));
        assert!(Node::leaf(Format::Node, "", "", Origin::Device).is_err());
    }
}

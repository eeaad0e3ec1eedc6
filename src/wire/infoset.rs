//! The information that XML and WBXML both carry: elements, attributes, text and octets.
//!
//! Provisioning documents and SyncML messages are read into this form from either syntax, and written from it
//! into either, so that the typed readers behind it ([`super::prov`], [`super::syncml`]) exist once.

use std::fmt;

use super::EncodeError;

/// The deepest nesting of elements that is read or written.
pub const MAX_DEPTH: usize = 64;
/// The most elements, attributes, texts and opaque values in one document, taken together.
pub const MAX_NODES: usize = 65_536;
/// The most octets of names and values in one document, taken together. References to a string table can make
/// far more text than there are octets, so this is counted while reading.
pub const MAX_TEXT: usize = 4 * 1024 * 1024;
/// The longest document that is read, in octets.
pub const MAX_OCTETS: usize = 4 * 1024 * 1024;
/// The most attributes of one element.
pub const MAX_ATTRIBUTES: usize = 32;

/// The two ways to write a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// WAP Binary XML.
    Wbxml,
    /// XML 1.0 in UTF-8.
    Xml,
}

/// Which set of names an element belongs to: a WBXML code page, an XML namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vocabulary {
    /// `wap-provisioningdoc` (OMA ProvCont 1.1); no XML namespace.
    Prov,
    /// SyncML representation protocol, `SYNCML:SYNCML1.2`, code page 0.
    SyncMl,
    /// SyncML meta information, `syncml:metinf`, code page 1.
    MetInf,
    /// DM device description framework and TNDS, `syncml:dmddf1.2`, code page 2.
    DmDdf,
    /// SyncML device information, `syncml:devinf`; a document type of its own.
    DevInf,
}

/// One element with what is in it, in the order of the document.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    /// Which set of names it belongs to.
    pub vocabulary: Vocabulary,
    /// Its local name.
    pub name: String,
    /// Its attributes, in the order of the document.
    pub attributes: Vec<Attribute>,
    /// What stands in it.
    pub children: Vec<Node>,
}

/// One attribute. A provisioning `parm` without `value` differs from one with an empty value; a missing
/// attribute is simply not in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What may stand in an element.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Character data.
    Text(String),
    /// Octets that only WBXML can carry as such (OPAQUE).
    Opaque(Vec<u8>),
}

impl Element {
    /// An empty element.
    pub fn new(vocabulary: Vocabulary, name: impl Into<String>) -> Self {
        Self { vocabulary, name: name.into(), attributes: Vec::new(), children: Vec::new() }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push(Attribute { name: name.into(), value: value.into() });
        self
    }

    /// Adds a child element.
    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    /// Adds child elements.
    #[must_use]
    pub fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    /// Adds text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// The value of the first attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value.as_str())
    }

    /// The child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|n| if let Node::Element(e) = n { Some(e) } else { None })
    }

    /// The first child element of that local name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.elements().find(|e| e.name == name)
    }

    /// The text of this element: its text nodes joined, and octets where they are UTF-8 (clients send text as
    /// OPAQUE too).
    pub fn text(&self) -> String {
        let mut out = String::new();
        for node in &self.children {
            match node {
                Node::Text(t) => out.push_str(t),
                Node::Opaque(o) => out.push_str(&String::from_utf8_lossy(o)),
                Node::Element(_) => {}
            }
        }
        out
    }

    /// Refuses what the decoders would refuse: too deep, too many parts, too much text.
    pub(super) fn check_limits(&self) -> Result<(), EncodeError> {
        let (mut nodes, mut text) = (0, 0);
        self.measure(1, &mut nodes, &mut text)?;
        for (what, got, limit) in
            [("parts of the document", nodes, MAX_NODES), ("text of the document", text, MAX_TEXT)]
        {
            if got > limit {
                return Err(EncodeError::Limit { what, got, limit });
            }
        }
        Ok(())
    }

    fn measure(&self, depth: usize, nodes: &mut usize, text: &mut usize) -> Result<(), EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::Limit { what: "nesting of elements", got: depth, limit: MAX_DEPTH });
        }
        if self.attributes.len() > MAX_ATTRIBUTES {
            let got = self.attributes.len();
            return Err(EncodeError::Limit { what: "attributes of an element", got, limit: MAX_ATTRIBUTES });
        }
        *nodes += 1 + self.attributes.len();
        *text += self.name.len();
        *text += self.attributes.iter().map(|a| a.name.len() + a.value.len()).sum::<usize>();
        for node in &self.children {
            match node {
                Node::Element(e) => e.measure(depth + 1, nodes, text)?,
                Node::Text(t) => {
                    *nodes += 1;
                    *text += t.len();
                }
                Node::Opaque(o) => {
                    *nodes += 1;
                    *text += o.len();
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Element {
    /// Names only: the values of provisioning documents are secrets often enough.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        for a in &self.attributes {
            write!(f, " {}=…", a.name)?;
        }
        f.write_str(">")?;
        f.debug_list().entries(&self.children).finish()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element(e) => e.fmt(f),
            Self::Text(t) => write!(f, "text[{}]", t.len()),
            Self::Opaque(o) => write!(f, "opaque[{}]", o.len()),
        }
    }
}

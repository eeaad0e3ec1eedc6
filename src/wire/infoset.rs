//! The information that XML and WBXML both carry: elements, attributes, text and octets.
//!
//! Provisioning documents and SyncML messages are read into this form from either syntax, and written from it
//! into either, so that the typed readers behind it ([`super::prov`], [`super::syncml`]) exist once.

use std::fmt;

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

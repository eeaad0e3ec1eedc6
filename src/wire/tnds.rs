//! Sub-trees of the management tree in one piece: TNDS, `MgmtTree` (OMA DM Tree and Description Serialization 1.2, section
//! 6; elements of code page 2).
//!
//! | element      | content                                                                              |
//! |--------------|--------------------------------------------------------------------------------------|
//! | MgmtTree     | VerDTD, Man?, Mod?, Node+                                                            |
//! | Node         | NodeName, Path?, RTProperties?, and either Node* or Value?                           |
//! | RTProperties | ACL?, Format?, Name?, Size?, Title?, TStamp?, Type, VerNo?                           |
//! | Format       | one empty element: b64, bin, bool, chr, date, float, int, node, null, time or xml    |
//! | Type         | MIME (of a leaf) or DDFName (of an interior node; empty when it begins no object)    |
//!
//! `Name`, `Size`, `TStamp` and `VerNo` are for the device to keep; they are read over and never written.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::{
    DecodeError, EncodeError, Syntax,
    infoset::{self, Element, Vocabulary},
    wbxml, xml,
};

/// Media type of an object in WBXML.
pub const TYPE_WBXML: &str = "application/vnd.syncml.dmtnds+wbxml";
/// Media type of an object in XML.
pub const TYPE_XML: &str = "application/vnd.syncml.dmtnds+xml";
/// What a leaf is that does not say it (SyncML MetInf 1.2).
pub const DEFAULT_MIME: &str = "text/plain";

const WHAT: &str = "TNDS object";

/// `MgmtTree`: one or more sub-trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MgmtTree {
    /// `Man`: the manufacturer of the device that it is for.
    pub man: Option<String>,
    /// `Mod`: the model of the device that it is for.
    pub model: Option<String>,
    /// `Node`: the roots of the sub-trees. A tree that was read has one or more.
    pub nodes: Vec<Node>,
}

/// `Node`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `NodeName`. An empty one stands for the last segment of the command's target.
    pub name: String,
    /// `Path`: the URI up to this node, without it; usually only at the roots, and not even there.
    pub path: Option<String>,
    /// `ACL`, as text. An empty one means the same as none.
    pub acl: Option<String>,
    /// `Title`: what people see.
    pub title: Option<String>,
    /// What it is, and what is in it.
    pub content: Content,
}

/// What a node is: interior or leaf, never both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An interior node.
    Interior {
        /// `DDFName`: the identifier of the management object that begins here; empty inside of one.
        ddf_name: String,
        /// The nodes below it.
        nodes: Vec<Node>,
    },
    /// A leaf.
    Leaf {
        /// `MIME`: the type of its value.
        mime: String,
        /// Its value.
        value: Value,
    },
}

/// The value of a leaf, with its format. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Characters.
    Text(TextFormat, String),
    /// Octets.
    Octets(OctetFormat, Vec<u8>),
    /// `null`: no value at all.
    Null,
}

/// The formats whose values are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextFormat {
    /// `bool`
    Bool,
    /// `chr`, which is what a leaf has that does not say it.
    Chr,
    /// `date`
    Date,
    /// `float`
    Float,
    /// `int`
    Int,
    /// `time`
    Time,
    /// `xml`
    Xml,
}

impl TextFormat {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Chr => "chr",
            Self::Date => "date",
            Self::Float => "float",
            Self::Int => "int",
            Self::Time => "time",
            Self::Xml => "xml",
        }
    }
}

/// The formats whose values are octets. The device keeps both as `bin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OctetFormat {
    /// `bin`: as they are, which XML cannot carry: there they go as [`Self::B64`].
    Bin,
    /// `b64`: as base64 text.
    B64,
}

impl MgmtTree {
    /// Trees for whatever device.
    pub fn new(nodes: Vec<Node>) -> Self {
        Self { man: None, model: None, nodes }
    }

    /// Reads a document of its own.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(syntax: Syntax, octets: &[u8]) -> Result<Self, DecodeError> {
        let root = match syntax {
            Syntax::Wbxml => wbxml::decode_expecting(octets, Vocabulary::DmDdf)?.root,
            Syntax::Xml => xml::parse(octets)?,
        };
        Self::from_element(&root)
    }

    /// Writes a document of its own; in WBXML with the public identifier as text, because it has no number.
    ///
    /// # Errors
    /// [`EncodeError`] when a text holds a character that the syntax cannot carry, or the tree is deeper or larger than
    /// [`Self::decode`] accepts.
    pub fn encode(&self, syntax: Syntax) -> Result<Vec<u8>, EncodeError> {
        let root = self.to_element(syntax);
        match syntax {
            Syntax::Wbxml => wbxml::encode(&wbxml::Document::new(root)),
            Syntax::Xml => xml::write(&root).map(String::into_bytes),
        }
    }

    /// Takes the tree out of its elements. Names of sets of names are not looked at, and the order does not matter.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] when it is no tree, a node is leaf and interior at once, or a value is not of its format.
    pub fn from_element(root: &Element) -> Result<Self, DecodeError> {
        if root.name != "MgmtTree" {
            return Err(invalid("the root element is not MgmtTree"));
        }
        let nodes = nodes_of(root)?;
        if nodes.is_empty() {
            return Err(invalid("MgmtTree has no Node"));
        }
        Ok(Self { man: text_of(root, "Man"), model: text_of(root, "Mod"), nodes })
    }

    /// The tree as elements; `syntax` is what they will be written in, since XML cannot carry octets.
    pub fn to_element(&self, syntax: Syntax) -> Element {
        element("MgmtTree")
            .with_child(leaf("VerDTD", "1.2"))
            .with_all(self.man.as_ref().map(|t| leaf("Man", t)))
            .with_all(self.model.as_ref().map(|t| leaf("Mod", t)))
            .with_all(self.nodes.iter().map(|n| n.to_element(syntax)))
    }
}

impl Node {
    /// An interior node; `ddf_name` is empty unless a management object begins with it.
    pub fn interior(name: impl Into<String>, ddf_name: impl Into<String>, nodes: Vec<Self>) -> Self {
        Self::new(name.into(), Content::Interior { ddf_name: ddf_name.into(), nodes })
    }

    /// A leaf of the type `text/plain`.
    pub fn leaf(name: impl Into<String>, value: Value) -> Self {
        Self::new(name.into(), Content::Leaf { mime: DEFAULT_MIME.to_owned(), value })
    }

    fn new(name: String, content: Content) -> Self {
        Self { name, path: None, acl: None, title: None, content }
    }

    fn from_element(node: &Element) -> Result<Self, DecodeError> {
        let properties = node.child("RTProperties");
        let property = |name: &str| properties.and_then(|p| p.child(name));
        let kind = property("Type").and_then(|t| t.elements().next());
        let said = property("Format").and_then(|f| f.elements().next()).map(|f| f.name.as_str());
        let nodes = nodes_of(node)?;
        let value = node.child("Value");
        // An encoder may leave Format out (section 6.3 of the standard; the sheet).
        let interior = match said {
            Some(format) => format == "node",
            None => !nodes.is_empty() || (value.is_none() && kind.is_some_and(|k| k.name == "DDFName")),
        };
        let kind = kind.map(|k| k.text().trim().to_owned());
        let content = if interior {
            if value.is_some_and(|v| !v.children.is_empty()) {
                return Err(invalid("an interior node has a Value"));
            }
            Content::Interior { ddf_name: kind.unwrap_or_default(), nodes }
        } else {
            if !nodes.is_empty() {
                return Err(invalid("a node with nodes in it has the Format of a leaf"));
            }
            let mime = kind.unwrap_or_else(|| DEFAULT_MIME.to_owned());
            Content::Leaf { mime, value: Value::read(value, said)? }
        };
        Ok(Self {
            name: text_of(node, "NodeName").unwrap_or_default(),
            path: text_of(node, "Path").filter(|p| !p.is_empty()),
            acl: property("ACL").map(|a| a.text().trim().to_owned()),
            title: property("Title").map(Element::text),
            content,
        })
    }

    fn to_element(&self, syntax: Syntax) -> Element {
        let (format, kind) = match &self.content {
            Content::Interior { ddf_name, .. } => ("node", leaf("DDFName", ddf_name)),
            Content::Leaf { mime, value } => (value.format(syntax), leaf("MIME", mime)),
        };
        let properties = element("RTProperties")
            .with_all(self.acl.as_ref().map(|t| leaf("ACL", t)))
            .with_child(element("Format").with_child(element(format)))
            .with_all(self.title.as_ref().map(|t| leaf("Title", t)))
            .with_child(element("Type").with_child(kind));
        let node = element("Node")
            .with_child(leaf("NodeName", &self.name))
            .with_all(self.path.as_ref().map(|t| leaf("Path", t)))
            .with_child(properties);
        match &self.content {
            Content::Interior { nodes, .. } => node.with_all(nodes.iter().map(|n| n.to_element(syntax))),
            Content::Leaf { value, .. } => node.with_all(value.to_element(syntax)),
        }
    }
}

impl Value {
    /// `chr`.
    pub fn chr(text: impl Into<String>) -> Self {
        Self::Text(TextFormat::Chr, text.into())
    }

    /// The name of its format in that syntax.
    pub fn format(&self, syntax: Syntax) -> &'static str {
        match (self, syntax) {
            (Self::Octets(OctetFormat::Bin, _), Syntax::Wbxml) => "bin",
            (Self::Octets(..), _) => "b64",
            (Self::Null, _) => "null",
            (Self::Text(format, _), _) => format.as_str(),
        }
    }

    fn read(element: Option<&Element>, format: Option<&str>) -> Result<Self, DecodeError> {
        let mut raw = Vec::new();
        for part in element.iter().flat_map(|e| &e.children) {
            match part {
                infoset::Node::Text(text) => raw.extend_from_slice(text.as_bytes()),
                infoset::Node::Opaque(octets) => raw.extend_from_slice(octets),
                infoset::Node::Element(_) => return Err(invalid("an element stands in a Value")),
            }
        }
        let format = match format {
            None | Some("chr") => TextFormat::Chr,
            Some("bool") => TextFormat::Bool,
            Some("date") => TextFormat::Date,
            Some("float") => TextFormat::Float,
            Some("int") => TextFormat::Int,
            Some("time") => TextFormat::Time,
            Some("xml") => TextFormat::Xml,
            Some("bin") => return Ok(Self::Octets(OctetFormat::Bin, raw)),
            Some("b64") => {
                raw.retain(|o| !o.is_ascii_whitespace());
                let octets =
                    BASE64.decode(raw).map_err(|_| invalid("a value of Format b64 is not base64"))?;
                return Ok(Self::Octets(OctetFormat::B64, octets));
            }
            Some("null") => return Ok(Self::Null),
            Some(_) => return Err(invalid("a Format that the standard does not have")),
        };
        // One client sends all text as OPAQUE; what is no text is octets, whatever the format says.
        Ok(match String::from_utf8(raw) {
            Ok(text) => Self::Text(format, text),
            Err(e) => Self::Octets(OctetFormat::Bin, e.into_bytes()),
        })
    }

    fn to_element(&self, syntax: Syntax) -> Option<Element> {
        let mut value = element("Value");
        match (self, syntax) {
            (Self::Null, _) => return None,
            // Inline strings end at a NUL.
            (Self::Text(_, text), Syntax::Wbxml) if text.contains('\0') => {
                value.children.push(infoset::Node::Opaque(text.clone().into_bytes()));
            }
            (Self::Text(_, text), _) if text.is_empty() => {}
            (Self::Text(_, text), _) => value = value.with_text(text),
            (Self::Octets(_, octets), _) if octets.is_empty() => {}
            (Self::Octets(OctetFormat::Bin, octets), Syntax::Wbxml) => {
                value.children.push(infoset::Node::Opaque(octets.clone()));
            }
            (Self::Octets(_, octets), _) => value = value.with_text(BASE64.encode(octets)),
        }
        Some(value)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(format, text) => write!(f, "{format:?}[{}]", text.len()),
            Self::Octets(format, octets) => write!(f, "{format:?}[{}]", octets.len()),
            Self::Null => f.write_str("Null"),
        }
    }
}

/// Recursion is bounded: no reader makes elements deeper than [`infoset::MAX_DEPTH`].
fn nodes_of(parent: &Element) -> Result<Vec<Node>, DecodeError> {
    parent.elements().filter(|e| e.name == "Node").map(Node::from_element).collect()
}

fn text_of(parent: &Element, name: &str) -> Option<String> {
    parent.child(name).map(|e| e.text().trim().to_owned())
}

fn element(name: &str) -> Element {
    Element::new(Vocabulary::DmDdf, name)
}

fn leaf(name: &str, text: &str) -> Element {
    let element = element(name);
    if text.is_empty() { element } else { element.with_text(text) }
}

fn invalid(why: &str) -> DecodeError {
    DecodeError::invalid(WHAT, 0, why)
}

#[cfg(test)]
mod tests;

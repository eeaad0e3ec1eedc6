//! The management tree of an image: as TNDS XML, which devices and servers read, and as JSON, which everything else does.
//!
//! In JSON a node is an object: `name`, `path` (at the roots), `acl`, `type`, and either `nodes` or `format` and `value`;
//! octets are base64.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use crate::wire::{
    Syntax,
    tnds::{Content, MgmtTree, Node, OctetFormat, Value as NodeValue},
    xml,
};

use super::FactoryError;

/// TNDS XML, indented.
pub(super) fn xml(tree: &MgmtTree) -> Result<Vec<u8>, FactoryError> {
    let text = xml::write_indented(&tree.to_element(Syntax::Xml));
    text.map(String::into_bytes).map_err(|e| FactoryError::Encode(e.into()))
}

/// The same as JSON.
pub(super) fn json(tree: &MgmtTree) -> Value {
    json!({ "nodes": tree.nodes.iter().map(node).collect::<Vec<_>>() })
}

/// Recursion is bounded: the tree was made here, of known objects.
fn node(n: &Node) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: &str| out.insert(name.to_owned(), value.into());
    put("name", &n.name);
    for (name, value) in [("path", &n.path), ("acl", &n.acl), ("title", &n.title)] {
        if let Some(value) = value {
            put(name, value);
        }
    }
    match &n.content {
        Content::Interior { ddf_name, nodes } => {
            if !ddf_name.is_empty() {
                put("type", ddf_name);
            }
            put("format", "node");
            out.insert("nodes".into(), nodes.iter().map(node).collect());
        }
        Content::Leaf { mime, value } => {
            put("type", mime);
            match value {
                NodeValue::Text(format, text) => {
                    put("format", format.as_str());
                    put("value", text);
                }
                NodeValue::Octets(OctetFormat::Bin | OctetFormat::B64, octets) => {
                    put("format", "b64");
                    put("value", &BASE64.encode(octets));
                }
                NodeValue::Null => {
                    put("format", "null");
                }
            }
        }
    }
    Value::Object(out)
}

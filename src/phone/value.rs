//! Values on their way between messages and the tree: what `Format` and `Data` together mean (OMA DM Tree and
//! Description 1.2, section 7.7.3; SyncML MetInf 1.2).

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::wire::{
    infoset::{Element, Node},
    syncml::{Data, Item, Meta},
};

use super::tree::{Format, TreeError};

/// A value as the tree keeps it, with what the message said of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// `Meta/Format`, when given.
    pub(super) format: Option<Format>,
    /// `Meta/Type`, when given.
    pub(super) kind: Option<String>,
    /// The octets, with base64 undone.
    pub(super) octets: Vec<u8>,
}

/// The value of an item; what its own `Meta` leaves open the command's says.
pub(super) fn of_item(item: &Item, command: Option<&Meta>) -> Result<Value, TreeError> {
    let said = |part: fn(&Meta) -> Option<&String>| {
        item.meta
            .as_ref()
            .and_then(part)
            .or_else(|| command.and_then(part))
            .map(|text| text.trim().to_owned())
    };
    let format = said(|m| m.format.as_ref());
    let octets = match &item.data {
        None => Vec::new(),
        Some(Data::Text(text)) => octets(format.as_deref(), text.as_bytes())?,
        Some(Data::Octets(raw)) => octets(format.as_deref(), raw)?,
        Some(Data::Element(_)) => {
            return Err(TreeError::BadValue { why: "an element stands where a value should" });
        }
    };
    Ok(Value { format: format.map(|f| f.parse()).transpose()?, kind: said(|m| m.kind.as_ref()), octets })
}

/// The value of a TNDS `Value` element; `format` is the name of the element in its `Format`.
pub(super) fn of_element(element: &Element, format: Option<&str>) -> Result<Vec<u8>, TreeError> {
    let mut raw = Vec::new();
    for node in &element.children {
        match node {
            Node::Text(text) => raw.extend_from_slice(text.as_bytes()),
            Node::Opaque(octets) => raw.extend_from_slice(octets),
            Node::Element(_) => {
                return Err(TreeError::BadValue { why: "an element stands where a value should" });
            }
        }
    }
    octets(format, &raw)
}

/// Undoes base64 where the format says so. Everything else is kept as it came: `bin` is raw in WBXML, and clients
/// and servers send text as OPAQUE too.
fn octets(format: Option<&str>, sent: &[u8]) -> Result<Vec<u8>, TreeError> {
    if format != Some("b64") {
        return Ok(sent.to_vec());
    }
    base64_octets(sent).ok_or(TreeError::BadValue { why: "the format is b64 and the value is not base64" })
}

/// What base64 text stands for; white space in it is skipped.
pub(super) fn base64_octets(text: &[u8]) -> Option<Vec<u8>> {
    let bare: Vec<u8> = text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(bare).ok()
}

/// Base64 text of octets.
pub(super) fn base64_text(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::infoset::Vocabulary;

    fn item(format: &str, data: Data) -> Item {
        let meta = Meta { format: Some(format.to_owned()), ..Meta::default() };
        Item { meta: Some(meta), data: Some(data), ..Item::default() }
    }

    #[test]
    fn base64_is_undone_and_raw_octets_are_kept() {
        let text = of_item(&item("b64", Data::Text("bm9u\n Y2VD MQ==".into())), None).unwrap();
        assert_eq!((text.octets.as_slice(), text.format), (b"nonceC1".as_slice(), Some(Format::Bin)));
        let opaque = of_item(&item("b64", Data::Octets(b"bm9uY2VDMQ==".to_vec())), None).unwrap();
        assert!(opaque == text);
        assert_eq!(of_item(&item("bin", Data::Octets(vec![0, 0xFF])), None).unwrap().octets, [0, 0xFF]);
        assert_eq!(of_item(&item("chr", Data::Text("bm9u".into())), None).unwrap().octets, b"bm9u");
        assert!(of_item(&item("b64", Data::Text("!".into())), None).is_err());
        assert_eq!(
            of_item(&item("hex", Data::Text("!".into())), None).err(),
            Some(TreeError::UnsupportedFormat)
        );
    }

    #[test]
    fn the_command_says_what_the_item_leaves_open() {
        let all = Meta { format: Some("b64".into()), kind: Some("a/b".into()), ..Meta::default() };
        let value = of_item(&item("chr", Data::Text("x".into())), Some(&all)).unwrap();
        assert_eq!((value.format, value.kind.as_deref()), (Some(Format::Chr), Some("a/b")));
    }

    #[test]
    fn elements_are_no_values() {
        let element = Element::new(Vocabulary::DmDdf, "Value").with_text("QQ==");
        assert_eq!(of_element(&element, Some("b64")).unwrap(), b"A");
        let nested = element.with_child(Element::new(Vocabulary::DmDdf, "Node"));
        assert!(of_element(&nested, None).is_err());
    }
}

//! EF(DODF), the data object directory: object identifier, label and path of each data object (PKCS#15 v1.1, section
//! 6.7; OMA LwM2M TS, annex G.3.2).

use std::fmt;

use crate::wire::{DecodeError, Encode, fid::Path, tlv};

use super::{
    ObjectId, Pkcs15Path,
    asn1::{Element, Elements},
};

/// EF(DODF).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dodf {
    /// The entries in order.
    pub entries: Vec<DodfEntry>,
    /// How many octets of the file they take up; padding follows.
    pub used: usize,
}

/// One entry and its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DodfEntry {
    /// Where it begins.
    pub at: usize,
    /// Its octets as they stand in the file: entries that are not ours are kept so.
    pub octets: Vec<u8>,
    /// What it says.
    pub object: DodfObject,
    /// True when its object identifier is wrapped twice, which is a known mistake in the field.
    pub double_wrapped_oid: bool,
}

/// What an entry of EF(DODF) says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DodfObject {
    /// A data object in a file of its own.
    File(DataObject),
    /// Anything else, stepped over: an external object (A0), or one that stands in the entry itself.
    Other {
        /// The tag of the entry.
        tag: u8,
    },
}

/// The two shapes of an entry.
///
/// The wording of the bootstrap texts describes opaqueDO; the octets on cards in the field are oidDO. So oidDO is what is
/// written unless asked otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Shape {
    /// Tag A1: the identifier stands with the path, in the type attributes.
    #[serde(rename = "oidDO")]
    OidDo,
    /// Tag 30: the identifier is the `applicationOID` of the common attributes.
    #[serde(rename = "opaqueDO")]
    OpaqueDo,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OidDo => "oidDO",
            Self::OpaqueDo => "opaqueDO",
        })
    }
}

/// A data object in a file.
///
/// | octets                  | field                                                                 |
/// |-------------------------|-----------------------------------------------------------------------|
/// | A1 L or 30 L            | oidDO or opaqueDO                                                     |
/// | 30 L                    | common object attributes: label 0C, flags 03, authId 04               |
/// | 30 L                    | common data object attributes: applicationName 0C, applicationOID 06  |
/// | A1 L 30 L 06 … 30 path  | oidDO: type attributes with identifier and path                       |
/// | A1 L 30 path            | opaqueDO: type attributes with path                                   |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataObject {
    /// Which shape.
    pub shape: Shape,
    /// What kind of object it is. An opaqueDO may come without.
    pub oid: Option<ObjectId>,
    /// True when the identifier is wrapped in a second one, a known mistake in the field. It is read and kept; new entries
    /// have it only for cards that are known to want it.
    pub double_wrapped_oid: bool,
    /// Label in the common object attributes; where the wording puts it.
    pub common_label: Option<String>,
    /// Application name in the common data object attributes; where cards have the label.
    pub application_name: Option<String>,
    /// Flag: reading needs a PIN.
    pub private: bool,
    /// Flag: may be modified.
    pub modifiable: bool,
    /// Which authentication object guards it.
    pub auth_id: Option<Vec<u8>>,
    /// The file.
    pub path: Pkcs15Path,
}

const ENTRY: &str = "DODF entry";

impl DataObject {
    /// A whole file, with the label where the shape has it by custom.
    pub fn new(shape: Shape, oid: ObjectId, label: &str, path: Path) -> Self {
        let (common_label, application_name) = match shape {
            Shape::OidDo => (None, Some(label.to_owned())),
            Shape::OpaqueDo => (Some(label.to_owned()), None),
        };
        Self {
            shape,
            oid: Some(oid),
            double_wrapped_oid: false,
            common_label,
            application_name,
            private: false,
            modifiable: false,
            auth_id: None,
            path: Pkcs15Path::whole(path),
        }
    }

    /// The same in another shape, with the label where that has it by custom.
    #[must_use]
    pub fn with_shape(mut self, shape: Shape) -> Self {
        if self.shape != shape {
            std::mem::swap(&mut self.common_label, &mut self.application_name);
            self.shape = shape;
        }
        self
    }

    fn encode_oid(&self, oid: &ObjectId, out: &mut Vec<u8>) {
        if self.double_wrapped_oid {
            let mut inner = Vec::new();
            oid.encode(&mut inner);
            tlv::write(0x06, &inner, out);
        } else {
            oid.encode(out);
        }
    }

    /// The label, from whichever place has one.
    pub fn label(&self) -> Option<&str> {
        self.common_label.as_deref().or(self.application_name.as_deref())
    }
}

impl Dodf {
    /// Reads the file up to the first FF or 00 where an entry should begin.
    ///
    /// # Errors
    /// Any [`DecodeError`]. What stands behind damage cannot be trusted, so nothing of such a file is returned.
    pub fn decode(file: &[u8]) -> Result<Self, DecodeError> {
        let mut elements = Elements::new(file);
        let mut entries = Vec::new();
        while !elements.at_padding() {
            let element = elements.next(ENTRY)?;
            let (object, double_wrapped_oid) = match element.tag {
                0xA1 => oid_do(&element)?,
                0x30 => opaque_do(&element)?,
                tag if tag & 0xE0 == 0xA0 => (DodfObject::Other { tag }, false),
                tag => {
                    let why = format!("tag {tag:02X}, expected 30 or A0 to AF");
                    return Err(DecodeError::invalid(ENTRY, element.start, why));
                }
            };
            let octets = file.get(element.start..element.end()).unwrap_or(&[]).to_vec();
            entries.push(DodfEntry { at: element.start, octets, object, double_wrapped_oid });
        }
        Ok(Self { entries, used: elements.position() })
    }
}

/// The attributes that both shapes begin with.
struct Common {
    object: DataObject,
    double_wrapped_oid: bool,
}

fn common(parts: &mut Elements<'_>, shape: Shape) -> Result<Common, DecodeError> {
    let mut object = DataObject {
        shape,
        oid: None,
        double_wrapped_oid: false,
        common_label: None,
        application_name: None,
        private: false,
        modifiable: false,
        auth_id: None,
        path: Pkcs15Path::whole(Path::mf()),
    };
    let mut attributes =
        parts.next("common object attributes")?.expect("common object attributes", 0x30)?.inside();
    while attributes.peek().is_some() {
        let part = attributes.next("common object attribute")?;
        match part.tag {
            0x0C => object.common_label = Some(text(&part)?),
            0x03 => (object.private, object.modifiable) = flags(&part)?,
            0x04 => object.auth_id = Some(part.value.to_vec()),
            // userConsent, access control rules and whatever later versions add.
            _ => {}
        }
    }
    let mut attributes =
        parts.next("data object attributes")?.expect("data object attributes", 0x30)?.inside();
    let mut double_wrapped_oid = false;
    while attributes.peek().is_some() {
        let part = attributes.next("data object attribute")?;
        match part.tag {
            0x0C => object.application_name = Some(text(&part)?),
            0x06 => {
                let (oid, double) = ObjectId::from_element(&part)?;
                (object.oid, double_wrapped_oid) = (Some(oid), double);
            }
            _ => {}
        }
    }
    // Sub-class attributes; no data object has any.
    parts.optional("sub-class attributes", 0xA0)?;
    Ok(Common { object, double_wrapped_oid })
}

fn oid_do(entry: &Element<'_>) -> Result<(DodfObject, bool), DecodeError> {
    let mut parts = entry.inside();
    let Common { mut object, .. } = common(&mut parts, Shape::OidDo)?;
    let mut attributes = parts.next("type attributes")?.expect("type attributes", 0xA1)?.inside();
    let pair = attributes.next("OidDO")?.expect("OidDO", 0x30)?;
    attributes.finish("type attributes")?;
    parts.finish(ENTRY)?;
    let mut pair = pair.inside();
    let (oid, double) =
        ObjectId::from_element(&pair.next("object identifier")?.expect("object identifier", 0x06)?)?;
    let value = pair.next("OidDO value")?;
    pair.finish("OidDO")?;
    if value.tag != 0x30 {
        return Ok((DodfObject::Other { tag: entry.tag }, double));
    }
    object.oid = Some(oid);
    object.double_wrapped_oid = double;
    object.path = Pkcs15Path::decode(&value)?;
    Ok((DodfObject::File(object), double))
}

fn opaque_do(entry: &Element<'_>) -> Result<(DodfObject, bool), DecodeError> {
    let mut parts = entry.inside();
    let Common { mut object, double_wrapped_oid } = common(&mut parts, Shape::OpaqueDo)?;
    let mut attributes = parts.next("type attributes")?.expect("type attributes", 0xA1)?.inside();
    parts.finish(ENTRY)?;
    let value = attributes.next("opaqueDO value")?;
    attributes.finish("type attributes")?;
    if value.tag != 0x30 {
        return Ok((DodfObject::Other { tag: entry.tag }, double_wrapped_oid));
    }
    object.double_wrapped_oid = double_wrapped_oid;
    object.path = Pkcs15Path::decode(&value)?;
    Ok((DodfObject::File(object), double_wrapped_oid))
}

fn text(part: &Element<'_>) -> Result<String, DecodeError> {
    std::str::from_utf8(part.value)
        .map(str::to_owned)
        .map_err(|e| DecodeError::invalid("label", part.at + e.valid_up_to(), "not UTF-8"))
}

/// CommonObjectFlags, a named bit list: bit 0 private, bit 1 modifiable.
fn flags(part: &Element<'_>) -> Result<(bool, bool), DecodeError> {
    match part.value {
        [0..=7] => Ok((false, false)),
        [0..=7, bits, ..] => Ok((bits & 0x80 != 0, bits & 0x40 != 0)),
        _ => Err(DecodeError::invalid("object flags", part.at, "not a BIT STRING")),
    }
}

impl Encode for DataObject {
    fn encode(&self, out: &mut Vec<u8>) {
        let text = |label: &Option<String>, out: &mut Vec<u8>| {
            if let Some(label) = label {
                tlv::write(0x0C, label.as_bytes(), out);
            }
        };
        let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
        text(&self.common_label, &mut first);
        match (self.private, self.modifiable) {
            (false, false) => {}
            (true, false) => tlv::write(0x03, &[0x07, 0x80], &mut first),
            (false, true) => tlv::write(0x03, &[0x06, 0x40], &mut first),
            (true, true) => tlv::write(0x03, &[0x06, 0xC0], &mut first),
        }
        if let Some(auth_id) = &self.auth_id {
            tlv::write(0x04, auth_id, &mut first);
        }
        text(&self.application_name, &mut second);
        match (self.shape, &self.oid) {
            (Shape::OpaqueDo, Some(oid)) => {
                self.encode_oid(oid, &mut second);
                self.path.encode(&mut third);
            }
            (Shape::OpaqueDo, None) => self.path.encode(&mut third),
            (Shape::OidDo, oid) => {
                let mut pair = Vec::new();
                if let Some(oid) = oid {
                    self.encode_oid(oid, &mut pair);
                }
                self.path.encode(&mut pair);
                tlv::write(0x30, &pair, &mut third);
            }
        }
        let mut value = Vec::new();
        tlv::write(0x30, &first, &mut value);
        tlv::write(0x30, &second, &mut value);
        tlv::write(0xA1, &third, &mut value);
        tlv::write(if self.shape == Shape::OidDo { 0xA1 } else { 0x30 }, &value, out);
    }
}

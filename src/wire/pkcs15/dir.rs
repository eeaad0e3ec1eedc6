//! A record of EF(DIR): one application of the card (ETSI TS 102 221, section 13.1; ISO/IEC 7816-4, section 8.2.1).

use crate::wire::{DecodeError, Encode, fid::Path, tlv, tlv::Tlv};

use super::AID;

/// An application template.
///
/// | octets       | field                                                     |
/// |--------------|-----------------------------------------------------------|
/// | 61 L         | template                                                  |
/// | 4F n AID     | application identifier                                    |
/// | 50 n label   | optional                                                  |
/// | 51 n path    | optional in the field, though the bootstrap texts ask for it |
/// | FF …         | to the end of the record                                  |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The application identifier.
    pub aid: Vec<u8>,
    /// What people call it.
    pub label: Option<String>,
    /// Where its directory is.
    pub path: Option<Path>,
}

impl DirEntry {
    /// The entry that announces a PKCS#15 application in the directory at `path`.
    pub fn pkcs15(path: Path) -> Self {
        Self { aid: AID.to_vec(), label: Some("PKCS-15".into()), path: Some(path) }
    }

    /// True for the PKCS#15 application.
    pub fn is_pkcs15(&self) -> bool {
        self.aid == AID
    }

    /// True when a record holds nothing: it begins with FF or 00.
    pub fn is_free(record: &[u8]) -> bool {
        matches!(record.first(), None | Some(0x00 | 0xFF))
    }

    /// Reads a record. Data objects other than the three are stepped over.
    ///
    /// # Errors
    /// Any [`DecodeError`]; a free record is one, see [`DirEntry::is_free`].
    pub fn decode(record: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "application template";
        let padded = tlv::parse_padded(record)?;
        let template = match padded.objects.as_slice() {
            [] => return Err(DecodeError::invalid(WHAT, 0, "the record is free")),
            [template, ..] if template.tag == 0x61 => template,
            [other, ..] => {
                return Err(DecodeError::invalid(WHAT, 0, format!("tag {:02X}, expected 61", other.tag)));
            }
        };
        let parts = template.children()?;
        let part = |tag: u16| parts.iter().find(|p| p.tag == tag);
        let path = |p: &Tlv<'_>| Path::from_octets(p.value).map_err(|e| e.shifted(p.at));
        let aid = part(0x4F).ok_or_else(|| DecodeError::invalid(WHAT, template.at, "no AID (tag 4F)"))?;
        Ok(Self {
            aid: aid.value.to_vec(),
            label: part(0x50).map(|p| String::from_utf8_lossy(p.value).into_owned()),
            path: part(0x51).map(path).transpose()?,
        })
    }
}

impl Encode for DirEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut value = Vec::new();
        tlv::write(0x4F, &self.aid, &mut value);
        if let Some(label) = &self.label {
            tlv::write(0x50, label.as_bytes(), &mut value);
        }
        if let Some(path) = &self.path {
            tlv::write(0x51, &path.to_octets(), &mut value);
        }
        tlv::write(0x61, &value, out);
    }
}

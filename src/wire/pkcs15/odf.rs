//! EF(ODF), the object directory: which files list which class of objects (PKCS#15 v1.1, section 6.2).

use std::fmt;

use crate::wire::{DecodeError, Encode, tlv};

use super::{Pkcs15Path, asn1::Elements};

/// EF(ODF). Several entries of one class stand in order of priority, the first first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odf {
    /// The entries in order.
    pub entries: Vec<OdfEntry>,
    /// How many octets of the file they take up; padding follows.
    pub used: usize,
}

/// One entry.
///
/// | octets     | field                                              |
/// |------------|----------------------------------------------------|
/// | A0 to AF L | class of objects, A7 for data objects              |
/// | 30 …       | path of the file that lists them                   |
/// | A0 …       | or the objects themselves                          |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OdfEntry {
    /// What is listed.
    pub class: ObjectClass,
    /// Where.
    pub reference: Reference,
}

/// Where an entry's objects are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// In a file.
    File(Pkcs15Path),
    /// In the entry itself, or in some way that is not understood: these octets.
    Inline(Vec<u8>),
}

/// A class of PKCS#15 objects, by the tag of its entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectClass(pub u8);

impl ObjectClass {
    /// A5: trusted certificates.
    pub const TRUSTED_CERTIFICATES: Self = Self(0xA5);
    /// A7: data objects, the class of bootstrap files.
    pub const DATA_OBJECTS: Self = Self(0xA7);
    /// A8: authentication objects (PINs).
    pub const AUTH_OBJECTS: Self = Self(0xA8);
}

impl fmt::Display for ObjectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0xA0 => "privateKeys",
            0xA1 => "publicKeys",
            0xA2 => "trustedPublicKeys",
            0xA3 => "secretKeys",
            0xA4 => "certificates",
            0xA5 => "trustedCertificates",
            0xA6 => "usefulCertificates",
            0xA7 => "dataObjects",
            0xA8 => "authObjects",
            other => return write!(f, "{other:02X}"),
        })
    }
}

impl fmt::Debug for ObjectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectClass({self})")
    }
}

impl OdfEntry {
    /// The entry for a file that lists data objects.
    pub fn data_objects(path: Pkcs15Path) -> Self {
        Self { class: ObjectClass::DATA_OBJECTS, reference: Reference::File(path) }
    }
}

impl Odf {
    /// Reads the file up to the first FF or 00 where an entry should begin.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(file: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "ODF entry";
        let mut elements = Elements::new(file);
        let mut entries = Vec::new();
        while !elements.at_padding() {
            let entry = elements.next(WHAT)?;
            if entry.tag & 0xF0 != 0xA0 {
                return Err(DecodeError::invalid(
                    WHAT,
                    entry.start,
                    format!("tag {:02X}, expected A0 to AF", entry.tag),
                ));
            }
            let mut inside = entry.inside();
            let reference = if inside.peek() == Some(0x30) {
                let path = Pkcs15Path::decode(&inside.next("path")?)?;
                inside.finish(WHAT)?;
                Reference::File(path)
            } else {
                Reference::Inline(entry.value.to_vec())
            };
            entries.push(OdfEntry { class: ObjectClass(entry.tag), reference });
        }
        Ok(Self { entries, used: elements.position() })
    }

    /// The files that list data objects, in order of priority.
    pub fn data_object_files(&self) -> impl Iterator<Item = &Pkcs15Path> {
        self.entries.iter().filter_map(|entry| match &entry.reference {
            Reference::File(path) if entry.class == ObjectClass::DATA_OBJECTS => Some(path),
            _ => None,
        })
    }
}

impl Encode for OdfEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut value = Vec::new();
        match &self.reference {
            Reference::File(path) => path.encode(&mut value),
            Reference::Inline(octets) => value.extend_from_slice(octets),
        }
        tlv::write(u16::from(self.class.0), &value, out);
    }
}

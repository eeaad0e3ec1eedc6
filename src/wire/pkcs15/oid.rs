//! Object identifiers (ITU-T X.690, section 8.19) and those of bootstrap files.

use std::{fmt, str::FromStr};

use der::asn1::ObjectIdentifier;

use crate::wire::{DecodeError, tlv};

use super::asn1::{Element, Elements};

/// An object identifier. An open registry: any is read, and the bootstrap files of OMA have names. The base of them all
/// is 2.23.43 (wap), whose contents octets begin `67 2B`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(ObjectIdentifier);

/// A text is not an object identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an object identifier is written as numbers with points between them, as 2.23.43.7.1")]
pub struct ObjectIdError;

impl ObjectId {
    /// 2.23.43.5.1: CP Bootstrap (seen in an implementation).
    pub const CP_BOOTSTRAP: Self = Self(ObjectIdentifier::new_unwrap("2.23.43.5.1"));
    /// 2.23.43.5.2: CP Config1 (seen in an implementation).
    pub const CP_CONFIG1: Self = Self(ObjectIdentifier::new_unwrap("2.23.43.5.2"));
    /// 2.23.43.5.3: CP Config2 (seen in an implementation).
    pub const CP_CONFIG2: Self = Self(ObjectIdentifier::new_unwrap("2.23.43.5.3"));
    /// 2.23.43.7.1: DM bootstrap (seen in an implementation).
    pub const DM_BOOTSTRAP: Self = Self(ObjectIdentifier::new_unwrap("2.23.43.7.1"));
    /// 2.23.43.9.1: LwM2M bootstrap (OMA LwM2M TS, annex G).
    pub const LWM2M_BOOTSTRAP: Self = Self(ObjectIdentifier::new_unwrap("2.23.43.9.1"));

    /// The contents octets, without tag and length.
    pub fn octets(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// From contents octets.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for none, for an arc that does not end, and for arcs over 32 bits.
    pub fn from_octets(octets: &[u8]) -> Result<Self, DecodeError> {
        ObjectIdentifier::from_bytes(octets)
            .map(Self)
            .map_err(|e| DecodeError::invalid("object identifier", 0, e.to_string()))
    }

    /// Reads the contents of an element of tag 06, and says whether they hold a whole second object identifier, as an
    /// example in print misled some card issuers to write (`06 06 06 04 67 2B 09 01`).
    pub(super) fn from_element(element: &Element<'_>) -> Result<(Self, bool), DecodeError> {
        let mut inner = Elements::new(element.value);
        // 06 is also a root arc (0.6), so only an exact fit counts as a second wrapping.
        let wrapped = match inner.optional("object identifier", 0x06) {
            Ok(Some(wrapped)) if inner.finish("object identifier").is_ok() => Some(wrapped.value),
            _ => None,
        };
        let oid = Self::from_octets(wrapped.unwrap_or(element.value)).map_err(|e| e.shifted(element.at))?;
        Ok((oid, wrapped.is_some()))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        tlv::write(0x06, self.octets(), out);
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl FromStr for ObjectId {
    type Err = ObjectIdError;

    fn from_str(text: &str) -> Result<Self, ObjectIdError> {
        ObjectIdentifier::new(text).map(Self).map_err(|_| ObjectIdError)
    }
}

impl serde::Serialize for ObjectId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

//! Push Access Protocol: what a push initiator and a Push Proxy Gateway say to each other (WAP-164-PAP, WAP-247-PAP,
//! OMA-TS-PAP 2.x). The texts were not at hand: elements, attributes and codes are those of several public
//! implementations; what one source alone says is marked where it stands.
//!
//! A message is one XML document ([`Pap`]). A push carries it as the first entity of a `multipart/related` body, with the
//! content behind it ([`multipart`]).
//!
//! Strangers write this: a DTD is never fetched, entities are refused, and depth, size and counts are capped. Elements and
//! attributes that are not known are skipped, as later versions ask. Answers of gateways in the field are not always
//! well-formed, so they are read [leniently](Strictness::Lenient).

mod address;
mod code;
mod message;
pub mod multipart;
mod read;
mod term;
mod write;
mod xml;

use std::fmt;

use super::DecodeError;

pub use address::{Address, Recipient};
pub use code::StatusCode;
pub use message::{
    BadMessage, CancelMessage, CancelResponse, CancelResult, CapabilitiesQuery, CapabilitiesResponse,
    Message, ProgressNote, PushMessage, PushResponse, Replace, ResultNotification,
    ResultNotificationResponse, StatusQuery, StatusResponse, StatusResult,
};
pub use term::{
    DeliveryMethod, MessageState, Priority, PushId, PushIdError, QualityOfService, ReplaceMethod, UnknownTerm,
};
pub use xml::Strictness;

/// The longest control document that is read, in octets.
pub const MAX_OCTETS: usize = 1024 * 1024;
/// The most addresses of one message.
pub const MAX_ADDRESSES: usize = 10_000;
/// The media type of a message by itself.
pub const CONTENT_TYPE: &str = "application/xml";

/// A message with what the document around it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pap {
    /// The version that its document type names; none when there is no document type or an unknown one.
    pub version: Option<Version>,
    /// The number of a version that its document type names and that is none of ours. Never written.
    pub foreign_version: Option<String>,
    /// `product-name`: the program that wrote it.
    pub product_name: Option<String>,
    /// What it says.
    pub message: Message,
}

impl Pap {
    /// A message of version 2.0, which gateways of every age read.
    pub fn new(message: Message) -> Self {
        Self { version: Some(Version::V2_0), foreign_version: None, product_name: None, message }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// Any [`DecodeError`]. Where the XML is well-formed and the message is not, the offset is that of the element.
    pub fn decode(octets: &[u8], strictness: Strictness) -> Result<Self, DecodeError> {
        read::pap(octets, strictness)
    }

    /// Writes the document, with the document type of its version (2.0 when it names none).
    pub fn encode(&self) -> String {
        write::pap(self)
    }
}

/// A version of the protocol, by its document type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.0 (WAP-164).
    V1_0,
    /// 2.0 (WAP-247).
    V2_0,
    /// 2.1 (OMA).
    V2_1,
}

impl Version {
    /// All versions, the oldest first.
    pub const ALL: [Self; 3] = [Self::V1_0, Self::V2_0, Self::V2_1];

    /// The public identifier of its document type.
    pub fn public_id(self) -> &'static str {
        match self {
            Self::V1_0 => "-//WAPFORUM//DTD PAP 1.0//EN",
            Self::V2_0 => "-//WAPFORUM//DTD PAP 2.0//EN",
            Self::V2_1 => "-//WAPFORUM//DTD PAP 2.1//EN",
        }
    }

    /// The system identifier of its document type. Nothing ever fetches it.
    pub fn system_id(self) -> &'static str {
        match self {
            Self::V1_0 => "http://www.wapforum.org/DTD/pap_1.0.dtd",
            Self::V2_0 => "http://www.wapforum.org/DTD/pap_2.0.dtd",
            Self::V2_1 => "http://www.openmobilealliance.org/tech/DTD/pap_2.1.dtd",
        }
    }

    /// The version that a public identifier names, in one of the forms that are in use; the number where it is another.
    /// None when the document type is none of PAP.
    fn from_public_id(id: &str) -> Option<Result<Self, String>> {
        let name = id.strip_prefix("-//WAPFORUM//DTD PAP").or_else(|| id.strip_prefix("-//OMA//DTD PAP"))?;
        Some(match name.strip_suffix("//EN")?.trim() {
            // Samples of 1.0 leave the number out.
            "" | "1.0" => Ok(Self::V1_0),
            "2.0" => Ok(Self::V2_0),
            "2.1" => Ok(Self::V2_1),
            other if other.len() <= 8 && other.chars().all(|c| c.is_ascii_digit() || c == '.') => {
                Err(other.to_owned())
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_0 => "1.0",
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
        })
    }
}

#[cfg(test)]
mod tests;

//! Octets ↔ values. Every format that bootgate puts on a wire or a card has one file here, named as its
//! specification names it.
//!
//! This room does no input or output, reads no clock and draws no random numbers. Decoders are given octets by
//! strangers: they name the field and the offset where something is wrong, they cap every length, depth and
//! count, and they never panic. Encoders cannot fail, because what could not be encoded could not be built,
//! except where a document model is wider than its encoding (then the error says which part does not fit).

#![warn(clippy::indexing_slicing)]

#[cfg(test)]
mod any_infoset;
pub mod apdu;
pub mod arr;
pub mod codec;
pub mod convert;
pub mod ef;
pub mod fcp;
pub mod fid;
pub mod gsm;
pub mod infoset;
pub mod mac;
pub mod package0;
pub mod pap;
pub mod pkcs15;
pub mod prov;
#[cfg(test)]
mod round_trips;
mod scan;
pub mod script;
mod sink;
pub mod smpp;
pub mod sms;
pub mod syncml;
pub mod tlv;
pub mod tnds;
pub mod uintvar;
pub mod usim;
#[cfg(test)]
pub(crate) mod vectors;
pub mod wbxml;
pub mod wdp;
pub mod wsp;
pub mod xml;

pub use codec::{Decode, DecodeError, Encode, EncodeError, Reader};
pub use fid::{Fid, Path};
pub use infoset::Syntax;

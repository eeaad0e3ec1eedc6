//! PKCS#15 as bootstrap cards use it: EF(DIR), EF(ODF), EF(DODF), EF(TokenInfo) (PKCS#15 v1.1, sections 5 and 6; OMA
//! LwM2M TS, annex G; OMA DM Bootstrap, smart card appendix).
//!
//! The way to a bootstrap file: a record of EF(DIR) names the application, its EF(ODF) names one or more EF(DODF), and
//! an entry there gives an object identifier, a label and the path of the file. Two shapes of such entries are on cards
//! and both are read; see [`Shape`].
//!
//! Wording and bytes in the field disagree in places. What is tolerated on reading, never written: an object identifier
//! wrapped twice, a path length of tag 02 instead of 80, the label in either sequence, FF or 00 behind the last entry.

mod asn1;
mod dir;
mod dodf;
mod odf;
mod oid;
mod path;
#[cfg(test)]
mod tests;
mod token;

pub use dir::DirEntry;
pub use dodf::{DataObject, Dodf, DodfEntry, DodfObject, Shape};
pub use odf::{ObjectClass, Odf, OdfEntry, Reference};
pub use oid::{ObjectId, ObjectIdError};
pub use path::{PathRange, Pkcs15Path};
pub use token::TokenInfo;

/// The application identifier of PKCS#15: RID A000000063 and `PKCS-15`.
pub const AID: [u8; 12] = *b"\xA0\x00\x00\x00\x63PKCS-15";

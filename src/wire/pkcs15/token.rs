//! EF(TokenInfo): what the card says of itself (PKCS#15 v1.1, section 6.10). The bootstrap flow does not use it, but some
//! readers refuse a card without one.

use crate::wire::{Encode, tlv};

/// The least that a TokenInfo may hold. Written, never read.
///
/// | octets         | field                                                   |
/// |----------------|---------------------------------------------------------|
/// | 30 L           | sequence                                                |
/// | 02 01 00       | version 1                                               |
/// | 04 n serial    | serial number                                           |
/// | 80 n label     | label                                                   |
/// | 03 02 07 80    | flags: read only (for whoever is not the issuer)        |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// The card's serial number: the octets of its ICCID.
    pub serial: Vec<u8>,
    /// What people call it.
    pub label: String,
}

impl Encode for TokenInfo {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut value = vec![0x02, 0x01, 0x00];
        tlv::write(0x04, &self.serial, &mut value);
        tlv::write(0x80, self.label.as_bytes(), &mut value);
        value.extend_from_slice(&[0x03, 0x02, 0x07, 0x80]);
        tlv::write(0x30, &value, out);
    }
}

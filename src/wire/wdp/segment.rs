//! Splitting a datagram into the user data of short messages.

use std::fmt;

use crate::{
    ident::counted,
    wire::{Decode, DecodeError, Encode, Reader},
};

use super::{Concatenation, Ports, Reference, Udh};

/// Octets of user data in one short message with 8-bit data (3GPP TS 23.040, section 9.2.3.24).
pub const USER_DATA: usize = 140;

/// The user data of one short message: header and data. `Debug` does not show the data.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// The header.
    pub udh: Udh,
    /// The data behind it.
    pub data: Vec<u8>,
}

/// Of how many bits references are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 8: IEI 00.
    Short,
    /// 16: IEI 08.
    Long,
}

/// A datagram that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{octets} octets do not fit {} of {each} octets each; make the document smaller",
    counted(*most, "short message")
)]
pub struct SplitError {
    /// Octets of the datagram.
    pub octets: usize,
    /// How many messages were allowed.
    pub most: u8,
    /// Octets that each would carry.
    pub each: usize,
}

/// Splits a datagram. One message is filled with 133 octets; of several each holds 128 with an 8-bit reference or 127
/// with a 16-bit one, and all carry ports and reference: a device that gets a segment without ports does not know whom
/// it is for. At most `most` are made, and at most 255.
///
/// # Errors
/// [`SplitError`] when more would be needed.
pub fn split(ports: Ports, reference: Reference, most: u8, data: &[u8]) -> Result<Vec<Segment>, SplitError> {
    let alone = Udh::of(ports, None);
    if data.len() <= USER_DATA - alone.length() && most > 0 {
        return Ok(vec![Segment { udh: alone, data: data.to_vec() }]);
    }
    let concatenated = |total: u8, sequence: u8| {
        Concatenation::new(reference, total, sequence).map(|c| Udh::of(ports, Some(c)))
    };
    let each = concatenated(1, 1).map_or(0, |udh| USER_DATA - udh.length());
    let too_long = SplitError { octets: data.len(), most, each };
    let total = u8::try_from(data.len().div_ceil(each.max(1))).map_err(|_| too_long)?;
    if total > most || most == 0 {
        return Err(too_long);
    }
    let numbered = data.chunks(each.max(1)).zip(1..=total);
    numbered
        .map(|(part, sequence)| {
            let udh = concatenated(total, sequence).map_err(|_| too_long)?;
            Ok(Segment { udh, data: part.to_vec() })
        })
        .collect()
}

/// How many messages [`split`] makes of a datagram of `octets`, without a limit.
pub fn count(ports: Ports, width: Width, octets: usize) -> usize {
    if octets <= USER_DATA - Udh::of(ports, None).length() {
        return 1;
    }
    let reference = match width {
        Width::Short => Reference::Short(0),
        Width::Long => Reference::Long(0),
    };
    let part = Concatenation::new(reference, 1, 1).ok();
    octets.div_ceil((USER_DATA - Udh::of(ports, part).length()).max(1))
}

impl Segment {
    /// Reads user data that begins with a header; the data is whatever stands behind it.
    ///
    /// # Errors
    /// Any [`DecodeError`] of the header.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(octets);
        let udh = Udh::decode(&mut r)?;
        Ok(Self { udh, data: r.rest().to_vec() })
    }
}

impl Encode for Segment {
    fn encode(&self, out: &mut Vec<u8>) {
        self.udh.encode(out);
        out.extend_from_slice(&self.data);
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({:?}, {} octets)", self.udh.elements(), self.data.len())
    }
}

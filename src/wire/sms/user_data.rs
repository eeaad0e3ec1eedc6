//! User data: header and content (3GPP TS 23.040, sections 9.2.3.16 and 9.2.3.24).

use std::fmt;

use crate::wire::{Decode, DecodeError, Reader, wdp::Udh};

use super::{
    alphabet::{pack, unpack},
    registry::{Alphabet, Dcs},
};

/// The most octets of user data.
const MAX_OCTETS: usize = crate::wire::wdp::USER_DATA;
/// The most septets of user data.
const MAX_SEPTETS: usize = 160;

/// User data with the coding that says how to read it. `Debug` does not show the content.
#[derive(Clone, PartialEq, Eq)]
pub struct UserData {
    dcs: Dcs,
    udh: Option<Udh>,
    content: Content,
}

/// What stands behind the header.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Octets: 8-bit data, UCS2, or something compressed.
    Octets(Vec<u8>),
    /// Septets of the default alphabet, one in each octet.
    Septets(Vec<u8>),
}

/// User data that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserDataError {
    /// More than a short message holds.
    #[error("the user data has {got} {unit}, its header with them; a short message holds {limit}")]
    Length {
        /// How much there is.
        got: usize,
        /// Octets or septets.
        unit: &'static str,
        /// How much fits.
        limit: usize,
    },
    /// The coding is for the other sort of content.
    #[error("data coding scheme {dcs:02X} ({name}) is not for this content", dcs = .dcs.0, name = .dcs)]
    Coding {
        /// The coding.
        dcs: Dcs,
    },
    /// An octet above 7F where septets should stand.
    #[error("octet {at} of the content is above 7F, which is no septet")]
    Septet {
        /// Which, from 0.
        at: usize,
    },
}

impl UserData {
    /// Octets under a coding that is not the default alphabet.
    ///
    /// # Errors
    /// [`UserDataError`] when they do not fit.
    pub fn octets(dcs: Dcs, udh: Option<Udh>, octets: Vec<u8>) -> Result<Self, UserDataError> {
        if dcs.alphabet() == Alphabet::Default {
            return Err(UserDataError::Coding { dcs });
        }
        let got = udh.as_ref().map_or(0, Udh::length) + octets.len();
        if got > MAX_OCTETS {
            return Err(UserDataError::Length { got, unit: "octets", limit: MAX_OCTETS });
        }
        Ok(Self { dcs, udh, content: Content::Octets(octets) })
    }

    /// Septets under a coding of the default alphabet.
    ///
    /// # Errors
    /// [`UserDataError`] when they do not fit.
    pub fn septets(dcs: Dcs, udh: Option<Udh>, septets: Vec<u8>) -> Result<Self, UserDataError> {
        if dcs.alphabet() != Alphabet::Default {
            return Err(UserDataError::Coding { dcs });
        }
        if let Some(at) = septets.iter().position(|s| *s > 0x7F) {
            return Err(UserDataError::Septet { at });
        }
        let got = header_septets(udh.as_ref()) + septets.len();
        if got > MAX_SEPTETS {
            return Err(UserDataError::Length { got, unit: "septets", limit: MAX_SEPTETS });
        }
        Ok(Self { dcs, udh, content: Content::Septets(septets) })
    }

    /// The coding.
    pub fn dcs(&self) -> Dcs {
        self.dcs
    }

    /// The header.
    pub fn udh(&self) -> Option<&Udh> {
        self.udh.as_ref()
    }

    /// What stands behind the header.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Reads length octet and user data.
    pub(super) fn decode(r: &mut Reader<'_>, dcs: Dcs, with_header: bool) -> Result<Self, DecodeError> {
        const WHAT: &str = "user data";
        let at = r.position();
        let length = usize::from(r.u8("user data length")?);
        let septets = dcs.alphabet() == Alphabet::Default;
        let limit = if septets { MAX_SEPTETS } else { MAX_OCTETS };
        if length > limit {
            return Err(DecodeError::Limit { what: "user data length", at, got: length, limit });
        }
        let base = r.position();
        let octets = r.take(WHAT, if septets { (7 * length).div_ceil(8) } else { length })?;
        let mut inner = Reader::new(octets);
        let udh =
            if with_header { Some(Udh::decode(&mut inner).map_err(|e| e.shifted(base))?) } else { None };
        let content = if septets {
            let head = header_septets(udh.as_ref());
            let Some(count) = length.checked_sub(head) else {
                let why = format!("{length} septets, and the header alone takes {head}");
                return Err(DecodeError::invalid(WHAT, base, why));
            };
            Content::Septets(unpack(octets, 7 * head, count))
        } else {
            Content::Octets(inner.rest().to_vec())
        };
        Ok(Self { dcs, udh, content })
    }

    /// Writes length octet and user data.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let mut octets = self.udh.as_ref().map(crate::wire::Encode::to_octets).unwrap_or_default();
        let length = match &self.content {
            Content::Octets(data) => {
                octets.extend_from_slice(data);
                octets.len()
            }
            Content::Septets(septets) => {
                let head = header_septets(self.udh.as_ref());
                let fill = 7 * head - 8 * octets.len();
                octets.append(&mut pack(septets, fill));
                head + septets.len()
            }
        };
        // The constructors keep it at 160 or less.
        out.push(u8::try_from(length).unwrap_or(u8::MAX));
        out.append(&mut octets);
    }
}

/// How many septets a header takes up: text begins at the next septet behind it.
fn header_septets(udh: Option<&Udh>) -> usize {
    (8 * udh.map_or(0, Udh::length)).div_ceil(7)
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserData")
            .field("dcs", &self.dcs)
            .field("udh", &self.udh)
            .field("content", &self.content)
            .finish()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octets(octets) => write!(f, "{} octets", octets.len()),
            Self::Septets(septets) => write!(f, "{} septets", septets.len()),
        }
    }
}

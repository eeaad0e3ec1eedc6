//! The user data header (3GPP TS 23.040, section 9.2.3.24).

use crate::wire::{Decode, DecodeError, Encode, Reader};

use super::{Concatenation, InformationElement, Ports};

/// A user data header.
///
/// | octets | field                                   |
/// |--------|-----------------------------------------|
/// | 1      | length of what follows                  |
/// | 1      | information element identifier          |
/// | 1      | length of its data                      |
/// | …      | its data; and so on                     |
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Udh {
    elements: Vec<InformationElement>,
}

impl Udh {
    /// The most octets behind the length octet: that many leave no room for data in a short message.
    pub const MAX_LENGTH: usize = super::USER_DATA - 1;

    /// A header of these elements, in this order.
    ///
    /// # Errors
    /// [`DecodeError::Limit`] when they take more than [`Self::MAX_LENGTH`] octets.
    pub fn new(elements: Vec<InformationElement>) -> Result<Self, DecodeError> {
        let got = elements.iter().map(InformationElement::length).sum();
        if got > Self::MAX_LENGTH {
            return Err(DecodeError::Limit { what: "user data header", at: 0, got, limit: Self::MAX_LENGTH });
        }
        Ok(Self { elements })
    }

    /// The header of a push, or of one segment of it: ports first, as most senders have it.
    pub fn of(ports: Ports, concatenation: Option<Concatenation>) -> Self {
        let concatenation = concatenation.map(InformationElement::Concatenation);
        Self { elements: [InformationElement::Ports(ports)].into_iter().chain(concatenation).collect() }
    }

    /// Its elements.
    pub fn elements(&self) -> &[InformationElement] {
        &self.elements
    }

    /// The ports. Of several elements the last counts (section 9.2.3.24).
    pub fn ports(&self) -> Option<Ports> {
        self.elements.iter().rev().find_map(|e| match e {
            InformationElement::Ports(ports) => Some(*ports),
            _ => None,
        })
    }

    /// Which segment it is. Of several elements the last counts (section 9.2.3.24).
    pub fn concatenation(&self) -> Option<Concatenation> {
        self.elements.iter().rev().find_map(|e| match e {
            InformationElement::Concatenation(concatenation) => Some(*concatenation),
            _ => None,
        })
    }

    /// Octets that it takes up, its length octet with them.
    pub fn length(&self) -> usize {
        1 + self.elements.iter().map(InformationElement::length).sum::<usize>()
    }
}

impl Decode<'_> for Udh {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = r.position();
        let length = usize::from(r.u8("user data header length")?);
        if length > Self::MAX_LENGTH {
            let limit = Self::MAX_LENGTH;
            return Err(DecodeError::Limit { what: "user data header length", at, got: length, limit });
        }
        let base = r.position();
        let mut inner = Reader::new(r.take("user data header", length)?);
        let mut elements = Vec::new();
        while !inner.is_empty() {
            elements.push(InformationElement::decode(&mut inner).map_err(|e| e.shifted(base))?);
        }
        Ok(Self { elements })
    }
}

impl Encode for Udh {
    fn encode(&self, out: &mut Vec<u8>) {
        // `new` and `decode` keep it below 140 octets.
        out.push(u8::try_from(self.length() - 1).unwrap_or(u8::MAX));
        self.elements.iter().for_each(|element| element.encode(out));
    }
}

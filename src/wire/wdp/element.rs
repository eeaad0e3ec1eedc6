//! Information elements of a user data header (3GPP TS 23.040, sections 9.2.3.24.1, .3, .4 and .8).

use crate::wire::{DecodeError, Encode, Reader};

/// An information element. What is not known, or does not hold what its identifier promises, is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InformationElement {
    /// 00 or 08: this message is a segment.
    Concatenation(Concatenation),
    /// 04 or 05: the ports of the application.
    Ports(Ports),
    /// Any other.
    Other {
        /// Its identifier.
        iei: u8,
        /// Its data.
        data: Vec<u8>,
    },
}

/// Which segment of how many this is.
///
/// | octet  | 8-bit reference (IEI 00, length 3) | 16-bit reference (IEI 08, length 4) |
/// |--------|------------------------------------|-------------------------------------|
/// | 0      | reference                          | reference                           |
/// | 1      | segments in all                    | reference                           |
/// | 2      | number of this segment, from 1     | segments in all                     |
/// | 3      |                                    | number of this segment, from 1      |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concatenation {
    reference: Reference,
    total: u8,
    sequence: u8,
}

/// What the segments of a datagram have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// 8 bits, IEI 00.
    Short(u8),
    /// 16 bits, IEI 08.
    Long(u16),
}

/// Port numbers of the application.
///
/// | octets   | 8 bit (IEI 04, length 2) | 16 bit (IEI 05, length 4) |
/// |----------|--------------------------|---------------------------|
/// | 0        | destination              | destination               |
/// | 1        | originator               | destination               |
/// | 2, 3     |                          | originator                |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ports {
    /// 8 bits, IEI 04.
    Narrow {
        /// To where.
        destination: u8,
        /// From where.
        originator: u8,
    },
    /// 16 bits, IEI 05: the one that pushes use.
    Wide {
        /// To where.
        destination: u16,
        /// From where.
        originator: u16,
    },
}

/// Numbers that no segment can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("segment {sequence} of {total} cannot be; expected 1 to 255 segments, counted from 1")]
pub struct ConcatenationError {
    /// The number of the segment.
    pub sequence: u8,
    /// How many there should be.
    pub total: u8,
}

impl Concatenation {
    /// Segment `sequence`, counted from 1, of `total`.
    ///
    /// # Errors
    /// [`ConcatenationError`] when there is no such segment.
    pub fn new(reference: Reference, total: u8, sequence: u8) -> Result<Self, ConcatenationError> {
        if (1..=total).contains(&sequence) {
            Ok(Self { reference, total, sequence })
        } else {
            Err(ConcatenationError { sequence, total })
        }
    }

    /// What the segments have in common.
    pub fn reference(&self) -> Reference {
        self.reference
    }

    /// How many there are.
    pub fn total(&self) -> u8 {
        self.total
    }

    /// Which one this is, from 1.
    pub fn sequence(&self) -> u8 {
        self.sequence
    }
}

impl Ports {
    /// From port 9200 to port 2948.
    pub const PUSH: Self = Self::Wide { destination: super::PUSH_PORT, originator: super::WSP_PORT };

    /// To where, whichever form it has.
    pub fn destination(&self) -> u16 {
        match self {
            Self::Narrow { destination, .. } => u16::from(*destination),
            Self::Wide { destination, .. } => *destination,
        }
    }

    /// From where, whichever form it has.
    pub fn originator(&self) -> u16 {
        match self {
            Self::Narrow { originator, .. } => u16::from(*originator),
            Self::Wide { originator, .. } => *originator,
        }
    }
}

impl InformationElement {
    /// Its identifier.
    pub fn iei(&self) -> u8 {
        match self {
            Self::Concatenation(Concatenation { reference: Reference::Short(_), .. }) => 0x00,
            Self::Concatenation(Concatenation { reference: Reference::Long(_), .. }) => 0x08,
            Self::Ports(Ports::Narrow { .. }) => 0x04,
            Self::Ports(Ports::Wide { .. }) => 0x05,
            Self::Other { iei, .. } => *iei,
        }
    }

    /// The element of this identifier with this data.
    pub fn new(iei: u8, data: &[u8]) -> Self {
        let concatenation = |reference, total, sequence| {
            Concatenation::new(reference, total, sequence).ok().map(Self::Concatenation)
        };
        let known = match (iei, data) {
            (0x00, &[reference, total, sequence]) => {
                concatenation(Reference::Short(reference), total, sequence)
            }
            (0x08, &[high, low, total, sequence]) => {
                concatenation(Reference::Long(u16::from_be_bytes([high, low])), total, sequence)
            }
            (0x04, &[destination, originator]) => {
                Some(Self::Ports(Ports::Narrow { destination, originator }))
            }
            (0x05, &[d1, d2, o1, o2]) => Some(Self::Ports(Ports::Wide {
                destination: u16::from_be_bytes([d1, d2]),
                originator: u16::from_be_bytes([o1, o2]),
            })),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Other { iei, data: data.to_vec() })
    }

    /// Octets that it takes up with identifier and length.
    pub(super) fn length(&self) -> usize {
        2 + match self {
            Self::Concatenation(Concatenation { reference: Reference::Short(_), .. }) => 3,
            Self::Concatenation(Concatenation { reference: Reference::Long(_), .. })
            | Self::Ports(Ports::Wide { .. }) => 4,
            Self::Ports(Ports::Narrow { .. }) => 2,
            Self::Other { data, .. } => data.len(),
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let iei = r.u8("information element identifier")?;
        let length = r.u8("information element length")?;
        Ok(Self::new(iei, r.take("information element", usize::from(length))?))
    }
}

impl Encode for InformationElement {
    fn encode(&self, out: &mut Vec<u8>) {
        // A header that holds an element of more than 253 octets cannot be built.
        out.extend_from_slice(&[self.iei(), u8::try_from(self.length() - 2).unwrap_or(u8::MAX)]);
        match self {
            Self::Concatenation(c) => {
                match c.reference {
                    Reference::Short(reference) => out.push(reference),
                    Reference::Long(reference) => out.extend_from_slice(&reference.to_be_bytes()),
                }
                out.extend_from_slice(&[c.total, c.sequence]);
            }
            Self::Ports(Ports::Narrow { destination, originator }) => {
                out.extend_from_slice(&[*destination, *originator]);
            }
            Self::Ports(Ports::Wide { destination, originator }) => {
                out.extend_from_slice(&destination.to_be_bytes());
                out.extend_from_slice(&originator.to_be_bytes());
            }
            Self::Other { data, .. } => out.extend_from_slice(data),
        }
    }
}

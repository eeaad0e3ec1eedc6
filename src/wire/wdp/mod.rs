//! WDP over SMS (WAP-259 WDP, section 7.2; 3GPP TS 23.040, section 9.2.3.24): a datagram between ports travels as the user
//! data of one short message, or of several that are put together again.
//!
//! [`Udh`] is the user data header, [`split`] makes the user data of a datagram, [`Reassembly`] takes segments in any order
//! and gives datagrams back.

mod element;
mod reassembly;
mod segment;
#[cfg(test)]
mod tests;
mod udh;

pub use element::{Concatenation, ConcatenationError, InformationElement, Ports, Reference};
pub use reassembly::{Limits, Outcome, Reassembly};
pub use segment::{Segment, SplitError, USER_DATA, Width, count, split};
pub use udh::Udh;

/// 0B84: the port for pushes.
pub const PUSH_PORT: u16 = 2948;
/// 0B85: the port for pushes over WTLS.
pub const SECURE_PUSH_PORT: u16 = 2949;
/// 23F0: the port that pushes come from, as a rule.
pub const WSP_PORT: u16 = 9200;

/// A datagram: what an application on the device is given.
#[derive(Clone, PartialEq, Eq)]
pub struct Datagram {
    /// From where and to where. None when no segment said.
    pub ports: Option<Ports>,
    /// What it carries.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Datagram {
    /// Ports and size: what it carries may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Datagram({:?}, {} octets)", self.ports, self.data.len())
    }
}

//! What an envelope carries to a device: short messages in PDUs of SMPP, and the content of a push in PAP.

use crate::wire::{wdp::Segment, wsp::Push};

/// One thing on its way to a device.
#[derive(Debug)]
pub(super) enum Carried {
    /// User data with its header, or with parameters that say the same; and from whom to whom, as far as that is said.
    UserData { route: String, segment: Segment },
    /// A short message that is no user data with a header, and why a device takes no push from it.
    Message { why: &'static str },
    /// The content entity of a push, as the PDU that a gateway makes of it.
    Content(Push),
    /// A content entity that no gateway can push, and why.
    NoContent { why: String },
}

impl Carried {
    /// Octets without header or ports.
    pub(super) const BARE: Self = Self::Message {
        why: "neither a user data header nor ports: nothing says that it is for the push client",
    };
    /// Text in some alphabet.
    pub(super) const TEXT: Self = Self::Message { why: "text: the phone shows it to its user" };
    /// A header that cannot be read.
    pub(super) const BROKEN: Self = Self::Message { why: "its user data header cannot be read" };
}

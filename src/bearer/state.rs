//! Where a delivery is.

use crate::wire::pap::MessageState;

/// Where a delivery is.
///
/// | state         | final | what happens next                                        |
/// |---------------|-------|----------------------------------------------------------|
/// | Waiting       | no    | it is sent when it is due                                |
/// | Sending       | no    | a bearer has it                                          |
/// | Sent          | no    | the network has it, and receipts are to come             |
/// | Delivered     | yes   |                                                          |
/// | Undeliverable | yes   |                                                          |
/// | Expired       | yes   |                                                          |
/// | Cancelled     | yes   |                                                          |
/// | Unknown       | yes   | a receipt that comes late still tells more               |
/// | Rejected      | yes   | the address was refused from the start                   |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// To be sent.
    Waiting = 0,
    /// A bearer has it.
    Sending = 1,
    /// The network has all of it.
    Sent = 2,
    /// The device has it.
    Delivered = 3,
    /// The network cannot deliver it.
    Undeliverable = 4,
    /// Its time ran out.
    Expired = 5,
    /// The initiator took it back.
    Cancelled = 6,
    /// Nobody can tell.
    Unknown = 7,
    /// The address was refused.
    Rejected = 8,
}

impl State {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Undeliverable,
        Self::Expired,
        Self::Cancelled,
        Self::Unknown,
        Self::Rejected,
    ];

    /// Whether it is the end.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Sending | Self::Sent)
    }

    /// What PAP calls it.
    pub fn message_state(self) -> MessageState {
        match self {
            Self::Waiting | Self::Sending | Self::Sent => MessageState::Pending,
            Self::Delivered => MessageState::Delivered,
            Self::Undeliverable => MessageState::Undeliverable,
            Self::Expired => MessageState::Expired,
            Self::Cancelled => MessageState::Cancelled,
            Self::Unknown => MessageState::Unknown,
            Self::Rejected => MessageState::Rejected,
        }
    }
}

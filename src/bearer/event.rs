//! What bearers say about dispatches.
//!
//! | event     | closes a dispatch for the bearer | what is known then                                            |
//! |-----------|----------------------------------|---------------------------------------------------------------|
//! | Leaving   | no                               | something of it leaves once it is written down that it may    |
//! | Stayed    | no                               | nothing of it has left after all; it is Leaving again later   |
//! | Submitted | no                               | a segment is at the SMSC under this id; a receipt may come    |
//! | Sent      | yes                              | all of it is with the network, which told or will tell more   |
//! | Failed    | yes                              | nothing of it can arrive as a whole                           |
//! | Unclear   | yes                              | something was sent and its answer was lost                    |
//! | Expired   | yes                              | its time ran out before all of it was sent                    |
//! | Receipt   | no                               | what the SMSC says of one segment, perhaps of an earlier life |

use std::sync::atomic::{AtomicI64, Ordering};

use super::DispatchId;
use crate::{
    ident::Timestamp,
    wire::smpp::{CommandStatus, MessageState},
};

/// What happened to a dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something of it is about to leave: [`Bearer::leave`](super::Bearer::leave) is waited for.
    Leaving(Asking),
    /// Nothing of it has left: the network refused it for now.
    Stayed(Asking),
    /// The SMSC took a segment.
    Submitted {
        /// Which dispatch.
        id: DispatchId,
        /// Which segment, from 0.
        segment: u8,
        /// What the SMSC calls it.
        message: MessageId,
        /// In how many segments this link sends it.
        of: u8,
        /// When it left: a receipt that came before is not for it, but for an older message that had the same name.
        left: Timestamp,
    },
    /// The network has all of it.
    Sent {
        /// Which dispatch.
        id: DispatchId,
        /// In how many segments.
        segments: u8,
        /// Receipts were asked for, so [`Event::Receipt`]s are to be expected.
        receipts: bool,
    },
    /// It was refused.
    Failed {
        /// Which dispatch.
        id: DispatchId,
        /// Why.
        failure: Failure,
    },
    /// Something was sent and its answer never came.
    Unclear {
        /// Which dispatch.
        id: DispatchId,
        /// Segments of which it is not known whether the network has them.
        in_doubt: u8,
        /// Segments in all.
        segments: u8,
    },
    /// Its time ran out before all of it was sent.
    Expired {
        /// Which dispatch.
        id: DispatchId,
    },
    /// An SMSC says what became of a segment.
    Receipt(Receipt),
}

/// One question whether a dispatch may leave. A dispatch may go from one link to another, and each asks: word of one question
/// is never taken for that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// Which dispatch.
    pub id: DispatchId,
    /// The number of the question, from [`Asking::FIRST`] on; this process asks none twice.
    pub turn: i64,
}

/// What an SMSC calls a segment: the route's name and the SMSC's id, brought to one form where submit responses and
/// receipts write it differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    /// The SMSC that gave it, by its name in the configuration: ids are unique for one SMSC only.
    pub smsc: std::sync::Arc<str>,
    /// The id.
    pub id: String,
}

/// What an SMSC says of one segment (SMPP 3.4, 5.2.28 and appendix B).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which segment.
    pub message: MessageId,
    /// What became of it.
    pub state: MessageState,
    /// The network's error code, where it said one.
    pub network_error: Option<u32>,
    /// When it came to us.
    pub at: Timestamp,
    /// Once this and all its copies are gone, the SMSC is told that the receipt was taken and forgets it: keep it until
    /// the receipt is stored.
    pub taken: Taken,
}

/// Says, when the last copy of it is dropped, that a receipt was taken. [`Taken::default`] says nothing to anybody.
#[derive(Clone, Default)]
pub struct Taken {
    _last: Option<std::sync::Arc<AtTheEnd>>,
}

struct AtTheEnd(Box<dyn Fn() + Send + Sync>);

impl Taken {
    /// Calls `say` in the end.
    pub fn new(say: impl Fn() + Send + Sync + 'static) -> Self {
        Self { _last: Some(std::sync::Arc::new(AtTheEnd(Box::new(say)))) }
    }
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Taken")
    }
}

impl PartialEq for Taken {
    /// It is no part of what a receipt says.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Taken {}

impl Asking {
    /// The least number. An outbox has 0 for what has not left and 1 for what may have left without a question.
    pub const FIRST: i64 = 2;

    /// A new question.
    pub fn new(id: DispatchId) -> Self {
        static NEXT: AtomicI64 = AtomicI64::new(Asking::FIRST);
        Self { id, turn: NEXT.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Event {
    /// Whether the bearer has the dispatch no more.
    pub fn closes(&self) -> bool {
        !matches!(self, Self::Leaving(_) | Self::Stayed(_) | Self::Submitted { .. } | Self::Receipt(_))
    }
}

/// Why a network refused a dispatch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The SMSC refused a segment for good.
    #[error("the SMSC {smsc} refused segment {segment} with command status {status:08X}h: {meaning}")]
    Refused {
        /// The SMSC.
        smsc: std::sync::Arc<str>,
        /// The segment, from 0.
        segment: u8,
        /// The command status (SMPP 3.4, 5.1.3).
        status: u32,
        /// What it means.
        meaning: &'static str,
    },
    /// The SMSC went on refusing it for now until the bearer gave up.
    #[error(
        "the SMSC {smsc} could not take it after {tries} tries, the last time with command status {status:08X}h"
    )]
    Busy {
        /// The SMSC.
        smsc: std::sync::Arc<str>,
        /// How often it was tried.
        tries: u32,
        /// The last command status.
        status: u32,
    },
    /// The connection broke in the middle: an answer was lost and other segments never left, so no device can put it
    /// together. Sent again under another reference it is no duplicate.
    #[error("the connection to the SMSC {smsc} broke when {sent} of {segments} segments had been sent")]
    Incomplete {
        /// The SMSC.
        smsc: std::sync::Arc<str>,
        /// Segments that were sent.
        sent: u8,
        /// Segments in all.
        segments: u8,
    },
    /// It was refused for good, in words.
    #[error("it was refused: {0}")]
    Declined(String),
    /// The system below could not send it.
    #[error("it could not be sent: {0}")]
    Network(String),
}

impl Failure {
    /// A refusal for good.
    pub fn refused(smsc: std::sync::Arc<str>, segment: u8, status: CommandStatus) -> Self {
        Self::Refused {
            smsc,
            segment,
            status: status.0,
            meaning: status.meaning().unwrap_or("a status of its own"),
        }
    }

    /// Whether it may work later.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Declined(_))
    }
}

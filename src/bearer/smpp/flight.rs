//! A dispatch that a link holds, and where each of its segments is.

use std::time::Duration;

use super::submit::Piece;
use crate::{
    bearer::{Asking, Dispatch, DispatchId},
    ident::Timestamp,
    wire::{smpp::CommandStatus, wdp::Reference},
};

/// A segment that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Submission {
    pub(super) id: DispatchId,
    /// Which of the flights of that dispatch on this link, by its number of arrival: one that failed may come again while this
    /// has no answer yet.
    pub(super) arrived: u64,
    pub(super) piece: u8,
    /// When it was sent.
    pub(super) left: Timestamp,
}

/// Where a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To be sent.
    Here,
    /// Sent, without an answer yet.
    Sent,
    /// The SMSC has it.
    Accepted,
    /// Sent, and no answer will come.
    InDoubt,
}

/// Whether a flight may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It has not asked.
    Unasked,
    /// It has, and waits for the answer.
    Asked(Asking),
    /// It may.
    Given(Asking),
}

/// A dispatch and its segments.
pub(super) struct Flight {
    pub(super) dispatch: Dispatch,
    /// Its place among those of the same priority.
    pub(super) arrived: u64,
    /// How many pieces it has, from the beginning on.
    pub(super) count: u8,
    /// What is sent; made when the first one leaves.
    pub(super) pieces: Vec<Piece>,
    pub(super) places: Vec<Place>,
    pub(super) reference: Option<Reference>,
    /// The connection that the last segment went over: the others follow it when they can.
    pub(super) connection: Option<usize>,
    /// Refusals for now.
    pub(super) refusals: Option<Refusals>,
    /// Whether it may leave.
    pub(super) leave: Leave,
    /// Whether it counts among those of which something may have left.
    pub(super) counts: bool,
}

/// That a flight was refused for now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusals {
    pub(super) since: Duration,
    pub(super) tries: u32,
    pub(super) last: CommandStatus,
}

impl Flight {
    pub(super) fn new(dispatch: Dispatch, arrived: u64, count: u8) -> Self {
        Self {
            dispatch,
            arrived,
            count,
            pieces: Vec::new(),
            places: Vec::new(),
            reference: None,
            connection: None,
            refusals: None,
            leave: Leave::Unasked,
            counts: false,
        }
    }

    /// Its place in the queue: high priority first, then who came first.
    pub(super) fn rank(&self) -> (u8, u64) {
        use crate::wire::pap::Priority;
        let rank = match self.dispatch.priority {
            Priority::High => 0,
            Priority::Medium => 1,
            Priority::Low => 2,
        };
        (rank, self.arrived)
    }

    /// True while nothing of it has left.
    pub(super) fn is_whole(&self) -> bool {
        self.places.iter().all(|place| *place == Place::Here)
    }

    /// The next segment to be sent.
    pub(super) fn next(&self) -> Option<u8> {
        self.places.iter().position(|place| *place == Place::Here).and_then(|at| u8::try_from(at).ok())
    }

    pub(super) fn put(&mut self, piece: u8, place: Place) {
        if let Some(own) = self.places.get_mut(usize::from(piece)) {
            *own = place;
        }
    }

    /// True when what becomes of this segment is still to be said; false when it was of an earlier flight of the dispatch.
    pub(super) fn waits_for(&self, submission: Submission) -> bool {
        let place = self.places.get(usize::from(submission.piece));
        submission.arrived == self.arrived && place == Some(&Place::Sent)
    }

    /// True when the SMSC has all of it.
    pub(super) fn is_done(&self) -> bool {
        !self.places.is_empty() && self.places.iter().all(|place| *place == Place::Accepted)
    }

    /// How many segments are in one of these places.
    pub(super) fn in_places(&self, places: &[Place]) -> u8 {
        let count = self.places.iter().filter(|place| places.contains(place)).count();
        u8::try_from(count).unwrap_or(u8::MAX)
    }

    /// Notes a refusal for now.
    pub(super) fn refused(&mut self, status: CommandStatus, now: Duration) -> Refusals {
        let before = self.refusals.unwrap_or(Refusals { since: now, tries: 0, last: status });
        let refusals = Refusals { tries: before.tries.saturating_add(1), last: status, ..before };
        self.refusals = Some(refusals);
        refusals
    }
}

impl std::fmt::Debug for Flight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flight({}, {:?})", self.dispatch.id, self.places)
    }
}

//! What carries a bootstrap through the air: bearers, and the Push Proxy Gateway that feeds them.
//!
//! A *push* is one document for one or several devices, as an initiator handed it in. For each device it becomes a
//! [`Dispatch`]: the octets of one WDP datagram, where they go and until when. A [`Bearer`] takes dispatches, cuts
//! them as its network demands and says in [`Event`]s what became of each. What is accepted is kept in an outbox
//! before it is confirmed to anybody, so that a killed process loses nothing; only the outbox knows states, bearers
//! know what is under way.
//!
//! This room does not know what the octets mean.

mod capture;
mod dispatch;
mod event;
mod lane;
mod outbox;
pub mod pap_client;
mod post;
pub mod ppg;
mod result;
mod routes;
mod segment;
pub mod sendsms;
mod signed;
pub mod smpp;
mod stage;
mod standing;
mod state;
mod tls;
mod udp;

use std::sync::Arc;

pub use crate::wire::smpp::MessageState as ReceiptState;
pub use capture::Capture;
pub use dispatch::{Carriage, Destination, Dispatch, DispatchId};
pub use event::{Asking, Event, Failure, MessageId, Receipt, Taken};
pub use lane::Lane;
pub use outbox::{
    Abandoned, Accepted, Claim, Claimed, Delivery, InitiatorName, Kept, LaneOf, Move, NewDelivery, NewPush,
    Notice, NoticeOutcome, Noticed, Notices, Outbox, OutboxError, Refused, Report, Settled, Unreadable,
};
pub use post::{Answer, Endpoint, EndpointError, Patience, PostError, post};
pub use ppg::{add_up, silence};
pub use result::{Heard, Results, Told};
use routes::nothing_stands;
pub use routes::{Link, Route, Routes};
pub use segment::{ReferenceCounter, References};
pub use signed::unsigned;
pub use stage::{Hindrance, SENT, Stage};
pub use standing::{Doubt, Standing};
pub use state::State;
pub use tls::{ClientFiles, ClientTls};
pub use udp::UdpRoute;

/// Short messages of one datagram when nothing is said: about 4 KiB. A bootstrap of OMA CP takes 4 to 8, one of OMA DM with its
/// tree and WBXML up to 30; an SMSC that takes fewer is told so by `segment-limit`.
pub const MOST_SEGMENTS: u8 = 32;

/// A way to a device: an SMSC, or the network itself.
///
/// It is told of a dispatch, says at once whether it can carry it, and reports what happens in [`Event`]s to the
/// channel that it was made with. It keeps nothing over its own end: whoever feeds it does.
#[async_trait::async_trait]
pub trait Bearer: std::fmt::Debug + Send + Sync {
    /// What people call it: its name in the configuration.
    fn name(&self) -> &str;

    /// In how many pieces it would carry this, without sending anything.
    ///
    /// # Errors
    /// [`Refusal`] when it never will.
    fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal>;

    /// Takes a dispatch over. Waits while as many are under way as the bearer can hold, so that a slow network holds
    /// back whoever feeds it. After that, exactly one closing [`Event`] follows for it while the bearer lives.
    ///
    /// # Errors
    /// [`Closed`].
    async fn send(&self, dispatch: Dispatch) -> Result<(), Closed>;

    /// False when sending this would make wait, though its lane had room: another lane has taken it.
    fn takes(&self, _dispatch: &Dispatch) -> bool {
        true
    }

    /// Its lanes, each with the room that it has now. One that has none is not given anything.
    fn lanes(&self) -> Vec<Lane> {
        vec![Lane::only(usize::MAX)]
    }

    /// The lane to a destination.
    fn lane(&self, _to: &Destination) -> Arc<str> {
        "".into()
    }

    /// What it asked by these [`Event::Leaving`] may leave now: that is written down.
    fn leave(&self, _asked: &[Asking]) {}

    /// Takes back a dispatch of which nothing has left yet; false when it is too late or the dispatch is not known.
    fn withdraw(&self, id: DispatchId) -> bool;

    /// Why nothing goes to that destination for now; none when it can, or when that is not known.
    fn hindrance(&self, _to: &Destination) -> Option<Hindrance> {
        None
    }

    /// Says goodbye to the network, within `grace`, once nobody feeds it any more.
    async fn close(&self, _grace: std::time::Duration) {}
}

/// Why a bearer never carries a dispatch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It would take more short messages than the route allows.
    #[error(
        "{octets} octets need {segments} short messages, and the route {route} takes {most} at most; raise its segment-limit, or send less"
    )]
    TooLong {
        /// The route.
        route: String,
        /// Octets of the datagram.
        octets: usize,
        /// Segments that it would need.
        segments: usize,
        /// Segments that the route takes.
        most: u8,
    },
    /// It would not fit one datagram.
    #[error(
        "{octets} octets do not fit one datagram of the route {route}, which takes {most} at most; send less"
    )]
    Datagram {
        /// The route.
        route: String,
        /// Octets of the datagram.
        octets: usize,
        /// Octets that it takes.
        most: usize,
    },
    /// It does not reach destinations of this kind.
    #[error("the route {route} does not reach {kind}")]
    Destination {
        /// The route.
        route: String,
        /// What was asked for, without the address.
        kind: &'static str,
    },
}

/// The bearer has ended and takes nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the route has been shut down")]
pub struct Closed;

//! What goes into the machine and what comes out of it.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    bearer::{Asking, Dispatch, Event, Receipt},
    ident::Timestamp,
    wire::smpp::CommandStatus,
};

/// The time, told twice: one that only goes on, for pauses and time limits, and that of the calendar.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Since some beginning.
    pub elapsed: Duration,
    /// By the clock.
    pub clock: Timestamp,
}

/// What happens to a link.
#[derive(Debug)]
pub enum Input<'a> {
    /// A dispatch to carry, that [`super::Link::admit`] let through.
    Dispatch(Dispatch),
    /// It is written down that these, which it told to be [`Event::Leaving`], may have left.
    Leave(&'a [Asking]),
    /// A connection that was asked for stands.
    Opened(usize),
    /// It sent octets.
    Octets(usize, &'a [u8]),
    /// It is gone, or could not be opened.
    Lost(usize),
    /// A receipt was kept.
    Taken(Unanswered),
    /// Nothing; time has passed.
    Tick,
    /// Say goodbye.
    Stop,
}

/// What is to be done for a link.
#[derive(Debug)]
pub enum Action {
    /// Open this connection.
    Open(usize),
    /// Write this to it.
    Write(usize, Bytes),
    /// Close it once all is written; nothing of it is wanted any more.
    Close(usize),
    /// Tell whoever feeds the bearer. A closing event gives a place back.
    Tell(Event),
    /// Tell it of a receipt, and [`Input::Taken`] when it was kept.
    Receipt(Receipt, Unanswered),
    /// For the log.
    Note(Note),
}

/// What an operator wants to know of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A bind stands.
    Bound,
    /// The SMSC refused it.
    Refused(CommandStatus),
    /// A connection broke, or could not be opened.
    Broken(&'static str),
    /// The SMSC asked for less.
    Throttled(CommandStatus, Duration),
}

/// A message of the SMSC that is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unanswered {
    pub(super) connection: usize,
    /// Which life of the connection: its sequence numbers begin anew with each.
    pub(super) life: u64,
    pub(super) sequence: u32,
}

//! The outbox: what the gateway has accepted, kept until its end is known and told.
//!
//! A push is one document of one initiator; it has one [`delivery`](NewDelivery) for each address. What a method has
//! returned is kept: after a SIGKILL always, after a power cut as the store is set. Nothing leaves before it was marked
//! [`Report::Leaving`], so that after an end nobody expected it is known of what it is not known whether it left.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use super::{
    Asking, Carriage, Destination, Dispatch, DispatchId, Lane, MessageId, Receipt, Stage, Standing, State,
};
use crate::{
    ident::Timestamp,
    wire::pap::{Address, Priority, PushId, Replace, StatusCode, Version},
};

/// The lane to a destination.
pub type LaneOf<'a> = &'a (dyn Fn(&Destination) -> Arc<str> + Send + Sync);

/// Keeps pushes and deliveries.
#[async_trait::async_trait]
pub trait Outbox: fmt::Debug + Send + Sync {
    /// Keeps a push with all its deliveries, or nothing of it.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn accept(&self, push: NewPush) -> Result<Accepted, OutboxError>;

    /// What is known of a push: that initiator's, by its id.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn find(&self, initiator: &InitiatorName, id: &PushId) -> Result<Option<Kept>, OutboxError>;

    /// Marks deliveries that are due as [`State::Sending`] and hands them out, the most urgent of each lane first: as many
    /// of each as it has room for, and none of other lanes. Closes those whose time has run out.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn claim(&self, lanes: &[Lane], now: Timestamp) -> Result<Claim, OutboxError>;

    /// Gives deliveries that wait the lanes that they have now: the routes may be others than when they were accepted. `own`
    /// are the lanes that are claimed here. What waits in a lane that another process on the same store claims stays there,
    /// as long as that one lives and it is none of `own`: it sends it, and the two would sort it to and fro.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn sort_into_lanes(&self, lane: LaneOf<'_>, own: &[Arc<str>]) -> Result<(), OutboxError>;

    /// Takes reports down, in order, all or none. Gives back the deliveries that came to their end by them.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn record(&self, reports: Vec<Report>, now: Timestamp) -> Result<Vec<Settled>, OutboxError>;

    /// Lets those deliveries of a push that wait not be handed out before `until`.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn set_aside(&self, of: &InitiatorName, id: &PushId, until: Timestamp) -> Result<(), OutboxError>;

    /// Asks for deliveries that are [`State::Sending`] to be taken back by the process that sends them: to wait `until` then,
    /// or without that for good.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn call_back(&self, ids: Vec<DispatchId>, until: Option<Timestamp>) -> Result<(), OutboxError>;

    /// Deliveries of this process that somebody has called back since it was asked last, and until when they are to wait.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn called_back(&self) -> Result<Vec<(DispatchId, Option<Timestamp>)>, OutboxError>;

    /// Deliveries that are [`State::Sending`] for a process that is gone: those of which nothing had left wait again; those
    /// of which the network has every segment become [`State::Sent`] until `receipts_until`; for the others it is not
    /// known, and they are given back.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn abandoned(&self, receipts_until: Timestamp, now: Timestamp) -> Result<Abandoned, OutboxError>;

    /// Results that are to be told to their initiators now: up to `each` of each initiator, and none of those that are `busy`.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn notices(
        &self,
        each: usize,
        busy: &BTreeSet<InitiatorName>,
        now: Timestamp,
    ) -> Result<Notices, OutboxError>;

    /// Says how telling went.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn noticed(&self, outcomes: Vec<Noticed>) -> Result<(), OutboxError>;

    /// Forgets up to `most` pushes of which everything ended, and was told where that was wanted, before `before`.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn prune(&self, before: Timestamp, most: usize) -> Result<usize, OutboxError>;
}

/// What an initiator is called: 1 to 64 letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InitiatorName(Arc<str>);

/// A push that was checked and is to be kept.
#[derive(Clone)]
pub struct NewPush {
    /// Who hands it in.
    pub initiator: InitiatorName,
    /// Its name for it.
    pub push_id: PushId,
    /// The push that it takes the place of.
    pub replace: Option<Replace>,
    /// When it came.
    pub received: Timestamp,
    /// Not sent before.
    pub not_before: Option<Timestamp>,
    /// Not sent from then on.
    pub expires: Option<Timestamp>,
    /// What goes first.
    pub priority: Priority,
    /// Where results go.
    pub notify: Option<String>,
    /// In which version of PAP it came.
    pub version: Version,
    /// How the octets travel.
    pub carriage: Carriage,
    /// The WSP PDU, or the text in UTF-8.
    pub octets: Arc<[u8]>,
    /// One for each address.
    pub deliveries: Vec<NewDelivery>,
}

/// A delivery to one address.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// The address, as it came.
    pub address: Address,
    /// Where that is, and in how many segments it goes; or why it is refused.
    pub to: Result<(Destination, u8), Refused>,
    /// The lane of its bearer; nothing where it is refused.
    pub lane: Arc<str>,
}

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The code.
    pub code: StatusCode,
    /// In words, without the address.
    pub why: String,
}

/// Whether a push was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is kept.
    Kept,
    /// It is kept in the place of another, of which these waited and came to their end by it.
    Replaced(Vec<Settled>),
    /// The initiator has a push of that id already.
    Duplicate,
    /// The push that it would replace is not known.
    NothingToReplace,
    /// The push that it would replace is pending at none of its addresses, and only there was it to be replaced.
    NothingPending,
}

/// What is known of a push.
#[derive(Debug, Clone)]
pub struct Kept {
    /// When it came.
    pub received: Timestamp,
    /// Its deliveries, in the order of the addresses.
    pub deliveries: Vec<Delivery>,
}

/// What is known of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub id: DispatchId,
    /// The address, as it came.
    pub address: Address,
    /// Where it is, since when and why.
    pub standing: Standing,
    /// How far it is, while it has not ended. Told by [`Outbox::find`] alone.
    pub stage: Option<Stage>,
}

/// What [`Outbox::claim`] hands out.
#[derive(Debug, Default)]
pub struct Claim {
    /// To be sent.
    pub dispatches: Vec<Claimed>,
    /// Handed out, too, and not to be sent: what is kept of them cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Closed, because their time had run out.
    pub settled: Vec<Settled>,
    /// When something of these lanes will be due that was not handed out now; none when nothing is waiting.
    pub next: Option<Timestamp>,
}

/// A delivery to be sent.
#[derive(Debug)]
pub struct Claimed {
    /// What and where.
    pub dispatch: Dispatch,
    /// How often it was tried before.
    pub tries: u32,
    /// When its push came.
    pub received: Timestamp,
}

/// A delivery that is due, whose payload cannot be had: the key is another, or the file was damaged.
#[derive(Debug)]
pub struct Unreadable {
    /// Which.
    pub id: DispatchId,
    /// How often it was tried before.
    pub tries: u32,
    /// When its push came.
    pub received: Timestamp,
    /// When its time runs out.
    pub expires: Option<Timestamp>,
    /// Why, for the log.
    pub why: String,
}

/// What became of deliveries, as the outbox is told.
#[derive(Debug, Clone)]
pub enum Report {
    /// The bearer is about to send something of it: from now on it is in doubt when the process ends.
    Leaving(Asking),
    /// Nothing of it has left after all: the network refused it for now. It says so of its own question alone, since another
    /// link may have asked after it.
    Stayed(Asking),
    /// The SMSC took a segment.
    Submitted {
        /// The delivery.
        id: DispatchId,
        /// The segment, from 0.
        segment: u8,
        /// What the SMSC calls it.
        message: MessageId,
        /// In how many segments it is sent: links differ in that.
        of: u8,
        /// When it left: a receipt that came before is not for it, but for an older message that had the same name.
        left: Timestamp,
    },
    /// An SMSC says what became of a segment. What counts is when that says something of the whole delivery.
    Receipt(Receipt),
    /// The delivery goes on to another state, if it is in one of `from`.
    Move(Move),
}

/// What [`Outbox::abandoned`] finds.
#[derive(Debug, Default)]
pub struct Abandoned {
    /// Of these it is not known whether the network has them.
    pub unclear: Vec<DispatchId>,
    /// Came to their end, because all receipts had come.
    pub settled: Vec<Settled>,
}

/// A change of state.
#[derive(Debug, Clone)]
pub struct Move {
    /// The delivery.
    pub id: DispatchId,
    /// From which states only.
    pub from: &'static [State],
    /// To which.
    pub to: State,
    /// The code.
    pub code: StatusCode,
    /// In words.
    pub desc: String,
    /// When to look at it again: to send it, or to give up waiting for receipts.
    pub due: Option<Timestamp>,
    /// In how many segments it went, when that is known now.
    pub segments: Option<u8>,
    /// It is to be sent again although it may have arrived: [`Standing::desc`] says so from then on, and it does not end as
    /// undeliverable, expired or cancelled, but as unknown.
    pub again: bool,
}

/// A delivery that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Whose push.
    pub initiator: InitiatorName,
    /// Which push.
    pub push_id: PushId,
    /// Which delivery.
    pub delivery: Delivery,
}

/// Results to be told.
#[derive(Debug, Default)]
pub struct Notices {
    /// To be told now.
    pub due: Vec<Notice>,
    /// What is kept of these cannot be read: they are given up, and why.
    pub unreadable: Vec<(Noticed, String)>,
    /// When the next of these initiators will be due.
    pub next: Option<Timestamp>,
}

/// A result to be told.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Where to.
    pub to: String,
    /// What.
    pub settled: Settled,
    /// When the push came, and in which version of PAP.
    pub received: Timestamp,
    /// The version.
    pub version: Version,
    /// How often it was tried before.
    pub tries: u32,
}

/// How telling a result went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noticed {
    /// The delivery.
    pub id: DispatchId,
    /// The state that was told. When a receipt that came late has changed it meanwhile, there is more to tell.
    pub state: State,
    /// How it went.
    pub outcome: NoticeOutcome,
}

/// How telling went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeOutcome {
    /// The initiator knows.
    Told,
    /// To be tried again then.
    Again(Timestamp),
    /// It is not tried any more.
    GivenUp,
}

/// Why the outbox could not do it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the outbox cannot be {doing}")]
pub struct OutboxError {
    /// What was tried: `read` or `written`.
    pub doing: &'static str,
    /// Why.
    pub source: Arc<dyn std::error::Error + Send + Sync>,
}

impl InitiatorName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InitiatorName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if (1..=64).contains(&text.len()) && text.chars().all(good) {
            Ok(Self(text.into()))
        } else {
            Err("an initiator's name has 1 to 64 letters, digits, `-`, `_` and `.`")
        }
    }
}

impl fmt::Display for InitiatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NewPush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (devices, octets) = (self.deliveries.len(), self.octets.len());
        write!(f, "NewPush({} of {}, {octets} octets for {devices})", self.push_id, self.initiator)
    }
}

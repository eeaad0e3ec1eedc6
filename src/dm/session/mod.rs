//! One management session, as a pure machine: it gets a message, the time and random octets, and gives the answer
//! and what has to be done (OMA DM Protocol 1.2, sections 8 and 9; OMA DM Security 1.2, section 5.3).
//!
//! What a message of the device makes of a session:
//!
//! | state    | message of the device                          | state    | answer                                   |
//! |----------|------------------------------------------------|----------|------------------------------------------|
//! | any but ended | other `VerDTD`, other `VerProto`          | ended    | Status 505, 513                          |
//! | any but ended | Alert 1223                                | ended    | Status only                              |
//! | stranger | no Cred, fewer than two challenges so far      | stranger | Status 407 with a fresh challenge        |
//! | stranger | wrong Cred, fewer than two challenges so far   | stranger | Status 401 with a fresh challenge        |
//! | stranger | no Cred or a wrong one after two challenges    | ended    | Status 401                               |
//! | stranger | right Cred                                     | open     | Status 212, next nonce; then as `open`   |
//! | open     | wrong Cred                                     | ended    | Status 401                               |
//! | open     | not Final, or an object is not whole yet       | open     | Status, Alert 1222, not Final            |
//! | open     | Final; nodes are left to be asked for          | open     | Status, Cred, Get …                      |
//! | open     | Final; nothing is left                         | ended    | Status                                   |
//! | open     | Status 401 or 407 with a challenge, SyncHdr    | open     | Status, Cred with that nonce, Get again  |
//! | open     | the same once more than is borne, or without a challenge, or for another scheme | ended | Status, Alert 1223 |
//! | open     | another error of SyncHdr                       | ended    | Status only                              |
//! | open     | more messages than a session may have          | ended    | Status, Alert 1223                       |
//! | ended    | any                                            | ended    | Status 400                               |
//!
//! A stranger is told the same whether or not there is an account for it. A message that was answered once is not
//! brought here again: [`super::conversation`] repeats the answer.

mod chunks;
mod commands;
mod compose;
mod header;
mod inventory;
mod transition;
mod verify;

pub(super) use verify::presented_name;

use crate::{
    ident::Timestamp,
    wire::syncml::{Command, Message, StatusCode},
};

use super::{Account, AccountId, AuthScheme, Closing, Config, Event, NonceChange, Refusal, Syntax};
use chunks::Chunks;
use compose::Composer;
use header::ServerProof;
use inventory::Inventory;

/// What the machine is given with a message.
pub(super) struct Incoming<'a> {
    /// The message.
    pub(super) message: &'a Message,
    /// Its `MsgID` as a number.
    pub(super) msg_id: u32,
    /// How it was encoded, and how the answer will be.
    pub(super) syntax: Syntax,
    /// The accounts that the device may have; may be empty when [`Session::wants_candidates`] says no.
    pub(super) candidates: &'a [Account],
    /// The present time.
    pub(super) now: Timestamp,
    /// Random octets that were never used before.
    pub(super) fresh: [u8; 16],
    /// How the server presents itself, and its limits.
    pub(super) config: &'a Config,
}

/// What has to be done before the answer may be sent, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Store nonces; when another session was faster, the message is to be taken again with fresh candidates.
    StoreNonces(AccountId, NonceChange),
    /// Tell the keeper of accounts that the account was used.
    Used(AccountId),
    /// Tell the keeper of accounts that the inventory was taken.
    Inventoried(AccountId),
    /// Tell the event sink.
    Tell(Event),
}

/// What a message leads to.
#[derive(Debug)]
pub(super) struct Step {
    /// The answer.
    pub(super) reply: Message,
    /// What has to be done first.
    pub(super) actions: Vec<Action>,
}

/// One session.
#[derive(Clone)]
pub(super) struct Session {
    device: String,
    session_id: String,
    /// The `MsgID` of the device's last message.
    last_in: u32,
    /// The `MsgID` of our last message.
    last_out: u32,
    /// How many messages of the device were taken.
    taken: u32,
    /// `MaxMsgSize` that the device stated last.
    max_reply: Option<usize>,
    /// Whether the device proved itself at some time.
    proved: bool,
    phase: Phase,
}

#[derive(Clone)]
enum Phase {
    Stranger(Stranger),
    Open(Box<Open>),
    Ended,
}

/// A peer that has not proved itself.
#[derive(Clone)]
struct Stranger {
    /// How many challenges it got.
    challenges: u8,
    /// The nonce of the last one. It lives and dies with this session: were it stored, any stranger could make the
    /// nonce that the device holds useless.
    nonce: Option<Vec<u8>>,
}

/// A session with a device that proved itself.
#[derive(Clone)]
struct Open {
    account: Account,
    /// The nonce of the credential that was accepted last. Repeating that credential within the session proves
    /// nothing new and is no reason to end it.
    spent: Vec<u8>,
    proof: ServerProof,
    inventory: Inventory,
    chunks: Chunks,
    /// Status commands that did not fit into the last answer.
    owed: Vec<Command>,
}

impl Step {
    /// An answer from which nothing follows.
    fn only(reply: Message) -> Self {
        Self { reply, actions: Vec::new() }
    }
}

impl Session {
    /// A session that has not seen a message.
    pub(super) fn new(device: &str, session_id: &str) -> Self {
        Self {
            device: device.to_owned(),
            session_id: session_id.to_owned(),
            last_in: 0,
            last_out: 0,
            taken: 0,
            max_reply: None,
            proved: false,
            phase: Phase::Stranger(Stranger { challenges: 0, nonce: None }),
        }
    }

    /// A session that has not seen a message either, and knows the nonce of the challenge that `self` ended with: some
    /// clients may answer it under number 1 again, instead of the next (inferred; none was seen to).
    pub(super) fn anew(&self) -> Self {
        let nonce = match &self.phase {
            Phase::Stranger(stranger) => stranger.nonce.clone(),
            Phase::Open(_) | Phase::Ended => None,
        };
        let phase = Phase::Stranger(Stranger { challenges: 0, nonce });
        Self { phase, ..Self::new(&self.device, &self.session_id) }
    }

    /// True while the device has proved itself and the session goes on.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// True when the device proved itself in this session, whether or not it goes on.
    pub(super) fn has_proved(&self) -> bool {
        self.proved
    }

    /// True when the session takes no more messages.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// True when a message of this number is the next one.
    pub(super) fn expects(&self, msg_id: u32) -> bool {
        !self.is_ended() && self.taken > 0 && self.last_in.checked_add(1) == Some(msg_id)
    }

    /// True when [`Session::on`] needs to be given the accounts for this message.
    pub(super) fn wants_candidates(&self, message: &Message) -> bool {
        match self.phase {
            Phase::Stranger(_) => true,
            Phase::Open(_) => message.header.cred.is_some(),
            Phase::Ended => false,
        }
    }

    /// The event that this session is over, when the device had proved itself in it and it was not over before.
    pub(super) fn abandon(self, at: Timestamp) -> Option<Event> {
        let Phase::Open(open) = &self.phase else { return None };
        Some(self.closed(open.account.id, at, Closing::Abandoned))
    }

    /// Refuses a message that does not belong here. The session stays as it is, but for the number of its answer.
    pub(super) fn refuse(mut self, incoming: &Incoming<'_>) -> (Self, Step) {
        self.last_out = self.last_out.saturating_add(1);
        let mut composer = Composer::new(self.last_out, incoming);
        composer.limit(self.max_reply);
        (self, Step::only(composer.status_only(StatusCode::BAD_REQUEST, None)))
    }

    /// Takes the next message.
    pub(super) fn on(mut self, incoming: &Incoming<'_>) -> (Self, Step) {
        if self.is_ended() {
            return self.refuse(incoming);
        }
        self.last_in = incoming.msg_id;
        self.last_out = self.last_out.saturating_add(1);
        self.taken = self.taken.saturating_add(1);
        if let Some(size) = incoming.message.header.meta.as_ref().and_then(|m| m.max_msg_size) {
            self.max_reply = Some(usize::try_from(size).unwrap_or(usize::MAX));
        }
        let mut composer = Composer::new(self.last_out, incoming);
        composer.limit(self.max_reply);
        match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Stranger(stranger) => self.on_stranger(stranger, incoming, composer),
            Phase::Open(open) => self.on_open(open, incoming, composer),
            Phase::Ended => (self, Step::only(composer.status_only(StatusCode::BAD_REQUEST, None))),
        }
    }

    fn refused(&self, at: Timestamp, refusal: Refusal) -> Event {
        Event::Refused { device: self.device.clone(), session_id: self.session_id.clone(), at, refusal }
    }

    fn closed(&self, account: AccountId, at: Timestamp, closing: Closing) -> Event {
        Event::Closed {
            account,
            device: self.device.clone(),
            session_id: self.session_id.clone(),
            at,
            closing,
        }
    }
}

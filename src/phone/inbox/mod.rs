//! What comes to the phone by itself: short messages, and datagrams of an IP network (WAP-259-WDP; OMA ProvBoot 1.1,
//! section 5).
//!
//! | what comes in                                          | the phone                                          |
//! |--------------------------------------------------------|----------------------------------------------------|
//! | a segment, in any order                                | keeps it for [`KEPT`] until the others are there   |
//! | a segment for the second time, or a push it has taken  | drops it                                           |
//! | text                                                   | shows it to its user                               |
//! | data for another port than 2948, or for none           | drops it                                           |
//! | a push that is no WSP PDU, or for another application   | drops it                                           |
//! | a push whose initiator it does not trust               | drops it: see [`PushTrust`]                        |
//! | a bootstrap                                            | checks `SEC` and `MAC`: [`Phone::receive_push`]    |
//! | a package 0                                            | checks its digest: [`Phone::receive_notification`] |

mod refusal;
#[cfg(test)]
mod tests;
mod trust;

use std::{collections::VecDeque, time::Duration};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    ident::{Pin, Timestamp},
    wire::{
        package0::ZeroNonce,
        sms::{Alphabet, Content, UserData, text_of},
        wdp::{Datagram, Limits, Outcome, PUSH_PORT, Reassembly, Segment},
        wsp::{ApplicationCode, ApplicationId, MediaCode, Push, PushKind},
    },
};

use super::{BootstrapResult, Notified, Phone, PinRequest, PushResult};

pub use refusal::InboxRefusal;
pub use trust::PushTrust;

/// How long segments wait for the others. The standard sets no time; this is ours.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// What is kept of messages that are not complete: two of 255 segments, or many short ones.
const LIMITS: Limits = Limits { datagrams: 16, octets: 64 * 1024 };
/// How many pushes the phone knows again.
const REMEMBERED: usize = 16;

/// Where messages come in. It belongs to one phone.
#[derive(Debug)]
pub struct Inbox {
    reassembly: Reassembly,
    trust: PushTrust,
    /// Digests of the pushes that were taken: a bearer may bring one twice.
    taken: VecDeque<[u8; 32]>,
}

/// What the phone made of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "message")]
pub enum Received {
    /// A segment; others are missing.
    Waiting {
        /// How many are there.
        have: u8,
        /// Of how many.
        total: u8,
    },
    /// It was known already: a segment, or a push that was taken before.
    Repeated,
    /// Its sender has used a reference again: segments of an older message were dropped for it.
    Restarted {
        /// How many were dropped.
        dropped: u8,
        /// Of how many segments the new message is.
        total: u8,
    },
    /// Text for the user.
    Text(TextMessage),
    /// A bootstrap.
    Bootstrap(PushResult),
    /// A server asks for a session.
    Notification {
        /// What it asks for.
        #[serde(skip)]
        notified: Notified,
    },
    /// It was dropped.
    Dropped {
        /// Why.
        reason: InboxRefusal,
    },
}

/// Text for the user. `Debug` and reports do not show it: it may be a PIN.
#[derive(Clone, PartialEq, Eq)]
pub struct TextMessage(Zeroizing<String>);

impl TextMessage {
    /// The text, for the user's eyes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Inbox {
    /// Nothing has come yet.
    pub fn new(trust: PushTrust) -> Self {
        Self { reassembly: Reassembly::new(LIMITS), trust, taken: VecDeque::new() }
    }

    /// A short message from `sender` came in at `now`. The user of the phone is asked for a PIN where a bootstrap needs
    /// one; none means that the user gives up.
    pub fn short_message(
        &mut self,
        phone: &mut Phone,
        sender: &str,
        message: &UserData,
        now: Timestamp,
        user: &mut dyn FnMut(PinRequest) -> Option<Pin>,
    ) -> Received {
        let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
        self.reassembly.expire(Timestamp::from_millis(now.as_millis().saturating_sub(kept)));
        let octets = match message.content() {
            Content::Octets(octets) => octets,
            Content::Septets(septets) => return Received::Text(TextMessage(text_of(septets).into())),
        };
        let Some(udh) = message.udh() else {
            return match message.dcs().alphabet() {
                Alphabet::Ucs2 => Received::Text(TextMessage(ucs2(octets).into())),
                _ => Received::Dropped { reason: InboxRefusal::NoPort },
            };
        };
        let segment = Segment { udh: udh.clone(), data: octets.clone() };
        match self.reassembly.on(sender, segment, now) {
            Outcome::Complete(datagram) => self.datagram(phone, &datagram, user),
            Outcome::Waiting { have, total } => Received::Waiting { have, total },
            Outcome::Repeated => Received::Repeated,
            Outcome::Restarted { dropped, total } => Received::Restarted { dropped, total },
        }
    }

    /// A datagram came in whole, over an IP network.
    pub fn datagram(
        &mut self,
        phone: &mut Phone,
        datagram: &Datagram,
        user: &mut dyn FnMut(PinRequest) -> Option<Pin>,
    ) -> Received {
        match self.read(phone, datagram, user) {
            Ok(received) => received,
            Err(reason) => Received::Dropped { reason },
        }
    }

    fn read(
        &mut self,
        phone: &mut Phone,
        datagram: &Datagram,
        user: &mut dyn FnMut(PinRequest) -> Option<Pin>,
    ) -> Result<Received, InboxRefusal> {
        let port = datagram.ports.ok_or(InboxRefusal::NoPort)?.destination();
        if port != PUSH_PORT {
            return Err(InboxRefusal::Port { got: port });
        }
        let digest: [u8; 32] = Sha256::digest(&datagram.data).into();
        if self.taken.contains(&digest) {
            return Ok(Received::Repeated);
        }
        let push = Push::decode(&datagram.data)?;
        if push.kind != PushKind::Push {
            return Err(InboxRefusal::Confirmed);
        }
        self.trust.check(&push)?;
        let notification = push.content_type.media().is(MediaCode::SYNCML_NOTIFICATION);
        let client = if notification { ApplicationCode::SYNCML_DM } else { application(&push) };
        if let Some(other) = push.application().filter(|id| !is_for(id, client)) {
            return Err(InboxRefusal::Application { got: other.uri().into_owned() });
        }
        if notification {
            let notified = phone.receive_notification(&push.body, &[ZeroNonce::Octets])?;
            return Ok(Received::Notification { notified });
        }
        let result = phone.receive_push(&push, user);
        if took(&result) {
            self.taken.truncate(REMEMBERED - 1);
            self.taken.push_front(digest);
        }
        Ok(Received::Bootstrap(result))
    }
}

/// The application that a bootstrap is for: that of a DM message is the DM client, that of a document the default one.
fn application(push: &Push) -> ApplicationCode {
    if push.content_type.media().is(MediaCode::SYNCML_DM_WBXML) {
        ApplicationCode::SYNCML_DM
    } else {
        ApplicationCode::WML_UA
    }
}

/// UCS2, which is UTF-16 without surrogates; pairs are read all the same (3GPP TS 23.038, section 6.2.3).
fn ucs2(octets: &[u8]) -> String {
    let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// True for the client itself, and for `*`, which means any.
fn is_for(id: &ApplicationId, client: ApplicationCode) -> bool {
    id.is(client) || *id == ApplicationId::Code(ApplicationCode(0))
}

fn took(result: &PushResult) -> bool {
    match result {
        PushResult::Authenticated { bootstrap, .. } | PushResult::Unauthenticated { bootstrap } => {
            matches!(bootstrap, BootstrapResult::Accepted { .. })
        }
        PushResult::Refused { .. } => false,
    }
}

impl std::fmt::Debug for TextMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TextMessage({} characters)", self.0.chars().count())
    }
}

impl Serialize for TextMessage {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut shown = s.serialize_struct("TextMessage", 1)?;
        shown.serialize_field("characters", &self.0.chars().count())?;
        shown.end()
    }
}

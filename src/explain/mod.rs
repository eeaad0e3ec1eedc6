//! Any artefact explained: each octet gets its name, what it says and where that is specified; whatever is wrong is said at
//! its octet, and the explanation goes on behind it. Messages are followed inwards: a short message to its user data header,
//! to the push, to the document.
//!
//! The walk is written apart from the decoders of [`crate::wire`] and shares their tables of names only. Where it finds
//! nothing wrong and the decoder does, the decoder's complaint is shown, so that "nothing is wrong" means both.
//!
//! Secrets are hidden unless they are asked for: passwords and nonces by the name they stand under, keys in APDUs, and the
//! octets of messages that may hold such.

mod apdu;
mod authentication;
mod carried;
mod der;
mod explanation;
mod http;
mod identity;
mod input;
mod kind;
mod mime;
mod multipart;
mod notification;
mod package0;
mod pap;
mod recognise;
mod scribe;
mod secret;
mod segments;
mod simulate;
mod smpp;
mod sms;
#[cfg(test)]
mod tests;
mod tlv;
mod udh;
mod usim;
mod wbxml;
mod wsp;
mod xml;

pub use authentication::{Authentication, Verdict};
pub use explanation::{Explanation, Part, Place, Problem, Severity, Span, Style};
pub use input::{Input, InputError, MAX_LINES, MAX_OCTETS, read};
pub use kind::{Kind, UnknownKind};
pub use notification::{DigestVerdict, Notification, NotificationKey};
pub use recognise::recognise;
pub use simulate::{SimulatedStep, Simulation, simulate};

use crate::ident::{Imsi, Pin};

/// What is said of a characteristic that no phone knows.
fn unknown_characteristic(kind: &str) -> Problem {
    Problem::odd(format!("no characteristic `{kind}` is known here; phones ignore it with all in it"))
}

/// Whether secrets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// They are hidden.
    Masked,
    /// They are shown.
    Shown,
}

/// How an artefact is to be explained.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it is taken for; none to find out.
    pub kind: Option<Kind>,
    /// Whether secrets are shown.
    pub secrets: Secrets,
    /// The PIN that may be the key of a bootstrap.
    pub pin: Option<Pin>,
    /// The IMSI that may be the key of a bootstrap.
    pub imsi: Option<Imsi>,
    /// What a notification should be made with.
    pub notification: Option<NotificationKey>,
}

impl Default for Options {
    fn default() -> Self {
        Self { kind: None, secrets: Secrets::Masked, pin: None, imsi: None, notification: None }
    }
}

/// Octets that cannot be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unrecognised {
    /// They are nothing that is known here.
    #[error("not recognised as anything that can be explained; say what it is with one of: {}", Kind::list())]
    Nothing,
    /// They are of a protocol that is not explained, but may carry something that is.
    #[error("{0}; give what it carries, or say what the octets are with --as")]
    Envelope(&'static str),
}

/// Explains one or several pieces of octets. Several are the segments of a message, in any order; or one artefact that
/// was broken into lines; or artefacts of their own.
///
/// # Errors
/// [`Unrecognised`] when no piece is anything that is explained and no kind was named.
pub fn explain(pieces: &[Vec<u8>], options: &Options) -> Result<Explanation, Unrecognised> {
    let (pieces, kinds) = arrange(pieces, options)?;
    Ok(walk(&pieces, &kinds, options))
}

/// Pieces, and what each is.
type Arranged = (Vec<Vec<u8>>, Vec<Option<Kind>>);

/// What several pieces of octets are to each other: segments of messages, artefacts of their own, or one that had been
/// broken into lines and is put together.
fn arrange(pieces: &[Vec<u8>], options: &Options) -> Result<Arranged, Unrecognised> {
    let kind_of =
        |octets: &Vec<u8>| options.kind.map_or_else(|| recognise(octets), |kind| Some(kind.of(octets)));
    let kinds: Vec<Option<Kind>> = pieces.iter().map(kind_of).collect();
    if are_messages(&kinds) {
        return Ok((pieces.to_vec(), kinds));
    }
    // Together, lines of a protocol must not be taken for something else either.
    if kinds.iter().all(Option::is_none)
        && let Some(envelope) = pieces.iter().find_map(|p| recognise::envelope(p))
    {
        return Err(Unrecognised::Envelope(envelope));
    }
    // Commands and answers in the log of a reader are such as they stand, and so are files of a card.
    let each = options.kind.is_none() && pieces.iter().all(|p| recognise::whole(p).is_some());
    if pieces.len() > 1 && !each {
        let joined = pieces.concat();
        let kind = match options.kind {
            Some(kind) => recognise::is_whole(kind, &joined).then_some(kind),
            None => recognise::whole(&joined).or_else(|| {
                let any = kinds.iter().any(Option::is_some);
                if any { None } else { recognise(&joined) }
            }),
        };
        if let Some(kind) = kind {
            return Ok((vec![joined], vec![Some(kind)]));
        }
    }
    if kinds.iter().all(Option::is_none) {
        return Err(Unrecognised::Nothing);
    }
    Ok((pieces.to_vec(), kinds))
}

/// Whether these are several short messages and nothing else.
fn are_messages(kinds: &[Option<Kind>]) -> bool {
    kinds.len() > 1 && kinds.iter().all(|kind| matches!(kind, Some(Kind::Sms | Kind::Udh)))
}

/// Explains each piece on its own, then what segments in them give together, in whatever order they came.
fn walk(pieces: &[Vec<u8>], kinds: &[Option<Kind>], options: &Options) -> Explanation {
    let mut out = Explanation::default();
    let (mut groups, mut derived) = (segments::Groups::default(), Vec::new());
    for (n, (octets, kind)) in pieces.iter().zip(kinds).enumerate() {
        let mut scribe = scribe::Scribe::new(octets, options.secrets);
        let found = kind.map_or_else(Found::default, |kind| kind::explain(kind, &mut scribe, options));
        let name = kind.map_or("not recognised", Kind::title);
        let mut title = if pieces.len() == 1 { name.to_owned() } else { format!("{}: {name}", n + 1) };
        if let ([one], true) = (&found.segments[..], pieces.len() > 1) {
            title.push_str(&one.numbered());
        }
        for segment in found.segments {
            groups.take(segment, &mut scribe);
        }
        derived.extend(found.parts);
        out.authentication = out.authentication.or(found.authentication);
        out.notification = out.notification.or(found.notification);
        out.parts.push(Part { title, kind: *kind, length: octets.len(), spans: scribe.spans() });
    }
    // One by itself is not missed by anybody.
    if groups.seen() > 1 || are_messages(kinds) {
        groups.together(options, &mut out);
    }
    out.parts.extend(derived);
    out
}

/// What a walk found beside the fields.
#[derive(Debug, Default)]
struct Found {
    authentication: Option<Authentication>,
    notification: Option<Notification>,
    /// User data of messages that are segments of several.
    segments: Vec<segments::Segmented>,
    /// What was decoded, or put together, and stands nowhere as it is.
    parts: Vec<Part>,
    /// The number that the message in hand is from, or to.
    sender: Option<String>,
    /// How many bodies in parts the octets in hand stand in.
    multiparts: usize,
    /// What a device is to get out of an envelope, in the order of the octets.
    carried: Vec<carried::Carried>,
}

impl Found {
    /// Takes over what was found in a part of its own.
    fn absorb(&mut self, inner: Self) {
        self.authentication = self.authentication.take().or(inner.authentication);
        self.notification = self.notification.take().or(inner.notification);
        self.segments.extend(inner.segments);
        self.parts.extend(inner.parts);
        self.carried.extend(inner.carried);
    }
}

//! An operator's existing Kannel, by the `sendsms` interface of its smsbox (Kannel 1.4.5, user's guide, "SMS push"): each
//! segment is one request with its user data header, so that what the handset gets is what we made, octet by octet. It is
//! the way to a device for what Kannel's own Push Proxy Gateway would lose.
//!
//! Everything stands in header fields and the body: nothing in the URL, which ends up in logs.
//!
//! | field               | value                                        |
//! |---------------------|----------------------------------------------|
//! | `X-Kannel-Username` | the `sendsms-user`                           |
//! | `X-Kannel-Password` | its password                                 |
//! | `X-Kannel-To`       | `+` and the number                           |
//! | `X-Kannel-From`     | the sender, where there is one               |
//! | `X-Kannel-SMSC`     | the SMSC, where there is one                 |
//! | `X-Kannel-UDH`      | the user data header, hexadecimal digits     |
//! | `X-Kannel-Coding`   | 1: data of 8 bits                            |
//! | `X-Kannel-Validity` | minutes, where there is an end               |
//! | `X-Kannel-DLR-Mask` | 31: all that a receipt can say               |
//! | `X-Kannel-DLR-Url`  | where the receipt goes, with `%d` for the state |
//! | body                | the data behind the header, `application/octet-stream` |

mod link;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use hyper::header::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

pub use link::{SendsmsLink, SendsmsSettings};

use super::{
    ReceiptState,
    post::{Answer, Endpoint, Patience, PostError, post},
};
use crate::{
    ident::{Msisdn, printable},
    wire::{
        Encode as _,
        wdp::{Ports, Reference, Segment, SplitError, split},
    },
};

const USERNAME: HeaderName = HeaderName::from_static("x-kannel-username");
const PASSWORD: HeaderName = HeaderName::from_static("x-kannel-password");
const TO: HeaderName = HeaderName::from_static("x-kannel-to");
const FROM: HeaderName = HeaderName::from_static("x-kannel-from");
const SMSC: HeaderName = HeaderName::from_static("x-kannel-smsc");
const UDH: HeaderName = HeaderName::from_static("x-kannel-udh");
const CODING: HeaderName = HeaderName::from_static("x-kannel-coding");
const VALIDITY: HeaderName = HeaderName::from_static("x-kannel-validity");
const DLR_MASK: HeaderName = HeaderName::from_static("x-kannel-dlr-mask");
const DLR_URL: HeaderName = HeaderName::from_static("x-kannel-dlr-url");
/// The longest text of a refusal that is repeated.
const MAX_WORDS: usize = 120;

/// A `sendsms` interface, and who we are to it. `Debug` does not show the password.
#[derive(Clone)]
pub struct Sendsms {
    /// What people call it: its name in the configuration, or where it is.
    pub name: String,
    /// Where it is, `…/cgi-bin/sendsms`.
    pub endpoint: Endpoint,
    /// The `sendsms-user`.
    pub user: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// From whom messages come; none for what Kannel is set to.
    pub sender: Option<String>,
    /// By which of its SMSCs they go; none for what Kannel is set to.
    pub smsc: Option<String>,
    /// The most segments of one datagram.
    pub most_segments: u8,
    /// How long it may take.
    pub patience: Patience,
}

/// What the data of a segment is, as Kannel's `coding` numbers it. (That of text is remembered: UTF-8 for the default alphabet,
/// UTF-16 with the most significant octet first for UCS-2, both with a user data header of ours in front.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Text that the default alphabet has, in UTF-8.
    Text = 0,
    /// Octets.
    Data = 1,
    /// Text in UCS-2.
    Ucs2 = 2,
}

/// A segment for a number.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// The number.
    pub to: &'a Msisdn,
    /// The segment.
    pub segment: &'a Segment,
    /// What its data is.
    pub coding: Coding,
    /// How long the network may try; none for what the SMSC is set to.
    pub validity: Option<Duration>,
    /// Where the receipt goes: a URL in which `%d` stands for the state. It stands in Kannel's logs, so it holds no secret
    /// but a number of its own for this segment.
    pub receipt: Option<&'a str>,
}

/// What Kannel said to a segment that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It goes to an SMSC.
    Accepted,
    /// It waits, because no SMSC is there.
    Queued,
}

/// Why a segment was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendsmsError {
    /// It takes more segments than are allowed.
    #[error(transparent)]
    TooLong(#[from] SplitError),
    /// There is no answer.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The user is not known, or may not send from here.
    #[error(
        "{gateway} does not let us in (HTTP status 403); see user, password and the IP lists of its sendsms-user"
    )]
    Denied {
        /// Which Kannel.
        gateway: String,
    },
    /// It cannot take it now.
    #[error("{gateway} cannot take it now (HTTP status {status})")]
    Busy {
        /// Which Kannel.
        gateway: String,
        /// The status.
        status: u16,
    },
    /// It, or a proxy before it, broke off.
    #[error("{gateway} broke off (HTTP status {status}), which says nothing of what it took")]
    Lost {
        /// Which Kannel.
        gateway: String,
        /// The status.
        status: u16,
    },
    /// It refuses.
    #[error("{gateway} refuses with HTTP status {status}: {words:?}")]
    Refused {
        /// Which Kannel.
        gateway: String,
        /// The status.
        status: u16,
        /// Its words, without digits.
        words: String,
    },
}

impl SendsmsError {
    /// Whether Kannel may have taken the segment all the same.
    pub fn is_in_doubt(&self) -> bool {
        match self {
            Self::Post(error) => error.is_in_doubt(),
            Self::Lost { .. } => true,
            Self::TooLong(_) | Self::Denied { .. } | Self::Busy { .. } | Self::Refused { .. } => false,
        }
    }
}

/// A push of which all is with Kannel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// In how many segments.
    pub segments: usize,
    /// What Kannel said to the last of them.
    pub taken: Taken,
}

/// A push of which not all was taken. What was is worth nothing without the rest.
#[derive(Debug, thiserror::Error)]
#[error("short message {} of {segments} was not taken{}: {source}", sent + 1, already(*sent))]
pub struct Interrupted {
    /// Segments that went before it.
    pub sent: usize,
    /// Segments in all.
    pub segments: usize,
    /// Why.
    #[source]
    pub source: SendsmsError,
}

/// How often a segment is tried while Kannel cannot take it, and how long is waited between.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

impl Sendsms {
    /// Hands all of a push in, the first segment first. `receipt` gives the URL for the receipt of each.
    ///
    /// # Errors
    /// [`Interrupted`] at the first segment that is not taken.
    pub async fn send(
        &self,
        to: &Msisdn,
        segments: &[Segment],
        validity: Option<Duration>,
        receipt: impl Fn(usize) -> Option<String>,
    ) -> Result<Sent, Interrupted> {
        let mut taken = Taken::Accepted;
        for (n, segment) in segments.iter().enumerate() {
            let url = receipt(n);
            let submission =
                Submission { to, segment, coding: Coding::Data, validity, receipt: url.as_deref() };
            taken = self.persist(&submission).await.map_err(|source| Interrupted {
                sent: n,
                segments: segments.len(),
                source,
            })?;
        }
        Ok(Sent { segments: segments.len(), taken })
    }

    async fn persist(&self, submission: &Submission<'_>) -> Result<Taken, SendsmsError> {
        for _ in 1..TRIES {
            match self.submit(submission).await {
                Err(SendsmsError::Busy { .. }) => tokio::time::sleep(PAUSE).await,
                done => return done,
            }
        }
        self.submit(submission).await
    }

    /// Cuts a push into segments.
    ///
    /// # Errors
    /// [`SplitError`] when it takes more than are allowed.
    pub fn split(&self, reference: Reference, push: &[u8]) -> Result<Vec<Segment>, SplitError> {
        split(Ports::PUSH, reference, self.most_segments, push)
    }

    /// Hands one segment in.
    ///
    /// # Errors
    /// [`SendsmsError`]; [`SendsmsError::is_in_doubt`] says whether Kannel may have it all the same.
    pub async fn submit(&self, submission: &Submission<'_>) -> Result<Taken, SendsmsError> {
        let fields = self.fields(submission)?;
        let body = submission.segment.data.clone();
        let Answer { status, body } =
            post(&self.endpoint, "application/octet-stream", &fields, body, &self.patience).await?;
        let gateway = || self.name.clone();
        let words = words(&body);
        match status {
            202 if words.starts_with("3:") => Ok(Taken::Queued),
            200..=299 => Ok(Taken::Accepted),
            // Also what cannot be routed is answered with 403, in other words.
            403 if words.starts_with("Authorization") => Err(SendsmsError::Denied { gateway: gateway() }),
            401 => Err(SendsmsError::Denied { gateway: gateway() }),
            429 | 503 => Err(SendsmsError::Busy { gateway: gateway(), status }),
            // Of a server that broke off, or a proxy that did not hear from Kannel in time. (503 is Kannel's own word for a
            // queue that is full, so that here, other than for a push, it says that the segment was not taken.)
            500.. => Err(SendsmsError::Lost { gateway: gateway(), status }),
            _ => Err(SendsmsError::Refused { gateway: gateway(), status, words }),
        }
    }

    fn fields(&self, submission: &Submission<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, PostError> {
        let Submission { to, segment, coding, validity, receipt } = submission;
        let udh: String = segment.udh.to_octets().iter().map(|octet| format!("{octet:02X}")).collect();
        let mut texts = vec![
            (USERNAME, self.user.clone()),
            (TO, format!("+{}", to.digits())),
            (CODING, (*coding as u8).to_string()),
        ];
        // One message of text has none.
        texts.extend(Some((UDH, udh)).filter(|_| !segment.udh.elements().is_empty()));
        texts.extend(self.sender.clone().map(|sender| (FROM, sender)));
        texts.extend(self.smsc.clone().map(|smsc| (SMSC, smsc)));
        texts.extend(validity.map(|v| (VALIDITY, v.as_secs().div_ceil(60).max(1).to_string())));
        if let Some(url) = receipt {
            texts.extend([(DLR_MASK, "31".to_owned()), (DLR_URL, (*url).to_owned())]);
        }
        let field = |(name, text): (HeaderName, String)| match HeaderValue::from_str(&text) {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(PostError::Field { name }),
        };
        let mut fields = texts.into_iter().map(field).collect::<Result<Vec<_>, _>>()?;
        let password =
            HeaderValue::from_str(&self.password).map_err(|_| PostError::Field { name: PASSWORD })?;
        fields.push((PASSWORD, password));
        for (_, value) in &mut fields {
            value.set_sensitive(true);
        }
        Ok(fields)
    }
}

fn already(sent: usize) -> String {
    match sent {
        0 => String::new(),
        1 => " (1 was, and is worth nothing without the others)".to_owned(),
        n => format!(" ({n} were, and are worth nothing without the others)"),
    }
}

/// What Kannel's number in place of `%d` says (user's guide, "Delivery reports"); none for one that it does not have.
pub fn receipt_state(number: u8) -> Option<ReceiptState> {
    Some(match number {
        1 => ReceiptState::Delivered,
        2 => ReceiptState::Undeliverable,
        // Queued at, or taken by, the SMSC; and a notification on the way.
        4 | 8 | 32 => ReceiptState::Enroute,
        16 => ReceiptState::Rejected,
        _ => return None,
    })
}

/// The words of an answer, as far as they are repeated: digits may be a number.
fn words(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).trim().chars().take(MAX_WORDS).collect();
    let mut run = 0;
    let text: String = text
        .chars()
        .map(|c| {
            run = if c.is_ascii_digit() { run + 1 } else { 0 };
            if run > 3 { '*' } else { c }
        })
        .collect();
    printable(&text).into_owned()
}

impl fmt::Debug for Sendsms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sendsms({}, {}, user {}, ***)", self.name, self.endpoint, self.user)
    }
}

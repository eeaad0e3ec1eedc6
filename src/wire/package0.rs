//! Package 0, the General Notification Initiated Session Alert: a server asks a device to open a session with it (OMA DM
//! Notification 1.2, trigger message).

use std::{fmt, num::NonZeroU16};

use crate::ident::ServerId;

use super::{
    DecodeError, Encode, Reader,
    syncml::auth::{self, UserDigest},
};

/// The most octets of a server identifier: its length has one octet.
const MAX_SERVER_ID: usize = 255;

/// A notification: a digest that says who it is from, and the trigger.
///
/// | octets | field                                                      |
/// |--------|------------------------------------------------------------|
/// | 16     | digest, MD5 over the server's credential, nonce and trigger |
/// | …      | trigger                                                    |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package0 {
    /// The digest as it came, or as it was made.
    pub digest: [u8; 16],
    /// What it is about.
    pub trigger: Trigger,
}

/// What a notification says.
///
/// | bits | field                                                                       |
/// |------|-----------------------------------------------------------------------------|
/// | 10   | version, times ten                                                          |
/// | 2    | user interaction mode                                                       |
/// | 1    | initiator                                                                   |
/// | 27   | for future use                                                              |
/// | 16   | session identifier                                                          |
/// | 8    | length of the server identifier                                             |
/// | 8 n  | server identifier                                                           |
/// | rest | vendor specific, under the digest as well                                   |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    version: Version,
    /// Whether the user is to be told or asked.
    pub ui_mode: UiMode,
    /// Who wanted the session.
    pub initiator: Initiator,
    future: u32,
    /// The identifier of the session to come.
    pub session: SessionNumber,
    server_id: ServerId,
    /// What a vendor put behind it.
    pub vendor: Vec<u8>,
}

/// The version of the notification, times ten; ten bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u16);

impl Version {
    /// 1.0. No device is known to take it.
    pub const V1_0: Self = Self(10);
    /// 1.1: what the specification of DM 1.2 says and some devices insist on.
    pub const V1_1: Self = Self(11);
    /// 1.2: what some servers send and some devices take as well.
    pub const V1_2: Self = Self(12);
    const BITS: u16 = 10;

    /// The version, times ten; none when it has more than ten bits.
    pub fn new(times_ten: u16) -> Option<Self> {
        (times_ten >> Self::BITS == 0).then_some(Self(times_ten))
    }

    /// The version, times ten.
    pub fn times_ten(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// User interaction mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UiMode {
    /// The server does not say.
    NotSpecified = 0,
    /// In the background.
    Background = 1,
    /// The user is told.
    Informative = 2,
    /// The user is asked.
    UserInteraction = 3,
}

impl fmt::Display for UiMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSpecified => "not specified",
            Self::Background => "background",
            Self::Informative => "informative",
            Self::UserInteraction => "user interaction",
        })
    }
}

/// Who wanted the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// The user of the device.
    User = 0,
    /// The server.
    Server = 1,
}

impl fmt::Display for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Server => "server",
        })
    }
}

/// The identifier of a session that a server asks for. Prints as the `SessionID` of that session: upper-case hexadecimal
/// digits without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionNumber(pub NonZeroU16);

impl fmt::Display for SessionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}

/// The nonce 0x00000000, by which two sides that have lost each other's nonces find together again. The specification
/// writes it as a number, and two readings of that are in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ZeroNonce {
    /// Four octets of zero.
    Octets,
    /// The ten characters `0x00000000`.
    Characters,
}

impl ZeroNonce {
    /// The octets that it stands for.
    pub fn octets(self) -> &'static [u8] {
        match self {
            Self::Octets => &[0; 4],
            Self::Characters => b"0x00000000",
        }
    }
}

/// Which nonce a digest was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fit {
    /// The nonce that the device holds.
    Nonce,
    /// The zero nonce: both sides are to agree on new ones in this session.
    ZeroNonce(ZeroNonce),
    /// None: the notification is not from this server, or was changed.
    No,
}

/// A server identifier that a notification cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server id takes {got} octets in UTF-8; a notification carries at most {MAX_SERVER_ID}")]
pub struct TriggerError {
    /// How many octets it takes.
    pub got: usize,
}

impl Trigger {
    /// Octets before the server identifier.
    const HEAD: usize = 8;

    /// A trigger of version 1.1, initiated by the server, that leaves the user interaction open.
    ///
    /// # Errors
    /// [`TriggerError`] when the server identifier is too long.
    pub fn new(server_id: ServerId, session: SessionNumber) -> Result<Self, TriggerError> {
        let got = server_id.as_str().len();
        if got > MAX_SERVER_ID {
            return Err(TriggerError { got });
        }
        Ok(Self {
            version: Version::V1_1,
            ui_mode: UiMode::NotSpecified,
            initiator: Initiator::Server,
            future: 0,
            session,
            server_id,
            vendor: Vec::new(),
        })
    }

    /// The same in another version.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The bits for future use; 0 in what is built here.
    pub fn future(&self) -> u32 {
        self.future
    }

    /// Which server it is.
    pub fn server_id(&self) -> &ServerId {
        &self.server_id
    }

    /// Reads a trigger; the vendor's part is whatever stands behind the server identifier.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(octets);
        let head = u64::from_be_bytes(r.array::<{ Self::HEAD }>("trigger header")?);
        let part = |shift: u32, bits: u32| head >> shift & ((1 << bits) - 1);
        let narrow = |value: u64| u16::try_from(value).unwrap_or(u16::MAX);
        let session = NonZeroU16::new(narrow(part(8, 16)))
            .ok_or_else(|| DecodeError::invalid("session identifier", 5, "0; expected 1 to FFFF"))?;
        let at = r.position();
        let length = usize::from(narrow(part(0, 8)));
        let name = r.take("server identifier", length)?;
        let server_id = std::str::from_utf8(name)
            .map_err(|e| DecodeError::invalid("server identifier", at + e.valid_up_to(), "not UTF-8"))?
            .parse()
            .map_err(|e: crate::ident::IdentError| {
                DecodeError::invalid("server identifier", at, e.to_string())
            })?;
        Ok(Self {
            version: Version(narrow(part(54, 10))),
            ui_mode: match part(52, 2) {
                0 => UiMode::NotSpecified,
                1 => UiMode::Background,
                2 => UiMode::Informative,
                _ => UiMode::UserInteraction,
            },
            initiator: if part(51, 1) == 0 { Initiator::User } else { Initiator::Server },
            future: u32::try_from(part(24, 27)).unwrap_or(0),
            session: SessionNumber(session),
            server_id,
            vendor: r.rest().to_vec(),
        })
    }
}

impl Encode for Trigger {
    fn encode(&self, out: &mut Vec<u8>) {
        let name = self.server_id.as_str().as_bytes();
        let head = u64::from(self.version.0) << 54
            | (self.ui_mode as u64) << 52
            | (self.initiator as u64) << 51
            | u64::from(self.future) << 24
            | u64::from(self.session.0.get()) << 8
            // `new` and `decode` keep it at 255 or less.
            | u64::from(u8::try_from(name.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(&head.to_be_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(&self.vendor);
    }
}

impl Package0 {
    /// Octets of the digest.
    pub const DIGEST: usize = 16;

    /// A notification from the server whose credential is given, for a device that holds `nonce` for it.
    pub fn sign(trigger: Trigger, server: &UserDigest, nonce: &[u8]) -> Self {
        Self { digest: auth::notification(server, nonce, &trigger.to_octets()), trigger }
    }

    /// Which nonce the digest was made with: first the one that the device holds is tried, then those of `zero` that the
    /// device knows.
    pub fn check(&self, server: &UserDigest, nonce: &[u8], zero: &[ZeroNonce]) -> Fit {
        let trigger = self.trigger.to_octets();
        let fits = |nonce: &[u8]| auth::verify_notification(server, nonce, &trigger, &self.digest);
        if fits(nonce) {
            return Fit::Nonce;
        }
        zero.iter().find(|form| fits(form.octets())).map_or(Fit::No, |form| Fit::ZeroNonce(*form))
    }

    /// Reads a notification. The digest is not checked.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(octets);
        let digest = r.array::<{ Self::DIGEST }>("digest")?;
        let trigger = Trigger::decode(r.rest()).map_err(|e| e.shifted(Self::DIGEST))?;
        Ok(Self { digest, trigger })
    }
}

impl Encode for Package0 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.digest);
        self.trigger.encode(out);
    }
}

#[cfg(test)]
mod tests;

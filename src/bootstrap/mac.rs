//! The authentication of a bootstrap that does not come on a card: `SEC` and `MAC` of OMA ProvBoot 1.1, section 6, and of
//! OMA DM Security 1.2, section 5.7.2. [`crate::wire::mac`] computes the check value; which octets are its key is said here.
//!
//! What it does not give: the check covers the document alone, not `SEC`, content type or time, so an old message can be
//! sent again; a short PIN is found by trying all; the IMSI is known to others.
//!
//! | SEC | CP name     | DM name          | key of a CP payload                  | key of a DM payload      |
//! |-----|-------------|------------------|--------------------------------------|--------------------------|
//! | 0   | NETWPIN     | NETWORKID        | packed IMSI                          | packed IMSI (remembered) |
//! | 1   | USERPIN     | USERPIN          | PIN, ASCII                           | PIN, ASCII               |
//! | 2   | USERNETWPIN | USERPIN_NETWORKID| packed IMSI, PIN                     | PIN, `:`, packed IMSI    |
//! | 3   | USERPINMAC  | (none)           | first half of the PIN the user enters | (none)                  |

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    ident::{Imsi, Pin},
    profile::SecurityMethod,
    wire::{ef::packed_imsi, mac::Key},
};

pub use crate::wire::mac::Mac;

use super::PayloadKind;

/// `SEC`: which key a bootstrap is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sec {
    /// 0: something that the network and the device know, the IMSI.
    NetwPin = 0,
    /// 1: a PIN that the user enters.
    UserPin = 1,
    /// 2: both.
    UserNetwPin = 2,
    /// 3: the PIN that the user enters holds the check value; the message carries none.
    UserPinMac = 3,
}

/// What goes beside a payload so that the device can trust it.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Which kind of payload was signed: the two name their methods in different words.
    pub kind: PayloadKind,
    /// `SEC`.
    pub sec: Sec,
    /// `MAC`; none with USERPINMAC.
    pub mac: Option<Mac>,
    /// What the user must enter: the given PIN, or with USERPINMAC the PIN that was made of it. It goes to the user by
    /// another way than the payload.
    pub user_pin: Option<Pin>,
}

/// Why a payload was not signed or not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MacError {
    /// The key is the IMSI, and none was given.
    #[error("{sec} needs the IMSI of the device's card; give it")]
    NoImsi {
        /// The method.
        sec: Sec,
    },
    /// The key is a PIN, and none was given.
    #[error("{sec} needs a PIN; give one")]
    NoPin {
        /// The method.
        sec: Sec,
    },
    /// A PIN whose length the method cannot use.
    #[error("the PIN has {got} digits; {sec} takes {expected}")]
    PinLength {
        /// The method.
        sec: Sec,
        /// How many it has.
        got: usize,
        /// What it takes, in words.
        expected: &'static str,
    },
    /// USERPINMAC with a DM payload.
    #[error("{sec} is no method of the DM bootstrap; expected netwpin, userpin or usernetwpin")]
    NotForDm {
        /// The method.
        sec: Sec,
    },
    /// The message carries no MAC where its method wants one.
    #[error("the message carries no MAC")]
    Missing,
    /// The check failed: the message was changed, or signed with another key.
    #[error("the MAC does not fit: the message was changed or signed with another key")]
    Mismatch,
}

impl Sec {
    /// All methods.
    pub const ALL: [Self; 4] = [Self::NetwPin, Self::UserPin, Self::UserNetwPin, Self::UserPinMac];

    /// The number that WSP carries.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The method of that number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.number() == number)
    }

    /// The method that a profile asks for; none for `none`.
    pub const fn from_method(method: SecurityMethod) -> Option<Self> {
        match method {
            SecurityMethod::NetwPin => Some(Self::NetwPin),
            SecurityMethod::UserPin => Some(Self::UserPin),
            SecurityMethod::UserNetwPin => Some(Self::UserNetwPin),
            SecurityMethod::UserPinMac => Some(Self::UserPinMac),
            SecurityMethod::None => None,
        }
    }

    /// The word for it in a profile.
    pub const fn method(self) -> SecurityMethod {
        match self {
            Self::NetwPin => SecurityMethod::NetwPin,
            Self::UserPin => SecurityMethod::UserPin,
            Self::UserNetwPin => SecurityMethod::UserNetwPin,
            Self::UserPinMac => SecurityMethod::UserPinMac,
        }
    }

    /// Its name in client provisioning.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetwPin => "NETWPIN",
            Self::UserPin => "USERPIN",
            Self::UserNetwPin => "USERNETWPIN",
            Self::UserPinMac => "USERPINMAC",
        }
    }

    /// Its name in the DM bootstrap, where it has one.
    pub const fn dm_name(self) -> Option<&'static str> {
        match self {
            Self::NetwPin => Some("NETWORKID"),
            Self::UserPin => Some("USERPIN"),
            Self::UserNetwPin => Some("USERPIN_NETWORKID"),
            Self::UserPinMac => None,
        }
    }

    /// Whether payloads of that kind know the method.
    ///
    /// # Errors
    /// [`MacError::NotForDm`].
    pub fn check_kind(self, kind: PayloadKind) -> Result<(), MacError> {
        match kind {
            PayloadKind::Dm if self.dm_name().is_none() => Err(MacError::NotForDm { sec: self }),
            PayloadKind::Cp | PayloadKind::Dm => Ok(()),
        }
    }

    /// True when the key holds the IMSI.
    pub const fn needs_imsi(self) -> bool {
        matches!(self, Self::NetwPin | Self::UserNetwPin)
    }

    /// True when the key holds a PIN.
    pub const fn needs_pin(self) -> bool {
        !matches!(self, Self::NetwPin)
    }
}

impl fmt::Display for Sec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Signature {
    /// The parameters of the content type in text form (HTTP, OBEX): `SEC=2; MAC=…`. CP gives the method as its number,
    /// DM as its name.
    pub fn parameters(&self) -> String {
        let sec = match self.kind {
            PayloadKind::Cp => self.sec.number().to_string(),
            PayloadKind::Dm => self.sec.dm_name().unwrap_or_default().to_owned(),
        };
        match &self.mac {
            Some(mac) => format!("SEC={sec}; MAC={mac}"),
            None => format!("SEC={sec}"),
        }
    }

    /// The content type with its parameters.
    pub fn content_type(&self) -> String {
        format!("{}; {}", self.kind.content_type(), self.parameters())
    }
}

/// Signs a payload.
///
/// With USERPINMAC the PIN given is the first half of what the user enters; the whole is in [`Signature::user_pin`].
///
/// # Errors
/// [`MacError`] when the method needs something that was not given.
pub fn sign(
    kind: PayloadKind,
    sec: Sec,
    imsi: Option<&Imsi>,
    pin: Option<&Pin>,
    octets: &[u8],
) -> Result<Signature, MacError> {
    sec.check_kind(kind)?;
    let pin = if sec.needs_pin() { Some(pin.ok_or(MacError::NoPin { sec })?) } else { None };
    if let (Sec::UserPinMac, Some(half)) = (sec, pin) {
        let got = half.expose().len();
        if !sec.method().pin_digits().is_some_and(|digits| digits.contains(&got)) {
            return Err(MacError::PinLength { sec, got, expected: "5 to 16 as the first half" });
        }
        let key = Key::new(&[half.expose().as_bytes()]);
        let whole = Zeroizing::new(format!("{}{}", half.expose(), *check_digits(&key.sign(octets), got)));
        let user_pin =
            whole.parse().map_err(|_| MacError::PinLength { sec, got, expected: "5 to 16 digits" })?;
        return Ok(Signature { kind, sec, mac: None, user_pin: Some(user_pin) });
    }
    let key = key(kind, sec, imsi, pin)?;
    Ok(Signature { kind, sec, mac: Some(key.sign(octets)), user_pin: pin.cloned() })
}

/// Checks a payload as a device does. The PIN is what the user entered.
///
/// # Errors
/// [`MacError::Mismatch`] when it does not fit; other [`MacError`]s when it cannot be checked.
pub fn verify(
    kind: PayloadKind,
    sec: Sec,
    imsi: Option<&Imsi>,
    pin: Option<&Pin>,
    octets: &[u8],
    presented: Option<&str>,
) -> Result<(), MacError> {
    sec.check_kind(kind)?;
    let (expected, presented) = if sec == Sec::UserPinMac {
        let whole = pin.ok_or(MacError::NoPin { sec })?.expose();
        let n = whole.len() / 2;
        let (half, digits) = match whole.split_at_checked(n) {
            Some(halves) if whole.len() >= 10 && whole.len() % 2 == 0 => halves,
            _ => {
                return Err(MacError::PinLength {
                    sec,
                    got: whole.len(),
                    expected: "an even number from 10",
                });
            }
        };
        (check_digits(&Key::new(&[half.as_bytes()]).sign(octets), n), digits.to_owned())
    } else {
        let mac = key(kind, sec, imsi, pin)?.sign(octets);
        // Some implementations write the digits in lower case.
        let presented = presented.ok_or(MacError::Missing)?.to_ascii_uppercase();
        (Zeroizing::new(mac.to_string()), presented)
    };
    match expected.as_bytes().ct_eq(presented.as_bytes()).into() {
        true => Ok(()),
        false => Err(MacError::Mismatch),
    }
}

/// The key of a method that sends a MAC.
fn key(kind: PayloadKind, sec: Sec, imsi: Option<&Imsi>, pin: Option<&Pin>) -> Result<Key, MacError> {
    let imsi = || imsi.map(|i| Zeroizing::new(packed_imsi(i))).ok_or(MacError::NoImsi { sec });
    let pin = || pin.map(|p| p.expose().as_bytes()).ok_or(MacError::NoPin { sec });
    Ok(match (sec, kind) {
        (Sec::NetwPin, _) => Key::new(&[&imsi()?]),
        (Sec::UserPin | Sec::UserPinMac, _) => Key::new(&[pin()?]),
        (Sec::UserNetwPin, PayloadKind::Cp) => Key::new(&[&imsi()?, pin()?]),
        (Sec::UserNetwPin, PayloadKind::Dm) => Key::new(&[pin()?, b":", &imsi()?]),
    })
}

/// The second half of the PIN of a USERPINMAC: the last decimal digit of each of the first `n` octets of the MAC.
fn check_digits(mac: &Mac, n: usize) -> Zeroizing<String> {
    Zeroizing::new(mac.octets().iter().take(n).map(|octet| char::from(b'0' + octet % 10)).collect())
}

#[cfg(test)]
mod tests;

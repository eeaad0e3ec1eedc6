//! Keys (PINs, administrative keys and PUKs) and the guard before them: no card is ever locked by this program (ETSI TS 102 221,
//! sections 9.5 and 11.1.9 to 11.1.13).

mod change;
mod counter;
mod error;
mod guard;
mod id;
mod permit;
mod policy;
mod ring;
mod spend;

use std::fmt;

use zeroize::Zeroizing;

use super::rights::has_puk;
use crate::{
    ident::{AdmKey, IdentError, Pin},
    wire::arr::KeyRef,
};

pub use error::KeyError;
pub use guard::{KeyGuard, Presented};
pub use id::KeyId;
pub use permit::{KeyPermit, KeysStopped};
pub use policy::{CardRange, KeyPolicy};
pub use ring::{KeyRing, KeyRingError, KeyRings};

/// A key and which one of the card it is.
#[derive(Clone)]
pub struct Key {
    /// Which key of the card it is.
    pub id: KeyId,
    octets: AdmKey,
}

impl Key {
    /// Digits of a PUK (ETSI TS 102 221, section 9.5.2).
    const PUK_DIGITS: usize = 8;

    /// An administrative key.
    pub fn adm(reference: KeyRef, key: AdmKey) -> Self {
        Self::octets(reference.into(), key)
    }

    /// Any key, by the eight octets that the card has.
    pub fn octets(id: KeyId, octets: AdmKey) -> Self {
        Self { id, octets }
    }

    /// A PIN: its digits as text, filled up with FF.
    ///
    /// # Errors
    /// [`KeyError::PinLength`] for more than 8 digits.
    pub fn pin(reference: KeyRef, pin: &Pin) -> Result<Self, KeyError> {
        Ok(Self { id: reference.into(), octets: digits(pin).ok_or(KeyError::PinLength)? })
    }

    /// The PUK of a PIN.
    ///
    /// # Errors
    /// [`KeyError::PukLength`] for anything but 8 digits.
    pub fn puk(pin: KeyRef, puk: &Pin) -> Result<Self, KeyError> {
        let puk = Some(puk).filter(|puk| puk.expose().len() == Self::PUK_DIGITS);
        Ok(Self { id: KeyId::Puk(pin), octets: puk.and_then(digits).ok_or(KeyError::PukLength)? })
    }

    /// The key that somebody means by a text: digits for a PIN or a PUK; 4 to 8 characters or 16 hexadecimal digits for any
    /// other.
    ///
    /// # Errors
    /// What was expected. The message never repeats the text.
    pub fn read(id: KeyId, text: &str) -> Result<Self, String> {
        let pin = || text.parse::<Pin>().map_err(|e| e.to_string());
        match id {
            KeyId::Puk(of) => Self::puk(of, &pin()?).map_err(|e| e.to_string()),
            KeyId::Key(of) if has_puk(of) => Self::pin(of, &pin()?).map_err(|e| e.to_string()),
            KeyId::Key(of) => {
                text.parse().map(|key| Self::adm(of, key)).map_err(|e: IdentError| e.to_string())
            }
        }
    }

    /// The octets that VERIFY carries.
    pub(crate) fn expose(&self) -> &[u8; 8] {
        self.octets.expose()
    }

    /// Whether it is a PIN, which the user of a card may know.
    pub fn is_pin(&self) -> bool {
        self.id.reference().is_some_and(has_puk)
    }

    /// What two keys are in a command that takes both: 16 octets.
    fn before(&self, new: &Self) -> Zeroizing<[u8; 16]> {
        let mut both = Zeroizing::new([0; 16]);
        both[..8].copy_from_slice(self.octets.expose());
        both[8..].copy_from_slice(new.octets.expose());
        both
    }
}

/// The octets of a PIN; none when it has too many digits. (Sixteen would be read as the octets of a key.)
fn digits(pin: &Pin) -> Option<AdmKey> {
    Some(pin.expose()).filter(|digits| digits.len() <= 8)?.parse().ok()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, ***)", self.id)
    }
}

#[cfg(test)]
mod tests;

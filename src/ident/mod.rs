//! Names, numbers and secrets that every room speaks of, and the two things a pure room must be handed:
//! a [`Clock`] and a source of [`Random`] octets.
//!
//! This room imports nothing of ours. Values are checked when they are made, so that a room that holds an
//! [`Imsi`] need not ask again whether it is one. Secrets ([`Pin`], [`AdmKey`], [`SharedSecret`], [`Token`])
//! never print.

mod clock;
mod fingerprint;
mod job;
mod mask;
mod name;
mod near;
mod number;
mod printable;
mod random;
mod secret;
mod signature;
mod token;

pub use clock::{Clock, Timestamp};
pub use fingerprint::{Fingerprint, FingerprintKey, NoFingerprint};
pub use job::JobId;
pub use mask::without_imsi;
pub use name::{ProfileName, ReaderName, ServerId};
pub use near::nearest;
pub use number::{Iccid, Imei, Imsi, Msisdn};
pub use printable::{counted, printable, printable_lines, tries};
pub use random::Random;
pub use secret::{AdmKey, Pin, SharedSecret};
#[cfg(test)]
pub(crate) use signature::tests as signature_tests;
pub use signature::{Curve, SIGNATURE_OCTETS, SigningKey, VerifyingKey, private_key, public_key};
pub use token::{Token, TokenDigest};

/// Why a name, number or secret was refused. It never repeats the value: some of them must not be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentError {
    /// The value has the wrong number of characters.
    #[error("{what} has {got} {}; expected {expected}", one_of(*got, unit))]
    Length {
        /// What was being read, for example `IMSI`.
        what: &'static str,
        /// How many there were.
        got: usize,
        /// What is counted: `digits` or `characters`.
        unit: &'static str,
        /// The allowed range in words.
        expected: &'static str,
    },
    /// A character that may not stand there.
    #[error("{what} has a character at position {at} that is not allowed; expected {expected}")]
    Character {
        /// What was being read.
        what: &'static str,
        /// Position, counted from 1.
        at: usize,
        /// What may stand there, in words.
        expected: &'static str,
    },
    /// A telephone number as it is dialled within its country.
    #[error(
        "MSISDN begins with 0, as numbers are dialled at home; expected it as the whole world dials it: country code first, \
         without that 0, for example +49171… for 0171…"
    )]
    National,
    /// The last digit is not the Luhn check digit of the others (ISO/IEC 7812-1, annex B).
    #[error("{what} ends in check digit {got}, but its other digits give {expected}; a digit was mistyped")]
    CheckDigit {
        /// What was being read.
        what: &'static str,
        /// The digit found.
        got: u8,
        /// The digit that the others call for.
        expected: u8,
    },
    /// Text that is not the key that it should be.
    #[error("not {expected}; expected PEM as openssl writes it")]
    Pem {
        /// Which key.
        expected: &'static str,
    },
}

/// The unit of a count: `digits`, and one `digit`.
fn one_of(got: usize, unit: &'static str) -> &'static str {
    if got == 1 { unit.trim_end_matches('s') } else { unit }
}

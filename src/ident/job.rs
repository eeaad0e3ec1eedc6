//! The name of a job.

use std::{fmt, str::FromStr};

use super::{IdentError, Random, Timestamp};

/// A job's name: 26 characters of Crockford base 32 that sort by the time the job was made.
///
/// | bits   | field                                      |
/// |--------|--------------------------------------------|
/// | 0..48  | milliseconds since 1970, most significant first |
/// | 48..128| random                                     |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u128);

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl JobId {
    /// A new name for a job made at `now`.
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        let mut bits = [0u8; 16];
        random.fill(&mut bits);
        let noise = u128::from_be_bytes(bits) & ((1 << 80) - 1);
        let millis = u128::from(now.as_millis().unsigned_abs() & 0xFFFF_FFFF_FFFF);
        Self((millis << 80) | noise)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..26).rev() {
            let digit = usize::try_from((self.0 >> (place * 5)) & 31).unwrap_or(0);
            write!(f, "{}", char::from(ALPHABET[digit]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

impl serde::Serialize for JobId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl FromStr for JobId {
    type Err = IdentError;

    /// Reads a name back; letters may be of either case.
    fn from_str(text: &str) -> Result<Self, IdentError> {
        const WHAT: &str = "job id";
        if text.chars().count() != 26 {
            return Err(IdentError::Length {
                what: WHAT,
                got: text.chars().count(),
                unit: "characters",
                expected: "26",
            });
        }
        let mut value: u128 = 0;
        for (at, c) in text.chars().enumerate() {
            let digit = ALPHABET.iter().position(|a| char::from(*a) == c.to_ascii_uppercase());
            let digit = digit.filter(|d| at > 0 || *d < 8).and_then(|d| u128::try_from(d).ok());
            let digit = digit.ok_or(IdentError::Character {
                what: WHAT,
                at: at + 1,
                expected: "a digit or a letter other than I, L, O and U (the first: 0 to 7)",
            })?;
            value = (value << 5) | digit;
        }
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Same(u8);
    impl Random for Same {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn reads_back_what_it_prints_and_sorts_by_time() {
        let early = JobId::new(Timestamp::from_millis(1_000), &Same(0xFF));
        let late = JobId::new(Timestamp::from_millis(1_001), &Same(0x00));
        assert!(early < late && early.to_string() < late.to_string());
        for id in [early, late] {
            assert_eq!(id.to_string().len(), 26);
            assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
            assert_eq!(id.to_string().to_lowercase().parse::<JobId>().unwrap(), id);
        }
    }

    #[test]
    fn refuses_what_is_not_one() {
        assert!("".parse::<JobId>().is_err());
        assert!("8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<JobId>().is_err(), "would overflow 128 bits");
        assert!("0000000000000000000000000U".parse::<JobId>().is_err());
    }
}

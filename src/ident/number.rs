//! The numbers of subscribers, cards and devices.

use std::{fmt, str::FromStr};

use super::IdentError;

/// The digits of `text`, or where it has something else.
fn digits(what: &'static str, text: &str) -> Result<Vec<u8>, IdentError> {
    text.chars()
        .enumerate()
        .map(|(at, c)| {
            c.to_digit(10).and_then(|d| u8::try_from(d).ok()).ok_or(IdentError::Character {
                what,
                at: at + 1,
                expected: "a digit",
            })
        })
        .collect()
}

/// Refuses a number of digits outside `range`.
fn count(
    what: &'static str,
    got: usize,
    range: std::ops::RangeInclusive<usize>,
    expected: &'static str,
) -> Result<(), IdentError> {
    if range.contains(&got) {
        Ok(())
    } else {
        Err(IdentError::Length { what, got, unit: "digits", expected })
    }
}

/// The Luhn check digit that belongs behind `digits` (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, d)| {
            let d = u32::from(*d) * if place % 2 == 0 { 2 } else { 1 };
            d / 10 + d % 10
        })
        .sum();
    u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
}

/// Refuses digits whose last one is not their check digit.
fn checked_luhn(what: &'static str, digits: &[u8]) -> Result<(), IdentError> {
    let Some((got, body)) = digits.split_last() else { return Ok(()) };
    let expected = luhn(body);
    if *got == expected { Ok(()) } else { Err(IdentError::CheckDigit { what, got: *got, expected }) }
}

/// International mobile subscriber identity: 6 to 15 digits (3GPP TS 23.003, section 2.2).
///
/// It has no `Display`, and `Debug` shows the network part only, because it must not reach a log (and because
/// it is half of the key of a NETWPIN bootstrap).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Imsi(String);

impl Imsi {
    /// All digits. Keep them out of logs, metrics, URLs and errors.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for Imsi {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let d = digits("IMSI", text)?;
        count("IMSI", d.len(), 6..=15, "6 to 15")?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Imsi({}…)", self.0.get(..5).unwrap_or(""))
    }
}

/// Integrated circuit card identifier: 18 to 20 digits (ITU-T E.118; ETSI TS 102 221, section 13.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iccid(String);

impl Iccid {
    /// All digits.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// An ICCID as a card states it: cards whose last digit is not a check digit are in the field, so it is
    /// not asked for here. What a person types goes through `from_str`, which does ask.
    ///
    /// # Errors
    /// [`IdentError::Length`] or [`IdentError::Character`].
    pub fn from_card(text: &str) -> Result<Self, IdentError> {
        let d = digits("ICCID", text)?;
        count("ICCID", d.len(), 18..=20, "18 to 20")?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Iccid {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let iccid = Self::from_card(text)?;
        // 18 digits are written without a check digit.
        if text.len() > 18 {
            checked_luhn("ICCID", &digits("ICCID", text)?)?;
        }
        Ok(iccid)
    }
}

impl fmt::Display for Iccid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Iccid {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

/// International mobile equipment identity: 15 digits, the last a check digit (3GPP TS 23.003, section 6.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Imei(String);

impl Imei {
    /// All 15 digits.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The device identifier of OMA DM for this device (`./DevInfo/DevId`, Source of a session): `IMEI:` and the
    /// digits.
    pub fn device_uri(&self) -> String {
        format!("IMEI:{}", self.0)
    }
}

impl FromStr for Imei {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let d = digits("IMEI", text)?;
        count("IMEI", d.len(), 15..=15, "15")?;
        checked_luhn("IMEI", &d)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Imei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Imei {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

/// A subscriber's telephone number: 3 to 15 digits, international, with or without a leading `+` (ITU-T E.164).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn(String);

impl Msisdn {
    /// The digits, without `+`.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for Msisdn {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let bare = text.strip_prefix('+').unwrap_or(text);
        let d = digits("MSISDN", bare)?;
        count("MSISDN", d.len(), 3..=15, "3 to 15")?;
        // No country code begins so (ITU-T E.164, annex A): it is a number as people dial it at home.
        if bare.starts_with('0') {
            return Err(IdentError::National);
        }
        Ok(Self(bare.to_owned()))
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Msisdn(…{})", self.0.get(self.0.len().saturating_sub(2)..).unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        assert!("490154203237518".parse::<Imei>().is_ok());
        let err = "490154203237519".parse::<Imei>().unwrap_err();
        assert_eq!(err, IdentError::CheckDigit { what: "IMEI", got: 9, expected: 8 });
        assert!("89490200001234567898".parse::<Iccid>().is_err());
        assert!(Iccid::from_card("89490200001234567898").is_ok());
    }

    #[test]
    fn lengths_and_characters_are_checked() {
        for bad in ["", "12345", "1234567890123456", "12345678901234a"] {
            assert!(bad.parse::<Imsi>().is_err(), "{bad}");
        }
        assert!(
            "89860318640220133897".parse::<Iccid>().is_ok()
                || Iccid::from_card("89860318640220133897").is_ok()
        );
        assert!("8949".parse::<Iccid>().is_err());
        assert!("49015420323751".parse::<Imei>().is_err());
        assert_eq!("+491711234567".parse::<Msisdn>().unwrap().digits(), "491711234567");
        for national in ["01711234567", "00491711234567", "+0171"] {
            assert_eq!(national.parse::<Msisdn>(), Err(IdentError::National));
        }
        let short = "1".parse::<Msisdn>().unwrap_err().to_string();
        assert!(short.contains("has 1 digit;"), "{short}");
    }

    #[test]
    fn subscriber_numbers_do_not_print() {
        let imsi: Imsi = "262011234567890".parse().unwrap();
        assert_eq!(format!("{imsi:?}"), "Imsi(26201…)");
        assert!(!format!("{:?}", "491711234567".parse::<Msisdn>().unwrap()).contains("1234"));
    }
}

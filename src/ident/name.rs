//! Names that people and servers give to things.

use std::{fmt, str::FromStr};

use super::IdentError;

/// Checks the number of characters and each character of a name.
fn checked(
    what: &'static str,
    text: &str,
    max: usize,
    range: &'static str,
    allowed: impl Fn(char) -> bool,
    expected: &'static str,
) -> Result<String, IdentError> {
    let got = text.chars().count();
    if got == 0 || got > max {
        return Err(IdentError::Length { what, got, unit: "characters", expected: range });
    }
    if let Some(at) = text.chars().position(|c| !allowed(c)) {
        return Err(IdentError::Character { what, at: at + 1, expected });
    }
    Ok(text.to_owned())
}

macro_rules! text_name {
    ($name:ident) => {
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
    };
}

/// The identifier of a DM server (`ServerID` of its DMAcc, `PROVIDER-ID` of its w7 application).
///
/// 1 to 128 characters (the limit that a client provisioning parser puts on PROVIDER-ID). It may not hold
/// `=`, `&`, `*`, `+` or white space, which have a meaning in ACLs (OMA DM Tree 1.2, section 7.7.1), nor `/`,
/// because devices name the account's node after it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(String);

text_name!(ServerId);

impl FromStr for ServerId {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let allowed = |c: char| !c.is_whitespace() && !c.is_control() && !"=&*+/".contains(c);
        checked("server id", text, 128, "1 to 128", allowed, "anything but white space and = & * + /")
            .map(Self)
    }
}

/// The name of an operator's profile: 1 to 64 characters of `a-z`, `0-9`, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

text_name!(ProfileName);

impl FromStr for ProfileName {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        checked("profile name", text, 64, "1 to 64", allowed, "a-z, 0-9, '-', '_' and '.'").map(Self)
    }
}

/// The name that the PC/SC service gives to a reader, for example `bay 0 00 00`. At most 128 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderName(String);

text_name!(ReaderName);

impl FromStr for ReaderName {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let allowed = |c: char| !c.is_control();
        checked("reader name", text, 128, "1 to 128", allowed, "anything but control characters").map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_id_must_fit_into_an_acl() {
        assert_eq!("acme.dm".parse::<ServerId>().unwrap().as_str(), "acme.dm");
        for bad in ["", "a b", "a+b", "a=b", "a&b", "*", "a/b", "a\0b", &"x".repeat(129)] {
            assert!(bad.parse::<ServerId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_say_where_they_are_wrong() {
        let err = "acme consumer".parse::<ProfileName>().unwrap_err();
        assert!(err.to_string().contains("position 5"), "{err}");
        assert!("bay 0 00 00".parse::<ReaderName>().is_ok());
    }
}

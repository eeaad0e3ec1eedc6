//! Client addresses (WAP-151-PPGService, section 8): `WAPPUSH=value/TYPE=kind@gateway`.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::ident::Msisdn;

/// The address of a client, as it came and as it is understood. `Debug` shows neither number nor user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    text: String,
    recipient: Recipient,
}

/// Whom an address means.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipient {
    /// A number in a mobile network: `TYPE=PLMN`.
    Plmn(Msisdn),
    /// A name that the gateway maps: `TYPE=USER`.
    User(String),
    /// `TYPE=IPv4`.
    Ipv4(Ipv4Addr),
    /// `TYPE=IPv6`.
    Ipv6(Ipv6Addr),
    /// A registered type of its own, with the value unescaped (from one source).
    Other {
        /// The type, upper case.
        kind: String,
        /// The value.
        value: String,
    },
    /// Nobody: it is no address. A PPG answers it by itself, as it answers each address.
    Malformed {
        /// As it came.
        text: String,
        /// What is wrong with it.
        why: AddressError,
    },
}

/// An address that cannot be understood. It does not quote the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Longer than an address can be.
    #[error("an address has at most {} octets", Address::MAX)]
    Long,
    /// The form is another.
    #[error("expected WAPPUSH=value/TYPE=kind@gateway")]
    Form,
    /// The value does not fit its type.
    #[error("the value is not {expected}")]
    Value {
        /// What was expected.
        expected: &'static str,
    },
}

impl Address {
    /// The longest address, in octets.
    pub const MAX: usize = 512;

    /// The address of a telephone number at a gateway.
    pub fn plmn(number: Msisdn, gateway: &str) -> Self {
        Self {
            text: format!("WAPPUSH=+{}/TYPE=PLMN@{gateway}", number.digits()),
            recipient: Recipient::Plmn(number),
        }
    }

    /// Reads what came in a document: where it is no address, it is kept as [`Recipient::Malformed`].
    ///
    /// # Errors
    /// Longer than an address may be.
    pub fn as_it_came(text: &str) -> Result<Self, AddressError> {
        match text.parse() {
            Err(AddressError::Long) => Err(AddressError::Long),
            Err(why) => {
                let text = text.to_owned();
                Ok(Self { recipient: Recipient::Malformed { text: text.clone(), why }, text })
            }
            address => address,
        }
    }

    /// The address as it came: answers repeat it to the letter. It may hold a telephone number: keep it out of logs.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whom it means.
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > Self::MAX {
            return Err(AddressError::Long);
        }
        let mut rest = text.trim();
        if let Some((key, value)) = rest.split_once('=')
            && key.trim().eq_ignore_ascii_case("WAPPUSH")
        {
            rest = value;
        } else {
            return Err(AddressError::Form);
        }
        // The value may hold '/' and '@' only escaped, but users are typed by people: the last type counts.
        let at = rest.to_ascii_uppercase().rfind("/TYPE=").ok_or(AddressError::Form)?;
        let (value, kind) = (rest.get(..at), rest.get(at + "/TYPE=".len()..));
        let (value, kind) = value.zip(kind).ok_or(AddressError::Form)?;
        // The gateway's name may be missing.
        let kind = kind.split_once('@').map_or(kind, |(kind, _)| kind).trim().to_ascii_uppercase();
        if value.is_empty() || kind.is_empty() || !kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            return Err(AddressError::Form);
        }
        let wrong = |expected| move || AddressError::Value { expected };
        let recipient = match kind.as_str() {
            "PLMN" => Recipient::Plmn(number(value).ok_or_else(wrong("an international number"))?),
            "USER" => Recipient::User(unescape(value).ok_or_else(wrong("percent-escaped UTF-8"))?),
            "IPV4" => Recipient::Ipv4(value.parse().map_err(|_| wrong("an IPv4 address")())?),
            "IPV6" => {
                let bare = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')).unwrap_or(value);
                Recipient::Ipv6(bare.parse().map_err(|_| wrong("an IPv6 address")())?)
            }
            _ => {
                let value = unescape(value).ok_or_else(wrong("percent-escaped UTF-8"))?;
                Recipient::Other { kind, value }
            }
        };
        Ok(Self { text: text.to_owned(), recipient })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({:?})", self.recipient)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plmn(number) => write!(f, "{number:?}"),
            Self::User(_) => f.write_str("User(…)"),
            Self::Ipv4(address) => write!(f, "{address}"),
            Self::Ipv6(address) => write!(f, "{address}"),
            Self::Other { kind, .. } => write!(f, "{kind}(…)"),
            Self::Malformed { why, .. } => write!(f, "Malformed({why})"),
        }
    }
}

/// A global number: `+`, then digits, with `-` and `.` between them for people.
fn number(value: &str) -> Option<Msisdn> {
    let bare: String = value.strip_prefix('+')?.chars().filter(|c| !matches!(c, '-' | '.')).collect();
    bare.parse().ok()
}

/// Percent-escapes undone.
fn unescape(value: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit = || rest.next().and_then(|d| char::from(d).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            octet => octet,
        });
    }
    String::from_utf8(octets).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(text: &str) -> Recipient {
        text.parse::<Address>().unwrap().recipient().clone()
    }

    #[test]
    fn every_form_is_understood_in_any_letter_case() {
        let number: Msisdn = "358401234567".parse().unwrap();
        for text in [
            "WAPPUSH=+358401234567/TYPE=PLMN@ppg.example",
            "wappush=+358-40.1234567/type=plmn",
            "WapPush=+358401234567/Type=Plmn@ppg",
        ] {
            assert_eq!(recipient(text), Recipient::Plmn(number.clone()), "{text}");
        }
        let user = recipient("WAPPUSH=john.doe%40example.com/TYPE=USER@ppg.example");
        assert_eq!(user, Recipient::User("john.doe@example.com".into()));
        let v4 = recipient("WAPPUSH=192.0.2.7/TYPE=IPv4@ppg");
        assert_eq!(v4, Recipient::Ipv4(Ipv4Addr::new(192, 0, 2, 7)));
        let v6 = recipient("WAPPUSH=FEDC:BA98:7654:3210:FEDC:BA98:7654:3210/TYPE=IPv6@ppg");
        assert!(matches!(v6, Recipient::Ipv6(_)));
        let other = recipient("WAPPUSH=a%2Fb/TYPE=X25@ppg");
        assert_eq!(other, Recipient::Other { kind: "X25".into(), value: "a/b".into() });
    }

    #[test]
    fn what_is_no_address_is_refused_without_quoting_it() {
        for text in [
            "",
            "+358401234567",
            "WAPPUSH=+358401234567",
            "WAPPUSH=/TYPE=PLMN@x",
            "WAPPUSH=358401234567/TYPE=PLMN@x",
            "WAPPUSH=+35840abc/TYPE=PLMN@x",
            "WAPPUSH=192.0.2/TYPE=IPv4@x",
            "WAPPUSH=a%4/TYPE=USER@x",
            "WAPPUSH=a%FF/TYPE=USER@x",
            "WAPPUSH=a%0A/TYPE=USER@x",
            "WAPPUSH=a/TYPE=@x",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(!error.contains("35840"), "{error}");
            let kept = Address::as_it_came(text).unwrap();
            assert_eq!(kept.as_str(), text);
            assert!(matches!(kept.recipient(), Recipient::Malformed { .. }));
            assert!(!format!("{kept:?}").contains("35840"));
        }
        assert_eq!("x".repeat(600).parse::<Address>(), Err(AddressError::Long));
        assert_eq!(Address::as_it_came(&"x".repeat(600)), Err(AddressError::Long));
    }

    #[test]
    fn ours_reads_back_and_does_not_print() {
        let ours = Address::plmn("+358401234567".parse().unwrap(), "ppg.example");
        assert_eq!(ours.as_str().parse::<Address>().unwrap(), ours);
        assert!(!format!("{ours:?}").contains("4012345"));
    }
}

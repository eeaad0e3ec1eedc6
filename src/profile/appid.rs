//! `APPID`: which application a block is for. An open registry (OMNA): `w1` to `wA` are the WAP Forum's, `ap0001` and up
//! OMA's and others', plain numbers are the ports of IANA.

use std::{fmt, str::FromStr};

use super::{
    problem::ProblemKind,
    walk::{Notes, Value, shortened},
};
use crate::ident::nearest;

/// The id of an application.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AppId(String);

/// An empty id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an application id is empty; expected for example w2")]
pub struct EmptyAppId;

impl AppId {
    /// Browsing.
    pub const W2: &'static str = "w2";
    /// Multimedia messages.
    pub const W4: &'static str = "w4";
    /// Data synchronisation (SyncML DS).
    pub const W5: &'static str = "w5";
    /// Instant messages and presence.
    pub const WA: &'static str = "wA";
    /// Sending mail.
    pub const SMTP: &'static str = "25";
    /// Fetching mail.
    pub const POP3: &'static str = "110";
    /// Mail that stays at the server.
    pub const IMAP: &'static str = "143";
    /// Streaming.
    pub const RTSP: &'static str = "554";
    /// IP multimedia subsystem (3GPP TS 24.167, Annex B).
    pub const IMS: &'static str = "ap2001";
    /// Rich communication.
    pub const RCS: &'static str = "ap2002";

    /// Those that have a name here.
    pub const NAMED: [&'static str; 10] = [
        Self::W2,
        Self::W4,
        Self::W5,
        Self::WA,
        Self::SMTP,
        Self::POP3,
        Self::IMAP,
        Self::RTSP,
        Self::IMS,
        Self::RCS,
    ];

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the id of an application: one with a name here, or one of a form that the registry gives out.
    pub(super) fn read<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<Self> {
        let text = n.text(v, 32, "an application id")?;
        if Self::NAMED.contains(&text.as_str()) || is_registered_form(&text) {
            return Some(Self(text));
        }
        let suggestion = nearest(&text, Self::NAMED.into_iter());
        let expected =
            format!("{}, or another of the form w…, ap0000 or a port number", Self::NAMED.join(", "));
        n.at(
            v,
            ProblemKind::UnknownValue { key: v.key.clone(), value: shortened(&text), expected, suggestion },
        );
        None
    }
}

/// `w` and a short number, `ap` and four digits, or a port.
fn is_registered_form(text: &str) -> bool {
    let digits = |t: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit())
    };
    match (text.strip_prefix("ap"), text.strip_prefix('w')) {
        (Some(rest), _) => digits(rest, 4..=4),
        // `wa` is a spelling of `wA` that devices are known to take.
        (None, Some(rest)) => digits(rest, 1..=5) || rest == "a",
        (None, None) => text.parse::<u16>().is_ok_and(|p| p != 0),
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AppId {
    type Err = EmptyAppId;

    fn from_str(text: &str) -> Result<Self, EmptyAppId> {
        if text.is_empty() { Err(EmptyAppId) } else { Ok(Self(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_the_registry_are_known() {
        for id in ["w2", "w9027", "wa", "ap0004", "ap2001", "25", "5060"] {
            assert!(is_registered_form(id), "{id}");
        }
        for id in ["", "w", "wap", "ap", "ap204", "AP2001", "0", "65536", "mms", "w2x"] {
            assert!(!is_registered_form(id), "{id}");
        }
        assert_eq!("".parse::<AppId>(), Err(EmptyAppId));
    }
}

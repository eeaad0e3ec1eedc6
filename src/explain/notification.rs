//! Whether the digest of a notification fits, and if it does not, which mistake would have made it (OMA DM Notification 1.2).
//!
//! | made of       | right                       | mistakes that are tried                                            |
//! |---------------|-----------------------------|--------------------------------------------------------------------|
//! | server's name | the server identifier       | another name, its letter case, a NUL behind it, nothing            |
//! | secret        | the server's (`SRVCRED`)    | the client's                                                       |
//! | nonce         | the octets that the device holds, or zero | nothing, still in base64, in hexadecimal digits, decoded twice |
//! | trigger       | all behind the digest       | without the vendor's part, the digest's place in front             |
//!
//! Up to all four at a time; what needs the fewest mistakes is told.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{
    ident::SharedSecret,
    wire::{
        package0::{Package0, ZeroNonce},
        syncml::auth::{self, UserDigest},
    },
};

/// What a notification should be made with. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct NotificationKey {
    /// The server's secret: `AAuthSecret` of `SRVCRED`.
    pub secret: SharedSecret,
    /// The nonce that the device holds for the server: `AAuthData` of `SRVCRED`, octets. None: zero is tried only.
    pub nonce: Option<Vec<u8>>,
    /// The client's secret, to find out that it was taken for the server's.
    pub client_secret: Option<SharedSecret>,
    /// Another name of the server, to find out that it was taken for its identifier.
    pub server_name: Option<String>,
}

impl fmt::Debug for NotificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotificationKey(***)")
    }
}

/// What was found out about the digest of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// The server that it names.
    pub server_id: String,
    /// The session that it asks for.
    pub session: String,
    /// Whether the digest fits.
    #[serde(flatten)]
    pub digest: DigestVerdict,
}

/// Whether a digest fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum DigestVerdict {
    /// It fits.
    Fits {
        /// Which nonce it was made with.
        nonce: &'static str,
    },
    /// It does not fit, and would with these mistakes: a device refuses it.
    FitsAnother {
        /// What was taken for something else.
        mistakes: Vec<&'static str>,
    },
    /// It fits nothing that can be made of what was given.
    FitsNothing {
        /// How many combinations were tried.
        tried: usize,
    },
    /// It cannot be checked.
    NotChecked {
        /// What is missing.
        why: &'static str,
    },
}

impl DigestVerdict {
    /// True when a device refuses the notification.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::FitsAnother { .. } | Self::FitsNothing { .. })
    }
}

impl fmt::Display for DigestVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fits { nonce } => write!(f, "the digest fits; nonce: {nonce}"),
            Self::FitsAnother { mistakes } => {
                write!(f, "the digest does not fit; it was made with {}", mistakes.join(" and "))
            }
            Self::FitsNothing { tried } => write!(
                f,
                "the digest does not fit, nor any of {tried} other ways to make it: another secret or nonce, or the trigger was changed"
            ),
            Self::NotChecked { why } => write!(f, "the digest was not checked: {why}"),
        }
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server {}, session {}: {}", self.server_id, self.session, self.digest)
    }
}

const HELD: &str = "the one that the device holds";
/// The nonce zero, by which two sides find together again. Which octets it has, devices do not agree on.
const ZERO: [(ZeroNonce, &str); 2] = [
    (ZeroNonce::Octets, "zero, four octets: for a device that has lost the server's nonce and reads zero so"),
    (
        ZeroNonce::Characters,
        "zero, the characters 0x00000000: for a device that has lost the server's nonce and reads zero so",
    ),
];

/// One thing that the digest is made of, and the mistake that it is; none when it is right.
type Choice<T> = (Option<&'static str>, T);

/// Checks the digest of a notification.
pub(super) fn check(package: &Package0, octets: &[u8], key: Option<&NotificationKey>) -> Notification {
    let trigger = octets.get(Package0::DIGEST..).unwrap_or(&[]);
    Notification {
        server_id: package.trigger.server_id().to_string(),
        session: package.trigger.session.to_string(),
        digest: match key {
            Some(key) => verdict(package, trigger, key),
            None => DigestVerdict::NotChecked {
                why: "give the server's secret with --server-secret and the nonce that the device holds with --nonce",
            },
        },
    }
}

fn verdict(package: &Package0, trigger: &[u8], key: &NotificationKey) -> DigestVerdict {
    let server_id = package.trigger.server_id().as_str();
    let right = UserDigest::new(server_id, &key.secret);
    let fits = |digest: &UserDigest, nonce: &[u8], trigger: &[u8]| {
        auth::verify_notification(digest, nonce, trigger, &package.digest)
    };
    if key.nonce.as_ref().is_some_and(|nonce| fits(&right, nonce, trigger)) {
        return DigestVerdict::Fits { nonce: HELD };
    }
    if let Some((_, nonce)) = ZERO.iter().find(|(form, _)| fits(&right, form.octets(), trigger)) {
        return DigestVerdict::Fits { nonce };
    }
    let (names, secrets, nonces) = (names(server_id, key), secrets(key), nonces(key));
    let triggers = triggers(package, trigger);
    let (mut tried, mut best): (usize, Option<Vec<&'static str>>) = (0, None);
    for (name_mistake, name) in &names {
        for (secret_mistake, secret) in &secrets {
            let digest = UserDigest::new(name, secret);
            for (nonce_mistake, nonce) in &nonces {
                for (trigger_mistake, trigger) in &triggers {
                    tried += 1;
                    if !fits(&digest, nonce, trigger) {
                        continue;
                    }
                    let all = [secret_mistake, name_mistake, nonce_mistake, trigger_mistake];
                    let mistakes: Vec<_> = all.into_iter().copied().flatten().collect();
                    if best.as_ref().is_none_or(|best| mistakes.len() < best.len()) {
                        best = Some(mistakes);
                    }
                }
            }
        }
    }
    match best {
        Some(mistakes) => DigestVerdict::FitsAnother { mistakes },
        None if key.nonce.is_none() => DigestVerdict::NotChecked {
            why: "it was not made with the nonce zero; give the one that the device holds with --nonce",
        },
        None => DigestVerdict::FitsNothing { tried },
    }
}

fn names(server_id: &str, key: &NotificationKey) -> Vec<Choice<String>> {
    let mut out = vec![(None, server_id.to_owned())];
    let other = key
        .server_name
        .clone()
        .map(|name| (Some("the server's other name in place of its identifier"), name));
    let forms = [
        (Some("the server identifier in lower case"), server_id.to_lowercase()),
        (Some("the server identifier in upper case"), server_id.to_uppercase()),
        (Some("the server identifier and a NUL"), format!("{server_id}\0")),
        (Some("no name in place of the server identifier"), String::new()),
    ];
    out.extend(other.into_iter().chain(forms).filter(|(_, name)| name != server_id));
    out
}

fn secrets(key: &NotificationKey) -> Vec<Choice<&SharedSecret>> {
    let client =
        key.client_secret.as_ref().map(|s| (Some("the client's secret in place of the server's"), s));
    std::iter::once((None, &key.secret)).chain(client).collect()
}

fn nonces(key: &NotificationKey) -> Vec<Choice<Vec<u8>>> {
    let mut out: Vec<Choice<Vec<u8>>> = Vec::new();
    if let Some(nonce) = &key.nonce {
        let hex = |upper: bool| -> String {
            nonce.iter().map(|o| if upper { format!("{o:02X}") } else { format!("{o:02x}") }).collect()
        };
        out.push((None, nonce.clone()));
        out.push((Some("the nonce still in base64"), STANDARD.encode(nonce).into_bytes()));
        out.push((Some("the nonce in hexadecimal digits"), hex(false).into_bytes()));
        out.push((Some("the nonce in hexadecimal digits"), hex(true).into_bytes()));
        if let Ok(twice) = STANDARD.decode(nonce) {
            out.push((Some("the nonce decoded from base64 twice"), twice));
        }
    }
    // Beside another mistake zero is as right as the nonce itself.
    out.push((Some("the nonce zero as four octets"), ZeroNonce::Octets.octets().to_vec()));
    out.push((Some("the nonce zero as the characters 0x00000000"), ZeroNonce::Characters.octets().to_vec()));
    out.push((Some("no nonce"), Vec::new()));
    out
}

fn triggers<'t>(package: &Package0, trigger: &'t [u8]) -> Vec<Choice<std::borrow::Cow<'t, [u8]>>> {
    let mut out = vec![(None, trigger.into())];
    let bare = trigger.len().saturating_sub(package.trigger.vendor.len());
    if let Some(bare) = trigger.get(..bare).filter(|bare| bare.len() < trigger.len()) {
        out.push((Some("the trigger without the vendor's part"), bare.into()));
    }
    let whole = [&[0; Package0::DIGEST], trigger].concat();
    out.push((Some("16 octets of zero, the digest's place, in front of the trigger"), whole.into()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        Encode as _,
        package0::{SessionNumber, Trigger},
    };

    const NONCE: &[u8] = b"bm9u";

    fn trigger() -> Trigger {
        let session = SessionNumber(0x0ABC.try_into().unwrap());
        let mut trigger = Trigger::new("Acme.dm".parse().unwrap(), session).unwrap();
        trigger.vendor = b"\x01\x01\x01".to_vec();
        trigger
    }

    fn key() -> NotificationKey {
        NotificationKey {
            secret: "server-secret".parse().unwrap(),
            nonce: Some(NONCE.to_vec()),
            client_secret: Some("client-secret".parse().unwrap()),
            server_name: Some("https://dm.acme.example/".to_owned()),
        }
    }

    /// What is said of a notification whose digest is made of these.
    fn said(name: &str, secret: &str, nonce: &[u8], signed: &[u8], key: &NotificationKey) -> DigestVerdict {
        let digest = UserDigest::new(name, &secret.parse().unwrap());
        let package = Package0 { digest: auth::notification(&digest, nonce, signed), trigger: trigger() };
        check(&package, &package.to_octets(), Some(key)).digest
    }

    #[test]
    fn what_is_right_fits() {
        let whole = trigger().to_octets();
        let fits = |nonce: &[u8], key: &NotificationKey| match said(
            "Acme.dm",
            "server-secret",
            nonce,
            &whole,
            key,
        ) {
            DigestVerdict::Fits { nonce } => nonce,
            other => panic!("{other:?}"),
        };
        assert_eq!(fits(NONCE, &key()), HELD);
        let without = NotificationKey { nonce: None, ..key() };
        for key in [&key(), &without] {
            assert!(fits(&[0; 4], key).starts_with("zero, four octets"));
            assert!(fits(b"0x00000000", key).starts_with("zero, the characters"));
        }
        let verdict = said("Acme.dm", "server-secret", NONCE, &whole, &without);
        assert!(matches!(verdict, DigestVerdict::NotChecked { .. }), "{verdict:?}");
    }

    #[test]
    fn each_mistake_is_told() {
        let whole = trigger().to_octets();
        let bare = &whole[..whole.len() - 3];
        let placed = [&[0; 16], whole.as_slice()].concat();
        let id = "Acme.dm";
        for (name, secret, nonce, signed, mistakes) in [
            (id, "client-secret", NONCE, &whole[..], &["the client's secret in place of the server's"][..]),
            (
                id,
                "client-secret",
                &[0; 4],
                &whole,
                &["the client's secret in place of the server's", "the nonce zero as four octets"],
            ),
            (
                "https://dm.acme.example/",
                "server-secret",
                NONCE,
                &whole,
                &["the server's other name in place of its identifier"],
            ),
            ("acme.dm", "server-secret", NONCE, &whole, &["the server identifier in lower case"]),
            ("ACME.DM", "server-secret", NONCE, &whole, &["the server identifier in upper case"]),
            ("Acme.dm\0", "server-secret", NONCE, &whole, &["the server identifier and a NUL"]),
            ("", "server-secret", NONCE, &whole, &["no name in place of the server identifier"]),
            (id, "server-secret", b"Ym05dQ==", &whole, &["the nonce still in base64"]),
            (id, "server-secret", b"626d3975", &whole, &["the nonce in hexadecimal digits"]),
            (id, "server-secret", b"626D3975", &whole, &["the nonce in hexadecimal digits"]),
            (id, "server-secret", b"non", &whole, &["the nonce decoded from base64 twice"]),
            (id, "server-secret", b"", &whole, &["no nonce"]),
            (id, "server-secret", NONCE, bare, &["the trigger without the vendor's part"]),
            (
                id,
                "server-secret",
                NONCE,
                &placed,
                &["16 octets of zero, the digest's place, in front of the trigger"],
            ),
        ] {
            let verdict = said(name, secret, nonce, signed, &key());
            assert_eq!(verdict, DigestVerdict::FitsAnother { mistakes: mistakes.to_vec() });
            assert!(verdict.is_bad());
        }
        let nothing = said(id, "another-secret", NONCE, &whole, &key());
        // 6 names, 2 secrets, 8 nonces, 3 triggers.
        assert_eq!(nothing, DigestVerdict::FitsNothing { tried: 6 * 2 * 8 * 3 });
        assert_eq!(format!("{:?}", key()), "NotificationKey(***)");
    }
}

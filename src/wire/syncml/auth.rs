//! Credentials `syncml:auth-basic` and `syncml:auth-md5` (OMA DM Security 1.2, section 5.3; SyncML RepPro 1.2), and the
//! digest of a notification, which is made of the same things (OMA DM Notification 1.2).
//!
//! The only file that knows MD5. It is broken as a hash, and it is what the standard demands: it keeps secrets
//! from being read off the wire only as long as they are random (128 bits or more) and the nonce is fresh.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{ident::SharedSecret, wire::DecodeError};

/// How many characters B64(MD5(…)) has.
const DIGEST_CHARACTERS: usize = 24;

/// B64(MD5(user:password)): what a server needs to keep to check either kind of credential, and to present MD5.
/// Whoever has it can compute MD5 credentials, so it is a secret itself: it has no `Display` and `Debug` hides it.
#[derive(Clone)]
pub struct UserDigest(Zeroizing<String>);

impl UserDigest {
    /// Of a name and its secret.
    pub fn new(user: &str, secret: &SharedSecret) -> Self {
        let joined = Zeroizing::new(format!("{user}:{}", secret.expose()));
        Self(Zeroizing::new(STANDARD.encode(Md5::digest(joined.as_bytes()))))
    }

    /// As [`UserDigest::as_stored`] gave it.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] when the text is not base64 of 16 octets.
    pub fn from_stored(text: String) -> Result<Self, DecodeError> {
        let text = Zeroizing::new(text);
        let fits = text.len() == DIGEST_CHARACTERS
            && STANDARD.decode(text.as_bytes()).is_ok_and(|octets| octets.len() == Md5::output_size());
        if fits {
            Ok(Self(text))
        } else {
            Err(DecodeError::invalid("stored user digest", 0, "expected base64 of 16 octets"))
        }
    }

    /// The text, for the one place that keeps it.
    pub fn as_stored(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserDigest(***)")
    }
}

/// `Cred/Data` of `syncml:auth-md5`: B64(MD5(digest `:` nonce)), the nonce as octets.
pub fn md5(digest: &UserDigest, nonce: &[u8]) -> String {
    let mut hash = Md5::new();
    hash.update(digest.0.as_bytes());
    hash.update(b":");
    hash.update(nonce);
    STANDARD.encode(hash.finalize())
}

/// Whether `presented` is `Cred/Data` of `syncml:auth-md5` for this digest and nonce. Takes the same time wherever
/// the two differ.
pub fn verify_md5(digest: &UserDigest, nonce: &[u8], presented: &str) -> bool {
    md5(digest, nonce).as_bytes().ct_eq(presented.trim().as_bytes()).into()
}

/// The digest in front of a notification: MD5(digest `:` nonce `:` B64(MD5(trigger))), the digest being that of the
/// server's name and secret, the nonce the one that the device holds for the server.
pub fn notification(digest: &UserDigest, nonce: &[u8], trigger: &[u8]) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(digest.0.as_bytes());
    hash.update(b":");
    hash.update(nonce);
    hash.update(b":");
    hash.update(STANDARD.encode(Md5::digest(trigger)).as_bytes());
    hash.finalize().into()
}

/// Whether `presented` is the digest of a notification. Takes the same time wherever the two differ.
pub fn verify_notification(digest: &UserDigest, nonce: &[u8], trigger: &[u8], presented: &[u8; 16]) -> bool {
    notification(digest, nonce, trigger).ct_eq(presented).into()
}

/// `Cred/Data` of `syncml:auth-basic`: B64(user:password).
pub fn basic(user: &str, secret: &SharedSecret) -> String {
    STANDARD.encode(Zeroizing::new(format!("{user}:{}", secret.expose())).as_bytes())
}

/// User and password of `Cred/Data` of `syncml:auth-basic`; `None` when it is not base64 of UTF-8 text with a colon.
pub fn split_basic(presented: &str) -> Option<(String, Zeroizing<String>)> {
    let octets = Zeroizing::new(STANDARD.decode(presented.trim()).ok()?);
    let (user, password) = std::str::from_utf8(&octets).ok()?.split_once(':')?;
    Some((user.to_owned(), Zeroizing::new(password.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(user: &str, password: &str) -> UserDigest {
        UserDigest::new(user, &password.parse().unwrap())
    }

    /// The example of OMA DM Protocol 1.2, and what two clients sent.
    #[test]
    fn the_examples_of_the_standard_come_out() {
        for (user, password, nonce, cred) in [
            ("Bruce2", "OhBehave", &b"Nonce"[..], "Zz6EivR3yeaaENcRN6lpAQ=="),
            ("dev1", "devpw", b"nonceC1", "Gf4w1XJyxidvVC4UvdXs6w=="),
            ("funambol", "srvpwd", b"", "Lx7CSZp0iHRedCEbryGJuw=="),
        ] {
            assert_eq!(md5(&digest(user, password), nonce), cred);
            assert!(verify_md5(&digest(user, password), nonce, cred));
            assert!(!verify_md5(&digest(user, password), b"other", cred));
            assert!(!verify_md5(&digest(user, "other"), nonce, cred));
        }
        assert_eq!(basic("Bruce1", &"OhBehave".parse().unwrap()), "QnJ1Y2UxOk9oQmVoYXZl");
        let (user, password) = split_basic("QnJ1Y2UxOk9oQmVoYXZl").unwrap();
        assert_eq!((user.as_str(), password.as_str()), ("Bruce1", "OhBehave"));
    }

    #[test]
    fn what_is_no_credential_is_none() {
        for bad in ["", "*", "QnJ1Y2Ux", "gICA", "OhBehave"] {
            assert!(split_basic(bad).is_none(), "{bad}");
        }
        for bad in ["", "Zz6EivR3yeaaENcRN6lpAQ=", "Zz6EivR3yeaaENcRN6lpAQ==x", "************************"] {
            assert!(UserDigest::from_stored(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_digest_is_kept_and_does_not_print() {
        let kept = UserDigest::from_stored(digest("dev1", "devpw").as_stored().to_owned()).unwrap();
        assert!(verify_md5(&kept, b"nonceC1", "Gf4w1XJyxidvVC4UvdXs6w=="));
        assert_eq!(format!("{kept:?}"), "UserDigest(***)");
    }
}

//! Whether a credential is right (OMA DM Security 1.2, section 5.3).
//!
//! A stranger's credential is computed against the same number of digests whether there are accounts or not, so that
//! neither the answer nor the time it takes says which devices and names exist here.

use std::iter;

use crate::wire::syncml::{
    Cred, Message,
    auth::{self, UserDigest},
};

use super::{Account, AuthScheme, Incoming};
use crate::dm::{CANDIDATES, StoredCredential};

/// The longest user name, in octets, that accounts are asked for.
const LONGEST_NAME: usize = 255;

/// Stands where there is no account. A digest nobody has the secret of: its MD5 is all zeros.
const NOBODY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

/// What a message's credential is worth.
pub(super) enum Verdict {
    /// There is none.
    Missing,
    /// It is none that this server takes, or it is wrong.
    Wrong,
    /// It is right.
    Right {
        /// For this account.
        account: Box<Account>,
        /// Made with this nonce; empty for a scheme that has none.
        nonce: Vec<u8>,
    },
}

/// A credential as it was presented, taken apart.
enum Presented {
    /// `syncml:auth-md5`: the text of `Data`.
    Md5(String),
    /// `syncml:auth-basic`: the digest of what it says.
    Basic(UserDigest),
    /// Something else.
    Unknown,
}

/// The user name to look for accounts by: that of a basic credential, else `LocName` of Source, which carries it for
/// MD5.
pub(in crate::dm) fn presented_name(message: &Message) -> Option<String> {
    let header = &message.header;
    let of_cred = header
        .cred
        .as_ref()
        .filter(|c| scheme(c) == Some(AuthScheme::Basic))
        .and_then(|c| auth::split_basic(&c.data));
    let name = of_cred.map(|(user, _)| user).or_else(|| header.source.name.clone())?;
    Some(name).filter(|n| !n.is_empty() && n.len() <= LONGEST_NAME && !n.chars().any(char::is_control))
}

/// Checks the credential of a peer that has not proved itself: against the nonce that this session challenged it with,
/// and against the one that each account holds. The newest account for which it is right is the one.
pub(super) fn stranger(incoming: &Incoming<'_>, challenged: Option<&[u8]>) -> Verdict {
    let Some(cred) = &incoming.message.header.cred else { return Verdict::Missing };
    let presented = Presented::new(cred);
    let nobody = UserDigest::from_stored(NOBODY.to_owned()).ok();
    let accounts = incoming.candidates.iter().map(Some).chain(iter::repeat(None)).take(CANDIDATES);
    let mut found = None;
    for account in accounts {
        let Some(digest) = account.map(|a| &a.client.digest).or(nobody.as_ref()) else { continue };
        let held = account.map_or(&[][..], |a| &a.client.nonce);
        // All of it is computed each time; see above.
        let by_challenge = presented.is_by(digest, challenged.unwrap_or(held));
        let by_held = presented.is_by(digest, held);
        let Some(account) = account.filter(|a| is_eligible(a, &presented, incoming)) else { continue };
        if found.is_none() && (by_challenge || by_held) {
            let nonce = if by_challenge { challenged.unwrap_or(held) } else { held };
            found = Some((account, nonce));
        }
    }
    right_or_wrong(found)
}

/// Checks the credential of a device that proved itself before in this session, when it sends one again: against the
/// nonce that its account holds, and against the one that it used before.
pub(super) fn known(incoming: &Incoming<'_>, account: &Account, spent: &[u8]) -> Verdict {
    let Some(cred) = &incoming.message.header.cred else { return Verdict::Missing };
    let presented = Presented::new(cred);
    let found = incoming.candidates.iter().find(|c| c.id == account.id);
    let found = found.filter(|a| is_eligible(a, &presented, incoming)).and_then(|account| {
        let held = account.client.nonce.as_slice();
        let nonce = [held, spent].into_iter().find(|nonce| presented.is_by(&account.client.digest, nonce));
        nonce.map(|nonce| (account, nonce))
    });
    right_or_wrong(found)
}

/// The scheme to challenge a peer with: that of its newest account, else MD5. A peer whose account is for basic can
/// therefore be told from one that has none; nothing else would let it in.
pub(super) fn scheme_to_ask_for(incoming: &Incoming<'_>) -> AuthScheme {
    let account = incoming.candidates.iter().find(|a| a.server_id == incoming.config.server_id);
    account.map_or(AuthScheme::Md5, |a| a.client.scheme)
}

fn right_or_wrong(found: Option<(&Account, &[u8])>) -> Verdict {
    match found {
        Some((account, nonce)) => {
            Verdict::Right { account: Box::new(account.clone()), nonce: nonce.to_vec() }
        }
        None => Verdict::Wrong,
    }
}

/// Whether the account is for this server and for the scheme that was presented: a basic credential never stands in
/// for MD5.
fn is_eligible(account: &Account, presented: &Presented, incoming: &Incoming<'_>) -> bool {
    let StoredCredential { scheme, .. } = &account.client;
    account.server_id == incoming.config.server_id && presented.scheme() == Some(*scheme)
}

fn scheme(cred: &Cred) -> Option<AuthScheme> {
    AuthScheme::from_type(cred.meta.kind.as_deref()?.trim())
}

impl Presented {
    fn new(cred: &Cred) -> Self {
        match scheme(cred) {
            Some(AuthScheme::Md5) => Self::Md5(cred.data.trim().to_owned()),
            Some(AuthScheme::Basic) => auth::split_basic(&cred.data)
                .and_then(|(user, password)| Some(UserDigest::new(&user, &password.parse().ok()?)))
                .map_or(Self::Unknown, Self::Basic),
            None => Self::Unknown,
        }
    }

    fn scheme(&self) -> Option<AuthScheme> {
        match self {
            Self::Md5(_) => Some(AuthScheme::Md5),
            Self::Basic(_) => Some(AuthScheme::Basic),
            Self::Unknown => None,
        }
    }

    /// Whether this is the credential of `digest`, for MD5 with that nonce. Takes the same time wherever they differ.
    fn is_by(&self, digest: &UserDigest, nonce: &[u8]) -> bool {
        match self {
            Self::Md5(data) => auth::verify_md5(digest, nonce, data),
            // Two digests are the same when the same credential follows from them; that comparison leaks no time.
            Self::Basic(presented) => auth::verify_md5(digest, nonce, &auth::md5(presented, nonce)),
            Self::Unknown => false,
        }
    }
}

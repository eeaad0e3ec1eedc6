//! Whether a card still holds what a job has put there. A job that was delivered says what a card was given, and not what became of
//! it. The card is read; no key is presented.

use crate::{
    bootstrap::{self, resolve, usim_files},
    card::{CardView, Content, FileSystem, Holds, TransportError, has_settings},
    ident::FingerprintKey,
    job::{
        Job,
        wanted::{self, NoSecrets},
    },
    profile::{Profile, Subscriber},
};

/// Whether a card holds the bootstrap that a job has put there, to the octet. `key` is the one of fingerprints. Of a job that does not say which octets those were, its kind of payload and its
/// server are looked for.
pub(in crate::job) fn holds(view: &CardView, job: &Job, key: Option<&FingerprintKey>) -> Holds {
    let is_for_server = |octets: &[u8]| {
        bootstrap::recognise(octets)
            .filter(|kind| *kind == job.payload)
            .and_then(|kind| bootstrap::read(kind, octets).ok())
            .and_then(|settings| settings.dm_account)
            .is_some_and(|account| account.server_id == job.server_id)
    };
    let is_held = |octets: &[u8]| match (job.octets, key) {
        (Some(given), Some(key)) => wanted::of_octets(key, octets) == given,
        _ => is_for_server(octets),
    };
    if view.files.iter().any(|found| found.content.used().is_some_and(is_held)) {
        Holds::Yes
    } else if view.files.iter().any(|found| matches!(found.content, Content::Unreadable(_))) {
        Holds::Unread
    } else {
        Holds::No
    }
}

/// Whether a card holds the settings files that a profile asks for.
///
/// # Errors
/// [`TransportError`].
pub(in crate::job) fn holds_settings(
    fs: &mut FileSystem<'_>,
    profile: &Profile,
    subscriber: &Subscriber,
) -> Result<Holds, TransportError> {
    // A job has filled them before, so they can be built. No secret that is drawn is in them.
    let built =
        resolve(profile, subscriber, &NoSecrets).and_then(|settings| usim_files(&settings, &profile.card));
    match built {
        Ok(wanted) => has_settings(fs, &wanted),
        Err(_) => Ok(Holds::Yes),
    }
}

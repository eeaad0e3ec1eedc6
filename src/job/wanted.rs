//! Whether a card has what is wanted for it, by the word of its jobs: the same version of the same profile, as the same kind of
//! payload, with the same content and numbers, and nothing else written to the card since.

use sha2::{Digest as _, Sha256};

use super::{Job, Route, fingerprints::of_imsi};
use crate::{
    bootstrap::{PayloadKind, build, resolve, usim_files},
    ident::{Fingerprint, FingerprintKey, Random},
    profile::{Profile, Subscriber},
    wire::tlv::strip_padding,
};

/// What is wanted for cards.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// What the payload is; none: whatever it was.
    pub payload: Option<PayloadKind>,
    /// Whether it is wanted also for cards that have it.
    pub again: bool,
}

impl<'a> From<&'a Profile> for Wanted<'a> {
    /// As whatever kind of payload.
    fn from(profile: &'a Profile) -> Self {
        Self { profile, payload: None, again: false }
    }
}

impl Wanted<'_> {
    /// Whether a job brings this to its card, for a subscriber with these numbers. `key` is the one of fingerprints, where it was
    /// made. Whether it has come to its end is another question.
    pub(super) fn is_of(&self, job: &Job, subscriber: &Subscriber, key: Option<&FingerprintKey>) -> bool {
        let content = || match (job.asked, key) {
            (Some(asked), Some(key)) => print(key, self.profile, subscriber, job.payload) == Some(asked),
            // Jobs of earlier versions do not say what they brought.
            (asked, _) => asked.is_none(),
        };
        self.is_named_by(job) && has_numbers_of(job, subscriber, key) && content()
    }

    /// Whether a job brings this to its card by name, version and kind, whatever its content and numbers.
    pub(super) fn is_named_by(&self, job: &Job) -> bool {
        !self.again
            && job.route == Route::Card
            && job.profile == self.profile.name
            && job.profile_version == self.profile.version
            && self.payload.is_none_or(|payload| payload == job.payload)
            && job.overwritten_at.is_none()
    }

    /// Whether a job has put this on its card, and nothing else was written there since.
    pub(super) fn is_done_by(
        &self,
        job: &Job,
        subscriber: &Subscriber,
        key: Option<&FingerprintKey>,
    ) -> bool {
        job.state.has_delivered() && self.is_of(job, subscriber, key)
    }
}

/// Whether a job is for the device and the subscriber of these numbers.
pub(super) fn has_numbers_of(job: &Job, subscriber: &Subscriber, key: Option<&FingerprintKey>) -> bool {
    job.imei == subscriber.imei
        && match (&subscriber.imsi, key) {
            (Some(imsi), Some(key)) => job.imsi == Some(of_imsi(key, imsi)),
            (imsi, _) => imsi.is_none() && job.imsi.is_none(),
        }
}

/// What tells content for a card from other content: what would be on it, but for the secrets that are drawn. None where nothing
/// can be built.
pub(super) fn print(
    key: &FingerprintKey,
    profile: &Profile,
    subscriber: &Subscriber,
    payload: PayloadKind,
) -> Option<Fingerprint> {
    let settings = resolve(profile, subscriber, &NoSecrets).ok()?;
    let mut digest = Sha256::new_with_prefix(build(&settings, payload).ok()?.sha256());
    for content in usim_files(&settings, &profile.card).ok()? {
        digest.update(content.file.name());
        for part in &content.parts {
            digest.update(format!(" {} ", part.len()));
            digest.update(part);
        }
    }
    let digest: String = digest.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
    Some(key.of("brought to a card", &digest))
}

/// What tells a bootstrap on a card from others, by its octets; the FF behind them do not count.
pub(super) fn of_octets(key: &FingerprintKey, octets: &[u8]) -> Fingerprint {
    let digest = Sha256::digest(strip_padding(octets));
    let digest: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    key.of("octets on a card", &digest)
}

/// Draws nothing: for what is built to be looked at and thrown away.
pub(super) struct NoSecrets;

impl Random for NoSecrets {
    fn fill(&self, octets: &mut [u8]) {
        octets.fill(0);
    }
}

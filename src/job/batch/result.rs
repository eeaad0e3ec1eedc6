//! How one card of a batch ended.

use serde::Serialize;

use super::{Bin, Ending};
use crate::{
    card::{KeyError, script::Output},
    ident::{Iccid, JobId, Timestamp},
    job::State,
};

/// How one card ended: a line of the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardResult {
    /// When it ended.
    pub at: Timestamp,
    /// The bay it was in.
    pub bay: String,
    /// The line of the table; none for a card without one.
    pub line: Option<u64>,
    /// The card; none when it could not be read.
    pub iccid: Option<Iccid>,
    /// How it ended.
    pub ending: Ending,
    /// Where it goes.
    pub bin: Bin,
    /// The job.
    pub job: Option<JobId>,
    /// Where the job stands.
    pub state: Option<State>,
    /// Why it ended so, where it is not good.
    pub reason: Option<String>,
    /// Octets of the bootstrap that was read back.
    pub octets: Option<usize>,
    /// SHA-256 of the bootstrap that was read back, in hexadecimal.
    pub sha256: Option<String>,
    /// How long the card was worked on.
    pub milliseconds: u64,
    /// Commands that did not come back although the card was not pulled: a sign of bad contacts.
    pub contact_errors: u64,
    /// How often its power was taken away because of that.
    pub repowered: u64,
    /// What a script expected where it stopped at another answer: data and status words.
    pub expected: Option<String>,
    /// What the card answered instead.
    pub seen: Option<String>,
    /// Whether a key was refused, whatever else came of the card.
    #[serde(skip)]
    pub key_refused: bool,
    /// What a script did; none where none was run. Tables of results have no room for it.
    #[serde(skip)]
    pub script: Option<ScriptDone>,
}

/// What a script did with a card.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ScriptDone {
    /// Commands that changed the card.
    pub changes: u32,
    /// Changes that were not read back.
    pub not_read_back: u32,
    /// What it shows.
    pub outputs: Vec<Output>,
    /// Pieces of old content that were kept.
    pub saved: usize,
    /// True when it stopped with changes on the card: they are in the journal of writes, and the next contact takes them back.
    pub pending: bool,
}

/// A result as one JSON object, with all that is known of it.
#[derive(Debug, Serialize)]
pub struct WholeResult<'a> {
    #[serde(flatten)]
    result: &'a CardResult,
    #[serde(flatten)]
    script: Option<&'a ScriptDone>,
}

impl<'a> From<&'a CardResult> for WholeResult<'a> {
    fn from(result: &'a CardResult) -> Self {
        Self { result, script: result.script.as_ref() }
    }
}

impl CardResult {
    /// A card that nothing was done with yet.
    pub(crate) fn new(at: Timestamp, bay: &str) -> Self {
        Self {
            at,
            bay: bay.to_owned(),
            line: None,
            iccid: None,
            ending: Ending::Skipped,
            bin: Bin::Bad,
            job: None,
            state: None,
            reason: None,
            octets: None,
            sha256: None,
            milliseconds: 0,
            contact_errors: 0,
            repowered: 0,
            expected: None,
            seen: None,
            key_refused: false,
            script: None,
        }
    }

    /// Notes how long it took until [`CardResult::at`].
    pub(super) fn took(&mut self, began: Timestamp) {
        self.milliseconds = u64::try_from(self.at.since(began).as_millis()).unwrap_or(u64::MAX);
    }

    /// Says what `before`, the result of an earlier look at this card, adds: the contact was lost, or the service, and the card
    /// was taken up again. What is worse stays, with both reasons, unless the card was read back good this time.
    pub(super) fn follow(&mut self, before: &Self) {
        let same_card = self.iccid.is_none() || before.iccid.is_none() || self.iccid == before.iccid;
        let (now, then) = (self.ending.gravity(), before.ending.gravity());
        // Of two that leave a card in doubt the first tells how that began.
        let is_worse = now > then || (now == then && self.ending != Ending::Unknown);
        if !same_card || self.ending.bin() == Bin::Good || is_worse {
            return;
        }
        let again = self.reason.take().unwrap_or_else(|| self.ending.name().to_owned());
        let first = before.reason.as_deref().unwrap_or_else(|| before.ending.name());
        let both = Some(format!("{first}; then, at a second try: {again}"));
        if now == then && self.job.is_some() {
            self.reason = both;
            return;
        }
        *self = Self { at: self.at, milliseconds: self.milliseconds, reason: both, ..before.clone() };
    }
}

/// The key is wrong, by the card's word now or before. Whatever else keeps a key from being presented is about this card alone,
/// and no reason to doubt the keys of the others.
pub(super) fn is_refused(error: &KeyError) -> bool {
    matches!(error, KeyError::Wrong { .. } | KeyError::LostAndRefused { .. } | KeyError::Quarantined { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(ending: Ending, reason: &str) -> CardResult {
        let iccid = Some("89490200001234567892".parse().unwrap());
        let reason = Some(reason.to_owned());
        CardResult {
            ending,
            bin: ending.bin(),
            iccid,
            reason,
            ..CardResult::new(Timestamp::from_millis(0), "bay")
        }
    }

    #[test]
    fn what_is_worse_stays_unless_the_card_was_read_back_good() {
        use Ending::{AlreadyDone, Done, Failed, Refused, Skipped, Unknown};
        for (before, now, told) in [
            (Unknown, Skipped, Unknown),
            (Unknown, Failed, Unknown),
            (Unknown, Refused, Unknown),
            (Unknown, Unknown, Unknown),
            (Refused, Failed, Refused),
            (Failed, Skipped, Failed),
            (Unknown, Done, Done),
            (Unknown, AlreadyDone, AlreadyDone),
            (Failed, Unknown, Unknown),
            (Skipped, Failed, Failed),
        ] {
            let mut second = result(now, "second");
            second.follow(&result(before, "first"));
            assert_eq!((second.ending, second.bin), (told, told.bin()), "{before:?} then {now:?}");
            let reason = second.reason.unwrap();
            let both = reason == "first; then, at a second try: second";
            assert_eq!(both, told == before, "{before:?} then {now:?}: {reason}");
        }
        // A card that does not tell its number this time is the same one still; one with another number is not.
        let mut mute = CardResult { iccid: None, ..result(Skipped, "second") };
        mute.follow(&result(Unknown, "first"));
        assert_eq!((mute.ending, mute.iccid.is_some()), (Unknown, true));
        let mut other =
            CardResult { iccid: Some("89490200001234567900".parse().unwrap()), ..result(Skipped, "x") };
        other.follow(&result(Unknown, "first"));
        assert_eq!(other.ending, Skipped);
    }
}

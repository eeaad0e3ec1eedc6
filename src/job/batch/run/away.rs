//! Keepers that cannot be used for a while: a store that another program holds, a disk that stalls. The card in hand must not go
//! into the bad bin for that as long as nothing on it was changed.

use std::error::Error;

use crate::{
    card::{
        ApplyError, CardTransport, FileError, KeyError, RecoverError, TransportError, WriteJournalError,
        script::{Report, ScriptError},
    },
    job::{CardJobError, FingerprintError, JobsError, State},
};

/// How often a card is tried in all. The store has waited as long as it may each time (`busy-timeout` of `[store]`).
const MOST: u32 = 3;

/// Why something was not done, and whether a keeper was away and nothing else.
pub(super) struct Lapse {
    pub(super) why: String,
    /// A keeper cannot be used now, and nothing on the card was changed: another try may succeed.
    pub(super) away: bool,
}

/// The tries that a card has left.
pub(super) struct Tries {
    left: u32,
}

impl Default for Tries {
    fn default() -> Self {
        Self { left: MOST - 1 }
    }
}

impl Tries {
    /// True when there is another, with the card as it is after a reset.
    pub(super) fn another(&mut self, card: &mut dyn CardTransport) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        card.reset().is_ok()
    }
}

impl Lapse {
    /// Something that another try does not mend.
    pub(super) fn of(why: impl ToString) -> Self {
        Self { why: why.to_string(), away: false }
    }
}

impl From<JobsError> for Lapse {
    fn from(error: JobsError) -> Self {
        Self { away: matches!(error, JobsError::Unavailable { .. }), ..Self::of(told(&error)) }
    }
}

impl From<WriteJournalError> for Lapse {
    fn from(error: WriteJournalError) -> Self {
        Self { away: is_away(&error), ..Self::of(error) }
    }
}

impl From<FingerprintError> for Lapse {
    fn from(error: FingerprintError) -> Self {
        Self { away: true, ..Self::of(error) }
    }
}

impl From<FileError> for Lapse {
    fn from(error: FileError) -> Self {
        Self::of(error)
    }
}

impl From<TransportError> for Lapse {
    fn from(error: TransportError) -> Self {
        Self::of(error)
    }
}

/// An error with what it comes from.
pub(super) fn told(error: &JobsError) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn is_away(error: &WriteJournalError) -> bool {
    matches!(error, WriteJournalError::Store { .. })
}

/// Whether a job was not done because a keeper was away, before anything on its card was changed. `reached` is where it stood
/// last.
pub(super) fn kept_job_away(error: &CardJobError, reached: Option<State>) -> bool {
    match error {
        CardJobError::Jobs(JobsError::Unavailable { .. }) => is_before_delivery(reached),
        CardJobError::Fingerprint(_) | CardJobError::Withdraw { .. } => is_before_delivery(reached),
        CardJobError::Handoff { source, .. } => source.is_away(),
        CardJobError::Interrupted { source, .. } => match &**source {
            RecoverError::Apply(ApplyError::Key(KeyError::Journal(_))) => true,
            source => source.journal().is_some_and(is_away),
        },
        CardJobError::Apply { source, .. } => match &**source {
            ApplyError::Journal(error) => is_away(error),
            ApplyError::Key(KeyError::Journal(_)) => true,
            ApplyError::NotBegun(error) => matches!(
                error.source().and_then(|source| source.downcast_ref()),
                Some(CardJobError::Jobs(JobsError::Unavailable { .. }))
            ),
            _ => false,
        },
        _ => false,
    }
}

/// True while nothing of a job was sent to its card.
pub(super) fn is_before_delivery(reached: Option<State>) -> bool {
    matches!(reached, None | Some(State::Queued | State::Registered | State::Prepared))
}

/// Whether a script was stopped because a keeper was away, before it had changed anything.
pub(super) fn kept_script_away(report: &Report) -> bool {
    let away = match &report.stopped {
        Some(ScriptError::Journal { source, .. }) => is_away(source),
        Some(ScriptError::Key { source: KeyError::Journal(_), .. }) => true,
        _ => false,
    };
    away && report.changes == 0 && !report.pending
}

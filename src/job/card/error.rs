//! Why a card job was not delivered.

use crate::{
    bootstrap::BootstrapError,
    card::{ApplyError, KeyError, KeyRingError, PlanError, RecoverError, TransportError},
    dm::AccountsError,
    handoff::HandoffError,
    ident::{Iccid, JobId},
    job::{FingerprintError, JobsError, State, TargetError},
};

/// Why a card job was not delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CardJobError {
    /// The profile hands devices to no server that is here.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Another card is in the reader than was meant.
    #[error("the card in the reader is {found}, not {meant}; nothing was written")]
    OtherCard {
        /// The card that was meant.
        meant: Iccid,
        /// The card that is there.
        found: Iccid,
    },
    /// A source of keys told none.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The subscriber could not be made recognisable, so there is no job.
    #[error(transparent)]
    Fingerprint(#[from] FingerprintError),
    /// The profile does not become a payload.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The reader or the card failed before there was a job.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The same key made a job before; this call did nothing.
    #[error("the key already made job {id}, which is {state}; nothing was done to the card")]
    AlreadyAccepted {
        /// That job.
        id: JobId,
        /// Where it stands.
        state: State,
    },
    /// An earlier write to the card was cut off, and cannot be settled now. The job is failed.
    #[error(
        "job {id}: an earlier write to this card was interrupted, and nothing is planned before that is settled: {source}"
    )]
    Interrupted {
        /// The job.
        id: JobId,
        /// Why not.
        source: Box<RecoverError>,
    },
    /// The card's content or rights do not allow it. The job is failed.
    #[error("job {id}: {source}")]
    Plan {
        /// The job.
        id: JobId,
        /// Why.
        source: Box<PlanError>,
    },
    /// The plan was not approved. The job is cancelled.
    #[error("job {id}: the plan was not approved; nothing was written")]
    CalledOff {
        /// The job.
        id: JobId,
    },
    /// The DM server could not be told. The job is failed.
    #[error("job {id}: {source}")]
    Handoff {
        /// The job.
        id: JobId,
        /// Why.
        source: HandoffError,
    },
    /// Nothing was written, and the account that was to go on the card could not be taken back. The job is failed.
    #[error(
        "job {id}: nothing was written, but the account could not be withdrawn from the DM server: {source}"
    )]
    Withdraw {
        /// The job.
        id: JobId,
        /// Why.
        source: AccountsError,
    },
    /// The card was not written, not wholly, or nobody knows. The job is failed or unknown.
    #[error("job {id} is {state}: {source}")]
    Apply {
        /// The job.
        id: JobId,
        /// `failed` or `unknown`.
        state: State,
        /// Why.
        source: Box<ApplyError>,
    },
    /// The job could not be recorded. What was not recorded was not done, except the last thing: its job stays
    /// `delivering` and becomes `unknown` when the service starts again.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// The thread that spoke to the card ended by a mistake of ours.
    #[error("the card's thread broke off; what is on the card is not known")]
    Crashed,
}

impl CardJobError {
    /// The job that it is about, where there is one.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::AlreadyAccepted { id, .. }
            | Self::Interrupted { id, .. }
            | Self::Plan { id, .. }
            | Self::CalledOff { id }
            | Self::Handoff { id, .. }
            | Self::Withdraw { id, .. }
            | Self::Apply { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// What kept a key from being presented, or from being taken; none where it was something else.
    pub fn key(&self) -> Option<&KeyError> {
        let apply = match self {
            Self::Apply { source, .. } => &**source,
            Self::Interrupted { source, .. } => match &**source {
                RecoverError::Apply(source) => source,
                _ => return None,
            },
            _ => return None,
        };
        if let ApplyError::Key(error) = apply { Some(error) } else { None }
    }

    /// The key is wrong, by the card's word now or before. Whatever else keeps a key from being presented is about this card
    /// alone, and no reason to doubt the keys of the others.
    pub fn is_refused_key(&self) -> bool {
        use KeyError::{LostAndRefused, Quarantined, Wrong};
        matches!(self.key(), Some(Wrong { .. } | LostAndRefused { .. } | Quarantined { .. }))
    }
}

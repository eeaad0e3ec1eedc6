//! What jobs need of whoever keeps them, and what they tell it of devices.

use async_trait::async_trait;
use serde::Serialize;

use super::{Event, Illegal, Job, JobKey, NewJob, Record, State, Step};
use crate::{
    dm::AccountId,
    ident::{Fingerprint, Iccid, Imei, JobId, Timestamp},
};

/// Keeps jobs. All changes are durable when a call returns.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Accepts a job under the name `id`, or gives back the one that the same [`NewJob::key`] made before.
    ///
    /// # Errors
    /// [`JobsError::KeyTaken`] when that one is another job; [`JobsError::Unavailable`].
    async fn create(&self, id: JobId, new: &NewJob, at: Timestamp) -> Result<Created, JobsError>;

    /// All there is of a job.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn get(&self, id: JobId) -> Result<Option<Record>, JobsError>;

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn list(&self, filter: &Filter) -> Result<Vec<Job>, JobsError>;

    /// Tells a job what happened: reads its state, asks [`State::on`], and records the answer, all in one
    /// transaction, so that of two events that exclude each other only one is taken.
    ///
    /// # Errors
    /// [`JobsError::NotFound`], [`JobsError::Illegal`], [`JobsError::Unavailable`].
    async fn tell(&self, id: JobId, event: &Event, at: Timestamp) -> Result<Step, JobsError>;

    /// The job that this account was registered for.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn of_account(&self, account: AccountId) -> Result<Option<JobId>, JobsError>;

    /// The jobs that this card was named for, the newest first.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn of_card(&self, iccid: &Iccid) -> Result<Vec<Job>, JobsError>;

    /// The jobs that these cards were named for, the newest first.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn of_cards(&self, cards: &[Iccid]) -> Result<Vec<Job>, JobsError>;

    /// The jobs for subscribers with these IMSIs, the newest first.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn of_imsis(&self, imsis: &[Fingerprint]) -> Result<Vec<Job>, JobsError>;

    /// The jobs for these devices, the newest first.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn of_imeis(&self, imeis: &[Imei]) -> Result<Vec<Job>, JobsError>;

    /// The jobs that the caller gave these names.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn of_keys(&self, keys: &[JobKey]) -> Result<Vec<Job>, JobsError>;

    /// Jobs that a process worked at that is gone: by the card route from `queued` on, by others while `delivering`. Not those
    /// by the push route: what became of a push its gateway knows, so another process goes on with them.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn abandoned(&self) -> Result<Vec<JobId>, JobsError>;

    /// Whether the keeper answers.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn ping(&self) -> Result<(), JobsError>;
}

/// Keeps what devices say they are.
#[async_trait]
pub trait Devices: Send + Sync {
    /// Keeps a device's inventory in place of the one before.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn keep_inventory(
        &self,
        device: &str,
        nodes: &[(String, String)],
        at: Timestamp,
    ) -> Result<(), JobsError>;

    /// What is kept of a device, by the name that it gives itself (`./DevInfo/DevId`).
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn device(&self, device: &str) -> Result<Option<Device>, JobsError>;
}

/// An accepted job, and whether this call made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The job.
    pub job: Job,
    /// Whether it is new.
    pub fresh: bool,
}

/// Which jobs are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; none means in any.
    pub states: Vec<State>,
    /// At most so many.
    pub limit: u32,
}

/// A device and what it said of itself in its first session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// What it calls itself.
    pub device: String,
    /// When it said so.
    pub seen_at: Timestamp,
    /// URI and value of each leaf, in the order of the URIs.
    pub nodes: Vec<(String, String)>,
}

/// Why a job was not made, found or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobsError {
    /// There is no such job.
    #[error("there is no job {id}")]
    NotFound {
        /// Its name.
        id: JobId,
    },
    /// The event cannot happen in the job's state.
    #[error("job {id}: {source}")]
    Illegal {
        /// The job.
        id: JobId,
        /// State and event.
        source: Illegal,
    },
    /// The caller's key already named another job.
    #[error("the key `{}` already names job {id}, which asks for something else; use a new key", .key.as_str())]
    KeyTaken {
        /// The key.
        key: JobKey,
        /// The job that it names.
        id: JobId,
    },
    /// The keeper cannot be reached or failed. Another try may succeed.
    #[error("jobs cannot be {doing} now")]
    Unavailable {
        /// What was wanted: `read` or `written`.
        doing: &'static str,
        /// What the keeper says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

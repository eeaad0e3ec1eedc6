//! How jobs hear of the writes that are done for them, and what comes before a plan: an earlier write to the card that was
//! cut off.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{CardJobError, CardRoute, Progress, Verdict};
use crate::{
    card::{
        self, FileSystem, Key, Looks, NotTold, Now, PendingWrite, Settled, Way, WriteJournalError,
        WriteObserver,
    },
    dm::{AccountsError, Register},
    ident::{Clock, JobId, Timestamp},
    job::{Event, Jobs, JobsError, Reason, Record, State, Step},
};

/// Tells jobs of writes that are settled outside of any job: by a person, or before a write that is for none. A write that was
/// for no job tells none.
pub struct JobWrites {
    jobs: Arc<dyn Jobs>,
    registrar: Arc<dyn Register>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
}

/// A job could not be told how its write ended.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// Its state could not be recorded.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// Its account could not be taken back.
    #[error("its account could not be withdrawn from the DM server: {0}")]
    Withdraw(#[from] AccountsError),
}

impl JobWrites {
    /// For the jobs of a route. Its keepers are asked on `runtime`; this may not run on one of its asynchronous threads.
    pub fn new(route: &CardRoute, runtime: Handle) -> Self {
        let CardRoute { jobs, registrar, clock, .. } = route.clone();
        Self { jobs, registrar, clock, runtime }
    }
}

impl std::fmt::Debug for JobWrites {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobWrites").finish_non_exhaustive()
    }
}

impl WriteObserver for JobWrites {
    /// Only a job begins the write of a job.
    fn begun(&mut self, _reference: Option<&str>) -> Result<(), NotTold> {
        Ok(())
    }

    fn settled(&mut self, as_now: &Settled<'_>) -> Result<(), NotTold> {
        let told = settled(&*self.jobs, &*self.registrar, as_now, self.clock.now());
        self.runtime.block_on(told).map(drop).map_err(NotTold::new)
    }
}

/// Tells the job that had begun a write what became of it: it is delivered when all of it is on the card now; when nothing
/// is, it is failed, or called off where it was delivered already, and its account is withdrawn. To tell it twice changes
/// nothing. The job and its state where that has changed.
///
/// # Errors
/// [`SettleError`]; then not all of that is done, and it is to be told again.
pub(super) async fn settled(
    jobs: &dyn Jobs,
    registrar: &dyn Register,
    settled: &Settled<'_>,
    at: Timestamp,
) -> Result<Option<(JobId, State)>, SettleError> {
    let Some(id) = settled.reference.and_then(|text| text.parse::<JobId>().ok()) else { return Ok(None) };
    // Another database may have it.
    let Some(record) = jobs.get(id).await? else { return Ok(None) };
    let state = record.job.state;
    let tell = async |event| match jobs.tell(id, &event, at).await {
        Ok(Step::To(state)) => Ok(Some((id, state))),
        // It was over already.
        Ok(Step::Stay) | Err(JobsError::Illegal { .. }) => Ok(None),
        Err(error) => Err(SettleError::Jobs(error)),
    };
    if settled.now == Now::New {
        // Cut off when the journal had the write and the job had not heard of it; then somebody went on to its end.
        if state == State::Prepared {
            tell(Event::DeliveryStarted).await?;
        }
        return tell(Event::DeliveryConfirmed).await;
    }
    // Credentials that are on no card open no session. An account that was used stays. This goes first: a job that has failed is
    // not looked at again.
    if let Some(account) = record.job.account {
        registrar.withdraw(account).await?;
    }
    let interrupted = "its write to the card was interrupted, and was taken back".to_owned();
    let reason = Reason::new(&settled.why.map_or(interrupted, ToString::to_string));
    match state {
        State::Delivered | State::ReHomed => tell(Event::CalledOff { reason }).await,
        _ => tell(Event::Failed { reason }).await,
    }
}

/// What a process does when it starts: jobs whose process is gone. One that was `delivering` becomes `unknown`, because nobody
/// can tell how far it came before its card is seen again. One that had not come so far has failed, and its account is
/// withdrawn; where the journal of writes holds something for its card, the next contact tells it instead.
///
/// # Errors
/// [`SettleError`]; what is left is done at the next start.
pub async fn abandon(route: &CardRoute) -> Result<Vec<(JobId, State)>, SettleError> {
    let CardRoute { jobs, registrar, writes, clock, .. } = route;
    let mut told = Vec::new();
    for id in jobs.abandoned().await? {
        let Some(Record { job, .. }) = jobs.get(id).await? else { continue };
        let event = if job.state == State::Delivering {
            let reason = Reason::new("the process that delivered ended before it could tell how far it came");
            Event::DeliveryUnclear { reason }
        } else {
            // Its write may be in the journal from here on. A journal that cannot be read leaves the job as it is.
            if job.state == State::Prepared {
                let Ok(pending) = writes.list() else { continue };
                if pending.iter().any(|write| Some(&write.card) == job.iccid.as_ref()) {
                    continue;
                }
            }
            if let Some(account) = job.account {
                registrar.withdraw(account).await?;
            }
            Event::Failed { reason: Reason::new("its process ended before anything was written") }
        };
        match jobs.tell(id, &event, clock.now()).await {
            Ok(Step::To(state)) => told.push((id, state)),
            // Another process that starts now was faster, or the device came in.
            Ok(Step::Stay) | Err(JobsError::Illegal { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(told)
}

impl Progress<'_, '_> {
    /// Nothing can be planned for a card that is between old and new.
    pub(super) fn settle(&self, fs: &mut FileSystem<'_>, keys: &[Key]) -> Result<(), CardJobError> {
        let id = self.id;
        // Without a number there is no journal, and no write either.
        let Ok(card) = fs.iccid() else { return Ok(()) };
        let writes = &*self.route.writes;
        let mut looks = Looks::default();
        let mut asked = None;
        loop {
            let ended = match writes.pending(&card) {
                Ok(None) => return Ok(()),
                // Not one that was cut off.
                Ok(Some(entry)) if entry.under_way => {
                    Err(WriteJournalError::UnderWay { card: card.clone() }.into())
                }
                Ok(Some(entry)) => {
                    if asked.replace(entry.id) != Some(entry.id) {
                        self.agree_to_settle(&entry.write)?;
                    }
                    let keys = &entry.write.still_valid(keys)[..];
                    // What is behind a PIN can be neither looked at nor taken back without it.
                    if keys.iter().any(Key::is_pin) {
                        self.pins(fs, keys, |fs| drop(card::examine(fs, &entry.write)))?;
                    }
                    let guard = self.route.guard(&self.policy);
                    card::recover(fs, &entry, Way::Settle, keys, &guard, writes, &mut &*self)
                }
                Err(source) => Err(source.into()),
            };
            match ended {
                Ok(recovered) => {
                    self.observer.borrow_mut().recovered(&recovered);
                    return Ok(());
                }
                // Whoever had begun it has come back in the meantime. The plan goes by what is on the card then.
                Err(source) if looks.again(&source) => {}
                Err(source) => {
                    self.fail(&source)?;
                    return Err(CardJobError::Interrupted { id, source: Box::new(source) });
                }
            }
        }
    }

    fn agree_to_settle(&self, write: &PendingWrite) -> Result<(), CardJobError> {
        if self.observer.borrow_mut().interrupted(write) == Verdict::GoOn {
            return Ok(());
        }
        let reason = Reason::new("an earlier write to the card was interrupted, and is to stay so");
        self.tell(&Event::CalledOff { reason })?;
        Err(CardJobError::CalledOff { id: self.id })
    }
}

//! What comes before a plan: an earlier write to the card that was cut off.

use super::{CardJobError, Progress, Verdict};
use crate::{
    card::{self, FileSystem, Key, KeyGuard, Now, Recovered, Way},
    dm::Register,
    ident::{JobId, Timestamp},
    job::{Event, Jobs, JobsError, Reason},
};

/// Tells the job that had begun an interrupted write what became of it: it is delivered when all of it is on the card now,
/// failed when it was taken back. A write that was for no job tells none.
///
/// # Errors
/// [`JobsError`] when the job cannot be told.
pub async fn settled(
    jobs: &dyn Jobs,
    registrar: &dyn Register,
    recovered: &Recovered,
    at: Timestamp,
) -> Result<(), JobsError> {
    let Some(id) = recovered.reference.as_deref().and_then(|text| text.parse::<JobId>().ok()) else {
        return Ok(());
    };
    let event = match recovered.now {
        Now::New => Event::DeliveryConfirmed,
        Now::Old => {
            Event::Failed { reason: Reason::new("its write to the card was interrupted, and was taken back") }
        }
    };
    match jobs.tell(id, &event, at).await {
        Ok(_) => {}
        // It was over already, or another database has it.
        Err(JobsError::Illegal { .. } | JobsError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    }
    // Credentials that are on no card open no session. One that stays behind does no more harm than that.
    if recovered.now == Now::Old
        && let Some(account) = jobs.get(id).await?.and_then(|record| record.job.account)
    {
        let _ = registrar.withdraw(account).await;
    }
    Ok(())
}

impl Progress<'_, '_> {
    /// Nothing can be planned for a card that is between old and new.
    pub(super) fn settle(&mut self, fs: &mut FileSystem<'_>, keys: &[Key]) -> Result<(), CardJobError> {
        let id = self.id;
        // Without a number there is no journal, and no write either.
        let Ok(card) = fs.iccid() else { return Ok(()) };
        let writes = &*self.route.writes;
        let ended = match writes.pending(&card) {
            Ok(None) => return Ok(()),
            Ok(Some(write)) => {
                if self.observer.borrow_mut().interrupted(&write) == Verdict::CallOff {
                    let reason =
                        Reason::new("an earlier write to the card was interrupted, and is to stay so");
                    self.tell(&Event::CalledOff { reason })?;
                    return Err(CardJobError::CalledOff { id });
                }
                let guard = KeyGuard::new(&*self.route.journal, &self.policy);
                card::recover(fs, &write, Way::Settle, keys, &guard, writes)
            }
            Err(source) => Err(source.into()),
        };
        match ended {
            Ok(recovered) => {
                let route = self.route;
                let told = settled(&*route.jobs, &*route.registrar, &recovered, route.clock.now());
                self.runtime.block_on(told)?;
                self.observer.borrow_mut().recovered(&recovered);
                Ok(())
            }
            Err(source) => {
                self.fail(&source)?;
                Err(CardJobError::Interrupted { id, source: Box::new(source) })
            }
        }
    }
}

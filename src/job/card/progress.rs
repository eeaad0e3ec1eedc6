//! A job under way: each step, with its state recorded.

use std::cell::RefCell;

use tokio::runtime::Handle;

use super::{CardJob, CardJobError, CardRoute, Observer, SettleError, Verdict, settle::settled};
use crate::{
    bootstrap::{Payload, Settings},
    card::{
        self, AdmKeys, ApplyError, FileSystem, Key, KeyError, KeyPolicy, KeyRings, NotTold, Now, Outcome,
        Plan, Settled, WriteObserver,
    },
    handoff,
    ident::{Iccid, JobId},
    job::{Event, JobsError, Reason, Record, State, Step, TargetError, target},
    wire::usim::SettingsContent,
};

/// A job under way.
pub(super) struct Progress<'a, 'o> {
    pub(super) route: &'a CardRoute,
    pub(super) policy: KeyPolicy,
    pub(super) id: JobId,
    pub(super) observer: &'a RefCell<&'o mut dyn Observer>,
    pub(super) runtime: &'a Handle,
}

impl Progress<'_, '_> {
    /// Records what happened. A device that came in meanwhile has outrun the news; that is no error.
    pub(super) fn tell(&self, event: &Event) -> Result<State, CardJobError> {
        let told = self.runtime.block_on(self.route.jobs.tell(self.id, event, self.route.clock.now()));
        match told? {
            Step::To(state) => {
                self.observer.borrow_mut().reached(self.id, state);
                Ok(state)
            }
            Step::Stay => Ok(self.record()?.job.state),
        }
    }

    pub(super) fn fail(&self, why: &dyn std::fmt::Display) -> Result<State, CardJobError> {
        self.tell(&Event::Failed { reason: Reason::new(&why.to_string()) })
    }

    pub(super) fn record(&self) -> Result<Record, CardJobError> {
        let found = self.runtime.block_on(self.route.jobs.get(self.id))?;
        Ok(found.ok_or(JobsError::NotFound { id: self.id })?)
    }

    pub(super) fn plan(
        &self,
        fs: &mut FileSystem<'_>,
        job: &CardJob,
        keys: &[Key],
        payload: &Payload,
        files: Vec<SettingsContent>,
    ) -> Result<Plan, CardJobError> {
        let adm = AdmKeys::new(&job.adm, keys);
        let (wanted, options) = job.wish(&adm, payload, &files);
        let id = self.id;
        self.settle(fs, keys)?;
        // What is behind a PIN can be neither planned for nor read back without it.
        let wanted = [wanted];
        let planned = self.pins(fs, keys, |fs| card::plan(fs, &wanted, &options))?;
        let plan = match planned {
            Ok(mut plan) => {
                plan.reference = Some(id.to_string());
                plan
            }
            Err(source) => {
                self.fail(&source)?;
                return Err(CardJobError::Plan { id, source: Box::new(source) });
            }
        };
        let verdict = self.observer.borrow_mut().planned(&plan);
        if verdict == Verdict::CallOff {
            let reason = Reason::new("the plan for the card was not approved");
            self.tell(&Event::CalledOff { reason })?;
            return Err(CardJobError::CalledOff { id });
        }
        Ok(plan)
    }

    /// Reads a card, with the PINs at hand that it asks for.
    pub(super) fn pins<T>(
        &self,
        fs: &mut FileSystem<'_>,
        keys: &[Key],
        work: impl FnMut(&mut FileSystem<'_>) -> T,
    ) -> Result<T, CardJobError> {
        let agreed = |card: &Iccid, pin| self.observer.borrow_mut().pin(card, pin) == Verdict::GoOn;
        match self.route.guard(&self.policy).with_agreed_pins(fs, keys, agreed, work) {
            Ok(done) => Ok(done),
            Err(error @ KeyError::NotAgreed { .. }) => {
                self.tell(&Event::CalledOff { reason: Reason::new(&error.to_string()) })?;
                Err(CardJobError::CalledOff { id: self.id })
            }
            Err(source) => {
                let state = self.fail(&source)?;
                Err(CardJobError::Apply { id: self.id, state, source: Box::new(source.into()) })
            }
        }
    }

    pub(super) fn register(&self, settings: &Settings) -> Result<State, CardJobError> {
        let account = settings.dm_account.as_ref().ok_or(TargetError::NoAccount)?;
        let now = self.route.clock.now();
        let kept = async {
            handoff::keep(&*self.route.registrar, &target::new_account(settings, account)?, now).await
        };
        match self.runtime.block_on(kept) {
            Ok(account) => self.tell(&Event::AccountRegistered { account }),
            Err(source) => {
                self.fail(&source)?;
                Err(CardJobError::Handoff { id: self.id, source })
            }
        }
    }

    pub(super) fn deliver(
        &self,
        fs: &mut FileSystem<'_>,
        plan: &Plan,
        keys: &[Key],
        rings: &KeyRings,
    ) -> Result<Outcome, CardJobError> {
        if plan.is_unchanged() {
            self.tell(&Event::DeliveryStarted)?;
        }
        let guard = self.route.guard(&self.policy);
        match card::apply_for(fs, plan, keys, &guard, &*self.route.writes, &mut &*self) {
            Ok(outcome) => {
                // Of a write the job was told while the journal still held it.
                self.tell(&Event::DeliveryConfirmed)?;
                Ok(outcome)
            }
            Err(source) => {
                let source = source.looked_in(rings, plan.iccid.as_ref());
                let state = match &source {
                    nothing if nothing.wrote_nothing() => self.give_up(nothing)?,
                    // It is delivered all the same.
                    ApplyError::NotClosed(_) => self.record()?.job.state,
                    _ => self.tell(&Event::DeliveryUnclear { reason: Reason::new(&source.to_string()) })?,
                };
                Err(CardJobError::Apply { id: self.id, state, source: Box::new(source) })
            }
        }
    }

    /// Nothing is on the card: the job has failed, and its account is withdrawn, because credentials that are on no card open no
    /// session.
    fn give_up(&self, why: &ApplyError) -> Result<State, CardJobError> {
        let reference = self.id.to_string();
        let nothing = Settled { reference: Some(&reference), now: Now::Old, why: Some(why) };
        self.settled_as(&nothing).map_err(|source| match source {
            SettleError::Jobs(source) => CardJobError::Jobs(source),
            SettleError::Withdraw(source) => CardJobError::Withdraw { id: self.id, source },
        })?;
        Ok(self.record()?.job.state)
    }

    /// Tells the job of a write, this one or an earlier one, how it ended.
    fn settled_as(&self, settled_as: &Settled<'_>) -> Result<(), SettleError> {
        let CardRoute { jobs, registrar, clock, .. } = self.route;
        let told = settled(&**jobs, &**registrar, settled_as, clock.now());
        match self.runtime.block_on(told)? {
            Some((id, state)) if id == self.id => self.observer.borrow_mut().reached(id, state),
            _ => {}
        }
        Ok(())
    }
}

/// A job under way hears of its own write, and of the earlier one that it settles.
impl WriteObserver for &Progress<'_, '_> {
    fn begun(&mut self, _reference: Option<&str>) -> Result<(), NotTold> {
        self.tell(&Event::DeliveryStarted).map(drop).map_err(NotTold::new)
    }

    fn settled(&mut self, settled: &Settled<'_>) -> Result<(), NotTold> {
        self.settled_as(settled).map_err(NotTold::new)
    }
}

//! The store without a file: the same answers, gone with the process. For rehearsals and tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::accounts::choose;
use crate::{
    dm::{Account, AccountId, Accounts, AccountsError, NewAccount, NonceChange, Register, Stored},
    ident::{Fingerprint, Iccid, Imei, JobId, Timestamp},
    job::{
        Created, Device, Devices, Event, Filter, Job, JobKey, Jobs, JobsError, NewJob, Record, Route, Step,
        batch::{Claim, Claims},
        push::{Order, Orders},
    },
};

/// Jobs, accounts and devices in memory.
#[derive(Default)]
pub struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    jobs: BTreeMap<JobId, Record>,
    accounts: BTreeMap<AccountId, (Account, Option<Timestamp>)>,
    last_account: i64,
    devices: BTreeMap<String, Device>,
    orders: BTreeMap<JobId, Order>,
    claims: BTreeMap<Fingerprint, (Option<Iccid>, Option<Timestamp>)>,
}

impl Memory {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What batches keep of scripts that came to their end on a card is true until something else is written there.
    pub(super) fn outdate(&self, card: &Iccid) {
        for (holder, done) in self.kept().claims.values_mut() {
            if holder.as_ref() == Some(card) {
                *done = None;
            }
        }
    }

    /// What jobs have put on a card is not known to be there when something else is written to it.
    pub(super) fn overwritten(&self, card: &Iccid, at: Timestamp) {
        for Record { job, .. } in self.kept().jobs.values_mut() {
            if job.iccid.as_ref() == Some(card) && job.route == Route::Card && job.state.has_delivered() {
                job.overwritten_at.get_or_insert(at);
            }
        }
    }
}

#[async_trait]
impl Jobs for Memory {
    async fn create(&self, id: JobId, new: &NewJob, at: Timestamp) -> Result<Created, JobsError> {
        let mut kept = self.kept();
        let same_key = |r: &&Record| new.key.is_some() && r.job.key == new.key;
        if let (Some(key), Some(found)) = (&new.key, kept.jobs.values().find(same_key)) {
            let job = found.job.clone();
            return match job.answers(new) {
                true => Ok(Created { job, fresh: false }),
                false => Err(JobsError::KeyTaken { key: key.clone(), id: job.id }),
            };
        }
        let job = Job::accepted(id, new, at);
        kept.jobs.insert(id, Record::accepted(job.clone()));
        Ok(Created { job, fresh: true })
    }

    async fn get(&self, id: JobId) -> Result<Option<Record>, JobsError> {
        Ok(self.kept().jobs.get(&id).cloned())
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Job>, JobsError> {
        let wanted = |job: &Job| filter.states.is_empty() || filter.states.contains(&job.state);
        let kept = self.kept();
        let jobs = kept.jobs.values().rev().map(|r| &r.job).filter(|job| wanted(job));
        Ok(jobs.take(usize::try_from(filter.limit).unwrap_or(usize::MAX)).cloned().collect())
    }

    async fn tell(&self, id: JobId, event: &Event, at: Timestamp) -> Result<Step, JobsError> {
        let mut kept = self.kept();
        let record = kept.jobs.get_mut(&id).ok_or(JobsError::NotFound { id })?;
        let change = record.job.change(event, record.attempts.last(), at);
        let Some(change) = change.map_err(|source| JobsError::Illegal { id, source })? else {
            return Ok(Step::Stay);
        };
        record.apply(change);
        Ok(Step::To(record.job.state))
    }

    async fn of_account(&self, account: AccountId) -> Result<Option<JobId>, JobsError> {
        Ok(self.kept().jobs.values().find(|r| r.job.account == Some(account)).map(|r| r.job.id))
    }

    async fn of_card(&self, iccid: &Iccid) -> Result<Vec<Job>, JobsError> {
        let kept = self.kept();
        let jobs = kept.jobs.values().rev().map(|r| &r.job).filter(|job| job.iccid.as_ref() == Some(iccid));
        Ok(jobs.cloned().collect())
    }

    async fn of_cards(&self, cards: &[Iccid]) -> Result<Vec<Job>, JobsError> {
        let cards: BTreeSet<_> = cards.iter().collect();
        let kept = self.kept();
        let jobs = kept.jobs.values().rev().map(|r| &r.job);
        Ok(jobs.filter(|job| job.iccid.as_ref().is_some_and(|i| cards.contains(i))).cloned().collect())
    }

    async fn of_imsis(&self, imsis: &[Fingerprint]) -> Result<Vec<Job>, JobsError> {
        let kept = self.kept();
        let jobs = kept.jobs.values().rev().map(|r| &r.job);
        Ok(jobs.filter(|job| job.imsi.is_some_and(|imsi| imsis.contains(&imsi))).cloned().collect())
    }

    async fn of_imeis(&self, imeis: &[Imei]) -> Result<Vec<Job>, JobsError> {
        let kept = self.kept();
        let jobs = kept.jobs.values().rev().map(|r| &r.job);
        Ok(jobs.filter(|job| job.imei.as_ref().is_some_and(|imei| imeis.contains(imei))).cloned().collect())
    }

    async fn of_keys(&self, keys: &[JobKey]) -> Result<Vec<Job>, JobsError> {
        let keys: BTreeSet<_> = keys.iter().map(JobKey::as_str).collect();
        let kept = self.kept();
        let jobs = kept.jobs.values().map(|r| &r.job);
        Ok(jobs.filter(|job| job.key.as_ref().is_some_and(|k| keys.contains(k.as_str()))).cloned().collect())
    }

    async fn abandoned(&self) -> Result<Vec<JobId>, JobsError> {
        // The process that delivers is this one.
        Ok(Vec::new())
    }

    async fn ping(&self) -> Result<(), JobsError> {
        Ok(())
    }
}

#[async_trait]
impl Orders for Memory {
    async fn accept(
        &self,
        id: JobId,
        new: &NewJob,
        order: &Order,
        at: Timestamp,
    ) -> Result<Created, JobsError> {
        let created = self.create(id, new, at).await?;
        let mut kept = self.kept();
        let asked = kept.orders.entry(created.job.id).or_insert_with(|| order.clone()).asked;
        match &new.key {
            Some(key) if asked != order.asked => {
                Err(JobsError::KeyTaken { key: key.clone(), id: created.job.id })
            }
            _ => Ok(created),
        }
    }

    async fn order(&self, id: JobId) -> Result<Option<Order>, JobsError> {
        Ok(self.kept().orders.get(&id).cloned())
    }

    async fn keep(&self, id: JobId, order: &Order) -> Result<(), JobsError> {
        self.kept().orders.insert(id, order.clone());
        Ok(())
    }

    async fn close(&self, id: JobId, order: &Order) -> Result<(), JobsError> {
        self.keep(id, order).await
    }

    async fn take_over(&self) -> Result<Vec<JobId>, JobsError> {
        // The process that works on them is this one.
        Ok(Vec::new())
    }
}

#[async_trait]
impl Register for Memory {
    async fn register(&self, account: &NewAccount, _at: Timestamp) -> Result<AccountId, AccountsError> {
        let NewAccount { server_id, device, client, server } = account.clone();
        let mut kept = self.kept();
        kept.last_account += 1;
        let id = AccountId::new(kept.last_account);
        let account = Account { id, server_id, device, client, server, inventoried: None };
        kept.accounts.insert(id, (account, None));
        Ok(id)
    }

    async fn withdraw(&self, id: AccountId) -> Result<(), AccountsError> {
        let mut kept = self.kept();
        if kept.accounts.get(&id).is_some_and(|(_, used)| used.is_none()) {
            kept.accounts.remove(&id);
        }
        Ok(())
    }
}

#[async_trait]
impl Accounts for Memory {
    async fn candidates(&self, name: Option<&str>, device: &str) -> Result<Vec<Account>, AccountsError> {
        let meant = |a: &Account| a.device.as_deref() == Some(device) || name == Some(a.client.name.as_str());
        let kept = self.kept();
        let found = kept.accounts.values().map(|(account, _)| account).filter(|a| meant(a));
        Ok(choose(found.cloned().collect(), device))
    }

    async fn store_nonces(&self, id: AccountId, change: &NonceChange) -> Result<Stored, AccountsError> {
        let mut kept = self.kept();
        let Some((account, _)) = kept.accounts.get_mut(&id) else { return Ok(Stored::Raced) };
        if change.client.as_ref().is_some_and(|c| c.held != account.client.nonce) {
            return Ok(Stored::Raced);
        }
        if let Some(client) = &change.client {
            account.client.nonce.clone_from(&client.next);
        }
        if let Some(server) = &change.server {
            account.server.nonce.clone_from(server);
        }
        Ok(Stored::Done)
    }

    async fn used(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError> {
        let mut kept = self.kept();
        let Some((account, used)) = kept.accounts.get_mut(&id) else { return Ok(()) };
        if used.replace(used.unwrap_or(at)).is_none() {
            let (server_id, device) = (account.server_id.clone(), account.device.clone());
            let Kept { jobs, accounts, .. } = &mut *kept;
            let card_of = |account: AccountId| {
                jobs.values().find(|r| r.job.account == Some(account)).and_then(|r| r.job.iccid.clone())
            };
            let card = card_of(id);
            // As in SQLite: those of the same device, and those that the same card held before.
            accounts.retain(|_, (a, _)| {
                let same_device = device.is_some() && a.device == device;
                let same_card = || card.is_some() && card_of(a.id) == card;
                !(a.id < id && a.server_id == server_id && (same_device || same_card()))
            });
        }
        Ok(())
    }

    async fn inventoried(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError> {
        if let Some((account, _)) = self.kept().accounts.get_mut(&id) {
            account.inventoried = Some(at);
        }
        Ok(())
    }
}

#[async_trait]
impl Devices for Memory {
    async fn keep_inventory(
        &self,
        device: &str,
        nodes: &[(String, String)],
        at: Timestamp,
    ) -> Result<(), JobsError> {
        let nodes = nodes.iter().cloned().collect::<BTreeMap<_, _>>().into_iter().collect();
        let kept = Device { device: device.to_owned(), seen_at: at, nodes };
        self.kept().devices.insert(device.to_owned(), kept);
        Ok(())
    }

    async fn device(&self, device: &str) -> Result<Option<Device>, JobsError> {
        Ok(self.kept().devices.get(device).cloned())
    }
}

#[async_trait]
impl Claims for Memory {
    async fn of_rows(&self, rows: &[Fingerprint]) -> Result<Vec<Claim>, JobsError> {
        let kept = self.kept();
        Ok(rows.iter().filter_map(|row| kept.claim(row)).collect())
    }

    async fn of_claimant(&self, card: &Iccid) -> Result<Vec<Claim>, JobsError> {
        let kept = self.kept();
        let rows = kept.claims.iter().filter(|(_, (holder, _))| holder.as_ref() == Some(card));
        Ok(rows.filter_map(|(row, _)| kept.claim(row)).collect())
    }

    async fn claim(&self, row: &Fingerprint, card: &Iccid, _at: Timestamp) -> Result<Claim, JobsError> {
        let mut kept = self.kept();
        let (holder, done) = kept.claims.entry(*row).or_default();
        let card = holder.get_or_insert_with(|| card.clone()).clone();
        Ok(Claim { row: *row, card: Some(card), done: *done })
    }

    async fn done(&self, row: &Fingerprint, at: Timestamp) -> Result<(), JobsError> {
        if let Some((_, done)) = self.kept().claims.get_mut(row) {
            *done = Some(at);
        }
        Ok(())
    }

    async fn release(&self, rows: &[Fingerprint]) -> Result<(), JobsError> {
        let mut kept = self.kept();
        for row in rows {
            kept.claims.get_mut(row).into_iter().for_each(|claim| *claim = (None, None));
        }
        Ok(())
    }
}

impl Kept {
    fn claim(&self, row: &Fingerprint) -> Option<Claim> {
        self.claims.get(row).map(|(card, done)| Claim { row: *row, card: card.clone(), done: *done })
    }
}

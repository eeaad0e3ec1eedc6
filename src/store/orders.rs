//! What push jobs need and what is nobody's business, in SQLite, sealed by the vault before it comes here.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Row;

use super::{
    Store,
    error::Failed,
    jobs::{reading, writing},
    row::Reading,
};
use crate::{
    ident::{JobId, Timestamp},
    job::{
        Created, JobsError, NewJob,
        push::{Order, Orders as Keeper},
    },
    vault::{Purpose, Vault},
};

/// Orders of push jobs in the file of a [`Store`].
#[derive(Clone)]
pub struct Orders {
    store: Arc<Store>,
    vault: Arc<Vault>,
}

impl Orders {
    /// In the file of `store`, sealed by `vault`.
    pub fn new(store: Arc<Store>, vault: Arc<Vault>) -> Self {
        Self { store, vault }
    }

    fn seal(&self, id: JobId, order: &Order) -> Result<Vec<u8>, JobsError> {
        let of = id.to_string();
        self.vault.seal(purpose(&of), &order.to_octets()).map_err(|error| unavailable("written", error))
    }

    async fn accept(
        &self,
        id: JobId,
        new: &NewJob,
        sealed: Vec<u8>,
        at: Timestamp,
    ) -> Result<Created, Failed> {
        let mut tx = self.store.begin().await?;
        let created = super::jobs::create(&mut tx, id, new, None, at).await?;
        if created.fresh {
            let insert = sqlx::query("INSERT INTO job_order (job, open, owner, sealed) VALUES (?, 1, ?, ?)");
            let owner = self.store.owner.token()?;
            insert.bind(id.to_string()).bind(owner).bind(sealed).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(created)
    }

    async fn sealed(&self, id: JobId) -> Result<Option<Vec<u8>>, Failed> {
        let found = sqlx::query("SELECT sealed FROM job_order WHERE job = ?").bind(id.to_string());
        let row = found.fetch_optional(&self.store.readers).await?;
        row.map(|row| Ok(row.try_get("sealed")?)).transpose()
    }

    async fn put(&self, id: JobId, sealed: Vec<u8>, open: bool) -> Result<(), Failed> {
        let mut tx = self.store.begin().await?;
        let update =
            "UPDATE job_order SET sealed = ?2, open = ?3, owner = iif(?3, owner, NULL) WHERE job = ?1";
        sqlx::query(update).bind(id.to_string()).bind(sealed).bind(open).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    async fn take(&self) -> Result<Vec<JobId>, Failed> {
        let mut tx = self.store.begin().await?;
        let open = sqlx::query("SELECT job, owner FROM job_order WHERE open = 1 ORDER BY job");
        let rows = open.fetch_all(&mut *tx).await?;
        let mut taken = Vec::new();
        for row in &rows {
            let r = Reading { table: "job_order", row };
            let owner: Option<String> = r.plain("owner")?;
            if owner.is_some_and(|token| self.store.owner.lives(&token)) {
                continue;
            }
            let id: JobId = r.text("job")?;
            let update = sqlx::query("UPDATE job_order SET owner = ? WHERE job = ?");
            update.bind(self.store.owner.token()?).bind(id.to_string()).execute(&mut *tx).await?;
            taken.push(id);
        }
        tx.commit().await?;
        Ok(taken)
    }
}

#[async_trait]
impl Keeper for Orders {
    async fn accept(
        &self,
        id: JobId,
        new: &NewJob,
        order: &Order,
        at: Timestamp,
    ) -> Result<Created, JobsError> {
        let created = Orders::accept(self, id, new, self.seal(id, order)?, at).await.map_err(writing)?;
        if let (Some(key), false) = (&new.key, created.fresh) {
            let same = self.order(created.job.id).await?.is_some_and(|kept| kept.asked == order.asked);
            if !same || !created.job.answers(new) {
                return Err(JobsError::KeyTaken { key: key.clone(), id: created.job.id });
            }
        }
        Ok(created)
    }

    async fn order(&self, id: JobId) -> Result<Option<Order>, JobsError> {
        let Some(sealed) = self.sealed(id).await.map_err(reading)? else { return Ok(None) };
        let of = id.to_string();
        let opened = self.vault.open(purpose(&of), &sealed).map_err(|error| unavailable("read", error))?;
        Order::from_octets(&opened).map(Some).map_err(|error| unavailable("read", error))
    }

    async fn keep(&self, id: JobId, order: &Order) -> Result<(), JobsError> {
        self.put(id, self.seal(id, order)?, true).await.map_err(writing)
    }

    async fn close(&self, id: JobId, order: &Order) -> Result<(), JobsError> {
        self.put(id, self.seal(id, order)?, false).await.map_err(writing)
    }

    async fn take_over(&self) -> Result<Vec<JobId>, JobsError> {
        self.take().await.map_err(writing)
    }
}

/// What an order is sealed for: it opens for no other job.
fn purpose(job: &str) -> Purpose<'_> {
    Purpose { kind: "job-order", of: job }
}

fn unavailable(doing: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> JobsError {
    JobsError::Unavailable { doing, source: Box::new(source) }
}

impl std::fmt::Debug for Orders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orders").finish_non_exhaustive()
    }
}

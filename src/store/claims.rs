//! Which cards the rows of tables were given to, in SQLite.

use async_trait::async_trait;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    Store,
    error::Failed,
    jobs::{reading, writing},
    row::Reading,
};
use crate::{
    ident::{Fingerprint, Iccid, Timestamp},
    job::{
        JobsError,
        batch::{Claim, Claims},
    },
};

#[async_trait]
impl Claims for Store {
    async fn of_rows(&self, rows: &[Fingerprint]) -> Result<Vec<Claim>, JobsError> {
        let select = "SELECT * FROM row_claim WHERE row IN (SELECT value FROM json_each(?))";
        let found = sqlx::query(select).bind(list(rows)).fetch_all(&self.readers).await;
        let found = found.map_err(|e| reading(e.into()))?;
        found.iter().map(claim).collect::<Result<_, _>>().map_err(reading)
    }

    async fn of_claimant(&self, card: &Iccid) -> Result<Vec<Claim>, JobsError> {
        let select = sqlx::query("SELECT * FROM row_claim WHERE iccid = ?").bind(card.digits());
        let found = select.fetch_all(&self.readers).await.map_err(|e| reading(e.into()))?;
        found.iter().map(claim).collect::<Result<_, _>>().map_err(reading)
    }

    async fn claim(&self, row: &Fingerprint, card: &Iccid, at: Timestamp) -> Result<Claim, JobsError> {
        let claimed = async {
            let mut tx = self.begin().await?;
            let insert = "INSERT INTO row_claim (row, iccid, claimed_at) VALUES (?, ?, ?)
                 ON CONFLICT (row) DO UPDATE SET iccid = excluded.iccid, claimed_at = excluded.claimed_at
                 WHERE iccid IS NULL";
            sqlx::query(insert)
                .bind(row.to_string())
                .bind(card.digits())
                .bind(at.as_millis())
                .execute(&mut *tx)
                .await?;
            let claim = one(&mut tx, row).await?;
            tx.commit().await?;
            Ok(claim)
        };
        claimed.await.map_err(writing)
    }

    async fn done(&self, row: &Fingerprint, at: Timestamp) -> Result<(), JobsError> {
        let done = async {
            let mut tx = self.begin().await?;
            let update = sqlx::query("UPDATE row_claim SET done_at = ? WHERE row = ?");
            update.bind(at.as_millis()).bind(row.to_string()).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        };
        done.await.map_err(writing)
    }

    async fn release(&self, rows: &[Fingerprint]) -> Result<(), JobsError> {
        let released = async {
            let mut tx = self.begin().await?;
            let update = "UPDATE row_claim SET iccid = NULL, done_at = NULL
                 WHERE row IN (SELECT value FROM json_each(?))";
            sqlx::query(update).bind(list(rows)).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        };
        released.await.map_err(writing)
    }
}

async fn one(conn: &mut SqliteConnection, row: &Fingerprint) -> Result<Claim, Failed> {
    let select = sqlx::query("SELECT * FROM row_claim WHERE row = ?").bind(row.to_string());
    claim(&select.fetch_one(conn).await?)
}

fn list(rows: &[Fingerprint]) -> String {
    let rows: Vec<_> = rows.iter().map(ToString::to_string).collect();
    serde_json::Value::from(rows).to_string()
}

fn claim(row: &SqliteRow) -> Result<Claim, Failed> {
    let r = Reading { table: "row_claim", row };
    // As a card states it.
    let card: Option<String> = r.plain("iccid")?;
    let card = card.map(|digits| Iccid::from_card(&digits).map_err(|_| r.corrupt("iccid"))).transpose()?;
    Ok(Claim { row: r.text("row")?, card, done: r.maybe_time("done_at")? })
}

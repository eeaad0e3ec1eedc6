//! What one process is asked to take back while another sends it.

use serde_json::Value;
use sqlx::{SqliteConnection, SqlitePool};

use super::{
    super::row::Reading,
    Failed,
    row::{dispatch, number},
};
use crate::bearer::DispatchId;

/// Asks whoever sends them.
pub(super) async fn ask(tx: &mut SqliteConnection, ids: &[DispatchId]) -> Result<(), Failed> {
    let ids: Value = ids.iter().map(|id| number(*id)).collect();
    let ask = sqlx::query(
        "UPDATE delivery SET called_back = 1 WHERE id IN (SELECT value FROM json_each(?)) AND state = 1",
    );
    ask.bind(ids.to_string()).execute(tx).await?;
    Ok(())
}

/// Whether anybody is asked.
pub(super) async fn any(readers: &SqlitePool) -> Result<bool, Failed> {
    let asked =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM delivery WHERE called_back = 1 AND state = 1)");
    Ok(asked.fetch_one(readers).await?)
}

/// What this process is asked for; each once.
pub(super) async fn take(tx: &mut SqliteConnection, owner: &str) -> Result<Vec<DispatchId>, Failed> {
    let take = sqlx::query(
        "UPDATE delivery SET called_back = 0 WHERE called_back = 1 AND state = 1 AND owner = ? RETURNING id",
    );
    let rows = take.bind(owner.to_owned()).fetch_all(tx).await?;
    rows.iter().map(|row| dispatch(&Reading { table: "delivery", row })).collect()
}

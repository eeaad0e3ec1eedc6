//! What is kept from being sent: what waits, and what one process is asked to take back while another sends it. What is called
//! back has in `due_at` until when it is to wait, or 0 where it is called back for good; a delivery that is being sent is due at
//! no time.

use serde_json::Value;
use sqlx::{SqliteConnection, SqlitePool};

use super::{
    super::row::Reading,
    Failed,
    row::{dispatch, number},
};
use crate::{
    bearer::{DispatchId, InitiatorName},
    ident::Timestamp,
    wire::pap::PushId,
};

/// What stands for no time: it is called back for good.
const FOR_GOOD: i64 = 0;

/// Lets what waits of a push not be handed out before `until`.
pub(super) async fn set_aside(
    tx: &mut SqliteConnection,
    initiator: &InitiatorName,
    id: &PushId,
    until: Timestamp,
) -> Result<(), Failed> {
    let aside = sqlx::query(
        "UPDATE delivery SET due_at = max(due_at, ?3)
         WHERE push = (SELECT id FROM push WHERE initiator = ?1 AND push_id = ?2) AND state = 0",
    );
    aside.bind(initiator.as_str()).bind(id.as_str()).bind(until.as_millis()).execute(tx).await?;
    Ok(())
}

/// Asks whoever sends them.
pub(super) async fn ask(
    tx: &mut SqliteConnection,
    ids: &[DispatchId],
    until: Option<Timestamp>,
) -> Result<(), Failed> {
    let ids: Value = ids.iter().map(|id| number(*id)).collect();
    let ask = sqlx::query(
        "UPDATE delivery SET called_back = 1, due_at = ?2 WHERE id IN (SELECT value FROM json_each(?1)) AND state = 1",
    );
    let until = until.map_or(FOR_GOOD, Timestamp::as_millis);
    ask.bind(ids.to_string()).bind(until).execute(tx).await?;
    Ok(())
}

/// Whether anybody is asked.
pub(super) async fn any(readers: &SqlitePool) -> Result<bool, Failed> {
    let asked =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM delivery WHERE called_back = 1 AND state = 1)");
    Ok(asked.fetch_one(readers).await?)
}

/// What this process is asked for; each once.
pub(super) async fn take(
    tx: &mut SqliteConnection,
    owner: &str,
) -> Result<Vec<(DispatchId, Option<Timestamp>)>, Failed> {
    let take = sqlx::query(
        "UPDATE delivery SET called_back = 0 WHERE called_back = 1 AND state = 1 AND owner = ? RETURNING id, due_at",
    );
    let rows = take.bind(owner.to_owned()).fetch_all(tx).await?;
    let call = |row| {
        let r = Reading { table: "delivery", row };
        let until = Some(r.time("due_at")?).filter(|until| until.as_millis() != FOR_GOOD);
        Ok((dispatch(&r)?, until))
    };
    rows.iter().map(call).collect()
}

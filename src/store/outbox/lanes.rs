//! Sorting what waits into lanes, when routes are others than when it was accepted.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use sqlx::{SqliteConnection, SqlitePool};

use super::{super::row::Reading, Failed, row};
use crate::bearer::LaneOf;

/// Deliveries that wait in another lane than `lane` says, with the one that it says. What waits in one of `others` is theirs, unless it
/// is one of `own`, too: gateways of one configuration share their lanes, and their routes.
pub(super) async fn misplaced(
    readers: &SqlitePool,
    lane: LaneOf<'_>,
    own: &[Arc<str>],
    others: &BTreeSet<String>,
) -> Result<Vec<(i64, Arc<str>)>, Failed> {
    let mut wrong = Vec::new();
    let mut rows =
        sqlx::query("SELECT id, destination, lane FROM delivery WHERE state IN (0, 1)").fetch(readers);
    while let Some(row) = rows.try_next().await? {
        let r = Reading { table: "delivery", row: &row };
        let (id, destination, kept): (i64, Option<&str>, &str) =
            (r.plain("id")?, r.plain("destination")?, r.plain("lane")?);
        // One that cannot be read goes where what nobody reaches goes, and it is said there.
        let right = destination.and_then(row::read_destination).map_or_else(|| "".into(), |to| lane(&to));
        let theirs = others.contains(kept) && !own.iter().any(|own| **own == *kept);
        if *right != *kept && !theirs {
            wrong.push((id, right));
        }
    }
    Ok(wrong)
}

/// Puts deliveries into these lanes.
pub(super) async fn place(tx: &mut SqliteConnection, lanes: &[(i64, Arc<str>)]) -> Result<(), Failed> {
    let rows: Value = lanes.iter().map(|(id, lane)| json!([id, &**lane])).collect();
    let update = sqlx::query(
        "UPDATE delivery SET lane = place.lane FROM (SELECT value ->> 0 AS id, value ->> 1 AS lane FROM jsonb_each(?)) AS place
         WHERE delivery.id = place.id",
    );
    update.bind(rows.to_string()).execute(tx).await?;
    Ok(())
}

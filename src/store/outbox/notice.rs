//! Results that initiators want to be told, and forgetting what is over.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{
    super::row::Reading,
    Failed,
    row::{self, dispatch, number},
};
use crate::{
    bearer::{InitiatorName, Notice, NoticeOutcome, Noticed, Notices},
    ident::Timestamp,
};

/// What is to be told now.
pub(super) async fn due(
    readers: &SqlitePool,
    each: usize,
    busy: &BTreeSet<InitiatorName>,
    now: Timestamp,
) -> Result<Notices, Failed> {
    let mut notices = Notices::default();
    // Hops from one initiator to the next, however many results each has.
    let initiators = sqlx::query_scalar(
        "WITH RECURSIVE hop (name) AS (
             SELECT min(told_to) FROM delivery WHERE notice = 2
             UNION ALL
             SELECT (SELECT min(told_to) FROM delivery WHERE notice = 2 AND told_to > hop.name) FROM hop WHERE hop.name IS NOT NULL)
         SELECT name FROM hop WHERE name IS NOT NULL",
    );
    let initiators: Vec<String> = initiators.fetch_all(readers).await?;
    let idle = |name: &String| !busy.iter().any(|busy| busy.as_str() == name);
    for initiator in initiators.into_iter().filter(idle) {
        let rows = sqlx::query(
            "SELECT delivery.id, address, state, code, reason, changed_at, doubled, due_at, tries, initiator, push_id, notify_to,
                    version, received_at
             FROM delivery JOIN push ON push.id = delivery.push WHERE notice = 2 AND told_to = ? ORDER BY due_at LIMIT +?",
        );
        let rows = rows.bind(initiator).bind(i64::try_from(each).unwrap_or(i64::MAX));
        for row in &rows.fetch_all(readers).await? {
            let r = Reading { table: "push", row };
            let at = r.time("due_at")?;
            if at > now {
                notices.next = Some(notices.next.map_or(at, |next| next.min(at)));
                break;
            }
            match notice(&r) {
                Ok(notice) => notices.due.push(notice),
                // What is wrong with one holds up no other.
                Err(why) => {
                    let state = row::read_state(r.plain("state")?).ok_or_else(|| r.corrupt("state"))?;
                    let given_up = Noticed { id: dispatch(&r)?, state, outcome: NoticeOutcome::GivenUp };
                    notices.unreadable.push((given_up, why.to_string()));
                }
            }
        }
    }
    // What an older version has written says of nobody.
    notices.due.retain(|notice| !busy.contains(&notice.settled.initiator));
    Ok(notices)
}

fn notice(r: &Reading<'_>) -> Result<Notice, Failed> {
    Ok(Notice {
        to: r.plain("notify_to")?,
        settled: row::settled(r.row)?,
        received: r.time("received_at")?,
        version: row::read_version(r.plain("version")?).ok_or_else(|| r.corrupt("version"))?,
        tries: r.plain("tries")?,
    })
}

/// How telling went. A result that changed meanwhile (a receipt came late) is told once more.
pub(super) async fn noticed(tx: &mut SqliteConnection, outcomes: &[Noticed]) -> Result<(), Failed> {
    let rows = noticed_rows(outcomes);
    let update = sqlx::query(
        "UPDATE delivery SET notice = outcome.notice, due_at = outcome.due, tries = tries + 1
         FROM (SELECT value ->> 0 AS id, value ->> 1 AS told, value ->> 2 AS notice, value ->> 3 AS due FROM jsonb_each(?)) AS outcome
         WHERE delivery.id = outcome.id AND delivery.notice = 2 AND delivery.state = outcome.told",
    );
    update.bind(rows).execute(tx).await?;
    Ok(())
}

fn noticed_rows(outcomes: &[Noticed]) -> String {
    let row = |told: &Noticed| {
        let (notice, due) = match told.outcome {
            NoticeOutcome::Told | NoticeOutcome::GivenUp => (3, 0),
            NoticeOutcome::Again(at) => (2, at.as_millis()),
        };
        json!([number(told.id), row::state(told.state), notice, due])
    };
    outcomes.iter().map(row).collect::<Value>().to_string()
}

/// Forgets pushes that are over.
pub(super) async fn prune(
    tx: &mut SqliteConnection,
    before: Timestamp,
    most: usize,
) -> Result<usize, Failed> {
    let strangers = sqlx::query("DELETE FROM message WHERE delivery IS NULL AND noted_at < ?");
    strangers.bind(before.as_millis()).execute(&mut *tx).await?;
    let rows = sqlx::query(
        "SELECT id FROM push WHERE received_at < ?1 AND NOT EXISTS (
             SELECT 1 FROM delivery WHERE delivery.push = push.id
             AND (state < 3 OR changed_at >= ?1 OR notice IN (1, 2)))
         ORDER BY id LIMIT +?2",
    );
    let rows = rows.bind(before.as_millis()).bind(i64::try_from(most).unwrap_or(i64::MAX));
    let rows = rows.fetch_all(&mut *tx).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    let count = ids.len();
    let ids = Value::from(ids).to_string();
    for delete in [
        "DELETE FROM message WHERE delivery IN (SELECT id FROM delivery WHERE push IN (SELECT value FROM json_each(?)))",
        "DELETE FROM delivery WHERE push IN (SELECT value FROM json_each(?))",
        "DELETE FROM push WHERE id IN (SELECT value FROM json_each(?))",
    ] {
        sqlx::query(delete).bind(ids.clone()).execute(&mut *tx).await?;
    }
    Ok(count)
}

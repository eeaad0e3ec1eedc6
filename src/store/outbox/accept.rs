//! Keeping new pushes: one statement for all pushes of a group, one for all their deliveries.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection};

use super::{Failed, record, row};
use crate::{
    bearer::{Accepted, NewDelivery, NewPush, Settled, State},
    wire::pap::{PushId, Recipient, ReplaceMethod, StatusCode},
};

/// A push whose payload the vault has sealed.
pub(super) struct Sealed {
    pub(super) push: NewPush,
    pub(super) octets: Vec<u8>,
}

/// Keeps them all, and says of each what became of it.
pub(super) async fn all(tx: &mut SqliteConnection, pushes: &[Sealed]) -> Result<Vec<Accepted>, Failed> {
    let first = 1 + last(tx, "push").await?;
    // A push that replaces another looks at what is there, perhaps at one before it in the group: one after the other.
    if pushes.iter().any(|sealed| sealed.push.replace.is_some()) {
        let mut accepted = Vec::new();
        for (sealed, id) in pushes.iter().zip(first..) {
            accepted.push(one(tx, sealed, id).await?);
        }
        return Ok(accepted);
    }
    let numbered: Vec<(i64, &Sealed)> = (first..).zip(pushes).collect();
    let kept = insert(tx, &numbered).await?;
    insert_deliveries(tx, delivery_rows(&numbered, |id, _| kept.contains(&id))).await?;
    let outcome = |(id, _): &(i64, _)| if kept.contains(id) { Accepted::Kept } else { Accepted::Duplicate };
    Ok(numbered.iter().map(outcome).collect())
}

/// Keeps one, which may replace another.
async fn one(tx: &mut SqliteConnection, sealed: &Sealed, id: i64) -> Result<Accepted, Failed> {
    let push = &sealed.push;
    let (mut only, mut ended): (Option<BTreeSet<Recipient>>, _) = (None, None);
    if let Some(replace) = &push.replace {
        let found = sqlx::query("SELECT id FROM push WHERE initiator = ? AND push_id = ?")
            .bind(push.initiator.as_str())
            .bind(replace.push_id.as_str());
        let Some(old) = found.fetch_optional(&mut *tx).await? else { return Ok(Accepted::NothingToReplace) };
        let old: i64 = old.try_get("id")?;
        let exists = sqlx::query("SELECT 1 FROM push WHERE initiator = ? AND push_id = ?")
            .bind(push.initiator.as_str())
            .bind(push.push_id.as_str());
        if exists.fetch_optional(&mut *tx).await?.is_some() {
            return Ok(Accepted::Duplicate);
        }
        if replace.method == ReplaceMethod::PendingOnly {
            let pending = pending(tx, old).await?;
            if !push.deliveries.iter().any(|new| pending.contains(new.address.recipient())) {
                return Ok(Accepted::NothingPending);
            }
            only = Some(pending);
        }
        ended = Some(end(tx, old, &replace.push_id, push).await?);
    }
    if insert(tx, &[(id, sealed)]).await?.is_empty() {
        return Ok(Accepted::Duplicate);
    }
    let rows = delivery_rows(&[(id, sealed)], |_, delivery| {
        only.as_ref().is_none_or(|only| only.contains(delivery.address.recipient()))
    });
    insert_deliveries(tx, rows).await?;
    Ok(ended.map_or(Accepted::Kept, Accepted::Replaced))
}

/// Where a push waits. The same place may be written in another way than the one that takes its place does.
async fn pending(tx: &mut SqliteConnection, push: i64) -> Result<BTreeSet<Recipient>, Failed> {
    let waiting = sqlx::query("SELECT address FROM delivery WHERE push = ? AND state = 0");
    let rows = waiting.bind(push).fetch_all(tx).await?;
    rows.iter().map(|row| Ok(row::address(row)?.recipient().clone())).collect()
}

/// Ends what waits of a push, in whose place `new` comes.
async fn end(
    tx: &mut SqliteConnection,
    old: i64,
    old_id: &PushId,
    new: &NewPush,
) -> Result<Vec<Settled>, Failed> {
    let cancel = sqlx::query(
        "UPDATE delivery SET state = iif(doubled > 0, 7, 6), code = iif(doubled > 0, ?4, ?2), reason = 'replaced by another push', changed_at = ?3, due_at = ?3,
                tries = 0, notice = CASE WHEN notice > 0 THEN 2 ELSE 0 END
         WHERE push = ?1 AND state = 0
         RETURNING id, push, address, state, code, reason, changed_at, doubled, ?5 AS initiator, ?6 AS push_id",
    );
    let cancelled = cancel
        .bind(old)
        .bind(StatusCode::OK.0)
        .bind(new.received.as_millis())
        .bind(StatusCode::SERVICE_FAILURE.0)
        .bind(new.initiator.as_str())
        .bind(old_id.as_str())
        .fetch_all(&mut *tx)
        .await?;
    record::forget_octets(tx, vec![old]).await?;
    cancelled.iter().map(row::settled).collect()
}

/// The number that was given last.
async fn last(tx: &mut SqliteConnection, table: &str) -> Result<i64, Failed> {
    let found = sqlx::query("SELECT seq FROM sqlite_sequence WHERE name = ?").bind(table.to_owned());
    let row = found.fetch_optional(tx).await?;
    Ok(row.map(|row| row.try_get("seq")).transpose()?.unwrap_or(0))
}

/// The numbers of those that were kept: an initiator's push id counts once.
async fn insert(tx: &mut SqliteConnection, pushes: &[(i64, &Sealed)]) -> Result<BTreeSet<i64>, Failed> {
    let (rows, octets) = push_rows(pushes);
    let rows = sqlx::query(
        "INSERT INTO push (id, initiator, push_id, received_at, notify_to, version, ports, octets)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                substr(?2, value ->> 7, value ->> 8)
         FROM jsonb_each(?1) WHERE true
         ON CONFLICT (initiator, push_id) DO NOTHING RETURNING id",
    )
    .bind(rows)
    .bind(octets)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

async fn insert_deliveries(tx: &mut SqliteConnection, rows: String) -> Result<(), Failed> {
    let insert = sqlx::query(
        "INSERT INTO delivery (push, address, destination, priority, state, code, reason, changed_at, due_at, expires_at,
                               segments, notice, lane, told_to, tries)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
                value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, 0
         FROM jsonb_each(?)",
    );
    insert.bind(rows).execute(tx).await?;
    Ok(())
}

/// The rows of pushes as one JSON value: a statement that is always the same is prepared once. The octets of all stand
/// behind one another beside it, and each row says where its own are, from 1: in hexadecimal, JSON would have twice as many
/// to be read.
fn push_rows(pushes: &[(i64, &Sealed)]) -> (String, Vec<u8>) {
    let mut octets = Vec::new();
    let mut row = |(id, sealed): &(i64, &Sealed)| {
        let push = &sealed.push;
        // Nothing is kept for later of what goes nowhere.
        let goes = push.deliveries.iter().any(|delivery| delivery.to.is_ok());
        let place = goes.then(|| (octets.len() + 1, sealed.octets.len()));
        if goes {
            octets.extend_from_slice(&sealed.octets);
        }
        json!([
            id,
            push.initiator.as_str(),
            push.push_id.as_str(),
            push.received.as_millis(),
            push.notify,
            row::version(push.version),
            row::carriage(push.carriage),
            place.map(|(first, _)| first),
            place.map(|(_, length)| length),
        ])
    };
    let rows = pushes.iter().map(&mut row).collect::<Value>().to_string();
    (rows, octets)
}

/// The rows of those deliveries that are wanted.
fn delivery_rows(pushes: &[(i64, &Sealed)], wanted: impl Fn(i64, &NewDelivery) -> bool) -> String {
    let mut rows = Vec::new();
    for (id, sealed) in pushes {
        let push = &sealed.push;
        let wanted = push.deliveries.iter().filter(|delivery| wanted(*id, delivery));
        rows.extend(wanted.map(|delivery| delivery_row(*id, push, delivery)));
    }
    Value::from(rows).to_string()
}

fn delivery_row(id: i64, push: &NewPush, delivery: &NewDelivery) -> Value {
    let at = push.received;
    let told = i32::from(push.notify.is_some());
    let (destination, segments, state, code, reason, notice) = match &delivery.to {
        Ok((to, segments)) => {
            (Some(row::destination(to)), *segments, State::Waiting, StatusCode::ACCEPTED, "", told)
        }
        Err(refused) => (None, 0, State::Rejected, refused.code, refused.why.as_str(), 2 * told),
    };
    json!([
        id,
        delivery.address.as_str(),
        destination,
        row::priority(push.priority),
        row::state(state),
        code.0,
        reason,
        at.as_millis(),
        push.not_before.unwrap_or(at).max(at).as_millis(),
        row::time(push.expires),
        segments,
        notice,
        &*delivery.lane,
        if push.notify.is_some() { push.initiator.as_str() } else { "" },
    ])
}

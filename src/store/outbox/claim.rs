//! Handing deliveries out, and finding those whose sender is gone.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{
    super::{
        Store,
        error::{Corrupt, Failed},
        references,
        row::Reading,
    },
    record,
    row::{self, dispatch},
};
use crate::{
    bearer::{
        Abandoned, Carriage, Claim, Claimed, Destination, Dispatch, DispatchId, Lane, LaneOf, Move, Report,
        SENT, Settled, State, Unreadable,
    },
    ident::Timestamp,
    vault::{Purpose, Vault},
    wire::pap::StatusCode,
};

/// What was handed out, with payloads that are sealed still.
pub(super) struct Rows {
    deliveries: Vec<Due>,
    payloads: BTreeMap<i64, Payload>,
    settled: Vec<Settled>,
    next: Option<Timestamp>,
}

struct Due {
    id: DispatchId,
    push: i64,
    tries: u32,
    expires: Option<Timestamp>,
    /// Without its octets; or why there is none.
    dispatch: Result<Dispatch, String>,
}

/// What all deliveries of a push share.
struct Payload {
    purpose: String,
    received: Timestamp,
    ports: i64,
    sealed: Option<Vec<u8>>,
}

/// Octets that go in one short message, whatever it is (3GPP TS 23.040, 9.2.3.24): 70 characters of UCS-2 have as many or more
/// in UTF-8, and a datagram has more room.
const ALONE: usize = 70;

/// Marks deliveries that are due as being sent, and closes what ran out of time.
pub(super) async fn due(
    tx: &mut SqliteConnection,
    owner: &str,
    lanes: &[Lane],
    now: Timestamp,
) -> Result<Rows, Failed> {
    let settled = ran_out(tx, now).await?;
    let mut deliveries = Vec::new();
    for lane in lanes.iter().filter(|lane| lane.room > 0) {
        let rows = sqlx::query(
            "UPDATE delivery SET state = 1, owner = ?1, tries = tries + 1, changed_at = ?2, leaving = ?5,
                 called_back = 0, doubled = iif(?5 AND doubled = 1, 2, doubled)
             WHERE id IN (SELECT id FROM (
                 SELECT id FROM (SELECT id FROM delivery WHERE state = 0 AND lane = ?4 AND priority = 0 AND due_at <= ?2
                                 ORDER BY due_at LIMIT ?3)
                 UNION ALL
                 SELECT id FROM (SELECT id FROM delivery WHERE state = 0 AND lane = ?4 AND priority = 1 AND due_at <= ?2
                                 ORDER BY due_at LIMIT ?3)
                 UNION ALL
                 SELECT id FROM (SELECT id FROM delivery WHERE state = 0 AND lane = ?4 AND priority = 2 AND due_at <= ?2
                                 ORDER BY due_at LIMIT ?3)
             ) LIMIT ?3)
             RETURNING id, push, destination, priority, expires_at, tries",
        );
        let rows = rows
            .bind(owner.to_owned())
            .bind(now.as_millis())
            .bind(i64::try_from(lane.room).unwrap_or(i64::MAX))
            .bind(lane.name.to_string())
            .bind(!lane.asks)
            .fetch_all(&mut *tx)
            .await?;
        for row in &rows {
            deliveries.push(delivery(row)?);
        }
    }
    deliveries.sort_by_key(|due| (due.dispatch.as_ref().ok().map(|d| d.priority), due.id));
    let payloads = if deliveries.is_empty() { BTreeMap::new() } else { payloads(tx, &deliveries).await? };
    count_references(tx, &mut deliveries, &payloads).await?;
    let next = next(tx, lanes).await?;
    Ok(Rows { deliveries, payloads, settled, next })
}

impl Rows {
    /// Opens the payloads: one for all deliveries of a push. What one of them lacks holds up no other.
    pub(super) fn open(self, vault: &Vault) -> Claim {
        let opened: BTreeMap<i64, _> =
            self.payloads.iter().map(|(id, payload)| (*id, payload.open(vault))).collect();
        let (mut dispatches, mut unreadable) = (Vec::new(), Vec::new());
        for Due { id, push, tries, expires, dispatch } in self.deliveries {
            // Without its row it will never be readable: no time is left to try.
            let received = self.payloads.get(&push).map_or(Timestamp::from_millis(0), |p| p.received);
            let missing = || Err("its row in `push` is missing".to_owned());
            let whole = dispatch.and_then(|dispatch| {
                let (octets, carriage) = opened.get(&push).cloned().unwrap_or_else(missing)?;
                Ok(Dispatch { octets, carriage, ..dispatch })
            });
            match whole {
                Ok(dispatch) => dispatches.push(Claimed { dispatch, tries, received }),
                Err(why) => unreadable.push(Unreadable { id, tries, received, expires, why }),
            }
        }
        Claim { dispatches, unreadable, settled: self.settled, next: self.next }
    }
}

impl Payload {
    fn open(&self, vault: &Vault) -> Result<(Arc<[u8]>, Carriage), String> {
        let corrupt = |column| Corrupt { table: "push", column }.to_string();
        let purpose = Purpose { kind: "push", of: &self.purpose };
        let sealed = self.sealed.as_ref().ok_or_else(|| corrupt("octets"))?;
        let octets = vault.open(purpose, sealed).map_err(|error| error.to_string())?;
        Ok((Arc::from(octets.as_slice()), row::read_carriage(self.ports).ok_or_else(|| corrupt("ports"))?))
    }
}

/// Deliveries whose sender is gone: those of which nothing had left wait again, those that the network has whole are waiting
/// for receipts, of the others nobody knows.
pub(super) async fn abandoned(
    tx: &mut SqliteConnection,
    store: &Store,
    receipts_until: Timestamp,
    now: Timestamp,
) -> Result<Abandoned, Failed> {
    let rows = sqlx::query(
        "SELECT id, owner, leaving, segments, (SELECT count(*) FROM message WHERE message.delivery = delivery.id) AS named
         FROM delivery WHERE state = 1 ORDER BY id",
    );
    let rows = rows.fetch_all(&mut *tx).await?;
    store.owner.sweep();
    let mut lives: BTreeMap<String, bool> = BTreeMap::new();
    let (mut whole, mut taken, mut unclear) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let r = Reading { table: "delivery", row };
        let owner: Option<String> = r.plain("owner")?;
        let alive = |token: String| *lives.entry(token).or_insert_with_key(|token| store.owner.lives(token));
        if owner.is_some_and(alive) {
            continue;
        }
        let (segments, named): (i64, i64) = (r.plain("segments")?, r.plain("named")?);
        let id = dispatch(&r)?;
        match r.plain("leaving")? {
            false => whole.push(id),
            true if named >= segments => taken.push(id),
            true => unclear.push(id),
        }
    }
    let sent = |id| Move {
        id,
        from: &[State::Sending],
        to: State::Sent,
        code: StatusCode::ACCEPTED,
        desc: SENT.to_owned(),
        due: Some(receipts_until),
        segments: None,
        again: false,
    };
    let waiting = |id| Move { to: State::Waiting, desc: String::new(), due: Some(now), ..sent(id) };
    let moves = taken.into_iter().map(sent).chain(whole.into_iter().map(waiting));
    // Receipts may have come before.
    let settled = record::reports(tx, &moves.map(Report::Move).collect::<Vec<_>>(), now).await?;
    Ok(Abandoned { unclear, settled })
}

/// What is wrong with one delivery holds up no other.
fn delivery(row: &sqlx::sqlite::SqliteRow) -> Result<Due, Failed> {
    let r = Reading { table: "delivery", row };
    let (id, expires, tries): (_, _, i64) = (dispatch(&r)?, r.maybe_time("expires_at")?, r.plain("tries")?);
    let destination: Option<String> = r.plain("destination")?;
    let destination = destination.and_then(|text| row::read_destination(&text));
    let priority = row::read_priority(r.plain("priority")?);
    let dispatch = match (destination, priority) {
        (Some(destination), Some(priority)) => Ok(Dispatch {
            id,
            destination,
            // What its push says comes with the octets.
            carriage: Carriage::Text,
            octets: Arc::from([]),
            expires,
            priority,
            reference: None,
        }),
        (None, _) => Err(r.corrupt("destination").to_string()),
        (_, None) => Err(r.corrupt("priority").to_string()),
    };
    let tries = u32::try_from(tries.saturating_sub(1)).unwrap_or(0);
    Ok(Due { id, push: r.plain("push")?, tries, expires, dispatch })
}

/// Counts a reference for each delivery that may go in several short messages, whichever link it goes over.
async fn count_references(
    tx: &mut SqliteConnection,
    deliveries: &mut [Due],
    payloads: &BTreeMap<i64, Payload>,
) -> Result<(), Failed> {
    let sealed = |push| payloads.get(&push).and_then(|payload| payload.sealed.as_ref()).map_or(0, Vec::len);
    let mut long: Vec<&mut Dispatch> = deliveries
        .iter_mut()
        .filter(|due| sealed(due.push) > ALONE + Vault::OVERHEAD)
        .filter_map(|due| due.dispatch.as_mut().ok())
        .filter(|dispatch| matches!(dispatch.destination, Destination::Msisdn(_)))
        .collect();
    if long.is_empty() {
        return Ok(());
    }
    let to: Vec<&Destination> = long.iter().map(|dispatch| &dispatch.destination).collect();
    let counted = references::count(tx, &to).await?;
    for (dispatch, reference) in long.iter_mut().zip(counted) {
        dispatch.reference = Some(reference);
    }
    Ok(())
}

async fn payloads(tx: &mut SqliteConnection, rows: &[Due]) -> Result<BTreeMap<i64, Payload>, Failed> {
    let mut ids: Vec<i64> = rows.iter().map(|row| row.push).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = sqlx::query(
        "SELECT id, initiator, push_id, received_at, ports, octets FROM push WHERE id IN (SELECT value FROM json_each(?))",
    );
    let found = found.bind(Value::from(ids).to_string()).fetch_all(tx).await?;
    let payload = |row| {
        let r = Reading { table: "push", row };
        let (initiator, push_id): (&str, &str) = (r.plain("initiator")?, r.plain("push_id")?);
        let payload = Payload {
            purpose: super::purpose(initiator, push_id),
            received: r.time("received_at")?,
            ports: r.plain("ports")?,
            sealed: r.plain("octets")?,
        };
        Ok((r.plain("id")?, payload))
    };
    found.iter().map(payload).collect()
}

/// Closes deliveries whose time is over: those that were not sent, and those whose receipts never came.
async fn ran_out(tx: &mut SqliteConnection, now: Timestamp) -> Result<Vec<Settled>, Failed> {
    let late =
        sqlx::query("SELECT id FROM delivery WHERE state = 0 AND expires_at IS NOT NULL AND expires_at <= ?");
    let late = late.bind(now.as_millis()).fetch_all(&mut *tx).await?;
    let silent = sqlx::query("SELECT id FROM delivery WHERE state = 2 AND due_at <= ?");
    let silent = silent.bind(now.as_millis()).fetch_all(&mut *tx).await?;
    if late.is_empty() && silent.is_empty() {
        return Ok(Vec::new());
    }
    let mut moves = Vec::new();
    for row in &late {
        let id = dispatch(&Reading { table: "delivery", row })?;
        moves.push(Move {
            id,
            from: &[State::Waiting],
            to: State::Expired,
            code: StatusCode::SERVICE_FAILURE,
            desc: "its time ran out before it could be sent".to_owned(),
            due: None,
            segments: None,
            again: false,
        });
    }
    for row in &silent {
        let id = dispatch(&Reading { table: "delivery", row })?;
        moves.push(Move {
            id,
            from: &[State::Sent],
            to: State::Unknown,
            code: StatusCode::SERVICE_FAILURE,
            desc: "the network took it and never said what became of it".to_owned(),
            due: None,
            segments: None,
            again: false,
        });
    }
    record::moves(tx, &moves, now).await
}

/// When there will be something to do for these lanes.
async fn next(tx: &mut SqliteConnection, lanes: &[Lane]) -> Result<Option<Timestamp>, Failed> {
    let names: Value = lanes.iter().map(|lane| &*lane.name).collect();
    let row = sqlx::query(
        "SELECT min(at) AS at FROM (
             SELECT min((SELECT min(due_at) FROM delivery WHERE state = 0 AND lane = name.value AND priority = urgency.value))
                 AS at FROM json_each(?) AS name, json_each('[0, 1, 2]') AS urgency
             UNION ALL SELECT min(expires_at) FROM delivery WHERE state = 0 AND expires_at IS NOT NULL
             UNION ALL SELECT min(due_at) FROM delivery WHERE state = 2)",
    );
    let row = row.bind(names.to_string()).fetch_one(tx).await?;
    Ok(row.try_get::<Option<i64>, _>("at")?.map(Timestamp::from_millis))
}

/// Deliveries that wait in another lane than `lane` says, with the one that it says.
pub(super) async fn misplaced(
    readers: &SqlitePool,
    lane: LaneOf<'_>,
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
        if *right != *kept {
            wrong.push((id, right));
        }
    }
    Ok(wrong)
}

/// Puts deliveries into these lanes.
pub(super) async fn place(tx: &mut SqliteConnection, lanes: &[(i64, Arc<str>)]) -> Result<(), Failed> {
    let rows: Value = lanes.iter().map(|(id, lane)| json!([id, &**lane])).collect();
    let update = sqlx::query(
        "UPDATE delivery SET lane = place.lane FROM (SELECT value ->> 0 AS id, value ->> 1 AS lane FROM json_each(?)) AS place
         WHERE delivery.id = place.id",
    );
    update.bind(rows.to_string()).execute(tx).await?;
    Ok(())
}

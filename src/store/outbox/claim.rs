//! Handing deliveries out, and finding those whose sender is gone.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use sqlx::SqliteConnection;

use super::{
    super::{
        Store,
        error::{Corrupt, Failed},
        references,
        row::Reading,
    },
    ahead::Ahead,
    record,
    row::{self, dispatch},
};
use crate::{
    bearer::{
        Abandoned, Carriage, Claim, Claimed, Destination, Dispatch, DispatchId, Lane, Move, Report, SENT,
        Settled, State, Unreadable, silence,
    },
    ident::Timestamp,
    vault::{Purpose, Vault},
    wire::{
        pap::StatusCode,
        wdp::{self, Width},
    },
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

/// Octets of a text that goes in one short message, whatever it is (3GPP TS 23.040, 9.2.3.24): 70 characters of UCS-2 have as
/// many or more in UTF-8.
const ALONE: usize = 70;

/// Marks deliveries that are due as being sent, and closes what ran out of time. Asked for often, and seldom with nothing to
/// do: that is to cost one statement.
pub(super) async fn due(
    tx: &mut SqliteConnection,
    owner: &str,
    lanes: &[Lane],
    now: Timestamp,
) -> Result<Rows, Failed> {
    let mut ahead = Ahead::look(tx, lanes).await?;
    let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    let mut settled = Vec::new();
    if is_due(ahead.other) {
        settled = ran_out(tx, now).await?;
        ahead = Ahead::look(tx, lanes).await?;
    }
    let mut deliveries = Vec::new();
    for (lane, at) in lanes.iter().zip(&ahead.lanes) {
        if lane.room == 0 || !is_due(*at) {
            continue;
        }
        // The sign: SQLite prepares a statement with a plain `LIMIT ?` anew whenever that is bound, which costs more than
        // this does for a dozen rows.
        let rows = sqlx::query(
            "UPDATE delivery SET state = 1, owner = ?1, tries = tries + 1, changed_at = ?2, leaving = ?5,
                 called_back = 0, doubled = iif(?5 AND doubled = 1, 2, doubled)
             WHERE id IN (SELECT id FROM (
                 SELECT id FROM (SELECT id FROM delivery WHERE state = 0 AND lane = ?4 AND priority = 0 AND due_at <= ?2
                                 ORDER BY due_at LIMIT +?3)
                 UNION ALL
                 SELECT id FROM (SELECT id FROM delivery WHERE state = 0 AND lane = ?4 AND priority = 1 AND due_at <= ?2
                                 ORDER BY due_at LIMIT +?3)
                 UNION ALL
                 SELECT id FROM (SELECT id FROM delivery WHERE state = 0 AND lane = ?4 AND priority = 2 AND due_at <= ?2
                                 ORDER BY due_at LIMIT +?3)
             ) LIMIT +?3)
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
    if deliveries.is_empty() {
        return Ok(Rows { deliveries, payloads: BTreeMap::new(), settled, next: ahead.next() });
    }
    deliveries.sort_by_key(|due| (due.dispatch.as_ref().ok().map(|d| d.priority), due.id));
    let payloads = payloads(tx, &deliveries).await?;
    count_references(tx, &mut deliveries, &payloads).await?;
    let next = Ahead::look(tx, lanes).await?.next();
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
    /// Whether it may go in several short messages. All links cut datagrams in one way; how many a text takes says the text
    /// alone, which is sealed here.
    fn may_be_cut(&self) -> bool {
        let octets = self.sealed.as_ref().map_or(0, Vec::len).saturating_sub(Vault::OVERHEAD);
        match row::read_carriage(self.ports) {
            Some(Carriage::Datagram(ports)) => wdp::count(ports, Width::Long, octets) > 1,
            Some(Carriage::Text) | None => octets > ALONE,
        }
    }

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
    let mut long: Vec<&mut Dispatch> = deliveries
        .iter_mut()
        .filter(|due| payloads.get(&due.push).is_some_and(Payload::may_be_cut))
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
    let silent = sqlx::query(
        "SELECT id, EXISTS (SELECT 1 FROM message WHERE message.delivery = delivery.id AND receipt = 6) AS accepted
         FROM delivery WHERE state = 2 AND due_at <= ?",
    );
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
        let r = Reading { table: "delivery", row };
        let (id, accepted) = (dispatch(&r)?, r.plain("accepted")?);
        moves.push(Move {
            id,
            from: &[State::Sent],
            to: State::Unknown,
            code: StatusCode::SERVICE_FAILURE,
            desc: silence(accepted).to_owned(),
            due: None,
            segments: None,
            again: false,
        });
    }
    record::moves(tx, &moves, now).await
}

//! Taking down what became of deliveries.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection};

use super::{
    super::row::Reading,
    Failed,
    row::{self, dispatch, number},
};
use crate::{
    bearer::{Move, Receipt, ReceiptState, Report, Settled, State, add_up},
    ident::Timestamp,
    wire::pap::StatusCode,
};

/// States that a receipt can still change.
const OPEN: &[State] = &[State::Sent, State::Unknown];

/// Takes them down in steps: what leaves, names of segments, changes of state, receipts. What the receipts of a delivery come to
/// is looked at last, so that it does not matter whether a receipt or the word that all is sent came first.
pub(super) async fn reports(
    tx: &mut SqliteConnection,
    reports: &[Report],
    now: Timestamp,
) -> Result<Vec<Settled>, Failed> {
    let (mut leaving, mut stayed) = (BTreeMap::new(), Vec::new());
    let (mut names, mut counts) = (Vec::new(), BTreeMap::new());
    let mut changes = Vec::new();
    let mut receipts: Vec<&Receipt> = Vec::new();
    // Receipts that stand before the word that another segment has their name from now on.
    let mut before: Vec<&Receipt> = Vec::new();
    for report in reports {
        match report {
            Report::Leaving(asking) => drop(leaving.insert(number(asking.id), asking.turn)),
            Report::Stayed(asking) => stayed.push(json!([number(asking.id), asking.turn])),
            Report::Submitted { id, segment, message, of, left } => {
                names.push(json!([&*message.smsc, message.id, number(*id), segment, left.as_millis()]));
                counts.insert(number(*id), *of);
                before.extend(receipts.extract_if(.., |receipt| receipt.message == *message));
            }
            Report::Move(change) => changes.push(change.clone()),
            Report::Receipt(receipt) => receipts.push(receipt),
        }
    }
    if !leaving.is_empty() {
        // What was handed to a way that does not ask (1) may have left there, whatever another one says.
        let mark = sqlx::query(
            "UPDATE delivery SET leaving = asked.turn, doubled = iif(doubled = 1, 2, doubled)
             FROM (SELECT value ->> 0 AS id, value ->> 1 AS turn FROM jsonb_each(?)) AS asked
             WHERE delivery.id = asked.id AND delivery.state = 1 AND delivery.leaving <> 1",
        );
        let asked: Value = leaving.into_iter().map(|(id, turn)| json!([id, turn])).collect();
        mark.bind(asked.to_string()).execute(&mut *tx).await?;
    }
    if !stayed.is_empty() {
        // After all questions: one that another link has asked meanwhile stands.
        let clear = sqlx::query(
            "UPDATE delivery SET leaving = 0
             FROM (SELECT value ->> 0 AS id, value ->> 1 AS turn FROM jsonb_each(?)) AS asked
             WHERE delivery.id = asked.id AND delivery.state = 1 AND delivery.leaving = asked.turn",
        );
        clear.bind(Value::from(stayed).to_string()).execute(&mut *tx).await?;
    }
    let mut settled = add_up_receipts(tx, &before, Vec::new(), now).await?;
    if !names.is_empty() {
        // An SMSC may begin its numbers anew: the younger segment has the name, and a receipt that nobody owned is for it only
        // when it came after it had left. (`noted_at` of a segment says when that was.)
        let insert = sqlx::query(
            "INSERT INTO message (smsc, id, delivery, segment, noted_at)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM jsonb_each(?) WHERE true
             ON CONFLICT (smsc, id) DO UPDATE SET delivery = excluded.delivery, segment = excluded.segment,
                 receipt = iif(message.delivery IS NULL AND message.noted_at >= excluded.noted_at, message.receipt, NULL),
                 noted_at = excluded.noted_at",
        );
        insert.bind(Value::from(names).to_string()).execute(&mut *tx).await?;
        // The link that admitted it may cut it otherwise than the one that sends it.
        let count = sqlx::query(
            "UPDATE delivery SET segments = cut.segments
             FROM (SELECT value ->> 0 AS id, value ->> 1 AS segments FROM jsonb_each(?)) AS cut
             WHERE delivery.id = cut.id AND delivery.segments <> cut.segments",
        );
        let cut: Value = counts.into_iter().map(|(id, of)| json!([id, of])).collect();
        count.bind(cut.to_string()).execute(&mut *tx).await?;
    }
    settled.extend(moves(tx, &changes, now).await?);
    let sent = changes.iter().filter(|c| c.to == State::Sent).map(|c| number(c.id)).collect();
    settled.extend(add_up_receipts(tx, &receipts, sent, now).await?);
    Ok(settled)
}

/// Writes receipts, and ends the deliveries, `touched` among them, of which all is known now.
async fn add_up_receipts(
    tx: &mut SqliteConnection,
    receipts: &[&Receipt],
    mut touched: Vec<i64>,
    now: Timestamp,
) -> Result<Vec<Settled>, Failed> {
    touched.extend(note(tx, receipts).await?);
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    touched.sort_unstable();
    touched.dedup();
    let ends = ends(tx, touched).await?;
    moves(tx, &ends, now).await
}

/// Changes states, and gives back what came to its end.
pub(super) async fn moves(
    tx: &mut SqliteConnection,
    moves: &[Move],
    now: Timestamp,
) -> Result<Vec<Settled>, Failed> {
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    // What is sent again gets new names, and receipts for the old ones say nothing of it.
    let again: Vec<i64> = moves.iter().filter(|m| m.to == State::Waiting).map(|m| number(m.id)).collect();
    if !again.is_empty() {
        let forget = sqlx::query("DELETE FROM message WHERE delivery IN (SELECT value FROM json_each(?))");
        forget.bind(Value::from(again).to_string()).execute(&mut *tx).await?;
    }
    let changes = move_rows(moves, now);
    let update = sqlx::query(
        "UPDATE delivery SET
             state = iif(doubled > 0 AND change.to_state IN (4, 5, 6), 7, change.to_state),
             code = iif(doubled > 0 AND change.to_state IN (4, 5, 6), ?3, change.code),
             reason = change.reason, changed_at = ?2, due_at = change.due,
             segments = coalesce(change.segments, delivery.segments), doubled = max(doubled, change.again), owner = NULL,
             leaving = 0, called_back = 0,
             tries = iif(change.to_state > 2, 0, tries),
             notice = iif(change.to_state > 2 AND notice > 0, 2, notice)
         FROM (SELECT value ->> 0 AS id, value ->> 1 AS mask, value ->> 2 AS to_state, value ->> 3 AS code,
                      value ->> 4 AS reason, value ->> 5 AS due, value ->> 6 AS segments, value ->> 7 AS again FROM jsonb_each(?1)) AS change
         WHERE delivery.id = change.id AND (1 << state) & change.mask
         RETURNING id, push, address, state, code, reason, changed_at, doubled,
             iif(state > 2, (SELECT initiator FROM push WHERE push.id = push), NULL) AS initiator,
             iif(state > 2, (SELECT push_id FROM push WHERE push.id = push), NULL) AS push_id",
    );
    // What may have arrived is not said to have ended otherwise.
    let rows = update.bind(changes).bind(now.as_millis()).bind(StatusCode::SERVICE_FAILURE.0);
    let rows = rows.fetch_all(&mut *tx).await?;
    let mut settled = Vec::new();
    let mut pushes = Vec::new();
    for row in &rows {
        if row.try_get::<i64, _>("state")? > 2 {
            settled.push(row::settled(row)?);
            pushes.push(row.try_get::<i64, _>("push")?);
        }
    }
    forget_octets(tx, pushes).await?;
    Ok(settled)
}

/// Forgets the octets of those of these pushes that have ended for all addresses: no state leads back from there, and they
/// hold credentials or a PIN.
pub(super) async fn forget_octets(tx: &mut SqliteConnection, mut pushes: Vec<i64>) -> Result<(), Failed> {
    if pushes.is_empty() {
        return Ok(());
    }
    pushes.sort_unstable();
    pushes.dedup();
    let forget = sqlx::query(
        "UPDATE push SET octets = NULL WHERE id IN (SELECT value FROM json_each(?)) AND octets IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.push = push.id AND state < 3)",
    );
    forget.bind(Value::from(pushes).to_string()).execute(tx).await?;
    Ok(())
}

fn move_rows(moves: &[Move], now: Timestamp) -> String {
    let row = |change: &Move| {
        let from = change.from.iter().fold(0, |mask, state| mask | 1 << row::state(*state));
        json!([
            number(change.id),
            from,
            row::state(change.to),
            change.code.0,
            change.desc,
            change.due.unwrap_or(now).as_millis(),
            change.segments,
            i32::from(change.again),
        ])
    };
    moves.iter().map(row).collect::<Value>().to_string()
}

/// Writes receipts to their segments; the deliveries of which more is known now. A receipt that says the end stands; one
/// that comes late, or twice, changes nothing (`MessageState::counts_after`). Of a name that nobody has, the last end is kept:
/// it may be of another message than the one before.
async fn note(tx: &mut SqliteConnection, receipts: &[&Receipt]) -> Result<Vec<i64>, Failed> {
    if receipts.is_empty() {
        return Ok(Vec::new());
    }
    let said = receipts
        .iter()
        .map(|r| json!([&*r.message.smsc, r.message.id, code(r.state), r.at.as_millis()]))
        .collect::<Value>();
    let update = sqlx::query(
        "INSERT INTO message (smsc, id, receipt, noted_at)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(?) WHERE true
         ON CONFLICT (smsc, id) DO UPDATE SET
             receipt = excluded.receipt, noted_at = iif(delivery IS NULL, excluded.noted_at, noted_at)
             WHERE message.receipt IS NULL OR (message.receipt IN (1, 6, 7) AND excluded.receipt <> 1)
                 OR (delivery IS NULL AND excluded.receipt NOT IN (1, 6, 7))
         RETURNING delivery",
    );
    let rows = update.bind(said.to_string()).fetch_all(tx).await?;
    let deliveries = rows.iter().map(|row| row.try_get::<Option<i64>, _>("delivery"));
    Ok(deliveries.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The deliveries among `touched` whose receipts say the end.
async fn ends(tx: &mut SqliteConnection, touched: Vec<i64>) -> Result<Vec<Move>, Failed> {
    let rows = sqlx::query(
        "SELECT id, segments, (SELECT group_concat(segment || ':' || receipt) FROM message WHERE message.delivery = delivery.id) AS receipts
         FROM delivery WHERE id IN (SELECT value FROM json_each(?)) AND state IN (2, 7)",
    );
    let rows = rows.bind(Value::from(touched).to_string()).fetch_all(tx).await?;
    let mut ends = Vec::new();
    for row in &rows {
        let r = Reading { table: "delivery", row };
        let receipts: Option<String> = r.plain("receipts")?;
        let receipts: Vec<(u8, ReceiptState)> = receipts
            .iter()
            .flat_map(|all| all.split(','))
            .filter_map(|one| {
                let (segment, code) = one.split_once(':')?;
                Some((segment.parse().ok()?, read_code(code.parse().ok()?)?))
            })
            .collect();
        if let Some((to, code, desc)) = add_up(&receipts, r.plain("segments")?) {
            let id = dispatch(&r)?;
            ends.push(Move { id, from: OPEN, to, code, desc, due: None, segments: None, again: false });
        }
    }
    Ok(ends)
}

/// As SMPP numbers them (SMPP 3.4, 5.2.28).
fn code(state: ReceiptState) -> i64 {
    match state {
        ReceiptState::Enroute => 1,
        ReceiptState::Delivered => 2,
        ReceiptState::Expired => 3,
        ReceiptState::Deleted => 4,
        ReceiptState::Undeliverable => 5,
        ReceiptState::Accepted => 6,
        ReceiptState::Unknown => 7,
        ReceiptState::Rejected => 8,
    }
}

fn read_code(number: i64) -> Option<ReceiptState> {
    Some(match number {
        1 => ReceiptState::Enroute,
        2 => ReceiptState::Delivered,
        3 => ReceiptState::Expired,
        4 => ReceiptState::Deleted,
        5 => ReceiptState::Undeliverable,
        6 => ReceiptState::Accepted,
        7 => ReceiptState::Unknown,
        8 => ReceiptState::Rejected,
        _ => return None,
    })
}

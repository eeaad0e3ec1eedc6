//! What stands in columns, and reading one push.

use sqlx::{SqlitePool, sqlite::SqliteRow};

use super::{super::row::Reading, Failed};
use crate::{
    bearer::{
        Carriage, Delivery, Destination, DispatchId, Doubt, InitiatorName, Kept, Settled, Stage, Standing,
        State,
    },
    ident::Timestamp,
    wire::{
        pap::{Address, Priority, PushId, StatusCode, Version},
        smpp::MessageState,
        wdp::Ports,
    },
};

/// Bit 33 of the column of ports.
const TEXT: i64 = 2;

/// One push, from a connection that reads.
pub(super) async fn find(
    readers: &SqlitePool,
    initiator: &InitiatorName,
    id: &PushId,
) -> Result<Option<Kept>, Failed> {
    let rows = sqlx::query(
        "SELECT push.received_at, delivery.id, address, state, code, reason, changed_at, doubled, due_at, tries, segments,
                iif(state IN (1, 2), (SELECT count(*) FROM message WHERE message.delivery = delivery.id), 0) AS taken,
                iif(state IN (1, 2), (SELECT count(*) FROM message WHERE message.delivery = delivery.id AND receipt = ?), 0)
                    AS delivered
         FROM push JOIN delivery ON delivery.push = push.id
         WHERE initiator = ? AND push_id = ? ORDER BY delivery.id",
    );
    let rows =
        rows.bind(i64::from(MessageState::Delivered.octet())).bind(initiator.as_str()).bind(id.as_str());
    let rows = rows.fetch_all(readers).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let received = Reading { table: "push", row: first }.time("received_at")?;
    let staged = |row| {
        let delivery = delivery(row)?;
        Ok(Delivery { stage: stage(row, delivery.standing.state)?, ..delivery })
    };
    Ok(Some(Kept { received, deliveries: rows.iter().map(staged).collect::<Result<_, Failed>>()? }))
}

/// How far a delivery is, of the columns due_at, tries, segments, taken and delivered.
fn stage(row: &SqliteRow, state: State) -> Result<Option<Stage>, Failed> {
    let r = Reading { table: "delivery", row };
    Ok(match state {
        State::Waiting => {
            let tries: i64 = r.plain("tries")?;
            Some(Stage::Waits { due: r.time("due_at")?, tried: tries > 0 })
        }
        State::Sending | State::Sent => Some(Stage::Leaves {
            taken: r.plain("taken")?,
            delivered: r.plain("delivered")?,
            of: r.plain("segments")?,
        }),
        _ => None,
    })
}

/// A delivery of the columns id, address, state, code, reason, changed_at and doubled.
pub(super) fn delivery(row: &SqliteRow) -> Result<Delivery, Failed> {
    let r = Reading { table: "delivery", row };
    Ok(Delivery {
        id: dispatch(&r)?,
        address: address(row)?,
        standing: Standing {
            state: read_state(r.plain("state")?).ok_or_else(|| r.corrupt("state"))?,
            code: StatusCode(r.plain("code")?),
            desc: Standing::words(r.plain("reason")?, doubt(r.plain("doubled")?)),
            at: r.time("changed_at")?,
        },
        stage: None,
    })
}

/// The address of a delivery.
pub(super) fn address(row: &SqliteRow) -> Result<Address, Failed> {
    let r = Reading { table: "delivery", row };
    Address::as_it_came(r.plain("address")?).map_err(|_| r.corrupt("address"))
}

/// A delivery with the columns initiator and push_id besides.
pub(super) fn settled(row: &SqliteRow) -> Result<Settled, Failed> {
    let r = Reading { table: "push", row };
    Ok(Settled { initiator: r.text("initiator")?, push_id: r.text("push_id")?, delivery: delivery(row)? })
}

pub(super) fn dispatch(r: &Reading<'_>) -> Result<DispatchId, Failed> {
    let id: i64 = r.plain("id")?;
    u64::try_from(id).map(DispatchId).map_err(|_| r.corrupt("id"))
}

pub(super) fn number(id: DispatchId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

fn doubt(number: i64) -> Doubt {
    match number {
        0 => Doubt::None,
        1 => Doubt::Once,
        _ => Doubt::Twice,
    }
}

pub(super) fn state(state: State) -> i64 {
    state as i64
}

pub(super) fn read_state(number: i64) -> Option<State> {
    State::ALL.into_iter().find(|s| state(*s) == number)
}

pub(super) fn priority(of: Priority) -> i64 {
    of as i64
}

pub(super) fn read_priority(number: i64) -> Option<Priority> {
    Priority::ALL.iter().copied().find(|p| priority(*p) == number)
}

pub(super) fn version(version: Version) -> i64 {
    match version {
        Version::V1_0 => 10,
        Version::V2_0 => 20,
        Version::V2_1 => 21,
    }
}

pub(super) fn read_version(number: i64) -> Option<Version> {
    Version::ALL.into_iter().find(|v| version(*v) == number)
}

/// Destination and originator, 16 bits each; bit 32 says that the wire has 8 bits for each, bit 33 that there are none
/// because the octets are text.
pub(super) fn carriage(carriage: Carriage) -> i64 {
    match carriage {
        Carriage::Text => TEXT << 32,
        Carriage::Datagram(Ports::Wide { destination, originator }) => {
            i64::from(destination) << 16 | i64::from(originator)
        }
        Carriage::Datagram(Ports::Narrow { destination, originator }) => {
            1 << 32 | i64::from(destination) << 16 | i64::from(originator)
        }
    }
}

pub(super) fn read_carriage(number: i64) -> Option<Carriage> {
    let destination = u16::try_from(number >> 16 & 0xFFFF).ok()?;
    let originator = u16::try_from(number & 0xFFFF).ok()?;
    Some(Carriage::Datagram(match number >> 32 {
        TEXT => return Some(Carriage::Text),
        0 => Ports::Wide { destination, originator },
        _ => Ports::Narrow {
            destination: destination.try_into().ok()?,
            originator: originator.try_into().ok()?,
        },
    }))
}

pub(super) fn destination(destination: &Destination) -> String {
    match destination {
        Destination::Msisdn(number) => number.digits().to_owned(),
        Destination::Ip(address) => address.to_string(),
    }
}

/// Digits alone are a telephone number: every IP address has a point or a colon.
pub(super) fn read_destination(text: &str) -> Option<Destination> {
    match text.parse() {
        Ok(address) => Some(Destination::Ip(address)),
        Err(_) => text.parse().ok().map(Destination::Msisdn),
    }
}

pub(super) fn time(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

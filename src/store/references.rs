//! References of datagrams, counted for all processes on one database: gateways and those who push without one. A gateway
//! has them with the deliveries that it claims, so that they cost no transaction of their own.
//!
//! `next` has 16 bits; earlier versions wrote 8, which are the low ones of the same count.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::{Row as _, SqliteConnection};

use super::{Store, error::Failed};
use crate::bearer::{Destination, OutboxError, ReferenceCounter};

#[async_trait]
impl ReferenceCounter for Store {
    async fn next(&self, to: &Destination, first: u16) -> Result<u16, OutboxError> {
        let counted = async {
            let mut tx = self.begin().await?;
            let count = sqlx::query_scalar(
                "INSERT INTO datagram_reference (bucket, next) VALUES (?, (? + 1) & 65535)
                 ON CONFLICT (bucket) DO UPDATE SET next = (next + 1) & 65535 RETURNING (next + 65535) & 65535",
            );
            let taken: u16 = count.bind(bucket(to)).bind(first).fetch_one(&mut *tx).await?;
            tx.commit().await?;
            Ok::<_, Failed>(taken)
        };
        counted.await.map_err(|source| OutboxError { doing: "written", source: Arc::new(source) })
    }
}

/// The next reference for each of these destinations, one of which may stand there several times; drawn at random for one
/// that had none before.
pub(super) async fn count(
    tx: &mut SqliteConnection,
    destinations: &[&Destination],
) -> Result<Vec<u16>, Failed> {
    let buckets: Vec<i64> = destinations.iter().map(|to| bucket(to)).collect();
    let rows = sqlx::query(
        "INSERT INTO datagram_reference (bucket, next) SELECT value, random() & 65535 FROM json_each(?) WHERE true
         ON CONFLICT (bucket) DO UPDATE SET next = (next + 1) & 65535
         RETURNING bucket, (next + 65535) & 65535 AS taken",
    );
    let rows = rows.bind(buckets.iter().copied().collect::<Value>().to_string()).fetch_all(tx).await?;
    let mut taken: HashMap<i64, Vec<u16>> = HashMap::new();
    for row in &rows {
        taken.entry(row.try_get("bucket")?).or_default().push(row.try_get("taken")?);
    }
    // Which of several for one bucket comes first does not matter.
    let mut next = |bucket| taken.get_mut(bucket).and_then(Vec::pop);
    Ok(buckets.iter().filter_map(&mut next).collect())
}

/// The row of a destination. Others may share it: then its references only come round sooner.
fn bucket(to: &Destination) -> i64 {
    let text = match to {
        Destination::Msisdn(number) => number.digits().to_owned(),
        Destination::Ip(address) => address.to_string(),
    };
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(2).fold(0, |sum, octet| sum << 8 | i64::from(*octet))
}

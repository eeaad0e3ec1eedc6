//! References of datagrams, counted for all processes on one database.

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use super::{Store, error::Failed};
use crate::bearer::{Destination, OutboxError, ReferenceCounter};

#[async_trait]
impl ReferenceCounter for Store {
    async fn next(&self, to: &Destination, first: u8) -> Result<u8, OutboxError> {
        let counted = async {
            let mut tx = self.begin().await?;
            let count = sqlx::query_scalar(
                "INSERT INTO datagram_reference (bucket, next) VALUES (?, (? + 1) & 255)
                 ON CONFLICT (bucket) DO UPDATE SET next = (next + 1) & 255 RETURNING (next + 255) & 255",
            );
            let taken: u8 = count.bind(bucket(to)).bind(first).fetch_one(&mut *tx).await?;
            tx.commit().await?;
            Ok::<_, Failed>(taken)
        };
        counted.await.map_err(|source| OutboxError { doing: "written", source: Arc::new(source) })
    }
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

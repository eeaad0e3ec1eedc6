//! References that are counted for all on one database.

use super::open;
use crate::bearer::{Destination, ReferenceCounter as _};

/// Two processes never give one twice to the same device, until all were given.
#[tokio::test]
async fn all_who_share_a_database_count_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bootgate.db");
    let stores = [open(&path).await, open(&path).await];
    let to = Destination::Msisdn("491711234567".parse().unwrap());
    for n in 0..300u16 {
        // Only the first of all is drawn.
        let drawn = if n == 0 { 250 } else { 7 };
        let taken = stores[usize::from(n % 2)].next(&to, drawn).await.unwrap();
        assert_eq!(u16::from(taken), (250 + n) % 256);
    }
    let other = Destination::Msisdn("491711234568".parse().unwrap());
    assert_eq!(stores[0].next(&other, 9).await.unwrap(), 9);
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT * FROM datagram_reference").fetch_all(&stores[0].readers).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|(bucket, next)| *bucket < 0x1_0000 && *next < 0x100), "{rows:?}");
}

//! References that are counted for all on one database.

use std::{collections::BTreeSet, sync::Arc};

use super::{at, open, outbox};
use crate::bearer::{Carriage, Destination, Lane, NewPush, Outbox, ReferenceCounter as _};

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
        assert_eq!(taken, 250 + n);
    }
    let other = Destination::Msisdn("491711234568".parse().unwrap());
    assert_eq!(stores[0].next(&other, 9).await.unwrap(), 9);
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT * FROM datagram_reference").fetch_all(&stores[0].readers).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|(bucket, next)| *bucket < 0x1_0000 && *next < 0x1_0000), "{rows:?}");
}

/// Gateways, one after the other or at the same time, and one who pushes without a gateway: none uses a reference that may
/// be under way to the same device still. What goes in one message needs none.
#[tokio::test]
async fn gateways_on_one_database_have_references_with_what_they_claim() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (outbox::open(folder.path()).await, outbox::open(folder.path()).await);
    let store = open(&folder.path().join("jobs.db")).await;
    let long =
        |id: &str, numbers: &[&str]| NewPush { octets: Arc::from([7; 134]), ..outbox::push(id, numbers) };
    let one = "491711234567";
    let mut used = Vec::new();
    for n in 0..50 {
        // The same device twice in one push, and another between.
        first.accept(long(&format!("{n}"), &[one, "491711234568", one])).await.unwrap();
        // Each is started anew, as after an end.
        let third = outbox::open(folder.path()).await;
        let gateway: &dyn Outbox = [&first, &second, &third][n % 3];
        let claim = gateway.claim(&[Lane::only(9)], at(1)).await.unwrap();
        assert_eq!(claim.dispatches.len(), 3);
        let to = Destination::Msisdn(one.parse().unwrap());
        let own = claim.dispatches.iter().filter(|c| c.dispatch.destination == to);
        used.extend(own.map(|claimed| claimed.dispatch.reference.unwrap()));
        used.push(store.next(&to, 0).await.unwrap());
    }
    let low: BTreeSet<u8> = used.iter().map(|reference| reference.to_be_bytes()[1]).collect();
    assert_eq!(low.len(), used.len(), "150 of 256, each once: {used:?}");
    let wide: BTreeSet<u16> = used.iter().map(|reference| reference.wrapping_sub(used[0])).collect();
    assert!(wide.iter().all(|ahead| *ahead < 150 || *ahead == u16::MAX), "counted on by one: {used:?}");
    // As many octets as one message has room for behind its ports; of a text nobody knows here how many go in one.
    let fits = NewPush { octets: Arc::from([7; 133]), ..outbox::push("fits", &[one]) };
    let text =
        NewPush { octets: Arc::from([b'7'; 71]), carriage: Carriage::Text, ..outbox::push("text", &[one]) };
    for (push, counted) in [(fits, false), (text, true)] {
        first.accept(push).await.unwrap();
        let claim = first.claim(&[Lane::only(9)], at(1)).await.unwrap();
        assert_eq!(claim.dispatches[0].dispatch.reference.is_some(), counted);
    }
}

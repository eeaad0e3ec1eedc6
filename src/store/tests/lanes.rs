//! Deliveries by lanes, and what is in doubt of those that were handed out.

use std::{sync::Arc, time::Duration};

use super::{
    at,
    outbox::{open, push, states, submitted},
};
use crate::{
    bearer::{Claim, Destination, Lane, NewPush, Outbox, Report, State},
    store::MemoryOutbox,
};

fn lane(name: &str, room: usize, asks: bool) -> Lane {
    Lane { name: name.into(), room, asks }
}

fn in_lane(name: &str, push: NewPush) -> NewPush {
    let mut push = push;
    push.deliveries.iter_mut().for_each(|delivery| delivery.lane = name.into());
    push
}

fn numbers(claim: &Claim) -> Vec<&str> {
    let dispatches = claim.dispatches.iter().map(|claimed| &claimed.dispatch.destination);
    dispatches.map(|to| if let Destination::Msisdn(number) = to { number.digits() } else { "" }).collect()
}

/// A lane without room keeps what is its own, and nothing of others.
async fn lanes_are_apart(outbox: &dyn Outbox) {
    outbox.accept(in_lane("a", push("a", &["1111", "1112", "1113"]))).await.unwrap();
    let later = NewPush { not_before: Some(at(50)), ..push("b", &["2222"]) };
    outbox.accept(in_lane("b", later)).await.unwrap();
    let only_b = outbox.claim(&[lane("b", 9, false)], at(0)).await.unwrap();
    assert_eq!((numbers(&only_b), only_b.next), (vec![], Some(at(50))));
    let both = [lane("a", 2, false), lane("b", 9, false)];
    let claim = outbox.claim(&both, at(50)).await.unwrap();
    assert_eq!((numbers(&claim), claim.next), (vec!["1111", "1112", "2222"], Some(at(0))));
    assert!(outbox.claim(&[], at(99)).await.unwrap().next.is_none());
    // Other routes than before.
    let by_digit = |to: &Destination| match to {
        Destination::Msisdn(number) if number.digits().ends_with('3') => Arc::from("c"),
        _ => Arc::from("a"),
    };
    outbox.sort_into_lanes(&by_digit).await.unwrap();
    assert!(outbox.claim(&both, at(50)).await.unwrap().dispatches.is_empty());
    assert_eq!(numbers(&outbox.claim(&[lane("c", 9, false)], at(50)).await.unwrap()), ["1113"]);
}

#[tokio::test]
async fn a_lane_is_claimed_for_itself() {
    lanes_are_apart(&MemoryOutbox::new()).await;
    let dir = tempfile::tempdir().unwrap();
    lanes_are_apart(&open(dir.path()).await).await;
}

#[tokio::test]
async fn of_what_was_handed_out_only_that_is_in_doubt_which_was_about_to_leave() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    outbox.accept(push("a", &["1111", "2222", "3333", "4444"])).await.unwrap();
    let claim = outbox.claim(&[lane("", 9, true)], at(0)).await.unwrap();
    let ids: Vec<_> = claim.dispatches.iter().map(|claimed| claimed.dispatch.id).collect();
    let all = vec![
        Report::Leaving(ids[0]),
        Report::Leaving(ids[1]),
        Report::Leaving(ids[2]),
        Report::Stayed(ids[2]),
        submitted(ids[1], 0, "m1"),
    ];
    outbox.record(all, at(1)).await.unwrap();
    let next = open(dir.path()).await;
    assert!(next.abandoned(at(1000), at(2)).await.unwrap().is_empty(), "its process lives");
    drop(outbox);
    let mut unclear = Vec::new();
    for _ in 0..200 {
        unclear = next.abandoned(at(1000), at(2)).await.unwrap();
        if !unclear.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(unclear, [ids[0]]);
    assert_eq!(states(&next, "a").await, [State::Sending, State::Sent, State::Waiting, State::Waiting]);
    let again = next.claim(&[lane("", 9, true)], at(2)).await.unwrap();
    assert_eq!((numbers(&again), again.dispatches[0].tries), (vec!["3333", "4444"], 1));
}

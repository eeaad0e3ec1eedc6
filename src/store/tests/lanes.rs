//! Deliveries by lanes, and what is in doubt of those that were handed out.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    BUSY, at,
    outbox::{open, push, states, submitted},
};
use crate::{
    bearer::{
        Asking, Claim, Destination, DispatchId, Lane, MessageId, NewPush, NoticeOutcome, Outbox, Receipt,
        ReceiptState, Refused, Report, State, Taken,
    },
    ident::Random,
    store::{Durability, MemoryOutbox, OutboxFile, Store},
    vault::{KeySource, Vault},
    wire::pap::StatusCode,
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
    outbox.sort_into_lanes(&by_digit, &["a".into(), "b".into(), "c".into()]).await.unwrap();
    assert!(outbox.claim(&both, at(50)).await.unwrap().dispatches.is_empty());
    assert_eq!(numbers(&outbox.claim(&[lane("c", 9, false)], at(50)).await.unwrap()), ["1113"]);
}

#[tokio::test]
async fn a_lane_is_claimed_for_itself() {
    lanes_are_apart(&MemoryOutbox::new()).await;
    let dir = tempfile::tempdir().unwrap();
    lanes_are_apart(&open(dir.path()).await).await;
}

/// Two gateways whose links have other names: neither takes from the other what that one sends, and what one has left behind
/// is taken over.
#[tokio::test]
async fn what_waits_for_a_gateway_that_lives_is_not_sorted_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (open(dir.path()).await, open(dir.path()).await);
    let sort = async |outbox: &OutboxFile, own: &str| {
        let lane: Arc<str> = own.into();
        outbox.sort_into_lanes(&|_: &Destination| Arc::clone(&lane), &[own.into(), "".into()]).await.unwrap();
    };
    // Reads without claiming: nothing is due at that time.
    let waits = async |outbox: &OutboxFile, name: &str| {
        outbox.claim(&[lane(name, 9, true)], at(-1)).await.unwrap().next.is_some()
    };
    sort(&first, "a").await;
    sort(&second, "b").await;
    first.accept(in_lane("a", push("1", &["1111"]))).await.unwrap();
    for _ in 0..2 {
        sort(&second, "b").await;
        sort(&first, "a").await;
        assert_eq!((waits(&second, "a").await, waits(&second, "b").await), (true, false));
    }
    // What no route of the one reaches goes to the other.
    first.accept(in_lane("", push("2", &["2222"]))).await.unwrap();
    sort(&second, "b").await;
    assert!(waits(&second, "b").await && !waits(&second, "").await);
    drop(first);
    for _ in 0..200 {
        sort(&second, "b").await;
        if !waits(&second, "a").await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(numbers(&second.claim(&[lane("b", 9, true)], at(0)).await.unwrap()), ["1111", "2222"]);
}

/// Two gateways of one configuration, started one after the other with a new route.
#[tokio::test]
async fn gateways_that_share_their_lanes_sort_by_the_route_that_is_now() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (open(dir.path()).await, open(dir.path()).await);
    let own: [Arc<str>; 2] = ["a".into(), "b".into()];
    for (outbox, lane) in [(&first, "a"), (&second, "b")] {
        let lane: Arc<str> = lane.into();
        outbox.sort_into_lanes(&|_: &Destination| Arc::clone(&lane), &own).await.unwrap();
        if &*lane == "a" {
            outbox.accept(in_lane("a", push("1", &["1111"]))).await.unwrap();
        }
    }
    assert_eq!(numbers(&second.claim(&[lane("b", 9, true)], at(0)).await.unwrap()), ["1111"]);
}

#[tokio::test]
async fn of_what_was_handed_out_only_that_is_in_doubt_which_was_about_to_leave() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    outbox.accept(push("a", &["1111", "2222", "3333", "4444"])).await.unwrap();
    let claim = outbox.claim(&[lane("", 9, true)], at(0)).await.unwrap();
    let ids: Vec<_> = claim.dispatches.iter().map(|claimed| claimed.dispatch.id).collect();
    let asked: Vec<_> = ids.iter().map(|id| Asking::new(*id)).collect();
    let all = vec![
        Report::Leaving(asked[0]),
        Report::Leaving(asked[1]),
        Report::Leaving(asked[2]),
        Report::Stayed(asked[2]),
        submitted(ids[1], 0, 1, "m1"),
    ];
    outbox.record(all, at(1)).await.unwrap();
    let next = open(dir.path()).await;
    assert!(next.abandoned(at(1000), at(2)).await.unwrap().unclear.is_empty(), "its process lives");
    drop(outbox);
    assert_eq!(in_doubt(&next).await, [ids[0]]);
    assert_eq!(states(&next, "a").await, [State::Sending, State::Sent, State::Waiting, State::Waiting]);
    let again = next.claim(&[lane("", 9, true)], at(2)).await.unwrap();
    assert_eq!((numbers(&again), again.dispatches[0].tries), (vec!["3333", "4444"], 1));
}

/// A kill: what the link that sent it says of its segments counts, not what the one would have said that admitted it.
#[tokio::test]
async fn what_the_network_has_whole_after_a_kill_is_counted_by_the_link_that_sent_it() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    let mut all = push("a", &["1111", "2222", "3333"]);
    for (delivery, segments) in all.deliveries.iter_mut().zip([1, 3, 1]) {
        delivery.to.as_mut().unwrap().1 = segments;
    }
    outbox.accept(all).await.unwrap();
    let claim = outbox.claim(&[lane("", 9, false)], at(0)).await.unwrap();
    let ids: Vec<_> = claim.dispatches.iter().map(|claimed| claimed.dispatch.id).collect();
    // One of two; the only one, where three were thought of; the only one, whose receipt came before the kill.
    let delivered = Receipt {
        message: MessageId { smsc: "lab".into(), id: "c0".into() },
        state: ReceiptState::Delivered,
        network_error: None,
        at: at(1),
        taken: Taken::default(),
    };
    let reports = vec![
        submitted(ids[0], 0, 2, "a0"),
        submitted(ids[1], 0, 1, "b0"),
        submitted(ids[2], 0, 1, "c0"),
        Report::Receipt(delivered),
    ];
    outbox.record(reports, at(1)).await.unwrap();
    let next = open(dir.path()).await;
    drop(outbox);
    let mut settled = Vec::new();
    let mut unclear = Vec::new();
    for _ in 0..200 {
        let found = next.abandoned(at(1000), at(2)).await.unwrap();
        settled.extend(found.settled);
        unclear = found.unclear;
        if !unclear.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(unclear, [ids[0]]);
    assert_eq!(states(&next, "a").await, [State::Sending, State::Sent, State::Delivered]);
    assert_eq!(settled.iter().map(|end| end.delivery.id).collect::<Vec<_>>(), [ids[2]]);
}

/// A dispatch that goes from one link to another: what the first says of it does not count for the second.
#[tokio::test]
async fn word_that_nothing_left_counts_for_the_link_alone_that_says_it() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    outbox.accept(in_lane("asks", push("a", &["1111", "2222"]))).await.unwrap();
    outbox.accept(in_lane("asks not", push("b", &["3333"]))).await.unwrap();
    let lanes = [lane("asks", 9, true), lane("asks not", 9, false)];
    let claim = outbox.claim(&lanes, at(0)).await.unwrap();
    let [one, two, three] = [0, 1, 2].map(|at| claim.dispatches[at].dispatch.id);
    let (first, second) = ([one, two, three].map(Asking::new), [one, two].map(Asking::new));
    outbox.record(first.map(Report::Leaving).to_vec(), at(1)).await.unwrap();
    // The second asks before the word of the first comes, in the same breath or not.
    let crossed = vec![Report::Stayed(first[0]), Report::Leaving(second[0]), Report::Leaving(second[1])];
    outbox.record(crossed, at(2)).await.unwrap();
    outbox.record(vec![Report::Stayed(first[1]), Report::Stayed(first[2])], at(3)).await.unwrap();
    let next = open(dir.path()).await;
    drop(outbox);
    assert_eq!(in_doubt(&next).await, [one, two, three], "none of them may be sent again unasked");
}

/// A store whose key was changed, as far as some of its pushes go.
#[tokio::test]
async fn a_payload_that_cannot_be_read_holds_up_no_other() {
    struct Other;
    impl Random for Other {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0x11);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    outbox.accept(push("a", &["1111"])).await.unwrap();
    let store = Store::open(&dir.path().join("jobs.db"), BUSY).await.unwrap();
    let vault = Vault::new(KeySource::Drawn, Arc::new(Other));
    let other = OutboxFile::new(&store, Arc::new(vault), Durability::Kill);
    other.accept(push("b", &["2222"])).await.unwrap();
    let claim = other.claim(&[lane("", 9, false)], at(1)).await.unwrap();
    assert_eq!(numbers(&claim), ["2222"]);
    let [lost] = &claim.unreadable[..] else { panic!("{claim:?}") };
    assert_eq!((lost.received, lost.tries, lost.why.is_empty()), (at(0), 0, false));
    assert_eq!(
        states(&other, "a").await,
        [State::Sending],
        "it is for the gateway to say what becomes of it"
    );
}

/// A row that somebody damaged.
#[tokio::test]
async fn a_row_that_cannot_be_read_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    for (id, number) in [("a", "1111"), ("b", "2222"), ("c", "3333"), ("d", "4444")] {
        outbox.accept(push(id, &[number])).await.unwrap();
    }
    let store = Store::open(&dir.path().join("jobs.db"), BUSY).await.unwrap();
    for damage in [
        "UPDATE delivery SET destination = 'nobody' WHERE destination = '1111'",
        "UPDATE push SET octets = NULL WHERE push_id = 'b'",
        "UPDATE push SET ports = -1 WHERE push_id = 'c'",
    ] {
        sqlx::query(damage).execute(&store.writer).await.unwrap();
    }
    outbox.sort_into_lanes(&|_: &Destination| Arc::from(""), &["".into()]).await.unwrap();
    let claim = outbox.claim(&[lane("", 9, false)], at(1)).await.unwrap();
    assert_eq!(numbers(&claim), ["4444"]);
    let why: Vec<&str> = claim.unreadable.iter().map(|lost| lost.why.as_str()).collect();
    let of = |table: &str, column: &str| {
        format!("table {table}: column {column} holds a value that bootgate never writes there")
    };
    assert_eq!(why, [of("delivery", "destination"), of("push", "octets"), of("push", "ports")]);
    assert!(claim.unreadable.iter().all(|lost| lost.received == at(0)), "there is time to mend it");
}

/// The same of results that are to be told.
#[tokio::test]
async fn a_result_that_cannot_be_read_is_given_up_and_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    for id in ["a", "b"] {
        let mut refused = NewPush { notify: Some("http://pi/".into()), ..push(id, &["1111"]) };
        refused.deliveries[0].to = Err(Refused { code: StatusCode::ADDRESS_NOT_FOUND, why: "nobody".into() });
        outbox.accept(refused).await.unwrap();
    }
    let store = Store::open(&dir.path().join("jobs.db"), BUSY).await.unwrap();
    sqlx::query("UPDATE push SET version = 99 WHERE push_id = 'a'").execute(&store.writer).await.unwrap();
    let notices = outbox.notices(9, &BTreeSet::new(), at(1)).await.unwrap();
    let due: Vec<&str> = notices.due.iter().map(|notice| notice.settled.push_id.as_str()).collect();
    assert_eq!(due, ["b"]);
    let [(given_up, why)] = &notices.unreadable[..] else { panic!("{notices:?}") };
    assert_eq!((given_up.state, given_up.outcome), (State::Rejected, NoticeOutcome::GivenUp));
    assert!(why.contains("column version"), "{why}");
    outbox.noticed(vec![*given_up]).await.unwrap();
    let notices = outbox.notices(9, &BTreeSet::new(), at(1)).await.unwrap();
    assert_eq!((notices.due.len(), notices.unreadable.len()), (1, 0));
}

/// What is in doubt, once the process before is seen to have ended.
async fn in_doubt(outbox: &impl Outbox) -> Vec<DispatchId> {
    for _ in 0..200 {
        let unclear = outbox.abandoned(at(1000), at(2)).await.unwrap().unclear;
        if !unclear.is_empty() {
            return unclear;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Vec::new()
}

/// SQLite prepares a statement with a bare parameter as its limit anew whenever that is bound: with many small transactions
/// that is a quarter of what they cost.
#[test]
fn no_limit_of_the_outbox_is_a_bare_parameter() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/outbox");
    let mut signed = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            assert!(!line.contains("LIMIT ?"), "{}: {line}", path.display());
            signed += usize::from(line.contains("LIMIT +?"));
        }
    }
    assert!(signed > 2, "{signed}");
}

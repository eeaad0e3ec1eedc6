//! What both outboxes answer, and what the one in the file stands.

use std::{collections::BTreeSet, sync::Arc};

use super::{BUSY, Fixed, at};
use crate::{
    bearer::{
        Accepted, Carriage, Delivery, Destination, Dispatch, DispatchId, InitiatorName, Lane, MessageId,
        Move, NewDelivery, NewPush, NoticeOutcome, Noticed, Outbox, Receipt, ReceiptState, Refused, Report,
        Stage, State, Taken, silence,
    },
    store::{Durability, OutboxFile, Store},
    vault::{KeySource, Vault},
    wire::{
        pap::{Priority, Replace, ReplaceMethod, StatusCode, Version},
        wdp::Ports,
    },
};

/// The same questions to both outboxes.
macro_rules! both {
    ($($(#[$doc:meta])* async fn $name:ident($outbox:ident) $body:block)+) => {
        mod memory { $(
            #[tokio::test]
            async fn $name() { super::$name(&crate::store::MemoryOutbox::new()).await }
        )+ }
        mod file { $(
            #[tokio::test]
            async fn $name() {
                let dir = tempfile::tempdir().unwrap();
                super::$name(&super::open(dir.path()).await).await
            }
        )+ }
        $($(#[$doc])* async fn $name($outbox: &dyn Outbox) $body)+
    };
}

pub(super) async fn open(dir: &std::path::Path) -> OutboxFile {
    let store = Store::open(&dir.join("jobs.db"), BUSY).await.unwrap();
    let vault = Vault::new(KeySource::Made(dir.join("key")), Arc::new(Fixed));
    OutboxFile::new(&store, Arc::new(vault), Durability::Kill)
}

pub(super) fn push(id: &str, numbers: &[&str]) -> NewPush {
    let delivery = |n: &&str| NewDelivery {
        address: format!("WAPPUSH=+{n}/TYPE=PLMN@ppg").parse().unwrap(),
        to: Ok((Destination::Msisdn(n.parse().unwrap()), 1)),
        lane: "".into(),
    };
    NewPush {
        initiator: "pi".parse().unwrap(),
        push_id: id.parse().unwrap(),
        replace: None,
        received: at(0),
        not_before: None,
        expires: None,
        priority: Priority::Medium,
        notify: None,
        version: Version::V2_0,
        carriage: Carriage::Datagram(Ports::Wide { destination: 2948, originator: 9200 }),
        octets: Arc::from(*b"\x01\x06\x01\xB6MARKED-payload"),
        deliveries: numbers.iter().map(delivery).collect(),
    }
}

pub(super) async fn states(outbox: &dyn Outbox, id: &str) -> Vec<State> {
    let kept = outbox.find(&"pi".parse().unwrap(), &id.parse().unwrap()).await.unwrap();
    kept.map(|kept| kept.deliveries.iter().map(|d| d.standing.state).collect()).unwrap_or_default()
}

async fn claim(outbox: &dyn Outbox, most: usize, seconds: i64) -> Vec<Dispatch> {
    let claim = outbox.claim(&[Lane::only(most)], at(seconds)).await.unwrap();
    claim.dispatches.into_iter().map(|claimed| claimed.dispatch).collect()
}

fn nobody() -> BTreeSet<InitiatorName> {
    BTreeSet::new()
}

fn name(id: &str) -> MessageId {
    MessageId { smsc: "lab".into(), id: id.to_owned() }
}

pub(super) fn submitted(id: DispatchId, segment: u8, of: u8, message: &str) -> Report {
    left(id, (segment, of), message, 0)
}

fn left(id: DispatchId, (segment, of): (u8, u8), message: &str, moment: i64) -> Report {
    Report::Submitted { id, segment, message: name(message), of, left: at(moment) }
}

fn receipt(message: &str, state: ReceiptState) -> Report {
    came(message, state, 0)
}

fn came(message: &str, state: ReceiptState, moment: i64) -> Report {
    Report::Receipt(Receipt {
        message: name(message),
        state,
        network_error: None,
        at: at(moment),
        taken: Taken::default(),
    })
}

fn to(id: DispatchId, from: &'static [State], state: State) -> Move {
    let (code, desc) = (StatusCode::ACCEPTED, "so it is".to_owned());
    Move { id, from, to: state, code, desc, due: Some(at(1000)), segments: None, again: false }
}

pub(super) fn sent(id: DispatchId, segments: u8) -> Report {
    Report::Move(Move { segments: Some(segments), ..to(id, &[State::Sending], State::Sent) })
}

both! {
    /// Text for a person goes through as it is, and nobody reads it in the database.
    async fn text_comes_back_as_text(outbox) {
        let text: Arc<[u8]> = "PIN: 4711 é".as_bytes().into();
        let push = NewPush { carriage: Carriage::Text, octets: Arc::clone(&text), ..push("pin", &["491711"]) };
        assert!(!format!("{push:?}").contains("4711"));
        assert_eq!(outbox.accept(push).await.unwrap(), Accepted::Kept);
        let claimed = outbox.claim(&[Lane::only(10)], at(1)).await.unwrap().dispatches;
        let [claimed] = &claimed[..] else { panic!("{claimed:?}") };
        assert_eq!((claimed.dispatch.carriage, &claimed.dispatch.octets), (Carriage::Text, &text));
        assert!(!format!("{claimed:?}").contains("4711"));
    }

    /// How far each is, for who asks: until when it waits, whether it was tried before, how much the network has.
    async fn it_is_known_how_far_a_push_is(outbox) {
        let stage = async || {
            let kept = outbox.find(&"pi".parse().unwrap(), &"a".parse().unwrap()).await.unwrap().unwrap();
            kept.deliveries[0].stage
        };
        let handed_in = NewPush { not_before: Some(at(50)), ..push("a", &["491711"]) };
        outbox.accept(handed_in).await.unwrap();
        assert_eq!(stage().await, Some(Stage::Waits { due: at(50), tried: false }));
        let id = claim(outbox, 1, 50).await[0].id;
        assert_eq!(stage().await, Some(Stage::Leaves { taken: 0, delivered: 0, of: 1 }));
        outbox.record(vec![Report::Move(to(id, &[State::Sending], State::Waiting))], at(51)).await.unwrap();
        assert_eq!(stage().await, Some(Stage::Waits { due: at(1000), tried: true }));
        claim(outbox, 1, 1000).await;
        let reports = vec![submitted(id, 0, 3, "m1"), submitted(id, 1, 3, "m2"), sent(id, 3), submitted(id, 2, 3, "m3")];
        outbox.record(reports, at(1001)).await.unwrap();
        let receipts = vec![receipt("m1", ReceiptState::Delivered), receipt("m2", ReceiptState::Enroute)];
        outbox.record(receipts, at(1002)).await.unwrap();
        assert_eq!(stage().await, Some(Stage::Leaves { taken: 3, delivered: 1, of: 3 }));
        let last = ["m2", "m3"].map(|name| receipt(name, ReceiptState::Delivered));
        outbox.record(last.into(), at(1003)).await.unwrap();
        assert_eq!(stage().await, None, "it has ended");
    }

    async fn a_push_is_kept_once_and_handed_out_once(outbox) {
        assert_eq!(outbox.accept(push("a", &["491711", "491712"])).await.unwrap(), Accepted::Kept);
        assert_eq!(outbox.accept(push("a", &["491713"])).await.unwrap(), Accepted::Duplicate);
        let other = NewPush { initiator: "other".parse().unwrap(), ..push("a", &["491714"]) };
        assert_eq!(outbox.accept(other).await.unwrap(), Accepted::Kept);
        assert_eq!(states(outbox, "a").await, [State::Waiting; 2]);
        assert!(states(outbox, "b").await.is_empty());
        let first = claim(outbox, 2, 0).await;
        assert_eq!(first.len(), 2);
        assert_eq!(first[0].destination, Destination::Msisdn("491711".parse().unwrap()));
        assert_eq!(&*first[1].octets, b"\x01\x06\x01\xB6MARKED-payload");
        assert_eq!(first[1].carriage, Carriage::Datagram(Ports::PUSH));
        assert_eq!(claim(outbox, 9, 0).await.len(), 1);
        assert!(claim(outbox, 9, 0).await.is_empty());
        assert_eq!(states(outbox, "a").await, [State::Sending; 2]);
    }

    async fn what_waits_goes_by_priority_and_time(outbox) {
        for (id, priority, after, expires) in [
            ("low", Priority::Low, None, None),
            ("later", Priority::High, Some(at(10)), None),
            ("medium", Priority::Medium, None, Some(at(20))),
            ("high", Priority::High, None, None),
            ("dies", Priority::Low, Some(at(5)), Some(at(6))),
        ] {
            let push = NewPush { priority, not_before: after, expires, ..push(id, &["491711"]) };
            outbox.accept(push).await.unwrap();
        }
        let priorities = |of: &[Dispatch]| of.iter().map(|d| d.priority).collect::<Vec<_>>();
        assert_eq!(priorities(&claim(outbox, 2, 0).await), [Priority::High, Priority::Medium]);
        let rest = outbox.claim(&[Lane::only(9)], at(0)).await.unwrap();
        assert_eq!((rest.dispatches.len(), rest.next), (1, Some(at(5))));
        let rest = outbox.claim(&[Lane::only(9)], at(6)).await.unwrap();
        assert_eq!((rest.dispatches.len(), rest.settled.len(), rest.next), (0, 1, Some(at(10))));
        assert_eq!(rest.settled[0].push_id.as_str(), "dies");
        assert_eq!(states(outbox, "dies").await, [State::Expired]);
        let rest = outbox.claim(&[Lane::only(9)], at(10)).await.unwrap();
        assert_eq!((rest.dispatches.len(), rest.next), (1, None));
    }

    async fn receipts_add_up_whatever_comes_first(outbox) {
        outbox.accept(push("a", &["1111", "2222", "3333"])).await.unwrap();
        let ids: Vec<_> = claim(outbox, 9, 0).await.iter().map(|d| d.id).collect();
        let reports = vec![
            submitted(ids[0], 0, 2, "a0"),
            submitted(ids[0], 1, 2, "a1"),
            sent(ids[0], 2),
            submitted(ids[1], 0, 1, "b0"),
            receipt("b0", ReceiptState::Delivered),
            receipt("c0", ReceiptState::Delivered),
        ];
        assert!(outbox.record(reports, at(1)).await.unwrap().is_empty());
        assert_eq!(states(outbox, "a").await, [State::Sent, State::Sending, State::Sending]);
        let reports = vec![
            receipt("a1", ReceiptState::Enroute),
            receipt("a0", ReceiptState::Delivered),
            sent(ids[1], 1),
            submitted(ids[2], 0, 1, "c0"),
            sent(ids[2], 1),
        ];
        let mut ends: Vec<_> = outbox.record(reports, at(2)).await.unwrap().iter().map(|s| s.delivery.id).collect();
        ends.sort();
        assert_eq!(ends, [ids[1], ids[2]]);
        let ends = outbox.record(vec![receipt("a1", ReceiptState::Rejected)], at(3)).await.unwrap();
        assert_eq!((ends.len(), ends[0].delivery.standing.at), (1, at(3)));
        assert_eq!(states(outbox, "a").await, [State::Undeliverable, State::Delivered, State::Delivered]);
        // What has ended stays as it is.
        assert!(outbox.record(vec![receipt("a1", ReceiptState::Delivered), sent(ids[1], 1)], at(4)).await.unwrap().is_empty());
    }

    async fn silence_ends_as_unknown_and_a_late_receipt_still_counts(outbox) {
        outbox.accept(push("a", &["1111"])).await.unwrap();
        let id = claim(outbox, 9, 0).await[0].id;
        outbox.record(vec![submitted(id, 0, 1, "m"), sent(id, 1)], at(1)).await.unwrap();
        let claim = outbox.claim(&[Lane::only(9)], at(999)).await.unwrap();
        assert_eq!((claim.settled.len(), claim.next), (0, Some(at(1000))));
        assert_eq!(outbox.claim(&[Lane::only(9)], at(1000)).await.unwrap().settled.len(), 1);
        assert_eq!(states(outbox, "a").await, [State::Unknown]);
        assert_eq!(outbox.record(vec![receipt("m", ReceiptState::Delivered)], at(2000)).await.unwrap().len(), 1);
        assert_eq!(states(outbox, "a").await, [State::Delivered]);
    }

    async fn what_an_smsc_accepts_has_not_arrived(outbox) {
        outbox.accept(push("a", &["1111", "2222", "3333"])).await.unwrap();
        let ids: Vec<_> = claim(outbox, 9, 0).await.iter().map(|d| d.id).collect();
        let (early, names) = (receipt("m1", ReceiptState::Accepted), ["m0", "m1", "m2"]);
        let taken = ids.iter().zip(names).flat_map(|(id, m)| [submitted(*id, 0, 1, m), sent(*id, 1)]);
        let reports = std::iter::once(early).chain(taken).chain(std::iter::once(receipt("m0", ReceiptState::Accepted)));
        assert!(outbox.record(reports.collect(), at(1)).await.unwrap().is_empty());
        // That it is on its way is no news; the end is.
        let later = vec![
            receipt("m0", ReceiptState::Enroute),
            receipt("m1", ReceiptState::Undeliverable),
            receipt("m1", ReceiptState::Accepted),
        ];
        assert_eq!(outbox.record(later, at(2)).await.unwrap().len(), 1);
        assert_eq!(states(outbox, "a").await, [State::Sent, State::Undeliverable, State::Sent]);
        let silent = outbox.claim(&[Lane::only(9)], at(1000)).await.unwrap().settled;
        let said: Vec<_> = silent.iter().map(|end| (end.delivery.id, &*end.delivery.standing.desc)).collect();
        assert_eq!(said, [(ids[0], silence(true)), (ids[2], silence(false))]);
        // Of what nobody knew the end can still come.
        let late = vec![receipt("m0", ReceiptState::Delivered), receipt("m2", ReceiptState::Unknown)];
        outbox.record(late, at(2000)).await.unwrap();
        outbox.record(vec![receipt("m2", ReceiptState::Delivered)], at(2001)).await.unwrap();
        assert_eq!(states(outbox, "a").await, [State::Delivered, State::Undeliverable, State::Delivered]);
    }

    async fn a_number_that_an_smsc_gives_again_is_the_younger_segment(outbox) {
        outbox.accept(push("a", &["1111", "2222"])).await.unwrap();
        let ids: Vec<_> = claim(outbox, 9, 0).await.iter().map(|d| d.id).collect();
        outbox.record(vec![submitted(ids[0], 0, 1, "m"), sent(ids[0], 1), receipt("m", ReceiptState::Delivered)], at(1)).await.unwrap();
        outbox.record(vec![submitted(ids[1], 0, 1, "m"), sent(ids[1], 1)], at(2)).await.unwrap();
        assert_eq!(states(outbox, "a").await, [State::Delivered, State::Sent]);
        outbox.record(vec![receipt("m", ReceiptState::Expired)], at(3)).await.unwrap();
        assert_eq!(states(outbox, "a").await, [State::Delivered, State::Expired]);
    }

    async fn a_receipt_that_nobody_owned_is_not_for_what_left_after_it(outbox) {
        outbox.accept(push("a", &["1111", "2222"])).await.unwrap();
        let ids: Vec<_> = claim(outbox, 9, 0).await.iter().map(|d| d.id).collect();
        // Of a message whose answer was lost. The SMSC begins its numbers anew at once.
        outbox.record(vec![came("m", ReceiptState::Delivered, 5)], at(5)).await.unwrap();
        outbox.record(vec![left(ids[0], (0, 1), "m", 6), sent(ids[0], 1)], at(7)).await.unwrap();
        assert_eq!(states(outbox, "a").await, [State::Sent, State::Sending]);
        // One that was faster than the answer counts, also where a stranger had the name before; however much is written at once.
        let faster = vec![
            came("n", ReceiptState::Rejected, 5),
            came("n", ReceiptState::Delivered, 9),
            left(ids[1], (0, 1), "n", 8),
            sent(ids[1], 1),
        ];
        outbox.record(faster, at(10)).await.unwrap();
        outbox.record(vec![came("m", ReceiptState::Expired, 11)], at(11)).await.unwrap();
        assert_eq!(states(outbox, "a").await, [State::Expired, State::Delivered]);
        // Who had the name before has its receipt, and who has it now waits for one.
        outbox.accept(push("b", &["3333", "4444", "5555"])).await.unwrap();
        let ids: Vec<_> = claim(outbox, 9, 0).await.iter().map(|d| d.id).collect();
        outbox.record(vec![left(ids[0], (0, 1), "x", 1), sent(ids[0], 1)], at(20)).await.unwrap();
        let at_once = vec![
            came("x", ReceiptState::Delivered, 21),
            left(ids[1], (0, 1), "x", 22),
            sent(ids[1], 1),
            came("y", ReceiptState::Delivered, 21),
            left(ids[2], (0, 1), "y", 22),
            sent(ids[2], 1),
        ];
        assert_eq!(outbox.record(at_once, at(23)).await.unwrap().len(), 1);
        assert_eq!(states(outbox, "b").await, [State::Delivered, State::Sent, State::Sent]);
    }

    async fn a_move_from_another_state_does_nothing(outbox) {
        outbox.accept(push("a", &["1111"])).await.unwrap();
        let id = claim(outbox, 9, 0).await[0].id;
        let wrong = Report::Move(to(id, &[State::Waiting], State::Cancelled));
        assert!(outbox.record(vec![wrong], at(1)).await.unwrap().is_empty());
        assert_eq!(states(outbox, "a").await, [State::Sending]);
        let back = Report::Move(to(id, &[State::Waiting, State::Sending], State::Waiting));
        outbox.record(vec![back], at(1)).await.unwrap();
        assert!(claim(outbox, 9, 999).await.is_empty());
        let again = outbox.claim(&[Lane::only(9)], at(1000)).await.unwrap();
        assert_eq!((again.dispatches[0].dispatch.id, again.dispatches[0].tries), (id, 1));
    }

    async fn receipts_of_an_earlier_try_say_nothing_of_the_next(outbox) {
        outbox.accept(push("a", &["1111"])).await.unwrap();
        let id = claim(outbox, 9, 0).await[0].id;
        let again = Report::Move(Move { due: None, ..to(id, &[State::Sending], State::Waiting) });
        outbox.record(vec![submitted(id, 0, 2, "old0"), again], at(1)).await.unwrap();
        assert_eq!(claim(outbox, 9, 1).await[0].id, id);
        let reports = vec![submitted(id, 0, 2, "new0"), submitted(id, 1, 2, "new1"), sent(id, 2)];
        outbox.record(reports, at(2)).await.unwrap();
        let late = vec![receipt("old0", ReceiptState::Expired), receipt("new0", ReceiptState::Delivered)];
        assert!(outbox.record(late, at(3)).await.unwrap().is_empty());
        outbox.record(vec![receipt("new1", ReceiptState::Delivered)], at(4)).await.unwrap();
        assert_eq!(states(outbox, "a").await, [State::Delivered]);
    }

    async fn one_push_replaces_another(outbox) {
        let replacing = |id: &str, method, numbers: &[&str]| {
            let replace = Replace { push_id: "a".parse().unwrap(), method };
            NewPush { replace: Some(replace), ..push(id, numbers) }
        };
        let new = replacing("b", ReplaceMethod::All, &["1111"]);
        assert_eq!(outbox.accept(new).await.unwrap(), Accepted::NothingToReplace);
        outbox.accept(push("a", &["1111", "2222", "3333"])).await.unwrap();
        let gone = claim(outbox, 1, 0).await[0].id;
        outbox.record(vec![sent(gone, 1)], at(1)).await.unwrap();
        let duplicate = replacing("a", ReplaceMethod::All, &["1111"]);
        assert_eq!(outbox.accept(duplicate).await.unwrap(), Accepted::Duplicate);
        assert_eq!(states(outbox, "a").await, [State::Sent, State::Waiting, State::Waiting]);
        let elsewhere = replacing("b", ReplaceMethod::PendingOnly, &["1111", "4444"]);
        assert_eq!(outbox.accept(elsewhere).await.unwrap(), Accepted::NothingPending);
        assert_eq!(states(outbox, "a").await, [State::Sent, State::Waiting, State::Waiting]);
        // The same number, written otherwise.
        let mut new = replacing("b", ReplaceMethod::PendingOnly, &["1111", "2222"]);
        new.deliveries[1].address = "WAPPUSH=+2-222/TYPE=PLMN@elsewhere".parse().unwrap();
        let Accepted::Replaced(ended) = outbox.accept(new).await.unwrap() else { panic!("it is not kept") };
        let ended: Vec<_> = ended.iter().map(|end| (end.push_id.as_str(), end.delivery.standing.state)).collect();
        assert_eq!(ended, [("a", State::Cancelled); 2]);
        assert_eq!(states(outbox, "a").await, [State::Sent, State::Cancelled, State::Cancelled]);
        assert_eq!(states(outbox, "b").await, [State::Waiting]);
        assert_eq!(claim(outbox, 9, 2).await[0].destination, Destination::Msisdn("2222".parse().unwrap()));
        let none = replacing("c", ReplaceMethod::PendingOnly, &["1111"]);
        assert_eq!(outbox.accept(none).await.unwrap(), Accepted::NothingPending);
        let all = replacing("d", ReplaceMethod::All, &["1111"]);
        assert_eq!(outbox.accept(all).await.unwrap(), Accepted::Replaced(Vec::new()));
    }

    async fn what_is_set_aside_waits_until_then(outbox) {
        outbox.accept(push("a", &["1111", "2222"])).await.unwrap();
        outbox.accept(NewPush { not_before: Some(at(50)), ..push("later", &["3333"]) }).await.unwrap();
        let gone = claim(outbox, 1, 0).await[0].id;
        for id in ["a", "later", "nobody"] {
            outbox.set_aside(&"pi".parse().unwrap(), &id.parse().unwrap(), at(10)).await.unwrap();
        }
        outbox.set_aside(&"other".parse().unwrap(), &"a".parse().unwrap(), at(99)).await.unwrap();
        assert!(claim(outbox, 9, 9).await.is_empty());
        assert_eq!(states(outbox, "a").await, [State::Sending, State::Waiting]);
        let rest = claim(outbox, 9, 10).await;
        assert_eq!((rest.len(), rest[0].id == gone), (1, false));
        assert!(claim(outbox, 9, 49).await.is_empty(), "what goes later goes no sooner");
        assert_eq!(claim(outbox, 9, 50).await.len(), 1);
    }

    async fn results_are_to_be_told_initiator_by_initiator(outbox) {
        let refused = || Err(Refused { code: StatusCode::ADDRESS_NOT_FOUND, why: "nobody".into() });
        let of = |initiator: &str, id: &str| {
            let mut new = NewPush {
                initiator: initiator.parse().unwrap(),
                notify: Some(format!("http://{initiator}/")),
                ..push(id, &["1111", "2222", "3333"])
            };
            new.deliveries.iter_mut().for_each(|delivery| delivery.to = refused());
            new
        };
        for id in ["a", "b", "c"] {
            outbox.accept(of("slow", id)).await.unwrap();
        }
        outbox.accept(NewPush { received: at(1), ..of("quick", "a") }).await.unwrap();
        let told = async |busy: &BTreeSet<_>, seconds| {
            let notices = outbox.notices(4, busy, at(seconds)).await.unwrap();
            let mut due: Vec<_> = notices.due.iter().map(|n| n.settled.initiator.to_string()).collect();
            due.sort();
            (due, notices.next)
        };
        assert_eq!(told(&nobody(), 0).await, (vec!["slow".to_owned(); 4], Some(at(1))));
        assert_eq!(told(&nobody(), 1).await.0, ["quick", "quick", "quick", "slow", "slow", "slow", "slow"]);
        let slow = BTreeSet::from(["slow".parse().unwrap()]);
        assert_eq!(told(&slow, 1).await.0, ["quick"; 3]);
        assert_eq!(told(&slow, 0).await, (vec![], Some(at(1))));
        let both = BTreeSet::from(["slow".parse().unwrap(), "quick".parse().unwrap()]);
        assert_eq!(told(&both, 1).await, (vec![], None));
    }

    async fn what_may_be_twice_at_its_device_says_so_for_ever(outbox) {
        outbox.accept(NewPush { notify: Some("http://pi/".into()), ..push("a", &["1111", "2222"]) }).await.unwrap();
        let ids: Vec<_> = claim(outbox, 9, 0).await.iter().map(|d| d.id).collect();
        let again = |id, again| Report::Move(Move { again, ..to(id, &[State::Sending], State::Waiting) });
        outbox.record(vec![again(ids[0], true), again(ids[1], false)], at(1)).await.unwrap();
        assert_eq!(claim(outbox, 9, 1000).await.len(), 2);
        let ends = ids.iter().map(|id| Report::Move(to(*id, &[State::Sending], State::Delivered)));
        let settled = outbox.record(ends.collect(), at(1001)).await.unwrap();
        let notices = outbox.notices(9, &nobody(), at(9999)).await.unwrap().due;
        let kept = outbox.find(&"pi".parse().unwrap(), &"a".parse().unwrap()).await.unwrap().unwrap();
        let all: [Vec<&Delivery>; 3] = [
            settled.iter().map(|settled| &settled.delivery).collect(),
            notices.iter().map(|notice| &notice.settled.delivery).collect(),
            kept.deliveries.iter().collect(),
        ];
        for deliveries in all {
            for (id, twice) in ids.iter().zip([true, false]) {
                let desc = &deliveries.iter().find(|delivery| delivery.id == *id).unwrap().standing.desc;
                assert!(desc.starts_with("so it is"), "{desc}");
                assert_eq!(desc.ends_with("; it was sent again when an answer was lost: the device may have it twice"), twice);
            }
        }
    }

    async fn what_may_have_arrived_does_not_end_as_if_it_had_not(outbox) {
        for (n, state) in [State::Cancelled, State::Expired, State::Undeliverable].into_iter().enumerate() {
            let id = format!("{n}");
            outbox.accept(push(&id, &["1111", "2222"])).await.unwrap();
            let ids: Vec<_> = claim(outbox, 9, 0).await.iter().map(|d| d.id).collect();
            let again = |id, again| Report::Move(Move { again, ..to(id, &[State::Sending], State::Waiting) });
            outbox.record(vec![again(ids[0], true), again(ids[1], false)], at(1)).await.unwrap();
            let ends = ids.iter().map(|id| Report::Move(to(*id, &[State::Waiting], state)));
            let settled = outbox.record(ends.collect(), at(2)).await.unwrap();
            assert_eq!(settled.len(), 2);
            let kept = outbox.find(&"pi".parse().unwrap(), &id.parse().unwrap()).await.unwrap().unwrap();
            let stands: Vec<_> =
                kept.deliveries.iter().map(|d| (d.standing.state, d.standing.desc.as_str())).collect();
            assert_eq!(
                stands,
                [(State::Unknown, "so it is; an earlier sending may have arrived"), (state, "so it is")]
            );
            assert_eq!(kept.deliveries[0].standing.code, StatusCode::SERVICE_FAILURE);
        }
        // The same where another push takes its place.
        outbox.accept(push("old", &["1111"])).await.unwrap();
        let id = claim(outbox, 9, 0).await[0].id;
        let again = Move { again: true, ..to(id, &[State::Sending], State::Waiting) };
        outbox.record(vec![Report::Move(again)], at(1)).await.unwrap();
        let replace = Replace { push_id: "old".parse().unwrap(), method: ReplaceMethod::All };
        outbox.accept(NewPush { replace: Some(replace), ..push("new", &["1111"]) }).await.unwrap();
        assert_eq!(states(outbox, "old").await, [State::Unknown]);
    }

    /// The link that admitted it would have sent it in one.
    async fn the_link_that_sends_it_says_in_how_many_segments(outbox) {
        outbox.accept(push("a", &["1111"])).await.unwrap();
        let id = claim(outbox, 9, 0).await[0].id;
        let whole = to(id, &[State::Sending], State::Sent);
        let reports = vec![submitted(id, 0, 2, "m0"), receipt("m0", ReceiptState::Delivered), Report::Move(whole)];
        outbox.record(reports, at(1)).await.unwrap();
        assert_eq!(states(outbox, "a").await, [State::Sent], "half of it is delivered");
        outbox.record(vec![submitted(id, 1, 2, "m1"), receipt("m1", ReceiptState::Delivered)], at(2)).await.unwrap();
        assert_eq!(states(outbox, "a").await, [State::Delivered]);
    }

    async fn results_are_to_be_told_until_they_are(outbox) {
        let refused = Refused { code: StatusCode::ADDRESS_NOT_FOUND, why: "nobody".into() };
        let mut told = NewPush { notify: Some("http://pi/".into()), ..push("a", &["1111", "2222"]) };
        told.deliveries[0].to = Err(refused);
        outbox.accept(told).await.unwrap();
        outbox.accept(push("quiet", &["3333"])).await.unwrap();
        let notices = outbox.notices(9, &nobody(), at(0)).await.unwrap();
        assert_eq!((notices.due.len(), notices.due[0].to.as_str()), (1, "http://pi/"));
        let first = &notices.due[0].settled;
        assert_eq!((first.push_id.as_str(), first.delivery.standing.code), ("a", StatusCode::ADDRESS_NOT_FOUND));
        let outcome = |id, state, outcome| vec![Noticed { id, state, outcome }];
        let again = outcome(first.delivery.id, State::Rejected, NoticeOutcome::Again(at(60)));
        outbox.noticed(again).await.unwrap();
        let notices = outbox.notices(9, &nobody(), at(59)).await.unwrap();
        assert_eq!((notices.due.len(), notices.next), (0, Some(at(60))));
        let notices = outbox.notices(9, &nobody(), at(60)).await.unwrap();
        assert_eq!((notices.due.len(), notices.due[0].tries), (1, 1));
        let id = notices.due[0].settled.delivery.id;
        outbox.noticed(outcome(id, State::Rejected, NoticeOutcome::Told)).await.unwrap();
        assert!(outbox.notices(9, &nobody(), at(99)).await.unwrap().due.is_empty());
        // A receipt that comes between reading and telling leaves more to tell.
        let id = claim(outbox, 9, 0).await[0].id;
        outbox.record(vec![submitted(id, 0, 1, "m"), sent(id, 1)], at(1)).await.unwrap();
        outbox.claim(&[Lane::only(9)], at(1000)).await.unwrap();
        let notice = outbox.notices(9, &nobody(), at(1000)).await.unwrap().due.remove(0);
        assert_eq!(notice.settled.delivery.standing.state, State::Unknown);
        outbox.record(vec![receipt("m", ReceiptState::Delivered)], at(1001)).await.unwrap();
        outbox.noticed(outcome(id, State::Unknown, NoticeOutcome::Told)).await.unwrap();
        let notice = outbox.notices(9, &nobody(), at(1001)).await.unwrap().due.remove(0);
        assert_eq!(notice.settled.delivery.standing.state, State::Delivered);
    }

    async fn what_is_over_is_forgotten_and_nothing_else(outbox) {
        outbox.accept(push("over", &["1111"])).await.unwrap();
        outbox.accept(push("open", &["2222"])).await.unwrap();
        outbox.accept(NewPush { notify: Some("http://pi/".into()), ..push("untold", &["3333"]) }).await.unwrap();
        let ids: Vec<_> = claim(outbox, 9, 0).await.iter().map(|d| d.id).collect();
        let end = |id| Report::Move(to(id, &[State::Sending], State::Undeliverable));
        outbox.record(vec![submitted(ids[0], 0, 1, "m"), end(ids[0]), end(ids[2])], at(10)).await.unwrap();
        assert_eq!(outbox.prune(at(10), 9).await.unwrap(), 0);
        assert_eq!(outbox.prune(at(11), 9).await.unwrap(), 1);
        assert!(states(outbox, "over").await.is_empty());
        assert_eq!(states(outbox, "open").await, [State::Sending]);
        assert_eq!(states(outbox, "untold").await, [State::Undeliverable]);
        assert_eq!(outbox.accept(push("over", &["1111"])).await.unwrap(), Accepted::Kept);
        let again = claim(outbox, 9, 20).await;
        assert!(again[0].id > ids[2], "a number is never given twice");
    }
}

#[tokio::test]
async fn many_at_once_share_transactions_and_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Arc::new(open(dir.path()).await);
    let mut tasks = Vec::new();
    for n in 0..400 {
        let outbox = outbox.clone();
        // Every other id comes twice.
        tasks.push(tokio::spawn(async move {
            outbox.accept(push(&format!("p{}", n / 2 * 2 + n % 4 / 3), &["491711"])).await.unwrap()
        }));
    }
    let mut kept = 0;
    for task in tasks {
        kept += usize::from(task.await.unwrap() == Accepted::Kept);
    }
    let mut out = 0;
    loop {
        let claimed = claim(&*outbox, 64, 0).await.len();
        out += claimed;
        if claimed == 0 {
            break;
        }
    }
    assert_eq!(out, kept);
    assert!((200..400).contains(&kept), "{kept}");
}

#[tokio::test]
async fn what_was_accepted_outlives_its_process_and_what_was_sending_is_in_doubt() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    outbox.accept(push("a", &["1111", "2222", "3333", "4444"])).await.unwrap();
    let ids: Vec<_> = claim(&outbox, 3, 0).await.iter().map(|d| d.id).collect();
    outbox
        .record(vec![submitted(ids[0], 0, 1, "m0"), submitted(ids[1], 0, 1, "m1"), sent(ids[1], 1)], at(1))
        .await
        .unwrap();
    // Nobody is in doubt about what a process that lives is sending.
    let neighbour = open(dir.path()).await;
    assert!(neighbour.abandoned(at(1000), at(2)).await.unwrap().unclear.is_empty());
    drop(outbox);
    // The task that writes, and with it the lock of the owner, goes with its last user.
    let mut unclear = Vec::new();
    for _ in 0..200 {
        unclear = neighbour.abandoned(at(1000), at(2)).await.unwrap().unclear;
        if !unclear.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(unclear, [ids[2]]);
    assert_eq!(states(&neighbour, "a").await, [State::Sent, State::Sent, State::Sending, State::Waiting]);
    neighbour.record(vec![receipt("m0", ReceiptState::Delivered)], at(3)).await.unwrap();
    assert_eq!(states(&neighbour, "a").await[0], State::Delivered);
    assert_eq!(claim(&neighbour, 9, 3).await[0].destination, Destination::Msisdn("4444".parse().unwrap()));
}

#[tokio::test]
async fn payloads_are_sealed_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    outbox.accept(push("a", &["491711"])).await.unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let octets = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!octets.windows(6).any(|w| w == b"MARKED"));
    }
}

/// What has ended for all its addresses is not sent again: nothing stays of its content, sealed or not.
#[tokio::test]
async fn the_content_of_what_has_ended_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("jobs.db"), BUSY).await.unwrap();
    let outbox = open(dir.path()).await;
    let kept = async || -> Vec<String> {
        let rows = sqlx::query_scalar("SELECT push_id FROM push WHERE octets IS NOT NULL ORDER BY id");
        rows.fetch_all(&store.readers).await.unwrap()
    };
    let nowhere = |new: NewPush| {
        let refused = Refused { code: StatusCode::ADDRESS_ERROR, why: "no".into() };
        let nowhere = |d| NewDelivery { to: Err(refused.clone()), ..d };
        NewPush { deliveries: new.deliveries.into_iter().map(nowhere).collect(), ..new }
    };
    outbox.accept(nowhere(push("refused", &["491711"]))).await.unwrap();
    outbox.accept(push("a", &["491711", "491712"])).await.unwrap();
    outbox.accept(push("old", &["491713"])).await.unwrap();
    assert_eq!(kept().await, ["a", "old"]);
    let ids: Vec<DispatchId> = claim(&outbox, 2, 1).await.iter().map(|d| d.id).collect();
    let ends = |id, state| Report::Move(to(id, &[State::Sending], state));
    outbox.record(vec![ends(ids[0], State::Delivered)], at(2)).await.unwrap();
    assert_eq!(kept().await, ["a", "old"], "the other address is to have it still");
    let replace = Replace { push_id: "old".parse().unwrap(), method: ReplaceMethod::All };
    outbox.accept(NewPush { replace: Some(replace), ..push("new", &["491713"]) }).await.unwrap();
    assert_eq!(kept().await, ["a", "new"]);
    // It is, again and whole.
    outbox.record(vec![ends(ids[1], State::Waiting)], at(2)).await.unwrap();
    let again = claim(&outbox, 9, 1001).await;
    let again = again.iter().find(|d| d.id == ids[1]).unwrap();
    assert_eq!(again.octets, push("a", &[]).octets);
    outbox.record(vec![ends(ids[1], State::Unknown)], at(1002)).await.unwrap();
    assert_eq!(kept().await, ["new"]);
    // What is known of it stays.
    assert_eq!(states(&outbox, "a").await, [State::Delivered, State::Unknown]);
}

/// What is asked for is what SQLite is told (its documentation, `PRAGMA synchronous`: 1 NORMAL, 2 FULL).
#[tokio::test]
async fn what_an_outbox_survives_is_what_its_connection_is_set_to() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("jobs.db"), BUSY).await.unwrap();
    for (durability, level) in [(Durability::Power, 2), (Durability::Kill, 1)] {
        let vault = Vault::new(KeySource::Made(dir.path().join("key")), Arc::new(Fixed));
        let mut writer = OutboxFile::new(&store, Arc::new(vault), durability).connect().await.unwrap();
        let set: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut writer).await.unwrap();
        assert_eq!(set, level, "{durability:?}");
    }
}

/// Each is told once, and whether it is to wait or comes back for good.
#[tokio::test]
async fn what_is_called_back_is_told_with_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path()).await;
    outbox.accept(push("a", &["1111", "2222", "3333", "4444"])).await.unwrap();
    let ids: Vec<_> = claim(&outbox, 3, 0).await.iter().map(|d| d.id).collect();
    outbox.call_back(vec![ids[0], DispatchId(4)], None).await.unwrap();
    outbox.call_back(vec![ids[1]], Some(at(10))).await.unwrap();
    let mut calls = outbox.called_back().await.unwrap();
    calls.sort();
    assert_eq!(calls, [(ids[0], None), (ids[1], Some(at(10)))], "what waits is called back from nobody");
    assert!(outbox.called_back().await.unwrap().is_empty());
}

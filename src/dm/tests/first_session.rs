//! A device with new credentials comes in, tells what it is, and comes again.

use std::time::Duration;

use super::{
    Bench, DEVICE, SYNTAXES, basic_account, codes,
    device::{Device, header_answer, post},
    gets, header_code, header_status, md5_account,
};
use crate::{
    dm::{Closing, Event},
    ident::Clock,
    wire::{
        Syntax,
        syncml::{AlertCode, Message},
    },
};

#[tokio::test]
async fn md5_both_ways_inventory_and_end() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        let id = bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let replies = device.run(&bench.server).await;

        // Package 2: the whole session is authenticated, both commands are taken, the server proves itself and asks.
        let first = &replies[0];
        assert_eq!(header_code(first), 212);
        assert_eq!(header_status(first).target_refs, ["http://dm.acme.example/dm"]);
        assert_eq!(header_status(first).source_refs, [DEVICE]);
        assert_eq!(codes(first), [("Alert".to_owned(), 200), ("Replace".to_owned(), 200)]);
        assert!(device.trusts(first));
        assert_eq!(first.header.source.uri, "http://dm.acme.example/dm");
        let asked: Vec<String> = gets(first).into_iter().map(|(_, uri)| uri).collect();
        assert_eq!(asked, ["./DevInfo", "./DevDetail"]);
        // Then nothing is proved again, and the walk goes down by one level a message.
        assert!(replies[1..].iter().all(|r| r.header.cred.is_none() && header_code(r) == 212));
        assert_eq!(replies.len(), 5);
        let numbers: Vec<&str> = replies.iter().map(|r| r.header.msg_id.as_str()).collect();
        assert_eq!(numbers, ["1", "2", "3", "4", "5"]);
        assert!(replies.last().unwrap().commands.len() == 1);

        let events = bench.events.take();
        let [
            Event::Authenticated { account, device: named, session_id, at },
            Event::Inventory { nodes, .. },
            Event::Closed { closing, .. },
        ] = events.as_slice()
        else {
            panic!("{events:?}")
        };
        assert_eq!(
            (*account, named.as_str(), session_id.as_str(), *at),
            (id, DEVICE, "1", bench.clock.now())
        );
        assert_eq!(*closing, Closing::Complete);
        let told: Vec<(String, String)> = device.leaves.clone().into_iter().collect();
        assert_eq!(*nodes, told);
        assert!(!format!("{events:?}").contains("A780"), "a payload is printed");

        let account = bench.account(id);
        assert_eq!(account.client.nonce, device.nonce);
        assert_ne!(account.client.nonce, b"client-nonce-0");
        assert!(account.client.nonce.len() >= 16 && account.client.nonce.iter().all(u8::is_ascii_graphic));
        assert_eq!(account.inventoried, Some(bench.clock.now()));
    }
}

#[tokio::test]
async fn the_second_session_has_nothing_to_ask() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        device.run(&bench.server).await;
        bench.events.take();
        // Many clients use number 1 always.
        for session in ["2", "2", "1"] {
            bench.clock.advance(Duration::from_secs(60));
            device.session(session);
            let replies = device.run(&bench.server).await;
            assert_eq!((replies.len(), header_code(&replies[0])), (1, 212));
            assert!(device.trusts(&replies[0]));
            assert_eq!(bench.told(), ["Authenticated 1", "Closed Complete"]);
        }
    }
}

#[tokio::test]
async fn basic_both_ways() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(basic_account("490154203237518"));
        let mut device = Device::basic(syntax);
        let replies = device.run(&bench.server).await;
        assert!(device.trusts(&replies[0]));
        assert!(header_status(&replies[0]).chal.is_none());
        assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
    }
}

/// Room for what must be said first and for little more.
fn room(syntax: Syntax) -> u64 {
    match syntax {
        Syntax::Wbxml => 660,
        Syntax::Xml => 1900,
    }
}

#[tokio::test]
async fn the_devices_room_is_kept_to() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        for n in 0..40 {
            device.leaves.insert(format!("./DevDetail/Ext/Leaf{n}"), n.to_string());
        }
        // `Device::send` checks each answer.
        device.max_msg_size = Some(room(syntax));
        let replies = device.run(&bench.server).await;
        assert!(replies.len() > 6, "{}", replies.len());
        assert_eq!(bench.told(), ["Authenticated 1", "Inventory 51", "Closed Complete"]);
    }
}

#[tokio::test]
async fn a_device_without_room_for_one_status_is_given_up() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let mut hello = device.hello();
        hello.header.meta.as_mut().unwrap().max_msg_size = Some(1);
        device.max_msg_size = None;
        let reply = device.send(&bench.server, &hello).await;
        assert_eq!((header_code(&reply), codes(&reply).len(), gets(&reply).len()), (212, 0, 0));
        assert!(reply.is_final);
        assert_eq!(super::alerts(&reply), [1223]);
        assert_eq!(bench.told(), ["Authenticated 1", "Closed Exhausted"]);
    }
}

#[tokio::test]
async fn status_that_has_no_room_comes_with_the_next_message() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        device.max_msg_size = Some(room(syntax));
        let commands = (0..40).map(|_| super::device::alert(AlertCode::CLIENT_INITIATED)).collect();
        let mut hello = device.message(commands);
        hello.header.cred = Some(device.cred());
        let mut reply = device.send(&bench.server, &hello).await;
        let mut seen = codes(&reply).len();
        let mut messages = 1;
        while !reply.is_final {
            assert!(gets(&reply).is_empty());
            let next = vec![header_answer(&reply, 212, None), super::device::alert(AlertCode::NEXT_MESSAGE)];
            let next = device.message(next);
            reply = device.send(&bench.server, &next).await;
            seen += codes(&reply).len();
            messages += 1;
            assert!(messages < 30);
        }
        assert!(messages > 2, "{messages}");
        assert_eq!(seen, 40 + messages - 1, "one for each Alert");
        assert!(!gets(&reply).is_empty());
    }
}

#[tokio::test]
async fn a_broken_first_session_is_made_up_for() {
    let bench = Bench::new();
    let id = bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(SYNTAXES[0]);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    device.take_nonce(&reply);
    // The battery is taken out. Much later the device comes again.
    bench.clock.advance(Duration::from_secs(3600));
    device.session("2");
    device.run(&bench.server).await;
    assert_eq!(
        bench.told(),
        ["Authenticated 1", "Closed Abandoned", "Authenticated 1", "Inventory 11", "Closed Complete"]
    );
    assert!(bench.account(id).inventoried.is_some());
}

#[tokio::test]
async fn a_lost_answer_is_given_again() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        let id = bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let mut message = device.hello();
        loop {
            let octets = message.encode(syntax).unwrap();
            let first = post(&bench.server, syntax, &octets).await;
            let nonce = bench.account(id).client.nonce;
            let again = post(&bench.server, syntax, &octets).await;
            assert_eq!(first, again);
            assert_eq!(bench.account(id).client.nonce, nonce);
            let reply = Message::decode(syntax, &first.body).unwrap();
            if gets(&reply).is_empty() {
                break;
            }
            message = device.package_3(&reply);
        }
        assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
    }
}

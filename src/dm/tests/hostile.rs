//! Peers that want to harm: floods, garbage, messages out of place.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::Ordering,
    task::Poll,
    time::Duration,
};

use proptest::prelude::*;

use super::{
    Bench, SYNTAXES, config,
    device::{Device, header_answer, post, results},
    gets, header_code, md5_account,
};
use crate::{
    dm::{Config, Outcome},
    wire::{
        Syntax,
        syncml::{Command, Message, Meta},
    },
};

#[tokio::test]
async fn ten_thousand_strangers_stay_within_the_cap_and_push_nobody_out() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Wbxml);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    device.take_nonce(&reply);
    for n in 0..10_000 {
        let mut stranger = Device::new(Syntax::Wbxml);
        stranger.uri = format!("IMEI:{n}");
        stranger.session(&(n % 7).to_string());
        let hello = stranger.hello();
        assert_eq!(header_code(&stranger.send(&bench.server, &hello).await), 401);
        assert!(bench.server.sessions() <= 100);
    }
    assert_eq!(bench.server.sessions(), 100);
    // The device that had proved itself goes on as if nothing had happened.
    let next = device.package_3(&reply);
    let mut reply = device.send(&bench.server, &next).await;
    while !gets(&reply).is_empty() {
        let next = device.package_3(&reply);
        reply = device.send(&bench.server, &next).await;
    }
    let told = bench.told();
    assert_eq!(told.iter().filter(|e| e.starts_with("Refused")).count(), 10_000);
    assert_eq!(told.last().unwrap(), "Closed Complete");
}

#[tokio::test]
async fn idle_sessions_are_forgotten() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Xml);
    let hello = device.hello();
    device.send(&bench.server, &hello).await;
    assert_eq!(bench.told(), ["Authenticated 1"]);
    bench.clock.advance(Duration::from_secs(599));
    bench.server.sweep().await;
    assert_eq!((bench.server.sessions(), bench.told().len()), (1, 0));
    bench.clock.advance(Duration::from_secs(1));
    bench.server.sweep().await;
    assert_eq!((bench.server.sessions(), bench.told()), (0, vec!["Closed Abandoned".to_owned()]));
    bench.server.sweep().await;
    assert!(bench.told().is_empty());
}

#[tokio::test]
async fn a_device_that_was_forgotten_is_challenged_and_goes_on() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Xml);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    device.take_nonce(&reply);
    bench.clock.advance(Duration::from_secs(3600));
    // Message 2 of a session that nobody knows any more.
    let next = device.package_3(&reply);
    let reply = device.send(&bench.server, &next).await;
    assert_eq!(header_code(&reply), 407);
    device.take_nonce(&reply);
    device.run(&bench.server).await;
    assert_eq!(
        bench.told(),
        ["Authenticated 1", "Closed Abandoned", "Authenticated 1", "Inventory 11", "Closed Complete"]
    );
}

#[tokio::test]
async fn messages_out_of_place_are_refused_and_change_nothing() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let hello = device.hello();
        let reply = device.send(&bench.server, &hello).await;
        device.take_nonce(&reply);
        let mut good = device.package_3(&reply);
        for number in ["0", "3", "7", "4294967295"] {
            good.header.msg_id = number.to_owned();
            assert_eq!(header_code(&device.send(&bench.server, &good).await), 400, "{number}");
        }
        good.header.msg_id = "2".to_owned();
        let reply = device.send(&bench.server, &good).await;
        assert_eq!(header_code(&reply), 212);
        // Its number again with other octets.
        good.commands.pop();
        assert_eq!(header_code(&device.send(&bench.server, &good).await), 400);
        let mut reply = reply;
        while !gets(&reply).is_empty() {
            let next = device.package_3(&reply);
            reply = device.send(&bench.server, &next).await;
        }
        assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
        // Nothing comes after the end.
        let late = device.message(Vec::new());
        assert_eq!(header_code(&device.send(&bench.server, &late).await), 400);
        assert!(bench.told().is_empty());
    }
}

#[tokio::test]
async fn nobody_takes_over_a_session_without_credentials() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Wbxml);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    device.take_nonce(&reply);
    // Somebody begins anew under the same name and number, and goes on guessing.
    let mut stranger = Device::new(Syntax::Wbxml);
    "guess".clone_into(&mut stranger.password);
    for _ in 0..3 {
        let hello = stranger.hello();
        let reply = stranger.send(&bench.server, &hello).await;
        assert_eq!(header_code(&reply), 401);
        stranger.take_nonce(&reply);
    }
    let mut reply = reply;
    while !gets(&reply).is_empty() {
        let next = device.package_3(&reply);
        reply = device.send(&bench.server, &next).await;
    }
    let told: Vec<String> = bench.told().into_iter().filter(|e| !e.starts_with("Refused")).collect();
    assert_eq!(told, ["Authenticated 1", "Inventory 11", "Closed Complete"]);
}

#[tokio::test]
async fn the_device_itself_may_begin_anew_under_the_same_number() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Wbxml);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    device.take_nonce(&reply);
    device.session("1");
    device.run(&bench.server).await;
    assert_eq!(
        bench.told(),
        ["Authenticated 1", "Closed Abandoned", "Authenticated 1", "Inventory 11", "Closed Complete"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_arrive_at_once_get_the_same_answer() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Xml);
    let octets = device.hello().encode(Syntax::Xml).unwrap();
    let mut tasks = Vec::new();
    for _ in 0..40 {
        let (server, octets) = (bench.server.clone(), octets.clone());
        tasks.push(tokio::spawn(async move { post(&server, Syntax::Xml, &octets).await }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    assert!(answers.iter().all(|a| *a == answers[0] && a.outcome == Outcome::Ok));
    assert_eq!(bench.told(), ["Authenticated 1"]);
    assert_eq!(bench.accounts.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_caller_that_hangs_up_leaves_nothing_half_done() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Xml);
    let octets = device.hello().encode(Syntax::Xml).unwrap();
    // Polled once, then dropped.
    {
        let mut request = pin!(post(&bench.server, Syntax::Xml, &octets));
        let pending = poll_fn(|context| Poll::Ready(request.as_mut().poll(context).is_pending())).await;
        assert!(pending, "the request was not cut");
    }
    let reply = post(&bench.server, Syntax::Xml, &octets).await;
    let reply = Message::decode(Syntax::Xml, &reply.body).unwrap();
    assert_eq!(header_code(&reply), 212);
    assert_eq!(bench.told(), ["Authenticated 1"]);
}

#[tokio::test]
async fn content_types_and_sizes() {
    let bench = Bench::with(Config { max_message_size: 4000, ..config() });
    let mut device = Device::new(Syntax::Xml);
    let wbxml = device.hello().encode(Syntax::Wbxml).unwrap();
    device.session("1");
    let xml = device.hello().encode(Syntax::Xml).unwrap();
    for (content_type, body, answered) in [
        ("application/vnd.syncml.dm+wbxml", &wbxml, Some("application/vnd.syncml.dm+wbxml")),
        ("application/vnd.syncml+wbxml; charset=utf-8", &wbxml, Some("application/vnd.syncml+wbxml")),
        ("Application/Vnd.SyncML.DM+XML ;charset=\"utf-8\"", &xml, Some("application/vnd.syncml.dm+xml")),
        ("application/vnd.syncml+xml", &xml, Some("application/vnd.syncml+xml")),
        ("application/xml", &xml, None),
        ("text/vnd.wap.connectivity-xml", &xml, None),
        ("", &xml, None),
    ] {
        let reply = bench.server.handle(content_type, body).await;
        assert_eq!(reply.content_type, answered, "{content_type}");
        let outcome = if answered.is_some() { Outcome::Ok } else { Outcome::UnsupportedType };
        assert_eq!(reply.outcome, outcome, "{content_type}");
    }
    let large = vec![b' '; 4001];
    assert_eq!(post(&bench.server, Syntax::Xml, &large).await.outcome, Outcome::TooLarge);
    for garbage in [&b""[..], b"hello", b"<SyncML/>", &wbxml[..wbxml.len() / 2], &xml[..xml.len() - 1]] {
        for syntax in SYNTAXES {
            assert_eq!(post(&bench.server, syntax, garbage).await.outcome, Outcome::BadRequest);
        }
    }
    let deep = "<SyncML xmlns='SYNCML:SYNCML1.2'>".repeat(100);
    assert_eq!(post(&bench.server, Syntax::Xml, deep.as_bytes()).await.outcome, Outcome::BadRequest);
    assert_eq!(bench.server.sessions(), 1);
}

#[tokio::test]
async fn a_message_that_was_cut_is_no_message() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let octets = Device::new(syntax).hello().encode(syntax).unwrap();
        for end in 0..octets.len() {
            let reply = post(&bench.server, syntax, &octets[..end]).await;
            assert_eq!(reply.outcome, Outcome::BadRequest, "{syntax:?} {end}");
        }
        assert_eq!((bench.server.sessions(), bench.told().len()), (0, 0));
        assert_eq!(post(&bench.server, syntax, &octets).await.outcome, Outcome::Ok);
    }
}

#[tokio::test]
async fn names_that_cannot_be_repeated_are_no_messages() {
    let long = "9".repeat(400);
    let bench = Bench::new();
    for (field, value) in [
        (0, ""),
        (0, "x\u{7}y"),
        (0, &*long),
        (1, ""),
        (1, &*long),
        (2, ""),
        (2, "one"),
        (2, "-1"),
        (2, &*long),
        (3, &*long),
    ] {
        let mut device = Device::new(Syntax::Wbxml);
        let mut hello = device.hello();
        let place = match field {
            0 => &mut hello.header.source.uri,
            1 => &mut hello.header.session_id,
            2 => &mut hello.header.msg_id,
            _ => match &mut hello.commands[0] {
                Command::Alert(a) => &mut a.cmd_id,
                _ => unreachable!(),
            },
        };
        value.clone_into(place);
        let octets = hello.encode(Syntax::Wbxml).unwrap();
        assert_eq!(
            post(&bench.server, Syntax::Wbxml, &octets).await.outcome,
            Outcome::BadRequest,
            "{field} {value:?}"
        );
    }
    assert_eq!(bench.server.sessions(), 0);
}

#[tokio::test]
async fn a_tree_without_end_is_not_walked_to_the_end() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        device.max_msg_size = None;
        let hello = device.hello();
        let mut reply = device.send(&bench.server, &hello).await;
        let (mut messages, mut asked) = (1, 0);
        while !gets(&reply).is_empty() {
            let mut commands = vec![header_answer(&reply, 212, None)];
            for (id, uri) in gets(&reply) {
                asked += 1;
                assert!(uri.split('/').count() <= 9);
                let names = (0..50).map(|n| format!("n{n}")).collect::<Vec<_>>().join("/");
                let meta = Meta { format: Some("node".to_owned()), ..Meta::default() };
                commands.push(results(&reply.header.msg_id, &id, &uri, meta, names));
            }
            let next = device.message(commands);
            reply = device.send(&bench.server, &next).await;
            messages += 1;
        }
        assert!(messages < 20 && asked == 256, "{messages} {asked}");
        // What package 1 told is still an inventory.
        assert_eq!(bench.told(), ["Authenticated 1", "Inventory 5", "Closed Complete"]);
    }
}

#[tokio::test]
async fn a_session_without_end_is_ended() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Wbxml);
    let mut message = device.hello();
    message.is_final = false;
    let mut messages = 0;
    loop {
        messages += 1;
        assert!(messages < 1000, "the session does not end");
        let reply = device.send(&bench.server, &message).await;
        if reply.is_final {
            break;
        }
        message = device.message(Vec::new());
        message.is_final = false;
    }
    assert_eq!(messages, 200);
    assert_eq!(bench.told(), ["Authenticated 1", "Closed Exhausted"]);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..200), wbxml: bool) {
        let bench = Bench::new();
        let syntax = if wbxml { Syntax::Wbxml } else { Syntax::Xml };
        let reply = runtime().block_on(post(&bench.server, syntax, &octets));
        prop_assert!(reply.outcome != Outcome::Unavailable);
    }

    /// A good conversation in which octets of one message are changed.
    #[test]
    fn damaged_messages_never_panic_and_never_let_in(
        at in 0.0..1.0f64, to: u8, which in 0..3usize, wbxml: bool,
    ) {
        let syntax = if wbxml { Syntax::Wbxml } else { Syntax::Xml };
        runtime().block_on(async {
            let bench = Bench::new();
            bench.accounts.memory.add(md5_account("490154203237518"));
            let mut device = Device::new(syntax);
            "guess".clone_into(&mut device.password);
            for n in 0..3 {
                let mut octets = device.hello().encode(syntax).unwrap();
                if n == which {
                    let place = (octets.len() as f64 * at) as usize;
                    octets[place] = to;
                }
                let reply = post(&bench.server, syntax, &octets).await;
                assert!(matches!(reply.outcome, Outcome::Ok | Outcome::BadRequest), "{:?}", reply.outcome);
                if let Ok(reply) = Message::decode(syntax, &reply.body) {
                    device.take_nonce(&reply);
                }
            }
            assert!(bench.told().iter().all(|e| e.starts_with("Refused")));
        });
    }
}

//! What a device may send within a session, and in how many pieces.

use super::{
    Bench, SYNTAXES, alerts, codes,
    device::{Device, alert, header_answer, operation, results, status},
    gets, header_code, md5_account,
};
use crate::{
    dm::Event,
    wire::{
        Syntax,
        syncml::{
            AlertCode, Command, Data, Group, GroupKind, Item, Location, Message, Meta, MoreData, StatusCode,
            Unsupported, Verb,
        },
    },
};

async fn opened(syntax: Syntax) -> (Bench, Device, Message) {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(syntax);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    device.take_nonce(&reply);
    bench.told();
    (bench, device, reply)
}

fn item(uri: &str) -> Item {
    Item { source: Some(Location::new(uri)), data: Some(Data::Text("x".to_owned())), ..Item::default() }
}

#[tokio::test]
async fn a_device_manages_nothing() {
    for syntax in SYNTAXES {
        let (bench, mut device, reply) = opened(syntax).await;
        let get = Item { target: Some(Location::new("./DevInfo")), ..Item::default() };
        let inner = vec![operation(Verb::Replace, vec![item("./DevInfo/Man")])];
        let mut commands = vec![
            header_answer(&reply, 212, None),
            operation(Verb::Add, vec![item("./DevInfo/X")]),
            operation(Verb::Delete, vec![item("./DevInfo/X")]),
            operation(Verb::Get, vec![get]),
            operation(Verb::Exec, vec![item("./DevInfo/X")]),
            operation(Verb::Replace, vec![item("./DMAcc/X/Name")]),
            operation(Verb::Replace, vec![item("./DevInfo/Man"), item("./DevInfoX/Man")]),
            operation(Verb::Replace, vec![item("./DevInfo/../DMAcc/X")]),
            operation(Verb::Replace, vec![item("DevInfo/Man")]),
            alert(AlertCode(1100)),
            Command::Unsupported(Unsupported { name: "Put".to_owned(), cmd_id: String::new() }),
        ];
        // CmdIDs of inner commands are their own business here.
        let mut inner = inner;
        if let Command::Operation(o) = &mut inner[0] {
            o.cmd_id = "77".to_owned();
        }
        commands.push(Command::Group(Group {
            kind: GroupKind::Atomic,
            cmd_id: String::new(),
            commands: inner,
        }));
        let next = device.message(commands);
        let reply = device.send(&bench.server, &next).await;
        let got: Vec<(String, u16)> = codes(&reply);
        let got: Vec<(&str, u16)> = got.iter().map(|(n, c)| (n.as_str(), *c)).collect();
        assert_eq!(
            got,
            [
                ("Add", 405),
                ("Delete", 405),
                ("Get", 405),
                ("Exec", 405),
                ("Replace", 405),
                ("Replace", 405),
                ("Replace", 405),
                ("Replace", 200),
                ("Alert", 406),
                ("Put", 405),
                ("Atomic", 405),
            ]
        );
    }
}

#[tokio::test]
async fn alerts_that_ask_for_nothing_are_told() {
    let (bench, mut device, reply) = opened(Syntax::Xml).await;
    let Command::Alert(mut generic) = alert(AlertCode::GENERIC) else { unreachable!() };
    let kind = Some("Reversed-Domain-Name: example.acme.update".to_owned());
    generic.items = vec![Item { meta: Some(Meta { kind, ..Meta::default() }), ..item("./X") }];
    let mut next = device.package_3(&reply);
    next.commands.push(Command::Alert(crate::wire::syncml::Alert { cmd_id: "50".to_owned(), ..generic }));
    let reply = device.send(&bench.server, &next).await;
    assert_eq!(codes(&reply), [("Alert".to_owned(), 200)]);
    let events = bench.events.take();
    let [Event::Alerted { code, kind, .. }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((code.0, kind.as_deref()), (1226, Some("Reversed-Domain-Name: example.acme.update")));
}

#[tokio::test]
async fn nothing_is_asked_before_the_end_of_the_package() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let mut hello = device.message(vec![alert(AlertCode::CLIENT_INITIATED)]);
        hello.header.cred = Some(device.cred());
        hello.is_final = false;
        let reply = device.send(&bench.server, &hello).await;
        assert_eq!((header_code(&reply), alerts(&reply), gets(&reply).len()), (212, vec![1222], 0));
        assert!(!reply.is_final && device.trusts(&reply));
        let rest = vec![
            header_answer(&reply, 212, None),
            status(&reply.header.msg_id, "3", "Alert", 200),
            device.dev_info(),
        ];
        let rest = device.message(rest);
        let reply = device.send(&bench.server, &rest).await;
        assert!(reply.is_final && alerts(&reply).is_empty());
        assert_eq!(gets(&reply).len(), 2);
    }
}

#[tokio::test]
async fn a_large_value_comes_in_chunks() {
    for syntax in SYNTAXES {
        let (bench, mut device, reply) = opened(syntax).await;
        let next = device.package_3(&reply);
        let mut reply = device.send(&bench.server, &next).await;
        let (cmd_ref, uri) = gets(&reply).into_iter().find(|(_, uri)| uri == "./DevDetail/FwV").unwrap();
        let msg_ref = reply.header.msg_id.clone();
        let mut rest = device.answers(&reply);
        rest.retain(|c| !matches!(c, Command::Results(r) if r.cmd_ref == cmd_ref));
        for (n, part) in ["first ", "second ", "third"].into_iter().enumerate() {
            let size = (n == 0).then_some(18);
            let Command::Results(mut chunk) =
                results(&msg_ref, &cmd_ref, &uri, Meta { size, ..Meta::default() }, part.to_owned())
            else {
                unreachable!()
            };
            let last = n == 2;
            chunk.items[0].more_data = if last { MoreData::No } else { MoreData::Yes };
            let mut commands = vec![header_answer(&reply, 212, None)];
            commands.append(&mut rest);
            commands.push(Command::Results(chunk));
            let mut message = device.message(commands);
            message.is_final = last;
            reply = device.send(&bench.server, &message).await;
            if !last {
                assert_eq!((codes(&reply), alerts(&reply)), (vec![("Results".to_owned(), 213)], vec![1222]));
                assert!(!reply.is_final && gets(&reply).is_empty());
            }
        }
        while !gets(&reply).is_empty() {
            let next = device.package_3(&reply);
            reply = device.send(&bench.server, &next).await;
        }
        let events = bench.events.take();
        let [Event::Inventory { nodes, .. }, Event::Closed { .. }] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(nodes.iter().find(|(u, _)| *u == uri).unwrap().1, "first second third");
        assert_eq!(nodes.len(), 11);
    }
}

#[tokio::test]
async fn bad_chunks_are_refused() {
    let (bench, mut device, reply) = opened(Syntax::Wbxml).await;
    let msg_ref = reply.header.msg_id.clone();
    let (cmd_ref, uri) = gets(&reply).remove(0);
    let chunk = |size: Option<u64>, more: MoreData| {
        let Command::Results(mut r) =
            results(&msg_ref, &cmd_ref, &uri, Meta { size, ..Meta::default() }, "abc".to_owned())
        else {
            unreachable!()
        };
        r.items[0].more_data = more;
        Command::Results(r)
    };
    for (command, code, waits) in [
        (chunk(None, MoreData::Yes), 411, false),
        (chunk(Some(1 << 40), MoreData::Yes), 413, false),
        (chunk(Some(2), MoreData::Yes), 424, false),
        (chunk(Some(7), MoreData::Yes), 213, true),
        (chunk(None, MoreData::No), 424, false),
    ] {
        let mut message = device.message(vec![command]);
        message.is_final = false;
        let reply = device.send(&bench.server, &message).await;
        assert_eq!(codes(&reply), [("Results".to_owned(), code)], "{waits}");
    }
    // A chunk is left behind: Alert 1225.
    let first = device.message(vec![chunk(Some(7), MoreData::Yes)]);
    assert_eq!(alerts(&device.send(&bench.server, &first).await), [1222]);
    let other = device.message(vec![operation(Verb::Replace, vec![item("./DevInfo/Man")])]);
    assert_eq!(alerts(&device.send(&bench.server, &other).await), [1225]);
}

#[tokio::test]
async fn a_device_may_give_up() {
    for syntax in SYNTAXES {
        let (bench, mut device, reply) = opened(syntax).await;
        let next = vec![header_answer(&reply, 212, None), alert(AlertCode::SESSION_ABORT)];
        let next = device.message(next);
        let reply = device.send(&bench.server, &next).await;
        assert!(reply.is_final && alerts(&reply).is_empty() && gets(&reply).is_empty());
        assert_eq!(codes(&reply), [("Alert".to_owned(), 200)]);
        assert_eq!(bench.told(), ["Closed Aborted"]);
        // Before it has proved anything, too.
        let mut device = Device::new(syntax);
        device.session("9");
        let abort = device.message(vec![alert(AlertCode::SESSION_ABORT)]);
        let reply = device.send(&bench.server, &abort).await;
        assert!(reply.is_final && header_code(&reply) == 200);
        assert!(bench.told().is_empty());
    }
}

#[tokio::test]
async fn an_error_about_our_header_ends_the_session() {
    let (bench, mut device, reply) = opened(Syntax::Xml).await;
    let next = device.message(vec![header_answer(&reply, StatusCode::VERSION_NOT_SUPPORTED.0, None)]);
    let reply = device.send(&bench.server, &next).await;
    assert!(reply.is_final && gets(&reply).is_empty() && alerts(&reply).is_empty());
    assert_eq!(bench.told(), ["Closed Aborted"]);
}

#[tokio::test]
async fn other_versions_are_refused() {
    for syntax in SYNTAXES {
        for (dtd, proto, code) in [("1.1", "DM/1.2", 505), ("1.2", "DM/1.1", 513), ("1.2", "SyncML/1.2", 513)]
        {
            let bench = Bench::new();
            bench.accounts.memory.add(md5_account("490154203237518"));
            let mut device = Device::new(syntax);
            let mut hello = device.hello();
            hello.header.ver_dtd = dtd.to_owned();
            hello.header.ver_proto = proto.to_owned();
            let reply = device.send(&bench.server, &hello).await;
            assert_eq!(header_code(&reply), code);
            assert_eq!(codes(&reply), [("Alert".to_owned(), code), ("Replace".to_owned(), code)]);
            assert!(bench.told().is_empty());
        }
    }
}

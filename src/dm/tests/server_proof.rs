//! The device does not believe the server at once, or never.

use super::{
    Bench, SYNTAXES, alerts, basic_account,
    device::{Device, header_answer, status},
    gets, header_code, md5_account,
};
use crate::{
    dm::{AuthScheme, NewAccount, StoredCredential},
    wire::{Syntax, syncml::Command},
};

/// Package 3 of a device that refuses the server: nothing was executed.
fn refusal(
    device: &mut Device,
    reply: &crate::wire::syncml::Message,
    code: u16,
    nonce: &[u8],
) -> crate::wire::syncml::Message {
    let mut commands = vec![header_answer(reply, code, Some((AuthScheme::Md5, nonce)))];
    commands.extend(gets(reply).iter().map(|(id, _)| status(&reply.header.msg_id, id, "Get", code)));
    device.message(commands)
}

#[tokio::test]
async fn credentials_are_sent_again_with_the_nonce_that_was_asked_for() {
    for syntax in SYNTAXES {
        for code in [401, 407] {
            let bench = Bench::new();
            let id = bench.accounts.memory.add(md5_account("490154203237518"));
            let mut device = Device::new(syntax);
            let hello = device.hello();
            let reply = device.send(&bench.server, &hello).await;
            let asked = gets(&reply).len();
            device.take_nonce(&reply);
            device.server_nonce = b"\x00\xFF another nonce".to_vec();
            let next = refusal(&mut device, &reply, code, b"\x00\xFF another nonce");
            let reply = device.send(&bench.server, &next).await;
            assert!(device.trusts(&reply));
            assert_eq!(gets(&reply).len(), asked, "what was refused is asked for again");
            assert_eq!(bench.account(id).server.nonce, device.server_nonce);
            let mut reply = reply;
            while !gets(&reply).is_empty() {
                let next = device.package_3(&reply);
                reply = device.send(&bench.server, &next).await;
            }
            assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
        }
    }
}

#[tokio::test]
async fn a_nonce_given_with_212_is_for_the_next_session() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        let id = bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let hello = device.hello();
        let reply = device.send(&bench.server, &hello).await;
        device.take_nonce(&reply);
        assert!(device.trusts(&reply));
        let mut next = device.package_3(&reply);
        next.commands[0] = header_answer(&reply, 212, Some((AuthScheme::Md5, b"server-nonce-1")));
        let reply = device.send(&bench.server, &next).await;
        assert!(reply.header.cred.is_none());
        assert_eq!(bench.account(id).server.nonce, b"server-nonce-1");
        device.server_nonce = b"server-nonce-1".to_vec();
        device.session("2");
        let hello = device.hello();
        let reply = device.send(&bench.server, &hello).await;
        assert!(device.trusts(&reply));
    }
}

#[tokio::test]
async fn a_device_that_says_200_gets_credentials_in_each_message() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Wbxml);
    let hello = device.hello();
    let mut reply = device.send(&bench.server, &hello).await;
    let mut n = 0;
    while !gets(&reply).is_empty() {
        assert!(device.trusts(&reply));
        n += 1;
        device.server_nonce = format!("nonce number {n}").into_bytes();
        let mut next = device.package_3(&reply);
        next.commands[0] = header_answer(&reply, 200, Some((AuthScheme::Md5, &device.server_nonce)));
        reply = device.send(&bench.server, &next).await;
    }
    assert_eq!(n, 4);
    assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
}

#[tokio::test]
async fn a_device_that_never_believes_is_left_alone() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let hello = device.hello();
        let mut reply = device.send(&bench.server, &hello).await;
        let mut refusals = 0;
        while alerts(&reply).is_empty() {
            refusals += 1;
            assert!(refusals < 10, "the session does not end");
            let next = refusal(&mut device, &reply, 401, format!("nonce {refusals}").as_bytes());
            reply = device.send(&bench.server, &next).await;
        }
        assert_eq!((refusals, alerts(&reply)), (3, vec![1223]));
        assert!(reply.is_final && reply.header.cred.is_none() && gets(&reply).is_empty());
        assert_eq!(bench.told(), ["Authenticated 1", "Closed ServerRefused"]);
    }
}

#[tokio::test]
async fn what_cannot_be_answered_ends_the_session() {
    // A challenge for another scheme, none at all, and one that is no base64.
    let other = |_: &mut Command| ();
    let none = |c: &mut Command| {
        if let Command::Status(s) = c {
            s.chal = None;
        }
    };
    let garbage = |c: &mut Command| {
        if let Command::Status(s) = c {
            s.chal.as_mut().unwrap().meta.next_nonce = Some("!".to_owned());
        }
    };
    let changes: [&dyn Fn(&mut Command); 3] = [&other, &none, &garbage];
    for (change, scheme) in changes.into_iter().zip([AuthScheme::Basic, AuthScheme::Md5, AuthScheme::Md5]) {
        let bench = Bench::new();
        let id = bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(Syntax::Wbxml);
        let hello = device.hello();
        let reply = device.send(&bench.server, &hello).await;
        let mut answer = header_answer(&reply, 401, Some((scheme, b"nonce")));
        change(&mut answer);
        let next = device.message(vec![answer]);
        let reply = device.send(&bench.server, &next).await;
        assert_eq!(alerts(&reply), [1223]);
        assert_eq!(bench.told(), ["Authenticated 1", "Closed ServerRefused"]);
        assert_eq!(bench.account(id).server.nonce, b"server-nonce-0");
    }
}

#[tokio::test]
async fn a_stranger_changes_no_server_nonce() {
    let bench = Bench::new();
    let id = bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Wbxml);
    let hello = device.package_1();
    let reply = device.send(&bench.server, &hello).await;
    let mut next = device.package_1();
    next.commands.insert(0, header_answer(&reply, 407, Some((AuthScheme::Md5, b"evil"))));
    assert_eq!(header_code(&device.send(&bench.server, &next).await), 407);
    assert_eq!(bench.account(id).server.nonce, b"server-nonce-0");
}

#[tokio::test]
async fn a_basic_server_without_its_secret_says_nothing_it_cannot_prove() {
    let bench = Bench::new();
    let mut account: NewAccount = basic_account("490154203237518");
    account.server = StoredCredential { secret: None, ..account.server };
    bench.accounts.memory.add(account);
    let mut device = Device::basic(Syntax::Wbxml);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    assert!(reply.header.cred.is_none());
    assert_eq!(header_code(&reply), 212);
}

//! Who gets in, who does not, and what a stranger can find out.

use std::collections::BTreeSet;

use super::{
    Bench, SYNTAXES, basic_account, codes,
    device::{Device, next_nonce, only_statuses, post},
    gets, header_code, header_status, md5_account, secret,
};
use crate::{
    dm::{AuthScheme, NewAccount, Outcome, StoredCredential},
    wire::{Syntax, syncml::Message},
};

#[tokio::test]
async fn wrong_credentials_get_fresh_challenges_and_then_the_end() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        let id = bench.accounts.memory.add(md5_account("490154203237518"));
        let mut nonces = BTreeSet::new();
        for session in 1..=20 {
            let mut device = Device::new(syntax);
            "guess".clone_into(&mut device.password);
            device.session(&session.to_string());
            for round in 0..3 {
                let hello = device.hello();
                let reply = device.send(&bench.server, &hello).await;
                assert_eq!(header_code(&reply), 401);
                assert!(reply.is_final && only_statuses(&reply) && reply.header.cred.is_none());
                assert_eq!(codes(&reply), [("Alert".to_owned(), 401), ("Replace".to_owned(), 401)]);
                let nonce = next_nonce(header_status(&reply).chal.as_ref());
                assert_eq!(nonce.is_some(), round < 2, "two challenges, then the end");
                if let Some(nonce) = nonce {
                    assert!(nonce.len() >= 16);
                    assert!(nonces.insert(nonce.clone()), "a nonce was used twice");
                    device.nonce = nonce;
                }
            }
            // Whoever goes on is told no, also with the right password.
            "device-secret".clone_into(&mut device.password);
            let hello = device.hello();
            let reply = device.send(&bench.server, &hello).await;
            assert_eq!(header_code(&reply), 400);
            assert_eq!(bench.told(), ["Refused Challenged", "Refused Challenged", "Refused Ended"]);
        }
        assert_eq!(nonces.len(), 40);
        // Strangers change nothing: the device's own nonce is still good.
        assert_eq!(bench.account(id).client.nonce, b"client-nonce-0");
        let mut device = Device::new(syntax);
        device.session("21");
        assert_eq!(header_code(&device.run(&bench.server).await[0]), 212);
    }
}

#[tokio::test]
async fn missing_credentials_are_asked_for() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        device.nonce = b"out of date".to_vec();
        let hello = device.package_1();
        let reply = device.send(&bench.server, &hello).await;
        assert_eq!(header_code(&reply), 407);
        assert_eq!(codes(&reply), [("Alert".to_owned(), 407), ("Replace".to_owned(), 407)]);
        let chal = header_status(&reply).chal.as_ref().unwrap();
        assert_eq!(chal.meta.kind.as_deref(), Some("syncml:auth-md5"));
        assert_eq!(chal.meta.format.as_deref(), Some("b64"));
        device.take_nonce(&reply);
        device.run(&bench.server).await;
        assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
    }
}

#[tokio::test]
async fn a_nonce_out_of_date_costs_one_round() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        device.nonce = b"out of date".to_vec();
        let hello = device.hello();
        let reply = device.send(&bench.server, &hello).await;
        assert_eq!(header_code(&reply), 401);
        device.take_nonce(&reply);
        device.run(&bench.server).await;
        assert_eq!(
            bench.told(),
            ["Refused Challenged", "Authenticated 1", "Inventory 11", "Closed Complete"]
        );
    }
}

#[tokio::test]
async fn a_challenge_may_be_answered_under_number_1_again() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let hello = device.package_1();
        device.take_nonce(&device.clone().send(&bench.server, &hello).await);
        device.session("1");
        let hello = device.hello();
        let first = device.send(&bench.server, &hello).await;
        assert_eq!(header_code(&first), 212);
        // Once: the same credential opens nothing else.
        let mut other = hello.clone();
        other.commands.pop();
        assert_eq!(header_code(&device.send(&bench.server, &other).await), 401);
        device.take_nonce(&first);
        let next = device.package_3(&first);
        assert_eq!(header_code(&device.send(&bench.server, &next).await), 212);
    }
}

#[tokio::test]
async fn a_stranger_cannot_tell_whether_there_is_an_account() {
    for syntax in SYNTAXES {
        let mut heard = Vec::new();
        for known in [true, false] {
            let bench = Bench::new();
            if known {
                bench.accounts.memory.add(md5_account("490154203237518"));
            }
            for with_cred in [AuthScheme::Md5, AuthScheme::Basic] {
                let mut device = Device::new(syntax);
                device.scheme = with_cred;
                device.session(with_cred.as_type());
                "guess".clone_into(&mut device.password);
                for n in 0..4 {
                    let mut hello = device.hello();
                    if n == 0 {
                        hello.header.cred = None;
                    }
                    let octets = hello.encode(syntax).unwrap();
                    heard.push((known, post(&bench.server, syntax, &octets).await));
                }
            }
            heard.extend(bench.told().into_iter().map(|told| {
                let body = told.into_bytes();
                (known, crate::dm::Reply { outcome: Outcome::Ok, content_type: None, body })
            }));
        }
        // The random source is the same in both, so the answers are the same to the octet.
        let (known, unknown): (Vec<_>, Vec<_>) = heard.into_iter().partition(|(known, _)| *known);
        assert!(known.len() > 10);
        assert!(known.into_iter().map(|(_, r)| r).eq(unknown.into_iter().map(|(_, r)| r)));
    }
}

#[tokio::test]
async fn an_old_credential_opens_nothing() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let hello = device.hello();
        device.msg_id = 0;
        device.run(&bench.server).await;
        assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
        // The same octets, and the same credential under another number.
        let replies = [device.send(&bench.server, &hello).await, {
            let mut hello = hello.clone();
            device.session("2");
            hello.header.session_id = "2".to_owned();
            device.send(&bench.server, &hello).await
        }];
        for reply in replies {
            assert_eq!(header_code(&reply), 401);
            assert!(gets(&reply).is_empty() && reply.header.cred.is_none());
        }
        assert_eq!(bench.told(), ["Refused Challenged", "Refused Challenged"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nonce_opens_one_session_however_many_ask_at_once() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut tasks = Vec::new();
    for n in 0..50 {
        let mut device = Device::new(Syntax::Wbxml);
        device.session(&n.to_string());
        let server = bench.server.clone();
        tasks.push(tokio::spawn(async move {
            let hello = device.hello();
            header_code(&device.send(&server, &hello).await)
        }));
    }
    let mut codes = Vec::new();
    for task in tasks {
        codes.push(task.await.unwrap());
    }
    assert_eq!(codes.iter().filter(|c| **c == 212).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|c| **c == 401).count(), 49, "{codes:?}");
    assert_eq!(bench.told().iter().filter(|e| e.starts_with("Authenticated")).count(), 1);
}

#[tokio::test]
async fn the_old_account_is_good_until_the_pending_one_was_used() {
    let bench = Bench::new();
    let with_secret = |text: &str| NewAccount {
        client: StoredCredential::of_client(
            AuthScheme::Md5,
            "490154203237518",
            &secret(text),
            b"client-nonce-0",
        ),
        ..md5_account("490154203237518")
    };
    bench.accounts.memory.add(with_secret("old-secret"));
    bench.accounts.memory.add(with_secret("new-secret"));
    let mut old = Device { password: "old-secret".to_owned(), ..Device::new(Syntax::Xml) };
    let mut new = Device { password: "new-secret".to_owned(), ..Device::new(Syntax::Xml) };
    old.run(&bench.server).await;
    assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
    new.session("2");
    new.run(&bench.server).await;
    assert_eq!(bench.told(), ["Authenticated 2", "Inventory 11", "Closed Complete"]);
    old.session("3");
    let hello = old.hello();
    assert_eq!(header_code(&old.send(&bench.server, &hello).await), 401);
    new.session("4");
    assert_eq!(header_code(&new.run(&bench.server).await[0]), 212);
}

#[tokio::test]
async fn a_weaker_scheme_and_another_server_do_not_count() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::basic(Syntax::Xml);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    assert_eq!(header_code(&reply), 401);
    let chal = header_status(&reply).chal.as_ref().unwrap();
    assert_eq!(chal.meta.kind.as_deref(), Some("syncml:auth-md5"));
    // MD5 where the account says basic: the password may be right, the scheme is not.
    let bench = Bench::new();
    bench.accounts.memory.add(basic_account("490154203237518"));
    let mut device = Device::new(Syntax::Xml);
    device.nonce = Vec::new();
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    assert_eq!(header_code(&reply), 401);
    let chal = header_status(&reply).chal.as_ref().unwrap();
    assert_eq!((chal.meta.kind.as_deref(), &chal.meta.next_nonce), (Some("syncml:auth-basic"), &None));

    let bench = Bench::new();
    bench
        .accounts
        .memory
        .add(NewAccount { server_id: "other.dm".parse().unwrap(), ..md5_account("490154203237518") });
    let mut device = Device::new(Syntax::Xml);
    let hello = device.hello();
    assert_eq!(header_code(&device.send(&bench.server, &hello).await), 401);
}

#[tokio::test]
async fn wrong_credentials_within_a_session_end_it() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Wbxml);
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    let mut next = device.package_3(&reply);
    device.nonce = b"something else".to_vec();
    next.header.cred = Some(device.cred());
    let reply = device.send(&bench.server, &next).await;
    assert_eq!(header_code(&reply), 401);
    assert!(header_status(&reply).chal.is_none() && only_statuses(&reply));
    assert_eq!(bench.told(), ["Authenticated 1", "Refused Ended", "Closed ClientRefused"]);
}

#[tokio::test]
async fn credentials_in_every_message_are_taken_and_each_nonce_once() {
    for syntax in SYNTAXES {
        let bench = Bench::new();
        let id = bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(syntax);
        let mut message = device.hello();
        let mut seen = BTreeSet::from([device.nonce.clone()]);
        loop {
            let reply = device.send(&bench.server, &message).await;
            assert_eq!(header_code(&reply), 212);
            device.take_nonce(&reply);
            assert!(seen.insert(device.nonce.clone()));
            assert_eq!(bench.account(id).client.nonce, device.nonce);
            if gets(&reply).is_empty() {
                break;
            }
            message = device.package_3(&reply);
            message.header.cred = Some(device.cred());
        }
        assert_eq!(bench.told(), ["Authenticated 1", "Inventory 11", "Closed Complete"]);
    }
}

#[tokio::test]
async fn the_same_credential_again_within_a_session_is_borne() {
    let bench = Bench::new();
    bench.accounts.memory.add(md5_account("490154203237518"));
    let mut device = Device::new(Syntax::Xml);
    let cred = device.cred();
    let hello = device.hello();
    let reply = device.send(&bench.server, &hello).await;
    let mut next = device.package_3(&reply);
    next.header.cred = Some(cred);
    device.take_nonce(&reply);
    let reply = device.send(&bench.server, &next).await;
    assert_eq!(header_code(&reply), 212);
    assert!(header_status(&reply).chal.is_none());
    // The nonce that was given before stays good.
    device.session("2");
    assert_eq!(header_code(&device.run(&bench.server).await[0]), 212);
}

#[tokio::test]
async fn a_failing_store_answers_nothing_and_loses_nothing() {
    for call in ["candidates", "store_nonces", "used", "inventoried"] {
        let bench = Bench::new();
        bench.accounts.memory.add(md5_account("490154203237518"));
        let mut device = Device::new(Syntax::Wbxml);
        bench.accounts.fail_next(call);
        let mut message = device.hello();
        let mut refused = 0;
        loop {
            let octets = message.encode(device.syntax).unwrap();
            let reply = post(&bench.server, device.syntax, &octets).await;
            if reply.outcome == Outcome::Unavailable {
                assert!(reply.body.is_empty());
                refused += 1;
                continue;
            }
            let reply = Message::decode(device.syntax, &reply.body).unwrap();
            device.take_nonce(&reply);
            message = match header_code(&reply) {
                // The nonce was used up before the store failed.
                401 => device.hello(),
                _ if gets(&reply).is_empty() => break,
                _ => device.package_3(&reply),
            };
        }
        assert_eq!(refused, 1, "{call}");
        let told: Vec<String> = bench.told().into_iter().filter(|e| !e.starts_with("Refused")).collect();
        assert_eq!(told, ["Authenticated 1", "Inventory 11", "Closed Complete"], "{call}");
    }
}

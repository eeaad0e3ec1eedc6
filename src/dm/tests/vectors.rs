//! What real clients sent, as far as it fits a server that asks other things than the one they spoke with.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Bench, DEVICE, codes, gets, header_code, header_status, secret};
use crate::{
    dm::{AuthScheme, NewAccount, Outcome, Reply, StoredCredential},
    wire::{Syntax, syncml::Message, vectors},
};

fn folder() -> Option<PathBuf> {
    vectors::folder("dm")
}

fn syntax_of(name: &str) -> Syntax {
    if name.ends_with(".wbxml") { Syntax::Wbxml } else { Syntax::Xml }
}

fn account(client: (AuthScheme, &str, &str, &[u8]), server: (AuthScheme, &str, &str)) -> NewAccount {
    let (scheme, name, password, nonce) = client;
    NewAccount {
        server_id: "acme.dm".parse().unwrap(),
        device: None,
        client: StoredCredential::of_client(scheme, name, &secret(password), nonce),
        server: StoredCredential::of_server(server.0, server.1, &secret(server.2), b""),
    }
}

async fn feed(bench: &Bench, content_type: &str, octets: &[u8]) -> (Reply, Message) {
    let reply = bench.server.handle(content_type, octets).await;
    assert_eq!((reply.outcome, reply.content_type), (Outcome::Ok, Some(content_type)));
    let message = Message::decode(syntax_of(&content_type.replace("+", ".")), &reply.body).unwrap();
    (reply, message)
}

#[tokio::test]
async fn the_motorola_client_gets_in_with_its_own_octets() {
    let Some(folder) = folder() else { return };
    let bench = Bench::new();
    // User, password and nonce as auth-cred.json gives them for this credential.
    let id = bench.accounts.memory.add(account(
        (AuthScheme::Md5, "dev1", "devpw", b"nonceC1"),
        (AuthScheme::Md5, "funambol", "srvpwd"),
    ));
    let octets = std::fs::read(folder.join("moto-pkg1-md5-wbxml.wbxml")).unwrap();
    let (first, reply) = feed(&bench, "application/vnd.syncml.dm+wbxml", &octets).await;
    assert_eq!((header_code(&reply), gets(&reply).len()), (212, 2));
    assert_eq!(codes(&reply), [("Alert".to_owned(), 200), ("Replace".to_owned(), 200)]);
    // The credential that both clients accept for an empty nonce.
    assert_eq!(reply.header.cred.unwrap().data, "Lx7CSZp0iHRedCEbryGJuw==");
    let (again, _) = feed(&bench, "application/vnd.syncml.dm+wbxml", &octets).await;
    assert_eq!(first, again);
    assert_eq!(bench.told(), ["Authenticated 1"]);
    assert_ne!(bench.account(id).client.nonce, b"nonceC1");
    // The same message in another session: the nonce is used up.
    let mut message = Message::decode(Syntax::Wbxml, &octets).unwrap();
    message.header.session_id = "530C".to_owned();
    let (_, reply) =
        feed(&bench, "application/vnd.syncml.dm+wbxml", &message.encode(Syntax::Wbxml).unwrap()).await;
    assert_eq!((header_code(&reply), gets(&reply).len()), (401, 0));
    assert_eq!(bench.told(), ["Refused Challenged"]);
}

#[tokio::test]
async fn the_motorola_client_goes_on_in_both_syntaxes() {
    let Some(folder) = folder() else { return };
    let bench = Bench::new();
    // The nonce that the other server had given: fnbl-pkg2-md5-wbxml.
    let nonce = STANDARD.decode("OXhXbHVSNn9RQFB8MiZRWg==").unwrap();
    let id = bench
        .accounts
        .memory
        .add(account((AuthScheme::Md5, "dev1", "devpw", &nonce), (AuthScheme::Md5, "funambol", "srvpwd")));
    let octets = std::fs::read(folder.join("moto-pkg1-md5-xml.xml")).unwrap();
    let (_, reply) = feed(&bench, "application/vnd.syncml.dm+xml", &octets).await;
    assert_eq!((header_code(&reply), gets(&reply).len()), (212, 2));
    // Package 3 of the other session, which carries the same credential once more, under this session's number.
    let octets = std::fs::read(folder.join("moto-pkg3-wbxml.wbxml")).unwrap();
    let mut message = Message::decode(Syntax::Wbxml, &octets).unwrap();
    message.header.session_id = "B813".to_owned();
    let octets = message.encode(Syntax::Wbxml).unwrap();
    let (_, reply) = feed(&bench, "application/vnd.syncml.dm+wbxml", &octets).await;
    assert_eq!(header_code(&reply), 212);
    // Status 200 with a nonce: the server proves itself again, with that nonce.
    assert_eq!(bench.account(id).server.nonce, b"nonceS1");
    assert_eq!(reply.header.cred.unwrap().data, "Jvv+8zPCVI3TQp/a1K2ofw==");
    // Its Results are about nodes that were not asked for here, so the inventory is what package 1 told.
    assert_eq!(bench.told(), ["Authenticated 1", "Inventory 9", "Closed Complete"]);
}

#[tokio::test]
async fn libdmclient_refuses_our_first_credential_and_takes_the_second() {
    let Some(folder) = folder() else { return };
    let bench = Bench::new();
    let id = bench.accounts.memory.add(account(
        (AuthScheme::Basic, "funambol", "funambol", b""),
        (AuthScheme::Md5, "funambol", "srvpwd"),
    ));
    let content_type = "application/vnd.syncml+wbxml";
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let (_, reply) = feed(&bench, content_type, &read("ldm-pkg1-wbxml.wbxml")).await;
    assert_eq!((header_code(&reply), gets(&reply).len()), (212, 2));
    assert!(header_status(&reply).chal.is_none());
    let (_, reply) = feed(&bench, content_type, &read("ldm-pkg3-servercred-401-wbxml.wbxml")).await;
    // Octet for octet what the other server presented, and libdmclient accepted (fnbl-pkg2-retry-wbxml).
    assert_eq!(reply.header.cred.as_ref().unwrap().data, "o/WC1D+PkU5GWIv8BgJk8w==");
    assert_eq!(gets(&reply).len(), 2);
    assert_eq!(bench.account(id).server.nonce, b"mQrHfTBs3PE=");
    let (_, reply) = feed(&bench, content_type, &read("ldm-pkg3-results-wbxml.wbxml")).await;
    assert!(reply.header.cred.is_none() && gets(&reply).is_empty() && reply.is_final);
    assert_eq!(bench.told(), ["Authenticated 1", "Inventory 9", "Closed Complete"]);

    // In XML; this client uses session 1 always.
    let content_type = "application/vnd.syncml+xml";
    let (_, reply) = feed(&bench, content_type, &read("ldm-pkg1-xml.xml")).await;
    assert_eq!((header_code(&reply), gets(&reply).len()), (212, 0));
    assert_eq!(bench.told(), ["Authenticated 1", "Closed Complete"]);
    let (_, reply) = feed(&bench, content_type, &read("ldm-pkg3-results-xml.xml")).await;
    assert_eq!(header_code(&reply), 400);
}

#[tokio::test]
async fn everything_that_was_recorded_is_answered() {
    let Some(folder) = folder() else { return };
    let bench = Bench::new();
    let (mut answered, mut refused) = (0, Vec::new());
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in names.iter().filter(|n| n.ends_with(".wbxml") || n.ends_with(".xml")) {
        let octets = std::fs::read(folder.join(name)).unwrap();
        let content_type = match syntax_of(name) {
            Syntax::Wbxml => "application/vnd.syncml.dm+wbxml",
            Syntax::Xml => "application/vnd.syncml.dm+xml",
        };
        let reply = bench.server.handle(content_type, &octets).await;
        match reply.outcome {
            Outcome::Ok => {
                answered += 1;
                let message = Message::decode(syntax_of(name), &reply.body).unwrap();
                assert!(header_code(&message) >= 400, "{name}: nobody is known here");
            }
            Outcome::BadRequest => refused.push(name.as_str()),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(bench.told().iter().all(|e| e.starts_with("Refused")), "{DEVICE}");
    // Not messages: the two forms of a device description.
    assert_eq!(refused, ["ddf12-mgmttree.wbxml", "ddf12-mgmttree.xml"]);
    assert_eq!(answered, 52);
}

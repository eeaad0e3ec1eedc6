//! The phone and the DM server, which share nothing but the wire, hold sessions with each other.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bootgate::{
    dm::{
        AuthScheme, Config, Event, EventSink, MemoryAccounts, NewAccount, Outcome as Taken, Server,
        StoredCredential,
    },
    ident::{Clock, Random, Timestamp},
    phone::{BootstrapKind, ClientSession, Identity, Next, NotificationRefusal, Outcome, Phone},
    wire::{
        Encode as _, Syntax,
        package0::{Package0, SessionNumber, Trigger, ZeroNonce},
        prov::{Characteristic, ProvDoc},
    },
};

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }
}

/// Octets that never repeat.
struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            chunk.copy_from_slice(&n.to_be_bytes()[..chunk.len()]);
        }
    }
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

#[async_trait]
impl EventSink for Recorder {
    async fn on(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// A DM server, and what it knows and tells.
pub struct Bench {
    server: Server,
    pub accounts: Arc<MemoryAccounts>,
    events: Arc<Recorder>,
    random: Arc<Counter>,
}

impl Bench {
    fn new() -> Self {
        Self::of("acme.dm")
    }

    /// The server of that identifier.
    pub fn of(server_id: &str) -> Self {
        let accounts = Arc::new(MemoryAccounts::new());
        let events = Arc::new(Recorder::default());
        let random = Arc::new(Counter(AtomicU64::new(1)));
        let config = Config {
            uri: "http://dm.acme.example/dm".to_owned(),
            server_id: server_id.parse().unwrap(),
            max_message_size: 64 * 1024,
            max_object_size: 16 * 1024,
            session_cap: 10,
            idle_time: Duration::from_secs(60),
        };
        let server = Server::new(config, accounts.clone(), events.clone(), Arc::new(Still), random.clone());
        Self { server, accounts, events, random }
    }

    /// What was told since this was asked last.
    fn told(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.0.lock().unwrap())
    }
}

fn scheme_name(scheme: AuthScheme) -> &'static str {
    match scheme {
        AuthScheme::Basic => "BASIC",
        AuthScheme::Md5 => "DIGEST",
    }
}

/// A phone that got its account by a CP document: device `dev1`, secret `device-secret`; server `acme.dm`, secret
/// `server-secret`.
fn phone(scheme: AuthScheme) -> Phone {
    let auth = |level: &str, name: &str, secret: &str, nonce: &str| {
        Characteristic::new("APPAUTH")
            .with("AAUTHLEVEL", level)
            .with("AAUTHTYPE", scheme_name(scheme))
            .with("AAUTHNAME", name)
            .with("AAUTHSECRET", secret)
            .with("AAUTHDATA", nonce)
    };
    let application = Characteristic::new("APPLICATION")
        .with("APPID", "w7")
        .with("PROVIDER-ID", "acme.dm")
        .with("NAME", "Acme")
        .with("ADDR", "http://dm.acme.example/dm")
        .with_characteristic(auth("APPSRV", "dev1", "device-secret", "Y2xpZW50LW5vbmNlLTA="))
        .with_characteristic(auth("CLIENT", "acme.dm", "server-secret", "c2VydmVyLW5vbmNlLTA="));
    let document = ProvDoc { version: Some("1.1".to_owned()), characteristics: vec![application] };
    let mut phone = Phone::new(&Identity {
        imei: "490154203237518".parse().unwrap(),
        imsi: None,
        manufacturer: "Acme".to_owned(),
        model: "A780".to_owned(),
        language: "en".to_owned(),
        firmware: "1.0".to_owned(),
        software: "2.0".to_owned(),
        hardware: "rev 3".to_owned(),
    })
    .unwrap();
    let result = phone.receive(BootstrapKind::Cp, &document.encode(Syntax::Wbxml).unwrap());
    assert_eq!(phone.accounts().len(), 1, "{result:?}");
    phone
}

/// What the server knows of that phone; each nonce may be out of date.
fn account(scheme: AuthScheme, secret: &str, client_nonce: &[u8], server_nonce: &[u8]) -> NewAccount {
    NewAccount {
        server_id: "acme.dm".parse().unwrap(),
        device: Some("IMEI:490154203237518".to_owned()),
        client: StoredCredential::of_client(scheme, "dev1", &secret.parse().unwrap(), client_nonce),
        server: StoredCredential::of_server(
            scheme,
            "acme.dm",
            &"server-secret".parse().unwrap(),
            server_nonce,
        ),
    }
}

async fn session(bench: &Bench, phone: &mut Phone, number: u16, syntax: Syntax) -> Outcome {
    session_with(bench, phone, "acme.dm", number, syntax).await
}

/// A session of the phone with the server of that identifier.
pub async fn session_with(
    bench: &Bench,
    phone: &mut Phone,
    server_id: &str,
    number: u16,
    syntax: Syntax,
) -> Outcome {
    let session = phone.start_session(&server_id.parse().unwrap(), number, syntax, &*bench.random).unwrap();
    hold(bench, phone, session).await
}

async fn hold(bench: &Bench, phone: &mut Phone, mut session: ClientSession) -> Outcome {
    let mut request = session.first().unwrap();
    for _ in 0..50 {
        let reply = bench.server.handle(request.content_type, &request.body).await;
        assert_eq!(reply.outcome, Taken::Ok);
        match session.on_reply(reply.content_type.unwrap(), &reply.body).unwrap() {
            Next::Send(next) => request = next,
            Next::Done(_) => return phone.finish(session).unwrap(),
        }
    }
    panic!("the session does not end");
}

#[tokio::test]
async fn first_and_later_sessions() {
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        for scheme in [AuthScheme::Md5, AuthScheme::Basic] {
            let bench = Bench::new();
            bench.accounts.add(account(scheme, "device-secret", b"client-nonce-0", b"server-nonce-0"));
            let mut phone = phone(scheme);
            let outcome = session(&bench, &mut phone, 1, syntax).await;
            assert!(outcome.authenticated_both_ways(), "{outcome}");
            let told = bench.told();
            let [Event::Authenticated { .. }, Event::Inventory { nodes, .. }, Event::Closed { .. }] =
                told.as_slice()
            else {
                panic!("{told:?}")
            };
            let value = |uri: &str| nodes.iter().find(|(u, _)| u == uri).map(|(_, v)| v.as_str());
            assert_eq!(value("./DevInfo/DevId"), Some("IMEI:490154203237518"));
            assert_eq!(value("./DevDetail/HwV"), Some("rev 3"));
            assert!(value("./DevDetail/URI/MaxDepth").is_some(), "{nodes:?}");
            for number in 2..5 {
                let outcome = session(&bench, &mut phone, number, syntax).await;
                assert!(outcome.authenticated_both_ways(), "{outcome}");
                assert_eq!(bench.told().len(), 2, "authenticated without a detour, and closed");
            }
        }
    }
}

#[tokio::test]
async fn nonces_out_of_date_on_either_side() {
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        for (client, server) in
            [(&b"other"[..], &b"server-nonce-0"[..]), (b"client-nonce-0", b"other"), (b"other", b"another")]
        {
            let bench = Bench::new();
            bench.accounts.add(account(AuthScheme::Md5, "device-secret", client, server));
            let mut phone = phone(AuthScheme::Md5);
            let outcome = session(&bench, &mut phone, 1, syntax).await;
            assert!(outcome.authenticated_both_ways(), "{outcome}");
            assert!(bench.told().iter().any(|e| matches!(e, Event::Inventory { .. })));
            let outcome = session(&bench, &mut phone, 2, syntax).await;
            assert!(outcome.authenticated_both_ways(), "{outcome}");
            assert_eq!(bench.told().len(), 2);
        }
    }
}

#[tokio::test]
async fn wrong_credentials_are_never_authenticated() {
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        for scheme in [AuthScheme::Md5, AuthScheme::Basic] {
            let bench = Bench::new();
            bench.accounts.add(account(scheme, "something-else", b"client-nonce-0", b"server-nonce-0"));
            let mut phone = phone(scheme);
            let outcome = session(&bench, &mut phone, 1, syntax).await;
            assert!(!outcome.authenticated_both_ways(), "{outcome}");
            let told = bench.told();
            assert!(!told.is_empty() && told.iter().all(|e| matches!(e, Event::Refused { .. })), "{told:?}");
        }
    }
}

/// The server signs with the nonce that the session before left with both; the phone comes when it is called.
#[tokio::test]
async fn a_notification_calls_the_phone() {
    let bench = Bench::new();
    let id =
        bench.accounts.add(account(AuthScheme::Md5, "device-secret", b"client-nonce-0", b"server-nonce-0"));
    let mut phone = phone(AuthScheme::Md5);
    for number in [1_u16, 0xBEEF, 0x7] {
        let server = bench.accounts.account(id).unwrap().server;
        let asked = SessionNumber(number.try_into().unwrap());
        let trigger = Trigger::new("acme.dm".parse().unwrap(), asked).unwrap();
        let octets = Package0::sign(trigger, &server.digest, &server.nonce).to_octets();
        let notified = phone.receive_notification(&octets, &[ZeroNonce::Octets]).unwrap();
        assert_eq!((notified.session, notified.zero_nonce), (asked, None));
        let session = phone.start_notified_session(&notified, Syntax::Wbxml, &*bench.random).unwrap();
        let outcome = hold(&bench, &mut phone, session).await;
        assert!(outcome.authenticated_both_ways(), "{outcome}");
        // The first session left another nonce; those in which the server had nothing to do did not.
        let again = phone.receive_notification(&octets, &[ZeroNonce::Octets]).unwrap_err();
        match number {
            1 => assert!(matches!(again, NotificationRefusal::WrongDigest { .. }), "{again}"),
            _ => assert!(matches!(again, NotificationRefusal::Followed { .. }), "{again}"),
        }
    }
}

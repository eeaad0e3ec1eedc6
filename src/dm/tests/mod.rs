//! Scripted devices against the server, through its one door: content type and octets in, octets out.

mod authentication;
mod commands;
mod device;
mod first_session;
mod hostile;
mod server_proof;
mod vectors;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    dm::{
        Account, AccountId, Accounts, AccountsError, AuthScheme, Config, Event, EventSink, MemoryAccounts,
        NewAccount, NonceChange, Server, Stored, StoredCredential,
    },
    ident::{Clock, Random, SharedSecret, Timestamp},
    wire::{
        Syntax,
        syncml::{Command, Message, Status, Verb},
    },
};

/// Both syntaxes, for tests that hold in either.
const SYNTAXES: [Syntax; 2] = [Syntax::Wbxml, Syntax::Xml];

const DEVICE: &str = "IMEI:490154203237518";

/// A server with everything that it was given.
struct Bench {
    server: Server,
    accounts: Arc<Flaky>,
    events: Arc<Recorder>,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: Config) -> Self {
        let accounts = Arc::new(Flaky::default());
        let events = Arc::new(Recorder::default());
        let clock = Arc::new(ManualClock(AtomicI64::new(1_800_000_000_000)));
        let random = Arc::new(Counter(AtomicU64::new(1)));
        let server = Server::new(config, accounts.clone(), events.clone(), clock.clone(), random);
        Self { server, accounts, events, clock }
    }

    /// The names of the events that were told since this was asked last.
    fn told(&self) -> Vec<String> {
        self.events.take().iter().map(name).collect()
    }

    fn account(&self, id: AccountId) -> Account {
        self.accounts.memory.account(id).unwrap()
    }
}

fn config() -> Config {
    Config {
        uri: "http://dm.acme.example/dm".to_owned(),
        server_id: "acme.dm".parse().unwrap(),
        max_message_size: 64 * 1024,
        max_object_size: 16 * 1024,
        session_cap: 100,
        idle_time: Duration::from_secs(600),
    }
}

fn name(event: &Event) -> String {
    match event {
        Event::Refused { refusal, .. } => format!("Refused {refusal:?}"),
        Event::Authenticated { account, .. } => format!("Authenticated {account}"),
        Event::Inventory { nodes, .. } => format!("Inventory {}", nodes.len()),
        Event::Alerted { code, .. } => format!("Alerted {}", code.0),
        Event::Closed { closing, .. } => format!("Closed {closing:?}"),
    }
}

fn secret(text: &str) -> SharedSecret {
    text.parse().unwrap()
}

/// An account with MD5 both ways. The device's secret is `device-secret`, the server's `server-secret`.
fn md5_account(name: &str) -> NewAccount {
    NewAccount {
        server_id: "acme.dm".parse().unwrap(),
        device: Some(DEVICE.to_owned()),
        client: StoredCredential::of_client(
            AuthScheme::Md5,
            name,
            &secret("device-secret"),
            b"client-nonce-0",
        ),
        server: StoredCredential::of_server(
            AuthScheme::Md5,
            "acme.dm",
            &secret("server-secret"),
            b"server-nonce-0",
        ),
    }
}

/// The same with BASIC both ways.
fn basic_account(name: &str) -> NewAccount {
    NewAccount {
        client: StoredCredential::of_client(AuthScheme::Basic, name, &secret("device-secret"), b""),
        server: StoredCredential::of_server(AuthScheme::Basic, "acme.dm", &secret("server-secret"), b""),
        ..md5_account(name)
    }
}

/// The Status of the header.
fn header_status(message: &Message) -> &Status {
    statuses(message).into_iter().find(|s| s.cmd_ref == "0").expect("no Status of the header")
}

fn header_code(message: &Message) -> u16 {
    let status = header_status(message);
    assert_eq!(status.cmd, "SyncHdr");
    status.code.0
}

fn statuses(message: &Message) -> Vec<&Status> {
    let mut found = Vec::new();
    for command in &message.commands {
        if let Command::Status(status) = command {
            found.push(status.as_ref());
        }
    }
    found
}

/// Code of each command's Status, in order, that of the header not counted.
fn codes(message: &Message) -> Vec<(String, u16)> {
    statuses(message).into_iter().filter(|s| s.cmd_ref != "0").map(|s| (s.cmd.clone(), s.code.0)).collect()
}

/// `CmdID` and URI of each Get.
fn gets(message: &Message) -> Vec<(String, String)> {
    let get = |c: &Command| match c {
        Command::Operation(o) if o.verb == Verb::Get => {
            Some((o.cmd_id.clone(), o.items[0].target.as_ref().unwrap().uri.clone()))
        }
        _ => None,
    };
    message.commands.iter().filter_map(get).collect()
}

fn alerts(message: &Message) -> Vec<u16> {
    message
        .commands
        .iter()
        .filter_map(|c| if let Command::Alert(a) = c { Some(a.code.0) } else { None })
        .collect()
}

struct ManualClock(AtomicI64);

impl ManualClock {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
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

impl Recorder {
    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[async_trait]
impl EventSink for Recorder {
    async fn on(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// Accounts in memory that can be told to fail.
#[derive(Default)]
struct Flaky {
    memory: MemoryAccounts,
    /// The call that fails next, once.
    failing: Mutex<Option<&'static str>>,
    asked: AtomicU64,
}

impl Flaky {
    fn fail_next(&self, call: &'static str) {
        *self.failing.lock().unwrap() = Some(call);
    }

    fn check(&self, call: &'static str) -> Result<(), AccountsError> {
        match self.failing.lock().unwrap().take_if(|f| *f == call) {
            Some(_) => Err(AccountsError::Unavailable { doing: call, source: "scripted".into() }),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Accounts for Flaky {
    async fn candidates(&self, name: Option<&str>, device: &str) -> Result<Vec<Account>, AccountsError> {
        self.check("candidates")?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = self.memory.candidates(name, device).await;
        // Others get their turn here, as with a store on a disk.
        tokio::task::yield_now().await;
        found
    }

    async fn store_nonces(&self, id: AccountId, change: &NonceChange) -> Result<Stored, AccountsError> {
        self.check("store_nonces")?;
        self.memory.store_nonces(id, change).await
    }

    async fn used(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError> {
        self.check("used")?;
        self.memory.used(id, at).await
    }

    async fn inventoried(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError> {
        self.check("inventoried")?;
        self.memory.inventoried(id, at).await
    }
}

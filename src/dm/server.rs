//! The server: a request of a device, whatever brought it, becomes an answer (OMA DM Protocol 1.2; OMA DM HTTP
//! Binding 1.2 for the content types).

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Accounts, AccountsError, Config, EventSink, Outcome, Reply, Stored, Syntax,
    conversation::{Conversation, Fingerprint, Route},
    session::{Action, Incoming, Session, presented_name},
    table::{Key, Rank, Table},
};
use crate::{
    ident::{Clock, Random},
    wire::syncml::{Command, Message},
};

/// The content types that are taken, and answered in kind. Those without `.dm` are what some clients send (seen on the
/// wire from one of them).
const CONTENT_TYPES: [(&str, Syntax); 4] = [
    ("application/vnd.syncml.dm+wbxml", Syntax::Wbxml),
    ("application/vnd.syncml.dm+xml", Syntax::Xml),
    ("application/vnd.syncml+wbxml", Syntax::Wbxml),
    ("application/vnd.syncml+xml", Syntax::Xml),
];

/// How often a message is taken anew because another session of the same account was faster.
const RACES: usize = 8;

/// The longest `LocURI` of Source and the longest `SessionID`, in octets.
const LONGEST_DEVICE: usize = 255;
const LONGEST_SESSION_ID: usize = 32;

/// The longest `CmdID` and `MsgID`, in octets.
const LONGEST_ID: usize = 32;

/// A DM 1.2 server.
///
/// It can be cloned cheaply; clones share everything.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    config: Config,
    accounts: Arc<dyn Accounts>,
    events: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    table: Mutex<Table>,
    /// Keyed by the process: nobody can make a message that is taken for another.
    fingerprints: RandomState,
}

/// A request that was read.
struct Request {
    message: Message,
    msg_id: u32,
    syntax: Syntax,
    content_type: &'static str,
    fingerprint: Fingerprint,
    key: Key,
}

impl Server {
    /// A server without sessions.
    pub fn new(
        config: Config,
        accounts: Arc<dyn Accounts>,
        events: Arc<dyn EventSink>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let table = Mutex::new(Table::new(config.session_cap, config.idle_time));
        let fingerprints = RandomState::new();
        Self(Arc::new(Inner { config, accounts, events, clock, random, table, fingerprints }))
    }

    /// Answers one message of a device. The answer is given when everything that follows from the message is stored and
    /// told; that happens also when the caller does not wait for it. Needs a tokio runtime.
    pub async fn handle(&self, content_type: &str, body: &[u8]) -> Reply {
        let request = match self.0.read(content_type, body) {
            Ok(request) => request,
            Err(outcome) => return Reply::without_body(outcome),
        };
        let inner = Arc::clone(&self.0);
        // On its own, so that a caller that is cancelled, because the device hung up, leaves nothing half done.
        let answer = tokio::spawn(async move { inner.converse(request).await });
        answer.await.unwrap_or_else(|_panicked| Reply::without_body(Outcome::Unavailable))
    }

    /// Closes sessions that were idle for too long. Each request does so as well; this is for times without any.
    pub async fn sweep(&self) {
        let gone = self.0.table().sweep(self.0.clock.now());
        self.0.close(gone).await;
    }

    /// How many sessions are kept, those included that ended and are remembered for a repeated message.
    pub fn sessions(&self) -> usize {
        self.0.table().len()
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({}, {} sessions)", self.0.config.uri, self.sessions())
    }
}

impl Inner {
    /// Reads a request, or says what is wrong with it.
    fn read(&self, content_type: &str, body: &[u8]) -> Result<Request, Outcome> {
        let essence = content_type.split(';').next().unwrap_or("").trim();
        let known = CONTENT_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(essence));
        let (content_type, syntax) = *known.ok_or(Outcome::UnsupportedType)?;
        if body.len() > self.config.max_message_size {
            return Err(Outcome::TooLarge);
        }
        let message = Message::decode(syntax, body).map_err(|_| Outcome::BadRequest)?;
        let msg_id = well_formed(&message).ok_or(Outcome::BadRequest)?;
        let fingerprint = Fingerprint(self.fingerprints.hash_one((content_type, body)));
        let key =
            Key { device: message.header.source.uri.clone(), session_id: message.header.session_id.clone() };
        Ok(Request { message, msg_id, syntax, content_type, fingerprint, key })
    }

    /// Takes a request through its session. Requests of one session wait for each other.
    async fn converse(&self, request: Request) -> Reply {
        let opened = {
            let mut table = self.table();
            let now = self.clock.now();
            let mut gone = table.sweep(now);
            table.open(&request.key, now).map(|(conversation, evicted)| {
                gone.extend(evicted);
                (conversation, gone)
            })
        };
        let Ok((conversation, gone)) = opened else { return Reply::without_body(Outcome::Unavailable) };
        self.close(gone).await;

        let mut conversation = conversation.lock().await;
        let answer = self.answer(&mut conversation, &request).await;
        let rank = if conversation.is_open() { Rank::Open } else { Rank::Loose };
        drop(conversation);
        self.table().settle(&request.key, rank, self.clock.now());
        match answer {
            Ok(body) => {
                Reply { outcome: Outcome::Ok, content_type: Some(request.content_type), body: body.to_vec() }
            }
            Err(outcome) => Reply::without_body(outcome),
        }
    }

    /// The answer to a request. Until everything that must be durable is, the conversation stays as it was, so that
    /// the same message can come again.
    async fn answer(&self, conversation: &mut Conversation, request: &Request) -> Result<Arc<[u8]>, Outcome> {
        let Request { message, msg_id, syntax, fingerprint, key, .. } = request;
        let route = conversation.route(message, *msg_id, *fingerprint);
        if let Route::Again(octets) = route {
            return Ok(octets);
        }
        for _ in 0..RACES {
            let session =
                conversation.session(&route, *msg_id, || Session::new(&key.device, &key.session_id));
            let candidates = if session.wants_candidates(message) {
                let name = presented_name(message);
                let found = self.accounts.candidates(name.as_deref(), &key.device).await;
                found.map_err(unavailable)?
            } else {
                Vec::new()
            };
            let mut fresh = [0; 16];
            self.random.fill(&mut fresh);
            let now = self.clock.now();
            let incoming = Incoming {
                message,
                msg_id: *msg_id,
                syntax: *syntax,
                candidates: &candidates,
                now,
                fresh,
                config: &self.config,
            };
            let (session, step) = match route {
                Route::Misplaced => session.refuse(&incoming),
                _ => session.on(&incoming),
            };
            let octets: Arc<[u8]> = match step.reply.encode(*syntax) {
                Ok(octets) => octets.into(),
                Err(_) => return Err(Outcome::BadRequest),
            };

            let mut events = Vec::new();
            let mut raced = false;
            for action in step.actions {
                match action {
                    Action::StoreNonces(id, change) => {
                        let stored = self.accounts.store_nonces(id, &change).await.map_err(unavailable)?;
                        raced = stored == Stored::Raced;
                        if raced {
                            break;
                        }
                    }
                    Action::Used(id) => self.accounts.used(id, now).await.map_err(unavailable)?,
                    Action::Inventoried(id) => {
                        self.accounts.inventoried(id, now).await.map_err(unavailable)?
                    }
                    Action::Tell(event) => events.push(event),
                }
            }
            if raced {
                continue;
            }
            let replaced = conversation.keep(&route, session, *fingerprint, Arc::clone(&octets));
            let replaced = replaced.and_then(|s| s.abandon(now));
            for event in replaced.into_iter().chain(events) {
                self.events.on(event).await;
            }
            return Ok(octets);
        }
        Err(Outcome::Unavailable)
    }

    /// Tells that sessions are over that nobody will go on with.
    async fn close(&self, gone: Vec<Conversation>) {
        let now = self.clock.now();
        for event in gone.into_iter().filter_map(Conversation::into_session).filter_map(|s| s.abandon(now)) {
            self.events.on(event).await;
        }
    }

    /// The table. It is whole at every moment, so a panic elsewhere does not spoil it.
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reply {
    fn without_body(outcome: Outcome) -> Self {
        Self { outcome, content_type: None, body: Vec::new() }
    }
}

fn unavailable(_: AccountsError) -> Outcome {
    Outcome::Unavailable
}

/// The `MsgID` as a number, when everything that an answer has to repeat can be repeated.
fn well_formed(message: &Message) -> Option<u32> {
    let plain = |text: &str, longest: usize| {
        !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control)
    };
    let header = &message.header;
    let good_command = |command: &Command| match command {
        Command::Operation(o) => plain(&o.cmd_id, LONGEST_ID),
        Command::Group(g) => plain(&g.cmd_id, LONGEST_ID),
        Command::Alert(a) => plain(&a.cmd_id, LONGEST_ID),
        Command::Results(r) => plain(&r.cmd_id, LONGEST_ID),
        Command::Unsupported(u) => plain(&u.cmd_id, LONGEST_ID) && plain(&u.name, LONGEST_ID),
        // Never answered.
        Command::Status(_) => true,
    };
    let good = plain(&header.source.uri, LONGEST_DEVICE)
        && plain(&header.session_id, LONGEST_SESSION_ID)
        && plain(&header.msg_id, LONGEST_ID)
        && message.commands.iter().all(good_command);
    if !good || !header.msg_id.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    header.msg_id.parse().ok()
}

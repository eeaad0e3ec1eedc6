//! The network between a virtual phone and a DM server: messages of a session as HTTP requests.
//!
//! The phone asks for the URL of its account, `https://dm.acme.example:443/dm` for example. That name does not exist
//! here and its certificate even less, so the network takes the request to a server that it was told of, as a
//! laboratory's own name service and gateway would. What the payload says stays what the profile says.

use std::time::{Duration, Instant};

use crate::{
    ident::{Random, ServerId},
    phone::{
        ClientSession, MAX_MESSAGE, Next, Outcome, Phone, Request, SessionError, StaleSession, StartError,
    },
    wire::{
        Syntax,
        syncml::{Command, GroupKind, Message, Verb},
    },
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A way to one DM server.
#[derive(Debug, Clone)]
pub struct Network {
    http: reqwest::Client,
    server: String,
}

/// One message that went over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// In which direction.
    pub direction: Direction,
    /// What it says, in a few words and without values.
    pub what: String,
    /// Octets of the body.
    pub octets: usize,
    /// How long it took: the whole round trip stands with the answer.
    pub took: Duration,
}

/// From whom to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the phone to the server.
    Up,
    /// From the server to the phone.
    Down,
}

/// Why a session could not be held.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The server's address is not a URL that this network can take a request to.
    #[error("{server} is not the URL of a DM server here; expected http://HOST:PORT/PATH")]
    Address {
        /// What was given.
        server: String,
    },
    /// The server could not be reached or did not answer.
    #[error("the DM server does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// It answered with something other than success.
    #[error("the DM server answers HTTP {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// Its answer is longer than a phone reads.
    #[error("the DM server's answer is longer than {limit} octets")]
    TooLong {
        /// The most that is read.
        limit: usize,
    },
    /// The phone has no such account.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The answer made no sense to the phone.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The phone changed meanwhile.
    #[error(transparent)]
    Stale(#[from] StaleSession),
}

impl Network {
    /// A network in which every URL leads to `server`, for example `http://127.0.0.1:8100/dm`.
    ///
    /// # Errors
    /// [`NetworkError::Address`].
    pub fn to(server: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError::Address { server: server.to_owned() };
        let url = reqwest::Url::parse(server).map_err(|_| wrong())?;
        if url.scheme() != "http" || !url.has_host() {
            return Err(wrong());
        }
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        Ok(Self { http: http.map_err(NetworkError::Unreachable)?, server: server.to_owned() })
    }

    /// Lets the phone hold a session with the server of an account; `passed` is told of every message.
    ///
    /// # Errors
    /// [`NetworkError`]; what the phone executed before is kept as far as it goes.
    pub async fn session(
        &self,
        phone: &mut Phone,
        call: Call<'_>,
        passed: &mut (dyn FnMut(Passed) + Send),
    ) -> Result<Outcome, NetworkError> {
        let mut session = phone.start_session(call.server_id, call.number, call.syntax, call.random)?;
        let held = self.hold(&mut session, passed).await;
        let outcome = phone.finish(session)?;
        held.map(|()| outcome)
    }

    async fn hold(
        &self,
        session: &mut ClientSession,
        passed: &mut (dyn FnMut(Passed) + Send),
    ) -> Result<(), NetworkError> {
        let mut request = session.first()?;
        loop {
            passed(Passed {
                direction: Direction::Up,
                what: summary(request.content_type, &request.body),
                octets: request.body.len(),
                took: Duration::ZERO,
            });
            let begin = Instant::now();
            let (content_type, body) = self.post(&request).await?;
            passed(Passed {
                direction: Direction::Down,
                what: summary(&content_type, &body),
                octets: body.len(),
                took: begin.elapsed(),
            });
            match session.on_reply(&content_type, &body)? {
                Next::Send(next) => request = next,
                Next::Done(_) => return Ok(()),
            }
        }
    }

    async fn post(&self, request: &Request) -> Result<(String, Vec<u8>), NetworkError> {
        let post = self.http.post(&self.server).header("content-type", request.content_type);
        let sent = post.body(request.body.clone()).send().await;
        let mut answer = sent.map_err(|e| NetworkError::Unreachable(e.without_url()))?;
        if !answer.status().is_success() {
            return Err(NetworkError::Status { status: answer.status().as_u16() });
        }
        let content_type = answer.headers().get("content-type").and_then(|v| v.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|e| NetworkError::Unreachable(e.without_url()))? {
            body.extend_from_slice(&part);
            if body.len() > MAX_MESSAGE {
                return Err(NetworkError::TooLong { limit: MAX_MESSAGE });
            }
        }
        Ok((content_type, body))
    }
}

/// Which session a phone is to hold.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// With whom.
    pub server_id: &'a ServerId,
    /// The session's number.
    pub number: u16,
    /// XML or WBXML.
    pub syntax: Syntax,
    /// Where the phone's nonces come from.
    pub random: &'a dyn Random,
}

/// The commands of a message by name: `Status 212, Get ×2`.
fn summary(content_type: &str, body: &[u8]) -> String {
    let syntax = if content_type.contains("wbxml") { Syntax::Wbxml } else { Syntax::Xml };
    let Ok(message) = Message::decode(syntax, body) else { return "not a message".to_owned() };
    let mut names: Vec<(String, usize)> = Vec::new();
    for command in &message.commands {
        let name = name(command);
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => names.push((name, 1)),
        }
    }
    let names =
        names.into_iter().map(|(name, count)| if count == 1 { name } else { format!("{name} ×{count}") });
    let names: Vec<String> = names.collect();
    format!("{}: {}", message.header.msg_id, names.join(", "))
}

fn name(command: &Command) -> String {
    match command {
        Command::Operation(operation) => match operation.verb {
            Verb::Add => "Add".into(),
            Verb::Replace => "Replace".into(),
            Verb::Delete => "Delete".into(),
            Verb::Get => "Get".into(),
            Verb::Exec => "Exec".into(),
            Verb::Copy => "Copy".into(),
        },
        Command::Group(group) => match group.kind {
            GroupKind::Atomic => "Atomic".into(),
            GroupKind::Sequence => "Sequence".into(),
        },
        Command::Alert(alert) => format!("Alert {}", alert.code.0),
        Command::Status(status) => format!("Status {}", status.code.0),
        Command::Results(_) => "Results".into(),
        Command::Unsupported(other) => other.name.clone(),
    }
}

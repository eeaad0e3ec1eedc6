//! A management session without any input or output: messages come in and go out as octets (OMA DM
//! Protocol 1.2, section 8; the sheet, section 4).
//!
//! | package | from   | holds                                                                                     |
//! |---------|--------|-------------------------------------------------------------------------------------------|
//! | 1       | phone  | `Cred`, Alert 1201, or 1200 when a notification asked for it, Replace of `./DevInfo`       |
//! | 2       | server | Status, `Cred`, commands                                                                  |
//! | 3       | phone  | Status of the header (212 and the next nonce for a server that proved itself) and of each command, Results |
//! | 4       | server | Status; with commands it is a package 2 again, without the session is over                |
//!
//! | the server's message                             | what the phone does                                        |
//! |--------------------------------------------------|------------------------------------------------------------|
//! | 401 or 407 with `Chal`                           | sends the package again with the new nonce, once for each scheme; no command of that message is executed |
//! | right `Cred`, or the account asks for none       | executes the commands, answers                             |
//! | no or wrong `Cred`, with commands                | executes none: 407 or 401 for all, and one `Chal`          |
//! | no or wrong `Cred`, no commands                  | ends: a phone does not answer merely to challenge          |
//! | no `Final`                                       | Status and Alert 1222; Results wait                        |
//! | Alert 1223                                       | ends without an answer                                     |

mod credentials;
mod error;
mod execute;
mod invitation;
mod message;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::{
    ident::Random,
    wire::{
        Syntax,
        syncml::{Alert, AlertCode, Command, Message, Status, StatusCode},
    },
};

use super::{
    account::{self, Account},
    command::Actor,
    tree::{Format, Node, Tree, Uri},
    value,
};

pub use error::{SessionError, StartError};
pub(super) use invitation::Invitation;
pub use message::{MAX_MESSAGE, MAX_MESSAGES, Request};
pub use outcome::{ClientAuth, End, Executed, Outcome, Scheme, ServerAuth};

use credentials::{ClientSide, ServerSide, Verdict};
use execute::{Answers, Executor};

use message::content_type_of;

/// What follows an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Another message.
    Send(Request),
    /// The session is over.
    Done(Box<Outcome>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Fresh,
    Waiting,
    Over,
}

/// A session. It works on a copy of the phone's tree; [`super::Phone::finish`] keeps what came of it.
pub struct ClientSession {
    tree: Tree,
    generation: u64,
    account: Account,
    actor: Actor,
    syntax: Syntax,
    session_id: String,
    /// Who wanted the session, and by which notification.
    alert: AlertCode,
    pub(super) notification: Option<[u8; 16]>,
    device_id: String,
    url: String,
    turn: Turn,
    msg_id: u32,
    client: ClientSide,
    server: ServerSide,
    /// Results that wait for the server's `Final`.
    held: Vec<Command>,
    /// What did not fit into the message before.
    pending: VecDeque<Command>,
    /// What the last message held behind the header's status, for when it must be sent again.
    last: Vec<Command>,
    /// `MaxMsgSize` of the server.
    limit: usize,
    end: Option<End>,
    executed: Vec<Executed>,
}

impl ClientSession {
    pub(super) fn start(
        tree: &Tree,
        generation: u64,
        invitation: &Invitation<'_>,
        syntax: Syntax,
        random: &dyn Random,
    ) -> Result<Self, StartError> {
        let Invitation { server_id, number, zero_nonce, alert, notification } = *invitation;
        if number == 0 {
            return Err(StartError::SessionNumber);
        }
        let account = account::of_server(tree, server_id)
            .ok_or_else(|| StartError::NoAccount { server_id: server_id.clone() })?;
        let url = account.addresses.first().map(|a| a.url.clone()).unwrap_or_default();
        // The account itself stays as it is: what its nonces were tells later whether the server wrote new ones there.
        let mut begins = account.clone();
        if let Some(zero) = zero_nonce {
            begins.auth.iter_mut().for_each(|auth| auth.nonce = zero.octets().to_vec());
        }
        Ok(Self {
            tree: tree.clone(),
            generation,
            actor: Actor::Server(server_id.clone()),
            syntax,
            session_id: format!("{number:X}"),
            alert,
            notification,
            device_id: tree.text("./DevInfo/DevId").unwrap_or_default().to_owned(),
            url,
            turn: Turn::Fresh,
            msg_id: 0,
            client: ClientSide::new(&begins)?,
            server: ServerSide::new(&begins, random)?,
            account,
            held: Vec::new(),
            pending: VecDeque::new(),
            last: Vec::new(),
            limit: usize::MAX,
            end: None,
            executed: Vec::new(),
        })
    }

    /// The first message.
    ///
    /// # Errors
    /// [`SessionError::OutOfTurn`] the second time, [`SessionError::Unwritable`].
    pub fn first(&mut self) -> Result<Request, SessionError> {
        if self.turn != Turn::Fresh {
            return Err(SessionError::OutOfTurn { is: self.turn.name(), asked: "a first message" });
        }
        let commands = self.package_1();
        self.pending.extend(commands);
        self.send(None)
    }

    /// Takes the server's answer to the message sent last.
    ///
    /// # Errors
    /// [`SessionError`]; the session is then over, and what was executed before stays executed.
    pub fn on_reply(&mut self, content_type: &str, body: &[u8]) -> Result<Next, SessionError> {
        if self.turn != Turn::Waiting {
            return Err(SessionError::OutOfTurn { is: self.turn.name(), asked: "an answer" });
        }
        let next = self.reply(content_type, body);
        if next.is_err() {
            self.turn = Turn::Over;
        }
        next
    }

    /// How it stands, or ended.
    pub fn outcome(&self) -> Outcome {
        Outcome {
            server_id: self.account.server_id.clone(),
            end: self.end.unwrap_or(End::Interrupted),
            client: self.client.state,
            server: self.server.state,
            messages: self.msg_id,
            commands: self.executed.clone(),
        }
    }

    fn reply(&mut self, content_type: &str, body: &[u8]) -> Result<Next, SessionError> {
        let message = self.decode(content_type, body)?;
        let header = &message.header;
        if let Some(limit) = header.meta.as_ref().and_then(|m| m.max_msg_size) {
            self.limit = usize::try_from(limit).unwrap_or(usize::MAX);
        }
        if let Some(uri) = header.resp_uri.as_deref() {
            self.url = self.follow(uri.trim())?;
        }
        let own = self.msg_id.to_string();
        let status = message.commands.iter().find_map(|c| match c {
            Command::Status(s) if s.cmd_ref.trim() == "0" && s.msg_ref.trim() == own => Some(s),
            _ => None,
        });
        let status = status.ok_or(SessionError::NoHeaderStatus { msg_id: self.msg_id })?;
        let proved = self.server.on_message(header.cred.as_ref());
        match self.client.on_status(status) {
            Verdict::Proceed => {}
            Verdict::GiveUp { code: code @ (401 | 407) } => return Ok(self.done(End::ClientRefused { code })),
            Verdict::GiveUp { code } => return Ok(self.done(End::Refused { code })),
            Verdict::Again => {
                let answer = self.header_status(&message, proved);
                self.pending = std::mem::take(&mut self.last).into();
                return self.send_or_end(answer);
            }
        }
        self.commands(&message, proved)
    }

    /// What a message asks for, once its header is dealt with.
    fn commands(&mut self, message: &Message, proved: bool) -> Result<Next, SessionError> {
        let asks = |c: &&Command| !matches!(c, Command::Status(_) | Command::Results(_));
        let abort = |c: &Command| matches!(c, Command::Alert(a) if a.code == AlertCode::SESSION_ABORT);
        if message.commands.iter().any(abort) {
            return Ok(self.done(End::Aborted));
        }
        let has_commands = message.commands.iter().any(|c| asks(&c));
        if !self.server.is_trusted() {
            let code = match self.server.state {
                ServerAuth::Missing => StatusCode::MISSING_CREDENTIALS,
                _ => StatusCode::INVALID_CREDENTIALS,
            };
            if !has_commands {
                return Ok(self.done(End::ServerNotAuthenticated));
            }
            let header = self.header_status(message, proved);
            if header.chal.is_none() {
                return Ok(self.done(End::ServerNotAuthenticated));
            }
            let mut answers = Answers::default();
            self.executor(&message.header.msg_id).refuse(&message.commands, code, &mut answers);
            self.take(answers);
            return self.send_or_end(header);
        }
        let mut answers = self.executor(&message.header.msg_id).run(&message.commands);
        let header = self.header_status(message, proved);
        self.leave_out_what_does_not_fit(&header, &mut answers)?;
        self.take(answers);
        if !message.is_final {
            let more = Alert {
                cmd_id: String::new(),
                code: AlertCode::NEXT_MESSAGE,
                correlator: None,
                items: Vec::new(),
            };
            self.pending.push_back(Command::Alert(more));
            return self.send_or_end(header);
        }
        self.pending.extend(self.held.drain(..));
        if !has_commands && self.pending.is_empty() {
            return Ok(self.done(End::Complete));
        }
        self.send_or_end(header)
    }

    fn executor<'s>(&'s mut self, msg_ref: &'s str) -> Executor<'s> {
        Executor { tree: &mut self.tree, actor: &self.actor, syntax: self.syntax, msg_ref }
    }

    /// Queues the answers: each Status now, Results when the server's package is complete.
    fn take(&mut self, answers: Answers) {
        self.executed.extend(answers.record());
        self.pending.extend(answers.statuses.into_iter().map(|s| Command::Status(Box::new(s))));
        self.held.extend(answers.results.into_iter().map(Command::Results));
    }

    /// Values come whole or not at all: Results that do not fit into a message of their own are left out, and the
    /// status of their Get becomes 413.
    fn leave_out_what_does_not_fit(
        &self,
        header: &Status,
        answers: &mut Answers,
    ) -> Result<(), SessionError> {
        let mut kept = Vec::new();
        for results in answers.results.drain(..) {
            let alone = vec![Command::Status(Box::new(header.clone())), Command::Results(results.clone())];
            if self.message(alone, true).encode(self.syntax)?.len() <= self.limit {
                kept.push(results);
                continue;
            }
            let of_this =
                answers.statuses.iter_mut().filter(|s| s.cmd == "Get" && s.cmd_ref == results.cmd_ref);
            of_this.filter(|s| s.code == StatusCode::OK).for_each(|s| s.code = StatusCode(413));
        }
        answers.results = kept;
        Ok(())
    }

    /// The status of the server's header, with what goes with it.
    fn header_status(&mut self, message: &Message, proved: bool) -> Status {
        let (code, chal) = match self.server.state {
            ServerAuth::Authenticated { .. } if proved => (StatusCode::AUTHENTICATED, self.server.renew()),
            ServerAuth::Missing => (StatusCode::MISSING_CREDENTIALS, self.server.challenge()),
            ServerAuth::Wrong => (StatusCode::INVALID_CREDENTIALS, self.server.challenge()),
            _ => (StatusCode::OK, None),
        };
        Status {
            cmd_id: String::new(),
            msg_ref: message.header.msg_id.clone(),
            cmd_ref: "0".to_owned(),
            cmd: "SyncHdr".to_owned(),
            target_refs: vec![message.header.target.uri.clone()],
            source_refs: vec![message.header.source.uri.clone()],
            cred: None,
            chal,
            code,
            items: Vec::new(),
        }
    }

    fn send_or_end(&mut self, header: Status) -> Result<Next, SessionError> {
        if self.msg_id >= MAX_MESSAGES {
            return Ok(self.done(End::TooManyMessages));
        }
        self.send(Some(header)).map(Next::Send)
    }

    /// Makes the next message: the header's status and as much of what is pending as the server takes.
    fn send(&mut self, header: Option<Status>) -> Result<Request, SessionError> {
        self.msg_id += 1;
        let header = header.map(|s| Command::Status(Box::new(s)));
        let mut count = self.pending.len();
        let body = loop {
            let commands: Vec<Command> =
                header.iter().chain(self.pending.iter().take(count)).cloned().collect();
            let body = self.message(commands, count == self.pending.len()).encode(self.syntax)?;
            if body.len() <= self.limit || count <= 1 {
                break body;
            }
            count /= 2;
        };
        self.last = self.pending.drain(..count).collect();
        self.turn = Turn::Waiting;
        Ok(Request { url: self.url.clone(), content_type: content_type_of(self.syntax), body })
    }

    fn done(&mut self, end: End) -> Next {
        self.end = Some(end);
        self.turn = Turn::Over;
        Next::Done(Box::new(self.outcome()))
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The tree as the session leaves it, with the nonces for the next one.
    pub(super) fn into_tree(mut self) -> Tree {
        let nonces =
            [self.server.next_nonce(), self.client.next_nonce().filter(|_| self.server.is_trusted())];
        let nonces: Vec<_> = nonces.into_iter().flatten().cloned().collect();
        for (at, nonce) in nonces {
            self.keep_nonce(&at, &nonce);
        }
        self.tree
    }

    fn keep_nonce(&mut self, at: &Uri, nonce: &[u8]) {
        let leaf = at.child("AAuthData");
        let Some(above) = self.tree.node(at) else { return };
        let origin = above.origin();
        // What the server wrote there itself during the session goes before what it said in a Chal.
        let now = account::read(&self.tree, &self.account.uri);
        let now = now.ok().and_then(|a| a.auth.into_iter().find(|a| a.uri == *at)).map(|a| a.nonce);
        let before = self.account.auth.iter().find(|a| a.uri == *at).map(|a| &a.nonce);
        if now.as_ref() != before {
            return;
        }
        // Neither can fail: the leaf is there, or its parent is and a nonce is short.
        let _ = match self.tree.node(&leaf).map(Node::format) {
            Some(Format::Chr) => self.tree.set_value(&leaf, value::base64_text(nonce).as_bytes(), None, None),
            Some(_) => self.tree.set_value(&leaf, nonce, None, None),
            None => Node::leaf(Format::Bin, "application/octet-stream", nonce, origin)
                .and_then(|node| self.tree.insert(&leaf, node)),
        };
    }
}

impl Turn {
    fn name(self) -> &'static str {
        match self {
            Self::Fresh => "not begun",
            Self::Waiting => "waiting for an answer",
            Self::Over => "over",
        }
    }
}

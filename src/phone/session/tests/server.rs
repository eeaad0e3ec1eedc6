//! A server that says what a test says, and hears what the phone says.

use crate::{
    ident::SharedSecret,
    phone::{
        session::{ClientSession, Next, Outcome, Request, message::content_type_of},
        value,
    },
    wire::{
        Syntax,
        syncml::{
            Alert, AlertCode, Chal, Command, Cred, Data, Group, GroupKind, Header, Item, Location, Message,
            Meta, Operation, Results, Status, StatusCode, Verb,
            auth::{self, UserDigest},
        },
    },
};

/// A server that says what the test says.
pub(super) struct Server {
    syntax: Syntax,
    msg_id: u32,
    /// What the phone sent last.
    pub(super) heard: Message,
    pub(super) cred: Option<Cred>,
    chal: Option<Chal>,
    pub(super) resp_uri: Option<String>,
    pub(super) max_msg_size: Option<u64>,
    pub(super) is_final: bool,
}

impl Server {
    pub(super) fn new(syntax: Syntax, request: &Request) -> Self {
        let mut server = Self {
            syntax,
            msg_id: 0,
            heard: Message::decode(syntax, &request.body).unwrap(),
            cred: None,
            chal: None,
            resp_uri: None,
            max_msg_size: None,
            is_final: true,
        };
        server.hear(request);
        server
    }

    pub(super) fn hear(&mut self, request: &Request) {
        assert_eq!(request.content_type, content_type_of(self.syntax));
        self.heard = Message::decode(self.syntax, &request.body).unwrap();
    }

    /// Its credentials go into the next message.
    pub(super) fn proving(&mut self, user: &str, password: &str, nonce: &[u8]) -> &mut Self {
        let digest = UserDigest::new(user, &secret(password));
        self.cred = Some(Cred { meta: meta("syncml:auth-md5", None), data: auth::md5(&digest, nonce) });
        self
    }

    pub(super) fn challenging(&mut self, kind: &str, nonce: &[u8]) -> &mut Self {
        self.chal = Some(Chal { meta: meta(kind, Some(nonce)) });
        self
    }

    pub(super) fn say(&mut self, code: u16, commands: Vec<Command>) -> Vec<u8> {
        self.msg_id += 1;
        let header = Status {
            cmd_id: "1".into(),
            msg_ref: self.heard.header.msg_id.clone(),
            cmd_ref: "0".into(),
            cmd: "SyncHdr".into(),
            target_refs: Vec::new(),
            source_refs: Vec::new(),
            cred: None,
            chal: self.chal.take(),
            code: StatusCode(code),
            items: Vec::new(),
        };
        let mut all = vec![Command::Status(Box::new(header))];
        all.extend(commands);
        let message = Message {
            header: Header {
                ver_dtd: "1.2".into(),
                ver_proto: "DM/1.2".into(),
                session_id: self.heard.header.session_id.clone(),
                msg_id: self.msg_id.to_string(),
                target: self.heard.header.source.clone(),
                source: Location::new("http://dm.example:8080/dm"),
                resp_uri: self.resp_uri.clone(),
                cred: self.cred.take(),
                meta: self.max_msg_size.map(|m| Meta { max_msg_size: Some(m), ..Meta::default() }),
            },
            commands: all,
            is_final: std::mem::replace(&mut self.is_final, true),
        };
        message.encode(self.syntax).unwrap()
    }

    /// Says something and hears the phone's next message.
    pub(super) fn talk(&mut self, session: &mut ClientSession, code: u16, commands: Vec<Command>) {
        let body = self.say(code, commands);
        match session.on_reply(content_type_of(self.syntax), &body).unwrap() {
            Next::Send(request) => self.hear(&request),
            Next::Done(outcome) => panic!("the session ended: {outcome}"),
        }
    }

    /// Says something that ends the session.
    pub(super) fn end(&mut self, session: &mut ClientSession, code: u16, commands: Vec<Command>) -> Outcome {
        let body = self.say(code, commands);
        match session.on_reply(content_type_of(self.syntax), &body).unwrap() {
            Next::Send(request) => panic!("the session goes on: {request:?}"),
            Next::Done(outcome) => *outcome,
        }
    }

    /// The statuses that the phone sent: command, target and code.
    pub(super) fn statuses(&self) -> Vec<String> {
        let statuses = self.heard.commands.iter().filter_map(|c| match c {
            Command::Status(s) => Some(s),
            _ => None,
        });
        statuses
            .map(|s| match s.target_refs.first().filter(|_| s.cmd != "SyncHdr") {
                Some(target) => format!("{} {target} {}", s.cmd, s.code.0),
                None => format!("{} {}", s.cmd, s.code.0),
            })
            .collect()
    }

    /// The nonce in the phone's challenge.
    pub(super) fn challenged_with(&self) -> Option<Vec<u8>> {
        self.heard.commands.iter().find_map(|c| match c {
            Command::Status(s) if s.cmd == "SyncHdr" => {
                value::base64_octets(s.chal.as_ref()?.meta.next_nonce.as_ref()?.as_bytes())
            }
            _ => None,
        })
    }

    pub(super) fn results(&self) -> Vec<&Results> {
        self.heard
            .commands
            .iter()
            .filter_map(|c| if let Command::Results(r) = c { Some(r) } else { None })
            .collect()
    }

    /// Whether the phone's credentials are these.
    pub(super) fn was_given(&self, user: &str, password: &str, nonce: &[u8]) -> bool {
        let digest = UserDigest::new(user, &secret(password));
        self.heard.header.cred.as_ref().is_some_and(|c| {
            c.meta.kind.as_deref() == Some("syncml:auth-md5") && auth::verify_md5(&digest, nonce, &c.data)
        })
    }
}

pub(super) fn secret(text: &str) -> SharedSecret {
    text.parse().unwrap()
}

pub(super) fn meta(kind: &str, nonce: Option<&[u8]>) -> Meta {
    Meta {
        format: Some("b64".into()),
        kind: Some(kind.into()),
        next_nonce: nonce.map(value::base64_text),
        ..Meta::default()
    }
}

pub(super) fn operation(verb: Verb, id: &str, items: Vec<Item>) -> Command {
    Command::Operation(Operation { verb, cmd_id: id.into(), meta: None, correlator: None, items })
}

pub(super) fn at(uri: &str) -> Item {
    Item { target: Some(Location::new(uri)), ..Item::default() }
}

pub(super) fn with(uri: &str, format: &str, data: &str) -> Item {
    let meta = Meta { format: Some(format.into()), ..Meta::default() };
    Item { meta: Some(meta), data: Some(Data::Text(data.into())), ..at(uri) }
}

pub(super) fn get(id: &str, uris: &[&str]) -> Command {
    operation(Verb::Get, id, uris.iter().map(|u| at(u)).collect())
}

pub(super) fn replace(id: &str, uri: &str, data: &str) -> Command {
    operation(Verb::Replace, id, vec![with(uri, "chr", data)])
}

pub(super) fn group(kind: GroupKind, id: &str, commands: Vec<Command>) -> Command {
    Command::Group(Group { kind, cmd_id: id.into(), commands })
}

pub(super) fn alert(id: &str, code: u16) -> Command {
    Command::Alert(Alert { cmd_id: id.into(), code: AlertCode(code), correlator: None, items: Vec::new() })
}

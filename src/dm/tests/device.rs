//! A scripted device: it holds credentials, nonces and a small tree, and writes what a client writes.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{DEVICE, gets, header_status, secret, statuses};
use crate::{
    dm::{AuthScheme, Outcome, Reply, Server},
    wire::{
        Syntax,
        syncml::{
            Alert, AlertCode, Chal, Command, Cred, Data, Header, Item, Location, Message, Meta, Operation,
            Results, Status, StatusCode, Verb, auth,
        },
    },
};

#[derive(Clone)]
pub(super) struct Device {
    pub(super) uri: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) scheme: AuthScheme,
    /// Of the next credential.
    pub(super) nonce: Vec<u8>,
    /// Of the next credential of the server.
    pub(super) server_nonce: Vec<u8>,
    pub(super) syntax: Syntax,
    pub(super) session_id: String,
    pub(super) msg_id: u32,
    pub(super) max_msg_size: Option<u64>,
    pub(super) leaves: BTreeMap<String, String>,
}

impl Device {
    pub(super) fn new(syntax: Syntax) -> Self {
        let leaves = [
            ("./DevInfo/DevId", DEVICE),
            ("./DevInfo/Man", "Acme"),
            ("./DevInfo/Mod", "A780"),
            ("./DevInfo/DmV", "1.2"),
            ("./DevInfo/Lang", "en"),
            ("./DevDetail/FwV", "1.0 <beta> & more"),
            ("./DevDetail/SwV", ""),
            ("./DevDetail/LrgObj", "true"),
            ("./DevDetail/URI/MaxDepth", "8"),
            ("./DevDetail/URI/MaxTotLen", "128"),
            ("./DevDetail/Ext/Acme/Board", "rev 3"),
        ];
        Self {
            uri: DEVICE.to_owned(),
            user: "490154203237518".to_owned(),
            password: "device-secret".to_owned(),
            scheme: AuthScheme::Md5,
            nonce: b"client-nonce-0".to_vec(),
            server_nonce: b"server-nonce-0".to_vec(),
            syntax,
            session_id: "1".to_owned(),
            msg_id: 0,
            max_msg_size: Some(16_384),
            leaves: leaves.map(|(uri, value)| (uri.to_owned(), value.to_owned())).into(),
        }
    }

    pub(super) fn basic(syntax: Syntax) -> Self {
        Self { scheme: AuthScheme::Basic, ..Self::new(syntax) }
    }

    /// Begins a session.
    pub(super) fn session(&mut self, id: &str) {
        id.clone_into(&mut self.session_id);
        self.msg_id = 0;
    }

    pub(super) fn cred(&self) -> Cred {
        let data = match self.scheme {
            AuthScheme::Basic => auth::basic(&self.user, &secret(&self.password)),
            AuthScheme::Md5 => {
                auth::md5(&auth::UserDigest::new(&self.user, &secret(&self.password)), &self.nonce)
            }
        };
        let kind = Some(self.scheme.as_type().to_owned());
        Cred { meta: Meta { format: Some("b64".to_owned()), kind, ..Meta::default() }, data }
    }

    /// The next message, Final, without Cred.
    pub(super) fn message(&mut self, mut commands: Vec<Command>) -> Message {
        self.msg_id += 1;
        for (n, command) in commands.iter_mut().enumerate() {
            let id = (n + 1).to_string();
            match command {
                Command::Operation(o) => o.cmd_id = id,
                Command::Group(g) => g.cmd_id = id,
                Command::Alert(a) => a.cmd_id = id,
                Command::Status(s) => s.cmd_id = id,
                Command::Results(r) => r.cmd_id = id,
                Command::Unsupported(u) => u.cmd_id = id,
            }
        }
        let meta = self.max_msg_size.map(|size| Meta { max_msg_size: Some(size), ..Meta::default() });
        Message {
            header: Header {
                ver_dtd: "1.2".to_owned(),
                ver_proto: "DM/1.2".to_owned(),
                session_id: self.session_id.clone(),
                msg_id: self.msg_id.to_string(),
                target: Location::new("http://dm.acme.example/dm"),
                source: Location { uri: self.uri.clone(), name: Some(self.user.clone()) },
                resp_uri: None,
                cred: None,
                meta,
            },
            commands,
            is_final: true,
        }
    }

    /// Package 1, without Cred.
    pub(super) fn package_1(&mut self) -> Message {
        let commands = vec![alert(AlertCode::CLIENT_INITIATED), self.dev_info()];
        self.message(commands)
    }

    /// Package 1 with Cred.
    pub(super) fn hello(&mut self) -> Message {
        let mut message = self.package_1();
        message.header.cred = Some(self.cred());
        message
    }

    pub(super) fn dev_info(&self) -> Command {
        let items = self.leaves.iter().filter(|(uri, _)| uri.starts_with("./DevInfo/"));
        let items = items.map(|(uri, value)| Item {
            source: Some(Location::new(uri.clone())),
            data: Some(Data::Text(value.clone())),
            ..Item::default()
        });
        operation(Verb::Replace, items.collect())
    }

    /// Takes the nonce that the server gave for the next credential.
    pub(super) fn take_nonce(&mut self, reply: &Message) {
        if let Some(nonce) = next_nonce(header_status(reply).chal.as_ref()) {
            self.nonce = nonce;
        }
    }

    /// Whether the server's credential is right.
    pub(super) fn trusts(&self, reply: &Message) -> bool {
        let Some(cred) = &reply.header.cred else { return false };
        assert_eq!(reply.header.source.name.as_deref(), Some("acme.dm"));
        assert_eq!(cred.meta.kind.as_deref(), Some(self.scheme.as_type()));
        assert_eq!(cred.meta.format.as_deref(), Some("b64"));
        let digest = auth::UserDigest::new("acme.dm", &secret("server-secret"));
        match self.scheme {
            AuthScheme::Md5 => auth::verify_md5(&digest, &self.server_nonce, &cred.data),
            AuthScheme::Basic => cred.data == auth::basic("acme.dm", &secret("server-secret")),
        }
    }

    /// Package 3: accepts the server, answers each Get and every Alert.
    pub(super) fn package_3(&mut self, reply: &Message) -> Message {
        let mut commands = vec![header_answer(reply, 212, None)];
        commands.extend(self.answers(reply));
        self.message(commands)
    }

    /// Status and Results for the Gets of a message.
    pub(super) fn answers(&self, reply: &Message) -> Vec<Command> {
        let msg_ref = reply.header.msg_id.clone();
        let mut out = Vec::new();
        for (cmd_ref, uri) in gets(reply) {
            let value = self.value(&uri);
            let code = if value.is_some() { 200 } else { 404 };
            out.push(status(&msg_ref, &cmd_ref, "Get", code));
            if let Some((format, value)) = value {
                let meta = Meta { format: Some(format.to_owned()), ..Meta::default() };
                out.push(results(&msg_ref, &cmd_ref, &uri, meta, value));
            }
        }
        out
    }

    /// Format and value of a node.
    pub(super) fn value(&self, uri: &str) -> Option<(&'static str, String)> {
        if let Some(value) = self.leaves.get(uri) {
            return Some(("chr", value.clone()));
        }
        let below = format!("{uri}/");
        let mut names: Vec<&str> = self
            .leaves
            .keys()
            .filter_map(|l| l.strip_prefix(&below))
            .filter_map(|l| l.split('/').next())
            .collect();
        names.dedup();
        (!names.is_empty()).then(|| ("node", names.join("/")))
    }

    /// Sends a message and reads the answer.
    pub(super) async fn send(&self, server: &Server, message: &Message) -> Message {
        let octets = message.encode(self.syntax).unwrap();
        let reply = post(server, self.syntax, &octets).await;
        assert_eq!(reply.outcome, Outcome::Ok);
        let message = Message::decode(self.syntax, &reply.body).unwrap();
        if let Some(limit) = self.max_msg_size {
            assert!(
                u64::try_from(reply.body.len()).unwrap() <= limit,
                "{} octets for {limit}",
                reply.body.len()
            );
        }
        assert_eq!(message.header.session_id, self.session_id);
        assert_eq!(message.header.target.uri, self.uri);
        message
    }

    /// A whole session of a device that does everything right. Gives back the server's messages.
    pub(super) async fn run(&mut self, server: &Server) -> Vec<Message> {
        let hello = self.hello();
        let mut replies = vec![self.send(server, &hello).await];
        loop {
            let reply = replies.last().unwrap();
            self.take_nonce(reply);
            assert!(reply.is_final);
            if gets(reply).is_empty() {
                return replies;
            }
            assert!(replies.len() < 50, "the session does not end");
            let next = self.package_3(reply);
            let reply = self.send(server, &next).await;
            replies.push(reply);
        }
    }
}

pub(super) async fn post(server: &Server, syntax: Syntax, octets: &[u8]) -> Reply {
    let content_type = match syntax {
        Syntax::Wbxml => "application/vnd.syncml.dm+wbxml",
        Syntax::Xml => "application/vnd.syncml.dm+xml; charset=utf-8",
    };
    server.handle(content_type, octets).await
}

pub(super) fn alert(code: AlertCode) -> Command {
    Command::Alert(Alert { cmd_id: String::new(), code, correlator: None, items: Vec::new() })
}

pub(super) fn operation(verb: Verb, items: Vec<Item>) -> Command {
    Command::Operation(Operation { verb, cmd_id: String::new(), meta: None, correlator: None, items })
}

pub(super) fn status(msg_ref: &str, cmd_ref: &str, cmd: &str, code: u16) -> Command {
    Command::Status(Box::new(Status {
        cmd_id: String::new(),
        msg_ref: msg_ref.to_owned(),
        cmd_ref: cmd_ref.to_owned(),
        cmd: cmd.to_owned(),
        target_refs: Vec::new(),
        source_refs: Vec::new(),
        cred: None,
        chal: None,
        code: StatusCode(code),
        items: Vec::new(),
    }))
}

/// The Status of the server's header, with a challenge of that scheme and nonce.
pub(super) fn header_answer(reply: &Message, code: u16, chal: Option<(AuthScheme, &[u8])>) -> Command {
    let Command::Status(mut status) = status(&reply.header.msg_id, "0", "SyncHdr", code) else {
        unreachable!()
    };
    status.chal = chal.map(|(scheme, nonce)| Chal {
        meta: Meta {
            format: Some("b64".to_owned()),
            kind: Some(scheme.as_type().to_owned()),
            next_nonce: Some(STANDARD.encode(nonce)),
            ..Meta::default()
        },
    });
    Command::Status(status)
}

pub(super) fn results(msg_ref: &str, cmd_ref: &str, uri: &str, meta: Meta, value: String) -> Command {
    let source = Some(Location::new(uri));
    let item = Item { source, meta: Some(meta), data: Some(Data::Text(value)), ..Item::default() };
    Command::Results(Results {
        cmd_id: String::new(),
        msg_ref: Some(msg_ref.to_owned()),
        cmd_ref: cmd_ref.to_owned(),
        meta: None,
        items: vec![item],
    })
}

pub(super) fn next_nonce(chal: Option<&Chal>) -> Option<Vec<u8>> {
    Some(STANDARD.decode(chal?.meta.next_nonce.as_deref()?).unwrap())
}

/// What the server refused, by Status: for tests that expect nothing but refusals.
pub(super) fn only_statuses(reply: &Message) -> bool {
    statuses(reply).len() == reply.commands.len()
}

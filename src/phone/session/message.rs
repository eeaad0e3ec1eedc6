//! Messages of a session: how the phone writes its own and what it expects of the server's (OMA DM Protocol 1.2, section
//! 8; bindings to HTTP).

use crate::{
    phone::{account, device},
    wire::{
        Syntax,
        syncml::{Alert, AlertCode, Command, Data, Header, Item, Location, Message, Meta, Operation, Verb},
    },
};

use super::{ClientSession, SessionError};

/// The largest message that the phone takes (`Meta/MaxMsgSize`), in octets.
pub const MAX_MESSAGE: usize = 0x10000;
/// The most messages that the phone sends in one session.
pub const MAX_MESSAGES: u32 = 64;

/// A message on its way to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Where it is posted.
    pub url: String,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The message.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Request {
    /// Without the body, which holds credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "POST {} ({}, {} octets)", self.url, self.content_type, self.body.len())
    }
}

impl ClientSession {
    pub(super) fn decode(&self, content_type: &str, body: &[u8]) -> Result<Message, SessionError> {
        let sent = content_type_of(self.syntax);
        let bare = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // Some say it without `.dm`.
        if bare.replace(".dm+", "+") != sent.replace(".dm+", "+") {
            return Err(SessionError::ContentType { got: bare, sent });
        }
        if body.len() > MAX_MESSAGE {
            return Err(SessionError::TooLarge { got: body.len(), limit: MAX_MESSAGE });
        }
        let message = Message::decode(self.syntax, body)?;
        let header = &message.header;
        for (field, got, expected) in [
            ("SessionID", &header.session_id, self.session_id.as_str()),
            ("VerProto", &header.ver_proto, "DM/1.2"),
            ("Target", &header.target.uri, self.device_id.as_str()),
        ] {
            if got.trim() != expected {
                let expected = expected.to_owned();
                return Err(SessionError::Mismatch { field, got: got.clone(), expected });
            }
        }
        Ok(message)
    }

    pub(super) fn follow(&self, uri: &str) -> Result<String, SessionError> {
        let url = account::url(uri, None).filter(|_| uri.contains("://")).ok_or(SessionError::BadRespUri)?;
        if self.url.starts_with("https://") && !url.starts_with("https://") {
            return Err(SessionError::BadRespUri);
        }
        Ok(url)
    }

    pub(super) fn message(&self, mut commands: Vec<Command>, is_final: bool) -> Message {
        let cred = self.client.cred();
        let name = self.client.user_name();
        for (n, command) in commands.iter_mut().enumerate() {
            let id = match command {
                Command::Operation(c) => &mut c.cmd_id,
                Command::Group(c) => &mut c.cmd_id,
                Command::Alert(c) => &mut c.cmd_id,
                Command::Status(c) => &mut c.cmd_id,
                Command::Results(c) => &mut c.cmd_id,
                Command::Unsupported(c) => &mut c.cmd_id,
            };
            *id = (n + 1).to_string();
        }
        // More to come is said by Alert 1222, and by the missing Final.
        let asks_for_more =
            commands.iter().any(|c| matches!(c, Command::Alert(a) if a.code == AlertCode::NEXT_MESSAGE));
        Message {
            header: Header {
                ver_dtd: "1.2".to_owned(),
                ver_proto: "DM/1.2".to_owned(),
                session_id: self.session_id.clone(),
                msg_id: self.msg_id.to_string(),
                target: Location::new(self.url.clone()),
                source: Location { uri: self.device_id.clone(), name },
                resp_uri: None,
                cred,
                meta: Some(Meta { max_msg_size: u64::try_from(MAX_MESSAGE).ok(), ..Meta::default() }),
            },
            commands,
            is_final: is_final && !asks_for_more,
        }
    }

    pub(super) fn package_1(&self) -> Vec<Command> {
        let alert = Alert { cmd_id: String::new(), code: self.alert, correlator: None, items: Vec::new() };
        let items = device::DEV_INFO.iter().map(|name| {
            let uri = format!("./DevInfo/{name}");
            let meta = Meta {
                format: Some("chr".to_owned()),
                kind: Some("text/plain".to_owned()),
                ..Meta::default()
            };
            Item {
                data: self.tree.text(&uri).map(|v| Data::Text(v.to_owned())),
                source: Some(Location::new(uri)),
                meta: Some(meta),
                ..Item::default()
            }
        });
        let replace = Operation {
            verb: Verb::Replace,
            cmd_id: String::new(),
            meta: None,
            correlator: None,
            items: items.collect(),
        };
        vec![Command::Alert(alert), Command::Operation(replace)]
    }
}

pub(super) fn content_type_of(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Wbxml => "application/vnd.syncml.dm+wbxml",
        Syntax::Xml => "application/vnd.syncml.dm+xml",
    }
}

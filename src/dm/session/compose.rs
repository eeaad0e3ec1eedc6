//! The server's message: header, Status, commands, and how much of it fits (SyncML RepPro 1.2; OMA DM RepPro 1.2).

use crate::{
    dm::{Config, Syntax},
    wire::syncml::{
        Alert, AlertCode, Chal, Command, Cred, GroupKind, Header, Location, Message, Meta, Operation, Status,
        StatusCode, Verb,
    },
};

use super::Incoming;

/// `VerDTD` of OMA DM 1.2.
pub(super) const VER_DTD: &str = "1.2";

/// `VerProto` of OMA DM 1.2.
pub(super) const VER_PROTO: &str = "DM/1.2";

/// Room that is kept for an Alert behind everything else, in octets of the longer syntax.
const ROOM_FOR_ALERT: usize = 96;

/// The longest text of a peer that is repeated in an answer, in octets.
const LONGEST_ECHO: usize = 1024;

/// Builds one message of the server.
pub(super) struct Composer<'a> {
    incoming: &'a Message,
    syntax: Syntax,
    message: Message,
    /// Status commands that were not put in yet.
    statuses: Vec<Command>,
    /// `MaxMsgSize` of the device, less the room for an Alert.
    limit: Option<usize>,
    /// How long the message is, once that was asked.
    size: Option<usize>,
}

impl<'a> Composer<'a> {
    /// The message of that `MsgID`, an answer to `incoming`.
    pub(super) fn new(msg_id: u32, incoming: &Incoming<'a>) -> Self {
        let config: &Config = incoming.config;
        let theirs = &incoming.message.header;
        let size = |n: usize| u64::try_from(n).ok();
        let header = Header {
            ver_dtd: VER_DTD.to_owned(),
            ver_proto: VER_PROTO.to_owned(),
            session_id: theirs.session_id.clone(),
            msg_id: msg_id.to_string(),
            target: Location {
                uri: theirs.source.uri.clone(),
                name: theirs.source.name.as_deref().and_then(echo),
            },
            source: Location { uri: config.uri.clone(), name: Some(config.server_id.as_str().to_owned()) },
            resp_uri: None,
            cred: None,
            meta: Some(Meta {
                max_msg_size: size(config.max_message_size),
                max_obj_size: size(config.max_object_size),
                ..Meta::default()
            }),
        };
        let message = Message { header, commands: Vec::new(), is_final: true };
        Self {
            incoming: incoming.message,
            syntax: incoming.syntax,
            message,
            statuses: Vec::new(),
            limit: None,
            size: None,
        }
    }

    /// Keeps the message within what the device can take.
    pub(super) fn limit(&mut self, octets: Option<usize>) {
        self.limit = octets.map(|o| o.saturating_sub(ROOM_FOR_ALERT));
    }

    /// Adds the server's credentials; for MD5, `LocName` of Source is the user name.
    pub(super) fn prove(&mut self, cred: Cred, name: &str) {
        self.message.header.source.name = Some(name.to_owned());
        self.message.header.cred = Some(cred);
    }

    /// Adds the Status of the device's header. It stands first and always has room.
    pub(super) fn header_status(&mut self, code: StatusCode, chal: Option<Chal>) {
        let theirs = &self.incoming.header;
        let status = Status {
            target_refs: echo(&theirs.target.uri).into_iter().collect(),
            source_refs: echo(&theirs.source.uri).into_iter().collect(),
            chal,
            ..self.blank_status("0", "SyncHdr", code)
        };
        self.push(Command::Status(Box::new(status)));
    }

    /// Adds the Status of one of the device's commands, to be put in by [`Composer::statuses`].
    pub(super) fn status(&mut self, command: &Command, code: StatusCode) {
        let Some((cmd_id, name)) = name_of(command) else { return };
        let status = self.blank_status(cmd_id, name, code);
        self.statuses.push(Command::Status(Box::new(status)));
    }

    /// How many Status commands were not put in yet.
    pub(super) fn waiting(&self) -> usize {
        self.statuses.len()
    }

    /// Puts in the Status commands, first those that are owed from before, as long as they fit; gives back the others.
    pub(super) fn statuses(&mut self, mut owed: Vec<Command>) -> Vec<Command> {
        owed.append(&mut self.statuses);
        let mut left = owed.into_iter();
        let mut rest = Vec::new();
        for status in left.by_ref() {
            if !self.fits(&status) {
                rest.push(status);
                break;
            }
            self.push(status);
        }
        rest.extend(left);
        rest
    }

    /// Adds an Alert without items.
    pub(super) fn alert(&mut self, code: AlertCode) {
        self.push(Command::Alert(Alert { cmd_id: String::new(), code, correlator: None, items: Vec::new() }));
    }

    /// Adds a command and says which `CmdID` it got.
    pub(super) fn push(&mut self, mut command: Command) -> String {
        let id = (self.message.commands.len() + 1).to_string();
        match &mut command {
            Command::Operation(o) => o.cmd_id.clone_from(&id),
            Command::Group(g) => g.cmd_id.clone_from(&id),
            Command::Alert(a) => a.cmd_id.clone_from(&id),
            Command::Status(s) => s.cmd_id.clone_from(&id),
            Command::Results(r) => r.cmd_id.clone_from(&id),
            Command::Unsupported(u) => u.cmd_id.clone_from(&id),
        }
        if let Some(size) = self.size {
            self.size = Some(size.saturating_add(self.length_of(&command)));
        }
        self.message.commands.push(command);
        id
    }

    /// Whether there is room for the command.
    pub(super) fn fits(&mut self, command: &Command) -> bool {
        let Some(limit) = self.limit else { return true };
        let size = self.size.unwrap_or_else(|| length(&self.message, self.syntax));
        self.size = Some(size);
        size.saturating_add(self.length_of(command)) <= limit
    }

    /// The message that says the same code about the header and each command, and nothing else; as much of it as fits.
    pub(super) fn status_only(mut self, code: StatusCode, chal: Option<Chal>) -> Message {
        let incoming = self.incoming;
        self.header_status(code, chal);
        for command in &incoming.commands {
            // A Status is never answered; Results are only when they are refused.
            if !matches!((command, code), (Command::Status(_), _) | (Command::Results(_), StatusCode::OK)) {
                self.status(command, code);
            }
        }
        let _too_much = self.statuses(Vec::new());
        self.last()
    }

    /// The message, the last of its package.
    pub(super) fn last(self) -> Message {
        self.message
    }

    /// The message, with more of its package to come.
    pub(super) fn more(mut self) -> Message {
        self.message.is_final = false;
        self.message
    }

    fn blank_status(&self, cmd_ref: &str, cmd: &str, code: StatusCode) -> Status {
        Status {
            cmd_id: String::new(),
            msg_ref: self.incoming.header.msg_id.clone(),
            cmd_ref: cmd_ref.to_owned(),
            cmd: cmd.to_owned(),
            target_refs: Vec::new(),
            source_refs: Vec::new(),
            cred: None,
            chal: None,
            code,
            items: Vec::new(),
        }
    }

    /// How much longer the command makes the message: what stands in a body does not depend on what stands before it.
    fn length_of(&self, command: &Command) -> usize {
        let empty = Message { commands: Vec::new(), ..self.message.clone() };
        let one = Message { commands: vec![command.clone()], ..empty.clone() };
        length(&one, self.syntax).saturating_sub(length(&empty, self.syntax))
    }
}

/// How long a message is. One that cannot be encoded has no room anywhere.
fn length(message: &Message, syntax: Syntax) -> usize {
    message.encode(syntax).map_or(usize::MAX, |octets| octets.len())
}

/// A peer's text as far as it may be repeated: XML has no place for control characters.
fn echo(text: &str) -> Option<String> {
    (text.len() <= LONGEST_ECHO && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// `CmdID` and name of a command that can be answered.
fn name_of(command: &Command) -> Option<(&str, &str)> {
    match command {
        Command::Operation(Operation { cmd_id, verb, .. }) => Some((
            cmd_id,
            match verb {
                Verb::Add => "Add",
                Verb::Replace => "Replace",
                Verb::Delete => "Delete",
                Verb::Get => "Get",
                Verb::Exec => "Exec",
                Verb::Copy => "Copy",
            },
        )),
        Command::Group(g) => Some((
            &g.cmd_id,
            match g.kind {
                GroupKind::Atomic => "Atomic",
                GroupKind::Sequence => "Sequence",
            },
        )),
        Command::Alert(a) => Some((&a.cmd_id, "Alert")),
        Command::Results(r) => Some((&r.cmd_id, "Results")),
        Command::Unsupported(u) => Some((&u.cmd_id, &u.name)),
        Command::Status(_) => None,
    }
}

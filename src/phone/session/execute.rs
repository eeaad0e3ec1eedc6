//! The server's commands of one message: executed on the tree, and answered by Status and Results (OMA DM Protocol 1.2,
//! section 8; OMA DM RepPro 1.2, section 6.6).

use crate::phone::{
    command::{self, Actor, Reading},
    tree::{Format, Tree},
    value,
};
use crate::wire::{
    Syntax,
    syncml::{
        AlertCode, Command, Data, Group, GroupKind, Item, Location, Meta, Operation, Results, Status,
        StatusCode, Verb,
    },
};

use super::outcome::Executed;

/// What a message's commands came to. Identifiers of the answers are given when a message is made of them.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) statuses: Vec<Status>,
    pub(super) results: Vec<Results>,
}

/// Executes commands in the name of a server.
pub(super) struct Executor<'t> {
    pub(super) tree: &'t mut Tree,
    pub(super) actor: &'t Actor,
    pub(super) syntax: Syntax,
    /// `MsgID` of the server's message.
    pub(super) msg_ref: &'t str,
}

/// Where a command stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Body,
    Atomic,
}

impl Executor<'_> {
    /// Executes all commands of a message.
    pub(super) fn run(&mut self, commands: &[Command]) -> Answers {
        let mut answers = Answers::default();
        for command in commands {
            self.one(command, Within::Body, &mut answers);
        }
        answers
    }

    fn one(&mut self, command: &Command, within: Within, answers: &mut Answers) {
        match command {
            Command::Operation(operation) => self.operation(operation, within, answers),
            Command::Group(group) if group.kind == GroupKind::Sequence => {
                answers.statuses.push(self.status(&group.cmd_id, "Sequence", StatusCode::OK));
                for command in &group.commands {
                    self.one(command, within, answers);
                }
            }
            // An Atomic inside an Atomic fails, and with it the one around it.
            Command::Group(group) if within == Within::Atomic => {
                answers.statuses.push(self.status(&group.cmd_id, "Atomic", StatusCode::FAILED));
                self.refuse(&group.commands, StatusCode::NOT_EXECUTED, answers);
            }
            Command::Group(group) => self.atomic(group, answers),
            Command::Alert(alert) => {
                // There is nobody to show an alert to, and the others are not for a client.
                let code = match alert.code {
                    AlertCode::NEXT_MESSAGE => StatusCode::OK,
                    _ => StatusCode::NOT_SUPPORTED,
                };
                answers.statuses.push(self.status(&alert.cmd_id, "Alert", code));
            }
            Command::Unsupported(c) => {
                answers.statuses.push(self.status(&c.cmd_id, &c.name, StatusCode::NOT_SUPPORTED));
            }
            // A Status is not answered, and a client asks for no Results.
            Command::Status(_) | Command::Results(_) => {}
        }
    }

    fn operation(&mut self, operation: &Operation, within: Within, answers: &mut Answers) {
        let name = verb_name(operation.verb);
        if operation.items.is_empty() {
            answers.statuses.push(self.status(&operation.cmd_id, name, StatusCode(412)));
        }
        let mut found = Vec::new();
        for item in &operation.items {
            let result = match (within, operation.verb) {
                // What an Atomic reads could not be taken back, and what it starts neither.
                (Within::Atomic, Verb::Get | Verb::Exec) => Err(StatusCode::FAILED),
                _ => command::execute(self.tree, self.actor, operation, item, &mut Vec::new())
                    .map_err(|error| error.status()),
            };
            let code = match result {
                Ok(reading) => {
                    found.extend(reading.map(|r| self.item(item, r)));
                    StatusCode::OK
                }
                Err(code) => code,
            };
            answers.statuses.push(self.item_status(operation, item, code));
        }
        if !found.is_empty() {
            answers.results.push(Results {
                cmd_id: String::new(),
                msg_ref: Some(self.msg_ref.to_owned()),
                cmd_ref: operation.cmd_id.clone(),
                meta: None,
                items: found,
            });
        }
    }

    /// All or none.
    fn atomic(&mut self, group: &Group, answers: &mut Answers) {
        let before = self.tree.clone();
        let mut inner = Answers::default();
        let mut failed = false;
        for command in &group.commands {
            if failed {
                self.refuse(std::slice::from_ref(command), StatusCode::NOT_EXECUTED, &mut inner);
                continue;
            }
            let from = inner.statuses.len();
            self.one(command, Within::Atomic, &mut inner);
            failed = inner.statuses.iter().skip(from).any(|s| !is_success(s.code));
        }
        if failed {
            *self.tree = before;
            let undone = inner.statuses.iter_mut().filter(|s| is_success(s.code));
            undone.for_each(|s| s.code = StatusCode::ROLLED_BACK);
        }
        let code = if failed { StatusCode::ATOMIC_FAILED } else { StatusCode::OK };
        answers.statuses.push(self.status(&group.cmd_id, "Atomic", code));
        answers.statuses.append(&mut inner.statuses);
    }

    /// Answers commands, those inside groups too, with one status, and executes none.
    pub(super) fn refuse(&self, commands: &[Command], code: StatusCode, answers: &mut Answers) {
        for command in commands {
            match command {
                Command::Operation(operation) if operation.items.is_empty() => {
                    answers.statuses.push(self.status(&operation.cmd_id, verb_name(operation.verb), code));
                }
                Command::Operation(operation) => {
                    let statuses = operation.items.iter().map(|item| self.item_status(operation, item, code));
                    answers.statuses.extend(statuses);
                }
                Command::Group(group) => {
                    let name = if group.kind == GroupKind::Atomic { "Atomic" } else { "Sequence" };
                    answers.statuses.push(self.status(&group.cmd_id, name, code));
                    self.refuse(&group.commands, code, answers);
                }
                Command::Alert(alert) => answers.statuses.push(self.status(&alert.cmd_id, "Alert", code)),
                Command::Unsupported(c) => answers.statuses.push(self.status(&c.cmd_id, &c.name, code)),
                Command::Status(_) | Command::Results(_) => {}
            }
        }
    }

    /// What a Get found, as an item of Results.
    fn item(&self, asked: &Item, reading: Reading) -> Item {
        let Reading { format, kind, octets } = reading;
        let mut name = format.as_str();
        let data = match (format, self.syntax) {
            // XML cannot carry octets.
            (Format::Bin, Syntax::Xml) => {
                name = "b64";
                Data::Text(value::base64_text(&octets))
            }
            (Format::Bin, Syntax::Wbxml) => Data::Octets(octets),
            _ => Data::Text(String::from_utf8_lossy(&octets).into_owned()),
        };
        let kind = Some(kind).filter(|k| !k.is_empty());
        Item {
            source: asked.target.clone(),
            meta: Some(Meta { format: Some(name.to_owned()), kind, ..Meta::default() }),
            data: Some(data),
            ..Item::default()
        }
    }

    fn item_status(&self, operation: &Operation, item: &Item, code: StatusCode) -> Status {
        let refs = |location: &Option<Location>| location.iter().map(|l| l.uri.clone()).collect();
        Status {
            target_refs: refs(&item.target),
            source_refs: refs(&item.source),
            ..self.status(&operation.cmd_id, verb_name(operation.verb), code)
        }
    }

    fn status(&self, cmd_ref: &str, cmd: &str, code: StatusCode) -> Status {
        Status {
            cmd_id: String::new(),
            msg_ref: self.msg_ref.to_owned(),
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
}

impl Answers {
    /// The statuses as a record of what was executed.
    pub(super) fn record(&self) -> impl Iterator<Item = Executed> {
        self.statuses.iter().map(|s| Executed {
            command: s.cmd.clone(),
            target: s.target_refs.first().cloned(),
            code: s.code,
        })
    }
}

fn is_success(code: StatusCode) -> bool {
    (200..300).contains(&code.0) && code != StatusCode::NOT_EXECUTED
}

fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Add => "Add",
        Verb::Replace => "Replace",
        Verb::Delete => "Delete",
        Verb::Get => "Get",
        Verb::Exec => "Exec",
        Verb::Copy => "Copy",
    }
}

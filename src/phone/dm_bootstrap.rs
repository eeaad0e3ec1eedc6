//! The DM bootstrap message becomes nodes of the management tree (OMA DM Bootstrap 1.2, DM profile).
//!
//! The commands are executed as those of a session are, in the name of an authorised bootstrap. Nothing is answered, so
//! the phone takes a message whole or not at all: half an account is worse than none.
//!
//! A bootstrap says who may touch what it brings by ACL properties (in TNDS, or by Replace of `?prop=ACL`). Where it
//! says nothing, the servers of its accounts get Get, Replace and Delete, as the CP profile has it; what the DM profile
//! wants there could not be read.

mod brought;
pub(super) mod shared;
#[cfg(test)]
mod tests;

use crate::{
    ident::ServerId,
    wire::syncml::{Command, Item, Message, Operation, Verb},
};

use self::brought::Brought;
use super::{
    account::{self, AccountError},
    command::{self, Actor},
    cp::{AccountFound, FirstSession},
    tnds::TndsNote,
    tree::{Acl, Origin, Tree, TreeError, Uri},
};

/// Why a DM bootstrap message is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DmRefusal {
    /// It is not a message of DM 1.2.
    #[error("{what} is {got:?}; this phone reads {expected}")]
    Version {
        /// `VerDTD` or `VerProto`.
        what: &'static str,
        /// What it says.
        got: String,
        /// What it should say.
        expected: &'static str,
    },
    /// A command cannot be executed.
    #[error("{verb:?} {target}: {} ({error})", .error.status().0)]
    Command {
        /// The command.
        verb: Verb,
        /// Its target.
        target: String,
        /// Why not.
        error: TreeError,
    },
    /// An access point or proxy of that name is there, and is another one.
    #[error("{at} is there already, with other values than the message brings; give this one another name")]
    OtherObject {
        /// Its node.
        at: Uri,
    },
    /// It sets no DM account.
    #[error("the message sets no DM account; at least one below ./DMAcc is needed")]
    NoAccount,
    /// An account is not complete.
    #[error("the account cannot be used: {0}")]
    Account(#[from] AccountError),
    /// The phone has an account of that server already.
    #[error("the phone has an account of server {server_id} already; the first counts")]
    ServerKnown {
        /// The server.
        server_id: ServerId,
    },
    /// The message does not come from the server that it sets up.
    #[error("Source in SyncHdr is not an address (AppAddr/Addr) of an account that the message sets")]
    ForeignSource,
}

/// What was odd about a message that was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DmNote {
    /// About a TNDS object.
    #[error(transparent)]
    Tnds(TndsNote),
    /// A command that asks for an answer, or means nothing in a bootstrap.
    #[error("{command} means nothing in a bootstrap, which is not answered; skipped")]
    Skipped {
        /// The command.
        command: String,
    },
    /// An access point or proxy that another bootstrap brought, just as it is.
    #[error(
        "{at} is there already, just so; the bootstrap that brought it keeps the rights on it as long as it stays"
    )]
    Shared {
        /// Its node.
        at: Uri,
    },
    /// The message is meant for another device. A card goes from phone to phone, so that alone is no reason to refuse.
    #[error("Target in SyncHdr is another device than this")]
    OtherDevice,
}

impl DmNote {
    fn shared(&self) -> Option<Uri> {
        match self {
            Self::Shared { at } => Some(at.clone()),
            _ => None,
        }
    }
}

impl From<TndsNote> for DmNote {
    fn from(note: TndsNote) -> Self {
        match note {
            TndsNote::Shared { at } => Self::Shared { at },
            note => Self::Tnds(note),
        }
    }
}

impl serde::Serialize for DmNote {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) accounts: Vec<AccountFound>,
    pub(super) notes: Vec<DmNote>,
    /// What other bootstraps brought and this one needs too.
    pub(super) shared: Vec<Uri>,
}

/// Executes a message on the tree, as the bootstrap of that number. `known` are the servers that the phone has accounts
/// of already.
///
/// # Errors
/// [`DmRefusal`]; the tree is then as it was.
pub(super) fn apply(
    tree: &mut Tree,
    message: &Message,
    number: u32,
    known: &[ServerId],
) -> Result<Applied, DmRefusal> {
    let header = &message.header;
    for (what, got, expected) in
        [("VerDTD", &header.ver_dtd, "1.2"), ("VerProto", &header.ver_proto, "DM/1.2")]
    {
        if got.trim() != expected {
            return Err(DmRefusal::Version { what, got: got.clone(), expected });
        }
    }
    // Looked at first: the node of such an account may have the same name too, and "exists" would say less.
    let brought = Brought::by(&message.commands);
    if let Some(server_id) = brought.servers().find(|id| known.contains(id)) {
        return Err(DmRefusal::ServerKnown { server_id });
    }
    let mut grown = tree.clone();
    let mut notes = Vec::new();
    run(&mut grown, &message.commands, &Actor::Bootstrap(number), &mut notes)?;
    let shared: Vec<Uri> = notes.iter().filter_map(DmNote::shared).collect();
    if let Some(at) = shared.iter().find(|at| !shared::is_whole(&grown, at, &brought, number)) {
        return Err(DmRefusal::OtherObject { at: at.clone() });
    }

    let new: Vec<Uri> = grown
        .walk_from(&Uri::root().child("DMAcc"))
        .into_iter()
        .filter(|(uri, node)| uri.segments().len() == 2 && node.origin() == Origin::Bootstrap(number))
        .map(|(uri, _)| uri)
        .collect();
    let mut accounts = Vec::new();
    let mut from_there = false;
    for uri in new {
        let account = account::read(&grown, &uri)?;
        let twice = accounts.iter().any(|a: &AccountFound| a.server_id == account.server_id);
        if twice || known.contains(&account.server_id) {
            return Err(DmRefusal::ServerKnown { server_id: account.server_id });
        }
        let source = header.source.uri.trim();
        from_there |= account.addresses.iter().any(|a| a.addr == source || a.url == source);
        // A device opens a session to each new server when it can.
        let first_session = FirstSession::AtOnce;
        accounts.push(AccountFound { server_id: account.server_id, uri, first_session });
    }
    if accounts.is_empty() {
        return Err(DmRefusal::NoAccount);
    }
    if !from_there {
        return Err(DmRefusal::ForeignSource);
    }
    if tree.text("./DevInfo/DevId").is_some_and(|id| id != header.target.uri.trim()) {
        notes.push(DmNote::OtherDevice);
    }
    for account in &accounts {
        grown.name_object(&account.uri, account::DMACC);
    }
    give_rights(&mut grown, number, &accounts);
    *tree = grown;
    Ok(Applied { accounts, notes, shared })
}

fn run(
    tree: &mut Tree,
    commands: &[Command],
    actor: &Actor,
    notes: &mut Vec<DmNote>,
) -> Result<(), DmRefusal> {
    for command in commands {
        let skipped = match command {
            Command::Group(group) => {
                run(tree, &group.commands, actor, notes)?;
                continue;
            }
            Command::Operation(operation) if operation.verb != Verb::Get => {
                run_items(tree, operation, actor, notes)?;
                continue;
            }
            Command::Operation(_) => "Get",
            Command::Alert(_) => "Alert",
            Command::Status(_) => "Status",
            Command::Results(_) => "Results",
            Command::Unsupported(command) => command.name.as_str(),
        };
        notes.push(DmNote::Skipped { command: skipped.to_owned() });
    }
    Ok(())
}

fn run_items(
    tree: &mut Tree,
    operation: &Operation,
    actor: &Actor,
    notes: &mut Vec<DmNote>,
) -> Result<(), DmRefusal> {
    for item in &operation.items {
        let mut tnds = Vec::new();
        if let Some(at) = shared::by(tree, actor, operation, item) {
            note(notes, DmNote::Shared { at });
            continue;
        }
        if let Err(error) = command::execute(tree, actor, operation, item, &mut tnds) {
            return Err(refusal(tree, actor, operation, item, error));
        }
        for said in tnds {
            note(notes, DmNote::from(said));
        }
    }
    Ok(())
}

/// An access point or proxy of another bootstrap is named; what one could do about it is more than the status says.
fn refusal(tree: &Tree, actor: &Actor, operation: &Operation, item: &Item, error: TreeError) -> DmRefusal {
    let there = match &error {
        TreeError::Occupied { at } => Some(at.clone()),
        TreeError::Exists => shared::object_of(operation, item),
        _ => None,
    };
    match (there, actor) {
        (Some(at), Actor::Bootstrap(number)) if shared::is_of_another(tree, &at, *number) => {
            DmRefusal::OtherObject { at }
        }
        _ => DmRefusal::Command {
            verb: operation.verb,
            target: item.target.as_ref().map(|t| t.uri.trim().to_owned()).unwrap_or_default(),
            error,
        },
    }
}

/// An object is spoken of once, however many of its nodes come.
fn note(notes: &mut Vec<DmNote>, said: DmNote) {
    if !matches!(said, DmNote::Shared { .. }) || !notes.contains(&said) {
        notes.push(said);
    }
}

/// Gives the servers their rights on the new nodes that no access control list was sent for.
fn give_rights(tree: &mut Tree, number: u32, accounts: &[AccountFound]) {
    let servers: Vec<ServerId> = accounts.iter().map(|a| a.server_id.clone()).collect();
    let acl = Acl::of_a_bootstrap(&servers);
    let new: Vec<Uri> = tree
        .walk()
        .into_iter()
        .filter(|(uri, node)| {
            uri.segments().len() == 2
                && node.origin() == Origin::Bootstrap(number)
                && node.own_acl().is_none()
        })
        .map(|(uri, _)| uri)
        .collect();
    for uri in new {
        // Cannot fail: the node was found a moment ago.
        let _ = tree.set_acl(&uri, acl.clone());
    }
}

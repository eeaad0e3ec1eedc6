//! The DM bootstrap message becomes nodes of the management tree (OMA DM Bootstrap 1.2, DM profile).
//!
//! The commands are executed as those of a session are, in the name of an authorised bootstrap. Nothing is answered, so
//! the phone takes a message whole or not at all: half an account is worse than none.
//!
//! A bootstrap says who may touch what it brings by ACL properties (in TNDS, or by Replace of `?prop=ACL`). Where it
//! says nothing, the servers of its accounts get Get, Replace and Delete, as the CP profile has it; what the DM profile
//! wants there could not be read.

mod shared;

use crate::{
    ident::ServerId,
    wire::syncml::{Command, Data, Message, Operation, Verb},
};

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
    Tnds(#[from] TndsNote),
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
    if let Some(server_id) = announced(&message.commands).find(|id| known.contains(id)) {
        return Err(DmRefusal::ServerKnown { server_id });
    }
    let mut grown = tree.clone();
    let mut notes = Vec::new();
    run(&mut grown, &message.commands, &Actor::Bootstrap(number), &mut notes)?;
    let shared: Vec<Uri> = notes.iter().filter_map(DmNote::shared).collect();
    if let Some(at) = shared.iter().find(|at| !shared::is_whole(&grown, at, &message.commands, number)) {
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

/// The servers that plain Adds set accounts for.
fn announced(commands: &[Command]) -> impl Iterator<Item = ServerId> {
    let items = commands.iter().flat_map(|c| match c {
        Command::Operation(operation) if operation.verb == Verb::Add => operation.items.as_slice(),
        _ => &[],
    });
    items.filter_map(|item| {
        let uri: Uri = item.target.as_ref()?.uri.parse().ok()?;
        let [place, _, name] = uri.segments() else { return None };
        let Some(Data::Text(text)) = &item.data else { return None };
        (place == "DMAcc" && name == "ServerID").then(|| text.trim().parse().ok())?
    })
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
            let note = DmNote::Shared { at };
            if !notes.contains(&note) {
                notes.push(note);
            }
            continue;
        }
        command::execute(tree, actor, operation, item, &mut tnds).map_err(|error| DmRefusal::Command {
            verb: operation.verb,
            target: item.target.as_ref().map(|t| t.uri.trim().to_owned()).unwrap_or_default(),
            error,
        })?;
        notes.extend(tnds.into_iter().map(DmNote::Tnds));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        phone::{device, tree::Right},
        wire::{
            Syntax,
            syncml::{Item, Location, Meta},
            vectors,
        },
    };

    fn phone() -> Tree {
        device::tree(&device::tests::identity()).unwrap()
    }

    /// The leaves below an address, as a client that was run lists them.
    fn leaves(tree: &Tree, uri: &str) -> Vec<String> {
        let found = tree.walk_from(&uri.parse().unwrap()).into_iter();
        let mut found: Vec<String> =
            found.filter_map(|(uri, node)| Some(format!("{uri} = [{}]", node.as_text()?))).collect();
        found.sort();
        found
    }

    fn add(items: &[(&str, &str)]) -> Command {
        let items = items.iter().map(|(uri, value)| Item {
            target: Some(Location::new(*uri)),
            meta: Some(Meta {
                format: Some(if value.is_empty() { "node" } else { "chr" }.to_owned()),
                ..Meta::default()
            }),
            data: (!value.is_empty()).then(|| Data::Text((*value).to_owned())),
            ..Item::default()
        });
        Command::Operation(Operation {
            verb: Verb::Add,
            cmd_id: "1".into(),
            meta: None,
            correlator: None,
            items: items.collect(),
        })
    }

    const ACCOUNT: [(&str, &str); 4] = [
        ("./DMAcc/x", ""),
        ("./DMAcc/x/AppID", "w7"),
        ("./DMAcc/x/ServerID", "acme.dm"),
        ("./DMAcc/x/AppAddr/1/Addr", "http://dm.example/dm"),
    ];

    fn message(commands: Vec<Command>) -> Message {
        Message {
            header: crate::wire::syncml::Header {
                ver_dtd: "1.2".into(),
                ver_proto: "DM/1.2".into(),
                session_id: "0".into(),
                msg_id: "0".into(),
                target: Location::new("IMEI:490154203237518"),
                source: Location::new("http://dm.example/dm"),
                resp_uri: None,
                cred: None,
                meta: None,
            },
            commands,
            is_final: true,
        }
    }

    fn refusal(commands: Vec<Command>, known: &[&str]) -> DmRefusal {
        let mut tree = phone();
        let known: Vec<ServerId> = known.iter().map(|k| k.parse().unwrap()).collect();
        let refused = apply(&mut tree, &message(commands), 1, &known).unwrap_err();
        assert!(tree == phone(), "a refused message leaves no trace");
        refused
    }

    /// Two messages that a client in the field was run with, and the tree that it ended with.
    #[test]
    fn the_shared_messages_make_the_tree_that_another_client_made() {
        let Some(folder) = vectors::folder("dm") else { return };
        let mut compared = 0;
        for (name, notes) in [("boot-plain-add", 1), ("boot-inbox-tnds-opaque", 2)] {
            let json = vectors::read(&folder, name, "json");
            let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
            let wanted = json["client_tree_after"].as_array().unwrap().iter();
            let mut wanted: Vec<&str> = wanted.map(|v| v.as_str().unwrap()).collect();
            wanted.sort_unstable();
            compared += wanted.len();
            for (syntax, ending) in [(Syntax::Wbxml, "wbxml"), (Syntax::Xml, "xml")] {
                let message = Message::decode(syntax, &vectors::read(&folder, name, ending)).unwrap();
                let mut tree = phone();
                let applied = apply(&mut tree, &message, 1, &[]).unwrap();
                assert_eq!(leaves(&tree, "./DMAcc"), wanted, "{name}.{ending}");
                assert_eq!(applied.accounts[0].server_id.as_str(), "com.test.dm");
                // Made for IMEI:1; the one with TNDS refers to a connectivity object that it does not hold.
                assert_eq!(applied.notes.len(), notes, "{name}: {:?}", applied.notes);
                assert!(applied.notes.contains(&DmNote::OtherDevice));
            }
        }
        assert_eq!(compared, 17 + 18);
    }

    #[test]
    fn every_truncation_is_refused() {
        let octets = message(vec![add(&ACCOUNT)]).encode(Syntax::Wbxml).unwrap();
        for end in 0..octets.len() {
            assert!(Message::decode(Syntax::Wbxml, &octets[..end]).is_err(), "{end} of {}", octets.len());
        }
    }

    #[test]
    fn its_servers_get_their_rights() {
        let mut tree = phone();
        let nap = add(&[("./NAP/n/Addr", "internet")]);
        apply(&mut tree, &message(vec![nap, add(&ACCOUNT)]), 1, &[]).unwrap();
        let acme = "acme.dm".parse().unwrap();
        for uri in ["./DMAcc/x/AppAddr", "./NAP/n/Addr"] {
            assert!(tree.allows(Right::Replace, &uri.parse().unwrap(), &acme), "{uri}");
            assert!(!tree.allows(Right::Get, &uri.parse().unwrap(), &"other".parse().unwrap()), "{uri}");
        }
        assert!(!tree.allows(Right::Replace, &"./DevInfo/Lang".parse().unwrap(), &acme));
    }

    #[test]
    fn each_refusal_is_named() {
        let without = |n: usize| {
            let items: Vec<_> =
                ACCOUNT.iter().enumerate().filter(|(i, _)| *i != n).map(|(_, a)| *a).collect();
            vec![add(&items)]
        };
        assert_eq!(refusal(vec![add(&[("./NAP/n/Addr", "x")])], &[]), DmRefusal::NoAccount);
        for (n, name) in [(1, "AppID"), (2, "ServerID"), (3, "AppAddr")] {
            let refused = refusal(without(n), &[]);
            assert!(
                matches!(refused, DmRefusal::Account(AccountError::Missing { name: n, .. }) if n == name),
                "{refused}"
            );
        }
        assert!(matches!(refusal(vec![add(&ACCOUNT)], &["acme.dm"]), DmRefusal::ServerKnown { .. }));
        let mut elsewhere = ACCOUNT;
        elsewhere[3].1 = "http://other.example/dm";
        assert_eq!(refusal(vec![add(&elsewhere)], &[]), DmRefusal::ForeignSource);
        let refused = refusal(vec![add(&ACCOUNT), add(&ACCOUNT)], &[]);
        assert_eq!(refused.to_string(), "Add ./DMAcc/x: 418 (the node is there already)");
        let mut old = message(vec![add(&ACCOUNT)]);
        old.header.ver_proto = "DM/1.1".into();
        assert!(matches!(
            apply(&mut phone(), &old, 1, &[]),
            Err(DmRefusal::Version { what: "VerProto", .. })
        ));
    }

    #[test]
    fn a_port_of_its_own_may_stand_in_the_source_or_not() {
        let mut items = ACCOUNT.to_vec();
        items.push(("./DMAcc/x/AppAddr/1/Port/1/PortNbr", "8080"));
        for source in ["http://dm.example/dm", "http://dm.example:8080/dm"] {
            let mut message = message(vec![add(&items)]);
            message.header.source.uri = source.into();
            assert!(apply(&mut phone(), &message, 1, &[]).is_ok(), "{source}");
        }
    }

    #[test]
    fn what_asks_for_an_answer_is_skipped() {
        let Command::Operation(mut get) = add(&[("./DevInfo", "")]) else { unreachable!() };
        get.verb = Verb::Get;
        let applied =
            apply(&mut phone(), &message(vec![Command::Operation(get), add(&ACCOUNT)]), 1, &[]).unwrap();
        assert_eq!(applied.notes, [DmNote::Skipped { command: "Get".into() }]);
    }
}

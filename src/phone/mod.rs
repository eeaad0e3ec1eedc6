//! The virtual phone: an independent reading of the standard. It shares [`crate::wire`] and [`crate::ident`] with the
//! rest and nothing of `bootstrap`, `card` or `dm`, so that a mistake of ours is not made twice.
//!
//! At power-on it reads the card and takes the bootstraps on it, in the order in which the card names them: of CP
//! Bootstrap, Config1 and Config2 the first that holds anything, and every DM bootstrap. When two of them set an
//! account of the same server, or name the same provisioning server (PROVURL), the first counts and the second is
//! refused by name. A bootstrap that stands on the card as it did before is left alone, with what sessions made of it;
//! one that does not, because the file, the card or its content went, goes with all that it brought.

mod account;
mod card_reader;
mod command;
mod cp;
mod device;
mod dm_bootstrap;
mod inbox;
mod notification;
mod push;
mod report;
mod session;
#[cfg(test)]
mod tests;
mod tnds;
pub mod tree;
mod value;

use std::collections::VecDeque;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    ident::{Iccid, Imsi, Pin, Random, ServerId},
    wire::{Syntax, prov::ProvDoc, syncml::Message},
};

pub use account::AccountError;
pub use card_reader::{CardError, CardNote, CardPort, FileRole, PortError, UsimSettings, usim_settings};
pub use cp::{CpRefusal, Finding, FirstSession, Rule, is_known_characteristic};
pub use device::{Identity, SAMPLE_IMEI};
pub use dm_bootstrap::{DmNote, DmRefusal};
pub use inbox::{Inbox, InboxRefusal, KEPT, PushTrust, Received, TextMessage};
pub use notification::{NotificationRefusal, Notified};
pub use push::{Method, PIN_TRIES, PinRequest, PushRefusal, PushResult, Unauthenticated};
pub use report::{
    AccountChange, BootstrapResult, CardState, Change, FileReport, PowerOnReport, Refusal, Remark,
};
pub use session::{
    ClientAuth, ClientSession, End, Executed, MAX_MESSAGE, MAX_MESSAGES, Next, Outcome, Request, Scheme,
    ServerAuth, SessionError, StartError,
};
pub use tnds::TndsNote;

use card_reader::CardFile;
use cp::AccountFound;
use session::Invitation;
use tree::{Acl, Node, Origin, Tree, TreeError, Uri};

/// How a bootstrap is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BootstrapKind {
    /// A provisioning document (OMA CP).
    Cp,
    /// A DM bootstrap message.
    Dm,
}

/// The phone.
pub struct Phone {
    tree: Tree,
    bootstraps: Vec<Bootstrap>,
    /// Counts the bootstraps taken; nodes name theirs by it.
    taken: u32,
    /// Counts the changes of the tree, so that a session's copy is known to be of the present tree.
    generation: u64,
    /// Its subscriber, when it knows it: half of what authenticates a pushed bootstrap.
    imsi: Option<Imsi>,
    /// CHV1 of the card, when somebody has entered it and no card has refused it since.
    card_pin: Option<Pin>,
    unauthenticated: Unauthenticated,
    /// The digests of notifications that a session was held for.
    followed: VecDeque<[u8; 16]>,
}

/// A bootstrap that was taken.
struct Bootstrap {
    number: u32,
    /// Where it came from, when that is a card.
    card: Option<CardOrigin>,
    accounts: Vec<AccountFound>,
    /// What another bootstrap brought and this one needs too.
    shared: Vec<Uri>,
}

struct CardOrigin {
    iccid: Option<Iccid>,
    role: FileRole,
    octets: Zeroizing<Vec<u8>>,
}

/// An account on the phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountSummary {
    /// Its server.
    pub server_id: ServerId,
    /// Its name.
    pub name: Option<String>,
    /// Its node.
    pub uri: Uri,
    /// The URL that a session goes to.
    pub address: String,
    /// `AAuthType` of what the phone proves itself with.
    pub client_auth: Vec<String>,
    /// `AAuthType` of what the server must prove itself with.
    pub server_auth: Vec<String>,
    /// Whether its bootstrap asks for a session at once.
    pub first_session: FirstSession,
}

/// Why a session's result cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the phone changed since the session began; finish a session before the next power-on or session")]
pub struct StaleSession;

impl Phone {
    /// A phone as it comes from the factory: without accounts.
    ///
    /// # Errors
    /// [`TreeError::TooLarge`] for a part of the identity that is longer than a value may be.
    pub fn new(identity: &Identity) -> Result<Self, TreeError> {
        Ok(Self {
            tree: device::tree(identity)?,
            bootstraps: Vec::new(),
            taken: 0,
            generation: 0,
            imsi: identity.imsi.clone(),
            card_pin: None,
            unauthenticated: Unauthenticated::Refuse,
            followed: VecDeque::new(),
        })
    }

    /// The management tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The accounts that a session can be opened with, in the order of their nodes' names.
    pub fn accounts(&self) -> Vec<AccountSummary> {
        let first_session = |id: &ServerId| {
            let found = self.bootstraps.iter().flat_map(|b| &b.accounts).find(|a| a.server_id == *id);
            found.map_or(FirstSession::Later, |a| a.first_session)
        };
        let kinds = |account: &account::Account, level: account::Level| {
            account.auth.iter().filter(|a| a.level == level).map(|a| a.kind.clone()).collect()
        };
        let accounts = account::accounts(&self.tree).into_iter().filter_map(|(_, account)| account.ok());
        accounts
            .map(|account| AccountSummary {
                first_session: first_session(&account.server_id),
                client_auth: kinds(&account, account::Level::Client),
                server_auth: kinds(&account, account::Level::Server),
                address: account.addresses.first().map(|a| a.url.clone()).unwrap_or_default(),
                server_id: account.server_id,
                name: account.name,
                uri: account.uri,
            })
            .collect()
    }

    /// Enters CHV1 (PIN1) of the card. It is presented when a file of the card asks for it, once in each power-on, and only
    /// while the card shows two tries or more. After a refusal, or an answer that was lost, it is forgotten: a person has to
    /// enter it again.
    pub fn enter_card_pin(&mut self, pin: Pin) {
        self.card_pin = Some(pin);
    }

    /// Switches the phone on with this card in it, or with none.
    ///
    /// A card that stops answering in the middle drops nothing that may still be on it.
    pub fn power_on(&mut self, card: Option<&mut dyn CardPort>) -> PowerOnReport {
        self.generation += 1;
        let mut report = PowerOnReport {
            card: CardState::Absent,
            notes: Vec::new(),
            files: Vec::new(),
            accounts: Vec::new(),
            commands: 0,
        };
        let mut files = Vec::new();
        let mut iccid = None;
        let mut cut = false;
        if let Some(port) = card {
            let reading = card_reader::read(port, self.card_pin.as_ref());
            if reading.pin.ends_the_value() {
                self.card_pin = None;
            }
            (files, iccid) = (reading.files, reading.iccid);
            (report.notes, report.commands) = (reading.notes, reading.commands);
            cut = reading.cut.is_some();
            report.card = match reading.cut {
                None => CardState::Read { iccid: iccid.clone() },
                Some(error) => CardState::Cut { iccid: iccid.clone(), why: error.to_string() },
            };
        }
        let cp = [FileRole::CpBootstrap, FileRole::CpConfig1, FileRole::CpConfig2]
            .into_iter()
            .find_map(|role| files.iter().position(|f| f.role == role && !f.octets.is_empty()));
        let used = |n: usize, file: &CardFile| {
            !file.octets.is_empty() && (file.role == FileRole::DmBootstrap || cp == Some(n))
        };
        let wanted: Vec<&CardFile> =
            files.iter().enumerate().filter(|(n, f)| used(*n, f)).map(|(_, f)| f).collect();
        let before = self.drop_what_is_gone(&wanted, iccid.as_ref(), cut);
        for (n, file) in files.iter().enumerate() {
            let result = match cp.and_then(|cp| files.get(cp)) {
                _ if file.octets.is_empty() => BootstrapResult::Empty,
                Some(first) if file.role != FileRole::DmBootstrap && cp != Some(n) => {
                    BootstrapResult::NotUsed { because_of: first.role }
                }
                _ if self.holds(file, iccid.as_ref()) => BootstrapResult::Unchanged,
                _ => {
                    let kind = match file.role {
                        FileRole::DmBootstrap => BootstrapKind::Dm,
                        _ => BootstrapKind::Cp,
                    };
                    let card =
                        CardOrigin { iccid: iccid.clone(), role: file.role, octets: file.octets.clone() };
                    self.take(kind, &file.octets, Some(card))
                }
            };
            let (role, path, size) = (file.role, file.path.to_string(), file.octets.len());
            report.files.push(FileReport { role, path, size, result });
        }
        report.accounts = self.changes(before);
        report
    }

    /// Takes a bootstrap that came by another way than a card and was authenticated there, if at all; pushes go through
    /// [`Self::receive_push`]. It stays whatever card is in the phone.
    pub fn receive(&mut self, kind: BootstrapKind, octets: &[u8]) -> BootstrapResult {
        self.generation += 1;
        self.take(kind, octets, None)
    }

    /// Begins a session with the server of an account. `number` becomes the session identifier; `random` gives the
    /// nonces that the phone challenges the server with.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start_session(
        &self,
        server_id: &ServerId,
        number: u16,
        syntax: Syntax,
        random: &dyn Random,
    ) -> Result<ClientSession, StartError> {
        let own = Invitation::of_client(server_id, number);
        ClientSession::start(&self.tree, self.generation, &own, syntax, random)
    }

    /// Keeps what a session executed and the nonces that it left, and says how it ended.
    ///
    /// # Errors
    /// [`StaleSession`]; nothing of it is kept then.
    pub fn finish(&mut self, session: ClientSession) -> Result<Outcome, StaleSession> {
        if session.generation() != self.generation {
            return Err(StaleSession);
        }
        let outcome = session.outcome();
        if let Some(notification) = session.notification.filter(|_| outcome.authenticated_both_ways()) {
            self.follow(notification);
        }
        self.tree = session.into_tree();
        self.generation += 1;
        Ok(outcome)
    }

    /// Drops the bootstraps that came from a card and are not on this one, and gives the servers that had an account
    /// from a card before.
    fn drop_what_is_gone(
        &mut self,
        wanted: &[&CardFile],
        iccid: Option<&Iccid>,
        cut: bool,
    ) -> Vec<(u32, AccountFound)> {
        let mut before = Vec::new();
        let (stay, go): (Vec<Bootstrap>, Vec<Bootstrap>) = self.bootstraps.drain(..).partition(|b| {
            let Some(card) = &b.card else { return true };
            before.extend(b.accounts.iter().map(|a| (b.number, a.clone())));
            if cut && (iccid.is_none() || iccid == card.iccid.as_ref()) {
                return true;
            }
            iccid == card.iccid.as_ref()
                && wanted.iter().any(|f| f.role == card.role && f.octets == card.octets)
        });
        self.bootstraps = stay;
        for bootstrap in go {
            self.hand_over(bootstrap.number);
            self.tree.remove_bootstrap(bootstrap.number);
            let left = self.servers();
            for account in bootstrap.accounts.iter().filter(|a| !left.contains(&a.server_id)) {
                self.tree.forget(&account.server_id);
            }
        }
        before
    }

    /// What a bootstrap that goes brought, and another one needs too, becomes that one's.
    fn hand_over(&mut self, from: u32) {
        for heir in &self.bootstraps {
            let servers: Vec<ServerId> = heir.accounts.iter().map(|a| a.server_id.clone()).collect();
            let owned = |at: &&Uri| self.tree.node(at).map(Node::origin) == Some(Origin::Bootstrap(from));
            let shared: Vec<Uri> = heir.shared.iter().filter(owned).cloned().collect();
            for at in shared {
                self.tree.hand_over(&at, from, heir.number);
                // Cannot fail: the node was found a moment ago.
                let _ = self.tree.set_acl(&at, Acl::of_a_bootstrap(&servers));
            }
        }
    }

    fn holds(&self, file: &CardFile, iccid: Option<&Iccid>) -> bool {
        self.bootstraps
            .iter()
            .filter_map(|b| b.card.as_ref())
            .any(|card| card.iccid.as_ref() == iccid && card.role == file.role && card.octets == file.octets)
    }

    fn take(&mut self, kind: BootstrapKind, octets: &[u8], card: Option<CardOrigin>) -> BootstrapResult {
        let number = self.taken + 1;
        let known = self.servers();
        let (accounts, remarks, shared) = match kind {
            BootstrapKind::Cp => {
                let document = match ProvDoc::decode(Syntax::Wbxml, octets) {
                    Ok(document) => document,
                    Err(error) => return refused(error, Vec::new()),
                };
                match cp::apply(&mut self.tree, &document, number, known) {
                    Ok(applied) => {
                        let remarks = applied.findings.into_iter().map(Remark::Cp).collect();
                        (applied.accounts, remarks, Vec::new())
                    }
                    Err((reason, findings)) => {
                        return refused(reason, findings.into_iter().map(Remark::Cp).collect());
                    }
                }
            }
            BootstrapKind::Dm => {
                // The XML form is not allowed for bootstraps.
                let message = match Message::decode(Syntax::Wbxml, octets) {
                    Ok(message) => message,
                    Err(error) => return refused(error, Vec::new()),
                };
                match dm_bootstrap::apply(&mut self.tree, &message, number, &known) {
                    Ok(applied) => {
                        let remarks: Vec<Remark> = applied.notes.into_iter().map(Remark::Dm).collect();
                        (applied.accounts, remarks, applied.shared)
                    }
                    Err(reason) => return refused(reason, Vec::new()),
                }
            }
        };
        self.taken = number;
        let servers = accounts.iter().map(|a| a.server_id.clone()).collect();
        self.bootstraps.push(Bootstrap { number, card, accounts, shared });
        BootstrapResult::Accepted { accounts: servers, remarks }
    }

    /// The servers that the phone has accounts of.
    fn servers(&self) -> Vec<ServerId> {
        let accounts = account::accounts(&self.tree).into_iter();
        accounts.filter_map(|(_, account)| Some(account.ok()?.server_id)).collect()
    }

    /// What became of the accounts that come from a card; `before` are those of before, with their bootstraps' numbers.
    fn changes(&self, before: Vec<(u32, AccountFound)>) -> Vec<AccountChange> {
        let from_card = self.bootstraps.iter().filter(|b| b.card.is_some());
        let now: Vec<(u32, &AccountFound)> =
            from_card.flat_map(|b| b.accounts.iter().map(|a| (b.number, a))).collect();
        let change = |account: &AccountFound, change| AccountChange {
            server_id: account.server_id.clone(),
            change,
            first_session: account.first_session,
        };
        let there =
            now.iter().map(|(number, a)| match before.iter().find(|(_, b)| b.server_id == a.server_id) {
                None => change(a, Change::Added),
                Some((then, _)) if then == number => change(a, Change::Kept),
                Some(_) => change(a, Change::Replaced),
            });
        let gone = before.iter().filter(|(_, b)| !now.iter().any(|(_, a)| a.server_id == b.server_id));
        there.chain(gone.map(|(_, b)| change(b, Change::Dropped))).collect()
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({:?}, {} bootstrap(s))", self.tree, self.bootstraps.len())
    }
}

fn refused(reason: impl Into<Refusal>, remarks: Vec<Remark>) -> BootstrapResult {
    BootstrapResult::Refused { reason: reason.into(), remarks }
}

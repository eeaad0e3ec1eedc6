//! A provisioning document becomes nodes of the management tree (OMA ProvCont 1.1; OMA DM Bootstrap 1.2, CP profile).
//!
//! First what may stand where ([`rules`]), then what the parts mean for each other ([`meaning`]), then where they go
//! ([`map`]). A part that breaks a rule is dropped and named; only a document of which nothing is left is refused, or
//! one whose trusted provisioning server the phone knows already.

mod finding;
mod map;
mod meaning;
mod rules;
#[cfg(test)]
mod tests;

use crate::{ident::ServerId, wire::prov::ProvDoc};

pub use finding::{CpRefusal, Finding, Rule};
pub use rules::is_known_characteristic;

use super::tree::{Tree, Uri};

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    /// The accounts that were made.
    pub(super) accounts: Vec<AccountFound>,
    /// What was wrong.
    pub(super) findings: Vec<Finding>,
    /// The servers that the phone had accounts of before.
    known: Vec<ServerId>,
}

/// An account that a bootstrap made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AccountFound {
    /// Its server.
    pub(super) server_id: ServerId,
    /// Its node.
    pub(super) uri: Uri,
    /// Whether the bootstrap asks for a session.
    pub(super) first_session: FirstSession,
}

/// When the device should open its first session with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstSession {
    /// As soon as it can: the bootstrap says so (INIT), or is a DM bootstrap message, which always does.
    AtOnce,
    /// When it has a reason to.
    Later,
}

/// Puts a document into the tree, as the bootstrap of that number. `known` are the servers that the phone has accounts
/// of already.
///
/// # Errors
/// [`CpRefusal`]; the tree is then as it was.
pub(super) fn apply(
    tree: &mut Tree,
    document: &ProvDoc,
    number: u32,
    known: Vec<ServerId>,
) -> Result<Applied, (CpRefusal, Vec<Finding>)> {
    if document.version.as_deref().is_some_and(|v| v.trim().split('.').next() != Some("1")) {
        return Err((CpRefusal::Version, Vec::new()));
    }
    let mut findings = Vec::new();
    let complete = rules::keep_complete(&document.characteristics, &mut findings);
    let kept = meaning::keep_meaningful(complete, &mut findings);
    if kept.is_empty() {
        return Err((CpRefusal::NothingValid, findings));
    }
    let contexts = provisioning_servers(tree);
    let urls = kept.iter().filter(|c| c.kind == "BOOTSTRAP").filter_map(|c| c.value("PROVURL"));
    if let Some(host) = urls.filter_map(meaning::host_of).find(|host| contexts.contains(host)) {
        return Err((CpRefusal::ContextKnown { host }, findings));
    }
    let mut grown = tree.clone();
    let mut applied = Applied { accounts: Vec::new(), findings, known };
    map::insert(&mut grown, &kept, number, &mut applied);
    if grown == *tree {
        return Err((CpRefusal::NothingValid, applied.findings));
    }
    *tree = grown;
    Ok(applied)
}

/// The host parts of the PROVURLs that the phone was bootstrapped with.
fn provisioning_servers(tree: &Tree) -> Vec<String> {
    let contexts = Uri::root().child("CP").child("BOOTSTRAP");
    tree.walk_from(&contexts)
        .into_iter()
        .filter(|(uri, _)| uri.name() == "PROVURL")
        .filter_map(|(_, node)| meaning::host_of(node.as_text()?))
        .collect()
}

//! References between the parts of a profile: `connect-via` and its kin (`TO-NAPID`, `TO-PROXY`).

use std::{collections::BTreeMap, fmt};

use super::{
    nap::INTERNET,
    problem::{Position, ProblemKind},
    walk::{Notes, Section, Value},
};
use crate::ident::nearest;

/// What something is connected through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Link {
    /// The access point of that id (`TO-NAPID`).
    Nap(String),
    /// Any access point with the internet flag (`TO-NAPID` with the value `INTERNET`).
    Internet,
    /// The proxy of that id (`TO-PROXY`).
    Proxy(String),
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nap(id) | Self::Proxy(id) => f.write_str(id),
            Self::Internet => f.write_str(INTERNET),
        }
    }
}

/// What an id belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nap,
    Proxy,
    Physical,
}

/// All ids of a profile. They are collected before anything else is read, so that a reference to something that is
/// wrong in another way is not called dangling too.
#[derive(Debug, Default)]
pub(super) struct Ids {
    owners: BTreeMap<String, (Owner, Position)>,
    internet: bool,
}

impl Ids {
    /// Collects the ids, and notes doubled ones.
    pub(super) fn collect<'i>(
        n: &mut Notes<'i>,
        naps: &[Section<'_, 'i>],
        proxies: &[Section<'_, 'i>],
    ) -> Self {
        let mut ids = Self::default();
        for nap in naps {
            ids.add(n, Owner::Nap, nap.optional("id"));
        }
        for proxy in proxies {
            ids.add(n, Owner::Proxy, proxy.optional("id"));
            for id in proxy.inner_ids("physical") {
                ids.add(n, Owner::Physical, Some(id));
            }
        }
        ids.internet = naps.iter().any(|s| s.optional("internet").is_some_and(|v| !v.is_false()));
        ids
    }

    fn add<'i>(&mut self, n: &mut Notes<'i>, owner: Owner, id: Option<Value<'_, 'i>>) {
        let Some(v) = id else { return };
        let Some(id) = v.peek_text() else { return };
        match self.owners.get(id) {
            Some((_, first)) => {
                let kind = ProblemKind::DoubledId { id: id.to_owned(), first: *first };
                n.at(&v, kind);
            }
            None => {
                self.owners.insert(id.to_owned(), (owner, n.position_of(&v)));
            }
        }
    }

    /// Reads a list of references to access points and proxies.
    pub(super) fn links<'i>(&self, n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Vec<Link> {
        self.read(n, v, &[Owner::Nap, Owner::Proxy], "a [[nap]] or [[proxy]]")
    }

    /// Reads a list of references to access points only, at least one.
    pub(super) fn naps<'i>(&self, n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Vec<Link> {
        if v.is_empty_array() {
            n.at(v, ProblemKind::Empty { key: v.key.clone(), expected: "the id of one or more [[nap]]" });
        }
        self.read(n, v, &[Owner::Nap], "a [[nap]]")
    }

    /// Reads a list of references to proxies only.
    pub(super) fn proxies<'i>(&self, n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Vec<String> {
        let links = self.read(n, v, &[Owner::Proxy], "a [[proxy]]");
        links.into_iter().map(|l| l.to_string()).collect()
    }

    fn read<'i>(
        &self,
        n: &mut Notes<'i>,
        v: &Value<'_, 'i>,
        allowed: &[Owner],
        expected: &'static str,
    ) -> Vec<Link> {
        let mut out = Vec::new();
        for entry in n.list(v, usize::MAX, EXPECTED) {
            let Some(id) = n.text(&entry, usize::MAX, "an id") else { continue };
            let key = v.key.clone();
            let link = match self.owners.get(&id) {
                Some((Owner::Nap, _)) if allowed.contains(&Owner::Nap) => Link::Nap(id),
                Some((Owner::Proxy, _)) if allowed.contains(&Owner::Proxy) => Link::Proxy(id),
                _ if id == INTERNET && allowed.contains(&Owner::Nap) => {
                    if !self.internet {
                        n.invalid(
                            &entry,
                            "\"INTERNET\" means any [[nap]] with `internet = true`, and there is none",
                        );
                    }
                    Link::Internet
                }
                _ => {
                    let of_kind = self.owners.iter().filter(|(_, (owner, _))| allowed.contains(owner));
                    let suggestion = nearest(&id, of_kind.map(|(id, _)| id.as_str())).map(str::to_owned);
                    n.at(&entry, ProblemKind::DanglingReference { key, id, expected, suggestion });
                    continue;
                }
            };
            if out.contains(&link) {
                n.at(&entry, ProblemKind::DoubledEntry { key, value: link.to_string() });
            } else {
                out.push(link);
            }
        }
        out
    }
}

const EXPECTED: &str = "an array of ids";

//! What the device says it is: `./DevInfo` and `./DevDetail`, walked by Get (OMA DM StdObj 1.2, sections 5.2 and 5.3).
//!
//! Get of an interior node gives the names of its children, joined by `/` (OMA DM Tree 1.2); each
//! child is then asked for. The device decides what is in its tree, so everything is bounded; what lies beyond the
//! bounds is left out.

use std::collections::{BTreeMap, VecDeque};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::wire::syncml::{Command, Data, Item, Location, Meta, Operation, Results, Verb};

use super::compose::Composer;

/// The sub-trees that are walked. Both are interior nodes, whether or not a device says so.
const ROOTS: [&str; 2] = ["./DevInfo", "./DevDetail"];

/// How many segments a URI may have, `.` not counted.
const DEPTH: usize = 8;

/// How many nodes are asked for.
const NODES: usize = 256;

/// How many nodes are asked for in one message.
const NODES_A_MESSAGE: usize = 32;

/// The longest name of a node, in octets.
const LONGEST_NAME: usize = 128;

/// How many octets of values are kept.
const OCTETS: usize = 64 * 1024;

/// The walk.
#[derive(Clone)]
pub(super) struct Inventory {
    /// Whether there is anything to tell in the end.
    wanted: bool,
    queue: VecDeque<String>,
    asked: Vec<Asked>,
    /// How many nodes were put in the queue.
    queued: usize,
    nodes: BTreeMap<String, String>,
    octets: usize,
}

/// A Get that was sent and not answered.
#[derive(Clone)]
struct Asked {
    msg_id: u32,
    cmd_id: String,
    uri: String,
}

impl Inventory {
    /// A walk that has yet to begin; one that has nothing to do when the inventory is not `wanted`.
    pub(super) fn new(wanted: bool) -> Self {
        let queue: VecDeque<String> = if wanted { ROOTS.map(str::to_owned).into() } else { VecDeque::new() };
        Self { wanted, queued: queue.len(), queue, asked: Vec::new(), nodes: BTreeMap::new(), octets: 0 }
    }

    /// Takes a leaf that the device told unasked, below `./DevInfo`.
    pub(super) fn told(&mut self, uri: &str, data: Option<&Data>, meta: Option<&Meta>) {
        if self.wanted && !is_interior(uri, meta) {
            self.keep(uri, data, meta);
        }
    }

    /// The URI that an item of Results answers; `None` when it answers nothing that was asked.
    pub(super) fn asked_for(&self, results: &Results, item: &Item) -> Option<String> {
        let by_ref = |a: &&Asked| {
            a.cmd_id == results.cmd_ref.trim()
                && results.msg_ref.as_deref().is_none_or(|r| r.trim().parse() == Ok(a.msg_id))
        };
        let asked = self.asked.iter().find(by_ref)?;
        match &item.source {
            // Some devices leave it out where only one node was asked for.
            None => Some(asked.uri.clone()),
            Some(source) => normal(&source.uri).filter(|uri| *uri == asked.uri),
        }
    }

    /// Takes a value that was asked for.
    pub(super) fn answered(&mut self, uri: &str, data: Option<&Data>, meta: Option<&Meta>) {
        if !is_interior(uri, meta) {
            self.keep(uri, data, meta);
            return;
        }
        let Some(names) = data.and_then(text) else { return };
        for name in names.split('/').filter(|n| is_name(n)) {
            let child = format!("{uri}/{name}");
            let known = self.queue.contains(&child) || self.asked.iter().any(|a| a.uri == child);
            if !known && self.queued < NODES && child.split('/').count() - 1 <= DEPTH {
                self.queued += 1;
                self.queue.push_back(child);
            }
        }
    }

    /// Puts what was asked for in our message `msg_id` back: the device refused that message as a whole.
    pub(super) fn ask_again(&mut self, msg_id: u32) {
        let (refused, rest) = std::mem::take(&mut self.asked).into_iter().partition(|a| a.msg_id == msg_id);
        self.asked = rest;
        let refused: Vec<Asked> = refused;
        for asked in refused.into_iter().rev() {
            self.queue.push_front(asked.uri);
        }
    }

    /// The device has said all that it says to our last package: what is not answered now never will be.
    pub(super) fn package_ended(&mut self) {
        self.asked.clear();
    }

    /// Asks for as many nodes as fit into the message.
    pub(super) fn ask(&mut self, msg_id: u32, composer: &mut Composer<'_>) {
        while self.asked.len() < NODES_A_MESSAGE {
            let Some(uri) = self.queue.front() else { break };
            let item = Item { target: Some(Location::new(uri.clone())), ..Item::default() };
            let get = Operation {
                verb: Verb::Get,
                cmd_id: String::new(),
                meta: None,
                correlator: None,
                items: vec![item],
            };
            let get = Command::Operation(get);
            // One goes in any case, or a device with little room would be asked for ever.
            if !self.asked.is_empty() && !composer.fits(&get) {
                break;
            }
            let Some(uri) = self.queue.pop_front() else { break };
            let cmd_id = composer.push(get);
            self.asked.push(Asked { msg_id, cmd_id, uri });
        }
    }

    /// True when nothing is left to ask for and everything was answered.
    pub(super) fn is_complete(&self) -> bool {
        self.queue.is_empty() && self.asked.is_empty()
    }

    /// The leaves, when the inventory was wanted; once.
    pub(super) fn finish(&mut self) -> Option<Vec<(String, String)>> {
        std::mem::take(&mut self.wanted).then(|| std::mem::take(&mut self.nodes).into_iter().collect())
    }

    fn keep(&mut self, uri: &str, data: Option<&Data>, meta: Option<&Meta>) {
        let value = match data {
            None => String::new(),
            Some(Data::Octets(octets)) if format(meta) == Some("bin") => STANDARD.encode(octets),
            Some(data) => match text(data) {
                Some(text) => text,
                None => return,
            },
        };
        let octets = self.octets.saturating_add(uri.len()).saturating_add(value.len());
        if octets <= OCTETS {
            self.octets = octets;
            self.nodes.insert(uri.to_owned(), value);
        }
    }
}

/// A URI in the one form that is used here: `./A/B` (`A/B` is the same node). `None` when it is none.
pub(super) fn normal(uri: &str) -> Option<String> {
    let uri = uri.trim();
    let path = uri.strip_prefix("./").unwrap_or(uri);
    let good = !path.is_empty() && path.split('/').count() <= DEPTH && path.split('/').all(is_name);
    good.then(|| format!("./{path}"))
}

fn is_name(name: &str) -> bool {
    let dots = name == "." || name == "..";
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !dots
        && !name.chars().any(|c| c.is_control() || c == '?')
}

fn is_interior(uri: &str, meta: Option<&Meta>) -> bool {
    ROOTS.contains(&uri) || format(meta) == Some("node")
}

fn format(meta: Option<&Meta>) -> Option<&str> {
    meta.and_then(|m| m.format.as_deref()).map(str::trim)
}

/// Data as text. Clients send text as OPAQUE too.
fn text(data: &Data) -> Option<String> {
    match data {
        Data::Text(text) => Some(text.clone()),
        Data::Octets(octets) => {
            Some(String::from_utf8(octets.clone()).unwrap_or_else(|_| STANDARD.encode(octets)))
        }
        Data::Element(_) => None,
    }
}

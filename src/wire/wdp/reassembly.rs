//! Putting segments together again.

use std::collections::BTreeMap;

use crate::ident::Timestamp;

use super::{Concatenation, Datagram, Ports, Reference, Segment};

/// How much is kept of datagrams that are not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Datagrams at a time; the one that was touched longest ago is dropped for a new one.
    pub datagrams: usize,
    /// Octets of data, all of them together; the same.
    pub octets: usize,
}

/// Datagrams on their way, by sender and reference. Times are passed in; nothing here waits.
///
/// | segment                                          | outcome                                         |
/// |--------------------------------------------------|-------------------------------------------------|
/// | without concatenation                            | complete at once                                |
/// | the last one missing, in whatever order          | complete                                        |
/// | another one                                      | waiting                                         |
/// | one that is there already, or was, word for word | repeated                                        |
/// | of another total, ports or data than before      | restarted: the reference was used again         |
#[derive(Debug)]
pub struct Reassembly {
    limits: Limits,
    open: BTreeMap<(String, Reference), Open>,
}

/// What became of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The datagram is complete.
    Complete(Datagram),
    /// More segments are missing.
    Waiting {
        /// How many are there.
        have: u8,
        /// Of how many.
        total: u8,
    },
    /// The segment was known; nothing changed.
    Repeated,
    /// Something else was on its way under this reference; it was dropped, and this segment begins anew.
    Restarted {
        /// How many segments were dropped.
        dropped: u8,
        /// Of how many the new datagram is.
        total: u8,
    },
}

#[derive(Debug)]
struct Open {
    ports: Option<Ports>,
    total: u8,
    parts: BTreeMap<u8, Vec<u8>>,
    /// Handed out; kept so that a repetition is known as one.
    done: bool,
    touched: Timestamp,
}

impl Open {
    fn octets(&self) -> usize {
        self.parts.values().map(Vec::len).sum()
    }

    /// Whether a segment can be one of these.
    fn fits(&self, concatenation: &Concatenation, segment: &Segment) -> bool {
        let ports = match (self.ports, segment.udh.ports()) {
            (Some(own), Some(other)) => own == other,
            // One sender gives the ports with none of its segments but the first.
            _ => true,
        };
        let known = self.parts.get(&concatenation.sequence());
        ports && self.total == concatenation.total() && known.is_none_or(|data| *data == segment.data)
    }
}

impl Reassembly {
    /// Nothing on its way.
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: BTreeMap::new() }
    }

    /// Takes a segment from `sender`.
    pub fn on(&mut self, sender: &str, segment: Segment, now: Timestamp) -> Outcome {
        let ports = segment.udh.ports();
        let Some(concatenation) = segment.udh.concatenation() else {
            return Outcome::Complete(Datagram { ports, data: segment.data });
        };
        let total = concatenation.total();
        let key = (sender.to_owned(), concatenation.reference());
        let fresh = || Open { ports, total, parts: BTreeMap::new(), done: false, touched: now };
        let open = self.open.entry(key.clone()).or_insert_with(fresh);
        let dropped = if open.fits(&concatenation, &segment) {
            None
        } else {
            let before = std::mem::replace(open, fresh());
            // What was complete is not lost.
            Some(if before.done { 0 } else { u8::try_from(before.parts.len()).unwrap_or(u8::MAX) })
        };
        if open.parts.contains_key(&concatenation.sequence()) {
            return Outcome::Repeated;
        }
        open.touched = now;
        open.ports = open.ports.or(ports);
        open.parts.insert(concatenation.sequence(), segment.data);
        let have = u8::try_from(open.parts.len()).unwrap_or(u8::MAX);
        let outcome = if have == total {
            open.done = true;
            let data = open.parts.values().flatten().copied().collect();
            Outcome::Complete(Datagram { ports: open.ports, data })
        } else if let Some(dropped) = dropped {
            Outcome::Restarted { dropped, total }
        } else {
            Outcome::Waiting { have, total }
        };
        self.make_room(&key);
        outcome
    }

    /// Drops what was last touched before `before`, and says how many segments of incomplete datagrams went with it.
    pub fn expire(&mut self, before: Timestamp) -> usize {
        let mut lost = 0;
        self.open.retain(|_, open| {
            let keep = open.touched >= before;
            if !keep && !open.done {
                lost += open.parts.len();
            }
            keep
        });
        lost
    }

    /// Which segments of a datagram are missing; none when it is unknown or complete.
    pub fn missing(&self, sender: &str, reference: Reference) -> Vec<u8> {
        match self.open.get(&(sender.to_owned(), reference)) {
            Some(open) => (1..=open.total).filter(|n| !open.parts.contains_key(n)).collect(),
            None => Vec::new(),
        }
    }

    /// The datagrams that are not complete: sender and reference.
    pub fn incomplete(&self) -> impl Iterator<Item = (&str, Reference)> {
        self.open
            .iter()
            .filter(|(_, open)| !open.done)
            .map(|((sender, reference), _)| (sender.as_str(), *reference))
    }

    /// Drops datagrams, the oldest first, those that were handed out before all others, until the limits hold. The one
    /// that was just touched stays: alone it is no larger than 255 short messages.
    fn make_room(&mut self, keep: &(String, Reference)) {
        loop {
            let octets: usize = self.open.values().map(Open::octets).sum();
            if self.open.len() <= self.limits.datagrams.max(1) && octets <= self.limits.octets {
                return;
            }
            let others = self.open.iter().filter(|(key, _)| *key != keep);
            let Some(oldest) = others.min_by_key(|(_, o)| (!o.done, o.touched)).map(|(key, _)| key.clone())
            else {
                return;
            };
            self.open.remove(&oldest);
        }
    }
}

//! The sessions that are kept, with a cap and an end to their idleness.
//!
//! Sessions of strangers and ended ones make room first: nobody can push devices that proved themselves out of the
//! table by opening sessions without credentials.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::sync::Mutex;

use super::conversation::Conversation;
use crate::ident::Timestamp;

/// How many idle sessions one request puts out at most, so that no request pays for all of them.
const SWEPT_AT_ONCE: usize = 64;

/// What names a session: `LocURI` of Source and `SessionID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) device: String,
    pub(super) session_id: String,
}

/// Which sessions make room first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Nobody proved anything, or it is over.
    Loose,
    /// A device that proved itself is in it.
    Open,
}

/// All sessions.
pub(super) struct Table {
    cap: usize,
    idle_time: Duration,
    entries: HashMap<Key, Entry>,
    /// Each entry once, in the order in which they make room.
    order: BTreeMap<(Rank, u64), Key>,
    ticks: u64,
}

struct Entry {
    place: (Rank, u64),
    touched: Timestamp,
    conversation: Arc<Mutex<Conversation>>,
}

/// All sessions that could make room are being worked on.
#[derive(Debug)]
pub(super) struct Full;

impl Table {
    pub(super) fn new(cap: usize, idle_time: Duration) -> Self {
        Self { cap: cap.max(1), idle_time, entries: HashMap::new(), order: BTreeMap::new(), ticks: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The conversation of that name, made when there is none, and those that had to make room for it.
    pub(super) fn open(
        &mut self,
        key: &Key,
        now: Timestamp,
    ) -> Result<(Arc<Mutex<Conversation>>, Vec<Conversation>), Full> {
        let mut gone = Vec::new();
        if !self.entries.contains_key(key) {
            if self.entries.len() >= self.cap {
                gone.push(self.make_room().ok_or(Full)?);
            }
            let place = self.next_place(Rank::Loose);
            let conversation = Arc::new(Mutex::new(Conversation::default()));
            self.order.insert(place, key.clone());
            self.entries.insert(key.clone(), Entry { place, touched: now, conversation });
        }
        let rank = self.entries.get(key).map_or(Rank::Loose, |e| e.place.0);
        let conversation = self.settle(key, rank, now).ok_or(Full)?;
        Ok((conversation, gone))
    }

    /// Says what a conversation is worth now, and that it is not idle.
    pub(super) fn settle(
        &mut self,
        key: &Key,
        rank: Rank,
        now: Timestamp,
    ) -> Option<Arc<Mutex<Conversation>>> {
        let place = self.next_place(rank);
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.place);
        entry.place = place;
        entry.touched = now;
        self.order.insert(place, key.clone());
        Some(Arc::clone(&entry.conversation))
    }

    /// Takes out sessions that were idle for too long; a bounded number of them.
    pub(super) fn sweep(&mut self, now: Timestamp) -> Vec<Conversation> {
        let mut gone = Vec::new();
        for rank in [Rank::Loose, Rank::Open] {
            let idle: Vec<Key> = self
                .order
                .range((rank, 0)..=(rank, u64::MAX))
                .take(SWEPT_AT_ONCE)
                .take_while(|(_, key)| {
                    self.entries.get(key).is_some_and(|e| now.since(e.touched) >= self.idle_time)
                })
                .map(|(_, key)| key.clone())
                .collect();
            gone.extend(idle.iter().filter_map(|key| self.remove(key)));
        }
        gone
    }

    fn make_room(&mut self) -> Option<Conversation> {
        let idle =
            self.order.values().find(|key| self.entries.get(key).is_some_and(Entry::is_at_rest))?.clone();
        self.remove(&idle)
    }

    /// Takes a conversation out, unless it is being worked on.
    fn remove(&mut self, key: &Key) -> Option<Conversation> {
        if !self.entries.get(key)?.is_at_rest() {
            return None;
        }
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.place);
        Arc::into_inner(entry.conversation).map(Mutex::into_inner)
    }

    fn next_place(&mut self, rank: Rank) -> (Rank, u64) {
        self.ticks += 1;
        (rank, self.ticks)
    }
}

impl Entry {
    /// True when no request holds the conversation. Requests get it only from the table, so while the table is locked
    /// this cannot become false.
    fn is_at_rest(&self) -> bool {
        Arc::strong_count(&self.conversation) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Key {
        Key { device: format!("IMEI:{n}"), session_id: "1".to_owned() }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_longest_idle_makes_room_strangers_first() {
        let mut table = Table::new(3, Duration::from_secs(60));
        for n in 0..3 {
            drop(table.open(&key(n), at(0)).unwrap());
        }
        table.settle(&key(0), Rank::Open, at(1));
        drop(table.open(&key(1), at(2)).unwrap());
        let (_, gone) = table.open(&key(3), at(3)).unwrap();
        assert_eq!((gone.len(), table.len()), (1, 3));
        // 2 was the stranger that was idle longest; 0 is open.
        assert!(table.entries.contains_key(&key(0)) && table.entries.contains_key(&key(1)));
        assert!(!table.entries.contains_key(&key(2)));
    }

    #[test]
    fn what_is_worked_on_stays() {
        let mut table = Table::new(2, Duration::from_secs(60));
        let (_first, _) = table.open(&key(0), at(0)).unwrap();
        let (second, _) = table.open(&key(1), at(0)).unwrap();
        assert!(table.open(&key(2), at(1)).is_err());
        assert!(table.sweep(at(120_000)).is_empty());
        drop(second);
        assert!(table.open(&key(2), at(2)).is_ok());
        assert_eq!(table.len(), 2);
        assert_eq!(table.order.len(), 2);
    }

    #[test]
    fn idleness_ends() {
        let mut table = Table::new(1000, Duration::from_secs(60));
        for n in 0..200 {
            drop(table.open(&key(n), at(0)).unwrap());
        }
        table.settle(&key(7), Rank::Open, at(30_000));
        assert!(table.sweep(at(59_999)).is_empty());
        let mut rounds = 0;
        while !table.sweep(at(60_000)).is_empty() {
            rounds += 1;
        }
        assert_eq!((rounds, table.len()), (4, 1));
        assert_eq!(table.sweep(at(90_000)).len(), 1);
        assert_eq!((table.len(), table.order.len()), (0, 0));
    }
}

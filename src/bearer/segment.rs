//! References of datagrams in several segments (3GPP TS 23.040, sections 9.2.3.24.1 and .8): a device tells datagrams of
//! one sender apart by them, so one that may still be under way must not be used again for the same device.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Destination, OutboxError};
use crate::{
    ident::Random,
    wire::wdp::{Reference, Width},
};

/// Counts references for all processes that share it: two of them may push to one device at the same time.
#[async_trait::async_trait]
pub trait ReferenceCounter: Send + Sync {
    /// The next reference for a destination; `first` for one that had none before. Who has 8 bits alone takes the low ones.
    ///
    /// # Errors
    /// [`OutboxError`].
    async fn next(&self, to: &Destination, first: u16) -> Result<u16, OutboxError>;
}

/// How many destinations are remembered. One that is forgotten begins anew at a reference drawn at random.
const REMEMBERED: usize = 65_536;

/// Gives references out, counting up for each destination: whichever route a datagram takes, the one with the same
/// reference was 256 or 65,536 datagrams ago, and none that is still held by a bearer is given twice.
#[derive(Default)]
pub struct References {
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    pages: HashMap<Destination, Page>,
    /// In the order in which they were opened.
    order: VecDeque<Destination>,
}

#[derive(Default)]
struct Page {
    next: u16,
    held: BTreeSet<u16>,
}

impl References {
    /// Takes a reference for a datagram to `destination`: the one that was `counted` for it or, without, the next one here.
    /// None while all of that width are held.
    pub fn take(
        &self,
        destination: &Destination,
        width: Width,
        counted: Option<u16>,
        random: &dyn Random,
    ) -> Option<Reference> {
        let mut book = self.book();
        if !book.pages.contains_key(destination) {
            book.make_room();
            let next = counted.unwrap_or_else(|| {
                let mut first = [0; 2];
                random.fill(&mut first);
                u16::from_be_bytes(first)
            });
            book.pages.insert(destination.clone(), Page { next, held: BTreeSet::new() });
            book.order.push_back(destination.clone());
        }
        let page = book.pages.get_mut(destination)?;
        let first = counted.unwrap_or(page.next);
        let mask = match width {
            Width::Short => 0x00FF,
            Width::Long => 0xFFFF,
        };
        let free = (0..=mask).map(|n| first.wrapping_add(n) & mask).find(|n| !page.held.contains(n))?;
        page.held.insert(free);
        page.next = free.wrapping_add(1);
        Some(match width {
            // The mask leaves 8 bits.
            Width::Short => Reference::Short(u8::try_from(free).unwrap_or(0)),
            Width::Long => Reference::Long(free),
        })
    }

    /// Gives a reference back when its datagram is no longer held.
    pub fn give_back(&self, destination: &Destination, reference: Reference) {
        let number = match reference {
            Reference::Short(number) => u16::from(number),
            Reference::Long(number) => number,
        };
        if let Some(page) = self.book().pages.get_mut(destination) {
            page.held.remove(&number);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Forgets the oldest destinations that have nothing under way.
    fn make_room(&mut self) {
        let mut looked_at = 0;
        while self.pages.len() >= REMEMBERED && looked_at < self.order.len() {
            let Some(oldest) = self.order.pop_front() else { return };
            if self.pages.get(&oldest).is_some_and(|page| page.held.is_empty()) {
                self.pages.remove(&oldest);
            } else {
                self.order.push_back(oldest);
                looked_at += 1;
            }
        }
    }
}

impl std::fmt::Debug for References {
    /// How many destinations; numbers are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "References({} destinations)", self.book().pages.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;

    impl Random for Zero {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0xFE);
        }
    }

    fn to(number: u32) -> Destination {
        Destination::Msisdn(format!("49170{number:07}").parse().unwrap())
    }

    #[test]
    fn references_count_up_for_each_destination() {
        let references = References::default();
        let take = |n, width| references.take(&to(n), width, None, &Zero);
        assert_eq!(take(1, Width::Short), Some(Reference::Short(0xFE)));
        assert_eq!(take(1, Width::Short), Some(Reference::Short(0xFF)));
        assert_eq!(take(2, Width::Long), Some(Reference::Long(0xFEFE)));
        assert_eq!(take(1, Width::Short), Some(Reference::Short(0x00)));
        references.give_back(&to(1), Reference::Short(0xFF));
        // Not at once again: what was given back may still be under way in the network.
        assert_eq!(take(1, Width::Short), Some(Reference::Short(0x01)));
    }

    #[test]
    fn none_is_given_twice_while_it_is_held() {
        let references = References::default();
        let all: BTreeSet<Reference> =
            (0..256).map(|_| references.take(&to(1), Width::Short, None, &Zero).unwrap()).collect();
        assert_eq!(all.len(), 256);
        assert_eq!(references.take(&to(1), Width::Short, None, &Zero), None);
        assert!(references.take(&to(2), Width::Short, None, &Zero).is_some());
        references.give_back(&to(1), Reference::Short(17));
        assert_eq!(references.take(&to(1), Width::Short, None, &Zero), Some(Reference::Short(17)));
    }

    #[test]
    fn one_that_was_counted_for_all_is_taken_and_counted_on() {
        let references = References::default();
        let take = |counted, width| references.take(&to(1), width, counted, &Zero);
        assert_eq!(take(Some(0x0102), Width::Short), Some(Reference::Short(0x02)));
        // Another process has had some meanwhile.
        assert_eq!(take(Some(0x0107), Width::Long), Some(Reference::Long(0x0107)));
        assert_eq!(take(None, Width::Short), Some(Reference::Short(0x08)));
        assert_eq!(take(Some(0x0202), Width::Short), Some(Reference::Short(0x03)), "02 is held still");
        references.give_back(&to(1), Reference::Short(0x02));
        assert_eq!(take(Some(0x0302), Width::Short), Some(Reference::Short(0x02)));
    }

    #[test]
    fn only_so_many_destinations_are_remembered() {
        let references = References::default();
        let kept = references.take(&to(0), Width::Short, None, &Zero).unwrap();
        for n in 1..=u32::try_from(REMEMBERED).unwrap() + 10 {
            let taken = references.take(&to(n), Width::Short, None, &Zero).unwrap();
            references.give_back(&to(n), taken);
        }
        assert_eq!(references.book().pages.len(), REMEMBERED);
        assert_ne!(references.take(&to(0), Width::Short, None, &Zero), Some(kept), "it is still held");
    }
}

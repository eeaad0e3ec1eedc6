//! A card in a reader of the hall that somebody is connected to.

use std::sync::PoisonError;

use super::{Floor, Hall};
use crate::{
    card::{CardTransport, Protocol, TransportError},
    ident::ReaderName,
    lab::reader::InProcess,
};

/// A card that somebody is connected to.
pub(super) struct Connected {
    pub(super) hall: Hall,
    pub(super) stops: u64,
    /// The reader's count at the time: another means another card.
    pub(super) changes: u32,
    pub(super) transport: InProcess,
    pub(super) silent_from: Option<usize>,
    /// It is the driver that hangs, and not the card.
    pub(super) stuck: bool,
    /// Nothing is sent any more, not even a reset.
    pub(super) let_go: bool,
}

impl Connected {
    fn is_there(&self, floor: &Floor) -> Result<(), TransportError> {
        let reader = self.transport.reader().clone();
        match floor.readers.get(&reader) {
            Some(slot) if slot.changes == self.changes && floor.stops == self.stops => Ok(()),
            Some(_) if floor.stops == self.stops => Err(TransportError::CardGone { reader }),
            _ => Err(TransportError::ReaderGone { reader }),
        }
    }

    /// The floor while the card is in; not before it is pulled, where it is silent.
    fn in_contact(&self) -> Result<(), TransportError> {
        let mut floor = self.hall.floor();
        while self.silent_from.is_some_and(|n| self.transport.sent() + 1 >= n) {
            let slot = floor.readers.get_mut(self.transport.reader());
            let hangs = self.stuck && !slot.as_ref().is_some_and(|slot| slot.came_back);
            slot.into_iter().for_each(|slot| slot.waiting = true);
            if !hangs {
                self.is_there(&floor)?;
                if self.stuck {
                    break;
                }
            }
            floor = self.hall.0.changed.wait(floor).unwrap_or_else(PoisonError::into_inner);
        }
        self.is_there(&floor)
    }
}

impl CardTransport for Connected {
    fn reader(&self) -> &ReaderName {
        self.transport.reader()
    }

    fn atr(&self) -> &[u8] {
        self.transport.atr()
    }

    fn protocol(&self) -> Protocol {
        self.transport.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.in_contact()?;
        self.transport.exchange(apdu)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.in_contact()?;
        self.transport.reset()
    }

    fn let_go(mut self: Box<Self>) {
        self.let_go = true;
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let (changes, let_go) = (self.changes, u32::from(self.let_go));
        let reader = self.transport.reader().clone();
        self.hall.with(&reader, |slot| {
            (slot.let_go, slot.resets) = (slot.let_go + let_go, slot.resets + 1 - let_go);
            if slot.changes == changes {
                slot.taken = false;
            }
        });
    }
}

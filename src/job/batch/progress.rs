//! How far the work on a card is, for whoever watches: counted at the commands that the card has answered.

use std::{
    fmt,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    card::{CardTransport, Protocol, TransportError},
    ident::{ReaderName, counted},
};

/// INS of UPDATE BINARY and UPDATE RECORD (ETSI TS 102 221, section 10.1.2).
const UPDATES: [u8; 2] = [0xD6, 0xDC];

/// How far the work on a card is. What an answer is lost of is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Commands that the card has answered.
    pub commands: u32,
    /// Octets that UPDATEs among them have carried, the erasing ones included.
    pub written: u32,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&counted(self.commands, "command"))?;
        if self.written > 0 {
            write!(f, ", {} written", counted(self.written, "octet"))?;
        }
        Ok(())
    }
}

/// Counts for one card, on the thread of its bay; others read.
#[derive(Debug, Default)]
pub(super) struct Counter {
    commands: AtomicU32,
    written: AtomicU32,
}

impl Counter {
    pub(super) fn progress(&self) -> Progress {
        let read = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        Progress { commands: read(&self.commands), written: read(&self.written) }
    }

    /// The card with its commands counted.
    pub(super) fn count<'c>(&'c self, card: &'c mut dyn CardTransport) -> Counted<'c> {
        Counted { card, counter: self }
    }
}

/// A card whose commands are counted.
pub(super) struct Counted<'c> {
    card: &'c mut dyn CardTransport,
    counter: &'c Counter,
}

impl CardTransport for Counted<'_> {
    fn reader(&self) -> &ReaderName {
        self.card.reader()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn protocol(&self) -> Protocol {
        self.card.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.exchange(apdu)?;
        self.counter.commands.fetch_add(1, Ordering::Relaxed);
        if let ([_, ins, _, _, octets, ..], [.., 0x90 | 0x91, _]) = (apdu, answer.as_slice())
            && UPDATES.contains(ins)
        {
            self.counter.written.fetch_add(u32::from(*octets), Ordering::Relaxed);
        }
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset()
    }
}

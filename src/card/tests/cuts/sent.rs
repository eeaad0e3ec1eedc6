//! What goes over the wire in a run.

#![cfg(test)]

use super::*;

/// What went over the wire in a run.
#[derive(Debug, Clone, Default)]
pub(in crate::card::tests) struct Sent {
    /// How often the card had changed before the run, then behind each command.
    pub(in crate::card::tests) changes: Vec<u64>,
    /// Octets of each answer.
    pub(in crate::card::tests) answers: Vec<usize>,
    /// Which commands were UPDATEs, counted from 1.
    pub(in crate::card::tests) updates: Vec<usize>,
    /// Which commands were VERIFYs with a key.
    pub(in crate::card::tests) keys: Vec<usize>,
    /// Which commands presented a key to change one: CHANGE, DISABLE, ENABLE and UNBLOCK with data.
    pub(super) key_changes: Vec<usize>,
    /// Which commands were CREATE and DELETE FILE.
    pub(super) last_words: Vec<usize>,
}

impl Sent {
    pub(in crate::card::tests) fn commands(&self) -> usize {
        self.answers.len()
    }
}

/// A reader that counts.
pub(super) struct Counting {
    inner: InProcess,
    card: CardHandle,
    pub(super) sent: Sent,
}

impl Counting {
    pub(super) fn new(card: &CardHandle, fault: Option<Fault>) -> Self {
        let mut inner = InProcess::insert(card, bay());
        if let Some(fault) = fault {
            inner = inner.with_fault(fault);
        }
        let sent = Sent { changes: vec![card.changes()], ..Sent::default() };
        Self { inner, card: card.clone(), sent }
    }
}

impl CardTransport for Counting {
    fn reader(&self) -> &ReaderName {
        self.inner.reader()
    }

    fn atr(&self) -> &[u8] {
        self.inner.atr()
    }

    fn protocol(&self) -> Protocol {
        self.inner.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.inner.exchange(apdu);
        self.sent.changes.push(self.card.changes());
        self.sent.answers.push(answer.as_ref().map_or(0, Vec::len));
        match apdu {
            [_, 0x20, _, _, _, _, ..] => self.sent.keys.push(self.sent.answers.len()),
            [_, 0x24 | 0x26 | 0x28 | 0x2C, _, _, _, _, ..] => {
                self.sent.key_changes.push(self.sent.answers.len());
            }
            [_, 0xE0 | 0xE4, ..] => self.sent.last_words.push(self.sent.answers.len()),
            [_, 0xD6 | 0xDB | 0xDC, ..] => self.sent.updates.push(self.sent.answers.len()),
            _ => {}
        }
        answer
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.inner.reset()
    }
}

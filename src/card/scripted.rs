//! A transport for tests that answers from a script and insists on its order.

use std::collections::VecDeque;

use crate::{ident::ReaderName, wire::vectors::hex};

use super::{CardTransport, Protocol, TransportError};

/// What the next command must be, and its answer.
pub(super) struct Script {
    reader: ReaderName,
    protocol: Protocol,
    steps: VecDeque<(Vec<u8>, Vec<u8>)>,
}

impl Script {
    /// Steps as `(command, answer)` in hexadecimal. An empty answer is that of a pulled card.
    pub(super) fn new(protocol: Protocol, steps: &[(&str, &str)]) -> Self {
        let steps = steps.iter().map(|(c, r)| (hex(c), hex(r))).collect();
        Self { reader: "script".parse().unwrap(), protocol, steps }
    }

    /// How many steps were not reached.
    pub(super) fn left(&self) -> usize {
        self.steps.len()
    }
}

impl CardTransport for Script {
    fn reader(&self) -> &ReaderName {
        &self.reader
    }

    fn atr(&self) -> &[u8] {
        &[0x3B, 0x00]
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        let (wanted, answer) =
            self.steps.pop_front().unwrap_or_else(|| panic!("{apdu:02X?} behind the end of the script"));
        assert!(apdu == wanted, "sent {apdu:02X?}, expected {wanted:02X?}");
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

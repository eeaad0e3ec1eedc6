//! The scanner of a batch: numbers that are read off the prints of cards, a line each, as a barcode scanner types them.

use std::sync::mpsc::{self, Receiver, TryRecvError};

use crate::{cli::output, ident::Iccid};

/// What a scanner types. Numbers wait here until a card is in: some people scan first, and put the card in then.
pub(super) struct Scanner(Receiver<String>);

/// What a scanner has to say.
pub(super) enum Scan {
    /// Nothing yet.
    Nothing,
    /// A number.
    Number(Iccid),
    /// Nothing any more: the input has ended.
    Over,
}

impl Scanner {
    /// Listens to standard input, on a thread of its own: the batch hears Ctrl-C, and a card that goes, while nobody scans.
    pub(super) fn start() -> Self {
        let (tell, lines) = mpsc::channel();
        // Reading cannot be called off; the thread ends with the process.
        std::thread::spawn(move || {
            let mut line = String::new();
            while std::io::stdin().read_line(&mut line).is_ok_and(|octets| octets > 0) {
                if tell.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// The next number; what is none is told and passed over. It is held against the card's own, so whether its last digit checks
    /// does not matter.
    pub(super) fn next(&self) -> Scan {
        loop {
            match self.0.try_recv() {
                Ok(line) => match Iccid::from_card(line.trim()) {
                    Ok(iccid) => return Scan::Number(iccid),
                    Err(error) => output::note(&format!("what was scanned is no card number: {error}")),
                },
                Err(TryRecvError::Empty) => return Scan::Nothing,
                Err(TryRecvError::Disconnected) => return Scan::Over,
            }
        }
    }
}

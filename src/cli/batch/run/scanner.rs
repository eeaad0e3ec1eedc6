//! The scanner of a batch: numbers that are read off the prints of cards, a line each, as a barcode scanner types them.

use std::{
    collections::VecDeque,
    sync::mpsc::{self, Receiver, TryRecvError},
};

use crate::{
    cli::{input, output},
    ident::Iccid,
};

/// How many numbers may be scanned ahead; more are read when these were used.
const AHEAD: usize = 64;

/// What a scanner types.
pub(super) struct Scanner {
    lines: Receiver<String>,
    /// Numbers that wait until a card is in: some people scan first, and put the card in then.
    waiting: VecDeque<Iccid>,
    over: bool,
}

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
        let (tell, lines) = mpsc::sync_channel(AHEAD);
        // Reading cannot be called off; the thread ends with the process.
        std::thread::spawn(move || {
            while let Some(line) = input::line() {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self::of(lines)
    }

    fn of(lines: Receiver<String>) -> Self {
        Self { lines, waiting: VecDeque::new(), over: false }
    }

    /// The next number.
    pub(super) fn next(&mut self) -> Scan {
        self.hear();
        match self.waiting.pop_front() {
            Some(iccid) => Scan::Number(iccid),
            None if self.over => Scan::Over,
            None => Scan::Nothing,
        }
    }

    /// Whether no number is there and none can come any more, also while no card waits for one.
    pub(super) fn is_over(&mut self) -> bool {
        self.hear();
        self.over && self.waiting.is_empty()
    }

    /// Takes in what was typed; what is no number is told and passed over. It is held against the card's own, so whether its last
    /// digit checks does not matter.
    fn hear(&mut self) {
        while self.waiting.len() < AHEAD {
            match self.lines.try_recv() {
                Ok(line) => match Iccid::from_card(line.trim()) {
                    Ok(iccid) => self.waiting.push_back(iccid),
                    Err(error) => output::note(&format!("what was scanned is no card number: {error}")),
                },
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.over = true;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_scanned_is_used_before_the_scanner_is_over() {
        let (tell, lines) = mpsc::channel();
        let mut scanner = Scanner::of(lines);
        assert!(matches!(scanner.next(), Scan::Nothing) && !scanner.is_over());
        tell.send("89490200001234567892\n".to_owned()).unwrap();
        tell.send("no number\n".to_owned()).unwrap();
        drop(tell);
        assert!(!scanner.is_over());
        assert!(matches!(scanner.next(), Scan::Number(iccid) if iccid.digits() == "89490200001234567892"));
        assert!(matches!(scanner.next(), Scan::Over) && scanner.is_over());
    }
}

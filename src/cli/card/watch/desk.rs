//! The desk of a station: where people agree to plans, one at a time, by a key.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use crate::{
    card::BayName,
    cli::{input, output},
};

/// How often the desk looks whether it is to close.
const TICK: Duration = Duration::from_millis(100);

/// How many lines may be typed ahead; more are read when these were.
const AHEAD: usize = 64;

/// The desk.
pub(super) struct Desk {
    /// What people type, line by line; none where nobody is asked. One plan is asked about at a time.
    lines: Option<Mutex<Receiver<String>>>,
    stop: Arc<AtomicBool>,
}

impl Desk {
    /// Opens the desk; where everything is agreed to beforehand, nobody sits there.
    pub(super) fn open(agreed: bool, stop: Arc<AtomicBool>) -> Self {
        if agreed {
            return Self { lines: None, stop };
        }
        let (tell, lines) = mpsc::sync_channel(AHEAD);
        // Reading cannot be called off; the thread ends with the process.
        std::thread::spawn(move || {
            while let Some(line) = input::line() {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines: Some(Mutex::new(lines)), stop }
    }

    /// Asks a question. No is what the end of the input and Ctrl-C mean.
    pub(super) fn agrees(&self, bay: &BayName, question: &str) -> bool {
        let Some(lines) = &self.lines else { return true };
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if std::io::stdin().is_terminal() {
            // What was typed before the question is no answer to it.
            while lines.try_recv().is_ok() {}
        }
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{bay}: {question} [y/N] ").and_then(|()| err.flush());
        drop(err);
        while !self.stop.load(Ordering::Relaxed) {
            match lines.recv_timeout(TICK) {
                Ok(answer) => return matches!(answer.trim(), "y" | "Y" | "yes"),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    output::note("nobody answers");
                    return false;
                }
            }
        }
        false
    }
}

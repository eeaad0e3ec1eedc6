//! A reader at work: cards come, are worked on, and go.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use indicatif::ProgressBar;

use super::{
    results::{Results, Told},
    screen::Screen,
};
use crate::{
    card::{ReaderError, ReaderInfo, ReaderState, Readers},
    cli::output,
    ident::Iccid,
    job::batch::Run,
};

/// How often a reader is looked at while no card comes or goes.
const LOOK: Duration = Duration::from_millis(100);

/// A reader at work.
pub(super) struct Bay<'a> {
    pub(super) reader: &'a str,
    pub(super) run: &'a Run,
    pub(super) results: &'a Mutex<Results>,
    pub(super) stop: &'a AtomicBool,
    pub(super) screen: &'a Screen,
    pub(super) line: ProgressBar,
    pub(super) scan: bool,
}

impl Bay<'_> {
    /// Works on one card after the other, until no more is expected.
    pub(super) fn work(&self, runtime: &tokio::runtime::Handle) -> anyhow::Result<()> {
        let mut lost = false;
        while let Some(service) = self.service(&mut lost) {
            match self.wait(&service, true) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(_) => {
                    lost = true;
                    continue;
                }
            }
            let scanned = match self.scanned() {
                Scanned::None => None,
                Scanned::Number(iccid) => Some(iccid),
                Scanned::Over => return Ok(()),
            };
            match service.connect(self.reader) {
                Ok(mut card) => {
                    self.line.set_message("working");
                    let result = self.run.card(self.reader, &mut card, scanned.as_ref(), runtime);
                    drop(card);
                    let message = format!("{}: take the card out", Told(&result));
                    self.results.lock().unwrap_or_else(PoisonError::into_inner).add(&result)?;
                    self.line.set_message(message);
                    self.screen.totals(self.run.totals());
                }
                Err(error) => self.line.set_message(error.to_string()),
            }
            match self.wait(&service, false) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(_) => lost = true,
            }
        }
        Ok(())
    }

    /// The service: one that was lost does not come back in the same context. None when the work is over.
    fn service(&self, lost: &mut bool) -> Option<Readers> {
        while !self.over() {
            if *lost {
                self.line.set_message("the PC/SC service is gone; waiting for it");
                std::thread::sleep(LOOK);
            }
            match Readers::establish() {
                Ok(service) => {
                    *lost = false;
                    return Some(service);
                }
                Err(_) => *lost = true,
            }
        }
        None
    }

    /// Waits until a card is there, or none is. False when the work is over before.
    fn wait(&self, service: &Readers, there: bool) -> Result<bool, ReaderError> {
        if there {
            self.line.set_message("waiting for a card");
        }
        while !self.over() {
            let states = service.list()?;
            let state = states.into_iter().find(|ReaderInfo { name, .. }| name.as_str() == self.reader);
            let holds = match state.map(|info| info.state) {
                Some(ReaderState::Card { .. }) => true,
                Some(ReaderState::Mute) => {
                    self.line.set_message("the card does not answer: take it out");
                    !there
                }
                Some(ReaderState::InUse { .. }) => !there,
                Some(ReaderState::Empty | ReaderState::Unavailable) | None => false,
            };
            if holds == there {
                return Ok(true);
            }
            std::thread::sleep(LOOK);
        }
        Ok(false)
    }

    fn over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.run.is_over()
    }

    /// The number on the card's print.
    fn scanned(&self) -> Scanned {
        if !self.scan {
            return Scanned::None;
        }
        loop {
            self.line.set_message("scan the number on the card");
            let mut line = String::new();
            match std::io::stdin().read_line(&mut line) {
                Ok(0) | Err(_) => return Scanned::Over,
                Ok(_) => match line.trim().parse() {
                    Ok(iccid) => return Scanned::Number(iccid),
                    Err(error) => output::note(&format!("what was scanned is no card number: {error}")),
                },
            }
        }
    }
}

/// What the scanner said.
enum Scanned {
    /// Nobody asked for it.
    None,
    /// A number.
    Number(Iccid),
    /// It says nothing any more.
    Over,
}

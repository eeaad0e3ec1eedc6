//! The floor of a batch: hears what happens in the bays, puts it on the screen and into the results, and says what comes next.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use indicatif::ProgressBar;

use super::{
    results::{Results, Verdict},
    scanner::{Scan, Scanner},
    screen::Screen,
};
use crate::{
    card::{Bay, BayName, Stay},
    cli::output,
    ident::Iccid,
    job::batch::{Shift, ShiftEvent, ShiftNews},
};

/// How often the floor looks up when nothing happens.
const TICK: Duration = Duration::from_millis(200);
/// What is said when no number of a card comes any more.
const OVER: &str = "nothing is scanned any more: standard input, where --scan takes the numbers of the cards from, has ended";
/// How long threads may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A batch at work on the command line.
pub(super) struct Floor<'a> {
    pub(super) shift: Shift,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) screen: &'a Screen,
    pub(super) results: &'a mut Results,
    /// Where the numbers on the cards' prints come from, when they are asked for.
    pub(super) scanner: Option<Scanner>,
    /// The card that waits for its number to be scanned.
    pub(super) to_scan: Option<(BayName, Stay)>,
    /// What was scanned for the card that is in: it may be told more than once before it can be worked on.
    pub(super) scanned: Option<Iccid>,
    /// What keeps bays from their cards now.
    pub(super) troubles: HashMap<BayName, String>,
}

/// What is left when the work is done.
pub(super) struct Books {
    pub(super) bays: Vec<Bay>,
    pub(super) left_behind: Vec<Arc<str>>,
}

impl Floor<'_> {
    /// Works on one card after the other, until no more is expected or somebody says stop; the cards in hand are done.
    pub(super) fn work(mut self) -> anyhow::Result<Books> {
        let mut lines = BTreeMap::new();
        let mut failed = None;
        while self.shift.is_busy() || !(self.is_stopped() || self.shift.is_over()) {
            if self.is_stopped() {
                self.to_scan = None;
                self.shift.call_off();
            }
            if let Some(event) = self.shift.next(TICK)
                && let Err(error) = self.event(event, &mut lines)
            {
                // A result that could not be written down: no further card may be changed.
                self.stop.store(true, Ordering::Relaxed);
                failed.get_or_insert(error);
            }
            self.scan(&lines);
            for (bay, progress) in self.shift.progress().filter(|(_, progress)| progress.commands > 0) {
                lines.get(bay).iter().for_each(|line| line.set_message(format!("working: {progress}")));
            }
            self.screen.totals(self.shift.run().totals());
        }
        let bays = self.shift.books();
        let left_behind = self.shift.end(PATIENCE);
        failed.map_or(Ok(Books { bays, left_behind }), Err)
    }

    fn event(&mut self, event: ShiftEvent, lines: &mut BTreeMap<BayName, ProgressBar>) -> anyhow::Result<()> {
        let Some(bay) = event.bay else {
            match event.news {
                ShiftNews::ServiceLost(error) => self.note(&format!("{error}; waiting for it")),
                ShiftNews::ServiceBack => self.note("the PC/SC service is back"),
                _ => {}
            }
            return Ok(());
        };
        let next = lines.range(bay.clone()..).next().map(|(_, line)| line.clone());
        let line = lines.entry(bay.clone()).or_insert_with(|| self.screen.bay(&bay, next.as_ref())).clone();
        match event.news {
            ShiftNews::Opened(_) | ShiftNews::CardOut => {
                self.forget_scan();
                line.set_message("waiting for a card");
            }
            ShiftNews::Closed => {
                self.forget_scan();
                line.finish_and_clear();
                lines.remove(&bay);
            }
            ShiftNews::TooMany(most) => self.note(&format!("{bay} is not used: {most} readers are the most")),
            ShiftNews::CardIn(stay) if !self.is_stopped() => {
                if self.scanner.is_some() && self.scanned.is_none() {
                    self.screen.ask(&line, &bay, "scan the number on the card");
                    self.to_scan = Some((bay, stay));
                    return Ok(());
                }
                self.shift.work(&bay, &stay, self.scanned.clone());
                line.set_message("working");
            }
            ShiftNews::Ended(result) => {
                self.troubles.remove(&bay);
                self.scanned = None;
                line.set_message(format!("{}", Verdict(&result)));
                self.screen.aside(|| self.results.add(&result))?;
            }
            ShiftNews::NotNow(error) => {
                // Said again and again while it lasts: once is enough where there is no line for it.
                let what = error.to_string();
                if self.troubles.insert(bay, what.clone()).as_ref() != Some(&what) {
                    self.note(&what);
                }
                line.set_message(what);
            }
            _ => {}
        }
        Ok(())
    }

    /// Works on the card that waits for its number, when that was scanned.
    fn scan(&mut self, lines: &BTreeMap<BayName, ProgressBar>) {
        let Some(scanner) = &mut self.scanner else { return };
        let Some((bay, stay)) = &self.to_scan else {
            // No card waits, and none that comes could be worked on.
            if self.scanned.is_none() && scanner.is_over() && !self.stop.swap(true, Ordering::Relaxed) {
                self.note(OVER);
            }
            return;
        };
        match scanner.next() {
            Scan::Nothing => {}
            Scan::Number(iccid) => {
                lines.get(bay).iter().for_each(|line| line.set_message("working"));
                self.shift.work(bay, stay, Some(iccid.clone()));
                self.scanned = Some(iccid);
                self.to_scan = None;
            }
            Scan::Over => {
                self.note(OVER);
                self.stop.store(true, Ordering::Relaxed);
                self.to_scan = None;
            }
        }
    }

    /// The card that a number was scanned for, or was to be, is out.
    fn forget_scan(&mut self) {
        self.to_scan = None;
        self.scanned = None;
    }

    fn note(&self, line: &str) {
        self.screen.aside(|| output::note(line));
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

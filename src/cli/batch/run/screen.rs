//! What is shown while a batch runs.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    app::SystemClock,
    card::BayName,
    cli::output,
    ident::{Clock as _, Timestamp},
    job::batch::Totals,
};

/// What is shown while the work goes on: a line for each bay, and the sums. Nothing where no terminal is.
pub(super) struct Screen {
    all: MultiProgress,
    sums: ProgressBar,
    began: Timestamp,
}

impl Screen {
    pub(super) fn new(began: Timestamp) -> Self {
        let all = MultiProgress::new();
        let sums = all.add(ProgressBar::new_spinner().with_style(style("{msg}")));
        Self { all, sums, began }
    }

    /// A line for a bay, above that of the `next` one.
    pub(super) fn bay(&self, bay: &BayName, next: Option<&ProgressBar>) -> ProgressBar {
        let line = ProgressBar::new_spinner().with_style(style("{prefix:20!}  {wide_msg}"));
        self.all.insert_before(next.unwrap_or(&self.sums), line).with_prefix(bay.as_str().to_owned())
    }

    /// Asks a person for something, in the line of the bay; where no terminal shows that, in the log.
    pub(super) fn ask(&self, line: &ProgressBar, bay: &BayName, what: &'static str) {
        if self.sums.is_hidden() {
            output::note(&format!("{bay}: {what}"));
        }
        line.set_message(what);
    }

    pub(super) fn totals(&self, totals: Totals) {
        let pace = totals.pace(self.began, SystemClock.now());
        let pace = pace
            .map(|(rate, left)| format!("; {rate:.1} a minute, {} min left", left.as_secs().div_ceil(60)));
        self.sums.set_message(format!("{totals}{}", pace.unwrap_or_default()));
    }

    /// Prints something while nothing of this is shown.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }

    pub(super) fn clear(&self) {
        let _ = self.all.clear();
    }
}

/// A template of ours; one that were wrong would show the plain form.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

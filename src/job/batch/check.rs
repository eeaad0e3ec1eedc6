//! What is checked beyond the table itself: the profile that every row is to get, and the jobs that exist.

mod script;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use serde::Serialize;

use super::{
    Batch, CellOpener, Columns, KeeperError, Keepers, Matching, NoOpener, Problem, ProblemKind, Row,
    Severity,
    claims::{AT_A_TIME, newest},
    read,
};
use crate::{
    bootstrap::{BootstrapError, resolve},
    ident::{Fingerprint, FingerprintKey, Iccid, Imei, ServerId, counted},
    job::{Job, JobKey, State, Wanted, fingerprints::of_imsi, target::server, wanted::NoSecrets},
    profile::Profile,
};

/// The most problems that a report lists.
const MAX_LISTED: usize = 1_000;

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Rows without errors.
    pub rows: usize,
    /// Their lines.
    #[serde(skip)]
    lines: BTreeSet<u64>,
    /// The lines of [`Report::done`].
    #[serde(skip)]
    done_lines: BTreeSet<u64>,
    /// How rows find their cards.
    pub matching: Matching,
    /// Rows of those whose card has what is wanted for it already.
    pub done: usize,
    /// Problems that keep the batch from running.
    pub errors: usize,
    /// Problems worth a look.
    pub warnings: usize,
    /// The problems, in order of their lines; the first 1,000.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Reads a table without sealed cells and checks it against itself.
    pub fn of_table(octets: &[u8], columns: &Columns) -> (Batch, Self) {
        Self::of_sealed_table(octets, columns, &NoOpener)
    }

    /// As [`Report::of_table`]; sealed cells are opened with `opener`.
    pub fn of_sealed_table(octets: &[u8], columns: &Columns, opener: &dyn CellOpener) -> (Batch, Self) {
        let (batch, problems) = read(octets, columns, opener);
        let mut report = Self {
            rows: 0,
            lines: BTreeSet::new(),
            done_lines: BTreeSet::new(),
            matching: batch.matching,
            done: 0,
            errors: 0,
            warnings: 0,
            problems: Vec::new(),
        };
        report.rows = batch.rows.len();
        report.lines = batch.rows.iter().map(|row| row.line).collect();
        problems.into_iter().for_each(|problem| report.add(problem));
        (batch, report)
    }

    /// Checks that the profile hands devices to `ours`, by the rule that each card is held to: no card would be written otherwise.
    pub fn check_target(&mut self, profile: &Profile, ours: &ServerId) {
        if let Err(error) = server(profile, ours) {
            // It is of no row.
            self.add(Problem::new(1, None, ProblemKind::Target(error)));
        }
    }

    /// Checks that every row has the numbers that the profile asks for.
    pub fn check_profile(&mut self, batch: &Batch, profile: &Profile) {
        for row in &batch.rows {
            let mut subscriber = row.subscriber.clone();
            if subscriber.iccid.is_none() {
                // The card itself will say it; any will do here.
                subscriber.iccid = Iccid::from_card("89000000000000000000").ok();
            }
            if let Err(BootstrapError::MissingNumber(missing)) = resolve(profile, &subscriber, &NoSecrets) {
                self.add(Problem::new(row.line, None, ProblemKind::MissingNumber(missing)));
            }
        }
    }

    /// Checks the rows against what was done before: a card that has what is wanted, or a job under way for it, is not written again, and a number that was given to another card is not given away again. With `reissue`, cards may replace
    /// others.
    ///
    /// # Errors
    /// [`KeeperError`].
    pub async fn check_store<'w>(
        &mut self,
        batch: &Batch,
        wanted: impl Into<Wanted<'w>> + Send,
        keepers: &Keepers,
        reissue: bool,
    ) -> Result<(), KeeperError> {
        let (wanted, key) = (wanted.into(), keepers.fingerprints.known_key()?);
        let cards = keepers.cards(batch).await?;
        for (chunk, (rows, of_rows)) in
            batch.rows.chunks(AT_A_TIME).zip(cards.of_rows.chunks(AT_A_TIME)).enumerate()
        {
            // The name of a row that was taken back from a card is that of the card's job still.
            let named =
                rows.iter().enumerate().filter(|(at, _)| !cards.released.contains(&(chunk * AT_A_TIME + at)));
            let keys: Vec<JobKey> = named.filter_map(|(_, row)| row.key.clone()).collect();
            let asked: Vec<Iccid> = of_rows.iter().flatten().cloned().collect();
            let of_keys = keepers.jobs.of_keys(&keys).await?;
            let of_cards = keepers.jobs.of_cards(&asked).await?;
            let rows: Vec<_> = rows.iter().zip(of_rows.iter().map(Option::as_ref)).collect();
            self.compare_jobs(&rows, (&wanted, key), &of_keys, &of_cards);
            self.compare_numbers(&rows, keepers, reissue).await?;
        }
        Ok(())
    }

    /// Compares rows and their cards with the jobs that have their keys and those of their cards, the newest first.
    fn compare_jobs(
        &mut self,
        rows: &[(&Row, Option<&Iccid>)],
        (wanted, key): (&Wanted<'_>, Option<&FingerprintKey>),
        of_keys: &[Job],
        of_cards: &[Job],
    ) {
        let of_keys: HashMap<&JobKey, &Job> =
            of_keys.iter().filter_map(|job| Some((job.key.as_ref()?, job))).collect();
        let newest = newest(of_cards);
        for (row, card) in rows {
            if let Some(job) = row.key.as_ref().and_then(|key| of_keys.get(key))
                && job.iccid.as_ref() != *card
            {
                let id = job.id.to_string();
                self.add(Problem::new(row.line, Some("key"), ProblemKind::KeyTaken { id }));
                continue;
            }
            if let Some(card) = card
                && let Some(job) = newest.get(card).filter(|job| is_standing(job.state))
                && wanted.is_of(job, &row.subscriber_of(card), key)
            {
                let (id, state) = (job.id.to_string(), job.state.name());
                let kind = if job.state.has_delivered() {
                    self.add_done(row.line);
                    ProblemKind::HasJob { id, state }
                } else {
                    ProblemKind::JobUnderWay { id, state }
                };
                self.add(Problem::new(row.line, Some("iccid"), kind));
            }
        }
    }

    /// Compares the numbers of rows with those of jobs for other cards. The same card may get its own again.
    async fn compare_numbers(
        &mut self,
        rows: &[(&Row, Option<&Iccid>)],
        keepers: &Keepers,
        reissue: bool,
    ) -> Result<(), KeeperError> {
        let devices: Vec<_> =
            rows.iter().filter_map(|(row, card)| Some((row, card, row.subscriber.imei.clone()?))).collect();
        let asked: Vec<Imei> = devices.iter().map(|(.., imei)| imei.clone()).collect();
        if !asked.is_empty() {
            let mut of_imeis: HashMap<Imei, Vec<Job>> = HashMap::new();
            for job in keepers.jobs.of_imeis(&asked).await?.into_iter().filter(on_a_card) {
                job.imei
                    .clone()
                    .into_iter()
                    .for_each(|imei| of_imeis.entry(imei).or_default().push(job.clone()));
            }
            for (row, card, imei) in devices {
                let jobs = of_imeis.get(&imei).into_iter().flatten();
                self.taken((row, *card), ("imei", "IMEI"), jobs, reissue);
            }
        }
        self.compare_imsis(rows, keepers, reissue).await
    }

    /// Tells that a number of a row was given to another card.
    fn taken<'j>(
        &mut self,
        (row, card): (&Row, Option<&Iccid>),
        (column, what): (&str, &'static str),
        mut jobs: impl Iterator<Item = &'j Job>,
        reissue: bool,
    ) {
        let Some(job) = jobs.find(|job| job.iccid.as_ref() != card) else { return };
        let (id, card) = (job.id.to_string(), job.iccid.as_ref().map(ToString::to_string));
        let kind = match reissue {
            true => ProblemKind::Reissued { what, id, card },
            false => ProblemKind::NumberTaken { what, id, card },
        };
        self.add(Problem::new(row.line, Some(column), kind));
    }

    /// The same for IMSIs, which jobs keep as fingerprints.
    async fn compare_imsis(
        &mut self,
        rows: &[(&Row, Option<&Iccid>)],
        keepers: &Keepers,
        reissue: bool,
    ) -> Result<(), KeeperError> {
        let prints = rows.iter().filter_map(|(row, card)| Some((row, card, row.subscriber.imsi.as_ref()?)));
        // Without a key no job has kept an IMSI, and a check makes none.
        let Some(key) = keepers.fingerprints.known_key()? else { return Ok(()) };
        let prints: Vec<_> = prints.map(|(row, card, imsi)| (row, card, of_imsi(key, imsi))).collect();
        let asked: Vec<Fingerprint> = prints.iter().map(|(.., print)| *print).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let mut of_imsis: HashMap<Fingerprint, Vec<Job>> = HashMap::new();
        for job in keepers.jobs.of_imsis(&asked).await?.into_iter().filter(on_a_card) {
            if let Some(print) = job.imsi {
                of_imsis.entry(print).or_default().push(job);
            }
        }
        for (row, card, print) in prints {
            let jobs = of_imsis.get(&print).into_iter().flatten();
            self.taken((row, *card), ("imsi", "IMSI"), jobs, reissue);
        }
        Ok(())
    }

    /// Whether the card of the row in a line has what is wanted for it already, by the word of its job or of what is kept of scripts.
    pub fn is_done(&self, line: u64) -> bool {
        self.done_lines.contains(&line)
    }

    /// True when the batch can be run.
    pub fn is_sound(&self) -> bool {
        self.errors == 0
    }

    /// The card of a row is done. Rows with errors are not counted.
    fn add_done(&mut self, line: u64) {
        self.done += usize::from(self.lines.contains(&line) && self.done_lines.insert(line));
    }

    fn add(&mut self, problem: Problem) {
        match problem.severity {
            Severity::Error => {
                self.errors += 1;
                self.rows -= usize::from(self.lines.remove(&problem.place.line));
                self.done -= usize::from(self.done_lines.remove(&problem.place.line));
            }
            Severity::Warning => self.warnings += 1,
        }
        if self.problems.len() < MAX_LISTED {
            self.problems.push(problem);
        }
    }
}

/// Whether a job has done its work, or is at it.
pub(super) fn is_standing(state: State) -> bool {
    !matches!(state, State::Failed | State::Expired | State::Cancelled | State::Unknown)
}

/// Whether the card of a job may hold what the job brings.
fn on_a_card(job: &Job) -> bool {
    !matches!(job.state, State::Failed | State::Expired | State::Cancelled)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.matching {
            _ if self.rows == 0 => "",
            Matching::ByIccid => ", found by ICCID",
            Matching::FirstCome => ", given to cards as they come",
        };
        writeln!(f, "{} without errors{how}", counted(self.rows, "row"))?;
        match self.done {
            0 => {}
            1 => writeln!(f, "1 of them is done already")?,
            done => writeln!(f, "{done} of them are done already")?,
        }
        write!(f, "{}, {}", counted(self.errors, "error"), counted(self.warnings, "warning"))?;
        let hidden = (self.errors + self.warnings).saturating_sub(self.problems.len());
        if hidden > 0 {
            write!(f, "; {hidden} not listed")?;
        }
        Ok(())
    }
}

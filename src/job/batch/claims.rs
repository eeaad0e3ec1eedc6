//! Which card a row of a table without ICCIDs was given to: kept before the card is written, so that a run that is ended and
//! started again gives no row twice and no card two rows.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    sync::Arc,
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{Batch, Matching, Row, ScriptWork};
use crate::{
    ident::{Fingerprint, FingerprintKey, Iccid, Timestamp},
    job::{FingerprintError, Fingerprints, Job, Jobs, JobsError, Route, Wanted},
};

/// How many rows or cards a keeper is asked about in one question.
pub(super) const AT_A_TIME: usize = 5_000;

/// A row that was given to a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The row.
    pub row: Fingerprint,
    /// The card that has it; none when it was released.
    pub card: Option<Iccid>,
    /// When the card was done, where no job says so; none again when something was written to it since.
    pub done: Option<Timestamp>,
}

/// Keeps which rows were given to which cards. All changes are durable when a call returns.
#[async_trait]
pub trait Claims: Send + Sync {
    /// What is kept of these rows.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn of_rows(&self, rows: &[Fingerprint]) -> Result<Vec<Claim>, JobsError>;

    /// The rows that a card has, of any table.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn of_claimant(&self, card: &Iccid) -> Result<Vec<Claim>, JobsError>;

    /// Gives a row to a card, unless another card has it. Who has it now.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn claim(&self, row: &Fingerprint, card: &Iccid, at: Timestamp) -> Result<Claim, JobsError>;

    /// The card of a row is done. That is true until the next write to the card is begun, or one that was cut off is taken up: a
    /// keeper that has the journal of writes, too, takes it back in the same moment.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn done(&self, row: &Fingerprint, at: Timestamp) -> Result<(), JobsError>;

    /// Takes rows back from the cards that have them: they are free. That they were given once is still known.
    ///
    /// # Errors
    /// [`JobsError::Unavailable`].
    async fn release(&self, rows: &[Fingerprint]) -> Result<(), JobsError>;
}

/// Who knows what was done before.
#[derive(Clone)]
pub struct Keepers {
    /// Keeps jobs.
    pub jobs: Arc<dyn Jobs>,
    /// Keeps which rows were given away.
    pub claims: Arc<dyn Claims>,
    /// Recognises IMSIs and rows.
    pub fingerprints: Arc<dyn Fingerprints>,
}

/// What was done before cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeeperError {
    /// Jobs or claims.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// Fingerprints.
    #[error(transparent)]
    Fingerprints(#[from] FingerprintError),
}

/// The cards of a table: those that it names, or those that its rows were given to.
#[derive(Debug)]
pub(super) struct Cards {
    /// The card of each row, as far as there is one.
    pub(super) of_rows: Vec<Option<Iccid>>,
    /// The rows that another card had before.
    pub(super) released: HashSet<usize>,
    /// What the rows are known by, where the table does not name its cards; none, too, while the database has no key for that:
    /// then no row was ever given away.
    pub(super) prints: Option<Prints>,
}

/// What the rows of a table are known by.
#[derive(Debug)]
pub(super) struct Prints {
    rows: Vec<Fingerprint>,
    places: HashMap<Fingerprint, usize>,
}

impl Prints {
    /// A row is known by its numbers and its name; one without any by what it says to a script, or else by its keys. Rows that are the same in that are counted.
    pub(super) fn of(rows: &[Row], key: &FingerprintKey) -> Self {
        let mut seen: HashMap<Fingerprint, u32> = HashMap::new();
        let mut print = |row: &Row| {
            let first = key.of("row", &text(row));
            let count = seen.entry(first).or_default();
            *count += 1;
            if *count == 1 { first } else { key.of("row again", &format!("{first} {count}")) }
        };
        let rows: Vec<_> = rows.iter().map(&mut print).collect();
        let places = rows.iter().enumerate().map(|(at, row)| (*row, at)).collect();
        Self { rows, places }
    }

    /// All of them, in the order of the rows.
    pub(super) fn all(&self) -> &[Fingerprint] {
        &self.rows
    }

    /// That of a row.
    pub(super) fn get(&self, at: usize) -> Option<&Fingerprint> {
        self.rows.get(at)
    }

    /// The row of a fingerprint.
    pub(super) fn place(&self, print: &Fingerprint) -> Option<usize> {
        self.places.get(print).copied()
    }
}

/// What tells a row from others.
fn text(row: &Row) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    let numbers = [
        ("imsi", row.subscriber.imsi.as_ref().map(|n| n.digits())),
        ("imei", row.subscriber.imei.as_ref().map(|n| n.digits())),
        ("msisdn", row.subscriber.msisdn.as_ref().map(|n| n.digits())),
        ("key", row.key.as_ref().map(|n| n.as_str())),
    ];
    // Writing to a string cannot fail.
    for (name, value) in numbers.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let _ = writeln!(text, "{name} {value}");
    }
    if text.is_empty() {
        for (name, value) in row.values.all() {
            let _ = writeln!(text, "value {name} {} {}", value.len(), value.as_str());
        }
    }
    if text.is_empty() {
        for key in &row.keys {
            let _ = writeln!(text, "{}", key.id);
            for octet in key.expose() {
                let _ = write!(text, "{octet:02x}");
            }
        }
    }
    text
}

/// The newest job by the card route of each card; `jobs` has the newest first.
pub(super) fn newest(jobs: &[Job]) -> HashMap<&Iccid, &Job> {
    let mut newest = HashMap::new();
    for job in jobs.iter().filter(|job| job.route == Route::Card) {
        if let Some(card) = &job.iccid {
            newest.entry(card).or_insert(job);
        }
    }
    newest
}

impl Keepers {
    /// The cards of a table. Nothing is made or kept for it.
    pub(super) async fn cards(&self, batch: &Batch) -> Result<Cards, KeeperError> {
        let mut of_rows: Vec<_> = batch.rows.iter().map(|row| row.subscriber.iccid.clone()).collect();
        if batch.matching == Matching::ByIccid {
            return Ok(Cards { of_rows, released: HashSet::new(), prints: None });
        }
        let mut released = HashSet::new();
        let Some(key) = self.fingerprints.known_key()? else {
            return Ok(Cards { of_rows, released, prints: None });
        };
        let prints = Prints::of(&batch.rows, key);
        for rows in prints.all().chunks(AT_A_TIME) {
            for claim in self.claims.of_rows(rows).await? {
                let Some(at) = prints.place(&claim.row) else { continue };
                if claim.card.is_none() {
                    released.insert(at);
                }
                of_rows.get_mut(at).into_iter().for_each(|row| row.clone_from(&claim.card));
            }
        }
        Ok(Cards { of_rows, released, prints: Some(prints) })
    }

    /// True when rows of a table that does not name its cards were given away before.
    ///
    /// # Errors
    /// [`KeeperError`].
    pub async fn know(&self, batch: &Batch) -> Result<bool, KeeperError> {
        let cards = self.cards(batch).await?;
        Ok(cards.prints.is_some()
            && (!cards.released.is_empty() || cards.of_rows.iter().any(Option::is_some)))
    }

    /// The rows whose cards have what is wanted, by the newest job of each.
    pub(super) async fn done(
        &self,
        cards: &Cards,
        batch: &Batch,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<usize>, KeeperError> {
        let key = self.fingerprints.known_key()?;
        let mut done = Vec::new();
        let known: Vec<_> =
            cards.of_rows.iter().enumerate().filter_map(|(at, card)| Some((at, card.as_ref()?))).collect();
        for rows in known.chunks(AT_A_TIME) {
            let asked: Vec<Iccid> = rows.iter().map(|(_, card)| (*card).clone()).collect();
            let jobs = self.jobs.of_cards(&asked).await?;
            let newest = newest(&jobs);
            done.extend(rows.iter().filter_map(|(at, card)| {
                let (row, job) = (batch.rows.get(*at)?, newest.get(*card)?);
                wanted.is_done_by(job, &row.subscriber_of(card), key).then_some(*at)
            }));
        }
        Ok(done)
    }

    /// The rows on whose cards a script was run to its end before.
    pub(super) async fn ran(
        &self,
        cards: &Cards,
        batch: &Batch,
        work: &ScriptWork,
    ) -> Result<Vec<usize>, KeeperError> {
        let key = if work.again { None } else { self.fingerprints.known_key()? };
        let Some(key) = key else { return Ok(Vec::new()) };
        let known = cards.of_rows.iter().zip(&batch.rows).enumerate();
        let known: Vec<_> = known.filter_map(|(at, (card, row))| Some((at, row, card.as_ref()?))).collect();
        let mut ran = Vec::new();
        for rows in known.chunks(AT_A_TIME) {
            let marks: HashMap<_, _> =
                rows.iter().map(|(at, row, card)| (work.mark(key, row, card), *at)).collect();
            let asked: Vec<_> = marks.keys().copied().collect();
            let kept = self.claims.of_rows(&asked).await?;
            let done = kept.iter().filter(|claim| claim.done.is_some());
            ran.extend(done.filter_map(|claim| marks.get(&claim.row)));
        }
        ran.sort_unstable();
        Ok(ran)
    }

    /// Forgets which cards the rows of a table were given to: all of them, or those of these cards. How many rows are free
    /// again; none for a table that names its cards.
    ///
    /// # Errors
    /// [`KeeperError`].
    pub async fn release(&self, batch: &Batch, only: Option<&[Iccid]>) -> Result<usize, KeeperError> {
        let Cards { of_rows, prints: Some(prints), .. } = self.cards(batch).await? else { return Ok(0) };
        let wanted = |card: &Iccid| only.is_none_or(|only| only.contains(card));
        let rows = prints.all().iter().zip(of_rows);
        let rows: Vec<_> =
            rows.filter(|(_, card)| card.as_ref().is_some_and(wanted)).map(|(row, _)| *row).collect();
        for rows in rows.chunks(AT_A_TIME) {
            self.claims.release(rows).await?;
        }
        Ok(rows.len())
    }
}

impl std::fmt::Debug for Keepers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keepers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::batch::{Columns, NoOpener, read};

    fn prints(table: &str) -> Vec<Fingerprint> {
        let (batch, problems) = read(table.as_bytes(), &Columns::default(), &NoOpener);
        assert!(problems.iter().all(|p| p.severity == crate::job::batch::Severity::Warning), "{problems:?}");
        let key = FingerprintKey::new(Zeroizing::new([7; 32]));
        let prints = Prints::of(&batch.rows, &key);
        assert!(prints.all().iter().enumerate().all(|(at, print)| prints.place(print) == Some(at)));
        prints.rows
    }

    #[test]
    fn a_row_is_known_by_what_is_its_own() {
        let [a, b] = prints("imei,adm1\n490154203237518,MARKED-A\n490154203237526,MARKED-A\n")[..] else {
            panic!()
        };
        assert_ne!(a, b);
        // Other columns, another order, a key that was mended: the same rows.
        let again = prints("adm1,imei\nMARKED-B,490154203237526\nMARKED-C,490154203237518\n");
        assert_eq!(again, [b, a]);
        // Rows that have keys alone are counted.
        let [first, second, third] = prints("adm1\nMARKED-A\nMARKED-A\nMARKED-B\n")[..] else { panic!() };
        assert!(first != second && second != third && first != third);
        assert_eq!(prints("adm1\nMARKED-B\nMARKED-A\nMARKED-A\n"), [third, first, second]);
    }
}

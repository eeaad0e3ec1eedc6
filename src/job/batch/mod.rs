//! A batch: a table (CSV, RFC 4180) with one card a row, read and checked as a whole before the first card is touched.
//!
//! | column | what stands in it |
//! |---|---|
//! | `iccid` | the card; in every row or in none (then rows go to cards as they come, and stay with them) |
//! | `imsi`, `imei`, `msisdn` | what the profile's placeholders and the bootstrap's key are filled with |
//! | `adm1` to `adm10` | administrative keys: 4 to 8 characters, or 16 hexadecimal digits; or sealed, as [`seal`] makes them |
//! | `pin`, `pin2` | the card's PIN 1 and its second PIN: 4 to 8 digits, or sealed |
//! | `puk1`, `puk2` | their PUKs: 8 digits, or sealed; `bootgate card unblock` takes them from the table |
//! | `allow-once` | `yes` where a key may be presented once to a card that does not tell its counter: somebody has attested it |
//! | `key` | the caller's name for the job, so that the same row twice makes one job |
//!
//! Where a script is run for each card, columns that are called like its variables and keys hold their values.
//!
//! A table whose columns are called otherwise comes with a [`Columns`] file. Nothing that a table holds is quoted in a
//! problem: the next cell may be a key.

mod check;
mod claims;
mod columns;
mod hand;
mod ledger;
mod problem;
mod progress;
mod quotes;
mod read;
mod result;
mod ring;
mod run;
mod script;
mod sealed;
mod shift;
mod signed;
mod values;

use crate::{card::Key, ident::Iccid, profile::Subscriber};

use super::JobKey;

pub use check::Report;
pub use claims::{Claim, Claims, KeeperError, Keepers};
pub use columns::{Column, Columns, ColumnsError, ColumnsProblem};
pub use hand::Hand;
pub use ledger::{Assignment, Bin, Ending, Ledger, Totals};
pub use problem::{Place, Problem, ProblemKind, Severity};
pub use progress::Progress;
pub use read::{MAX_FIELD, MAX_OCTETS, MAX_ROWS, MAX_VALUE, read};
pub use result::{CardResult, ScriptDone, WholeResult};
pub use ring::TableRing;
pub use run::{Run, Task, Work};
pub use script::{KeyLack, ScriptWork};
pub use sealed::{CellOpener, CellSealer, NoOpener, SealError, seal};
pub use shift::{Shift, ShiftEvent, ShiftNews};
pub use signed::{ResultsDigest, Signed, SignedError, Sum};
pub use values::Values;

/// A table that was read. It holds keys.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The rows without errors, in order.
    pub rows: Vec<Row>,
    /// How rows find their cards.
    pub matching: Matching,
}

/// How rows find their cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    /// Each row names its card.
    ByIccid,
    /// No row does: the next row goes to the next card.
    FirstCome,
}

/// A row: one card.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The line of the file where it begins.
    pub line: u64,
    /// The numbers, the ICCID among them where the table has it.
    pub subscriber: Subscriber,
    /// The keys that may be presented.
    pub keys: Vec<Key>,
    /// True when a key may be presented once although the card does not tell its counter.
    pub allow_once: bool,
    /// The caller's name for the job.
    pub key: Option<JobKey>,
    /// Values of the variables and keys of a script, by the names that it declares.
    pub values: Values,
}

impl Row {
    /// Its numbers with that of the card that it goes to.
    pub(super) fn subscriber_of(&self, card: &Iccid) -> Subscriber {
        Subscriber { iccid: Some(card.clone()), ..self.subscriber.clone() }
    }
}

#[cfg(test)]
mod tests;

//! Runs card scripts (the language is in [`crate::wire::script`]).
//!
//! A script that was checked is executed statement by statement, and stops at the first answer that it does not expect. What
//! stands between it and the card:
//!
//! * Keys go through the [`KeyGuard`](super::KeyGuard), also where a script carries VERIFY as octets. Commands that spend tries in other
//!   ways are not sent at all.
//! * What a script of the superset has not declared is not sent, also where only the run shows which file is meant.
//! * Before something changes, it is entered in the [`WriteJournal`](super::WriteJournal), old and new, and its old content goes into
//!   the [`Backup`]. A card with a write that was cut off is not changed before that is settled.
//! * Whatever is secret is shown as `***`: in commands, in expectations, and in answers that give it back.
//!
//! `OFF` resets the card, which ends its session, and nothing is sent until `RST`; the power itself is taken away when the
//! connection ends.

mod answer;
mod backup;
mod change;
mod command;
mod dry;
mod error;
mod files;
mod initialise;
mod journal;
mod keys;
mod objects;
mod read_back;
mod report;
mod restore;
mod run;
mod shipped;

pub use answer::Difference;
pub use backup::{Backup, BackupError, Backups, CardBackup, Kept, MemoryBackup, Saved};
pub use dry::dry_run;
pub use error::ScriptError;
pub use keys::declared_keys;
pub use report::{Entry, Output, Report};
pub use run::{Setup, run, run_for};
pub use shipped::{SHIPPED, Shipped, nearest_shipped, shipped};

#[cfg(test)]
mod tests;

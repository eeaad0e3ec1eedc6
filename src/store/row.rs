//! Reading columns as values.

use sqlx::{Row, sqlite::SqliteRow};

use super::error::{Corrupt, Failed};
use crate::ident::Timestamp;

/// A row of a table, for messages.
pub(super) struct Reading<'r> {
    pub(super) table: &'static str,
    pub(super) row: &'r SqliteRow,
}

impl Reading<'_> {
    /// A column that holds text which `T` reads.
    pub(super) fn text<T: std::str::FromStr>(&self, column: &'static str) -> Result<T, Failed> {
        let text: String = self.row.try_get(column)?;
        text.parse().map_err(|_| self.corrupt(column))
    }

    /// The same where NULL may stand.
    pub(super) fn maybe<T: std::str::FromStr>(&self, column: &'static str) -> Result<Option<T>, Failed> {
        let text: Option<String> = self.row.try_get(column)?;
        text.map(|t| t.parse().map_err(|_| self.corrupt(column))).transpose()
    }

    /// A column of one of SQLite's own kinds.
    pub(super) fn plain<'r, T>(&'r self, column: &'static str) -> Result<T, Failed>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        Ok(self.row.try_get(column)?)
    }

    /// A moment.
    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp, Failed> {
        Ok(Timestamp::from_millis(self.row.try_get(column)?))
    }

    /// A moment where NULL may stand.
    pub(super) fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, Failed> {
        Ok(self.row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
    }

    pub(super) fn corrupt(&self, column: &'static str) -> Failed {
        Corrupt { table: self.table, column }.into()
    }
}

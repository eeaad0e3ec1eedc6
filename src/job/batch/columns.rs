//! The columns of a table, and the file that says what they are called there (TOML):
//!
//! ```toml
//! ignore = ["Box", "Order no"]
//!
//! [columns]
//! iccid = "Serial number"
//! adm1 = "ADM"
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::wire::arr::KeyRef;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// The card.
    Iccid,
    /// The subscriber.
    Imsi,
    /// The device.
    Imei,
    /// The telephone number.
    Msisdn,
    /// A key of the card, by its reference there: an administrative key, or PIN 1.
    CardKey(KeyRef),
    /// Whether a key may be presented to a card that does not tell its counter.
    AllowOnce,
    /// The caller's name for the job.
    Key,
}

/// The columns and their own names, but for those that hold a key of the card.
const NAMES: [(&str, Column); 6] = [
    ("iccid", Column::Iccid),
    ("imsi", Column::Imsi),
    ("imei", Column::Imei),
    ("msisdn", Column::Msisdn),
    ("allow-once", Column::AllowOnce),
    ("key", Column::Key),
];

/// All columns and their own names.
fn names() -> impl Iterator<Item = (&'static str, Column)> {
    let keys = KeyRef::NAMED.into_iter().map(|(name, key)| (name, Column::CardKey(key)));
    NAMES.into_iter().chain(keys)
}

impl Column {
    /// Its own name.
    pub fn name(self) -> &'static str {
        names().find(|(_, column)| *column == self).map_or("", |(name, _)| name)
    }

    /// The names of all columns.
    pub fn list() -> String {
        names().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
    }

    fn from_name(name: &str) -> Option<Self> {
        names().find(|(own, _)| own.eq_ignore_ascii_case(name.trim())).map(|(_, column)| column)
    }
}

/// What the columns of a table are called. By default each has its own name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    called: BTreeMap<String, Column>,
    ignored: Vec<String>,
}

/// Why a file of column names is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnsError {
    /// It is no such TOML.
    #[error("{0}")]
    Toml(String),
    /// It names a column that does not exist.
    #[error("[columns] names `{name}`; expected one of {}", Column::list())]
    Unknown {
        /// The name.
        name: String,
    },
    /// Two columns would have one name.
    #[error("[columns] calls two columns `{called}`")]
    Twice {
        /// The name in the table.
        called: String,
    },
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

impl Columns {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ColumnsError`].
    pub fn parse(text: &str) -> Result<Self, ColumnsError> {
        let file: File = toml::from_str(text).map_err(|e| ColumnsError::Toml(e.to_string()))?;
        let mut called = BTreeMap::new();
        for (name, title) in file.columns {
            let column = Column::from_name(&name).ok_or(ColumnsError::Unknown { name })?;
            if called.insert(fold(&title), column).is_some() {
                return Err(ColumnsError::Twice { called: title });
            }
        }
        Ok(Self { called, ignored: file.ignore.iter().map(|title| fold(title)).collect() })
    }

    /// The column that a title of the table stands for; a name that was given away means nothing of its own any more.
    pub(super) fn find(&self, title: &str) -> Title {
        let title = fold(title);
        if self.ignored.contains(&title) {
            return Title::Ignored;
        }
        if let Some(column) = self.called.get(&title) {
            return Title::Column(*column);
        }
        let own = Column::from_name(&title).filter(|c| !self.called.values().any(|renamed| renamed == c));
        own.map_or(Title::Unknown, Title::Column)
    }

    /// The titles of the file that a table does not have.
    pub(super) fn absent<'a>(&'a self, titles: &csv::StringRecord) -> impl Iterator<Item = &'a str> {
        let there: Vec<String> = titles.iter().map(fold).collect();
        self.called.keys().filter(move |title| !there.contains(title)).map(String::as_str)
    }

    /// The name nearest to a title that is not known.
    pub(super) fn nearest(&self, title: &str) -> Option<String> {
        let title = fold(title);
        let known = names().map(|(name, _)| name).chain(self.called.keys().map(String::as_str));
        let near = known.map(|name| (strsim::damerau_levenshtein(name, &title), name));
        near.min().filter(|(distance, _)| *distance <= 2).map(|(_, name)| name.to_owned())
    }
}

/// What a title of a table stands for.
pub(super) enum Title {
    Column(Column),
    Ignored,
    Unknown,
}

/// Titles are compared without regard to letter case and blanks around them.
fn fold(title: &str) -> String {
    title.trim().to_lowercase()
}

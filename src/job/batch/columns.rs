//! The columns of a table, and the file that says what they are called there (TOML):
//!
//! ```toml
//! ignore = ["Box", "Order no"]
//!
//! [columns]
//! iccid = "Serial number"
//! adm1 = "ADM"
//! ```

use std::{collections::BTreeMap, ops::Range};

use toml::de::{DeTable, DeValue};

use crate::{
    card::KeyId,
    ident::{nearest, printable},
};

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
    /// A key of the card: an administrative key, a PIN or a PUK.
    CardKey(KeyId),
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
    let keys = KeyId::NAMED.into_iter().map(|(name, key)| (name, Column::CardKey(key)));
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

    /// The column with that name of its own, in small letters or capitals.
    pub fn from_name(name: &str) -> Option<Self> {
        names().find(|(own, _)| own.eq_ignore_ascii_case(name.trim())).map(|(_, column)| column)
    }
}

/// What the columns of a table are called. By default each has its own name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    called: BTreeMap<String, Column>,
    ignored: Vec<String>,
    /// Variables and keys of a script, as it declares them: columns of the same name hold their values.
    script: Vec<String>,
}

/// Why a file of column names is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnsError {
    /// It is not TOML.
    #[error("not TOML: {0}")]
    Toml(String),
    /// It has a key or a table that means nothing.
    #[error("unknown key `{}`; expected `ignore` or a table [columns]{}", printable(name), did_you_mean(near.as_deref()))]
    UnknownKey {
        /// The key.
        name: String,
        /// What was perhaps meant.
        near: Option<&'static str>,
    },
    /// A value of another type.
    #[error("`{}` is no {expected}", printable(key))]
    Type {
        /// The key.
        key: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// It names a column that does not exist.
    #[error(
        "[columns] names `{}`; expected one of {}{}",
        printable(name),
        Column::list(),
        did_you_mean(near.as_deref())
    )]
    Unknown {
        /// The name.
        name: String,
        /// What was perhaps meant.
        near: Option<&'static str>,
    },
    /// Two columns would have one name.
    #[error("[columns] calls two columns `{}`", printable(called))]
    Twice {
        /// The name in the table.
        called: String,
    },
}

/// An error of a file of column names, and where it stands. It repeats no value: it may be the wrong file, and hold keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {kind}")]
pub struct ColumnsProblem {
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: ColumnsError,
}

impl Columns {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ColumnsProblem`], the first one.
    pub fn parse(text: &str) -> Result<Self, ColumnsProblem> {
        let at = |span: Range<usize>, kind| {
            let before = text.get(..span.start).unwrap_or(text);
            let line_begin = before.rfind('\n').map_or(0, |end| end + 1);
            let column = before.get(line_begin..).unwrap_or("").chars().count() + 1;
            ColumnsProblem { line: before.matches('\n').count() + 1, column, kind }
        };
        let document = DeTable::parse(text).map_err(|error| {
            at(error.span().unwrap_or(0..0), ColumnsError::Toml(error.message().replace('\n', " ")))
        })?;
        let mut columns = Self::default();
        for (key, value) in document.get_ref() {
            let is_no =
                |expected| at(value.span(), ColumnsError::Type { key: key.get_ref().to_string(), expected });
            match (&**key.get_ref(), value.get_ref()) {
                ("ignore", DeValue::Array(titles)) => {
                    for title in titles {
                        let title = title.get_ref().as_str().ok_or_else(|| is_no("list of titles"))?;
                        columns.ignored.push(fold(title));
                    }
                }
                ("ignore", _) => return Err(is_no("list of titles")),
                ("columns", DeValue::Table(names)) => {
                    for (name, title) in names {
                        let (column, title) =
                            renamed(name.get_ref(), title.get_ref()).map_err(|kind| at(name.span(), kind))?;
                        if columns.called.insert(fold(title), column).is_some() {
                            return Err(at(name.span(), ColumnsError::Twice { called: title.to_owned() }));
                        }
                    }
                }
                ("columns", _) => return Err(is_no("table of columns")),
                (name, _) => {
                    let near = nearest(name, ["ignore", "columns"].into_iter());
                    return Err(at(key.span(), ColumnsError::UnknownKey { name: name.to_owned(), near }));
                }
            }
        }
        Ok(columns)
    }

    /// The same for a table whose rows also say what a script is to be run with: `names` are those that it declares.
    #[must_use]
    pub fn with_script(self, names: Vec<String>) -> Self {
        Self { script: names, ..self }
    }

    /// What a title of the table stands for; a name that was given away means nothing of its own any more.
    pub(super) fn find(&self, title: &str) -> Title {
        let title = fold(title);
        if self.ignored.contains(&title) {
            return Title::Ignored;
        }
        let own = || Column::from_name(&title).filter(|c| !self.called.values().any(|renamed| renamed == c));
        let column = self.called.get(&title).copied().or_else(own);
        let script = self.script.iter().find(|name| fold(name) == title).cloned();
        match (column, script) {
            (None, None) => Title::Unknown,
            (column, script) => Title::Meant { column, script },
        }
    }

    /// The titles of the file that a table does not have.
    pub(super) fn absent<'a>(&'a self, titles: &csv::StringRecord) -> impl Iterator<Item = &'a str> {
        let there: Vec<String> = titles.iter().map(fold).collect();
        self.called.keys().filter(move |title| !there.contains(title)).map(String::as_str)
    }

    /// The name nearest to a title that is not known: one of the script's own first.
    pub(super) fn nearest(&self, title: &str) -> Option<String> {
        let known = names().map(|(name, _)| name).chain(self.called.keys().map(String::as_str));
        let in_script = nearest(title, self.script.iter().map(String::as_str));
        in_script.or_else(|| nearest(title, known)).map(str::to_owned)
    }

    /// The names of all columns that mean something.
    pub(super) fn expected(&self) -> String {
        let mut all = Column::list();
        if !self.script.is_empty() {
            all = format!("{all}, and of the script {}", self.script.join(", "));
        }
        all
    }
}

/// A column and its title in the table.
fn renamed<'a>(name: &str, title: &'a DeValue<'_>) -> Result<(Column, &'a str), ColumnsError> {
    let Some(column) = Column::from_name(name) else {
        let near = nearest(name, names().map(|(own, _)| own));
        return Err(ColumnsError::Unknown { name: name.to_owned(), near });
    };
    let expected = "title of the table, in quotation marks";
    let title = title.as_str().ok_or_else(|| ColumnsError::Type { key: name.to_owned(), expected })?;
    Ok((column, title))
}

/// The hint at the end of a message.
pub(super) fn did_you_mean(near: Option<&str>) -> String {
    near.map(|name| format!("; did you mean `{}`?", printable(name))).unwrap_or_default()
}

/// What a title of a table stands for.
pub(super) enum Title {
    /// A column, a variable or key of the script, or both.
    Meant {
        column: Option<Column>,
        script: Option<String>,
    },
    Ignored,
    Unknown,
}

/// Titles are compared without regard to letter case and blanks around them.
fn fold(title: &str) -> String {
    title.trim().to_lowercase()
}

//! What is wrong with a profile, and where. Every problem of a file is reported at once.

use std::fmt;

use super::lint::Warning;

/// One problem in a profile's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub position: Position,
    /// What it is.
    pub kind: ProblemKind,
}

/// A place in a text, counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The profile cannot be used.
    Error,
    /// The profile can be used; somebody should look at what it means.
    Warning,
}

/// The kinds of problem. Messages say what, and what was expected; they never repeat a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The text is not TOML.
    #[error("not readable as TOML: {message}")]
    Syntax {
        /// What the TOML parser says.
        message: String,
    },
    /// A key that the profile does not know.
    #[error("unknown key `{key}` in {place}; expected one of {expected}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The table it stands in.
        place: &'static str,
        /// The keys that may stand there.
        expected: String,
        /// The nearest of them.
        suggestion: Option<&'static str>,
    },
    /// A key that must be there.
    #[error("{place} has no `{key}`; expected {expected}")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The table that lacks it.
        place: &'static str,
        /// What should stand there, in words.
        expected: &'static str,
    },
    /// A value of another TOML type.
    #[error("`{key}` is a value of type {got}; expected {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// The type found.
        got: &'static str,
        /// What should stand there, in words.
        expected: &'static str,
    },
    /// A word out of a fixed list that is not in the list.
    #[error("`{key}` has the unknown value \"{value}\"; expected one of {expected}")]
    UnknownValue {
        /// The key.
        key: String,
        /// The value, shortened.
        value: String,
        /// The list.
        expected: String,
        /// The nearest of the list.
        suggestion: Option<&'static str>,
    },
    /// Nothing where something must stand.
    #[error("`{key}` is empty; expected {expected}")]
    Empty {
        /// The key.
        key: String,
        /// What should stand there, in words.
        expected: &'static str,
    },
    /// A text that devices would cut or refuse.
    #[error("`{key}` has {got} characters; at most {max} fit")]
    TooLong {
        /// The key.
        key: String,
        /// How many it has, or can have when placeholders are filled in.
        got: usize,
        /// How many are allowed.
        max: usize,
    },
    /// More entries than devices take.
    #[error("`{key}` has {got} entries; at most {max} are allowed")]
    TooMany {
        /// The key.
        key: String,
        /// How many it has.
        got: usize,
        /// How many are allowed.
        max: usize,
    },
    /// A character that cannot be carried: NUL ends strings in WBXML, other control characters are not XML.
    #[error(
        "`{key}` holds the character U+{code:04X} at position {at}; expected text without control characters"
    )]
    Character {
        /// The key.
        key: String,
        /// Its code point.
        code: u32,
        /// Its position in the value, counted from 1.
        at: usize,
    },
    /// A number outside its range.
    #[error("`{key}` is {got}; expected a whole number from {min} to {max}")]
    OutOfRange {
        /// The key.
        key: String,
        /// The number as written.
        got: String,
        /// The least.
        min: u32,
        /// The most.
        max: u32,
    },
    /// A value that breaks a rule of its own.
    #[error("`{key}`: {why}")]
    Invalid {
        /// The key.
        key: String,
        /// What is wrong and what was expected.
        why: String,
    },
    /// An id that something else has already.
    #[error(
        "id `{id}` is doubled, {first} has it too; expected an id of its own (ids of naps, proxies and physical proxies share one space)"
    )]
    DoubledId {
        /// The id.
        id: String,
        /// Where it stood first.
        first: Position,
    },
    /// An entry that stands in a list twice.
    #[error("`{key}` lists \"{value}\" twice")]
    DoubledEntry {
        /// The key.
        key: String,
        /// The entry.
        value: String,
    },
    /// A reference to nothing.
    #[error("`{key}` names `{id}`, which is not the id of {expected}")]
    DanglingReference {
        /// The key.
        key: String,
        /// The id that nothing has.
        id: String,
        /// What may be named there, in words.
        expected: &'static str,
        /// The nearest id that exists.
        suggestion: Option<String>,
    },
    /// A placeholder that does not exist.
    #[error(
        "`{key}` has the unknown placeholder `{{{name}}}`; expected one of {{imei}}, {{imsi}}, {{iccid}}, {{msisdn}}"
    )]
    UnknownPlaceholder {
        /// The key.
        key: String,
        /// The word between the braces.
        name: String,
        /// The nearest placeholder.
        suggestion: Option<&'static str>,
    },
    /// A brace that opens or closes nothing.
    #[error(
        "`{key}` has a single `{brace}` at position {at}; expected a placeholder such as `{{imei}}`, or `{brace}{brace}` for the character itself"
    )]
    LoneBrace {
        /// The key.
        key: String,
        /// The brace.
        brace: char,
        /// Its position in the value, counted from 1.
        at: usize,
    },
    /// A placeholder where none is filled in.
    #[error(
        "`{key}` has a placeholder, but placeholders are filled in only in the `name` of authentication entries"
    )]
    MisplacedPlaceholder {
        /// The key.
        key: String,
    },
    /// A secret that stands in the file without a mark.
    #[error("`{key}` is a secret in clear that is not marked so; expected {expected}")]
    UnmarkedSecret {
        /// The key.
        key: String,
        /// How it is written.
        expected: &'static str,
        /// A word that was perhaps meant.
        suggestion: Option<&'static str>,
    },
    /// An unauthenticated bootstrap that nobody asked for by name.
    #[error(
        "`method` = \"none\" sends a bootstrap that anybody could forge; expected a method, or `allow-unauthenticated = true` beside it"
    )]
    Unauthenticated,
    /// Not wrong, but worth a look.
    #[error("{0}")]
    Meaning(Warning),
}

impl Problem {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self.kind {
            ProblemKind::Meaning(_) => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// The nearest right spelling, where there is one.
    pub fn suggestion(&self) -> Option<&str> {
        match &self.kind {
            ProblemKind::UnknownKey { suggestion, .. }
            | ProblemKind::UnknownValue { suggestion, .. }
            | ProblemKind::UnknownPlaceholder { suggestion, .. }
            | ProblemKind::UnmarkedSecret { suggestion, .. } => *suggestion,
            ProblemKind::DanglingReference { suggestion, .. } => suggestion.as_deref(),
            _ => None,
        }
    }

    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match &self.kind {
            ProblemKind::Syntax { .. } => "syntax",
            ProblemKind::UnknownKey { .. } => "unknown-key",
            ProblemKind::MissingKey { .. } => "missing-key",
            ProblemKind::WrongType { .. } => "wrong-type",
            ProblemKind::UnknownValue { .. } => "unknown-value",
            ProblemKind::Empty { .. } => "empty",
            ProblemKind::TooLong { .. } => "too-long",
            ProblemKind::TooMany { .. } => "too-many",
            ProblemKind::Character { .. } => "character",
            ProblemKind::OutOfRange { .. } => "out-of-range",
            ProblemKind::Invalid { .. } => "invalid",
            ProblemKind::DoubledId { .. } => "doubled-id",
            ProblemKind::DoubledEntry { .. } => "doubled-entry",
            ProblemKind::DanglingReference { .. } => "dangling-reference",
            ProblemKind::UnknownPlaceholder { .. } => "unknown-placeholder",
            ProblemKind::LoneBrace { .. } => "lone-brace",
            ProblemKind::MisplacedPlaceholder { .. } => "misplaced-placeholder",
            ProblemKind::UnmarkedSecret { .. } => "unmarked-secret",
            ProblemKind::Unauthenticated => "unauthenticated",
            ProblemKind::Meaning(warning) => warning.code(),
        }
    }
}

impl fmt::Display for Problem {
    /// `LINE:COLUMN: error: …; did you mean `…`?`, ready to stand behind a file name and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.position.line, self.position.column, self.severity(), self.kind)?;
        match self.suggestion() {
            Some(word) => write!(f, "; did you mean `{word}`?"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut out = s.serialize_struct("Problem", 6)?;
        out.serialize_field("line", &self.position.line)?;
        out.serialize_field("column", &self.position.column)?;
        out.serialize_field("severity", self.severity().as_str())?;
        out.serialize_field("code", self.code())?;
        out.serialize_field("message", &self.kind.to_string())?;
        out.serialize_field("suggestion", &self.suggestion())?;
        out.end()
    }
}

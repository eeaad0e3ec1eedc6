//! What can be wrong with a configuration, and where.

use std::path::PathBuf;

use super::Origin;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file that was named cannot be read.
    #[error("{}: cannot read the configuration", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Mistakes, all that were found.
    #[error("{}", lines(.0))]
    Wrong(Vec<Problem>),
}

impl ConfigError {
    /// True when flags alone are wrong, or a file that was named cannot be read: a mistake on the command line, not in the
    /// configuration.
    pub fn is_of_command_line(&self) -> bool {
        match self {
            Self::Read { .. } => true,
            Self::Wrong(problems) => problems.iter().all(|p| matches!(p.at, Origin::Flag(_))),
        }
    }
}

/// One mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {wrong}")]
pub struct Problem {
    /// The place: file, line and column, or the variable, or the flag.
    pub at: Origin,
    /// The mistake.
    pub wrong: Wrong,
}

/// A mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// The text is not TOML.
    #[error("not TOML: {message}")]
    Syntax {
        /// What the parser expected.
        message: String,
    },
    /// A section or key that does not exist.
    #[error("unknown {what} `{name}`{}", hint(.suggestion.as_deref()))]
    Unknown {
        /// `section`, `key` or `variable`.
        what: &'static str,
        /// As it was written.
        name: String,
        /// The nearest one that exists.
        suggestion: Option<String>,
    },
    /// A value of another kind than the key takes.
    #[error("`{key}` is {got}; expected {expected}")]
    Kind {
        /// The key.
        key: String,
        /// The kind found.
        got: &'static str,
        /// The kind that the key takes.
        expected: &'static str,
    },
    /// A value of the right kind that does not do.
    #[error("`{key}` {message}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with it and what was expected.
        message: String,
    },
    /// A list, given where only one value fits.
    #[error("`{key}` is a list; it can be given in a file only")]
    ListOutsideFile {
        /// The key.
        key: String,
    },
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|s| format!("; did you mean `{s}`?")).unwrap_or_default()
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

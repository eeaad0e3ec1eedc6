//! The layers of the configuration, merged: compiled-in defaults, a file, the environment, flags.
//!
//! The compiled-in file is also the list of what exists: a key that does not stand there is not known.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::{
    ConfigError, Flag, Problem, Wrong,
    toml::{self, Placed, Position, Raw},
};
use crate::ident::nearest;

/// Keys of lists whose values are paths.
const FILE_KEYS: &[&str] = &["tls-ca", "tls-certificate", "tls-key"];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The compiled-in file.
    Default,
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An environment variable.
    Env(String),
    /// A flag.
    Flag(&'static str),
}

/// A value in force.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) raw: Raw,
    pub(super) origin: Origin,
}

/// The merged layers and the mistakes found on the way.
pub(super) struct Layers {
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) problems: Vec<Problem>,
    /// For `~/` in paths of lists.
    pub(super) home: Option<PathBuf>,
}

impl Layers {
    /// The base layer.
    pub(super) fn built_in(text: &str) -> Result<Self, ConfigError> {
        let sections = toml::parse(text).map_err(|(_, message)| {
            ConfigError::Wrong(vec![Problem { at: Origin::Default, wrong: Wrong::Syntax { message } }])
        })?;
        let mut entries = BTreeMap::new();
        for section in sections {
            for (key, placed) in section.keys.into_iter().flatten() {
                let raw = match placed.raw {
                    // An empty list has no items that would show what it is a list of.
                    Raw::Other("a list of values") => Raw::Tables(Vec::new()),
                    raw => raw,
                };
                entries.insert(format!("{}.{key}", section.name), Entry { raw, origin: Origin::Default });
            }
        }
        Ok(Self { entries, problems: Vec::new(), home: None })
    }

    /// A file over what is there.
    pub(super) fn file(&mut self, path: &Path, text: &str) {
        let origin = |at: Position| Origin::File { path: path.to_owned(), line: at.line, column: at.column };
        let sections = match toml::parse(text) {
            Ok(sections) => sections,
            Err((at, message)) => return self.problem(origin(at), Wrong::Syntax { message }),
        };
        for section in sections {
            let known = self.sections();
            if !known.contains(&section.name) {
                let suggestion = nearest(&section.name, known.iter().map(AsRef::as_ref)).map(str::to_owned);
                self.problem(
                    origin(section.at),
                    Wrong::Unknown { what: "section", name: section.name, suggestion },
                );
                continue;
            }
            let keys = match section.keys {
                Ok(keys) => keys,
                Err(got) => {
                    let wrong = Wrong::Kind { key: section.name, got, expected: "a section" };
                    self.problem(origin(section.at), wrong);
                    continue;
                }
            };
            for (key, placed) in keys {
                self.file_key(&section.name, &key, placed, &origin);
            }
        }
    }

    fn file_key(&mut self, section: &str, key: &str, placed: Placed, origin: &dyn Fn(Position) -> Origin) {
        let name = format!("{section}.{key}");
        if let Some(entry) = self.entries.get_mut(&name) {
            *entry = Entry { raw: placed.raw, origin: origin(placed.at) };
            return;
        }
        let prefix = format!("{section}.");
        let suggestion =
            nearest(key, self.entries.keys().filter_map(|k| k.strip_prefix(&prefix))).map(str::to_owned);
        let wrong = Wrong::Unknown { what: "key", name: key.to_owned(), suggestion };
        self.problem(origin(placed.key_at), wrong);
    }

    /// The environment over what is there: `BOOTGATE_HTTP_LISTEN` is `[http] listen`. A variable that begins like a
    /// section of ours and names no key of it is a mistake; others (`BOOTGATE_LOG`) are none of ours.
    pub(super) fn env(&mut self, env: &[(String, String)]) {
        let prefixes = self.sections().into_iter().map(|s| variable(&s) + "_").collect::<Vec<_>>();
        for (name, value) in env {
            if !prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            match self.entries.keys().find(|key| variable(key) == *name).cloned() {
                Some(key) => self.set(&key, value, Origin::Env(name.clone())),
                None => {
                    let known = self.entries.keys().map(|k| variable(k)).collect::<Vec<_>>();
                    let suggestion = nearest(name, known.iter().map(AsRef::as_ref)).map(str::to_owned);
                    let wrong = Wrong::Unknown { what: "variable", name: name.clone(), suggestion };
                    self.problem(Origin::Env(name.clone()), wrong);
                }
            }
        }
    }

    /// Flags over what is there.
    pub(super) fn flags(&mut self, flags: &[Flag]) {
        for flag in flags {
            self.set(flag.key, &flag.value, Origin::Flag(flag.flag));
        }
    }

    /// A value that came as text takes the kind that its key has in the base layer.
    fn set(&mut self, key: &str, value: &str, origin: Origin) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let raw = match &entry.raw {
            Raw::Tables(_) => return self.problem(origin, Wrong::ListOutsideFile { key: key.to_owned() }),
            Raw::Number(_) => value.trim().parse().map_or_else(|_| Raw::Text(value.to_owned()), Raw::Number),
            _ => Raw::Text(value.to_owned()),
        };
        *entry = Entry { raw, origin };
    }

    /// Reads a key that takes text.
    pub(super) fn text<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let entry = self.entries.get(key)?;
        let parsed = match &entry.raw {
            Raw::Text(text) => parse(text).map_err(|message| Wrong::Value { key: key.to_owned(), message }),
            other => Err(Wrong::Kind { key: key.to_owned(), got: other.kind(), expected: "text in quotes" }),
        };
        let origin = entry.origin.clone();
        parsed.map_err(|wrong| self.problem(origin, wrong)).ok()
    }

    /// Puts a value that is known only now in the place of the word that stands for it.
    pub(super) fn resolve(&mut self, key: &str, value: &Path) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.raw = Raw::Text(value.display().to_string());
        }
    }

    /// Reads a key that takes a whole number.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, key: &str, least: i64, most: i64) -> Option<T> {
        let entry = self.entries.get(key)?;
        let parsed = match &entry.raw {
            Raw::Number(n) if (least..=most).contains(n) => T::try_from(*n).ok(),
            Raw::Number(_) => None,
            other => {
                let (got, expected) = (other.kind(), "a whole number");
                let (origin, key) = (entry.origin.clone(), key.to_owned());
                self.problem(origin, Wrong::Kind { key, got, expected });
                return None;
            }
        };
        if parsed.is_none() {
            self.wrong_value(key, format!("is out of range; expected {least} to {most}"));
        }
        parsed
    }

    /// Reads a key that takes the path of a file, and makes it absolute in the way of its origin.
    pub(super) fn path(&mut self, key: &str, home: Option<&Path>) -> Option<PathBuf> {
        let origin = self.entries.get(key)?.origin.clone();
        self.text(key, |text| {
            if text.is_empty() || text.contains('\0') {
                return Err("is not a path".into());
            }
            if let Some(rest) = text.strip_prefix("~/") {
                let home = home.filter(|h| h.is_absolute()).ok_or("begins with ~/, and HOME is not set")?;
                return Ok(home.join(rest));
            }
            match &origin {
                Origin::File { path, .. } => Ok(path.parent().unwrap_or(Path::new("")).join(text)),
                _ => Ok(PathBuf::from(text)),
            }
        })
    }

    /// Reads a key that takes a list of tables with the keys `known`, all text. Paths in it (and `@FILE`, where a secret is)
    /// count from the directory of the file that says them.
    pub(super) fn tables<T>(
        &mut self,
        key: &str,
        known: &[&str],
        parse: impl Fn(&BTreeMap<String, String>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let entry = self.entries.get(key)?.clone();
        let tables = match entry.raw {
            Raw::Tables(tables) => tables,
            other => {
                let wrong =
                    Wrong::Kind { key: key.to_owned(), got: other.kind(), expected: "a list of tables" };
                self.problem(entry.origin, wrong);
                return None;
            }
        };
        let before = self.problems.len();
        let mut all = Vec::new();
        for table in tables {
            let clean = self.problems.len();
            let mut places = BTreeMap::new();
            let mut texts = BTreeMap::new();
            for (name, placed) in table {
                let at = moved(&entry.origin, placed.key_at);
                places.insert(name.clone(), (placed.key_at, placed.at));
                match placed.raw {
                    _ if !known.contains(&name.as_str()) => {
                        let suggestion = nearest(&name, known.iter().copied()).map(str::to_owned);
                        self.problem(at, Wrong::Unknown { what: "key", name, suggestion });
                    }
                    Raw::Text(text) => {
                        let text = self.placed(&name, text, &entry.origin);
                        texts.insert(name, text);
                    }
                    other => {
                        let wrong = Wrong::Kind { key: name, got: other.kind(), expected: "text in quotes" };
                        self.problem(moved(&entry.origin, placed.at), wrong);
                    }
                }
            }
            match parse(&texts) {
                Ok(value) => all.push(value),
                Err(message) if self.problems.len() == clean => {
                    let at =
                        place(&message, &places).map_or(entry.origin.clone(), |at| moved(&entry.origin, at));
                    self.problem(at, Wrong::Value { key: key.to_owned(), message });
                }
                Err(_) => {}
            }
        }
        (self.problems.len() == before).then_some(all)
    }

    /// A path in a list, as it counts from the file that says it; any other text as it is.
    fn placed(&self, key: &str, text: String, origin: &Origin) -> String {
        let (at, path) = match text.strip_prefix('@') {
            Some(path) if ["password", "token"].contains(&key) => ("@", path),
            None if FILE_KEYS.contains(&key) => ("", text.as_str()),
            _ => return text,
        };
        let from = match (path.strip_prefix("~/"), &self.home, origin) {
            _ if path.is_empty() => return text,
            (Some(rest), Some(home), _) => home.join(rest),
            (_, _, Origin::File { path: file, .. }) => file.parent().unwrap_or(Path::new("")).join(path),
            _ => return text,
        };
        format!("{at}{}", from.display())
    }

    /// Notes that the value of `key` does not do.
    pub(super) fn wrong_value(&mut self, key: &str, message: String) {
        let origin = self.entries.get(key).map_or(Origin::Default, |e| e.origin.clone());
        self.problem(origin, Wrong::Value { key: key.to_owned(), message });
    }

    fn problem(&mut self, at: Origin, wrong: Wrong) {
        self.problems.push(Problem { at, wrong });
    }

    fn sections(&self) -> Vec<String> {
        let mut all =
            self.entries.keys().filter_map(|k| Some(k.split_once('.')?.0.to_owned())).collect::<Vec<_>>();
        all.dedup();
        all
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Env(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Names in lists, each of which may be there once.
#[derive(Debug, Default)]
pub(super) struct Names(RefCell<Vec<String>>);

impl Names {
    /// Takes a name down; the message says of which tables it is when it was there before.
    pub(super) fn take(&self, name: &str, of: &str) -> Result<(), String> {
        let mut taken = self.0.borrow_mut();
        if taken.iter().any(|other| other == name) {
            return Err(format!("has the name {name:?}, which another {of} has; expected one of its own"));
        }
        taken.push(name.to_owned());
        Ok(())
    }

    /// All that were taken.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

/// The same file, another place in it.
fn moved(origin: &Origin, to: Position) -> Origin {
    match origin {
        Origin::File { path, .. } => Origin::File { path: path.clone(), line: to.line, column: to.column },
        other => other.clone(),
    }
}

/// Where a mistake in a table is: at the value of the key that the message names first, or where the table begins.
fn place(message: &str, places: &BTreeMap<String, (Position, Position)>) -> Option<Position> {
    let mut words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let named = words.find_map(|word| places.get(word)).map(|(_, value)| *value);
    named.or_else(|| places.values().map(|(key, _)| *key).min_by_key(|at| (at.line, at.column)))
}

/// The environment variable of a key or section.
fn variable(key: &str) -> String {
    format!("BOOTGATE_{}", key.replace(['.', '-'], "_").to_uppercase())
}

//! TOML with the place of every key and value kept.

use std::{collections::BTreeMap, fmt, ops::Range};

use toml::de::{DeTable, DeValue};

/// A value as it was written, before a key gives it a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    Number(i64),
    Bool(bool),
    Tables(Vec<BTreeMap<String, Placed>>),
    /// Something that no key takes.
    Other(&'static str),
}

/// A value and where it and its key stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) raw: Raw,
    pub(super) key_at: Position,
    pub(super) at: Position,
}

/// Line and column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A section's name, its place, and its keys; or the value that stood where a section was expected.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) at: Position,
    pub(super) keys: Result<BTreeMap<String, Placed>, &'static str>,
}

impl Raw {
    /// The kind of value, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Tables(_) => "a list of tables",
            Self::Other(kind) => kind,
        }
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // JSON's escapes are a subset of those of a TOML basic string.
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Number(n) => write!(f, "{n}"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Other(kind) => write!(f, "({kind})"),
            Self::Tables(tables) => {
                let inner = |t: &BTreeMap<String, Placed>| {
                    let pairs = t.iter().map(|(k, v)| format!("{k} = {}", v.raw)).collect::<Vec<_>>();
                    format!("{{ {} }}", pairs.join(", "))
                };
                write!(f, "[{}]", tables.iter().map(inner).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Reads a document of sections.
///
/// # Errors
/// The place and the message of the first mistake.
pub(super) fn parse(text: &str) -> Result<Vec<Section>, (Position, String)> {
    let document = DeTable::parse(text).map_err(|error| {
        (position(text, &error.span().unwrap_or(0..0)), error.message().replace('\n', " "))
    })?;
    let sections = document.get_ref().iter().map(|(name, value)| Section {
        name: name.get_ref().to_string(),
        at: position(text, &name.span()),
        keys: match value.get_ref() {
            DeValue::Table(table) => Ok(keys(text, table)),
            other => Err(raw(text, other).kind()),
        },
    });
    Ok(sections.collect())
}

fn keys(text: &str, table: &DeTable<'_>) -> BTreeMap<String, Placed> {
    let placed = table.iter().map(|(key, value)| {
        let raw = raw(text, value.get_ref());
        let (key_at, at) = (position(text, &key.span()), position(text, &value.span()));
        (key.get_ref().to_string(), Placed { raw, key_at, at })
    });
    placed.collect()
}

fn raw(text: &str, value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(s) => Raw::Text(s.to_string()),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
            .map_or(Raw::Other("a number out of range"), Raw::Number),
        DeValue::Float(_) => Raw::Other("a fraction"),
        DeValue::Boolean(b) => Raw::Bool(*b),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a table"),
        DeValue::Array(items) => {
            let tables = items.iter().map(|item| match item.get_ref() {
                DeValue::Table(table) => Some(keys(text, table)),
                _ => None,
            });
            tables.collect::<Option<Vec<_>>>().map_or(Raw::Other("a list of values"), Raw::Tables)
        }
    }
}

fn position(text: &str, span: &Range<usize>) -> Position {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
    }
}

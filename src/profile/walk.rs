//! The walk over a parsed TOML document that finds every problem in it instead of stopping at the first.
//!
//! A reader of the model asks a [`Section`] for its keys and [`Notes`] for what the values mean; both note what is
//! wrong, with its place, and give `None`, so that the reader goes on. Only when nothing was noted is the model
//! used.

use std::collections::HashMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    lint::Warning,
    problem::{Position, Problem, ProblemKind},
};
use crate::ident::nearest;

/// Where the entries of a profile stand in its text, by path: `dm-account.address`, `nap[0].id`.
#[derive(Debug, Clone, Default)]
pub struct Positions(HashMap<String, Position>);

impl Positions {
    /// True when an entry stands in the text.
    pub fn knows(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The place of an entry, or of the nearest thing around it that stands in the text.
    pub fn of(&self, path: &str) -> Position {
        let mut path = path;
        loop {
            if let Some(found) = self.0.get(path) {
                return *found;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or(""),
                None => return Position { line: 1, column: 1 },
            }
        }
    }
}

/// What was found on the walk.
pub(super) struct Notes<'i> {
    text: &'i str,
    problems: Vec<Problem>,
    positions: Positions,
}

/// One table of the document.
pub(super) struct Section<'a, 'i> {
    table: &'a DeTable<'i>,
    place: &'static str,
    path: String,
    at: usize,
    /// Keys that unknown ones were probably meant to be: they are not missing too.
    misspelt: Vec<&'static str>,
}

/// One value of the document.
pub(super) struct Value<'a, 'i> {
    /// The key that it stands behind.
    pub(super) key: String,
    pub(super) path: String,
    pub(super) at: usize,
    pub(super) value: &'a DeValue<'i>,
}

impl<'a, 'i> Section<'a, 'i> {
    /// Starts on a table that may have `keys`, and notes all others.
    pub(super) fn open(
        n: &mut Notes<'i>,
        table: &'a DeTable<'i>,
        place: &'static str,
        path: String,
        at: usize,
        keys: &'static [&'static str],
    ) -> Self {
        n.place(&path, at);
        let mut misspelt = Vec::new();
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                let suggestion = nearest(name, keys.iter().copied());
                misspelt.extend(suggestion);
                let (key_text, expected) = (shortened(name), keys.join(", "));
                let kind = ProblemKind::UnknownKey { key: key_text, place, expected, suggestion };
                n.note(key.span().start, kind);
            }
        }
        Self { table, place, path, at, misspelt }
    }

    /// The value of a key that may be absent.
    pub(super) fn optional(&self, key: &'static str) -> Option<Value<'a, 'i>> {
        let value: &Spanned<DeValue<'i>> = self.table.get(key)?;
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Value { key: key.to_owned(), path, at: value.span().start, value: value.get_ref() })
    }

    /// The value of a key that must be there.
    pub(super) fn require(
        &self,
        n: &mut Notes<'i>,
        key: &'static str,
        expected: &'static str,
    ) -> Option<Value<'a, 'i>> {
        let found = self.optional(key);
        if found.is_none() && !self.misspelt.contains(&key) {
            n.note(self.at, ProblemKind::MissingKey { key, place: self.place, expected });
        }
        found
    }

    /// The `id` of each table in an array of tables, without any check: for looking ahead.
    pub(super) fn inner_ids(&self, key: &'static str) -> Vec<Value<'a, 'i>> {
        let array = self.table.get(key).and_then(|v| v.get_ref().as_array());
        let tables = array.into_iter().flatten().filter_map(|e| e.get_ref().as_table());
        let id = |t: &'a DeTable<'i>| {
            let value = t.get("id")?;
            let (key, path) = ("id".to_owned(), String::new());
            Some(Value { key, path, at: value.span().start, value: value.get_ref() })
        };
        tables.filter_map(id).collect()
    }
}

impl Value<'_, '_> {
    /// The text, if it is text, without any check: for looking ahead.
    pub(super) fn peek_text(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// True for a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// True for an array.
    pub(super) fn is_array(&self) -> bool {
        self.value.is_array()
    }

    /// True for an array without entries.
    pub(super) fn is_empty_array(&self) -> bool {
        self.value.as_array().is_some_and(|a| a.is_empty())
    }

    /// True for `false`.
    pub(super) fn is_false(&self) -> bool {
        self.value.as_bool() == Some(false)
    }
}

impl<'i> Notes<'i> {
    pub(super) fn new(text: &'i str) -> Self {
        Self { text, problems: Vec::new(), positions: Positions::default() }
    }

    /// All that was noted, in the order of the text, and where things stand.
    pub(super) fn finish(mut self) -> (Vec<Problem>, Positions) {
        self.problems.sort_by_key(|p| p.position);
        (self.problems, self.positions)
    }

    /// Notes a problem at an octet of the text.
    pub(super) fn note(&mut self, at: usize, kind: ProblemKind) {
        let position = self.position(at);
        self.problems.push(Problem { position, kind });
    }

    /// Notes a problem with a value.
    pub(super) fn at(&mut self, v: &Value<'_, 'i>, kind: ProblemKind) {
        self.note(v.at, kind);
    }

    /// Notes that a value breaks a rule of its own.
    pub(super) fn invalid(&mut self, v: &Value<'_, 'i>, why: impl Into<String>) {
        self.at(v, ProblemKind::Invalid { key: v.key.clone(), why: why.into() });
    }

    /// Remembers where an entry stands.
    pub(super) fn place(&mut self, path: &str, at: usize) {
        let position = self.position(at);
        self.positions.0.insert(path.to_owned(), position);
    }

    /// Where a value stands.
    pub(super) fn position_of(&self, v: &Value<'_, 'i>) -> Position {
        self.position(v.at)
    }

    fn position(&self, at: usize) -> Position {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(line_start..).map_or(0, |l| l.chars().count()) + 1;
        Position { line: before.matches('\n').count() + 1, column }
    }
}

/// Puts warnings to their places.
pub(super) fn placed(positions: &Positions, path: &str, warning: Warning) -> Problem {
    Problem { position: positions.of(path), kind: ProblemKind::Meaning(warning) }
}

/// At most 40 characters of what was written, for a message.
pub(super) fn shortened(text: &str) -> String {
    let mut out: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().count() > 40 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let n = Notes::new("ä = 1\r\nbß = 2\n");
        assert_eq!(n.position(0), Position { line: 1, column: 1 });
        assert_eq!(n.position(12), Position { line: 2, column: 4 });
        assert_eq!(n.position(999), Position { line: 3, column: 1 });
    }

    #[test]
    fn a_path_without_a_place_has_that_of_what_is_around_it() {
        let here = Position { line: 7, column: 3 };
        let p = Positions(HashMap::from([("nap[0]".to_owned(), here)]));
        assert_eq!(p.of("nap[0].auth[1].name"), here);
        assert_eq!(p.of("other"), Position { line: 1, column: 1 });
    }
}

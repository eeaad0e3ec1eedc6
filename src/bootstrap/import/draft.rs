//! A profile being written: TOML, block by block, line by line, each with what it was made from. What the reader of
//! profiles will not have is taken out again and named, until nothing is left that it complains about.

use crate::profile::{self, Severity};

/// A profile being written.
#[derive(Default)]
pub(super) struct Draft(Vec<Block>);

/// A table: its header, and its keys.
pub(super) struct Block {
    /// `[nap]`-like header; empty for the top.
    header: String,
    /// What it was made from.
    place: String,
    lines: Vec<Line>,
}

struct Line {
    key: &'static str,
    /// The parameter that it was made from.
    from: String,
    value: Value,
}

enum Value {
    One(String),
    Many(Vec<String>),
}

/// What a line of the text is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    block: usize,
    line: Option<usize>,
    entry: Option<usize>,
}

impl Block {
    pub(super) fn new(header: &str, place: &str) -> Self {
        Self { header: header.to_owned(), place: place.to_owned(), lines: Vec::new() }
    }

    /// Adds a key with a value that is TOML already.
    pub(super) fn put(&mut self, key: &'static str, from: &str, value: impl Into<String>) {
        self.lines.push(Line { key, from: from.to_owned(), value: Value::One(value.into()) });
    }

    /// Adds a key with an array, unless it would be empty.
    pub(super) fn put_all(&mut self, key: &'static str, from: &str, values: Vec<String>) {
        if !values.is_empty() {
            self.lines.push(Line { key, from: from.to_owned(), value: Value::Many(values) });
        }
    }

    /// True as long as it has no keys.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The names of its tables, outermost first.
    fn path(&self) -> &str {
        self.header.trim_matches(['[', ']'])
    }
}

impl Draft {
    pub(super) fn push(&mut self, block: Block) {
        self.0.push(block);
    }

    /// Adds a key to the nth of the tables with that header, if there are as many.
    pub(super) fn put_in(&mut self, header: &str, nth: usize, key: &'static str, from: &str, value: String) {
        if let Some(block) = self.0.iter_mut().filter(|b| b.header == header).nth(nth) {
            block.put(key, from, value);
        }
    }

    /// The text of a profile without errors. What had to go is named in `losses`; none if the reader cannot be satisfied.
    pub(super) fn settle(mut self, losses: &mut Vec<String>) -> Option<String> {
        loop {
            let (text, origins) = self.render();
            let problems = profile::check(&text).problems;
            let mut gone: Vec<(Origin, String)> = Vec::new();
            for problem in problems.iter().filter(|p| p.severity() == Severity::Error) {
                let origin = *origins.get(problem.position.line.checked_sub(1)?)?;
                if gone.iter().all(|(o, _)| *o != origin) {
                    gone.push((origin, problem.kind.to_string()));
                }
            }
            if gone.is_empty() {
                return Some(text);
            }
            // From the end, so that what is still to go keeps its place.
            gone.sort_by(|(a, _), (b, _)| b.cmp(a));
            let mut named = Vec::new();
            for (origin, why) in gone {
                let place = self.remove(origin)?;
                named.push(format!("{place}: {why}"));
            }
            losses.extend(named.into_iter().rev());
        }
    }

    /// Takes something out and says what it was made from.
    fn remove(&mut self, origin: Origin) -> Option<String> {
        let block = self.0.get_mut(origin.block)?;
        let Some(at) = origin.line else {
            let place = block.place.clone();
            let inside = format!("{}.", block.path());
            let behind = self.0.iter().skip(origin.block + 1);
            let length = 1 + behind.take_while(|b| b.path().starts_with(&inside)).count();
            self.0.drain(origin.block..origin.block + length);
            return Some(place);
        };
        let line = block.lines.get_mut(at)?;
        let place = format!("{}/{}", block.place, line.from);
        match (&mut line.value, origin.entry) {
            (Value::Many(values), Some(entry)) if values.len() > 1 && entry < values.len() => {
                values.remove(entry);
            }
            _ => {
                block.lines.remove(at);
            }
        }
        Some(place)
    }

    /// The text, and what each of its lines is.
    fn render(&self) -> (String, Vec<Origin>) {
        let mut text = String::new();
        let mut origins = Vec::new();
        for (at, block) in self.0.iter().enumerate() {
            let whole = Origin { block: at, line: None, entry: None };
            if !block.header.is_empty() {
                text += &format!("\n{}\n", block.header);
                origins.extend([whole, whole]);
            }
            for (n, line) in block.lines.iter().enumerate() {
                let of_line = Origin { line: Some(n), ..whole };
                match &line.value {
                    Value::One(value) => {
                        text += &format!("{} = {value}\n", line.key);
                        origins.push(of_line);
                    }
                    Value::Many(values) if values.len() == 1 => {
                        text += &format!("{} = [{}]\n", line.key, values.concat());
                        origins.push(of_line);
                    }
                    Value::Many(values) => {
                        text += &format!("{} = [\n", line.key);
                        origins.push(of_line);
                        for (entry, value) in values.iter().enumerate() {
                            text += &format!("    {value},\n");
                            origins.push(Origin { entry: Some(entry), ..of_line });
                        }
                        text += "]\n";
                        origins.push(of_line);
                    }
                }
            }
        }
        (text, origins)
    }
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text in which braces are no placeholders.
pub(super) fn literal(text: &str) -> String {
    quoted(&text.replace('{', "{{").replace('}', "}}"))
}

/// A secret, marked as one that can be read.
pub(super) fn plain(text: &str) -> String {
    format!("{{ plain = {} }}", quoted(text))
}

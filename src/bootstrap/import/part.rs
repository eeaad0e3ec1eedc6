//! A characteristic of which one parameter after the other is taken, so that what nobody took can be named.

use crate::wire::prov::{Characteristic, Item, Parm};

use super::draft::{Block, literal, plain, quoted};

/// A characteristic, its place, and what was taken of it.
pub(super) struct Part<'a> {
    pub(super) c: &'a Characteristic,
    pub(super) place: String,
    taken: Vec<&'static str>,
}

/// How a value is written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// As text.
    Text,
    /// As text with placeholders, of which there are none.
    Name,
    /// As a secret that can be read.
    Secret,
    /// As a whole number.
    Number,
    /// As a whole number that the document writes in hexadecimal digits.
    Hex,
    /// As true or false, from 1 or 0.
    Switch,
}

impl<'a> Part<'a> {
    pub(super) fn new(c: &'a Characteristic, place: String) -> Self {
        Self { c, place, taken: Vec::new() }
    }

    /// The characteristics of a type in it.
    pub(super) fn inner(&mut self, kind: &'static str) -> Vec<Self> {
        self.taken.push(kind);
        let part =
            |(at, c): (usize, &'a Characteristic)| Self::new(c, format!("{}/{kind}[{}]", self.place, at + 1));
        self.c.inner(kind).enumerate().map(part).collect()
    }

    /// The first value of a parameter; an empty one says nothing.
    pub(super) fn take(&mut self, losses: &mut Vec<String>, name: &'static str) -> Option<&'a str> {
        let values = self.all(name);
        if values.len() > 1 {
            losses.push(format!("{}/{name}: stands more than once; the first counts", self.place));
        }
        values.first().copied()
    }

    /// All values of a parameter that are not empty.
    pub(super) fn all(&mut self, name: &'static str) -> Vec<&'a str> {
        self.taken.push(name);
        let named = |p: &&'a Parm| p.name == name;
        self.c.parms().filter(named).filter_map(|p| p.value.as_deref()).filter(|v| !v.is_empty()).collect()
    }

    /// True when the parameter stands there.
    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        self.taken.push(name);
        self.c.parms().any(|p| p.name == name)
    }

    /// Puts a parameter behind a key.
    pub(super) fn put(
        &mut self,
        block: &mut Block,
        losses: &mut Vec<String>,
        key: &'static str,
        name: &'static str,
        form: Form,
    ) {
        if let Some(value) = self.take(losses, name) {
            block.put(key, name, written(value, form));
        }
    }

    /// Puts all values of a parameter behind a key.
    pub(super) fn put_all(&mut self, block: &mut Block, key: &'static str, name: &'static str, form: Form) {
        let values = self.all(name).into_iter().map(|v| written(v, form)).collect();
        block.put_all(key, name, values);
    }

    /// Puts `true` behind a key when the parameter stands there.
    pub(super) fn put_flag(&mut self, block: &mut Block, key: &'static str, name: &'static str) {
        if self.flag(name) {
            block.put(key, name, "true");
        }
    }

    /// Puts what nobody took into tables of `parameters` below `header`.
    pub(super) fn parameters(&mut self, header: &str) -> Vec<Block> {
        let mut out = Vec::new();
        for p in self.c.parms().filter(|p| !self.taken.contains(&p.name.as_str())) {
            let mut block =
                Block::new(&format!("[[{header}.parameters]]"), &format!("{}/{}", self.place, p.name));
            block.put("name", "", quoted(&p.name));
            if let Some(value) = p.value.as_deref().filter(|v| !v.is_empty()) {
                let form = if is_secret(&p.name) { Form::Secret } else { Form::Text };
                block.put("value", "", written(value, form));
            }
            out.push(block);
        }
        out
    }

    /// Names what nobody took. `parameters` says that the parameters among it were.
    pub(super) fn finish(self, losses: &mut Vec<String>, parameters: Rest) {
        for item in &self.c.items {
            let name = match item {
                Item::Parm(p) if parameters == Rest::Named => p.name.as_str(),
                Item::Characteristic(c) => c.kind.as_str(),
                Item::Parm(_) => continue,
            };
            if !self.taken.contains(&name) {
                losses.push(format!("{}/{name}: a profile has no place for it", self.place));
            }
        }
    }
}

/// What becomes of parameters that nobody took.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// They are named as lost.
    Named,
    /// They stand in the profile as `parameters`.
    Kept,
}

/// True for the names under which secrets stand.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.ends_with("PW") || ["SECRET", "PASSW", "PWD"].iter().any(|w| name.contains(w))
}

fn written(value: &str, form: Form) -> String {
    let digits = |radix| value.len() < 10 && value.chars().all(|c| c.is_digit(radix));
    match form {
        Form::Name => literal(value),
        Form::Secret => plain(value),
        Form::Hex if digits(16) => format!("0x{value}"),
        Form::Switch if value == "1" => "true".into(),
        Form::Switch if value == "0" => "false".into(),
        Form::Number if value.len() < 11 => match value.parse::<u32>() {
            Ok(number) => number.to_string(),
            Err(_) => quoted(value),
        },
        // What is not of the form stays text, for the reader of profiles to refuse.
        Form::Text | Form::Number | Form::Hex | Form::Switch => quoted(value),
    }
}

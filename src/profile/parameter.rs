//! `parameters`: what an application or a vendor has beyond the parameters that all share, as name and value.

use std::fmt;

use super::{
    problem::ProblemKind,
    secret,
    walk::{Notes, Section, Value},
};

/// A parameter by its name in the document.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, upper case in nearly all documents.
    pub name: String,
    /// Its value; none for a flag.
    pub value: Option<String>,
}

/// Keys of an entry of `parameters`.
pub(super) const KEYS: &[&str] = &["name", "value"];

const MAX_NAME: usize = 128;
/// No limit is known; this one is ours.
const MAX_VALUE: usize = 1024;

impl fmt::Debug for Parameter {
    /// The name only: the value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.value.is_some() { "=…" } else { "" })
    }
}

impl Parameter {
    /// True for the names under which secrets stand.
    pub fn is_secret(&self) -> bool {
        let name = self.name.to_ascii_uppercase();
        name.ends_with("PW") || ["SECRET", "PASSW", "PWD"].iter().any(|w| name.contains(w))
    }
}

/// Reads `parameters`; those in `taken` have a key of their own.
pub(super) fn read<'i>(
    n: &mut Notes<'i>,
    v: &Value<'_, 'i>,
    taken: &[(&'static str, &'static str)],
) -> Vec<Parameter> {
    let entries = n.sections(v, usize::MAX, "an entry of `parameters`", KEYS);
    entries.iter().filter_map(|s| read_one(n, s, taken)).collect()
}

fn read_one<'i>(
    n: &mut Notes<'i>,
    s: &Section<'_, 'i>,
    taken: &[(&'static str, &'static str)],
) -> Option<Parameter> {
    let v = s.require(n, "name", "the name of the parameter, for example \"FROM\"")?;
    let name = n.text(&v, MAX_NAME, "the name of the parameter")?;
    if let Some((_, key)) = taken.iter().find(|(t, _)| *t == name) {
        n.invalid(&v, format!("{name} has a key of its own; expected it as `{key}`"));
        return None;
    }
    let mut parameter = Parameter { name, value: None };
    if let Some(v) = s.optional("value") {
        parameter.value = Some(if v.is_table() {
            secret::plain(n, &v)?.expose().to_owned()
        } else if parameter.is_secret() {
            const EXPECTED: &str = "{ plain = \"…\" }";
            let (key, suggestion) = (v.key.clone(), None);
            n.at(&v, ProblemKind::UnmarkedSecret { key, expected: EXPECTED, suggestion });
            return None;
        } else {
            n.text(&v, MAX_VALUE, "a value; a flag has none")?
        });
    }
    Some(parameter)
}

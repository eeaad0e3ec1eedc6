//! What a row says to a script: values of its variables, by name.

use std::{collections::BTreeMap, fmt};

use zeroize::Zeroizing;

/// Values of variables and keys, by the names that a script declares. `Debug` shows names alone: a value may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, Zeroizing<String>>);

impl Values {
    /// No value yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a name its value, in place of one that it has.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), Zeroizing::new(value.to_owned()));
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }

    /// These, and over them `others`.
    #[must_use]
    pub fn over(&self, others: &Self) -> Self {
        let mut all = self.clone();
        all.0.extend(others.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        all
    }

    /// All of them, in the order of their names.
    pub fn all(&self) -> &BTreeMap<String, Zeroizing<String>> {
        &self.0
    }
}

impl From<BTreeMap<String, Zeroizing<String>>> for Values {
    fn from(values: BTreeMap<String, Zeroizing<String>>) -> Self {
        Self(values)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_later_counts_and_no_value_is_shown() {
        let (mut row, mut given) = (Values::new(), Values::new());
        row.set("N", "1");
        row.set("KI", "MARKED");
        given.set("N", "2");
        let both = row.over(&given);
        assert_eq!((both.get("N"), both.get("KI"), both.get("M")), (Some("2"), Some("MARKED"), None));
        assert_eq!(format!("{both:?}"), r#"{"KI", "N"}"#);
    }
}

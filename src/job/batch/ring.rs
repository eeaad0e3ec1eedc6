//! A table as a source of keys: what it says of a card, whoever asks.

use std::collections::HashMap;

use super::{CellOpener, Columns, Report};
use crate::{
    card::{Key, KeyId, KeyRing, KeyRingError},
    ident::{Iccid, counted},
};

/// The keys of a table, by card.
pub struct TableRing {
    name: String,
    rows: HashMap<Iccid, Held>,
}

/// What a table holds of a card.
struct Held {
    line: u64,
    keys: Vec<Key>,
    allow_once: bool,
}

impl TableRing {
    /// Reads a table. `name` is what people call it: its file.
    ///
    /// # Errors
    /// [`KeyRingError::Unusable`] when it has errors, or does not name its cards.
    pub fn read(
        name: &str,
        octets: &[u8],
        columns: &Columns,
        opener: &dyn CellOpener,
    ) -> Result<Self, KeyRingError> {
        let name = format!("table {name}");
        let (batch, report) = Report::of_sealed_table(octets, columns, opener);
        let unusable = |why: String| KeyRingError::Unusable { ring: name.clone(), why };
        if !report.is_sound() {
            let errors = report.problems.iter().filter(|p| p.severity == super::Severity::Error);
            let first = errors.clone().next().map(ToString::to_string).unwrap_or_default();
            return Err(unusable(match errors.count() {
                0 | 1 => format!("line {first}"),
                n => format!("line {first} (and {} more)", counted(n - 1, "error")),
            }));
        }
        let mut rows = HashMap::new();
        for row in batch.rows {
            let card = row.subscriber.iccid.ok_or_else(|| unusable("it has no column iccid".into()))?;
            rows.insert(card, Held { line: row.line, keys: row.keys, allow_once: row.allow_once });
        }
        Ok(Self { name, rows })
    }
}

impl KeyRing for TableRing {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn keys_of(&self, card: &Iccid) -> Result<Vec<Key>, KeyRingError> {
        Ok(self.rows.get(card).map(|row| row.keys.clone()).unwrap_or_default())
    }

    fn place_of(&self, card: &Iccid, key: KeyId) -> String {
        let column = key.name().unwrap_or("?");
        match self.rows.get(card) {
            Some(row) => format!("column {column} in line {} of {}", row.line, self.name),
            None => format!("column {column} of {}, which has no row for the card", self.name),
        }
    }

    fn allows_once(&self, card: &Iccid) -> bool {
        self.rows.get(card).is_some_and(|row| row.allow_once)
    }
}

impl std::fmt::Debug for TableRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TableRing({}, {} cards)", self.name, self.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::NoOpener, *};

    #[test]
    fn a_card_has_the_keys_of_its_row() {
        let read = |text: &str| TableRing::read("k.csv", text.as_bytes(), &Columns::default(), &NoOpener);
        let ring = read("iccid,adm1,adm6\n89490200001234567892,MARKED-A,MARKED-B\n").unwrap();
        assert_eq!(ring.keys_of(&"89490200001234567892".parse().unwrap()).unwrap().len(), 2);
        assert_eq!(ring.keys_of(&"89490200001234567900".parse().unwrap()).unwrap().len(), 0);
        let place = |card: &str| ring.place_of(&card.parse().unwrap(), KeyId::named("adm2").unwrap());
        assert_eq!(place("89490200001234567892"), "column adm2 in line 2 of table k.csv");
        assert!(place("89490200001234567900").contains("has no row for the card"));
        assert_eq!(format!("{ring:?}"), "TableRing(table k.csv, 1 cards)");
        let once = read(
            "iccid,adm1,allow-once\n89490200001234567892,MARKED-A,yes\n89490200001234567900,MARKED-B,\n",
        );
        let once = once.unwrap();
        assert!(once.allows_once(&"89490200001234567892".parse().unwrap()));
        assert!(!once.allows_once(&"89490200001234567900".parse().unwrap()));
        let error = read("iccid,adm1\n89490200001234567892,MARKED-AA\nx,y\n").unwrap_err().to_string();
        assert!(
            error.contains("table k.csv") && error.contains("line 2") && error.contains("errors more"),
            "{error}"
        );
        assert!(!error.contains("MARKED"));
        assert!(read("adm1\nMARKED-A\n").unwrap_err().to_string().contains("no column iccid"));
    }
}

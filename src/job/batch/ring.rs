//! A table as a source of keys: what it says of a card, whoever asks.

use std::collections::HashMap;

use super::{CellOpener, Columns, Report};
use crate::{
    card::{Key, KeyRing, KeyRingError},
    ident::Iccid,
};

/// The keys of a table, by card.
pub struct TableRing {
    name: String,
    keys: HashMap<Iccid, Vec<Key>>,
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
                n => format!("line {first} (and {} errors more)", n - 1),
            }));
        }
        let mut keys = HashMap::new();
        for row in batch.rows {
            let card = row.subscriber.iccid.ok_or_else(|| unusable("it has no column iccid".into()))?;
            keys.insert(card, row.keys);
        }
        Ok(Self { name, keys })
    }
}

impl KeyRing for TableRing {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn keys_of(&self, card: &Iccid) -> Result<Vec<Key>, KeyRingError> {
        Ok(self.keys.get(card).cloned().unwrap_or_default())
    }
}

impl std::fmt::Debug for TableRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TableRing({}, {} cards)", self.name, self.keys.len())
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
        assert_eq!(format!("{ring:?}"), "TableRing(table k.csv, 1 cards)");
        let error = read("iccid,adm1\n89490200001234567892,MARKED-AA\nx,y\n").unwrap_err().to_string();
        assert!(
            error.contains("table k.csv") && error.contains("line 2") && error.contains("errors more"),
            "{error}"
        );
        assert!(!error.contains("MARKED"));
        assert!(read("adm1\nMARKED-A\n").unwrap_err().to_string().contains("no column iccid"));
    }
}

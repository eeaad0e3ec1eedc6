//! Which family a device belongs to, by the type allocation code that its IMEI begins with (3GPP TS 23.003, section
//! 6.2.1). The table is the operator's: two columns, `TAC,family`.

use std::collections::BTreeMap;

use crate::ident::Imei;

use super::Quirks;

/// Type allocation codes and the families of devices that they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TacTable(BTreeMap<String, String>);

/// What is wrong with a table. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TacError {
    /// A line that does not have two columns.
    #[error("line {line}: expected two columns, TAC,family")]
    Columns {
        /// The line.
        line: usize,
    },
    /// A first column that is not 8 digits.
    #[error("line {line}: the TAC is not 8 digits")]
    Tac {
        /// The line.
        line: usize,
    },
    /// A family that no rule knows.
    #[error("line {line}: unknown family \"{family}\"; expected one of {expected}")]
    Family {
        /// The line.
        line: usize,
        /// What stands there.
        family: String,
        /// The families.
        expected: String,
    },
    /// A code that stood before with another family.
    #[error("line {line}: the TAC stood before, with another family")]
    Doubled {
        /// The line.
        line: usize,
    },
}

impl TacTable {
    /// Reads a table. Empty lines and those that begin with `#` do not count, nor does a head line `TAC,family`.
    ///
    /// # Errors
    /// [`TacError`] for the first bad line.
    pub fn parse(text: &str, quirks: &Quirks) -> Result<Self, TacError> {
        let mut out = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let (at, line) = (at + 1, line.trim_start_matches('\u{FEFF}').trim());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (tac, family) = line.split_once(',').ok_or(TacError::Columns { line: at })?;
            let (tac, family) = (bare(tac), bare(family));
            if tac.eq_ignore_ascii_case("tac") && out.is_empty() {
                continue;
            }
            if tac.len() != 8 || !tac.bytes().all(|b| b.is_ascii_digit()) {
                return Err(TacError::Tac { line: at });
            }
            let Some(found) = quirks.family(family) else {
                let expected = quirks.families().iter().map(|f| f.id.as_str()).collect::<Vec<_>>().join(", ");
                return Err(TacError::Family {
                    line: at,
                    family: family.chars().take(40).collect(),
                    expected,
                });
            };
            let old = out.insert(tac.to_owned(), found.id.clone());
            if old.is_some_and(|old| old != found.id) {
                return Err(TacError::Doubled { line: at });
            }
        }
        Ok(Self(out))
    }

    /// How many codes it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True for a table without codes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The family of a device.
    pub fn family(&self, imei: &Imei) -> Option<&str> {
        imei.digits().get(..8).and_then(|tac| self.0.get(tac)).map(String::as_str)
    }
}

fn bare(cell: &str) -> &str {
    cell.trim().trim_matches('"').trim()
}

//! A script that is run for each card of a batch: its variables have their values from the card's row, its keys come from there or
//! from sources of keys.

use std::{collections::BTreeMap, fmt, fmt::Write as _, sync::Arc};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Row, Values};
use crate::{
    card::{
        Key, KeyId, KeyRingError, KeyRings,
        script::{Backups, declared_keys},
    },
    ident::{Fingerprint, FingerprintKey, Iccid},
    wire::script::{Checked, Need, Statement, check, parse},
};

/// A script and what it is run with.
#[derive(Clone)]
pub struct ScriptWork {
    /// What people call it: its file.
    pub name: String,
    /// Its text.
    pub text: Vec<u8>,
    /// Values that are the same for every card. They go before those of rows.
    pub given: Values,
    /// Where keys come from that neither the row nor `given` has.
    pub rings: KeyRings,
    /// Whether it is run also on cards on which it came to its end before.
    pub again: bool,
    /// Where old content goes before it is changed; none: it is not kept.
    pub backups: Option<Arc<dyn Backups>>,
    /// From where `RES` puts content back.
    pub restores: Option<Arc<dyn Backups>>,
}

/// Why a key that a script presents is not at hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyLack {
    /// What stands for it is none.
    #[error("the value of `{name}` is no key: {why}")]
    Unreadable {
        /// Its name in the script.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// It is in no place that is known.
    #[error("{key} is not given{}", looked(.places))]
    Nowhere {
        /// The key.
        key: KeyId,
        /// Where it was looked for besides the row.
        places: Vec<String>,
    },
    /// A source of keys told none.
    #[error(transparent)]
    Ring(#[from] KeyRingError),
}

fn looked(places: &[String]) -> String {
    if places.is_empty() { String::new() } else { format!(", and not in {}", places.join(", ")) }
}

impl ScriptWork {
    /// A script that is run without more values, keys or backups than its cards' rows bring.
    pub fn new(name: &str, text: Vec<u8>) -> Self {
        let (given, rings) = (Values::new(), KeyRings::default());
        Self { name: name.to_owned(), text, given, rings, again: false, backups: None, restores: None }
    }

    /// The names of the variables and keys that a script declares: what columns of a table may be called.
    pub fn names(text: &[u8]) -> Vec<String> {
        let statements = parse(text).script.statements;
        let name = |statement: &Statement| match statement {
            Statement::Variable(variable) => Some(variable.name.value.clone()),
            Statement::Key(key) => Some(key.name.value.clone()),
            Statement::Puk(puk) => Some(puk.name.value.clone()),
            _ => None,
        };
        statements.iter().filter_map(|statement| name(&statement.value)).collect()
    }

    /// The script with the values of a row, and what is wrong with it.
    pub fn checked(&self, row: &Row) -> Checked {
        check(&self.text, row.values.over(&self.given).all(), Need::Variables)
    }

    /// The script without values: what is wrong with it whatever a row says.
    pub(super) fn checked_alone(&self) -> Checked {
        check(&self.text, &BTreeMap::new(), Need::Nothing)
    }

    /// A key that the script declares, for the card of a row: as it is given by its name, then as the row has it, then as a source
    /// knows it. `card` is the card's number, where it is known; before that, sources are not asked.
    ///
    /// # Errors
    /// [`KeyLack`].
    pub fn key(&self, key: KeyId, name: &str, row: &Row, card: Option<&Iccid>) -> Result<Key, KeyLack> {
        if let Some(text) = self.given.get(name).or_else(|| row.values.get(name)) {
            let read = Key::read(key, text);
            return read.map_err(|why| KeyLack::Unreadable { name: name.to_owned(), why: why.to_string() });
        }
        if let Some(key) = row.keys.iter().find(|known| known.id == key) {
            return Ok(key.clone());
        }
        let Some(card) = card else { return Err(KeyLack::Nowhere { key, places: Vec::new() }) };
        self.rings.key(card, key).map_err(|error| match error {
            KeyRingError::Unknown { places, .. } => KeyLack::Nowhere { key, places },
            other => KeyLack::Ring(other),
        })
    }

    /// What tells that this script was run with these values on this card. Keys are no part of it: one may be mended.
    pub(super) fn mark(&self, key: &FingerprintKey, row: &Row, card: &Iccid) -> Fingerprint {
        let script = self.checked_alone().script;
        let is_key = |name: &str| declared_keys(&script).any(|(_, key)| key == name);
        let digest: String = Sha256::digest(&self.text).iter().map(|octet| format!("{octet:02x}")).collect();
        let mut text = Zeroizing::new(format!("script {digest}\ncard {}\n", card.digits()));
        let values = row.values.over(&self.given);
        for (name, value) in values.all().iter().filter(|(name, _)| !is_key(name)) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} {} {}", value.len(), value.as_str());
        }
        key.of("script was run", &text)
    }
}

impl fmt::Debug for ScriptWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = &self.given;
        f.debug_struct("ScriptWork").field("name", &self.name).field("given", given).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ident::AdmKey, wire::arr::KeyRef};

    const SCRIPT: &str = "REM bootgate 1\nVAR N digits\nVAR LABEL text \"x\"\nKEY 0A ADM\nEFF updates 3F00/6F01 by 0A\n\
                          RST\nVER 0A\nPUT 3F00/6F01 bcd-swap(${N}) ${LABEL}\nOFF\n";

    fn work() -> ScriptWork {
        ScriptWork::new("a.scr", SCRIPT.into())
    }

    fn row(values: &[(&str, &str)]) -> Row {
        let mut row = Row::default();
        values.iter().for_each(|(name, value)| row.values.set(name, value));
        row
    }

    #[test]
    fn a_key_is_taken_from_the_nearest_place() {
        let (mut work, card) = (work(), "89490200001234567892".parse().unwrap());
        let checked = work.checked(&row(&[("N", "12")]));
        assert!(checked.is_sound(), "{:?}", checked.problems);
        let (id, name) = declared_keys(&checked.script).next().unwrap();
        let octets =
            |row: &Row, work: &ScriptWork| work.key(id, name, row, Some(&card)).map(|k| k.expose().to_vec());
        let adm = |text: &str| text.parse::<AdmKey>().unwrap().expose().to_vec();
        let lack = octets(&row(&[]), &work).unwrap_err();
        assert_eq!(lack, KeyLack::Nowhere { key: KeyRef::ADM1.into(), places: Vec::new() });
        let mut other = row(&[]);
        other.keys.push(Key::adm(KeyRef::ADM1, "MARKED-A".parse().unwrap()));
        assert_eq!(octets(&other, &work), Ok(adm("MARKED-A")));
        other.values.set("ADM", "MARKED-B");
        assert_eq!(octets(&other, &work), Ok(adm("MARKED-B")));
        work.given.set("ADM", "MARKED-C");
        assert_eq!(octets(&other, &work), Ok(adm("MARKED-C")));
        work.given.set("ADM", "MARKED-TOO-LONG");
        let lack = octets(&other, &work).unwrap_err().to_string();
        assert!(lack.contains("`ADM` is no key") && !lack.contains("MARKED"), "{lack}");
        assert!(!format!("{work:?}").contains("MARKED"));
    }

    #[test]
    fn a_mark_stands_for_a_script_a_card_and_its_values() {
        let key = FingerprintKey::new(Zeroizing::new([7; 32]));
        let (work, card) = (work(), "89490200001234567892".parse::<Iccid>().unwrap());
        let mark = |work: &ScriptWork, values: &[(&str, &str)]| work.mark(&key, &row(values), &card);
        let first = mark(&work, &[("N", "12")]);
        assert_eq!(first, mark(&work, &[("N", "12"), ("ADM", "MARKED-A")]), "a key that was mended");
        assert_ne!(first, mark(&work, &[("N", "13")]));
        assert_ne!(first, mark(&work, &[("N", "12"), ("LABEL", "y")]));
        let other = ScriptWork { text: SCRIPT.replace("OFF", "RST").into(), ..work.clone() };
        assert_ne!(first, mark(&other, &[("N", "12")]));
        let another = "89490200001234567900".parse().unwrap();
        assert_ne!(first, work.mark(&key, &row(&[("N", "12")]), &another));
    }
}

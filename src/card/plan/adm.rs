//! Which administrative key a card means: the one that it says, never one that is guessed from numbers.
//!
//! | what the card says                    | the key                                                                  |
//! |---------------------------------------|--------------------------------------------------------------------------|
//! | a reference (ETSI TS 102 221, 9.2.7)  | that one                                                                 |
//! | a level of class A0                   | the one of the same number, if it is at hand; else the one that was named |
//! | that some key is asked for            | the one that was named; else the only one at hand                        |
//!
//! A key that goes to the card for nothing is a try that is risked for nothing; so where that leaves a choice, nothing is planned.

use crate::{
    card::{Key, UnknownRights, rights::is_administrative},
    wire::arr::KeyRef,
};

/// The administrative keys that a plan may ask for: which are at hand, and which somebody has named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdmKeys {
    named: Vec<KeyRef>,
    held: Vec<KeyRef>,
}

impl AdmKeys {
    /// None is at hand, and none is named.
    pub const NONE: &'static Self = &Self { named: Vec::new(), held: Vec::new() };

    /// Those among `keys`, of which `named` were named by their references. PINs and PUKs are none; a key that was named is one,
    /// whatever its number: some cards have theirs where others have PINs.
    pub fn new(named: &[KeyRef], keys: &[Key]) -> Self {
        let references = keys.iter().filter_map(|key| key.id.reference());
        Self::of(named, references)
    }

    /// The same where the references of the keys are known, and not yet the keys.
    pub fn of(named: &[KeyRef], held: impl IntoIterator<Item = KeyRef>) -> Self {
        let mut this = Self { named: named.to_vec(), held: Vec::new() };
        for key in held {
            if (is_administrative(key) || named.contains(&key)) && !this.held.contains(&key) {
                this.held.push(key);
            }
        }
        this
    }

    /// The one key that was named. Of several none is.
    fn one_named(&self) -> Option<KeyRef> {
        only(&self.named)
    }

    /// The keys that are taken where access rules leave a choice.
    pub(super) fn held(&self) -> Vec<KeyRef> {
        let mut keys = self.held.clone();
        keys.extend(self.named.iter().filter(|key| !self.held.contains(key)));
        if keys.is_empty() { vec![KeyRef::ADM1] } else { keys }
    }

    /// Whether a key that access rules name may guard a file that is created: one that is at hand or was named; without any, every
    /// administrative one.
    pub(super) fn is_ours(&self, key: KeyRef) -> bool {
        match (self.held.as_slice(), self.named.as_slice()) {
            ([], []) => is_administrative(key),
            (held, named) => held.contains(&key) || named.contains(&key),
        }
    }

    /// The key where access rules say that one is asked for, and not which.
    pub(in crate::card) fn unnumbered(&self) -> Option<KeyRef> {
        self.one_named().or_else(|| only(&self.held))
    }

    /// The key of a level of class A0. Without any at hand it is the one of the same number, which is to be given then.
    ///
    /// # Errors
    /// [`UnknownRights::LevelNotNamed`]: keys are at hand, of which none has that number, and none was named.
    pub(super) fn of_level(&self, level: KeyRef) -> Result<KeyRef, UnknownRights> {
        if self.held.contains(&level) {
            return Ok(level);
        }
        match self.one_named() {
            Some(named) => Ok(named),
            None if self.held.is_empty() => Ok(level),
            None => Err(UnknownRights::LevelNotNamed { level: level.0 }),
        }
    }
}

/// The only one of a list.
fn only(keys: &[KeyRef]) -> Option<KeyRef> {
    match keys {
        [key] => Some(*key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::KeyId;

    fn keys(of: &[u8]) -> AdmKeys {
        AdmKeys::of(&[], of.iter().copied().map(KeyRef))
    }

    /// PINs have numbers above 0A, too.
    #[test]
    fn a_pin_and_a_puk_are_no_administrative_keys() {
        let read = |id, text| Key::read(id, text).unwrap();
        let held = [
            read(KeyRef::PIN2.into(), "5678"),
            read(KeyRef(0x11).into(), "1234"),
            read(KeyId::Puk(KeyRef::PIN1), "31415926"),
            read(KeyRef(0x0C).into(), "12345678"),
        ];
        let adm = AdmKeys::new(&[], &held);
        assert_eq!((adm.held(), adm.unnumbered()), (vec![KeyRef(0x0C)], Some(KeyRef(0x0C))));
        // One that somebody calls the administrative key is it: vendors have such (card sheet, section 5.3).
        let named = AdmKeys::new(&[KeyRef(0x11)], &held[..3]);
        assert_eq!((named.held(), named.unnumbered()), (vec![KeyRef(0x11)], Some(KeyRef(0x11))));
        assert_eq!(AdmKeys::new(&[], &held[..3]), *AdmKeys::NONE);
    }

    #[test]
    fn a_level_means_the_key_of_its_number_and_no_other_that_was_not_named() {
        let level = |adm: &AdmKeys, level| adm.of_level(KeyRef(level)).map(|key| key.0);
        let not = |level| Err(UnknownRights::LevelNotNamed { level });
        let two = keys(&[0x0A, 0x0B]);
        assert_eq!((level(&two, 0x0A), level(&two, 0x0B), level(&two, 0x05)), (Ok(0x0A), Ok(0x0B), not(5)));
        assert_eq!((level(&keys(&[0x0A]), 0x0B), level(&keys(&[]), 0x05)), (not(0x0B), Ok(0x05)));
        let named = AdmKeys::of(&[KeyRef(0x05)], [KeyRef(0x05)]);
        assert_eq!((level(&named, 0x05), level(&named, 0x0A)), (Ok(0x05), Ok(0x05)));
        // Whoever names two has not said which of them other levels mean.
        let both = AdmKeys::of(&[KeyRef(0x04), KeyRef(0x05)], [KeyRef(0x04), KeyRef(0x05)]);
        assert_eq!((level(&both, 0x04), level(&both, 0x05), level(&both, 0x0A)), (Ok(4), Ok(5), not(0x0A)));
    }

    #[test]
    fn of_two_keys_none_is_the_one_that_a_rule_without_a_number_means() {
        assert_eq!((keys(&[0x0A, 0x0B]).unnumbered(), keys(&[]).unnumbered()), (None, None));
        let named = AdmKeys::of(&[KeyRef(0x0B)], [KeyRef(0x0A), KeyRef(0x0B)]);
        assert_eq!(named.unnumbered(), Some(KeyRef(0x0B)));
        assert!(keys(&[0x0B, 0x0A]).is_ours(KeyRef(0x0A)) && !keys(&[0x0B]).is_ours(KeyRef(0x0A)));
        assert!(AdmKeys::NONE.is_ours(KeyRef(0x8A)) && !AdmKeys::NONE.is_ours(KeyRef::PIN2));
    }
}

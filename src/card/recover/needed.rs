//! Which keys of an interrupted write let its files be seen.

use crate::{
    card::{
        gsm,
        rights::{asks_for_some_key, is_administrative, keys_for},
    },
    wire::arr::{KeyRef, SecurityCondition},
};

/// The keys of a write that a condition for reading asks for; none where it asks for others. Where the card does not say which
/// key that is, the administrative ones of the write are meant: somebody has named them for it, and either way needs them too. A card
/// of class A0 says a level (`is_class_a0`), which need not be the number of the key; compact rules say that some key is asked for.
pub(super) fn keys_to_look(condition: &SecurityCondition, held: &[KeyRef], is_class_a0: bool) -> Vec<KeyRef> {
    // In class A0 vendors have administrative keys where class 00 has PINs.
    let is_adm = |key: KeyRef| if is_class_a0 { gsm::is_administrative(key) } else { is_administrative(key) };
    let adms = || held.iter().copied().filter(|key| is_adm(*key));
    if asks_for_some_key(condition) {
        return adms().collect();
    }
    let mut needed: Vec<KeyRef> = Vec::new();
    for key in keys_for(condition, held).unwrap_or_default() {
        if held.contains(&key) {
            needed.push(key);
        } else if is_class_a0 && is_adm(key) {
            needed.extend(adms());
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADM5: KeyRef = KeyRef(0x05);

    #[test]
    fn a_level_that_no_key_of_the_write_has_means_those_that_were_named() {
        let level = SecurityCondition::key(KeyRef::ADM1);
        assert_eq!(keys_to_look(&level, &[KeyRef::PIN1, ADM5], true), [ADM5]);
        assert_eq!(keys_to_look(&level, &[ADM5, KeyRef::ADM1], true), [KeyRef::ADM1]);
        // No PIN is one, and class 00 says the number itself.
        assert_eq!(keys_to_look(&level, &[KeyRef::PIN1], true), []);
        assert_eq!(keys_to_look(&level, &[KeyRef::ADM3], false), []);
        assert_eq!(keys_to_look(&SecurityCondition::key(KeyRef::PIN1), &[ADM5], true), []);
    }

    #[test]
    fn a_key_without_a_number_is_an_administrative_one_of_the_write() {
        let some = SecurityCondition::Other { tag: SecurityCondition::OCTET, value: vec![0x80] };
        assert_eq!(keys_to_look(&some, &[KeyRef::PIN1, KeyRef::ADM1], false), [KeyRef::ADM1]);
        assert_eq!(keys_to_look(&some, &[KeyRef::PIN1], false), []);
        assert_eq!(keys_to_look(&SecurityCondition::Never, &[KeyRef::ADM1], false), []);
    }
}

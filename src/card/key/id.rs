//! Which secret of a card is meant: a PIN or administrative key by its reference, or the unblocking key of a PIN.

use std::fmt;

use crate::wire::arr::KeyRef;

/// A secret of a card that has a counter of its own (ETSI TS 102 221, sections 9.5.1 and 9.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyId {
    /// A PIN or an administrative key.
    Key(KeyRef),
    /// The PUK (UNBLOCK PIN) of that PIN. It opens no file: it gives the PIN a new value and its tries back.
    Puk(KeyRef),
}

impl KeyId {
    /// What tables and other sources of keys call them (ETSI TS 102 221, table 9.3). `pin` and `puk1` belong together: the
    /// PIN of application 1; so do `pin2` and `puk2`.
    pub const NAMED: [(&str, Self); 14] = [
        ("adm1", Self::Key(KeyRef(0x0A))),
        ("adm2", Self::Key(KeyRef(0x0B))),
        ("adm3", Self::Key(KeyRef(0x0C))),
        ("adm4", Self::Key(KeyRef(0x0D))),
        ("adm5", Self::Key(KeyRef(0x0E))),
        ("adm6", Self::Key(KeyRef(0x8A))),
        ("adm7", Self::Key(KeyRef(0x8B))),
        ("adm8", Self::Key(KeyRef(0x8C))),
        ("adm9", Self::Key(KeyRef(0x8D))),
        ("adm10", Self::Key(KeyRef(0x8E))),
        ("pin", Self::Key(KeyRef::PIN1)),
        ("pin2", Self::Key(KeyRef::PIN2)),
        ("puk1", Self::Puk(KeyRef::PIN1)),
        ("puk2", Self::Puk(KeyRef::PIN2)),
    ];

    /// The key that a source calls so.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, key)| *key)
    }

    /// What sources call it; none for a key that they do not hold.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, key)| *key == self).map(|(name, _)| *name)
    }

    /// All names, for people.
    pub fn names() -> String {
        Self::NAMED.map(|(name, _)| name).join(", ")
    }

    /// Its number in journals: the reference as it is for a key, with 100 before it for a PUK.
    pub fn number(self) -> u16 {
        match self {
            Self::Key(key) => u16::from(key.0),
            Self::Puk(pin) => 0x0100 | u16::from(pin.0),
        }
    }

    /// The secret with that number; none when there is no such.
    pub fn from_number(number: u16) -> Option<Self> {
        let [which, reference] = number.to_be_bytes();
        match which {
            0 => Some(Self::Key(KeyRef(reference))),
            1 => Some(Self::Puk(KeyRef(reference))),
            _ => None,
        }
    }

    /// The reference that access rules name; none for a PUK, which no rule asks for.
    pub fn reference(self) -> Option<KeyRef> {
        match self {
            Self::Key(key) => Some(key),
            Self::Puk(_) => None,
        }
    }
}

impl From<KeyRef> for KeyId {
    fn from(key: KeyRef) -> Self {
        Self::Key(key)
    }
}

impl PartialEq<KeyRef> for KeyId {
    fn eq(&self, key: &KeyRef) -> bool {
        *self == Self::Key(*key)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "{key}"),
            Self::Puk(pin) => write!(f, "PUK of {pin}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_has_a_name_and_a_number_of_its_own() {
        for (name, key) in KeyId::NAMED {
            assert_eq!((KeyId::named(name), KeyId::from_number(key.number())), (Some(key), Some(key)));
        }
        let numbers: std::collections::BTreeSet<_> = KeyId::NAMED.map(|(_, key)| key.number()).into();
        assert_eq!(numbers.len(), KeyId::NAMED.len());
        assert_eq!((KeyId::named("puk3"), KeyId::from_number(0x0201)), (None, None));
        assert_eq!(KeyId::Puk(KeyRef::PIN1).to_string(), "PUK of 01 (PIN1)");
        assert!(KeyId::Puk(KeyRef::PIN1) != KeyRef::PIN1 && KeyId::from(KeyRef::PIN1) == KeyRef::PIN1);
    }
}

//! What a script does to keys. No way back undoes it: what a key was is written nowhere.

use std::fmt;

use crate::wire::{arr::KeyRef, script::KeyChange};

/// Something that a script has done to a key of a card, or was about to do when it was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChangedKey {
    /// The key, as the card numbers it.
    #[serde(with = "digits")]
    pub key: KeyRef,
    /// What was done.
    pub how: KeyFate,
}

/// What was done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFate {
    /// It has another value (`CHG`).
    NewValue,
    /// It has another value and all its tries, by its PUK (`UNB`).
    Unblocked,
    /// It is switched on (`ENA`).
    SwitchedOn,
    /// It is switched off (`DIS`).
    SwitchedOff,
}

impl ChangedKey {
    /// What a statement does.
    pub(in crate::card) fn by(change: &KeyChange) -> Self {
        let how = match change {
            KeyChange::Change(..) => KeyFate::NewValue,
            KeyChange::Unblock(..) => KeyFate::Unblocked,
            KeyChange::Enable(_) => KeyFate::SwitchedOn,
            KeyChange::Disable(_) => KeyFate::SwitchedOff,
        };
        Self { key: change.key().value, how }
    }

    /// True when the value that somebody holds for `key` may be the one from before. CHV2 of class A0 and PIN2 (81) are one key.
    pub(super) fn replaces(&self, key: KeyRef) -> bool {
        self.replaced().contains(&key)
    }

    /// The names of the key whose value from before is not to be presented any more; none where it has kept that.
    pub(in crate::card) fn replaced(&self) -> Vec<KeyRef> {
        const CHV2: KeyRef = KeyRef(0x02);
        match (self.how, self.key) {
            (KeyFate::SwitchedOn | KeyFate::SwitchedOff, _) => Vec::new(),
            (_, CHV2 | KeyRef::PIN2) => vec![CHV2, KeyRef::PIN2],
            (_, key) => vec![key],
        }
    }
}

impl fmt::Display for ChangedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.how {
            KeyFate::NewValue => "got another value (CHG)",
            KeyFate::Unblocked => "got another value by its PUK (UNB)",
            KeyFate::SwitchedOn => "was switched on (ENA)",
            KeyFate::SwitchedOff => "was switched off (DIS)",
        };
        write!(f, "key {} {what}, unless the script was cut off right before", self.key)
    }
}

/// A reference as two hexadecimal digits.
mod digits {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::wire::arr::KeyRef;

    pub(super) fn serialize<S: Serializer>(key: &KeyRef, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:02X}", key.0))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<KeyRef, D::Error> {
        let digits = String::deserialize(from)?;
        u8::from_str_radix(&digits, 16).map(KeyRef).map_err(|_| Error::custom("a key has two digits"))
    }
}

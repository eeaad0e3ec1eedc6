//! Where keys of cards come from when nobody types them: sources that are asked by ICCID.

use std::{fmt, sync::Arc};

use super::{Key, KeyId, KeyPolicy};
use crate::{ident::Iccid, wire::arr::KeyRef};

/// A source of keys.
pub trait KeyRing: Send + Sync {
    /// What it is, for people: never a secret.
    fn name(&self) -> String;

    /// The keys of a card, as far as they are known here; none when the card is not.
    ///
    /// # Errors
    /// [`KeyRingError`] when it cannot be told.
    fn keys_of(&self, card: &Iccid) -> Result<Vec<Key>, KeyRingError>;

    /// Where it looks for a key of a card, for people: a file, a column, a variable.
    fn place_of(&self, card: &Iccid, key: KeyId) -> String;

    /// Whether somebody attests here that a key may be presented once to a card that does not tell its counter.
    fn allows_once(&self, _card: &Iccid) -> bool {
        false
    }
}

/// Why a source of keys told none. No key is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// It is not there.
    #[error("the keys in {ring} cannot be had: {why}")]
    Unavailable {
        /// Which source.
        ring: String,
        /// Why.
        why: String,
    },
    /// What stands there is no key, or not one key.
    #[error("the keys in {ring} cannot be used: {why}")]
    Unusable {
        /// Which source.
        ring: String,
        /// Why.
        why: String,
    },
    /// It wants a PIN or password of its own, and did not take the one that was given, or it was not given to protect it.
    #[error("{ring} does not let us in: {why}")]
    Refused {
        /// Which source.
        ring: String,
        /// Why.
        why: String,
    },
    /// No source knows the key.
    #[error("key {key} of card {card} was not given, and no source of keys has it: {}", looked(.places))]
    Unknown {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
        /// Where it was looked for.
        places: Vec<String>,
    },
}

/// Where was looked, in words.
fn looked(places: &[String]) -> String {
    match places {
        [] => "none is named (--keys SOURCE, or [[card.key-source]] in the configuration)".to_owned(),
        places => format!("looked for {}", places.join(", ")),
    }
}

/// Sources in order: what an earlier one says of a key counts.
#[derive(Clone, Default)]
pub struct KeyRings {
    rings: Vec<Arc<dyn KeyRing>>,
    attested: Vec<Iccid>,
    /// Which key of the cards it is that is called `adm1`, where that is none with a name.
    adm1: Option<KeyRef>,
}

impl KeyRings {
    /// These sources.
    pub fn new(rings: Vec<Arc<dyn KeyRing>>) -> Self {
        Self { rings, attested: Vec::new(), adm1: None }
    }

    /// The same, and somebody attests that a key may be presented once to each of these cards, although it does not tell its
    /// counter.
    #[must_use]
    pub fn attesting(self, cards: Vec<Iccid>) -> Self {
        Self { attested: cards, ..self }
    }

    /// The same, and a person says which administrative key of the cards is meant. Where tables and sources have no name for it (04 to 09,
    /// 11), what they call `adm1` is that key.
    #[must_use]
    pub fn meaning(self, key: KeyRef) -> Self {
        Self { adm1: Some(key).filter(|key| KeyId::Key(*key).name().is_none()), ..self }
    }

    /// True when there is no source.
    pub fn is_empty(&self) -> bool {
        self.rings.is_empty()
    }

    /// `given`, and of the other keys of the card those that a source knows. A source is asked only of a card that has told
    /// its number.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn complete(&self, card: Option<&Iccid>, given: &[Key]) -> Result<Vec<Key>, KeyRingError> {
        let mut keys = given.to_vec();
        if let Some(card) = card {
            for ring in &self.rings {
                for key in ring.keys_of(card)? {
                    if !keys.iter().any(|known| known.id == key.id) {
                        keys.push(key);
                    }
                }
            }
        }
        if let Some(adm1) = self.adm1.filter(|adm1| !keys.iter().any(|key| key.id == *adm1)) {
            keys.iter_mut().filter(|key| key.id == KeyRef::ADM1).for_each(|key| key.id = adm1.into());
        }
        Ok(keys)
    }
}

impl KeyRings {
    /// One key of a card, from the first source that knows it.
    ///
    /// # Errors
    /// [`KeyRingError`]; [`KeyRingError::Unknown`] says where it was looked for.
    pub fn key(&self, card: &Iccid, key: KeyId) -> Result<Key, KeyRingError> {
        let known = self.complete(Some(card), &[])?.into_iter().find(|known| known.id == key);
        known.ok_or_else(|| KeyRingError::Unknown {
            card: card.clone(),
            key,
            places: self.places_of(card, key),
        })
    }

    /// Where a key of a card is looked for.
    pub fn places_of(&self, card: &Iccid, key: KeyId) -> Vec<String> {
        let called = if self.adm1.is_some_and(|adm1| key == adm1) { KeyRef::ADM1.into() } else { key };
        self.rings.iter().map(|ring| ring.place_of(card, called)).collect()
    }

    /// The policy for a card: the one that is there, and once more where a source attests that.
    pub fn policy(&self, card: Option<&Iccid>, policy: &KeyPolicy) -> KeyPolicy {
        let attests = |card: &&Iccid| {
            self.attested.contains(*card) || self.rings.iter().any(|ring| ring.allows_once(card))
        };
        match card.filter(attests) {
            Some(card) => policy.allowing_once(card),
            None => policy.clone(),
        }
    }
}

impl fmt::Debug for KeyRings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rings.iter().map(|ring| ring.name())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::AdmKey;

    struct Fixed(Vec<(KeyRef, &'static str)>);

    impl KeyRing for Fixed {
        fn name(&self) -> String {
            "fixed".into()
        }

        fn keys_of(&self, _: &Iccid) -> Result<Vec<Key>, KeyRingError> {
            Ok(self.0.iter().map(|(of, key)| Key::adm(*of, key.parse().unwrap())).collect())
        }

        fn place_of(&self, card: &Iccid, key: KeyId) -> String {
            format!("key {key} of {card} in a fixed list")
        }

        fn allows_once(&self, _: &Iccid) -> bool {
            self.0.is_empty()
        }
    }

    #[test]
    fn what_was_given_counts_and_then_the_first_source_that_knows() {
        let first = Fixed(vec![(KeyRef::ADM1, "first111"), (KeyRef::ADM3, "first333")]);
        let second = Fixed(vec![(KeyRef::ADM3, "second33"), (KeyRef::PIN1, "1234")]);
        let rings = KeyRings::new(vec![Arc::new(first), Arc::new(second)]);
        let card = "89490200001234567892".parse().unwrap();
        let given = [Key::adm(KeyRef::ADM1, "given111".parse().unwrap())];
        let keys = rings.complete(Some(&card), &given).unwrap();
        let told: Vec<(KeyId, AdmKey)> = keys.into_iter().map(|k| (k.id, k.octets)).collect();
        let expected = [(KeyRef::ADM1, "given111"), (KeyRef::ADM3, "first333"), (KeyRef::PIN1, "1234")];
        assert_eq!(told, expected.map(|(of, key)| (of.into(), key.parse().unwrap())));
        // A card without number has no keys in a source.
        assert_eq!(rings.complete(None, &given).unwrap().len(), 1);
        // A key that sources have no name for is the one that they call adm1; one that they have a name for is not.
        let ids = |rings: &KeyRings| -> Vec<KeyId> {
            rings.complete(Some(&card), &given).unwrap().iter().map(|key| key.id).collect()
        };
        let (plain, vendor) = (ids(&rings), ids(&rings.clone().meaning(KeyRef(0x05))));
        assert_eq!(vendor[0], KeyRef(0x05));
        assert_eq!(vendor[1..], plain[1..]);
        assert_eq!(ids(&rings.clone().meaning(KeyRef::ADM3)), plain);
        assert_eq!(format!("{rings:?}"), r#"["fixed", "fixed"]"#);
    }
}

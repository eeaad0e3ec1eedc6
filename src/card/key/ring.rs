//! Where keys of cards come from when nobody types them: sources that are asked by ICCID.

use std::{fmt, sync::Arc};

use super::Key;
use crate::ident::Iccid;

/// A source of keys.
pub trait KeyRing: Send + Sync {
    /// What it is, for people: never a secret.
    fn name(&self) -> String;

    /// The keys of a card, as far as they are known here; none when the card is not.
    ///
    /// # Errors
    /// [`KeyRingError`] when it cannot be told.
    fn keys_of(&self, card: &Iccid) -> Result<Vec<Key>, KeyRingError>;
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
}

/// Sources in order: what an earlier one says of a key counts.
#[derive(Clone, Default)]
pub struct KeyRings(Vec<Arc<dyn KeyRing>>);

impl KeyRings {
    /// These sources.
    pub fn new(rings: Vec<Arc<dyn KeyRing>>) -> Self {
        Self(rings)
    }

    /// `given`, and of the other keys of the card those that a source knows. A source is asked only of a card that has told
    /// its number.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn complete(&self, card: Option<&Iccid>, given: &[Key]) -> Result<Vec<Key>, KeyRingError> {
        let mut keys = given.to_vec();
        let Some(card) = card else { return Ok(keys) };
        for ring in &self.0 {
            for key in ring.keys_of(card)? {
                if !keys.iter().any(|known| known.reference == key.reference) {
                    keys.push(key);
                }
            }
        }
        Ok(keys)
    }
}

impl fmt::Debug for KeyRings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|ring| ring.name())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ident::AdmKey, wire::arr::KeyRef};

    struct Fixed(Vec<(KeyRef, &'static str)>);

    impl KeyRing for Fixed {
        fn name(&self) -> String {
            "fixed".into()
        }

        fn keys_of(&self, _: &Iccid) -> Result<Vec<Key>, KeyRingError> {
            Ok(self.0.iter().map(|(of, key)| Key::adm(*of, key.parse().unwrap())).collect())
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
        let told: Vec<(KeyRef, AdmKey)> = keys.into_iter().map(|k| (k.reference, k.octets)).collect();
        let expected = [(KeyRef::ADM1, "given111"), (KeyRef::ADM3, "first333"), (KeyRef::PIN1, "1234")];
        assert_eq!(told, expected.map(|(of, key)| (of, key.parse().unwrap())));
        // A card without number has no keys in a source.
        assert_eq!(rings.complete(None, &given).unwrap().len(), 1);
        assert_eq!(format!("{rings:?}"), r#"["fixed", "fixed"]"#);
    }
}

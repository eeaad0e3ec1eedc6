//! Keys in environment variables, for a handful of cards.

use zeroize::Zeroizing;

use crate::{
    card::{Key, KeyId, KeyRing, KeyRingError},
    ident::Iccid,
};

/// Variables named `PREFIX_ICCID_KEY`, as `KEYS_89490200001234567892_ADM1`.
#[derive(Debug)]
pub struct Environment {
    prefix: String,
}

impl Environment {
    /// Variables that begin with `prefix` and an underscore.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    fn variable(&self, card: &Iccid, name: &str) -> String {
        format!("{}_{}_{}", self.prefix, card.digits(), name.to_uppercase())
    }
}

impl KeyRing for Environment {
    fn name(&self) -> String {
        format!("the environment ({}_…)", self.prefix)
    }

    fn place_of(&self, card: &Iccid, key: KeyId) -> String {
        format!("variable {}", self.variable(card, key.name().unwrap_or("?")))
    }

    fn keys_of(&self, card: &Iccid) -> Result<Vec<Key>, KeyRingError> {
        let mut keys = Vec::new();
        for (name, reference) in KeyId::NAMED {
            let variable = self.variable(card, name);
            let Some(value) = std::env::var_os(&variable) else { continue };
            let unusable =
                |why: &str| KeyRingError::Unusable { ring: self.name(), why: format!("{variable}: {why}") };
            let text =
                value.into_string().map(Zeroizing::new).map_err(|_| unusable("is not text in UTF-8"))?;
            keys.push(Key::read(reference, &text).map_err(|why| unusable(&why))?);
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_the_card_and_the_key() {
        let card = "89490200001234567892".parse().unwrap();
        let ring = Environment::new("KEYS");
        assert_eq!(ring.variable(&card, "adm10"), "KEYS_89490200001234567892_ADM10");
        assert!(Environment::new("BOOTGATE_NO_SUCH").keys_of(&card).unwrap().is_empty());
    }
}

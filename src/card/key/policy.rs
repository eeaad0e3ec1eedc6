//! When a key may be presented: the floor, and the cards that do not tell their counters.

use crate::ident::Iccid;

/// When a key may be presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    pub(super) floor: u8,
    allow_once: Vec<CardRange>,
}

/// A range of cards that a policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardRange {
    /// Cards whose ICCID begins with these digits.
    Iccid(String),
    /// Cards whose ICCID begins with digits from the first to the second of these, which have the same length.
    Iccids(String, String),
    /// Cards with this answer to reset.
    Atr(Vec<u8>),
    /// Cards whose answer to reset is as long as this, and the same in all bits of the second octet of each pair.
    AtrLike(Vec<(u8, u8)>),
}

impl KeyPolicy {
    /// The fewest tries that must be left.
    pub const FLOOR: u8 = 2;

    /// A policy that presents a key only while its counter shows `floor` tries or more, and never without a counter,
    /// but once on the cards of `allow_once`. A floor below [`KeyPolicy::FLOOR`] is raised to it: with one try left, a
    /// mistyped key would lock the card.
    pub fn new(floor: u8, allow_once: Vec<CardRange>) -> Self {
        Self { floor: floor.max(Self::FLOOR), allow_once }
    }

    /// The same policy, which lets a key be presented once to this card besides, although it does not tell its counter.
    #[must_use]
    pub fn allowing_once(&self, card: &Iccid) -> Self {
        let mut policy = self.clone();
        policy.allow_once.push(CardRange::Iccid(card.digits().to_owned()));
        policy
    }

    pub(super) fn allows_once(&self, card: &Iccid, atr: &[u8]) -> bool {
        self.allow_once.iter().any(|range| match range {
            CardRange::Iccid(prefix) => !prefix.is_empty() && card.digits().starts_with(prefix.as_str()),
            CardRange::Iccids(first, last) => card
                .digits()
                .get(..first.len())
                .is_some_and(|begin| !begin.is_empty() && (first.as_str()..=last.as_str()).contains(&begin)),
            CardRange::Atr(octets) => !octets.is_empty() && octets == atr,
            CardRange::AtrLike(octets) => {
                let is_like = |((octet, mask), there): (&(u8, u8), &u8)| (octet ^ there) & mask == 0;
                !octets.is_empty() && octets.len() == atr.len() && octets.iter().zip(atr).all(is_like)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_name_their_cards_and_no_others() {
        let allows = |range: CardRange, card: &str, atr: &[u8]| {
            KeyPolicy::new(2, vec![range]).allows_once(&Iccid::from_card(card).unwrap(), atr)
        };
        let iccids = || CardRange::Iccids("8949020000123".into(), "8949020000130".into());
        for (card, allowed) in [
            ("89490200001224567892", false),
            ("89490200001234567892", true),
            ("89490200001294567892", true),
            ("89490200001309999999", true),
            ("89490200001310000000", false),
        ] {
            assert_eq!(allows(iccids(), card, &[]), allowed, "{card}");
        }
        let like = || CardRange::AtrLike(vec![(0x3B, 0xFF), (0x02, 0xFF), (0x40, 0xF0), (0x00, 0x00)]);
        for (atr, allowed) in [
            (&[0x3B, 0x02, 0x41, 0x77][..], true),
            (&[0x3B, 0x02, 0x51, 0x77], false),
            (&[0x3B, 0x03, 0x41, 0x77], false),
            (&[0x3B, 0x02, 0x41], false),
            (&[], false),
        ] {
            assert_eq!(allows(like(), "89490200001234567892", atr), allowed, "{atr:02X?}");
        }
        assert!(!allows(CardRange::AtrLike(Vec::new()), "89490200001234567892", &[]));
        assert!(!allows(CardRange::Iccids(String::new(), String::new()), "89490200001234567892", &[]));
    }
}

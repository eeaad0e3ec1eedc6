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
    /// Cards with this answer to reset.
    Atr(Vec<u8>),
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
            CardRange::Atr(octets) => !octets.is_empty() && octets == atr,
        })
    }
}

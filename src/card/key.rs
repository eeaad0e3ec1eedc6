//! Keys (PINs and administrative keys) and the guard before them: no card is ever locked by this program (ETSI TS 102 221,
//! sections 9.5 and 11.1.9).

mod counter;
mod ring;

use std::fmt;

use crate::{
    ident::{AdmKey, Iccid, Pin, tries},
    wire::{apdu::StatusWord, arr::KeyRef},
};

use super::{
    FileError, FileSystem, JournalError, KeyJournal, KeyOutcome, KeyState, Session, TransportError,
    rights::is_pin,
};

pub use ring::{KeyRing, KeyRingError, KeyRings};

use counter::{Counter, counter, told, verify};

/// A key and its reference on the card.
#[derive(Clone)]
pub struct Key {
    /// Which key of the card it is.
    pub reference: KeyRef,
    octets: AdmKey,
}

impl Key {
    /// An administrative key.
    pub fn adm(reference: KeyRef, key: AdmKey) -> Self {
        Self { reference, octets: key }
    }

    /// A PIN: its digits as text, filled up with FF.
    ///
    /// # Errors
    /// [`KeyError::PinLength`] for more than 8 digits.
    pub fn pin(reference: KeyRef, pin: &Pin) -> Result<Self, KeyError> {
        // Sixteen digits would be read as the octets of a key.
        let text = Some(pin.expose()).filter(|digits| digits.len() <= 8).ok_or(KeyError::PinLength)?;
        let octets = text.parse().map_err(|_| KeyError::PinLength)?;
        Ok(Self { reference, octets })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, ***)", self.reference)
    }
}

/// When a key may be presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    floor: u8,
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

    fn allows_once(&self, card: &Iccid, atr: &[u8]) -> bool {
        self.allow_once.iter().any(|range| match range {
            CardRange::Iccid(prefix) => !prefix.is_empty() && card.digits().starts_with(prefix.as_str()),
            CardRange::Atr(octets) => !octets.is_empty() && octets == atr,
        })
    }
}

/// Why a key was not presented, or not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key was refused before, and nobody has cleared that.
    #[error(
        "key {key} was refused by card {card} before; find out why, then run \
         `bootgate card clear-refusal --iccid {card}`"
    )]
    Quarantined {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyRef,
    },
    /// The counter is lower than allowed.
    #[error(
        "key {key} has {} left, fewer than the {floor} that are asked for; it was not presented", tries(*left)
    )]
    TooFewTries {
        /// The key.
        key: KeyRef,
        /// What the counter shows.
        left: u8,
        /// What it must show.
        floor: u8,
    },
    /// The card does not tell the counter.
    #[error(
        "card {card} does not tell how many tries key {key} has left ({}); it was not presented. \
         If such cards are known, allow them by [[card.key-policy]] in the configuration",
        told(*.sw)
    )]
    UnknownCounter {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyRef,
        /// What the card said; none when there is no way to ask.
        sw: Option<StatusWord>,
    },
    /// The card does not know VERIFY here, so presenting a key would only look like a refusal.
    #[error(
        "card {card} does not know VERIFY in this class ({sw}), so key {key} was not presented; it is not the kind of card that \
         this key is for"
    )]
    NoVerify {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyRef,
        /// What the card said when it was asked for the counter.
        sw: StatusWord,
    },
    /// A card without counter that had its one presentation.
    #[error(
        "card {card} does not tell how many tries key {key} has left, and had the one presentation that the \
         policy allows ({state}); to allow another, run `bootgate card clear-refusal --iccid {card}`"
    )]
    AllowanceUsed {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyRef,
        /// What is known of that presentation.
        state: KeyState,
    },
    /// The counter fell since a presentation whose answer was lost.
    #[error(
        "key {key} was presented to card {card} before and the answer was lost; its counter fell from {before} to \
         {left}, so it was refused. Find out why, then run `bootgate card clear-refusal --iccid {card}`"
    )]
    LostAndRefused {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyRef,
        /// The counter before that presentation.
        before: u8,
        /// The counter now.
        left: u8,
    },
    /// The counter is lower than before the last presentation, which the card accepted: someone tried a wrong key since.
    #[error(
        "key {key} of card {card} had {} left before it was last accepted and has {left} now: somebody \
         presented a wrong key since; it was not presented. Find out who, then run \
         `bootgate card clear-refusal --iccid {card}`", tries(*before)
    )]
    CounterFell {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyRef,
        /// The counter before the accepted presentation.
        before: u8,
        /// The counter now.
        left: u8,
    },
    /// No try is left.
    #[error("key {key} is blocked")]
    Blocked {
        /// The key.
        key: KeyRef,
    },
    /// The card has no such key.
    #[error("the card has no key {key}; name the right one with --adm-ref")]
    NoSuchKey {
        /// The key.
        key: KeyRef,
    },
    /// The card refused the key.
    #[error(
        "the card refused key {key} ({sw}); it will not be presented to this card again until a person clears it"
    )]
    Wrong {
        /// The key.
        key: KeyRef,
        /// What the card said.
        sw: StatusWord,
    },
    /// The answer to the key was lost.
    #[error("key {key} was presented and the answer was lost; whether the card counted a try is not known")]
    AnswerLost {
        /// The key.
        key: KeyRef,
        /// How.
        source: TransportError,
    },
    /// The ICCID could not be read, so there is nothing to keep a journal under.
    #[error("the card's ICCID cannot be read, so no key is presented to it")]
    NoIccid,
    /// A PIN of more than 8 digits does not fit a card.
    #[error("a card's PIN has 4 to 8 digits")]
    PinLength,
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The reader, before the key was sent.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// What came of presenting a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// The card took it.
    Accepted,
    /// It was not sent: the card counts it as verified already, or it is switched off.
    NotNeeded,
}

/// Presents keys, each once, and only when that cannot lock the card.
pub struct KeyGuard<'a> {
    journal: &'a dyn KeyJournal,
    policy: &'a KeyPolicy,
}

impl fmt::Debug for KeyGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyGuard").field("policy", self.policy).finish_non_exhaustive()
    }
}

impl<'a> KeyGuard<'a> {
    /// A guard that keeps `journal` and goes by `policy`.
    pub fn new(journal: &'a dyn KeyJournal, policy: &'a KeyPolicy) -> Self {
        Self { journal, policy }
    }

    /// Presents a key.
    ///
    /// # Errors
    /// [`KeyError`]. The key was sent only in [`KeyError::Wrong`] and [`KeyError::AnswerLost`].
    pub fn present(
        &self,
        session: &mut Session<'_>,
        card: Option<&Iccid>,
        key: &Key,
    ) -> Result<Presented, KeyError> {
        let card = card.ok_or(KeyError::NoIccid)?;
        let reference = key.reference;
        let state = self.journal.state(card, reference)?;
        if let KeyState::Refused { .. } = state {
            return Err(KeyError::Quarantined { card: card.clone(), key: reference });
        }
        let tries = match counter(session, reference)? {
            Counter::NotNeeded => return Ok(Presented::NotNeeded),
            Counter::Blocked => return Err(KeyError::Blocked { key: reference }),
            Counter::NoSuchKey => return Err(KeyError::NoSuchKey { key: reference }),
            Counter::Left(left) => {
                self.check_counted(card, reference, state, left)?;
                Some(left)
            }
            // It was taken since the last reset, and there is no counter that would say so.
            Counter::Unknown(_) if session.has_accepted(reference) => return Ok(Presented::NotNeeded),
            Counter::Unknown(sw) => {
                self.check_uncounted(session, card, reference, state, sw)?;
                None
            }
        };
        self.journal.presenting(card, reference, tries)?;
        // Data of 8 octets always fit.
        let Ok(verify) = verify(reference).with_data(key.octets.expose()) else {
            return Err(KeyError::PinLength);
        };
        let answer =
            session.send_once(&verify).map_err(|source| KeyError::AnswerLost { key: reference, source })?;
        if answer.sw.is_ok() {
            session.note_accepted(reference);
            self.journal.outcome(card, reference, KeyOutcome::Accepted)?;
            return Ok(Presented::Accepted);
        }
        self.journal.outcome(card, reference, KeyOutcome::Refused)?;
        Err(KeyError::Wrong { key: reference, sw: answer.sw })
    }

    /// Presents the PINs among `keys`, so that files behind them can be read and planned for. A card without PINs among
    /// them is not asked anything.
    ///
    /// # Errors
    /// As [`KeyGuard::present`].
    pub fn present_pins(&self, fs: &mut FileSystem<'_>, keys: &[Key]) -> Result<(), KeyError> {
        for pin in keys.iter().filter(|key| is_pin(key.reference)) {
            let card = match fs.iccid() {
                Ok(card) => card,
                Err(FileError::Transport(error)) => return Err(error.into()),
                Err(_) => return Err(KeyError::NoIccid),
            };
            self.present(fs.session_mut(), Some(&card), pin)?;
        }
        Ok(())
    }

    /// Whether a key counts as presented without being sent: it is switched off, or verified already.
    ///
    /// # Errors
    /// [`KeyError::Transport`].
    pub fn is_not_needed(&self, session: &mut Session<'_>, key: KeyRef) -> Result<bool, KeyError> {
        Ok(matches!(counter(session, key)?, Counter::NotNeeded))
    }

    fn check_counted(&self, card: &Iccid, key: KeyRef, state: KeyState, left: u8) -> Result<(), KeyError> {
        match state {
            KeyState::Unanswered { tries: Some(before) } if left < before => {
                self.journal.outcome(card, key, KeyOutcome::Refused)?;
                return Err(KeyError::LostAndRefused { card: card.clone(), key, before, left });
            }
            KeyState::Accepted { tries: Some(before) } if left < before => {
                return Err(KeyError::CounterFell { card: card.clone(), key, before, left });
            }
            // It had no counter then: nothing tells whether that try was counted.
            KeyState::Unanswered { tries: None } => {
                return Err(KeyError::AllowanceUsed { card: card.clone(), key, state });
            }
            _ => {}
        }
        let floor = self.policy.floor;
        if left < floor { Err(KeyError::TooFewTries { key, left, floor }) } else { Ok(()) }
    }

    fn check_uncounted(
        &self,
        session: &Session<'_>,
        card: &Iccid,
        key: KeyRef,
        state: KeyState,
        sw: Option<StatusWord>,
    ) -> Result<(), KeyError> {
        if let Some(sw @ (StatusWord::UNKNOWN_CLA | StatusWord::UNKNOWN_INS)) = sw {
            return Err(KeyError::NoVerify { card: card.clone(), key, sw });
        }
        if !self.policy.allows_once(card, session.transport().atr()) {
            return Err(KeyError::UnknownCounter { card: card.clone(), key, sw });
        }
        match state {
            KeyState::Clear => Ok(()),
            _ => Err(KeyError::AllowanceUsed { card: card.clone(), key, state }),
        }
    }
}

#[cfg(test)]
mod tests;

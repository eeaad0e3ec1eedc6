//! The journal of presented keys: what happened to a key on a card, kept over restarts, so that no card is ever locked by
//! trying again.

use std::{collections::BTreeMap, fmt, sync::Mutex};

use super::KeyId;
use crate::ident::Iccid;

/// Remembers each presentation of a key. The entry is durable before the key goes to the card.
pub trait KeyJournal: Send + Sync {
    /// What is known of a key on a card.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read; then the key is not presented.
    fn state(&self, card: &Iccid, key: KeyId) -> Result<KeyState, JournalError>;

    /// The key is about to be sent; `tries` is what its counter shows, and none when that would not tell what became of the key
    /// should the answer be lost. `known` is what was known when that was decided: somebody else may have been faster, on a card
    /// with the same number. Returns when this survives a loss of power.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be written, or knows something else by now; then the key is not presented.
    fn presenting(
        &self,
        card: &Iccid,
        key: KeyId,
        known: KeyState,
        tries: Option<u8>,
    ) -> Result<(), JournalError>;

    /// The key of the entry before was not sent after all, or the card has not looked at it: what was known before counts again.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be written; the presentation then counts as unanswered.
    fn put_back(&self, card: &Iccid, key: KeyId, known: KeyState) -> Result<(), JournalError>;

    /// The card's answer to the presentation before.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be written; the presentation then counts as unanswered.
    fn outcome(&self, card: &Iccid, key: KeyId, outcome: KeyOutcome) -> Result<(), JournalError>;

    /// A person has looked into it: forgets everything about a card, and returns the keys that it forgot.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be written.
    fn clear(&self, card: &Iccid) -> Result<Vec<(KeyId, KeyState)>, JournalError>;
}

/// What is known of a key on a card. `tries` is what the counter showed before the presentation, where the card tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It was never presented, or a person has cleared it.
    Clear,
    /// It was presented and no answer came back.
    Unanswered {
        /// The counter before.
        tries: Option<u8>,
    },
    /// The card took it.
    Accepted {
        /// The counter before.
        tries: Option<u8>,
    },
    /// The card refused it. It is not presented again until a person clears it.
    Refused {
        /// The counter before.
        tries: Option<u8>,
    },
}

/// How the card answered a presentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOutcome {
    /// It took the key.
    Accepted,
    /// It refused the key, or said anything else than that it took it.
    Refused,
}

/// The journal could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the journal of presented keys cannot be used, so no key is presented")]
pub struct JournalError {
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl JournalError {
    /// From the error of the store behind it.
    pub fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Box::new(source) }
    }

    /// What was known of the key is not true any more.
    pub fn overtaken() -> Self {
        Self::new(Overtaken)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("another bay or program has just presented this key to a card of the same number; try again")]
struct Overtaken;

/// A journal that lasts as long as the process: for tests and for cards that are virtual.
#[derive(Default)]
pub struct MemoryKeyJournal {
    keys: Mutex<BTreeMap<(Iccid, KeyId), KeyState>>,
}

impl MemoryKeyJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<(Iccid, KeyId), KeyState>) -> T) -> T {
        // A panic elsewhere leaves the map whole: every change is one insert.
        work(&mut self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl fmt::Debug for MemoryKeyJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKeyJournal").finish_non_exhaustive()
    }
}

impl KeyJournal for MemoryKeyJournal {
    fn state(&self, card: &Iccid, key: KeyId) -> Result<KeyState, JournalError> {
        Ok(self.with(|keys| keys.get(&(card.clone(), key)).copied().unwrap_or(KeyState::Clear)))
    }

    fn presenting(
        &self,
        card: &Iccid,
        key: KeyId,
        known: KeyState,
        tries: Option<u8>,
    ) -> Result<(), JournalError> {
        self.with(|keys| {
            let state = keys.entry((card.clone(), key)).or_insert(KeyState::Clear);
            if *state != known {
                return Err(JournalError::overtaken());
            }
            *state = KeyState::Unanswered { tries };
            Ok(())
        })
    }

    fn put_back(&self, card: &Iccid, key: KeyId, known: KeyState) -> Result<(), JournalError> {
        self.with(|keys| match known {
            KeyState::Clear => keys.remove(&(card.clone(), key)),
            known => keys.insert((card.clone(), key), known),
        });
        Ok(())
    }

    fn outcome(&self, card: &Iccid, key: KeyId, outcome: KeyOutcome) -> Result<(), JournalError> {
        self.with(|keys| {
            let state = keys.entry((card.clone(), key)).or_insert(KeyState::Clear);
            *state = state.after(outcome);
        });
        Ok(())
    }

    fn clear(&self, card: &Iccid) -> Result<Vec<(KeyId, KeyState)>, JournalError> {
        Ok(self.with(|keys| {
            let of_card: Vec<_> = keys.keys().filter(|(c, _)| c == card).cloned().collect();
            of_card.into_iter().filter_map(|at| Some((at.1, keys.remove(&at)?))).collect()
        }))
    }
}

impl KeyState {
    /// The state after the answer to a presentation.
    #[must_use]
    pub fn after(self, outcome: KeyOutcome) -> Self {
        let tries = self.tries();
        match outcome {
            KeyOutcome::Accepted => Self::Accepted { tries },
            KeyOutcome::Refused => Self::Refused { tries },
        }
    }

    /// What the counter showed before the last presentation.
    pub fn tries(self) -> Option<u8> {
        match self {
            Self::Clear => None,
            Self::Unanswered { tries } | Self::Accepted { tries } | Self::Refused { tries } => tries,
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear => "not presented",
            Self::Unanswered { .. } => "presented, answer unknown",
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
        })
    }
}

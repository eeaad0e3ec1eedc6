//! Whether keys are presented still: who works on many cards at once stops all of them at the first refusal.

use crate::ident::Iccid;

use super::KeyError;

/// Is asked right before a key is journalled and sent. Between the question and the answer of the card no other key is sent:
/// when this one is refused, no other card has lost a try for the same mistake.
pub trait KeyPermit: Send + Sync {
    /// Waits for the turn of a card, and takes it.
    ///
    /// # Errors
    /// [`KeysStopped`] when keys are presented no more.
    fn take_turn(&self, card: &Iccid) -> Result<(), KeysStopped>;

    /// The turn of a card is over. `refused`: the card refused its key.
    fn end_turn(&self, card: &Iccid, refused: bool);
}

/// Keys are presented no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a card refused its key before, which stops the others (--go-on goes on all the same)")]
pub struct KeysStopped;

/// A turn; it ends when it is dropped, whatever happens.
pub(super) struct Turn<'a> {
    permit: Option<&'a dyn KeyPermit>,
    card: &'a Iccid,
    /// The card refused its key.
    pub(super) refused: bool,
}

impl<'a> Turn<'a> {
    /// Waits for the turn of a card, where somebody gives turns.
    pub(super) fn take(permit: Option<&'a dyn KeyPermit>, card: &'a Iccid) -> Result<Self, KeyError> {
        if let Some(permit) = permit {
            permit.take_turn(card)?;
        }
        Ok(Self { permit, card, refused: false })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit {
            permit.end_turn(self.card, self.refused);
        }
    }
}

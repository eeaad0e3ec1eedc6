//! Whether keys are presented still: who works on many cards at once stops all of them at the first refusal.

/// Is asked for one card, right before a key is sent. Between the question and the answer of the card no other key is sent: when
/// this one is refused, no other card has lost a try for the same mistake.
pub trait KeyPermit: Send + Sync {
    /// Waits for the card's turn, and takes it; one that the card has already begins anew.
    ///
    /// # Errors
    /// [`KeysStopped`] when no key is presented to it any more.
    fn take_turn(&self) -> Result<(), KeysStopped>;

    /// The card's turn is over, where it has it.
    fn end_turn(&self);

    /// A key of the card is refused, by its word now or before.
    fn refused(&self);
}

/// Keys are presented no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysStopped {
    /// A card has refused its key.
    #[error("a card refused its key before, which stops the others (--go-on goes on all the same)")]
    Refused,
    /// Whoever waited for this card has given it up.
    #[error("the card did not answer for so long that it was given up")]
    GivenUp,
}

/// A turn; it ends when it is dropped, whatever happens.
pub(super) struct Turn<'a>(Option<&'a dyn KeyPermit>);

impl<'a> Turn<'a> {
    /// Waits for the turn of a card, where somebody gives turns.
    pub(super) fn take(permit: Option<&'a dyn KeyPermit>) -> Result<Self, KeysStopped> {
        permit.map_or(Ok(()), KeyPermit::take_turn)?;
        Ok(Self(permit))
    }

    /// Asks again, after something that may have taken longer than a turn lasts.
    pub(super) fn keep(&self) -> Result<(), KeysStopped> {
        self.0.map_or(Ok(()), KeyPermit::take_turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.0 {
            permit.end_turn();
        }
    }
}

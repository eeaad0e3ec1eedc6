//! What else is done with a PIN than presenting it: a new value, on and off, and a new value by its PUK (ETSI TS 102 221,
//! sections 11.1.10 to 11.1.13; 3GPP TS 51.011, sections 9.2.10 to 9.2.13, both remembered).
//!
//! Each spends a try of the key that it takes, and so goes by the rule for VERIFY. One thing is stricter: a command that gives a PIN
//! another value leaves open which one it has when its answer is lost, and no counter tells. Neither value is presented then
//! until a person has found out.

use super::{
    Key, KeyError, KeyGuard, KeyId, Presented,
    counter::{CHANGE, DISABLE, ENABLE, UNBLOCK},
    guard::Standing,
    spend::Spending,
};
use crate::{
    card::{KeyState, Session},
    ident::Iccid,
};

impl KeyGuard<'_> {
    /// Gives a key (a PIN, as a rule) another value: CHANGE PIN.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::SwitchedOff`] for a PIN that is off, which cannot be changed.
    pub fn change(
        &self,
        session: &mut Session<'_>,
        card: Option<&Iccid>,
        key: &Key,
        new: &Key,
    ) -> Result<(), KeyError> {
        let (card, id) = self.known(session, card, key)?;
        if let KeyId::Puk(pin) = id {
            return Err(KeyError::PukIsNoKey { pin });
        }
        let (standing, known) = self.standing(session, card, id)?;
        if let Standing::Off(_) = standing {
            return Err(KeyError::SwitchedOff { key: id });
        }
        let tries = self.tries(session, card, id, (&standing, known))?;
        let octets = &key.before(new)[..];
        self.spend(session, card, id, &Spending { ins: CHANGE, octets, tries, known, changes: Some(id) })
    }

    /// Switches a PIN on (ENABLE PIN) or off (DISABLE PIN). Nothing is sent when it is so already.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn switch(
        &self,
        session: &mut Session<'_>,
        card: Option<&Iccid>,
        pin: &Key,
        on: bool,
    ) -> Result<Presented, KeyError> {
        let (card, id) = self.known(session, card, pin)?;
        if let KeyId::Puk(pin) = id {
            return Err(KeyError::PukIsNoKey { pin });
        }
        let (standing, known) = self.standing(session, card, id)?;
        if matches!(standing, Standing::Off(_)) != on {
            return Ok(Presented::NotNeeded);
        }
        let tries = self.tries(session, card, id, (&standing, known))?;
        let (ins, octets) = (if on { ENABLE } else { DISABLE }, pin.octets.expose());
        self.spend(session, card, id, &Spending { ins, octets, tries, known, changes: None })?;
        Ok(Presented::Accepted)
    }

    /// Gives a PIN a new value and all its tries, by its PUK: UNBLOCK PIN. The PIN need not be blocked. A refusal of the PIN
    /// that was noted before is forgotten: the value that was refused is gone.
    ///
    /// # Errors
    /// [`KeyError`], of the PUK.
    pub fn unblock(
        &self,
        session: &mut Session<'_>,
        card: Option<&Iccid>,
        puk: &Key,
        new: &Key,
    ) -> Result<(), KeyError> {
        let (card, id) = self.known(session, card, puk)?;
        let KeyId::Puk(pin) = id else { return Err(KeyError::NotPuk { key: id }) };
        let (standing, known) = self.standing(session, card, id)?;
        let tries = self.tries(session, card, id, (&standing, known))?;
        let (octets, changes) = (&puk.before(new)[..], Some(KeyId::Key(pin)));
        self.spend(session, card, id, &Spending { ins: UNBLOCK, octets, tries, known, changes })
    }

    /// Which value a key of a card has is not known for certain: none is presented until a person has found out.
    ///
    /// # Errors
    /// [`KeyError::Journal`].
    pub(in crate::card) fn doubt(&self, card: &Iccid, key: KeyId) -> Result<(), KeyError> {
        match self.journal.state(card, key)? {
            KeyState::Refused { .. } | KeyState::Unanswered { tries: None } => Ok(()),
            known => Ok(self.journal.presenting(card, key, known, None)?),
        }
    }

    /// The counter of a key that is sent although the card would count it as presented, or as off.
    fn tries(
        &self,
        session: &Session<'_>,
        card: &Iccid,
        key: KeyId,
        (standing, known): (&Standing, KeyState),
    ) -> Result<Option<u8>, KeyError> {
        // The answer to a command before was lost, and the card tells of no counter now that would settle it.
        if let (Standing::Presented(_), KeyState::Unanswered { .. }) = (standing, known) {
            return Err(KeyError::InDoubt { card: card.clone(), key });
        }
        let uncounted = |sw| self.check_uncounted(session, card, key, sw).map(|()| None);
        match standing {
            Standing::Ready(tries) => Ok(*tries),
            // It was accepted in this session, and so is as full as it was, or fuller.
            Standing::Presented(Some(before)) => Ok(Some(*before)),
            Standing::Presented(None) => uncounted(None),
            Standing::Off(Ok(left)) => {
                self.check_counted(card, key, known, *left)?;
                Ok(Some(*left))
            }
            Standing::Off(Err(sw)) => uncounted(Some(*sw)),
        }
    }
}

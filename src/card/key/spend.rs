//! The one place where a key goes to a card: journalled, in its turn, once.

use super::{
    KeyError, KeyGuard, KeyId,
    counter::{VERIFY, about, left_after},
    permit::Turn,
};
use crate::{
    card::{KeyJournal, KeyOutcome, KeyState, Session},
    ident::Iccid,
    wire::apdu::{CommandApdu, StatusClass, StatusWord, instruction},
};

/// A command that a wrong key would cost a try.
pub(super) struct Spending<'k> {
    /// Its instruction.
    pub(super) ins: u8,
    /// Its data: the key, and perhaps a new value.
    pub(super) octets: &'k [u8],
    /// What the counter shows.
    pub(super) tries: Option<u8>,
    /// What the journal knew of the key when that was asked.
    pub(super) known: KeyState,
    /// The key that gets another value. Which one it has when the answer is lost no counter tells.
    pub(super) changes: Option<KeyId>,
}

impl KeyGuard<'_> {
    /// Sends a command that a wrong key would cost a try.
    pub(super) fn spend(
        &self,
        session: &mut Session<'_>,
        card: &Iccid,
        key: KeyId,
        spending: &Spending<'_>,
    ) -> Result<(), KeyError> {
        let Spending { ins, tries, .. } = *spending;
        let command = about(session.mode(), ins, key);
        // Data of 8 or 16 octets always fit.
        let Ok(command) = command.with_data(spending.octets) else { return Err(KeyError::PinLength) };
        let turn = Turn::take(self.permit)?;
        let noted = Noted::new(self.journal, card, key, spending)?;
        // The journal may have been waited for longer than a turn lasts, and another card may have refused its key by now.
        if let Err(stopped) = turn.keep() {
            noted.not_sent()?;
            return Err(stopped.into());
        }
        let answer = session.send_once(&command).map_err(|source| KeyError::AnswerLost { key, source })?;
        let sw = answer.sw;
        if sw.is_ok() {
            drop(turn);
            session.note_accepted(key, tries);
            if let Some((pin, _)) = noted.other {
                session.note_accepted(pin, None);
            }
            return noted.accepted();
        }
        if is_unknown(sw) && ins != VERIFY {
            // The card did not look at the key. Should it have done so after all, the counter will show it.
            noted.not_looked_at(tries)?;
            return Err(no_instruction(card, key, &command, sw));
        }
        // Before anything else: the journal may have to be waited for, and the others are not to go on meanwhile.
        self.tell_refused();
        drop(turn);
        noted.refused(sw)?;
        let left = left_after(session, key, sw);
        Err(KeyError::Wrong { card: card.clone(), key, sw, left })
    }

    /// Tells whoever gives turns that a key is refused, so that no other card is given its own.
    pub(super) fn tell_refused(&self) {
        if let Some(permit) = self.permit {
            permit.refused();
        }
    }
}

/// What the journal was told of a command, and what it knew before.
struct Noted<'a> {
    journal: &'a dyn KeyJournal,
    card: &'a Iccid,
    key: KeyId,
    known: KeyState,
    /// The PIN that gets another value by its PUK, and what was known of it.
    other: Option<(KeyId, KeyState)>,
}

impl<'a> Noted<'a> {
    /// Enters all keys that the command is about. A PIN that gets another value is in doubt from here on, whatever becomes of its
    /// PUK.
    fn new(
        journal: &'a dyn KeyJournal,
        card: &'a Iccid,
        key: KeyId,
        spending: &Spending<'_>,
    ) -> Result<Self, KeyError> {
        let mut noted = Self { journal, card, key, known: spending.known, other: None };
        if let Some(pin) = spending.changes.filter(|pin| *pin != key) {
            let known = journal.state(card, pin)?;
            journal.presenting(card, pin, known, None)?;
            noted.other = Some((pin, known));
        }
        let tries = spending.tries.filter(|_| spending.changes != Some(key));
        if let Err(error) = journal.presenting(card, key, spending.known, tries) {
            noted.untouched()?;
            return Err(error.into());
        }
        Ok(noted)
    }

    fn not_sent(&self) -> Result<(), KeyError> {
        self.journal.put_back(self.card, self.key, self.known)?;
        self.untouched()
    }

    fn not_looked_at(&self, tries: Option<u8>) -> Result<(), KeyError> {
        self.journal.put_back(self.card, self.key, KeyState::Unanswered { tries })?;
        self.untouched()
    }

    fn accepted(&self) -> Result<(), KeyError> {
        self.journal.outcome(self.card, self.key, KeyOutcome::Accepted)?;
        match self.other {
            Some((pin, _)) => Ok(self.journal.outcome(self.card, pin, KeyOutcome::Accepted)?),
            None => Ok(()),
        }
    }

    /// The key was refused. The PIN has its old value only where the card says just that.
    fn refused(&self, sw: StatusWord) -> Result<(), KeyError> {
        self.journal.outcome(self.card, self.key, KeyOutcome::Refused)?;
        match sw.class() {
            StatusClass::WrongKey(_) | StatusClass::Blocked | StatusClass::Denied => self.untouched(),
            _ => Ok(()),
        }
    }

    /// The PIN is what it was, with what was known of it.
    fn untouched(&self) -> Result<(), KeyError> {
        match self.other {
            Some((pin, known)) => Ok(self.journal.put_back(self.card, pin, known)?),
            None => Ok(()),
        }
    }
}

/// The card does not know a command, and so has not looked at what came with it.
pub(super) fn is_unknown(sw: StatusWord) -> bool {
    matches!(sw, StatusWord::UNKNOWN_CLA | StatusWord::UNKNOWN_INS)
}

pub(super) fn no_instruction(card: &Iccid, key: KeyId, command: &CommandApdu, sw: StatusWord) -> KeyError {
    KeyError::NoInstruction { card: card.clone(), key, command: instruction(command.ins()), sw }
}

//! The guard: what stands between a key and a card.

use std::fmt;

use super::{
    Key, KeyError, KeyId, KeyPermit, KeyPolicy,
    counter::{Counter, UNBLOCK, VERIFY, about, counter, counts_for, named, namesakes},
    spend::{Spending, is_unknown, no_instruction},
};
use crate::{
    card::{
        FileError, FilePath, FileSystem, KeyJournal, KeyOutcome, KeyState, Session,
        rights::{asks_for_some_key, has_puk, keys_for},
    },
    ident::Iccid,
    wire::{
        apdu::StatusWord,
        arr::{KeyRef, Operation},
    },
};

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
    pub(super) journal: &'a dyn KeyJournal,
    policy: &'a KeyPolicy,
    pub(super) permit: Option<&'a dyn KeyPermit>,
}

impl fmt::Debug for KeyGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyGuard").field("policy", self.policy).finish_non_exhaustive()
    }
}

/// What card and journal say of a key that a try is to be spent on.
pub(super) enum Standing {
    /// It may be: the counter, where the card tells it.
    Ready(Option<u8>),
    /// It was presented since the last reset. The counter before that, where it was told then; it is full now.
    Presented(Option<u8>),
    /// It is switched off: the tries, or what the card says instead of them.
    Off(Result<u8, StatusWord>),
}

impl<'a> KeyGuard<'a> {
    /// A guard that keeps `journal` and goes by `policy`.
    pub fn new(journal: &'a dyn KeyJournal, policy: &'a KeyPolicy) -> Self {
        Self { journal, policy, permit: None }
    }

    /// The same, which asks before each key.
    #[must_use]
    pub fn asking(mut self, permit: Option<&'a dyn KeyPermit>) -> Self {
        self.permit = permit;
        self
    }

    /// Presents a PIN or an administrative key.
    ///
    /// # Errors
    /// [`KeyError`]. The key was sent only in [`KeyError::Wrong`] and [`KeyError::AnswerLost`].
    pub fn present(
        &self,
        session: &mut Session<'_>,
        card: Option<&Iccid>,
        key: &Key,
    ) -> Result<Presented, KeyError> {
        let (card, id) = self.known(session, card, key)?;
        if let KeyId::Puk(pin) = id {
            return Err(KeyError::PukIsNoKey { pin });
        }
        let (tries, known) = match self.standing(session, card, id)? {
            (Standing::Presented(_) | Standing::Off(_), _) => return Ok(Presented::NotNeeded),
            (Standing::Ready(tries), known) => (tries, known),
        };
        let octets = key.octets.expose();
        self.spend(session, card, id, &Spending { ins: VERIFY, octets, tries, known, changes: None })?;
        Ok(Presented::Accepted)
    }

    /// Does something that reads a card. Where the card does not let a file be read, those PINs among `keys` are presented that
    /// its access rules ask for, and no others; then it is done again.
    ///
    /// # Errors
    /// As [`KeyGuard::present`].
    pub fn with_pins<T>(
        &self,
        fs: &mut FileSystem<'_>,
        keys: &[Key],
        work: impl FnMut(&mut FileSystem<'_>) -> T,
    ) -> Result<T, KeyError> {
        self.with_agreed_pins(fs, keys, |_, _| true, work)
    }

    /// The same where somebody is asked first: `agreed` is told the card and a PIN that would be presented to it, each before it is.
    ///
    /// # Errors
    /// As [`KeyGuard::present`]; [`KeyError::NotAgreed`] when the answer is no.
    pub fn with_agreed_pins<T>(
        &self,
        fs: &mut FileSystem<'_>,
        keys: &[Key],
        mut agreed: impl FnMut(&Iccid, KeyId) -> bool,
        mut work: impl FnMut(&mut FileSystem<'_>) -> T,
    ) -> Result<T, KeyError> {
        // Each PIN is presented once, and so this comes to an end: what a card says of a PIN that it has taken is not relied on.
        let mut left: Vec<&Key> = keys.iter().filter(|key| key.is_pin()).collect();
        let unnamed = unnamed(&left);
        loop {
            fs.take_denied();
            let done = work(fs);
            let mut opened = false;
            for file in fs.take_denied() {
                opened |= self.open(fs, &file, &mut left, unnamed, &mut agreed)?;
            }
            if !opened {
                return Ok(done);
            }
        }
    }

    /// Presents those of the PINs that the rules of a file ask for before it is read, and takes them away; `unnamed` where the rules
    /// do not say which they mean. True when the card took one.
    fn open(
        &self,
        fs: &mut FileSystem<'_>,
        file: &FilePath,
        pins: &mut Vec<&Key>,
        unnamed: Option<KeyRef>,
        agreed: &mut impl FnMut(&Iccid, KeyId) -> bool,
    ) -> Result<bool, KeyError> {
        if pins.is_empty() {
            return Ok(false);
        }
        let held: Vec<KeyRef> = pins.iter().filter_map(|pin| pin.id.reference()).collect();
        let condition = match fs.rights(file) {
            Ok(rights) => rights.condition(Operation::Read),
            Err(FileError::Transport(error)) => return Err(error.into()),
            Err(_) => None,
        };
        let asked = match &condition {
            None => unnamed.into_iter().collect(),
            Some(condition) if asks_for_some_key(condition) => unnamed.into_iter().collect(),
            Some(condition) => keys_for(condition, &held).unwrap_or_default(),
        };
        let card = match fs.iccid() {
            Ok(card) => card,
            Err(FileError::Transport(error)) => return Err(error.into()),
            Err(_) => return Err(KeyError::NoIccid),
        };
        let mode = fs.session().mode();
        let name = |pin: &Key| named(mode, pin.id);
        let asked: Vec<KeyId> = asked.into_iter().map(|key| named(mode, key.into())).collect();
        let (mut taken, mut done) = (false, Vec::new());
        for pin in pins.extract_if(.., |pin| asked.contains(&name(pin))) {
            // Of two values for one PIN the first counts. The second would be another try.
            if done.contains(&name(pin)) {
                continue;
            }
            done.push(name(pin));
            if !agreed(&card, name(pin)) {
                return Err(KeyError::NotAgreed { card, key: name(pin) });
            }
            taken |= self.present(fs.session_mut(), Some(&card), pin)? == Presented::Accepted;
        }
        Ok(taken)
    }

    /// Whether a key would be presented now, and the tries that it has left, where the card tells them. Nothing is sent that could
    /// spend one.
    ///
    /// # Errors
    /// [`KeyError`], as for the command that would take the key.
    pub fn look(
        &self,
        session: &mut Session<'_>,
        card: Option<&Iccid>,
        key: KeyId,
    ) -> Result<Option<u8>, KeyError> {
        let (card, key) = (card.ok_or(KeyError::NoIccid)?, named(session.mode(), key));
        Ok(match self.standing(session, card, key)?.0 {
            Standing::Ready(tries) | Standing::Presented(tries) => tries,
            Standing::Off(tries) => tries.ok(),
        })
    }

    /// Whether a key counts as presented without being sent: it is switched off, or verified already.
    ///
    /// # Errors
    /// [`KeyError::Transport`].
    pub fn is_not_needed(&self, session: &mut Session<'_>, key: KeyRef) -> Result<bool, KeyError> {
        let key = named(session.mode(), key.into());
        Ok(matches!(counter(session, key)?, Counter::Presented | Counter::Off(_)))
    }

    /// The card and the key by its one name.
    pub(super) fn known<'i>(
        &self,
        session: &Session<'_>,
        card: Option<&'i Iccid>,
        key: &Key,
    ) -> Result<(&'i Iccid, KeyId), KeyError> {
        Ok((card.ok_or(KeyError::NoIccid)?, named(session.mode(), key.id)))
    }

    /// Whether a try may be spent on a key: what the journal knows of it, then its counter.
    pub(super) fn standing(
        &self,
        session: &mut Session<'_>,
        card: &Iccid,
        key: KeyId,
    ) -> Result<(Standing, KeyState), KeyError> {
        let state = self.journal.state(card, key)?;
        if let KeyState::Refused { .. } = state {
            self.tell_refused();
            return Err(KeyError::Quarantined { card: card.clone(), key });
        }
        for other in namesakes(session.mode(), key) {
            let of_other = self.journal.state(card, other)?;
            match of_other {
                _ if !counts_for(session.mode(), of_other) => {}
                KeyState::Refused { .. } => {
                    self.tell_refused();
                    return Err(KeyError::Quarantined { card: card.clone(), key: other });
                }
                KeyState::Unanswered { .. } => {
                    return Err(KeyError::InDoubt { card: card.clone(), key: other });
                }
                _ => {}
            }
        }
        // An UNBLOCK whose answer was lost may have given the PIN another value, whatever its counter shows. (Journals of earlier
        // versions say so in the entry of the PUK alone.)
        if let KeyId::Key(pin) = key
            && has_puk(pin)
            && matches!(self.journal.state(card, KeyId::Puk(pin))?, KeyState::Unanswered { .. })
        {
            return Err(KeyError::InDoubt { card: card.clone(), key });
        }
        let standing = match counter(session, key)? {
            Counter::Blocked => return Err(KeyError::Blocked { card: card.clone(), key }),
            Counter::NoSuchKey => return Err(KeyError::NoSuchKey { key }),
            Counter::Presented => Standing::Presented(session.accepted(key).flatten()),
            Counter::Off(tries) => Standing::Off(tries),
            Counter::Left(left) => {
                self.check_counted(card, key, state, left)?;
                Standing::Ready(Some(left))
            }
            // It was taken since the last reset, and there is no counter that would say so.
            Counter::Unknown(_) if session.accepted(key).is_some() => Standing::Presented(None),
            Counter::Unknown(sw) => {
                self.check_uncounted(session, card, key, sw)?;
                Standing::Ready(None)
            }
        };
        Ok((standing, state))
    }

    /// Whether a counter that is told allows a try.
    pub(super) fn check_counted(
        &self,
        card: &Iccid,
        key: KeyId,
        state: KeyState,
        left: u8,
    ) -> Result<(), KeyError> {
        match state {
            KeyState::Unanswered { tries: Some(before) } if left < before => {
                self.tell_refused();
                self.journal.outcome(card, key, KeyOutcome::Refused)?;
                return Err(KeyError::LostAndRefused { card: card.clone(), key, before, left });
            }
            KeyState::Accepted { tries: Some(before) } if left < before => {
                return Err(KeyError::CounterFell { card: card.clone(), key, before, left });
            }
            // It had no counter then, or was to be changed: nothing tells what became of it.
            KeyState::Unanswered { tries: None } => {
                return Err(KeyError::InDoubt { card: card.clone(), key });
            }
            _ => {}
        }
        let floor = self.policy.floor;
        if left < floor {
            Err(KeyError::TooFewTries { card: card.clone(), key, left, floor })
        } else {
            Ok(())
        }
    }

    /// Whether a key may be presented although its counter is not told.
    pub(super) fn check_uncounted(
        &self,
        session: &Session<'_>,
        card: &Iccid,
        key: KeyId,
        sw: Option<StatusWord>,
    ) -> Result<(), KeyError> {
        if let Some(sw) = sw.filter(|sw| is_unknown(*sw)) {
            let ins = if matches!(key, KeyId::Puk(_)) { UNBLOCK } else { VERIFY };
            return Err(no_instruction(card, key, &about(session.mode(), ins, key), sw));
        }
        if !self.policy.allows_once(card, session.transport().atr()) {
            return Err(KeyError::UnknownCounter { card: card.clone(), key, sw });
        }
        match self.journal.state(card, key)? {
            KeyState::Clear => Ok(()),
            state => Err(KeyError::AllowanceUsed { card: card.clone(), key, state }),
        }
    }
}

/// The PIN that is presented where access rules cannot be told, or do not say which they mean: PIN1, which is what the user of a card
/// enters, or the only one that was given. Another would be a try that is risked for a guess.
fn unnamed(pins: &[&Key]) -> Option<KeyRef> {
    let mut references = pins.iter().filter_map(|pin| pin.id.reference());
    let first = references.next()?;
    let only = references.all(|other| other == first).then_some(first);
    if pins.iter().any(|pin| pin.id == KeyRef::PIN1) { Some(KeyRef::PIN1) } else { only }
}

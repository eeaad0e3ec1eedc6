//! Keys in scripts: each is presented by the guard, whatever the script writes.

use crate::{
    card::{ChangedKey, Key, KeyError, KeyId, Mode, Presented},
    ident::AdmKey,
    wire::{
        apdu::{CommandApdu, ResponseApdu, StatusWord},
        arr::KeyRef,
        script::{
            At, Expr, KeyChange, Manner, Position, ProblemKind, Script, Statement, Value, asks_counter,
        },
    },
};

use super::{
    Entry, ScriptError,
    command::{Answered, class},
    run::{Run, problem},
};

/// The keys that a script declares by `KEY` and `PUK`, with the names of the secrets that hold them.
pub fn declared_keys(script: &Script) -> impl Iterator<Item = (KeyId, &str)> {
    script.statements.iter().filter_map(|statement| match &statement.value {
        Statement::Key(key) => Some((KeyId::Key(key.reference.value), key.name.value.as_str())),
        Statement::Puk(puk) => Some((KeyId::Puk(puk.reference.value), puk.name.value.as_str())),
        _ => None,
    })
}

/// True when a key is for certain what it was.
fn stayed(done: &Result<Presented, KeyError>) -> bool {
    match done {
        Ok(Presented::Accepted) | Err(KeyError::AnswerLost { .. } | KeyError::Journal(_)) => false,
        Ok(Presented::NotNeeded) | Err(_) => true,
    }
}

impl Run<'_, '_> {
    /// `VER`.
    pub(super) fn verify(&mut self, at: Position, reference: KeyRef) -> Result<(), ScriptError> {
        let key = self.key(at, reference.into())?;
        let mode = self.mode();
        let presented = self.present(mode, &key);
        let note = match &presented {
            Ok(Presented::Accepted) => "accepted".to_owned(),
            Ok(Presented::NotNeeded) => "not needed, not sent".to_owned(),
            Err(error) => error.to_string(),
        };
        self.tell(Entry::new(at.line, format!("VER {:02X}", reference.0)).noting(note));
        self.no_answer();
        presented.map(drop).map_err(|source| ScriptError::Key { at, source })
    }

    /// VERIFY that a script carries as octets: asking for the counter is let through, a key goes to the guard, and whatever the
    /// guard cannot look after is not sent.
    pub(super) fn literal_key(&mut self, at: Position, apdu: &CommandApdu) -> Result<Answered, ScriptError> {
        if asks_counter(apdu) {
            let plain = CommandApdu::new(apdu.cla(), apdu.ins(), apdu.p1(), apdu.p2());
            let response = self.exchange(at, Manner::Raw, &plain, None)?;
            return Ok(Answered { response, note: None });
        }
        let guarded = matches!(apdu.cla(), 0x00 | 0xA0) && apdu.p1() == 0;
        let octets = <[u8; 8]>::try_from(apdu.data()).ok().filter(|_| guarded);
        let Some(octets) = octets else {
            return Err(problem(at, ProblemKind::UnguardedKey { what: "this form of VERIFY" }));
        };
        let key = Key::adm(KeyRef(apdu.p2()), AdmKey::from_octets(octets));
        let answered = |sw, note: &str| Answered {
            response: ResponseApdu { data: Vec::new(), sw },
            note: Some(note.to_owned()),
        };
        match self.present(class(apdu), &key) {
            Ok(Presented::Accepted) => Ok(answered(StatusWord::OK, "presented under the key rule")),
            Ok(Presented::NotNeeded) => {
                Ok(answered(StatusWord::OK, "not sent: the key is off or counts as presented"))
            }
            // The script may expect just that. The key will not be presented to this card again.
            Err(error @ KeyError::Wrong { sw, .. }) => Ok(answered(sw, &error.to_string())),
            Err(source) => Err(ScriptError::Key { at, source }),
        }
    }

    /// `CHG`, `UNB`, `ENA` and `DIS`.
    pub(super) fn change_key(&mut self, at: Position, change: &KeyChange) -> Result<(), ScriptError> {
        let of = change.key().value;
        let key = match change {
            KeyChange::Unblock(..) => self.key(at, KeyId::Puk(of))?,
            _ => self.key(at, of.into())?,
        };
        let new = change.new_value().map(|new| self.new_value(of, new)).transpose()?;
        if let Some(ledger) = &mut self.ledger {
            let entered = ledger.change_key(ChangedKey::by(change));
            entered.map_err(|source| ScriptError::Journal { at, source })?;
        }
        let mode = self.mode();
        self.class.get_or_insert(mode);
        let (guard, card, session) = (&self.setup.guard, self.iccid.as_ref(), self.fs.session_mut());
        session.set_mode(mode);
        let done = match (change, &new) {
            (KeyChange::Change(..), Some(new)) => {
                guard.change(session, card, &key, new).map(|()| Presented::Accepted)
            }
            (KeyChange::Unblock(..), Some(new)) => {
                guard.unblock(session, card, &key, new).map(|()| Presented::Accepted)
            }
            (change, _) => guard.switch(session, card, &key, matches!(change, KeyChange::Enable(_))),
        };
        session.set_mode(Mode::ThreeG);
        let note = match &done {
            Ok(Presented::Accepted) => "done".to_owned(),
            Ok(Presented::NotNeeded) => "was so already, not sent".to_owned(),
            Err(error) => error.to_string(),
        };
        if let Ok(Presented::Accepted) = done {
            self.changed();
        }
        let noted = match &mut self.ledger {
            Some(ledger) if stayed(&done) => ledger.key_stayed(),
            _ => Ok(()),
        };
        self.tell(Entry::new(at.line, format!("{} {:02X}", change.word(), of.0)).noting(note));
        self.no_answer();
        // Why a key was not taken says more than a journal that says too much of it.
        done.map_err(|source| ScriptError::Key { at, source })?;
        noted.map_err(|source| ScriptError::Journal { at, source })
    }

    /// A key that the script declares, as it was given.
    fn key(&self, at: Position, id: KeyId) -> Result<Key, ScriptError> {
        self.setup.keys.iter().find(|key| key.id == id).cloned().ok_or_else(|| {
            let name = self.names.get(&id).cloned().unwrap_or_default();
            ScriptError::KeyMissing { at, key: id, name }
        })
    }

    /// The value of a secret variable, as a key.
    fn new_value(&self, of: KeyRef, new: &At<String>) -> Result<Key, ScriptError> {
        let item = [At::new(new.at, Expr::Variable(new.value.clone()))];
        let key = match self.value(&item, new.at)? {
            Value::Digits(digits, _) => digits.parse().ok().and_then(|pin| Key::pin(of, &pin).ok()),
            Value::Octets(octets) => {
                let octets = <[u8; 8]>::try_from(octets.expose()).ok();
                octets.map(|octets| Key::adm(of, AdmKey::from_octets(octets)))
            }
            Value::Path(_) => None,
        };
        key.ok_or_else(|| problem(new.at, ProblemKind::NewKey { key: of }))
    }

    fn present(&mut self, mode: Mode, key: &Key) -> Result<Presented, KeyError> {
        self.class.get_or_insert(mode);
        let session = self.fs.session_mut();
        session.set_mode(mode);
        let presented = self.setup.guard.present(session, self.iccid.as_ref(), key);
        session.set_mode(Mode::ThreeG);
        if let (Ok(Presented::Accepted), Some(ledger), Some(key)) =
            (&presented, &mut self.ledger, key.id.reference())
        {
            ledger.presented(key);
        }
        presented
    }
}

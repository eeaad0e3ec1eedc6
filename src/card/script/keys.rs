//! Keys in scripts: each is presented by the guard, whatever the script writes.

use crate::{
    card::{Key, KeyError, Mode, Presented},
    ident::AdmKey,
    wire::{
        apdu::{CommandApdu, ResponseApdu, StatusWord},
        arr::KeyRef,
        script::{Manner, Position, ProblemKind, asks_counter},
    },
};

use super::{
    Entry, ScriptError,
    command::{Answered, class},
    run::{Run, problem},
};

impl Run<'_, '_> {
    /// `VER`.
    pub(super) fn verify(&mut self, at: Position, reference: KeyRef) -> Result<(), ScriptError> {
        let Some(key) = self.setup.keys.iter().find(|key| key.id == reference).cloned() else {
            let name = self.names.get(&reference).cloned().unwrap_or_default();
            return Err(ScriptError::KeyMissing { at, key: reference, name });
        };
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

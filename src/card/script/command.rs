//! `CMD` and `APD`: one command, held against what is expected of its answer.

use crate::{
    card::{Mode, file_system::says_nothing_done},
    wire::{
        apdu::{CommandApdu, ResponseApdu, StatusWord},
        script::{
            Act, Command, EffectKind, Expected, Manner, Octets, Position, ProblemKind, StatusPattern, Value,
            act_of, form, target,
        },
    },
};

use super::{
    Entry, ScriptError,
    answer::{Expectation, Wanted},
    run::{Run, problem},
};

/// What came back, and what there is to say of it.
pub(super) struct Answered {
    pub(super) response: ResponseApdu,
    pub(super) note: Option<String>,
}

impl Run<'_, '_> {
    pub(super) fn command(&mut self, at: Position, command: &Command) -> Result<(), ScriptError> {
        let mut octets = self.octets(&command.octets, at)?;
        self.remember(&octets);
        let apdu = form(octets.expose(), command.manner, command.data.is_some())
            .map_err(|kind| problem(at, kind))?;
        let wanted = self.expectation(at, command)?;
        let does = act_of(&apdu);
        if does == Act::Verify {
            // A key that stands in the script is one all the same.
            (5..octets.len()).for_each(|place| octets.hide(place));
            self.remember(&octets);
        }
        let word = match command.manner {
            Manner::Raw => "CMD",
            Manner::Followed => "APD",
        };
        let place = target(does, &apdu, &self.cursor);
        let answered = match does {
            Act::Terminal(what) => return Err(problem(at, ProblemKind::Terminal { what })),
            Act::OtherKey(what) => return Err(problem(at, ProblemKind::UnguardedKey { what })),
            Act::Verify => self.literal_key(at, &apdu)?,
            _ => {
                self.allow(at, command, &apdu, does)?;
                self.begin();
                self.back_up(at, &apdu, does)?;
                let response = self.exchange(at, command.manner, &apdu, changing(does))?;
                if changing(does).is_some() && says_nothing_done(response.sw) {
                    self.was_not_done();
                } else if changing(does).is_some() && response.sw.is_ok() {
                    self.was_done();
                }
                Answered { response, note: None }
            }
        };
        let sw = answered.response.sw;
        if is_done(sw) {
            self.cursor.follow(&apdu);
            if changing(does).is_some() {
                self.changed();
            }
        }
        let back = if is_done(sw) { self.read_back(at, &apdu, does, place) } else { Ok(None) };
        let data = Octets::hiding(&answered.response.data, &self.secrets);
        let mut entry = Entry::new(at.line, word);
        entry.sent = Some(octets);
        entry.data = Some(data.clone());
        entry.sw = Some(sw);
        entry.note = answered.note.or_else(|| back.as_ref().ok().cloned().flatten());
        entry.difference = wanted.differs(&data, sw);
        let differs = entry.difference.clone();
        self.tell(entry);
        if let Some(difference) = differs {
            let status = wanted.status.iter().any(|status| status.matches(sw)) || wanted.status.is_empty();
            let (expected, seen) = match difference.octet.filter(|_| status) {
                Some(octet) => ("other data".to_owned(), format!("data that differ at octet {octet}")),
                None => (wanted.status(), sw.to_string()),
            };
            return Err(ScriptError::Unexpected { at, expected, seen });
        }
        back?;
        self.last = Some(sw);
        self.env.set("R", Some(Value::Octets(data)));
        self.env.set("SW", Some(Value::Octets(Octets::shown(&sw.0.to_be_bytes()))));
        Ok(())
    }

    fn expectation(&mut self, at: Position, command: &Command) -> Result<Expectation, ScriptError> {
        let status = command.status.iter().map(|status| status.value).collect();
        let Some(pieces) = &command.data else { return Ok(Expectation { data: None, status }) };
        let mut data = Vec::new();
        for piece in pieces {
            match &piece.value {
                Expected::Octet { value, mask } => {
                    data.push(Wanted { value: *value, mask: *mask, secret: false });
                }
                Expected::Value(expr) => {
                    let item = [crate::wire::script::At::new(piece.at, expr.clone())];
                    let octets = self.octets(&item, at)?;
                    self.remember(&octets);
                    data.extend(octets.expose().iter().enumerate().map(|(place, octet)| Wanted {
                        value: *octet,
                        mask: 0xFF,
                        secret: octets.is_secret_at(place),
                    }));
                }
            }
        }
        Ok(Expectation { data: Some(data), status })
    }

    /// Refuses what a script of the superset has not declared. The check has looked at this already, as far as it could tell
    /// which file is meant.
    fn allow(
        &self,
        at: Position,
        command: &Command,
        apdu: &CommandApdu,
        does: Act,
    ) -> Result<(), ScriptError> {
        let (what, kind) = match does {
            Act::Read => ("a READ command", EffectKind::Reads),
            Act::Update(what) => (what, EffectKind::Updates),
            Act::Create => ("CREATE FILE", EffectKind::Creates),
            Act::Destroy(what) | Act::DestroyOther(what) => (what, EffectKind::Destroys),
            Act::Unknown(what) if self.extended && !self.declared.may_do_anything() => {
                return Err(problem(at, ProblemKind::UndeclaredUnknown { what }));
            }
            _ => return Ok(()),
        };
        let declared = match does {
            Act::DestroyOther(_) => self.extended && self.declared.has(kind),
            _ if !self.extended => kind != EffectKind::Destroys,
            _ => {
                let place = target(does, apdu, &self.cursor)
                    .ok_or_else(|| problem(at, ProblemKind::UnknownFile { what }))?;
                let known = self.declared.keys(kind, &place).is_some()
                    || (kind == EffectKind::Reads && command.is_meant_to_fail());
                if !known {
                    let file = place.to_string();
                    let effect = kind.name();
                    return Err(problem(at, ProblemKind::Undeclared { what, file, effect }));
                }
                true
            }
        };
        if declared { Ok(()) } else { Err(problem(at, ProblemKind::UndeclaredDestruction { what })) }
    }

    /// Sends a command as the script writes it.
    pub(super) fn exchange(
        &mut self,
        at: Position,
        manner: Manner,
        apdu: &CommandApdu,
        changing: Option<&'static str>,
    ) -> Result<ResponseApdu, ScriptError> {
        let session = self.fs.session_mut();
        let answer = match manner {
            Manner::Raw => session.exchange(apdu),
            Manner::Followed => session.send(apdu),
        };
        let answer = answer.map_err(|source| match changing {
            Some(what) => ScriptError::Unknown { at, what, source },
            None => ScriptError::Transport { at, source },
        })?;
        // A card that does not know the class is not in it.
        if !matches!(answer.sw, StatusWord::UNKNOWN_CLA | StatusWord::UNKNOWN_INS) {
            self.class.get_or_insert(class(apdu));
        }
        Ok(answer)
    }
}

/// The class in which a command speaks.
pub(super) fn class(apdu: &CommandApdu) -> Mode {
    if apdu.cla() & 0xF0 == 0xA0 { Mode::TwoG } else { Mode::ThreeG }
}

/// The name of a command that changes something.
fn changing(does: Act) -> Option<&'static str> {
    match does {
        Act::Update(what) | Act::Destroy(what) | Act::DestroyOther(what) | Act::Unknown(what) => Some(what),
        Act::Create => Some("CREATE FILE"),
        _ => None,
    }
}

/// True when the card has done what was asked.
fn is_done(sw: StatusWord) -> bool {
    StatusPattern { value: sw.0, mask: 0xFFFF }.may_be_good()
}

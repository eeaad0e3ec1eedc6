//! What is checked of a command: its form, its expectations, and what it does.

use crate::wire::{
    apdu::CommandApdu,
    script::{
        Act, At, Command, EffectKind, Expected, Octets, Position, ProblemKind, StatusPattern, act,
        act::created, act_of, asks_counter, eval, form, target,
    },
};

use super::{State, Walk, without_answer};

impl Walk<'_> {
    pub(super) fn command(&mut self, at: Position, command: &Command, state: &mut State) {
        let octets = self.octets(&command.octets, &state.env);
        let status: Vec<StatusPattern> = command.status.iter().map(|status| status.value).collect();
        let expected = command.data.as_ref().map(|data| self.expected_length(data, state));
        match octets {
            Some(octets) => match form(octets.expose(), command.manner, command.data.is_some()) {
                Ok(apdu) => {
                    self.answer_length(at, command, &apdu, expected.flatten());
                    self.acts(at, command, &apdu, &octets, state);
                    follow(&apdu, &status, state);
                }
                Err(problem) => self.say(at, problem),
            },
            // A value is missing: what the header alone tells is still looked at.
            None => self.header(at, command, state),
        }
        state.answer(status);
    }

    /// How many octets `[…]` expects; none when that is not known.
    fn expected_length(&mut self, data: &[At<Expected>], state: &State) -> Option<usize> {
        let mut length = Some(0);
        for piece in data {
            let more = match &piece.value {
                Expected::Octet { .. } => Some(1),
                Expected::Value(expr) => {
                    let item = [At::new(piece.at, expr.clone())];
                    match eval::octets(&item, &state.env) {
                        Ok(octets) => octets.map(|octets| octets.len()),
                        Err(problem) => {
                            self.problems.push(without_answer(problem));
                            None
                        }
                    }
                }
            };
            length = length.zip(more).map(|(a, b)| a + b);
        }
        length
    }

    fn answer_length(
        &mut self,
        at: Position,
        command: &Command,
        apdu: &CommandApdu,
        expected: Option<usize>,
    ) {
        let le = apdu.le().map(|le| if le == 0 { 256 } else { usize::from(le) });
        if let (Some(le), Some(got)) = (le, expected)
            && got > le
        {
            let at = command.data.as_ref().and_then(|data| data.first()).map_or(at, |piece| piece.at);
            self.say(at, ProblemKind::LongAnswer { le, got });
        }
    }

    fn acts(&mut self, at: Position, command: &Command, apdu: &CommandApdu, octets: &Octets, state: &State) {
        let does = act_of(apdu);
        let kind = match does {
            Act::Select | Act::Other => return,
            Act::Verify if asks_counter(apdu) => return,
            Act::Verify if apdu.data().is_empty() => {
                return self.say(at, ProblemKind::UnguardedKey { what: "VERIFY without a key" });
            }
            Act::Verify | Act::OtherKey(_) | Act::Terminal(_) | Act::DestroyOther(_) | Act::Unknown(_) => {
                return self.refused(at, does, octets);
            }
            Act::Read => EffectKind::Reads,
            Act::Update(_) => EffectKind::Updates,
            Act::Create => EffectKind::Creates,
            Act::Destroy(_) => EffectKind::Destroys,
        };
        let what = name(does, apdu);
        if !self.extended {
            if let Act::Destroy(what) = does {
                self.say(at, ProblemKind::UndeclaredDestruction { what });
            }
            return;
        }
        if does == Act::Create && created(apdu).is_none() {
            return self.say(at, ProblemKind::CreateTemplate);
        }
        // A command that is meant to be refused changes nothing.
        match target(does, apdu, &state.cursor) {
            Some(place) if command.is_meant_to_fail() => {
                if kind != EffectKind::Reads && self.declared.keys(kind, &place).is_none() {
                    let file = place.to_string();
                    self.say(at, ProblemKind::Undeclared { what, file, effect: kind.name() });
                }
            }
            Some(place) => self.effect(at, what, kind, &place, state),
            None => self.say(at, ProblemKind::UnknownFile { what }),
        }
    }

    /// What is never sent, or only by other means.
    fn refused(&mut self, at: Position, does: Act, octets: &Octets) {
        let kind = match does {
            Act::Terminal(what) => ProblemKind::Terminal { what },
            Act::OtherKey(what) => ProblemKind::UnguardedKey { what },
            Act::DestroyOther(what) => {
                if self.extended && self.declared.has(EffectKind::Destroys) {
                    return;
                }
                ProblemKind::UndeclaredDestruction { what }
            }
            // Annex B declares nothing; there it counts as a change, and is asked for.
            Act::Unknown(what) => {
                if !self.extended || self.declared.may_do_anything() {
                    return;
                }
                ProblemKind::UndeclaredUnknown { what }
            }
            _ if self.extended || octets.has_secret() => ProblemKind::RawKey { what: "VERIFY" },
            _ => ProblemKind::KeyInClear,
        };
        self.say(at, kind);
    }

    /// A command of which not all octets are known.
    fn header(&mut self, at: Position, command: &Command, state: &mut State) {
        let known = command
            .octets
            .iter()
            .map_while(|item| eval::octets(std::slice::from_ref(item), &state.env).ok().flatten());
        let mut octets = Octets::default();
        known.for_each(|more| octets.extend(&more));
        let [cla, ins, ..] = octets.expose() else {
            return state.cursor = crate::wire::script::Cursor::lost();
        };
        let does = act(*cla, *ins);
        if matches!(does, Act::Update(_) | Act::Create | Act::Destroy(_) | Act::Unknown(_)) {
            self.early_key_changes(state);
        }
        match does {
            Act::Verify | Act::OtherKey(_) | Act::Terminal(_) | Act::DestroyOther(_) | Act::Unknown(_) => {
                self.refused(at, does, &octets);
            }
            Act::Destroy(what) if !self.declared.has(EffectKind::Destroys) => {
                self.say(at, ProblemKind::UndeclaredDestruction { what });
            }
            Act::Update(what) if self.extended && !self.declared.has(EffectKind::Updates) => {
                self.undeclared(at, what, EffectKind::Updates);
            }
            Act::Create if self.extended && !self.declared.has(EffectKind::Creates) => {
                self.undeclared(at, "CREATE FILE", EffectKind::Creates);
            }
            _ => {}
        }
        if matches!(does, Act::Select | Act::Create | Act::Destroy(_)) {
            state.cursor = crate::wire::script::Cursor::lost();
        }
    }

    fn undeclared(&mut self, at: Position, what: &'static str, kind: EffectKind) {
        let file = "a file".to_owned();
        self.say(at, ProblemKind::Undeclared { what, file, effect: kind.name() });
    }
}

/// Where the card is when the command was answered as expected.
fn follow(apdu: &CommandApdu, status: &[StatusPattern], state: &mut State) {
    if status.is_empty() || status.iter().any(|status| status.may_be_good()) {
        state.cursor.follow(apdu);
    }
}

fn name(does: Act, apdu: &CommandApdu) -> &'static str {
    match does {
        Act::Update(what) | Act::Destroy(what) => what,
        Act::Create => "CREATE FILE",
        _ if apdu.ins() == 0xB2 => "READ RECORD",
        _ => "READ BINARY",
    }
}

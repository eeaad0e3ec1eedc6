//! What is checked of statements that change keys: the right, the effect, and a new value that stands elsewhere.

use std::collections::BTreeSet;

use crate::wire::{
    arr::KeyRef,
    script::{At, KeyChange, Position, ProblemKind, Script, Statement, Value, evaluate},
};

use super::{Expr, State, Walk};

/// What a script declares about keys besides those that it presents.
pub(super) struct Pins {
    /// PINs whose PUK is declared.
    puks: BTreeSet<KeyRef>,
    /// Variables that are secret.
    secrets: BTreeSet<String>,
}

impl Pins {
    pub(super) fn of(script: &Script) -> Self {
        let (mut puks, mut secrets) = (BTreeSet::new(), BTreeSet::new());
        for statement in &script.statements {
            match &statement.value {
                Statement::Puk(puk) => drop(puks.insert(puk.reference.value)),
                Statement::Variable(declared) if declared.secret => {
                    secrets.insert(declared.name.value.clone());
                }
                _ => {}
            }
        }
        Self { puks, secrets }
    }
}

impl Walk<'_> {
    pub(super) fn key_change(&mut self, at: Position, change: &KeyChange, state: &mut State) {
        let key = change.key();
        match change {
            KeyChange::Unblock(..) if !self.pins.puks.contains(&key.value) => {
                self.say(key.at, ProblemKind::UndeclaredPuk { key: key.value });
            }
            KeyChange::Unblock(..) => {}
            _ => self.declared_key(key),
        }
        if !self.declared.changed_keys().contains(&key.value) {
            let what = change.command();
            self.say(at, ProblemKind::UndeclaredKeyChange { what, key: key.value });
        }
        if let Some(new) = change.new_value() {
            self.new_value(key.value, new, state);
        }
        // A key that is only switched on or off is what it was.
        if change.new_value().is_some() && self.declared.is_taken(key.value) {
            state.rekeyed.insert((at, change.word(), key.value));
        }
        // The card counts the key as presented then, or as off.
        state.verified.insert(key.value);
        state.no_answer();
    }

    /// A file is changed: keys that got another value before were changed too early. Whoever settles the card after a cut has
    /// the old value, by which the files were to be written.
    pub(super) fn early_key_changes(&mut self, state: &State) {
        for (at, what, key) in &state.rekeyed {
            self.say(*at, ProblemKind::EarlyKeyChange { what, key: *key });
        }
    }

    /// A secret, and one that can be a key.
    fn new_value(&mut self, key: KeyRef, new: &At<String>, state: &State) {
        let item = [At::new(new.at, Expr::Variable(new.value.clone()))];
        let fits = match evaluate(&item, &state.env) {
            Err(problem) => return self.problems.push(problem),
            Ok(None) => true,
            Ok(Some(Value::Digits(digits, _))) => (4..=8).contains(&digits.len()),
            Ok(Some(Value::Octets(octets))) => octets.len() == 8,
            Ok(Some(_)) => false,
        };
        if !self.pins.secrets.contains(&new.value) {
            self.say(new.at, ProblemKind::NewKeyInClear);
        } else if !fits {
            self.say(new.at, ProblemKind::NewKey { key });
        }
    }
}

//! Variables and keys: declared once, used, and with a value.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::wire::{
    arr::KeyRef,
    script::{Argument, At, Expected, Expr, KeyChange, Problem, ProblemKind, Script, Statement},
};

use super::Need;

/// The keys that a script declares.
pub(super) fn keys(script: &Script) -> BTreeSet<KeyRef> {
    let declared = script.statements.iter().filter_map(|statement| match &statement.value {
        Statement::Key(key) => Some(key.reference.value),
        _ => None,
    });
    declared.collect()
}

pub(super) fn check(
    script: &Script,
    given: &BTreeMap<String, Zeroizing<String>>,
    need: Need,
    problems: &mut Vec<Problem>,
) {
    let mut used = Used::default();
    used.list(&script.statements);
    let mut seen: BTreeSet<&str> = ["R", "SW"].into();
    for statement in &script.statements {
        let (name, key) = match &statement.value {
            Statement::Variable(declared) => (&declared.name, None),
            Statement::Key(key) => (&key.name, Some((false, key.reference.value))),
            Statement::Puk(puk) => (&puk.name, Some((true, puk.reference.value))),
            _ => continue,
        };
        let text = name.value.as_str();
        if !seen.insert(text) {
            problems.push(Problem::new(name.at, ProblemKind::Redeclared { name: text.to_owned() }));
            continue;
        }
        let is_used = key.map_or(used.names.contains(text), |key| used.keys.contains(&key));
        if !is_used {
            let what = if key.is_some() { "key" } else { "variable" };
            problems.push(Problem::new(name.at, ProblemKind::Unused { what, name: text.to_owned() }));
        }
        let has_default =
            matches!(&statement.value, Statement::Variable(declared) if declared.default.is_some());
        let needed = match key {
            Some(_) => need == Need::Everything,
            None => need != Need::Nothing,
        };
        if needed && !has_default && !given.contains_key(text) {
            problems.push(Problem::new(name.at, ProblemKind::NoValue { name: text.to_owned() }));
        }
    }
}

#[derive(Default)]
struct Used<'s> {
    names: BTreeSet<&'s str>,
    /// Keys, and PINs whose PUK is used.
    keys: BTreeSet<(bool, KeyRef)>,
}

impl<'s> Used<'s> {
    fn list(&mut self, statements: &'s [At<Statement>]) {
        statements.iter().for_each(|statement| self.statement(&statement.value));
    }

    fn statement(&mut self, statement: &'s Statement) {
        match statement {
            Statement::Initialise(octets) => self.items(octets),
            Statement::Command(command) => {
                self.items(&command.octets);
                for piece in command.data.iter().flatten() {
                    if let Expected::Value(expr) = &piece.value {
                        self.expr(expr);
                    }
                }
            }
            Statement::Switch(switch) => switch.labels.iter().for_each(|label| self.list(&label.statements)),
            Statement::Effect(effect) => self.items(&effect.files),
            Statement::Verify(key) => drop(self.keys.insert((false, key.value))),
            Statement::ChangeKey(change) => {
                let by_puk = matches!(change, KeyChange::Unblock(..));
                self.keys.insert((by_puk, change.key().value));
                self.names.extend(change.new_value().map(|new| new.value.as_str()));
            }
            Statement::Let(_, value) | Statement::Output(_, value) => self.items(value),
            Statement::Assert(assertion) => {
                self.items(&assertion.left);
                self.items(&assertion.right);
            }
            Statement::Save(file) | Statement::Restore(file) => self.expr(&file.value),
            Statement::Put(put) => {
                self.expr(&put.file.value);
                put.record.iter().for_each(|record| self.expr(&record.value));
                self.items(&put.content);
            }
            _ => {}
        }
    }

    fn items(&mut self, items: &'s [At<Expr>]) {
        items.iter().for_each(|item| self.expr(&item.value));
    }

    fn expr(&mut self, expr: &'s Expr) {
        match expr {
            Expr::Variable(name) => drop(self.names.insert(name)),
            Expr::Call(_, arguments) => {
                for argument in arguments {
                    if let Argument::Value(items) = argument {
                        self.items(items);
                    }
                }
            }
            _ => {}
        }
    }
}

//! What can be known to be wrong with a script before the first command is sent.

mod command;
mod keys;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::wire::arr::KeyRef;

use super::{
    Act, At, Cursor, Declared, EffectKind, Environment, Expr, Label, MAX_PROBLEMS, Place, Position, Problem,
    ProblemKind, Script, Severity, Statement, StatusPattern, Switch, Value, act, eval, evaluate, parse,
};

/// A script and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The script.
    pub script: Script,
    /// Its variables before the first statement.
    pub environment: Environment,
    /// What it does to which files.
    pub declared: Declared,
    /// What is wrong, in the order of the text.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// True when it may be run.
    pub fn is_sound(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity() == Severity::Warning)
    }

    /// True when it may change a card: files or keys.
    pub fn changes_card(&self) -> bool {
        self.changes_files() || !self.declared.changed_keys().is_empty()
    }

    /// True when it may change files: by what it declares, or, of plain Annex B, by what its commands are.
    pub fn changes_files(&self) -> bool {
        if self.script.version.is_some() {
            let kinds = [EffectKind::Updates, EffectKind::Creates, EffectKind::Destroys];
            return kinds.into_iter().any(|kind| self.declared.has(kind));
        }
        let mut changes = false;
        self.script.each(&mut |statement| {
            let Statement::Command(command) = statement else { return };
            let octets = eval::octets(&command.octets, &self.environment).ok().flatten();
            changes |= octets.is_none_or(|octets| match *octets.expose() {
                [cla, ins, ..] => {
                    !matches!(act(cla, ins), Act::Select | Act::Read | Act::Verify | Act::Other)
                }
                _ => false,
            });
        });
        changes
    }
}

/// Which values must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// None: only what does not depend on them is checked.
    Nothing,
    /// Those of variables, to show what would be sent.
    Variables,
    /// Those of variables and keys.
    Everything,
}

/// Reads a script and checks it. `given` are the values of its variables and keys.
pub fn check(input: &[u8], given: &BTreeMap<String, Zeroizing<String>>, need: Need) -> Checked {
    let parsed = parse(input);
    let mut problems = parsed.problems;
    let script = parsed.script;
    let environment = Environment::new(&script, given).unwrap_or_else(|mut found| {
        problems.append(&mut found);
        // The names are still good to find others that are not.
        Environment::new(&script, &BTreeMap::new()).unwrap_or_default()
    });
    let declared = Declared::new(&script, &environment).unwrap_or_else(|mut found| {
        problems.append(&mut found);
        Declared::default()
    });
    uses::check(&script, given, need, &mut problems);
    let state = State {
        powered: true,
        cursor: Cursor::reset(),
        verified: BTreeSet::new(),
        answered: None,
        env: environment.clone(),
        rekeyed: BTreeSet::new(),
    };
    let keys = uses::keys(&script);
    let pins = keys::Pins::of(&script);
    let mut walk = Walk { extended: script.version.is_some(), declared: &declared, keys, pins, problems };
    walk.list(&script.statements, state);
    let mut problems = walk.problems;
    if problems.is_empty() && !does_something(&script) {
        problems.push(Problem::new(Position { line: 1, column: 1 }, ProblemKind::Empty));
    }
    problems.sort_by_key(|problem| problem.at);
    problems.dedup();
    problems.truncate(MAX_PROBLEMS);
    Checked { script, environment, declared, problems }
}

fn does_something(script: &Script) -> bool {
    let mut does = false;
    script.each(&mut |statement| {
        does |= !matches!(
            statement,
            Statement::Blank
                | Statement::Remark(_)
                | Statement::Variable(_)
                | Statement::Key(_)
                | Statement::Puk(_)
                | Statement::Effect(_)
        );
    });
    does
}

/// What is known between two statements.
#[derive(Clone)]
struct State {
    powered: bool,
    cursor: Cursor,
    verified: BTreeSet<KeyRef>,
    /// The status words that the command before accepts (none of them: all); none when there was no command.
    answered: Option<Vec<StatusPattern>>,
    env: Environment,
    /// Where keys that files take got another value.
    rekeyed: BTreeSet<(Position, &'static str, KeyRef)>,
}

impl State {
    fn reset(&mut self) {
        self.powered = true;
        self.cursor = Cursor::reset();
        self.verified.clear();
        self.no_answer();
    }

    fn no_answer(&mut self) {
        self.answered = None;
        self.env.forget("R");
        self.env.forget("SW");
    }

    fn answer(&mut self, status: Vec<StatusPattern>) {
        self.answered = Some(status);
        self.env.set("R", None);
        self.env.set("SW", None);
    }

    /// Where two ways come together.
    fn join(&mut self, other: Self) {
        self.powered &= other.powered;
        self.cursor = std::mem::replace(&mut self.cursor, Cursor::lost()).joined(&other.cursor);
        self.verified = self.verified.intersection(&other.verified).copied().collect();
        self.env.join(&other.env);
        self.rekeyed.extend(other.rekeyed);
        // Either way's last answer may be the one that is looked at.
        match (&self.answered, &other.answered) {
            (Some(_), Some(_)) => self.answered = Some(Vec::new()),
            _ => self.no_answer(),
        }
    }
}

struct Walk<'a> {
    extended: bool,
    declared: &'a Declared,
    keys: BTreeSet<KeyRef>,
    pins: keys::Pins,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn say(&mut self, at: Position, kind: ProblemKind) {
        self.problems.push(Problem::new(at, kind));
    }

    fn list(&mut self, statements: &[At<Statement>], mut state: State) -> State {
        for statement in statements {
            self.statement(statement, &mut state);
        }
        state
    }

    fn statement(&mut self, statement: &At<Statement>, state: &mut State) {
        let at = statement.at;
        let sends = matches!(
            statement.value,
            Statement::Initialise(_)
                | Statement::Command(_)
                | Statement::Verify(_)
                | Statement::ChangeKey(_)
                | Statement::Save(_)
                | Statement::Put(_)
                | Statement::Restore(_)
        );
        if sends && !state.powered {
            self.say(at, ProblemKind::NoPower);
            state.powered = true;
        }
        match &statement.value {
            Statement::Blank
            | Statement::Remark(_)
            | Statement::Variable(_)
            | Statement::Key(_)
            | Statement::Puk(_) => {}
            Statement::Effect(effect) => effect.by.iter().for_each(|key| self.declared_key(key)),
            Statement::Reset => state.reset(),
            Statement::Off => {
                state.reset();
                state.powered = false;
            }
            Statement::Initialise(octets) => {
                let octets = self.octets(octets, &state.env);
                if let Some(got) = octets.map(|o| o.len()).filter(|got| !(1..=255).contains(got)) {
                    self.say(at, ProblemKind::ProfileLength { got });
                }
                state.no_answer();
            }
            Statement::Command(command) => self.command(at, command, state),
            Statement::Switch(switch) => self.switch(at, switch, state),
            Statement::Verify(key) => {
                self.declared_key(key);
                state.verified.insert(key.value);
                // The card's number was read, from the MF.
                state.no_answer();
            }
            Statement::ChangeKey(change) => self.key_change(at, change, state),
            Statement::Let(name, value) => {
                let value = self.value(value, &state.env);
                if matches!(name.value.as_str(), "R" | "SW") {
                    self.say(name.at, ProblemKind::Redeclared { name: name.value.clone() });
                }
                state.env.set(&name.value, value);
            }
            Statement::Output(_, value) => drop(self.value(value, &state.env)),
            Statement::Assert(assertion) => {
                let left = self.value(&assertion.left, &state.env);
                let right = self.value(&assertion.right, &state.env);
                if let (Some(left), Some(right)) = (left, right)
                    && left.kind() != right.kind()
                {
                    let (expected, got) = (left.kind(), right.kind());
                    self.say(at, ProblemKind::TypeMismatch { expected, got });
                }
            }
            Statement::Save(file) => self.whole_file("SAV", EffectKind::Reads, file, state),
            Statement::Restore(file) => self.whole_file("RES", EffectKind::Updates, file, state),
            Statement::Put(put) => {
                self.octets(&put.content, &state.env);
                let number = put.record.as_ref().map(|record| eval::record(record, &state.env));
                self.problems.extend(number.and_then(Result::err).map(without_answer));
                self.whole_file("PUT", EffectKind::Updates, &put.file, state);
            }
            // What it would have done is not known.
            Statement::Unreadable => {
                state.cursor = Cursor::lost();
                state.answer(Vec::new());
            }
        }
    }

    fn value(&mut self, items: &[At<Expr>], env: &Environment) -> Option<Value> {
        evaluate(items, env).unwrap_or_else(|problem| {
            self.problems.push(without_answer(problem));
            None
        })
    }

    fn octets(&mut self, items: &[At<Expr>], env: &Environment) -> Option<super::Octets> {
        eval::octets(items, env).unwrap_or_else(|problem| {
            self.problems.push(without_answer(problem));
            None
        })
    }

    fn declared_key(&mut self, key: &At<KeyRef>) {
        if !self.keys.contains(&key.value) {
            self.say(key.at, ProblemKind::UndeclaredKey { key: key.value });
        }
    }

    /// SAV, PUT and RES: they find the file themselves, and leave the card in its MF.
    fn whole_file(&mut self, what: &'static str, kind: EffectKind, file: &At<Expr>, state: &mut State) {
        match eval::place(file, &state.env) {
            Err(problem) => self.problems.push(without_answer(problem)),
            Ok(Some(place)) if place.is_pattern() => self.say(file.at, ProblemKind::Pattern(place)),
            Ok(Some(place)) => self.effect(file.at, what, kind, &place, state),
            Ok(None) => {}
        }
        state.cursor = Cursor::reset();
        state.no_answer();
    }

    /// Holds what is done to a file against what is declared.
    fn effect(&mut self, at: Position, what: &'static str, kind: EffectKind, place: &Place, state: &State) {
        if !self.extended {
            return;
        }
        if kind != EffectKind::Reads {
            self.early_key_changes(state);
        }
        let Some(keys) = self.declared.keys(kind, place) else {
            let file = place.to_string();
            let problem = match kind {
                EffectKind::Reads => ProblemKind::UndeclaredRead { what, file },
                _ => ProblemKind::Undeclared { what, file, effect: kind.name() },
            };
            return self.say(at, problem);
        };
        for key in keys.into_iter().filter(|key| !state.verified.contains(key)) {
            self.say(at, ProblemKind::NotVerified { what, file: place.clone(), key });
        }
    }

    fn switch(&mut self, at: Position, switch: &Switch, state: &mut State) {
        let accepted = state.answered.clone();
        if accepted.is_none() {
            self.say(at, ProblemKind::SwitchWithoutCommand);
        }
        let accepted = accepted.unwrap_or_default();
        let mut before: Vec<StatusPattern> = Vec::new();
        let mut joined: Option<State> = Some(state.clone());
        for label in &switch.labels {
            self.reachable(label, &before, &accepted);
            before.extend(&label.status.value);
            let after = self.list(&label.statements, state.clone());
            match &mut joined {
                Some(joined) => joined.join(after),
                None => joined = Some(after),
            }
        }
        if let Some(joined) = joined {
            *state = joined;
        }
    }

    fn reachable(&mut self, label: &Label, before: &[StatusPattern], accepted: &[StatusPattern]) {
        let at = label.status.at;
        let covered = |status: &StatusPattern| before.iter().any(|earlier| earlier.covers(*status));
        if !label.status.value.is_empty() && label.status.value.iter().all(covered) {
            self.say(at, ProblemKind::Unreachable { why: "an earlier label takes its status words" });
            return;
        }
        let meets = |status: &StatusPattern| accepted.iter().any(|a| a.meets(*status));
        if !accepted.is_empty() && !label.status.value.iter().any(meets) {
            let why = "the command before accepts other status words only, and stops the script at these";
            self.say(at, ProblemKind::Unreachable { why });
        }
    }
}

/// A variable of the answer that is unknown is one where there is no answer.
fn without_answer(problem: Problem) -> Problem {
    match &problem.kind {
        ProblemKind::UnknownVariable { name, .. } if name == "R" || name == "SW" => {
            Problem::new(problem.at, ProblemKind::NoAnswer)
        }
        _ => problem,
    }
}

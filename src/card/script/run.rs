//! The statements of a script, one after the other.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::{
    card::{FileError, FilePath, FileSystem, Key, KeyGuard, KeyId, Mode, NotTold, Session, WriteJournal},
    ident::Iccid,
    wire::{
        apdu::StatusWord,
        script::{
            Assertion, At, Checked, Comparison, Cursor, Declared, Environment, Expr, Octets, Place, Position,
            Problem, ProblemKind, Severity, Statement, Switch, Value, evaluate, octets, place_of,
        },
    },
};

use super::{
    Backup, CardBackup, Difference, Entry, Output, Report, Saved, ScriptError, initialise, journal::Ledger,
    read_back::Parts,
};

/// What a script is run with.
pub struct Setup<'a> {
    /// The keys that it declares.
    pub keys: Vec<Key>,
    /// What presents them.
    pub guard: KeyGuard<'a>,
    /// The name of the script, for the journal.
    pub name: &'a str,
    /// Where what it changes is entered; none: nowhere. With one, a card without a number gets no script that changes anything.
    pub writes: Option<&'a dyn WriteJournal>,
    /// Where old content goes before it is changed; none: it is not kept.
    pub backup: Option<&'a mut dyn Backup>,
    /// What `RES` puts back.
    pub restore: Option<&'a CardBackup>,
    /// Sees each entry of the report when it is made.
    pub observe: &'a mut dyn FnMut(&Entry),
}

impl std::fmt::Debug for Setup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// Runs a script on a card that was just connected or reset. One that is not sound is not begun.
///
/// The card's number is read first, then the card is reset: the script finds it fresh.
pub fn run<'a>(session: Session<'_>, checked: &'a Checked, setup: Setup<'a>) -> Report {
    run_for(session, checked, setup, &mut || Ok(()))
}

/// As [`run`], for somebody who keeps which cards a script was run on. `ended` hears that it has come to its end while the journal
/// of writes still holds its entry, so that one of the two knows wherever the process is ended.
pub fn run_for<'a>(
    session: Session<'_>,
    checked: &'a Checked,
    setup: Setup<'a>,
    ended: &mut dyn FnMut() -> Result<(), NotTold>,
) -> Report {
    let names = super::declared_keys(&checked.script).map(|(key, name)| (key, name.to_owned()));
    let mut run = Run {
        fs: FileSystem::new(session),
        setup,
        declared: &checked.declared,
        extended: checked.script.version.is_some(),
        names: names.collect(),
        first_class: initialise::first_class(&checked.script),
        home: Mode::ThreeG,
        class: None,
        cursor: Cursor::reset(),
        env: checked.environment.clone(),
        last: None,
        secrets: checked.environment.secrets(),
        iccid: None,
        saved: Vec::new(),
        ledger: None,
        entered: false,
        unread: 0,
        excused: 0,
        before: Vec::new(),
        parts: Parts::default(),
        report: (Vec::new(), Vec::new(), 0),
    };
    let mut stopped = run.all(checked).err();
    run.unread += u32::from(run.parts.are_missing());
    // It is over, and nothing is to be taken back. But it is not what somebody may take for done.
    let changes = if stopped.is_none() { run.unread - run.excused } else { 0 };
    if stopped.is_none() && changes == 0 {
        stopped = ended().err().map(|source| ScriptError::NotTold { source });
    }
    let ended = run.ledger.take().map(|ledger| ledger.end(stopped.is_none()));
    if changes > 0 {
        stopped = Some(ScriptError::NotReadBack { changes });
    }
    let pending = match ended {
        None => false,
        Some(Ok(pending)) => pending,
        Some(Err(source)) => {
            stopped.get_or_insert(ScriptError::NotClosed { source });
            true
        }
    };
    let (entries, outputs, changes) = run.report;
    let (saved, apdus, not_read_back) = (run.saved.len(), run.fs.session().counts(), run.unread);
    Report { iccid: run.iccid, entries, outputs, changes, not_read_back, saved, apdus, pending, stopped }
}

pub(super) struct Run<'a, 't> {
    pub(super) fs: FileSystem<'t>,
    pub(super) setup: Setup<'a>,
    pub(super) declared: &'a Declared,
    pub(super) extended: bool,
    pub(super) names: BTreeMap<KeyId, String>,
    /// The class of the script's first command, where it has one.
    pub(super) first_class: Option<Mode>,
    /// The class in which the card's number was read.
    pub(super) home: Mode,
    /// The class of the first command since the last reset: a UICC stays in it.
    pub(super) class: Option<Mode>,
    pub(super) cursor: Cursor,
    pub(super) env: Environment,
    pub(super) last: Option<StatusWord>,
    /// What no answer may show.
    pub(super) secrets: Vec<Zeroizing<Vec<u8>>>,
    pub(super) iccid: Option<Iccid>,
    pub(super) saved: Vec<Saved>,
    /// The entry in the journal of writes.
    pub(super) ledger: Option<Ledger<'a>>,
    /// Whether the last change is in it.
    pub(super) entered: bool,
    /// Changes that were not read back.
    pub(super) unread: u32,
    /// How many of them the script declares as such.
    pub(super) excused: u32,
    /// The records of a file before a command that writes one of the card's choice.
    pub(super) before: Vec<Vec<u8>>,
    /// The data object that is on its way.
    pub(super) parts: Parts,
    report: (Vec<Entry>, Vec<Output>, u32),
}

impl Run<'_, '_> {
    fn all(&mut self, checked: &Checked) -> Result<(), ScriptError> {
        if let Some(error) = checked.problems.iter().find(|problem| problem.severity() == Severity::Error) {
            return Err(ScriptError::Problem(error.clone()));
        }
        let at = Position { line: 1, column: 1 };
        self.iccid = match self.fs.iccid() {
            Ok(iccid) => Some(iccid),
            Err(FileError::Transport(source)) => return Err(ScriptError::Transport { at, source }),
            Err(_) => None,
        };
        self.home = self.fs.session().mode();
        if let Some(backup) = &mut self.setup.backup {
            backup.begin(self.iccid.as_ref());
        }
        if self.setup.writes.is_some() && self.iccid.is_none() && checked.changes_card() {
            return Err(ScriptError::NoNumber { at });
        }
        if let (Some(writes), Some(card)) = (self.setup.writes, &self.iccid) {
            let ledger = Ledger::new(writes, card, self.setup.name);
            if checked.changes_card() {
                ledger.free().map_err(|source| ScriptError::Journal { at, source })?;
            }
            self.ledger = Some(ledger);
        }
        self.can_restore(&checked.script)?;
        self.can_put(&checked.script)?;
        self.reset(at)?;
        self.list(&checked.script.statements)
    }

    fn list(&mut self, statements: &[At<Statement>]) -> Result<(), ScriptError> {
        statements.iter().try_for_each(|statement| self.statement(statement.at, &statement.value))
    }

    fn statement(&mut self, at: Position, statement: &Statement) -> Result<(), ScriptError> {
        match statement {
            Statement::Blank
            | Statement::Remark(_)
            | Statement::Variable(_)
            | Statement::Key(_)
            | Statement::Puk(_)
            | Statement::Effect(_)
            | Statement::Unreadable => Ok(()),
            Statement::Reset | Statement::Off => {
                self.reset(at)?;
                let word = if *statement == Statement::Reset { "RST" } else { "OFF" };
                let atr = Octets::shown(self.fs.session().transport().atr());
                let entry = Entry::new(at.line, word);
                self.tell(if word == "RST" { entry.noting(format!("ATR {atr}")) } else { entry });
                Ok(())
            }
            Statement::Initialise(profile) => self.initialise(at, profile),
            Statement::Command(command) => self.command(at, command),
            Statement::Switch(switch) => self.switch(switch),
            Statement::Verify(key) => self.verify(at, key.value),
            Statement::ChangeKey(change) => self.change_key(at, change),
            Statement::Let(name, value) => {
                let value = self.value(value, at)?;
                self.env.set(&name.value, Some(value));
                Ok(())
            }
            Statement::Output(label, value) => {
                let value = match self.value(value, at)? {
                    Value::Octets(octets) => {
                        octets.as_text().map_or_else(|| octets.to_string(), str::to_owned)
                    }
                    value => value.to_string(),
                };
                self.tell(Entry::new(at.line, format!("OUT {label}")).noting(value.clone()));
                self.report.1.push(Output { label: label.clone(), value });
                Ok(())
            }
            Statement::Assert(assertion) => self.assert(at, assertion),
            Statement::Save(file) => self.save(at, file),
            Statement::Put(put) => self.put(at, put),
            Statement::Restore(file) => self.restore(at, file),
        }
    }

    fn reset(&mut self, at: Position) -> Result<(), ScriptError> {
        self.fs.session_mut().reset().map_err(|source| ScriptError::Transport { at, source })?;
        // Commands go to the card in the class that the script writes.
        self.fs.session_mut().set_mode(Mode::ThreeG);
        self.class = None;
        self.cursor = Cursor::reset();
        self.no_answer();
        Ok(())
    }

    fn switch(&mut self, switch: &Switch) -> Result<(), ScriptError> {
        let fits = |status: &Vec<_>| {
            self.last.is_some_and(|sw| {
                status.iter().any(|pattern: &crate::wire::script::StatusPattern| pattern.matches(sw))
            })
        };
        match switch.labels.iter().find(|label| fits(&label.status.value)) {
            Some(label) => self.list(&label.statements),
            None => Ok(()),
        }
    }

    fn assert(&mut self, at: Position, assertion: &Assertion) -> Result<(), ScriptError> {
        let left = self.value(&assertion.left, at)?;
        let right = self.value(&assertion.right, at)?;
        // Whether octets are secret, or were written as text, is no part of what they are.
        let same = match (&left, &right) {
            (Value::Octets(left), Value::Octets(right)) => left.expose() == right.expose(),
            (Value::Digits(left, _), Value::Digits(right, _)) => left == right,
            (left, right) => left == right,
        };
        let holds = match (assertion.comparison, &left, &right) {
            (Comparison::Different, ..) => !same,
            (Comparison::BeginsWith, Value::Octets(left), Value::Octets(right)) => {
                left.expose().starts_with(right.expose())
            }
            (Comparison::BeginsWith, Value::Digits(left, _), Value::Digits(right, _)) => {
                left.starts_with(right.as_str())
            }
            _ => same,
        };
        if holds {
            return Ok(());
        }
        let hide = |value: &Value, other: &Value| {
            if other.is_secret() { "***".to_owned() } else { value.to_string() }
        };
        let sign = assertion.comparison.sign();
        let expected = format!("{sign} {}", hide(&right, &left));
        let difference = Difference { expected, seen: hide(&left, &right), octet: None };
        let mut entry = Entry::new(at.line, "AST");
        entry.difference = Some(difference);
        self.tell(entry);
        Err(ScriptError::Assertion { at })
    }

    /// The class for commands that the script leaves to us: the one that the card is in, or, on a card that has both and is in
    /// none yet, the one that the script will speak.
    pub(super) fn mode(&self) -> Mode {
        match (self.class, self.home) {
            (Some(mode), _) => mode,
            (None, Mode::TwoG) => Mode::TwoG,
            (None, home) => self.first_class.unwrap_or(home),
        }
    }

    /// Adds an entry to the report.
    pub(super) fn tell(&mut self, entry: Entry) {
        (self.setup.observe)(&entry);
        self.report.0.push(entry);
    }

    /// Counts a command that changed the card.
    pub(super) fn changed(&mut self) {
        self.report.2 += 1;
    }

    /// There is no answer to look at.
    pub(super) fn no_answer(&mut self) {
        self.last = None;
        self.env.forget("R");
        self.env.forget("SW");
    }

    /// Notes what no answer may show from here on.
    pub(super) fn remember(&mut self, octets: &Octets) {
        for secret in octets.secrets() {
            if !self.secrets.contains(&secret) {
                self.secrets.push(secret);
            }
        }
    }

    pub(super) fn value(&self, items: &[At<Expr>], at: Position) -> Result<Value, ScriptError> {
        let value = evaluate(items, &self.env).map_err(ScriptError::Problem)?;
        value.ok_or_else(|| problem(at, ProblemKind::NoAnswer))
    }

    pub(super) fn octets(&self, items: &[At<Expr>], at: Position) -> Result<Octets, ScriptError> {
        let octets = octets(items, &self.env).map_err(ScriptError::Problem)?;
        octets.ok_or_else(|| problem(at, ProblemKind::NoAnswer))
    }

    pub(super) fn place(&self, item: &At<Expr>) -> Result<Place, ScriptError> {
        let place = place_of(item, &self.env).map_err(ScriptError::Problem)?;
        place.ok_or_else(|| problem(item.at, ProblemKind::NoAnswer))
    }
}

/// What only the run could show.
pub(super) fn problem(at: Position, kind: ProblemKind) -> ScriptError {
    ScriptError::Problem(Problem::new(at, kind))
}

/// A file of a script, as this room names it.
pub(super) fn path(place: &Place) -> FilePath {
    let root = place.aid().map_or_else(FilePath::mf, FilePath::application);
    place.fids().iter().fold(root, |at, fid| at.child(*fid))
}

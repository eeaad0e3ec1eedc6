//! `SAV` and `PUT`, and what [`RES`](super::restore) shares with them: statements about whole files. They find the file, and
//! leave the card in its MF.

use crate::{
    card::{FileError, FilePath, FileSystem, Mode, select::SelectDialect},
    ident::counted,
    wire::{
        apdu::StatusClass,
        script::{
            At, Cursor, EffectKind, Expr, Place, Position, ProblemKind, Put, Script, Statement, octets,
            place_of, record_of,
        },
    },
};

use super::{
    Entry, Kept, Saved, ScriptError,
    change::contents,
    journal,
    run::{Run, path, problem},
};

impl Run<'_, '_> {
    /// `SAV`.
    pub(super) fn save(&mut self, at: Position, file: &At<Expr>) -> Result<(), ScriptError> {
        let place = self.declared_place(at, "SAV", EffectKind::Reads, file)?;
        if self.setup.backup.is_none() {
            return Err(ScriptError::NoBackup { at, what: "SAV", option: "--backup FILE" });
        }
        // That a file is not there is worth keeping too.
        let saved = self.in_files(at, |fs| match contents(fs, &place) {
            Err(error) if error.is_absent() => Ok(None),
            saved => saved.map(Some),
        })?;
        let note = match &saved {
            Some(saved) => format!("{} kept", counted(saved.len(), "piece")),
            None => "the card has no such file; that is kept".to_owned(),
        };
        let absent = || vec![Saved { file: Some(place.clone()), kept: Kept::Absent {} }];
        saved.unwrap_or_else(absent).into_iter().try_for_each(|saved| self.keep(at, saved))?;
        self.tell(Entry::new(at.line, format!("SAV {place}")).noting(note));
        Ok(())
    }

    /// `PUT`.
    pub(super) fn put(&mut self, at: Position, put: &Put) -> Result<(), ScriptError> {
        let place = self.declared_place(at, "PUT", EffectKind::Updates, &put.file)?;
        let content = self.octets(&put.content, at)?;
        self.remember(&content);
        let record = put.record.as_ref().map(|record| self.record(record)).transpose()?;
        let kept = match record {
            Some(number) => Kept::Record { number, octets: content.expose().to_vec() },
            None => Kept::Octets { at: 0, octets: content.expose().to_vec() },
        };
        let changed = self.replace(at, &place, &kept, record.is_none())?;
        let record = record.map(|number| format!(" record {number}")).unwrap_or_default();
        let mut entry = Entry::new(at.line, format!("PUT {place}{record}"));
        entry.sent = Some(content);
        self.tell(entry.noting(said(changed)));
        Ok(())
    }

    fn record(&self, item: &At<Expr>) -> Result<u8, ScriptError> {
        let number = record_of(item, &self.env).map_err(ScriptError::Problem)?;
        number.ok_or_else(|| problem(item.at, ProblemKind::NoAnswer))
    }

    /// Whether every `PUT` that is sure to be reached has its place on the card, unless the script makes the file: a card that
    /// lacks it is given no key.
    pub(super) fn can_put(&mut self, script: &Script) -> Result<(), ScriptError> {
        let mut env = self.env.clone();
        for At { at, value } in &script.statements {
            match value {
                Statement::Let(name, _) => env.set(&name.value, None),
                Statement::Put(put) => {
                    let Ok(Some(place)) = place_of(&put.file, &env) else { continue };
                    if self.declared.keys(EffectKind::Creates, &place).is_some() {
                        continue;
                    }
                    let file = path(&place);
                    let size = self.in_files(*at, |fs| match &put.record {
                        Some(_) => fs.records(&file).map(|(length, _)| usize::from(length)),
                        None => fs.size(&file),
                    })?;
                    let content = octets(&put.content, &env).ok().flatten();
                    if let Some(got) = content.map(|content| content.len()).filter(|got| *got > size) {
                        return Err(ScriptError::TooLong { at: *at, file: place, got, size });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts content into a file, and reads it back. `fill`: the rest of the file becomes FF. False when it was there already.
    pub(super) fn replace(
        &mut self,
        at: Position,
        place: &Place,
        new: &Kept,
        fill: bool,
    ) -> Result<bool, ScriptError> {
        let file = path(place);
        match new {
            Kept::Octets { at: from, octets } => {
                let size = self.in_files(at, |fs| fs.size(&file))?;
                let end = from + octets.len();
                if end > size {
                    return Err(ScriptError::TooLong { at, file: place.clone(), got: end, size });
                }
                let mut octets = octets.clone();
                if fill {
                    octets.resize(size, 0xFF);
                }
                let old = self.in_files(at, |fs| fs.read(&file, *from, octets.len()))?;
                // Also what need not change is in the backup that was asked for: who has it can rely on it.
                let kept = Kept::Octets { at: *from, octets: old.clone() };
                self.keep(at, Saved { file: Some(place.clone()), kept })?;
                if old == octets {
                    return Ok(false);
                }
                self.write(at, place, *from, &old, &octets)?;
            }
            Kept::Record { number, octets } => {
                let (length, _) = self.in_files(at, |fs| fs.records(&file))?;
                let size = usize::from(length);
                if octets.len() > size {
                    return Err(ScriptError::TooLong { at, file: place.clone(), got: octets.len(), size });
                }
                let mut octets = octets.clone();
                octets.resize(size, 0xFF);
                let old = self.in_files(at, |fs| fs.read_record(&file, *number))?;
                let touch = journal::record(file.clone(), *number, &old, &octets);
                let is_there = old == octets;
                let kept = Kept::Record { number: *number, octets: old };
                self.keep(at, Saved { file: Some(place.clone()), kept })?;
                if is_there {
                    return Ok(false);
                }
                self.enter(at, touch)?;
                let written = self.in_files(at, |fs| fs.write_record(&file, *number, &octets));
                self.wrote(written, "UPDATE RECORD")?;
                let back = self.in_files(at, |fs| fs.read_record(&file, *number))?;
                same(at, place, 0, &back, &octets)?;
            }
            Kept::Objects { octets } => return self.replace_objects(at, place, octets),
            Kept::Absent {} => return Ok(false),
        }
        Ok(true)
    }

    /// Writes what differs. The first octet goes last, and is FF meanwhile: whoever reads in between finds an empty file
    /// rather than half of one.
    fn write(
        &mut self,
        at: Position,
        place: &Place,
        from: usize,
        old: &[u8],
        new: &[u8],
    ) -> Result<(), ScriptError> {
        let differs = |n: &usize| old.get(*n) != new.get(*n);
        let begin = (1..new.len()).find(differs);
        let end = (1..new.len()).rev().find(differs).map_or(0, |last| last + 1);
        let first = new.first().copied().unwrap_or(0xFF);
        let mut now = old.first().copied().unwrap_or(0xFF);
        if let Some(begin) = begin {
            if now != 0xFF {
                self.octets_at(at, place, from, &[now], &[0xFF])?;
                now = 0xFF;
            }
            let (old, new) = (old.get(begin..end), new.get(begin..end));
            self.octets_at(at, place, from + begin, old.unwrap_or_default(), new.unwrap_or_default())?;
        }
        if now != first {
            self.octets_at(at, place, from, &[now], &[first])?;
        }
        Ok(())
    }

    fn octets_at(
        &mut self,
        at: Position,
        place: &Place,
        from: usize,
        old: &[u8],
        octets: &[u8],
    ) -> Result<(), ScriptError> {
        let file = path(place);
        self.enter(at, journal::octets(file.clone(), from, old, octets))?;
        let written = self.in_files(at, |fs| fs.write(&file, from, octets));
        self.wrote(written, "UPDATE BINARY")?;
        let back = self.in_files(at, |fs| fs.read(&file, from, octets.len()))?;
        same(at, place, from, &back, octets)
    }

    /// Counts a write, or says what is known of one that failed.
    pub(super) fn wrote(
        &mut self,
        written: Result<(), ScriptError>,
        what: &'static str,
    ) -> Result<(), ScriptError> {
        match written {
            Ok(()) => {
                self.changed();
                self.begin();
                Ok(())
            }
            Err(ScriptError::Transport { at, source }) => Err(ScriptError::Unknown { at, what, source }),
            Err(error) => {
                if matches!(&error, ScriptError::File { source, .. } if !source.leaves_doubt()) {
                    self.was_not_done();
                }
                Err(error)
            }
        }
    }

    /// The file of a statement, when the script has declared that.
    pub(super) fn declared_place(
        &self,
        at: Position,
        what: &'static str,
        kind: EffectKind,
        file: &At<Expr>,
    ) -> Result<Place, ScriptError> {
        let place = self.place(file)?;
        if place.is_pattern() {
            return Err(problem(at, ProblemKind::Pattern(place)));
        }
        if self.declared.keys(kind, &place).is_none() {
            let (file, effect) = (place.to_string(), kind.name());
            return Err(problem(at, ProblemKind::Undeclared { what, file, effect }));
        }
        Ok(place)
    }

    /// Works on files, and leaves the card in its MF.
    pub(super) fn in_files<T>(
        &mut self,
        at: Position,
        work: impl FnOnce(&mut FileSystem<'_>) -> Result<T, FileError>,
    ) -> Result<T, ScriptError> {
        self.cursor = Cursor::reset();
        self.no_answer();
        self.aside(at, work)
    }

    /// Works on files, and selects again what was selected before.
    pub(super) fn aside<T>(
        &mut self,
        at: Position,
        work: impl FnOnce(&mut FileSystem<'_>) -> Result<T, FileError>,
    ) -> Result<T, ScriptError> {
        let mode = self.mode();
        self.class = Some(mode);
        let fs = &mut self.fs;
        fs.forget();
        fs.session_mut().set_mode(mode);
        fs.dialect = if mode == Mode::TwoG { SelectDialect::TWO_G } else { SelectDialect::FULL };
        fs.mode_is_known = true;
        let done = work(fs);
        let back = match (self.cursor.directory(), self.cursor.file()) {
            (Some(directory), file) => {
                fs.enter(&path(directory)).and_then(|()| file.map_or(Ok(()), |file| reopen(fs, &path(file))))
            }
            _ => Ok(()),
        };
        fs.session_mut().set_mode(Mode::ThreeG);
        let failed = |source| match source {
            FileError::Transport(source) => ScriptError::Transport { at, source },
            source => ScriptError::File { at, source },
        };
        // What comes next goes to what was selected before: also where there was nothing to be seen.
        match (done, back) {
            (Err(error @ FileError::Transport(_)), _) | (_, Err(error)) | (Err(error), Ok(())) => {
                Err(failed(error))
            }
            (Ok(done), Ok(())) => Ok(done),
        }
    }
}

/// Selects a file again. One that is not active is selected with a warning.
fn reopen(fs: &mut FileSystem<'_>, file: &FilePath) -> Result<(), FileError> {
    match fs.open(file) {
        Err(FileError::Refused { sw, .. }) if sw.class() == StatusClass::Warning => Ok(()),
        other => other,
    }
}

fn same(at: Position, place: &Place, from: usize, back: &[u8], wanted: &[u8]) -> Result<(), ScriptError> {
    match (0..wanted.len()).find(|n| back.get(*n) != wanted.get(*n)) {
        Some(n) => Err(ScriptError::Mismatch { at, file: place.clone(), octet: from + n }),
        None => Ok(()),
    }
}

pub(super) fn said(changed: bool) -> &'static str {
    if changed { "written and read back" } else { "unchanged" }
}

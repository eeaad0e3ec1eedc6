//! Settings files of the USIM: filled where the card has them, never created.
//!
//! They are written as bootstrap files are: what leads to the rest is taken away first and put in place last. That is the first
//! octet of a transparent file, and the first object of a file of data objects, the one that says how the rest is to be read (see
//! [`objects`](crate::card::objects)). Records are each written by one command, and each stands for itself: nothing leads to all of
//! them, so whoever reads between two of them finds some old and others new. No order of writing would mend that.

use crate::{
    card::{
        FileError, FilePath,
        objects::{Exchange, exchanges},
        settings,
    },
    wire::{
        fcp::FileKind,
        tlv::strip_padding,
        usim::{self, Setting, SettingsContent, SettingsFile, Structure},
    },
};

use super::{
    Action, Operation, PlanError, Right, State, Step,
    draft::{Draft, Rank},
};

impl Draft<'_, '_> {
    /// Plans for the settings files that were asked for.
    pub(super) fn fill_settings(&mut self) -> Result<(), PlanError> {
        self.options.settings.iter().try_for_each(|content| self.fill(content))
    }

    fn fill(&mut self, content: &SettingsContent) -> Result<(), PlanError> {
        let kind = content.file;
        let file = settings::usim().child(kind.fid());
        let absent = PlanError::NoSettingsFile { kind, file: file.clone() };
        if !self.fs.creates_files() {
            // A card of class A0 has no USIM.
            return Err(absent);
        }
        let built = match self.fs.parameters(&file) {
            Ok(fcp) => fcp.kind(),
            Err(error) if error.is_absent() => return Err(absent),
            Err(error) => return Err(error.into()),
        };
        let step = match (kind.structure(), built) {
            (Structure::Transparent, FileKind::Transparent) => self.fill_octets(content, file)?,
            (Structure::Records, FileKind::LinearFixed { .. }) => self.fill_records(content, file)?,
            (Structure::Objects, FileKind::BerTlv) => self.fill_objects(content, file)?,
            (structure, _) => return Err(FileError::Kind { file, expected: structure.name() }.into()),
        };
        if step.action != Action::Unchanged {
            self.need(&step.file, Right::Update)?;
        }
        self.note_service(kind)?;
        self.steps.push(step);
        Ok(())
    }

    fn fill_octets(&mut self, content: &SettingsContent, file: FilePath) -> Result<Step, PlanError> {
        let octets = content.parts.concat();
        let room = self.fs.size(&file)?;
        self.check_room(content.file.name(), &file, room, octets.len())?;
        let now = self.fs.read_all(&file);
        let now = self.readable(&file, now)?;
        // What is to be there may end in FF, as padding does.
        let is_there = now.starts_with(&octets) && now.iter().skip(octets.len()).all(|octet| *octet == 0xFF);
        let used = if is_there { octets.clone() } else { strip_padding(&now).to_vec() };
        let new = octets.iter().chain(std::iter::repeat(&0xFF));
        let differing = now.iter().zip(new).filter(|(old, new)| old != new).count();
        if differing > 0 {
            self.write_octets(&file, 0, room, now.into_iter().map(Some).collect(), &octets);
        }
        Ok(step(content, file, Action::Update, Some(room), differing, &[used]))
    }

    /// Records behind those that are wanted are emptied: the file holds what was asked for.
    fn fill_records(&mut self, content: &SettingsContent, file: FilePath) -> Result<Step, PlanError> {
        let (length, count) = self.fs.records(&file)?;
        let (size, name) = (usize::from(length), content.file.name());
        if content.parts.len() > usize::from(count) {
            let (count, needed) = (usize::from(count), content.parts.len());
            return Err(PlanError::TooFewRecords { name, file, count, needed });
        }
        for record in &content.parts {
            self.check_room(name, &file, size, record.len())?;
        }
        let (mut old, mut differing) = (Vec::new(), 0);
        for number in 1..=count {
            let now = self.fs.read_record(&file, number);
            let now = self.readable(&file, now)?;
            let mut new = content.parts.get(usize::from(number - 1)).cloned().unwrap_or_default();
            new.resize(size, 0xFF);
            let changed = now.iter().zip(&new).filter(|(old, new)| old != new).count();
            if changed > 0 {
                let (file, octets) = (file.clone(), new);
                self.then.push(Operation::Record { file, number, octets, old: Vec::new() });
            }
            differing += changed;
            old.push(strip_padding(&now).to_vec());
        }
        let room = size * usize::from(count);
        Ok(step(content, file, Action::UpdateRecord, Some(room), differing, &old))
    }

    fn fill_objects(&mut self, content: &SettingsContent, file: FilePath) -> Result<Step, PlanError> {
        let room = self.fs.objects_room(&file)?;
        if let Some(room) = room {
            self.check_room(content.file.name(), &file, room, content.length())?;
        }
        let now = self.fs.objects(&file, content.file.tags());
        let now = self.readable(&file, now)?;
        let tagged = |object: &Vec<u8>| (object.first().copied().unwrap_or(0xFF), object.clone());
        let wanted: Vec<_> = content.parts.iter().map(tagged).collect();
        let mut differing = 0;
        for Exchange { tag, old, new, leads } in exchanges(&now, &wanted) {
            // What goes and comes again is counted once.
            let counts = new.is_some() || !wanted.iter().any(|(wanted, _)| *wanted == tag);
            differing += new.as_ref().or(old.as_ref()).filter(|_| counts).map_or(0, Vec::len);
            let is_new = new.is_some();
            let operation = Operation::Object { file: file.clone(), tag, old, new };
            match (leads, is_new) {
                (true, false) => self.first.push(operation),
                (true, true) => self.last.push((Rank::Content, operation)),
                (false, _) => self.then.push(operation),
            }
        }
        let old: Vec<Vec<u8>> = now.iter().map(|(_, object)| object.clone()).collect();
        Ok(step(content, file.clone(), Action::Update, room, differing, &old))
    }

    /// What was read of a file; says which PIN is missing where one is.
    fn readable<T>(&mut self, file: &FilePath, read: Result<T, FileError>) -> Result<T, PlanError> {
        match read {
            Err(error) if error.is_denied() => {
                self.need(file, Right::Read)?;
                Err(PlanError::NeedsPin { file: file.clone() })
            }
            read => Ok(read?),
        }
    }

    fn note_service(&mut self, kind: SettingsFile) -> Result<(), PlanError> {
        match self.fs.read_all(&settings::usim().child(usim::SERVICES)) {
            Ok(services) if kind.is_served(&services) => {}
            Err(FileError::Transport(error)) => return Err(error.into()),
            _ => self.notes.push(format!(
                "EF(UST) does not say that the USIM has the service of {kind}, so a device may pass it over"
            )),
        }
        Ok(())
    }
}

fn step(
    content: &SettingsContent,
    file: FilePath,
    action: Action,
    room: Option<usize>,
    differing: usize,
    old: &[Vec<u8>],
) -> Step {
    let state = |parts: &[Vec<u8>]| match parts.iter().map(Vec::len).sum() {
        0 => State::of(0, "empty"),
        n => State::of(n, said(content.file, parts)),
    };
    Step {
        file,
        name: content.file.name().to_owned(),
        action: if differing == 0 { Action::Unchanged } else { action },
        room,
        differing: Some(differing),
        old: state(old),
        new: state(&content.parts),
        access: None,
    }
}

/// What settings are, in a few words: access points by name; of others only which there are, for an old file may hold a secret.
fn said(kind: SettingsFile, parts: &[Vec<u8>]) -> String {
    let settings: Result<Vec<Vec<Setting>>, _> =
        parts.iter().map(|part| usim::settings(kind, part)).collect();
    let Ok(settings) = settings.map(|settings| settings.concat()) else {
        return "settings that cannot be read".into();
    };
    let list =
        |of: fn(&Setting) -> &String| settings.iter().map(|s| of(s).as_str()).collect::<Vec<_>>().join(", ");
    match kind {
        SettingsFile::AccessPoints => format!("access points {}", list(|setting| &setting.value)),
        _ => format!("settings: {}", list(|setting| &setting.name)),
    }
}

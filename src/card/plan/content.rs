//! Bootstrap files: the ones that are there, empty ones that can be used, and new ones.

use crate::{
    card::{Content, FileError, FilePath, FoundFile, Pkcs15, rights::keys_for},
    wire::{
        Fid,
        arr::{Operation as Op, SecurityCondition},
        fcp::{Fcp, FileKind},
        pkcs15::ObjectId,
        tlv::strip_padding,
    },
};

use super::{
    Action, BootstrapFile, CONTENT_FID, Operation, PlanError, ReadAccess, Region, Right, State, Step,
    draft::{Draft, Rank},
    rule::For,
};

/// The last identifier that is tried for a bootstrap file.
const LAST_CONTENT_FID: Fid = Fid(0x643F);
/// The largest file whose octets READ and UPDATE BINARY reach.
const MAX_ROOM: usize = 0x8000;

/// Where a bootstrap file will be.
pub(super) struct Place {
    pub(super) file: FilePath,
    pub(super) fid: Fid,
}

impl Draft<'_, '_> {
    /// Updates a bootstrap file that has an entry.
    pub(super) fn update(&mut self, found: &FoundFile, file: &BootstrapFile) -> Result<(), PlanError> {
        let mut others = self.view.files.iter().filter(|f| f.file == found.file && f.oid != found.oid);
        if let Some(other) = others.next() {
            let other = other.oid.map_or("an object without identifier".into(), |oid| oid.to_string());
            return Err(PlanError::Shared { file: found.file.clone(), oid: file.oid, other });
        }
        let (start, room, octets) = match self.known(found)? {
            Some(known) => known,
            None => {
                // The entry leads to no file: it is made where the entry says.
                let fid = found.file.fid().unwrap_or(CONTENT_FID);
                let place = Place { file: found.file.clone(), fid };
                let like: Vec<_> = self.view.pkcs15.iter().map(|app| app.odf.file().clone()).collect();
                return self.create_content(&place, file, &like);
            }
        };
        let old = self.state(file, found.content.used().unwrap_or(&[]));
        let new = self.state(file, &file.octets);
        let unchanged = found.content.used() == Some(strip_padding(&file.octets));
        // A file that begins with FF was not read to its end.
        let differing = (octets.len() == room).then(|| {
            let new = file.octets.iter().chain(std::iter::repeat(&0xFF));
            octets.iter().zip(new).filter(|(old, new)| old != new).count()
        });
        if !unchanged {
            self.write_content(&found.file, start, room, octets.iter().copied().map(Some).collect(), file)?;
        }
        self.steps.push(Step {
            file: found.file.clone(),
            name: format!("bootstrap file {}", file.oid),
            action: if unchanged { Action::Unchanged } else { Action::Update },
            room: Some(room),
            differing,
            old,
            new,
            access: None,
        });
        Ok(())
    }

    /// Offset, room and known octets of a file that has an entry; none when the file does not exist.
    pub(super) fn known(&mut self, found: &FoundFile) -> Result<Option<(usize, usize, Vec<u8>)>, PlanError> {
        let file = found.file.clone();
        match (&found.content, found.size) {
            (Content::Octets(octets), Some(room)) => {
                let start = found.path.range.map_or(0, |r| usize::try_from(r.index).unwrap_or(usize::MAX));
                Ok(Some((start, room, octets.clone())))
            }
            (Content::Absent, _) => Ok(None),
            (Content::Unreadable(FileError::Damaged { what, .. }), _) => {
                Err(PlanError::PathPastEnd { file, what: what.clone() })
            }
            (Content::Unreadable(error), _) if error.is_denied() => {
                // Nobody may, or it is not known who; else it takes a key.
                self.need(&file, Right::Read)?;
                Err(PlanError::NeedsPin { file })
            }
            (Content::Unreadable(error), _) => Err(error.clone().into()),
            (Content::NotRead | Content::Octets(_), _) => {
                Err(FileError::Kind { file, expected: "a file that was read" }.into())
            }
        }
    }

    /// Finds or makes a file for an object that has no entry yet.
    pub(super) fn place(
        &mut self,
        directory: &FilePath,
        app: &Pkcs15,
        file: &BootstrapFile,
    ) -> Result<Place, PlanError> {
        let like: Vec<_> = std::iter::once(&app.odf)
            .filter(|odf| odf.list().is_some())
            .map(|odf| odf.file().clone())
            .chain(app.dodfs.iter().filter(|d| d.list().is_some()).map(|d| d.file().clone()))
            .collect();
        let candidates = match self.options.content_fid {
            Some(fid) => fid.0..=fid.0,
            None => CONTENT_FID.0..=LAST_CONTENT_FID.0,
        };
        for fid in candidates.map(Fid) {
            let place = Place { file: directory.child(fid), fid };
            let known = self.view.files.iter().any(|f| f.file == place.file)
                || app.dodfs.iter().any(|d| *d.file() == place.file)
                || *app.odf.file() == place.file
                || self.claimed.contains(&place.file);
            if !known {
                match self.fs.parameters(&place.file) {
                    // One that waits for a bootstrap may have another identifier.
                    Err(error)
                        if error.is_absent()
                            && !self.fs.creates_files()
                            && self.options.content_fid.is_none()
                            && fid != LAST_CONTENT_FID => {}
                    Err(error) if error.is_absent() => {
                        self.create_content(&place, file, &like)?;
                        return Ok(place);
                    }
                    Err(FileError::Transport(error)) => return Err(error.into()),
                    Err(_) => {}
                    Ok(fcp) => {
                        if self.take_over(&place, &fcp, file)? {
                            return Ok(place);
                        }
                    }
                }
            }
            if self.options.content_fid.is_some() {
                return Err(PlanError::FidTaken { file: place.file });
            }
        }
        let directory = directory.clone();
        Err(PlanError::NoFreeFid { directory, first: CONTENT_FID, last: LAST_CONTENT_FID })
    }

    /// Uses a file that no entry leads to, when it is empty and has the conditions that are wanted: one that waits for a
    /// bootstrap, or that an interrupted plan left behind.
    pub(super) fn take_over(
        &mut self,
        place: &Place,
        fcp: &Fcp,
        file: &BootstrapFile,
    ) -> Result<bool, PlanError> {
        let room = fcp.size.and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
        if fcp.kind() != FileKind::Transparent || room < file.octets.len() {
            return Ok(false);
        }
        let rights = self.fs.rights(&place.file)?.with_key(self.options.adm.unnumbered());
        let readers = rights.condition(Op::Read);
        let open = readers == Some(SecurityCondition::Always);
        let may_update = rights
            .condition(Op::Update)
            .is_some_and(|c| keys_for(&c, &self.held()).is_some_and(|k| !k.is_empty()));
        if !may_update || open != (self.options.read == ReadAccess::Always) {
            return Ok(false);
        }
        let first = match self.fs.read(&place.file, 0, room.min(256)) {
            Ok(octets) => octets,
            Err(FileError::Transport(error)) => return Err(error.into()),
            Err(_) => return Ok(false),
        };
        if first.first() != Some(&0xFF) {
            return Ok(false);
        }
        self.write_content(&place.file, 0, room, first.into_iter().map(Some).collect(), file)?;
        self.claimed.push(place.file.clone());
        let step = Step {
            file: place.file.clone(),
            name: format!("bootstrap file {}", file.oid),
            action: Action::Update,
            room: Some(room),
            differing: None,
            old: State::of(0, "empty, no entry leads to it"),
            new: self.state(file, &file.octets),
            access: None,
        };
        self.steps.push(step);
        Ok(true)
    }

    pub(super) fn create_content(
        &mut self,
        place: &Place,
        file: &BootstrapFile,
        like: &[FilePath],
    ) -> Result<(), PlanError> {
        let name = format!("bootstrap file {}", file.oid);
        // A quarter more than is needed now, for what later versions of the profile add.
        let room = (file.octets.len() + file.octets.len() / 4).next_multiple_of(64).min(MAX_ROOM);
        self.check_room("bootstrap file", &place.file, room, file.octets.len())?;
        // The user may change Config2 and no other (card sheet, section 4, remembered).
        let what = match file.oid {
            ObjectId::CP_CONFIG2 => For::UserFile(self.options.read),
            _ => For::File(self.options.read),
        };
        let access = self.create_ef(&place.file, &name, room, what, like)?;
        self.claimed.push(place.file.clone());
        self.write_octets(&place.file, 0, room, Vec::new(), &file.octets);
        let new = self.state(file, &file.octets);
        self.steps.push(Step {
            file: place.file.clone(),
            name,
            action: Action::Create,
            room: Some(room),
            differing: None,
            old: State::none(),
            new,
            access: Some(access),
        });
        Ok(())
    }

    pub(super) fn write_content(
        &mut self,
        file: &FilePath,
        start: usize,
        room: usize,
        old: Vec<Option<u8>>,
        wanted: &BootstrapFile,
    ) -> Result<(), PlanError> {
        self.check_room("bootstrap file", file, room, wanted.octets.len())?;
        self.need(file, Right::Update)?;
        self.write_octets(file, start, room, old, &wanted.octets);
        Ok(())
    }

    /// The octets of a bootstrap file: an empty file until all else is done.
    pub(super) fn write_octets(
        &mut self,
        file: &FilePath,
        start: usize,
        room: usize,
        mut old: Vec<Option<u8>>,
        octets: &[u8],
    ) {
        let Some((first, rest)) = octets.split_first() else { return };
        if let Some(Some(octet)) = old.first_mut()
            && *octet != 0xFF
        {
            let old = std::mem::replace(octet, 0xFF);
            self.first.push(Operation::TakeOut { file: file.clone(), at: start, old });
        }
        let mut new = vec![0xFF];
        new.extend_from_slice(rest);
        new.resize(room, 0xFF);
        self.then.push(Operation::Write(Region { file: file.clone(), at: start, old, new }));
        let put_in = Operation::PutIn { file: file.clone(), at: start, octet: *first };
        self.last.push((Rank::Content, put_in));
    }
}

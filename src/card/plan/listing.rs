//! The files that lead to bootstrap files: EF(DODF), EF(ODF), EF(DIR), and EF(TokenInfo) beside them.

use crate::{
    card::{FileError, FilePath, FoundFile, Listing, Pkcs15},
    wire::{
        Encode, Fid, Path, ef,
        pkcs15::{AID, DirEntry, Dodf, OdfEntry, Pkcs15Path, TokenInfo},
    },
};

use super::{
    Action, Operation, PlanError, ReadAccess, Region, Right, State, Step,
    draft::{Draft, Rank},
    edit::Edit,
    rule::For,
};

/// What the two listings are called.
pub(super) const ODF: &str = "EF(ODF)";
pub(super) const DODF: &str = "EF(DODF)";
/// Identifiers that are tried for an EF(DODF) after 6430.
const MORE_DODF_FIDS: std::ops::RangeInclusive<u16> = 0x6440..=0x644F;
/// Room of an EF(ODF) and of an EF(DODF) that are created, as on cards in the field.
pub(super) const ODF_ROOM: usize = 0x20;
pub(super) const DODF_ROOM: usize = 0x78;

impl Draft<'_, '_> {
    /// The first EF(DODF) that has room for more entries and may be updated; none when another one must be made.
    pub(super) fn dodf_with_room(&mut self, app: &Pkcs15, more: usize) -> Result<Option<usize>, PlanError> {
        for (at, listing) in app.dodfs.iter().enumerate() {
            let Listing::Read { file, octets, list } = listing else { continue };
            if list.used + more <= octets.len() && self.may(file, Right::Update)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Adds an EF(DODF): the one that EF(ODF) leads to already, when that does not exist, else another.
    pub(super) fn add_dodf(&mut self, app: &Pkcs15, entries: &[u8]) -> Result<(), PlanError> {
        let missing = app.dodfs.iter().find_map(|listing| match listing {
            Listing::Absent { file } if file.parent().as_ref() == Some(&app.directory) => Some(file),
            _ => None,
        });
        if let Some(file) = missing {
            let like = [app.odf.file().clone()];
            return self.create_listing(DODF, file, entries, DODF_ROOM, &like).map(drop);
        }
        let dodf = self.new_dodf(app, entries)?;
        self.list_in_odf(app, dodf)
    }

    /// Makes an EF(DODF), or takes over an empty one that nothing leads to.
    pub(super) fn new_dodf(&mut self, app: &Pkcs15, entries: &[u8]) -> Result<Fid, PlanError> {
        let first = self.options.dodf_fid.unwrap_or(Fid::DODF);
        let fids = std::iter::once(first.0).chain(MORE_DODF_FIDS).map(Fid);
        for fid in fids {
            let file = app.directory.child(fid);
            if app.dodfs.iter().any(|d| *d.file() == file) || self.view.files.iter().any(|f| f.file == file) {
                continue;
            }
            match self.fs.parameters(&file) {
                Err(error) if error.is_absent() => {
                    return self.create_listing(DODF, &file, entries, DODF_ROOM, &[app.odf.file().clone()]);
                }
                Err(FileError::Transport(error)) => return Err(error.into()),
                Err(_) => continue,
                Ok(_) => {}
            }
            let octets = match self.fs.read_all(&file) {
                Ok(octets) => octets,
                Err(FileError::Transport(error)) => return Err(error.into()),
                Err(_) => continue,
            };
            let empty = octets.first() == Some(&0xFF) && octets.len() >= entries.len();
            if empty && self.may(&file, Right::Update)? {
                self.edit_listing(DODF, &file, &octets, &Edit::append(0, entries.to_vec()))?;
                return Ok(fid);
            }
        }
        let last = Fid(*MORE_DODF_FIDS.end());
        Err(PlanError::NoFreeFid { directory: app.directory.clone(), first, last })
    }

    /// Has EF(ODF) lead to a new EF(DODF); makes EF(ODF) and EF(TokenInfo) where there are none.
    pub(super) fn list_in_odf(&mut self, app: &Pkcs15, dodf: Fid) -> Result<(), PlanError> {
        let entry = OdfEntry::data_objects(Pkcs15Path::whole(Path::new([dodf]))).to_octets();
        match &app.odf {
            Listing::Read { file, octets, list } => {
                let edit = Edit::append(list.used, entry);
                self.edit_listing(ODF, file, octets, &edit)
            }
            Listing::Absent { file } => {
                match self.fs.parameters(&app.directory.child(Fid::TOKEN_INFO)) {
                    Err(error) if error.is_absent() => self.create_token_info(&app.directory, &[])?,
                    Err(FileError::Transport(error)) => return Err(error.into()),
                    _ => {}
                }
                self.create_listing(ODF, file, &entry, ODF_ROOM, &[]).map(drop)
            }
            Listing::Unreadable { file, why } => {
                Err(PlanError::Unreadable { name: ODF, file: file.clone(), why: Box::new(why.clone()) })
            }
        }
    }

    pub(super) fn create_listing(
        &mut self,
        name: &'static str,
        file: &FilePath,
        entries: &[u8],
        room: usize,
        like: &[FilePath],
    ) -> Result<Fid, PlanError> {
        let room = room.max((entries.len() * 2).next_multiple_of(8));
        let access = self.create_ef(file, name, room, For::File(ReadAccess::Always), like)?;
        let unknown = vec![None; room];
        self.edit(name, file, &Edit::append(0, entries.to_vec()), &unknown);
        self.steps.push(Step {
            file: file.clone(),
            name: name.into(),
            action: Action::Create,
            room: Some(room),
            differing: None,
            old: State::none(),
            new: State::of(entries.len(), "entries that lead to the bootstrap"),
            access: Some(access),
        });
        Ok(file.fid().unwrap_or(Fid::DODF))
    }

    pub(super) fn create_token_info(
        &mut self,
        directory: &FilePath,
        like: &[FilePath],
    ) -> Result<(), PlanError> {
        let serial = self.view.iccid.as_ref().map(|iccid| ef::encode_iccid(iccid).to_vec());
        let info = TokenInfo { serial: serial.unwrap_or_default(), label: "PKCS-15".into() }.to_octets();
        let file = directory.child(Fid::TOKEN_INFO);
        let name = "EF(TokenInfo)";
        let access = self.create_ef(&file, name, info.len(), For::File(ReadAccess::Always), like)?;
        let octets = info.len();
        self.then.push(Operation::Write(Region { file: file.clone(), at: 0, old: Vec::new(), new: info }));
        self.steps.push(Step {
            file,
            name: name.into(),
            action: Action::Create,
            room: Some(octets),
            differing: None,
            old: State::none(),
            new: State::of(octets, "what some readers want to see of a card"),
            access: Some(access),
        });
        Ok(())
    }

    pub(super) fn edit_listing(
        &mut self,
        name: &'static str,
        file: &FilePath,
        octets: &[u8],
        edit: &Edit,
    ) -> Result<(), PlanError> {
        self.check_room(name, file, octets.len(), edit.end())?;
        self.need(file, Right::Update)?;
        self.first.extend(edit.take_out(file, octets));
        let now: Vec<_> = octets.iter().copied().map(Some).collect();
        self.edit(name, file, edit, &now);
        self.steps.push(Step {
            file: file.clone(),
            name: name.into(),
            action: Action::Update,
            room: Some(octets.len()),
            differing: None,
            old: State::of(edit.used, "entries"),
            new: State::of(edit.end(), "entries, those of others as they were"),
            access: None,
        });
        Ok(())
    }

    fn edit(&mut self, name: &'static str, file: &FilePath, edit: &Edit, now: &[Option<u8>]) {
        let rank = if name == ODF { Rank::Odf } else { Rank::Dodf };
        if let Some((write, put_in)) = edit.operations(file, now) {
            self.then.push(write);
            self.last.push((rank, put_in));
        }
    }

    /// The record of EF(DIR) for the application: the one that names it already, else the first that is free.
    pub(super) fn dir_record(&self, directory: &FilePath) -> Result<u8, PlanError> {
        let aid: String = AID.iter().map(|octet| format!("{octet:02X}")).collect();
        let named = self.view.applications.iter().find(|a| a.aid == aid).map(|a| a.record);
        let needed = dir_entry(directory).len();
        let (number, length) = match (named.or(self.view.free_record), self.view.record_length) {
            (Some(number), Some(length)) => (number, usize::from(length)),
            _ => return Err(PlanError::DirFull { needed }),
        };
        if needed > length { Err(PlanError::DirFull { needed }) } else { Ok(number) }
    }

    pub(super) fn write_dir_record(&mut self, number: u8, directory: &FilePath) {
        let octets = dir_entry(directory);
        let file = FilePath::mf().child(Fid::DIR);
        self.steps.push(Step {
            file: file.clone(),
            name: format!("EF(DIR), record {number}"),
            action: Action::UpdateRecord,
            room: self.view.record_length.map(usize::from),
            differing: None,
            old: State::of(0, "free"),
            new: State::of(octets.len(), "the PKCS#15 application"),
            access: None,
        });
        self.then.push(Operation::Record { file, number, octets, old: Vec::new() });
    }

    /// Adds a record to EF(DIR) for an application that has none, where the card allows it.
    pub(super) fn announce_if_allowed(&mut self, directory: &FilePath) -> Result<(), PlanError> {
        let from_mf = directory.to_string().starts_with("3F00");
        match self.dir_record(directory) {
            Ok(record) if from_mf && self.may(&FilePath::mf().child(Fid::DIR), Right::Update)? => {
                self.need(&FilePath::mf().child(Fid::DIR), Right::Update)?;
                self.write_dir_record(record, directory);
            }
            _ => self.notes.push(
                "EF(DIR) has no free record, or may not be written; the application stays out of it".into(),
            ),
        }
        Ok(())
    }
}

fn dir_entry(directory: &FilePath) -> Vec<u8> {
    let fids = std::iter::once(Fid::MF).chain(directory.fids().iter().copied());
    DirEntry::pkcs15(Path::new(fids)).to_octets()
}

pub(super) fn octets_of<T>(listing: &Listing<T>) -> &[u8] {
    match listing {
        Listing::Read { octets, .. } => octets,
        _ => &[],
    }
}

/// The edit of an EF(DODF) that replaces some of its entries and adds others behind them; none when nothing changes.
pub(super) fn edit_dodf(
    listing: &Listing<Dodf>,
    replaced: &[&(&FoundFile, Vec<u8>)],
    added: Vec<u8>,
) -> Result<Option<Edit>, PlanError> {
    let Listing::Read { list, file, .. } = listing else { return Ok(None) };
    let first = replaced.iter().map(|(found, _)| found.entry).min();
    let mut octets = Vec::new();
    let mut at = list.used;
    for (number, entry) in list.entries.iter().enumerate().skip(first.unwrap_or(usize::MAX)) {
        match replaced.iter().find(|(found, _)| found.entry == number) {
            Some((_, new)) => octets.extend_from_slice(new),
            None => {
                let oid = replaced.first().and_then(|(found, _)| found.oid);
                let oid = oid.unwrap_or(crate::wire::pkcs15::ObjectId::CP_BOOTSTRAP);
                return Err(PlanError::EntryNotLast { file: file.clone(), oid });
            }
        }
        at = at.min(entry.at);
    }
    octets.extend(added);
    if octets.is_empty() {
        return Ok(None);
    }
    Ok(Some(Edit { at, used: list.used, octets }))
}

//! The shape of a plan: what is put into a PKCS#15 application that is there, and how one is made.

use crate::{
    card::{FilePath, FoundBy, Listing, Pkcs15},
    wire::{
        Encode, Fid, Path,
        fcp::{Fcp, FileKind, LifeCycle},
        pkcs15::{AID, OdfEntry, Pkcs15Path},
    },
};

use super::{
    Action, BootstrapFile, CONTENT_FID, Operation, PlanError, Right, State, Step,
    content::Place,
    draft::{Draft, FILE_OVERHEAD, free_memory},
    listing::{DODF, DODF_ROOM, ODF, ODF_ROOM, edit_dodf, octets_of},
    rule::{self, For},
};

/// The least room of the application's directory: it cannot be made larger later, and a CP and a DM bootstrap of one
/// profile should fit.
const DIRECTORY_ROOM: usize = 0x2000;

impl Draft<'_, '_> {
    /// On a card with a PKCS#15 application: updates the files that are there, makes the others.
    pub(super) fn fit_in(&mut self, app: &Pkcs15, wanted: &[BootstrapFile]) -> Result<(), PlanError> {
        if let Listing::Unreadable { file, why } = &app.odf {
            return Err(PlanError::Unreadable { name: ODF, file: file.clone(), why: Box::new(why.clone()) });
        }
        let mut replaced = Vec::new();
        let mut added = Vec::new();
        for file in wanted {
            match self.view.file(file.oid) {
                Some(found) => {
                    self.update(found, file)?;
                    let other_shape = self.options.shape.is_some_and(|shape| shape != found.shape);
                    if other_shape || (self.options.double_wrapped_oid && !found.double_wrapped_oid) {
                        let mut entry = self.entry(file, found.path.path.clone());
                        if self.options.shape.is_none() {
                            entry = entry.with_shape(found.shape);
                        }
                        entry.path = found.path.clone();
                        replaced.push((found, entry.to_octets()));
                    }
                }
                None => {
                    self.refuse_unreadable(app)?;
                    let place = self.place(&app.directory, app, file)?;
                    added.extend(self.entry(file, Path::new([place.fid])).to_octets());
                }
            }
        }
        let target = if added.is_empty() { None } else { self.dodf_with_room(app, added.len())? };
        for (at, listing) in app.dodfs.iter().enumerate() {
            let of_this: Vec<_> = replaced.iter().filter(|(found, _)| found.dodf == at).collect();
            let tail = if target == Some(at) { std::mem::take(&mut added) } else { Vec::new() };
            if let Some(edit) = edit_dodf(listing, &of_this, tail)? {
                self.edit_listing(DODF, listing.file(), octets_of(listing), &edit)?;
            }
        }
        if !added.is_empty() {
            self.add_dodf(app, &added)?;
        }
        if app.found_by != FoundBy::Dir && !self.then.is_empty() {
            self.announce_if_allowed(&app.directory)?;
        }
        Ok(())
    }

    /// On a card without a PKCS#15 application: makes one.
    pub(super) fn build(&mut self, wanted: &[BootstrapFile]) -> Result<(), PlanError> {
        let fid = self.options.directory_fid.unwrap_or(Fid::PKCS15);
        let directory = FilePath::mf().child(fid);
        self.needs_create(&directory)?;
        match self.fs.parameters(&directory) {
            Ok(_) => return Err(PlanError::FidTaken { file: directory }),
            Err(error) if error.is_absent() => {}
            // What is there cannot be told, so it is not taken for nothing.
            Err(error) => return Err(error.into()),
        }
        let mf = FilePath::mf();
        self.need(&mf, Right::CreateDf)?;
        let record = self.dir_record(&directory)?;
        let dir = FilePath::mf().child(Fid::DIR);
        self.need(&dir, Right::Update)?;
        let name = "DF(PKCS#15)";
        let (security, access) =
            rule::choose(self.fs, name, For::Directory, std::slice::from_ref(&mf), self.options.adm)?;
        self.need_keys_of(&access);
        let mut fcp = Fcp::new(FileKind::Df, fid);
        fcp.aid = Some(AID.to_vec());
        fcp.life_cycle = Some(LifeCycle::ACTIVATED);
        fcp.security = Some(security);
        // The keys of the new directory are those of the MF.
        let mf_parameters = self.fs.parameters(&mf)?;
        fcp.pin_status = mf_parameters.pin_status.clone();
        self.steps.push(Step {
            file: directory.clone(),
            name: name.into(),
            action: Action::CreateDirectory,
            room: None,
            differing: None,
            old: State::none(),
            new: State { octets: None, what: "directory of the PKCS#15 application".into() },
            access: Some(access),
        });
        let at = self.then.len();
        let dodf = self.options.dodf_fid.unwrap_or(Fid::DODF);
        let taken = [dodf, Fid::TOKEN_INFO, Fid::ODF];
        self.claimed.extend(taken.map(|fid| directory.child(fid)));
        let mut entries = Vec::new();
        for (number, file) in (0..).zip(wanted) {
            let fid = self.options.content_fid.unwrap_or(Fid(CONTENT_FID.0 + number));
            let place = Place { file: directory.child(fid), fid };
            if self.claimed.contains(&place.file) {
                return Err(PlanError::FidTaken { file: place.file });
            }
            self.create_content(&place, file, &[])?;
            entries.extend(self.entry(file, Path::new([fid])).to_octets());
        }
        let dodf = self.create_listing(DODF, &directory.child(dodf), &entries, DODF_ROOM, &[])?;
        self.create_token_info(&directory, &[])?;
        let entry = OdfEntry::data_objects(Pkcs15Path::whole(Path::new([dodf]))).to_octets();
        self.create_listing(ODF, &directory.child(Fid::ODF), &entry, ODF_ROOM, &[])?;
        self.write_dir_record(record, &directory);
        // Room for more files later, where there is room.
        let room = (self.memory * 2).max(DIRECTORY_ROOM);
        let room = free_memory(&mf_parameters).map_or(room, |free| room.min(free)).max(self.memory);
        fcp.total_size = u32::try_from(room).ok();
        self.memory += FILE_OVERHEAD;
        self.then.insert(at, Operation::Create { file: directory, fcp });
        self.check_memory(&mf_parameters)
    }

    /// An entry may stand in a directory that cannot be read; another one behind it might then never be looked at.
    pub(super) fn refuse_unreadable(&self, app: &Pkcs15) -> Result<(), PlanError> {
        let unreadable = |listing: &Listing<_>| match listing {
            Listing::Unreadable { file, why } => {
                Err(PlanError::Unreadable { name: DODF, file: file.clone(), why: Box::new(why.clone()) })
            }
            _ => Ok(()),
        };
        app.dodfs.iter().try_for_each(unreadable)
    }
}

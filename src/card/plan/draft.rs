//! A plan in the making: what every part of it needs.

use crate::{
    card::{
        BOOTSTRAP_OBJECTS, CardView, FileError, FilePath, FileSystem, Rights, UnknownRights, gsm,
        rights::{asks_for_some_key, keys_for},
    },
    wire::{
        Fid, Path,
        arr::{KeyRef, Operation as Op, SecurityCondition},
        fcp::{Fcp, FileKind, LifeCycle, Security, Sfi},
        pkcs15::{DataObject, ObjectId, Shape},
    },
};

use super::{
    Access, BootstrapFile, CONTENT_FID, Operation, Plan, PlanError, PlanOptions, ReadAccess, Right, State,
    Step,
    rule::{self, For},
};

/// What a file takes up on the card beside its octets; a guess that only serves to refuse early.
pub(super) const FILE_OVERHEAD: usize = 32;

/// The order in which first octets are put in place: from the top, so that whatever is interrupted is found again as an
/// empty file at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Odf,
    Dodf,
    Content,
}

pub(super) struct Draft<'a, 't> {
    pub(super) fs: &'a mut FileSystem<'t>,
    pub(super) view: &'a CardView,
    pub(super) options: &'a PlanOptions<'a>,
    pub(super) steps: Vec<Step>,
    pub(super) keys: Vec<KeyRef>,
    pub(super) notes: Vec<String>,
    /// What is taken out before anything else.
    pub(super) first: Vec<Operation>,
    /// What is created and written then.
    pub(super) then: Vec<Operation>,
    /// What is put in last.
    pub(super) last: Vec<(Rank, Operation)>,
    /// Files that this plan creates or takes over.
    pub(super) claimed: Vec<FilePath>,
    /// Octets of memory that new files take up.
    pub(super) memory: usize,
}

impl<'a, 't> Draft<'a, 't> {
    pub(super) fn new(fs: &'a mut FileSystem<'t>, view: &'a CardView, options: &'a PlanOptions<'a>) -> Self {
        Self {
            fs,
            view,
            options,
            steps: Vec::new(),
            keys: Vec::new(),
            notes: view.warnings.iter().map(ToString::to_string).collect(),
            first: Vec::new(),
            then: Vec::new(),
            last: Vec::new(),
            claimed: Vec::new(),
            memory: 0,
        }
    }

    /// Plans for bootstrap files.
    pub(super) fn put(mut self, wanted: &[BootstrapFile]) -> Result<Plan, PlanError> {
        match &self.view.pkcs15 {
            Some(app) => self.fit_in(app, wanted)?,
            None => self.build(wanted)?,
        }
        self.fill_settings()?;
        self.note_others(wanted)?;
        Ok(self.finish())
    }

    /// Bootstrap files of other kinds stay as they are, and a device may go by them: whoever plans should know. One octet
    /// tells whether there is anything in them.
    fn note_others(&mut self, wanted: &[BootstrapFile]) -> Result<(), PlanError> {
        for file in &self.view.files {
            let Some(oid) =
                file.oid.filter(|oid| BOOTSTRAP_OBJECTS.contains(oid) && *oid != ObjectId::LWM2M_BOOTSTRAP)
            else {
                continue;
            };
            if wanted.iter().any(|wanted| wanted.oid == oid) {
                continue;
            }
            let from = file.path.range.map_or(0, |range| range.index);
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            match self.fs.read(&file.file, from, 1) {
                Ok(first) if first.first().is_some_and(|octet| *octet != 0xFF) => self.notes.push(format!(
                    "{} holds another bootstrap, {oid}, which stays; a device that reads both may go by that one. \
                     `bootgate card erase` empties it",
                    file.file
                )),
                Err(FileError::Transport(error)) => return Err(error.into()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Plan {
        self.keys.sort_unstable();
        self.keys.dedup();
        self.last.sort_by_key(|(rank, _)| *rank);
        let last = self.last.into_iter().map(|(_, operation)| operation);
        let operations = self.first.into_iter().chain(self.then).chain(last).collect();
        Plan {
            reader: self.view.reader.clone(),
            iccid: self.view.iccid.clone(),
            steps: self.steps,
            keys: self.keys,
            notes: self.notes,
            reference: None,
            session: self.fs.id(),
            operations,
        }
    }

    pub(super) fn entry(&self, file: &BootstrapFile, path: Path) -> DataObject {
        let shape = self.options.shape.unwrap_or(Shape::OidDo);
        let mut entry = DataObject::new(shape, file.oid, &file.label, path);
        entry.private = self.options.read == ReadAccess::Pin;
        entry.modifiable = file.oid == ObjectId::CP_CONFIG2;
        entry.double_wrapped_oid = self.options.double_wrapped_oid;
        entry
    }

    pub(super) fn state(&self, file: &BootstrapFile, octets: &[u8]) -> State {
        match octets.len() {
            0 => State::of(0, "empty"),
            n => State::of(n, (self.options.describe)(file.oid, octets)),
        }
    }

    pub(super) fn held(&self) -> Vec<KeyRef> {
        self.options.adm.held()
    }

    pub(super) fn rights(&mut self, file: &FilePath, right: Right) -> Result<(Rights, Op), PlanError> {
        let operation = match right {
            Right::Read => Op::Read,
            Right::Update => Op::Update,
            Right::CreateEf => Op::CreateEf,
            Right::CreateDf => Op::CreateDf,
        };
        Ok((self.fs.rights(file)?.with_key(self.options.adm.unnumbered()), operation))
    }

    /// Notes the keys that a right asks for; refuses what the rules do not allow.
    pub(super) fn need(&mut self, file: &FilePath, right: Right) -> Result<(), PlanError> {
        let (rights, operation) = self.rights(file, right)?;
        let file = file.clone();
        match (rights.condition(operation), rights) {
            (Some(condition), _) => match keys_for(&condition, &self.held()) {
                Some(keys) => {
                    let class_a0 = !self.fs.creates_files();
                    for key in keys {
                        // Class A0 tells a level, and not which key that is.
                        let key = if class_a0 && gsm::is_administrative(key) {
                            let of_level = self.options.adm.of_level(key);
                            of_level.map_err(|why| PlanError::RightsUnknown {
                                file: file.clone(),
                                right,
                                why,
                            })?
                        } else {
                            key
                        };
                        self.keys.push(key);
                    }
                    Ok(())
                }
                None if asks_for_some_key(&condition) => {
                    Err(PlanError::RightsUnknown { file, right, why: UnknownRights::KeyNotNamed })
                }
                None => Err(PlanError::NoRight { file, right, condition }),
            },
            (None, Rights::Unknown(why)) => Err(PlanError::RightsUnknown { file, right, why }),
            (None, Rights::Rules(_)) => {
                let condition = SecurityCondition::Never;
                Err(PlanError::NoRight { file, right, condition })
            }
        }
    }

    /// Notes the keys that work on a new file will ask for.
    pub(super) fn need_keys_of(&mut self, access: &Access) {
        let held = self.held();
        for condition in access.update.iter().chain(&access.read) {
            self.keys.extend(keys_for(condition, &held).unwrap_or_default());
        }
    }

    pub(super) fn may(&mut self, file: &FilePath, right: Right) -> Result<bool, PlanError> {
        let (rights, operation) = self.rights(file, right)?;
        let condition = rights.condition(operation);
        Ok(condition.is_some_and(|c| keys_for(&c, &self.held()).is_some()))
    }

    pub(super) fn check_room(
        &self,
        name: &'static str,
        file: &FilePath,
        room: usize,
        needed: usize,
    ) -> Result<(), PlanError> {
        if needed <= room {
            return Ok(());
        }
        Err(PlanError::TooSmall { name, file: file.clone(), room, needed })
    }

    /// Refuses early what the card says it has no memory for.
    pub(super) fn check_memory(&self, directory: &Fcp) -> Result<(), PlanError> {
        match free_memory(directory) {
            Some(free) if self.memory > free => Err(PlanError::NoMemory { free, needed: self.memory }),
            _ => Ok(()),
        }
    }

    /// Refuses what would need CREATE FILE on a card that has none.
    pub(super) fn needs_create(&self, file: &FilePath) -> Result<(), PlanError> {
        if self.fs.creates_files() { Ok(()) } else { Err(PlanError::NoCreate { file: file.clone() }) }
    }

    /// Plans CREATE FILE of a transparent file; says which conditions it will have.
    pub(super) fn create_ef(
        &mut self,
        file: &FilePath,
        name: &str,
        room: usize,
        what: For,
        like: &[FilePath],
    ) -> Result<Access, PlanError> {
        self.needs_create(file)?;
        if let Some(app) = &self.view.pkcs15 {
            let directory = file.parent().unwrap_or_else(|| app.directory.clone());
            self.need(&directory, Right::CreateEf)?;
        }
        let adm = self.options.adm;
        let chosen = rule::choose(self.fs, name, what, like, adm);
        let (security, access) = match (chosen, what) {
            // Where no rule lets the user change it, the issuer alone does.
            (Err(PlanError::NoRule { .. }), For::UserFile(read)) => {
                rule::choose(self.fs, name, For::File(read), like, adm)?
            }
            (chosen, _) => chosen?,
        };
        self.need_keys_of(&access);
        let fcp = ef_parameters(file.fid().unwrap_or(CONTENT_FID), room, security);
        self.memory += room + FILE_OVERHEAD;
        if let (Some(_), Some(directory)) = (&self.view.pkcs15, file.parent()) {
            let directory = self.fs.parameters(&directory)?;
            self.check_memory(&directory)?;
        }
        self.then.push(Operation::Create { file: file.clone(), fcp });
        Ok(access)
    }
}

/// What a directory says is free. Some cards say 0 where they do not count.
pub(super) fn free_memory(directory: &Fcp) -> Option<usize> {
    let octets = directory.proprietary_value(Fcp::FREE_MEMORY)?;
    let free = octets.iter().fold(0usize, |sum, octet| (sum << 8) | usize::from(*octet));
    (free > 0).then_some(free)
}

fn ef_parameters(fid: Fid, room: usize, security: Security) -> Fcp {
    let mut fcp = Fcp::new(FileKind::Transparent, fid);
    fcp.life_cycle = Some(LifeCycle::ACTIVATED);
    fcp.security = Some(security);
    fcp.size = u32::try_from(room).ok();
    fcp.sfi = Sfi::None;
    fcp
}

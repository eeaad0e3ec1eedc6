//! `RES`: what a backup holds of a file is put back. Whether all of it can be is looked at before the script's first
//! statement, so that none is put back where another cannot be.

use crate::{
    card::{FileError, FilePath, FileSystem},
    ident::counted,
    wire::script::{At, EffectKind, Expr, Place, Position, Script, Statement, place_of},
};

use super::{
    CardBackup, Entry, Kept, ScriptError,
    files::said,
    run::{Run, path},
};

impl<'a> Run<'a, '_> {
    /// `RES`. What the backup does not hold is left as it is.
    pub(super) fn restore(&mut self, at: Position, file: &At<Expr>) -> Result<(), ScriptError> {
        let place = self.declared_place(at, "RES", EffectKind::Updates, file)?;
        let backup = self.backup_of_this_card(at)?;
        let (mut held, mut changed) = (0, false);
        for saved in backup.of(&place).filter(|saved| saved.kept != Kept::Absent {}) {
            held += 1;
            changed |= self.replace(at, &place, &saved.kept, false)?;
        }
        let note = if held == 0 { "the backup holds nothing of it; left as it is" } else { said(changed) };
        self.tell(Entry::new(at.line, format!("RES {place}")).noting(note));
        Ok(())
    }

    /// Holds the backup against the card, for every `RES` that is sure to be reached and whose file is known.
    pub(super) fn can_restore(&mut self, script: &Script) -> Result<(), ScriptError> {
        let mut env = self.env.clone();
        let mut first = None;
        let (mut held, mut all_known) = (false, true);
        for At { at, value } in &script.statements {
            match value {
                Statement::Let(name, _) => env.set(&name.value, None),
                Statement::Restore(file) => {
                    first.get_or_insert(*at);
                    let backup = self.backup_of_this_card(*at)?;
                    let Ok(Some(place)) = place_of(file, &env) else {
                        all_known = false;
                        continue;
                    };
                    for saved in backup.of(&place) {
                        held |= saved.kept != Kept::Absent {};
                        self.fits(*at, &place, &saved.kept)?;
                    }
                }
                _ => {}
            }
        }
        match first {
            Some(at) if all_known && !held => Err(ScriptError::NotInBackup { at }),
            _ => Ok(()),
        }
    }

    fn backup_of_this_card(&self, at: Position) -> Result<&'a CardBackup, ScriptError> {
        let Some(backup) = self.setup.restore else {
            return Err(ScriptError::NoBackup { at, what: "RES", option: "--restore FILE" });
        };
        if backup.iccid != self.iccid || self.iccid.is_none() {
            let (backup, card) = (backup.iccid.clone(), self.iccid.clone());
            return Err(ScriptError::OtherCard { at, backup, card });
        }
        Ok(backup)
    }

    /// Whether what was kept has its place on the card.
    fn fits(&mut self, at: Position, place: &Place, kept: &Kept) -> Result<(), ScriptError> {
        let file = path(place);
        let room = self.in_files(at, |fs| match room(fs, &file, kept) {
            Err(error) if error.is_absent() => Ok(None),
            room => room.map(Some),
        })?;
        let why = match (kept, room) {
            (Kept::Absent {}, None) => return Ok(()),
            (Kept::Absent {}, Some(_)) => {
                "the card had no such file when the backup was made, and RES deletes none".to_owned()
            }
            (_, None) => "the card has no such file".to_owned(),
            (Kept::Octets { at: from, octets }, Some((size, _))) if from + octets.len() > size => {
                format!(
                    "the backup holds {}, and there is room for {size}",
                    counted(from + octets.len(), "octet")
                )
            }
            (Kept::Objects { octets }, Some((size, _))) if octets.len() > size => {
                format!("the backup holds {}, and there is room for {size}", counted(octets.len(), "octet"))
            }
            (Kept::Record { number, .. }, Some((_, records))) if usize::from(*number) > records => {
                format!("the backup holds record {number}, and there are {records}")
            }
            (Kept::Record { octets, .. }, Some((size, _))) if octets.len() > size => {
                format!(
                    "the backup holds a record of {}, and there is room for {size}",
                    counted(octets.len(), "octet")
                )
            }
            _ => return Ok(()),
        };
        Err(ScriptError::NotRestorable { at, file: place.clone(), why })
    }
}

/// The octets of a file, or of each record, and how many records there are.
fn room(fs: &mut FileSystem<'_>, file: &FilePath, kept: &Kept) -> Result<(usize, usize), FileError> {
    match kept {
        Kept::Octets { .. } => fs.size(file).map(|size| (size, 0)),
        Kept::Record { .. } => fs.records(file).map(|(size, count)| (usize::from(size), usize::from(count))),
        // A card that does not say how much fits says it when it is too much.
        Kept::Objects { .. } => fs.objects_room(file).map(|room| (room.unwrap_or(usize::MAX), 0)),
        Kept::Absent {} => fs.parameters(file).map(|_| (0, 0)),
    }
}

//! Plans to empty bootstrap files.

use crate::{
    card::{FilePath, FoundFile},
    wire::pkcs15::ObjectId,
};

use super::{Action, Operation, Plan, PlanError, Region, Right, State, Step, draft::Draft};

impl Draft<'_, '_> {
    /// Plans to fill the files of these objects with FF, the first octet first.
    pub(super) fn erase(mut self, objects: &[ObjectId]) -> Result<Plan, PlanError> {
        let view = self.view;
        let is_ours = |f: &&FoundFile| f.oid.is_some_and(|oid| objects.contains(&oid));
        let mut done: Vec<&FilePath> = Vec::new();
        for found in view.files.iter().filter(is_ours) {
            if done.contains(&&found.file) {
                continue;
            }
            done.push(&found.file);
            self.empty(found)?;
        }
        if self.steps.is_empty() { Err(PlanError::NothingToErase) } else { Ok(self.finish()) }
    }

    fn empty(&mut self, found: &FoundFile) -> Result<(), PlanError> {
        let Some((start, room, octets)) = self.known(found)? else { return Ok(()) };
        let mut others = self.view.files.iter().filter(|f| f.file == found.file && f.oid != found.oid);
        if let (Some(other), Some(oid)) = (others.next(), found.oid) {
            let other = other.oid.map_or("an object without identifier".into(), |oid| oid.to_string());
            return Err(PlanError::Shared { file: found.file.clone(), oid, other });
        }
        let live = octets.first().copied().filter(|octet| *octet != 0xFF);
        let mut octets = octets;
        if octets.len() < room {
            // It begins with FF, but may still hold what an interrupted run left behind that.
            let rest = self.fs.read(&found.file, start + octets.len(), room - octets.len())?;
            octets.extend(rest);
        }
        let unchanged = octets.iter().all(|octet| *octet == 0xFF);
        if !unchanged {
            self.need(&found.file, Right::Update)?;
            if let Some(old) = live {
                self.first.push(Operation::TakeOut { file: found.file.clone(), at: start, old });
            }
            let old = std::iter::once(Some(0xFF)).chain(octets.iter().skip(1).copied().map(Some)).collect();
            let region = Region { file: found.file.clone(), at: start, old, new: vec![0xFF; room] };
            self.then.push(Operation::Write(region));
        }
        let used = found.content.used().unwrap_or(&[]);
        let describe = |oid: ObjectId| (self.options.describe)(oid, used);
        self.steps.push(Step {
            file: found.file.clone(),
            name: found.oid.map_or("bootstrap file".into(), |oid| format!("bootstrap file {oid}")),
            action: if unchanged { Action::Unchanged } else { Action::Erase },
            room: Some(room),
            differing: None,
            old: match (used.len(), found.oid) {
                (0, _) if !unchanged => State::of(0, "empty, with remains of an earlier bootstrap"),
                (0, _) | (_, None) => State::of(used.len(), "empty"),
                (n, Some(oid)) => State::of(n, describe(oid)),
            },
            new: State::of(0, "empty"),
            access: None,
        });
        Ok(())
    }
}

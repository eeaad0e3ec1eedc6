//! DELETE FILE (ETSI TS 102 222, section 6.4).

use super::{
    VirtualCard,
    command::{Answer, Command},
};
use crate::wire::{Fid, apdu::StatusWord};

impl VirtualCard {
    /// Deletes a file in the current directory, or the current directory itself, with everything in it.
    pub(super) fn delete(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let fid = Fid::from_octets(command.data).ok_or(StatusWord::WRONG_LENGTH)?;
        let current = self.session.here.directory;
        let itself = Some(current).filter(|id| self.files.file(*id).fid == fid);
        let found = self.files.child(current, fid).or(itself).ok_or(StatusWord::NOT_FOUND)?;
        let parent = self.files.parent(found).ok_or(StatusWord::CONDITIONS)?;
        self.demand_deletion(found, parent)?;
        self.files.remove(found);
        // Whatever was selected in the deleted directory went with it.
        self.enter(parent);
        let gone = self.session.here.application.is_some_and(|id| !self.files.all().contains(&id));
        if gone {
            self.session.here.application = None;
        }
        self.changed();
        Ok(Answer::done())
    }
}

//! ACTIVATE FILE and DEACTIVATE FILE (ETSI TS 102 221, sections 11.1.14 and 11.1.15; TS 102 222, section 6.9).

use super::{
    VirtualCard,
    command::{Answer, Command},
    files::NodeId,
};
use crate::wire::{apdu::StatusWord, arr::Operation, fcp::LifeCycle};

impl VirtualCard {
    /// Also ends the initialisation of a file that was created with life cycle 03.
    pub(super) fn activate(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        self.set_life_cycle(command, Operation::Activate, LifeCycle::ACTIVATED)
    }

    pub(super) fn deactivate(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        self.set_life_cycle(command, Operation::Deactivate, LifeCycle::DEACTIVATED)
    }

    fn set_life_cycle(
        &mut self,
        command: &Command<'_>,
        operation: Operation,
        to: LifeCycle,
    ) -> Result<Answer, StatusWord> {
        let id = self.named_or_current(command)?;
        self.demand(id, operation)?;
        let file = self.files.file_mut(id).ok_or(StatusWord::NOT_FOUND)?;
        if file.life_cycle.is_terminated() {
            return Err(StatusWord::CONDITIONS);
        }
        let changes = file.life_cycle != to;
        file.life_cycle = to;
        self.enter(id);
        if changes {
            self.changed();
        }
        Ok(Answer::done())
    }

    /// The file that the data name as SELECT would (P1 00, 08 or 09), or the current one when there are none.
    fn named_or_current(&self, command: &Command<'_>) -> Result<NodeId, StatusWord> {
        match (command.p1, command.p2) {
            (0x00, 0x00) if command.data.is_empty() => {
                Ok(self.session.here.ef.unwrap_or(self.session.here.directory))
            }
            (0x00 | 0x08 | 0x09, 0x00) => self.locate(command.p1, command.data),
            _ => Err(StatusWord::WRONG_PARAMETERS),
        }
    }
}

//! READ BINARY and UPDATE BINARY (ETSI TS 102 221, sections 11.1.3 and 11.1.4).

use super::{
    VirtualCard,
    command::{Answer, Command, Expected, wrong_le},
    files::NodeId,
    quirks::EndOfFile,
};
use crate::{
    lab::image::Body,
    wire::{
        apdu::StatusWord,
        arr::Operation,
        fcp::{Fcp, Sfi},
    },
};

impl VirtualCard {
    pub(super) fn read_binary(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let (ef, offset) = self.binary_target(command)?;
        self.usable(ef, Operation::Read)?;
        let Body::Transparent(content) = &self.files.file(ef).body else {
            return Err(StatusWord::WRONG_STRUCTURE);
        };
        let at_end = self.quirks.end_of_file == EndOfFile::Loop && offset == content.len();
        let rest = content.get(offset..).filter(|rest| !rest.is_empty() || at_end);
        let rest = rest.ok_or(StatusWord::WRONG_OFFSET)?;
        let (wanted, any) = match command.expected {
            Some(Expected::Exactly(n)) => (n, false),
            _ => (256, true),
        };
        if let Some(data) = rest.get(..wanted) {
            return Ok(Answer::data(data.to_vec()));
        }
        let data = rest.to_vec();
        match self.quirks.end_of_file {
            _ if any => Ok(Answer::data(data)),
            EndOfFile::ExactLength | EndOfFile::Loop => Err(wrong_le(rest.len())),
            EndOfFile::Warning => Ok(Answer { data, sw: StatusWord::END_OF_FILE }),
            EndOfFile::Short => Ok(Answer::data(data)),
        }
    }

    pub(super) fn update_binary(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let (ef, offset) = self.binary_target(command)?;
        self.usable(ef, Operation::Update)?;
        let Some(Body::Transparent(content)) = self.files.file_mut(ef).map(|f| &mut f.body) else {
            return Err(StatusWord::WRONG_STRUCTURE);
        };
        let rest = content.get_mut(offset..).ok_or(StatusWord::WRONG_OFFSET)?;
        let place = rest.get_mut(..command.data.len()).filter(|place| !place.is_empty());
        place.ok_or(StatusWord::WRONG_LENGTH)?.copy_from_slice(command.data);
        self.changed();
        Ok(Answer::done())
    }

    /// The EF and the offset that P1 and P2 name. A short file identifier (bit 80 of P1) also selects the EF.
    fn binary_target(&mut self, command: &Command<'_>) -> Result<(NodeId, usize), StatusWord> {
        if command.p1 & 0x80 == 0 {
            let ef = self.session.here.ef.ok_or(StatusWord::NO_EF)?;
            return Ok((ef, usize::from(u16::from_be_bytes([command.p1, command.p2]))));
        }
        if command.p1 & 0x60 != 0 {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        Ok((self.enter_sfi(command.p1 & 0x1F)?, usize::from(command.p2)))
    }

    /// Selects the EF of that short file identifier in the current directory.
    pub(super) fn enter_sfi(&mut self, sfi: u8) -> Result<NodeId, StatusWord> {
        if !(1..=30).contains(&sfi) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let named = |id: &NodeId| {
            let file = self.files.file(*id);
            let own = match file.sfi {
                Sfi::Is(n) => n,
                Sfi::None => return false,
                Sfi::Unstated => file.fid.octets()[1] & 0x1F,
            };
            own == sfi && !self.files.is_directory(*id)
        };
        let found = self.files.children(self.session.here.directory).iter().copied().find(named);
        let found = found.ok_or(StatusWord::NOT_FOUND)?;
        self.enter(found);
        Ok(found)
    }

    /// Refuses an EF that its rules or its life cycle keep from being read or updated now.
    pub(super) fn usable(&self, ef: NodeId, operation: Operation) -> Result<(), StatusWord> {
        self.demand(ef, operation)?;
        let file = self.files.file(ef);
        // Bit 40 of the special file information: readable and updatable when deactivated.
        let special = file.proprietary.iter().find(|(tag, _)| *tag == Fcp::SPECIAL);
        let even_deactivated = special.is_some_and(|(_, value)| value.first().is_some_and(|v| v & 0x40 != 0));
        match file.life_cycle {
            l if l.is_activated() => Ok(()),
            l if l.is_deactivated() && even_deactivated => Ok(()),
            l if l.is_deactivated() => Err(StatusWord::NOT_USABLE),
            // Terminated, or created and waiting for ACTIVATE FILE.
            _ => Err(StatusWord::CONDITIONS),
        }
    }
}

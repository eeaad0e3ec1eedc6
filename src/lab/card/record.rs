//! READ RECORD and UPDATE RECORD (ETSI TS 102 221, sections 11.1.5 and 11.1.6).

use super::{
    VirtualCard,
    command::{Answer, Command},
    files::NodeId,
};
use crate::{
    lab::image::{Body, RecordShape},
    wire::{apdu::StatusWord, arr::Operation},
};

/// Which record P1 and P2 name.
enum Mode {
    Next,
    Previous,
    /// Counted from 1; 0 is the current one.
    Absolute(u8),
}

impl VirtualCard {
    pub(super) fn read_record(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let (ef, mode) = self.record_target(command)?;
        self.usable(ef, Operation::Read)?;
        let Body::Records { shape, length, records } = &self.files.file(ef).body else {
            return Err(StatusWord::WRONG_STRUCTURE);
        };
        command.whole(usize::from(*length))?;
        let (at, moves) = self.record_number(&mode, *shape, records.len())?;
        let record = records.get(at).ok_or(StatusWord::NO_RECORD)?.clone();
        if moves {
            self.session.here.record = Some(at);
        }
        Ok(Answer::data(record))
    }

    pub(super) fn update_record(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let (ef, mode) = self.record_target(command)?;
        self.usable(ef, Operation::Update)?;
        let Body::Records { shape, length, records } = &self.files.file(ef).body else {
            return Err(StatusWord::WRONG_STRUCTURE);
        };
        if command.data.len() != usize::from(*length) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let (shape, count) = (*shape, records.len());
        let (at, moves) = match (shape, &mode) {
            // A cyclic file is written in one way only: the oldest record is replaced and becomes the newest.
            (RecordShape::Cyclic, Mode::Previous) => (count.saturating_sub(1), true),
            (RecordShape::Cyclic, _) => return Err(StatusWord::WRONG_PARAMETERS),
            (RecordShape::LinearFixed, _) => self.record_number(&mode, shape, count)?,
        };
        let Some(Body::Records { records, .. }) = self.files.file_mut(ef).map(|f| &mut f.body) else {
            return Err(StatusWord::WRONG_STRUCTURE);
        };
        records.get_mut(at).ok_or(StatusWord::NO_RECORD)?.copy_from_slice(command.data);
        if shape == RecordShape::Cyclic {
            records.rotate_right(1);
        }
        if moves {
            self.session.here.record = Some(if shape == RecordShape::Cyclic { 0 } else { at });
        }
        self.changed();
        Ok(Answer::done())
    }

    /// The EF, selected by short file identifier in the upper five bits of P2 or before, and the record.
    fn record_target(&mut self, command: &Command<'_>) -> Result<(NodeId, Mode), StatusWord> {
        let mode = match (command.p2 & 0x07, command.p1) {
            (0x02, 0) => Mode::Next,
            (0x03, 0) => Mode::Previous,
            (0x04, n) => Mode::Absolute(n),
            _ => return Err(StatusWord::WRONG_PARAMETERS),
        };
        let ef = match command.p2 >> 3 {
            0 => self.session.here.ef.ok_or(StatusWord::NO_EF)?,
            sfi => self.enter_sfi(sfi)?,
        };
        Ok((ef, mode))
    }

    /// The record, counted from 0, and whether it becomes the current one: an absolute number leaves the current record
    /// where it is.
    fn record_number(
        &self,
        mode: &Mode,
        shape: RecordShape,
        count: usize,
    ) -> Result<(usize, bool), StatusWord> {
        let last = count.checked_sub(1).ok_or(StatusWord::NO_RECORD)?;
        let cyclic = shape == RecordShape::Cyclic;
        let found = match (mode, self.session.here.record) {
            (Mode::Absolute(0), current) => current.map(|at| (at, false)),
            (Mode::Absolute(n), _) => Some((usize::from(*n) - 1, false)),
            (Mode::Next, None) => Some((0, true)),
            (Mode::Previous, None) => Some((last, true)),
            (Mode::Next, Some(at)) if at < last => Some((at + 1, true)),
            (Mode::Next, Some(_)) => cyclic.then_some((0, true)),
            (Mode::Previous, Some(0)) => cyclic.then_some((last, true)),
            (Mode::Previous, Some(at)) => Some((at - 1, true)),
        };
        found.filter(|(at, _)| *at <= last).ok_or(StatusWord::NO_RECORD)
    }
}

//! What a command status of the SMSC means for a segment (sheet, 3.3: the classes are judgement, so each can be set).

use std::collections::BTreeMap;

use crate::wire::smpp::CommandStatus;

/// What to do with a segment that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The whole link is too fast: pause it, then send the segment again.
    Throttled,
    /// Send the segment again later.
    Transient,
    /// It will never be taken.
    Permanent,
}

/// The classes of command statuses, with those that an operator changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicts {
    changed: BTreeMap<u32, Verdict>,
}

impl Verdicts {
    /// Those of the sheet, but these.
    pub fn new(changed: impl IntoIterator<Item = (CommandStatus, Verdict)>) -> Self {
        Self { changed: changed.into_iter().map(|(status, verdict)| (status.0, verdict)).collect() }
    }

    /// The class of a status that is not 0.
    ///
    /// | status                   | class     | confidence          |
    /// |--------------------------|-----------|---------------------|
    /// | 58, 14                   | throttled | seen                |
    /// | 04, 08, 64, FE           | transient | judgement           |
    /// | every other one          | permanent | judgement           |
    pub fn of(&self, status: CommandStatus) -> Verdict {
        if let Some(verdict) = self.changed.get(&status.0) {
            return *verdict;
        }
        match status.0 {
            0x58 | 0x14 => Verdict::Throttled,
            // 04 (a bind that may not send, or is no more) is said of the link and not of the message.
            0x04 | 0x08 | 0x64 | 0xFE => Verdict::Transient,
            _ => Verdict::Permanent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_the_sheet_unless_changed() {
        let verdicts = Verdicts::new([(CommandStatus(0x45), Verdict::Transient)]);
        let of = |status| verdicts.of(CommandStatus(status));
        assert_eq!([of(0x58), of(0x14)], [Verdict::Throttled; 2]);
        assert_eq!([of(0x04), of(0x08), of(0x64), of(0xFE), of(0x45)], [Verdict::Transient; 5]);
        for permanent in [0x0A, 0x0B, 0x0C, 0x33, 0x43, 0x50, 0x62, 0xC3, 0x104, 0x400] {
            assert_eq!(of(permanent), Verdict::Permanent, "{permanent:X}");
        }
        assert_eq!(Verdicts::default().of(CommandStatus(0x45)), Verdict::Permanent);
    }
}

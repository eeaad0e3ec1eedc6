//! Logical channels: MANAGE CHANNEL and the channel that a class octet names (ETSI TS 102 221, sections 8.7, 10.1.1 and
//! 11.1.17; channels 16 to 19 remembered only).

use super::{
    VirtualCard,
    command::{Answer, Command},
    files::NodeId,
    quirks::Channels,
};
use crate::wire::apdu::StatusWord;

/// How many channels this card has, the basic one among them.
const CHANNELS: u8 = 4;

/// What is selected on a channel.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    /// The selected directory.
    pub(super) directory: NodeId,
    /// The selected EF in it.
    pub(super) ef: Option<NodeId>,
    /// The selected application, which 7FFF stands for.
    pub(super) application: Option<NodeId>,
    /// The current record of the selected EF, counted from 0.
    pub(super) record: Option<usize>,
}

impl Selection {
    /// As after a reset.
    pub(super) fn fresh(mf: NodeId) -> Self {
        Self { directory: mf, ef: None, application: None, record: None }
    }
}

/// The channel that a class octet names: 0X and 8X have 0 to 3 in their last two bits, 4X and CX have 4 and on in the last
/// four (TS 102 221, tables 10.3 and 10.4).
pub(super) fn of_class(cla: u8) -> u8 {
    if cla & 0x40 == 0 { cla & 0x03 } else { 4 + (cla & 0x0F) }
}

impl VirtualCard {
    /// Makes what is selected on a channel what the next command is about.
    pub(super) fn go_to_channel(&mut self, channel: u8) -> Result<(), StatusWord> {
        if channel == self.session.channel {
            return Ok(());
        }
        let there = self.session.elsewhere.remove(&channel).ok_or(StatusWord::NO_CHANNEL)?;
        let left = std::mem::replace(&mut self.session.here, there);
        self.session.elsewhere.insert(self.session.channel, left);
        self.session.channel = channel;
        Ok(())
    }

    /// | P1 | P2 | what                                                                  |
    /// |----|----|-----------------------------------------------------------------------|
    /// | 00 | 00 | opens the first free channel and answers its number                   |
    /// | 00 | n  | opens channel n                                                       |
    /// | 80 | n  | closes channel n; 0 on another channel than the basic one closes that |
    ///
    /// A channel that is opened from the basic one begins in the MF, one from another channel where that one is.
    pub(super) fn manage_channel(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        if self.quirks.channels == Channels::BasicOnly {
            return Err(StatusWord::NO_CHANNEL);
        }
        match (command.p1, command.p2) {
            (0x00, wanted) => {
                let is_free = |n: &u8| *n != self.session.channel && !self.session.elsewhere.contains_key(n);
                let number = match wanted {
                    // 6A81: function not supported, which is what cards say when none is left (ISO/IEC 7816-4).
                    0 => (1..CHANNELS).find(is_free).ok_or(StatusWord(0x6A81))?,
                    n => {
                        Some(n).filter(|n| *n < CHANNELS && is_free(n)).ok_or(StatusWord::WRONG_PARAMETERS)?
                    }
                };
                if wanted == 0 {
                    command.whole(1)?;
                }
                let selection = match self.session.channel {
                    0 => Selection::fresh(self.files.mf()),
                    _ => self.session.here.clone(),
                };
                self.session.elsewhere.insert(number, selection);
                Ok(if wanted == 0 { Answer::data(vec![number]) } else { Answer::done() })
            }
            (0x80, number) => {
                let number = if number == 0 { self.session.channel } else { number };
                if number == 0 {
                    return Err(StatusWord::WRONG_PARAMETERS);
                }
                if number == self.session.channel {
                    // Whatever comes next is on a channel that is open.
                    self.go_to_channel(0)?;
                }
                self.session.elsewhere.remove(&number).ok_or(StatusWord::NO_CHANNEL)?;
                Ok(Answer::done())
            }
            _ => Err(StatusWord::WRONG_PARAMETERS),
        }
    }
}

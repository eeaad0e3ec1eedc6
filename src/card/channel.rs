//! Logical channels: a conversation beside that of somebody else with the same card (ETSI TS 102 221, sections 8.7, 10.1.1
//! and 11.1.17; channels above 15 remembered only).

use std::{fmt, str::FromStr};

use crate::wire::apdu::{CommandApdu, StatusWord};

use super::{Mode, Session, TransportError};

/// The basic channel.
pub(super) const BASIC: u8 = 0;
/// The last channel that class octets have room for.
const LAST: u8 = 19;

/// On which channel a card is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelChoice {
    /// The basic one, which every card has.
    #[default]
    Basic,
    /// One that the card opens for us, as phones do (OMA LwM2M TS, annex G.2.5); the basic one on cards without any.
    Logical,
}

/// There is no such choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a channel is `basic` or `logical`")]
pub struct ChannelChoiceError;

impl FromStr for ChannelChoice {
    type Err = ChannelChoiceError;

    fn from_str(text: &str) -> Result<Self, ChannelChoiceError> {
        match text {
            "basic" => Ok(Self::Basic),
            "logical" => Ok(Self::Logical),
            _ => Err(ChannelChoiceError),
        }
    }
}

impl fmt::Display for ChannelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic => "basic",
            Self::Logical => "logical",
        })
    }
}

/// The class octet of a command on a channel: 0X and 8X for the first four, 4X and CX for those behind (TS 102 221, tables
/// 10.3 and 10.4). `cla` is that of the basic channel.
pub(super) fn class(cla: u8, channel: u8) -> u8 {
    match channel {
        0..=3 => cla | channel,
        _ => (cla & 0x80) | 0x40 | (channel - 4).min(0x0F),
    }
}

impl Session<'_> {
    /// The channel that is in use.
    pub fn channel(&self) -> u8 {
        self.channel
    }

    /// Goes over to the channel that was chosen. It begins in the MF. A card that opens none is spoken to on the basic one; so
    /// is one of class A0, which has no channels.
    ///
    /// # Errors
    /// [`TransportError`]; a card that refuses is no error.
    pub fn use_channel(&mut self, choice: ChannelChoice) -> Result<(), TransportError> {
        if choice == ChannelChoice::Basic || self.mode() == Mode::TwoG || self.channel != BASIC {
            return Ok(());
        }
        let open = CommandApdu::new(0x00, 0x70, 0x00, 0x00).with_le(1);
        let answer = self.send(&open)?;
        if let (StatusWord::OK, [number @ 1..=LAST]) = (answer.sw, answer.data.as_slice()) {
            self.channel = *number;
        }
        Ok(())
    }
}

impl Drop for Session<'_> {
    /// Closes the channel, so that a card that stays in its reader does not run out of them. Whether the card is still there
    /// to take it is of no interest any more.
    fn drop(&mut self) {
        let number = std::mem::replace(&mut self.channel, BASIC);
        if number != BASIC {
            let _ = self.exchange(&CommandApdu::new(0x00, 0x70, 0x80, number));
        }
    }
}

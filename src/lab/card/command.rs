//! What the card program makes of an APDU: a command, whichever protocol brought it, and its answer.

use crate::wire::apdu::StatusWord;

/// DEACTIVATE FILE.
pub(super) const DEACTIVATE: u8 = 0x04;
/// TERMINAL PROFILE.
pub(super) const TERMINAL_PROFILE: u8 = 0x10;
/// VERIFY PIN.
pub(super) const VERIFY: u8 = 0x20;
/// CHANGE PIN.
pub(super) const CHANGE_PIN: u8 = 0x24;
/// DISABLE PIN.
pub(super) const DISABLE_PIN: u8 = 0x26;
/// ENABLE PIN.
pub(super) const ENABLE_PIN: u8 = 0x28;
/// UNBLOCK PIN.
pub(super) const UNBLOCK_PIN: u8 = 0x2C;
/// ACTIVATE FILE.
pub(super) const ACTIVATE: u8 = 0x44;
/// MANAGE CHANNEL.
pub(super) const MANAGE_CHANNEL: u8 = 0x70;
/// SELECT.
pub(super) const SELECT: u8 = 0xA4;
/// TERMINAL CAPABILITY.
pub(super) const TERMINAL_CAPABILITY: u8 = 0xAA;
/// READ BINARY.
pub(super) const READ_BINARY: u8 = 0xB0;
/// READ RECORD.
pub(super) const READ_RECORD: u8 = 0xB2;
/// GET RESPONSE.
pub(super) const GET_RESPONSE: u8 = 0xC0;
/// UPDATE BINARY.
pub(super) const UPDATE_BINARY: u8 = 0xD6;
/// UPDATE RECORD.
pub(super) const UPDATE_RECORD: u8 = 0xDC;
/// RETRIEVE DATA.
pub(super) const RETRIEVE_DATA: u8 = 0xCB;
/// SET DATA.
pub(super) const SET_DATA: u8 = 0xDB;
/// CREATE FILE.
pub(super) const CREATE: u8 = 0xE0;
/// DELETE FILE.
pub(super) const DELETE: u8 = 0xE4;
/// STATUS.
pub(super) const STATUS: u8 = 0xF2;

/// True for a command that takes a key and counts the wrong ones.
pub(super) fn takes_key(ins: u8) -> bool {
    matches!(ins, VERIFY | CHANGE_PIN | DISABLE_PIN | ENABLE_PIN | UNBLOCK_PIN)
}

/// Which way data goes. On T=0 the card must know, because P3 does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the card; an answer, if any, is fetched by GET RESPONSE on T=0.
    In,
    /// From the card.
    Out,
}

/// The class octet (channel bits apart) and the direction of each instruction that this card has (TS 102 221, table
/// 10.5; TS 102 222, table 2).
pub(super) fn known(ins: u8, p2: u8) -> Option<(u8, Direction)> {
    match ins {
        SET_DATA => Some((0x80, Direction::In)),
        // The first block is asked for by its tag.
        RETRIEVE_DATA if p2 & 0x80 != 0 => Some((0x80, Direction::In)),
        RETRIEVE_DATA => Some((0x80, Direction::Out)),
        CHANGE_PIN | DISABLE_PIN | ENABLE_PIN | UNBLOCK_PIN => Some((0x00, Direction::In)),
        DEACTIVATE | VERIFY | ACTIVATE | SELECT | UPDATE_BINARY | UPDATE_RECORD | CREATE | DELETE => {
            Some((0x00, Direction::In))
        }
        MANAGE_CHANNEL | READ_BINARY | READ_RECORD | GET_RESPONSE => Some((0x00, Direction::Out)),
        TERMINAL_PROFILE | TERMINAL_CAPABILITY => Some((0x80, Direction::In)),
        STATUS => Some((0x80, Direction::Out)),
        _ => None,
    }
}

/// How much answer is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// So many octets (T=0: P3, where 00 is 256).
    Exactly(usize),
    /// As many as there are, up to 256 (T=1: Le=00).
    Any,
}

/// A command whose class and instruction were accepted.
pub(super) struct Command<'a> {
    pub(super) ins: u8,
    pub(super) p1: u8,
    pub(super) p2: u8,
    pub(super) data: &'a [u8],
    /// None: no answer is expected.
    pub(super) expected: Option<Expected>,
}

impl Command<'_> {
    /// How many of `there` octets to send, for a command whose answer has one length.
    pub(super) fn whole(&self, there: usize) -> Result<usize, StatusWord> {
        match self.expected {
            Some(Expected::Exactly(n)) if n == there => Ok(there),
            Some(Expected::Any) if there <= 256 => Ok(there),
            _ => Err(wrong_le(there)),
        }
    }
}

/// 6Cxx: the length that would have been right; 256 is 00.
pub(super) fn wrong_le(there: usize) -> StatusWord {
    let length = u8::try_from(there).unwrap_or(0);
    StatusWord(u16::from_be_bytes([0x6C, length]))
}

/// Data and status word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) data: Vec<u8>,
    pub(super) sw: StatusWord,
}

impl Answer {
    /// 9000 and nothing else.
    pub(super) fn done() -> Self {
        Self::status(StatusWord::OK)
    }

    /// A status word and nothing else.
    pub(super) fn status(sw: StatusWord) -> Self {
        Self { data: Vec::new(), sw }
    }

    /// Data with 9000.
    pub(super) fn data(data: Vec<u8>) -> Self {
        Self { data, sw: StatusWord::OK }
    }
}

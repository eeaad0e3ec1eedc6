//! VERIFY PIN (ETSI TS 102 221, section 11.1.9): presents a PIN or an administrative key, or asks for its counter.

use super::{
    VirtualCard,
    command::{Answer, Command},
    quirks::EmptyVerify,
};
use crate::wire::{apdu::StatusWord, arr::KeyRef};

impl VirtualCard {
    /// | data         | key is switched off | blocked | presented before | otherwise                      |
    /// |--------------|---------------------|---------|------------------|--------------------------------|
    /// | none         | 6984                | 6983    | 9000             | 63Cx, nothing is spent         |
    /// | eight octets | 6984                | 6983    | as otherwise     | 9000, or 63Cx with one try less |
    pub(super) fn verify(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        if command.p1 != 0 {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let reference = KeyRef(command.p2);
        let key = self.keys.iter_mut().find(|k| k.key == reference).ok_or(StatusWord::NO_REFERENCE)?;
        if command.data.is_empty() && self.quirks.empty_verify == EmptyVerify::WrongLength {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if !key.enabled {
            return Err(self.quirks.pin_off);
        }
        if key.tries == 0 {
            return Err(StatusWord::BLOCKED);
        }
        if command.data.is_empty() {
            let presented = self.session.verified.contains(&reference);
            return if presented { Ok(Answer::done()) } else { Err(tries_left(key.tries)) };
        }
        if command.data.len() != key.value.0.len() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if command.data == key.value.0 {
            let full = std::mem::replace(&mut key.tries, key.max) == key.max;
            self.session.verified.insert(reference);
            if !full {
                self.changed();
            }
            return Ok(Answer::done());
        }
        key.tries -= 1;
        let sw = tries_left(key.tries);
        self.session.verified.remove(&reference);
        self.changed();
        Err(sw)
    }
}

/// 63Cx.
fn tries_left(tries: u8) -> StatusWord {
    StatusWord(u16::from_be_bytes([0x63, 0xC0 | (tries & 0x0F)]))
}

//! VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN (ETSI TS 102 221, sections 11.1.9 to 11.1.13; all but the first remembered):
//! whatever takes a PIN, an administrative key or a PUK and counts the wrong ones.

use super::{
    VirtualCard,
    command::{self, Answer, Command},
    quirks::EmptyVerify,
};
use crate::{
    lab::image::{KeyImage, PukImage},
    wire::{apdu::StatusWord, arr::KeyRef},
};

/// Octets of a PIN, of an administrative key and of a PUK.
const OCTETS: usize = 8;

impl VirtualCard {
    /// | data         | key is switched off | blocked | presented before | otherwise                      |
    /// |--------------|---------------------|---------|------------------|--------------------------------|
    /// | none         | 6984                | 6983    | 9000             | 63Cx, nothing is spent         |
    /// | eight octets | 6984                | 6983    | as otherwise     | 9000, or 63Cx with one try less |
    pub(super) fn verify(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let at = self.named(command)?;
        self.demand_counter(command)?;
        let (pin_off, presented) = (self.quirks.pin_off, self.session.verified.contains(&KeyRef(command.p2)));
        let key = self.keys.get(at).ok_or(StatusWord::NO_REFERENCE)?;
        if !key.enabled {
            return Err(pin_off);
        }
        if key.tries == 0 {
            return Err(StatusWord::BLOCKED);
        }
        if command.data.is_empty() {
            return if presented { Ok(Answer::done()) } else { Err(tries_left(key.tries)) };
        }
        if command.data.len() != OCTETS {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.take(at, command.data)
    }

    /// Old value and new one. A PIN that is off cannot be changed.
    pub(super) fn change_pin(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let at = self.named(command)?;
        let (old, new) = two(command.data)?;
        if !self.keys.get(at).is_some_and(|key| key.enabled) {
            return Err(self.quirks.pin_off);
        }
        let done = self.take(at, old)?;
        if let Some(key) = self.keys.get_mut(at) {
            key.value.0 = new.to_vec();
        }
        self.changed();
        Ok(done)
    }

    /// Switches a PIN on or off. Only PINs can be that have a PUK; it is 6985 when it is so already.
    pub(super) fn switch_pin(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let at = self.named(command)?;
        let on = command.ins == command::ENABLE_PIN;
        if command.data.len() != OCTETS {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let key = self.keys.get(at).filter(|key| key.puk.is_some()).ok_or(StatusWord::NO_REFERENCE)?;
        if key.enabled == on {
            return Err(StatusWord::CONDITIONS);
        }
        let done = self.take(at, command.data)?;
        if let Some(key) = self.keys.get_mut(at) {
            key.enabled = on;
        }
        self.changed();
        Ok(done)
    }

    /// PUK and new value; without data it tells the tries of the PUK. The PIN is on afterwards (remembered), has all its
    /// tries and counts as presented.
    pub(super) fn unblock_pin(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let at = self.named(command)?;
        self.demand_counter(command)?;
        let key = self.keys.get_mut(at).ok_or(StatusWord::NO_REFERENCE)?;
        let puk = key.puk.as_mut().ok_or(StatusWord::NO_REFERENCE)?;
        if puk.tries == 0 {
            return Err(StatusWord::BLOCKED);
        }
        if command.data.is_empty() {
            return Err(tries_left(puk.tries));
        }
        let (given, new) = two(command.data)?;
        let right = given == puk.value.0;
        if right {
            puk.tries = PukImage::MAX;
            (key.value.0, key.tries, key.enabled) = (new.to_vec(), key.max, true);
            self.session.verified.insert(KeyRef(command.p2));
        } else {
            puk.tries -= 1;
        }
        let sw = tries_left(puk.tries);
        self.changed();
        if right { Ok(Answer::done()) } else { Err(sw) }
    }

    /// The place of the key that a command names.
    fn named(&self, command: &Command<'_>) -> Result<usize, StatusWord> {
        if command.p1 != 0 {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let is_meant = |key: &KeyImage| key.key == KeyRef(command.p2);
        self.keys.iter().position(is_meant).ok_or(StatusWord::NO_REFERENCE)
    }

    /// A command without data asks for a counter, which some cards do not tell.
    fn demand_counter(&self, command: &Command<'_>) -> Result<(), StatusWord> {
        let asks = command.data.is_empty() && self.quirks.empty_verify == EmptyVerify::WrongLength;
        if asks { Err(StatusWord::WRONG_LENGTH) } else { Ok(()) }
    }

    /// Holds octets against a key and counts.
    fn take(&mut self, at: usize, octets: &[u8]) -> Result<Answer, StatusWord> {
        let key = self.keys.get_mut(at).ok_or(StatusWord::NO_REFERENCE)?;
        if key.tries == 0 {
            return Err(StatusWord::BLOCKED);
        }
        let reference = key.key;
        if octets == key.value.0 {
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

/// Two values of eight octets.
fn two(data: &[u8]) -> Result<(&[u8], &[u8]), StatusWord> {
    let both = data.split_at_checked(OCTETS).filter(|(_, second)| second.len() == OCTETS);
    both.ok_or(StatusWord::WRONG_LENGTH)
}

/// 63Cx.
fn tries_left(tries: u8) -> StatusWord {
    StatusWord(u16::from_be_bytes([0x63, 0xC0 | (tries & 0x0F)]))
}

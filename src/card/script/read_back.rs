//! What a command of a script has written is read back, as what statements write is: by a READ with the same parameters, which
//! selects nothing and moves no record pointer. Where that cannot be done, it is said and counted.

use crate::wire::{
    apdu::{CommandApdu, StatusWord},
    script::{Act, Manner, Position, target},
};

use super::{ScriptError, change::length, run::Run};

impl Run<'_, '_> {
    /// After an UPDATE that the card says it has done: what there is to say of it; none where nothing was updated.
    pub(super) fn read_back(
        &mut self,
        at: Position,
        apdu: &CommandApdu,
        does: Act,
    ) -> Result<Option<String>, ScriptError> {
        let read = match does {
            Act::Update("UPDATE BINARY") => CommandApdu::new(apdu.cla(), 0xB0, apdu.p1(), apdu.p2()),
            // The record of a number; which one is the next or the previous is the card's.
            Act::Update("UPDATE RECORD") if apdu.p2() & 0x07 == 0x04 => {
                CommandApdu::new(apdu.cla(), 0xB2, apdu.p1(), apdu.p2())
            }
            Act::Update("UPDATE RECORD" | "INCREASE" | "SET DATA") => {
                return Ok(Some(self.unread("no READ shows what such a command writes")));
            }
            _ => return Ok(None),
        };
        let answer = self.exchange(at, Manner::Followed, &read.with_le(length(apdu)), None)?;
        match answer.sw {
            sw if sw.is_ok() || sw == StatusWord::END_OF_FILE => {}
            sw => return Ok(Some(self.unread(&format!("the card answered {sw}")))),
        }
        let wanted = apdu.data();
        match (0..wanted.len()).find(|n| answer.data.get(*n) != wanted.get(*n)) {
            None => Ok(Some("read back".to_owned())),
            Some(octet) => Err(match target(does, apdu, &self.cursor) {
                Some(file) => ScriptError::Mismatch { at, file, octet: octet + offset(apdu, does) },
                None => ScriptError::Unexpected {
                    at,
                    expected: "what was written".to_owned(),
                    seen: format!("data that differ at octet {octet} when they were read back"),
                },
            }),
        }
    }

    fn unread(&mut self, why: &str) -> String {
        self.unread += 1;
        format!("not read back: {why}")
    }
}

/// Where in the file a command begins to write.
fn offset(apdu: &CommandApdu, does: Act) -> usize {
    match does {
        Act::Update("UPDATE BINARY") => usize::from(u16::from_be_bytes([apdu.p1(), apdu.p2()])),
        _ => 0,
    }
}

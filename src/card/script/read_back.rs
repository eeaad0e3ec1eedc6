//! What a command of a script has done is looked at, as what statements write is: content by a READ with the same parameters, which
//! selects nothing and moves no record pointer; files that came, went or changed by SELECT, and what was selected before is
//! selected again. Where that cannot be done, it is said and counted.

use crate::{
    card::FileError,
    wire::{
        apdu::{CommandApdu, StatusWord},
        fcp::Fcp,
        script::{Act, Manner, Place, Position},
        tlv,
    },
};

use super::{
    ScriptError,
    change::{LAST_RECORD, has_nothing, length, newest},
    run::{Run, path},
};

/// What is said where something was read back.
const READ_BACK: &str = "read back";

/// A data object that a script puts into a file in parts.
#[derive(Default)]
pub(super) struct Parts {
    octets: Vec<u8>,
    under_way: bool,
}

impl Parts {
    /// True when an object was begun and not ended.
    pub(super) fn are_missing(&self) -> bool {
        self.under_way
    }
}

impl Run<'_, '_> {
    /// After a command that the card says it has done: what there is to say of it; none where it changes nothing. `place` is the
    /// file that it was about.
    pub(super) fn read_back(
        &mut self,
        at: Position,
        apdu: &CommandApdu,
        does: Act,
        place: Option<Place>,
    ) -> Result<Option<String>, ScriptError> {
        // Annex B has no word for that; whether such a command changes anything is not known either.
        let is_plain = !self.extended && matches!(does, Act::Unknown(_));
        let (before, excused) = (self.unread, is_plain || self.declared.may_stay_unread(place.as_ref()));
        let said = match does {
            Act::Update("UPDATE BINARY") => {
                let read = CommandApdu::new(apdu.cla(), 0xB0, apdu.p1(), apdu.p2());
                self.content(at, apdu, &read, place, offset(apdu))?
            }
            Act::Update("UPDATE RECORD") if apdu.p2() & 0x07 == 0x04 => {
                let read = CommandApdu::new(apdu.cla(), 0xB2, apdu.p1(), apdu.p2());
                self.content(at, apdu, &read, place, 0)?
            }
            Act::Update("UPDATE RECORD") => self.some_record(at, apdu)?,
            Act::Update("INCREASE") => self.increased(at, apdu)?,
            Act::Update("SET DATA") => self.object(at, apdu, place)?,
            Act::Create => self.created(at, apdu, place)?,
            Act::Update("RESIZE FILE") => {
                let size = sizes(apdu);
                self.shows(at, place, "another size", |fcp| {
                    let shown = [(0x80, fcp.size), (0x81, fcp.total_size)];
                    let wanted = size.iter().map(|(tag, size)| {
                        let shown = shown.iter().find(|(of, _)| of == tag).and_then(|(_, shown)| *shown);
                        shown.map(|shown| shown == *size)
                    });
                    // Of a size that the card does not tell nothing is known.
                    wanted.reduce(|a, b| a.zip(b).map(|(a, b)| a && b)).flatten()
                })?
            }
            Act::Update("ACTIVATE FILE") => self.shows(at, place, "a file that is not activated", |fcp| {
                fcp.life_cycle.map(|is| is.is_activated())
            })?,
            Act::Destroy("DEACTIVATE FILE") => {
                self.shows(at, place, "a file that is not deactivated", |fcp| {
                    fcp.life_cycle.map(|is| is.is_deactivated())
                })?
            }
            Act::Destroy("DELETE FILE") => self.gone(at, place)?,
            Act::Update(_) | Act::Destroy(_) | Act::DestroyOther(_) | Act::Unknown(_) => {
                self.unread("no command shows what it has changed")
            }
            _ => return Ok(None),
        };
        if excused {
            self.excused += self.unread - before;
        }
        Ok(Some(said))
    }

    fn content(
        &mut self,
        at: Position,
        apdu: &CommandApdu,
        read: &CommandApdu,
        place: Option<Place>,
        offset: usize,
    ) -> Result<String, ScriptError> {
        let answer = self.exchange(at, Manner::Followed, &read.clone().with_le(length(apdu)), None)?;
        match answer.sw {
            sw if sw.is_ok() || sw == StatusWord::END_OF_FILE => {}
            sw => return Ok(self.unread(&format!("the card answered {sw}"))),
        }
        let wanted = apdu.data();
        match (0..wanted.len()).find(|n| answer.data.get(*n) != wanted.get(*n)) {
            None => Ok(READ_BACK.to_owned()),
            Some(octet) => Err(differs(at, place, octet + offset)),
        }
    }

    /// The next or the previous record: which one that is, is the card's. In a cyclic file the oldest becomes the first one, and the
    /// others move on; in another one record becomes the new one.
    fn some_record(&mut self, at: Position, apdu: &CommandApdu) -> Result<String, ScriptError> {
        let (before, new) = (std::mem::take(&mut self.before), apdu.data());
        if before.is_empty() {
            return Ok(self.unread("what was there before could not be read"));
        }
        let mut after = Vec::new();
        for number in 1..=LAST_RECORD {
            let read = CommandApdu::new(apdu.cla(), 0xB2, number, apdu.p2() & 0xF8 | 0x04);
            let answer = self.exchange(at, Manner::Followed, &read.with_le(length(apdu)), None)?;
            match answer.sw {
                sw if sw.is_ok() => after.push(answer.data),
                sw if has_nothing(sw) => break,
                sw => return Ok(self.unread(&format!("the card answered {sw}"))),
            }
        }
        let moved_on = after.split_first().is_some_and(|(first, others)| {
            first == new && before.split_last().is_some_and(|(_, before)| others == before)
        });
        let changed: Vec<&Vec<u8>> = before
            .iter()
            .zip(&after)
            .filter_map(|(before, after)| (before != after).then_some(after))
            .collect();
        match changed[..] {
            _ if moved_on => Ok(READ_BACK.to_owned()),
            [one] if one == new && before.len() == after.len() => Ok(READ_BACK.to_owned()),
            [] if before.iter().any(|before| before == new) => {
                Ok(self.unread("a record held the same before, and which one was written is the card's"))
            }
            _ => Err(ScriptError::Unexpected {
                at,
                expected: "one record that is what was written".to_owned(),
                seen: "others when they were read back".to_owned(),
            }),
        }
    }

    /// The first record is what it was and what was added to it.
    fn increased(&mut self, at: Position, apdu: &CommandApdu) -> Result<String, ScriptError> {
        let Some(before) = std::mem::take(&mut self.before).into_iter().next() else {
            return Ok(self.unread("what was there before could not be read"));
        };
        let length = u8::try_from(before.len()).unwrap_or(0);
        let read = newest(apdu).with_le(length);
        let answer = self.exchange(at, Manner::Followed, &read, None)?;
        match answer.sw {
            sw if !sw.is_ok() => Ok(self.unread(&format!("the card answered {sw}"))),
            _ if answer.data == sum(&before, apdu.data()) => Ok(READ_BACK.to_owned()),
            _ => Err(ScriptError::Unexpected {
                at,
                expected: "a record that is the sum".to_owned(),
                seen: "another one when it was read back".to_owned(),
            }),
        }
    }

    /// A data object, when all its parts are there (TS 102 221, section 11.3.2).
    fn object(
        &mut self,
        at: Position,
        apdu: &CommandApdu,
        place: Option<Place>,
    ) -> Result<String, ScriptError> {
        let is_first = apdu.p2() & 0x80 != 0;
        if !is_first && !self.parts.under_way {
            return Ok(self.unread("it is a part of an object whose beginning is not known"));
        }
        if is_first && self.parts.under_way {
            // The one before was never ended.
            self.unread("");
        }
        if is_first {
            self.parts.octets.clear();
        }
        self.parts.octets.extend_from_slice(apdu.data());
        let octets = self.parts.octets.clone();
        let tag = octets.first().copied().filter(|tag| tag & 0x1F != 0x1F);
        self.parts.under_way = false;
        let (Some(tag), Some(place), true) = (tag, place, apdu.p2() & 0x1F == 0) else {
            return Ok(self.unread("which object of which file it is cannot be told"));
        };
        let wanted = match &octets[..] {
            // A tag alone deletes the object.
            [_] => None,
            _ if tlv::parse_all(&octets).is_ok_and(|objects| objects.len() == 1) => Some(octets),
            _ => {
                self.parts.under_way = true;
                return Ok("read back with its last part".to_owned());
            }
        };
        let file = path(&place);
        match self.aside(at, |fs| fs.retrieve(&file, tag)) {
            // An object without content may be none.
            Ok(None) if matches!(wanted.as_deref(), None | Some([_, 0])) => Ok(READ_BACK.to_owned()),
            Ok(there) if there == wanted => Ok(READ_BACK.to_owned()),
            Ok(there) => {
                let (there, wanted) = (there.unwrap_or_default(), wanted.unwrap_or_default());
                let octet = there.iter().zip(&wanted).position(|(there, wanted)| there != wanted);
                Err(differs(at, Some(place), octet.unwrap_or(there.len().min(wanted.len()))))
            }
            Err(ScriptError::File { source, .. }) => Ok(self.unread(&source.to_string())),
            Err(error) => Err(error),
        }
    }

    fn created(
        &mut self,
        at: Position,
        apdu: &CommandApdu,
        place: Option<Place>,
    ) -> Result<String, ScriptError> {
        let Ok(wanted) = Fcp::decode(apdu.data()) else {
            return Ok(self.unread("its description is not understood"));
        };
        self.shows(at, place, "a file of another kind or size, or none", |fcp| {
            let size = wanted.size.is_none() || fcp.size.is_none() || wanted.size == fcp.size;
            let kind = std::mem::discriminant(&wanted.kind()) == std::mem::discriminant(&fcp.kind());
            Some(kind && size)
        })
    }

    /// A file is there and described as it should be; `is` knows nothing of what the card does not tell.
    fn shows(
        &mut self,
        at: Position,
        place: Option<Place>,
        otherwise: &str,
        is: impl FnOnce(&Fcp) -> Option<bool>,
    ) -> Result<String, ScriptError> {
        match self.described(at, place)? {
            Err(why) => Ok(self.unread(&why)),
            Ok(fcp) => match fcp.map_or(Some(false), |fcp| is(&fcp)) {
                Some(true) => Ok(READ_BACK.to_owned()),
                Some(false) => Err(shown(at, otherwise)),
                None => Ok(self.unread("the card does not tell")),
            },
        }
    }

    fn gone(&mut self, at: Position, place: Option<Place>) -> Result<String, ScriptError> {
        match self.described(at, place)? {
            Err(why) => Ok(self.unread(&why)),
            Ok(None) => Ok(READ_BACK.to_owned()),
            Ok(Some(_)) => Err(shown(at, "a file that is there still")),
        }
    }

    /// What SELECT shows of a file; none where there is none, and why where that cannot be told.
    fn described(
        &mut self,
        at: Position,
        place: Option<Place>,
    ) -> Result<Result<Option<Fcp>, String>, ScriptError> {
        let Some(place) = place else { return Ok(Err("which file it is about cannot be told".to_owned())) };
        let file = path(&place);
        // The directory that was selected is gone: the card is in the one above (TS 102 222, section 6.4).
        let above = self.cursor.directory().is_none().then(|| file.parent()).flatten();
        let seen = self.aside(at, |fs| {
            let seen = fs.parameters(&file);
            above.map_or(Ok(()), |above| fs.enter(&above))?;
            match seen {
                Err(error @ FileError::Transport(_)) => Err(error),
                seen => Ok(seen),
            }
        })?;
        Ok(match seen {
            Ok(fcp) => Ok(Some(fcp)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.to_string()),
        })
    }

    fn unread(&mut self, why: &str) -> String {
        self.unread += 1;
        format!("not read back: {why}")
    }
}

fn differs(at: Position, place: Option<Place>, octet: usize) -> ScriptError {
    match place {
        Some(file) => ScriptError::Mismatch { at, file, octet },
        None => ScriptError::Unexpected {
            at,
            expected: "what was written".to_owned(),
            seen: format!("data that differ at octet {octet} when they were read back"),
        },
    }
}

fn shown(at: Position, what: &str) -> ScriptError {
    let expected = "what the card said it had done".to_owned();
    ScriptError::Unexpected { at, expected, seen: format!("{what} when it was looked at") }
}

/// Where in the file a command begins to write. With a short file identifier P2 alone says so.
fn offset(apdu: &CommandApdu) -> usize {
    match apdu.p1() {
        sfi if sfi & 0x80 != 0 => usize::from(apdu.p2()),
        p1 => usize::from(u16::from_be_bytes([p1, apdu.p2()])),
    }
}

/// The sizes in the template of RESIZE FILE, by their tags: 80 of a file, 81 of a directory.
fn sizes(apdu: &CommandApdu) -> Vec<(u16, u32)> {
    let template = tlv::parse_all(apdu.data()).unwrap_or_default();
    let inner = template.first().and_then(|object| object.children().ok()).unwrap_or_default();
    let number = |octets: &[u8]| octets.iter().fold(0_u32, |sum, octet| sum << 8 | u32::from(*octet));
    let sizes = inner.iter().filter(|object| matches!(object.tag, 0x80 | 0x81) && object.value.len() <= 4);
    sizes.map(|object| (object.tag, number(object.value))).collect()
}

/// A number of as many octets as the first has, the highest first.
fn sum(before: &[u8], added: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let added = added.iter().rev().copied().chain(std::iter::repeat(0));
    let mut octets: Vec<u8> = before
        .iter()
        .rev()
        .zip(added)
        .map(|(before, added)| {
            let sum = u16::from(*before) + u16::from(added) + carry;
            carry = sum >> 8;
            sum.to_be_bytes()[1]
        })
        .collect();
    octets.reverse();
    octets
}

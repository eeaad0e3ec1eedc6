//! RETRIEVE DATA and SET DATA of BER-TLV files (ETSI TS 102 221, sections 11.3.1 and 11.3.2). Commands and the status words of
//! more to come are those of an implementation (card sheet, section 5.1), and so is that a tag alone deletes; the rest is
//! inferred: what does not fit is 6A84, what is not there 6A88, and an object that comes in several blocks takes the place of
//! the old one with its last block.
//!
//! | P2            | data                                                                               |
//! |---------------|------------------------------------------------------------------------------------|
//! | 80, first     | RETRIEVE: a tag, 5C for a list of tags. SET: a tag to delete, else tag, length, value |
//! | 00, next      | RETRIEVE: none. SET: more of the value                                             |
//!
//! Its low five bits are a short file identifier. Any other command ends a transfer.

use super::{
    VirtualCard,
    command::{Answer, Command, Expected, wrong_le},
    files::NodeId,
};
use crate::{
    lab::image::{Body, encoded},
    wire::{Decode, Reader, apdu::StatusWord, arr::Operation, tlv::Tlv},
};

/// The tag that stands for a list of all tags.
const TAG_LIST: u8 = 0x5C;
/// The most octets of one answer.
const BLOCK: usize = 256;

/// An object on its way.
#[derive(Debug, Clone)]
pub(super) enum Transfer {
    /// What is left to be read.
    Out(Vec<u8>),
    /// What came so far of an object for a file, and how many octets it will be.
    In { ef: NodeId, octets: Vec<u8>, total: usize },
}

impl VirtualCard {
    pub(super) fn retrieve_data(
        &mut self,
        command: &Command<'_>,
        under_way: Option<Transfer>,
    ) -> Result<Answer, StatusWord> {
        let rest = match (self.first_block(command)?, under_way, command.data) {
            (None, Some(Transfer::Out(rest)), []) => rest,
            (None, ..) => return Err(StatusWord::CONDITIONS),
            (Some(ef), _, [tag]) => {
                self.usable(ef, Operation::Read)?;
                let Body::Objects { objects, .. } = &self.files.file(ef).body else {
                    return Err(StatusWord::WRONG_STRUCTURE);
                };
                if *tag == TAG_LIST {
                    encoded(TAG_LIST, &objects.iter().map(|(tag, _)| *tag).collect::<Vec<_>>())
                } else {
                    let found = objects.iter().find(|(known, _)| known == tag);
                    found.map(|(tag, value)| encoded(*tag, value)).ok_or(StatusWord::NO_REFERENCE)?
                }
            }
            _ => return Err(StatusWord::WRONG_DATA),
        };
        let wanted = match command.expected {
            Some(Expected::Exactly(n)) if n > rest.len() => {
                let sw = wrong_le(rest.len());
                self.session.transfer = Some(Transfer::Out(rest));
                return Err(sw);
            }
            Some(Expected::Exactly(n)) => n,
            _ => BLOCK,
        };
        let mut data = rest;
        let left = data.split_off(wanted.min(data.len()));
        if left.is_empty() {
            return Ok(Answer::data(data));
        }
        self.session.transfer = Some(Transfer::Out(left));
        Ok(Answer { data, sw: StatusWord::MORE_AVAILABLE })
    }

    pub(super) fn set_data(
        &mut self,
        command: &Command<'_>,
        under_way: Option<Transfer>,
    ) -> Result<Answer, StatusWord> {
        let (ef, mut octets, total) = match (self.first_block(command)?, under_way, command.data) {
            (None, Some(Transfer::In { ef, octets, total }), [_, ..]) => (ef, octets, Some(total)),
            (None, ..) => return Err(StatusWord::CONDITIONS),
            (Some(ef), ..) => (ef, Vec::new(), None),
        };
        self.usable(ef, Operation::Update)?;
        let Body::Objects { room, objects } = &self.files.file(ef).body else {
            return Err(StatusWord::WRONG_STRUCTURE);
        };
        octets.extend_from_slice(command.data);
        let tag = octets.first().copied().filter(|tag| is_tag(*tag)).ok_or(StatusWord::WRONG_DATA)?;
        if let ([_], None) = (octets.as_slice(), total) {
            let there = objects.iter().any(|(known, _)| *known == tag);
            return if there { self.delete_object(ef, tag) } else { Err(StatusWord::NO_REFERENCE) };
        }
        let total = match total {
            Some(total) => total,
            None => announced(&octets).ok_or(StatusWord::WRONG_DATA)?,
        };
        let others = objects.iter().filter(|(known, _)| *known != tag);
        let used: usize = others.map(|(tag, value)| encoded(*tag, value).len()).sum();
        if used + total > usize::try_from(*room).unwrap_or(usize::MAX) {
            return Err(StatusWord::NO_MEMORY);
        }
        if octets.len() > total {
            return Err(StatusWord::WRONG_DATA);
        }
        if self.tearing {
            let new = octets.len() - command.data.len() + command.data.len() / 2;
            octets.truncate(new.max(header(total, &octets)));
            octets.resize(total, 0xFF);
        }
        if octets.len() < total {
            self.session.transfer = Some(Transfer::In { ef, octets, total });
            return Ok(Answer::status(StatusWord::MORE_EXPECTED));
        }
        let value = Tlv::decode_exact(&octets).map_err(|_| StatusWord::WRONG_DATA)?.value.to_vec();
        self.put_object(ef, tag, Some(value))
    }

    fn delete_object(&mut self, ef: NodeId, tag: u8) -> Result<Answer, StatusWord> {
        if !self.tearing {
            return self.put_object(ef, tag, None);
        }
        // The object is still found, and the second half of it is gone.
        let Body::Objects { objects, .. } = &self.files.file(ef).body else {
            return Err(StatusWord::WRONG_STRUCTURE);
        };
        let mut value =
            objects.iter().find(|(known, _)| *known == tag).map_or(Vec::new(), |(_, v)| v.clone());
        let half = value.len() / 2;
        value.iter_mut().skip(half).for_each(|octet| *octet = 0xFF);
        self.put_object(ef, tag, Some(value))
    }

    fn put_object(&mut self, ef: NodeId, tag: u8, new: Option<Vec<u8>>) -> Result<Answer, StatusWord> {
        let Some(Body::Objects { objects, .. }) = self.files.file_mut(ef).map(|f| &mut f.body) else {
            return Err(StatusWord::WRONG_STRUCTURE);
        };
        objects.retain(|(known, _)| *known != tag);
        objects.extend(new.map(|value| (tag, value)));
        objects.sort_by_key(|(tag, _)| *tag);
        self.changed();
        Ok(Answer::done())
    }

    /// The EF of a first block; none for a next one.
    fn first_block(&mut self, command: &Command<'_>) -> Result<Option<NodeId>, StatusWord> {
        match (command.p1, command.p2 & 0xE0, command.p2 & 0x1F) {
            (0, 0x80, 0) => self.session.here.ef.map(Some).ok_or(StatusWord::NO_EF),
            (0, 0x80, sfi) => self.enter_sfi(sfi).map(Some),
            (0, 0x00, 0) => Ok(None),
            _ => Err(StatusWord::WRONG_PARAMETERS),
        }
    }
}

/// A tag of one octet that an object may have.
fn is_tag(tag: u8) -> bool {
    !matches!(tag, 0x00 | 0xFF | TAG_LIST) && tag & 0x1F != 0x1F
}

/// How many octets an object will have, by its tag and length.
fn announced(octets: &[u8]) -> Option<usize> {
    let mut r = Reader::new(octets);
    r.u8("tag").ok()?;
    let length = match r.u8("length").ok()? {
        n @ 0..=0x7F => usize::from(n),
        n @ 0x81..=0x83 => {
            let octets = r.take("length", usize::from(n & 0x7F)).ok()?;
            octets.iter().fold(0, |sum, octet| (sum << 8) | usize::from(*octet))
        }
        _ => return None,
    };
    let total = r.position() + length;
    (length <= crate::wire::tlv::MAX_LENGTH).then_some(total)
}

/// Octets of tag and length.
fn header(total: usize, octets: &[u8]) -> usize {
    match octets.get(1) {
        Some(n @ 0x81..=0x83) => 2 + usize::from(n & 0x7F),
        _ => 2.min(total),
    }
}

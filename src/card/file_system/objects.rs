//! Files of data objects: RETRIEVE DATA and SET DATA (ETSI TS 102 221, sections 11.3.1 and 11.3.2; the commands are those of an
//! implementation, card sheet, section 5.1, and no trace of a card is at hand).
//!
//! | command             | octets                                                                        |
//! |---------------------|-------------------------------------------------------------------------------|
//! | RETRIEVE DATA       | 80 CB 00 80 01 tag 00, then 80 CB 00 00 00 while the card says 62F1           |
//! | which tags there are | the same with 5C for a tag                                                   |
//! | SET DATA            | 80 DB 00 80 Lc …, then 80 DB 00 00 Lc … as long as the card says 63F1         |
//! | to delete an object | 80 DB 00 80 01 tag                                                            |

use super::{FileError, FileSystem};
use crate::{
    card::FilePath,
    wire::{
        Decode,
        apdu::{CommandApdu, ResponseApdu, StatusClass, StatusWord},
        fcp::{Fcp, FileKind},
        tlv::Tlv,
    },
};

/// Asks for a list of the tags.
const TAG_LIST: u8 = 0x5C;
/// The most answers that one object is worth: 32 Kbyte.
const MAX_PARTS: usize = 128;
/// More data follow, and a proactive command waits.
const MORE_AVAILABLE_FETCH: StatusWord = StatusWord(0x62F2);
/// More data are expected, and a proactive command waits.
const MORE_EXPECTED_FETCH: StatusWord = StatusWord(0x63F2);

impl FileSystem<'_> {
    /// One data object with tag and length, or none when the file has no such object.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn retrieve(&mut self, file: &FilePath, tag: u8) -> Result<Option<Vec<u8>>, FileError> {
        let largest = self.session().largest_answer();
        match self.retrieve_in_parts(file, tag) {
            // A part of 256 octets was refused. That has ended the transfer: it begins anew, with smaller ones.
            Err(_) if self.session().largest_answer() < largest => self.retrieve_in_parts(file, tag),
            retrieved => retrieved,
        }
    }

    fn retrieve_in_parts(&mut self, file: &FilePath, tag: u8) -> Result<Option<Vec<u8>>, FileError> {
        self.open(file)?;
        let first = CommandApdu::new(0x80, 0xCB, 0x00, 0x80);
        let mut answer = self.part(file, first, &[tag])?;
        if matches!(answer.sw, StatusWord::NO_REFERENCE | StatusWord::NOT_FOUND) {
            return Ok(None);
        }
        let mut octets = Vec::new();
        for _ in 0..MAX_PARTS {
            octets.extend_from_slice(&answer.data);
            if answer.sw.is_ok() {
                let damaged = |what| FileError::Damaged { file: file.clone(), what };
                Tlv::decode_exact(&octets).map_err(damaged)?;
                return Ok(Some(octets));
            }
            if !matches!(answer.sw, StatusWord::MORE_AVAILABLE | MORE_AVAILABLE_FETCH) {
                return self.note_denied(file, Err(refused("RETRIEVE DATA", file, &answer)));
            }
            let next = CommandApdu::new(0x80, 0xCB, 0x00, 0x00);
            answer = self.part(file, next, &[])?;
        }
        Err(FileError::Kind { file: file.clone(), expected: "one whose objects end" })
    }

    /// One answer to RETRIEVE DATA, as long as there may be one.
    fn part(
        &mut self,
        file: &FilePath,
        command: CommandApdu,
        data: &[u8],
    ) -> Result<ResponseApdu, FileError> {
        let largest = self.session().largest_answer();
        let answer = self.send(file, command, data, Some(u8::try_from(largest).unwrap_or(0)))?;
        self.session_mut().asks_for_less(largest, answer.sw);
        Ok(answer)
    }

    /// The tags of the data objects in a file; none when the card has no such list, or nothing to put in it.
    ///
    /// # Errors
    /// [`FileError`], for tags of more than one octet too: they are not handled here.
    pub fn tags(&mut self, file: &FilePath) -> Result<Option<Vec<u8>>, FileError> {
        let list = match self.retrieve(file, TAG_LIST) {
            Ok(Some(list)) => list,
            Ok(None) => return Ok(None),
            // Some way of saying that there is no such object.
            Err(FileError::Refused { sw, .. }) if sw.class() == StatusClass::Error => return Ok(None),
            Err(error) => return Err(error),
        };
        // `retrieve` has seen that it is one object.
        let tags = Tlv::decode_exact(&list).map_or(Vec::new(), |list| list.value.to_vec());
        if tags.iter().any(|tag| tag & 0x1F == 0x1F) {
            let expected = "one whose tags have one octet each";
            return Err(FileError::Kind { file: file.clone(), expected });
        }
        Ok(Some(tags))
    }

    /// All data objects of a file with tags and lengths. Those of `known` tags are asked for on a card that does not list what
    /// it has.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn objects(&mut self, file: &FilePath, known: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, FileError> {
        let mut tags = self.tags(file)?.unwrap_or_else(|| known.to_vec());
        tags.sort_unstable();
        tags.dedup();
        let mut objects = Vec::new();
        for tag in tags {
            objects.extend(self.retrieve(file, tag)?.map(|octets| (tag, octets)));
        }
        Ok(objects)
    }

    /// How many octets the objects of a file may take up in all; none when the card does not say (tag 86 in A5).
    ///
    /// # Errors
    /// [`FileError`] when it is no file of data objects.
    pub fn objects_room(&mut self, file: &FilePath) -> Result<Option<usize>, FileError> {
        let fcp = self.parameters(file)?;
        if fcp.kind() != FileKind::BerTlv {
            return Err(FileError::Kind { file: file.clone(), expected: "a file of data objects" });
        }
        let octets = fcp.proprietary_value(Fcp::MAXIMUM_SIZE).filter(|octets| octets.len() <= 4);
        Ok(octets.map(|octets| octets.iter().fold(0, |sum, octet| (sum << 8) | usize::from(*octet))))
    }

    /// Puts a data object, given with its tag and length, into a file; one with the same tag is replaced.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::HalfTaken`] when the card took the first blocks and not all: what it holds then is not known.
    pub fn set(&mut self, file: &FilePath, object: &[u8]) -> Result<(), FileError> {
        self.open(file)?;
        let mut sent = 0;
        for block in object.chunks(CommandApdu::MAX_DATA) {
            let p2 = if sent == 0 { 0x80 } else { 0x00 };
            let answer = self.send(file, CommandApdu::new(0x80, 0xDB, 0x00, p2), block, None)?;
            let more = matches!(answer.sw, StatusWord::MORE_EXPECTED | MORE_EXPECTED_FETCH);
            match (sent + block.len() < object.len(), more) {
                (true, true) => {}
                (false, false) if is_stored(answer.sw) => {}
                (_, false) if sent == 0 && !is_stored(answer.sw) => {
                    return Err(refused("SET DATA", file, &answer));
                }
                _ => {
                    let (sent, of) = (sent + block.len(), object.len());
                    return Err(FileError::HalfTaken { file: file.clone(), sent, of, sw: answer.sw });
                }
            }
            sent += block.len();
        }
        Ok(())
    }

    /// Deletes a data object.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn delete_object(&mut self, file: &FilePath, tag: u8) -> Result<(), FileError> {
        self.open(file)?;
        let answer = self.send(file, CommandApdu::new(0x80, 0xDB, 0x00, 0x80), &[tag], None)?;
        if is_stored(answer.sw) { Ok(()) } else { Err(refused("SET DATA", file, &answer)) }
    }
}

/// Done, or done after some retries (63Cx after an UPDATE, ETSI TS 102 221, section 10.2.1): what reads back decides.
fn is_stored(sw: StatusWord) -> bool {
    sw.is_ok() || sw.0 & 0xFFF0 == 0x63C0
}

fn refused(doing: &'static str, file: &FilePath, answer: &ResponseApdu) -> FileError {
    FileError::Refused { doing, file: file.clone(), sw: answer.sw }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::{Protocol, Session, scripted::Script, settings},
        wire::{usim::SettingsFile, vectors::hex},
    };

    const OPEN: [(&str, &str); 2] = [("00A4040C07A0000000871002", "9000"), ("00A4000C026FF8", "9000")];

    fn ims() -> FilePath {
        settings::usim().child(SettingsFile::Ims.fid())
    }

    fn script(commands: &[(&'static str, &'static str)]) -> Script {
        Script::new(Protocol::T1, &[&OPEN[..], commands].concat())
    }

    #[test]
    fn an_object_is_retrieved_in_parts() {
        let mut script = script(&[
            ("80CB0080018000", "800100 9000"),
            ("80CB0080018100", "81053C696D 62F1"),
            ("80CB000000", "733E 9000"),
            ("80CB0080018200", "6A88"),
            ("80CB0080018300", "6982"),
        ]);
        let mut fs = FileSystem::new(Session::new(&mut script));
        let octets = |text: &str| Some(hex(text));
        assert_eq!(fs.retrieve(&ims(), 0x80).unwrap(), octets("800100"));
        assert_eq!(fs.retrieve(&ims(), 0x81).unwrap(), octets("81053C696D733E"));
        assert_eq!(fs.retrieve(&ims(), 0x82).unwrap(), None);
        assert!(fs.retrieve(&ims(), 0x83).unwrap_err().is_denied());
        drop(fs);
        assert_eq!(script.left(), 0);
    }

    #[test]
    fn tags_are_listed_where_the_card_lists_them() {
        for (answer, told) in [("5C028081 9000", Some(vec![0x80, 0x81])), ("6A88", None), ("6A80", None)] {
            let mut script = script(&[("80CB0080015C00", answer)]);
            let mut fs = FileSystem::new(Session::new(&mut script));
            assert_eq!(fs.tags(&ims()).unwrap(), told, "{answer}");
        }
        for answer in ["5C027F21 9000", "6982"] {
            let mut script = script(&[("80CB0080015C00", answer)]);
            let mut fs = FileSystem::new(Session::new(&mut script));
            assert!(fs.tags(&ims()).is_err(), "{answer}");
        }
    }

    #[test]
    fn an_object_is_set_block_by_block_and_nothing_short_of_all_is_done() {
        let object = [&[0x81, 0x82, 0x01, 0x00][..], &[0x41; 256]].concat();
        let hex_of = |octets: &[u8]| octets.iter().map(|o| format!("{o:02X}")).collect::<String>();
        let first: &'static str = format!("80DB0080FF{}", hex_of(&object[..255])).leak();
        let next: &'static str = format!("80DB000005{}", hex_of(&object[255..])).leak();
        let set = |commands: &[(&'static str, &'static str)]| {
            let mut script = script(commands);
            let done = FileSystem::new(Session::new(&mut script)).set(&ims(), &object);
            assert_eq!(script.left(), 0);
            done
        };
        set(&[(first, "63F1"), (next, "9000")]).unwrap();
        set(&[(first, "63F1"), (next, "63C1")]).unwrap();
        let refused = set(&[(first, "6A84")]).unwrap_err();
        assert!(matches!(refused, FileError::Refused { .. }) && !refused.leaves_doubt());
        for half in
            [&[(first, "9000")][..], &[(first, "63F1"), (next, "6A84")], &[(first, "63F1"), (next, "63F1")]]
        {
            let error = set(half).unwrap_err();
            assert!(matches!(error, FileError::HalfTaken { .. }) && error.leaves_doubt(), "{error}");
        }
    }
}

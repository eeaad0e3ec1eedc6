//! Settings files of a USIM (3GPP TS 31.102, section 4.2): what is there, and whether the USIM says that it counts. The octets are
//! read; what they mean is another room's affair.

use crate::wire::{
    apdu::{CommandApdu, StatusWord},
    tlv,
    usim::{self, SettingsFile, Structure},
};

use super::{FileError, FilePath, FileSystem, Mode, TransportError};

/// The tags of the data objects that a file of objects has (card sheet, section 9).
const TAGS: [u8; 2] = [0x80, 0x81];
/// The most RETRIEVE DATA that one object is worth: 32 Kbyte.
const MAX_PARTS: usize = 128;

/// A settings file that a card has.
#[derive(Debug, Clone)]
pub struct FoundSettings {
    /// Which it is.
    pub kind: SettingsFile,
    /// Where it is.
    pub file: FilePath,
    /// Whether EF(UST) says that its services are there; none when that cannot be read.
    pub served: Option<bool>,
    /// Its octets, or its records one by one.
    pub content: Result<Vec<SettingsOctets>, FileError>,
}

/// Octets of a settings file. `Debug` shows how many: they may open a key.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsOctets(pub Vec<u8>);

impl std::fmt::Debug for SettingsOctets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} octets]", self.0.len())
    }
}

/// The directory of the USIM application, by the part of its name that all have in common.
pub(super) fn usim() -> FilePath {
    FilePath::application(&usim::AID)
}

/// Looks for settings files. Nothing is written and no key is presented. A card of class A0 has no USIM.
///
/// # Errors
/// [`TransportError`]. Whatever is wrong with a file is in its place.
pub fn settings_files(fs: &mut FileSystem<'_>) -> Result<Vec<FoundSettings>, TransportError> {
    let mut found = Vec::new();
    if fs.session().mode() == Mode::TwoG || kept(fs.parameters(&usim()))?.is_err() {
        return Ok(found);
    }
    let services = kept(fs.read_all(&usim().child(usim::SERVICES)))?.ok();
    for kind in SettingsFile::ALL {
        let file = usim().child(kind.fid());
        match kept(fs.parameters(&file))? {
            Err(error) if error.is_absent() => continue,
            Err(error) => found.push(FoundSettings { kind, file, served: None, content: Err(error) }),
            Ok(_) => {
                let content = kept(fs.settings(kind, &file))?;
                let served = services.as_deref().map(|services| kind.is_served(services));
                found.push(FoundSettings { kind, file, served, content });
            }
        }
    }
    Ok(found)
}

/// Lets trouble with the reader through and keeps trouble with the card.
fn kept<T>(result: Result<T, FileError>) -> Result<Result<T, FileError>, TransportError> {
    match result {
        Err(FileError::Transport(error)) => Err(error),
        other => Ok(other),
    }
}

impl FileSystem<'_> {
    fn settings(&mut self, kind: SettingsFile, file: &FilePath) -> Result<Vec<SettingsOctets>, FileError> {
        match kind.structure() {
            Structure::Transparent => Ok(vec![SettingsOctets(self.read_all(file)?)]),
            Structure::Records => {
                let (_, count) = self.records(file)?;
                (1..=count).map(|number| self.read_record(file, number).map(SettingsOctets)).collect()
            }
            Structure::Objects => {
                let mut octets = Vec::new();
                for tag in TAGS {
                    if let Some(object) = self.retrieve(file, tag)? {
                        octets.extend(object);
                    }
                }
                Ok(vec![SettingsOctets(octets)])
            }
        }
    }

    /// RETRIEVE DATA: one data object of a file of objects with tag and length, or none when the file has no such object
    /// (TS 102 221, section 11.3.1). 62F1 says that more of it follows.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn retrieve(&mut self, file: &FilePath, tag: u8) -> Result<Option<Vec<u8>>, FileError> {
        /// More data follow.
        const MORE: StatusWord = StatusWord(0x62F1);
        self.open(file)?;
        let first = CommandApdu::new(0x80, 0xCB, 0x00, 0x80);
        let mut answer = self.send(file, first, &[tag], Some(0))?;
        if matches!(answer.sw, StatusWord::NO_REFERENCE | StatusWord::NOT_FOUND) {
            return Ok(None);
        }
        let mut octets = Vec::new();
        for _ in 0..MAX_PARTS {
            octets.extend_from_slice(&answer.data);
            if answer.sw.is_ok() {
                tlv::parse_padded(&octets).map_err(|what| FileError::Damaged { file: file.clone(), what })?;
                return Ok(Some(octets));
            }
            if answer.sw != MORE {
                return Err(FileError::Refused { doing: "RETRIEVE DATA", file: file.clone(), sw: answer.sw });
            }
            let next = CommandApdu::new(0x80, 0xCB, 0x00, 0x00);
            answer = self.send(file, next, &[], Some(0))?;
        }
        Err(FileError::Kind { file: file.clone(), expected: "one whose objects end" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::{Protocol, Session, scripted::Script};

    /// The commands are those of the card sheet, section 5.1; no trace of a card is at hand.
    #[test]
    fn an_object_is_retrieved_in_parts() {
        let mut script = Script::new(
            Protocol::T1,
            &[
                ("00A4040C07A0000000871002", "9000"),
                ("00A4000C026FF8", "9000"),
                ("80CB0080018000", "800100 9000"),
                ("80CB0080018100", "81053C696D 62F1"),
                ("80CB000000", "733E 9000"),
                ("80CB0080018200", "6A88"),
                ("80CB0080018300", "6982"),
            ],
        );
        let mut fs = FileSystem::new(Session::new(&mut script));
        let file = usim().child(SettingsFile::Ims.fid());
        let octets = |text: &str| Some(crate::wire::vectors::hex(text));
        assert_eq!(fs.retrieve(&file, 0x80).unwrap(), octets("800100"));
        assert_eq!(fs.retrieve(&file, 0x81).unwrap(), octets("81053C696D733E"));
        assert_eq!(fs.retrieve(&file, 0x82).unwrap(), None);
        assert!(fs.retrieve(&file, 0x83).unwrap_err().is_denied());
        drop(fs);
        assert_eq!(script.left(), 0);
    }
}

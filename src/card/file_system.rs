//! The file system of a card: selecting, reading, writing, creating (ETSI TS 102 221, sections 8 and 11; TS 102 222,
//! section 6.3).
//!
//! What a file's parameters are is asked once. A file that is selected is not selected again.

mod change;
mod error;
mod objects;

use std::{collections::BTreeMap, sync::atomic::AtomicU64};

use crate::{
    ident::Iccid,
    wire::{
        Fid,
        apdu::{CommandApdu, ResponseApdu, StatusClass, StatusWord},
        arr::AccessRules,
        ef,
        fcp::{Fcp, FileKind},
        pkcs15, tlv,
    },
};

use super::{
    FilePath, Mode, Session,
    select::{Answer, SelectDialect},
};

pub use error::FileError;
pub(super) use error::says_nothing_done;

/// Offsets of READ and UPDATE BINARY have 15 bits (TS 102 221, table 11.10).
const MAX_OFFSET: usize = 0x7FFF;

/// A card's file system in one session.
#[derive(Debug)]
pub struct FileSystem<'t> {
    session: Session<'t>,
    id: u64,
    /// The current directory and the selected file, where they are known.
    pub(super) directory: Option<FilePath>,
    pub(super) selected: Option<FilePath>,
    pub(super) parameters: BTreeMap<FilePath, Fcp>,
    pub(super) rules: BTreeMap<(FilePath, u8), AccessRules>,
    iccid: Option<Iccid>,
    /// Files that the card did not let be read.
    denied: Vec<FilePath>,
    pub(super) dialect: SelectDialect,
    /// Whether the card has answered in the class that it is spoken to in.
    pub(super) mode_is_known: bool,
}

impl<'t> FileSystem<'t> {
    /// Begins in the MF of a card that was just connected or reset. A session in 2G mode stays in it; in the other one, a card
    /// that does not know class 00 is spoken to in class A0.
    pub fn new(session: Session<'t>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let is_2g = session.mode() == Mode::TwoG;
        Self {
            session,
            id: NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            directory: Some(FilePath::mf()),
            selected: Some(FilePath::mf()),
            parameters: BTreeMap::new(),
            rules: BTreeMap::new(),
            iccid: None,
            denied: Vec::new(),
            dialect: if is_2g { SelectDialect::TWO_G } else { SelectDialect::FULL },
            mode_is_known: is_2g,
        }
    }

    /// The session below.
    pub fn session(&self) -> &Session<'t> {
        &self.session
    }

    /// The session below, for commands that are not about files. They may not select.
    pub fn session_mut(&mut self) -> &mut Session<'t> {
        &mut self.session
    }

    /// Forgets where the card is and what its files are like: somebody else has sent commands.
    pub(super) fn forget(&mut self) {
        (self.directory, self.selected) = (None, None);
        self.parameters.clear();
        self.rules.clear();
    }

    /// Tells this session from every other of this process.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The parameters of a file or directory, asked once.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::is_absent`] when there is none.
    pub fn parameters(&mut self, file: &FilePath) -> Result<Fcp, FileError> {
        if let Some(fcp) = self.parameters.get(file) {
            return Ok(fcp.clone());
        }
        self.select(file, Answer::Parameters)?;
        let Some(fcp) = self.parameters.get(file) else {
            return Err(FileError::Kind {
                file: file.clone(),
                expected: "described by its answer to SELECT",
            });
        };
        let is_directory = fcp.kind() == FileKind::Df;
        self.directory = if is_directory { Some(file.clone()) } else { file.parent() };
        self.selected = Some(file.clone());
        Ok(fcp.clone())
    }

    /// The size of a transparent file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn size(&mut self, file: &FilePath) -> Result<usize, FileError> {
        let fcp = self.parameters(file)?;
        let size = fcp.size.and_then(|size| usize::try_from(size).ok());
        match (fcp.kind(), size) {
            (FileKind::Transparent, Some(size)) => Ok(size),
            _ => Err(FileError::Kind {
                file: file.clone(),
                expected: "a transparent file that states its size",
            }),
        }
    }

    /// EF(ICCID), read once.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn iccid(&mut self) -> Result<Iccid, FileError> {
        if let Some(iccid) = &self.iccid {
            return Ok(iccid.clone());
        }
        let file = FilePath::mf().child(Fid::ICCID);
        // Its size is fixed, so its parameters need not be asked for.
        let octets = match self.open(&file) {
            Ok(()) => self.read_selected(&file, 0, ef::ICCID_LENGTH)?,
            // A token that is no telecommunication card: what serves as its number is in EF(TokenInfo).
            Err(error) if error.is_absent() => match self.token_serial() {
                Ok(Some(serial)) => serial,
                Err(FileError::Transport(gone)) => return Err(gone.into()),
                _ => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let iccid = ef::decode_iccid(&octets).map_err(|what| FileError::Damaged { file, what })?;
        self.iccid = Some(iccid.clone());
        Ok(iccid)
    }

    /// The serial number in EF(TokenInfo), when it can be an ICCID: the octets of EF(ICCID), as this program and others
    /// write it there (inferred: PKCS#15 leaves the number to the issuer).
    fn token_serial(&mut self) -> Result<Option<Vec<u8>>, FileError> {
        let file = FilePath::application(&pkcs15::AID).child(Fid::TOKEN_INFO);
        let octets = self.read_all(&file)?;
        let serial = tlv::parse_padded(&octets).ok().and_then(|outer| {
            let info = outer.objects.first()?.children().ok()?;
            info.iter().find(|object| object.tag == 0x04).map(|object| object.value.to_vec())
        });
        Ok(serial.filter(|serial| ef::decode_iccid(serial).is_ok()))
    }

    /// Octets of a transparent file.
    ///
    /// # Errors
    /// [`FileError`]; the file's parameters bound what is read.
    pub fn read(&mut self, file: &FilePath, at: usize, length: usize) -> Result<Vec<u8>, FileError> {
        self.reachable(file, at, length)?;
        self.open(file)?;
        let read = self.read_selected(file, at, length);
        self.note_denied(file, read)
    }

    /// All octets of a transparent file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read_all(&mut self, file: &FilePath) -> Result<Vec<u8>, FileError> {
        let size = self.size(file)?;
        self.read(file, 0, size)
    }

    /// Record length and number of records of a linear file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn records(&mut self, file: &FilePath) -> Result<(u8, u8), FileError> {
        let fcp = self.parameters(file)?;
        let shape = match fcp.kind() {
            FileKind::LinearFixed { record_length, .. } => {
                u8::try_from(record_length).ok().zip(fcp.record_count().and_then(|n| u8::try_from(n).ok()))
            }
            _ => None,
        };
        shape.ok_or_else(|| FileError::Kind {
            file: file.clone(),
            expected: "a linear file of records that states how many",
        })
    }

    /// One record, counted from 1.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read_record(&mut self, file: &FilePath, number: u8) -> Result<Vec<u8>, FileError> {
        let (length, _) = self.records(file)?;
        self.open(file)?;
        let command = CommandApdu::new(0x00, 0xB2, number, 0x04);
        let record = self.done("READ RECORD", file, command, &[], Some(length));
        let record = self.note_denied(file, record)?.data;
        let stated = usize::from(length);
        match record.get(..stated) {
            Some(record) => Ok(record.to_vec()),
            None => Err(FileError::Short { file: file.clone(), got: record.len(), stated }),
        }
    }

    /// Files that the card did not let be read since this was asked before.
    pub(super) fn take_denied(&mut self) -> Vec<FilePath> {
        std::mem::take(&mut self.denied)
    }

    fn note_denied<T>(&mut self, file: &FilePath, read: Result<T, FileError>) -> Result<T, FileError> {
        if read.as_ref().is_err_and(FileError::is_denied) && !self.denied.contains(file) {
            self.denied.push(file.clone());
        }
        read
    }

    /// Refuses what offsets cannot reach, or what lies behind the end.
    fn reachable(&mut self, file: &FilePath, at: usize, length: usize) -> Result<(), FileError> {
        let size = self.size(file)?;
        let end = at.saturating_add(length);
        if end > size {
            return Err(FileError::Short { file: file.clone(), got: size, stated: end });
        }
        if end > MAX_OFFSET + 1 {
            return Err(FileError::TooLarge { file: file.clone(), size: end, max: MAX_OFFSET + 1 });
        }
        Ok(())
    }

    /// Reads the selected file block by block. An answer may be shorter than asked for, with 9000 or 6282: what is missing
    /// is asked for again, and an answer without octets ends the file.
    fn read_selected(&mut self, file: &FilePath, at: usize, length: usize) -> Result<Vec<u8>, FileError> {
        let mut out = Vec::with_capacity(length);
        while out.len() < length {
            let want = (length - out.len()).min(self.session.largest_answer());
            let (p1, p2) = offset(at + out.len());
            let le = u8::try_from(want).unwrap_or(0);
            let command = CommandApdu::new(0x00, 0xB0, p1, p2);
            let answer = self.send(file, command, &[], Some(le))?;
            match (answer.sw, answer.sw.class()) {
                (sw, _) if self.session.asks_for_less(want, sw) => continue,
                (StatusWord::WRONG_OFFSET, _) if !out.is_empty() => {
                    return Err(FileError::Short {
                        file: file.clone(),
                        got: at + out.len(),
                        stated: at + length,
                    });
                }
                (_, StatusClass::Ok | StatusClass::OkFetch(_)) | (StatusWord::END_OF_FILE, _) => {}
                (sw, _) => return Err(FileError::Refused { doing: "READ BINARY", file: file.clone(), sw }),
            }
            if answer.data.is_empty() {
                return Err(FileError::Short {
                    file: file.clone(),
                    got: at + out.len(),
                    stated: at + length,
                });
            }
            out.extend(answer.data.iter().take(want));
        }
        Ok(out)
    }

    /// Sends a command about a file, and takes any status word but success for a refusal.
    pub(super) fn done(
        &mut self,
        doing: &'static str,
        file: &FilePath,
        command: CommandApdu,
        data: &[u8],
        le: Option<u8>,
    ) -> Result<ResponseApdu, FileError> {
        let answer = self.send(file, command, data, le)?;
        if answer.sw.is_ok() {
            return Ok(answer);
        }
        Err(FileError::Refused { doing, file: file.clone(), sw: answer.sw })
    }

    pub(super) fn send(
        &mut self,
        file: &FilePath,
        command: CommandApdu,
        data: &[u8],
        le: Option<u8>,
    ) -> Result<ResponseApdu, FileError> {
        let too_long = |_| FileError::Kind { file: file.clone(), expected: "described in 255 octets" };
        let command = if data.is_empty() { command } else { command.with_data(data).map_err(too_long)? };
        let command = le.map_or(command.clone(), |le| command.with_le(le));
        Ok(self.session.send(&command)?)
    }
}

/// P1 and P2 of an offset of 15 bits; callers have checked that it fits.
fn offset(at: usize) -> (u8, u8) {
    let [p1, p2] = u16::try_from(at).unwrap_or(u16::MAX).to_be_bytes();
    (p1 & 0x7F, p2)
}

#[cfg(test)]
mod tests;

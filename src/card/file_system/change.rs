//! What changes the files of a card: UPDATE, CREATE FILE, DELETE FILE (ETSI TS 102 221, sections 11.1.4 and 11.1.6; TS 102 222).

use super::{FileError, FileSystem, offset};
use crate::{
    card::{FilePath, Mode},
    wire::{
        apdu::{CommandApdu, StatusWord},
        fcp::{Fcp, Order},
    },
};

impl FileSystem<'_> {
    /// Writes octets of a transparent file.
    ///
    /// # Errors
    /// [`FileError`]; some of the octets may have been written.
    pub fn write(&mut self, file: &FilePath, at: usize, octets: &[u8]) -> Result<(), FileError> {
        self.reachable(file, at, octets.len())?;
        self.open(file)?;
        for (place, block) in octets.chunks(CommandApdu::MAX_DATA).enumerate() {
            let (p1, p2) = offset(at + place * CommandApdu::MAX_DATA);
            self.updated("UPDATE BINARY", file, CommandApdu::new(0x00, 0xD6, p1, p2), block)?;
        }
        Ok(())
    }

    /// Writes one record, counted from 1, filled up with FF.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write_record(&mut self, file: &FilePath, number: u8, octets: &[u8]) -> Result<(), FileError> {
        let (length, _) = self.records(file)?;
        if octets.len() > usize::from(length) {
            return Err(FileError::TooLarge {
                file: file.clone(),
                size: octets.len(),
                max: usize::from(length),
            });
        }
        let mut record = octets.to_vec();
        record.resize(usize::from(length), 0xFF);
        self.open(file)?;
        self.updated("UPDATE RECORD", file, CommandApdu::new(0x00, 0xDC, number, 0x04), &record)
    }

    /// Creates a file in the directory that its path names, and asks the card what it has created. A card that does not
    /// take the PIN status of a directory (6A80, seen) is given the directory without.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn create(&mut self, file: &FilePath, fcp: &Fcp) -> Result<(), FileError> {
        let parent = file
            .parent()
            .ok_or_else(|| FileError::Kind { file: file.clone(), expected: "a file in a directory" })?;
        if !self.creates_files() {
            return Err(FileError::Kind { file: file.clone(), expected: "on a card that creates files" });
        }
        self.enter(&parent)?;
        let mut create = |fcp: &Fcp| {
            let command = CommandApdu::new(0x00, 0xE0, 0x00, 0x00);
            self.done("CREATE FILE", file, command, &fcp.to_octets(Order::Create), None).map(drop)
        };
        let created = match create(fcp) {
            Err(FileError::Refused { sw: StatusWord::WRONG_DATA, .. }) if fcp.pin_status.is_some() => {
                create(&Fcp { pin_status: None, ..fcp.clone() })
            }
            other => other,
        };
        // The new file becomes the selected one on most cards; which, is not relied upon.
        self.directory = None;
        self.selected = None;
        created?;
        self.parameters.remove(file);
        match self.parameters(file) {
            Ok(_) => Ok(()),
            Err(FileError::Transport(error)) => Err(error.into()),
            Err(source) => Err(FileError::NotSeen { file: file.clone(), source: Box::new(source) }),
        }
    }

    /// Deletes a file or an empty directory (TS 102 222, section 6.4).
    ///
    /// # Errors
    /// [`FileError`].
    pub fn delete(&mut self, file: &FilePath) -> Result<(), FileError> {
        let named = |file: &FilePath| file.parent().zip(file.fid());
        let (parent, fid) = named(file)
            .ok_or_else(|| FileError::Kind { file: file.clone(), expected: "a file in a directory" })?;
        self.enter(&parent)?;
        let command = CommandApdu::new(0x00, 0xE4, 0x00, 0x00);
        let deleted = self.done("DELETE FILE", file, command, &fid.octets(), None);
        // What is selected afterwards is not relied upon.
        self.directory = None;
        self.selected = None;
        deleted?;
        self.parameters.retain(|known, _| known != file && known.parent().as_ref() != Some(file));
        Ok(())
    }

    /// Activates a file, or deactivates it (TS 102 222, sections 6.6 and 6.7; REHABILITATE and INVALIDATE of TS 51.011).
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::NotSeen`] where the file cannot be looked at afterwards, [`FileError::Kind`] where it is not
    /// what it should be then.
    pub(in crate::card) fn activate(&mut self, file: &FilePath, is: bool) -> Result<(), FileError> {
        // One that is not active is selected with a warning.
        self.parameters.remove(file);
        self.parameters(file)?;
        let (doing, instruction) = if is { ("ACTIVATE FILE", 0x44) } else { ("DEACTIVATE FILE", 0x04) };
        let done = self.done(doing, file, CommandApdu::new(0x00, instruction, 0x00, 0x00), &[], None);
        self.directory = None;
        self.selected = None;
        self.parameters.remove(file);
        done?;
        match self.parameters(file) {
            Ok(fcp) if fcp.life_cycle.is_some_and(|now| now.is_activated() == is) => Ok(()),
            Ok(_) => Err(FileError::Kind {
                file: file.clone(),
                expected: if is { "activated" } else { "deactivated" },
            }),
            Err(FileError::Transport(error)) => Err(error.into()),
            Err(source) => Err(FileError::NotSeen { file: file.clone(), source: Box::new(source) }),
        }
    }

    /// Whether the card has CREATE FILE. In class A0 it is each issuer's own affair, so it is not tried.
    pub(in crate::card) fn creates_files(&self) -> bool {
        self.session.mode() == Mode::ThreeG
    }

    /// An UPDATE. That it was stored only after some retries (63Cx after UPDATE, ETSI TS 102 221, section 10.2.1; 920x on 2G
    /// cards) is no refusal: what reads back decides.
    fn updated(
        &mut self,
        doing: &'static str,
        file: &FilePath,
        command: CommandApdu,
        data: &[u8],
    ) -> Result<(), FileError> {
        match self.done(doing, file, command, data, None) {
            Err(FileError::Refused { sw, .. }) if matches!(sw.0 & 0xFFF0, 0x63C0 | 0x9200) => Ok(()),
            other => other.map(drop),
        }
    }
}

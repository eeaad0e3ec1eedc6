//! SELECT: the shortest way from where the card is to a file, in the dialect that the card understands (ETSI TS 102 221,
//! section 11.1.1).

use crate::wire::{
    Fid,
    apdu::{CommandApdu, StatusClass, StatusWord},
    fcp::Fcp,
    gsm::SelectResponse,
};

use super::{FileError, FilePath, FileSystem, Mode, gsm, path::Root};

/// What SELECT a card understands.
#[derive(Debug, Clone, Copy)]
pub(super) struct SelectDialect {
    /// By path from the MF (P1 = 08).
    by_path: bool,
    /// Without an answer (P2 = 0C).
    silent: bool,
}

impl SelectDialect {
    /// All of it, until the card shows otherwise.
    pub(super) const FULL: Self = Self { by_path: true, silent: true };
    /// Class A0: by identifier, step by step.
    pub(super) const TWO_G: Self = Self { by_path: false, silent: false };
}

/// Whether the answer to SELECT is of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Silent,
    Parameters,
}

impl FileSystem<'_> {
    /// Makes a directory the current one, unless it is.
    pub(super) fn enter(&mut self, directory: &FilePath) -> Result<(), FileError> {
        if self.directory.as_ref() == Some(directory) {
            return Ok(());
        }
        self.select(directory, Answer::Silent)?;
        self.directory = Some(directory.clone());
        self.selected = Some(directory.clone());
        Ok(())
    }

    /// Selects a file that is not a directory, unless it is selected.
    pub(super) fn open(&mut self, file: &FilePath) -> Result<(), FileError> {
        if self.selected.as_ref() == Some(file) {
            return Ok(());
        }
        self.select(file, Answer::Silent)?;
        self.directory = file.parent();
        self.selected = Some(file.clone());
        Ok(())
    }

    /// Sends whatever SELECT gets to the file from here. Where that leads is noted by the caller.
    ///
    /// A card that does not know class 00 is spoken to in class A0 from then on.
    pub(super) fn select(&mut self, file: &FilePath, answer: Answer) -> Result<(), FileError> {
        let here = self.directory.clone();
        let was = self.dialect;
        let done = self.select_in_mode(file, answer);
        let unknown = match &done {
            Err(FileError::Refused { sw, .. }) => {
                matches!(*sw, StatusWord::UNKNOWN_CLA | StatusWord::UNKNOWN_INS)
            }
            _ => false,
        };
        if !unknown || self.mode_is_known {
            self.mode_is_known = true;
            return done;
        }
        self.session_mut().set_mode(Mode::TwoG);
        self.dialect = SelectDialect::TWO_G;
        self.directory = here;
        let again = self.select_in_mode(file, answer);
        match &again {
            Err(FileError::Refused { sw, .. })
                if matches!(*sw, StatusWord::UNKNOWN_CLA | StatusWord::UNKNOWN_INS) =>
            {
                self.session_mut().set_mode(Mode::ThreeG);
                self.dialect = was;
                return done;
            }
            Err(FileError::Transport(_)) => {}
            _ => self.mode_is_known = true,
        }
        again
    }

    fn select_in_mode(&mut self, file: &FilePath, answer: Answer) -> Result<(), FileError> {
        let here = self.directory.take();
        self.selected = None;
        match (file.parent(), file.root(), file.fid()) {
            (Some(parent), _, Some(fid)) if Some(&parent) == here.as_ref() => {
                self.select_by(file, (0x00, &fid.octets()), answer)
            }
            (Some(parent), Root::Mf, Some(fid)) => self.select_from_mf(file, &parent, fid, answer),
            (Some(parent), Root::Application(_), Some(fid)) => {
                self.enter(&parent)?;
                self.select_by(file, (0x00, &fid.octets()), answer)
            }
            (_, Root::Application(aid), _) => self.select_by(file, (0x04, aid), answer),
            (_, Root::Mf, _) => self.select_by(file, (0x00, &Fid::MF.octets()), answer),
        }
    }

    /// By path from the MF in one command, or step by step on cards that do not know that.
    fn select_from_mf(
        &mut self,
        file: &FilePath,
        parent: &FilePath,
        fid: Fid,
        answer: Answer,
    ) -> Result<(), FileError> {
        if self.dialect.by_path {
            let path: Vec<u8> = file.fids().iter().flat_map(|fid| fid.octets()).collect();
            match self.select_by(file, (0x08, &path), answer) {
                Err(FileError::Refused { sw, .. }) if is_dialect(sw) => self.dialect.by_path = false,
                other => return other,
            }
        }
        self.enter(parent)?;
        self.select_by(file, (0x00, &fid.octets()), answer)
    }

    /// SELECT with P1 and data; keeps the parameters that come back.
    fn select_by(&mut self, file: &FilePath, how: (u8, &[u8]), answer: Answer) -> Result<(), FileError> {
        let (p1, data) = how;
        if self.session().mode() == Mode::TwoG {
            return self.select_2g(file, how, answer);
        }
        if answer == Answer::Silent && self.dialect.silent {
            match self.done("SELECT", file, CommandApdu::new(0x00, 0xA4, p1, 0x0C), data, None) {
                Err(FileError::Refused { sw: StatusWord::WRONG_PARAMETERS, .. }) if p1 != 0x08 => {
                    self.dialect.silent = false;
                }
                other => return other.map(drop),
            }
        }
        let answer = self.send(file, CommandApdu::new(0x00, 0xA4, p1, 0x04), data, Some(0))?;
        // 6283 and 6284 are a file that is switched off: it is selected and its parameters came.
        if !answer.sw.is_ok() && answer.sw.class() != StatusClass::Warning {
            return Err(FileError::Refused { doing: "SELECT", file: file.clone(), sw: answer.sw });
        }
        if !answer.data.is_empty() {
            let fcp =
                Fcp::decode(&answer.data).map_err(|what| FileError::Damaged { file: file.clone(), what })?;
            self.parameters.insert(file.clone(), fcp);
        }
        Ok(())
    }
}

impl FileSystem<'_> {
    /// SELECT of class A0: by identifier, and the answer waits for GET RESPONSE, which is sent only when it is of interest.
    fn select_2g(&mut self, file: &FilePath, how: (u8, &[u8]), answer: Answer) -> Result<(), FileError> {
        let (p1, fid) = how;
        if p1 != 0x00 {
            let expected = "reached by identifiers from the MF, the only way on a card of class A0";
            return Err(FileError::Kind { file: file.clone(), expected });
        }
        let command = CommandApdu::new(0x00, 0xA4, 0x00, 0x00);
        if answer == Answer::Silent {
            let short = |_| FileError::Kind { file: file.clone(), expected: "named by two octets" };
            let command = command.with_data(fid).map_err(short)?;
            let sw = self.session_mut().exchange(&command)?.sw;
            let selected = sw.is_ok() || matches!(sw.class(), StatusClass::GetResponse(_));
            return if selected {
                Ok(())
            } else {
                Err(FileError::Refused { doing: "SELECT", file: file.clone(), sw })
            };
        }
        let answer = self.done("SELECT", file, command, fid, None)?;
        if !answer.data.is_empty() {
            let response = SelectResponse::decode(&answer.data)
                .map_err(|what| FileError::Damaged { file: file.clone(), what })?;
            self.parameters.insert(file.clone(), gsm::parameters(&response));
        }
        Ok(())
    }
}

/// Status words that speak about the command's form and not about the file.
fn is_dialect(sw: StatusWord) -> bool {
    matches!(sw.0, 0x6700 | 0x6A81 | 0x6A86 | 0x6B00)
}

//! SELECT (ETSI TS 102 221, sections 8.4 and 11.1.1).

use super::{
    VirtualCard,
    command::{Answer, Command},
    files::NodeId,
    quirks::{Paths, Template},
};
use crate::wire::{Fid, apdu::StatusWord};

/// What SELECT is to answer (P2, bits 08 and 04).
enum Wanted {
    Fcp,
    Fci,
    Nothing,
}

impl VirtualCard {
    pub(super) fn select(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let wanted = match (command.p2 & 0xFC, self.quirks.template) {
            (0x04, _) => Wanted::Fcp,
            (0x0C, _) => Wanted::Nothing,
            (0x00, Template::FcpAndFci) => Wanted::Fci,
            _ => return Err(StatusWord::WRONG_PARAMETERS),
        };
        if command.p1 & 0x08 != 0 && self.quirks.paths == Paths::Unknown {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let found = if command.p1 == 0x04 {
            let found = self.application(command.data, command.p2 & 0x03)?;
            self.session.here.application = Some(found);
            found
        } else if command.p2 & 0x03 != 0 {
            return Err(StatusWord::WRONG_PARAMETERS);
        } else {
            self.locate(command.p1, command.data)?
        };
        self.enter(found);
        let data = match wanted {
            Wanted::Nothing => Vec::new(),
            Wanted::Fcp => self.fcp(found),
            Wanted::Fci => self.fci(found),
        };
        let life_cycle = self.files.file(found).life_cycle;
        // 6283 and 6284: selected, but deactivated or terminated.
        let sw = match life_cycle {
            l if l.is_deactivated() => StatusWord(0x6283),
            l if l.is_terminated() => StatusWord(0x6284),
            _ => StatusWord::OK,
        };
        Ok(Answer { data, sw })
    }

    /// Makes a file the selected one.
    pub(super) fn enter(&mut self, file: NodeId) {
        self.session.here.record = None;
        if self.files.is_directory(file) {
            self.session.here.directory = file;
            self.session.here.ef = None;
        } else {
            self.session.here.directory = self.files.parent(file).unwrap_or(self.files.mf());
            self.session.here.ef = Some(file);
        }
    }

    /// The file that P1 and the data name, other than by AID.
    pub(super) fn locate(&self, p1: u8, data: &[u8]) -> Result<NodeId, StatusWord> {
        let current = self.session.here.directory;
        match (p1, data) {
            (0x00, []) => Ok(self.files.mf()),
            (0x00, _) => self.by_fid(one(data)?),
            (0x01, _) => {
                let found = self.files.child(current, one(data)?);
                found.filter(|id| self.files.is_directory(*id)).ok_or(StatusWord::NOT_FOUND)
            }
            (0x03, []) => self.files.parent(current).ok_or(StatusWord::NOT_FOUND),
            (0x03, _) => Err(StatusWord::WRONG_LENGTH),
            (0x08, _) => match fids(data)?.split_first() {
                Some((first, rest)) if *first == Fid::CURRENT_APPLICATION => {
                    self.down(self.session.here.application.ok_or(StatusWord::NOT_FOUND)?, rest)
                }
                Some((first, rest)) => {
                    let start = self.files.child(self.files.mf(), *first).ok_or(StatusWord::NOT_FOUND)?;
                    self.down(start, rest)
                }
                None => Err(StatusWord(0x6A87)),
            },
            (0x09, _) => self.down(current, &fids(data)?),
            _ => Err(StatusWord::WRONG_PARAMETERS),
        }
    }

    /// Which files an identifier alone can reach from the current directory, in this order: the MF, the application
    /// (7FFF), the files in the directory, the directory itself, the one above, and the directories in that one (TS
    /// 102 221, section 8.4.1).
    fn by_fid(&self, fid: Fid) -> Result<NodeId, StatusWord> {
        let current = self.session.here.directory;
        let named = |id: &NodeId| self.files.file(*id).fid == fid;
        if fid == Fid::MF {
            return Ok(self.files.mf());
        }
        if fid == Fid::CURRENT_APPLICATION {
            return self.session.here.application.ok_or(StatusWord::NOT_FOUND);
        }
        if let Some(found) = self.files.child(current, fid).or(Some(current).filter(named)) {
            return Ok(found);
        }
        let parent = self.files.parent(current).ok_or(StatusWord::NOT_FOUND)?;
        let siblings = self.files.child(parent, fid).filter(|id| self.files.is_directory(*id));
        Some(parent).filter(named).or(siblings).ok_or(StatusWord::NOT_FOUND)
    }

    fn down(&self, start: NodeId, path: &[Fid]) -> Result<NodeId, StatusWord> {
        path.iter().try_fold(start, |at, fid| self.files.child(at, *fid).ok_or(StatusWord::NOT_FOUND))
    }

    /// The application whose AID begins with `aid`; `occurrence` is P2's 00 first, 01 last, 02 next, 03 previous.
    fn application(&self, aid: &[u8], occurrence: u8) -> Result<NodeId, StatusWord> {
        if !(1..=16).contains(&aid.len()) {
            return Err(StatusWord(0x6A87));
        }
        let matches = |id: &NodeId| self.files.file(*id).aid.as_ref().is_some_and(|a| a.starts_with(aid));
        let found: Vec<NodeId> = self.files.all().into_iter().filter(matches).collect();
        let current = found.iter().position(|id| Some(*id) == self.session.here.application);
        let at = match (occurrence, current) {
            (0x01, _) => found.len().checked_sub(1),
            (0x02, Some(current)) => Some(current + 1),
            (0x03, Some(current)) => current.checked_sub(1),
            _ => Some(0),
        };
        at.and_then(|at| found.get(at).copied()).ok_or(StatusWord::NOT_FOUND)
    }
}

fn one(data: &[u8]) -> Result<Fid, StatusWord> {
    Fid::from_octets(data).ok_or(StatusWord(0x6A87))
}

fn fids(data: &[u8]) -> Result<Vec<Fid>, StatusWord> {
    let (pairs, odd) = data.as_chunks::<2>();
    if pairs.is_empty() || !odd.is_empty() {
        // 6A87: Lc does not fit P1.
        return Err(StatusWord(0x6A87));
    }
    Ok(pairs.iter().map(|pair| Fid(u16::from_be_bytes(*pair))).collect())
}

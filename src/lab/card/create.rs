//! CREATE FILE (ETSI TS 102 222, section 6.3).

use super::{
    VirtualCard,
    command::{Answer, Command},
    files::octets,
    quirks::{CreateAgain, CreateDf},
};
use crate::{
    lab::image::{Body, FileImage, RecordShape},
    wire::{
        Fid,
        apdu::StatusWord,
        arr::Operation,
        fcp::{Fcp, FileKind, LifeCycle, Sfi},
    },
};

/// Tag in A5: the pattern that fills a new file; its last octet is repeated.
const FILL: u16 = 0xC1;
/// Tag in A5: the pattern that is repeated over a new file.
const REPEAT: u16 = 0xC2;

/// Identifiers that have a meaning of their own.
const RESERVED: [Fid; 4] = [Fid::MF, Fid(0x3FFF), Fid::CURRENT_APPLICATION, Fid(0xFFFF)];

impl VirtualCard {
    pub(super) fn create(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        if (command.p1, command.p2) != (0, 0) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let fcp = Fcp::decode(command.data).map_err(|_| StatusWord::WRONG_DATA)?;
        let directory = self.session.here.directory;
        let is_df = fcp.kind() == FileKind::Df;
        self.demand(directory, if is_df { Operation::CreateDf } else { Operation::CreateEf })?;
        let bad_pins = match self.quirks.create_df {
            CreateDf::Any => false,
            CreateDf::NeedsPinStatus => fcp.pin_status.is_none(),
            CreateDf::RefusesPinStatus => fcp.pin_status.is_some(),
        };
        if is_df && bad_pins {
            return Err(StatusWord::WRONG_DATA);
        }
        let file = described(&fcp)?;
        let parent_named = self.files.file(directory).fid == file.fid;
        let there = self.files.child(directory, file.fid);
        match there {
            Some(old) if self.quirks.create_again == CreateAgain::Replaces => self.files.remove(old),
            Some(_) => return Err(StatusWord::FILE_EXISTS),
            None => {}
        }
        if parent_named || self.has_aid(&file) {
            return Err(StatusWord::FILE_EXISTS);
        }
        let cost = match &file.body {
            Body::Directory { total_size, .. } => total_size.unwrap_or(0),
            body => octets(body),
        };
        if cost > self.files.free(directory) {
            return Err(StatusWord::NO_MEMORY);
        }
        let id = self.files.insert(directory, file);
        self.enter(id);
        self.changed();
        Ok(Answer::done())
    }

    fn has_aid(&self, file: &FileImage) -> bool {
        file.aid.is_some() && self.files.all().iter().any(|id| self.files.file(*id).aid == file.aid)
    }
}

/// The file that a template describes. What TS 102 222 makes mandatory must be there: descriptor, identifier, life
/// cycle, security attributes, and the size.
fn described(fcp: &Fcp) -> Result<FileImage, StatusWord> {
    let fid = fcp.fid.filter(|fid| !RESERVED.contains(fid)).ok_or(StatusWord::WRONG_DATA)?;
    let usual = [LifeCycle::CREATION, LifeCycle::INITIALISATION, LifeCycle::ACTIVATED];
    let life_cycle = fcp.life_cycle.filter(|l| usual.contains(l)).ok_or(StatusWord::WRONG_DATA)?;
    let security = fcp.security.clone().ok_or(StatusWord::WRONG_DATA)?;
    let mut file = FileImage::new(fid, body(fcp)?);
    file.life_cycle = life_cycle;
    file.security = Some(security);
    if fcp.kind() == FileKind::Df {
        if fcp.aid.as_ref().is_some_and(|aid| !(5..=16).contains(&aid.len())) {
            return Err(StatusWord::WRONG_DATA);
        }
        file.aid = fcp.aid.clone();
        file.pins = fcp.pin_status.iter().flatten().map(|pin| pin.key).collect();
    } else {
        file.sfi = fcp.sfi;
        if let Sfi::Is(n) = fcp.sfi
            && n > 30
        {
            return Err(StatusWord::WRONG_DATA);
        }
    }
    let kept = |(tag, _): &&(u16, Vec<u8>)| *tag != FILL && *tag != REPEAT;
    file.proprietary = fcp.proprietary.iter().flatten().filter(kept).cloned().collect();
    Ok(file)
}

fn body(fcp: &Fcp) -> Result<Body, StatusWord> {
    let size = fcp.size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    match fcp.kind() {
        FileKind::Df => {
            let total_size = Some(fcp.total_size.ok_or(StatusWord::WRONG_DATA)?);
            Ok(Body::Directory { total_size, files: Vec::new() })
        }
        FileKind::Transparent => {
            let size = size.filter(|size| *size <= 0x7FFF + 256).ok_or(StatusWord::WRONG_DATA)?;
            Ok(Body::Transparent(filled(fcp, size)))
        }
        FileKind::LinearFixed { record_length, count } => {
            records(fcp, RecordShape::LinearFixed, record_length, count, size)
        }
        FileKind::Cyclic { record_length, count } => {
            records(fcp, RecordShape::Cyclic, record_length, count, size)
        }
        FileKind::BerTlv | FileKind::Unknown(_) => Err(StatusWord::WRONG_DATA),
    }
}

/// Records; their number follows from the size, and must agree with the descriptor when it states one.
fn records(
    fcp: &Fcp,
    shape: RecordShape,
    length: u16,
    count: Option<u8>,
    size: Option<usize>,
) -> Result<Body, StatusWord> {
    let length = u8::try_from(length).map_err(|_| StatusWord::WRONG_DATA)?;
    let size = size.ok_or(StatusWord::WRONG_DATA)?;
    let number = size / usize::from(length).max(1);
    let whole = number * usize::from(length) == size && (1..=254).contains(&number);
    if !whole || count.is_some_and(|count| usize::from(count) != number) {
        return Err(StatusWord::WRONG_DATA);
    }
    let records = vec![filled(fcp, usize::from(length)); number];
    Ok(Body::Records { shape, length, records })
}

/// The first content of a file or record: FF, unless the template names a pattern.
fn filled(fcp: &Fcp, size: usize) -> Vec<u8> {
    if let Some([pattern @ .., last]) = fcp.proprietary_value(FILL) {
        let mut out: Vec<u8> = pattern.iter().copied().take(size).collect();
        out.resize(size, *last);
        return out;
    }
    match fcp.proprietary_value(REPEAT) {
        Some(pattern) if !pattern.is_empty() => pattern.iter().copied().cycle().take(size).collect(),
        _ => vec![0xFF; size],
    }
}

//! What the card says about a file: FCP and FCI templates, and STATUS (ETSI TS 102 221, sections 11.1.1.3 and 11.1.2).

use super::{
    VirtualCard,
    command::{Answer, Command},
    files::{NodeId, octets},
};
use crate::{
    lab::image::{Body, RecordShape, encoded},
    wire::{
        apdu::StatusWord,
        arr::KeyRef,
        fcp::{Fcp, FileKind, Order, PinStatus},
        tlv,
    },
};

impl VirtualCard {
    pub(super) fn status(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        if command.p1 > 0x02 {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        let data = match command.p2 {
            0x00 => self.fcp(self.session.here.directory),
            0x01 => {
                let application = self.session.here.application.ok_or(StatusWord::NO_REFERENCE)?;
                let mut out = Vec::new();
                let aid = self.files.file(application).aid.as_deref().unwrap_or_default();
                tlv::write(0x84, aid, &mut out);
                out
            }
            0x0C => return Ok(Answer::done()),
            _ => return Err(StatusWord::WRONG_PARAMETERS),
        };
        command.whole(data.len())?;
        Ok(Answer::data(data))
    }

    /// Template 62.
    pub(super) fn fcp(&self, id: NodeId) -> Vec<u8> {
        self.parameters(id).to_octets(Order::Answer)
    }

    /// Template 6F with the same data objects (ISO/IEC 7816-4, section 5.3.3).
    pub(super) fn fci(&self, id: NodeId) -> Vec<u8> {
        let fcp = self.fcp(id);
        let mut out = Vec::new();
        if let Ok([template]) = tlv::parse_all(&fcp).as_deref() {
            tlv::write(0x6F, template.value, &mut out);
        }
        out
    }

    fn parameters(&self, id: NodeId) -> Fcp {
        let file = self.files.file(id);
        let mut fcp = Fcp::new(kind(&file.body), self.quirks.fid.unwrap_or(file.fid));
        fcp.aid = file.aid.clone();
        fcp.life_cycle = Some(file.life_cycle);
        fcp.security = file.security.clone();
        if let Body::Directory { total_size, .. } = &file.body {
            fcp.total_size = *total_size;
            fcp.pin_status = Some(self.pin_status(id));
        } else {
            fcp.size = Some(octets(&file.body));
            if let Body::Objects { room, objects } = &file.body {
                // What it holds, and how much it may hold at most (card sheet, section 5.2: A5, 86).
                let used = objects.iter().map(|(tag, value)| encoded(*tag, value).len()).sum::<usize>();
                fcp.size = u32::try_from(used).ok();
                fcp.proprietary
                    .get_or_insert_default()
                    .push((Fcp::MAXIMUM_SIZE, room.to_be_bytes().to_vec()));
            }
            fcp.sfi = file.sfi;
        }
        if !file.proprietary.is_empty() {
            let mut list = file.proprietary.clone();
            if let Some((_, value)) = list.iter_mut().find(|(tag, _)| *tag == Fcp::FREE_MEMORY) {
                *value = self.files.free(id).to_be_bytes().to_vec();
            }
            fcp.proprietary.get_or_insert_default().extend(list);
        }
        fcp
    }

    /// The keys of a directory, or of the nearest one above that lists any.
    fn pin_status(&self, directory: NodeId) -> Vec<PinStatus> {
        let mut at = Some(directory);
        while let Some(id) = at {
            let keys = &self.files.file(id).pins;
            if !keys.is_empty() {
                return keys.iter().map(|key| self.pin(*key)).collect();
            }
            at = self.files.parent(id);
        }
        Vec::new()
    }

    fn pin(&self, key: KeyRef) -> PinStatus {
        PinStatus { key, enabled: self.key(key).is_some_and(|k| k.enabled), usage: None }
    }
}

fn kind(body: &Body) -> FileKind {
    match body {
        Body::Directory { .. } => FileKind::Df,
        Body::Transparent(_) => FileKind::Transparent,
        Body::Objects { .. } => FileKind::BerTlv,
        Body::Records { shape, length, records } => {
            let record_length = u16::from(*length);
            let count = u8::try_from(records.len()).ok();
            match shape {
                RecordShape::LinearFixed => FileKind::LinearFixed { record_length, count },
                RecordShape::Cyclic => FileKind::Cyclic { record_length, count },
            }
        }
    }
}

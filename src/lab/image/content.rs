//! Quirks that are in what a card holds: the files of an image, changed.

use super::{Body, CardImage, FileImage, Quirk};
use crate::wire::{
    Encode, Fid, Path,
    arr::{KeyRef, Operation, SecurityCondition},
    fcp::Security,
    pkcs15::{DataObject, DirEntry, Dodf, DodfObject, Odf, OdfEntry, PathRange, Pkcs15Path, Shape},
    tlv,
};

/// The EF(DODF) of somebody else, as a card in the field has it (card sheet, A.1, V6): access control of GlobalPlatform.
const OTHER_DODF: [u8; 43] = [
    0xA1, 0x29, 0x30, 0x00, 0x30, 0x0F, 0x0C, 0x0D, 0x47, 0x50, 0x20, 0x53, 0x45, 0x20, 0x41, 0x63, 0x63,
    0x20, 0x43, 0x74, 0x6C, 0xA1, 0x14, 0x30, 0x12, 0x06, 0x0A, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x81,
    0x48, 0x01, 0x01, 0x30, 0x04, 0x04, 0x02, 0x42, 0x00,
];
/// Where it is.
const OTHER_DODF_FID: Fid = Fid(0x4404);
/// How far paths reach past the end of their file: 01DC octets where 00E0 were made room for (card sheet, 11 (16)).
const PAST_END: u32 = 0x01DC - 0x00E0;

impl CardImage {
    /// Gives the card a quirk that it has not yet; one that is in its files changes them.
    pub fn add_quirk(&mut self, quirk: Quirk) {
        if !self.quirks.insert(quirk) || !quirk.is_content() {
            return;
        }
        match quirk {
            Quirk::SecurityByEnvironment => each_file(&mut self.mf, &by_environment),
            Quirk::CompactRules => self.compact_rules(),
            Quirk::DirWithoutPath | Quirk::NotInDir => change_dir(&mut self.mf, quirk),
            _ => {
                if let Some(directory) = pkcs15(&mut self.mf) {
                    change_application(directory, quirk);
                }
            }
        }
    }

    /// Rules in compact format, as far as that can say them.
    fn compact_rules(&mut self) {
        let arr = self.mf.find(&[Fid::ARR]).map(|f| f.body.clone());
        let compact = |file: &mut FileImage| {
            let Some(Security::Referenced { record, arr: Fid::ARR }) = file.security else { return };
            let Some(Body::Records { records, .. }) = &arr else { return };
            let rules = records.get(usize::from(record).saturating_sub(1));
            let Some(rules) = rules.and_then(|r| crate::wire::arr::AccessRules::decode(r).ok()) else {
                return;
            };
            let mut value = vec![0u8];
            // Security conditions stand in the order of the bits, the highest first.
            let common = [Operation::DeleteSelf, Operation::Activate, Operation::Deactivate];
            let own: &[Operation] = match &file.body {
                Body::Directory { .. } => &[Operation::CreateDf, Operation::CreateEf, Operation::DeleteChild],
                _ => &[Operation::Update, Operation::Read],
            };
            for operation in common.iter().chain(own).copied() {
                let Some(condition) = rules.condition(operation) else { continue };
                if let Some(mode) = value.first_mut() {
                    *mode |= operation.bit();
                }
                value.push(octet(condition));
            }
            file.security = Some(Security::Compact(value));
        };
        each_file(&mut self.mf, &compact);
    }
}

/// A security condition octet: which key it is stands nowhere, so this card takes environment 1 for PIN1 and 2 for ADM1.
fn octet(condition: &SecurityCondition) -> u8 {
    match condition {
        SecurityCondition::Always => 0x00,
        SecurityCondition::Key { key: KeyRef::PIN1, .. } => 0x91,
        SecurityCondition::Key { key: KeyRef::ADM1, .. } => 0x92,
        _ => 0xFF,
    }
}

fn each_file(file: &mut FileImage, change: &dyn Fn(&mut FileImage)) {
    change(file);
    if let Body::Directory { files, .. } = &mut file.body {
        files.iter_mut().for_each(|f| each_file(f, change));
    }
}

fn by_environment(file: &mut FileImage) {
    if let Some(Security::Referenced { arr, record }) = file.security {
        file.security = Some(Security::ReferencedBySe { arr, records: vec![(0x01, record), (0x00, record)] });
    }
}

fn change_dir(mf: &mut FileImage, quirk: Quirk) {
    let Some(dir) = mf.find_mut(&[Fid::DIR]) else { return };
    let Body::Records { records, length, .. } = &mut dir.body else { return };
    for record in records {
        let Some(mut entry) = DirEntry::decode(record).ok().filter(DirEntry::is_pkcs15) else { continue };
        let mut octets = Vec::new();
        if quirk == Quirk::DirWithoutPath {
            entry.path = None;
            octets = entry.to_octets();
        }
        octets.resize(usize::from(*length), 0xFF);
        *record = octets;
    }
}

/// The directory of the PKCS#15 application.
fn pkcs15(mf: &mut FileImage) -> Option<&mut FileImage> {
    let Body::Directory { files, .. } = &mut mf.body else { return None };
    files.iter_mut().find(|f| matches!(f.fid, Fid::PKCS15 | Fid::PKCS15_GENERIC))
}

fn change_application(directory: &mut FileImage, quirk: Quirk) {
    let sizes = |f: &FileImage| f.content().map(|octets| (f.fid, octets.len()));
    let sizes: Vec<(Fid, usize)> = directory.files().iter().filter_map(sizes).collect();
    let Body::Directory { files, .. } = &mut directory.body else { return };
    if quirk == Quirk::NoTokenInfo {
        files.retain(|f| f.fid != Fid::TOKEN_INFO);
        return;
    }
    let Some(dodf) = files.iter_mut().find(|f| f.fid == Fid::DODF) else { return };
    if quirk == Quirk::SeveralDodfs {
        let mut other = dodf.clone();
        other.fid = OTHER_DODF_FID;
        fill(&mut other, &OTHER_DODF, 0xFF);
        files.push(other);
        let Some(odf) = files.iter_mut().find(|f| f.fid == Fid::ODF) else { return };
        let Some(list) = odf.content().and_then(|octets| Odf::decode(octets).ok()) else { return };
        let first = OdfEntry::data_objects(Pkcs15Path::whole(Path::new([OTHER_DODF_FID])));
        let mut octets = first.to_octets();
        octets.extend_from_slice(odf.content().and_then(|o| o.get(..list.used)).unwrap_or_default());
        fill(odf, &octets, 0xFF);
        return;
    }
    let Some(list) = dodf.content().and_then(|octets| Dodf::decode(octets).ok()) else { return };
    let mut entries = Vec::new();
    for entry in list.entries {
        match entry.object {
            DodfObject::File(object) => entries.extend(changed(object, quirk, &sizes)),
            DodfObject::Other { .. } => entries.extend(entry.octets),
        }
    }
    match quirk {
        Quirk::DodfInA7 => {
            let mut outer = Vec::new();
            tlv::write(0xA7, &entries, &mut outer);
            fill(dodf, &outer, 0xFF);
        }
        Quirk::DodfZeroPadding => fill(dodf, &entries, 0x00),
        Quirk::DodfWithoutPadding => dodf.body = Body::Transparent(entries),
        _ => fill(dodf, &entries, 0xFF),
    }
}

/// An entry of EF(DODF) with a quirk.
fn changed(mut object: DataObject, quirk: Quirk, sizes: &[(Fid, usize)]) -> Vec<u8> {
    let size = object.path.path.fids().last().and_then(|fid| sizes.iter().find(|(f, _)| f == fid));
    let size = size.map_or(0, |(_, size)| u32::try_from(*size).unwrap_or(u32::MAX));
    match quirk {
        Quirk::DoubleWrappedOid => object.double_wrapped_oid = true,
        Quirk::OpaqueDo => object = object.with_shape(Shape::OpaqueDo),
        Quirk::OtherLabelPlace => {
            std::mem::swap(&mut object.common_label, &mut object.application_name);
        }
        Quirk::PathLengthAsInteger => object.path.range = Some(PathRange { index: 0, length: size }),
        Quirk::PathPastEnd => {
            object.path.range = Some(PathRange { index: 0, length: size.saturating_add(PAST_END) });
        }
        _ => {}
    }
    let mut octets = object.to_octets();
    if quirk == Quirk::PathLengthAsInteger {
        // Index 0, then the tag of the length.
        let index = [0x02, 0x01, 0x00, 0x80];
        if let Some(at) = octets.windows(index.len()).rposition(|w| w == index)
            && let Some(tag) = octets.get_mut(at + 3)
        {
            *tag = 0x02;
        }
    }
    octets
}

/// Puts octets into a transparent file, which keeps its size where they fit.
fn fill(file: &mut FileImage, octets: &[u8], padding: u8) {
    let Body::Transparent(content) = &mut file.body else { return };
    let size = content.len().max(octets.len());
    *content = octets.to_vec();
    content.resize(size, padding);
}

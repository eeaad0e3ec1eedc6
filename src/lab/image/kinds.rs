//! Sample cards of other kinds than the UICC: made from the tree of a UICC, whose access rules each file then carries itself.

use super::{Body, FileImage, Personality};
use crate::wire::{
    Fid,
    arr::AccessRules,
    fcp::{Security, Sfi},
    pkcs15,
};

/// Makes the tree of a sample UICC that of another kind of card. `rules` are the records of its EF(ARR).
pub(super) fn change(mf: &mut FileImage, personality: Personality, rules: &[Vec<u8>]) {
    if matches!(personality, Personality::Uicc | Personality::Uicc2g) {
        return;
    }
    own_rules(mf, rules);
    mf.proprietary.clear();
    let is_token = personality == Personality::Token;
    let Body::Directory { files, .. } = &mut mf.body else { return };
    files.retain(|f| f.fid != Fid::ARR && f.fid != Fid(0x2F05));
    if is_token {
        files.retain(|f| f.fid != Fid::ICCID && f.fid != Fid(0x7FD0));
    }
    for file in files.iter_mut() {
        if file.fid == Fid(0x7FD0) {
            // DF(GSM), with the EF(IMSI) of the USIM.
            file.fid = Fid(0x7F20);
        }
        if file.fid == Fid::PKCS15 && is_token {
            file.fid = Fid::PKCS15_GENERIC;
        } else {
            file.aid = None;
        }
        if file.fid == Fid::DIR {
            only_pkcs15(file, is_token);
        }
    }
    if personality == Personality::Ruim {
        // DF(CDMA) with EF(AD), by which people tell such a card.
        let mut ad = FileImage::new(Fid(0x6F43), Body::Transparent(vec![0x00, 0x00, 0x00]));
        ad.security = files.iter().find(|f| f.fid == Fid::ICCID).and_then(|f| f.security.clone());
        let body = Body::Directory { total_size: None, files: vec![ad] };
        files.push(FileImage::new(Fid(0x7F25), body));
    }
}

/// Gives each file the rules that it names, and takes away what only a UICC has.
fn own_rules(file: &mut FileImage, rules: &[Vec<u8>]) {
    if let Some(Security::Referenced { record, .. }) = &file.security {
        let record = usize::from(*record).checked_sub(1).and_then(|at| rules.get(at));
        file.security = record.and_then(|r| AccessRules::decode(r).ok()).map(Security::Expanded);
    }
    file.sfi = Sfi::None;
    if let Body::Directory { files, .. } = &mut file.body {
        files.retain(|f| f.fid != Fid::ARR_APPLICATION);
        files.iter_mut().for_each(|f| own_rules(f, rules));
    }
}

/// Leaves the PKCS#15 application alone in EF(DIR); a token does not say where its directory is.
fn only_pkcs15(dir: &mut FileImage, without_path: bool) {
    let Body::Records { records, length, .. } = &mut dir.body else { return };
    for record in records.iter_mut() {
        let entry = pkcs15::DirEntry::decode(record).ok().filter(pkcs15::DirEntry::is_pkcs15);
        let octets = match entry {
            Some(mut entry) => {
                if without_path {
                    entry.path = None;
                }
                crate::wire::Encode::to_octets(&entry)
            }
            None => Vec::new(),
        };
        *record = octets;
        record.resize(usize::from(*length), 0xFF);
    }
}

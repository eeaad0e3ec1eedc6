//! Sample cards: a USIM as an operator might have ordered it, in the states that a provisioning station meets.

use std::{fmt, str::FromStr};

use super::{Body, CardImage, FileImage, Hex, KeyImage, Personality, RecordShape, kinds};
use crate::{
    card::Protocol,
    ident::{AdmKey, Iccid, Imsi},
    wire::{
        Encode, Fid,
        arr::{AccessMode, AccessRules, KeyRef, Operation, SecurityCondition},
        ef, tlv,
        usim::{self, SettingsFile, Structure},
    },
};

/// How far a sample card is prepared for bootstrap files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// No PKCS#15 application; ADM1 may create files, and EF(DIR) has free records.
    Bare,
    /// A PKCS#15 application with empty bootstrap EFs for CP (6431) and DM (6432) that anybody may read and ADM1
    /// may write; ADM1 may create more.
    Prepared,
    /// As `Prepared`, but PIN1 is switched on and needed to read the bootstrap EFs.
    Pin,
    /// No PKCS#15 application, and nobody may create files or write EF(DIR).
    Closed,
}

impl SampleKind {
    /// All of them with their names.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Bare, "bare"), (Self::Prepared, "prepared"), (Self::Pin, "pin"), (Self::Closed, "closed")];
}

impl fmt::Display for SampleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name))
    }
}

/// There is no such kind of sample card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sample card is one of: bare, prepared, pin, closed")]
pub struct SampleKindError;

impl FromStr for SampleKind {
    type Err = SampleKindError;

    fn from_str(text: &str) -> Result<Self, SampleKindError> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind).ok_or(SampleKindError)
    }
}

/// What goes into a sample card.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What kind of card it is. Cards of class A0 cannot create files, so a bare one takes no bootstrap, and class A0 is
    /// spoken on T=0 alone: a SIM and an R-UIM have no other protocol, and a UICC of two classes has no 2G mode on T=1.
    pub personality: Personality,
    /// How far it is prepared.
    pub kind: SampleKind,
    /// Its number.
    pub iccid: Iccid,
    /// Its subscriber.
    pub imsi: Imsi,
    /// Its administrative key.
    pub adm: AdmKey,
    /// Which one that is: 0A is ADM1. A card of class A0 tells it as an access level, 4 to E.
    pub adm_ref: KeyRef,
    /// The protocol that it speaks.
    pub protocol: Protocol,
    /// Octets of each bootstrap EF of a prepared card.
    pub bootstrap_size: u16,
    /// Octets that files may take up in all.
    pub memory: u32,
    /// Whether the USIM has all settings files, and not EF(ACL) and EF(MMSICP) alone.
    pub all_settings: bool,
}

/// Number and subscriber of a sample card, where no others are given. No network has their country.
pub const SAMPLE_ICCID: &str = "89001010000000000018";
/// See [`SAMPLE_ICCID`].
pub const SAMPLE_IMSI: &str = "001010123456789";

/// ADM1 of a sample card, as octets and as people write it: `12345678`.
const ADM1: [u8; 8] = *b"12345678";
/// PIN1 of a sample card, as people enter it.
pub const SAMPLE_PIN: &str = "1234";
/// PUK of PIN1 of a sample card; that of PIN2 is `27182818`.
pub const SAMPLE_PUK: &str = "31415926";
/// The PIN as the card has it.
const PIN1: [u8; 8] = *b"1234\xFF\xFF\xFF\xFF";
/// PIN2 of a sample card: `5678`.
const PIN2: [u8; 8] = *b"5678\xFF\xFF\xFF\xFF";
/// PUKs as the card has them.
const PUKS: [[u8; 8]; 2] = [*b"31415926", *b"27182818"];

/// T=0, then global interface octets; the historical octets name a UICC and end in `LAB0` (TS 102 221, section 6.3).
const ATR_T0: &str = "3B9C95801FC78031E073FE211B644C414230AC";
/// T=1 with an information field of 254 octets; otherwise the same, `LAB1`.
const ATR_T1: &str = "3B9C9581B1FE451FC78031E073FE211B644C414231A6";

/// Whether an answer to reset is that of a sample card: no card that is sold has these historical octets.
pub fn is_sample(atr: &[u8]) -> bool {
    let hex: String = atr.iter().map(|octet| format!("{octet:02X}")).collect();
    [ATR_T0, ATR_T1].contains(&hex.as_str())
}

/// AID of the USIM application: the code of the 3GPP, then a country and an issuer that do not exist.
const USIM_AID: &str = "A0000000871002FFFFFFFF8907090000";
/// AID of PKCS#15.
const PKCS15_AID: &str = "A000000063504B43532D3135";

/// Octets that the objects of a settings file may take up.
const OBJECTS_ROOM: u32 = 2048;
/// Octets of a record of EF(DIR) and EF(ARR).
const RECORD_LENGTH: u8 = 48;

/// Record numbers of EF(ARR) under the MF (2F06) and in the USIM (6F06), which has the same records.
mod rule {
    /// Directory: ADM1 creates and deletes.
    pub(super) const DIRECTORY_ADM: u8 = 1;
    /// EF: everybody reads, ADM1 does the rest.
    pub(super) const READ_ALWAYS: u8 = 2;
    /// EF: everybody reads, nobody writes.
    pub(super) const READ_ONLY: u8 = 3;
    /// EF: PIN1 reads, ADM1 does the rest.
    pub(super) const READ_PIN: u8 = 4;
    /// Directory: nobody creates or deletes.
    pub(super) const DIRECTORY_CLOSED: u8 = 5;
    /// EF: everybody reads, PIN1 writes.
    pub(super) const WRITE_PIN: u8 = 6;
}

impl Sample {
    /// A sample card with T=0, 64 KB, ADM1 `12345678` and bootstrap EFs of 4 KB.
    pub fn new(kind: SampleKind, iccid: Iccid, imsi: Imsi) -> Self {
        Self {
            personality: Personality::Uicc,
            kind,
            iccid,
            imsi,
            adm: AdmKey::from_octets(ADM1),
            adm_ref: KeyRef::ADM1,
            protocol: Protocol::T0,
            bootstrap_size: 4096,
            memory: 0x1_0000,
            all_settings: false,
        }
    }

    /// The same with bootstrap EFs of that size, and memory for them.
    #[must_use]
    pub fn with_bootstrap_size(mut self, octets: u16) -> Self {
        self.bootstrap_size = octets;
        self.memory = self.memory.max(0x4000 + 2 * u32::from(octets));
        self
    }

    /// The card.
    pub fn image(&self) -> CardImage {
        let prepared = matches!(self.kind, SampleKind::Prepared | SampleKind::Pin);
        let closed = self.kind == SampleKind::Closed;
        let dir_rule = if closed { rule::READ_ONLY } else { rule::READ_ALWAYS };
        let mut applications = vec![application(USIM_AID, b"USIM", None)];
        if prepared {
            applications.push(application(PKCS15_AID, b"PKCS-15", Some(&[0x3F, 0x00, 0x7F, 0x50])));
        }
        applications.resize(4, Vec::new());
        let mut files = vec![
            records(Fid::DIR, applications).ruled_by(Fid::ARR, dir_rule).with_sfi(0x1E),
            transparent(Fid(0x2F05), b"en", 10).ruled_by(Fid::ARR, rule::WRITE_PIN).with_sfi(0x05),
            records(Fid::ARR, rules(self.adm_ref)).ruled_by(Fid::ARR, rule::READ_ONLY).with_sfi(0x06),
            transparent(Fid::ICCID, &ef::encode_iccid(&self.iccid), 10)
                .ruled_by(Fid::ARR, rule::READ_ONLY)
                .with_sfi(0x02),
        ];
        if prepared {
            files.push(self.pkcs15());
        }
        files.push(self.usim());
        let mut mf = FileImage::new(Fid::MF, Body::Directory { total_size: None, files });
        mf = mf.ruled_by(Fid::ARR, if closed { rule::DIRECTORY_CLOSED } else { rule::DIRECTORY_ADM });
        mf.pins = vec![KeyRef::PIN1, KeyRef::PIN2, self.adm_ref];
        mf.proprietary = vec![(0x80, vec![0x71]), (0x83, vec![0; 4]), (0x87, vec![0x01])];
        let protocol = if self.personality.speaks_3g() { self.protocol } else { Protocol::T0 };
        let atr = match protocol {
            Protocol::T0 => ATR_T0,
            Protocol::T1 => ATR_T1,
        };
        let pin1 = KeyImage::new(KeyRef::PIN1, PIN1).with_puk(PUKS[0]);
        kinds::change(&mut mf, self.personality, &rules(self.adm_ref));
        CardImage {
            personality: self.personality,
            quirks: std::collections::BTreeSet::new(),
            atr: octets(atr),
            protocol,
            memory: self.memory,
            keys: vec![
                if self.kind == SampleKind::Pin { pin1 } else { pin1.disabled() },
                KeyImage::new(KeyRef::PIN2, PIN2).with_puk(PUKS[1]),
                KeyImage::new(self.adm_ref, *self.adm.expose()),
            ],
            mf,
        }
    }

    /// The PKCS#15 application with EFs that wait for a bootstrap (card sheet, section 2 and appendix A.5).
    fn pkcs15(&self) -> FileImage {
        let content = if self.kind == SampleKind::Pin { rule::READ_PIN } else { rule::READ_ALWAYS };
        let dodf = [
            octets("A11F3000300B0C09426F6F747374726170A10E300C0604672B0501300404026431").0,
            octets("A1223000300E0C0C444D20426F6F747374726170A10E300C0604672B0701300404026432").0,
        ];
        let files = vec![
            transparent(Fid::ODF, &octets("A706300404026430").0, 32),
            transparent(Fid::TOKEN_INFO, &token_info(&self.iccid), 64),
            transparent(Fid::DODF, &dodf.concat(), 256),
        ];
        let mut files: Vec<_> = files.into_iter().map(|f| f.ruled_by(Fid::ARR, rule::READ_ALWAYS)).collect();
        for fid in [Fid(0x6431), Fid(0x6432)] {
            files.push(transparent(fid, &[], usize::from(self.bootstrap_size)).ruled_by(Fid::ARR, content));
        }
        let mut df = FileImage::new(Fid::PKCS15, Body::Directory { total_size: None, files });
        df.aid = Some(octets(PKCS15_AID).0);
        df.proprietary = vec![(0x83, vec![0; 4])];
        df.ruled_by(Fid::ARR, rule::DIRECTORY_ADM)
    }

    fn usim(&self) -> FileImage {
        let mut files = vec![
            records(Fid::ARR_APPLICATION, rules(self.adm_ref))
                .ruled_by(Fid::ARR_APPLICATION, rule::READ_ONLY)
                .with_sfi(0x17),
            transparent(Fid::IMSI, &ef::encode_imsi(&self.imsi), ef::IMSI_LENGTH)
                .ruled_by(Fid::ARR_APPLICATION, rule::READ_PIN)
                .with_sfi(0x07),
            // EF(AD): normal operation, two digits of the IMSI are the network's.
            transparent(Fid(0x6FAD), &[0x00, 0x00, 0x00, 0x02], 4)
                .ruled_by(Fid::ARR_APPLICATION, rule::READ_ALWAYS)
                .with_sfi(0x03),
        ];
        let two = [SettingsFile::AccessPoints, SettingsFile::MmsIssuer];
        let has = SettingsFile::ALL.into_iter().filter(|file| self.all_settings || two.contains(file));
        let has: Vec<SettingsFile> = has.collect();
        let served: Vec<u16> = has.iter().flat_map(|file| file.services().iter().copied()).collect();
        // EF(UST) says which of them count; a short one ends before the services of later releases.
        let length = if self.all_settings { 17 } else { 15 };
        files.push(
            transparent(usim::SERVICES, &services(&served, length), length)
                .ruled_by(Fid::ARR_APPLICATION, rule::READ_ALWAYS)
                .with_sfi(0x04),
        );
        files.extend(has.into_iter().map(|file| {
            let empty = match file.structure() {
                Structure::Transparent => transparent(file.fid(), &[], 64),
                Structure::Records => records(file.fid(), vec![Vec::new(); 3]),
                Structure::Objects => {
                    FileImage::new(file.fid(), Body::Objects { room: OBJECTS_ROOM, objects: Vec::new() })
                }
            };
            empty.ruled_by(Fid::ARR_APPLICATION, rule::READ_PIN)
        }));
        let mut adf = FileImage::new(Fid(0x7FD0), Body::Directory { total_size: None, files });
        adf.aid = Some(octets(USIM_AID).0);
        adf.proprietary = vec![(0x80, vec![0x71])];
        adf.ruled_by(Fid::ARR, rule::DIRECTORY_CLOSED)
    }
}

/// EF(UST) with these services.
fn services(numbers: &[u16], length: usize) -> Vec<u8> {
    let mut octets = vec![0; length];
    for number in numbers {
        let bit = usize::from(number - 1);
        if let Some(octet) = octets.get_mut(bit / 8) {
            *octet |= 1 << (bit % 8);
        }
    }
    octets
}

/// The records of EF(ARR), in the order of [`rule`].
fn rules(adm: KeyRef) -> Vec<Vec<u8>> {
    use Operation::{Activate, CreateDf, CreateEf, Deactivate, DeleteChild, DeleteSelf, Read, Update};
    let (always, never) = (SecurityCondition::Always, SecurityCondition::Never);
    let (pin, adm) = (SecurityCondition::key(KeyRef::PIN1), SecurityCondition::key(adm));
    let records: [&[(&[Operation], &SecurityCondition)]; 6] = [
        &[(&[DeleteChild, CreateEf, CreateDf, Deactivate, Activate, DeleteSelf], &adm)],
        &[(&[Read], &always), (&[Update, Deactivate, Activate, DeleteSelf], &adm)],
        &[(&[Read], &always), (&[Update, DeleteSelf], &never), (&[Deactivate, Activate], &adm)],
        &[(&[Read], &pin), (&[Update, Deactivate, Activate, DeleteSelf], &adm)],
        &[(&[DeleteChild, CreateEf, CreateDf, DeleteSelf], &never), (&[Deactivate, Activate], &adm)],
        &[(&[Read], &always), (&[Update], &pin), (&[Deactivate, Activate], &adm)],
    ];
    let record = |pairs: &[(&[Operation], &SecurityCondition)]| {
        let rules = pairs.iter().map(|(operations, condition)| {
            let bits = operations.iter().fold(0, |bits, o| bits | o.bit());
            (AccessMode::Operations(bits), (*condition).clone())
        });
        AccessRules(rules.collect()).to_octets()
    };
    records.into_iter().map(record).collect()
}

/// A record of EF(DIR): application template with AID, label and path (ETSI TS 102 221, section 13.1).
fn application(aid: &str, label: &[u8], path: Option<&[u8]>) -> Vec<u8> {
    let (mut inner, mut out) = (Vec::new(), Vec::new());
    tlv::write(0x4F, &octets(aid).0, &mut inner);
    tlv::write(0x50, label, &mut inner);
    if let Some(path) = path {
        tlv::write(0x51, path, &mut inner);
    }
    tlv::write(0x61, &inner, &mut out);
    out
}

/// A small EF(TokenInfo): version 1, the card's number, a label, no flags (PKCS#15 1.1, section 6.9).
fn token_info(iccid: &Iccid) -> Vec<u8> {
    let (mut inner, mut out) = (Vec::new(), Vec::new());
    tlv::write(0x02, &[0x00], &mut inner);
    tlv::write(0x04, &ef::encode_iccid(iccid), &mut inner);
    tlv::write(0x80, b"PKCS-15", &mut inner);
    tlv::write(0x03, &[0x00], &mut inner);
    tlv::write(0x30, &inner, &mut out);
    out
}

fn transparent(fid: Fid, content: &[u8], size: usize) -> FileImage {
    let mut octets = content.to_vec();
    octets.resize(size, 0xFF);
    FileImage::new(fid, Body::Transparent(octets))
}

fn records(fid: Fid, mut records: Vec<Vec<u8>>) -> FileImage {
    records.iter_mut().for_each(|r| r.resize(usize::from(RECORD_LENGTH), 0xFF));
    FileImage::new(fid, Body::Records { shape: RecordShape::LinearFixed, length: RECORD_LENGTH, records })
}

/// Octets of a constant of this file; the test below reads them all.
fn octets(text: &str) -> Hex {
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_reset_end_in_their_check_octet() {
        for atr in [ATR_T0, ATR_T1] {
            let atr = octets(atr).0;
            assert_eq!(atr[1..].iter().fold(0, |x, o| x ^ o), 0, "{atr:02X?}");
        }
    }

    #[test]
    fn every_kind_has_a_name_and_an_image() {
        let iccid: Iccid = Iccid::from_card("8988211000000430010").unwrap();
        let imsi: Imsi = "001010123456789".parse().unwrap();
        for (kind, name) in SampleKind::ALL {
            assert_eq!(name.parse(), Ok(kind));
            assert_eq!(kind.to_string(), name);
            let image = Sample::new(kind, iccid.clone(), imsi.clone()).image();
            let prepared = matches!(kind, SampleKind::Prepared | SampleKind::Pin);
            assert_eq!(image.mf.find(&[Fid::PKCS15, Fid(0x6431)]).is_some(), prepared);
            let aids: Vec<_> = image.mf.files().iter().filter_map(|f| f.aid.as_ref()).map(Vec::len).collect();
            assert_eq!(aids, if prepared { vec![12, 16] } else { vec![16] });
        }
        assert!("full".parse::<SampleKind>().is_err());
        for record in rules(KeyRef::ADM1) {
            assert!(record.len() <= usize::from(RECORD_LENGTH) && AccessRules::decode(&record).is_ok());
        }
    }
}

//! Files of a USIM that hold settings: the "3GPP file" that a bootstrap may come from, as far as 3GPP TS 31.102 has such files
//! (card sheet, section 9). None of them carries a bootstrap of OMA; what they hold is read, and all but two can be written: what
//! is in EF(MMSN) comes from the network and what is in EF(GBABP) is of one run of the authentication, so nobody can know it before.
//!
//! Names, identifiers and service numbers are from an implementation; the tag of an access point name and the way it is
//! written are remembered only.

mod content;
mod mms;
mod nas;

pub use content::{AccessPoints, Configuration, MmsParameters, Setting, settings};
pub use mms::{MmsField, MmsPreferences};
pub use nas::{NasConfiguration, NasParameter};

use super::Fid;

/// AID of a USIM as far as all have it in common: the code of the 3GPP, then USIM (3GPP TS 31.110).
pub const AID: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];
/// 6F38: EF(UST), which services the USIM has; service `n` is bit `n - 1`, counted from the lowest of the first octet.
pub const SERVICES: Fid = Fid(0x6F38);

/// How a file is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// Octets.
    Transparent,
    /// Records.
    Records,
    /// Data objects, read by RETRIEVE DATA: 80 says how the text in 81 is encoded.
    Objects,
}

impl Structure {
    /// What such a file is.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transparent => "a transparent file",
            Self::Records => "a file of records",
            Self::Objects => "a file of data objects",
        }
    }
}

/// A file of a USIM that holds settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingsFile {
    /// EF(ACL): which access points may be used.
    AccessPoints,
    /// EF(MMSN): MMS notifications.
    MmsNotifications,
    /// EF(MMSICP): where MMS goes, as the issuer says.
    MmsIssuer,
    /// EF(MMSUP): preferences of the user for MMS.
    MmsPreferences,
    /// EF(MMSUCP): where MMS goes, as the user says.
    MmsUser,
    /// EF(GBABP): parameters of the generic bootstrapping architecture.
    Gba,
    /// EF(NASCONFIG): non-access stratum; the same settings as the object of TS 24.368 (remembered).
    Nas,
    /// EF(IMSConfigData).
    Ims,
    /// EF(XCAPConfigData).
    Xcap,
    /// EF(MuDMiDConfigData): several devices and several identities of one user.
    MultiDevice,
}

impl SettingsFile {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::AccessPoints,
        Self::MmsNotifications,
        Self::MmsIssuer,
        Self::MmsPreferences,
        Self::MmsUser,
        Self::Gba,
        Self::Nas,
        Self::Ims,
        Self::Xcap,
        Self::MultiDevice,
    ];

    /// Its identifier in the directory of the USIM.
    pub fn fid(self) -> Fid {
        Fid(match self {
            Self::AccessPoints => 0x6F57,
            Self::MmsNotifications => 0x6FCE,
            Self::MmsIssuer => 0x6FD0,
            Self::MmsPreferences => 0x6FD1,
            Self::MmsUser => 0x6FD2,
            Self::Gba => 0x6FD6,
            Self::Nas => 0x6FE8,
            Self::Ims => 0x6FF8,
            Self::Xcap => 0x6FFC,
            Self::MultiDevice => 0x6FFE,
        })
    }

    /// The services in EF(UST) that all must be on for the file to count; that of the last is from an implementation alone.
    pub fn services(self) -> &'static [u16] {
        match self {
            Self::AccessPoints => &[35],
            Self::MmsNotifications | Self::MmsIssuer | Self::MmsPreferences => &[52],
            Self::MmsUser => &[52, 55],
            Self::Gba => &[68],
            Self::Nas => &[96],
            Self::Ims => &[115],
            Self::Xcap => &[120],
            Self::MultiDevice => &[134],
        }
    }

    /// How it is built.
    pub fn structure(self) -> Structure {
        match self {
            Self::MmsNotifications | Self::MmsPreferences => Structure::Records,
            Self::Ims | Self::Xcap | Self::MultiDevice => Structure::Objects,
            _ => Structure::Transparent,
        }
    }

    /// The tags of the data objects that it has as far as is known; none in other files.
    pub fn tags(self) -> &'static [u8] {
        match self {
            Self::Ims | Self::MultiDevice => &[0x80, 0x81],
            Self::Xcap => &[0x80, 0xA0],
            _ => &[],
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessPoints => "EF(ACL)",
            Self::MmsNotifications => "EF(MMSN)",
            Self::MmsIssuer => "EF(MMSICP)",
            Self::MmsPreferences => "EF(MMSUP)",
            Self::MmsUser => "EF(MMSUCP)",
            Self::Gba => "EF(GBABP)",
            Self::Nas => "EF(NASCONFIG)",
            Self::Ims => "EF(IMSConfigData)",
            Self::Xcap => "EF(XCAPConfigData)",
            Self::MultiDevice => "EF(MuDMiDConfigData)",
        }
    }

    /// Whether EF(UST) says that the services of this file are there.
    pub fn is_served(self, services: &[u8]) -> bool {
        self.services().iter().all(|service| {
            let bit = usize::from(service - 1);
            services.get(bit / 8).is_some_and(|octet| octet >> (bit % 8) & 1 == 1)
        })
    }
}

/// What a settings file is to hold. `Debug` shows how much: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsContent {
    /// Which file.
    pub file: SettingsFile,
    /// All octets of a transparent file; of the others records, or data objects with tags and lengths, the one first that leads to
    /// the rest.
    pub parts: Vec<Vec<u8>>,
}

impl SettingsContent {
    /// The octets of a transparent file.
    pub fn octets(file: SettingsFile, octets: Vec<u8>) -> Self {
        Self { file, parts: vec![octets] }
    }

    /// How many octets it has in all.
    pub fn length(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }
}

impl std::fmt::Debug for SettingsContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SettingsContent({}, [{} octets])", self.file, self.length())
    }
}

impl std::fmt::Display for SettingsFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for SettingsFile {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests;

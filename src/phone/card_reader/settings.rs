//! What a phone takes from the settings files of a USIM (3GPP TS 31.102; card sheet, section 9): the access points that it may use,
//! how it sends multimedia messages, and its configuration for the IMS. A file whose service EF(UST) does not list is passed
//! over, and so is content that cannot be read to its end.

use crate::wire::{
    DecodeError, Fid,
    apdu::StatusWord,
    fcp::{Fcp, FileKind},
    tlv::{Tlv, strip_padding},
    usim::{self, AccessPoints, MmsPreferences, SettingsFile},
};

use super::{
    CardError, CardPort, fcp_of,
    port::{Class, Contact},
};

/// What a phone takes from the settings files of a USIM.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct UsimSettings {
    /// EF(ACL).
    pub access_points: Vec<String>,
    /// EF(MMSUP).
    pub mms_preferences: Vec<MmsPreferences>,
    /// EF(IMSConfigData).
    pub ims: Option<String>,
    /// Files with content that the phone does not go by, and why.
    pub refused: Vec<(SettingsFile, String)>,
}

/// The most octets of a transparent file and the most records that are read.
const MAX_OCTETS: usize = 1024;
const MAX_RECORDS: u8 = 32;
/// The encoding of a configuration that this phone reads.
const ENCODING: u8 = 0x00;

/// Reads the settings files of the USIM in the phone. A card without one has none.
///
/// # Errors
/// [`CardError`] when the card stops answering.
pub fn usim_settings(card: &mut dyn CardPort) -> Result<UsimSettings, CardError> {
    let mut contact = Contact::new(card);
    let mut settings = UsimSettings::default();
    contact.select(Fid::MF)?;
    if contact.class() == Class::Gsm || !contact.select_application(&usim::AID)?.sw.is_ok() {
        return Ok(settings);
    }
    let services = octets(&mut contact, usim::SERVICES)?.unwrap_or_default();
    for file in UsimSettings::FILES.into_iter().filter(|file| file.is_served(&services)) {
        match file {
            SettingsFile::AccessPoints => {
                let octets = octets(&mut contact, file.fid())?.unwrap_or_default();
                let names = first_is_there(&octets).map(AccessPoints::decode);
                settings.take(file, names, |settings, names| settings.access_points = names.0);
            }
            SettingsFile::MmsPreferences => {
                for record in records(&mut contact, file.fid())? {
                    let read =
                        first_is_there(&record).map(|record| MmsPreferences::decode(strip_padding(record)));
                    settings
                        .take(file, read, |settings, preferences| settings.mms_preferences.push(preferences));
                }
            }
            _ => {
                if contact.select(file.fid())?.sw.is_ok() {
                    let (encoding, text) = (contact.retrieve(0x80)?, contact.retrieve(0x81)?);
                    let read = encoding.zip(text).map(|(encoding, text)| configuration(&encoding, &text));
                    settings.take(file, read, |settings, text| settings.ims = Some(text));
                }
            }
        }
    }
    Ok(settings)
}

impl UsimSettings {
    /// The files that this phone goes by.
    pub const FILES: [SettingsFile; 3] =
        [SettingsFile::AccessPoints, SettingsFile::MmsPreferences, SettingsFile::Ims];

    fn take<T>(
        &mut self,
        file: SettingsFile,
        read: Option<Result<T, DecodeError>>,
        put: impl FnOnce(&mut Self, T),
    ) {
        match read {
            Some(Ok(value)) => put(self, value),
            Some(Err(error)) => self.refused.push((file, error.to_string())),
            None => {}
        }
    }
}

impl std::fmt::Display for UsimSettings {
    /// A line for each thing that it goes by.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for name in &self.access_points {
            writeln!(f, "  access point = {name}")?;
        }
        for setting in self.mms_preferences.iter().flat_map(MmsPreferences::settings) {
            writeln!(f, "  {} = {}", setting.name, setting.value)?;
        }
        if let Some(text) = &self.ims {
            writeln!(f, "  configuration for the IMS: {}", crate::ident::counted(text.len(), "octet"))?;
        }
        for (file, why) in &self.refused {
            writeln!(f, "  {file} is passed over: {why}")?;
        }
        if *self == Self::default() {
            writeln!(f, "  nothing")?;
        }
        let names = Self::FILES.map(SettingsFile::name);
        write!(f, "  (it goes by {}, as far as EF(UST) lists them)", names.join(", "))
    }
}

/// A file whose first octet is FF is empty.
fn first_is_there(octets: &[u8]) -> Option<&[u8]> {
    (!matches!(octets.first(), None | Some(0xFF))).then_some(octets)
}

/// The text of a configuration in the encoding that this phone reads.
fn configuration(encoding: &[u8], text: &[u8]) -> Result<String, DecodeError> {
    use crate::wire::Decode;
    let encoding = Tlv::decode_exact(encoding)?.octet("encoding")?;
    if encoding != ENCODING {
        return Err(DecodeError::invalid("encoding", 2, format!("{encoding:02X}, expected 00")));
    }
    let text = Tlv::decode_exact(text)?;
    let why = |_| DecodeError::invalid("configuration", text.at, "no text in UTF-8");
    std::str::from_utf8(text.value).map(str::to_owned).map_err(why)
}

/// The octets of a transparent file; none when there is no such file, or it is not to be read.
fn octets(contact: &mut Contact<'_>, fid: Fid) -> Result<Option<Vec<u8>>, CardError> {
    let Some(fcp) = select(contact, fid)? else { return Ok(None) };
    let size = fcp.size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0).min(MAX_OCTETS);
    let mut octets = Vec::new();
    while octets.len() < size {
        let le = u8::try_from(size - octets.len()).unwrap_or(u8::MAX);
        let answer = contact.read_binary(u16::try_from(octets.len()).unwrap_or(u16::MAX), le)?;
        if !answer.sw.is_ok() || answer.data.is_empty() {
            return Ok(None);
        }
        octets.extend(answer.data);
    }
    Ok(Some(octets))
}

fn records(contact: &mut Contact<'_>, fid: Fid) -> Result<Vec<Vec<u8>>, CardError> {
    let Some(fcp) = select(contact, fid)? else { return Ok(Vec::new()) };
    let FileKind::LinearFixed { record_length, .. } = fcp.kind() else { return Ok(Vec::new()) };
    let mut records = Vec::new();
    for number in 1..=MAX_RECORDS {
        let answer = contact.read_record(number, u8::try_from(record_length).unwrap_or(0))?;
        if answer.sw != StatusWord::OK {
            break;
        }
        records.push(answer.data);
    }
    Ok(records)
}

fn select(contact: &mut Contact<'_>, fid: Fid) -> Result<Option<Fcp>, CardError> {
    let answer = contact.select(fid)?;
    Ok(fcp_of(&answer.data).filter(|_| answer.sw.is_ok()))
}

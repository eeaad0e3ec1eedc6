//! What stands in settings files of a USIM (3GPP TS 31.102, section 4.2; which fields there are is from an implementation).

use crate::wire::{Decode, DecodeError, Encode, Reader, tlv, tlv::strip_padding};

use super::{MmsPreferences, SettingsFile, nas};

/// One setting, for people: what it is, and its value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Setting {
    /// What it is.
    pub name: String,
    /// Its value; octets that are no text in hexadecimal.
    pub value: String,
}

impl Setting {
    pub(super) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// What a settings file says. Empty when it holds nothing but padding.
///
/// # Errors
/// Any [`DecodeError`].
pub fn settings(file: SettingsFile, octets: &[u8]) -> Result<Vec<Setting>, DecodeError> {
    if octets.iter().all(|octet| *octet == 0xFF) {
        return Ok(Vec::new());
    }
    match file {
        SettingsFile::AccessPoints => {
            let list = AccessPoints::decode(octets)?;
            Ok(list.0.into_iter().map(|name| Setting::new("access point", name)).collect())
        }
        SettingsFile::MmsIssuer | SettingsFile::MmsUser => Ok(MmsParameters::decode(octets)?.settings()),
        SettingsFile::MmsPreferences => Ok(preferences(octets)),
        SettingsFile::Gba => gba(octets),
        SettingsFile::Ims | SettingsFile::MultiDevice => configuration(octets),
        SettingsFile::Xcap => xcap(octets),
        SettingsFile::Nas => nas::settings(octets),
        SettingsFile::MmsNotifications => Ok(vec![Setting::new("record", shown(strip_padding(octets)))]),
    }
}

/// EF(ACL): the access points that may be used.
///
/// | octet | field                                                                              |
/// |-------|------------------------------------------------------------------------------------|
/// | 0     | how many                                                                           |
/// | 1..   | for each DD (remembered), length, and its labels with their lengths (TS 23.003)    |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPoints(pub Vec<String>);

/// Tag of an access point name.
const ACCESS_POINT: u16 = 0xDD;

impl AccessPoints {
    /// The most that one octet can count; FF would be an empty file.
    pub const MAX: usize = 254;

    /// Reads the file.
    ///
    /// # Errors
    /// [`DecodeError`] when there are fewer than it says, or a name is none.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(octets);
        let count = r.u8("number of access points")?;
        let mut names = Vec::new();
        for _ in 0..count {
            let at = r.position();
            let object = tlv::Tlv::decode(&mut r)?;
            if object.tag != ACCESS_POINT {
                let why = format!("tag {:02X}, expected DD", object.tag);
                return Err(DecodeError::invalid("access point name", at, why));
            }
            names.push(labels(object.value).ok_or_else(|| {
                DecodeError::invalid("access point name", object.at, "no labels with their lengths")
            })?);
        }
        Ok(Self(names))
    }

    /// True when the names can be written: no more than [`Self::MAX`], each of labels of 1 to 63 characters, 100 octets at
    /// most (3GPP TS 23.003, section 9.1).
    pub fn can_be_written(&self) -> bool {
        let fits = |name: &String| {
            name.len() < 100
                && name.is_ascii()
                && name.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        };
        self.0.len() <= Self::MAX && self.0.iter().all(fits)
    }
}

impl Encode for AccessPoints {
    /// Names that cannot be written are cut; see [`AccessPoints::can_be_written`].
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.0.len()).unwrap_or(u8::MAX));
        for name in &self.0 {
            let mut value = Vec::new();
            for label in name.split('.') {
                value.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
                value.extend_from_slice(label.as_bytes());
            }
            tlv::write(ACCESS_POINT, &value, out);
        }
    }
}

/// A name from labels with their lengths.
fn labels(octets: &[u8]) -> Option<String> {
    let mut name = String::new();
    let mut rest = octets;
    while let Some((length, behind)) = rest.split_first() {
        let label = behind.get(..usize::from(*length)).filter(|l| !l.is_empty() && l.is_ascii())?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(std::str::from_utf8(label).ok()?);
        rest = behind.get(label.len()..)?;
    }
    (!name.is_empty()).then_some(name)
}

/// EF(MMSICP) and EF(MMSUCP): where MMS goes.
///
/// | tag | field                                                                  |
/// |-----|------------------------------------------------------------------------|
/// | AB  | around the others, on some cards (remembered)                          |
/// | 80  | implementation, 01 for WAP                                             |
/// | 81  | address of relay or server                                             |
/// | 82  | interface to the core network; what is in it is not known here         |
/// | 83  | gateway; the same                                                      |
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MmsParameters {
    /// Whether a template AB stands around them.
    pub enclosed: bool,
    /// 80.
    pub implementation: Option<u8>,
    /// 81.
    pub relay: Option<String>,
    /// Objects that are kept as they came: tag and value.
    pub others: Vec<(u16, Vec<u8>)>,
}

impl MmsParameters {
    const AROUND: u16 = 0xAB;

    /// Reads the file.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let outer = tlv::parse_padded(octets)?.objects;
        let (enclosed, objects) = match outer.as_slice() {
            [one] if one.tag == Self::AROUND => (true, one.children()?),
            _ => (false, outer),
        };
        let mut parameters = Self { enclosed, ..Self::default() };
        for object in objects {
            match object.tag {
                0x80 => parameters.implementation = Some(object.octet("MMS implementation")?),
                0x81 => {
                    let text = std::str::from_utf8(object.value);
                    let text =
                        text.map_err(|_| DecodeError::invalid("MMS relay", object.at, "no text"))?.to_owned();
                    parameters.relay = Some(text);
                }
                tag => parameters.others.push((tag, object.value.to_vec())),
            }
        }
        Ok(parameters)
    }

    fn settings(&self) -> Vec<Setting> {
        let implementation = self.implementation.map(|octet| match octet {
            0x01 => Setting::new("implementation", "WAP"),
            other => Setting::new("implementation", format!("{other:02X}")),
        });
        let relay = self.relay.as_ref().map(|text| Setting::new("relay or server", text.clone()));
        let others = self.others.iter().map(|(tag, value)| match tag {
            0x82 => Setting::new("interface to the core network", shown(value)),
            0x83 => Setting::new("gateway", shown(value)),
            tag => Setting::new(format!("object {tag:02X}"), shown(value)),
        });
        implementation.into_iter().chain(relay).chain(others).collect()
    }
}

impl Encode for MmsParameters {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut inner = Vec::new();
        if let Some(octet) = self.implementation {
            tlv::write(0x80, &[octet], &mut inner);
        }
        if let Some(relay) = &self.relay {
            tlv::write(0x81, relay.as_bytes(), &mut inner);
        }
        for (tag, value) in &self.others {
            tlv::write(*tag, value, &mut inner);
        }
        if self.enclosed {
            tlv::write(Self::AROUND, &inner, out);
        } else {
            out.extend(inner);
        }
    }
}

/// A record of EF(MMSUP); as it is where it is none that is known here.
fn preferences(octets: &[u8]) -> Vec<Setting> {
    let known = MmsPreferences::decode(octets).map(|preferences| preferences.settings());
    match known {
        Ok(settings) if !settings.is_empty() => settings,
        _ => vec![Setting::new("record", shown(strip_padding(octets)))],
    }
}

/// EF(GBABP): three values, each with its length before it. RAND and B-TID open a key, so they are not shown.
fn gba(octets: &[u8]) -> Result<Vec<Setting>, DecodeError> {
    let mut r = Reader::new(octets);
    let mut out = Vec::new();
    for name in ["RAND", "B-TID", "key lifetime"] {
        let length = r.u8(name)?;
        let value = r.take(name, usize::from(length))?;
        let value = if name == "key lifetime" { shown(value) } else { format!("{} octets", value.len()) };
        out.push(Setting::new(name, value));
    }
    Ok(out)
}

/// A file of data objects with a text in it.
fn configuration(octets: &[u8]) -> Result<Vec<Setting>, DecodeError> {
    let objects = tlv::parse_padded(octets)?.objects;
    let setting = |object: &tlv::Tlv<'_>| match object.tag {
        0x80 => Setting::new("encoding", shown(object.value)),
        0x81 => Setting::new("text", shown(object.value)),
        tag => Setting::new(format!("object {tag:02X}"), shown(object.value)),
    };
    Ok(objects.iter().map(setting).collect())
}

/// EF(XCAPConfigData): which objects there are. There may be passwords among what is in them, so that is not shown.
fn xcap(octets: &[u8]) -> Result<Vec<Setting>, DecodeError> {
    let objects = tlv::parse_padded(octets)?.objects;
    let setting =
        |o: &tlv::Tlv<'_>| Setting::new(format!("object {:02X}", o.tag), format!("{} octets", o.value.len()));
    Ok(objects.iter().map(setting).collect())
}

/// A configuration that is one text (EF(IMSConfigData), EF(MuDMiDConfigData)).
///
/// | tag | field                                                                  |
/// |-----|------------------------------------------------------------------------|
/// | 80  | encoding of the text; which octet means what is not known here         |
/// | 81  | the text                                                               |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration<'a> {
    /// 80.
    pub encoding: u8,
    /// 81.
    pub text: &'a str,
}

impl Configuration<'_> {
    /// The data objects, the one that says how the other is to be read first.
    pub fn parts(self) -> Vec<Vec<u8>> {
        let object = |tag, value: &[u8]| {
            let mut out = Vec::new();
            tlv::write(tag, value, &mut out);
            out
        };
        vec![object(0x80, &[self.encoding]), object(0x81, self.text.as_bytes())]
    }
}

/// Text where all of it can be printed, else hexadecimal.
pub(super) fn shown(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text)
            if !text.is_empty()
                && text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')) =>
        {
            text.to_owned()
        }
        _ => octets.iter().map(|octet| format!("{octet:02X}")).collect(),
    }
}

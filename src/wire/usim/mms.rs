//! EF(MMSUP): in each record how multimedia messages are sent that say nothing else. Tags are from an implementation; that the
//! template A0 stands around them on some cards, and that the information is header fields of a multimedia message, is from
//! another and remembered (OMA MMS Encapsulation, sections 7.2 and 7.3).

use crate::wire::{DecodeError, Encode, Reader, tlv};

use super::Setting;

/// A record of EF(MMSUP).
///
/// | tag | field                                                                                          |
/// |-----|------------------------------------------------------------------------------------------------|
/// | A0  | around the others, on some cards                                                               |
/// | 80  | implementation, 01 for WAP                                                                     |
/// | 81  | name of the profile: GSM alphabet, an octet a character, or 80 and UCS-2                       |
/// | 82  | header fields: 94 sender visibility, 86 delivery report, 90 read reply, 8F priority, 88 expiry |
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MmsPreferences {
    /// What the user knows it by.
    pub name: Option<String>,
    /// The fields.
    pub fields: Vec<MmsField>,
}

/// A header field of a multimedia message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MmsField {
    /// Whether the receiver sees who sends: 80 no, 81 yes.
    SenderVisible(bool),
    /// Whether a report of delivery is asked for: 80 yes, 81 no.
    DeliveryReport(bool),
    /// Whether the receiver is asked to say that it was read: 80 yes, 81 no.
    ReadReply(bool),
    /// 80 low, 81 normal, 82 high: 0, 1 and 2 here.
    Priority(u8),
    /// After how many seconds it is not delivered any more: length, 81, and the seconds with their own length.
    Expiry(u32),
}

const AROUND: u16 = 0xA0;
/// MMS over WAP.
const WAP: u8 = 0x01;
/// An expiry that is counted from the sending on.
const RELATIVE: u8 = 0x81;
/// The name is in UCS-2.
const UCS2: u8 = 0x80;

impl MmsPreferences {
    /// Reads a record without the FF behind it.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let outer = tlv::parse_padded(octets)?.objects;
        let objects = match outer.as_slice() {
            [one] if one.tag == AROUND => one.children()?,
            _ => outer,
        };
        let mut preferences = Self::default();
        for object in objects {
            match object.tag {
                0x81 => preferences.name = Some(name(object.value, object.at)?),
                0x82 => preferences.fields = fields(object.value).map_err(|e| e.shifted(object.at))?,
                _ => {}
            }
        }
        Ok(preferences)
    }

    /// What it says, for people.
    pub fn settings(&self) -> Vec<Setting> {
        let name = self.name.as_ref().map(|name| Setting::new("preferences", name.clone()));
        let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let fields = self.fields.iter().map(|field| match *field {
            MmsField::SenderVisible(visible) => Setting::new("sender visible", yes(visible)),
            MmsField::DeliveryReport(asked) => Setting::new("delivery report", yes(asked)),
            MmsField::ReadReply(asked) => Setting::new("read reply", yes(asked)),
            MmsField::Priority(0) => Setting::new("priority", "low"),
            MmsField::Priority(1) => Setting::new("priority", "normal"),
            MmsField::Priority(_) => Setting::new("priority", "high"),
            MmsField::Expiry(seconds) => Setting::new("expiry", format!("{seconds} s")),
        });
        name.into_iter().chain(fields).collect()
    }
}

impl serde::Serialize for MmsPreferences {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.settings())
    }
}

impl Encode for MmsPreferences {
    fn encode(&self, out: &mut Vec<u8>) {
        tlv::write(0x80, &[WAP], out);
        if let Some(name) = &self.name {
            tlv::write(0x81, &written(name), out);
        }
        let mut info = Vec::new();
        for field in &self.fields {
            match *field {
                MmsField::SenderVisible(visible) => info.extend([0x94, 0x80 + u8::from(visible)]),
                MmsField::DeliveryReport(asked) => info.extend([0x86, 0x81 - u8::from(asked)]),
                MmsField::ReadReply(asked) => info.extend([0x90, 0x81 - u8::from(asked)]),
                MmsField::Priority(level) => info.extend([0x8F, 0x80 + level.min(2)]),
                MmsField::Expiry(seconds) => {
                    let octets = seconds.to_be_bytes();
                    let used = octets.iter().position(|octet| *octet != 0).unwrap_or(3);
                    let digits = octets.get(used..).unwrap_or_default();
                    let length = u8::try_from(digits.len()).unwrap_or(4);
                    info.extend([0x88, length + 2, RELATIVE, length]);
                    info.extend_from_slice(digits);
                }
            }
        }
        tlv::write(0x82, &info, out);
    }
}

fn fields(octets: &[u8]) -> Result<Vec<MmsField>, DecodeError> {
    const WHAT: &str = "MMS preference";
    let mut r = Reader::new(octets);
    let mut fields = Vec::new();
    while !r.is_empty() {
        let at = r.position();
        let code = r.u8(WHAT)?;
        let value = r.u8(WHAT)?;
        fields.push(match (code, value) {
            (0x94, 0x80 | 0x81) => MmsField::SenderVisible(value == 0x81),
            (0x86, 0x80 | 0x81) => MmsField::DeliveryReport(value == 0x80),
            (0x90, 0x80 | 0x81) => MmsField::ReadReply(value == 0x80),
            (0x8F, 0x80..=0x82) => MmsField::Priority(value - 0x80),
            (0x88, 3..=6) => match r.take(WHAT, usize::from(value))? {
                [RELATIVE, length, digits @ ..] if digits.len() == usize::from(*length) => {
                    MmsField::Expiry(digits.iter().fold(0, |sum, octet| (sum << 8) | u32::from(*octet)))
                }
                _ => return Err(DecodeError::invalid(WHAT, at, "an expiry that is no number of seconds")),
            },
            _ => {
                let why = format!("field {code:02X} with {value:02X}, which is not known");
                return Err(DecodeError::invalid(WHAT, at, why));
            }
        });
    }
    Ok(fields)
}

/// A name as cards have it: characters that the GSM alphabet has at the same places as ASCII, else UCS-2.
fn written(name: &str) -> Vec<u8> {
    let is_common = |c: char| c.is_ascii_alphanumeric() || " !\"#%&'()*+,-./:;<=>?".contains(c);
    if name.chars().all(is_common) {
        return name.as_bytes().to_vec();
    }
    std::iter::once(UCS2).chain(name.encode_utf16().flat_map(u16::to_be_bytes)).collect()
}

fn name(octets: &[u8], at: usize) -> Result<String, DecodeError> {
    let unreadable =
        || DecodeError::invalid("name of MMS preferences", at, "no text in the GSM alphabet or UCS-2");
    match octets {
        [UCS2, rest @ ..] => {
            let (units, odd) = rest.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            let text =
                String::from_utf16(&units).ok().filter(|text| odd.is_empty() && !text.contains('\u{FFFF}'));
            text.ok_or_else(unreadable)
        }
        other if other.iter().all(|octet| (0x20..0x7F).contains(octet)) => {
            Ok(String::from_utf8_lossy(other).into_owned())
        }
        _ => Err(unreadable()),
    }
}

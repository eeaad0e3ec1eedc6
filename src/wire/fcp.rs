//! File control parameters: what a card says about a file when it is selected, and what it is told when a file is to be
//! created (ETSI TS 102 221, section 11.1.1.3; TS 102 222, section 6.3).

mod descriptor;
mod pin_status;
mod security;

pub use descriptor::{FileDescriptor, FileKind, LifeCycle};
pub use pin_status::PinStatus;
pub use security::Security;

use super::{DecodeError, Encode, Fid, tlv, tlv::Tlv};

/// The short file identifier as tag 88 gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sfi {
    /// Tag 88 is absent: the low five bits of the file identifier may serve (remembered, see the card sheet).
    Unstated,
    /// Tag 88 is empty: the file has none.
    None,
    /// 1 to 30.
    Is(u8),
}

/// The order of the data objects: an answer to SELECT and the data of CREATE FILE differ in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As SELECT and STATUS answer: 82 83 84 A5 8A 8B C6 80 81 88 (TS 102 221).
    Answer,
    /// As CREATE FILE wants them: 82 83 84 8A 8B 80 81 C6 88 A5 (TS 102 222).
    Create,
}

/// File control parameters, template 62.
///
/// | tag        | field                                                              |
/// |------------|--------------------------------------------------------------------|
/// | 82         | descriptor: kind of file, record length and count                  |
/// | 83         | file identifier                                                    |
/// | 84         | AID, for an application directory                                  |
/// | A5         | proprietary: power, free memory, … ; `C0` special file information |
/// | 8A         | life cycle                                                         |
/// | 8B, 8C, AB | security attributes                                                |
/// | C6         | PIN status, for a directory                                        |
/// | 80         | file size                                                          |
/// | 81         | total file size; for a directory the space that it has             |
/// | 88         | short file identifier in the upper five bits; empty: none          |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fcp {
    /// What kind of file it is.
    pub descriptor: FileDescriptor,
    /// File identifier. An application directory may have none.
    pub fid: Option<Fid>,
    /// AID of an application directory.
    pub aid: Option<Vec<u8>>,
    /// Octets that can be read and written (tag 80).
    pub size: Option<u32>,
    /// Octets with the structure around them, or the space of a directory (tag 81).
    pub total_size: Option<u32>,
    /// Short file identifier.
    pub sfi: Sfi,
    /// Life cycle status.
    pub life_cycle: Option<LifeCycle>,
    /// Security attributes.
    pub security: Option<Security>,
    /// The PINs and keys of a directory, and which are switched on. None: no template C6.
    pub pin_status: Option<Vec<PinStatus>>,
    /// What template A5 holds. None: no template A5.
    pub proprietary: Option<Vec<(u16, Vec<u8>)>>,
    /// Data objects that this program has no name for, as they came.
    pub other: Vec<(u16, Vec<u8>)>,
}

impl Fcp {
    /// Tag of the template.
    pub const TAG: u16 = 0x62;
    /// Tag in A5: free memory in octets.
    pub const FREE_MEMORY: u16 = 0x83;
    /// Tag in A5: how many octets a BER-TLV file may hold at most.
    pub const MAXIMUM_SIZE: u16 = 0x86;
    /// Tag in A5: special file information (40: readable and updatable when deactivated, 80: high update activity).
    pub const SPECIAL: u16 = 0xC0;

    /// Parameters with a kind and an identifier and nothing else.
    pub fn new(kind: FileKind, fid: Fid) -> Self {
        Self {
            descriptor: FileDescriptor::shareable(kind),
            fid: Some(fid),
            aid: None,
            size: None,
            total_size: None,
            sfi: Sfi::Unstated,
            life_cycle: None,
            security: None,
            pin_status: None,
            proprietary: None,
            other: Vec::new(),
        }
    }

    /// What kind of file it is.
    pub fn kind(&self) -> FileKind {
        self.descriptor.kind
    }

    /// How many records the file has: the stated count, or what size and record length give.
    pub fn record_count(&self) -> Option<u32> {
        let (length, count) = match self.kind() {
            FileKind::LinearFixed { record_length, count } | FileKind::Cyclic { record_length, count } => {
                (record_length, count)
            }
            _ => return None,
        };
        count.map(u32::from).or_else(|| self.size?.checked_div(u32::from(length)))
    }

    /// The value of one data object of template A5.
    pub fn proprietary_value(&self, tag: u16) -> Option<&[u8]> {
        self.proprietary.as_ref()?.iter().find(|(t, _)| *t == tag).map(|(_, value)| value.as_slice())
    }

    /// Reads template 62.
    ///
    /// # Errors
    /// Any [`DecodeError`]; a template without descriptor is one, since nothing can be done with such a file. Padding
    /// behind the template is refused, a doubled data object too.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let outer = tlv::parse_all(octets)?;
        let template = match outer.as_slice() {
            [one] if one.tag == Self::TAG => one,
            [one] => {
                let why = format!("tag {:02X}, expected 62", one.tag);
                return Err(DecodeError::invalid("FCP template", 0, why));
            }
            other => {
                let why = format!("{} data objects, expected one template 62", other.len());
                return Err(DecodeError::invalid("FCP template", 0, why));
            }
        };
        let objects = template.children()?;
        let descriptor = objects.iter().find(|o| o.tag == 0x82).ok_or_else(|| {
            DecodeError::invalid("FCP template", template.at, "no file descriptor (tag 82)")
        })?;
        let mut fcp = Self::new(FileKind::Df, Fid(0));
        fcp.fid = None;
        fcp.descriptor = FileDescriptor::from_tlv(descriptor)?;
        let mut seen = Vec::new();
        for object in &objects {
            if seen.contains(&object.tag) {
                let why = format!("tag {:02X} stands twice", object.tag);
                return Err(DecodeError::invalid("FCP template", object.at, why));
            }
            seen.push(object.tag);
            fcp.take(object)?;
        }
        Ok(fcp)
    }

    fn take(&mut self, object: &Tlv<'_>) -> Result<(), DecodeError> {
        match object.tag {
            0x82 => {}
            0x83 => self.fid = Some(fid(object)?),
            0x84 => self.aid = Some(object.value.to_vec()),
            0x80 => self.size = Some(number("file size", object)?),
            0x81 => self.total_size = Some(number("total file size", object)?),
            0x88 => self.sfi = sfi(object)?,
            0x8A => self.life_cycle = Some(LifeCycle(object.octet("life cycle")?)),
            0x8B | 0x8C | 0xAB => {
                if self.security.is_some() {
                    let why = "a second security attribute";
                    return Err(DecodeError::invalid("FCP template", object.at, why));
                }
                self.security = Some(Security::from_tlv(object)?);
            }
            0xC6 => self.pin_status = Some(pin_status::decode(object)?),
            0xA5 => {
                let inner = object.children()?;
                self.proprietary = Some(inner.iter().map(|o| (o.tag, o.value.to_vec())).collect());
            }
            tag => self.other.push((tag, object.value.to_vec())),
        }
        Ok(())
    }

    /// The template's octets, its data objects in `order`.
    pub fn to_octets(&self, order: Order) -> Vec<u8> {
        let tags: &[u16] = match order {
            Order::Answer => &[0x82, 0x83, 0x84, 0xA5, 0x8A, 0x8B, 0xC6, 0x80, 0x81, 0x88],
            Order::Create => &[0x82, 0x83, 0x84, 0x8A, 0x8B, 0x80, 0x81, 0xC6, 0x88, 0xA5],
        };
        let mut inner = Vec::new();
        for tag in tags {
            self.put(*tag, &mut inner);
        }
        for (tag, value) in &self.other {
            tlv::write(*tag, value, &mut inner);
        }
        let mut out = Vec::new();
        tlv::write(Self::TAG, &inner, &mut out);
        out
    }

    fn put(&self, tag: u16, out: &mut Vec<u8>) {
        match tag {
            0x82 => tlv::write(tag, &self.descriptor.octets(), out),
            0x83 => {
                if let Some(fid) = self.fid {
                    tlv::write(tag, &fid.octets(), out);
                }
            }
            0x84 => {
                if let Some(aid) = &self.aid {
                    tlv::write(tag, aid, out);
                }
            }
            0x80 => put_number(tag, self.size, out),
            0x81 => put_number(tag, self.total_size, out),
            0x88 => match self.sfi {
                Sfi::Unstated => {}
                Sfi::None => tlv::write(tag, &[], out),
                Sfi::Is(n) => tlv::write(tag, &[n << 3], out),
            },
            0x8A => {
                if let Some(life_cycle) = self.life_cycle {
                    tlv::write(tag, &[life_cycle.0], out);
                }
            }
            0x8B => {
                if let Some(security) = &self.security {
                    security.encode(out);
                }
            }
            0xC6 => {
                if let Some(list) = &self.pin_status {
                    tlv::write(tag, &pin_status::encode(list), out);
                }
            }
            _ => {
                if let Some(list) = &self.proprietary {
                    let mut inner = Vec::new();
                    list.iter().for_each(|(t, value)| tlv::write(*t, value, &mut inner));
                    tlv::write(0xA5, &inner, out);
                }
            }
        }
    }
}

fn fid(object: &Tlv<'_>) -> Result<Fid, DecodeError> {
    Fid::from_octets(object.value).ok_or_else(|| {
        DecodeError::invalid(
            "file identifier",
            object.at,
            format!("{} octets, expected 2", object.value.len()),
        )
    })
}

fn sfi(object: &Tlv<'_>) -> Result<Sfi, DecodeError> {
    match object.value {
        [] => Ok(Sfi::None),
        [octet] if octet & 0x07 == 0 && !matches!(octet >> 3, 0 | 31) => Ok(Sfi::Is(octet >> 3)),
        // Some cards write 00 where they have none.
        [0x00] => Ok(Sfi::None),
        _ => Err(DecodeError::invalid(
            "short file identifier",
            object.at,
            "expected 1 to 30 in the upper five bits",
        )),
    }
}

/// A number of one to four octets.
fn number(what: &'static str, object: &Tlv<'_>) -> Result<u32, DecodeError> {
    match object.value.len() {
        1..=4 => Ok(object.value.iter().fold(0, |sum, o| (sum << 8) | u32::from(*o))),
        n => Err(DecodeError::invalid(what, object.at, format!("{n} octets, expected 1 to 4"))),
    }
}

/// Sizes have at least two octets (TS 102 221, section 11.1.1.4.1).
fn put_number(tag: u16, value: Option<u32>, out: &mut Vec<u8>) {
    match value.map(u32::to_be_bytes) {
        None => {}
        Some([0, 0, high, low]) => tlv::write(tag, &[high, low], out),
        Some([0, a, b, c]) => tlv::write(tag, &[a, b, c], out),
        Some(all) => tlv::write(tag, &all, out),
    }
}

#[cfg(test)]
mod tests;

//! File descriptor and life cycle status (ETSI TS 102 221, sections 11.1.1.4.3 and 11.1.1.4.9).

use std::fmt;

use crate::wire::{DecodeError, Reader, tlv::Tlv};

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A directory: MF, DF or application directory.
    Df,
    /// An EF of octets.
    Transparent,
    /// An EF of records of one length.
    LinearFixed {
        /// Octets of each record.
        record_length: u16,
        /// How many records; some dialects of CREATE FILE leave it out.
        count: Option<u8>,
    },
    /// An EF of records of one length, the newest first.
    Cyclic {
        /// Octets of each record.
        record_length: u16,
        /// How many records.
        count: Option<u8>,
    },
    /// An EF of BER-TLV data objects.
    BerTlv,
    /// Something else; the descriptor octet without its bit for shareable.
    Unknown(u8),
}

/// The value of tag 82.
///
/// | octet | field                                                                                  |
/// |-------|----------------------------------------------------------------------------------------|
/// | 0     | 40 shareable; 38 directory, 01 transparent, 02 linear fixed, 06 cyclic, 39 BER-TLV     |
/// | 1     | data coding, 21                                                                        |
/// | 2, 3  | record length (records only)                                                           |
/// | 4     | number of records (records only)                                                       |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDescriptor {
    /// What kind of file it is.
    pub kind: FileKind,
    /// Whether several applications may have it selected at a time.
    pub shareable: bool,
    /// Data coding octet; 21 in TS 102 221, absent on some cards.
    pub coding: Option<u8>,
}

impl FileDescriptor {
    /// A shareable file, coded as TS 102 221 says.
    pub fn shareable(kind: FileKind) -> Self {
        Self { kind, shareable: true, coding: Some(0x21) }
    }

    pub(super) fn from_tlv(object: &Tlv<'_>) -> Result<Self, DecodeError> {
        Self::decode(object.value).map_err(|e| e.shifted(object.at))
    }

    /// Reads the value of tag 82.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "file descriptor";
        let mut r = Reader::new(octets);
        let first = r.u8(WHAT)?;
        if first & 0x80 != 0 {
            return Err(DecodeError::invalid(WHAT, 0, format!("octet {first:02X} has its top bit set")));
        }
        let coding = if r.is_empty() { None } else { Some(r.u8("data coding")?) };
        // Working and internal EFs (bit 08) have the same structures.
        let kind = match first & 0x3F {
            0x38 => FileKind::Df,
            0x39 => FileKind::BerTlv,
            0x01 => FileKind::Transparent,
            structure @ (0x02 | 0x06) => {
                let record_length = r.u16("record length")?;
                if record_length == 0 {
                    return Err(DecodeError::invalid("record length", 2, "0 octets"));
                }
                let count = if r.is_empty() { None } else { Some(r.u8("number of records")?) };
                if structure == 0x02 {
                    FileKind::LinearFixed { record_length, count }
                } else {
                    FileKind::Cyclic { record_length, count }
                }
            }
            other => FileKind::Unknown(other),
        };
        if !matches!(kind, FileKind::Unknown(_)) {
            r.finish(WHAT)?;
        }
        Ok(Self { kind, shareable: first & 0x40 != 0, coding })
    }

    /// The value of tag 82.
    pub fn octets(&self) -> Vec<u8> {
        let (first, records) = match self.kind {
            FileKind::Df => (0x38, None),
            FileKind::Transparent => (0x01, None),
            FileKind::LinearFixed { record_length, count } => (0x02, Some((record_length, count))),
            FileKind::Cyclic { record_length, count } => (0x06, Some((record_length, count))),
            FileKind::BerTlv => (0x39, None),
            FileKind::Unknown(octet) => (octet & 0x3F, None),
        };
        let mut out = vec![if self.shareable { first | 0x40 } else { first }];
        if let Some((length, count)) = records {
            out.push(self.coding.unwrap_or(0x21));
            out.extend_from_slice(&length.to_be_bytes());
            out.extend(count);
        } else {
            out.extend(self.coding);
        }
        out
    }
}

/// Life cycle status octet. An open registry, so an integer with names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LifeCycle(pub u8);

impl LifeCycle {
    /// 01: being created.
    pub const CREATION: Self = Self(0x01);
    /// 03: initialisation; ACTIVATE FILE makes it usable.
    pub const INITIALISATION: Self = Self(0x03);
    /// 04: deactivated.
    pub const DEACTIVATED: Self = Self(0x04);
    /// 05: activated.
    pub const ACTIVATED: Self = Self(0x05);
    /// 0C: terminated.
    pub const TERMINATED: Self = Self(0x0C);

    /// 05 and 07.
    pub fn is_activated(self) -> bool {
        matches!(self.0, 0x05 | 0x07)
    }

    /// 04 and 06.
    pub fn is_deactivated(self) -> bool {
        matches!(self.0, 0x04 | 0x06)
    }

    /// 0C to 0F.
    pub fn is_terminated(self) -> bool {
        matches!(self.0, 0x0C..=0x0F)
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self.0 {
            0x00 => "no information",
            0x01 => "creation",
            0x03 => "initialisation",
            0x04 | 0x06 => "deactivated",
            0x05 | 0x07 => "activated",
            0x0C..=0x0F => "terminated",
            _ => "proprietary",
        }
    }
}

impl fmt::Display for LifeCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for LifeCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LifeCycle({:02X} {})", self.0, self.name())
    }
}

//! One file of a card image, and how it is written in JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Hex;
use crate::wire::{
    Fid,
    arr::{AccessRules, KeyRef},
    fcp::{LifeCycle, Security, Sfi},
    tlv::strip_padding,
};

/// A file at rest, with the files in it when it is a directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct FileImage {
    /// File identifier.
    pub fid: Fid,
    /// AID of an application directory.
    pub aid: Option<Vec<u8>>,
    /// Life cycle status.
    pub life_cycle: LifeCycle,
    /// Where its access rules stand. None: nothing is allowed.
    pub security: Option<Security>,
    /// Short file identifier.
    pub sfi: Sfi,
    /// Keys that a directory lists in its PIN status; when empty, those of the directory above.
    pub pins: Vec<KeyRef>,
    /// What its template A5 holds. In a directory, tag 83 is replaced by the memory that is free.
    pub proprietary: Vec<(u16, Vec<u8>)>,
    /// What is in it.
    pub body: Body,
}

/// What is in a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Files.
    Directory {
        /// The space set aside for them; none: as much as the directory above has left.
        total_size: Option<u32>,
        /// The files in order.
        files: Vec<FileImage>,
    },
    /// Octets.
    Transparent(Vec<u8>),
    /// Records of one length.
    Records {
        /// How they follow each other.
        shape: RecordShape,
        /// Octets of each.
        length: u8,
        /// The records.
        records: Vec<Vec<u8>>,
    },
}

/// How records follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordShape {
    /// Record 1 is the first.
    LinearFixed,
    /// Record 1 is the newest; writing replaces the oldest.
    Cyclic,
}

impl FileImage {
    /// An activated file without access rules.
    pub fn new(fid: Fid, body: Body) -> Self {
        Self {
            fid,
            aid: None,
            life_cycle: LifeCycle::ACTIVATED,
            security: None,
            sfi: Sfi::None,
            pins: Vec::new(),
            proprietary: Vec::new(),
            body,
        }
    }

    /// With its access rules in that record of the EF(ARR).
    #[must_use]
    pub fn ruled_by(mut self, arr: Fid, record: u8) -> Self {
        self.security = Some(Security::Referenced { arr, record });
        self
    }

    /// With a short file identifier.
    #[must_use]
    pub fn with_sfi(mut self, sfi: u8) -> Self {
        self.sfi = Sfi::Is(sfi);
        self
    }

    /// The file at a path of identifiers below this directory.
    pub fn find(&self, path: &[Fid]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        self.files().iter().find(|f| f.fid == *first)?.find(rest)
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, path: &[Fid]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match &mut self.body {
            Body::Directory { files, .. } => files.iter_mut().find(|f| f.fid == *first)?.find_mut(rest),
            _ => None,
        }
    }

    /// The octets of a transparent EF.
    pub fn content(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Transparent(content) => Some(content),
            _ => None,
        }
    }

    /// The files in it; none for an EF.
    pub fn files(&self) -> &[Self] {
        match &self.body {
            Body::Directory { files, .. } => files,
            _ => &[],
        }
    }

    /// Itself and all files below it.
    pub fn count(&self) -> usize {
        1 + self.files().iter().map(Self::count).sum::<usize>()
    }
}

/// A file as it stands in JSON. Octets FF at the end of a content or record are left out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    fid: Fid,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aid: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    life_cycle: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sfi: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pins: Vec<Hex>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    proprietary: BTreeMap<String, Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total_size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record_length: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Vec<Hex>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileImage>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Df,
    Transparent,
    LinearFixed,
    Cyclic,
}

/// A file in a card image is written wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum WrittenError {
    #[error("file {fid}: {what} does not belong to a file of this kind")]
    Alien { fid: Fid, what: &'static str },
    #[error("file {fid}: {what} is missing")]
    Missing { fid: Fid, what: &'static str },
    #[error("file {fid}: {what} is longer than its size")]
    TooLong { fid: Fid, what: &'static str },
    #[error("file {fid}: {what} is not {expected}")]
    Value { fid: Fid, what: &'static str, expected: &'static str },
}

/// The most octets of a transparent file that offsets can reach (15 bits, and one block behind).
const MAX_TRANSPARENT: u32 = 0x7FFF + 256;

const LIFE_CYCLES: [LifeCycle; 5] = [
    LifeCycle::CREATION,
    LifeCycle::INITIALISATION,
    LifeCycle::DEACTIVATED,
    LifeCycle::ACTIVATED,
    LifeCycle::TERMINATED,
];

impl TryFrom<Written> for FileImage {
    type Error = WrittenError;

    fn try_from(w: Written) -> Result<Self, WrittenError> {
        let fid = w.fid;
        let wrong = |what, expected| WrittenError::Value { fid, what, expected };
        let life_cycle = match w.life_cycle.as_deref() {
            None => LifeCycle::ACTIVATED,
            Some(name) => LIFE_CYCLES.into_iter().find(|l| l.name() == name).ok_or_else(|| {
                wrong("life-cycle", "creation, initialisation, deactivated, activated or terminated")
            })?,
        };
        let access = w.access.as_deref().map(|text| {
            read_access(text).ok_or_else(|| wrong("access", "2F06:1, 2F06:01=1,00=2 or rules:HEX"))
        });
        let sfi = match w.sfi {
            None => Sfi::None,
            Some(0) => Sfi::Unstated,
            Some(n @ 1..=30) => Sfi::Is(n),
            Some(_) => return Err(wrong("sfi", "1 to 30, or 0 for one that follows from the identifier")),
        };
        let pin = |hex: &Hex| match hex.0.as_slice() {
            [octet] => Ok(KeyRef(*octet)),
            _ => Err(wrong("pins", "a list of key references, as 0A")),
        };
        let tag = |(tag, value): (&String, &Hex)| {
            let tag =
                u16::from_str_radix(tag, 16).map_err(|_| wrong("proprietary", "tags with their values"))?;
            Ok((tag, value.0.clone()))
        };
        Ok(Self {
            fid,
            aid: w.aid.as_ref().map(|aid| aid.0.clone()),
            life_cycle,
            security: access.transpose()?,
            sfi,
            pins: w.pins.iter().map(pin).collect::<Result<_, _>>()?,
            proprietary: w.proprietary.iter().map(tag).collect::<Result<_, _>>()?,
            body: w.body()?,
        })
    }
}

impl Written {
    /// What is in the file; refuses members of another kind.
    fn body(self) -> Result<Body, WrittenError> {
        let (fid, kind) = (self.fid, self.kind);
        let records = matches!(kind, Kind::LinearFixed | Kind::Cyclic);
        for (there, allowed, what) in [
            (self.aid.is_some(), kind == Kind::Df, "aid"),
            (!self.pins.is_empty(), kind == Kind::Df, "pins"),
            (self.total_size.is_some(), kind == Kind::Df, "total-size"),
            (self.files.is_some(), kind == Kind::Df, "files"),
            (self.size.is_some(), kind == Kind::Transparent, "size"),
            (self.content.is_some(), kind == Kind::Transparent, "content"),
            (self.record_length.is_some(), records, "record-length"),
            (self.records.is_some(), records, "records"),
        ] {
            if there && !allowed {
                return Err(WrittenError::Alien { fid, what });
            }
        }
        if kind == Kind::Df {
            return Ok(Body::Directory {
                total_size: self.total_size,
                files: self.files.unwrap_or_default(),
            });
        }
        if kind == Kind::Transparent {
            let mut content = self.content.unwrap_or_default().0;
            let size = match self.size {
                Some(size @ 1..=MAX_TRANSPARENT) => usize::try_from(size).unwrap_or(0),
                Some(_) => return Err(WrittenError::Value { fid, what: "size", expected: "1 to 33023" }),
                None => return Err(WrittenError::Missing { fid, what: "size" }),
            };
            if content.len() > size {
                return Err(WrittenError::TooLong { fid, what: "content" });
            }
            content.resize(size, 0xFF);
            return Ok(Body::Transparent(content));
        }
        let length = match self.record_length {
            Some(n @ 1..) => n,
            _ => return Err(WrittenError::Value { fid, what: "record-length", expected: "1 to 255" }),
        };
        let list = self.records.ok_or(WrittenError::Missing { fid, what: "records" })?;
        if !(1..=254).contains(&list.len()) {
            return Err(WrittenError::Value { fid, what: "records", expected: "a list of 1 to 254" });
        }
        let records = list.into_iter().map(|Hex(mut record)| {
            if record.len() > usize::from(length) {
                return Err(WrittenError::TooLong { fid, what: "a record" });
            }
            record.resize(usize::from(length), 0xFF);
            Ok(record)
        });
        let records = records.collect::<Result<_, _>>()?;
        let shape = if kind == Kind::Cyclic { RecordShape::Cyclic } else { RecordShape::LinearFixed };
        Ok(Body::Records { shape, length, records })
    }
}

impl From<FileImage> for Written {
    fn from(file: FileImage) -> Self {
        let life_cycle = match file.life_cycle {
            l if l.is_activated() => None,
            l => Some(l.name().to_owned()),
        };
        let mut w = Self {
            fid: file.fid,
            kind: Kind::Df,
            aid: file.aid.map(Hex),
            life_cycle,
            access: file.security.as_ref().map(write_access),
            sfi: match file.sfi {
                Sfi::None => None,
                Sfi::Unstated => Some(0),
                Sfi::Is(n) => Some(n),
            },
            pins: file.pins.iter().map(|key| Hex(vec![key.0])).collect(),
            proprietary: file.proprietary.into_iter().map(|(t, v)| (format!("{t:02X}"), Hex(v))).collect(),
            total_size: None,
            size: None,
            content: None,
            record_length: None,
            records: None,
            files: None,
        };
        match file.body {
            Body::Directory { total_size, files } => {
                w.total_size = total_size;
                w.files = Some(files);
            }
            Body::Transparent(content) => {
                w.kind = Kind::Transparent;
                w.size = Some(u32::try_from(content.len()).unwrap_or(u32::MAX));
                w.content = Some(Hex(strip_padding(&content).to_vec()));
            }
            Body::Records { shape, length, records } => {
                w.kind = if shape == RecordShape::Cyclic { Kind::Cyclic } else { Kind::LinearFixed };
                w.record_length = Some(length);
                w.records = Some(records.iter().map(|r| Hex(strip_padding(r).to_vec())).collect());
            }
        }
        w
    }
}

/// `2F06:1` a record, `2F06:01=1,00=2` a record for each security environment, `rules:HEX` the rules themselves,
/// `compact:HEX` the compact format.
fn write_access(security: &Security) -> String {
    match security {
        Security::Referenced { arr, record } => format!("{arr}:{record}"),
        Security::ReferencedBySe { arr, records } => {
            let list: Vec<String> = records.iter().map(|(se, record)| format!("{se:02X}={record}")).collect();
            format!("{arr}:{}", list.join(","))
        }
        Security::Compact(value) => format!("compact:{}", Hex(value.clone())),
        Security::Expanded(rules) => {
            let mut out = Vec::new();
            crate::wire::Encode::encode(rules, &mut out);
            format!("rules:{}", Hex(out))
        }
    }
}

fn read_access(text: &str) -> Option<Security> {
    let (head, rest) = text.split_once(':')?;
    match head {
        "rules" => AccessRules::decode(&rest.parse::<Hex>().ok()?.0).ok().map(Security::Expanded),
        "compact" => Some(Security::Compact(rest.parse::<Hex>().ok()?.0)),
        arr if rest.contains('=') => {
            let pair = |text: &str| {
                let (se, record) = text.split_once('=')?;
                Some((u8::from_str_radix(se, 16).ok()?, record.parse().ok()?))
            };
            let records = rest.split(',').map(pair).collect::<Option<_>>()?;
            Some(Security::ReferencedBySe { arr: arr.parse().ok()?, records })
        }
        arr => Some(Security::Referenced { arr: arr.parse().ok()?, record: rest.parse().ok()? }),
    }
}

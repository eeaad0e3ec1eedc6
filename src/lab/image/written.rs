//! How a file of a card image is written in JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Body, FileImage, Hex, RecordShape, file::encoded};
use crate::wire::{
    Decode, Fid,
    arr::{AccessRules, KeyRef},
    fcp::{LifeCycle, Security, Sfi},
    tlv::{Tlv, strip_padding},
};

/// A file as it stands in JSON. Octets FF at the end of a content or record are left out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Written {
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
    objects: Option<Vec<Hex>>,
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
    BerTlv,
}

/// A file in a card image is written wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WrittenError {
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
            (self.size.is_some(), matches!(kind, Kind::Transparent | Kind::BerTlv), "size"),
            (self.content.is_some(), kind == Kind::Transparent, "content"),
            (self.objects.is_some(), kind == Kind::BerTlv, "objects"),
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
        if kind == Kind::BerTlv {
            return objects(fid, self.size, self.objects.unwrap_or_default());
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

/// The data objects of a BER-TLV file.
fn objects(fid: Fid, size: Option<u32>, list: Vec<Hex>) -> Result<Body, WrittenError> {
    const EXPECTED: &str = "a list of data objects: a tag of one octet, none of them twice, length and value";
    let room = size.ok_or(WrittenError::Missing { fid, what: "size" })?;
    let used: usize = list.iter().map(|Hex(object)| object.len()).sum();
    if u32::try_from(used).map_or(true, |used| used > room) {
        return Err(WrittenError::TooLong { fid, what: "the objects" });
    }
    let object = |Hex(octets): Hex| {
        let object = Tlv::decode_exact(&octets).ok()?;
        Some((u8::try_from(object.tag).ok()?, object.value.to_vec()))
    };
    let mut objects = list.into_iter().map(object).collect::<Option<Vec<_>>>();
    if let Some(objects) = &mut objects {
        objects.sort_by_key(|(tag, _)| *tag);
    }
    let differ = |objects: &Vec<(u8, Vec<u8>)>| objects.is_sorted_by(|(a, _), (b, _)| a < b);
    let objects = objects.filter(differ);
    let objects = objects.ok_or(WrittenError::Value { fid, what: "objects", expected: EXPECTED })?;
    Ok(Body::Objects { room, objects })
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
            objects: None,
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
            Body::Objects { room, objects } => {
                w.kind = Kind::BerTlv;
                w.size = Some(room);
                w.objects = Some(objects.iter().map(|(tag, value)| Hex(encoded(*tag, value))).collect());
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

//! Security attributes of a file (ETSI TS 102 221, section 11.1.1.4.7).

use crate::wire::{DecodeError, Encode, Fid, arr::AccessRules, tlv, tlv::Tlv};

/// Where the access rules of a file stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// Tag 8B, three octets: a record of EF(ARR).
    Referenced {
        /// File identifier of the EF(ARR), looked for in the directory of the file, then in its parents.
        arr: Fid,
        /// Record number, from 1.
        record: u8,
    },
    /// Tag 8B, longer: a record of EF(ARR) for each security environment.
    ReferencedBySe {
        /// File identifier of the EF(ARR).
        arr: Fid,
        /// Pairs of security environment and record number. Which environment applies is for the card to know.
        records: Vec<(u8, u8)>,
    },
    /// Tag 8C: compact format, as it came. Rare; it counts as "never".
    Compact(Vec<u8>),
    /// Tag AB: the rules themselves.
    Expanded(AccessRules),
}

impl Security {
    /// The EF(ARR) and the record that hold the rules in security environment `se`, or in the first one listed when
    /// that one is not; none for the other formats.
    pub fn reference(&self, se: u8) -> Option<(Fid, u8)> {
        match self {
            Self::Referenced { arr, record } => Some((*arr, *record)),
            Self::ReferencedBySe { arr, records } => {
                let found = records.iter().find(|(id, _)| *id == se).or_else(|| records.first());
                found.map(|(_, record)| (*arr, *record))
            }
            Self::Compact(_) | Self::Expanded(_) => None,
        }
    }

    pub(super) fn from_tlv(object: &Tlv<'_>) -> Result<Self, DecodeError> {
        match (object.tag, object.value) {
            (0x8C, value) => Ok(Self::Compact(value.to_vec())),
            (0xAB, value) => AccessRules::decode(value).map(Self::Expanded).map_err(|e| e.shifted(object.at)),
            (_, [a, b, record]) => {
                Ok(Self::Referenced { arr: Fid(u16::from_be_bytes([*a, *b])), record: *record })
            }
            (_, [a, b, pairs @ ..]) => {
                let (list, odd) = pairs.as_chunks::<2>();
                if list.is_empty() || !odd.is_empty() {
                    let why = format!("{} octets, expected 3, or an even number from 4", object.value.len());
                    return Err(DecodeError::invalid("access rule reference", object.at, why));
                }
                let records = list.iter().map(|[se, record]| (*se, *record)).collect();
                Ok(Self::ReferencedBySe { arr: Fid(u16::from_be_bytes([*a, *b])), records })
            }
            (_, short) => {
                let why = format!("{} octets, expected 3 or more", short.len());
                Err(DecodeError::invalid("access rule reference", object.at, why))
            }
        }
    }
}

impl Encode for Security {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Referenced { arr, record } => {
                let [a, b] = arr.octets();
                tlv::write(0x8B, &[a, b, *record], out);
            }
            Self::ReferencedBySe { arr, records } => {
                let mut value = arr.octets().to_vec();
                value.extend(records.iter().flat_map(|(se, record)| [*se, *record]));
                tlv::write(0x8B, &value, out);
            }
            Self::Compact(value) => tlv::write(0x8C, value, out),
            Self::Expanded(rules) => tlv::write(0xAB, &rules.to_octets(), out),
        }
    }
}

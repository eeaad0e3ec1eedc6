//! PIN status template of a directory (ETSI TS 102 221, sections 9.5.2 and 11.1.1.4.10).

use crate::wire::{DecodeError, arr::KeyRef, tlv, tlv::Tlv};

/// One PIN or key that a directory uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinStatus {
    /// Which.
    pub key: KeyRef,
    /// Whether it is switched on. One that is off counts as presented.
    pub enabled: bool,
    /// Usage qualifier in front of the reference (tag 95); 00 means: use no PIN, 08: use this one.
    pub usage: Option<u8>,
}

/// Reads the value of tag C6.
///
/// | octets     | field                                                                     |
/// |------------|---------------------------------------------------------------------------|
/// | 90 n bits  | one bit for each key reference that follows, the first in bit 80          |
/// | 95 01 use  | usage qualifier of the next reference (optional)                          |
/// | 83 01 ref  | key reference                                                             |
/// | …          | more references                                                           |
pub(super) fn decode(object: &Tlv<'_>) -> Result<Vec<PinStatus>, DecodeError> {
    const WHAT: &str = "PIN status";
    let objects = object.children()?;
    let Some((bits, rest)) = objects.split_first().filter(|(first, _)| first.tag == 0x90) else {
        return Err(DecodeError::invalid(WHAT, object.at, "does not begin with the bits of tag 90"));
    };
    let (mut list, mut usage) = (Vec::new(), None);
    for part in rest {
        match part.tag {
            0x95 if usage.is_none() => usage = Some(part.octet("usage qualifier")?),
            0x83 => {
                let key = KeyRef(part.octet("key reference")?);
                let place = list.len();
                let octet = bits.value.get(place / 8).ok_or_else(|| {
                    DecodeError::invalid(WHAT, part.at, "more key references than bits in tag 90")
                })?;
                let enabled = octet & (0x80 >> (place % 8)) != 0;
                list.push(PinStatus { key, enabled, usage: usage.take() });
            }
            tag => return Err(DecodeError::invalid(WHAT, part.at, format!("unexpected tag {tag:02X}"))),
        }
    }
    if usage.is_some() {
        return Err(DecodeError::invalid(WHAT, object.at, "a usage qualifier without a key reference"));
    }
    Ok(list)
}

/// Writes the value of tag C6.
pub(super) fn encode(list: &[PinStatus]) -> Vec<u8> {
    let mut bits: Vec<u8> = list
        .chunks(8)
        .map(|eight| {
            eight
                .iter()
                .enumerate()
                .fold(0, |octet, (at, pin)| octet | if pin.enabled { 0x80 >> at } else { 0 })
        })
        .collect();
    if bits.is_empty() {
        bits.push(0);
    }
    let mut out = Vec::new();
    tlv::write(0x90, &bits, &mut out);
    for pin in list {
        if let Some(usage) = pin.usage {
            tlv::write(0x95, &[usage], &mut out);
        }
        tlv::write(0x83, &[pin.key.0], &mut out);
    }
    out
}

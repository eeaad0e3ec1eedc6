//! Data objects of cards: file control parameters and EF(DIR) (ETSI TS 102 221, sections 11.1.1.3 and 13.1).

use crate::wire::{
    Fid, Path,
    arr::{AccessRules, KeyRef},
    fcp::{Fcp, FileDescriptor, FileKind, LifeCycle},
    pkcs15::{AID, DirEntry},
};

use super::scribe::{Scribe, Stopped};

const OBJECT: &str = "ISO/IEC 7816-4 5.2.2";
const FCP: &str = "TS 102 221 11.1.1.3";
const DIR: &str = "TS 102 221 13.1";

/// A data object: tag, length and value.
pub(super) struct Object {
    pub(super) tag: u16,
    pub(super) length: usize,
}

/// Tag and length of a data object; the group that it is, is open and must be finished.
pub(super) fn object(
    w: &mut Scribe<'_>,
    name: &dyn Fn(u16) -> (&'static str, &'static str),
) -> Result<Object, Stopped> {
    let rest = w.rest();
    let two = rest.first().is_some_and(|first| first & 0x1F == 0x1F);
    let tag = rest.iter().take(if two { 2 } else { 1 }).fold(0, |sum, octet| sum << 8 | u16::from(*octet));
    let (title, clause) = name(tag);
    w.begin(title, clause);
    w.take(if two { 2 } else { 1 }, "tag", OBJECT)?;
    w.says(format!("{tag:02X}"));
    if title == UNKNOWN {
        w.odd("a tag that is not known here");
    }
    Ok(Object { tag, length: length(w)? })
}

pub(super) const UNKNOWN: &str = "data object";

/// A length in BER form.
pub(super) fn length(w: &mut Scribe<'_>) -> Result<usize, Stopped> {
    let count = match w.peek() {
        Some(first @ 0x81..=0x83) => usize::from(first & 0x7F),
        _ => 0,
    };
    let octets = w.take(1 + count, "length", OBJECT)?;
    let length = match octets.split_first() {
        Some((first @ 0..=0x7F, _)) => usize::from(*first),
        Some((0x81..=0x83, rest)) => rest.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)),
        _ => {
            w.wrong("not a length of one to four octets");
            return Err(Stopped);
        }
    };
    w.says(format!("{length} octets"));
    Ok(length)
}

/// Padding: FF or 00 where a tag should stand, up to the end of the group.
pub(super) fn padding(w: &mut Scribe<'_>) -> bool {
    if !matches!(w.peek(), Some(0x00 | 0xFF)) {
        return false;
    }
    let octets = w.take_rest("padding", "");
    w.says(format!("{} octets", octets.len()));
    if octets.iter().any(|octet| Some(octet) != octets.first()) {
        w.odd("not all of them are the same");
    }
    true
}

pub(super) fn explain_fcp(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    let template =
        object(w, &|tag| if tag == Fcp::TAG { ("file control parameters", FCP) } else { (UNKNOWN, OBJECT) })?;
    if template.tag != Fcp::TAG {
        w.wrong("expected 62");
    }
    w.within(template.length, |w| {
        while !w.is_empty() {
            parameter(w)?;
        }
        Ok(())
    });
    w.finish();
    let used = octets.get(..w.position() - base).unwrap_or(octets);
    if !w.is_empty() && !padding(w) {
        w.take_rest("left over", "");
        w.wrong("octets behind the template");
    }
    w.cross_check(base, Fcp::decode(used));
    Ok(())
}

fn parameter(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let Object { tag, length } = object(w, &|tag| match tag {
        0x82 => ("file descriptor", "TS 102 221 11.1.1.4.3"),
        0x83 => ("file identifier", "TS 102 221 11.1.1.4.4"),
        0x84 => ("AID of the application", "TS 102 221 11.1.1.4.5"),
        0x80 => ("file size", "TS 102 221 11.1.1.4.1"),
        0x81 => ("total file size", "TS 102 221 11.1.1.4.2"),
        0x88 => ("short file identifier", "TS 102 221 11.1.1.4.8"),
        0x8A => ("life cycle status", "TS 102 221 11.1.1.4.9"),
        0x8B => ("access rules, by reference", "TS 102 221 11.1.1.4.7"),
        0x8C => ("access rules, compact", "TS 102 221 11.1.1.4.7"),
        0xAB => ("access rules, expanded", "TS 102 221 11.1.1.4.7"),
        0xC6 => ("PIN status", "TS 102 221 11.1.1.4.10"),
        0xA5 => ("proprietary information", "TS 102 221 11.1.1.4.6"),
        _ => (UNKNOWN, FCP),
    })?;
    w.within(length, |w| match tag {
        0x82 => descriptor(w),
        0x8B => reference(w),
        0xC6 => pins(w),
        0xA5 => {
            while !w.is_empty() {
                proprietary(w)?;
            }
            Ok(())
        }
        _ => {
            simple(w, tag);
            Ok(())
        }
    });
    w.finish();
    Ok(())
}

/// A value that is one field.
fn simple(w: &mut Scribe<'_>, tag: u16) {
    let octets = w.take_rest("octets", FCP);
    if octets.is_empty() {
        return;
    }
    let number = octets.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet));
    match (tag, octets) {
        (0x83, [_, _]) => w.says(Fid(u16::try_from(number).unwrap_or(0)).to_string()),
        (0x84, aid) => w.says(if aid == AID { "PKCS#15".to_owned() } else { hex(aid) }),
        (0x80 | 0x81, [_] | [_, _] | [_, _, _] | [_, _, _, _]) => w.says(format!("{number} octets")),
        (0x88, [sfi]) => w.says(format!("{} (upper five bits)", sfi >> 3)),
        (0x8A, [status]) => w.says(LifeCycle(*status).name()),
        (0xAB, rules) => match AccessRules::decode(rules) {
            Ok(rules) => {
                let list: Vec<String> =
                    rules.0.iter().map(|(mode, condition)| format!("{mode:?}: {condition}")).collect();
                w.says(list.join("; "));
            }
            Err(error) => w.wrong(error.to_string()),
        },
        _ => {}
    }
}

fn descriptor(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    const CLAUSE: &str = "TS 102 221 11.1.1.4.3";
    let all = w.rest();
    w.octet("descriptor", CLAUSE)?;
    if let Ok(descriptor) = FileDescriptor::decode(all) {
        let kind = match descriptor.kind {
            FileKind::Df => "directory",
            FileKind::Transparent => "transparent file",
            FileKind::LinearFixed { .. } => "linear fixed file",
            FileKind::Cyclic { .. } => "cyclic file",
            FileKind::BerTlv => "BER-TLV file",
            FileKind::Unknown(_) => "unknown structure",
        };
        w.says(if descriptor.shareable { format!("{kind}, shareable") } else { kind.to_owned() });
    }
    if !w.is_empty() {
        w.octet("data coding", CLAUSE)?;
    }
    if !w.is_empty() {
        let length = w.pair("record length", CLAUSE)?;
        w.says(format!("{length} octets"));
    }
    if !w.is_empty() {
        let count = w.octet("number of records", CLAUSE)?;
        w.says(count.to_string());
    }
    Ok(())
}

fn reference(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    const CLAUSE: &str = "TS 102 221 11.1.1.4.7.3";
    let fid = w.pair("EF(ARR)", CLAUSE)?;
    w.says(Fid(fid).to_string());
    if w.rest().len() == 1 {
        let record = w.octet("record", CLAUSE)?;
        w.says(record.to_string());
        return Ok(());
    }
    while !w.is_empty() {
        let environment = w.octet("security environment", CLAUSE)?;
        w.says(format!("{environment:02X}"));
        let record = w.octet("record", CLAUSE)?;
        w.says(record.to_string());
    }
    Ok(())
}

fn pins(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    const CLAUSE: &str = "TS 102 221 9.5.2";
    let (mut bits, mut place) = (Vec::new(), 0);
    while !w.is_empty() {
        let Object { tag, length } = object(w, &|tag| match tag {
            0x90 => ("which are switched on", CLAUSE),
            0x95 => ("usage of the next one", CLAUSE),
            0x83 => ("PIN or key", CLAUSE),
            _ => (UNKNOWN, CLAUSE),
        })?;
        let octets = w.take(length, "value", CLAUSE)?;
        match (tag, octets) {
            (0x90, octets) => {
                bits = octets.to_vec();
                w.says(octets.iter().map(|octet| format!("{octet:08b}")).collect::<Vec<_>>().join(" "));
            }
            (0x95, [0x00]) => w.says("not used"),
            (0x95, [0x08]) => w.says("as a PIN that the user presents"),
            (0x83, [key]) => {
                let on = bits.get(place / 8).map(|octet| octet & 0x80 >> (place % 8) != 0);
                place += 1;
                let state = match on {
                    Some(true) => "on",
                    Some(false) => "off",
                    None => "no bit in tag 90",
                };
                w.says(format!("{}, {state}", KeyRef(*key)));
            }
            _ => {}
        }
        w.finish();
    }
    Ok(())
}

fn proprietary(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    const CLAUSE: &str = "TS 102 221 11.1.1.4.6";
    let Object { tag, length } = object(w, &|tag| match tag {
        0x80 => ("UICC characteristics", CLAUSE),
        0x81 => ("application power consumption", CLAUSE),
        0x82 => ("minimum clock frequency", CLAUSE),
        0x83 => ("free memory", CLAUSE),
        0x84 => ("file details", CLAUSE),
        0x85 => ("reserved file size", CLAUSE),
        0x86 => ("maximum file size", CLAUSE),
        0x87 => ("supported commands", CLAUSE),
        0xC0 => ("special file information", "TS 102 222 6.3.2.2.3"),
        _ => ("proprietary data object", CLAUSE),
    })?;
    let octets = w.take(length, "value", CLAUSE)?;
    let number = octets.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet));
    if matches!(tag, 0x83 | 0x85 | 0x86) && octets.len() <= 4 {
        w.says(format!("{number} octets"));
    }
    w.finish();
    Ok(())
}

/// EF(DIR): records one behind the other, or one record.
pub(super) fn explain_dir(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let mut any = false;
    while !w.is_empty() {
        // Records end in padding, and the next may begin behind it.
        if matches!(w.peek(), Some(0x00 | 0xFF)) {
            let octets = w.rest();
            let count = octets.iter().take_while(|octet| matches!(octet, 0x00 | 0xFF)).count();
            w.take(count, "padding", DIR)?;
            w.says(format!("{count} octets"));
            continue;
        }
        any = true;
        let base = w.position();
        let octets = w.rest();
        let Object { tag, length } =
            object(w, &|tag| if tag == 0x61 { ("application template", DIR) } else { (UNKNOWN, DIR) })?;
        if tag != 0x61 {
            w.wrong("expected 61");
        }
        w.within(length, |w| {
            while !w.is_empty() {
                let Object { tag, length } = object(w, &|tag| match tag {
                    0x4F => ("application identifier", DIR),
                    0x50 => ("label", DIR),
                    0x51 => ("path", DIR),
                    0x52 => ("command to perform", DIR),
                    0x53 | 0x73 => ("discretionary data", DIR),
                    0x5F50 => ("URL", DIR),
                    _ => (UNKNOWN, DIR),
                })?;
                let octets = w.take(length, "value", DIR)?;
                match tag {
                    0x4F => w.says(application(octets)),
                    0x50 | 0x5F50 => w.says(format!("{:?}", String::from_utf8_lossy(octets))),
                    0x51 => match Path::from_octets(octets) {
                        Ok(path) => w.says(path.to_string()),
                        Err(error) => w.wrong(error.to_string()),
                    },
                    _ => {}
                }
                w.finish();
            }
            Ok(())
        });
        w.finish();
        let used = octets.get(..w.position() - base).unwrap_or(octets);
        w.cross_check(base, DirEntry::decode(used));
    }
    if !any {
        w.odd("no application");
    }
    Ok(())
}

/// An application identifier with the name of the application, as far as it matters here.
fn application(aid: &[u8]) -> String {
    let name = match aid {
        _ if aid == AID => "PKCS#15",
        [0xA0, 0, 0, 0, 0x87, 0x10, 0x02, ..] => "USIM",
        [0xA0, 0, 0, 0, 0x87, 0x10, 0x04, ..] => "ISIM",
        [0xA0, 0, 0, 0x03, 0x43, 0x10, 0x02, ..] => "CSIM",
        _ => return hex(aid),
    };
    format!("{name} ({})", hex(aid))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

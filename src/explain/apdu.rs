//! Command and response APDUs (ISO/IEC 7816-3, section 12; ETSI TS 102 221, sections 10 and 11).

use crate::wire::{
    Fid, Path,
    apdu::{CommandApdu, StatusClass, StatusWord},
    arr::KeyRef,
    tlv,
};

use super::{
    Kind, Options, kind, recognise,
    scribe::{Scribe, Stopped},
    secret,
};

const HEADER: &str = "TS 102 221 10.1.1";

/// The commands that cards of this trade know, by INS.
const COMMANDS: [(u8, &str, &str); 32] = [
    (0x04, "DEACTIVATE FILE", "TS 102 221 11.1.14"),
    (0x0E, "ERASE BINARY", "ISO/IEC 7816-4 7.2.7"),
    (0x10, "TERMINAL PROFILE", "TS 102 221 11.2.1"),
    (0x12, "FETCH", "TS 102 221 11.2.3"),
    (0x14, "TERMINAL RESPONSE", "TS 102 221 11.2.4"),
    (0x20, "VERIFY PIN", "TS 102 221 11.1.9"),
    (0x24, "CHANGE PIN", "TS 102 221 11.1.10"),
    (0x26, "DISABLE PIN", "TS 102 221 11.1.11"),
    (0x28, "ENABLE PIN", "TS 102 221 11.1.12"),
    (0x2C, "UNBLOCK PIN", "TS 102 221 11.1.13"),
    (0x32, "INCREASE", "TS 102 221 11.1.8"),
    (0x44, "ACTIVATE FILE", "TS 102 221 11.1.15"),
    (0x70, "MANAGE CHANNEL", "TS 102 221 11.1.17"),
    (0x84, "GET CHALLENGE", "TS 102 221 11.1.18"),
    (0x88, "AUTHENTICATE", "TS 102 221 11.1.16"),
    (0x89, "AUTHENTICATE", "TS 102 221 11.1.16"),
    (0xA2, "SEARCH RECORD", "TS 102 221 11.1.7"),
    (0xA4, "SELECT", "TS 102 221 11.1.1"),
    (0xAA, "TERMINAL CAPABILITY", "TS 102 221 11.1.19"),
    (0xB0, "READ BINARY", "TS 102 221 11.1.3"),
    (0xB2, "READ RECORD", "TS 102 221 11.1.5"),
    (0xC0, "GET RESPONSE", "TS 102 221 7.3.1.1"),
    (0xC2, "ENVELOPE", "TS 102 221 11.2.2"),
    (0xCA, "GET DATA", "ISO/IEC 7816-4 7.4.2"),
    (0xCB, "RETRIEVE DATA", "TS 102 221 11.3.1"),
    (0xD4, "RESIZE FILE", "TS 102 222 6.10"),
    (0xD6, "UPDATE BINARY", "TS 102 221 11.1.4"),
    (0xDB, "SET DATA", "TS 102 221 11.3.2"),
    (0xDC, "UPDATE RECORD", "TS 102 221 11.1.6"),
    (0xE0, "CREATE FILE", "TS 102 222 6.3"),
    (0xE4, "DELETE FILE", "TS 102 222 6.4"),
    (0xF2, "STATUS", "TS 102 221 11.1.2"),
];

/// Whether class and instruction are of a command that is known here.
pub(super) fn is_known(cla: u8, ins: u8) -> bool {
    let class = matches!(cla, 0x00..=0x03 | 0x0C | 0x40..=0x4F | 0x80..=0x83 | 0xA0);
    class && COMMANDS.iter().any(|(own, _, _)| *own == ins)
}

pub(super) fn explain(w: &mut Scribe<'_>, options: &Options) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    let cla = w.octet("class", HEADER)?;
    w.says(match cla {
        0x00..=0x0F => format!("interindustry, logical channel {}", cla & 0x03),
        0x80..=0x8F => format!("proprietary, logical channel {}", cla & 0x03),
        0xA0 => "SIM (GSM 11.11)".to_owned(),
        0x40..=0x4F => format!("interindustry, logical channel {}", 4 + (cla & 0x0F)),
        _ => format!("{cla:02X}"),
    });
    let ins = w.octet("instruction", HEADER)?;
    let known = COMMANDS.iter().find(|(own, _, _)| *own == ins);
    let clause = known.map_or("", |(_, _, clause)| *clause);
    match known {
        Some((_, name, _)) => w.says(*name),
        None => w.odd("an instruction that is not known here"),
    }
    let p1 = w.octet("P1", clause)?;
    w.says(first_parameter(ins, p1));
    let p2 = w.octet("P2", clause)?;
    w.says(second_parameter(ins, p1, p2));
    match w.rest().len() {
        0 => {}
        1 => expected(w)?,
        _ => {
            let lc = usize::from(w.octet("Lc", HEADER)?);
            w.says(format!("{lc} octets of data"));
            if lc == 0 {
                w.odd("0: no data follows");
            }
            if lc > 0 {
                w.region(lc, "data", clause, |w| {
                    data(w, ins, p1, options);
                    Ok(())
                });
            }
            if !w.is_empty() {
                expected(w)?;
            }
            if !w.is_empty() {
                w.take_rest("left over", "");
                w.wrong("octets behind Le");
            }
        }
    }
    w.cross_check(base, CommandApdu::decode(octets));
    Ok(())
}

fn expected(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let le = w.octet("Le", HEADER)?;
    w.says(if le == 0 { "up to 256 octets expected".to_owned() } else { format!("{le} octets expected") });
    Ok(())
}

fn first_parameter(ins: u8, p1: u8) -> String {
    match (ins, p1) {
        (0xA4, 0x00) => "by file identifier".to_owned(),
        (0xA4, 0x01) => "child directory".to_owned(),
        (0xA4, 0x03) => "parent directory".to_owned(),
        (0xA4, 0x04) => "by application identifier".to_owned(),
        (0xA4, 0x08) => "by path from the MF".to_owned(),
        (0xA4, 0x09) => "by path from the current directory".to_owned(),
        (0xB0 | 0xD6, p1) if p1 & 0x80 != 0 => format!("short file identifier {}", p1 & 0x1F),
        (0xB0 | 0xD6, p1) => format!("offset, high octet {p1:02X}"),
        (0xB2 | 0xDC, p1) => format!("record {p1}"),
        (_, p1) => format!("{p1:02X}"),
    }
}

fn second_parameter(ins: u8, p1: u8, p2: u8) -> String {
    match ins {
        0xA4 => match p2 & 0x0F {
            0x04 => "answer with file control parameters",
            0x0C => "no answer",
            _ => "answer as the card likes",
        }
        .to_owned(),
        0xB0 | 0xD6 if p1 & 0x80 != 0 => format!("offset {p2}"),
        0xB0 | 0xD6 => format!("offset {}", u16::from_be_bytes([p1, p2])),
        0xB2 | 0xDC => {
            let mode = match p2 & 0x07 {
                2 => "next record",
                3 => "previous record",
                _ => "that record",
            };
            match p2 >> 3 {
                0 => mode.to_owned(),
                sfi => format!("{mode}, short file identifier {sfi}"),
            }
        }
        0x20 | 0x24 | 0x26 | 0x28 | 0x2C => format!("key {}", KeyRef(p2)),
        _ => format!("{p2:02X}"),
    }
}

/// The data of a command. Keys are hidden.
fn data(w: &mut Scribe<'_>, ins: u8, p1: u8, options: &Options) {
    let octets = w.rest();
    match ins {
        0x20 | 0x24 | 0x26 | 0x28 | 0x2C => {
            w.take_rest("PIN or key", "TS 102 221 9.5");
            let mark = w.last();
            w.hide(mark);
        }
        0xA4 => {
            w.take_rest("what to select", "TS 102 221 8.4");
            match (p1, Fid::from_octets(octets), Path::from_octets(octets)) {
                (0x04, _, _) => {}
                (_, Some(fid), _) => w.says(fid.to_string()),
                (_, None, Ok(path)) => w.says(path.to_string()),
                (_, None, Err(error)) => w.wrong(error.to_string()),
            }
        }
        0xE4 => {
            w.take_rest("which file", "TS 102 222 6.4");
            if let Some(fid) = Fid::from_octets(octets) {
                w.says(fid.to_string());
            }
        }
        0xE0 if octets.first() == Some(&0x62) => {
            kind::explain(Kind::Fcp, w, options);
        }
        _ => card_data(w, options),
    }
}

/// Contents of a file, as far as they can be told.
fn card_data(w: &mut Scribe<'_>, options: &Options) {
    let octets = w.rest();
    if let Some(kind) = recognise::card_file(octets) {
        kind::explain(kind, w, options);
        return;
    }
    if octets.is_empty() {
        return;
    }
    w.take_rest("contents", "");
    if tlv::strip_padding(octets).is_empty() {
        w.says("empty (FF)");
    } else if secret::may_hold_secrets(octets) {
        let mark = w.last();
        w.hide_octets(mark);
        w.says("may hold secrets");
    }
}

pub(super) fn explain_response(w: &mut Scribe<'_>, options: &Options) -> Result<(), Stopped> {
    let length = w.rest().len().saturating_sub(2);
    if length > 0 {
        w.region(length, "data", "TS 102 221 10.2", |w| {
            card_data(w, options);
            Ok(())
        });
    }
    let sw = StatusWord(w.pair("status word", "TS 102 221 10.2.1")?);
    let detail = match sw.class() {
        StatusClass::GetResponse(n) => format!(": {n} octets"),
        StatusClass::RetryLe(n) => format!(": {n} is right"),
        StatusClass::WrongKey(n) => format!(": {n} left"),
        StatusClass::OkFetch(n) => format!(" of {n} octets"),
        _ => String::new(),
    };
    w.says(format!("{sw}{detail}"));
    Ok(())
}

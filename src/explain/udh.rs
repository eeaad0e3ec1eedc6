//! The user data header, and what stands behind it (3GPP TS 23.040, section 9.2.3.24).

use crate::wire::{
    Decode, Reader,
    wdp::{PUSH_PORT, Ports, SECURE_PUSH_PORT, Segment, Udh},
    wsp::Push,
};

use super::{
    Found, Options, Problem,
    scribe::{Scribe, Stopped},
    secret,
    segments::Segmented,
    wbxml, wsp,
};

const HEADER: &str = "TS 23.040 9.2.3.24";

/// User data that begins with a header.
pub(super) fn explain(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    let udh = header(w)?;
    content(w, udh.as_ref(), options, found)
}

/// The header alone; none when it cannot be read as one.
pub(super) fn header(w: &mut Scribe<'_>) -> Result<Option<Udh>, Stopped> {
    let start = w.position();
    let length = usize::from(w.octet("user data header length", HEADER)?);
    w.says(format!("{length} octets"));
    w.region(length, "user data header", HEADER, |w| {
        while !w.is_empty() {
            element(w)?;
        }
        Ok(())
    });
    let octets = w.octets().get(start..w.position()).unwrap_or(&[]);
    Ok(Udh::decode(&mut Reader::new(octets)).ok())
}

fn element(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let iei = w.peek().unwrap_or(0);
    let (name, clause, wanted) = match iei {
        0x00 => ("concatenation, 8-bit reference", "TS 23.040 9.2.3.24.1", Some(3)),
        0x01 => ("special SMS message indication", "TS 23.040 9.2.3.24.2", Some(2)),
        0x04 => ("application ports, 8 bit", "TS 23.040 9.2.3.24.3", Some(2)),
        0x05 => ("application ports, 16 bit", "TS 23.040 9.2.3.24.4", Some(4)),
        0x08 => ("concatenation, 16-bit reference", "TS 23.040 9.2.3.24.8", Some(4)),
        0x24 => ("national language, single shift", "TS 23.040 9.2.3.24.15", Some(1)),
        0x25 => ("national language, locking shift", "TS 23.040 9.2.3.24.16", Some(1)),
        0x70..=0x7F => ("SIM toolkit security", "TS 23.040 9.2.3.24.7", None),
        _ => ("information element", HEADER, None),
    };
    w.begin(name, clause);
    w.octet("identifier", HEADER)?;
    w.says(format!("{iei:02X}"));
    let length = usize::from(w.octet("length", HEADER)?);
    w.says(format!("{length} octets"));
    let fits = wanted.is_none_or(|wanted| wanted == length);
    if let (false, Some(wanted)) = (fits, wanted) {
        w.wrong(format!("{length} octets; this element has {wanted}"));
    }
    w.within(length, |w| {
        match iei {
            0x00 | 0x08 if fits => {
                if iei == 0 {
                    let reference = w.octet("reference", clause)?;
                    w.says(format!("{reference:02X}"));
                } else {
                    let reference = w.pair("reference", clause)?;
                    w.says(format!("{reference:04X}"));
                }
                let total = w.octet("segments in all", clause)?;
                w.says(total.to_string());
                if total == 0 {
                    w.wrong("a message has at least one segment; a device ignores this element");
                }
                let sequence = w.octet("number of this segment", clause)?;
                w.says(sequence.to_string());
                if sequence == 0 || sequence > total {
                    w.wrong(format!("expected 1 to {total}; a device ignores this element"));
                }
            }
            0x05 if fits => {
                let destination = w.pair("destination port", clause)?;
                w.says(port(destination));
                let originator = w.pair("originator port", clause)?;
                w.says(port(originator));
            }
            0x04 if fits => {
                let destination = w.octet("destination port", clause)?;
                w.says(destination.to_string());
                w.odd("pushes have ports of 16 bits (element 05)");
                let originator = w.octet("originator port", clause)?;
                w.says(originator.to_string());
            }
            _ => {
                w.take_rest("octets", clause);
            }
        }
        Ok(())
    });
    w.finish();
    Ok(())
}

/// A port with the name that it has, as far as it matters here.
fn port(number: u16) -> String {
    let name = match number {
        2948 => "push",
        2949 => "secure push",
        4035 => "push over HTTP",
        4036 => "secure push over HTTP",
        9200 => "WSP",
        9201 => "WSP in a session",
        9202 => "secure WSP",
        9203 => "secure WSP in a session",
        49_154 | 49_999 => "settings of Nokia and Ericsson",
        49_996 => "SyncML settings of Nokia",
        _ => return number.to_string(),
    };
    format!("{number} ({name})")
}

/// What stands behind the header, or where none is.
pub(super) fn content(
    w: &mut Scribe<'_>,
    udh: Option<&Udh>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let ports = udh.and_then(Udh::ports);
    let segment = udh.and_then(Udh::concatenation).filter(|c| c.total() > 1);
    if let (Some(udh), Some(segment)) = (udh, segment) {
        let data = w.take_rest("segment of a longer message", "TS 23.040 9.2.3.24.1").to_vec();
        w.says(format!("{} of {}", segment.sequence(), segment.total()));
        let mark = w.last();
        if !data.is_empty() {
            w.hide_octets(mark);
        }
        if ports.is_none() {
            w.odd("no ports (element 05) in this segment; some devices want them in every one");
        }
        let segment = Segment { udh: udh.clone(), data };
        found.segments.push(Segmented { sender: found.sender.clone(), segment, mark });
        return Ok(());
    }
    datagram(w, ports, options, found)
}

/// A datagram that is whole.
pub(super) fn datagram(
    w: &mut Scribe<'_>,
    ports: Option<Ports>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let is_push = Push::decode(w.rest()).is_ok_and(|p| p.content_type.media().name().is_some());
    match ports.map(|p| p.destination()) {
        Some(SECURE_PUSH_PORT) => {
            w.take_rest("WTLS records", "WAP-261");
            w.says("encrypted; not read here");
            Ok(())
        }
        Some(PUSH_PORT) if wbxml::begins_document(w.rest()) && !is_push => {
            let why = "a WBXML document where a WSP push should begin: a device does not know what it is";
            let mark = w.next();
            let done = wbxml::explain(w, None);
            w.judge(mark, Problem::wrong(why));
            done
        }
        Some(PUSH_PORT) => wsp::explain(w, options, found),
        _ if is_push => {
            let mark = w.next();
            let done = wsp::explain(w, options, found);
            if ports.is_none() {
                let why = "a push without ports (element 05) before it: a device takes it for something else";
                w.judge(mark, Problem::wrong(why));
            }
            done
        }
        other => {
            let octets = w.take_rest("data", HEADER);
            if octets.is_empty() {
                return Ok(());
            }
            w.says(match other {
                Some(port) => format!("{} octets for port {port}", octets.len()),
                None => format!("{} octets", octets.len()),
            });
            let mark = w.last();
            if secret::may_hold_secrets(octets) {
                w.hide(mark);
            }
            Ok(())
        }
    }
}

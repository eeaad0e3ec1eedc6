//! The mandatory parameters: each by its name, with what it says (SMPP 3.4, section 5.2).

use crate::{
    explain::scribe::{Scribe, Stopped},
    wire::smpp::{DataCoding, MessageState},
};

/// Text that ends with 00, of at most `most` octets with it.
pub(super) fn text(
    w: &mut Scribe<'_>,
    name: &'static str,
    clause: &'static str,
    most: usize,
) -> Result<String, Stopped> {
    let rest = w.rest();
    let Some(end) = rest.iter().position(|o| *o == 0) else {
        let mark = w.next();
        w.take(rest.len().max(1), name, clause)?;
        // Nobody can say where it was to end, and what else is in it.
        w.hide_octets(mark);
        w.wrong("text without the 00 that ends it");
        return Err(Stopped);
    };
    let octets = w.take(end + 1, name, clause)?;
    let said: String = octets.iter().take(end).map(|o| char::from(*o)).collect();
    w.says(format!("{said:?}"));
    if end + 1 > most {
        w.wrong(format!("{} octets with the 00 at its end; at most {most} fit", end + 1));
    }
    Ok(said)
}

/// A password: its octets and text are hidden.
pub(super) fn password(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let mark = w.next();
    let taken = text(w, "password", "SMPP 3.4, 5.2.2", 9);
    w.hide(mark);
    taken.map(|_| ())
}

/// Type of number, numbering plan and the address.
pub(super) fn address(
    w: &mut Scribe<'_>,
    [ton, npi, name]: [&'static str; 3],
    most: usize,
) -> Result<String, Stopped> {
    type_and_plan(w, ton, npi)?;
    let clause = if name.starts_with("source") { "SMPP 3.4, 5.2.8" } else { "SMPP 3.4, 5.2.9" };
    text(w, name, clause, most)
}

pub(super) fn source(w: &mut Scribe<'_>) -> Result<String, Stopped> {
    address(w, ["source_addr_ton", "source_addr_npi", "source_addr"], 21)
}

pub(super) fn destination(w: &mut Scribe<'_>) -> Result<String, Stopped> {
    address(w, ["dest_addr_ton", "dest_addr_npi", "destination_addr"], 21)
}

pub(super) fn type_and_plan(w: &mut Scribe<'_>, ton: &'static str, npi: &'static str) -> Result<(), Stopped> {
    let kind = w.octet(ton, "SMPP 3.4, 5.2.5")?;
    let types = [
        "unknown",
        "international",
        "national",
        "network specific",
        "subscriber number",
        "alphanumeric",
        "abbreviated",
    ];
    match types.get(usize::from(kind)) {
        Some(word) => w.says(format!("{kind}: {word}")),
        None => w.odd("reserved; expected 0 to 6"),
    }
    let plan = w.octet(npi, "SMPP 3.4, 5.2.6")?;
    let word = match plan {
        0 => "unknown",
        1 => "ISDN (E.163, E.164)",
        3 => "data (X.121)",
        4 => "telex (F.69)",
        6 => "land mobile (E.212)",
        8 => "national",
        9 => "private",
        10 => "ERMES",
        14 => "Internet (IP)",
        18 => "WAP client id",
        _ => {
            w.odd("reserved");
            return Ok(());
        }
    };
    w.says(format!("{plan}: {word}"));
    Ok(())
}

/// `esm_class`; `submitted` by an ESME, or delivered to one.
pub(super) fn esm_class(w: &mut Scribe<'_>, submitted: bool) -> Result<u8, Stopped> {
    let octet = w.octet("esm_class", "SMPP 3.4, 5.2.12")?;
    let mut words = Vec::new();
    if submitted {
        words.push(match octet & 0x03 {
            0 => "default mode",
            1 => "datagram",
            2 => "forward (transaction)",
            _ => "store and forward",
        });
    }
    match (octet & 0x3C, submitted) {
        (0x00, _) => words.push("message"),
        (0x04, false) => words.push("delivery receipt"),
        (0x08, _) => words.push("delivery acknowledgement"),
        (0x10, _) => words.push("user acknowledgement"),
        (0x18, false) => words.push("conversation abort"),
        (0x20, false) => words.push("intermediate notification"),
        _ => w.odd("a message type that is reserved here"),
    }
    if octet & 0x40 != 0 {
        words.push("user data header");
    }
    if octet & 0x80 != 0 {
        words.push("reply path");
    }
    w.says(words.join(", "));
    Ok(octet)
}

pub(super) fn registered_delivery(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let octet = w.octet("registered_delivery", "SMPP 3.4, 5.2.17")?;
    let mut words = vec![match octet & 0x03 {
        0 => "no receipt",
        1 => "a receipt on success and failure",
        2 => "a receipt on failure",
        _ => "reserved",
    }];
    match octet & 0x0C {
        0x00 => {}
        0x04 => words.push("acknowledgement of delivery"),
        0x08 => words.push("acknowledgement by the user"),
        _ => words.push("both acknowledgements"),
    }
    if octet & 0x10 != 0 {
        words.push("intermediate notification");
    }
    w.says(words.join(", "));
    Ok(())
}

pub(super) fn data_coding(w: &mut Scribe<'_>) -> Result<DataCoding, Stopped> {
    let coding = DataCoding(w.octet("data_coding", "SMPP 3.4, 5.2.19")?);
    w.says(coding.meaning());
    Ok(coding)
}

/// A time: empty, or 16 characters, absolute or relative (SMPP 3.4, section 7.1.1).
pub(super) fn time(w: &mut Scribe<'_>, name: &'static str, clause: &'static str) -> Result<(), Stopped> {
    let said = text(w, name, clause, 17)?;
    let bytes = said.as_bytes();
    let digits = bytes.iter().take(15).all(u8::is_ascii_digit);
    let part = |at: usize| said.get(at..at + 2).unwrap_or("");
    match (bytes.len(), bytes.last()) {
        (0, _) => w.says(if name == "schedule_delivery_time" { "at once" } else { "none" }),
        (16, Some(b'R')) if digits => {
            let [y, mo, d, h, m, s] = [0, 2, 4, 6, 8, 10].map(part);
            w.says(format!("{said}: in {y} years {mo} months {d} days {h}:{m}:{s}"));
        }
        (16, Some(sign @ (b'+' | b'-'))) if digits => {
            let [y, mo, d, h, m, s] = [0, 2, 4, 6, 8, 10].map(part);
            let quarters: u32 = part(13).parse().unwrap_or(0);
            let (sign, hours, minutes) = (char::from(*sign), quarters / 4, quarters % 4 * 15);
            w.says(format!("{said}: 20{y}-{mo}-{d} {h}:{m}:{s} UTC{sign}{hours:02}:{minutes:02}"));
        }
        // Query responses of some SMSCs leave fractions and zone out.
        _ => w.wrong("expected YYMMDDhhmmsstnn and +, - or R"),
    }
    Ok(())
}

pub(super) fn priority(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let priority = w.octet("priority_flag", "SMPP 3.4, 5.2.14")?;
    w.says(priority.to_string());
    if priority > 3 {
        w.odd("expected 0 to 3");
    }
    Ok(())
}

/// An octet that is a number and no more.
pub(super) fn number(w: &mut Scribe<'_>, name: &'static str, clause: &'static str) -> Result<u8, Stopped> {
    let octet = w.octet(name, clause)?;
    w.says(octet.to_string());
    Ok(octet)
}

pub(super) fn message_id(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    text(w, "message_id", "SMPP 3.4, 5.2.23", 65).map(|_| ())
}

/// What the last field says as a message state.
pub(super) fn say_state(w: &mut Scribe<'_>, octet: u8) {
    match MessageState::from_octet(octet) {
        Some(state) => w.says(format!("{octet}: {}", state.word())),
        None => w.odd("expected 1 to 8"),
    }
}

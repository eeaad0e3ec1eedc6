//! Notifications of multimedia messages, as far as their headers have a plain form (OMA-MMS-ENC, section 7; numbers and
//! names are remembered, a message from the field agrees with them).

use crate::explain::scribe::{Scribe, Stopped};

const CLAUSE: &str = "OMA-MMS-ENC 7.3 (remembered)";

/// Header names by their number.
const NAMES: [(u8, &str); 20] = [
    (0x03, "X-Mms-Content-Location"),
    (0x05, "Date"),
    (0x06, "X-Mms-Delivery-Report"),
    (0x07, "X-Mms-Delivery-Time"),
    (0x08, "X-Mms-Expiry"),
    (0x09, "From"),
    (0x0A, "X-Mms-Message-Class"),
    (0x0B, "Message-ID"),
    (0x0C, "X-Mms-Message-Type"),
    (0x0D, "X-Mms-MMS-Version"),
    (0x0E, "X-Mms-Message-Size"),
    (0x0F, "X-Mms-Priority"),
    (0x10, "X-Mms-Read-Report"),
    (0x11, "X-Mms-Report-Allowed"),
    (0x12, "X-Mms-Response-Status"),
    (0x13, "X-Mms-Response-Text"),
    (0x15, "X-Mms-Status"),
    (0x16, "Subject"),
    (0x17, "To"),
    (0x18, "X-Mms-Transaction-Id"),
];
const MESSAGE_TYPE: u8 = 0x0C;
const VERSION: u8 = 0x0D;
const MESSAGE_CLASS: u8 = 0x0A;
/// What `X-Mms-Message-Type` and `X-Mms-Message-Class` say.
const TYPES: [&str; 8] = [
    "m-send-req",
    "m-send-conf",
    "m-notification-ind",
    "m-notifyresp-ind",
    "m-retrieve-conf",
    "m-acknowledge-ind",
    "m-delivery-ind",
    "m-read-rec-ind",
];
const CLASSES: [&str; 4] = ["personal", "advertisement", "informational", "auto"];

pub(super) fn explain(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    while let Some(first) = w.peek() {
        if first & 0x80 == 0 {
            w.take_rest("header", CLAUSE);
            w.wrong("expected the number of a header, which has its high bit set");
            return Ok(());
        }
        let number = first & 0x7F;
        let name = NAMES.iter().find(|(n, _)| *n == number).map(|(_, name)| *name);
        w.begin(name.map_or_else(|| format!("header {number:02X}"), str::to_owned), CLAUSE);
        w.octet("header", CLAUSE)?;
        w.says(format!("{number:02X}"));
        value(w, number)?;
        w.finish();
    }
    Ok(())
}

/// A value: one octet with the high bit set, octets behind their length, or text with a NUL at its end.
fn value(w: &mut Scribe<'_>, header: u8) -> Result<(), Stopped> {
    match w.peek() {
        Some(octet @ 0x80..) => {
            w.octet("value", CLAUSE)?;
            let value = octet & 0x7F;
            let word = |words: &[&'static str]| words.get(usize::from(value)).copied();
            w.says(match header {
                MESSAGE_TYPE => format!("{value:02X}: {}", word(&TYPES).unwrap_or("not known here")),
                MESSAGE_CLASS => format!("{value:02X}: {}", word(&CLASSES).unwrap_or("not known here")),
                VERSION => format!("{}.{}", value >> 4, value & 0x0F),
                _ => value.to_string(),
            });
        }
        Some(0x00..=0x1F) => {
            let length = if w.peek() == Some(0x1F) {
                w.octet("length follows", CLAUSE)?;
                w.uintvar("length", CLAUSE)?
            } else {
                let length = w.octet("length", CLAUSE)?;
                w.says(length.to_string());
                u32::from(length)
            };
            let octets = w.take(usize::try_from(length).unwrap_or(usize::MAX), "value", CLAUSE)?;
            w.says(format!("{} octets", octets.len()));
        }
        _ => {
            let rest = w.rest();
            let end = rest.iter().position(|o| *o == 0);
            let octets = w.take(end.map_or(rest.len(), |nul| nul + 1).max(1), "text", CLAUSE)?;
            let text = octets.strip_suffix(&[0]).unwrap_or(octets);
            w.says(format!("{:?}", String::from_utf8_lossy(text)));
            if end.is_none() {
                w.wrong("the text has no NUL at its end");
                return Err(Stopped);
            }
        }
    }
    Ok(())
}

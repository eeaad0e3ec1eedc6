//! Optional parameters: tag, length, value (SMPP 3.4, section 5.3).

use crate::{
    explain::{
        Found, Options, Problem,
        scribe::{Scribe, Stopped},
        secret,
    },
    wire::{
        smpp::{Form, Tag},
        wdp::{Concatenation, Ports, Reference},
    },
};

use super::{
    field,
    message::{self, Message},
};

const OPTIONAL: &str = "SMPP 3.4, 5.3";

/// The optional parameters in what is left; `message` is what they are about.
pub(super) fn explain(
    w: &mut Scribe<'_>,
    message: Option<&Message>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    while !w.is_empty() {
        let tag = match w.rest() {
            [high, low, ..] => Tag(u16::from_be_bytes([*high, *low])),
            _ => {
                w.take(4, "optional parameter", OPTIONAL)?;
                return Err(Stopped);
            }
        };
        let group = w.begin(tag.to_string(), OPTIONAL);
        w.take(2, "tag", OPTIONAL)?;
        w.says(format!("{:04X}", tag.0));
        if tag.known().is_none() && !tag.is_of_vendors() {
            w.odd("reserved in SMPP 3.4");
        }
        let length = w.pair("length", OPTIONAL)?;
        w.says(format!("{length} octets"));
        w.within(usize::from(length), |w| match (tag, message) {
            (Tag::MESSAGE_PAYLOAD, Some(message)) => message::explain(w, message, options, found),
            _ => value(w, tag),
        });
        if let (Tag::MESSAGE_PAYLOAD, Some(Message { length: Some(_), has_text: true, .. })) = (tag, message)
        {
            w.judge(group, Problem::wrong("a payload beside a short_message; sm_length must be 0 then"));
        }
        w.finish();
    }
    Ok(())
}

fn value(w: &mut Scribe<'_>, tag: Tag) -> Result<(), Stopped> {
    let octets = w.rest();
    let Some((_, form)) = tag.known() else {
        w.take_unknown("value");
        return Ok(());
    };
    match form {
        Form::Number(wanted) => {
            let octets = w.take_rest("value", OPTIONAL);
            let number = octets.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet));
            if octets.len() != wanted {
                w.wrong(format!("{} octets; this parameter has {wanted}", octets.len()));
                return Ok(());
            }
            w.says(number.to_string());
            match tag {
                Tag::MESSAGE_STATE => field::say_state(w, u8::try_from(number).unwrap_or(0)),
                Tag(0x0210) => w.says(format!("{}.{}", number >> 4, number & 0x0F)),
                _ => {}
            }
        }
        Form::Text => {
            w.take_rest("value", OPTIONAL);
            let text = octets.strip_suffix(&[0]).unwrap_or(octets);
            w.says(format!("{:?}", text.iter().map(|o| char::from(*o)).collect::<String>()));
            if !octets.ends_with(&[0]) {
                w.odd("text without the 00 that ends it");
            }
        }
        Form::Octets => {
            let mark = w.next();
            w.take_rest("value", OPTIONAL);
            if secret::may_hold_secrets(octets) {
                w.hide_octets(mark);
            }
            if let (Tag::NETWORK_ERROR_CODE, [network, high, low]) = (tag, octets) {
                let network = match network {
                    1 => "ANSI-136",
                    2 => "IS-95",
                    3 => "GSM",
                    _ => "another network",
                };
                w.says(format!("{network}, error {}", u16::from_be_bytes([*high, *low])));
            }
        }
    }
    Ok(())
}

/// What the optional parameters say of the message that stands before them: its ports, and which segment it is.
pub(super) fn announced(mut rest: &[u8], mut message: Message) -> Message {
    let (mut from, mut to, mut reference, mut total, mut sequence) = (None, None, None, None, None);
    while let [t1, t0, l1, l0, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l1, *l0]));
        let (Some(value), Some(next)) = (behind.get(..length), behind.get(length..)) else { break };
        rest = next;
        let number = match value {
            [low] => u16::from(*low),
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => continue,
        };
        match Tag(u16::from_be_bytes([*t1, *t0])) {
            Tag::SOURCE_PORT => from = Some(number),
            Tag::DESTINATION_PORT => to = Some(number),
            Tag::SAR_REFERENCE => reference = Some(number),
            Tag::SAR_TOTAL => total = u8::try_from(number).ok(),
            Tag::SAR_SEQUENCE => sequence = u8::try_from(number).ok(),
            _ => {}
        }
    }
    message.ports = to.map(|destination| Ports::Wide { destination, originator: from.unwrap_or(0) });
    message.concatenation = reference.zip(total).zip(sequence).and_then(|((reference, total), sequence)| {
        Concatenation::new(Reference::Long(reference), total, sequence).ok()
    });
    message
}

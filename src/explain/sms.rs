//! Short messages: SMS-DELIVER and SMS-SUBMIT (3GPP TS 23.040, section 9.2.2).

use crate::{
    ident::counted,
    wire::{
        sms::{
            Alphabet, Dcs, MTI_DELIVER, MTI_SUBMIT, MessageClass, Pdu, Pid, ServiceCentre, SmsTime,
            TypeOfAddress, ValidityPeriod, text_of, unpack,
        },
        wdp::{USER_DATA, Udh},
    },
};

use super::{
    Found, Options, Problem, recognise,
    scribe::{Scribe, Stopped},
    udh,
};

const CENTRE: &str = "TS 24.011 8.2.5.1";
const ADDRESS: &str = "TS 23.040 9.1.2.5";
const USER: &str = "TS 23.040 9.2.3.24";

pub(super) fn explain(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    if has_centre(octets) {
        centre(w)?;
    }
    let first = w.peek().unwrap_or(0);
    match first & 0x03 {
        MTI_DELIVER => deliver(w, options, found)?,
        MTI_SUBMIT => submit(w, options, found)?,
        kind => {
            w.octet("first octet", "TS 23.040 9.2.3.1")?;
            let name = if kind == 2 { "a status report or command" } else { "reserved" };
            w.wrong(format!("type {kind}, {name}; SMS-DELIVER (0) and SMS-SUBMIT (1) are explained here"));
            return Err(Stopped);
        }
    }
    if !w.is_empty() {
        let left = w.rest().len();
        w.take_rest("left over", "");
        w.wrong(format!("{} behind the user data that its length does not count", counted(left, "octet")));
    }
    w.cross_check(base, Pdu::decode(octets));
    Ok(())
}

/// Whether the address of a service centre stands in front. The octets do not say; see [`Pdu::decode`].
fn has_centre(octets: &[u8]) -> bool {
    match Pdu::decode(octets) {
        Ok(pdu) => pdu.service_centre != ServiceCentre::Absent,
        Err(_) => match octets {
            [0x00, ..] => true,
            [1..=11, kind, ..] => kind & 0x80 != 0,
            _ => false,
        },
    }
}

fn centre(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let length = usize::from(w.octet("service centre address length", CENTRE)?);
    if length == 0 {
        w.says("0: the one that the modem is set to");
        return Ok(());
    }
    w.says(format!("{length} octets"));
    w.region(length, "service centre address", CENTRE, |w| {
        type_of_address(w)?;
        let octets = w.take_rest("digits", ADDRESS);
        let digits = digits(octets, 2 * octets.len());
        w.says(digits);
        Ok(())
    });
    Ok(())
}

fn deliver(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    let first = flags(
        w,
        "SMS-DELIVER",
        &[
            (0x04, "no more messages wait"),
            (0x08, "loop prevention"),
            (0x20, "status report"),
            (0x40, "user data header"),
            (0x80, "reply path"),
        ],
    )?;
    found.sender = Some(address(w, "originating address", "TS 23.040 9.2.3.7")?);
    pid(w)?;
    let dcs = dcs(w)?;
    time(w, "service centre time stamp", "TS 23.040 9.2.3.11")?;
    user_data(w, dcs, first & 0x40 != 0, options, found)
}

fn submit(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    let first = flags(
        w,
        "SMS-SUBMIT",
        &[
            (0x04, "reject duplicates"),
            (0x20, "status report asked for"),
            (0x40, "user data header"),
            (0x80, "reply path"),
        ],
    )?;
    let reference = w.octet("message reference", "TS 23.040 9.2.3.6")?;
    w.says(format!("{reference:02X}"));
    found.sender = Some(address(w, "destination address", "TS 23.040 9.2.3.8")?);
    pid(w)?;
    let dcs = dcs(w)?;
    match first & 0x18 {
        0x00 => {}
        0x10 => {
            let octet = w.octet("validity period", "TS 23.040 9.2.3.12.1")?;
            let seconds = ValidityPeriod::Relative(octet).duration().map_or(0, |d| d.as_secs());
            w.says(format!("{} min", seconds / 60));
        }
        0x08 => {
            w.take(7, "validity period, enhanced", "TS 23.040 9.2.3.12.3")?;
        }
        _ => time(w, "valid until", "TS 23.040 9.2.3.12.2")?,
    }
    user_data(w, dcs, first & 0x40 != 0, options, found)
}

/// The first octet: type and flags.
fn flags(w: &mut Scribe<'_>, kind: &str, bits: &[(u8, &str)]) -> Result<u8, Stopped> {
    let first = w.octet("first octet", "TS 23.040 9.2.3.1")?;
    let mut says = kind.to_owned();
    let validity = match first & 0x18 {
        0x10 if kind == "SMS-SUBMIT" => Some("relative validity period"),
        0x08 if kind == "SMS-SUBMIT" => Some("enhanced validity period"),
        0x18 if kind == "SMS-SUBMIT" => Some("absolute validity period"),
        _ => None,
    };
    let set = bits.iter().filter(|(bit, _)| first & bit != 0).map(|(_, word)| *word);
    for word in set.chain(validity) {
        says.push_str(", ");
        says.push_str(word);
    }
    w.says(says);
    Ok(first)
}

/// An address; gives its digits or letters.
fn address(w: &mut Scribe<'_>, name: &'static str, clause: &'static str) -> Result<String, Stopped> {
    let mark = w.begin(name, clause);
    let used = usize::from(w.octet("length", ADDRESS)?);
    w.says(format!("{used} half octets"));
    if used > 20 {
        w.wrong("at most 20 digits fit");
    }
    let kind = type_of_address(w)?;
    let octets = w.take(used.div_ceil(2), "digits", ADDRESS)?;
    let text = if kind.is_alphanumeric() {
        text_of(&unpack(octets, 0, used * 4 / 7))
    } else {
        let bad = octets.iter().flat_map(|o| [o & 0x0F, o >> 4]).take(used).any(|nibble| nibble == 0x0F);
        if bad {
            w.wrong("F where a digit should be");
        }
        digits(octets, used)
    };
    w.says(text.clone());
    w.finish();
    w.says_of(mark, if kind == TypeOfAddress::INTERNATIONAL { format!("+{text}") } else { text.clone() });
    Ok(text)
}

fn type_of_address(w: &mut Scribe<'_>) -> Result<TypeOfAddress, Stopped> {
    let kind = TypeOfAddress(w.octet("type of address", ADDRESS)?);
    w.says(kind.to_string());
    if kind.0 & 0x80 == 0 {
        w.odd("the top bit is not set");
    }
    Ok(kind)
}

/// The first `used` half octets as digits, F at the end aside.
fn digits(octets: &[u8], used: usize) -> String {
    let nibbles = octets.iter().flat_map(|o| [o & 0x0F, o >> 4]).take(used);
    nibbles.filter_map(|nibble| "0123456789*#abc".chars().nth(usize::from(nibble))).collect()
}

fn pid(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    let pid = Pid(w.octet("protocol identifier", "TS 23.040 9.2.3.9")?);
    w.says(pid.meaning());
    if pid != Pid::SHORT_MESSAGE {
        w.odd("pushes are sent with 00");
    }
    Ok(())
}

fn dcs(w: &mut Scribe<'_>) -> Result<Dcs, Stopped> {
    let dcs = Dcs(w.octet("data coding scheme", "TS 23.038 4")?);
    w.says(dcs.to_string());
    if dcs.alphabet() == Alphabet::Data && dcs.class() == Some(MessageClass::Sim) {
        w.odd("class 2 goes to the SIM; some phones then do not take a push");
    }
    Ok(dcs)
}

fn time(w: &mut Scribe<'_>, name: &'static str, clause: &'static str) -> Result<(), Stopped> {
    let octets = w.take(7, name, clause)?;
    let time = <[u8; 7]>::try_from(octets).map(SmsTime).map_err(|_| Stopped)?;
    w.says(time.to_string());
    if time.parts().is_none() {
        w.wrong("not decimal digits, or no such time");
    }
    Ok(())
}

fn user_data(
    w: &mut Scribe<'_>,
    dcs: Dcs,
    with_header: bool,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let length = usize::from(w.octet("user data length", "TS 23.040 9.2.3.16")?);
    let septets = dcs.alphabet() == Alphabet::Default;
    w.says(format!("{length} {}", if septets { "septets" } else { "octets" }));
    if length > if septets { 160 } else { USER_DATA } {
        w.wrong("more than a short message holds");
    }
    let octets = if septets { (7 * length).div_ceil(8) } else { length };
    w.region(octets, "user data", USER, |w| {
        let looks = recognise::header_of(w.rest());
        let udh = if with_header {
            udh::header(w)?
        } else if looks.is_some() {
            let mark = w.next();
            let udh = udh::header(w)?;
            w.judge(mark, Problem::wrong("this looks like a user data header, but the first octet has no 40 (TP-UDHI): a device shows it as text"));
            udh
        } else {
            None
        };
        if !septets {
            return udh::content(w, udh.as_ref(), options, found);
        }
        text(w, length, udh.as_ref());
        Ok(())
    });
    Ok(())
}

/// Text of the default alphabet behind a header.
fn text(w: &mut Scribe<'_>, length: usize, udh: Option<&Udh>) {
    let header = udh.map_or(0, Udh::length);
    let head = (8 * header).div_ceil(7);
    let octets = w.take_rest("text", "TS 23.038 6.2.1");
    if octets.is_empty() {
        return;
    }
    let septets = unpack(octets, 7 * head - 8 * header, length.saturating_sub(head));
    w.says(format!("{:?}", text_of(&septets)));
    if udh.is_some_and(|udh| udh.ports().is_some()) {
        w.wrong("a push is 8-bit data (coding 04 or F5); this coding says text");
    }
}

//! A short message, wherever a PDU holds it: a receipt, text, or data with its user data header.

use crate::{
    explain::{
        Found, Options, Problem,
        carried::Carried,
        scribe::{Mark, Scribe, Stopped},
        segments::Segmented,
        udh,
    },
    wire::{
        smpp::{DataCoding, MessageState, ReceiptText, Script},
        sms::text_of,
        wdp::{Concatenation, InformationElement, Ports, Segment, Udh},
    },
};

const TEXT: &str = "SMPP 3.4, 5.2.22";
const RECEIPT: &str = "SMPP 3.4, appendix B";
/// The keys of a receipt's text.
const KEYS: [&str; 8] = ["id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text"];

/// What the parameters say of a message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) esm_class: u8,
    pub(super) coding: DataCoding,
    /// Whether an ESME submits it; else it is delivered to one, or nobody knows.
    pub(super) submitted: bool,
    /// From whom to whom.
    pub(super) route: String,
    /// `sm_length`, where the PDU has it.
    pub(super) length: Option<Mark>,
    /// Whether there is a `short_message`.
    pub(super) has_text: bool,
    /// Ports by optional parameters.
    pub(super) ports: Option<Ports>,
    /// Which segment it is by optional parameters.
    pub(super) concatenation: Option<Concatenation>,
}

impl Default for Message {
    fn default() -> Self {
        Self {
            esm_class: 0,
            coding: DataCoding::DEFAULT,
            submitted: false,
            route: String::new(),
            length: None,
            has_text: false,
            ports: None,
            concatenation: None,
        }
    }
}

impl Message {
    /// The header that says the same as the optional parameters; none when they say nothing.
    fn header(&self) -> Option<Udh> {
        let concatenation = self.concatenation.filter(|c| c.total() > 1);
        match self.ports {
            Some(ports) => Some(Udh::of(ports, concatenation)),
            None => Udh::new(vec![InformationElement::Concatenation(concatenation?)]).ok(),
        }
    }
}

/// The octets of a message, which end where the group does.
pub(super) fn explain(
    w: &mut Scribe<'_>,
    message: &Message,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    found.sender = Some(message.route.clone());
    let is_receipt = !message.submitted && matches!(message.esm_class & 0x3C, 0x04 | 0x20);
    if is_receipt && message.esm_class & 0x40 == 0 {
        receipt(w);
        return Ok(());
    }
    let has_header = message.esm_class & 0x40 != 0;
    let udh = if has_header { udh::header(w)? } else { None };
    found.carried.push(carried(w, message, has_header, udh.as_ref(), found.sender.as_deref()));
    if message.coding.script() != Script::Data {
        text(w, message.coding);
        return Ok(());
    }
    let (Some(concatenation), None) = (message.concatenation.filter(|c| c.total() > 1), &udh) else {
        return match (&udh, message.ports) {
            (None, Some(ports)) => udh::datagram(w, Some(ports), options, found),
            _ => udh::content(w, udh.as_ref(), options, found),
        };
    };
    let data = w.take_rest("segment of a longer message", "SMPP 3.4, 5.3.2.22").to_vec();
    w.says(format!("{} of {}", concatenation.sequence(), concatenation.total()));
    let mark = w.last();
    w.hide_octets(mark);
    if let Some(udh) = message.header() {
        let segment = Segment { udh, data };
        found.segments.push(Segmented { sender: found.sender.clone(), segment, mark });
    }
    Ok(())
}

/// What a device gets of a message, whose header was read before.
fn carried(
    w: &Scribe<'_>,
    message: &Message,
    has_header: bool,
    udh: Option<&Udh>,
    route: Option<&str>,
) -> Carried {
    if message.coding.script() != Script::Data {
        return Carried::TEXT;
    }
    let udh = match (has_header, udh) {
        (true, None) => return Carried::BROKEN,
        (_, Some(udh)) => Some(udh.clone()),
        (false, None) => message.header(),
    };
    udh.map_or(Carried::BARE, |udh| Carried::UserData {
        route: route.unwrap_or_default().to_owned(),
        segment: Segment { udh, data: w.rest().to_vec() },
    })
}

/// Text in a coding, behind a header or without one.
fn text(w: &mut Scribe<'_>, coding: DataCoding) {
    let octets = w.take_rest("text", TEXT);
    if octets.is_empty() {
        return;
    }
    let said = match coding.script() {
        Script::Default if octets.iter().all(|o| *o < 0x80) => text_of(octets),
        Script::Default | Script::Latin => octets.iter().map(|o| char::from(*o)).collect(),
        Script::Ucs2 => {
            let (pairs, odd) = octets.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            if !odd.is_empty() {
                w.wrong("an odd number of octets; a character of UCS-2 has two");
            }
            String::from_utf16_lossy(&units)
        }
        Script::Data | Script::Other => {
            w.says(format!("{} octets", octets.len()));
            return;
        }
    };
    w.says(format!("{said:?}"));
}

/// The text of a receipt, key by key.
fn receipt(w: &mut Scribe<'_>) {
    let octets = w.rest();
    if octets.is_empty() {
        return;
    }
    let whole: String = octets.iter().map(|o| char::from(*o)).collect();
    let first = w.next();
    for (at, next) in places(octets) {
        let Some(field) = octets.get(at..next) else { continue };
        let text: String = field.iter().map(|o| char::from(*o)).collect();
        let (key, value) = text.split_once(':').unwrap_or(("text", &text));
        let key = KEYS.iter().copied().find(|known| known.eq_ignore_ascii_case(key.trim())).unwrap_or("text");
        if w.take(field.len(), key, RECEIPT).is_err() {
            return;
        }
        let value = value.trim_end_matches(['\0', ' ']).trim_start();
        match (key, MessageState::from_word(value)) {
            ("stat", Some(state)) => w.says(format!("{value}: {}", meaning(state))),
            _ => w.says(format!("{value:?}")),
        }
    }
    if let Err(error) = ReceiptText::parse(&whole) {
        w.judge(first, Problem::odd(error.to_string()));
    }
}

fn meaning(state: MessageState) -> &'static str {
    match state {
        MessageState::Enroute => "on its way",
        MessageState::Delivered => "the handset has it",
        MessageState::Expired => "its validity ran out",
        MessageState::Deleted => "deleted at the SMSC",
        MessageState::Undeliverable => "it cannot be delivered",
        MessageState::Accepted => "read on behalf of the subscriber",
        MessageState::Unknown => "the SMSC does not know",
        MessageState::Rejected => "rejected",
    }
}

/// Where the fields of a receipt begin and end. Each key counts where it is seen first; behind `text:` all is text.
fn places(octets: &[u8]) -> Vec<(usize, usize)> {
    let mut starts = vec![0];
    let mut seen = Vec::new();
    for at in 0..octets.len() {
        let rest = octets.get(at..).unwrap_or_default();
        let begins = at == 0 || octets.get(at - 1).is_some_and(u8::is_ascii_whitespace);
        let key = KEYS.iter().find(|key| {
            let word = rest.get(..key.len()).unwrap_or_default();
            word.eq_ignore_ascii_case(key.as_bytes()) && rest.get(key.len()) == Some(&b':')
        });
        let Some(key) = key.filter(|key| begins && !seen.contains(*key)) else { continue };
        seen.push(key);
        if at > 0 {
            starts.push(at);
        }
        if *key == "text" {
            break;
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([octets.len()]).collect();
    starts.into_iter().zip(ends).collect()
}

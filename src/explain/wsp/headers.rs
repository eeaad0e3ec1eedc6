//! The headers of a push: content type, parameters, header fields (WAP-230, section 8.4).

use std::borrow::Cow;

use crate::{
    explain::scribe::{Mark, Scribe, Stopped},
    wire::wsp::{ApplicationCode, FieldCode, MediaCode, ParameterCode, PushFlag, Sec},
};

const TYPE: &str = "WAP-230 8.4.2.24";
const FIELD: &str = "WAP-230 8.4.1";
const SECURITY: &str = "OMA ProvBoot 6";

/// What the headers said that matters for the body.
#[derive(Debug, Default)]
pub(super) struct Headers {
    pub(super) media: Option<Media>,
    pub(super) media_mark: Option<Mark>,
    pub(super) sec: Option<Mark>,
    pub(super) mac: Option<Mark>,
    pub(super) content_length: Option<(Mark, u64)>,
    pub(super) application: Option<Mark>,
    pub(super) short_form: bool,
}

#[derive(Debug)]
pub(super) enum Media {
    Code(MediaCode),
    Text(String),
}

impl Media {
    pub(super) fn is(&self, code: MediaCode) -> bool {
        match self {
            Self::Code(own) => *own == code,
            Self::Text(text) => code.name().is_some_and(|name| name.eq_ignore_ascii_case(text)),
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Code(code) => code.name(),
            Self::Text(text) => Some(text),
        }
    }
}

/// All headers of a push.
pub(super) fn explain(w: &mut Scribe<'_>, headers: &mut Headers) -> Result<(), Stopped> {
    content_type(w, headers)?;
    let mut page = 1;
    while !w.is_empty() {
        field(w, headers, &mut page)?;
    }
    Ok(())
}

fn content_type(w: &mut Scribe<'_>, headers: &mut Headers) -> Result<(), Stopped> {
    match w.peek() {
        Some(0x20..) => {
            headers.media = Some(media(w, "content type")?);
            headers.media_mark = Some(w.last());
            Ok(())
        }
        first => {
            headers.short_form = first != Some(0x1F);
            counted(w, "content type", TYPE, |w| {
                headers.media = Some(media(w, "media type")?);
                headers.media_mark = Some(w.last());
                while !w.is_empty() {
                    parameter(w, headers)?;
                }
                Ok(())
            })
        }
    }
}

/// A group behind its length.
fn counted(
    w: &mut Scribe<'_>,
    name: &'static str,
    clause: &'static str,
    fields: impl FnOnce(&mut Scribe<'_>) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let length = match w.octet(format!("length of the {name}"), "WAP-230 8.4.2.2")? {
        0x1F => {
            w.says("a uintvar follows");
            usize::try_from(w.uintvar(format!("length of the {name}"), "WAP-230 8.4.2.2")?)
                .unwrap_or(usize::MAX)
        }
        short @ 0..=30 => {
            w.says(format!("{short} octets"));
            usize::from(short)
        }
        _ => {
            w.wrong("no length; expected 00 to 1F");
            return Err(Stopped);
        }
    };
    w.region(length, name, clause, fields);
    Ok(())
}

fn media(w: &mut Scribe<'_>, name: &'static str) -> Result<Media, Stopped> {
    if matches!(w.peek(), Some(0x20..=0x7F)) {
        let text = text(w, name, TYPE)?;
        w.says(text.clone());
        if let Some(code) = MediaCode::of(&text) {
            w.odd(format!("as text; some devices know it only by its number {:02X}", code.0));
        }
        return Ok(Media::Text(text));
    }
    let code = MediaCode(number(w, name, TYPE)?);
    match code.name() {
        Some(known) => w.says(format!("{:02X}: {known}", code.0)),
        None => {
            w.says(format!("{:02X}", code.0));
            w.odd("a number that is not known here");
        }
    }
    Ok(Media::Code(code))
}

fn parameter(w: &mut Scribe<'_>, headers: &mut Headers) -> Result<(), Stopped> {
    let (code, name) = if matches!(w.peek(), Some(0x20..=0x7F)) {
        let name = text(w, "parameter", "WAP-230 8.4.2.4")?;
        w.says(name.clone());
        let of = |code: ParameterCode| code.name().is_some_and(|known| known.eq_ignore_ascii_case(&name));
        ([ParameterCode::SEC, ParameterCode::MAC].into_iter().find(|c| of(*c)), name)
    } else {
        let code = ParameterCode(number(w, "parameter", "WAP-230 8.4.2.4")?);
        let name = code.name().map_or_else(|| format!("{:02X}", code.0), str::to_owned);
        w.says(format!("{:02X}: {name}", code.0));
        if code.name().is_none() {
            w.odd("a number that is not known here");
        }
        (Some(code), name)
    };
    match code {
        Some(ParameterCode::SEC) => {
            let number = value(w, "SEC", SECURITY)?;
            headers.sec = Some(w.last());
            if let Some(sec) = number.and_then(|n| u8::try_from(n).ok()).map(Sec) {
                w.says(format!("{}: {sec}", sec.0));
                if sec.name().is_none() {
                    w.wrong("expected 0 to 3");
                }
            }
            if headers.mac.is_some() {
                w.odd("behind MAC; some devices want it before");
            }
        }
        Some(ParameterCode::MAC) => {
            let start = w.position();
            value(w, "MAC", SECURITY)?;
            headers.mac = Some(w.last());
            let octets = w.octets().get(start..w.position().saturating_sub(1)).unwrap_or(&[]);
            mac(w, octets);
        }
        Some(ParameterCode::CHARSET) => {
            let number = value(w, "Charset", TYPE)?;
            match number {
                Some(106) => w.says("106: UTF-8"),
                Some(3) => w.says("3: US-ASCII"),
                Some(4) => w.says("4: ISO-8859-1"),
                Some(1000) => w.says("1000: UCS-2"),
                _ => {}
            }
        }
        Some(ParameterCode::QUALITY) => {
            w.uintvar("value of Q", "WAP-230 8.4.2.3")?;
            w.wrong("how well a client likes a type has no place in the type of a content");
        }
        _ => {
            value(w, format!("value of {name}"), "WAP-230 8.4.2.4")?;
        }
    }
    Ok(())
}

/// Judges the text of a MAC.
fn mac(w: &mut Scribe<'_>, octets: &[u8]) {
    if octets.first() == Some(&b'"') {
        w.odd("quoted; legal, and some devices do not take it");
    }
    let digits = octets.strip_prefix(b"\"").unwrap_or(octets);
    if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) {
        w.wrong(format!("{} characters; expected 40 hexadecimal digits", digits.len()));
    } else if digits.iter().any(u8::is_ascii_lowercase) {
        w.odd("lower-case digits; some devices compare with upper-case ones");
    }
}

fn field(w: &mut Scribe<'_>, headers: &mut Headers, page: &mut u8) -> Result<(), Stopped> {
    match w.peek() {
        Some(0x00) => {
            w.octet("header field", FIELD)?;
            w.wrong("00 begins no header field");
            Err(Stopped)
        }
        Some(0x01..=0x1F) => {
            *page = w.octet("switch to header code page", FIELD)?;
            w.says(page.to_string());
            Ok(())
        }
        Some(0x7F) => {
            let octets = w.take(2, "switch to header code page", FIELD)?;
            *page = octets.last().copied().unwrap_or(1);
            w.says(page.to_string());
            Ok(())
        }
        Some(0x20..=0x7E) => {
            let name = text(w, "header field", FIELD)?;
            w.says(name.clone());
            value(w, format!("value of {name}"), FIELD)?;
            Ok(())
        }
        _ => {
            let octet = w.octet("header field", FIELD)?;
            let code = FieldCode::new(octet & 0x7F).filter(|_| *page == 1);
            let name = code.and_then(FieldCode::name);
            let number = octet & 0x7F;
            match name {
                Some(name) => w.says(format!("{number:02X}: {name}")),
                None => {
                    w.says(format!("{number:02X}"));
                    w.odd(format!("a number of page {page} that is not known here"));
                }
            }
            field_value(w, headers, code, name.unwrap_or("this field"))
        }
    }
}

fn field_value(
    w: &mut Scribe<'_>,
    headers: &mut Headers,
    code: Option<FieldCode>,
    name: &str,
) -> Result<(), Stopped> {
    let number = value(w, format!("value of {name}"), FIELD)?;
    match (code, number) {
        (Some(FieldCode::CONTENT_LENGTH), Some(number)) => headers.content_length = Some((w.last(), number)),
        (Some(FieldCode::APPLICATION_ID), number) => {
            headers.application = Some(w.last());
            let code = number.and_then(|n| u32::try_from(n).ok()).map(ApplicationCode);
            if let Some(code) = code {
                match code.name() {
                    Some(name) if name.contains(':') => w.says(format!("{:02X}: {name}", code.0)),
                    Some(name) => w.says(format!("{:02X}: x-wap-application:{name}", code.0)),
                    None => w.says(format!("{:02X}", code.0)),
                }
            }
        }
        (Some(FieldCode::PUSH_FLAG), Some(number)) => {
            let flag = PushFlag(u8::try_from(number).unwrap_or(0));
            w.says(format!("{:02X}: {flag}", flag.0));
        }
        (Some(FieldCode::ENCODING_VERSION), Some(number)) => {
            w.says(format!("{}.{}", number >> 4, number & 0x0F))
        }
        (Some(FieldCode::CONTENT_LANGUAGE), Some(0x19)) => w.says("19: en"),
        _ => {}
    }
    Ok(())
}

/// A value in any form; gives the number that it is, if it is one.
fn value(
    w: &mut Scribe<'_>,
    name: impl Into<Cow<'static, str>>,
    clause: &'static str,
) -> Result<Option<u64>, Stopped> {
    let name = name.into();
    match w.peek() {
        Some(0x80..) => {
            let number = u64::from(w.octet(name, clause)? & 0x7F);
            w.says(number.to_string());
            Ok(Some(number))
        }
        Some(0x20..=0x7F) => {
            let text = text(w, name, clause)?;
            let number = text.parse().ok();
            w.says(text);
            Ok(number)
        }
        Some(length @ 0..=0x1E) => {
            let octets = w.take(1 + usize::from(length), name, clause)?;
            let octets = octets.get(1..).unwrap_or(&[]);
            if (1..=8).contains(&octets.len()) {
                let number = octets.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet));
                w.says(number.to_string());
                return Ok(Some(number));
            }
            w.says(format!("{} octets", octets.len()));
            Ok(None)
        }
        _ => {
            w.octet(format!("length of the {name}"), "WAP-230 8.4.2.2")?;
            let length = w.uintvar(format!("length of the {name}"), "WAP-230 8.4.2.2")?;
            w.take(usize::try_from(length).unwrap_or(usize::MAX), name, clause)?;
            Ok(None)
        }
    }
}

/// A number in either form.
fn number(w: &mut Scribe<'_>, name: &'static str, clause: &'static str) -> Result<u32, Stopped> {
    let number = value(w, name, clause)?.and_then(|n| u32::try_from(n).ok());
    if number.is_none() {
        w.wrong("not a number of up to 32 bits");
    }
    number.ok_or(Stopped)
}

/// A text up to its NUL, without the quote before it.
fn text(
    w: &mut Scribe<'_>,
    name: impl Into<Cow<'static, str>>,
    clause: &'static str,
) -> Result<String, Stopped> {
    let rest = w.rest();
    let length = rest.iter().position(|o| *o == 0);
    let octets = w.take(length.map_or(rest.len(), |at| at + 1), name, clause)?;
    if length.is_none() {
        w.wrong("the text has no NUL at its end");
        return Err(Stopped);
    }
    let octets = octets.strip_suffix(&[0]).unwrap_or(octets);
    let octets = octets.strip_prefix(&[0x7F]).unwrap_or(octets);
    Ok(String::from_utf8_lossy(octets).into_owned())
}

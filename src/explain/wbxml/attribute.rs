//! Attributes of elements.

use crate::{
    explain::{
        Problem, Secrets,
        scribe::{Mark, Scribe, Stopped},
        secret::is_secret,
        unknown_characteristic,
    },
    phone::is_known_characteristic,
};

use super::{
    END, Head, names, quoted, string_at,
    text::{append, hide, page, piece},
};

const ATTRIBUTE: &str = "WAP-192 5.8.3";

/// An attribute that was read.
#[derive(Default)]
pub(super) struct Attribute {
    name: String,
    value: String,
    fields: Vec<Mark>,
    references: Vec<u32>,
}

/// Attributes up to their END.
pub(super) fn attributes(w: &mut Scribe<'_>, head: &mut Head, of: &str) -> Result<Vec<Attribute>, Stopped> {
    let mut list: Vec<Attribute> = Vec::new();
    let done = attribute_tokens(w, head, of, &mut list);
    if done.is_err() {
        // What was read so far may be a secret whose name was not reached.
        for attribute in list.iter().filter(|a| a.name == "value") {
            hide(w, head, &attribute.fields, &attribute.references);
        }
    }
    done.map(|()| list)
}

fn attribute_tokens(
    w: &mut Scribe<'_>,
    head: &mut Head,
    of: &str,
    list: &mut Vec<Attribute>,
) -> Result<(), Stopped> {
    loop {
        match w.peek() {
            Some(0x01) => {
                w.octet(format!("end of the attributes of {of}"), END)?;
                return Ok(());
            }
            Some(0x00) => head.attribute_page = page(w, "switch to attribute code page")?,
            Some(0x04) => {
                w.octet("attribute by name", "WAP-192 5.8.4.5")?;
                let offset = w.uintvar("name of the attribute, in the string table", "WAP-192 5.8.4.5")?;
                let name = string_at(head, offset).map(|n| n.into_owned());
                match &name {
                    Some(name) => w.says(format!("{offset}: {}", quoted(name))),
                    None => w.wrong("outside the string table"),
                }
                list.push(Attribute { name: name.unwrap_or_default(), ..Attribute::default() });
            }
            Some(0x02 | 0x03 | 0x83 | 0xC3 | 0x85..=0xBF | 0xC5..=0xFF) => value(w, head, list)?,
            Some(0x40..=0x42 | 0x80..=0x82 | 0xC0..=0xC2) => {
                w.octet("extension", "WAP-192 5.8.4.2")?;
                w.wrong("no document type here defines one");
                return Err(Stopped);
            }
            Some(0x43 | 0x44 | 0x84 | 0xC4) => {
                w.octet("token", ATTRIBUTE)?;
                w.wrong("this token has no place among attributes");
                return Err(Stopped);
            }
            _ => start(w, head, list)?,
        }
    }
}

/// An attribute start token.
fn start(w: &mut Scribe<'_>, head: &Head, list: &mut Vec<Attribute>) -> Result<(), Stopped> {
    let token = w.octet("attribute", ATTRIBUTE)?;
    let page = head.attribute_page;
    let known = head.names.and_then(|t| t.attribute_start(page, token));
    let (name, value) = match known {
        Some((name, "")) => {
            w.says(format!("{token:02X} in page {page}: {name}="));
            (name.to_owned(), "")
        }
        Some((name, value)) => {
            w.says(format!("{token:02X} in page {page}: {name}={}", quoted(value)));
            (name.to_owned(), value)
        }
        None => {
            w.says(format!("{token:02X} in page {page}"));
            if head.names.is_some() {
                w.wrong(format!("{token:02X} is not assigned in attribute code page {page}"));
            }
            (format!("{token:02X}"), "")
        }
    };
    list.push(Attribute { name, value: value.to_owned(), ..Attribute::default() });
    Ok(())
}

/// A piece of an attribute's value.
fn value(w: &mut Scribe<'_>, head: &Head, list: &mut [Attribute]) -> Result<(), Stopped> {
    let token = w.peek().unwrap_or(0);
    let (text, reference) = match token {
        0x02 | 0x03 | 0x83 => match piece(w, head, "value") {
            Ok(read) => read,
            Err(stopped) => {
                if let Some(attribute) = list.last_mut() {
                    attribute.fields.push(w.last());
                }
                return Err(stopped);
            }
        },
        0xC3 => {
            w.octet("opaque value", "WAP-192 5.8.4.6")?;
            let length = w.uintvar("length of the octets", "WAP-192 5.8.4.6")?;
            let octets =
                w.take(usize::try_from(length).unwrap_or(usize::MAX), "octets", "WAP-192 5.8.4.6")?;
            let of = list.last().map_or("", |attribute| attribute.name.as_str());
            if head.names.is_some_and(|names| names.is_time(of)) {
                match names::time(octets) {
                    Ok(time) => {
                        w.says(time.clone());
                        (time, None)
                    }
                    Err(why) => {
                        w.wrong(why);
                        (String::new(), None)
                    }
                }
            } else {
                (String::from_utf8_lossy(octets).into_owned(), None)
            }
        }
        _ => {
            w.octet("value", ATTRIBUTE)?;
            let page = head.attribute_page;
            let known = head.names.and_then(|t| t.attribute_value(page, token)).unwrap_or("");
            if known.is_empty() {
                w.says(format!("{token:02X} in page {page}"));
                if head.names.is_some() {
                    w.wrong(format!("{token:02X} is not assigned in attribute code page {page}"));
                }
            } else {
                w.says(format!("{token:02X} in page {page}: {}", quoted(known)));
            }
            (known.to_owned(), None)
        }
    };
    let mark = w.last();
    match list.last_mut() {
        Some(attribute) => {
            let whole = matches!(attribute.name.as_str(), "name" | "type" | "version");
            if whole && attribute.fields.is_empty() && !attribute.value.is_empty() {
                w.judge(
                    mark,
                    Problem::odd("the token before it was the whole value already, and this goes behind it"),
                );
            }
            append(&mut attribute.value, &text);
            attribute.fields.push(mark);
            attribute.references.extend(reference);
        }
        None => w.wrong("a value before any attribute"),
    }
    Ok(())
}

/// Says what a characteristic or a parm is, from its attributes, and hides the value of one that is a secret.
pub(super) fn summary(w: &mut Scribe<'_>, head: &Head, mark: Mark, list: &[Attribute]) {
    let of = |name: &str| list.iter().find(|a| a.name == name);
    match (of("name"), of("value")) {
        (Some(name), Some(value)) => {
            let secret = is_secret(&name.value) && w.secrets() == Secrets::Masked;
            let shown = if secret { "***" } else { value.value.as_str() };
            w.says_of(mark, format!("{}: {shown}", name.value));
            if value.value.chars().any(char::is_control) {
                w.judge(
                    mark,
                    Problem::odd("a control character in the value; devices are known that refuse it"),
                );
            }
            if secret {
                hide(w, head, &value.fields, &value.references);
            }
        }
        (Some(name), None) => w.says_of(mark, name.value.clone()),
        // Whose value it is cannot be known.
        (None, Some(value)) => hide(w, head, &value.fields, &value.references),
        (None, None) => {
            if let Some(told) = of("type").or_else(|| of("href")) {
                w.says_of(mark, told.value.clone());
            }
            if let Some(kind) = of("type").filter(|kind| !is_known_characteristic(&kind.value)) {
                w.judge(mark, unknown_characteristic(&kind.value));
            }
        }
    }
    for attribute in list {
        if list.iter().filter(|a| a.name == attribute.name).count() > 1 {
            w.judge(mark, Problem::wrong(format!("{} stands twice", attribute.name)));
            break;
        }
    }
}

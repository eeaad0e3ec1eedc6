//! The body of a document: elements, attributes, text.

use crate::{
    explain::{
        scribe::{MAX_DEPTH, Mark, Scribe, Stopped},
        secret::is_secret,
    },
    wire::infoset::Vocabulary,
};

use super::{
    END, Head,
    attribute::{attributes, summary},
    document, quoted, string_at,
    text::{append, hide, page, piece},
};

const BODY: &str = "WAP-192 5.3";
const TEXT: &str = "WAP-192 5.8.4.1";
/// The deepest nesting of documents in OPAQUE.
const MAX_NESTED: usize = 3;

/// An element that is open.
struct Open {
    name: String,
    mark: Mark,
    /// How many groups were open before it.
    depth: usize,
    /// Values that are secrets when the name beside them says so: fields, and offsets into the string table.
    values: Vec<Mark>,
    references: Vec<u32>,
    /// The name beside them says so.
    secret: bool,
    /// Its text.
    text: String,
}

pub(super) fn explain(w: &mut Scribe<'_>, head: &mut Head, nested: usize) -> Result<(), Stopped> {
    let mut open: Vec<Open> = Vec::new();
    let done = body(w, head, nested, &mut open);
    // What the octets left open ends here, and what stands in it may be a secret all the same.
    while let Some(element) = open.pop() {
        close(w, head, element, open.last_mut());
    }
    done
}

fn body(w: &mut Scribe<'_>, head: &mut Head, nested: usize, open: &mut Vec<Open>) -> Result<(), Stopped> {
    let mut root_seen = false;
    loop {
        let Some(token) = w.peek() else {
            if !open.is_empty() || !root_seen {
                w.take(1, "token", BODY)?;
            }
            return Ok(());
        };
        match token {
            0x00 => {
                head.tag_page = page(w, "switch to tag code page")?;
            }
            0x01 => {
                let name = open.last().map_or_else(|| "END".to_owned(), |e| format!("end of {}", e.name));
                w.octet(name, END)?;
                match open.pop() {
                    Some(element) => close(w, head, element, open.last_mut()),
                    None => {
                        w.wrong("nothing is open that could end here");
                        return Err(Stopped);
                    }
                }
                root_seen = true;
            }
            0x02 | 0x03 | 0x83 | 0xC3 => {
                let Some(element) = open.last_mut() else {
                    w.octet("text outside the root element", TEXT)?;
                    w.wrong("expected an element");
                    return Err(Stopped);
                };
                content(w, head, nested, element)?;
            }
            0x43 => {
                w.octet("processing instruction", "WAP-192 5.8.4.4")?;
                attributes(w, head, "processing instruction")?;
            }
            0x40..=0x42 | 0x80..=0x82 | 0xC0..=0xC2 => {
                w.octet("extension", "WAP-192 5.8.4.2")?;
                w.wrong("no document type here defines one");
                return Err(Stopped);
            }
            _ if root_seen && open.is_empty() => {
                let padding = w.rest().iter().all(|octet| *octet == 0xFF);
                w.take_unknown(if padding { "padding" } else { "behind the root element" });
                if padding {
                    w.odd("the rest of a file on a card; in a message it has no place");
                } else {
                    w.wrong("the document ended before");
                }
                return Ok(());
            }
            _ => {
                if w.depth() >= MAX_DEPTH {
                    w.octet("element", BODY)?;
                    w.wrong("nested too deeply");
                    return Err(Stopped);
                }
                root_seen |= element(w, head, token, open)? && open.is_empty();
            }
        }
    }
}

/// An element's tag and attributes. True when it has no content and so is done.
fn element(w: &mut Scribe<'_>, head: &mut Head, token: u8, open: &mut Vec<Open>) -> Result<bool, Stopped> {
    let identity = token & 0x3F;
    let depth = w.depth();
    let mark = w.begin("element", "WAP-192 5.8.2");
    w.octet("tag", "WAP-192 5.8.2")?;
    let tag = w.last();
    let known = head.names.and_then(|t| t.tag(head.tag_page, identity));
    let name = if identity == 0x04 {
        let offset = w.uintvar("name of the element, in the string table", "WAP-192 5.8.4.5")?;
        match string_at(head, offset) {
            Some(name) => {
                w.says(format!("{offset}: {}", quoted(&name)));
                name.into_owned()
            }
            None => {
                w.wrong("outside the string table");
                "?".to_owned()
            }
        }
    } else if let Some(name) = known {
        name.to_owned()
    } else {
        if head.names.is_some() {
            w.wrong(format!("{identity:02X} is not assigned in tag code page {}", head.tag_page));
        }
        format!("{identity:02X}")
    };
    let bits = match token & 0xC0 {
        0xC0 => ", with attributes and content",
        0x80 => ", with attributes",
        0x40 => ", with content",
        _ => "",
    };
    w.says_of(tag, format!("{identity:02X} in page {}: {name}{bits}", head.tag_page));
    w.rename(mark, format!("<{name}>"));
    let mut element = Open {
        name: name.clone(),
        mark,
        depth,
        values: Vec::new(),
        references: Vec::new(),
        secret: matches!(name.as_str(), "Cred" | "NextNonce"),
        text: String::new(),
    };
    if token & 0x80 != 0 {
        // On an error the element is still to be closed by the one who called.
        match attributes(w, head, &name) {
            Ok(list) => summary(w, head, element.mark, &list),
            Err(stopped) => {
                open.push(element);
                return Err(stopped);
            }
        }
    }
    if token & 0x40 != 0 {
        element.depth = depth;
        open.push(element);
        return Ok(false);
    }
    close(w, head, element, open.last_mut());
    Ok(true)
}

/// Closes an element: what was left open in it as well. A secret's value is hidden now that all names were seen; a value
/// that is none by its own element's name is handed on to the one around it.
fn close(w: &mut Scribe<'_>, head: &Head, mut element: Open, parent: Option<&mut Open>) {
    while w.depth() > element.depth {
        w.finish();
    }
    if !element.text.is_empty() && element.values.len() == 1 && !head.unknown {
        w.says_of(element.mark, quoted(&element.text));
    }
    let names = matches!(element.name.as_str(), "LocURI" | "NodeName");
    element.secret |= element.text.contains("AAuthSecret") && !names;
    let Some(parent) = parent else {
        if element.secret {
            w.hide(element.mark);
            hide(w, head, &element.values, &element.references);
        }
        return;
    };
    if names {
        // Target/LocURI of an item stands one element further in than Data; NodeName beside Value.
        parent.secret |= is_secret(&element.text);
        return;
    }
    if matches!(element.name.as_str(), "Target" | "Source" | "TargetRef" | "SourceRef") {
        parent.secret |= element.secret;
        return;
    }
    if element.secret {
        w.hide(element.mark);
        hide(w, head, &element.values, &element.references);
    } else if matches!(element.name.as_str(), "Data" | "Value") {
        parent.values.push(element.mark);
        parent.values.append(&mut element.values);
        parent.references.append(&mut element.references);
    }
}

/// Text, or octets, in an element.
fn content(w: &mut Scribe<'_>, head: &mut Head, nested: usize, element: &mut Open) -> Result<(), Stopped> {
    if w.peek() != Some(0xC3) {
        let read = piece(w, head, "text");
        // A text that was cut may be a secret as well.
        element.values.push(w.last());
        let (text, reference) = read?;
        element.references.extend(reference);
        append(&mut element.text, &text);
        return Ok(());
    }
    w.octet("opaque", "WAP-192 5.8.4.6")?;
    let length = usize::try_from(w.uintvar("length of the octets", "WAP-192 5.8.4.6")?).unwrap_or(usize::MAX);
    let octets = w.rest().get(..length).unwrap_or(&[]);
    if super::begins_document(octets) && nested < MAX_NESTED {
        w.region(length, "document in the octets", "WAP-192 5.8.4.6", |w| {
            document(w, Some(Vocabulary::SyncMl), nested + 1)
        });
        return Ok(());
    }
    let taken = w.take(length, "octets", "WAP-192 5.8.4.6");
    element.values.push(w.last());
    let octets = taken?;
    match std::str::from_utf8(octets) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => {
            w.says(quoted(text));
            append(&mut element.text, text);
        }
        _ => w.says(format!("{} octets", octets.len())),
    }
    Ok(())
}

//! The head of a document: version, public identifier, character set, string table.

use std::borrow::Cow;

use crate::{
    explain::{
        Problem,
        scribe::{Scribe, Stopped},
    },
    wire::{infoset::Vocabulary, wbxml::PublicId},
};

use super::{Head, names::Names, quoted, string_at};

pub(super) fn explain(w: &mut Scribe<'_>, expected: Option<Vocabulary>) -> Result<(Head, PublicId), Stopped> {
    let version = w.octet("version", "WAP-192 5.4")?;
    match version {
        1..=3 => w.says(format!("1.{version}")),
        _ => w.wrong("expected 01 to 03, for 1.1 to 1.3"),
    }
    let number = w.uintvar("public identifier", "WAP-192 5.5")?;
    let id_mark = w.last();
    let index = if number == 0 {
        w.says("in the string table");
        Some(w.uintvar("offset of the public identifier", "WAP-192 5.5")?)
    } else {
        None
    };
    let charset = w.uintvar("character set", "WAP-192 5.6")?;
    match charset {
        0 => w.says("0: unknown"),
        3 => w.says("3: US-ASCII"),
        4 => w.says("4: ISO-8859-1"),
        106 => w.says("106: UTF-8"),
        _ => w.odd("expected 106 (UTF-8)"),
    }
    let length = usize::try_from(w.uintvar("string table length", "WAP-192 5.7")?).unwrap_or(usize::MAX);
    let strings_at = w.position();
    if length > 0 {
        w.region(length, "string table", "WAP-192 5.7", |w| {
            while !w.is_empty() {
                let offset = w.position() - strings_at;
                let rest = w.rest();
                let end = rest.iter().position(|o| *o == 0).map_or(rest.len(), |nul| nul + 1);
                let octets = w.take(end, format!("string at {offset}"), "WAP-192 5.7")?;
                let text = octets.strip_suffix(&[0]).unwrap_or(octets);
                w.says(quoted(&String::from_utf8_lossy(text)));
            }
            Ok(())
        });
    }
    let strings = w.octets().get(strings_at..w.position()).unwrap_or(&[]).to_vec();
    let mut head = Head { names: None, unknown: false, strings, strings_at, tag_page: 0, attribute_page: 0 };
    let public_id = match index {
        None => PublicId::Number(number),
        Some(offset) => {
            let text = string_at(&head, offset).map(Cow::into_owned);
            if text.is_none() {
                w.judge(id_mark, Problem::wrong("its text is not in the string table"));
            }
            PublicId::Text(Cow::Owned(text.unwrap_or_default()))
        }
    };
    head.names = Names::of(&public_id, expected);
    let known = match &public_id {
        PublicId::Number(number) => {
            let name = name(*number);
            w.says_of(id_mark, format!("{number:04X}: {}", name.unwrap_or("not known here")));
            name.is_some()
        }
        PublicId::Text(text) => {
            w.says_of(id_mark, format!("in the string table: {text}"));
            false
        }
    };
    match (head.names, expected) {
        (Some(names), Some(expected)) if !names.has(expected) => {
            w.judge(id_mark, Problem::wrong(format!("not that of {}", document(expected))));
        }
        (Some(_), _) => {}
        (None, Some(expected)) => {
            let why = format!("not that of {}, whose tokens are shown all the same", document(expected));
            w.judge(id_mark, Problem::wrong(why));
            head.names = Names::of(&PublicId::UNKNOWN, Some(expected));
        }
        (None, None) => {
            let why = "the tokens of this document type are not known here; they are shown as numbers";
            w.judge(id_mark, Problem::odd(why));
            head.unknown = !known;
        }
    }
    if head.unknown {
        for offset in starts(&head.strings) {
            w.hide_at(strings_at + offset);
        }
    }
    Ok((head, public_id))
}

/// What a document of these names is called.
fn document(vocabulary: Vocabulary) -> &'static str {
    match vocabulary {
        Vocabulary::Prov => "a provisioning document",
        _ => "a SyncML message",
    }
}

/// Where the strings of a table begin.
fn starts(strings: &[u8]) -> Vec<usize> {
    let behind_nul = strings.iter().enumerate().filter(|(_, octet)| **octet == 0).map(|(at, _)| at + 1);
    [0].into_iter().chain(behind_nul).filter(|at| *at < strings.len()).collect()
}

/// The formal public identifier of an assigned number.
fn name(number: u32) -> Option<&'static str> {
    Some(match number {
        0x01 => "unknown or missing",
        0x02 => "-//WAPFORUM//DTD WML 1.0//EN",
        0x05 => "-//WAPFORUM//DTD SI 1.0//EN",
        0x06 => "-//WAPFORUM//DTD SL 1.0//EN",
        0x07 => "-//WAPFORUM//DTD CO 1.0//EN",
        0x0B => "-//WAPFORUM//DTD PROV 1.0//EN",
        0x0D => "-//WAPFORUM//DTD EMN 1.0//EN",
        0x0FD1 => "-//SYNCML//DTD SyncML 1.0//EN",
        0x0FD2 => "-//SYNCML//DTD DevInf 1.0//EN",
        0x0FD3 => "-//SYNCML//DTD SyncML 1.1//EN",
        0x0FD4 => "-//SYNCML//DTD DevInf 1.1//EN",
        0x1201 => "-//SYNCML//DTD SyncML 1.2//EN",
        0x1202 => "-//SYNCML//DTD MetInf 1.2//EN",
        0x1203 => "-//SYNCML//DTD DevInf 1.2//EN",
        _ => return None,
    })
}

//! What XML is, by its root element.

use crate::wire::{
    Syntax,
    pap::{Pap, Strictness},
    prov::ProvDoc,
    syncml::Message,
    xml,
};

use super::{
    BYTE_ORDER_MARK,
    markup::{declaration_ends_at, ends_at, is_blank, local},
};

/// What the root of a document is called, and so what the document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::explain) enum Root {
    /// `wap-provisioningdoc`.
    Prov,
    /// `SyncML`.
    SyncMl,
    /// `pap`.
    Pap,
    /// Anything else.
    Other,
}

impl Root {
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Prov => "<wap-provisioningdoc>",
            Self::SyncMl => "<SyncML>",
            Self::Pap => "<pap>",
            Self::Other => "that is neither",
        }
    }
}

/// What XML begins here; none when it is none.
pub(in crate::explain) fn root(octets: &[u8]) -> Option<Root> {
    let mut rest = octets.strip_prefix(BYTE_ORDER_MARK).unwrap_or(octets).trim_ascii_start();
    if !matches!(rest, [b'<', second, ..] if second.is_ascii_alphabetic() || matches!(second, b'_' | b'?' | b'!'))
    {
        return None;
    }
    loop {
        let end = match rest {
            [b'<', b'?', ..] => ends_at(rest, b"?>"),
            [b'<', b'!', b'-', b'-', ..] => ends_at(rest, b"-->"),
            [b'<', b'!', ..] => declaration_ends_at(rest),
            [b'<', name @ ..] => {
                let end = name.iter().position(|o| is_blank(*o) || matches!(o, b'>' | b'/'));
                return Some(match local(name.get(..end.unwrap_or(name.len())).unwrap_or_default()) {
                    b"wap-provisioningdoc" => Root::Prov,
                    b"SyncML" => Root::SyncMl,
                    b"pap" => Root::Pap,
                    _ => Root::Other,
                });
            }
            _ => return Some(Root::Other),
        };
        let Some(end) = end else { return Some(Root::Other) };
        rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
    }
}

/// Whether a document reads as what its root says.
pub(in crate::explain) fn is_sound(octets: &[u8]) -> bool {
    match root(octets) {
        Some(Root::Prov) => ProvDoc::decode(Syntax::Xml, octets).is_ok(),
        Some(Root::SyncMl) => Message::decode(Syntax::Xml, octets).is_ok(),
        Some(Root::Pap) => Pap::decode(octets, Strictness::Strict).is_ok(),
        Some(Root::Other) => xml::parse(octets).is_ok(),
        None => false,
    }
}

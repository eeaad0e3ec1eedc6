//! Header fields and the bodies that they speak of: of HTTP messages (RFC 9110) and of the entities in a multipart body
//! (RFC 2045).

use base64::Engine as _;

use super::{
    Found, Options, Problem, Secrets,
    carried::Carried,
    http, multipart,
    scribe::{Mark, Scribe, Stopped},
    secret, wsp, xml,
};
use crate::wire::{pap::multipart as wire, wsp::Push};

const FIELD: &str = "RFC 9110, 5";

/// A header field that was read.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) mark: Mark,
}

/// Header fields up to the empty line and with it.
pub(super) fn fields(w: &mut Scribe<'_>) -> Result<Vec<Field>, Stopped> {
    let mut fields: Vec<Field> = Vec::new();
    loop {
        let rest = w.rest();
        let mark = w.next();
        if rest.is_empty() {
            w.take(1, "empty line", FIELD)?;
        }
        let length = line_of(rest);
        let text = String::from_utf8_lossy(rest.get(..length).unwrap_or(rest)).into_owned();
        if text.trim_end().is_empty() {
            w.take(length, "empty line", FIELD)?;
            return Ok(fields);
        }
        let Some((name, value)) = text.split_once(':').filter(|(name, _)| is_name(name)) else {
            w.take(length, "header field", FIELD)?;
            w.hide_octets(mark);
            w.wrong("expected a name, a colon and a value");
            return Err(Stopped);
        };
        w.take(length, name.to_owned(), FIELD)?;
        let value: String = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(said) = hidden(name, &value).filter(|_| w.secrets() == Secrets::Masked) {
            w.says(said);
            w.hide_octets(mark);
        } else {
            w.says(value.clone());
        }
        fields.push(Field { name: name.to_owned(), value, mark });
    }
}

/// The octets of a line with its end, and of those behind it that go on with it (RFC 9110, section 5.5).
fn line_of(octets: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let rest = octets.get(length..).unwrap_or_default();
        let is_empty = rest.trim_ascii_start().is_empty() || matches!(rest, [b'\r', b'\n', ..] | [b'\n', ..]);
        length += rest.iter().position(|o| *o == b'\n').map_or(rest.len(), |n| n + 1);
        let goes_on = matches!(octets.get(length), Some(b' ' | b'\t'));
        if is_empty || !goes_on || length >= octets.len() {
            return length;
        }
    }
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(good)
}

/// What is said of a field whose value is a secret, or holds one.
fn hidden(name: &str, value: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    // The scheme of credentials is none (RFC 9110, section 11.4).
    if matches!(lower.as_str(), "authorization" | "proxy-authorization") {
        return Some(format!("{} ***", value.split(' ').next().unwrap_or_default()));
    }
    let secret = secret::is_secret(name) || ["cookie", "api-key", "apikey"].iter().any(|p| lower.contains(p));
    if secret { Some("***".to_owned()) } else { secret::in_url(value) }
}

/// A body, which is what its fields say.
pub(super) fn body(
    w: &mut Scribe<'_>,
    fields: &[Field],
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let of = |name: &str| fields.iter().find(|f| f.name.eq_ignore_ascii_case(name));
    let kind = of("content-type");
    let named = kind.map(|field| wire::media_type(&field.value));
    if let (Some(field), Some(Err(error))) = (kind, &named) {
        w.judge(field.mark, Problem::wrong(error.to_string()));
    }
    let (media, _) = named.and_then(Result::ok).unwrap_or_default();
    if media.starts_with("multipart/") {
        let boundary = kind.map(|field| (field, wire::boundary(&field.value)));
        let boundary = match boundary {
            Some((_, Ok(boundary))) => Some(boundary),
            Some((field, Err(error))) => {
                w.judge(field.mark, Problem::wrong(error.to_string()));
                None
            }
            None => None,
        };
        return multipart::explain(w, boundary, options, found);
    }
    if of("content-transfer-encoding").is_some_and(|f| f.value.eq_ignore_ascii_case("base64")) {
        return base64(w, &media, kind, options, found);
    }
    content(w, &media, kind, options, found)
}

fn content(
    w: &mut Scribe<'_>,
    media: &str,
    kind: Option<&Field>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let is_xml = media.is_empty() || media == "application/xml" || media == "text/xml";
    if is_xml && xml::root(w.rest()).is_some() {
        return xml::explain(w, None);
    }
    let push = kind.map(|field| (field, Push::of_entity(0, &field.value, w.rest().to_vec())));
    // What an answer of HTTP holds is for whoever asked.
    let is_pushed = found.multiparts > 0;
    match push {
        Some((field, Ok(push))) => {
            let walked = wsp::entity(w, media, field.mark, &push, options, found);
            if is_pushed {
                found.carried.push(Carried::Content(push));
            }
            walked
        }
        Some((field, Err(error))) => {
            w.judge(field.mark, Problem::wrong(format!("no gateway can push this: {error}")));
            if is_pushed {
                found.carried.push(Carried::NoContent { why: error.to_string() });
            }
            unknown(w)
        }
        None => unknown(w),
    }
}

fn unknown(w: &mut Scribe<'_>) -> Result<(), Stopped> {
    w.take_unknown("content");
    Ok(())
}

/// Content in base64: its text, and what it says as a part of its own.
fn base64(
    w: &mut Scribe<'_>,
    media: &str,
    kind: Option<&Field>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let text = w.take_rest("content in base64", "RFC 2045, 6.8");
    let mark = w.last();
    let text: Vec<u8> = text.iter().copied().filter(|o| !o.is_ascii_whitespace()).collect();
    if !text.is_empty() {
        w.hide_octets(mark);
    }
    let Ok(octets) = base64::engine::general_purpose::STANDARD.decode(text) else {
        w.judge(mark, Problem::wrong("this is not base64"));
        return Ok(());
    };
    w.says(format!("{} octets", octets.len()));
    let mut inner = Found { multiparts: found.multiparts, ..Found::default() };
    let part = http::derived("content, base64 undone", &octets, options, |inside| {
        // The field of the type stands in the outer part; what is wrong with it is said there.
        let field = kind.map(|f| Field { name: f.name.clone(), value: f.value.clone(), mark: inside.next() });
        let _ = content(inside, media, field.as_ref(), options, &mut inner);
    });
    found.parts.push(part);
    found.absorb(inner);
    Ok(())
}

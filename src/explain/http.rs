//! HTTP messages (RFC 9112), as far as PAP needs them: one after the other, each with its start line, its header fields
//! and the body that they announce.

use super::{
    Found, Kind, Options, Part, Problem, Secrets, mime,
    scribe::{Mark, Scribe, Stopped},
    secret,
};

const LINE: &str = "RFC 9112, 2.1";
const CHUNK: &str = "RFC 9112, 7.1";
/// The methods of what is looked for here.
const METHODS: [&str; 7] = ["POST", "GET", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"];
/// The longest start line that is looked for.
const MAX_LINE: usize = 4096;

/// Whether an HTTP message begins here.
pub(super) fn begins(octets: &[u8]) -> bool {
    let line = octets.split(|o| *o == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line.get(..line.len().min(MAX_LINE)).unwrap_or_default()) else {
        return false;
    };
    let mut words = line.trim_end().split(' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(version), Some(status), ..) if version.starts_with("HTTP/1.") => {
            status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit())
        }
        (Some(method), Some(target), Some(version), None) => {
            METHODS.contains(&method) && !target.is_empty() && version.starts_with("HTTP/1.")
        }
        _ => false,
    }
}

/// Whether octets are HTTP messages as a whole, each with the body that it announces.
pub(super) fn is_whole(octets: &[u8]) -> bool {
    let mut rest = octets;
    while begins(rest) {
        let Some((head, length)) = head(rest) else { return false };
        match length {
            // A header may announce any number.
            Length::Is(length) => match head.checked_add(length).and_then(|end| rest.get(end..)) {
                Some([]) => return true,
                Some(behind) => rest = behind,
                None => return false,
            },
            Length::ToTheEnd => return true,
            Length::Chunked => return rest.ends_with(b"0\r\n\r\n"),
        }
    }
    false
}

/// How long a body is.
enum Length {
    Is(usize),
    ToTheEnd,
    Chunked,
}

/// The octets of start line and header, and the length of the body; none when the header does not end.
fn head(octets: &[u8]) -> Option<(usize, Length)> {
    let mut at = 0;
    let mut length = Length::ToTheEnd;
    loop {
        let rest = octets.get(at..)?;
        let end = rest.iter().position(|o| *o == b'\n')? + 1;
        let line = String::from_utf8_lossy(rest.get(..end)?);
        at += end;
        let line = line.trim_end();
        if line.is_empty() {
            return Some((at, length));
        }
        if let Some((name, value)) = line.split_once(':') {
            length = match length_by(name, value.trim()) {
                Some(said) => said,
                None => length,
            };
        }
    }
}

fn length_by(name: &str, value: &str) -> Option<Length> {
    if name.eq_ignore_ascii_case("content-length") {
        return value.parse().ok().map(Length::Is);
    }
    let chunked = name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked");
    chunked.then_some(Length::Chunked)
}

pub(super) fn explain(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    if !begins(w.rest()) {
        let mark = w.next();
        w.take_unknown("not explained");
        w.judge(mark, Problem::wrong("expected POST …, or HTTP/1.1 and a status"));
        return Err(Stopped);
    }
    while begins(w.rest()) {
        message(w, options, found)?;
    }
    if !w.is_empty() {
        let mark = w.next();
        w.take_unknown("left over");
        w.judge(mark, Problem::wrong("behind the body that the header announces"));
    }
    Ok(())
}

fn message(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    let is_response = w.rest().starts_with(b"HTTP/");
    w.begin(if is_response { "HTTP response" } else { "HTTP request" }, LINE);
    let status = start_line(w, is_response)?;
    w.begin("header", "RFC 9112, 5");
    let fields = mime::fields(w)?;
    w.finish();
    let length = fields.iter().rev().find_map(|f| Some((f.mark, length_by(&f.name, &f.value)?)));
    let bodiless = is_response && matches!(status, Some(100..=199 | 204 | 304));
    match length {
        _ if bodiless => {}
        Some((_, Length::Chunked)) => chunked(w, &fields, options, found)?,
        Some((mark, Length::Is(length))) => {
            let there = w.rest().len();
            if length > there {
                let why = format!("says {length} octets; the body has {there}");
                w.judge(mark, Problem::wrong(why));
            }
            body(w, length.min(there), &fields, options, found);
        }
        // The rest is the body of a response (RFC 9112, 6.3); a request that somebody has cut out, too.
        _ if w.is_empty() || begins(w.rest()) => {}
        _ => body(w, w.rest().len(), &fields, options, found),
    }
    w.finish();
    Ok(())
}

/// The start line; gives the status of a response.
fn start_line(w: &mut Scribe<'_>, is_response: bool) -> Result<Option<u16>, Stopped> {
    let rest = w.rest();
    let length = rest.iter().position(|o| *o == b'\n').map_or(rest.len(), |n| n + 1);
    let octets = w.take(length, if is_response { "status line" } else { "request line" }, LINE)?;
    let mark = w.last();
    let line = String::from_utf8_lossy(octets).trim_end().to_owned();
    let hidden = secret::in_url(&line).filter(|_| w.secrets() == Secrets::Masked);
    if hidden.is_some() {
        w.hide_octets(mark);
    }
    let status = is_response.then(|| line.split(' ').nth(1).and_then(|word| word.parse().ok())).flatten();
    w.says(hidden.unwrap_or(line));
    Ok(status)
}

fn body(w: &mut Scribe<'_>, length: usize, fields: &[mime::Field], options: &Options, found: &mut Found) {
    if length > 0 {
        w.region(length, "body", "RFC 9112, 6", |w| mime::body(w, fields, options, found));
    }
}

/// A body in chunks. One chunk is explained where it stands, several are put together.
fn chunked(
    w: &mut Scribe<'_>,
    fields: &[mime::Field],
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let single = chunk_sizes(w.rest()).is_some_and(|sizes| sizes.len() == 1);
    let mut all = Vec::new();
    loop {
        let rest = w.rest();
        let length = rest.iter().position(|o| *o == b'\n').map_or(rest.len(), |n| n + 1);
        let line = w.take(length.max(1), "chunk size", CHUNK)?;
        let Some(size) = chunk_size(line) else {
            w.wrong("expected hexadecimal digits");
            return Err(Stopped);
        };
        w.says(format!("{size} octets"));
        if size == 0 {
            // Fields may stand behind the last chunk, then an empty line.
            mime::fields(w)?;
            break;
        }
        if single {
            let there = w.rest().len();
            body(w, size.min(there), fields, options, found);
        } else {
            let mark: Mark = w.next();
            let data = w.take(size, "chunk", CHUNK)?;
            if secret::may_hold_secrets(data) {
                w.hide_octets(mark);
            }
            all.extend_from_slice(data);
        }
        let end = if w.rest().starts_with(b"\r\n") { 2 } else { 1 };
        w.take(end, "end of the chunk", CHUNK)?;
    }
    if !all.is_empty() {
        let mut inner = Found::default();
        let part = derived("body of the chunks", &all, options, |w| {
            let _ = mime::body(w, fields, options, &mut inner);
        });
        found.parts.push(part);
        found.absorb(inner);
    }
    Ok(())
}

fn chunk_size(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?;
    let digits = line.split(';').next().unwrap_or_default().trim();
    usize::from_str_radix(digits, 16).ok().filter(|size| *size <= super::MAX_OCTETS)
}

/// The sizes of the chunks but the last; none when they cannot be followed.
fn chunk_sizes(octets: &[u8]) -> Option<Vec<usize>> {
    let (mut at, mut sizes) = (0, Vec::new());
    loop {
        let rest = octets.get(at..)?;
        let line = rest.get(..rest.iter().position(|o| *o == b'\n')? + 1)?;
        let size = chunk_size(line)?;
        if size == 0 {
            return Some(sizes);
        }
        sizes.push(size);
        at += line.len() + size;
        at += if octets.get(at..)?.starts_with(b"\r\n") { 2 } else { 1 };
    }
}

/// A part that stands nowhere as it is: what was decoded, or put together.
pub(super) fn derived(
    title: &str,
    octets: &[u8],
    options: &Options,
    explain: impl FnOnce(&mut Scribe<'_>),
) -> Part {
    let mut w = Scribe::new(octets, options.secrets);
    explain(&mut w);
    Part { title: title.to_owned(), kind: None::<Kind>, length: octets.len(), spans: w.spans() }
}

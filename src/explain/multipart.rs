//! The body of a push: `multipart/related` with the control entity, the content and perhaps the capabilities (RFC 2046,
//! section 5.1; WAP-247-PAP, section 8).

use super::{
    Found, Options, Problem, mime,
    scribe::{Scribe, Stopped},
};
use crate::wire::pap::multipart::{MAX_BOUNDARY, read};

const BOUNDARY: &str = "RFC 2046, 5.1.1";
/// What the entities of a push are, in order.
const ENTITIES: [&str; 3] = ["control entity", "content entity", "capability entity"];
/// How deep bodies in parts may stand in each other. Each is walked over once more from outside, and needs room on the stack.
pub(super) const MAX_NESTING: usize = 2;

/// Whether a body in parts begins here, without a header that says so.
pub(super) fn begins(octets: &[u8]) -> bool {
    let Some(boundary) = first_boundary(octets) else { return false };
    let behind = octets.iter().position(|o| *o == b'\n').and_then(|at| octets.get(at + 1..));
    let field = behind.unwrap_or_default().split(|o| *o == b'\n').next().unwrap_or_default();
    let name = field.split(|o| *o == b':').next().unwrap_or_default();
    let named = name.len() < field.len() && name.iter().all(|o| o.is_ascii_alphanumeric() || *o == b'-');
    !boundary.is_empty() && (named || field.trim_ascii().is_empty())
}

/// Whether it is one as a whole.
pub(super) fn is_whole(octets: &[u8]) -> bool {
    begins(octets) && first_boundary(octets).is_some_and(|boundary| read(&boundary, octets).is_ok())
}

/// The boundary in the first line.
fn first_boundary(octets: &[u8]) -> Option<String> {
    let line = octets.strip_prefix(b"--")?.split(|o| *o == b'\n').next()?;
    let line = std::str::from_utf8(line.get(..line.len().min(MAX_BOUNDARY + 1))?).ok()?.trim_end();
    let good = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
    (line.chars().all(good) && !line.is_empty()).then(|| line.to_owned())
}

/// A body with that boundary, or with the one in its first line.
pub(super) fn explain(
    w: &mut Scribe<'_>,
    boundary: Option<String>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    if found.multiparts == MAX_NESTING {
        let mark = w.next();
        w.take_unknown("not explained");
        w.judge(
            mark,
            Problem::wrong(format!("a body in parts inside {MAX_NESTING} others; deeper is not read")),
        );
        return Err(Stopped);
    }
    found.multiparts += 1;
    let walked = entities(w, boundary, options, found);
    found.multiparts -= 1;
    walked
}

fn entities(
    w: &mut Scribe<'_>,
    boundary: Option<String>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Stopped> {
    let (base, octets) = (w.position(), w.rest());
    let Some(boundary) = boundary.or_else(|| first_boundary(octets)) else {
        let mark = w.next();
        w.take_unknown("not explained");
        w.judge(mark, Problem::wrong("no boundary in the type, and the body begins with none"));
        return Err(Stopped);
    };
    let dashed = format!("--{boundary}").into_bytes();
    let Some(first) = delimiter(w.rest(), &dashed) else {
        let mark = w.next();
        w.take_unknown("not explained");
        w.judge(mark, Problem::wrong("the boundary that the type names stands nowhere in the body"));
        return Err(Stopped);
    };
    if first.begin > 0 {
        w.take(first.begin, "preamble", BOUNDARY)?;
    }
    let (mut next, mut number) = (first, 0);
    loop {
        let name = if next.last { "closing boundary" } else { "boundary" };
        w.take(next.end - next.begin, name, BOUNDARY)?;
        w.says(boundary.clone());
        if next.last {
            break;
        }
        let following = delimiter(w.rest(), &dashed);
        let length = following.as_ref().map_or(w.rest().len(), |d| d.begin);
        let mark = w.region(length, ENTITIES.get(number).copied().unwrap_or("entity"), BOUNDARY, |w| {
            let fields = mime::fields(w)?;
            mime::body(w, &fields, options, found)
        });
        number += 1;
        match following {
            // Offsets count from where the entity begins; it was taken whole.
            Some(d) => next = Delimiter { begin: 0, end: d.end - d.begin, last: d.last },
            None => {
                w.judge(mark, Problem::wrong(format!("no closing boundary --{boundary}-- behind it")));
                break;
            }
        }
    }
    if !w.is_empty() {
        w.take_unknown("epilogue");
    }
    w.cross_check(base, read(&boundary, octets));
    Ok(())
}

/// A line that is a boundary, with the line end before it.
struct Delimiter {
    begin: usize,
    end: usize,
    last: bool,
}

fn delimiter(octets: &[u8], dashed: &[u8]) -> Option<Delimiter> {
    let mut at = 0;
    while at < octets.len() {
        let rest = octets.get(at..)?;
        let length = rest.iter().position(|o| *o == b'\n').map_or(rest.len(), |n| n + 1);
        let line = rest.get(..length)?;
        if let Some(tail) = line.strip_prefix(dashed) {
            let tail = tail.trim_ascii();
            if tail.is_empty() || tail == b"--" {
                let before = octets.get(..at)?;
                let before = before.strip_suffix(b"\n").unwrap_or(before);
                let begin = before.strip_suffix(b"\r").unwrap_or(before).len();
                return Some(Delimiter { begin, end: at + length, last: !tail.is_empty() });
            }
        }
        at += length;
    }
    None
}

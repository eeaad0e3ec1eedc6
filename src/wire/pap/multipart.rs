//! The body of a push: `multipart/related` (RFC 2387) with the control entity first, the content second and, where it is
//! there, the capabilities third.

use crate::wire::DecodeError;

const WHAT: &str = "multipart body";
/// The most entities of a push.
pub const MAX_ENTITIES: usize = 3;
/// The most header fields of one entity.
pub const MAX_FIELDS: usize = 64;
/// The longest header of one entity, in octets.
pub const MAX_HEADER: usize = 16 * 1024;
/// The longest boundary, in characters (RFC 2046, section 5.1.1).
pub const MAX_BOUNDARY: usize = 70;

/// One entity of a body. `Debug` shows the names of its fields and its size: the content holds secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Entity<'a> {
    /// Its header fields, in order. Values are unfolded; parameters are kept as they came.
    pub fields: Vec<(String, String)>,
    /// Its octets.
    pub body: &'a [u8],
}

impl<'a> Entity<'a> {
    /// An entity of that content type.
    pub fn new(content_type: impl Into<String>, body: &'a [u8]) -> Self {
        Self { fields: vec![("Content-Type".to_owned(), content_type.into())], body }
    }

    /// The value of the first field of that name, in whatever letter case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

impl std::fmt::Debug for Entity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "Entity({}, {} octets)", names.join(", "), self.body.len())
    }
}

/// The boundary that the content type of a push names.
///
/// # Errors
/// [`DecodeError::Invalid`] when the type is not `multipart/related`, or names no boundary or one that is none.
pub fn boundary(content_type: &str) -> Result<String, DecodeError> {
    let invalid = |why: &str| DecodeError::invalid("Content-Type", 0, why);
    let (kind, mut rest) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/related") {
        return Err(invalid("expected multipart/related"));
    }
    while let Some((name, behind)) = rest.split_once('=') {
        let (value, left) = parameter(behind.trim_start()).ok_or_else(|| invalid("a quote does not end"))?;
        rest = left;
        if name.trim().eq_ignore_ascii_case("boundary") {
            let good = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
            return if (1..=MAX_BOUNDARY).contains(&value.len())
                && value.chars().all(good)
                && !value.ends_with(' ')
            {
                Ok(value)
            } else {
                Err(invalid("the boundary is not 1 to 70 of the characters that one may have"))
            };
        }
    }
    Err(invalid("no boundary parameter; expected boundary=…"))
}

/// A media type, lower case, and its parameters in order (RFC 2045, section 5.1). Parameters without a value are left out.
///
/// # Errors
/// [`DecodeError::Invalid`] when the type is none or a quote does not end. Values are not quoted: they may be secret.
pub fn media_type(text: &str) -> Result<(String, Vec<(String, String)>), DecodeError> {
    let invalid = |why: &str| DecodeError::invalid("Content-Type", 0, why);
    let (kind, mut rest) = text.split_once(';').unwrap_or((text, ""));
    let kind = kind.trim().to_ascii_lowercase();
    let token = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && c != '/');
    if !kind.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype)) {
        return Err(invalid("expected type/subtype"));
    }
    let mut parameters = Vec::new();
    while let Some((name, behind)) = rest.split_once('=') {
        let (value, left) = parameter(behind.trim_start()).ok_or_else(|| invalid("a quote does not end"))?;
        // What stands before a semicolon without a value belongs to no parameter.
        let name = name.rsplit(';').next().unwrap_or(name).trim();
        parameters.push((name.to_owned(), value));
        rest = left;
    }
    Ok((kind, parameters))
}

/// A parameter's value, a token or quoted, and what stands behind its semicolon.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, left) = text.split_once(';').unwrap_or((text, ""));
        return Some((value.trim().to_owned(), left));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => {
                let left = quoted.get(at + 1..).unwrap_or("");
                return Some((value, left.split_once(';').map_or("", |(_, left)| left)));
            }
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// Takes a body apart. Line ends may be CRLF or LF; what stands before the first and behind the last boundary is no part
/// of it.
///
/// # Errors
/// [`DecodeError`] when a boundary or the end of a header is missing, or there are too many of anything.
pub fn read<'a>(boundary: &str, body: &'a [u8]) -> Result<Vec<Entity<'a>>, DecodeError> {
    let mut delimiters = Delimiters { dashed: format!("--{boundary}").into_bytes(), body, at: 0 };
    let mut entities = Vec::new();
    let missing = |at| DecodeError::Truncated { what: "closing boundary", at, needed: 1 };
    let mut mark = delimiters.next().ok_or_else(|| missing(0))?;
    while !mark.last {
        let begin = mark.end;
        mark = delimiters.next().ok_or_else(|| missing(body.len()))?;
        if entities.len() >= MAX_ENTITIES {
            let got = entities.len() + 1;
            return Err(DecodeError::Limit { what: "entities", at: begin, got, limit: MAX_ENTITIES });
        }
        entities.push(entity(body.get(begin..mark.begin).unwrap_or(&[]), begin)?);
    }
    if entities.is_empty() {
        return Err(DecodeError::invalid(WHAT, 0, "holds no entity"));
    }
    Ok(entities)
}

/// Puts a body together.
///
/// The boundary must stand in no entity: draw it at random, or from a digest of the content.
pub fn write(boundary: &str, entities: &[Entity<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for entity in entities {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        for (name, value) in &entity.fields {
            // A line end in a value would begin a field of its own.
            let value = value.replace(['\r', '\n'], " ");
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(entity.body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

/// The lines that are a boundary.
struct Delimiters<'a> {
    dashed: Vec<u8>,
    body: &'a [u8],
    at: usize,
}

/// One of them: its line end before, and its own, belong to it.
struct Mark {
    begin: usize,
    end: usize,
    last: bool,
}

impl Delimiters<'_> {
    fn next(&mut self) -> Option<Mark> {
        while self.at < self.body.len() {
            let line_at = self.at;
            let rest = self.body.get(line_at..)?;
            let length = rest.iter().position(|o| *o == b'\n').map_or(rest.len(), |n| n + 1);
            self.at += length;
            let line = rest.get(..length)?;
            let Some(tail) = line.strip_prefix(self.dashed.as_slice()) else { continue };
            let tail = tail.trim_ascii();
            if tail.is_empty() || tail == b"--" {
                let before = self.body.get(..line_at)?;
                let before = before.strip_suffix(b"\n").unwrap_or(before);
                let before = before.strip_suffix(b"\r").unwrap_or(before);
                return Some(Mark { begin: before.len(), end: self.at, last: !tail.is_empty() });
            }
        }
        None
    }
}

/// Header and body of one entity, which begins at `base` of the whole.
fn entity(octets: &[u8], base: usize) -> Result<Entity<'_>, DecodeError> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut at = 0;
    loop {
        let rest = octets.get(at..).unwrap_or(&[]);
        if at > MAX_HEADER {
            let (what, at, got) = ("header of an entity", base, at);
            return Err(DecodeError::Limit { what, at, got, limit: MAX_HEADER });
        }
        let Some(length) = rest.iter().position(|o| *o == b'\n') else {
            let what = "empty line behind the header of an entity";
            return Err(DecodeError::Truncated { what, at: base + octets.len(), needed: 1 });
        };
        let line = rest.get(..length).unwrap_or(&[]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line_at = base + at;
        at += length + 1;
        if line.is_empty() {
            return Ok(Entity { fields, body: octets.get(at..).unwrap_or(&[]) });
        }
        let invalid = |why: &str| DecodeError::invalid("header field", line_at, why);
        let text = std::str::from_utf8(line).map_err(|_| invalid("not text"))?;
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(invalid("holds a control character"));
        }
        if text.starts_with([' ', '\t']) {
            let (_, value) = fields.last_mut().ok_or_else(|| invalid("goes on where nothing began"))?;
            value.push(' ');
            value.push_str(text.trim());
            continue;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| invalid("has no colon"))?;
        let token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            return Err(invalid("has a name that is none"));
        }
        if fields.len() >= MAX_FIELDS {
            let (what, got) = ("header fields of an entity", fields.len() + 1);
            return Err(DecodeError::Limit { what, at: line_at, got, limit: MAX_FIELDS });
        }
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"preamble\r\n--b\r\nContent-Type: application/xml\r\n\r\n<pap/>\r\n\
        --b\r\nContent-Type: application/vnd.wap.connectivity-wbxml; SEC=1;\r\n MAC=AA\r\n\r\n\x03\x0b\r\n\x00\n--bc\r\n\r\n--b--\r\n";

    #[test]
    fn entities_keep_every_octet_and_every_parameter() {
        let entities = read("b", BODY).unwrap();
        assert_eq!(entities.len(), 2);
        assert_eq!(entities[0].body, b"<pap/>");
        assert_eq!(
            entities[1].field("content-type"),
            Some("application/vnd.wap.connectivity-wbxml; SEC=1; MAC=AA")
        );
        // Line ends and what only looks like a boundary are content.
        assert_eq!(entities[1].body, b"\x03\x0b\r\n\x00\n--bc\r\n");
        assert!(!format!("{entities:?}").contains("AA"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let wbxml = [0x03, 0x0B, 0x6A, b'\r', b'\n', b'-', b'-', 0];
        let entities =
            [Entity::new("application/xml", b"<pap/>"), Entity::new("application/vnd.x; SEC=1", &wbxml)];
        let body = write("boundary-1", &entities);
        assert_eq!(read("boundary-1", &body).unwrap(), entities);
        for end in 0..body.len() - 2 {
            assert!(read("boundary-1", &body[..end]).is_err(), "{end} octets");
        }
    }

    #[test]
    fn boundaries_are_taken_from_the_content_type() {
        for good in [
            "multipart/related; boundary=bnd",
            "Multipart/Related;type=\"application/xml\"; Boundary=\"bnd\"",
            "multipart/related; type=\"a;boundary=x\"; boundary=bnd; charset=utf-8",
        ] {
            assert_eq!(boundary(good).unwrap(), "bnd", "{good}");
        }
        let long = format!("multipart/related; boundary={}", "x".repeat(71));
        for bad in [
            "multipart/related",
            "multipart/mixed; boundary=b",
            "multipart/related; boundary=",
            "multipart/related; boundary=\"x",
            "multipart/related; boundary=a\u{e4}",
            &long,
        ] {
            assert!(boundary(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn strangers_are_capped() {
        let many = write("b", &[const { Entity { fields: Vec::new(), body: b"" } }; 4]);
        assert!(matches!(read("b", &many), Err(DecodeError::Limit { what: "entities", .. })));
        let fields = (0..=MAX_FIELDS).map(|n| (format!("X-{n}"), "x".to_owned())).collect();
        let wide = write("b", &[Entity { fields, body: b"" }]);
        assert!(matches!(read("b", &wide), Err(DecodeError::Limit { .. })));
        let long = vec![("X".to_owned(), "x".repeat(9_000)), ("Y".to_owned(), "y".repeat(9_000))];
        let long = write("b", &[Entity { fields: long, body: b"" }]);
        assert!(matches!(read("b", &long), Err(DecodeError::Limit { .. })));
        for bad in
            [&b"--b\r\nX\r\n\r\n--b--"[..], b"--b\r\n: x\r\n\r\n--b--", b"--b\r\n x\r\n\r\n--b--", b"--b--"]
        {
            assert!(read("b", bad).is_err());
        }
    }
}

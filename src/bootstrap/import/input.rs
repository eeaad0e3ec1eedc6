//! What a file holds: octets as they are, hexadecimal digits, or the short messages of a push, a line each.

use std::collections::BTreeMap;

use super::ImportError;
use crate::wire::wdp::Segment;

/// The octets of a file. Lines of digits that are the user data of short messages are put together, in whatever order they
/// stand.
pub(super) fn taken(file: &[u8]) -> Result<Vec<u8>, ImportError> {
    let Some(text) = std::str::from_utf8(file).ok() else { return Ok(file.to_vec()) };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let Some(segments) = lines.iter().map(|line| segment(line)).collect::<Option<Vec<_>>>()
        && !segments.is_empty()
    {
        return together(segments);
    }
    Ok(from_hex(text).unwrap_or_else(|| file.to_vec()))
}

/// User data with a header that says whom it is for. No other artefact begins so: the header of a push would have an element
/// without a length, that of WBXML one that is longer than the header.
fn segment(line: &str) -> Option<Segment> {
    let segment = Segment::decode(&from_hex(line)?).ok()?;
    (segment.udh.ports().is_some() || segment.udh.concatenation().is_some()).then_some(segment)
}

fn together(segments: Vec<Segment>) -> Result<Vec<u8>, ImportError> {
    let mut parts = BTreeMap::new();
    let mut whole = None;
    for segment in segments {
        let (message, sequence) = match segment.udh.concatenation() {
            Some(c) => (Some((c.reference(), c.total())), c.sequence()),
            None => (None, 1),
        };
        let other = whole.replace(message).is_some_and(|before| before != message);
        if other || parts.insert(sequence, segment.data.clone()).is_some_and(|before| before != segment.data)
        {
            return Err(ImportError::Mixed);
        }
    }
    let total = whole.flatten().map_or(1, |(_, total)| total);
    let missing: Vec<String> =
        (1..=total).filter(|n| !parts.contains_key(n)).map(|n| n.to_string()).collect();
    if !missing.is_empty() {
        return Err(ImportError::Missing { missing: missing.join(", "), total });
    }
    Ok(parts.into_values().flatten().collect())
}

/// Octets out of hexadecimal digits, if the text is nothing but those.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let pair = |p: &[u8]| p.iter().fold(0, |n, d| n << 4 | d);
    (!digits.is_empty() && digits.len().is_multiple_of(2)).then(|| digits.chunks(2).map(pair).collect())
}

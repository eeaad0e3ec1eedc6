//! Finding the pieces of XML text, well-formed or not.

/// White space (production S).
pub(super) fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// How many octets there are up to `end` and with it; none when it does not come.
pub(super) fn ends_at(octets: &[u8], end: &[u8]) -> Option<usize> {
    octets.windows(end.len()).position(|window| window == end).map(|at| at + end.len())
}

/// How many octets there are up to the end of a document type and with it: the `>` behind its internal subset, where it has
/// one (production 28).
pub(super) fn declaration_ends_at(octets: &[u8]) -> Option<usize> {
    let end = ends_at(octets, b">")?;
    match octets.get(..end)?.iter().position(|o| *o == b'[') {
        None => Some(end),
        Some(_) => {
            let subset = ends_at(octets, b"]")?;
            Some(subset + ends_at(octets.get(subset..)?, b">")?)
        }
    }
}

/// How many octets there are up to the `>` of a tag and with it; one in quotes does not count.
pub(super) fn tag_ends_at(octets: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, octet) in octets.iter().enumerate() {
        match (quote, octet) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(octet),
            // A quote that is never closed swallows no other tag.
            (Some(_), b'<') => return None,
            (Some(open), octet) if open == octet => quote = None,
            _ => {}
        }
    }
    None
}

/// `length` octets with the white space behind them, when markup or nothing follows it: layout, which means nothing.
pub(super) fn with_blanks(octets: &[u8], length: usize) -> usize {
    let behind = octets.get(length..).unwrap_or_default();
    let blanks = behind.iter().take_while(|o| is_blank(**o)).count();
    if matches!(behind.get(blanks), None | Some(b'<')) { length + blanks } else { length }
}

/// The name that octets begin with.
pub(super) fn name(octets: &[u8]) -> &[u8] {
    let ends = |o: &u8| is_blank(*o) || matches!(o, b'/' | b'>' | b'=' | b'"' | b'\'' | b'<');
    octets.get(..octets.iter().position(ends).unwrap_or(octets.len())).unwrap_or_default()
}

/// A name without its prefix.
pub(super) fn local(name: &[u8]) -> &[u8] {
    name.iter().position(|o| *o == b':').and_then(|at| name.get(at + 1..)).unwrap_or(name)
}

/// Name and raw value of an attribute.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// An attribute with the white space before it: how many octets it takes, and its name and raw value. Of one that is
/// malformed there is neither, and all octets are its.
pub(super) fn attribute(octets: &[u8]) -> (usize, Option<Pair<'_>>) {
    fn read(octets: &[u8]) -> Option<(usize, Pair<'_>)> {
        let rest = octets.trim_ascii_start();
        let name = name(rest);
        if name.is_empty() || rest.len() == octets.len() {
            return None;
        }
        let rest = rest.get(name.len()..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        let (quote, rest) = rest.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
        let end = rest.iter().position(|o| o == quote)?;
        let left = rest.len() - end - 1;
        Some((octets.len() - left, (name, rest.get(..end)?)))
    }
    match read(octets) {
        Some((length, pair)) => (length, Some(pair)),
        None => (octets.len(), None),
    }
}

/// Text with its references resolved: the five entities of XML and characters; none when it holds another.
pub(super) fn unescaped(raw: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    quick_xml::escape::unescape(&text).ok().map(|text| text.into_owned())
}

/// Text in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("{text:?}")
}

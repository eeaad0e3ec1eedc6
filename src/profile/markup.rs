//! Whether a text of the profile is an XML document: a card holds it as it stands, and a device that cannot read it says so to nobody.

use quick_xml::{
    XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
    reader::Reader,
};

/// The deepest nesting of elements.
const MAX_DEPTH: usize = 32;

/// Says what keeps a text from being a well-formed XML document in UTF-8, and where in it. A document type is refused: devices need
/// not read one, and entities can stand in it. Nothing of the text is repeated.
pub(super) fn fault(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    walk(&mut reader).err().map(|(at, why)| {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("is no XML document: line {line}, column {column} of the text: {why}")
    })
}

/// Where, in octets, and what.
type Fault = (usize, &'static str);

fn walk(reader: &mut Reader<&[u8]>) -> Result<(), Fault> {
    let octet = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
    let (mut depth, mut rooted) = (0_usize, false);
    loop {
        let at = octet(reader.buffer_position());
        let event = reader.read_event();
        let event = event.map_err(|_| {
            (octet(reader.error_position()), "a tag, comment or reference is malformed, or does not match")
        })?;
        match event {
            Event::Start(_) | Event::Empty(_) if depth == 0 && rooted => {
                return Err((at, "a second root element"));
            }
            Event::Start(_) if depth == MAX_DEPTH => {
                return Err((at, "elements are nested too deeply; 32 are the most"));
            }
            Event::Start(start) => {
                attributes(&start, at)?;
                (depth, rooted) = (depth + 1, true);
            }
            Event::Empty(start) => {
                attributes(&start, at)?;
                rooted = true;
            }
            Event::End(_) => depth = depth.checked_sub(1).ok_or((at, "an end tag without its start tag"))?,
            Event::Text(text) if depth == 0 && !text.trim_ascii().is_empty() => {
                return Err((at, "text outside the root element"));
            }
            Event::CData(_) | Event::GeneralRef(_) if depth == 0 => {
                return Err((at, "text outside the root element"));
            }
            Event::GeneralRef(reference) => {
                let is_known = match reference.is_char_ref() {
                    true => matches!(reference.resolve_char_ref(), Ok(Some(_))),
                    false => resolve_predefined_entity(&reference).is_some(),
                };
                if !is_known {
                    return Err((at, "an entity other than amp, lt, gt, apos and quot"));
                }
            }
            Event::DocType(_) => return Err((at, "a document type; leave it out")),
            Event::Decl(_) if at > 0 => {
                return Err((at, "an XML declaration that is not the very beginning"));
            }
            Event::Decl(declaration) => match declaration.encoding() {
                Some(Ok(name))
                    if !name.eq_ignore_ascii_case("utf-8") && !name.eq_ignore_ascii_case("us-ascii") =>
                {
                    return Err((at, "an encoding other than UTF-8"));
                }
                Some(Err(_)) => return Err((at, "an XML declaration that is malformed")),
                _ => {}
            },
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if depth > 0 => return Err((at, "the end, and an element is open")),
            Event::Eof if !rooted => return Err((at, "the end, and there was no element")),
            Event::Eof => return Ok(()),
        }
    }
}

fn attributes(start: &BytesStart<'_>, at: usize) -> Result<(), Fault> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| (at, "an attribute is malformed or stands twice"))?;
        if attribute.value.contains('<') || attribute.normalized_value(XmlVersion::Explicit1_0).is_err() {
            return Err((at, "the value of an attribute holds < or an entity that is not known"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_from_what_is_none() {
        for good in [
            "<a/>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x --><a b=\"1 &amp; 2\">&lt;&#x41;<![CDATA[<]]><c/></a>\n",
            "<MgmtTree xmlns=\"syncml:dmddf1.2\"><Node>\u{e4}</Node></MgmtTree>",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for (bad, at, why) in [
            ("MARKED", "line 1, column 1", "text outside"),
            ("<a>\n <b></a>", "line 2, column", "does not match"),
            ("<a>", "line 1, column 4", "an element is open"),
            ("<a/><b/>", "line 1, column 5", "second root"),
            ("<a/>MARKED", "line 1, column 5", "text outside"),
            ("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "line 1, column 1", "document type"),
            ("<a>&MARKED;</a>", "line 1, column 4", "an entity"),
            ("<a b=\"&MARKED;\"/>", "line 1, column 1", "an entity"),
            ("<a b=1/>", "line 1, column 1", "attribute"),
            ("<a b='1' b='2'/>", "line 1, column 1", "attribute"),
            ("<a>&#0;</a>", "line 1, column 4", "an entity"),
            (" <?xml version=\"1.0\"?><a/>", "line 1, column 2", "very beginning"),
            ("<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>", "line 1, column 1", "UTF-8"),
            ("<!-- -->", "line 1, column 9", "no element"),
            (&"<a>".repeat(33), "line 1, column 97", "too deeply"),
        ] {
            let said = fault(bad).unwrap_or_default();
            assert!(said.contains(at) && said.contains(why) && !said.contains("MARKED"), "{bad}: {said}");
        }
    }
}

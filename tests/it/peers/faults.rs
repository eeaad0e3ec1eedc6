//! Where the peers are known to be wrong. Each entry has its evidence: a test that shows the fault on the program that is
//! installed. A fault that is mended fails its test, and its exception here goes with it.
//!
//! | program            | fault                                                                               |
//! |--------------------|-------------------------------------------------------------------------------------|
//! | wbxml2xml 0.11.8   | BEARER tokens B5 and B6 are spelled TRETRA-SDS and TRETRA-PACKET                    |
//! | wbxml2xml 0.11.8   | `]]>` within `Data` of a SyncML message ends the CDATA section that it writes there: the document is compared without it |
//! | tshark 4.0.17      | attribute starts 05 and 06 and values 90 to 93 of page 1 (PROV) are not known       |
//! | tshark 4.0.17      | BEARER tokens B9 and BA are spelled CDMA2000-IX-…                                   |

use bootgate::wire::infoset::{Element, Node, Vocabulary};

/// What libwbxml makes of a document that it reads and that has no fault behind which nothing can be compared.
pub fn as_libwbxml_reads(element: &Element) -> Element {
    let mut out = Element { children: Vec::new(), ..element.clone() };
    for attribute in
        out.attributes.iter_mut().filter(|a| element.vocabulary == Vocabulary::Prov && a.name == "value")
    {
        for (right, wrong) in [("TETRA-SDS", "TRETRA-SDS"), ("TETRA-PACKET", "TRETRA-PACKET")] {
            if attribute.value == right {
                attribute.value = wrong.to_owned();
            }
        }
    }
    for node in &element.children {
        out.children.push(match node {
            Node::Element(inner) => Node::Element(as_libwbxml_reads(inner)),
            other => other.clone(),
        });
    }
    out
}

/// The end of a section that libwbxml does not part.
const SECTION_END: &str = "]]>";

/// How many texts of a document end the section that libwbxml puts them into before they are over. Of one that has nothing
/// behind that end all comes out as it should.
pub fn section_ends(element: &Element) -> usize {
    let one = |node: &Node| match node {
        Node::Element(inner) => section_ends(inner),
        Node::Text(text) if element.name == "Data" => {
            let behind = text.split_once(SECTION_END).map_or("", |(_, behind)| behind);
            usize::from(!behind.is_empty())
        }
        Node::Text(_) => 0,
        Node::Opaque(_) => 0,
    };
    element.children.iter().map(one).sum()
}

/// The same document without the texts that end a section: what is left of it can be compared.
pub fn without_section_ends(element: &Element) -> Element {
    let mut out = Element { children: Vec::new(), ..element.clone() };
    for node in &element.children {
        out.children.push(match node {
            Node::Element(inner) => Node::Element(without_section_ends(inner)),
            Node::Text(text) if element.name == "Data" => Node::Text(text.replace(SECTION_END, "]] >")),
            other => other.clone(),
        });
    }
    out
}

#[cfg(test)]
mod evidence {
    use bootgate::wire::{
        Encode as _,
        wbxml::{Document, encode},
        wdp::PUSH_PORT,
        wsp::Push,
    };

    use super::*;
    use crate::{
        against_libwbxml::wbxml2xml,
        peers::tshark::{Capture, udp},
    };

    fn xml_of(root: Element) -> String {
        let folder = tempfile::tempdir().unwrap();
        String::from_utf8(wbxml2xml(folder.path(), &encode(&Document::new(root)).unwrap())).unwrap()
    }

    #[test]
    fn libwbxml_spells_tetra_wrong() {
        for (right, wrong) in [("TETRA-SDS", "TRETRA-SDS"), ("TETRA-PACKET", "TRETRA-PACKET")] {
            let parm = Element::new(Vocabulary::Prov, "parm")
                .with_attribute("name", "BEARER")
                .with_attribute("value", right);
            let nap = Element::new(Vocabulary::Prov, "characteristic")
                .with_attribute("type", "NAPDEF")
                .with_child(parm);
            let root = Element::new(Vocabulary::Prov, "wap-provisioningdoc").with_child(nap);
            assert!(xml_of(root).contains(&format!(r#"<parm name="BEARER" value="{wrong}"/>"#)));
        }
    }

    #[test]
    fn libwbxml_does_not_part_the_end_of_a_section() {
        let data = |text: &str| {
            let tag = |name: &str| Element::new(Vocabulary::SyncMl, name);
            let item = tag("Item").with_child(tag("Data").with_text(text));
            xml_of(tag("SyncML").with_child(tag("SyncBody").with_child(tag("Add").with_child(item))))
        };
        // Here it does what is right...
        assert!(data("a<b&c").contains("<Data><![CDATA[a<b&c]]></Data>"), "{}", data("a<b&c"));
        // ...and here the rest of the text becomes markup.
        assert!(data("a]]><b>").contains("<Data><![CDATA[a]]><b>]]></Data>"), "{}", data("a]]><b>"));
    }

    /// What tshark calls the attribute starts and values of a document.
    fn tokens(octets: &[u8]) -> (Vec<String>, Vec<String>) {
        let push = Push::client_provisioning(1, None, octets.to_vec()).to_octets();
        let fields = ["wbxml.known_attrstart", "wbxml.known_attrvalue", "_ws.malformed"];
        let rows = Capture::new(Capture::IP, [udp(PUSH_PORT, &push)]).fields(&fields);
        assert_eq!(rows[0].one("_ws.malformed"), "", "the framing is right all the same");
        let all = |field| rows[0].all(field).into_iter().map(str::to_owned).collect();
        (all("wbxml.known_attrstart"), all("wbxml.known_attrvalue"))
    }

    const UNKNOWN: &str = "(Requested token not defined for this content type)";

    #[test]
    fn tshark_lacks_tokens_of_page_1() {
        // APPLICATION; APPID with its value behind 06 of page 1; AAUTHTYPE HTTP-BASIC, which is 90 of page 1.
        let starts =
            b"\x03\x0B\x6A\x00\x45\xC6\x00\x01\x55\x01\x87\x36\x06\x03w7\x00\x01\x87\x33\x06\x90\x01\x01\x01";
        let (starts, values) = tokens(starts);
        assert_eq!(starts, ["type='APPLICATION'", "name='APPID'", UNKNOWN, "name='AAUTHTYPE'", UNKNOWN]);
        assert_eq!(values, [UNKNOWN]);
    }

    #[test]
    fn tshark_spells_cdma2000_wrong() {
        // NAPDEF; BEARER with B9 and BA of page 0.
        let octets = b"\x03\x0B\x6A\x00\x45\xC6\x55\x01\x87\x10\x06\xB9\x01\x87\x10\x06\xBA\x01\x01\x01";
        assert_eq!(tokens(octets).1, ["'CDMA2000-IX-SIMPLE-IP'", "'CDMA2000-IX-MOBILE-IP'"]);
    }
}

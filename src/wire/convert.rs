//! From WBXML to XML and back, without elements in between: each piece is written as it is read, and borrowed from the
//! input where it stands there as it is. Octets, errors and limits are those of [`wbxml`] and [`xml`], which are made of
//! the same readers and writers.

use std::borrow::Cow;

pub use super::xml::Layout;
use super::{
    DecodeError, EncodeError,
    infoset::Vocabulary,
    scan,
    sink::{Forward, Pair, Sink},
    wbxml::{self, PublicId},
    xml,
};

/// Why a document did not become one of the other syntax.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It can be read, and the other syntax cannot carry it.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Writes a WBXML document as XML. `expected` tells the type of a document that does not tell it itself
/// ([`wbxml::decode_expecting`]).
///
/// # Errors
/// [`ConvertError`]; what cannot be read counts before what cannot be written.
pub fn wbxml_to_xml(
    octets: &[u8],
    expected: Option<Vocabulary>,
    layout: Layout,
) -> Result<String, ConvertError> {
    let mut sink = Forward::to(xml::Writer::new(layout, octets.len()));
    wbxml::read_into(octets, expected, &mut sink)?;
    Ok(sink.finish()?.finish())
}

/// Writes an XML document as WBXML, of the version and with the public identifier that go with its root. White space
/// between the elements of a provisioning document means nothing, and is left out.
///
/// # Errors
/// As [`wbxml_to_xml`].
pub fn xml_to_wbxml(text: &[u8]) -> Result<Vec<u8>, ConvertError> {
    // WBXML is a third to a quarter as long.
    let mut sink = IntoWbxml { size: (text.len() / 3).clamp(0x100, 0x1_0000), begun: None };
    xml::read_into(text, &mut sink)?;
    Ok(sink.finish()?)
}

/// The writer, which cannot begin before the root is known.
struct IntoWbxml {
    /// About how many octets it will be.
    size: usize,
    begun: Option<(Vocabulary, Result<Forward<wbxml::Writer>, EncodeError>)>,
}

impl IntoWbxml {
    /// All octets; none where there was no root, which the reader has refused before.
    fn finish(self) -> Result<Vec<u8>, EncodeError> {
        match self.begun {
            None => Ok(Vec::new()),
            Some((root, writer)) => Ok(writer?.finish()?.finish(wbxml::version_of(root))),
        }
    }

    fn writer(&mut self) -> Option<&mut Forward<wbxml::Writer>> {
        self.begun.as_mut().and_then(|(_, writer)| writer.as_mut().ok())
    }
}

impl<'a> Sink<'a> for IntoWbxml {
    fn open(&mut self, vocabulary: Vocabulary, name: Cow<'a, str>, attributes: &mut Vec<Pair<'a>>) {
        if self.begun.is_none() {
            let writer = wbxml::Writer::new(vocabulary, &name, PublicId::of(vocabulary), self.size);
            self.begun = Some((vocabulary, writer.map(Forward::to)));
        }
        if let Some(writer) = self.writer() {
            writer.open(vocabulary, name, attributes);
        }
    }

    fn text(&mut self, text: Cow<'a, str>) {
        let means_nothing = matches!(self.begun, Some((Vocabulary::Prov, _))) && scan::is_white(&text);
        if !means_nothing && let Some(writer) = self.writer() {
            writer.text(text);
        }
    }

    fn opaque(&mut self, octets: &'a [u8]) {
        if let Some(writer) = self.writer() {
            writer.opaque(octets);
        }
    }

    fn close(&mut self) {
        if let Some(writer) = self.writer() {
            writer.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::wire::{
        any_infoset::{Octets, any_prov, any_syncml},
        infoset::{Element, Node},
        vectors,
    };

    /// The same by way of elements.
    fn xml_by_elements(octets: &[u8], layout: Layout) -> Result<String, ConvertError> {
        let root = wbxml::decode(octets)?.root;
        Ok(match layout {
            Layout::Line => xml::write(&root)?,
            Layout::Indented => xml::write_indented(&root)?,
            Layout::Bare => xml::write_bare(&root)?,
        })
    }

    fn wbxml_by_elements(text: &[u8]) -> Result<Vec<u8>, ConvertError> {
        let mut root = xml::parse(text)?;
        if root.vocabulary == Vocabulary::Prov {
            without_white_space(&mut root);
        }
        Ok(wbxml::encode(&wbxml::Document::new(root))?)
    }

    fn without_white_space(element: &mut Element) {
        element
            .children
            .retain(|n| !matches!(n, Node::Text(t) if t.trim_matches([' ', '\t', '\n', '\r']).is_empty()));
        for node in &mut element.children {
            if let Node::Element(inner) = node {
                without_white_space(inner);
            }
        }
    }

    fn same(octets: &[u8]) -> Result<(), TestCaseError> {
        for layout in [Layout::Line, Layout::Indented, Layout::Bare] {
            prop_assert_eq!(wbxml_to_xml(octets, None, layout), xml_by_elements(octets, layout));
        }
        Ok(())
    }

    fn any_document() -> impl Strategy<Value = Element> {
        prop_oneof![any_prov(Octets::Some), any_syncml(Octets::Some)]
    }

    #[test]
    fn shared_vectors() {
        let Some(cp) = vectors::folder("cp") else { return };
        let mut found = 0;
        for name in vectors::names(&cp, "xml") {
            let octets = vectors::read(&cp, &name, "wbxml");
            let text = vectors::read(&cp, &name, "xml");
            for layout in [Layout::Line, Layout::Indented, Layout::Bare] {
                assert_eq!(wbxml_to_xml(&octets, None, layout), xml_by_elements(&octets, layout), "{name}");
            }
            assert_eq!(xml_to_wbxml(&text), wbxml_by_elements(&text), "{name}");
            found += 1;
        }
        assert_eq!(found, 24);
    }

    #[test]
    fn white_space_counts_where_it_means_something() {
        let plain =
            xml_to_wbxml(b"<wap-provisioningdoc><characteristic type=\"PORT\"/></wap-provisioningdoc>")
                .unwrap();
        let spaced = "<wap-provisioningdoc>\r\n\t <characteristic type=\"PORT\"> </characteristic>\n</wap-provisioningdoc>\n";
        assert_eq!(xml_to_wbxml(spaced.as_bytes()).unwrap(), plain);
        let syncml =
            |space: &str| xml_to_wbxml(format!("<SyncML><Data>{space}</Data></SyncML>").as_bytes()).unwrap();
        assert_ne!(syncml(" "), syncml(""));
    }

    /// What cannot be read is told before what cannot be written, wherever the two stand.
    #[test]
    fn what_is_wrong_with_the_input_comes_first() {
        let text = |end: &str| vectors::hex(&format!("030B6A00 45 03 01 00 {end}"));
        let error = |octets: &[u8]| wbxml_to_xml(octets, None, Layout::Line).unwrap_err();
        assert!(matches!(error(&text("01")), ConvertError::Encode(EncodeError::Character { code: 1, .. })));
        assert!(matches!(error(&text("")), ConvertError::Decode(DecodeError::Truncated { .. })));
        let foreign = "<SyncML xmlns='SYNCML:SYNCML1.2'><DevInf xmlns='syncml:devinf'/>";
        let error = |end: &str| xml_to_wbxml(format!("{foreign}{end}").as_bytes()).unwrap_err();
        assert!(matches!(error("</SyncML>"), ConvertError::Encode(EncodeError::Foreign { .. })));
        assert!(matches!(error("<"), ConvertError::Decode(_)));
    }

    proptest! {
        /// The short way gives what the way by elements gives, octet by octet.
        #[test]
        fn both_ways_are_one(root in any_document()) {
            same(&wbxml::encode(&wbxml::Document::new(root.clone())).unwrap())?;
            for text in [xml::write(&root), xml::write_indented(&root)].into_iter().flatten() {
                prop_assert_eq!(xml_to_wbxml(text.as_bytes()), wbxml_by_elements(text.as_bytes()));
            }
        }

        /// And refuses what it refuses, with the same error.
        #[test]
        fn both_ways_refuse_the_same(
            root in any_document(),
            changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..4),
            end in any::<Index>(),
            cut in any::<bool>(),
        ) {
            let change = |mut octets: Vec<u8>| {
                for (at, octet) in &changes {
                    let at = at.index(octets.len());
                    octets[at] = *octet;
                }
                if cut {
                    octets.truncate(end.index(octets.len()));
                }
                octets
            };
            same(&change(wbxml::encode(&wbxml::Document::new(root.clone())).unwrap()))?;
            if let Ok(text) = xml::write(&root) {
                let text = change(text.into_bytes());
                prop_assert_eq!(xml_to_wbxml(&text), wbxml_by_elements(&text));
            }
        }
    }
}

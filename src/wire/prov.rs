//! The provisioning document `wap-provisioningdoc` as characteristics and parameters (OMA ProvCont 1.1, section 4).

mod read;

use std::{borrow::Cow, fmt};

use self::read::Builder;
use super::{
    DecodeError, EncodeError, Syntax,
    infoset::{Element, Node, Vocabulary},
    sink::{Output, replay},
    wbxml, xml,
};

const ROOT: &str = "wap-provisioningdoc";

/// A provisioning document. Its text is its own, or for one that is only written borrowed as well (`S` is then [`Cow`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvDoc<S = String> {
    /// The `version` attribute; `1.0` when absent.
    pub version: Option<S>,
    /// The characteristics at the root, in order: order is priority.
    pub characteristics: Vec<Characteristic<S>>,
}

/// A `characteristic`: a type, its parameters and the characteristics in it. Parameters and characteristics keep
/// their order among each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Characteristic<S = String> {
    /// The `type` attribute, for example `NAPDEF`.
    pub kind: S,
    /// What stands in it.
    pub items: Vec<Item<S>>,
}

/// What may stand in a characteristic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<S = String> {
    /// A parameter.
    Parm(Parm<S>),
    /// A characteristic.
    Characteristic(Characteristic<S>),
}

/// A `parm`: a name and a value, or no value at all (a flag such as `INIT`).
#[derive(Clone, PartialEq, Eq)]
pub struct Parm<S = String> {
    /// The `name` attribute.
    pub name: S,
    /// The `value` attribute; an empty one is not the same as none.
    pub value: Option<S>,
}

impl ProvDoc {
    /// Reads a document. Types and names that are not known are kept; elements that are neither a characteristic
    /// nor a parameter are skipped, as clients do.
    ///
    /// # Errors
    /// Any [`DecodeError`]. Where the octets are well-formed and the document is not, the offset is 0.
    pub fn decode(syntax: Syntax, octets: &[u8]) -> Result<Self, DecodeError> {
        let mut builder = Builder::default();
        match syntax {
            Syntax::Wbxml => wbxml::read_into(octets, Some(Vocabulary::Prov), &mut builder)?,
            Syntax::Xml => xml::read_into(octets, &mut builder)?,
        }
        builder.finish()
    }

    /// Takes the document out of its elements.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] when the root is another element, or an attribute that must be there is not.
    pub fn from_element(root: &Element) -> Result<Self, DecodeError> {
        let mut builder = Builder::default();
        replay(root, &mut builder);
        builder.finish()
    }
}

impl<S: AsRef<str>> ProvDoc<S> {
    /// Writes the document: WBXML 1.3 as it goes to devices, or XML with its document type, indented.
    ///
    /// # Errors
    /// [`EncodeError`] when a value holds a character that the syntax cannot carry.
    pub fn encode(&self, syntax: Syntax) -> Result<Vec<u8>, EncodeError> {
        match syntax {
            // Straight into octets: a factory line writes thousands of these an hour. Most take less than the octets given.
            Syntax::Wbxml => {
                let mut writer = wbxml::Writer::new(Vocabulary::Prov, ROOT, wbxml::PublicId::PROV, 960)?;
                let version = self.version.iter().map(|v| ("version", v.as_ref()));
                writer.open(Vocabulary::Prov, ROOT, version)?;
                for characteristic in &self.characteristics {
                    characteristic.write(&mut writer)?;
                }
                writer.close();
                Ok(writer.finish(wbxml::Document::V1_3))
            }
            Syntax::Xml => xml::write_indented(&self.to_element()).map(String::into_bytes),
        }
    }

    /// The document as elements.
    pub fn to_element(&self) -> Element {
        let mut root = Element::new(Vocabulary::Prov, ROOT);
        if let Some(version) = &self.version {
            root = root.with_attribute("version", version.as_ref());
        }
        root.children = self.characteristics.iter().map(|c| Node::Element(c.to_element())).collect();
        root
    }
}

impl ProvDoc<Cow<'_, str>> {
    /// The document with text of its own.
    pub fn into_owned(self) -> ProvDoc {
        let characteristics = self.characteristics.into_iter().map(Characteristic::into_owned).collect();
        ProvDoc { version: self.version.map(Cow::into_owned), characteristics }
    }
}

impl Characteristic<Cow<'_, str>> {
    fn into_owned(self) -> Characteristic {
        let own = |item| match item {
            Item::Characteristic(inner) => Item::Characteristic(Self::into_owned(inner)),
            Item::Parm(Parm { name, value }) => {
                Item::Parm(Parm { name: name.into_owned(), value: value.map(Cow::into_owned) })
            }
        };
        Characteristic { kind: self.kind.into_owned(), items: self.items.into_iter().map(own).collect() }
    }
}

impl<S: AsRef<str>> Characteristic<S> {
    /// Recursion is bounded: the writer has a limit of depth.
    fn write(&self, writer: &mut wbxml::Writer) -> Result<(), EncodeError> {
        let kind = std::iter::once(("type", self.kind.as_ref()));
        writer.open(Vocabulary::Prov, "characteristic", kind)?;
        for item in &self.items {
            match item {
                Item::Characteristic(inner) => inner.write(writer)?,
                Item::Parm(Parm { name, value }) => {
                    let name = std::iter::once(("name", name.as_ref()));
                    let attributes = name.chain(value.iter().map(|v| ("value", v.as_ref())));
                    writer.open(Vocabulary::Prov, "parm", attributes)?;
                    writer.close();
                }
            }
        }
        writer.close();
        Ok(())
    }

    fn to_element(&self) -> Element {
        let mut element =
            Element::new(Vocabulary::Prov, "characteristic").with_attribute("type", self.kind.as_ref());
        for item in &self.items {
            element = element.with_child(match item {
                Item::Characteristic(inner) => inner.to_element(),
                Item::Parm(parm) => {
                    let named =
                        Element::new(Vocabulary::Prov, "parm").with_attribute("name", parm.name.as_ref());
                    match &parm.value {
                        Some(value) => named.with_attribute("value", value.as_ref()),
                        None => named,
                    }
                }
            });
        }
        element
    }
}

impl Characteristic {
    /// An empty characteristic.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), items: Vec::new() }
    }

    /// Adds a parameter with a value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.items.push(Item::Parm(Parm { name: name.into(), value: Some(value.into()) }));
        self
    }

    /// Adds a parameter without a value.
    #[must_use]
    pub fn with_flag(mut self, name: impl Into<String>) -> Self {
        self.items.push(Item::Parm(Parm { name: name.into(), value: None }));
        self
    }

    /// Adds a characteristic.
    #[must_use]
    pub fn with_characteristic(mut self, inner: Self) -> Self {
        self.items.push(Item::Characteristic(inner));
        self
    }

    /// The parameters, in order.
    pub fn parms(&self) -> impl Iterator<Item = &Parm> {
        self.items.iter().filter_map(|i| if let Item::Parm(p) = i { Some(p) } else { None })
    }

    /// The characteristics of type `kind` directly in this one, in order.
    pub fn inner<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Self> {
        self.items.iter().filter_map(move |i| match i {
            Item::Characteristic(c) if c.kind == kind => Some(c),
            _ => None,
        })
    }

    /// The value of the first parameter of that name; `Some("")` for a flag.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.parms().find(|p| p.name == name).map(|p| p.value.as_deref().unwrap_or(""))
    }

    /// The values of all parameters of that name, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parms().filter(move |p| p.name == name).map(|p| p.value.as_deref().unwrap_or(""))
    }
}

impl<S: fmt::Debug> fmt::Debug for Parm<S> {
    /// The name only: AAUTHSECRET and its kin stand here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.name, if self.value.is_some() { "=…" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::vectors;

    /// A w7 account as libwbxml 0.11.8 writes it (`xml2wbxml -n`).
    const W7: &str =
        "030B6A00 C54601 C600015501 8736000006037737000 1 870001380000 06 03646D73657276657200 01
        870706 03444D2053657276657200 01 C600015601 873400000603 687474703A2F2F3132372E302E302E312F646D00 01
        C65301 872306 033830383000 01 01 01 C600015701 873300000600019301 873000000600018D01 01 01 01";

    fn w7() -> ProvDoc {
        let application = Characteristic::new("APPLICATION")
            .with("APPID", "w7")
            .with("PROVIDER-ID", "dmserver")
            .with("NAME", "DM Server")
            .with_characteristic(
                Characteristic::new("APPADDR")
                    .with("ADDR", "http://127.0.0.1/dm")
                    .with_characteristic(Characteristic::new("PORT").with("PORTNBR", "8080")),
            )
            .with_characteristic(
                Characteristic::new("APPAUTH").with("AAUTHTYPE", "DIGEST").with("AAUTHLEVEL", "APPSRV"),
            );
        ProvDoc { version: Some("1.0".to_owned()), characteristics: vec![application] }
    }

    #[test]
    fn a_w7_account_both_ways() {
        let octets = vectors::hex(W7);
        assert_eq!(w7().encode(Syntax::Wbxml).unwrap(), octets);
        assert_eq!(ProvDoc::decode(Syntax::Wbxml, &octets).unwrap(), w7());
        let text = w7().encode(Syntax::Xml).unwrap();
        assert_eq!(ProvDoc::decode(Syntax::Xml, &text).unwrap(), w7());
    }

    #[test]
    fn every_prefix_is_an_error() {
        for (syntax, octets) in
            [(Syntax::Wbxml, vectors::hex(W7)), (Syntax::Xml, w7().encode(Syntax::Xml).unwrap())]
        {
            // The XML ends in a line feed that may be missing.
            for end in 0..octets.len() - usize::from(syntax == Syntax::Xml) {
                assert!(ProvDoc::decode(syntax, &octets[..end]).is_err(), "{syntax:?} {end}");
            }
        }
    }

    /// Flags, empty values, names and types without a token; the name `APPREF` has one that is never written.
    #[test]
    fn what_has_no_token_is_written_as_text() {
        let document = ProvDoc {
            version: None,
            characteristics: vec![
                Characteristic::new("APPLICATION")
                    .with_flag("INIT")
                    .with("DEFAULTENCODING", "")
                    .with("AAUTHTYPE", "HTTP-BASIC")
                    .with("AAUTHLEVEL", "CLIENT")
                    .with("APPREF", "DIGEST,BASIC"),
                Characteristic::new("DNS-ADDRINFO").with("PAP", "PAP"),
            ],
        };
        let octets = document.encode(Syntax::Wbxml).unwrap();
        assert_eq!(
            octets,
            vectors::hex(
                "030B6A00 45 C600015501 8700000503494E495400 01
                 87050344454641554C54454E434F44494E4700 060300 01
                 8700013300 0006 9C 01 870001300000 0603434C49454E5400 01
                 870503415050524546 00 06034449474553542C424153494300 01 01
                 C65003444E532D41444452494E464F00 01 870503504150 00069A01 01 01"
            )
        );
        assert_eq!(ProvDoc::decode(Syntax::Wbxml, &octets).unwrap(), document);
    }

    #[test]
    fn what_is_no_provisioning_document_is_refused() {
        for text in [
            "<other/>",
            "<wap-provisioningdoc><characteristic/></wap-provisioningdoc>",
            "<wap-provisioningdoc><characteristic type='X'><parm value='1'/></characteristic></wap-provisioningdoc>",
            "<SyncML xmlns='SYNCML:SYNCML1.2'/>",
        ] {
            assert!(matches!(
                ProvDoc::decode(Syntax::Xml, text.as_bytes()),
                Err(DecodeError::Invalid { at: 0, .. })
            ));
        }
        let skipped = "<wap-provisioningdoc>text<nothing/><characteristic type='X'>text<nothing a='1'/></characteristic></wap-provisioningdoc>";
        assert_eq!(
            ProvDoc::decode(Syntax::Xml, skipped.as_bytes()).unwrap().characteristics,
            [Characteristic::new("X")]
        );
        let mut nul = w7();
        nul.version = Some("1\0".to_owned());
        assert!(matches!(nul.encode(Syntax::Wbxml), Err(EncodeError::Character { code: 0, .. })));
        assert!(matches!(nul.encode(Syntax::Xml), Err(EncodeError::Character { code: 0, .. })));
    }

    /// All documents of the shared vectors mean the same in both syntaxes, and survive both.
    #[test]
    fn shared_vectors() {
        let Some(cp) = vectors::folder("cp") else { return };
        let mut found = 0;
        for name in vectors::names(&cp, "xml") {
            let octets = vectors::read(&cp, &name, "wbxml");
            let document = ProvDoc::decode(Syntax::Wbxml, &octets).unwrap();
            assert_eq!(ProvDoc::decode(Syntax::Xml, &vectors::read(&cp, &name, "xml")).unwrap(), document);
            for syntax in [Syntax::Wbxml, Syntax::Xml] {
                assert_eq!(ProvDoc::decode(syntax, &document.encode(syntax).unwrap()).unwrap(), document);
            }
            for end in 0..octets.len() {
                assert!(ProvDoc::decode(Syntax::Wbxml, &octets[..end]).is_err(), "{name} {end}");
            }
            found += 1;
        }
        assert_eq!(found, 24);
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,20}",
            "[\t\n\r äß€\u{1F4F1}\u{85}\u{2028}]{0,8}",
            Just("PAP".to_owned()),
            Just("DIGEST".to_owned()),
            Just(",".to_owned()),
        ]
    }

    fn any_parm() -> impl Strategy<Value = Item> {
        let name = prop_oneof!["[A-Z-]{1,12}", Just("NAME".to_owned()), Just("APPID".to_owned()), any_text()];
        (name, proptest::option::of(any_text())).prop_map(|(name, value)| Item::Parm(Parm { name, value }))
    }

    fn any_kind() -> impl Strategy<Value = String> {
        prop_oneof!["[A-Z]{1,12}", Just("PORT".to_owned()), Just("RESOURCE".to_owned()), any_text()]
    }

    fn any_characteristic() -> impl Strategy<Value = Characteristic> {
        let leaf = (any_kind(), proptest::collection::vec(any_parm(), 0..6))
            .prop_map(|(kind, items)| Characteristic { kind, items });
        leaf.prop_recursive(4, 32, 4, |inner| {
            let item = prop_oneof![any_parm(), inner.prop_map(Item::Characteristic)];
            (any_kind(), proptest::collection::vec(item, 0..6))
                .prop_map(|(kind, items)| Characteristic { kind, items })
        })
    }

    proptest! {
        #[test]
        fn documents_survive_both_syntaxes(
            version in proptest::option::of(any_text()),
            characteristics in proptest::collection::vec(any_characteristic(), 0..4),
        ) {
            let document = ProvDoc { version, characteristics };
            for syntax in [Syntax::Wbxml, Syntax::Xml] {
                let octets = document.encode(syntax).unwrap();
                prop_assert_eq!(&ProvDoc::decode(syntax, &octets).unwrap(), &document);
            }
            let by_elements = wbxml::encode(&wbxml::Document::new(document.to_element())).unwrap();
            prop_assert_eq!(document.encode(Syntax::Wbxml).unwrap(), by_elements);
        }
    }
}

//! What a token stands for, for those who explain octets one by one rather than decode them.

use super::{
    PublicId,
    table::{DocumentKind, Index},
};
use crate::wire::infoset::Vocabulary;

/// The tokens of one document type.
#[derive(Clone, Copy)]
pub struct Tokens(&'static Index);

impl Tokens {
    /// The tokens of the document type that a public identifier names; where it names none (number 1), those of documents
    /// with a root of `expected`.
    pub fn of(public_id: &PublicId, expected: Option<Vocabulary>) -> Option<Self> {
        let expected = expected.filter(|_| *public_id == PublicId::UNKNOWN).map(DocumentKind::of);
        public_id.kind().or(expected).map(|kind| Self(kind.index()))
    }

    /// True when documents of this type are made of these names.
    pub fn has(self, vocabulary: Vocabulary) -> bool {
        self.0.page_of(vocabulary).is_some()
    }

    /// The name of the element behind a tag token, without its bits for content and attributes.
    pub fn tag(self, page: u8, token: u8) -> Option<&'static str> {
        self.0.tag_at(page, token).map(|(_, name)| name)
    }

    /// The set of names that a tag page is.
    pub fn vocabulary(self, page: u8) -> Option<Vocabulary> {
        self.0.vocabulary_of(page)
    }

    /// The name behind an attribute start token, and the value, or the beginning of it, that goes with it.
    pub fn attribute_start(self, page: u8, token: u8) -> Option<(&'static str, &'static str)> {
        self.0.start_at(page, token)
    }

    /// The text behind an attribute value token.
    pub fn attribute_value(self, page: u8, token: u8) -> Option<&'static str> {
        self.0.value_at(page, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_meaning() {
        let prov = Tokens::of(&PublicId::PROV, None).unwrap();
        assert_eq!(prov.tag(0, 0x07), Some("parm"));
        assert_eq!(prov.attribute_start(1, 0x36), Some(("name", "APPID")));
        assert_eq!(prov.attribute_value(1, 0x8D), Some("APPSRV"));
        assert_eq!(prov.tag(0, 0x3F), None);
        let syncml = Tokens::of(&PublicId::UNKNOWN, Some(Vocabulary::SyncMl)).unwrap();
        assert_eq!((syncml.tag(2, 0x20), syncml.vocabulary(2)), (Some("MgmtTree"), Some(Vocabulary::DmDdf)));
        assert!(syncml.has(Vocabulary::MetInf) && !syncml.has(Vocabulary::Prov));
        assert!(Tokens::of(&PublicId::UNKNOWN, None).is_none());
        assert!(Tokens::of(&PublicId::Number(5), Some(Vocabulary::Prov)).is_none());
    }
}

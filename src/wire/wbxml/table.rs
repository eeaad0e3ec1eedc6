//! The form of a token table (WAP-192 WBXML 1.3, section 5.8: code pages for tags and for attributes), and the look-up in it.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::LazyLock,
};

use super::{devinf, prov, syncml};
use crate::wire::infoset::Vocabulary;

/// The tokens of one document type, as its specification lists them.
pub(super) struct Table {
    /// Tags.
    pub(super) tags: &'static [Tags],
    /// Attribute starts for a name alone: code page, token, name.
    pub(super) bare: &'static [(u8, u8, &'static str)],
    /// Attribute starts for a name with a value.
    pub(super) starts: &'static [Starts],
    /// Attribute values: code page, tokens and text.
    pub(super) values: &'static [(u8, &'static [(u8, &'static str)])],
    /// The one attribute whose value is written with value tokens.
    pub(super) values_of: &'static str,
    /// Attribute starts that are understood and never written: code page, token, name, value.
    pub(super) read_only_starts: &'static [(u8, u8, &'static str, &'static str)],
    /// Attribute values that are understood and never written: code page, token, text.
    pub(super) read_only_values: &'static [(u8, u8, &'static str)],
}

/// A code page of tags.
pub(super) struct Tags {
    pub(super) page: u8,
    /// The set of names that this page is.
    pub(super) vocabulary: Vocabulary,
    /// Token and name.
    pub(super) tokens: &'static [(u8, &'static str)],
}

/// Attribute starts with a value, of one name in one code page.
pub(super) struct Starts {
    pub(super) page: u8,
    /// The name of the attribute.
    pub(super) name: &'static str,
    /// Token and value.
    pub(super) tokens: &'static [(u8, &'static str)],
}

impl Table {
    /// A document type that gives no token to any attribute.
    pub(super) const fn without_attributes(tags: &'static [Tags]) -> Self {
        Self {
            tags,
            bare: &[],
            starts: &[],
            values: &[],
            values_of: "",
            read_only_starts: &[],
            read_only_values: &[],
        }
    }
}

/// A kind of document: which table is in force. The pages of SyncML, MetInf and DM DDF are one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentKind {
    Prov,
    SyncMl,
    DevInf,
}

impl DocumentKind {
    /// The kind of document in which elements of this vocabulary have tokens.
    pub(super) fn of(vocabulary: Vocabulary) -> Self {
        match vocabulary {
            Vocabulary::Prov => Self::Prov,
            Vocabulary::SyncMl | Vocabulary::MetInf | Vocabulary::DmDdf => Self::SyncMl,
            Vocabulary::DevInf => Self::DevInf,
        }
    }

    /// The look-up for this kind.
    pub(super) fn index(self) -> &'static Index {
        static PROV: LazyLock<Index> = LazyLock::new(|| Index::new(&prov::TABLE));
        static SYNCML: LazyLock<Index> = LazyLock::new(|| Index::new(&syncml::TABLE));
        static DEVINF: LazyLock<Index> = LazyLock::new(|| Index::new(&devinf::TABLE));
        match self {
            Self::Prov => &PROV,
            Self::SyncMl => &SYNCML,
            Self::DevInf => &DEVINF,
        }
    }
}

/// A code page and a token in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Token {
    pub(super) page: u8,
    pub(super) token: u8,
}

/// Look-up by token and by name.
#[derive(Default)]
pub(super) struct Index {
    tag_at: HashMap<Token, (Vocabulary, &'static str), Fnv>,
    tags: HashMap<(Vocabulary, &'static str), Vec<Token>, Fnv>,
    page_of: HashMap<Vocabulary, u8, Fnv>,
    vocabulary_of: HashMap<u8, Vocabulary, Fnv>,
    start_at: HashMap<Token, (&'static str, &'static str), Fnv>,
    starts: HashMap<(&'static str, &'static str), Vec<Token>, Fnv>,
    bare: HashMap<&'static str, Token, Fnv>,
    value_at: HashMap<Token, &'static str, Fnv>,
    values: HashMap<&'static str, Vec<Token>, Fnv>,
    values_of: &'static str,
}

impl Index {
    fn new(table: &Table) -> Self {
        let mut index = Self { values_of: table.values_of, ..Self::default() };
        for Tags { page, vocabulary, tokens } in table.tags {
            index.page_of.entry(*vocabulary).or_insert(*page);
            index.vocabulary_of.insert(*page, *vocabulary);
            for (token, name) in *tokens {
                let at = Token { page: *page, token: *token };
                index.tag_at.insert(at, (*vocabulary, name));
                index.tags.entry((*vocabulary, name)).or_default().push(at);
            }
        }
        for (page, token, name) in table.bare {
            let at = Token { page: *page, token: *token };
            index.start_at.insert(at, (name, ""));
            index.bare.entry(name).or_insert(at);
        }
        for Starts { page, name, tokens } in table.starts {
            for (token, value) in *tokens {
                let at = Token { page: *page, token: *token };
                index.start_at.insert(at, (name, value));
                index.starts.entry((name, value)).or_default().push(at);
            }
        }
        for (page, tokens) in table.values {
            for (token, text) in *tokens {
                let at = Token { page: *page, token: *token };
                index.value_at.insert(at, text);
                index.values.entry(text).or_default().push(at);
            }
        }
        for (page, token, name, value) in table.read_only_starts {
            index.start_at.insert(Token { page: *page, token: *token }, (name, value));
        }
        for (page, token, text) in table.read_only_values {
            index.value_at.insert(Token { page: *page, token: *token }, text);
        }
        index
    }

    /// The tag behind a token.
    pub(super) fn tag_at(&self, page: u8, token: u8) -> Option<(Vocabulary, &'static str)> {
        self.tag_at.get(&Token { page, token }).copied()
    }

    /// The vocabulary that a page of tags belongs to.
    pub(super) fn vocabulary_of(&self, page: u8) -> Option<Vocabulary> {
        self.vocabulary_of.get(&page).copied()
    }

    /// The first page of a vocabulary.
    pub(super) fn page_of(&self, vocabulary: Vocabulary) -> Option<u8> {
        self.page_of.get(&vocabulary).copied()
    }

    /// The token of a tag, from the current page when it is there.
    pub(super) fn tag(&self, vocabulary: Vocabulary, name: &str, page: u8) -> Option<Token> {
        nearest(self.tags.get(&(vocabulary, name))?, page)
    }

    /// Name and beginning of the value behind an attribute start token.
    pub(super) fn start_at(&self, page: u8, token: u8) -> Option<(&'static str, &'static str)> {
        self.start_at.get(&Token { page, token }).copied()
    }

    /// The token of an attribute with this whole value, from the current page when it is there.
    pub(super) fn start(&self, name: &str, value: &str, page: u8) -> Option<Token> {
        nearest(self.starts.get(&(name, value))?, page)
    }

    /// The token of an attribute name alone, from the lowest page that has one.
    pub(super) fn bare(&self, name: &str) -> Option<Token> {
        self.bare.get(name).copied()
    }

    /// The text behind a value token.
    pub(super) fn value_at(&self, page: u8, token: u8) -> Option<&'static str> {
        self.value_at.get(&Token { page, token }).copied()
    }

    /// The token for the whole value of the attribute `name`, from the current page when it is there.
    pub(super) fn value(&self, name: &str, value: &str, page: u8) -> Option<Token> {
        if name != self.values_of || value.is_empty() {
            return None;
        }
        nearest(self.values.get(value)?, page)
    }
}

/// FNV-1a: several times faster than the default on names this short. Its weakness against chosen keys does no
/// harm, since only the tables put keys into these maps.
#[derive(Clone)]
struct FnvHasher(u64);

type Fnv = BuildHasherDefault<FnvHasher>;

impl Default for FnvHasher {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for FnvHasher {
    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = (self.0 ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn write_isize(&mut self, number: isize) {
        // The discriminant of a vocabulary.
        self.write(&number.to_le_bytes()[..1]);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn nearest(tokens: &[Token], page: u8) -> Option<Token> {
    tokens.iter().find(|t| t.page == page).or_else(|| tokens.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_is_listed_twice() {
        for (table, tags, starts, values) in
            [(&prov::TABLE, 5, 114, 69), (&syncml::TABLE, 129, 0, 0), (&devinf::TABLE, 47, 0, 0)]
        {
            let index = Index::new(table);
            let listed: usize = table.tags.iter().map(|t| t.tokens.len()).sum();
            assert_eq!((index.tag_at.len(), listed), (tags, tags));
            let listed = table.bare.len()
                + table.starts.iter().map(|t| t.tokens.len()).sum::<usize>()
                + table.read_only_starts.len();
            assert_eq!((index.start_at.len(), listed), (starts, starts));
            let listed =
                table.values.iter().map(|(_, t)| t.len()).sum::<usize>() + table.read_only_values.len();
            assert_eq!((index.value_at.len(), listed), (values, values));
        }
    }

    #[test]
    fn tokens_are_in_their_space() {
        for table in [&prov::TABLE, &syncml::TABLE, &devinf::TABLE] {
            let index = Index::new(table);
            assert!(index.tag_at.keys().all(|t| (0x05..=0x3F).contains(&t.token)));
            assert!(
                index.start_at.keys().all(|t| t.token < 0x80 && t.token & 0x3F > 4),
                "a start token collides with a global one"
            );
            assert!(index.value_at.keys().all(|t| t.token >= 0x80 && t.token & 0x3F > 4));
        }
    }

    #[test]
    fn the_current_page_is_preferred() {
        let prov = DocumentKind::Prov.index();
        assert_eq!(prov.start("name", "PORTNBR", 1), Some(Token { page: 1, token: 0x23 }));
        assert_eq!(prov.start("name", "PORTNBR", 0), Some(Token { page: 0, token: 0x23 }));
        assert_eq!(prov.start("name", "APPID", 0), Some(Token { page: 1, token: 0x36 }));
        assert_eq!(prov.bare("value"), Some(Token { page: 0, token: 0x06 }));
        assert_eq!(prov.start("name", "APPREF", 1), None);
        assert_eq!(prov.value("name", "PAP", 0), None);
    }
}

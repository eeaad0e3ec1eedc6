//! The form of a token table (WAP-192 WBXML 1.3, section 5.8: code pages for tags and for attributes), and the look-up in it.

use std::sync::LazyLock;

use super::{
    devinf,
    names::{AttributeNames, Names, Token, nearest},
    prov, syncml,
};
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

/// Tags: six bits.
const TAGS: usize = 0x40;
/// Attribute starts have the high bit clear, values have it set.
const ATTRIBUTES: usize = 0x80;

/// Look-up by token, which is an index, and by name.
pub(super) struct Index {
    tag_pages: Vec<TagPage>,
    tags: Names<(Vocabulary, Token)>,
    start_pages: Vec<Page<(&'static str, &'static str), ATTRIBUTES>>,
    value_pages: Vec<Page<&'static str, ATTRIBUTES>>,
    /// There are four at most.
    attributes: Vec<AttributeNames>,
}

struct TagPage {
    vocabulary: Vocabulary,
    names: Page<&'static str, TAGS>,
}

/// What the tokens of one code page stand for.
struct Page<T, const N: usize> {
    page: u8,
    meanings: [Option<T>; N],
}

impl<T: Copy, const N: usize> Page<T, N> {
    fn new(page: u8) -> Self {
        Self { page, meanings: [None; N] }
    }

    /// What the low bits of `token` stand for.
    fn get(&self, token: u8) -> Option<T> {
        self.meanings.get(usize::from(token) % N).copied().flatten()
    }

    fn set(&mut self, token: u8, meaning: T) {
        if let Some(place) = self.meanings.get_mut(usize::from(token) % N) {
            *place = Some(meaning);
        }
    }

    /// The page of that number; a new one when there is none.
    fn of(pages: &mut Vec<Self>, page: u8) -> Option<&mut Self> {
        let at = pages.iter().position(|p| p.page == page).unwrap_or_else(|| {
            pages.push(Self::new(page));
            pages.len() - 1
        });
        pages.get_mut(at)
    }

    fn find(pages: &[Self], page: u8, token: u8) -> Option<T> {
        pages.iter().find(|p| p.page == page)?.get(token)
    }
}

impl Index {
    fn new(table: &'static Table) -> Self {
        let mut index = Self {
            tag_pages: Vec::new(),
            tags: Names::new(),
            start_pages: Vec::new(),
            value_pages: Vec::new(),
            attributes: Vec::new(),
        };
        for Tags { page, vocabulary, tokens } in table.tags {
            let mut names = Page::new(*page);
            for (token, name) in *tokens {
                names.set(*token, *name);
                index.tags.add(name, (*vocabulary, Token { page: *page, token: *token }));
            }
            index.tag_pages.push(TagPage { vocabulary: *vocabulary, names });
        }
        for (page, token, name) in table.bare {
            index.understand_start(*page, *token, (name, ""));
            if let Some(attribute) = AttributeNames::of(&mut index.attributes, name) {
                attribute.bare.get_or_insert(Token { page: *page, token: *token });
            }
        }
        for Starts { page, name, tokens } in table.starts {
            for (token, value) in *tokens {
                index.understand_start(*page, *token, (name, value));
                if let Some(attribute) = AttributeNames::of(&mut index.attributes, name) {
                    let at = Token { page: *page, token: *token };
                    attribute.whole.get_or_insert_with(Names::new).add(value, at);
                }
            }
        }
        for (page, tokens) in table.values {
            for (token, text) in *tokens {
                index.understand_value(*page, *token, text);
                if let Some(attribute) = AttributeNames::of(&mut index.attributes, table.values_of) {
                    let at = Token { page: *page, token: *token };
                    attribute.values.get_or_insert_with(Names::new).add(text, at);
                }
            }
        }
        for (page, token, name, value) in table.read_only_starts {
            index.understand_start(*page, *token, (name, value));
        }
        for (page, token, text) in table.read_only_values {
            index.understand_value(*page, *token, text);
        }
        index
    }

    fn understand_start(&mut self, page: u8, token: u8, meaning: (&'static str, &'static str)) {
        if let Some(page) = Page::of(&mut self.start_pages, page) {
            page.set(token, meaning);
        }
    }

    fn understand_value(&mut self, page: u8, token: u8, meaning: &'static str) {
        if let Some(page) = Page::of(&mut self.value_pages, page) {
            page.set(token, meaning);
        }
    }

    fn tag_page(&self, page: u8) -> Option<&TagPage> {
        self.tag_pages.iter().find(|p| p.names.page == page)
    }

    /// The tag behind a token.
    pub(super) fn tag_at(&self, page: u8, token: u8) -> Option<(Vocabulary, &'static str)> {
        let page = self.tag_page(page)?;
        Some((page.vocabulary, page.names.get(token)?))
    }

    /// The vocabulary that a page of tags belongs to.
    pub(super) fn vocabulary_of(&self, page: u8) -> Option<Vocabulary> {
        self.tag_page(page).map(|p| p.vocabulary)
    }

    /// The first page of a vocabulary.
    pub(super) fn page_of(&self, vocabulary: Vocabulary) -> Option<u8> {
        self.tag_pages.iter().find(|p| p.vocabulary == vocabulary).map(|p| p.names.page)
    }

    /// The token of a tag, from the current page when it is there.
    pub(super) fn tag(&self, vocabulary: Vocabulary, name: &str, page: u8) -> Option<Token> {
        let tokens = self.tags.get(name).filter(|(v, _)| *v == vocabulary);
        nearest(tokens.map(|(_, token)| *token), page)
    }

    /// Name and beginning of the value behind an attribute start token.
    pub(super) fn start_at(&self, page: u8, token: u8) -> Option<(&'static str, &'static str)> {
        Page::find(&self.start_pages, page, token).filter(|_| token < 0x80)
    }

    /// How an attribute of that name is written, when there are tokens for it.
    pub(super) fn attribute(&self, name: &str) -> Option<&AttributeNames> {
        AttributeNames::find(&self.attributes, name)
    }

    /// The text behind a value token.
    pub(super) fn value_at(&self, page: u8, token: u8) -> Option<&'static str> {
        Page::find(&self.value_pages, page, token).filter(|_| token >= 0x80)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All tokens of a table: tags, starts and values.
    fn listed(table: &Table) -> [Vec<Token>; 3] {
        let token = |page: u8, token: u8| Token { page, token };
        let tags = table.tags.iter().flat_map(|t| t.tokens.iter().map(move |(n, _)| token(t.page, *n)));
        let starts = table.starts.iter().flat_map(|t| t.tokens.iter().map(move |(n, _)| token(t.page, *n)));
        let bare = table.bare.iter().map(|(page, n, _)| token(*page, *n));
        let read_only = table.read_only_starts.iter().map(|(page, n, ..)| token(*page, *n));
        let values = table.values.iter().flat_map(|(page, t)| t.iter().map(|(n, _)| token(*page, *n)));
        let read_only_values = table.read_only_values.iter().map(|(page, n, _)| token(*page, *n));
        [
            tags.collect(),
            bare.chain(starts).chain(read_only).collect(),
            values.chain(read_only_values).collect(),
        ]
    }

    #[test]
    fn no_token_is_listed_twice() {
        for (table, counts) in
            [(&prov::TABLE, [5, 114, 69]), (&syncml::TABLE, [129, 0, 0]), (&devinf::TABLE, [47, 0, 0])]
        {
            let index = Index::new(table);
            let known = [0x00..=0x3F, 0x00..=0x7F, 0x80..=0xFF].map(|tokens| {
                let places = (0..=255).flat_map(|page| tokens.clone().map(move |token| (page, token)));
                places.collect::<Vec<(u8, u8)>>()
            });
            let [tags, starts, values] = known;
            let found = [
                tags.iter().filter(|(p, t)| index.tag_at(*p, *t).is_some()).count(),
                starts.iter().filter(|(p, t)| index.start_at(*p, *t).is_some()).count(),
                values.iter().filter(|(p, t)| index.value_at(*p, *t).is_some()).count(),
            ];
            assert_eq!((found, listed(table).map(|l| l.len())), (counts, counts));
        }
    }

    #[test]
    fn tokens_are_in_their_space() {
        for table in [&prov::TABLE, &syncml::TABLE, &devinf::TABLE] {
            let [tags, starts, values] = listed(table);
            assert!(tags.iter().all(|t| (0x05..=0x3F).contains(&t.token)));
            assert!(
                starts.iter().all(|t| t.token < 0x80 && t.token & 0x3F > 4),
                "a start token collides with a global one"
            );
            assert!(values.iter().all(|t| t.token >= 0x80 && t.token & 0x3F > 4));
        }
    }

    /// A name is compared with few others.
    #[test]
    fn names_are_spread() {
        let index = DocumentKind::Prov.index();
        let all = index.attributes.iter().flat_map(|a| a.whole.iter().chain(&a.values));
        let fullest: Vec<usize> = all.map(Names::fullest).collect();
        assert!(fullest.len() == 4 && fullest.iter().all(|n| *n <= 4), "{fullest:?}");
    }

    #[test]
    fn the_current_page_is_preferred() {
        let prov = DocumentKind::Prov.index();
        let attribute = |name| prov.attribute(name).unwrap();
        let token = |page, token| Some(Token { page, token });
        assert_eq!(attribute("name").whole("PORTNBR", 1), token(1, 0x23));
        assert_eq!(attribute("name").whole("PORTNBR", 0), token(0, 0x23));
        assert_eq!(attribute("name").whole("APPID", 0), token(1, 0x36));
        assert_eq!(attribute("value").bare, token(0, 0x06));
        assert_eq!(attribute("name").whole("APPREF", 1), None);
        assert_eq!(attribute("name").value("PAP", 0), None);
        assert!(attribute("value").value("PAP", 0).is_some());
        assert!(prov.attribute("xml:lang").is_none());
    }
}

//! The form of a token table (WAP-192 WBXML 1.3, section 5.8: code pages for tags and for attributes), and the look-up in it.

use std::sync::LazyLock;

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

/// Tags: six bits.
const TAGS: usize = 0x40;
/// Attribute starts have the high bit clear, values have it set.
const ATTRIBUTES: usize = 0x80;

/// Look-up by token, which is an index, and by name.
pub(super) struct Index {
    tag_pages: Vec<TagPage>,
    tags: Names<(Vocabulary, Token)>,
    start_pages: Vec<Page<(&'static str, &'static str), ATTRIBUTES>>,
    /// By the name of the attribute: there are three at most.
    starts: Vec<(&'static str, Names<Token>)>,
    bare: &'static [(u8, u8, &'static str)],
    value_pages: Vec<Page<&'static str, ATTRIBUTES>>,
    values: Names<Token>,
    values_of: &'static str,
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

/// Look-up by name: length and three of its octets tell nearly all names of a table from each other.
struct Names<T> {
    buckets: Vec<Vec<(&'static str, T)>>,
}

impl<T> Names<T> {
    fn new() -> Self {
        Self { buckets: std::iter::repeat_with(Vec::new).take(256).collect() }
    }

    fn bucket(name: &str) -> usize {
        let octets = name.as_bytes();
        let at = |n: usize| octets.get(n).copied().unwrap_or(0);
        let last = octets.len().saturating_sub(1);
        let mixed = at(0)
            .wrapping_mul(7)
            .wrapping_add(at(last).wrapping_mul(31))
            .wrapping_add(at(octets.len() / 2).wrapping_mul(101));
        usize::from(mixed.wrapping_add(octets.len().to_le_bytes()[0].wrapping_mul(59)))
    }

    fn add(&mut self, name: &'static str, meaning: T) {
        if let Some(bucket) = self.buckets.get_mut(Self::bucket(name)) {
            bucket.push((name, meaning));
        }
    }

    /// All that has this name, in the order of the table.
    fn get<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a T> {
        let bucket = self.buckets.get(Self::bucket(name)).map_or(&[][..], Vec::as_slice);
        bucket.iter().filter(move |(n, _)| *n == name).map(|(_, meaning)| meaning)
    }
}

impl Index {
    fn new(table: &'static Table) -> Self {
        let mut index = Self {
            tag_pages: Vec::new(),
            tags: Names::new(),
            start_pages: Vec::new(),
            starts: Vec::new(),
            bare: table.bare,
            value_pages: Vec::new(),
            values: Names::new(),
            values_of: table.values_of,
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
        }
        for Starts { page, name, tokens } in table.starts {
            for (token, value) in *tokens {
                index.understand_start(*page, *token, (name, value));
                let at = Token { page: *page, token: *token };
                match index.starts.iter_mut().find(|(n, _)| n == name) {
                    Some((_, values)) => values.add(value, at),
                    None => {
                        let mut values = Names::new();
                        values.add(value, at);
                        index.starts.push((name, values));
                    }
                }
            }
        }
        for (page, tokens) in table.values {
            for (token, text) in *tokens {
                index.understand_value(*page, *token, text);
                index.values.add(text, Token { page: *page, token: *token });
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

    /// The token of an attribute with this whole value, from the current page when it is there.
    pub(super) fn start(&self, name: &str, value: &str, page: u8) -> Option<Token> {
        let (_, values) = self.starts.iter().find(|(n, _)| *n == name)?;
        nearest(values.get(value).copied(), page)
    }

    /// The token of an attribute name alone, from the lowest page that has one.
    pub(super) fn bare(&self, name: &str) -> Option<Token> {
        let (page, token, _) = self.bare.iter().find(|(_, _, n)| *n == name)?;
        Some(Token { page: *page, token: *token })
    }

    /// The text behind a value token.
    pub(super) fn value_at(&self, page: u8, token: u8) -> Option<&'static str> {
        Page::find(&self.value_pages, page, token).filter(|_| token >= 0x80)
    }

    /// The token for the whole value of the attribute `name`, from the current page when it is there.
    pub(super) fn value(&self, name: &str, value: &str, page: u8) -> Option<Token> {
        if name != self.values_of || value.is_empty() {
            return None;
        }
        nearest(self.values.get(value).copied(), page)
    }
}

fn nearest(mut tokens: impl Iterator<Item = Token>, page: u8) -> Option<Token> {
    let first = tokens.next()?;
    if first.page == page {
        return Some(first);
    }
    tokens.find(|t| t.page == page).or(Some(first))
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
        let all = index.starts.iter().map(|(_, names)| names).chain([&index.values]);
        let fullest = all.flat_map(|n| &n.buckets).map(Vec::len).max();
        assert!(fullest.is_some_and(|n| n <= 4), "{fullest:?}");
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

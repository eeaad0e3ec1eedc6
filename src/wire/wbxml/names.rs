//! Look-up by name in a token table: which token stands for a tag, for the name of an attribute, for its value.

/// A code page and a token in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Token {
    pub(super) page: u8,
    pub(super) token: u8,
}

/// Length and three octets of a name tell nearly all names of a table from each other.
pub(super) struct Names<T> {
    buckets: Vec<Vec<(&'static str, T)>>,
}

impl<T> Names<T> {
    pub(super) fn new() -> Self {
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

    pub(super) fn add(&mut self, name: &'static str, meaning: T) {
        if let Some(bucket) = self.buckets.get_mut(Self::bucket(name)) {
            bucket.push((name, meaning));
        }
    }

    /// All that has this name, in the order of the table.
    pub(super) fn get<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a T> {
        let bucket = self.buckets.get(Self::bucket(name)).map_or(&[][..], Vec::as_slice);
        bucket.iter().filter(move |(n, _)| *n == name).map(|(_, meaning)| meaning)
    }

    /// How many names the fullest bucket holds.
    #[cfg(test)]
    pub(super) fn fullest(&self) -> usize {
        self.buckets.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// How an attribute of one name is written.
pub(super) struct AttributeNames {
    name: &'static str,
    /// The token of the name alone, from the lowest page that has one.
    pub(super) bare: Option<Token>,
    /// The tokens of the name with a whole value.
    pub(super) whole: Option<Names<Token>>,
    /// The tokens of whole values that stand behind the name.
    pub(super) values: Option<Names<Token>>,
}

impl AttributeNames {
    /// The entry of that name.
    pub(super) fn find<'a>(all: &'a [Self], name: &str) -> Option<&'a Self> {
        all.iter().find(|a| a.name == name)
    }

    /// The entry of that name; a new one when there is none.
    pub(super) fn of<'a>(all: &'a mut Vec<Self>, name: &'static str) -> Option<&'a mut Self> {
        let at = all.iter().position(|a| a.name == name).unwrap_or_else(|| {
            all.push(Self { name, bare: None, whole: None, values: None });
            all.len() - 1
        });
        all.get_mut(at)
    }

    /// The token of the attribute with this whole value, from the current page when it is there.
    pub(super) fn whole(&self, value: &str, page: u8) -> Option<Token> {
        nearest(self.whole.as_ref()?.get(value).copied(), page)
    }

    /// The token of this whole value behind the name, from the current page when it is there.
    pub(super) fn value(&self, value: &str, page: u8) -> Option<Token> {
        nearest(self.values.as_ref()?.get(value).copied(), page)
    }
}

/// The token on that page, or else the first.
pub(super) fn nearest(mut tokens: impl Iterator<Item = Token>, page: u8) -> Option<Token> {
    let first = tokens.next()?;
    if first.page == page {
        return Some(first);
    }
    tokens.find(|t| t.page == page).or(Some(first))
}

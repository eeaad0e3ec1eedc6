//! Values of variables and expressions.

use std::fmt;

use zeroize::Zeroizing;

use super::{Place, Type, lex};

/// Octets, of which some may be secret. `Display` shows each run of those as `***`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Octets {
    octets: Zeroizing<Vec<u8>>,
    /// As long as `octets`: which of them are secret.
    hidden: Vec<bool>,
    /// Written as text, all of them.
    is_text: bool,
}

impl Octets {
    /// Octets that anybody may see.
    pub fn shown(octets: &[u8]) -> Self {
        Self { octets: Zeroizing::new(octets.to_vec()), hidden: vec![false; octets.len()], is_text: false }
    }

    /// Octets that somebody wrote as text, and anybody may see.
    pub fn text(text: &str) -> Self {
        Self { is_text: true, ..Self::shown(text.as_bytes()) }
    }

    /// Octets that nobody may see.
    pub fn hidden(octets: &[u8]) -> Self {
        Self { octets: Zeroizing::new(octets.to_vec()), hidden: vec![true; octets.len()], is_text: false }
    }

    /// Octets in which whatever is found of `secrets` is secret too: a card gives back what was written on it. A secret may be
    /// cut off at either end, because files are read in blocks.
    pub fn hiding(octets: &[u8], secrets: &[Zeroizing<Vec<u8>>]) -> Self {
        let mut out = Self::shown(octets);
        let mut hide = |range: std::ops::Range<usize>| {
            if let Some(range) = out.hidden.get_mut(range) {
                range.fill(true);
            }
        };
        for secret in secrets.iter().filter(|secret| secret.len() >= Self::SHORTEST_FOUND) {
            for (at, window) in octets.windows(secret.len()).enumerate() {
                if window == secret.as_slice() {
                    hide(at..at + secret.len());
                }
            }
            for cut in Self::SHORTEST_FOUND..secret.len() {
                if secret.get(..cut).is_some_and(|begin| octets.ends_with(begin)) {
                    hide(octets.len() - cut..octets.len());
                }
                if secret.get(secret.len() - cut..).is_some_and(|end| octets.starts_with(end)) {
                    hide(0..cut);
                }
            }
        }
        out
    }

    /// Fewer octets than these are not looked for in answers: they would be found everywhere.
    const SHORTEST_FOUND: usize = 3;

    /// True when the octet at that place is secret.
    pub fn is_secret_at(&self, at: usize) -> bool {
        self.hidden.get(at).copied().unwrap_or(false)
    }

    /// The same octets, with that one secret too.
    pub fn hide(&mut self, at: usize) {
        if let Some(hidden) = self.hidden.get_mut(at) {
            *hidden = true;
        }
    }

    /// All octets, the secret ones too: for the card, not for people.
    pub fn expose(&self) -> &[u8] {
        &self.octets
    }

    /// The text, when they were written as text and all of it can be shown.
    pub fn as_text(&self) -> Option<&str> {
        let is_printable = |octet: &u8| matches!(octet, b' '..=b'~');
        let is_shown = self.is_text && !self.has_secret() && self.octets.iter().all(is_printable);
        std::str::from_utf8(&self.octets).ok().filter(|_| is_shown)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.octets.len()
    }

    /// True for none.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// True when some of them are secret.
    pub fn has_secret(&self) -> bool {
        self.hidden.contains(&true)
    }

    /// The secret ones, as runs: what must not be seen anywhere else either.
    pub fn secrets(&self) -> Vec<Zeroizing<Vec<u8>>> {
        let mut out: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        let mut before = false;
        for (octet, hidden) in self.octets.iter().zip(&self.hidden) {
            match (hidden, before) {
                (true, false) => out.push(Zeroizing::new(vec![*octet])),
                (true, true) => out.last_mut().map_or((), |run| run.push(*octet)),
                _ => {}
            }
            before = *hidden;
        }
        out
    }

    /// Appends others.
    pub fn extend(&mut self, more: &Self) {
        self.is_text &= more.is_text;
        self.octets.extend_from_slice(&more.octets);
        self.hidden.extend_from_slice(&more.hidden);
    }

    /// Some of them; none when there are not so many.
    #[must_use]
    pub fn slice(&self, from: usize, count: usize) -> Option<Self> {
        let range = from..from.checked_add(count)?;
        let octets = Zeroizing::new(self.octets.get(range.clone())?.to_vec());
        Some(Self { octets, hidden: self.hidden.get(range)?.to_vec(), is_text: self.is_text })
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = false;
        for (n, (octet, hidden)) in self.octets.iter().zip(&self.hidden).enumerate() {
            let gap = if n == 0 { "" } else { " " };
            match (*hidden, before) {
                (true, true) => {}
                (true, false) => write!(f, "{gap}***")?,
                (false, _) => write!(f, "{gap}{octet:02X}")?,
            }
            before = *hidden;
        }
        Ok(())
    }
}

impl serde::Serialize for Octets {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Octets({self})")
    }
}

/// The value of a variable or expression.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Octets.
    Octets(Octets),
    /// Decimal digits, and whether they are secret.
    Digits(Zeroizing<String>, bool),
    /// A file.
    Path(Place),
}

impl Value {
    /// Reads the value of a variable.
    ///
    /// # Errors
    /// What was expected, in words. They never repeat the text.
    pub fn read(kind: Type, text: &str, secret: bool) -> Result<Self, &'static str> {
        let octets = |octets: &[u8]| if secret { Octets::hidden(octets) } else { Octets::shown(octets) };
        match kind {
            Type::Octets => {
                let digits = Zeroizing::new(text.split_ascii_whitespace().collect::<String>());
                let read = lex::octets(&digits).map(Zeroizing::new);
                read.map(|read| Self::Octets(octets(&read))).ok_or("hexadecimal digits, two for each octet")
            }
            Type::Digits if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(Self::Digits(Zeroizing::new(text.to_owned()), secret))
            }
            Type::Digits => Err("decimal digits"),
            Type::Text if text.is_ascii() && !secret => Ok(Self::Octets(Octets::text(text))),
            Type::Text if text.is_ascii() => Ok(Self::Octets(Octets::hidden(text.as_bytes()))),
            Type::Text => Err("ASCII"),
            Type::Path => text.parse().map(Self::Path).map_err(|_| "a file, as 3F00/7F50/6431"),
        }
    }

    /// True when it must not be shown.
    pub fn is_secret(&self) -> bool {
        match self {
            Self::Octets(octets) => octets.has_secret(),
            Self::Digits(_, secret) => *secret,
            Self::Path(_) => false,
        }
    }

    /// What it is, in a word.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Octets(_) => "octets",
            Self::Digits(..) => "digits",
            Self::Path(_) => "a file",
        }
    }
}

impl fmt::Display for Value {
    /// As it is shown: secrets as `***`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octets(octets) => octets.fmt(f),
            Self::Digits(_, true) => f.write_str("***"),
            Self::Digits(digits, false) => f.write_str(digits),
            Self::Path(place) => place.fmt(f),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({self})")
    }
}

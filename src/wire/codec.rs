//! The verb pair [`Encode`] and [`Decode`], the [`Reader`] that decoders use, and what can go wrong either way.

use crate::ident::counted;

/// A value that has exactly one encoding. Encoding cannot fail.
pub trait Encode {
    /// Appends the octets of this value to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// The octets of this value alone.
    fn to_octets(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// A value that can be read from octets.
pub trait Decode<'a>: Sized {
    /// Reads one value and leaves the reader behind it.
    ///
    /// # Errors
    /// Any [`DecodeError`]; the reader's position is then unspecified.
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError>;

    /// Reads one value that must use up all octets.
    ///
    /// # Errors
    /// As [`Decode::decode`], and [`DecodeError::Trailing`].
    fn decode_exact(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(octets);
        let value = Self::decode(&mut r)?;
        r.finish("value")?;
        Ok(value)
    }
}

/// What is wrong with octets, and where. Offsets count from the start of the octets that were handed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The octets end before the field does.
    #[error("{what} at offset {at}: needs {}", counted(*needed, "more octet"))]
    Truncated {
        /// The field.
        what: &'static str,
        /// Where the missing octets should begin.
        at: usize,
        /// How many are missing.
        needed: usize,
    },
    /// A field holds a value that it may not hold.
    #[error("{what} at offset {at}: {why}")]
    Invalid {
        /// The field.
        what: &'static str,
        /// Where it begins.
        at: usize,
        /// What is wrong and what was expected.
        why: String,
    },
    /// Octets are left over behind a complete value.
    #[error("{} behind the end of the {what} at offset {at}", counted(*left, "octet"))]
    Trailing {
        /// The value that ended.
        what: &'static str,
        /// Where the leftover begins.
        at: usize,
        /// How many octets are left over.
        left: usize,
    },
    /// A length, depth or count is larger than this program accepts from a stranger.
    #[error("{what} at offset {at}: {got} is over the limit of {limit}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// Where.
        at: usize,
        /// What the octets ask for.
        got: usize,
        /// The most that is accepted.
        limit: usize,
    },
}

impl DecodeError {
    /// Shorthand for [`DecodeError::Invalid`].
    pub fn invalid(what: &'static str, at: usize, why: impl Into<String>) -> Self {
        Self::Invalid { what, at, why: why.into() }
    }

    /// Where the octets are wrong.
    pub fn at(&self) -> usize {
        match self {
            Self::Truncated { at, .. }
            | Self::Invalid { at, .. }
            | Self::Trailing { at, .. }
            | Self::Limit { at, .. } => *at,
        }
    }

    /// The same error for octets that begin `base` octets into a larger whole.
    #[must_use]
    pub fn shifted(mut self, base: usize) -> Self {
        match &mut self {
            Self::Truncated { at, .. }
            | Self::Invalid { at, .. }
            | Self::Trailing { at, .. }
            | Self::Limit { at, .. } => *at = at.saturating_add(base),
        }
        self
    }
}

/// Which part of a document does not fit the syntax that it should be written in. It names elements and
/// attributes, never their values: those are secrets often enough.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A value holds a character that the syntax cannot carry.
    #[error("{place}: {syntax} cannot carry the character U+{code:04X}; take it out of the value")]
    Character {
        /// The element or attribute.
        place: String,
        /// The character.
        code: u32,
        /// The syntax.
        syntax: &'static str,
    },
    /// The name of an element or attribute is not a name.
    #[error("{name:?} is not a name that {syntax} can carry; expected letters, digits, '-', '_' and '.'")]
    Name {
        /// The name.
        name: String,
        /// The syntax.
        syntax: &'static str,
    },
    /// An element of one kind of document stands in another kind.
    #[error("element {name} cannot stand in a {document} document; it belongs to another set of names")]
    Foreign {
        /// The element.
        name: String,
        /// The document, by its root.
        document: String,
    },
    /// An attribute stands twice in one element.
    #[error("attribute {attribute} stands twice in element {element}")]
    Twice {
        /// The attribute.
        attribute: String,
        /// The element.
        element: String,
    },
    /// The document is larger than our own decoder accepts.
    #[error("{what}: {got} is over the limit of {limit}")]
    Limit {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// The most that is accepted.
        limit: usize,
    },
}

/// A cursor over octets that cannot run past their end.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `octets`.
    pub fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    /// How many octets were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The octets that were not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or(&[])
    }

    /// True when all octets were read.
    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// The next octet, which stays unread.
    pub fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Takes one octet.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] at the end.
    #[inline]
    pub fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        match self.octets.get(self.at) {
            Some(octet) => {
                self.at += 1;
                Ok(*octet)
            }
            None => Err(DecodeError::Truncated { what, at: self.at, needed: 1 }),
        }
    }

    /// Takes two octets, the most significant first.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array(what)?))
    }

    /// Takes four octets, the most significant first.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array(what)?))
    }

    /// Takes `N` octets.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let at = self.at;
        let slice = self.take(what, N)?;
        slice.try_into().map_err(|_| DecodeError::Truncated { what, at, needed: N })
    }

    /// Takes `n` octets.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn take(&mut self, what: &'static str, n: usize) -> Result<&'a [u8], DecodeError> {
        let rest = self.rest();
        match rest.get(..n) {
            Some(slice) => {
                self.at += n;
                Ok(slice)
            }
            None => Err(DecodeError::Truncated { what, at: self.at + rest.len(), needed: n - rest.len() }),
        }
    }

    /// Insists that everything was read.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] when something is left.
    pub fn finish(&self, what: &'static str) -> Result<(), DecodeError> {
        match self.rest().len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing { what, at: self.at, left }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_runs_past_the_end() {
        let mut r = Reader::new(&[1, 2, 3]);
        assert_eq!(r.u16("head"), Ok(0x0102));
        assert_eq!(r.u32("body"), Err(DecodeError::Truncated { what: "body", at: 3, needed: 3 }));
        assert_eq!(r.take("body", usize::MAX).unwrap_err().at(), 3);
        assert_eq!(r.finish("thing"), Err(DecodeError::Trailing { what: "thing", at: 2, left: 1 }));
        assert_eq!(r.u8("tail"), Ok(3));
        assert!(r.finish("thing").is_ok() && r.peek().is_none());
    }
}

//! Where something stands in a script.

use std::fmt;

/// A place in a text, counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value, and where it stands. Two are equal when their values are: a script that was printed in other columns is the
/// same script.
#[derive(Debug, Clone, Copy)]
pub struct At<T> {
    /// Where.
    pub at: Position,
    /// What.
    pub value: T,
}

impl<T> At<T> {
    /// A value and its place.
    pub fn new(at: Position, value: T) -> Self {
        Self { at, value }
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for At<T> {}

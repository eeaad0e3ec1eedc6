//! Device descriptions (OMA DM Tree and Description 1.2, DDF): which nodes a device has. Those of the management objects
//! that we use, those that somebody hands us, how both are drawn, and what of a payload a device lacks.

mod draw;
mod missing;
mod objects;
mod read;
mod write;

pub use draw::{svg, text};
pub use missing::{Missing, missing};
pub use objects::objects;
pub use read::parse;
pub use write::to_xml;

use std::fmt;

/// A node that a device has, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name; none when it is given at run time (`<x>` in figures).
    pub name: Option<String>,
    /// How many of it there are.
    pub occurrence: Occurrence,
    /// The commands that it takes.
    pub access: Vec<String>,
    /// Its format; `node` for an interior one.
    pub format: String,
    /// The media type of a leaf, or the identifier of the object that starts here.
    pub kind: String,
    /// True when it cannot be deleted.
    pub permanent: bool,
    /// What it is for.
    pub description: Option<String>,
    /// The nodes below it.
    pub children: Vec<Self>,
}

/// How many of a node there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// Exactly one.
    One,
    /// None or one.
    ZeroOrOne,
    /// Any number.
    ZeroOrMore,
    /// One or more.
    OneOrMore,
    /// At most that many.
    ZeroOrN(u32),
    /// One, or at most that many.
    OneOrN(u32),
}

impl fmt::Display for Occurrence {
    /// The sign that figures put behind the name; none for exactly one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => Ok(()),
            Self::ZeroOrOne => f.write_str("?"),
            Self::ZeroOrMore => f.write_str("*"),
            Self::OneOrMore => f.write_str("+"),
            Self::ZeroOrN(n) => write!(f, "0..{n}"),
            Self::OneOrN(n) => write!(f, "1..{n}"),
        }
    }
}

impl Node {
    /// As figures show it: `<x>` where the name is given at run time, and the sign of its occurrence.
    pub fn label(&self) -> String {
        let name = self.name.as_deref().unwrap_or("<x>");
        match self.occurrence {
            Occurrence::One => name.to_owned(),
            other => format!("{name} {other}"),
        }
    }
}

#[cfg(test)]
mod tests;

//! What an explanation consists of, and how it is printed.

use std::fmt::{self, Write as _};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Kind, authentication::Authentication, notification::Notification};
use crate::ident::printable;

/// Everything that was found out about an artefact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The parts: one for each line of input, and for what was put together from several.
    pub parts: Vec<Part>,
    /// What is wrong and stands at no octet, such as a segment that is missing.
    pub problems: Vec<Problem>,
    /// Whether a bootstrap that says it is authentic is.
    pub authentication: Option<Authentication>,
    /// Whether a notification is from the server that it names.
    pub notification: Option<Notification>,
}

/// Octets that stand together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is, in words.
    pub title: String,
    /// What it was taken for; none when it was not recognised.
    pub kind: Option<Kind>,
    /// How many octets it has.
    pub length: usize,
    /// Its fields in order, each before the fields in it.
    pub spans: Vec<Span>,
}

/// A field, or a group of fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first octet, counted from the start of the part.
    pub offset: usize,
    /// How many octets it has; none for a field that should be there and is not.
    pub length: usize,
    /// In how many groups it stands.
    pub depth: usize,
    /// What it is called.
    pub name: String,
    /// Where it stands in text; none for octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where that is specified.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub clause: &'static str,
    /// Its octets in hexadecimal digits; none for a group, and for a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// True when value and octets are hidden.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// A place in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
}

/// Something that is wrong, or only odd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, what was expected.
    pub text: String,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Legal, but devices are known that do not take it, or it is not what it should be.
    Odd,
    /// Against the specification, or not readable.
    Wrong,
}

/// Whether a listing is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With the escape sequences of a terminal.
    Colour,
}

/// Octets that the listing shows of a field; the rest is an ellipsis.
const SHOWN: usize = 8;
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const GREEN: &str = "\x1b[32m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

impl Explanation {
    /// True when nothing is wrong; what is only odd does not count.
    pub fn is_sound(&self) -> bool {
        let spans = self.parts.iter().flat_map(|p| &p.spans).filter_map(|s| s.problem.as_ref());
        spans.chain(&self.problems).all(|p| p.severity != Severity::Wrong)
    }

    /// The listing: offset, octets, indented name and value, clause; what is wrong stands below its field.
    pub fn listing(&self, style: Style) -> String {
        let paint = |code: &'static str| if style == Style::Colour { code } else { "" };
        let (dim, bold, reset) = (paint(DIM), paint(BOLD), paint(RESET));
        let mut out = String::new();
        for part in &self.parts {
            if !out.is_empty() {
                out.push('\n');
            }
            let _ = writeln!(out, "{bold}{}{reset}, {} octets", printable(&part.title), part.length);
            for span in &part.spans {
                let indent = 2 * span.depth;
                let _ = write!(out, "{dim}{:04X}{reset}  {:<24}", span.offset, span.octets());
                let _ = write!(out, "{:indent$}{}", "", printable(&span.name));
                if let Some(value) = &span.value {
                    let _ = write!(out, " = {bold}{}{reset}", printable(value));
                }
                if !span.clause.is_empty() {
                    let _ = write!(out, "  {dim}[{}]{reset}", span.clause);
                }
                out.push('\n');
                if let Some(problem) = &span.problem {
                    let colour = paint(problem.severity.colour());
                    let _ = writeln!(
                        out,
                        "{:30}{:indent$}{colour}^ {}{reset}",
                        "",
                        "",
                        printable(&problem.to_string())
                    );
                }
            }
        }
        if !self.problems.is_empty() || self.authentication.is_some() || self.notification.is_some() {
            out.push('\n');
        }
        for problem in &self.problems {
            let colour = paint(problem.severity.colour());
            let _ = writeln!(out, "{colour}{}{reset}", printable(&problem.to_string()));
        }
        if let Some(authentication) = &self.authentication {
            let colour = paint(if authentication.verdict.is_bad() { RED } else { GREEN });
            let _ = writeln!(out, "{colour}{}{reset}", printable(&authentication.to_string()));
        }
        if let Some(notification) = &self.notification {
            let colour = paint(if notification.digest.is_bad() { RED } else { GREEN });
            let _ = writeln!(out, "{colour}{}{reset}", printable(&notification.to_string()));
        }
        out
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.listing(Style::Plain).trim_end_matches('\n'))
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_struct("Explanation", 5)?;
        out.serialize_field("ok", &self.is_sound())?;
        out.serialize_field("parts", &self.parts)?;
        out.serialize_field("problems", &self.problems)?;
        out.serialize_field("authentication", &self.authentication)?;
        out.serialize_field("notification", &self.notification)?;
        out.end()
    }
}

impl Span {
    fn octets(&self) -> String {
        if self.masked {
            return format!("({} octets hidden)", self.length);
        }
        if let Some(place) = self.place {
            return place.to_string();
        }
        let Some(hex) = &self.hex else { return String::new() };
        let pairs: Vec<&str> = (0..self.length).map_while(|at| hex.get(2 * at..2 * at + 2)).collect();
        match pairs.get(..SHOWN - 1) {
            Some(first) if pairs.len() > SHOWN => format!("{} …", first.join(" ")),
            _ => pairs.join(" "),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl Problem {
    pub(super) fn wrong(text: impl Into<String>) -> Self {
        Self { severity: Severity::Wrong, text: text.into() }
    }

    pub(super) fn odd(text: impl Into<String>) -> Self {
        Self { severity: Severity::Odd, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Odd => "odd",
            Severity::Wrong => "wrong",
        };
        write!(f, "{word}: {}", self.text)
    }
}

impl Severity {
    fn colour(self) -> &'static str {
        match self {
            Self::Odd => YELLOW,
            Self::Wrong => RED,
        }
    }
}

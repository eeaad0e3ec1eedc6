//! Text with placeholders for what differs from subscriber to subscriber: `{imei}`, `{imsi}`, `{iccid}`, `{msisdn}`.

use std::fmt;

use crate::ident::{Iccid, Imei, Imsi, Msisdn};

/// The numbers of one subscriber and device, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscriber {
    /// Fills `{imsi}`, and is the key of a NETWPIN.
    pub imsi: Option<Imsi>,
    /// Fills `{imei}`.
    pub imei: Option<Imei>,
    /// Fills `{iccid}`.
    pub iccid: Option<Iccid>,
    /// Fills `{msisdn}`.
    pub msisdn: Option<Msisdn>,
}

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Placeholder {
    /// `{imei}`
    Imei,
    /// `{imsi}`
    Imsi,
    /// `{iccid}`
    Iccid,
    /// `{msisdn}`
    Msisdn,
}

/// Text with placeholders. `{{` and `}}` stand for the braces themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// What is wrong with a template. Positions count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A word in braces that is no placeholder.
    #[error("unknown placeholder {{{0}}}")]
    Unknown(String),
    /// A brace that opens or closes nothing.
    #[error("a single {brace} at position {at}")]
    Lone {
        /// The brace.
        brace: char,
        /// Where.
        at: usize,
    },
}

/// A placeholder whose number the subscriber lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the profile asks for {{{0}}}, and no {0} was given")]
pub struct MissingNumber(pub Placeholder);

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Imei, Self::Imsi, Self::Iccid, Self::Msisdn];

    /// The word between the braces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Imei => "imei",
            Self::Imsi => "imsi",
            Self::Iccid => "iccid",
            Self::Msisdn => "msisdn",
        }
    }

    /// The most digits that it can stand for.
    const fn max_digits(self) -> usize {
        match self {
            Self::Iccid => 20,
            Self::Imei | Self::Imsi | Self::Msisdn => 15,
        }
    }

    fn of(self, subscriber: &Subscriber) -> Option<&str> {
        match self {
            Self::Imei => subscriber.imei.as_ref().map(Imei::digits),
            Self::Imsi => subscriber.imsi.as_ref().map(Imsi::digits),
            Self::Iccid => subscriber.iccid.as_ref().map(Iccid::digits),
            Self::Msisdn => subscriber.msisdn.as_ref().map(Msisdn::digits),
        }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`]
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '{' | '}' if chars.next_if(|(_, next)| *next == c).is_some() => literal.push(c),
                '}' => return Err(TemplateError::Lone { brace: c, at: at + 1 }),
                '{' => {
                    let mut word = String::new();
                    loop {
                        match chars.next() {
                            Some((_, '}')) => break,
                            Some((_, next)) if next != '{' => word.push(next),
                            _ => return Err(TemplateError::Lone { brace: '{', at: at + 1 }),
                        }
                    }
                    let Some(found) = Placeholder::ALL.into_iter().find(|p| p.as_str() == word) else {
                        return Err(TemplateError::Unknown(word));
                    };
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Placeholder(found));
                }
                _ => literal.push(c),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// The placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.0.iter().filter_map(|p| if let Part::Placeholder(p) = p { Some(*p) } else { None })
    }

    /// The text, when it has no placeholders.
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The most characters that it can have when filled in.
    pub fn max_length(&self) -> usize {
        let length = |p: &Part| match p {
            Part::Text(t) => t.chars().count(),
            Part::Placeholder(p) => p.max_digits(),
        };
        self.0.iter().map(length).sum()
    }

    /// Fills in the subscriber's numbers.
    ///
    /// # Errors
    /// [`MissingNumber`] when a number is asked for that is not known.
    pub fn fill(&self, subscriber: &Subscriber) -> Result<String, MissingNumber> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(t) => out.push_str(t),
                Part::Placeholder(p) => out.push_str(p.of(subscriber).ok_or(MissingNumber(*p))?),
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        let subscriber =
            Subscriber { imei: Some("490154203237518".parse().unwrap()), ..Subscriber::default() };
        let t = Template::parse("dev-{imei}@{{acme}}").unwrap();
        assert_eq!(t.fill(&subscriber).unwrap(), "dev-490154203237518@{acme}");
        assert_eq!(t.max_length(), 4 + 15 + 7);
        assert_eq!(t.placeholders().collect::<Vec<_>>(), [Placeholder::Imei]);
        let t = Template::parse("{iccid}").unwrap();
        assert_eq!(t.fill(&subscriber), Err(MissingNumber(Placeholder::Iccid)));
        assert!(Template::parse("").unwrap().fill(&subscriber).unwrap().is_empty());
    }

    #[test]
    fn braces_must_mean_something() {
        assert_eq!(Template::parse("{imie}"), Err(TemplateError::Unknown("imie".into())));
        assert_eq!(Template::parse("a{imei"), Err(TemplateError::Lone { brace: '{', at: 2 }));
        assert_eq!(Template::parse("imei}"), Err(TemplateError::Lone { brace: '}', at: 5 }));
        assert_eq!(Template::parse("{im{ei}"), Err(TemplateError::Lone { brace: '{', at: 1 }));
        assert_eq!(Template::parse("{}"), Err(TemplateError::Unknown(String::new())));
    }
}

//! Whatever a profile can be built as: payloads, which cards hold and pushes carry; and documents, which a server
//! answers with. What takes payloads only takes a [`PayloadKind`].

use std::{fmt, str::FromStr};

use super::{PayloadKind, document::DocumentKind};

/// What a profile can be built as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A payload.
    Payload(PayloadKind),
    /// A document of XML.
    Document(DocumentKind),
    /// A directory for a manufacturer.
    Factory,
}

impl Output {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Payload(PayloadKind::Cp),
        Self::Payload(PayloadKind::Dm),
        Self::Document(DocumentKind::Rcs),
        Self::Document(DocumentKind::Windows),
        Self::Factory,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payload(kind) => kind.as_str(),
            Self::Document(kind) => kind.as_str(),
            Self::Factory => "factory",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Payload(kind) => kind.title(),
            Self::Document(kind) => kind.title(),
            Self::Factory => "factory image",
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an output; expected one of {expected}")]
pub struct UnknownOutput {
    /// The words.
    pub expected: String,
}

impl FromStr for Output {
    type Err = UnknownOutput;

    fn from_str(text: &str) -> Result<Self, UnknownOutput> {
        Self::ALL
            .into_iter()
            .find(|o| o.as_str() == text)
            .ok_or_else(|| UnknownOutput { expected: Self::ALL.map(Self::as_str).join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_an_output_and_its_word_reads_back() {
        for output in Output::ALL {
            assert_eq!(output.as_str().parse(), Ok(output));
        }
        for kind in PayloadKind::ALL {
            assert!(Output::ALL.contains(&Output::Payload(kind)));
        }
        for kind in DocumentKind::ALL {
            assert!(Output::ALL.contains(&Output::Document(kind)));
        }
        let error = "xml".parse::<Output>().unwrap_err().to_string();
        assert_eq!(error, "not an output; expected one of cp, dm, rcs, windows, factory");
    }
}

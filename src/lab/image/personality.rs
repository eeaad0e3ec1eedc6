//! What kind of card a virtual card is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The kinds of card, by the commands that they understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Personality {
    /// A UICC: class 00 alone.
    #[default]
    Uicc,
    /// A UICC that the first command after a reset puts into 3G mode (class 00) or 2G mode (class A0).
    #[serde(rename = "uicc-2g")]
    Uicc2g,
    /// A SIM: class A0 alone.
    Sim,
    /// An R-UIM: a SIM with a DF(CDMA) (3GPP2 C.S0023).
    Ruim,
    /// A PKCS#15 token that is no telecommunication card: class 00, found by AID, without EF(ICCID) and 7F50.
    Token,
}

impl Personality {
    /// All of them with their names.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Uicc, "uicc"),
        (Self::Uicc2g, "uicc-2g"),
        (Self::Sim, "sim"),
        (Self::Ruim, "ruim"),
        (Self::Token, "token"),
    ];

    /// Whether it understands class A0.
    pub fn speaks_2g(self) -> bool {
        matches!(self, Self::Uicc2g | Self::Sim | Self::Ruim)
    }

    /// Whether it understands class 00.
    pub fn speaks_3g(self) -> bool {
        !matches!(self, Self::Sim | Self::Ruim)
    }
}

impl fmt::Display for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name))
    }
}

/// There is no such kind of card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a virtual card is one of: uicc, uicc-2g, sim, ruim, token")]
pub struct PersonalityError;

impl FromStr for Personality {
    type Err = PersonalityError;

    fn from_str(text: &str) -> Result<Self, PersonalityError> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind).ok_or(PersonalityError)
    }
}

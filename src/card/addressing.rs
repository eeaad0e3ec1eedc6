//! How a card is spoken to: in which class of commands, and on which channel.

use std::{fmt, str::FromStr};

use super::{ChannelChoice, Mode, Session, TransportError};

/// In which class of commands a card is spoken to. Commands of scripts have their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClassChoice {
    /// Class 00 where the card knows it, as a UICC does; else class A0.
    #[default]
    Auto,
    /// Class A0: a UICC that knows it as well is in 2G mode then, from its first command until it is reset (3GPP TS 51.011; ETSI
    /// TS 102 221 leaves that mode to it).
    TwoG,
}

/// There is no such choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a class of commands is `auto` or `2g`")]
pub struct ClassChoiceError;

impl FromStr for ClassChoice {
    type Err = ClassChoiceError;

    fn from_str(text: &str) -> Result<Self, ClassChoiceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "2g" => Ok(Self::TwoG),
            _ => Err(ClassChoiceError),
        }
    }
}

impl fmt::Display for ClassChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::TwoG => "2g",
        })
    }
}

/// How a card is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Addressing {
    /// In which class.
    pub class: ClassChoice,
    /// On which channel. Class A0 has only the basic one.
    pub channel: ChannelChoice,
}

impl Session<'_> {
    /// Speaks to a card that was connected or reset just now as was chosen.
    ///
    /// # Errors
    /// [`TransportError`]; a card that opens no channel is no error.
    pub fn address(&mut self, addressing: Addressing) -> Result<(), TransportError> {
        if addressing.class == ClassChoice::TwoG {
            self.set_mode(Mode::TwoG);
        }
        self.use_channel(addressing.channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_is_read_as_it_is_written() {
        for choice in [ClassChoice::Auto, ClassChoice::TwoG] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert_eq!("3g".parse::<ClassChoice>(), Err(ClassChoiceError));
    }
}

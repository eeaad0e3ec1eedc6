//! What the rest of this room asks of a reader with a card in it: one exchange of octets at a time (ISO/IEC 7816-3;
//! ETSI TS 102 221, section 7).

use std::fmt;

use crate::ident::ReaderName;

/// The transmission protocol between reader and card. It decides the shape of an APDU on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Protocol {
    /// Character oriented: always five header octets, answers fetched by GET RESPONSE.
    #[serde(rename = "T=0")]
    T0,
    /// Block oriented: command and answer travel whole.
    #[serde(rename = "T=1")]
    T1,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::T0 => "T=0",
            Self::T1 => "T=1",
        })
    }
}

/// A connected card. It moves octets and knows nothing about them.
pub trait CardTransport: Send {
    /// The reader that holds the card.
    fn reader(&self) -> &ReaderName;

    /// The card's answer to reset.
    fn atr(&self) -> &[u8];

    /// The protocol in use.
    fn protocol(&self) -> Protocol;

    /// Sends a command APDU as it stands, and returns the answer with its status word.
    ///
    /// The caller shapes the APDU for [`CardTransport::protocol`]. An answer of fewer than two octets is handed
    /// on: a session takes it for a card that is gone.
    ///
    /// # Errors
    /// [`TransportError`]; the card may or may not have carried out the command.
    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError>;

    /// Resets the card: its session state (selected file, verified keys) is lost.
    ///
    /// # Errors
    /// [`TransportError`] when the card does not come back.
    fn reset(&mut self) -> Result<(), TransportError>;

    /// Lets go of the reader and sends nothing more to what is in it, not even the reset that taking leave of a card is: by now
    /// that may be another card, which somebody else works on.
    fn let_go(self: Box<Self>) {
        drop(self);
    }
}

/// Why octets did not get to a card and back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The card was pulled, or lost contact.
    #[error("{reader}: the card is gone; put it back and start again")]
    CardGone {
        /// The reader.
        reader: ReaderName,
    },
    /// The card is there and does not answer.
    #[error("{reader}: the card does not answer; check that it is the right way round and clean")]
    Mute {
        /// The reader.
        reader: ReaderName,
    },
    /// The reader was unplugged, or its service stopped.
    #[error("{reader}: the reader is gone; check its cable and that pcscd runs")]
    ReaderGone {
        /// The reader.
        reader: ReaderName,
    },
    /// Anything else that the reader or its driver reports.
    #[error("{reader}: the reader reports an error: {why}")]
    Reader {
        /// The reader.
        reader: ReaderName,
        /// In the driver's words.
        why: String,
    },
}

impl TransportError {
    /// The reader it happened on.
    pub fn reader(&self) -> &ReaderName {
        match self {
            Self::CardGone { reader }
            | Self::Mute { reader }
            | Self::ReaderGone { reader }
            | Self::Reader { reader, .. } => reader,
        }
    }
}

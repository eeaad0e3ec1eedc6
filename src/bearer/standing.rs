//! Where a delivery is, since when and why, in words that say what may have happened besides.

use super::State;
use crate::{ident::Timestamp, wire::pap::StatusCode};

/// Where a delivery is, since when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where it is.
    pub state: State,
    /// The code that goes with it.
    pub code: StatusCode,
    /// In words, without number, payload or secret.
    pub desc: String,
    /// Since when.
    pub at: Timestamp,
}

/// Whether an earlier sending of a delivery may have arrived, though no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Doubt {
    /// No.
    #[default]
    None,
    /// It may; and it was not sent again.
    Once,
    /// It may, and it was handed to the network again.
    Twice,
}

impl Standing {
    /// What is said in words.
    pub fn words(desc: String, doubt: Doubt) -> String {
        let more = match doubt {
            Doubt::None => return desc,
            Doubt::Once => "an earlier sending may have arrived",
            Doubt::Twice => "it was sent again when an answer was lost: the device may have it twice",
        };
        if desc.is_empty() { more.to_owned() } else { format!("{desc}; {more}") }
    }
}

//! `message_state` (SMPP 3.4, section 5.2.28).

/// What became of a message: one octet in the TLV 0427, seven letters in the text of a receipt (appendix B).
///
/// | octet | word    | final | meaning                                       |
/// |-------|---------|-------|-----------------------------------------------|
/// | 01    | ENROUTE | no    | on its way                                    |
/// | 02    | DELIVRD | yes   | the handset has it                            |
/// | 03    | EXPIRED | yes   | its validity ran out                          |
/// | 04    | DELETED | yes   | deleted at the SMSC                           |
/// | 05    | UNDELIV | yes   | it cannot be delivered                        |
/// | 06    | ACCEPTD | yes   | read by somebody on behalf of the subscriber  |
/// | 07    | UNKNOWN | yes   | the SMSC does not know                        |
/// | 08    | REJECTD | yes   | rejected                                      |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageState {
    /// 1
    Enroute,
    /// 2
    Delivered,
    /// 3
    Expired,
    /// 4
    Deleted,
    /// 5
    Undeliverable,
    /// 6
    Accepted,
    /// 7
    Unknown,
    /// 8
    Rejected,
}

impl MessageState {
    /// All, in the order of their octets from 1 on.
    pub const ALL: [Self; 8] = [
        Self::Enroute,
        Self::Delivered,
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Accepted,
        Self::Unknown,
        Self::Rejected,
    ];

    /// Whether nothing comes after it. `Accepted` does not say so: the message was read at the SMSC on behalf of the subscriber
    /// (SMPP 3.4, 5.2.28), and many an SMSC says it on the way (remembered from the field); nor does `Unknown`.
    pub fn is_final(self) -> bool {
        match self {
            Self::Delivered | Self::Expired | Self::Deleted | Self::Undeliverable | Self::Rejected => true,
            Self::Enroute | Self::Accepted | Self::Unknown => false,
        }
    }

    /// Whether a receipt that says this counts where another has said `before`: what is final stays, and a word that it is on
    /// its way says nothing new.
    pub fn counts_after(self, before: Option<Self>) -> bool {
        before.is_none_or(|before| !before.is_final() && self != Self::Enroute)
    }

    /// The state of this octet.
    pub fn from_octet(octet: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.octet() == octet)
    }

    /// Its octet.
    pub fn octet(self) -> u8 {
        match self {
            Self::Enroute => 1,
            Self::Delivered => 2,
            Self::Expired => 3,
            Self::Deleted => 4,
            Self::Undeliverable => 5,
            Self::Accepted => 6,
            Self::Unknown => 7,
            Self::Rejected => 8,
        }
    }

    /// The state of this word. SMSCs write some of them longer or shorter, so five letters are enough, and their case
    /// does not count. (The words are those of the sheet; ENROUTE in a receipt is remembered, not seen.)
    pub fn from_word(word: &str) -> Option<Self> {
        let matches = |state: &Self| {
            state
                .word()
                .get(..5)
                .is_some_and(|begin| word.get(..5).is_some_and(|own| own.eq_ignore_ascii_case(begin)))
        };
        Self::ALL.into_iter().find(matches)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enroute => "ENROUTE",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_back_from_octets_and_words() {
        for (at, state) in MessageState::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(state.octet()), at + 1);
            assert_eq!(MessageState::from_octet(state.octet()), Some(state));
            assert_eq!(MessageState::from_word(state.word()), Some(state));
        }
        assert_eq!((MessageState::from_octet(0), MessageState::from_octet(9)), (None, None));
        assert_eq!(MessageState::from_word("undeliverable"), Some(MessageState::Undeliverable));
        assert_eq!(MessageState::from_word("Delivered"), Some(MessageState::Delivered));
        for not in ["", "DEL", "DELI", "SKIPPED", "ÜÜÜ"] {
            assert_eq!(MessageState::from_word(not), None, "{not}");
        }
    }
}

//! How a virtual SMSC behaves.

use std::{fmt, str::FromStr, time::Duration};

use crate::{
    bearer::smpp::IdForm,
    wire::smpp::{CommandStatus, MessageState},
};

/// How a virtual SMSC behaves.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Who may bind: system id and password. Without it everybody.
    pub account: Option<(String, String)>,
    /// How it writes message ids in submit responses: numbers, or `m` and a number.
    pub ids: IdForm,
    /// Receipts for those who ask for them; none is an SMSC that has none.
    pub receipts: Option<Receipts>,
    /// What goes wrong.
    pub faults: Faults,
    /// What chance is drawn from.
    pub seed: u64,
}

/// The receipts of a virtual SMSC.
#[derive(Debug, Clone)]
pub struct Receipts {
    /// How long after the submission.
    pub delay: Duration,
    /// As text, as parameters, or as both.
    pub form: ReceiptForm,
    /// How they write message ids.
    pub ids: IdForm,
    /// What became of every message.
    pub state: MessageState,
}

/// Where a receipt says what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptForm {
    /// In its text.
    Text,
    /// In receipted_message_id and message_state.
    Tlv,
    /// In both.
    Both,
}

/// What goes wrong. A number of a chance is one in how many; 0 is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// A submit_sm is refused with RTHROTTLED.
    pub throttle: u32,
    /// A submit_sm is refused with this status.
    pub refuse: Option<(u32, CommandStatus)>,
    /// A submit_sm is taken and never answered.
    pub lose_answer: u32,
    /// A receipt is sent twice.
    pub duplicate: u32,
    /// So many answers are held back and sent in another order; and a receipt is drawn from as many that are due.
    pub reorder: u32,
    /// A connection is closed when it got its N-th submit_sm, which is taken and not answered.
    pub disconnect: u32,
}

/// How often what went wrong. A fault that a virtual SMSC is told of has happened once this says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Happened {
    /// Messages refused with RTHROTTLED.
    pub throttled: u64,
    /// Messages refused with the status of [`Faults::refuse`].
    pub refused: u64,
    /// Messages taken on purpose without an answer, those at which a connection was closed apart.
    pub answers_lost: u64,
    /// Answers sent before an older one of their connection.
    pub answers_mixed: u64,
    /// Receipts sent before an older one that was due.
    pub receipts_mixed: u64,
    /// Receipts to be sent twice.
    pub receipts_doubled: u64,
    /// Connections closed.
    pub disconnected: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            account: None,
            ids: IdForm::Text,
            receipts: Some(Receipts {
                delay: Duration::ZERO,
                form: ReceiptForm::Both,
                ids: IdForm::Text,
                state: MessageState::Delivered,
            }),
            faults: Faults::default(),
            seed: 1,
        }
    }
}

/// A fault that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault; there are throttle=N, lose-answer=N, duplicate=N (one in N), reorder=N (answers held back, receipts mixed), \
     disconnect=N (at the N-th submit_sm) and refuse=N:STATUS (one in N, with a command status in hexadecimal)"
)]
pub struct FaultError(String);

impl Faults {
    /// These and the one that `text` names.
    ///
    /// # Errors
    /// [`FaultError`].
    pub fn with(mut self, text: &str) -> Result<Self, FaultError> {
        let wrong = || FaultError(text.to_owned());
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        if name == "refuse" {
            let (number, status) = value.split_once(':').ok_or_else(wrong)?;
            let status = u32::from_str_radix(status, 16).ok().filter(|s| *s != 0).ok_or_else(wrong)?;
            let number = number.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
            self.refuse = Some((number, CommandStatus(status)));
            return Ok(self);
        }
        let number = value.parse().ok().filter(|n| *n > 0).ok_or_else(wrong)?;
        let field = match name {
            "throttle" => &mut self.throttle,
            "lose-answer" => &mut self.lose_answer,
            "duplicate" => &mut self.duplicate,
            "reorder" => &mut self.reorder,
            "disconnect" => &mut self.disconnect,
            _ => return Err(wrong()),
        };
        *field = number;
        Ok(self)
    }
}

impl FromStr for ReceiptForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "tlv" => Ok(Self::Tlv),
            "both" => Ok(Self::Both),
            _ => Err(format!("{text:?} is no form of receipts; expected text, tlv or both")),
        }
    }
}

impl fmt::Display for ReceiptForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Tlv => "tlv",
            Self::Both => "both",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named() {
        let faults = ["throttle=20", "refuse=7:0B", "reorder=4"]
            .iter()
            .try_fold(Faults::default(), |faults, text| faults.with(text))
            .unwrap();
        assert_eq!((faults.throttle, faults.reorder), (20, 4));
        assert_eq!(faults.refuse, Some((7, CommandStatus(0x0B))));
        for wrong in ["throttle", "throttle=0", "throttle=x", "refuse=7", "refuse=7:0", "vanish=3"] {
            assert!(Faults::default().with(wrong).unwrap_err().to_string().contains(wrong), "{wrong}");
        }
    }
}

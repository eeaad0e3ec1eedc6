//! `command_status` (SMPP 3.4, section 5.1.3).

/// How a request went. An open registry: vendors have their own from 400h on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandStatus(pub u32);

impl CommandStatus {
    /// ESME_ROK
    pub const OK: Self = Self(0x00);
    /// ESME_RINVCMDLEN
    pub const INVALID_LENGTH: Self = Self(0x02);
    /// ESME_RINVCMDID
    pub const INVALID_COMMAND: Self = Self(0x03);
    /// ESME_RINVBNDSTS: not allowed in this state of the bind.
    pub const INVALID_BIND_STATUS: Self = Self(0x04);
    /// ESME_RALYBND
    pub const ALREADY_BOUND: Self = Self(0x05);
    /// ESME_RSYSERR
    pub const SYSTEM_ERROR: Self = Self(0x08);
    /// ESME_RBINDFAIL
    pub const BIND_FAILED: Self = Self(0x0D);
    /// ESME_RINVPASWD
    pub const INVALID_PASSWORD: Self = Self(0x0E);
    /// ESME_RINVSYSID
    pub const INVALID_SYSTEM_ID: Self = Self(0x0F);
    /// ESME_RMSGQFUL
    pub const QUEUE_FULL: Self = Self(0x14);
    /// ESME_RTHROTTLED
    pub const THROTTLED: Self = Self(0x58);

    /// True when it was done.
    pub fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// The name of the specification, without `ESME_`.
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|(name, _)| name)
    }

    /// What it means, in words.
    pub fn meaning(self) -> Option<&'static str> {
        self.entry().map(|(_, meaning)| meaning)
    }

    fn entry(self) -> Option<(&'static str, &'static str)> {
        Some(match self.0 {
            0x00 => ("ROK", "no error"),
            0x01 => ("RINVMSGLEN", "the message length is invalid"),
            0x02 => ("RINVCMDLEN", "the command length is invalid"),
            0x03 => ("RINVCMDID", "the command is not known"),
            0x04 => ("RINVBNDSTS", "the command is not allowed in this state of the bind"),
            0x05 => ("RALYBND", "already bound"),
            0x06 => ("RINVPRTFLG", "the priority flag is invalid"),
            0x07 => ("RINVREGDLVFLG", "registered_delivery is invalid"),
            0x08 => ("RSYSERR", "system error"),
            0x0A => ("RINVSRCADR", "the source address is invalid"),
            0x0B => ("RINVDSTADR", "the destination address is invalid"),
            0x0C => ("RINVMSGID", "the message id is invalid"),
            0x0D => ("RBINDFAIL", "the bind failed"),
            0x0E => ("RINVPASWD", "the password is wrong"),
            0x0F => ("RINVSYSID", "the system id is not known"),
            0x11 => ("RCANCELFAIL", "cancel_sm failed"),
            0x13 => ("RREPLACEFAIL", "replace_sm failed"),
            0x14 => ("RMSGQFUL", "the message queue is full"),
            0x15 => ("RINVSERTYP", "the service type is invalid"),
            0x33 => ("RINVNUMDESTS", "the number of destinations is invalid"),
            0x34 => ("RINVDLNAME", "the distribution list is not known"),
            0x40 => ("RINVDESTFLAG", "the destination flag is invalid"),
            0x42 => ("RINVSUBREP", "submit with replace is not allowed"),
            0x43 => ("RINVESMCLASS", "esm_class is invalid"),
            0x44 => ("RCNTSUBDL", "cannot submit to the distribution list"),
            0x45 => ("RSUBMITFAIL", "the submission failed"),
            0x48 => ("RINVSRCTON", "the type of number of the source is invalid"),
            0x49 => ("RINVSRCNPI", "the numbering plan of the source is invalid"),
            0x50 => ("RINVDSTTON", "the type of number of the destination is invalid"),
            0x51 => ("RINVDSTNPI", "the numbering plan of the destination is invalid"),
            0x53 => ("RINVSYSTYP", "the system type is invalid"),
            0x54 => ("RINVREPFLAG", "replace_if_present is invalid"),
            0x55 => ("RINVNUMMSGS", "the number of messages is invalid"),
            0x58 => ("RTHROTTLED", "more messages than the SMSC allows"),
            0x61 => ("RINVSCHED", "the scheduled time is invalid"),
            0x62 => ("RINVEXPIRY", "the validity period is invalid"),
            0x63 => ("RINVDFTMSGID", "the predefined message is not known"),
            0x64 => ("RX_T_APPN", "temporary error of the receiver"),
            0x65 => ("RX_P_APPN", "permanent error of the receiver"),
            0x66 => ("RX_R_APPN", "refused by the receiver"),
            0x67 => ("RQUERYFAIL", "query_sm failed"),
            0xC0 => ("RINVOPTPARSTREAM", "the optional parameters are invalid"),
            0xC1 => ("ROPTPARNOTALLWD", "an optional parameter is not allowed"),
            0xC2 => ("RINVPARLEN", "the length of a parameter is invalid"),
            0xC3 => ("RMISSINGOPTPARAM", "an optional parameter is missing"),
            0xC4 => ("RINVOPTPARAMVAL", "the value of an optional parameter is invalid"),
            0xFE => ("RDELIVERYFAILURE", "the delivery failed"),
            0xFF => ("RUNKNOWNERR", "unknown error"),
            // SMPP 5.0; in use by SMSCs that speak 3.4, too.
            0x100 => ("RSERTYPUNAUTH", "not authorised for the service type"),
            0x101 => ("RPROHIBITED", "prohibited"),
            0x102 => ("RSERTYPUNAVAIL", "the service type is not available"),
            0x103 => ("RSERTYPDENIED", "the service type is denied"),
            0x104 => ("RINVDCS", "data_coding is invalid"),
            0x105 => ("RINVSRCADDRSUBUNIT", "the subunit of the source is invalid"),
            0x106 => ("RINVDSTADDRSUBUNIT", "the subunit of the destination is invalid"),
            _ => return None,
        })
    }
}

impl std::fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08X}h", self.0)
    }
}

impl std::fmt::Debug for CommandStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CommandStatus({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_a_name_and_a_meaning() {
        assert_eq!(CommandStatus::THROTTLED.name(), Some("RTHROTTLED"));
        assert_eq!(CommandStatus(0x104).meaning(), Some("data_coding is invalid"));
        assert_eq!(CommandStatus(0x400).meaning(), None);
        assert_eq!(CommandStatus(0x58).to_string(), "00000058h");
    }
}

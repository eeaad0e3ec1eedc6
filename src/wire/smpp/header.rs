//! The header of every PDU (SMPP 3.4, section 3.2).

use crate::wire::{DecodeError, Encode, Reader};

/// The longest PDU that is read: a message_payload of 64 KiB, what stands before it and some room for other TLVs. It is
/// looked at before anything is allocated.
pub const LONGEST: u32 = 0x0001_0800;

/// The bit of `command_id` that marks a response (SMPP 3.4, section 5.1.2.1).
pub const RESPONSE: u32 = 0x8000_0000;

/// What stands at the beginning of every PDU.
///
/// | octets   | field                                                    |
/// |----------|----------------------------------------------------------|
/// | 0 to 3   | command_length: octets of the PDU, these included        |
/// | 4 to 7   | command_id                                               |
/// | 8 to 11  | command_status: 0 in requests                            |
/// | 12 to 15 | sequence_number: a response has that of its request      |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Octets of the whole PDU.
    pub length: u32,
    /// What is asked or answered.
    pub command: Command,
    /// How it went.
    pub status: super::CommandStatus,
    /// Which request it belongs to.
    pub sequence: u32,
}

/// `command_id` (SMPP 3.4, section 5.1.2.1). An open registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command(pub u32);

/// A length that no PDU has, or that is not read. What comes after it cannot be told apart any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PDU says that it is {0} octets long; expected 16 to {LONGEST}")]
pub struct LengthError(pub u32);

impl Header {
    /// Octets of the header itself.
    pub const OCTETS: usize = 16;

    /// Reads the header at the beginning of `stream`; none while there are fewer than 16 octets.
    ///
    /// # Errors
    /// [`LengthError`].
    pub fn peek(stream: &[u8]) -> Result<Option<Self>, LengthError> {
        let Some(header) = Self::read(stream) else { return Ok(None) };
        if header.length < 16 || header.length > LONGEST {
            Err(LengthError(header.length))
        } else {
            Ok(Some(header))
        }
    }

    /// The same without a look at the length, which may be one that no PDU has.
    pub fn read(stream: &[u8]) -> Option<Self> {
        Self::decode(&mut Reader::new(stream)).ok()
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            length: r.u32("command_length")?,
            command: Command(r.u32("command_id")?),
            status: super::CommandStatus(r.u32("command_status")?),
            sequence: r.u32("sequence_number")?,
        })
    }
}

impl Encode for Header {
    fn encode(&self, out: &mut Vec<u8>) {
        for field in [self.length, self.command.0, self.status.0, self.sequence] {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }
}

impl Command {
    /// bind_receiver
    pub const BIND_RECEIVER: Self = Self(0x0000_0001);
    /// bind_transmitter
    pub const BIND_TRANSMITTER: Self = Self(0x0000_0002);
    /// submit_sm
    pub const SUBMIT_SM: Self = Self(0x0000_0004);
    /// deliver_sm
    pub const DELIVER_SM: Self = Self(0x0000_0005);
    /// unbind
    pub const UNBIND: Self = Self(0x0000_0006);
    /// bind_transceiver
    pub const BIND_TRANSCEIVER: Self = Self(0x0000_0009);
    /// enquire_link
    pub const ENQUIRE_LINK: Self = Self(0x0000_0015);
    /// alert_notification, which is not answered.
    pub const ALERT_NOTIFICATION: Self = Self(0x0000_0102);
    /// outbind, which is not answered.
    pub const OUTBIND: Self = Self(0x0000_000B);
    /// data_sm
    pub const DATA_SM: Self = Self(0x0000_0103);
    /// generic_nack
    pub const GENERIC_NACK: Self = Self(0x8000_0000);

    /// True for answers, generic_nack among them.
    pub fn is_response(self) -> bool {
        self.0 & RESPONSE != 0
    }

    /// The command that answers this one.
    pub fn response(self) -> Self {
        Self(self.0 | RESPONSE)
    }

    /// Its name in the specification.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0000_0001 => "bind_receiver",
            0x0000_0002 => "bind_transmitter",
            0x0000_0003 => "query_sm",
            0x0000_0004 => "submit_sm",
            0x0000_0005 => "deliver_sm",
            0x0000_0006 => "unbind",
            0x0000_0007 => "replace_sm",
            0x0000_0008 => "cancel_sm",
            0x0000_0009 => "bind_transceiver",
            0x0000_000B => "outbind",
            0x0000_0015 => "enquire_link",
            0x0000_0021 => "submit_multi",
            0x0000_0102 => "alert_notification",
            0x0000_0103 => "data_sm",
            0x8000_0000 => "generic_nack",
            0x8000_0001 => "bind_receiver_resp",
            0x8000_0002 => "bind_transmitter_resp",
            0x8000_0003 => "query_sm_resp",
            0x8000_0004 => "submit_sm_resp",
            0x8000_0005 => "deliver_sm_resp",
            0x8000_0006 => "unbind_resp",
            0x8000_0007 => "replace_sm_resp",
            0x8000_0008 => "cancel_sm_resp",
            0x8000_0009 => "bind_transceiver_resp",
            0x8000_0015 => "enquire_link_resp",
            0x8000_0021 => "submit_multi_resp",
            0x8000_0103 => "data_sm_resp",
            _ => return None,
        })
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:08X}h", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{smpp::CommandStatus, vectors::hex};

    #[test]
    fn headers_are_read_and_written() {
        let octets = hex("000000138000000400000058 7FFFFFFF 6D3100");
        let header = Header::peek(&octets).unwrap().unwrap();
        assert_eq!(format!("{:?}", header.command), "submit_sm_resp");
        assert_eq!((header.length, header.status, header.sequence), (19, CommandStatus(0x58), 0x7FFF_FFFF));
        assert_eq!(header.to_octets(), octets[..16]);
        for end in 0..16 {
            assert_eq!(Header::peek(&octets[..end]), Ok(None));
        }
        assert_eq!(Command::SUBMIT_SM.response(), header.command);
        assert!(header.command.is_response() && !Command::SUBMIT_SM.is_response());
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_before_anything_else() {
        for (length, wanted) in
            [("0000000F", 15), ("00000000", 0), ("00010801", 0x1_0801), ("FFFFFFFF", u32::MAX)]
        {
            let octets = hex(&format!("{length}00000015 00000000 00000001"));
            assert_eq!(Header::peek(&octets), Err(LengthError(wanted)));
        }
        assert_eq!(LengthError(0).to_string(), "a PDU says that it is 0 octets long; expected 16 to 67584");
    }
}

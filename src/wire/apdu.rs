//! Command and response APDUs and the status word (ISO/IEC 7816-3, section 12; ETSI TS 102 221, section 10).

use std::fmt;

use zeroize::Zeroize;

use super::{DecodeError, Encode, Reader};

/// A command APDU with a short length field.
///
/// | octet | field                                               |
/// |-------|-----------------------------------------------------|
/// | 0     | CLA                                                 |
/// | 1     | INS                                                 |
/// | 2, 3  | P1, P2                                              |
/// | 4     | Lc, when there is data (1 to 255)                   |
/// | 5..   | data                                                |
/// | last  | Le, when an answer is expected (00 stands for 256)  |
///
/// `Debug` shows the header and the length of the data, never the data: it may be a key or a bootstrap.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandApdu {
    header: [u8; 4],
    data: Vec<u8>,
    le: Option<u8>,
}

impl CommandApdu {
    /// The most octets of data that fit.
    pub const MAX_DATA: usize = 255;

    /// Neither data nor answer (case 1).
    pub fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { header: [cla, ins, p1, p2], data: Vec::new(), le: None }
    }

    /// Adds data.
    ///
    /// # Errors
    /// [`DecodeError::Limit`] when it is longer than [`Self::MAX_DATA`].
    pub fn with_data(mut self, data: &[u8]) -> Result<Self, DecodeError> {
        if data.len() > Self::MAX_DATA {
            return Err(DecodeError::Limit {
                what: "APDU data",
                at: 5,
                got: data.len(),
                limit: Self::MAX_DATA,
            });
        }
        self.data = data.to_vec();
        Ok(self)
    }

    /// The same with another class octet.
    #[must_use]
    pub fn with_class(mut self, cla: u8) -> Self {
        self.header[0] = cla;
        self
    }

    /// Expects an answer of `le` octets; 0 stands for 256.
    #[must_use]
    pub fn with_le(mut self, le: u8) -> Self {
        self.le = Some(le);
        self
    }

    /// Class octet.
    pub fn cla(&self) -> u8 {
        self.header[0]
    }

    /// Instruction octet.
    pub fn ins(&self) -> u8 {
        self.header[1]
    }

    /// First parameter.
    pub fn p1(&self) -> u8 {
        self.header[2]
    }

    /// Second parameter.
    pub fn p2(&self) -> u8 {
        self.header[3]
    }

    /// The data.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The expected length of the answer, as its octet.
    pub fn le(&self) -> Option<u8> {
        self.le
    }

    /// Reads a short APDU: four octets are case 1, five are case 2, more must fit Lc.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] or [`DecodeError::Trailing`] when Lc and the octets do not agree.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(octets);
        let header = r.array("APDU header")?;
        let mut apdu = Self { header, data: Vec::new(), le: None };
        match r.rest().len() {
            0 => {}
            1 => apdu.le = Some(r.u8("Le")?),
            _ => {
                let lc = r.u8("Lc")?;
                apdu.data = r.take("APDU data", usize::from(lc))?.to_vec();
                if !r.is_empty() {
                    apdu.le = Some(r.u8("Le")?);
                }
                r.finish("APDU")?;
            }
        }
        Ok(apdu)
    }
}

impl Encode for CommandApdu {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
        if !self.data.is_empty() {
            // with_data and decode keep the length at 255 or less.
            out.push(u8::try_from(self.data.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(&self.data);
        }
        out.extend(self.le);
    }
}

impl Drop for CommandApdu {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

impl fmt::Debug for CommandApdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cla, ins, p1, p2] = self.header;
        write!(f, "{cla:02X} {ins:02X} {p1:02X} {p2:02X}")?;
        if !self.data.is_empty() {
            write!(f, " [{} octets]", self.data.len())?;
        }
        self.le.map_or(Ok(()), |le| write!(f, " {le:02X}"))
    }
}

/// Name of an instruction (TS 102 221, table 10.5; TS 102 222, section 6).
pub fn instruction(ins: u8) -> &'static str {
    match ins {
        0x04 => "DEACTIVATE FILE",
        0x12 => "FETCH",
        0x14 => "TERMINAL RESPONSE",
        0x20 => "VERIFY",
        0x24 => "CHANGE PIN",
        0x26 => "DISABLE PIN",
        0x28 => "ENABLE PIN",
        0x2C => "UNBLOCK PIN",
        0x44 => "ACTIVATE FILE",
        0x70 => "MANAGE CHANNEL",
        0xA4 => "SELECT",
        0xB0 => "READ BINARY",
        0xB2 => "READ RECORD",
        0xC0 => "GET RESPONSE",
        0xCB => "RETRIEVE DATA",
        0xD6 => "UPDATE BINARY",
        0xDB => "SET DATA",
        0xDC => "UPDATE RECORD",
        0xE0 => "CREATE FILE",
        0xE4 => "DELETE FILE",
        0xF2 => "STATUS",
        _ => "other command",
    }
}

/// The answer to a command: data and status word.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseApdu {
    /// What the card sent before the status word.
    pub data: Vec<u8>,
    /// SW1 SW2.
    pub sw: StatusWord,
}

impl ResponseApdu {
    /// Splits an answer into data and status word.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] for fewer than two octets, which is what some readers give for a card that
    /// was pulled.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        match octets.split_last_chunk::<2>() {
            Some((data, sw)) => Ok(Self { data: data.to_vec(), sw: StatusWord(u16::from_be_bytes(*sw)) }),
            None => Err(DecodeError::Truncated {
                what: "status word",
                at: octets.len(),
                needed: 2 - octets.len(),
            }),
        }
    }
}

impl Encode for ResponseApdu {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.data);
        out.extend_from_slice(&self.sw.0.to_be_bytes());
    }
}

impl fmt::Debug for ResponseApdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} octets] {}", self.data.len(), self.sw)
    }
}

/// SW1 SW2: how a card says what became of a command. An open registry, so an integer with names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// 9000: done.
    pub const OK: Self = Self(0x9000);
    /// 6282: the file ended before Le octets were read.
    pub const END_OF_FILE: Self = Self(0x6282);
    /// 62F1: more data wait (RETRIEVE DATA).
    pub const MORE_AVAILABLE: Self = Self(0x62F1);
    /// 63F1: more data are expected (SET DATA).
    pub const MORE_EXPECTED: Self = Self(0x63F1);
    /// 6700: wrong length.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// 6982: the access condition is not fulfilled.
    pub const SECURITY_STATUS: Self = Self(0x6982);
    /// 6983: the key is blocked.
    pub const BLOCKED: Self = Self(0x6983);
    /// 6984: reference data not usable (a PIN that is switched off).
    pub const NOT_USABLE: Self = Self(0x6984);
    /// 6985: conditions of use not satisfied.
    pub const CONDITIONS: Self = Self(0x6985);
    /// 6881: the logical channel is not open, or there are none.
    pub const NO_CHANNEL: Self = Self(0x6881);
    /// 6981: the command does not fit the structure of the file.
    pub const WRONG_STRUCTURE: Self = Self(0x6981);
    /// 6986: no EF selected.
    pub const NO_EF: Self = Self(0x6986);
    /// 6A80: wrong data.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// 6A82: file or application not found.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// 6A83: record not found.
    pub const NO_RECORD: Self = Self(0x6A83);
    /// 6A84: not enough memory.
    pub const NO_MEMORY: Self = Self(0x6A84);
    /// 6A86: wrong P1 or P2.
    pub const WRONG_PARAMETERS: Self = Self(0x6A86);
    /// 6A88: referenced data (a key) not found.
    pub const NO_REFERENCE: Self = Self(0x6A88);
    /// 6A89: the file exists already (remembered only, see the card sheet).
    pub const FILE_EXISTS: Self = Self(0x6A89);
    /// 6B00: offset outside the file.
    pub const WRONG_OFFSET: Self = Self(0x6B00);
    /// 6D00: unknown instruction.
    pub const UNKNOWN_INS: Self = Self(0x6D00);
    /// 6E00: unknown class.
    pub const UNKNOWN_CLA: Self = Self(0x6E00);

    /// SW1.
    pub fn sw1(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// SW2.
    pub fn sw2(self) -> u8 {
        self.0.to_be_bytes()[1]
    }

    /// What this status word asks of the one who reads it.
    pub fn class(self) -> StatusClass {
        match (self.sw1(), self.sw2()) {
            (0x90, 0x00) => StatusClass::Ok,
            (0x91, n) => StatusClass::OkFetch(n),
            (0x61 | 0x9F, n) => StatusClass::GetResponse(n),
            (0x6C, n) => StatusClass::RetryLe(n),
            (0x63, n) if n >> 4 == 0xC => StatusClass::WrongKey(n & 0x0F),
            (0x93, 0x00) => StatusClass::Busy,
            (0x69, 0x83) | (0x98, 0x40) => StatusClass::Blocked,
            (0x69, 0x82 | 0x00) | (0x98, 0x04) => StatusClass::Denied,
            (0x6A, 0x82 | 0x88) | (0x94, 0x04) => StatusClass::Absent,
            (0x62 | 0x63, _) => StatusClass::Warning,
            _ => StatusClass::Error,
        }
    }

    /// True for 9000 and 91xx.
    pub fn is_ok(self) -> bool {
        matches!(self.class(), StatusClass::Ok | StatusClass::OkFetch(_))
    }

    /// What it means in words.
    pub fn meaning(self) -> &'static str {
        match self.class() {
            StatusClass::Ok => "done",
            StatusClass::OkFetch(_) => "done, a proactive command waits",
            StatusClass::GetResponse(_) => "response data waits",
            StatusClass::RetryLe(_) => "wrong Le",
            StatusClass::WrongKey(_) => "wrong key, tries left in the last digit",
            StatusClass::Busy => "toolkit busy",
            StatusClass::Blocked => "key blocked",
            StatusClass::Denied => "access condition not fulfilled",
            StatusClass::Absent => "not found",
            StatusClass::Warning => "warning",
            StatusClass::Error => match self.0 {
                0x6500 | 0x6581 => "memory trouble",
                0x6700 => "wrong length",
                0x6881 => "logical channel not supported",
                0x6981 => "command does not fit the file's structure",
                0x6984 => "key not usable (switched off)",
                0x6985 => "conditions of use not satisfied",
                0x6986 => "no file selected",
                0x6A80 => "wrong data",
                0x6A81 => "function not supported",
                0x6A83 => "record not found",
                0x6A84 => "not enough memory",
                0x6A86 => "wrong parameters",
                0x6A87 => "Lc does not fit the parameters",
                0x6A89 => "file exists already",
                0x6B00 => "offset outside the file",
                0x6D00 => "unknown instruction",
                0x6E00 => "unknown class",
                // Class A0 (3GPP TS 51.011, section 9.4).
                0x9240 => "memory trouble",
                0x9400 => "no file selected",
                0x9402 => "outside the file",
                0x9408 => "command does not fit the file's structure",
                0x9802 => "no such key on the card",
                0x9808 => "in contradiction to the state of the key",
                0x9810 => "in contradiction to the invalidation of the file",
                0x9850 => "counter at its end",
                _ => "error",
            },
        }
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} ({})", self.0, self.meaning())
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What a status word asks of the one who reads it (ETSI TS 102 221, section 10.2; 3GPP TS 51.011, section 9.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusClass {
    /// Done.
    Ok,
    /// Done, and a proactive command of so many octets waits for FETCH.
    OkFetch(u8),
    /// So many octets wait for GET RESPONSE (0 stands for 256).
    GetResponse(u8),
    /// Send the command again with this Le (0 stands for 256).
    RetryLe(u8),
    /// A key was wrong, or the counter was asked for: so many tries are left.
    WrongKey(u8),
    /// The toolkit is busy.
    Busy,
    /// The key is blocked.
    Blocked,
    /// The access condition is not fulfilled.
    Denied,
    /// The file, application or key does not exist.
    Absent,
    /// Something was done, and something is odd.
    Warning,
    /// Nothing was done.
    Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases_survive_a_round_trip() {
        let select = CommandApdu::new(0x00, 0xA4, 0x00, 0x04).with_data(&[0x3F, 0x00]).unwrap();
        for apdu in [
            CommandApdu::new(0x00, 0x44, 0x00, 0x00),
            CommandApdu::new(0x00, 0xB0, 0x00, 0x00).with_le(0),
            select.clone(),
            select.with_le(0x20),
        ] {
            assert_eq!(CommandApdu::decode(&apdu.to_octets()).unwrap(), apdu);
        }
    }

    #[test]
    fn lengths_that_do_not_agree_are_refused() {
        assert!(CommandApdu::decode(&[0, 0xA4, 0]).is_err());
        assert!(CommandApdu::decode(&[0, 0xD6, 0, 0, 3, 1, 2]).is_err());
        assert!(CommandApdu::decode(&[0, 0xD6, 0, 0, 1, 1, 2, 3]).is_err());
        assert!(CommandApdu::new(0, 0xD6, 0, 0).with_data(&[0; 256]).is_err());
        assert!(ResponseApdu::decode(&[0x90]).is_err());
    }

    #[test]
    fn debug_hides_the_data() {
        let verify = CommandApdu::new(0x00, 0x20, 0x00, 0x0A).with_data(b"48151623").unwrap();
        assert_eq!(format!("{verify:?}"), "00 20 00 0A [8 octets]");
    }

    #[test]
    fn status_words_have_classes() {
        assert_eq!(StatusWord(0x6132).class(), StatusClass::GetResponse(0x32));
        assert_eq!(StatusWord(0x63C2).class(), StatusClass::WrongKey(2));
        assert_eq!(StatusWord(0x6900).class(), StatusClass::Denied);
        assert!(StatusWord(0x910B).is_ok());
        assert_eq!(StatusWord::NOT_FOUND.to_string(), "6A82 (not found)");
    }
}

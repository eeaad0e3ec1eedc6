//! The phone's end of the contact with a card: APDUs out, answers in, and what 61xx and 6Cxx ask for in between (ISO/IEC
//! 7816-3, section 12; ETSI TS 102 221, section 7.3).

use zeroize::Zeroizing;

use crate::wire::{
    Encode, Fid,
    apdu::{CommandApdu, ResponseApdu, StatusClass, StatusWord},
};

/// A card in the phone. It takes a command APDU and gives the answer with its status word, and does nothing else: the
/// phone fetches waiting answers and corrects lengths itself.
pub trait CardPort {
    /// One exchange.
    ///
    /// # Errors
    /// [`PortError`].
    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, PortError>;
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// There is no card any more.
    #[error("the card is gone")]
    Gone,
    /// The card is there and says nothing.
    #[error("the card does not answer")]
    Mute,
    /// The way to the card failed.
    #[error("no way to the card: {why}")]
    Failed {
        /// What the way says.
        why: String,
    },
}

/// Why something on the card could not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// No answer.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The card refused.
    #[error("{what}: the card answers {sw}")]
    Refused {
        /// What was asked for.
        what: String,
        /// The answer.
        sw: StatusWord,
    },
    /// The card was asked for more than a phone would bear.
    #[error("the card made the phone send {limit} commands; given up")]
    TooMany {
        /// How many were sent.
        limit: usize,
    },
}

/// Whether a command that sends data and expects some names the length that it expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// It does: block-oriented cards (T=1), and readers that convert for the others.
    WithLe,
    /// It does not: character-oriented cards (T=0) take five header octets and the data, and nothing behind it.
    WithoutLe,
}

/// A conversation with a card.
pub(super) struct Contact<'p> {
    port: &'p mut dyn CardPort,
    shape: Shape,
    class: Class,
    sent: usize,
}

/// Which commands the card understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Not known yet; 00 is tried first.
    Unknown,
    /// 00: a UICC or a token.
    Uicc,
    /// A0: a SIM or an R-UIM.
    Gsm,
}

impl<'p> Contact<'p> {
    /// The most commands in one conversation: 32 KB in blocks, several times over.
    pub(super) const MAX_COMMANDS: usize = 2000;
    /// How often an answer may go on by 61xx: a full short answer needs two.
    const MAX_CONTINUATIONS: usize = 16;

    pub(super) fn new(port: &'p mut dyn CardPort) -> Self {
        // A card that minds says 6700, and is spoken to in its own way from then on.
        Self { port, shape: Shape::WithLe, class: Class::Unknown, sent: 0 }
    }

    /// How many commands were sent.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// Which commands the card understands.
    pub(super) fn class(&self) -> Class {
        self.class
    }

    /// SELECT of a file below the present directory, or of the MF.
    pub(super) fn select(&mut self, fid: Fid) -> Result<ResponseApdu, CardError> {
        if self.class == Class::Gsm {
            return self.select_2g(fid);
        }
        let answer = self.select_by(0x00, &fid.octets())?;
        // 6E00: a card that does not know the class. Older ones say 6D00.
        let unknown = matches!(answer.sw, StatusWord::UNKNOWN_CLA | StatusWord::UNKNOWN_INS);
        if self.class == Class::Unknown && unknown {
            self.class = Class::Gsm;
            return self.select_2g(fid);
        }
        self.class = Class::Uicc;
        Ok(answer)
    }

    /// Class A0: what waits is announced by 9Fxx and fetched in the same class.
    fn select_2g(&mut self, fid: Fid) -> Result<ResponseApdu, CardError> {
        let Ok(command) = CommandApdu::new(0xA0, 0xA4, 0x00, 0x00).with_data(&fid.octets()) else {
            return Err(CardError::Refused { what: format!("SELECT {fid}"), sw: StatusWord::WRONG_DATA });
        };
        self.converse(&command)
    }

    /// SELECT of an application.
    pub(super) fn select_application(&mut self, aid: &[u8]) -> Result<ResponseApdu, CardError> {
        self.select_by(0x04, aid)
    }

    fn select_by(&mut self, p1: u8, data: &[u8]) -> Result<ResponseApdu, CardError> {
        // P2 = 04: the answer is the FCP.
        let command = CommandApdu::new(0x00, 0xA4, p1, 0x04).with_data(data);
        let Ok(command) = command else {
            return Err(CardError::Refused { what: "a name of a file".into(), sw: StatusWord::WRONG_DATA });
        };
        if self.shape == Shape::WithLe {
            let response = self.converse(&command.clone().with_le(0))?;
            if response.sw != StatusWord::WRONG_LENGTH {
                return Ok(response);
            }
            self.shape = Shape::WithoutLe;
        }
        self.converse(&command)
    }

    /// READ BINARY of the selected file.
    pub(super) fn read_binary(&mut self, offset: u16, le: u8) -> Result<ResponseApdu, CardError> {
        let [high, low] = offset.to_be_bytes();
        self.converse(&CommandApdu::new(self.cla(), 0xB0, high, low).with_le(le))
    }

    /// READ RECORD of the selected file, by number.
    pub(super) fn read_record(&mut self, number: u8, le: u8) -> Result<ResponseApdu, CardError> {
        self.converse(&CommandApdu::new(self.cla(), 0xB2, number, 0x04).with_le(le))
    }

    /// RETRIEVE DATA: a data object of the selected file with tag and length, or none (ETSI TS 102 221, section 11.3.1; 62F1 says
    /// that more of it follows).
    pub(super) fn retrieve(&mut self, tag: u8) -> Result<Option<Vec<u8>>, CardError> {
        const MAX_BLOCKS: usize = 128;
        let Ok(command) = CommandApdu::new(0x80, 0xCB, 0x00, 0x80).with_data(&[tag]) else { return Ok(None) };
        let mut answer = match self.shape {
            Shape::WithLe => self.converse(&command.clone().with_le(0))?,
            Shape::WithoutLe => self.converse(&command)?,
        };
        if answer.sw == StatusWord::WRONG_LENGTH {
            self.shape = Shape::WithoutLe;
            answer = self.converse(&command)?;
        }
        let mut octets = Vec::new();
        for _ in 0..MAX_BLOCKS {
            let more = answer.sw == StatusWord::MORE_AVAILABLE;
            if more && answer.data.is_empty() {
                // On T=0 a warning comes without its answer.
                answer = self.converse(&CommandApdu::new(0x00, 0xC0, 0x00, 0x00).with_le(0))?;
            }
            octets.append(&mut answer.data);
            if !more {
                return Ok(answer.sw.is_ok().then_some(octets));
            }
            answer = self.converse(&CommandApdu::new(0x80, 0xCB, 0x00, 0x00).with_le(0))?;
        }
        Ok(None)
    }

    /// The class octet that the card understands.
    pub(super) fn cla(&self) -> u8 {
        if self.class == Class::Gsm { 0xA0 } else { 0x00 }
    }

    /// Sends a command and follows up: at most one correction of Le, then GET RESPONSE while octets wait.
    fn converse(&mut self, command: &CommandApdu) -> Result<ResponseApdu, CardError> {
        let mut response = self.exchange(command)?;
        if let StatusClass::RetryLe(le) = response.sw.class() {
            // Once only: a card that answers 6C00 at the end of a file answers it for ever.
            response = self.exchange(&command.clone().with_le(le))?;
        }
        let mut data = Vec::new();
        for _ in 0..Self::MAX_CONTINUATIONS {
            data.append(&mut response.data);
            match response.sw.class() {
                StatusClass::GetResponse(waiting) => {
                    // The channel stays, the proprietary bit goes.
                    let cla = if command.cla() == 0xA0 { 0xA0 } else { command.cla() & 0x7F };
                    let fetch = CommandApdu::new(cla, 0xC0, 0x00, 0x00);
                    response = self.exchange(&fetch.clone().with_le(waiting))?;
                    if let StatusClass::RetryLe(le) = response.sw.class() {
                        response = self.exchange(&fetch.with_le(le))?;
                    }
                }
                _ => break,
            }
        }
        Ok(ResponseApdu { data, sw: response.sw })
    }

    /// VERIFY of CHV1 without data, which asks for its counter and costs no try: T=0 wants a fifth octet, and says 6700
    /// without it.
    pub(super) fn ask_counter(&mut self) -> Result<ResponseApdu, CardError> {
        let ask = CommandApdu::new(0x00, 0x20, 0x00, 0x01);
        if self.shape == Shape::WithLe {
            let answer = self.exchange(&ask)?;
            if answer.sw != StatusWord::WRONG_LENGTH {
                return Ok(answer);
            }
        }
        self.exchange(&ask.with_le(0))
    }

    /// One exchange, with nothing followed up.
    pub(super) fn exchange(&mut self, command: &CommandApdu) -> Result<ResponseApdu, CardError> {
        if self.sent >= Self::MAX_COMMANDS {
            return Err(CardError::TooMany { limit: Self::MAX_COMMANDS });
        }
        self.sent += 1;
        // It may be a PIN.
        let octets = Zeroizing::new(command.to_octets());
        let answer = self.port.exchange(&octets)?;
        // Fewer than two octets is how some readers say that the card was pulled.
        ResponseApdu::decode(&answer).map_err(|_| CardError::Port(PortError::Gone))
    }
}

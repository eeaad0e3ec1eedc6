//! A conversation with a card: shapes each APDU for the protocol, follows up what the card asks for, counts and traces
//! (ISO/IEC 7816-3, section 12.2; ETSI TS 102 221, sections 7.3.1 and 7.4.2).

use std::{
    fmt,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use crate::{
    ident::counted,
    wire::{
        Encode,
        apdu::{CommandApdu, ResponseApdu, StatusClass, StatusWord, instruction},
    },
};

use super::{CardTransport, KeyId, Protocol, TransportError, channel, proactive};

/// The most GET RESPONSE that one command is worth: 64 Kbyte, twice the largest file.
const MAX_FOLLOW_UPS: u32 = 256;
/// The most commands of one conversation. A whole card takes some hundred; one that gives an octet at a time would keep its reader
/// for hours.
const MAX_EXCHANGES: u32 = 10_000;
/// How often a command is sent again while the card's toolkit is busy (9300), and how long to wait before each.
const BUSY_RETRIES: u32 = 3;
/// The most octets of an answer.
const LARGEST: usize = 256;
/// The same for cards and readers that cannot count so far.
const SMALLER: usize = 255;
const BUSY_WAIT: Duration = Duration::from_millis(100);

/// An open conversation with the card in one reader.
pub struct Session<'t> {
    transport: &'t mut dyn CardTransport,
    trace: Option<TraceHook<'t>>,
    counts: ApduCounts,
    mode: Mode,
    /// The logical channel; 0 is the basic one, which is always open.
    pub(super) channel: u8,
    /// Keys that the card took since the last reset, and what their counters showed before.
    accepted: Vec<(KeyId, Option<u8>)>,
    /// The most octets that one answer is asked for.
    largest: usize,
}

/// Which commands the card is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Mode {
    /// Class 00: UICC and PKCS#15 token (ETSI TS 102 221).
    #[serde(rename = "3G")]
    ThreeG,
    /// Class A0: SIM, R-UIM, and a UICC in 2G mode (3GPP TS 51.011).
    #[serde(rename = "2G")]
    TwoG,
}

struct TraceHook<'t>(Box<dyn FnMut(&ApduTrace) + 't>);

/// How many APDUs went over the wire, by what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ApduCounts {
    /// READ BINARY, READ RECORD and RETRIEVE DATA.
    pub reads: u32,
    /// UPDATE BINARY, UPDATE RECORD and SET DATA.
    pub writes: u32,
    /// All others.
    pub others: u32,
}

impl ApduCounts {
    /// All of them.
    pub fn total(self) -> u32 {
        self.reads + self.writes + self.others
    }
}

impl fmt::Display for ApduCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [reads, writes] =
            [(self.reads, "read"), (self.writes, "write")].map(|(n, what)| counted(n, what));
        write!(f, "{reads}, {writes}, {}", counted(self.others, "other"))
    }
}

/// One exchange, without its data: that may be a key or a bootstrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApduTrace {
    /// Name of the instruction.
    pub command: &'static str,
    /// P1 and P2.
    pub parameters: (u8, u8),
    /// Octets of command data.
    pub sent: usize,
    /// Octets of answer data.
    pub received: usize,
    /// The status word; none when no answer came.
    pub sw: Option<StatusWord>,
    /// How long the reader took.
    pub took: Duration,
}

impl fmt::Display for ApduTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p1, p2) = self.parameters;
        write!(f, "{} {p1:02X} {p2:02X}: {} sent, {} received, ", self.command, self.sent, self.received)?;
        match self.sw {
            Some(sw) => write!(f, "{:04X}", sw.0),
            None => f.write_str("no answer"),
        }
    }
}

impl<'t> Session<'t> {
    /// Begins on a card that was just connected or reset: the MF is selected, no key is verified.
    pub fn new(transport: &'t mut dyn CardTransport) -> Self {
        Self {
            transport,
            trace: None,
            counts: ApduCounts::default(),
            mode: Mode::ThreeG,
            channel: 0,
            accepted: Vec::new(),
            largest: LARGEST,
        }
    }

    /// How many octets one answer may have: 256, or 255 where the card or its reader was seen not to count so far.
    pub fn largest_answer(&self) -> usize {
        self.largest
    }

    /// A command that asked for `le` octets was refused for its length. True when it may be sent again with a smaller
    /// [`Session::largest_answer`], which counts from here on.
    pub(super) fn asks_for_less(&mut self, le: usize, sw: StatusWord) -> bool {
        let too_much = sw == StatusWord::WRONG_LENGTH && le == LARGEST && self.largest == LARGEST;
        if too_much {
            self.largest = SMALLER;
        }
        too_much
    }

    /// Calls `trace` after each exchange.
    pub fn set_trace(&mut self, trace: impl FnMut(&ApduTrace) + 't) {
        self.trace = Some(TraceHook(Box::new(trace)));
    }

    /// The transport below.
    pub fn transport(&self) -> &dyn CardTransport {
        self.transport
    }

    /// Which commands the card is spoken to in.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Speaks to the card in the other class from now on. A UICC stays in the mode of its first command until it is reset.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// What went over the wire so far.
    pub fn counts(&self) -> ApduCounts {
        self.counts
    }

    /// Sends a command and follows it up until the card has said all: GET RESPONSE on 61xx and 9Fxx, the right Le once
    /// on 6Cxx, the same again while the toolkit is busy, and whatever proactive command waits behind 91xx.
    ///
    /// An answer can hold fewer octets than were asked for and still say 9000: the caller goes by lengths.
    ///
    /// # Errors
    /// [`TransportError`]; a status word that says no is not an error here.
    pub fn send(&mut self, command: &CommandApdu) -> Result<ResponseApdu, TransportError> {
        let mut response = self.with_right_le(command)?;
        for _ in 0..BUSY_RETRIES {
            if response.sw.class() != StatusClass::Busy {
                break;
            }
            std::thread::sleep(BUSY_WAIT);
            response = self.with_right_le(command)?;
        }
        let (largest, again) = (self.largest, is_read(command));
        let mut response = self.with_response_data(command, response)?;
        if self.largest != largest && again {
            // What waited is lost with the GET RESPONSE that was refused.
            response = self.with_right_le(command)?;
            response = self.with_response_data(command, response)?;
        }
        if let StatusClass::OkFetch(length) = response.sw.class() {
            proactive::drain(self, command.cla(), length)?;
            response.sw = StatusWord::OK;
        }
        Ok(response)
    }

    /// Sends a command exactly once, whatever the card says: for VERIFY, where a second sending is a second try.
    ///
    /// # Errors
    /// [`TransportError`]; the card may or may not have counted the try.
    pub fn send_once(&mut self, command: &CommandApdu) -> Result<ResponseApdu, TransportError> {
        let mut response = self.exchange(command)?;
        if let StatusClass::OkFetch(length) = response.sw.class() {
            // The command itself was done; trouble with the toolkit must not hide that.
            let _ = proactive::drain(self, command.cla(), length);
            response.sw = StatusWord::OK;
        }
        Ok(response)
    }

    /// Notes that the card took a key in this session, and what its counter showed before.
    pub(super) fn note_accepted(&mut self, key: KeyId, tries: Option<u8>) {
        self.accepted.retain(|(known, _)| *known != key);
        self.accepted.push((key, tries));
    }

    /// What the counter of a key showed before the card took it in this session; none when it did not take it.
    pub(super) fn accepted(&self, key: KeyId) -> Option<Option<u8>> {
        self.accepted.iter().find(|(known, _)| *known == key).map(|(_, tries)| *tries)
    }

    /// Resets the card, which closes its logical channels: what follows is on the basic one.
    ///
    /// # Errors
    /// [`TransportError`] when it does not come back.
    pub fn reset(&mut self) -> Result<(), TransportError> {
        self.channel = channel::BASIC;
        self.accepted.clear();
        self.transport.reset()
    }

    fn with_right_le(&mut self, command: &CommandApdu) -> Result<ResponseApdu, TransportError> {
        let response = self.exchange(command)?;
        // Once only: a card at the end of a file was seen to answer 6C00 for ever.
        match response.sw.class() {
            StatusClass::RetryLe(le) => self.exchange(&command.clone().with_le(le)),
            _ => Ok(response),
        }
    }

    fn with_response_data(
        &mut self,
        command: &CommandApdu,
        mut response: ResponseApdu,
    ) -> Result<ResponseApdu, TransportError> {
        let cla = response_class(command.cla());
        self.fetch_waiting(cla, &mut response)?;
        // On T=0 a warning to a command with data and answer comes without its answer; on T=1 it does so from cards that have every
        // answer fetched. A card that has none refuses.
        let case_4 = !command.data().is_empty() && command.le().is_some();
        let warned = response.sw.class() == StatusClass::Warning && response.data.is_empty();
        if case_4 && warned {
            let mut more = self.get_response(cla, 0)?;
            self.fetch_waiting(cla, &mut more)?;
            if more.sw.is_ok() || more.sw.class() == StatusClass::Warning {
                response.data = more.data;
            }
        }
        Ok(response)
    }

    /// Fetches what waits behind 61xx and 9Fxx.
    fn fetch_waiting(&mut self, cla: u8, response: &mut ResponseApdu) -> Result<(), TransportError> {
        for _ in 0..MAX_FOLLOW_UPS {
            let StatusClass::GetResponse(length) = response.sw.class() else { break };
            let le = if length == 0 { self.largest } else { usize::from(length) };
            let more = self.get_response(cla, length)?;
            // Asked here alone: elsewhere a refusal may as well say that nothing waits.
            self.asks_for_less(le, more.sw);
            response.data.extend_from_slice(&more.data);
            response.sw = more.sw;
        }
        Ok(())
    }

    /// GET RESPONSE of so many octets as wait (00: 256 or more), as far as one answer holds them.
    fn get_response(&mut self, cla: u8, length: u8) -> Result<ResponseApdu, TransportError> {
        let le = if length == 0 { self.largest } else { usize::from(length) };
        let command = CommandApdu::new(cla, 0xC0, 0x00, 0x00).with_le(u8::try_from(le).unwrap_or(0));
        self.with_right_le(&command)
    }

    /// One exchange, nothing followed up.
    pub(super) fn exchange(&mut self, command: &CommandApdu) -> Result<ResponseApdu, TransportError> {
        // Commands are written in the class of a UICC on its basic channel; class A0 has the same instructions and no
        // channels.
        let in_class;
        let command = match self.mode {
            Mode::ThreeG if self.channel == channel::BASIC => command,
            Mode::ThreeG => {
                in_class = command.clone().with_class(channel::class(command.cla(), self.channel));
                &in_class
            }
            Mode::TwoG => {
                in_class = command.clone().with_class(0xA0);
                &in_class
            }
        };
        if self.counts.total() >= MAX_EXCHANGES {
            let reader = self.transport.reader().clone();
            let why =
                format!("the card was given {MAX_EXCHANGES} commands and is not done; it may be defective");
            return Err(TransportError::Reader { reader, why });
        }
        let octets = shape(command, self.transport.protocol());
        match command.ins() {
            0xB0 | 0xB2 | 0xCB => self.counts.reads += 1,
            0xD6 | 0xDB | 0xDC => self.counts.writes += 1,
            _ => self.counts.others += 1,
        }
        let start = Instant::now();
        let answer = self.transport.exchange(&octets).and_then(|answer| {
            // Some readers report success with nothing in it when the card was pulled.
            let gone = TransportError::CardGone { reader: self.transport.reader().clone() };
            ResponseApdu::decode(&answer).map_err(|_| gone)
        });
        if let Some(TraceHook(trace)) = &mut self.trace {
            trace(&ApduTrace {
                command: instruction(command.ins()),
                parameters: (command.p1(), command.p2()),
                sent: command.data().len(),
                received: answer.as_ref().map_or(0, |a| a.data.len()),
                sw: answer.as_ref().ok().map(|a| a.sw),
                took: start.elapsed(),
            });
        }
        answer
    }
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reader = self.transport.reader();
        f.debug_struct("Session")
            .field("reader", reader)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// The octets for the protocol. T=0 has always five header octets: a command without data and answer carries P3 = 00, and
/// one with both leaves its Le away. T=1 takes an APDU as it is.
fn shape(command: &CommandApdu, protocol: Protocol) -> Zeroizing<Vec<u8>> {
    let mut octets = Zeroizing::new(command.to_octets());
    if protocol == Protocol::T0 {
        match (command.data().is_empty(), command.le()) {
            (true, None) => octets.push(0x00),
            (false, Some(_)) => {
                octets.pop();
            }
            _ => {}
        }
    }
    octets
}

/// Whether a command changes nothing, so that it may be sent twice.
fn is_read(command: &CommandApdu) -> bool {
    match command.ins() {
        0xA4 | 0xB0 | 0xB2 | 0xF2 => true,
        // RETRIEVE DATA: sent again, one for the next block would skip it (TS 102 221, section 11.3.1).
        0xCB => command.p2() & 0x80 != 0,
        _ => false,
    }
}

/// The class of GET RESPONSE for a command: the channel stays, the proprietary bit goes (TS 102 221, table 10.5,
/// remembered); class A0 stays.
fn response_class(cla: u8) -> u8 {
    match cla & 0xF0 {
        0x80 | 0xC0 | 0xE0 => cla & 0x7F,
        _ => cla,
    }
}

#[cfg(test)]
mod tests;

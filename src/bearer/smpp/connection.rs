//! One connection to an SMSC, as a machine: the bind and its end, sequence numbers, the window, enquire_link
//! (SMPP 3.4, sections 2.2 to 2.9 and 4.1 to 4.3, 4.11).
//!
//! | state     | input                   | becomes   | and                                             |
//! |-----------|-------------------------|-----------|-------------------------------------------------|
//! | Waiting   | its time has come       | Opening   | asks for a connection                           |
//! | Opening   | connected               | Binding   | bind_*                                          |
//! | Binding   | bind_*_resp, status 0   | Bound     | submissions may go                              |
//! | Binding   | bind_*_resp, other      | Waiting   | closes; longer when the credentials are refused |
//! | Bound     | silence                 | Bound     | enquire_link                                    |
//! | Bound     | unbind                  | Waiting   | unbind_resp, closes                             |
//! | Bound     | 04h, then all answered  | Waiting   | closes                                          |
//! | Bound     | told to stop            | Unbinding | unbind                                          |
//! | Unbinding | unbind_resp, or time up | Ended     | closes                                          |
//! | any       | broken, or no answer    | Waiting   | what had no answer is in doubt                  |

use std::{collections::BTreeMap, time::Duration};

use bytes::BytesMut;
use rusmpp::{
    Pdu,
    pdus::{BindReceiver, BindTransceiver, BindTransmitter, DataSmResp, DeliverSmResp},
    types::COctetString,
    values::{InterfaceVersion, Npi, Ton},
};

use super::{
    LinkSettings,
    codec::{Body, Incoming, Stream, encode},
    flight::Submission,
    receipts::{self, Report},
};
use crate::wire::smpp::{Command, CommandStatus};

/// Messages of the SMSC that may wait to be answered; further ones are put off.
const DELIVERIES: usize = 4_096;

/// Which bind a connection makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Transceiver,
    Transmitter,
    Receiver,
}

/// What came of what the SMSC sent, and of time.
#[derive(Debug)]
pub(super) enum Heard {
    /// The bind stands.
    Bound,
    /// The bind was refused.
    Refused(CommandStatus),
    /// A segment has its answer; without an id when the SMSC gave none that can be read.
    Answer { submission: Submission, status: CommandStatus, message: Option<String> },
    /// A segment has none in time.
    Silent(Submission),
    /// A receipt, to be answered with [`Connection::taken`].
    Receipt { report: Report, sequence: u32 },
    /// The connection is of no use any more.
    Broken(&'static str),
    /// It was closed as it was told to.
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting { until: Duration },
    Opening,
    Binding { sequence: u32, until: Duration },
    Bound,
    Unbinding { until: Duration },
    Ended,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    role: Role,
    state: State,
    sequence: u32,
    /// Submissions without an answer, by sequence number, and when the answer is due.
    window: BTreeMap<u32, (Submission, Duration)>,
    /// Messages of the SMSC without an answer of ours.
    deliveries: BTreeMap<u32, Command>,
    stream: Stream,
    out: BytesMut,
    /// When the SMSC was heard last.
    heard: Duration,
    /// When the answer to an enquire_link is due.
    enquiry: Option<Duration>,
    /// How often in a row it broke.
    failures: u32,
    /// The SMSC says that this bind may not send.
    barred: bool,
}

impl Connection {
    /// One that opens at `at`.
    pub(super) fn new(role: Role, at: Duration) -> Self {
        Self {
            role,
            state: State::Waiting { until: at },
            sequence: 0,
            window: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            stream: Stream::default(),
            out: BytesMut::new(),
            heard: at,
            enquiry: None,
            failures: 0,
            barred: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// True for one that submissions can go over.
    pub(super) fn transmits(&self) -> bool {
        self.state == State::Bound && self.role != Role::Receiver && !self.barred
    }

    /// Sends nothing more, and breaks once nothing waits for an answer: broken at once, it would put that in doubt.
    pub(super) fn bar(&mut self) {
        self.barred = true;
    }

    /// How many submissions have no answer.
    pub(super) fn outstanding(&self) -> usize {
        self.window.len()
    }

    /// How often in a row it broke.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// What is to be written.
    pub(super) fn output(&mut self) -> BytesMut {
        self.out.split()
    }

    /// When it wants to be looked at again, at the latest.
    pub(super) fn due(&self, settings: &LinkSettings) -> Option<Duration> {
        let submission = self.window.first_key_value().map(|(_, (_, due))| *due);
        match self.state {
            State::Waiting { until } | State::Binding { until, .. } | State::Unbinding { until } => {
                Some(until)
            }
            State::Bound => {
                let enquire = self.enquiry.unwrap_or(self.heard + settings.pace.enquire_link);
                Some(submission.map_or(enquire, |due| due.min(enquire)))
            }
            State::Opening | State::Ended => None,
        }
    }

    /// True when it is time to open it; then it counts as opening.
    pub(super) fn wants_to_open(&mut self, now: Duration) -> bool {
        let due = matches!(self.state, State::Waiting { until } if until <= now);
        if due {
            self.state = State::Opening;
        }
        due
    }

    /// It stands: binds.
    pub(super) fn opened(&mut self, settings: &LinkSettings, now: Duration) {
        if self.state != State::Opening {
            return;
        }
        (self.sequence, self.stream, self.enquiry, self.heard) = (0, Stream::default(), None, now);
        self.barred = false;
        let _ = self.out.split();
        let sequence = self.next_sequence();
        self.state = State::Binding { sequence, until: now + settings.pace.response_timeout };
        if let Some(bind) = bind(self.role, settings) {
            encode(CommandStatus::OK, sequence, bind, &mut self.out);
        }
    }

    /// It is gone, or could not be opened: what had no answer is in doubt. It opens again after `pause`.
    pub(super) fn lost(&mut self, now: Duration, pause: Duration) -> Vec<Submission> {
        if self.state != State::Ended {
            self.state = State::Waiting { until: now + pause };
            self.failures = self.failures.saturating_add(1);
        }
        let _ = self.out.split();
        self.deliveries.clear();
        std::mem::take(&mut self.window).into_values().map(|(submission, _)| submission).collect()
    }

    /// Sends a segment.
    pub(super) fn submit(&mut self, submission: Submission, pdu: Pdu, due: Duration) {
        let sequence = self.next_sequence();
        self.window.insert(sequence, (submission, due));
        encode(CommandStatus::OK, sequence, pdu, &mut self.out);
    }

    /// Says goodbye, or just closes where there is no bind.
    pub(super) fn stop(&mut self, settings: &LinkSettings, now: Duration, heard: &mut Vec<Heard>) {
        match self.state {
            State::Bound => {
                let sequence = self.next_sequence();
                encode(CommandStatus::OK, sequence, Pdu::Unbind, &mut self.out);
                self.state = State::Unbinding { until: now + settings.pace.response_timeout.min(GOODBYE) };
            }
            State::Ended | State::Unbinding { .. } => {}
            State::Waiting { .. } | State::Opening | State::Binding { .. } => {
                self.state = State::Ended;
                heard.push(Heard::Ended);
            }
        }
    }

    /// A receipt was kept: tells the SMSC.
    pub(super) fn taken(&mut self, sequence: u32) {
        if let Some(command) = self.deliveries.remove(&sequence) {
            self.answer_delivery(command, sequence, CommandStatus::OK);
        }
    }

    /// Octets came.
    pub(super) fn octets(&mut self, octets: &[u8], now: Duration, heard: &mut Vec<Heard>) {
        if matches!(self.state, State::Waiting { .. } | State::Opening | State::Ended) {
            return;
        }
        self.stream.push(octets);
        self.heard = now;
        loop {
            match self.stream.next_pdu() {
                Ok(Some(incoming)) => self.pdu(incoming, heard),
                Ok(None) => return,
                Err(_) => {
                    encode(CommandStatus::INVALID_LENGTH, 0, Pdu::GenericNack, &mut self.out);
                    return heard.push(Heard::Broken("it sent a PDU of a length that cannot be"));
                }
            }
            if matches!(self.state, State::Waiting { .. } | State::Ended) {
                return;
            }
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, settings: &LinkSettings, now: Duration, heard: &mut Vec<Heard>) {
        match self.state {
            State::Binding { until, .. } if until <= now => {
                return heard.push(Heard::Broken("it did not answer the bind in time"));
            }
            State::Unbinding { until } if until <= now => {
                self.state = State::Ended;
                return heard.push(Heard::Ended);
            }
            State::Bound => {}
            _ => return,
        }
        if self.enquiry.is_some_and(|due| due <= now) {
            return heard.push(Heard::Broken("it did not answer enquire_link in time"));
        }
        if self.enquiry.is_none() && self.heard + settings.pace.enquire_link <= now {
            let sequence = self.next_sequence();
            encode(CommandStatus::OK, sequence, Pdu::EnquireLink, &mut self.out);
            self.enquiry = Some(now + settings.pace.response_timeout);
        }
        while let Some(entry) = self.window.first_entry().filter(|entry| entry.get().1 <= now) {
            heard.push(Heard::Silent(entry.remove().0));
        }
        if self.barred && self.window.is_empty() {
            heard.push(Heard::Broken("it says that the bind may not send"));
        }
    }

    fn pdu(&mut self, incoming: Incoming, heard: &mut Vec<Heard>) {
        // Whatever it is: the SMSC lives.
        self.enquiry = None;
        let Incoming { header, body } = incoming;
        let (status, sequence) = (header.status, header.sequence);
        match header.command {
            command if command.is_response() => self.response(command, status, sequence, body, heard),
            Command::ENQUIRE_LINK => encode(CommandStatus::OK, sequence, Pdu::EnquireLinkResp, &mut self.out),
            Command::UNBIND => {
                encode(CommandStatus::OK, sequence, Pdu::UnbindResp, &mut self.out);
                heard.push(Heard::Broken("it ended the bind"));
            }
            Command::DELIVER_SM | Command::DATA_SM => self.delivery(header.command, sequence, body, heard),
            Command::ALERT_NOTIFICATION | Command::OUTBIND => {}
            _ => encode(CommandStatus::INVALID_COMMAND, sequence, Pdu::GenericNack, &mut self.out),
        }
    }

    fn response(
        &mut self,
        command: Command,
        status: CommandStatus,
        sequence: u32,
        body: Body,
        heard: &mut Vec<Heard>,
    ) {
        match self.state {
            State::Binding { sequence: own, .. } if own == sequence => {
                if status.is_ok() && command != Command::GENERIC_NACK {
                    self.state = State::Bound;
                    heard.push(Heard::Bound);
                } else {
                    heard.push(Heard::Refused(status));
                }
            }
            State::Unbinding { .. } if command == Command::UNBIND.response() => {
                self.state = State::Ended;
                heard.push(Heard::Ended);
            }
            _ => {
                let Some((submission, _)) = self.window.remove(&sequence) else { return };
                if status.is_ok() && command == Command::GENERIC_NACK {
                    // A refusal that does not say why.
                    let status = CommandStatus::INVALID_COMMAND;
                    return heard.push(Heard::Answer { submission, status, message: None });
                }
                if status.is_ok() {
                    self.failures = 0;
                }
                let message = match body {
                    Body::Pdu(pdu) => match *pdu {
                        Pdu::SubmitSmResp(resp) => {
                            Some(resp.message_id().to_string()).filter(|id| !id.is_empty())
                        }
                        _ => None,
                    },
                    Body::None | Body::Unreadable => None,
                };
                heard.push(Heard::Answer { submission, status, message });
            }
        }
    }

    fn delivery(&mut self, command: Command, sequence: u32, body: Body, heard: &mut Vec<Heard>) {
        if self.role == Role::Transmitter || !matches!(self.state, State::Bound | State::Unbinding { .. }) {
            return self.answer_delivery(command, sequence, CommandStatus::INVALID_BIND_STATUS);
        }
        let Body::Pdu(pdu) = body else {
            return encode(CommandStatus::INVALID_LENGTH, sequence, Pdu::GenericNack, &mut self.out);
        };
        match receipts::report(&pdu) {
            // Nobody here reads messages of devices; taking them keeps the SMSC from sending them for ever.
            None => self.answer_delivery(command, sequence, CommandStatus::OK),
            Some(_) if self.deliveries.len() >= DELIVERIES => {
                self.answer_delivery(command, sequence, CommandStatus::QUEUE_FULL);
            }
            Some(report) => {
                self.deliveries.insert(sequence, command);
                heard.push(Heard::Receipt { report, sequence });
            }
        }
    }

    fn answer_delivery(&mut self, command: Command, sequence: u32, status: CommandStatus) {
        let message = COctetString::empty();
        let pdu = if command == Command::DATA_SM {
            Pdu::DataSmResp(DataSmResp::new(message, Vec::new()))
        } else {
            Pdu::DeliverSmResp(DeliverSmResp::new(message, Vec::new()))
        };
        encode(status, sequence, pdu, &mut self.out);
    }

    /// 1 to 7FFFFFFFh (SMPP 3.4, section 3.2).
    fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence >= 0x7FFF_FFFF { 1 } else { self.sequence + 1 };
        self.sequence
    }
}

/// How long an SMSC may take to answer an unbind.
const GOODBYE: Duration = Duration::from_secs(2);

/// The bind; none when the credentials do not fit, which their type rules out.
fn bind(role: Role, settings: &LinkSettings) -> Option<Pdu> {
    let credentials = &settings.credentials;
    let system_id = COctetString::from_string(credentials.system_id().to_owned()).ok()?;
    let password = COctetString::from_string(credentials.password().to_owned()).ok()?;
    let system_type = COctetString::from_string(credentials.system_type().to_owned()).ok()?;
    let (version, ton, npi) = (InterfaceVersion::Smpp3_4, Ton::Unknown, Npi::Unknown);
    let range = COctetString::empty();
    Some(match role {
        Role::Transceiver => {
            BindTransceiver::new(system_id, password, system_type, version, ton, npi, range).into()
        }
        Role::Transmitter => {
            BindTransmitter::new(system_id, password, system_type, version, ton, npi, range).into()
        }
        Role::Receiver => {
            BindReceiver::new(system_id, password, system_type, version, ton, npi, range).into()
        }
    })
}

//! One connection to a virtual SMSC.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use bytes::BytesMut;
use rusmpp::{
    Pdu,
    pdus::{BindReceiverResp, BindTransceiverResp, BindTransmitterResp, DeliverSm, SubmitSm, SubmitSmResp},
    tlvs::MessageDeliveryRequestTlvValue as Tlv,
    types::{COctetString, EmptyOrFullCOctetString, OctetString},
    values::{
        DataCoding, EsmClass, InterfaceVersion, MessageState as CodecState, Npi, PriorityFlag,
        RegisteredDelivery, ReplaceIfPresentFlag, ServiceType, Ton,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::{Received, Shared, behaviour::ReceiptForm, book, book::Owed};
use crate::{
    bearer::smpp::{Body, Incoming, Stream, encode},
    wire::smpp::{Command, CommandStatus},
};

/// Receipts without an answer.
const WINDOW: usize = 100;

/// How long answers that are to be sent in another order are held back at most.
const HELD: Duration = Duration::from_millis(20);

/// How long a peer may take to bind, and to read what is written.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(stream: TcpStream, shared: Arc<Shared>) {
    let mut session = Session {
        shared,
        bound: None,
        out: BytesMut::new(),
        sequence: 0,
        unanswered: BTreeMap::new(),
        held: Vec::new(),
        submissions: 0,
        ends: false,
    };
    let _ = session.serve(stream).await;
    let rest = std::mem::take(&mut session.unanswered).into_values();
    session.shared.book().again(rest);
    session.shared.receipts.notify_waiters();
}

struct Session {
    shared: Arc<Shared>,
    bound: Option<Bound>,
    out: BytesMut,
    sequence: u32,
    /// Receipts that were sent, by sequence number.
    unanswered: BTreeMap<u32, Owed>,
    /// Answers that are held back.
    held: Vec<BytesMut>,
    submissions: u32,
    /// The connection is to be closed once all is written.
    ends: bool,
}

struct Bound {
    system_id: String,
    sends: bool,
    receives: bool,
}

impl Session {
    async fn serve(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (mut reader, mut writer) = stream.into_split();
        let (mut cut, mut buffer) = (Stream::default(), BytesMut::with_capacity(16 * 1024));
        let shared = Arc::clone(&self.shared);
        loop {
            let came_up = shared.receipts.notified();
            let wait = self.receipts();
            if !self.out.is_empty() {
                tokio::time::timeout(PATIENCE, writer.write_all_buf(&mut self.out)).await??;
            }
            if self.ends {
                return writer.shutdown().await;
            }
            let wait = if self.held.is_empty() { wait } else { wait.min(HELD) };
            tokio::select! {
                read = reader.read_buf(&mut buffer) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    cut.push(&buffer.split());
                    while let Some(incoming) = cut.next_pdu().map_err(io::Error::other)? {
                        self.pdu(incoming).await;
                    }
                }
                () = came_up => {}
                () = tokio::time::sleep(wait) => self.release(),
            }
        }
    }

    async fn pdu(&mut self, incoming: Incoming) {
        let Incoming { header, body } = incoming;
        let sequence = header.sequence;
        match (header.command, body) {
            (Command::ENQUIRE_LINK, _) => self.answer(CommandStatus::OK, sequence, Pdu::EnquireLinkResp),
            (Command::UNBIND, _) => {
                self.release();
                self.answer(CommandStatus::OK, sequence, Pdu::UnbindResp);
                self.ends = true;
            }
            (
                Command::BIND_TRANSCEIVER | Command::BIND_TRANSMITTER | Command::BIND_RECEIVER,
                Body::Pdu(pdu),
            ) => {
                self.bind(sequence, &pdu);
            }
            (Command::SUBMIT_SM, Body::Pdu(pdu)) => {
                if let Pdu::SubmitSm(submit) = &*pdu {
                    self.submit(sequence, submit).await;
                }
            }
            (command, _) if command.is_response() => {
                // A refused receipt is sent again later, as a real SMSC does.
                if let Some(owed) = self.unanswered.remove(&sequence) {
                    if header.status.is_ok() {
                        self.shared.book().settled();
                    } else {
                        self.shared.book().again([Owed { at: Instant::now() + HELD, ..owed }]);
                    }
                }
            }
            (_, Body::Unreadable) => self.answer(CommandStatus::INVALID_LENGTH, sequence, Pdu::GenericNack),
            _ => self.answer(CommandStatus::INVALID_COMMAND, sequence, Pdu::GenericNack),
        }
    }

    fn bind(&mut self, sequence: u32, pdu: &Pdu) {
        let (system_id, password) = match pdu {
            Pdu::BindTransceiver(bind) => (&bind.system_id, &bind.password),
            Pdu::BindTransmitter(bind) => (&bind.system_id, &bind.password),
            Pdu::BindReceiver(bind) => (&bind.system_id, &bind.password),
            _ => return,
        };
        let status = match &self.shared.behaviour.account {
            _ if self.bound.is_some() => CommandStatus::ALREADY_BOUND,
            Some((own, _)) if *own != system_id.as_str() => CommandStatus::INVALID_SYSTEM_ID,
            Some((_, own)) if *own != password.as_str() => CommandStatus::INVALID_PASSWORD,
            _ => CommandStatus::OK,
        };
        if status.is_ok() {
            self.bound = Some(Bound {
                system_id: system_id.to_string(),
                sends: !matches!(pdu, Pdu::BindReceiver(_)),
                receives: !matches!(pdu, Pdu::BindTransmitter(_)),
            });
        }
        let name = COctetString::from_static_slice(b"bootgate lab\0").unwrap_or_default();
        let version = Some(InterfaceVersion::Smpp3_4);
        let response = match pdu {
            Pdu::BindTransceiver(_) => Pdu::BindTransceiverResp(BindTransceiverResp::new(name, version)),
            Pdu::BindTransmitter(_) => Pdu::BindTransmitterResp(BindTransmitterResp::new(name, version)),
            _ => Pdu::BindReceiverResp(BindReceiverResp::new(name, version)),
        };
        self.answer(status, sequence, response);
    }

    async fn submit(&mut self, sequence: u32, pdu: &SubmitSm) {
        let Some(bound) = self.bound.as_ref().filter(|bound| bound.sends) else {
            return self.respond(CommandStatus::INVALID_BIND_STATUS, sequence, String::new());
        };
        let system_id = bound.system_id.clone();
        let faults = self.shared.behaviour.faults;
        let refusal = {
            let mut book = self.shared.book();
            if book.chance(faults.throttle) {
                book.happened.throttled += 1;
                Some(CommandStatus::THROTTLED)
            } else {
                let refusal = faults.refuse.filter(|(n, _)| book.chance(*n));
                book.happened.refused += u64::from(refusal.is_some());
                refusal.map(|(_, status)| status)
            }
        };
        if let Some(status) = refusal {
            return self.respond(status, sequence, String::new());
        }
        let number = self.shared.book().next();
        let id = book::id(self.shared.behaviour.ids, number);
        let reference = u16::try_from(number & 0xFFFF).unwrap_or(0);
        let Ok(received) = Received::of(pdu, id.clone(), reference) else {
            return self.respond(CommandStatus(0x45), sequence, String::new());
        };
        self.owe(system_id, number, pdu);
        // Nobody listens: the messages are forgotten.
        let _ = self.shared.received.send(received).await;
        self.submissions += 1;
        if faults.disconnect > 0 && self.submissions >= faults.disconnect {
            self.shared.book().happened.disconnected += u64::from(!std::mem::replace(&mut self.ends, true));
            return;
        }
        {
            let mut book = self.shared.book();
            if book.chance(faults.lose_answer) {
                book.happened.answers_lost += 1;
                return;
            }
        }
        self.respond(CommandStatus::OK, sequence, id);
    }

    fn owe(&self, system_id: String, number: u64, pdu: &SubmitSm) {
        let asked = u8::from(pdu.registered_delivery) & 0x03;
        let Some(receipts) = self.shared.behaviour.receipts.as_ref().filter(|_| asked != 0) else { return };
        let owed = Owed {
            system_id,
            number,
            source: pdu.source_addr.to_string(),
            destination: pdu.destination_addr.to_string(),
            state: receipts.state,
            at: Instant::now() + receipts.delay,
        };
        let mut book = self.shared.book();
        let twice = book.chance(self.shared.behaviour.faults.duplicate);
        book.happened.receipts_doubled += u64::from(twice);
        book.owe(owed.clone());
        if twice {
            book.owe(owed);
        }
        drop(book);
        self.shared.receipts.notify_waiters();
    }

    /// Sends receipts that are due, and says how long until more may be.
    fn receipts(&mut self) -> Duration {
        let Some(system_id) = self.bound.as_ref().filter(|b| b.receives).map(|b| b.system_id.clone()) else {
            return PATIENCE;
        };
        while self.unanswered.len() < WINDOW && !self.ends {
            let due = self.shared.book().due(&system_id, Instant::now());
            match due {
                Ok(owed) => {
                    self.sequence = self.sequence % 0x7FFF_FFFF + 1;
                    if let Some(pdu) = self.deliver(&owed) {
                        encode(CommandStatus::OK, self.sequence, pdu, &mut self.out);
                    }
                    self.unanswered.insert(self.sequence, owed);
                }
                Err(wait) => return wait.unwrap_or(PATIENCE),
            }
        }
        PATIENCE
    }

    fn deliver(&self, owed: &Owed) -> Option<Pdu> {
        let receipts = self.shared.behaviour.receipts.as_ref()?;
        let id = book::id(receipts.ids, owed.number);
        let word = owed.state.word();
        let text = format!(
            "id:{id} sub:001 dlvrd:001 submit date:2611260000 done date:2611260000 stat:{word} err:000 text:"
        );
        let text = if receipts.form == ReceiptForm::Tlv { String::new() } else { text };
        let tlvs = if receipts.form == ReceiptForm::Text {
            Vec::new()
        } else {
            vec![
                Tlv::ReceiptedMessageId(COctetString::from_string(id).ok()?),
                Tlv::MessageState(CodecState::from(owed.state.octet())),
            ]
        };
        Some(Pdu::DeliverSm(DeliverSm::new(
            ServiceType::default(),
            Ton::International,
            Npi::Isdn,
            COctetString::from_string(owed.destination.clone()).ok()?,
            Ton::Unknown,
            Npi::Unknown,
            COctetString::from_string(owed.source.clone()).ok()?,
            EsmClass::from(0x04),
            0,
            PriorityFlag::new(0),
            EmptyOrFullCOctetString::empty(),
            EmptyOrFullCOctetString::empty(),
            RegisteredDelivery::from(0),
            ReplaceIfPresentFlag::DoNotReplace,
            DataCoding::from(0),
            0,
            OctetString::from_vec(text.into_bytes()).ok()?,
            tlvs,
        )))
    }

    /// Answers a submission; in another order when that is what it does.
    fn respond(&mut self, status: CommandStatus, sequence: u32, id: String) {
        let mut out = BytesMut::new();
        let id = COctetString::from_string(id).unwrap_or_default();
        encode(status, sequence, Pdu::SubmitSmResp(SubmitSmResp::new(id, Vec::new())), &mut out);
        self.held.push(out);
        let most = usize::try_from(self.shared.behaviour.faults.reorder).unwrap_or(usize::MAX);
        if self.held.len() >= most {
            self.release();
        }
    }

    /// Sends the answers that were held back, in an order drawn by lot.
    fn release(&mut self) {
        while !self.held.is_empty() {
            let most = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
            let at = if most > 1 { self.shared.book().below(most) } else { 0 };
            self.shared.book().happened.answers_mixed += u64::from(at > 0);
            let answer = self.held.swap_remove(usize::try_from(at).unwrap_or(0));
            self.out.extend_from_slice(&answer);
        }
    }

    fn answer(&mut self, status: CommandStatus, sequence: u32, pdu: Pdu) {
        encode(status, sequence, pdu, &mut self.out);
    }
}

//! A message that a virtual SMSC took.

use rusmpp::{
    pdus::SubmitSm,
    tlvs::{Tlv, TlvValue},
};

use crate::wire::{
    DecodeError, Encode as _,
    sms::{Address, Alphabet, Dcs, Deliver, Pid, SmsTime, TypeOfAddress, UserData, UserDataError, text_of},
    wdp::{Concatenation, Ports, Reference, Segment, Udh, split},
};

/// Types of address (3GPP TS 23.040, section 9.1.2.5).
const INTERNATIONAL: u8 = 0x91;
const ALPHANUMERIC: u8 = 0xD0;

/// A message that a virtual SMSC took, in the form in which it goes to a device: however ports and segments were told.
/// `Debug` shows neither numbers nor data.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// What the SMSC calls it, as in the submit response.
    pub id: String,
    /// Who sent it.
    pub source: String,
    /// For whom it is.
    pub destination: String,
    /// `source_addr_ton` and `source_addr_npi`
    pub source_numbering: (u8, u8),
    /// `dest_addr_ton` and `dest_addr_npi`
    pub destination_numbering: (u8, u8),
    /// `data_coding`
    pub data_coding: u8,
    /// `esm_class`
    pub esm_class: u8,
    /// `registered_delivery`
    pub registered_delivery: u8,
    /// `validity_period`, empty when it was not given.
    pub validity_period: String,
    /// `priority_flag`
    pub priority: u8,
    /// What goes to the device: one message, or those that message_payload is cut into.
    pub segments: Vec<Segment>,
}

impl Received {
    /// Reads a submission.
    ///
    /// # Errors
    /// [`DecodeError`] of the user data header.
    pub(super) fn of(pdu: &SubmitSm, id: String, number: u16) -> Result<Self, DecodeError> {
        let esm_class = u8::from(pdu.esm_class);
        let mut parameters = Parameters::default();
        pdu.tlvs().iter().filter_map(Tlv::value).for_each(|value| parameters.take(value));
        let octets = pdu.short_message().as_ref();
        let segments = match (&parameters.payload, parameters.ports()) {
            (Some(payload), Some(ports)) => {
                split(ports, Reference::Long(number), u8::MAX, payload).map_err(|_| DecodeError::Limit {
                    what: "message_payload",
                    at: 0,
                    got: payload.len(),
                    limit: 255 * 127,
                })?
            }
            (Some(payload), None) if esm_class & 0x40 != 0 => vec![Segment::decode(payload)?],
            (None, _) if esm_class & 0x40 != 0 => vec![Segment::decode(octets)?],
            (payload, Some(ports)) => {
                let udh = Udh::of(ports, parameters.concatenation());
                vec![Segment { udh, data: payload.as_deref().unwrap_or(octets).to_vec() }]
            }
            (payload, None) => {
                let data = payload.as_deref().unwrap_or(octets).to_vec();
                vec![Segment { udh: Udh::new(Vec::new())?, data }]
            }
        };
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).trim_end_matches('\0').to_owned();
        Ok(Self {
            id,
            source: pdu.source_addr.to_string(),
            destination: pdu.destination_addr.to_string(),
            source_numbering: (u8::from(pdu.source_addr_ton), u8::from(pdu.source_addr_npi)),
            destination_numbering: (u8::from(pdu.dest_addr_ton), u8::from(pdu.dest_addr_npi)),
            data_coding: u8::from(pdu.data_coding),
            esm_class,
            registered_delivery: u8::from(pdu.registered_delivery),
            validity_period: text(pdu.validity_period.as_ref()),
            priority: u8::from(pdu.priority_flag),
            segments,
        })
    }
}

impl Received {
    /// The text that a device shows; none for data, and for what has a header.
    pub fn text(&self) -> Option<String> {
        let [Segment { udh, data }] = self.segments.as_slice() else { return None };
        if !udh.elements().is_empty() {
            return None;
        }
        match Dcs(self.data_coding).alphabet() {
            Alphabet::Default => Some(text_of(data)),
            Alphabet::Ucs2 => {
                let (pairs, _) = data.as_chunks::<2>();
                let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
                Some(String::from_utf16_lossy(&units))
            }
            _ => None,
        }
    }

    /// User data of a segment, as it comes over the air.
    ///
    /// # Errors
    /// [`UserDataError`] of what no short message holds.
    pub fn user_data(&self, segment: &Segment) -> Result<UserData, UserDataError> {
        let dcs = Dcs(self.data_coding);
        let udh = Some(segment.udh.clone()).filter(|udh| !udh.elements().is_empty());
        match dcs.alphabet() {
            // SMPP carries a septet in each octet.
            Alphabet::Default => UserData::septets(dcs, udh, segment.data.clone()),
            _ => UserData::octets(dcs, udh, segment.data.clone()),
        }
    }

    /// What the device gets, for each segment an SMS-DELIVER, as a modem shows it: the length of the centre's address, which is
    /// left out, stands before it. What no short message holds is left out.
    pub fn delivered(&self, at: SmsTime) -> Vec<Vec<u8>> {
        let is_number = !self.source.is_empty() && self.source.bytes().all(|b| b.is_ascii_digit());
        let kind = TypeOfAddress(if is_number { INTERNATIONAL } else { ALPHANUMERIC });
        let Ok(originator) = Address::new(kind, &self.source) else { return Vec::new() };
        let deliver = |segment| {
            let deliver = Deliver {
                more_messages: false,
                loop_prevention: false,
                status_report: false,
                reply_path: false,
                originator: originator.clone(),
                pid: Pid(0),
                time: at,
                user_data: self.user_data(segment).ok()?,
            };
            Some([vec![0], deliver.to_octets()].concat())
        };
        self.segments.iter().filter_map(deliver).collect()
    }
}

/// The parameters that tell ports and segments.
#[derive(Default)]
struct Parameters {
    payload: Option<Vec<u8>>,
    source: Option<u16>,
    destination: Option<u16>,
    reference: Option<u16>,
    total: Option<u8>,
    sequence: Option<u8>,
}

impl Parameters {
    fn take(&mut self, value: &TlvValue) {
        match value {
            TlvValue::MessagePayload(payload) => self.payload = Some(payload.value.as_ref().to_vec()),
            TlvValue::SourcePort(port) => self.source = Some(*port),
            TlvValue::DestPort(port) => self.destination = Some(*port),
            TlvValue::SarMsgRefNum(reference) => self.reference = Some(*reference),
            TlvValue::SarTotalSegments(total) => self.total = Some(*total),
            TlvValue::SarSegmentSeqnum(sequence) => self.sequence = Some(*sequence),
            _ => {}
        }
    }

    fn ports(&self) -> Option<Ports> {
        Some(Ports::Wide { destination: self.destination?, originator: self.source.unwrap_or(0) })
    }

    fn concatenation(&self) -> Option<Concatenation> {
        let reference = self.reference?;
        let reference = u8::try_from(reference).map_or(Reference::Long(reference), Reference::Short);
        Concatenation::new(reference, self.total?, self.sequence?).ok()
    }
}

impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received({}, {} segments)", self.id, self.segments.len())
    }
}

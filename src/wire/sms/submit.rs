//! SMS-SUBMIT: from the device, or a modem, to the service centre (3GPP TS 23.040, section 9.2.2.2).

use crate::wire::{Decode, DecodeError, Encode, Reader};

use super::{Address, Dcs, MTI_SUBMIT, Pid, REPLY_PATH, SmsTime, UDHI, UserData, ValidityPeriod};

const REJECT_DUPLICATES: u8 = 0x04;
const VALIDITY: u8 = 0x18;
const RELATIVE: u8 = 0x10;
const ENHANCED: u8 = 0x08;
const REPORT: u8 = 0x20;

/// A message from the device.
///
/// | octets  | field                                                                                   |
/// |---------|-----------------------------------------------------------------------------------------|
/// | 1       | 03 type 01; 04 reject duplicates; 18 validity; 20 report; 40 header; 80 reply path       |
/// | 1       | message reference                                                                       |
/// | 2..12   | destination address                                                                     |
/// | 1       | protocol identifier                                                                     |
/// | 1       | data coding scheme                                                                      |
/// | 0, 1, 7 | validity period: none (00), relative (10), absolute (18), enhanced (08)                 |
/// | 1       | user data length, in octets or septets                                                  |
/// | …       | user data                                                                               |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// TP-RD: a message with the same reference and destination that is still held is to be refused.
    pub reject_duplicates: bool,
    /// TP-SRR: a report is asked for.
    pub status_report: bool,
    /// TP-RP: an answer is paid for.
    pub reply_path: bool,
    /// TP-MR. A modem puts its own in place of 0.
    pub reference: u8,
    /// TP-DA.
    pub destination: Address,
    /// TP-PID.
    pub pid: Pid,
    /// TP-VP.
    pub validity: Option<ValidityPeriod>,
    /// TP-DCS, TP-UDL and TP-UD.
    pub user_data: UserData,
}

impl Submit {
    /// A message without any of the options.
    pub fn new(destination: Address, user_data: UserData) -> Self {
        Self {
            reject_duplicates: false,
            status_report: false,
            reply_path: false,
            reference: 0,
            destination,
            pid: Pid::SHORT_MESSAGE,
            validity: None,
            user_data,
        }
    }
}

impl Decode<'_> for Submit {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = r.position();
        let first = r.u8("first octet")?;
        if first & 0x03 != MTI_SUBMIT {
            let why = format!("type {} in {first:02X}; expected 1 (SMS-SUBMIT)", first & 0x03);
            return Err(DecodeError::invalid("first octet", at, why));
        }
        let reference = r.u8("message reference")?;
        let destination = Address::decode(r, "destination address")?;
        let pid = Pid(r.u8("protocol identifier")?);
        let dcs = Dcs(r.u8("data coding scheme")?);
        let validity = match first & VALIDITY {
            0 => None,
            RELATIVE => Some(ValidityPeriod::Relative(r.u8("validity period")?)),
            ENHANCED => Some(ValidityPeriod::Enhanced(r.array("validity period")?)),
            _ => Some(ValidityPeriod::Absolute(SmsTime(r.array("validity period")?))),
        };
        Ok(Self {
            reject_duplicates: first & REJECT_DUPLICATES != 0,
            status_report: first & REPORT != 0,
            reply_path: first & REPLY_PATH != 0,
            reference,
            destination,
            pid,
            validity,
            user_data: UserData::decode(r, dcs, first & UDHI != 0)?,
        })
    }
}

impl Encode for Submit {
    fn encode(&self, out: &mut Vec<u8>) {
        let validity = match self.validity {
            None => 0,
            Some(ValidityPeriod::Relative(_)) => RELATIVE,
            Some(ValidityPeriod::Enhanced(_)) => ENHANCED,
            Some(ValidityPeriod::Absolute(_)) => VALIDITY,
        };
        let flags = [
            (self.reject_duplicates, REJECT_DUPLICATES),
            (self.status_report, REPORT),
            (self.user_data.udh().is_some(), UDHI),
            (self.reply_path, REPLY_PATH),
        ];
        let first =
            flags.iter().fold(MTI_SUBMIT | validity, |octet, (set, bit)| octet | if *set { *bit } else { 0 });
        out.extend_from_slice(&[first, self.reference]);
        self.destination.encode(out);
        out.extend_from_slice(&[self.pid.0, self.user_data.dcs().0]);
        match self.validity {
            None => {}
            Some(ValidityPeriod::Relative(octet)) => out.push(octet),
            Some(ValidityPeriod::Enhanced(octets) | ValidityPeriod::Absolute(SmsTime(octets))) => {
                out.extend_from_slice(&octets);
            }
        }
        self.user_data.encode(out);
    }
}

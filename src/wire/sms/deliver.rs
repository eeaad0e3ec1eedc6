//! SMS-DELIVER: from the service centre to the device (3GPP TS 23.040, section 9.2.2.1).

use crate::wire::{Decode, DecodeError, Encode, Reader};

use super::{Address, Dcs, MTI_DELIVER, Pid, REPLY_PATH, SmsTime, UDHI, UserData};

const NO_MORE: u8 = 0x04;
const LOOP_PREVENTION: u8 = 0x08;
const REPORT: u8 = 0x20;

/// A message to the device.
///
/// | octets | field                                                                             |
/// |--------|-----------------------------------------------------------------------------------|
/// | 1      | 03 type 00; 04 no more messages; 08 loop prevention; 20 report; 40 header; 80 reply path |
/// | 2..12  | originating address                                                               |
/// | 1      | protocol identifier                                                               |
/// | 1      | data coding scheme                                                                |
/// | 7      | service centre time stamp                                                         |
/// | 1      | user data length, in octets or septets                                            |
/// | …      | user data                                                                         |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliver {
    /// TP-MMS: more messages wait.
    pub more_messages: bool,
    /// TP-LP: the message was forwarded or spawned.
    pub loop_prevention: bool,
    /// TP-SRI: the sender asked for a report.
    pub status_report: bool,
    /// TP-RP: an answer is paid for.
    pub reply_path: bool,
    /// TP-OA.
    pub originator: Address,
    /// TP-PID.
    pub pid: Pid,
    /// TP-SCTS.
    pub time: SmsTime,
    /// TP-DCS, TP-UDL and TP-UD.
    pub user_data: UserData,
}

impl Decode<'_> for Deliver {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = r.position();
        let first = r.u8("first octet")?;
        if first & 0x03 != MTI_DELIVER {
            let why = format!("type {} in {first:02X}; expected 0 (SMS-DELIVER)", first & 0x03);
            return Err(DecodeError::invalid("first octet", at, why));
        }
        let originator = Address::decode(r, "originating address")?;
        let pid = Pid(r.u8("protocol identifier")?);
        let dcs = Dcs(r.u8("data coding scheme")?);
        let time = SmsTime(r.array("service centre time stamp")?);
        Ok(Self {
            more_messages: first & NO_MORE == 0,
            loop_prevention: first & LOOP_PREVENTION != 0,
            status_report: first & REPORT != 0,
            reply_path: first & REPLY_PATH != 0,
            originator,
            pid,
            time,
            user_data: UserData::decode(r, dcs, first & UDHI != 0)?,
        })
    }
}

impl Encode for Deliver {
    fn encode(&self, out: &mut Vec<u8>) {
        let flags = [
            (!self.more_messages, NO_MORE),
            (self.loop_prevention, LOOP_PREVENTION),
            (self.status_report, REPORT),
            (self.user_data.udh().is_some(), UDHI),
            (self.reply_path, REPLY_PATH),
        ];
        out.push(flags.iter().fold(MTI_DELIVER, |octet, (set, bit)| octet | if *set { *bit } else { 0 }));
        self.originator.encode(out);
        out.extend_from_slice(&[self.pid.0, self.user_data.dcs().0]);
        out.extend_from_slice(&self.time.0);
        self.user_data.encode(out);
    }
}

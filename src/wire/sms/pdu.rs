//! A message as modems and logs show it: with the address of the service centre in front, or without (3GPP TS 27.005,
//! section 3.1; 3GPP TS 24.011, section 8.2.5.1).

use crate::wire::{Decode, DecodeError, Encode, Reader};

use super::{Address, Deliver, MTI_DELIVER, MTI_SUBMIT, Submit};

/// A message either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tpdu {
    /// To the device.
    Deliver(Deliver),
    /// From the device.
    Submit(Submit),
}

impl Tpdu {
    /// Its user data.
    pub fn user_data(&self) -> &super::UserData {
        match self {
            Self::Deliver(deliver) => &deliver.user_data,
            Self::Submit(submit) => &submit.user_data,
        }
    }
}

impl Decode<'_> for Tpdu {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.peek().map(|first| first & 0x03) {
            Some(MTI_DELIVER) => Deliver::decode(r).map(Self::Deliver),
            Some(MTI_SUBMIT) | None => Submit::decode(r).map(Self::Submit),
            Some(other) => {
                let why = format!("type {other}; expected 0 (SMS-DELIVER) or 1 (SMS-SUBMIT)");
                Err(DecodeError::invalid("first octet", r.position(), why))
            }
        }
    }
}

impl Encode for Tpdu {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Deliver(deliver) => deliver.encode(out),
            Self::Submit(submit) => submit.encode(out),
        }
    }
}

/// What stands in front of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceCentre {
    /// Nothing: the message alone.
    Absent,
    /// 00: the service centre that the modem is set to.
    Default,
    /// Its address.
    Address(Address),
}

/// A message and what stands in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    /// What stands in front.
    pub service_centre: ServiceCentre,
    /// The message.
    pub tpdu: Tpdu,
}

impl Pdu {
    /// Reads a message of which it is not known whether a service centre stands in front. It is taken for one when then
    /// the rest is a whole message; nothing in the octets says it outright.
    ///
    /// # Errors
    /// Any [`DecodeError`]: that of the reading that got further.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let with = Self::decode_with_centre(octets);
        let error = match with {
            Ok(pdu) => return Ok(pdu),
            Err(error) => error,
        };
        match Tpdu::decode_exact(octets) {
            Ok(tpdu) => Ok(Self { service_centre: ServiceCentre::Absent, tpdu }),
            Err(other) => Err(if other.at() > error.at() { other } else { error }),
        }
    }

    /// Reads a message behind the address of its service centre.
    ///
    /// # Errors
    /// Any [`DecodeError`].
    pub fn decode_with_centre(octets: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "service centre address";
        let mut r = Reader::new(octets);
        let service_centre = match Address::decode_counted(&mut r, WHAT)? {
            None => ServiceCentre::Default,
            Some(address) if address.kind().0 & 0x80 == 0 => {
                return Err(DecodeError::invalid(WHAT, 1, "the top bit of the type of address is not set"));
            }
            Some(address) => ServiceCentre::Address(address),
        };
        let tpdu = Tpdu::decode(&mut r)?;
        r.finish("short message")?;
        Ok(Self { service_centre, tpdu })
    }
}

impl Encode for Pdu {
    fn encode(&self, out: &mut Vec<u8>) {
        match &self.service_centre {
            ServiceCentre::Absent => {}
            ServiceCentre::Default => out.push(0),
            ServiceCentre::Address(address) => address.encode_counted(out),
        }
        self.tpdu.encode(out);
    }
}

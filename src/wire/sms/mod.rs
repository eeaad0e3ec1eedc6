//! Short messages as the air interface and modems carry them: SMS-DELIVER and SMS-SUBMIT (3GPP TS 23.040, section 9.2.2),
//! with or without the service centre's address that modems put in front (3GPP TS 27.005, section 3.1).
//!
//! Pushes go in user data of 8 bits, which is read and written in whole. Text is read as far as its alphabet is the
//! default one; no more of text messaging is here.

mod address;
mod alphabet;
mod deliver;
mod pdu;
mod registry;
mod short_text;
mod submit;
#[cfg(test)]
mod tests;
mod time;
mod user_data;

pub use address::{Address, AddressError, AddressValue, TypeOfAddress};
pub use alphabet::{pack, text_of, unpack};
pub use deliver::Deliver;
pub use pdu::{Pdu, ServiceCentre, Tpdu};
pub use registry::{Alphabet, Dcs, MessageClass, Pid};
pub use short_text::ShortText;
pub use submit::Submit;
pub use time::{SmsTime, ValidityPeriod};
pub use user_data::{Content, UserData, UserDataError};

/// TP-MTI in the low bits of the first octet of a message to the device.
pub const MTI_DELIVER: u8 = 0x00;
/// TP-MTI in the low bits of the first octet of a message from the device.
pub const MTI_SUBMIT: u8 = 0x01;
/// TP-UDHI: the user data begins with a header.
const UDHI: u8 = 0x40;
/// TP-RP: a reply path is there.
const REPLY_PATH: u8 = 0x80;

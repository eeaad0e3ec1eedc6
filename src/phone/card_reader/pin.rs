//! CHV1 (PIN1) of the card: presented when a file asks for it, once, and only while the card says that enough tries are left
//! (ETSI TS 102 221, section 11.1.9; 3GPP TS 51.011, sections 9.2.1 and 9.2.9).

use crate::{
    ident::Pin,
    wire::{
        apdu::{CommandApdu, StatusClass, StatusWord},
        gsm::SelectResponse,
    },
};

use super::{
    CardError,
    port::{Class, Contact},
};

/// The fewest tries that must be left: with one, a mistyped PIN would lock the card.
const LEAST_TRIES: u8 = 2;
/// Octets of the status of a directory in class A0.
const STATUS_2G: u8 = 22;

/// What became of CHV1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::phone) enum PinUse {
    /// No file asked for it.
    #[default]
    NotAsked,
    /// The card took it.
    Accepted,
    /// It was not sent: the phone has none, or the card is in no state to be given it.
    Withheld,
    /// The card refused it. It is not presented again.
    Refused(StatusWord),
    /// It was sent and no answer came: whether the card counted a try is not known. It is not presented again.
    InDoubt,
}

impl PinUse {
    /// Whether the value is not to be presented again before a person says so.
    pub(in crate::phone) fn ends_the_value(self) -> bool {
        matches!(self, Self::Refused(_) | Self::InDoubt)
    }
}

/// Presents CHV1 where that cannot lock the card.
pub(super) fn present(contact: &mut Contact<'_>, pin: &Pin) -> Result<PinUse, (PinUse, CardError)> {
    let ready = match contact.class() {
        Class::Gsm => ready_2g(contact),
        Class::Uicc | Class::Unknown => ready(contact),
    };
    if !ready.map_err(|error| (PinUse::Withheld, error))? {
        return Ok(PinUse::Withheld);
    }
    let mut octets = zeroize::Zeroizing::new([0xFF; 8]);
    for (octet, digit) in octets.iter_mut().zip(pin.expose().bytes()) {
        *octet = digit;
    }
    let Ok(verify) = CommandApdu::new(contact.cla(), 0x20, 0x00, 0x01).with_data(&*octets) else {
        return Ok(PinUse::Withheld);
    };
    match contact.exchange(&verify) {
        Ok(answer) if answer.sw.is_ok() => Ok(PinUse::Accepted),
        Ok(answer) => Ok(PinUse::Refused(answer.sw)),
        Err(error) => Err((PinUse::InDoubt, error)),
    }
}

/// Asks for the counter by a VERIFY without data, which costs no try.
fn ready(contact: &mut Contact<'_>) -> Result<bool, CardError> {
    let sw = contact.ask_counter()?.sw;
    Ok(matches!(sw.class(), StatusClass::WrongKey(left) if left >= LEAST_TRIES))
}

/// Class A0 tells the counter in the status of the directory.
fn ready_2g(contact: &mut Contact<'_>) -> Result<bool, CardError> {
    let answer = contact.exchange(&CommandApdu::new(0xA0, 0xF2, 0x00, 0x00).with_le(STATUS_2G))?;
    Ok(match SelectResponse::decode(&answer.data) {
        Ok(SelectResponse::Directory(status)) if answer.sw.is_ok() => {
            let enough = status.chv1.is_initialised() && status.chv1.tries_left() >= LEAST_TRIES;
            enough && !status.chv1_is_off()
        }
        _ => false,
    })
}

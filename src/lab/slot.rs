//! The card slot of a virtual phone: any card that the station can reach, virtual or in a PC/SC reader.

use crate::{
    card::{CardTransport, TransportError},
    phone::{CardPort, PortError},
};

/// A card that went from the station's reader into the phone.
pub struct PhoneSlot<'t> {
    transport: &'t mut dyn CardTransport,
}

impl<'t> PhoneSlot<'t> {
    /// Puts the card into the phone: it is reset, so nothing that the station did to its session is left.
    ///
    /// # Errors
    /// [`TransportError`] when the card does not come back.
    pub fn insert(transport: &'t mut dyn CardTransport) -> Result<Self, TransportError> {
        transport.reset()?;
        Ok(Self { transport })
    }
}

impl std::fmt::Debug for PhoneSlot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PhoneSlot({})", self.transport.reader())
    }
}

impl CardPort for PhoneSlot<'_> {
    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, PortError> {
        self.transport.exchange(apdu).map_err(|error| match error {
            TransportError::CardGone { .. } => PortError::Gone,
            TransportError::Mute { .. } => PortError::Mute,
            other => PortError::Failed { why: other.to_string() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lab::reader::{Fault, InProcess, tests::handle},
        wire::vectors::hex,
    };

    #[test]
    fn a_phone_finds_a_card_without_presented_keys() {
        let card = handle();
        let reader = InProcess::insert(&card, "bay 0".parse().unwrap());
        let mut reader = reader.with_fault(Fault::CutBefore(3));
        assert_eq!(reader.exchange(&hex("0020000A083132333435363738")).unwrap(), [0x90, 0x00]);
        let mut slot = PhoneSlot::insert(&mut reader).unwrap();
        assert_eq!(slot.exchange(&hex("0020000A00")).unwrap(), [0x63, 0xC3]);
        assert_eq!(slot.exchange(&hex("0020000A00")), Err(PortError::Gone));
    }
}

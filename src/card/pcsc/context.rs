//! PC/SC as bays use it: a context for each thread.
//!
//! pcsc-lite serves 16 readers at most, and its status call takes 16 entries at most, the pseudo reader for plug and play
//! among them: that one is watched in a context of its own (pcsc-lite 1.9.9, `PCSCLITE_MAX_READERS_CONTEXTS`).

use std::{ffi::CString, time::Duration};

use pcsc::{Attribute, Disposition, Protocols, ShareMode, State};

use super::{Readers, connecting, gone, reader_name, service, state};
use crate::{
    card::{
        CardTransport, Look, ReaderContext, ReaderError, ReaderService,
        bay::{Identity, usb_path},
    },
    ident::ReaderName,
};

/// How long a card stays without power: more than the 10 ms that ISO/IEC 7816-3, section 6.3, asks for.
const WITHOUT_POWER: Duration = Duration::from_millis(50);
/// `SCARD_ATTR_CHANNEL_ID` of a USB reader: 0020 in its upper half, bus and device in the lower (PC/SC part 3).
const USB_CHANNEL: u32 = 0x0020;

/// The PC/SC service of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Pcsc;

impl ReaderService for Pcsc {
    fn open(&self) -> Result<Box<dyn ReaderContext>, ReaderError> {
        Ok(Box::new(PcscContext { readers: Readers::establish()?, last: None, plugged: None }))
    }
}

/// A thread's context, and what it saw last.
struct PcscContext {
    readers: Readers,
    last: Option<(ReaderName, pcsc::ReaderState)>,
    plugged: Option<pcsc::ReaderState>,
}

impl ReaderContext for PcscContext {
    fn readers(&mut self) -> Result<Vec<ReaderName>, ReaderError> {
        Ok(self.readers.names()?.iter().filter_map(|raw| reader_name(raw)).collect())
    }

    fn wait_for_readers(&mut self, patience: Duration) -> Result<(), ReaderError> {
        let plugged = self
            .plugged
            .get_or_insert_with(|| pcsc::ReaderState::new(pcsc::PNP_NOTIFICATION(), State::UNAWARE));
        let waited = self.readers.context.get_status_change(patience, std::slice::from_mut(plugged));
        plugged.sync_current_state();
        match waited {
            Ok(()) | Err(pcsc::Error::Timeout) => Ok(()),
            Err(error) => Err(service(error)),
        }
    }

    fn look(&mut self, reader: &ReaderName, patience: Duration) -> Result<Look, ReaderError> {
        if self.last.as_ref().is_none_or(|(name, _)| name != reader) {
            let unaware = pcsc::ReaderState::new(raw_name(reader)?, State::UNAWARE);
            self.last = Some((reader.clone(), unaware));
        }
        let Some((_, last)) = &mut self.last else { return Err(gone(reader)) };
        match self.readers.context.get_status_change(patience, std::slice::from_mut(last)) {
            Ok(()) | Err(pcsc::Error::Timeout) => {}
            Err(pcsc::Error::UnknownReader | pcsc::Error::ReaderUnavailable) => return Err(gone(reader)),
            Err(error) => return Err(service(error)),
        }
        last.sync_current_state();
        Ok(Look { state: state(last), changes: last.event_count() })
    }

    fn connect(&mut self, reader: &ReaderName) -> Result<Box<dyn CardTransport>, ReaderError> {
        Ok(Box::new(self.readers.connect_to(&raw_name(reader)?, reader)?))
    }

    fn repower(&mut self, reader: &ReaderName) -> Result<(), ReaderError> {
        // Without a protocol, so that a card that does not answer to reset can be switched off, too.
        let raw = raw_name(reader)?;
        let direct = self.readers.context.connect(&raw, ShareMode::Direct, Protocols::UNDEFINED);
        let card = direct.map_err(|e| connecting(e, reader.clone()))?;
        card.disconnect(Disposition::UnpowerCard).map_err(|(_, e)| connecting(e, reader.clone()))?;
        // The next connection switches it on again.
        std::thread::sleep(WITHOUT_POWER);
        Ok(())
    }

    fn identity(&mut self, reader: &ReaderName) -> Result<Identity, ReaderError> {
        let raw = raw_name(reader)?;
        // Another program may have the reader.
        let direct = self.readers.context.connect(&raw, ShareMode::Direct, Protocols::UNDEFINED);
        let direct = direct.map_err(|e| connecting(e, reader.clone()))?;
        let serial = attribute(&direct, Attribute::VendorIfdSerialNo, reader);
        let channel = attribute(&direct, Attribute::ChannelId, reader);
        // A card in it keeps its state.
        let _ = direct.disconnect(Disposition::LeaveCard);
        Ok(Identity {
            serial: serial?.and_then(|octets| serial_number(&octets)),
            usb: channel?.and_then(usb),
        })
    }
}

/// What a driver says of its reader. Drivers need not know: pcsc-lite has several words for that.
fn attribute(
    direct: &pcsc::Card,
    what: Attribute,
    reader: &ReaderName,
) -> Result<Option<Vec<u8>>, ReaderError> {
    use pcsc::Error as E;
    match direct.get_attribute_owned(what) {
        Ok(octets) => Ok(Some(octets)),
        Err(
            error @ (E::NoService
            | E::ServiceStopped
            | E::Shutdown
            | E::CommError
            | E::InvalidHandle
            | E::ReaderUnavailable
            | E::SharingViolation),
        ) => Err(connecting(error, reader.clone())),
        Err(_) => Ok(None),
    }
}

/// A serial number as text; it ends at the first zero octet.
fn serial_number(octets: &[u8]) -> Option<String> {
    let text = octets.split(|octet| *octet == 0).next().and_then(|text| std::str::from_utf8(text).ok())?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Where on the USB a reader with this channel identifier is.
fn usb(channel: Vec<u8>) -> Option<String> {
    let channel = u32::from_ne_bytes(channel.try_into().ok()?);
    let [device, bus, ..] = channel.to_le_bytes();
    (channel >> 16 == USB_CHANNEL).then(|| usb_path(bus, device)).flatten()
}

fn raw_name(reader: &ReaderName) -> Result<CString, ReaderError> {
    CString::new(reader.as_str()).map_err(|_| gone(reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drivers_say_of_themselves_is_read() {
        assert_eq!(serial_number(b"70D7E2EE\0\0").as_deref(), Some("70D7E2EE"));
        assert_eq!([b"\0".as_slice(), b"", b"  ", b"\xFF"].map(serial_number), [None, None, None, None]);
        // A serial port; and too few octets.
        assert_eq!(usb(0x0001_0001_u32.to_ne_bytes().to_vec()), None);
        assert_eq!(usb(vec![0x20, 0x00]), None);
    }
}

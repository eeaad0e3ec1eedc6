//! Proactive commands of a card that wants something from a phone: they are fetched and answered with "beyond terminal
//! capabilities", or the card may block later (ETSI TS 102 223, sections 6.4 and 6.8; tags remembered).

use crate::wire::{
    apdu::{CommandApdu, StatusClass},
    tlv,
};

use super::{Session, TransportError};

/// The most proactive commands in a row; a card that has more is left with them.
const MAX_COMMANDS: u32 = 16;

/// Fetches and declines commands, the first of `length` octets, until none waits. A card that refuses FETCH or TERMINAL
/// RESPONSE is left alone.
pub(super) fn drain(session: &mut Session<'_>, cla: u8, length: u8) -> Result<(), TransportError> {
    // Both commands are proprietary: class 8X with the channel of the command before.
    let cla = if cla & 0xF0 == 0xA0 { 0xA0 } else { 0x80 | (cla & 0x03) };
    let mut waiting = length;
    for _ in 0..MAX_COMMANDS {
        let fetched = session.exchange(&CommandApdu::new(cla, 0x12, 0x00, 0x00).with_le(waiting))?;
        if !fetched.sw.is_ok() {
            return Ok(());
        }
        let Ok(response) = CommandApdu::new(cla, 0x14, 0x00, 0x00).with_data(&decline(&fetched.data)) else {
            return Ok(());
        };
        match session.exchange(&response)?.sw.class() {
            StatusClass::OkFetch(length) => waiting = length,
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// TERMINAL RESPONSE data: the command's own details, from terminal to card, result 30 (beyond capabilities).
fn decline(command: &[u8]) -> Vec<u8> {
    let details = tlv::parse_padded(command).ok().and_then(|outer| {
        let proactive = outer.objects.first()?.children().ok()?;
        let details = proactive.iter().find(|o| matches!(o.tag, 0x81 | 0x01))?;
        <[u8; 3]>::try_from(details.value).ok()
    });
    let mut out = Vec::new();
    tlv::write(0x81, &details.unwrap_or([0x01, 0x00, 0x00]), &mut out);
    tlv::write(0x82, &[0x82, 0x81], &mut out);
    tlv::write(0x83, &[0x30], &mut out);
    out
}

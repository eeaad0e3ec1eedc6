//! Readers through PC/SC (PC/SC Workgroup, part 5; pcsc-lite).

mod context;

use std::{
    ffi::{CStr, CString},
    fmt,
    time::Duration,
};

use pcsc::{Disposition, Protocols, Scope, ShareMode, State};

use crate::ident::ReaderName;

use super::{CardTransport, Protocol, ReaderError, ReaderInfo, ReaderState, TransportError};

pub use context::Pcsc;

/// Room for the longest answer to a short APDU.
const ANSWER_LENGTH: usize = 258;

/// The PC/SC service. Each thread that talks to a reader makes its own: one context serialises all readers under it.
pub struct Readers {
    context: pcsc::Context,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Readers {
    /// Connects to the PC/SC service.
    ///
    /// # Errors
    /// [`ReaderError::NoService`] or [`ReaderError::Service`].
    pub fn establish() -> Result<Self, ReaderError> {
        pcsc::Context::establish(Scope::User).map(|context| Self { context }).map_err(service)
    }

    /// The readers and what is in them, in the service's order. None is not an error here.
    ///
    /// # Errors
    /// As [`Readers::establish`].
    pub fn list(&self) -> Result<Vec<ReaderInfo>, ReaderError> {
        let mut states: Vec<_> =
            self.names()?.into_iter().map(|name| pcsc::ReaderState::new(name, State::UNAWARE)).collect();
        if states.is_empty() {
            return Ok(Vec::new());
        }
        match self.context.get_status_change(Duration::ZERO, &mut states) {
            Ok(()) | Err(pcsc::Error::Timeout) => {}
            Err(e) => return Err(service(e)),
        }
        let info = |s: &pcsc::ReaderState| Some(ReaderInfo { name: reader_name(s.name())?, state: state(s) });
        Ok(states.iter().filter_map(info).collect())
    }

    /// Connects to the card in a reader, alone, over T=0 where the card offers it, and resets it: the program before may
    /// have left a file selected or a key verified. `reader` is its whole name, or the beginning of it where no other
    /// reader's name begins so.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn connect(&self, reader: &str) -> Result<PcscCard, ReaderError> {
        let (raw, name) = self.find(reader)?;
        self.connect_to(&raw, &name)
    }

    fn connect_to(&self, raw: &CStr, name: &ReaderName) -> Result<PcscCard, ReaderError> {
        // Both in one call would leave the choice to the driver.
        let over = |protocols| self.context.connect(raw, ShareMode::Exclusive, protocols);
        let (card, protocols) = match over(Protocols::T0) {
            Err(pcsc::Error::ProtoMismatch) => (over(Protocols::T1), Protocols::T1),
            other => (other, Protocols::T0),
        };
        let mut card = card.map_err(|e| connecting(e, name.clone()))?;
        card.reconnect(ShareMode::Exclusive, protocols, Disposition::ResetCard)
            .map_err(|e| connecting(e, name.clone()))?;
        let status = card.status2_owned().map_err(|e| connecting(e, name.clone()))?;
        let protocol =
            protocol(&status).ok_or_else(|| connecting(pcsc::Error::ProtoMismatch, name.clone()))?;
        Ok(PcscCard { atr: status.atr().to_vec(), card, name: name.clone(), protocol })
    }

    /// The reader that a whole name, or the beginning of one, means.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn resolve(&self, reader: &str) -> Result<ReaderName, ReaderError> {
        self.find(reader).map(|(_, name)| name)
    }

    fn names(&self) -> Result<Vec<CString>, ReaderError> {
        match self.context.list_readers_owned() {
            Ok(names) => Ok(names),
            Err(pcsc::Error::NoReadersAvailable) => Ok(Vec::new()),
            Err(e) => Err(service(e)),
        }
    }

    fn find(&self, asked: &str) -> Result<(CString, ReaderName), ReaderError> {
        let known: Vec<_> =
            self.names()?.into_iter().filter_map(|raw| reader_name(&raw).map(|name| (raw, name))).collect();
        if known.is_empty() {
            return Err(ReaderError::NoReaders);
        }
        let names: Vec<_> = known.iter().map(|(_, name)| name.clone()).collect();
        let at = choose(asked, &names)?;
        known.into_iter().nth(at).ok_or(ReaderError::NoReaders)
    }
}

fn gone(reader: &ReaderName) -> ReaderError {
    ReaderError::UnknownReader { asked: reader.as_str().to_owned(), known: Vec::new() }
}

/// Which of `known` is meant by a whole name or by the beginning of one.
fn choose(asked: &str, known: &[ReaderName]) -> Result<usize, ReaderError> {
    if let Some(at) = known.iter().position(|name| name.as_str() == asked) {
        return Ok(at);
    }
    let begins: Vec<_> = known
        .iter()
        .enumerate()
        .filter(|(_, n)| !asked.is_empty() && n.as_str().starts_with(asked))
        .collect();
    match begins.as_slice() {
        [(at, _)] => Ok(*at),
        [] => Err(ReaderError::UnknownReader { asked: asked.to_owned(), known: known.to_vec() }),
        many => Err(ReaderError::Ambiguous {
            asked: asked.to_owned(),
            known: many.iter().map(|(_, name)| (*name).clone()).collect(),
        }),
    }
}

/// A card connected through PC/SC. When it is dropped the card is reset, and with it every verified key.
///
/// It is held exclusively, which keeps every other program out; a transaction on top of that would add nothing, and on
/// Windows would have the service reset the card after five seconds of silence.
pub struct PcscCard {
    card: pcsc::Card,
    name: ReaderName,
    atr: Vec<u8>,
    protocol: Protocol,
}

impl fmt::Debug for PcscCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcscCard").field("reader", &self.name).field("protocol", &self.protocol).finish()
    }
}

impl CardTransport for PcscCard {
    fn reader(&self) -> &ReaderName {
        &self.name
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut answer = [0; ANSWER_LENGTH];
        match self.card.transmit(apdu, &mut answer) {
            Ok(answer) => Ok(answer.to_vec()),
            Err(e) => Err(transmitting(e, &self.name)),
        }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        let protocols = match self.protocol {
            Protocol::T0 => Protocols::T0,
            Protocol::T1 => Protocols::T1,
        };
        self.card
            .reconnect(ShareMode::Exclusive, protocols, Disposition::ResetCard)
            .map_err(|e| transmitting(e, &self.name))
    }

    fn let_go(self: Box<Self>) {
        // Where the service does not take this, it takes the reset no more either.
        let _ = self.card.disconnect(Disposition::LeaveCard);
    }
}

fn protocol(status: &pcsc::CardStatusOwned) -> Option<Protocol> {
    match status.protocol2()? {
        pcsc::Protocol::T0 => Some(Protocol::T0),
        pcsc::Protocol::T1 => Some(Protocol::T1),
        pcsc::Protocol::RAW => None,
    }
}

/// A reader whose name is not text cannot be named on a command line; it is left out.
fn reader_name(raw: &CStr) -> Option<ReaderName> {
    raw.to_str().ok()?.parse().ok()
}

fn state(reader: &pcsc::ReaderState) -> ReaderState {
    let flags = reader.event_state();
    let atr = || reader.atr().iter().map(|octet| format!("{octet:02X}")).collect();
    if flags.intersects(State::UNAVAILABLE | State::UNKNOWN | State::IGNORE) {
        ReaderState::Unavailable
    } else if flags.intersects(State::MUTE) {
        ReaderState::Mute
    } else if flags.intersects(State::EXCLUSIVE) {
        ReaderState::InUse { atr: atr() }
    } else if flags.intersects(State::PRESENT) {
        ReaderState::Card { atr: atr() }
    } else {
        ReaderState::Empty
    }
}

fn service(error: pcsc::Error) -> ReaderError {
    use pcsc::Error as E;
    match error {
        E::NoService | E::ServiceStopped | E::Shutdown | E::CommError => ReaderError::NoService,
        E::NoReadersAvailable => ReaderError::NoReaders,
        other => ReaderError::Service { why: other.to_string() },
    }
}

fn connecting(error: pcsc::Error, reader: ReaderName) -> ReaderError {
    use pcsc::Error as E;
    match error {
        E::NoSmartcard | E::RemovedCard => ReaderError::NoCard { reader },
        E::SharingViolation => ReaderError::InUse { reader },
        E::UnresponsiveCard | E::UnpoweredCard | E::UnsupportedCard => ReaderError::Mute { reader },
        E::ProtoMismatch => {
            ReaderError::Service { why: format!("the card in {reader} speaks neither T=0 nor T=1") }
        }
        E::UnknownReader | E::ReaderUnavailable => gone(&reader),
        other => service(other),
    }
}

fn transmitting(error: pcsc::Error, reader: &ReaderName) -> TransportError {
    use pcsc::Error as E;
    let reader = reader.clone();
    match error {
        E::NoSmartcard | E::RemovedCard => TransportError::CardGone { reader },
        E::UnresponsiveCard | E::UnpoweredCard => TransportError::Mute { reader },
        // What libpcsclite says when pcscd was killed in the middle of a call.
        E::CommError
        | E::NoService
        | E::ServiceStopped
        | E::ReaderUnavailable
        | E::UnknownReader
        | E::NoReadersAvailable
        | E::InvalidHandle => TransportError::ReaderGone { reader },
        other => TransportError::Reader { reader, why: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<ReaderName> {
        ["bay 0 00 00", "bay 0 00 01", "bay 1 00 00", "bay 1"].iter().map(|n| n.parse().unwrap()).collect()
    }

    #[test]
    fn a_reader_is_named_whole_or_by_an_unmistakable_beginning() {
        let known = known();
        assert_eq!(choose("bay 0 00 01", &known), Ok(1));
        assert_eq!(choose("bay 1", &known), Ok(3), "a whole name wins over a beginning");
        assert_eq!(choose("bay 1 ", &known), Ok(2));
        assert!(
            matches!(choose("bay 0", &known), Err(ReaderError::Ambiguous { known, .. }) if known.len() == 2)
        );
        // Never by a number: the order of readers changes when one is plugged in.
        for asked in ["0", "", "BAY 0 00 00", "00 00"] {
            assert!(matches!(choose(asked, &known), Err(ReaderError::UnknownReader { .. })), "{asked}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let err = choose("x", &known()).unwrap_err().to_string();
        assert!(err.contains("\"bay 0 00 00\""), "{err}");
        assert!(service(pcsc::Error::NoService).to_string().contains("start pcscd"));
        let bay: ReaderName = "bay 0".parse().unwrap();
        assert!(matches!(connecting(pcsc::Error::NoSmartcard, bay.clone()), ReaderError::NoCard { .. }));
        assert!(matches!(connecting(pcsc::Error::SharingViolation, bay.clone()), ReaderError::InUse { .. }));
        assert!(matches!(transmitting(pcsc::Error::RemovedCard, &bay), TransportError::CardGone { .. }));
        assert!(matches!(
            transmitting(pcsc::Error::ReaderUnavailable, &bay),
            TransportError::ReaderGone { .. }
        ));
    }
}

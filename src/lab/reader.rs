//! A reader without a wire: a virtual card behind [`CardTransport`], and what can go wrong between the two.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use super::fault::Fault;
use super::{
    card::{EmptyVerify, VirtualCard},
    image::CardImage,
    line::{Carried, Line},
};
use crate::{
    card::{CardTransport, Protocol, TransportError},
    ident::ReaderName,
};

/// A virtual card that goes from hand to hand: the station's reader holds it first, a phone later.
#[derive(Debug, Clone)]
pub struct CardHandle(Arc<Mutex<VirtualCard>>);

impl CardHandle {
    /// Takes a card in hand.
    pub fn new(card: VirtualCard) -> Self {
        Self(Arc::new(Mutex::new(card)))
    }

    fn card(&self) -> MutexGuard<'_, VirtualCard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another card that holds the same and has been through the same.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::new(self.card().clone())
    }

    /// One command and its answer.
    pub fn exchange(&self, apdu: &[u8]) -> Vec<u8> {
        self.card().exchange(apdu)
    }

    /// One command that changes data objects, in the middle of which the card loses power.
    pub(super) fn tear(&self, apdu: &[u8]) {
        self.card().tear(apdu);
    }

    /// Takes its power away and gives it back.
    pub fn reset(&self) {
        self.card().reset();
    }

    /// Answer to reset.
    pub fn atr(&self) -> Vec<u8> {
        self.card().atr().to_vec()
    }

    /// The protocol that it speaks.
    pub fn protocol(&self) -> Protocol {
        self.card().protocol()
    }

    /// How often something that stays has changed.
    pub fn changes(&self) -> u64 {
        self.card().changes()
    }

    /// The card as it would be without power.
    pub fn image(&self) -> CardImage {
        self.card().image()
    }

    /// Gives the card a fault that is its own and not one of the line to it.
    pub(super) fn suffer(&self, fault: Fault) {
        match fault {
            Fault::CounterLow(tries) => self.card().set_tries(tries),
            Fault::CounterNotTold => self.card().set_manner(|m| m.empty_verify = EmptyVerify::WrongLength),
            _ => {}
        }
    }
}

/// A reader with a virtual card in it.
#[derive(Debug)]
pub struct InProcess {
    reader: ReaderName,
    card: CardHandle,
    atr: Vec<u8>,
    protocol: Protocol,
    line: Line,
    pulled: bool,
}

impl InProcess {
    /// Puts a card into a reader; it is reset by that.
    pub fn insert(card: &CardHandle, reader: ReaderName) -> Self {
        card.reset();
        let (atr, protocol) = (card.atr(), card.protocol());
        Self { reader, card: card.clone(), atr, protocol, line: Line::default(), pulled: false }
    }

    /// The same, with something that will go wrong.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.card.suffer(fault);
        self.line = self.line.with_fault(fault);
        self
    }

    /// The same with a slow line. No real time passes; [`InProcess::busy`] tells how much would have.
    #[must_use]
    pub fn with_speed(mut self, octets_per_second: u32) -> Self {
        self.line = self.line.with_speed(octets_per_second);
        self
    }

    /// How many commands were sent.
    pub fn sent(&self) -> usize {
        self.line.sent()
    }

    /// How long octets were under way until now.
    pub fn busy(&self) -> Duration {
        self.line.busy()
    }

    fn pull(&mut self) {
        self.pulled = true;
        self.card.reset();
    }

    fn gone(&self) -> TransportError {
        TransportError::CardGone { reader: self.reader.clone() }
    }

    fn mute(&self) -> TransportError {
        TransportError::Mute { reader: self.reader.clone() }
    }

    fn in_contact(&self) -> Result<(), TransportError> {
        if self.pulled {
            return Err(self.gone());
        }
        if self.line.is_mute() { Err(self.mute()) } else { Ok(()) }
    }
}

impl CardTransport for InProcess {
    fn reader(&self) -> &ReaderName {
        &self.reader
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.in_contact()?;
        match self.line.carry(&self.card, apdu) {
            Carried::Answer(answer) => Ok(answer),
            Carried::Lost | Carried::Mute => Err(self.mute()),
            Carried::Pulled => {
                self.pull();
                Err(self.gone())
            }
            Carried::PulledUnnoticed => {
                self.pull();
                Ok(Vec::new())
            }
            Carried::PulledWithin(half) => {
                self.pull();
                Ok(half)
            }
        }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.in_contact()?;
        self.card.reset();
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        ident::{Iccid, Imsi},
        lab::image::{Sample, SampleKind},
        wire::vectors::hex,
    };

    /// A prepared sample card.
    pub(in crate::lab) fn handle() -> CardHandle {
        let iccid: Iccid = Iccid::from_card("8988211000000430010").unwrap();
        let imsi: Imsi = "001010123456789".parse().unwrap();
        let image = Sample::new(SampleKind::Prepared, iccid, imsi).image();
        CardHandle::new(VirtualCard::from_image(image).unwrap())
    }

    /// Presents ADM1 and writes one octet into EF 6431; which command fails, and how.
    fn write(reader: &mut InProcess) -> Result<(), (usize, TransportError)> {
        for command in ["0020000A083132333435363738", "00A4080C047F506431", "00D6000001AA", "00B0000001"] {
            let answer = reader.exchange(&hex(command)).map_err(|e| (reader.sent(), e))?;
            assert!(answer.is_empty() || answer.ends_with(&[0x90, 0x00]), "{command}: {answer:02X?}");
        }
        Ok(())
    }

    fn written(card: &CardHandle) -> bool {
        let mut reader = InProcess::insert(card, "bay 1".parse().unwrap());
        reader.exchange(&hex("00A4080C047F506431")).unwrap();
        reader.exchange(&hex("00B0000001")).unwrap()[0] == 0xAA
    }

    #[test]
    fn a_card_that_is_pulled_keeps_what_was_done() {
        for (fault, at, done) in [
            (Fault::CutBefore(3), 3, false),
            (Fault::CutAfter(3), 3, true),
            (Fault::EmptyAnswer(3), 3, true),
            (Fault::CutAfter(2), 2, false),
        ] {
            let card = handle();
            let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap()).with_fault(fault);
            let (sent, error) = write(&mut reader).unwrap_err();
            assert!(matches!(error, TransportError::CardGone { .. }), "{fault:?}: {error}");
            assert_eq!(sent, at, "{fault:?}");
            assert!(reader.reset().is_err(), "gone stays gone");
            assert_eq!(written(&card), done, "{fault:?}");
        }
    }

    #[test]
    fn an_answer_that_is_lost_leaves_the_session() {
        let card = handle();
        let reader = InProcess::insert(&card, "bay 0".parse().unwrap());
        let mut reader = reader.with_fault(Fault::AnswerLost(3));
        assert!(matches!(write(&mut reader), Err((3, TransportError::Mute { .. }))));
        assert_eq!(reader.exchange(&hex("00B0000001")).unwrap(), [0xAA, 0x90, 0x00]);
        reader.reset().unwrap();
        assert_eq!(reader.exchange(&hex("00B0000001")).unwrap(), [0x69, 0x86]);
    }

    #[test]
    fn a_mute_card_and_a_good_one() {
        let card = handle();
        let name: ReaderName = "bay 0".parse().unwrap();
        let mut mute = InProcess::insert(&card, name.clone()).with_fault(Fault::Mute);
        assert!(matches!(mute.exchange(&[0, 0xA4, 0, 0, 0]), Err(TransportError::Mute { .. })));
        assert!(mute.reset().is_err());
        let mut good = InProcess::insert(&card, name);
        write(&mut good).unwrap();
        assert_eq!((good.sent(), good.protocol(), good.atr()[0]), (4, Protocol::T0, 0x3B));
        assert_eq!(good.reader().as_str(), "bay 0");
        assert_eq!(card.changes(), 1);
    }
}

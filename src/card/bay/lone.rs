//! A card in no bay, for a command about one card: watched as those in bays are. A thread of its own speaks to it. That is left behind
//! when the card does not answer in time, and ends with the process.

use std::{
    fmt,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use zeroize::Zeroizing;

use super::{Contact, connect::connect, pulse::Pulse};
use crate::{
    card::{CardTransport, Protocol, ReaderError, ReaderService, TransportError},
    ident::ReaderName,
};

/// How often whoever waits for the card looks whether that takes too long.
const TICK: Duration = Duration::from_millis(50);

/// A card that is connected, alone. When it is dropped the card is reset, and with it every verified key.
pub struct LoneCard {
    reader: ReaderName,
    atr: Vec<u8>,
    protocol: Protocol,
    asks: Option<Sender<Ask>>,
    answers: Receiver<Answer>,
    pulse: Pulse,
    watchdog: Duration,
}

/// What the thread is asked for. A command may hold a key.
enum Ask {
    Exchange(Zeroizing<Vec<u8>>),
    Reset,
}

/// What the thread tells.
enum Answer {
    Connected { atr: Vec<u8>, protocol: Protocol },
    NotConnected(ReaderError),
    Card(Result<Vec<u8>, TransportError>),
}

impl LoneCard {
    /// Connects to the card in a reader and resets it: again for 3 s where another program has it, and once more where it is mute.
    /// An answer that takes longer than `watchdog` does not come.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn connect(
        service: Arc<dyn ReaderService>,
        reader: &ReaderName,
        watchdog: Duration,
    ) -> Result<Self, ReaderError> {
        let (asks, asked) = channel();
        let (tell, answers) = channel();
        let pulse = Pulse::default();
        let mut card = Self {
            reader: reader.clone(),
            atr: Vec::new(),
            protocol: Protocol::T0,
            asks: Some(asks),
            answers,
            pulse: pulse.clone(),
            watchdog,
        };
        let name = reader.clone();
        let thread = std::thread::Builder::new().name("card".into());
        let begun = thread.spawn(move || serve(&*service, &name, &pulse, &asked, &tell));
        begun.map_err(|error| ReaderError::Service { why: format!("no thread for the card: {error}") })?;
        match card.wait() {
            Some(Answer::Connected { atr, protocol }) => {
                (card.atr, card.protocol) = (atr, protocol);
                Ok(card)
            }
            Some(Answer::NotConnected(error)) => Err(error),
            // What it was asked for is not answered otherwise before that.
            Some(Answer::Card(_)) | None => Err(ReaderError::Mute { reader: reader.clone() }),
        }
    }

    /// The next answer; none when it does not come in time, or the thread is gone.
    fn wait(&self) -> Option<Answer> {
        loop {
            match self.answers.recv_timeout(TICK) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.pulse.abandon_after(self.watchdog).is_some() => {
                    return None;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn ask(&self, ask: Ask) -> Result<Vec<u8>, TransportError> {
        let mute = || TransportError::Mute { reader: self.reader.clone() };
        if self.pulse.is_abandoned() {
            return Err(mute());
        }
        self.asks.as_ref().and_then(|asks| asks.send(ask).ok()).ok_or_else(mute)?;
        match self.wait() {
            Some(Answer::Card(answer)) => answer,
            Some(Answer::Connected { .. } | Answer::NotConnected(_)) | None => Err(mute()),
        }
    }
}

impl CardTransport for LoneCard {
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
        self.ask(Ask::Exchange(Zeroizing::new(apdu.to_vec())))
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.ask(Ask::Reset).map(drop)
    }
}

impl Drop for LoneCard {
    /// Waits until the card is reset: the process may end now, and its thread with it.
    fn drop(&mut self) {
        drop(self.asks.take());
        while !self.pulse.is_abandoned() && self.wait().is_some() {}
    }
}

impl fmt::Debug for LoneCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoneCard").field("reader", &self.reader).field("protocol", &self.protocol).finish()
    }
}

/// What the thread does. Whoever waits is told by the end of `tell` that the card was reset.
fn serve(
    service: &dyn ReaderService,
    reader: &ReaderName,
    pulse: &Pulse,
    asked: &Receiver<Ask>,
    tell: &Sender<Answer>,
) {
    let connected = match pulse.watched(|| service.open()) {
        Ok(Ok(mut context)) => {
            let (mut contact, mut repowered) = (Contact::default(), false);
            connect(&mut *context, reader, pulse, (&mut contact, &mut repowered), &|| pulse.is_abandoned())
                .map(|card| card.map(|card| (context, card)))
        }
        Ok(Err(error)) => Ok(Err(error)),
        Err(abandoned) => Err(abandoned),
    };
    // The context goes last.
    let (_context, mut card) = match connected {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => return drop(tell.send(Answer::NotConnected(error))),
        Err(_) => return,
    };
    let answer = Answer::Connected { atr: card.atr().to_vec(), protocol: card.protocol() };
    let mut heard = tell.send(answer).is_ok();
    while heard && let Ok(ask) = asked.recv() {
        let answer = pulse.watched(|| match ask {
            Ask::Exchange(apdu) => card.exchange(&apdu),
            Ask::Reset => card.reset().map(|()| Vec::new()),
        });
        heard = answer.is_ok_and(|answer| tell.send(Answer::Card(answer)).is_ok());
    }
    // What is in the reader by now is not this thread's any more.
    if pulse.is_abandoned() {
        return card.let_go();
    }
    // Taking leave of a card resets it, which a mute one can keep for ever, too.
    let _ = pulse.watched(|| drop(card));
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{
        super::{
            Identity,
            tests::{NUMBER, PATIENCE, WATCHDOG, card},
        },
        *,
    };
    use crate::{
        card::{FileError, FileSystem, Session},
        lab::{
            hall::{Hall, Touch},
            reader::Fault,
        },
    };

    fn bay() -> ReaderName {
        "bay 00".parse().unwrap()
    }

    /// A hall of one reader, with a card in it.
    fn hall(contacts: &[Touch]) -> Hall {
        let hall = Hall::new();
        hall.plug(&bay(), Identity::default());
        hall.insert(&bay(), &card(), contacts);
        hall
    }

    fn connected(hall: &Hall) -> Result<LoneCard, ReaderError> {
        LoneCard::connect(Arc::new(hall.clone()), &bay(), WATCHDOG)
    }

    fn number(card: &mut LoneCard) -> Result<String, FileError> {
        FileSystem::new(Session::new(card)).iccid().map(|iccid| iccid.digits().to_owned())
    }

    #[test]
    fn a_card_is_spoken_to_and_reset_when_it_is_dropped() {
        let hall = hall(&[]);
        let mut card = connected(&hall).unwrap();
        assert!(card.atr().starts_with(&[0x3B]) && card.reader() == &bay());
        assert_eq!(number(&mut card).unwrap(), NUMBER);
        card.reset().unwrap();
        assert_eq!(number(&mut card).unwrap(), NUMBER);
        assert_eq!(hall.resets(&bay()), 0);
        drop(card);
        assert_eq!(hall.resets(&bay()), 1, "before the process may end");
    }

    #[test]
    fn a_mute_card_is_not_waited_for() {
        let hall = hall(&[Touch::Silent(2)]);
        let began = Instant::now();
        let mut card = connected(&hall).unwrap();
        let error = number(&mut card).unwrap_err();
        assert!(matches!(error, FileError::Transport(TransportError::Mute { .. })), "{error}");
        assert!(began.elapsed() >= WATCHDOG);
        assert!(hall.is_waiting(&bay()), "its thread is left behind");
        // It is not spoken to any more, and nobody waits for it.
        assert!(matches!(card.exchange(&[0x00, 0xA4, 0x00, 0x04, 0x00]), Err(TransportError::Mute { .. })));
        assert!(matches!(card.reset(), Err(TransportError::Mute { .. })));
        drop(card);
        assert!(began.elapsed() < PATIENCE);
        // When it is pulled after all, the thread leaves what is in the reader by then alone.
        hall.insert(&bay(), &super::super::tests::card(), &[]);
        assert!(hall.waits_for_let_go(&bay(), PATIENCE));
        assert_eq!(hall.resets(&bay()), 0);
    }

    #[test]
    fn an_error_of_the_card_is_told_as_it_is() {
        let hall = hall(&[Touch::Fault(Fault::CutBefore(1))]);
        let mut card = connected(&hall).unwrap();
        let error = number(&mut card).unwrap_err();
        assert!(matches!(error, FileError::Transport(TransportError::CardGone { .. })), "{error}");
    }

    #[test]
    fn a_card_that_cannot_be_connected_to_is_tried_again() {
        let deaf = hall(&[Touch::Deaf]);
        assert_eq!(number(&mut connected(&deaf).unwrap()).unwrap(), NUMBER);
        assert_eq!(deaf.repowered(&bay()), 1);
        let empty = Hall::new();
        empty.plug(&bay(), Identity::default());
        assert!(matches!(connected(&empty), Err(ReaderError::NoCard { .. })));
        // Another program has it, and gives it back when it was tried.
        let taken = hall(&[]);
        taken.take_away(&bay(), true);
        let others = taken.clone();
        let other = std::thread::spawn(move || {
            let end = Instant::now() + PATIENCE;
            while others.contexts() == 0 && Instant::now() < end {
                std::thread::yield_now();
            }
            std::thread::sleep(Duration::from_millis(20));
            others.take_away(&bay(), false);
        });
        assert_eq!(number(&mut connected(&taken).unwrap()).unwrap(), NUMBER);
        other.join().unwrap();
    }
}

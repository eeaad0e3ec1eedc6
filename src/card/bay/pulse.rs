//! The pulse of a bay's thread: since when it waits for its card, and whether anybody still waits for the thread.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::Contact;
use crate::{
    card::{CardTransport, Protocol, TransportError},
    ident::ReaderName,
};

/// Shared by a thread and who watches it. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<Mutex<Beat>>);

#[derive(Debug, Default)]
struct Beat {
    /// When the call began that is under way.
    since: Option<Instant>,
    /// The service's count for the card that is worked on.
    card: Option<u32>,
    abandoned: bool,
}

/// Nobody waits for this thread any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abandoned;

impl Pulse {
    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call that a mute card could keep for ever.
    pub(super) fn watched<T>(&self, call: impl FnOnce() -> T) -> Result<T, Abandoned> {
        {
            let mut beat = self.beat();
            if beat.abandoned {
                return Err(Abandoned);
            }
            beat.since = Some(Instant::now());
        }
        let answer = call();
        let mut beat = self.beat();
        beat.since = None;
        // What comes too late is not the answer any more: somebody has said already that there was none.
        if beat.abandoned { Err(Abandoned) } else { Ok(answer) }
    }

    /// Notes which card is worked on, by the service's count.
    pub(super) fn works_on(&self, card: Option<u32>) {
        self.beat().card = card;
    }

    /// Gives the thread up when its call takes longer than `longest`: how long it was waited for, and for which card. Once only.
    pub(super) fn abandon_after(&self, longest: Duration) -> Option<(Duration, Option<u32>)> {
        let mut beat = self.beat();
        let waited = beat.since.filter(|_| !beat.abandoned).map(|since| since.elapsed());
        let waited = waited.filter(|waited| *waited >= longest)?;
        beat.abandoned = true;
        Some((waited, beat.card))
    }

    /// True when nobody waits for the thread any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.beat().abandoned
    }
}

/// A card under watch: each exchange is a beat of the pulse, and is counted.
pub(super) struct Watched<'a> {
    pub(super) card: Box<dyn CardTransport>,
    pub(super) pulse: &'a Pulse,
    pub(super) contact: Contact,
}

impl Watched<'_> {
    fn beat<T>(
        &mut self,
        call: impl FnOnce(&mut (dyn CardTransport + '_)) -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        let mute = TransportError::Mute { reader: self.card.reader().clone() };
        let card = &mut *self.card;
        let answer = self.pulse.watched(|| call(card)).unwrap_or(Err(mute));
        self.contact.exchanges += 1;
        match &answer {
            Err(TransportError::Mute { .. } | TransportError::Reader { .. }) => self.contact.errors += 1,
            Err(TransportError::ReaderGone { .. }) => self.contact.lost += 1,
            // A card that was pulled says nothing about contacts.
            Ok(_) | Err(TransportError::CardGone { .. }) => {}
        }
        answer
    }
}

impl CardTransport for Watched<'_> {
    fn reader(&self) -> &ReaderName {
        self.card.reader()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn protocol(&self) -> Protocol {
        self.card.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.beat(|card| card.exchange(apdu))
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.beat(|card| card.reset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_too_late_is_no_answer() {
        let pulse = Pulse::default();
        assert_eq!(pulse.abandon_after(Duration::ZERO), None, "nothing is under way");
        assert_eq!(pulse.watched(|| 7), Ok(7));
        let late = pulse.watched(|| {
            assert_eq!(pulse.abandon_after(Duration::from_secs(3600)), None);
            assert!(pulse.abandon_after(Duration::ZERO).is_some());
            assert_eq!(pulse.abandon_after(Duration::ZERO), None, "once only");
            7
        });
        assert_eq!((late, pulse.is_abandoned()), (Err(Abandoned), true));
        // Nothing goes to the card any more.
        assert_eq!(pulse.watched(|| panic!("a command")), Err::<(), _>(Abandoned));
    }
}

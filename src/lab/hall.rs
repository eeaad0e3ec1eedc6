//! A hall of virtual readers: what a PC/SC service is to bays, without one. Cards go in and out, readers are plugged in and
//! out, another program takes a card, the service goes and comes.

mod connected;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use connected::Connected;

use super::reader::{CardHandle, Fault, InProcess};
use crate::{
    card::{CardTransport, Identity, Look, ReaderContext, ReaderError, ReaderService, ReaderState},
    ident::ReaderName,
};

/// The hall. Clones are the same hall.
#[derive(Debug, Clone, Default)]
pub struct Hall(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    floor: Mutex<Floor>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Floor {
    readers: BTreeMap<ReaderName, Slot>,
    /// How often the service was stopped: a context from before is lost.
    stops: u64,
    down: bool,
    contexts: u64,
}

#[derive(Debug, Default)]
struct Slot {
    identity: Identity,
    card: Option<Inserted>,
    changes: u32,
    /// A card came that is not counted yet.
    uncounted: bool,
    /// Somebody is connected.
    taken: bool,
    /// A call waits for a card that is silent.
    waiting: bool,
    repowered: u32,
    resets: u32,
    let_go: u32,
    /// The driver hangs no more.
    came_back: bool,
}

#[derive(Debug)]
struct Inserted {
    card: CardHandle,
    contacts: VecDeque<Touch>,
}

/// How the contacts touch, from one connection to the next; after those that were named they are well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Well.
    Well,
    /// The card does not answer to reset. Taking its power away ends this.
    Deaf,
    /// The service tells of it and does not connect to it.
    Early,
    /// This goes wrong.
    Fault(Fault),
    /// From the n-th command on no call comes back until the card is pulled: a mute card and a driver that waits for it.
    Silent(usize),
    /// From the n-th command on no call comes back, whatever becomes of the card, until [`Hall::come_back`]: a driver that hangs.
    Stuck(usize),
}

impl Hall {
    /// A hall without readers; its service runs.
    pub fn new() -> Self {
        Self::default()
    }

    fn floor(&self) -> MutexGuard<'_, Floor> {
        self.0.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Floor)) {
        change(&mut self.floor());
        self.0.changed.notify_all();
    }

    /// Plugs a reader in.
    pub fn plug(&self, reader: &ReaderName, identity: Identity) {
        self.change(|floor| {
            floor.readers.insert(reader.clone(), Slot { identity, ..Slot::default() });
        });
    }

    /// The service gives the name of a reader to another one, as it does when it starts anew.
    pub fn rename(&self, reader: &ReaderName, identity: Identity) {
        self.with(reader, |slot| slot.identity = identity);
    }

    /// Unplugs a reader.
    pub fn unplug(&self, reader: &ReaderName) {
        self.change(|floor| {
            floor.readers.remove(reader);
        });
    }

    /// Puts a card into a reader, in place of one that is in it.
    pub fn insert(&self, reader: &ReaderName, card: &CardHandle, contacts: &[Touch]) {
        self.with(reader, |slot| {
            slot.changes += 1 + u32::from(slot.card.is_some());
            (slot.taken, slot.waiting) = (false, false);
            slot.card = Some(Inserted { card: card.clone(), contacts: contacts.iter().copied().collect() });
        });
    }

    /// Puts a card into an empty reader as pcscd may tell of it: who looks first sees the card before it is counted.
    pub fn insert_uncounted(&self, reader: &ReaderName, card: &CardHandle) {
        self.with(reader, |slot| {
            slot.taken = false;
            slot.uncounted = true;
            slot.card = Some(Inserted { card: card.clone(), contacts: VecDeque::new() });
        });
    }

    /// Pulls the card out of a reader.
    pub fn pull(&self, reader: &ReaderName) {
        self.with(reader, |slot| {
            slot.changes += 1;
            slot.taken = false;
            slot.card = None;
        });
    }

    /// Another program takes a reader, with a card in it or not, or gives it back.
    pub fn take_away(&self, reader: &ReaderName, taken: bool) {
        self.with(reader, |slot| slot.taken = taken);
    }

    /// Stops the service: every context is lost, every card that is connected is gone.
    pub fn stop_service(&self) {
        self.change(|floor| {
            floor.down = true;
            floor.stops += 1;
            floor.readers.values_mut().for_each(|slot| slot.taken = false);
        });
    }

    /// Starts it again.
    pub fn start_service(&self) {
        self.change(|floor| floor.down = false);
    }

    /// True while a call waits for a silent card in a reader.
    pub fn is_waiting(&self, reader: &ReaderName) -> bool {
        self.floor().readers.get(reader).is_some_and(|slot| slot.waiting)
    }

    /// How many contexts were opened.
    pub fn contexts(&self) -> u64 {
        self.floor().contexts
    }

    /// How often a reader took the power away from its card.
    pub fn repowered(&self, reader: &ReaderName) -> u32 {
        self.floor().readers.get(reader).map_or(0, |slot| slot.repowered)
    }

    /// The driver of a reader hangs no more.
    pub fn come_back(&self, reader: &ReaderName) {
        self.with(reader, |slot| slot.came_back = true);
    }

    /// Waits until somebody has let go of a reader without a word to what is in it. False when nobody does for so long.
    pub fn waits_for_let_go(&self, reader: &ReaderName, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut floor = self.floor();
        while floor.readers.get(reader).is_none_or(|slot| slot.let_go == 0) {
            if Instant::now() >= end {
                return false;
            }
            floor = self.sleep(floor, end);
        }
        true
    }

    /// How often what is in a reader was reset by who took leave of a card, be it that card or one that came after it.
    pub fn resets(&self, reader: &ReaderName) -> u32 {
        self.floor().readers.get(reader).map_or(0, |slot| slot.resets)
    }

    fn with(&self, reader: &ReaderName, change: impl FnOnce(&mut Slot)) {
        self.change(|floor| {
            if let Some(slot) = floor.readers.get_mut(reader) {
                change(slot);
            }
        });
    }

    /// Sleeps until something changes, or `end` has come.
    fn sleep<'a>(&self, floor: MutexGuard<'a, Floor>, end: Instant) -> MutexGuard<'a, Floor> {
        let left = end.saturating_duration_since(Instant::now());
        self.0.changed.wait_timeout(floor, left).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl ReaderService for Hall {
    fn open(&self) -> Result<Box<dyn ReaderContext>, ReaderError> {
        let mut floor = self.floor();
        if floor.down {
            return Err(ReaderError::NoService);
        }
        floor.contexts += 1;
        Ok(Box::new(Context { hall: self.clone(), stops: floor.stops, last: None, plugged: None }))
    }
}

/// A thread's context.
struct Context {
    hall: Hall,
    stops: u64,
    last: Option<(ReaderName, Look)>,
    plugged: Option<Vec<ReaderName>>,
}

impl Context {
    /// The floor, for as long as this context is good.
    fn floor(&self) -> Result<MutexGuard<'_, Floor>, ReaderError> {
        let floor = self.hall.floor();
        if floor.stops == self.stops { Ok(floor) } else { Err(ReaderError::NoService) }
    }

    /// Waits for what `news` finds.
    fn wait<T>(
        &self,
        patience: Duration,
        news: impl Fn(&Floor) -> Result<Option<T>, ReaderError>,
    ) -> Result<Option<T>, ReaderError> {
        let end = Instant::now() + patience;
        let mut floor = self.floor()?;
        loop {
            match news(&floor)? {
                None if Instant::now() < end => floor = self.hall.sleep(floor, end),
                found => return Ok(found),
            }
            if floor.stops != self.stops {
                return Err(ReaderError::NoService);
            }
        }
    }
}

impl ReaderContext for Context {
    fn readers(&mut self) -> Result<Vec<ReaderName>, ReaderError> {
        let readers: Vec<_> = self.floor()?.readers.keys().cloned().collect();
        self.plugged = Some(readers.clone());
        Ok(readers)
    }

    fn wait_for_readers(&mut self, patience: Duration) -> Result<(), ReaderError> {
        let known = self.plugged.clone().unwrap_or_default();
        self.wait(patience, |floor| Ok((!floor.readers.keys().eq(known.iter())).then_some(())))?;
        Ok(())
    }

    fn look(&mut self, reader: &ReaderName, patience: Duration) -> Result<Look, ReaderError> {
        let last = self.last.take().filter(|(name, _)| name == reader).map(|(_, look)| look);
        let look = |floor: &Floor| floor.readers.get(reader).map(Slot::look).ok_or_else(|| gone(reader));
        let found =
            self.wait(patience, |floor| Ok(Some(look(floor)?).filter(|it| last.as_ref() != Some(it))))?;
        let seen = match (found, last) {
            (Some(look), _) | (None, Some(look)) => look,
            (None, None) => return Err(gone(reader)),
        };
        self.last = Some((reader.clone(), seen.clone()));
        if seen.state.holds_card() {
            self.hall.with(reader, |slot| slot.changes += u32::from(std::mem::take(&mut slot.uncounted)));
        }
        Ok(seen)
    }

    fn connect(&mut self, reader: &ReaderName) -> Result<Box<dyn CardTransport>, ReaderError> {
        let mut floor = self.floor()?;
        let slot = floor.readers.get_mut(reader).ok_or_else(|| gone(reader))?;
        let Some(inserted) = &mut slot.card else {
            return Err(ReaderError::NoCard { reader: reader.clone() });
        };
        if slot.taken {
            return Err(ReaderError::InUse { reader: reader.clone() });
        }
        let touch = inserted.contacts.front().copied().unwrap_or(Touch::Well);
        if touch == Touch::Deaf {
            return Err(ReaderError::Mute { reader: reader.clone() });
        }
        inserted.contacts.pop_front();
        if touch == Touch::Early {
            return Err(ReaderError::NoCard { reader: reader.clone() });
        }
        slot.taken = true;
        let transport = InProcess::insert(&inserted.card, reader.clone());
        let transport = match touch {
            Touch::Fault(fault) => transport.with_fault(fault),
            Touch::Well | Touch::Deaf | Touch::Early | Touch::Silent(_) | Touch::Stuck(_) => transport,
        };
        let silent_from = if let Touch::Silent(n) | Touch::Stuck(n) = touch { Some(n) } else { None };
        let stuck = matches!(touch, Touch::Stuck(_));
        let changes = slot.changes;
        drop(floor);
        Ok(Box::new(Connected {
            hall: self.hall.clone(),
            stops: self.stops,
            changes,
            transport,
            silent_from,
            stuck,
            let_go: false,
        }))
    }

    fn repower(&mut self, reader: &ReaderName) -> Result<(), ReaderError> {
        let mut floor = self.floor()?;
        let slot = floor.readers.get_mut(reader).ok_or_else(|| gone(reader))?;
        slot.repowered += 1;
        if let Some(inserted) = &mut slot.card
            && inserted.contacts.front() == Some(&Touch::Deaf)
        {
            inserted.contacts.pop_front();
        }
        Ok(())
    }

    fn identity(&mut self, reader: &ReaderName) -> Result<Identity, ReaderError> {
        let floor = self.floor()?;
        let slot = floor.readers.get(reader).ok_or_else(|| gone(reader))?;
        if slot.taken {
            return Err(ReaderError::InUse { reader: reader.clone() });
        }
        Ok(slot.identity.clone())
    }
}

impl Slot {
    fn look(&self) -> Look {
        let state = match &self.card {
            None => ReaderState::Empty,
            Some(card) if card.contacts.front() == Some(&Touch::Deaf) => ReaderState::Mute,
            Some(card) => {
                let atr = card.card.atr().iter().map(|octet| format!("{octet:02X}")).collect();
                if self.taken { ReaderState::InUse { atr } } else { ReaderState::Card { atr } }
            }
        };
        Look { state, changes: self.changes }
    }
}

fn gone(reader: &ReaderName) -> ReaderError {
    ReaderError::UnknownReader { asked: reader.as_str().to_owned(), known: Vec::new() }
}

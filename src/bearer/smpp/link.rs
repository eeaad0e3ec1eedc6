//! All binds to one SMSC and the dispatches that are under way, as a machine.
//!
//! | what happens to a segment                       | what becomes of its dispatch                               |
//! |-------------------------------------------------|------------------------------------------------------------|
//! | taken                                           | `Submitted`; `Sent` with the last one                      |
//! | refused, throttled                              | the link pauses, the segment goes again                    |
//! | refused for now                                 | it waits alone, the segment goes again                     |
//! | refused for now for too long                    | `Failed(Busy)`                                             |
//! | refused for good                                | `Failed(Refused)`                                          |
//! | refused for the state of the bind (04h)         | as refused for now; the bind is made anew                  |
//! | no answer, all others were sent                 | `Unclear`: never sent again from here                      |
//! | no answer, others were not sent yet             | `Failed(Incomplete)`: what the device lacks it cannot read |
//! | not sent when its time runs out                 | `Expired`                                                  |
//!
//! A dispatch that failed may come again while segments of its earlier flight have no answer yet. What is heard of those, and
//! what is not, says nothing of the new ones.

mod leave;
mod outcome;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;

use super::{
    Action, BindMode, Input, LinkSettings, Now,
    bucket::Bucket,
    connection::{Connection, Role},
    flight::{Flight, Place, Submission},
    submit,
};
use crate::{
    bearer::{Dispatch, DispatchId, Event, Failure, MessageId, References, Refusal},
    ident::{Random, Timestamp},
};

/// The machine.
pub struct Link {
    settings: LinkSettings,
    references: Arc<References>,
    random: Arc<dyn Random>,
    connections: Vec<Connection>,
    lives: Vec<u64>,
    flights: HashMap<DispatchId, Flight>,
    /// Flights with segments to send, the first one next.
    queue: BTreeMap<(u8, u64), DispatchId>,
    /// Flights that have not asked yet whether they may leave, the first one next; and how many count as leaving.
    unasked: BTreeMap<(u8, u64), DispatchId>,
    leaving: usize,
    /// Flights that wait after a refusal.
    later: BTreeSet<(Duration, DispatchId)>,
    expiry: BTreeSet<(Timestamp, DispatchId)>,
    arrivals: u64,
    bucket: Bucket,
    /// Nothing is sent before this; and how often in a row the SMSC asked for it.
    paused: (Duration, u32),
    stopping: bool,
    actions: Vec<Action>,
}

impl Link {
    /// A link whose first connections want to be opened at once.
    pub fn new(
        settings: LinkSettings,
        references: Arc<References>,
        random: Arc<dyn Random>,
        now: Now,
    ) -> Self {
        let roles: &[Role] = match settings.mode {
            BindMode::Transceiver => &[Role::Transceiver],
            BindMode::Pair => &[Role::Transmitter, Role::Receiver],
        };
        let roles = (0..settings.binds.max(1)).flat_map(|_| roles);
        let connections: Vec<_> = roles.map(|role| Connection::new(*role, now.elapsed)).collect();
        Self {
            lives: vec![0; connections.len()],
            connections,
            bucket: Bucket::new(settings.pace.rate, now.elapsed),
            settings,
            references,
            random,
            flights: HashMap::new(),
            queue: BTreeMap::new(),
            unasked: BTreeMap::new(),
            leaving: 0,
            later: BTreeSet::new(),
            expiry: BTreeSet::new(),
            arrivals: 0,
            paused: (Duration::ZERO, 0),
            stopping: false,
            actions: Vec::new(),
        }
    }

    /// What was said of it.
    pub fn settings(&self) -> &LinkSettings {
        &self.settings
    }

    /// In how many short messages it would carry this.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal> {
        submit::count(&self.settings, dispatch)
    }

    /// How many binds stand, of those that messages go over.
    pub fn bound(&self) -> usize {
        self.connections.iter().filter(|c| c.transmits()).count()
    }

    /// How many dispatches it holds.
    pub fn held(&self) -> usize {
        self.flights.len()
    }

    /// True when it has said goodbye everywhere.
    pub fn has_ended(&self) -> bool {
        self.stopping && self.connections.iter().all(Connection::has_ended)
    }

    /// The dispatches of which nothing has left, and where they go.
    pub fn whole(&self) -> impl Iterator<Item = &Dispatch> {
        self.flights.values().filter(|flight| flight.is_whole()).map(|flight| &flight.dispatch)
    }

    /// A dispatch of which nothing has left.
    pub fn whole_one(&self, id: DispatchId) -> Option<&Dispatch> {
        self.flights.get(&id).filter(|flight| flight.is_whole()).map(|flight| &flight.dispatch)
    }

    /// Takes back a dispatch of which nothing has left.
    pub fn withdraw(&mut self, id: DispatchId) -> Option<Dispatch> {
        self.flights.get(&id).filter(|flight| flight.is_whole())?;
        self.remove(id).map(|flight| flight.dispatch)
    }

    /// Takes an input in, and says what is to be done.
    pub fn on(&mut self, input: Input<'_>, now: Now) -> Vec<Action> {
        let mut heard = Vec::new();
        match input {
            Input::Dispatch(dispatch) => self.dispatch(dispatch),
            Input::Leave(asked) => asked.iter().for_each(|asked| self.may_leave(*asked)),
            Input::Opened(at) => {
                if let (Some(connection), Some(life)) = (self.connections.get_mut(at), self.lives.get_mut(at))
                {
                    *life += 1;
                    connection.opened(&self.settings, now.elapsed);
                }
            }
            Input::Octets(at, octets) => {
                if let Some(connection) = self.connections.get_mut(at) {
                    connection.octets(octets, now.elapsed, &mut heard);
                }
                self.heard(at, heard, now);
            }
            Input::Lost(at) => self.lost(at, "the connection broke or could not be opened", now),
            Input::Taken(delivery) => {
                let alive = self.lives.get(delivery.connection) == Some(&delivery.life);
                if let Some(connection) = self.connections.get_mut(delivery.connection).filter(|_| alive) {
                    connection.taken(delivery.sequence);
                }
            }
            Input::Tick => {}
            Input::Stop => self.stopping = true,
        }
        self.time(now);
        self.pump(now);
        self.ask();
        self.farewell(now);
        for at in 0..self.connections.len() {
            self.flush(at);
        }
        std::mem::take(&mut self.actions)
    }

    /// When it wants to be looked at again, at the latest.
    pub fn due(&self, now: Now) -> Option<Duration> {
        let connections = self.connections.iter().filter_map(|c| c.due(&self.settings));
        let later = self.later.first().map(|(at, _)| *at);
        let expiry = self.expiry.first().map(|(at, _)| now.elapsed + at.since(now.clock));
        let ready = self.room().filter(|_| !self.queue.is_empty() && !self.stopping);
        let ready = ready.map(|_| self.paused.0.max(self.bucket.ready()));
        connections.chain(later).chain(expiry).chain(ready).min()
    }

    fn dispatch(&mut self, dispatch: Dispatch) {
        let count = submit::count(&self.settings, &dispatch).unwrap_or(u8::MAX);
        let id = dispatch.id;
        self.arrivals += 1;
        if let Some(expires) = dispatch.expires {
            self.expiry.insert((expires, id));
        }
        self.flights.insert(id, Flight::new(dispatch, self.arrivals, count));
        self.enqueue(id);
    }

    fn time(&mut self, now: Now) {
        for at in 0..self.connections.len() {
            let mut heard = Vec::new();
            if let Some(connection) = self.connections.get_mut(at) {
                connection.tick(&self.settings, now.elapsed, &mut heard);
            }
            self.heard(at, heard, now);
            let opens =
                self.connections.get_mut(at).is_some_and(|c| !self.stopping && c.wants_to_open(now.elapsed));
            if opens {
                self.actions.push(Action::Open(at));
            }
        }
        while let Some((at, id)) = self.later.first().copied().filter(|(at, _)| *at <= now.elapsed) {
            self.later.remove(&(at, id));
            self.enqueue(id);
        }
        while let Some((at, id)) = self.expiry.first().copied().filter(|(at, _)| *at <= now.clock) {
            self.expiry.remove(&(at, id));
            // What was sent whole waits for its answers.
            if self.flights.get(&id).is_some_and(|flight| flight.places.is_empty() || flight.next().is_some())
            {
                self.close(Event::Expired { id }, id);
            }
        }
    }

    /// Sends what may be sent.
    fn pump(&mut self, now: Now) {
        while !self.stopping && self.paused.0 <= now.elapsed {
            let Some(room) = self.room() else { return };
            let Some((rank, id)) = self.queue.first_key_value().map(|(rank, id)| (*rank, *id)) else {
                return;
            };
            let Some(flight) = self.flights.get_mut(&id) else {
                self.queue.remove(&rank);
                continue;
            };
            if flight.pieces.is_empty() {
                let alone = flight.count <= 1;
                let taken = if alone {
                    None
                } else {
                    let Dispatch { destination, reference, .. } = &flight.dispatch;
                    self.references.take(destination, self.settings.reference, *reference, &*self.random)
                };
                let Some(reference) = taken.or(alone.then_some(UNUSED)) else {
                    // As many datagrams as there are references are on their way to this device.
                    self.put_off(id, now.elapsed + self.settings.pace.retry.0);
                    continue;
                };
                flight.reference = taken;
                flight.pieces = submit::pieces(&self.settings, &flight.dispatch, reference);
                flight.places = vec![Place::Here; flight.pieces.len()];
            }
            let Some(piece) = flight.next() else {
                self.queue.remove(&rank);
                continue;
            };
            let at = flight
                .connection
                .filter(|at| self.connections.get(*at).is_some_and(|c| has_room(c, &self.settings)));
            let at = at.unwrap_or(room);
            if !self.bucket.take(now.elapsed) {
                return;
            }
            let last = usize::from(piece) + 1 == flight.pieces.len();
            let pdu = flight.pieces.get(usize::from(piece)).and_then(|piece| {
                submit::submit_sm(&self.settings, &flight.dispatch, piece, last, now.clock)
            });
            let (Some(pdu), Some(connection)) = (pdu, self.connections.get_mut(at)) else {
                let failure = Failure::Network("it cannot be written as submit_sm".into());
                self.close(Event::Failed { id, failure }, id);
                continue;
            };
            flight.put(piece, Place::Sent);
            flight.connection = Some(at);
            let arrived = flight.arrived;
            if last || flight.next().is_none() {
                self.queue.remove(&rank);
            }
            connection.submit(
                Submission { id, arrived, piece, left: now.clock },
                pdu,
                now.elapsed + self.settings.pace.response_timeout,
            );
        }
    }

    /// The connection with the most room.
    fn room(&self) -> Option<usize> {
        let open = self.connections.iter().enumerate().filter(|(_, c)| has_room(c, &self.settings));
        open.min_by_key(|(_, c)| c.outstanding()).map(|(at, _)| at)
    }

    /// Once it stops: unbinds what has no submission without an answer.
    fn farewell(&mut self, now: Now) {
        if !self.stopping {
            return;
        }
        for at in 0..self.connections.len() {
            let mut heard = Vec::new();
            if let Some(connection) = self.connections.get_mut(at).filter(|c| c.outstanding() == 0) {
                connection.stop(&self.settings, now.elapsed, &mut heard);
            }
            self.heard(at, heard, now);
        }
    }

    fn flush(&mut self, at: usize) {
        let out = self.connections.get_mut(at).map_or_else(BytesMut::new, Connection::output);
        if !out.is_empty() {
            self.actions.push(Action::Write(at, out.freeze()));
        }
    }

    fn message_id(&self, id: String) -> MessageId {
        MessageId { smsc: Arc::clone(&self.settings.name), id }
    }

    /// Between half of a pause and all of it, so that many links do not come back at the same moment.
    fn jittered(&self, pause: Duration) -> Duration {
        let mut drawn = [0; 2];
        self.random.fill(&mut drawn);
        pause / 2 + (pause / 2).mul_f64(f64::from(u16::from_be_bytes(drawn)) / 65_536.0)
    }
}

/// The reference of a datagram that is not cut; nobody sees it.
const UNUSED: crate::wire::wdp::Reference = crate::wire::wdp::Reference::Short(0);

fn has_room(connection: &Connection, settings: &LinkSettings) -> bool {
    connection.transmits() && connection.outstanding() < usize::from(settings.pace.window.max(1))
}

/// A pause that doubles with every time.
fn grown((least, most): (Duration, Duration), times: u32) -> Duration {
    least.saturating_mul(1_u32.checked_shl(times.min(20)).unwrap_or(u32::MAX)).min(most)
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({}, {} bound, {} held)", self.settings.name, self.bound(), self.held())
    }
}

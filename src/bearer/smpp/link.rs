//! All binds to one SMSC and the dispatches that are under way, as a machine.
//!
//! | what happens to a segment                       | what becomes of its dispatch                               |
//! |-------------------------------------------------|------------------------------------------------------------|
//! | taken                                           | `Submitted`; `Sent` with the last one                      |
//! | refused, throttled                              | the link pauses, the segment goes again                    |
//! | refused for now                                 | it waits alone, the segment goes again                     |
//! | refused for now for too long                    | `Failed(Busy)`                                             |
//! | refused for good                                | `Failed(Refused)`                                          |
//! | no answer, all others were sent                 | `Unclear`: never sent again from here                      |
//! | no answer, others were not sent yet             | `Failed(Incomplete)`: what the device lacks it cannot read |
//! | not sent when its time runs out                 | `Expired`                                                  |

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};

use super::{
    BindMode, LinkSettings, Verdict,
    bucket::Bucket,
    connection::{Connection, Heard, Role, Submission},
    flight::{Flight, Place},
    receipts::Report,
    submit,
};
use crate::{
    bearer::{Dispatch, DispatchId, Event, Failure, MessageId, Receipt, References, Refusal, Taken},
    ident::{Random, Timestamp},
    wire::smpp::CommandStatus,
};

/// The time, told twice: one that only goes on, for pauses and time limits, and that of the calendar.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Since some beginning.
    pub elapsed: Duration,
    /// By the clock.
    pub clock: Timestamp,
}

/// What happens to a link.
#[derive(Debug)]
pub enum Input<'a> {
    /// A dispatch to carry, that [`Link::admit`] let through.
    Dispatch(Dispatch),
    /// A connection that was asked for stands.
    Opened(usize),
    /// It sent octets.
    Octets(usize, &'a [u8]),
    /// It is gone, or could not be opened.
    Lost(usize),
    /// A receipt was kept.
    Taken(Delivery),
    /// Nothing; time has passed.
    Tick,
    /// Say goodbye.
    Stop,
}

/// What is to be done for a link.
#[derive(Debug)]
pub enum Action {
    /// Open this connection.
    Open(usize),
    /// Write this to it.
    Write(usize, Bytes),
    /// Close it once all is written; nothing of it is wanted any more.
    Close(usize),
    /// Tell whoever feeds the bearer. A closing event gives a place back.
    Tell(Event),
    /// Tell it of a receipt, and [`Input::Taken`] when it was kept.
    Receipt(Receipt, Delivery),
    /// For the log.
    Note(Note),
}

/// What an operator wants to know of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A bind stands.
    Bound,
    /// The SMSC refused it.
    Refused(CommandStatus),
    /// A connection broke, or could not be opened.
    Broken(&'static str),
    /// The SMSC asked for less.
    Throttled(CommandStatus, Duration),
}

/// A message of the SMSC that is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    connection: usize,
    /// Which life of the connection: its sequence numbers begin anew with each.
    life: u64,
    sequence: u32,
}

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
        let flight = Flight::new(dispatch, self.arrivals, count);
        self.queue.insert(flight.rank(), id);
        self.flights.insert(id, flight);
    }

    fn heard(&mut self, at: usize, heard: Vec<Heard>, now: Now) {
        for heard in heard {
            match heard {
                Heard::Bound => self.actions.push(Action::Note(Note::Bound)),
                Heard::Refused(status) => self.refused(at, status, now),
                Heard::Answer { submission, status, message } => {
                    self.answer(submission, status, message, now)
                }
                Heard::Silent(submission) => {
                    if let Some(flight) = self.flights.get_mut(&submission.id) {
                        flight.put(submission.piece, Place::InDoubt);
                        self.in_doubt(submission.id);
                    }
                }
                Heard::Receipt { report, sequence } => self.receipt(at, report, sequence, now),
                Heard::Broken(why) => self.lost(at, why, now),
                Heard::Ended => {
                    self.flush(at);
                    self.actions.push(Action::Close(at));
                    let rest = self.connections.get_mut(at).map(|c| c.lost(now.elapsed, Duration::ZERO));
                    self.doubt_all(rest.unwrap_or_default());
                }
            }
        }
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
            if let Some(flight) = self.flights.get(&id) {
                self.queue.insert(flight.rank(), id);
            }
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
                    self.references.take(&flight.dispatch.destination, self.settings.reference, &*self.random)
                };
                let Some(reference) = taken.or(alone.then_some(UNUSED)) else {
                    // As many datagrams as there are references are on their way to this device.
                    self.queue.remove(&rank);
                    self.later.insert((now.elapsed + self.settings.pace.retry.0, id));
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
            if last || flight.next().is_none() {
                self.queue.remove(&rank);
            }
            connection.submit(
                Submission { id, piece },
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

    fn answer(&mut self, submission: Submission, status: CommandStatus, message: Option<String>, now: Now) {
        let Submission { id, piece } = submission;
        let Some(flight) = self.flights.get_mut(&id).filter(|flight| flight.is(piece, Place::Sent)) else {
            return;
        };
        if status.is_ok() {
            self.paused.1 = 0;
            flight.put(piece, Place::Accepted);
            let (done, segments) = (flight.is_done(), flight.in_places(&[Place::Accepted]));
            if let Some(message) = message {
                let message = self.message_id(self.settings.response_ids.normalise(&message));
                self.actions.push(Action::Tell(Event::Submitted { id, segment: piece, message }));
            }
            if done {
                self.close(Event::Sent { id, segments, receipts: self.settings.receipts }, id);
            }
            return;
        }
        let verdict = self.settings.verdicts.of(status);
        let smsc = Arc::clone(&self.settings.name);
        if verdict == Verdict::Permanent {
            let failure = Failure::refused(smsc, piece, status);
            return self.close(Event::Failed { id, failure }, id);
        }
        flight.put(piece, Place::Here);
        let (refusals, rank) = (flight.refused(status, now.elapsed), flight.rank());
        if now.elapsed.saturating_sub(refusals.since) >= self.settings.pace.give_up {
            let failure = Failure::Busy { smsc, tries: refusals.tries, status: refusals.last.0 };
            return self.close(Event::Failed { id, failure }, id);
        }
        if verdict == Verdict::Throttled {
            // A whole window may be refused at once: that is one sign, not many.
            if self.paused.0 <= now.elapsed {
                let pause = grown(self.settings.pace.throttle, self.paused.1);
                self.paused = (now.elapsed + pause, self.paused.1.saturating_add(1));
                self.actions.push(Action::Note(Note::Throttled(status, pause)));
            }
            self.queue.insert(rank, id);
        } else {
            self.queue.remove(&rank);
            let pause = grown(self.settings.pace.retry, refusals.tries.saturating_sub(1));
            self.later.insert((now.elapsed + pause, id));
        }
    }

    fn receipt(&mut self, at: usize, report: Report, sequence: u32, now: Now) {
        let Some(life) = self.lives.get(at).copied() else { return };
        let receipt = Receipt {
            message: self.message_id(self.settings.receipt_ids.normalise(&report.id)),
            state: report.state,
            network_error: report.network_error,
            at: now.clock,
            taken: Taken::default(),
        };
        self.actions.push(Action::Receipt(receipt, Delivery { connection: at, life, sequence }));
    }

    fn refused(&mut self, at: usize, status: CommandStatus, now: Now) {
        self.actions.push(Action::Note(Note::Refused(status)));
        // Wrong credentials do not get right by trying: an SMSC may bar an account for that.
        let hopeless = matches!(status, CommandStatus::INVALID_PASSWORD | CommandStatus::INVALID_SYSTEM_ID);
        let pause = hopeless.then_some(self.settings.pace.reconnect.1);
        self.end(at, pause, now);
    }

    fn lost(&mut self, at: usize, why: &'static str, now: Now) {
        self.actions.push(Action::Note(Note::Broken(why)));
        self.end(at, None, now);
    }

    /// Closes a connection, to open it again after a pause.
    fn end(&mut self, at: usize, pause: Option<Duration>, now: Now) {
        self.flush(at);
        self.actions.push(Action::Close(at));
        let Some(failures) = self.connections.get(at).map(Connection::failures) else { return };
        let pause = self.jittered(pause.unwrap_or_else(|| grown(self.settings.pace.reconnect, failures)));
        let lost = self.connections.get_mut(at).map(|c| c.lost(now.elapsed, pause)).unwrap_or_default();
        if let Some(life) = self.lives.get_mut(at) {
            *life += 1;
        }
        self.doubt_all(lost);
    }

    fn doubt_all(&mut self, lost: Vec<Submission>) {
        for submission in &lost {
            if let Some(flight) =
                self.flights.get_mut(&submission.id).filter(|f| f.is(submission.piece, Place::Sent))
            {
                flight.put(submission.piece, Place::InDoubt);
            }
        }
        for id in lost.iter().map(|submission| submission.id).collect::<BTreeSet<_>>() {
            self.in_doubt(id);
        }
    }

    /// Closes a flight of which a segment is in doubt.
    fn in_doubt(&mut self, id: DispatchId) {
        let Some(flight) = self.flights.get(&id).filter(|f| f.in_places(&[Place::InDoubt]) > 0) else {
            return;
        };
        let segments = u8::try_from(flight.places.len()).unwrap_or(u8::MAX);
        let here = flight.in_places(&[Place::Here]);
        let event = if here > 0 {
            let failure = Failure::Incomplete {
                smsc: Arc::clone(&self.settings.name),
                sent: segments.saturating_sub(here),
                segments,
            };
            Event::Failed { id, failure }
        } else {
            Event::Unclear { id, in_doubt: flight.in_places(&[Place::InDoubt, Place::Sent]), segments }
        };
        self.close(event, id);
    }

    fn close(&mut self, event: Event, id: DispatchId) {
        if self.remove(id).is_some() {
            self.actions.push(Action::Tell(event));
        }
    }

    fn remove(&mut self, id: DispatchId) -> Option<Flight> {
        let flight = self.flights.remove(&id)?;
        self.queue.remove(&flight.rank());
        if let Some(expires) = flight.dispatch.expires {
            self.expiry.remove(&(expires, id));
        }
        if flight.refusals.is_some() || flight.pieces.is_empty() {
            self.later.retain(|(_, other)| *other != id);
        }
        if let Some(reference) = flight.reference {
            self.references.give_back(&flight.dispatch.destination, reference);
        }
        Some(flight)
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

//! An operator's Kannel as a way to devices: a [`Bearer`] over its `sendsms`, beside links by SMPP.
//!
//! Each segment has a name of its own, drawn by us, under which its receipt comes back over HTTP (see [`Results`]). Kannel
//! keeps what it cannot send for now, so that a segment that it took is with the network.
//!
//! [`Results`]: crate::bearer::Results

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use tracing::{info, warn};

use super::{Coding, Sendsms, SendsmsError, Submission};
use crate::{
    bearer::{
        Asking, Bearer, Carriage, Closed, Destination, Dispatch, DispatchId, Event, Failure, Lane, Link,
        MessageId, PostError, References, Refusal,
    },
    ident::{Clock, Msisdn, Random},
    wire::{
        sms::{ShortText, text_of},
        wdp::{Reference, Segment, Width, count, split},
    },
};

/// How long a Kannel that cannot be reached is left alone while other links stand.
const PAUSE: Duration = Duration::from_secs(5);

/// How it is used.
#[derive(Debug, Clone)]
pub struct SendsmsSettings {
    /// Requests at the same time.
    pub window: usize,
    /// Dispatches that it holds, waiting ones among them.
    pub capacity: usize,
    /// Nothing leaves before whoever feeds the link has said that it is written down: see [`Lane::asks`]. A request at the
    /// same time asks, so that no more than a window is in doubt.
    pub write_ahead: bool,
    /// Where receipts come back: the URL before the name of a segment. None to ask for no receipts.
    pub receipts: Option<String>,
}

/// A link to a Kannel. Dropping it ends it.
pub struct SendsmsLink {
    shared: Arc<Shared>,
    // Ends with it.
    workers: tokio::sync::Mutex<JoinSet<()>>,
}

struct Shared {
    kannel: Sendsms,
    name: Arc<str>,
    settings: SendsmsSettings,
    waiting: Mutex<VecDeque<Dispatch>>,
    more: Notify,
    /// What has asked whether it may leave, and who waits for the answer.
    asked: Mutex<Vec<(Asking, oneshot::Sender<()>)>>,
    places: Semaphore,
    down_until: Mutex<Option<Instant>>,
    references: Arc<References>,
    events: mpsc::Sender<Event>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl SendsmsLink {
    /// Starts its workers. To be called within a tokio runtime.
    pub fn start(
        kannel: Sendsms,
        settings: SendsmsSettings,
        references: Arc<References>,
        events: mpsc::Sender<Event>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let window = settings.window.max(1);
        let shared = Arc::new(Shared {
            name: kannel.name.as_str().into(),
            places: Semaphore::new(settings.capacity.max(1)),
            kannel,
            settings,
            waiting: Mutex::default(),
            more: Notify::new(),
            asked: Mutex::default(),
            down_until: Mutex::default(),
            references,
            events,
            clock,
            random,
        });
        let mut workers = JoinSet::new();
        for _ in 0..window {
            workers.spawn(work(Arc::clone(&shared)));
        }
        Self { shared, workers: tokio::sync::Mutex::new(workers) }
    }
}

/// In how many messages a dispatch goes.
fn segments(dispatch: &Dispatch) -> usize {
    match dispatch.carriage {
        Carriage::Datagram(ports) => count(ports, Width::Short, dispatch.octets.len()),
        Carriage::Text => dispatch.text().map_or(0, |text| text.count(Width::Short)),
    }
}

#[async_trait::async_trait]
impl Bearer for SendsmsLink {
    fn name(&self) -> &str {
        &self.shared.name
    }

    fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal> {
        let route = || self.shared.name.to_string();
        let Destination::Msisdn(_) = dispatch.destination else {
            return Err(Refusal::Destination { route: route(), kind: dispatch.destination.kind() });
        };
        let most = self.shared.kannel.most_segments;
        let segments = segments(dispatch);
        match u8::try_from(segments) {
            Ok(fits) if fits <= most => Ok(fits),
            _ => Err(Refusal::TooLong { route: route(), octets: dispatch.octets.len(), segments, most }),
        }
    }

    async fn send(&self, dispatch: Dispatch) -> Result<(), Closed> {
        self.shared.places.acquire().await.map_err(|_| Closed)?.forget();
        self.shared.waiting().push_back(dispatch);
        self.shared.more.notify_one();
        Ok(())
    }

    fn lanes(&self) -> Vec<Lane> {
        let (free, places) = (self.shared.places.available_permits(), self.shared.settings.capacity.max(1));
        vec![Lane { asks: self.shared.settings.write_ahead, ..Lane::only(Lane::room(free, places)) }]
    }

    fn leave(&self, asked: &[Asking]) {
        for (_, waits) in self.shared.asked().extract_if(.., |(own, _)| asked.contains(own)) {
            // A worker that was ended waits no more.
            let _ = waits.send(());
        }
    }

    fn withdraw(&self, id: DispatchId) -> bool {
        self.take_back(id, &|_| true).is_some()
    }

    async fn close(&self, grace: Duration) {
        self.shared.places.close();
        self.shared.more.notify_waiters();
        // Those that may not leave yet do not any more.
        self.shared.asked().clear();
        // A notification that nobody waited for is kept by none of them: those at work look by themselves.
        let mut workers = self.workers.lock().await;
        let ended = async { while workers.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            workers.abort_all();
        }
    }
}

impl Link for SendsmsLink {
    fn bound(&self) -> usize {
        usize::from(self.shared.down().is_none())
    }

    fn held(&self) -> usize {
        self.shared.waiting().len()
    }

    fn has_room(&self) -> bool {
        self.shared.places.available_permits() > 0
    }

    fn whole(&self) -> Vec<(DispatchId, Destination)> {
        self.shared.waiting().iter().map(|d| (d.id, d.destination.clone())).collect()
    }

    fn take_back(&self, id: DispatchId, wanted: &dyn Fn(&Dispatch) -> bool) -> Option<Dispatch> {
        let mut waiting = self.shared.waiting();
        let at = waiting.iter().position(|dispatch| dispatch.id == id && wanted(dispatch))?;
        let taken = waiting.remove(at);
        drop(waiting);
        self.shared.places.add_permits(1);
        taken
    }
}

impl std::fmt::Debug for SendsmsLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SendsmsLink({:?}, {} waiting)", self.shared.kannel, self.held())
    }
}

/// The segments of a dispatch, and what their data is.
fn cut(dispatch: &Dispatch, reference: Reference, most: u8) -> Result<(Vec<Segment>, Coding), String> {
    if let Carriage::Datagram(ports) = dispatch.carriage {
        let segments = split(ports, reference, most, &dispatch.octets).map_err(|e| e.to_string())?;
        return Ok((segments, Coding::Data));
    }
    let text = dispatch.text().unwrap_or_else(|| ShortText::new(""));
    let segments = text.split(reference).filter(|segments| segments.len() <= usize::from(most));
    let mut segments = segments.ok_or_else(|| format!("the text does not fit {most} short messages"))?;
    if !text.is_default() {
        return Ok((segments, Coding::Ucs2));
    }
    // Kannel makes septets of characters by itself.
    for segment in &mut segments {
        segment.data = text_of(&segment.data).into_bytes();
    }
    Ok((segments, Coding::Text))
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Dispatch>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, Vec<(Asking, oneshot::Sender<()>)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is written down that this one may have left; false when the link is closed before.
    async fn may_leave(&self, id: DispatchId) -> bool {
        let (waits, answer) = oneshot::channel();
        let asking = Asking::new(id);
        self.asked().push((asking, waits));
        // It may have been closed before it could be seen that this one waits.
        if self.places.is_closed() || self.events.send(Event::Leaving(asking)).await.is_err() {
            self.asked().retain(|(own, _)| *own != asking);
        }
        answer.await.is_ok()
    }

    /// Sends one dispatch, and says how that ended.
    async fn carry(&self, dispatch: &Dispatch) -> Event {
        let id = dispatch.id;
        let failed = |failure| Event::Failed { id, failure };
        let now = self.clock.now();
        if dispatch.expires.is_some_and(|expires| expires <= now) {
            return Event::Expired { id };
        }
        let Destination::Msisdn(to) = &dispatch.destination else {
            return failed(Failure::Declined("Kannel reaches telephone numbers alone".to_owned()));
        };
        // What goes in one message shows none: taken all the same, it would push those that are counted for all aside.
        let alone = segments(dispatch) <= 1;
        let (to_device, counted) = (&dispatch.destination, dispatch.reference);
        let take = || self.references.take(to_device, Width::Short, counted, &*self.random);
        let taken = if alone { None } else { take() };
        let Some(reference) = taken.or(alone.then_some(Reference::Short(0))) else {
            return failed(Failure::Network("256 messages for this number are under way".to_owned()));
        };
        let ended = match cut(dispatch, reference, self.kannel.most_segments) {
            Ok((segments, coding)) => {
                let validity = dispatch.expires.map(|expires| expires.since(now));
                self.hand_in(id, to, (&segments, coding), validity).await
            }
            Err(why) => failed(Failure::Declined(why)),
        };
        if let Some(reference) = taken {
            self.references.give_back(&dispatch.destination, reference);
        }
        ended
    }

    async fn hand_in(
        &self,
        id: DispatchId,
        to: &Msisdn,
        (segments, coding): (&[Segment], Coding),
        validity: Option<Duration>,
    ) -> Event {
        let total = u8::try_from(segments.len()).unwrap_or(u8::MAX);
        for (segment, n) in segments.iter().zip(0..) {
            let name = self.draw();
            let url = self.settings.receipts.as_ref().map(|base| format!("{base}{}.{name}?d=%d", self.name));
            let submission = Submission { to, segment, coding, validity, receipt: url.as_deref() };
            let left = self.clock.now();
            match self.kannel.persist(&submission).await {
                Ok(_) => {
                    self.seen(None);
                    let message = MessageId { smsc: Arc::clone(&self.name), id: name };
                    let taken = Event::Submitted { id, segment: n, message, of: total, left };
                    let _ = self.events.send(taken).await;
                }
                Err(error) if error.is_in_doubt() => {
                    warn!(smsc = &*self.name, "{error}");
                    // Whatever stands before a Kannel that is away says this of all, at once.
                    let broken = matches!(error, SendsmsError::Lost { .. });
                    self.seen(broken.then_some(&error));
                    let sent = n + 1;
                    // What the device lacks it cannot read: without the others this one is nothing.
                    if sent < total {
                        let smsc = Arc::clone(&self.name);
                        return Event::Failed {
                            id,
                            failure: Failure::Incomplete { smsc, sent, segments: total },
                        };
                    }
                    return Event::Unclear { id, in_doubt: 1, segments: total };
                }
                Err(error) => {
                    let away = matches!(error, SendsmsError::Post(PostError::Unreachable { .. }));
                    self.seen(away.then_some(&error));
                    let why = error.to_string();
                    // What is refused for good, and what another try may bring.
                    let failure = match error {
                        SendsmsError::Post(PostError::Unreachable { .. })
                        | SendsmsError::Busy { .. }
                        | SendsmsError::Denied { .. } => Failure::Network(why),
                        _ => Failure::Declined(why),
                    };
                    return Event::Failed { id, failure };
                }
            }
        }
        Event::Sent { id, segments: total, receipts: self.settings.receipts.is_some() }
    }

    /// Until when nothing is tried, because Kannel was away a moment ago.
    fn down(&self) -> Option<Instant> {
        let down = *self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        down.filter(|until| *until > Instant::now())
    }

    /// Notes whether Kannel could be reached, and tells of each change.
    fn seen(&self, error: Option<&SendsmsError>) {
        let mut down = self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        match (down.is_some(), error) {
            (false, Some(error)) => warn!(smsc = &*self.name, %error, "The Kannel {}: {error}", self.name),
            (true, None) => info!(smsc = &*self.name, "The Kannel {} answers again", self.name),
            _ => {}
        }
        *down = error.map(|_| Instant::now() + PAUSE);
    }

    /// A name for a segment: hexadecimal digits of 80 bits.
    fn draw(&self) -> String {
        let mut octets = [0; 10];
        self.random.fill(&mut octets);
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

/// Takes dispatches, one after the other, until the link is closed.
async fn work(shared: Arc<Shared>) {
    loop {
        let told = shared.more.notified();
        if shared.places.is_closed() {
            return;
        }
        if let Some(until) = shared.down() {
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = told => {}
            }
            continue;
        }
        let next = shared.waiting().pop_front();
        let Some(dispatch) = next else {
            told.await;
            continue;
        };
        // Others may have been told of nothing while this one was.
        shared.more.notify_one();
        // What is not sent has no closing event: whoever feeds the link still has it.
        if shared.settings.write_ahead && !shared.may_leave(dispatch.id).await {
            return;
        }
        let ended = shared.carry(&dispatch).await;
        shared.places.add_permits(1);
        if shared.events.send(ended).await.is_err() {
            return;
        }
    }
}

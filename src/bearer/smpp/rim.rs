//! A link in the world: sockets, timers and channels around the machine.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Notify, Semaphore, mpsc, watch},
    time::Instant,
};

use super::{
    Action, Input, Link, LinkSettings, Now, SmscAddress, Unanswered,
    socket::{self, News},
    trouble::Trouble,
};
use crate::{
    bearer::{
        Asking, Bearer, Closed, Destination, Dispatch, DispatchId, Event, Hindrance, Lane, References,
        Refusal, Taken, nothing_stands,
    },
    ident::{Clock, Random},
};

/// News of connections that may wait to be looked at.
const NEWS: usize = 64;

/// Events that may wait for whoever feeds the bearer; while more do, nothing is read from the SMSC.
const EVENTS: usize = 4_096;

/// A link to an SMSC: a [`Bearer`]. Dropping it lets it say goodbye.
pub struct SmppLink {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    wake: Notify,
    places: Semaphore,
    started: Instant,
    clock: Arc<dyn Clock>,
    ended: watch::Sender<bool>,
    name: Arc<str>,
    capacity: usize,
    write_ahead: bool,
}

struct Inner {
    link: Link,
    /// Dispatches that the machine has not seen yet.
    inbox: Vec<Dispatch>,
    /// Those that may leave, of which it has not heard yet.
    leave: Vec<Asking>,
    stop: bool,
    trouble: Trouble,
}

impl SmppLink {
    /// Starts to connect. What happens is told to `events`, which should be read all the time: while it is full, nothing
    /// is read from the SMSC.
    ///
    /// To be called within a tokio runtime.
    pub fn start(
        settings: LinkSettings,
        address: SmscAddress,
        references: Arc<References>,
        events: mpsc::Sender<Event>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let now = Now { elapsed: Duration::ZERO, clock: clock.now() };
        let shared = Arc::new(Shared {
            wake: Notify::new(),
            places: Semaphore::new(settings.pace.capacity),
            started: Instant::now(),
            clock,
            ended: watch::Sender::new(false),
            name: Arc::clone(&settings.name),
            capacity: settings.pace.capacity,
            write_ahead: settings.write_ahead,
            inner: Mutex::new(Inner {
                trouble: Trouble::new(Arc::clone(&settings.name)),
                link: Link::new(settings, references, random, now),
                inbox: Vec::new(),
                leave: Vec::new(),
                stop: false,
            }),
        });
        tokio::spawn(Driver::new(Arc::clone(&shared), address, events).run());
        Self { shared }
    }

    /// How many binds stand that messages can go over.
    pub fn bound(&self) -> usize {
        self.shared.inner().link.bound()
    }

    /// What keeps it from its SMSC, as far as that is known.
    pub fn trouble(&self) -> Option<String> {
        self.shared.inner().trouble.why().map(str::to_owned)
    }

    /// How many dispatches it holds.
    pub fn held(&self) -> usize {
        let inner = self.shared.inner();
        inner.inbox.len() + inner.link.held()
    }

    /// True when a dispatch would not have to wait.
    pub fn has_room(&self) -> bool {
        self.shared.places.available_permits() > 0
    }

    /// The dispatches of which nothing has left, and where they go.
    pub fn whole(&self) -> Vec<(DispatchId, Destination)> {
        let inner = self.shared.inner();
        let all = inner.inbox.iter().chain(inner.link.whole());
        all.map(|dispatch| (dispatch.id, dispatch.destination.clone())).collect()
    }

    /// Takes back a dispatch of which nothing has left, if it is wanted.
    pub fn take_back(&self, id: DispatchId, wanted: impl Fn(&Dispatch) -> bool) -> Option<Dispatch> {
        let mut inner = self.shared.inner();
        let inbox = inner.inbox.iter().position(|dispatch| dispatch.id == id && wanted(dispatch));
        let taken = match inbox {
            Some(at) => Some(inner.inbox.remove(at)),
            None if inner.link.whole_one(id).is_some_and(&wanted) => inner.link.withdraw(id),
            None => None,
        };
        drop(inner);
        if taken.is_some() {
            self.shared.places.add_permits(1);
            // The next one may ask in its place.
            self.shared.wake.notify_one();
        }
        taken
    }

    /// Says goodbye: nothing more is sent, answers that are missing are waited for as long as `grace`. What was not sent
    /// has no closing event; whoever feeds the bearer still has it.
    pub async fn stop(&self, grace: Duration) {
        self.shared.stop();
        let mut ended = self.shared.ended.subscribe();
        let _ = tokio::time::timeout(grace, ended.wait_for(|ended| *ended)).await;
    }
}

#[async_trait::async_trait]
impl Bearer for SmppLink {
    fn name(&self) -> &str {
        &self.shared.name
    }

    fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal> {
        self.shared.inner().link.admit(dispatch)
    }

    async fn send(&self, dispatch: Dispatch) -> Result<(), Closed> {
        self.shared.places.acquire().await.map_err(|_| Closed)?.forget();
        let first = {
            let mut inner = self.shared.inner();
            inner.inbox.push(dispatch);
            inner.inbox.len() == 1
        };
        if first {
            self.shared.wake.notify_one();
        }
        Ok(())
    }

    fn lanes(&self) -> Vec<Lane> {
        let free = self.shared.places.available_permits();
        let room = Lane::room(free, self.shared.capacity);
        vec![Lane { asks: self.shared.write_ahead, ..Lane::only(room) }]
    }

    fn leave(&self, asked: &[Asking]) {
        let mut inner = self.shared.inner();
        // A link that has ended looks at nothing any more.
        if !*self.shared.ended.borrow() {
            inner.leave.extend_from_slice(asked);
        }
        drop(inner);
        self.shared.wake.notify_one();
    }

    fn withdraw(&self, id: DispatchId) -> bool {
        self.take_back(id, |_| true).is_some()
    }

    fn hindrance(&self, _to: &Destination) -> Option<Hindrance> {
        (self.bound() == 0).then(|| nothing_stands(&[self]))
    }

    async fn close(&self, grace: Duration) {
        self.stop(grace).await;
    }
}

impl Drop for SmppLink {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl std::fmt::Debug for SmppLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmppLink({:?})", self.shared.inner().link)
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.places.close();
        self.inner().stop = true;
        self.wake.notify_one();
    }

    fn now(&self) -> Now {
        Now { elapsed: self.started.elapsed(), clock: self.clock.now() }
    }
}

/// What does what the machine says.
struct Driver {
    shared: Arc<Shared>,
    address: SmscAddress,
    /// To the connections, with the number of each one's life.
    sockets: Vec<(u64, Option<mpsc::Sender<Bytes>>)>,
    news: (mpsc::Sender<News>, mpsc::Receiver<News>),
    taken: (mpsc::UnboundedSender<Unanswered>, mpsc::UnboundedReceiver<Unanswered>),
    events: mpsc::Sender<Event>,
    waiting: VecDeque<Event>,
    stopping: bool,
}

impl Driver {
    fn new(shared: Arc<Shared>, address: SmscAddress, events: mpsc::Sender<Event>) -> Self {
        Self {
            shared,
            address,
            sockets: Vec::new(),
            news: mpsc::channel(NEWS),
            // No more than the messages of the SMSC that the machine lets wait.
            taken: mpsc::unbounded_channel(),
            events,
            waiting: VecDeque::new(),
            stopping: false,
        }
    }

    async fn run(mut self) {
        let events = self.events.clone();
        loop {
            let (due, ended) = self.step();
            if ended && self.waiting.is_empty() {
                break;
            }
            let due = self.shared.started + due.unwrap_or(Duration::from_secs(3_600));
            tokio::select! {
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep_until(due) => {}
                place = events.reserve(), if !self.waiting.is_empty() => match place {
                    Ok(place) => {
                        if let Some(event) = self.waiting.pop_front() {
                            place.send(event);
                        }
                        while let Some(event) = self.waiting.pop_front() {
                            if let Err(error) = events.try_send(event) {
                                self.waiting.push_front(error.into_inner());
                                break;
                            }
                        }
                    }
                    // Nobody listens any more.
                    Err(_) => break,
                },
                Some(news) = self.news.1.recv(), if self.waiting.len() < EVENTS => self.news(news),
                Some(delivery) = self.taken.1.recv() => self.input(Input::Taken(delivery)),
            }
        }
        self.shared.places.close();
        self.shared.ended.send_replace(true);
    }

    /// Gives the machine what came, and says when it wants to be looked at again and whether it has ended.
    fn step(&mut self) -> (Option<Duration>, bool) {
        let shared = Arc::clone(&self.shared);
        while self.waiting.len() < EVENTS {
            let Ok(news) = self.news.1.try_recv() else { break };
            self.news(news);
        }
        while let Ok(delivery) = self.taken.1.try_recv() {
            self.input(Input::Taken(delivery));
        }
        let now = shared.now();
        let mut inner = shared.inner();
        let mut actions = Vec::new();
        for dispatch in std::mem::take(&mut inner.inbox) {
            actions.extend(inner.link.on(Input::Dispatch(dispatch), now));
        }
        let leave = std::mem::take(&mut inner.leave);
        if !leave.is_empty() {
            actions.extend(inner.link.on(Input::Leave(&leave), now));
        }
        if inner.stop && !self.stopping {
            self.stopping = true;
            actions.extend(inner.link.on(Input::Stop, now));
        }
        actions.extend(inner.link.on(Input::Tick, now));
        let (due, ended) = (inner.link.due(now), inner.link.has_ended());
        drop(inner);
        self.execute(actions);
        (due, ended)
    }

    fn news(&mut self, news: News) {
        let (News::Opened { at, life } | News::Octets { at, life, .. } | News::Lost { at, life, .. }) = &news;
        if self.sockets.get(*at).is_none_or(|(own, _)| own != life) {
            return;
        }
        match news {
            News::Opened { at, .. } => self.input(Input::Opened(at)),
            News::Octets { at, octets, .. } => self.input(Input::Octets(at, &octets)),
            News::Lost { at, why, .. } => {
                self.shared.inner().trouble.ended(why.to_string());
                self.input(Input::Lost(at));
            }
        }
    }

    fn input(&mut self, input: Input<'_>) {
        let now = self.shared.now();
        let actions = self.shared.inner().link.on(input, now);
        self.execute(actions);
    }

    fn execute(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Open(at) => self.open(at),
                Action::Write(at, octets) => {
                    let sender = self.sockets.get(at).and_then(|(_, sender)| sender.clone());
                    // An SMSC that does not read, or a connection whose end is on its way to us.
                    if sender.is_some_and(|sender| sender.try_send(octets).is_err()) {
                        self.close(at);
                        self.input(Input::Lost(at));
                    }
                }
                Action::Close(at) => self.close(at),
                Action::Tell(event) => {
                    if event.closes() {
                        self.shared.places.add_permits(1);
                    }
                    self.waiting.push_back(event);
                }
                Action::Receipt(mut receipt, delivery) => {
                    let taken = self.taken.0.clone();
                    receipt.taken = Taken::new(move || {
                        // Once the link has ended there is nobody to tell.
                        let _ = taken.send(delivery);
                    });
                    self.waiting.push_back(Event::Receipt(receipt));
                }
                Action::Note(note) => {
                    let elapsed = self.shared.started.elapsed();
                    self.shared.inner().trouble.note(note, elapsed, self.stopping);
                }
            }
        }
    }

    fn open(&mut self, at: usize) {
        while self.sockets.len() <= at {
            self.sockets.push((0, None));
        }
        let Some((life, sender)) = self.sockets.get_mut(at) else { return };
        *life += 1;
        let (to, writes) = mpsc::channel(socket::WAITING);
        *sender = Some(to);
        tokio::spawn(socket::run(self.address.clone(), (at, *life), self.news.0.clone(), writes));
    }

    fn close(&mut self, at: usize) {
        if let Some((life, sender)) = self.sockets.get_mut(at) {
            *life += 1;
            *sender = None;
        }
    }
}

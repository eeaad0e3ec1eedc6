//! Looks after the bays: gives each reader its thread, hears what threads tell, and gives up those whose card is mute.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    Bay, BayConfig, BayEvent, BayName, BayNews, Contact, Identity, Stay, Work,
    plug::{self, Plugged},
    pulse::Pulse,
    thread::{First, Given, Note, Thread, ToDo},
};
use crate::{
    card::{ReaderError, ReaderService},
    ident::ReaderName,
};

/// How long the watchdog sleeps at the most.
const TICK: Duration = Duration::from_millis(100);

/// The bays of a process. `R` is what comes of the work on a card.
pub struct Bays<R> {
    service: Arc<dyn ReaderService>,
    config: BayConfig,
    threads: BTreeMap<ReaderName, Running<R>>,
    /// What is known of each bay, those that are closed included.
    books: BTreeMap<BayName, Bay>,
    told: Receiver<Told<R>>,
    tell: Sender<Told<R>>,
    stop: Arc<AtomicBool>,
    news: VecDeque<BayEvent<R>>,
    lost: bool,
    /// Readers that were told to be too many.
    too_many: Vec<ReaderName>,
    /// How many threads were started: a thread is known by its number, so that an old one is not heard.
    started: u64,
    left_behind: Vec<Arc<str>>,
}

/// What threads tell.
enum Told<R> {
    Plugged(Plugged),
    Note(ReaderName, u64, Note<R>),
}

/// A bay's thread.
struct Running<R> {
    number: u64,
    name: BayName,
    thread_name: Arc<str>,
    /// Its reader is none of those that were asked for: it does nothing.
    unwanted: bool,
    open: bool,
    /// It has said who it is, as the service numbers readers now or did when it was there last.
    answered: bool,
    /// It is asked who it is, and tells of no card before that.
    asking: bool,
    /// The label that is its own, too, and that another bay has.
    wants: Option<BayName>,
    /// None once the thread may end.
    works: Option<Sender<ToDo<R>>>,
    pulse: Pulse,
    handle: JoinHandle<()>,
}

impl<R: Send + 'static> Bays<R> {
    /// Begins to look for readers. Each that is found gets a bay.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(service: Arc<dyn ReaderService>, config: BayConfig) -> std::io::Result<Self> {
        let (tell, told) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let plugged = tell.clone();
        plug::start(Arc::clone(&service), Arc::clone(&stop), move |what| {
            // Nobody listens any more when the bays are closed.
            let _ = plugged.send(Told::Plugged(what));
        })?;
        Ok(Self {
            service,
            config,
            threads: BTreeMap::new(),
            books: BTreeMap::new(),
            told,
            tell,
            stop,
            news: VecDeque::new(),
            lost: false,
            too_many: Vec::new(),
            started: 0,
            left_behind: Vec::new(),
        })
    }

    /// What happened next; none when nothing did for as long as `patience`.
    pub fn next(&mut self, patience: Duration) -> Option<BayEvent<R>> {
        let end = Instant::now() + patience;
        loop {
            if let Some(event) = self.news.pop_front() {
                return Some(event);
            }
            self.give_up_mute();
            let left = end.saturating_duration_since(Instant::now());
            match self.told.recv_timeout(left.min(TICK)) {
                Ok(told) => self.hear(told),
                Err(RecvTimeoutError::Timeout) if left.is_zero() && self.news.is_empty() => return None,
                // Disconnected cannot be: we hold a sender.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    /// Sends work for a card. It is dropped when the card is out by then.
    pub fn work(&self, stay: &Stay, work: Work<R>) {
        let running = self.threads.get(&stay.reader).filter(|running| running.number == stay.thread);
        if let Some(works) = running.and_then(|running| running.works.as_ref()) {
            // A thread that has just ended tells so.
            let _ = works.send(ToDo::Work(stay.number, work));
        }
    }

    /// The books of the bays.
    pub fn books(&self) -> impl Iterator<Item = &Bay> {
        self.books.values()
    }

    /// Stops looking, and waits as long as `patience` for threads to end. The names of those that were left behind.
    pub fn close(mut self, patience: Duration) -> Vec<Arc<str>> {
        self.stop.store(true, Ordering::Relaxed);
        let end = Instant::now() + patience;
        let threads = std::mem::take(&mut self.threads);
        while threads.values().any(|running| !running.handle.is_finished()) && Instant::now() < end {
            // Their notes are read no more; what they hold is dropped with the channel.
            std::thread::sleep(Duration::from_millis(5));
        }
        let late = threads.into_values().filter(|running| !running.handle.is_finished());
        self.left_behind.extend(late.map(|running| running.thread_name));
        std::mem::take(&mut self.left_behind)
    }

    fn hear(&mut self, told: Told<R>) {
        match told {
            Told::Plugged(Plugged::Lost(error)) => {
                // Each thread will hear of it, and then ask.
                self.threads.values_mut().for_each(|running| running.asking = true);
                if !std::mem::replace(&mut self.lost, true) {
                    self.news.push_back(BayEvent { bay: None, news: BayNews::ServiceLost { error } });
                }
            }
            Told::Plugged(Plugged::Readers(readers)) => {
                if std::mem::take(&mut self.lost) {
                    // The name of a reader that nobody asked for may be another reader's now.
                    self.threads.retain(|_, running| !running.unwanted);
                    self.news.push_back(BayEvent { bay: None, news: BayNews::ServiceBack });
                }
                self.too_many.retain(|reader| readers.contains(reader));
                self.threads.retain(|reader, running| !running.unwanted || readers.contains(reader));
                for reader in readers {
                    self.found(reader);
                }
            }
            Told::Note(reader, number, note) => self.note(&reader, number, note),
        }
    }

    fn found(&mut self, reader: ReaderName) {
        if self.threads.contains_key(&reader) {
            return;
        }
        let mut wanted = self.threads.values().filter(|running| !running.unwanted);
        if wanted.clone().count() < BayConfig::MOST {
            let name = BayName::from(&reader);
            self.start(reader, name, First::New, false, false);
        } else if wanted.all(|running| running.open) && !self.too_many.contains(&reader) {
            let news = BayNews::TooMany { most: BayConfig::MOST };
            self.news.push_back(BayEvent { bay: Some(BayName::from(&reader)), news });
            self.too_many.push(reader);
        }
    }

    /// Starts a thread for a reader; after an old one, to wait for the card of that to go. Where the system gives none, the next look at the readers tries again.
    fn start(&mut self, reader: ReaderName, name: BayName, first: First, open: bool, answered: bool) {
        self.started += 1;
        let number = self.started;
        let (works, to_do) = mpsc::channel();
        let (tell, from, pulse) = (self.tell.clone(), reader.clone(), Pulse::default());
        let tell = move |note| {
            // Nobody listens any more when the bays are closed.
            let _ = tell.send(Told::Note(from.clone(), number, note));
        };
        let gone = tell.clone();
        let given = Given {
            reader: reader.clone(),
            service: Arc::clone(&self.service),
            first,
            answered,
            works: to_do,
            notes: Box::new(tell),
            pulse: pulse.clone(),
            stop: Arc::clone(&self.stop),
        };
        let thread_name: Arc<str> = format!("{reader} #{number}").into();
        let spawned = std::thread::Builder::new().name(thread_name.to_string()).spawn(move || {
            // A thread that dies of a mistake of ours must not take its bay silently: another begins at the next look.
            if catch_unwind(AssertUnwindSafe(|| Thread::new(given).run())).is_err() {
                gone(Note::Gone);
            }
        });
        if let Ok(handle) = spawned {
            let running = Running {
                number,
                name,
                thread_name,
                unwanted: false,
                open,
                answered,
                asking: first == First::New,
                wants: None,
                works: Some(works),
                pulse,
                handle,
            };
            self.threads.insert(reader, running);
        }
    }

    fn note(&mut self, reader: &ReaderName, number: u64, note: Note<R>) {
        // A thread that was given up has nothing to say any more.
        let Some(running) = self.threads.get_mut(reader).filter(|running| running.number == number) else {
            return;
        };
        let news = match note {
            Note::Identified(identity) => return self.identified(reader, Ok(identity)),
            Note::Unanswered(error) => return self.identified(reader, Err(error)),
            Note::Lost => {
                running.asking = true;
                return;
            }
            Note::Gone => {
                self.shut(reader);
                self.threads.remove(reader);
                return;
            }
            Note::CardIn(stay) if !running.open => {
                running.works.iter().for_each(|works| drop(works.send(ToDo::Wait(stay))));
                return;
            }
            // What came of work counts, whatever has become of the bay meanwhile.
            Note::CardOut | Note::NotBegun(_) if !running.open => return,
            Note::CardIn(stay) => {
                BayNews::CardIn { stay: Stay { reader: reader.clone(), thread: number, number: stay } }
            }
            Note::CardOut => BayNews::CardOut,
            Note::NotBegun(error) => BayNews::NotBegun { error },
            Note::Done(result, contact) => BayNews::Done { result, contact },
            Note::Crashed(contact) => BayNews::Crashed { contact },
        };
        let bay = running.name.clone();
        if let Some(book) = self.books.get_mut(&bay) {
            match &news {
                BayNews::Done { contact, .. } | BayNews::Crashed { contact } => book.add(contact),
                BayNews::NotBegun { error: ReaderError::Mute { .. } } => {
                    book.add(&Contact { errors: 1, repowered: 1, ..Contact::default() });
                }
                _ => {}
            }
        }
        self.news.push_back(BayEvent { bay: Some(bay), news });
    }

    /// A thread has asked its reader who it is: the bay gets its name. After the service was away it asks again, and whatever
    /// the reader was called before, its bay has the name that is its own now. A question without an answer changes nothing.
    fn identified(&mut self, reader: &ReaderName, answer: Result<Identity, ReaderError>) {
        let Some(running) = self.threads.get_mut(reader) else { return };
        running.asking = false;
        let (identity, unanswered) = match answer {
            Err(_) if running.open => return,
            Err(error) => (Identity::default(), Some(error)),
            Ok(identity) => (identity, None),
        };
        running.answered = unanswered.is_none();
        let label = BayName::of(&self.config.labels, reader, &identity);
        let holder = self.threads.iter().find(|(it, that)| *it != reader && that.open && that.name == label);
        let is_taken = match holder.map(|(holder, that)| (holder.clone(), that.asking)) {
            // Who that is, is asked, too: it had the label before.
            Some((holder, true)) => {
                self.shut(&holder);
                self.threads.get(&holder).into_iter().for_each(Running::ask);
                false
            }
            Some((_, false)) => true,
            None => false,
        };
        // Two readers cannot have one label: the second keeps its own name until the first gives it up.
        let name = if is_taken { BayName::from(reader) } else { label.clone() };
        let wanted = self.config.only.as_ref().is_none_or(|only| only.contains(&name));
        let Some(running) = self.threads.get_mut(reader) else { return };
        running.wants = is_taken.then_some(label);
        if running.open && running.name == name {
            return;
        }
        self.shut(reader);
        let Some(running) = self.threads.get_mut(reader) else { return };
        running.name = name.clone();
        if wanted {
            running.open = true;
            self.books.entry(name.clone()).or_insert_with(|| Bay::new(name.clone()));
            self.news.push_back(BayEvent { bay: Some(name), news: BayNews::Opened { identity } });
        } else if let Some(error) = unanswered {
            // It is not known to be a reader of ours: that it has a card that is mute is no result.
            let error = match error {
                ReaderError::Mute { .. } => {
                    ReaderError::Service { why: format!("{reader} does not say who it is") }
                }
                other => other,
            };
            self.news.push_back(BayEvent { bay: Some(name), news: BayNews::NotBegun { error } });
        } else if !is_taken {
            running.unwanted = true;
            running.works = None;
        }
    }

    /// Closes a reader's bay, if it is open. Who has waited for its name asks again.
    fn shut(&mut self, reader: &ReaderName) {
        let Some(running) = self.threads.get_mut(reader).filter(|running| running.open) else { return };
        running.open = false;
        let name = running.name.clone();
        for waiting in self.threads.values().filter(|running| running.wants.as_ref() == Some(&name)) {
            waiting.ask();
        }
        self.news.push_back(BayEvent { bay: Some(name), news: BayNews::Closed });
    }

    /// Gives up the threads whose card is mute, and starts others that wait until those cards are out.
    fn give_up_mute(&mut self) {
        let longest = self.config.watchdog;
        let mute: Vec<_> = self
            .threads
            .iter()
            .filter_map(|(reader, running)| {
                let (waited, card) = running.pulse.abandon_after(longest)?;
                Some((reader.clone(), waited, card))
            })
            .collect();
        for (reader, waited, card) in mute {
            // It may not even say who it is: then it has its name from the service.
            self.identified(&reader, Err(ReaderError::Mute { reader: reader.clone() }));
            let Some(old) = self.threads.remove(&reader) else { continue };
            self.left_behind.push(Arc::clone(&old.thread_name));
            if let Some(book) = self.books.get_mut(&old.name) {
                book.stuck += 1;
                book.add(&Contact { exchanges: 1, errors: 1, ..Contact::default() });
            }
            if old.open {
                let news = BayNews::Stuck { waited, thread: old.thread_name };
                self.news.push_back(BayEvent { bay: Some(old.name.clone()), news });
            }
            self.start(reader, old.name, First::Old(card), old.open, old.answered);
        }
    }
}

impl<R> Running<R> {
    /// Has the reader asked again who it is.
    fn ask(&self) {
        // A thread that has just ended tells so.
        self.works.iter().for_each(|works| drop(works.send(ToDo::Ask)));
    }
}

impl<R> Drop for Bays<R> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl<R> std::fmt::Debug for Bays<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bays").field("books", &self.books).finish_non_exhaustive()
    }
}

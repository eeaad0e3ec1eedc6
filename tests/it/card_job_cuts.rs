//! A job and the journal of writes agree whatever is cut off between them: the process is killed before each single thing that
//! it does (a record, an entry of a journal, a command to the card), and what the next start and the next contact with the
//! card find there makes the job end as the card says.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bootgate::{
    app::{OsRandom, SystemClock},
    bootstrap::{Payload, PayloadKind},
    card::{
        Addressing, CardTransport, Content, Depth, EntryId, FileSystem, Hold, JournalError, Key, KeyGuard,
        KeyId, KeyJournal, KeyOutcome, KeyPolicy, KeyRings, KeyState, MemoryKeyJournal, MemoryWriteJournal,
        PendingEntry, PendingSummary, PendingWrite, Protocol, Session, TransportError, WriteJournal,
        WriteJournalError, locate, settle,
    },
    dm::{AccountId, Accounts, AccountsError, NewAccount, Register},
    ident::{Fingerprint, FingerprintKey, Iccid, Imei, JobId, ReaderName, Timestamp},
    job::{
        CardJob, CardRoute, Created, Event, Filter, Job, JobKey, JobWrites, Jobs, JobsError, Layout, NewJob,
        Observer, Record, State, Step, abandon,
    },
    lab::{
        card::VirtualCard,
        image::{Sample, SampleKind},
        reader::{CardHandle, Fault, InProcess},
    },
    profile::{Profile, Subscriber},
    store::Memory,
    wire::{arr::KeyRef, pkcs15::ObjectId},
};
use tokio::runtime::{Handle, Runtime};

const PROFILE: &str = include_str!("../../config/profiles/consumer-phone.toml");
const ICCID: &str = "89490200001234567892";
const DEVICE: &str = "IMEI:490154203237518";

/// A process that may be killed: it does so many things more.
struct Life(AtomicUsize);

#[derive(Debug, thiserror::Error)]
#[error("killed")]
struct Killed;

impl Life {
    fn of(things: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(things)))
    }

    /// Whether one more thing is done.
    fn goes_on(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// What outlives a process, through the hands of one.
struct Through<T> {
    inner: Arc<T>,
    life: Arc<Life>,
}

impl<T> Through<T> {
    fn alive<E>(&self, dead: impl FnOnce() -> E) -> Result<&T, E> {
        if self.life.goes_on() { Ok(&self.inner) } else { Err(dead()) }
    }
}

fn no_jobs() -> JobsError {
    JobsError::Unavailable { doing: "written", source: Box::new(Killed) }
}

fn no_accounts() -> AccountsError {
    AccountsError::Unavailable { doing: "written", source: Box::new(Killed) }
}

#[async_trait]
impl Jobs for Through<Memory> {
    async fn create(&self, id: JobId, new: &NewJob, at: Timestamp) -> Result<Created, JobsError> {
        self.alive(no_jobs)?.create(id, new, at).await
    }

    async fn get(&self, id: JobId) -> Result<Option<Record>, JobsError> {
        self.alive(no_jobs)?.get(id).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Job>, JobsError> {
        self.alive(no_jobs)?.list(filter).await
    }

    async fn tell(&self, id: JobId, event: &Event, at: Timestamp) -> Result<Step, JobsError> {
        self.alive(no_jobs)?.tell(id, event, at).await
    }

    async fn of_account(&self, account: AccountId) -> Result<Option<JobId>, JobsError> {
        self.alive(no_jobs)?.of_account(account).await
    }

    async fn of_card(&self, iccid: &Iccid) -> Result<Vec<Job>, JobsError> {
        self.alive(no_jobs)?.of_card(iccid).await
    }

    async fn of_cards(&self, cards: &[Iccid]) -> Result<Vec<Job>, JobsError> {
        self.alive(no_jobs)?.of_cards(cards).await
    }

    async fn of_imsis(&self, imsis: &[Fingerprint]) -> Result<Vec<Job>, JobsError> {
        self.alive(no_jobs)?.of_imsis(imsis).await
    }

    async fn of_imeis(&self, imeis: &[Imei]) -> Result<Vec<Job>, JobsError> {
        self.alive(no_jobs)?.of_imeis(imeis).await
    }

    async fn of_keys(&self, keys: &[JobKey]) -> Result<Vec<Job>, JobsError> {
        self.alive(no_jobs)?.of_keys(keys).await
    }

    /// Whoever asks has just started, and the process before it is gone.
    async fn abandoned(&self) -> Result<Vec<JobId>, JobsError> {
        let states = vec![State::Queued, State::Registered, State::Prepared, State::Delivering];
        let jobs = self.inner.list(&Filter { states, limit: 100 }).await?;
        Ok(jobs.into_iter().map(|job| job.id).collect())
    }

    async fn ping(&self) -> Result<(), JobsError> {
        self.alive(no_jobs).map(drop)
    }
}

#[async_trait]
impl Register for Through<Memory> {
    async fn register(&self, account: &NewAccount, at: Timestamp) -> Result<AccountId, AccountsError> {
        self.alive(no_accounts)?.register(account, at).await
    }

    async fn withdraw(&self, id: AccountId) -> Result<(), AccountsError> {
        self.alive(no_accounts)?.withdraw(id).await
    }
}

impl WriteJournal for Through<MemoryWriteJournal> {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        self.alive(|| WriteJournalError::new(Killed))?.pending(card)
    }

    fn begin(&self, write: &PendingWrite) -> Result<Hold, WriteJournalError> {
        self.alive(|| WriteJournalError::new(Killed))?.begin(write)
    }

    fn replace(&self, hold: &Hold, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.alive(|| WriteJournalError::new(Killed))?.replace(hold, write)
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<Hold, WriteJournalError> {
        self.alive(|| WriteJournalError::new(Killed))?.take(card, entry)
    }

    fn leave(&self, hold: &Hold) {
        self.inner.leave(hold);
    }

    fn close(&self, hold: &Hold) -> Result<(), WriteJournalError> {
        self.alive(|| WriteJournalError::new(Killed))?.close(hold)
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        self.alive(|| WriteJournalError::new(Killed))?.list()
    }
}

impl KeyJournal for Through<MemoryKeyJournal> {
    fn state(&self, card: &Iccid, key: KeyId) -> Result<KeyState, JournalError> {
        self.alive(|| JournalError::new(Killed))?.state(card, key)
    }

    fn presenting(
        &self,
        card: &Iccid,
        key: KeyId,
        known: KeyState,
        tries: Option<u8>,
    ) -> Result<(), JournalError> {
        self.alive(|| JournalError::new(Killed))?.presenting(card, key, known, tries)
    }

    fn put_back(&self, card: &Iccid, key: KeyId, known: KeyState) -> Result<(), JournalError> {
        self.alive(|| JournalError::new(Killed))?.put_back(card, key, known)
    }

    fn outcome(&self, card: &Iccid, key: KeyId, outcome: KeyOutcome) -> Result<(), JournalError> {
        self.alive(|| JournalError::new(Killed))?.outcome(card, key, outcome)
    }

    fn clear(&self, card: &Iccid) -> Result<Vec<(KeyId, KeyState)>, JournalError> {
        self.inner.clear(card)
    }
}

/// A reader in the hands of the process.
struct Reader {
    inner: InProcess,
    life: Arc<Life>,
}

impl CardTransport for Reader {
    fn reader(&self) -> &ReaderName {
        self.inner.reader()
    }

    fn atr(&self) -> &[u8] {
        self.inner.atr()
    }

    fn protocol(&self) -> Protocol {
        self.inner.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        match self.life.goes_on() {
            true => self.inner.exchange(apdu),
            false => Err(TransportError::CardGone { reader: self.inner.reader().clone() }),
        }
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.inner.reset()
    }
}

/// What outlives processes.
struct World {
    store: Arc<Memory>,
    keys: Arc<MemoryKeyJournal>,
    writes: Arc<MemoryWriteJournal>,
    card: CardHandle,
    runtime: Runtime,
}

/// Hears what a job puts on the card, and which job it is.
#[derive(Default)]
struct Ear {
    payload: Vec<u8>,
}

impl Observer for Ear {
    fn built(&mut self, payload: &Payload) {
        self.payload.clone_from(&payload.octets);
    }
}

impl World {
    fn new() -> Self {
        let imsi = "262011234567890".parse().unwrap();
        let mut sample = Sample::new(SampleKind::Prepared, ICCID.parse().unwrap(), imsi);
        sample.adm = "MARKED-A".parse().unwrap();
        let card = CardHandle::new(VirtualCard::from_image(sample.image()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { store: Arc::default(), keys: Arc::default(), writes: Arc::default(), card, runtime }
    }

    fn route(&self, life: &Arc<Life>) -> CardRoute {
        fn through<T>(inner: &Arc<T>, life: &Arc<Life>) -> Arc<Through<T>> {
            Arc::new(Through { inner: Arc::clone(inner), life: Arc::clone(life) })
        }
        CardRoute {
            jobs: through(&self.store, life),
            fingerprints: Arc::new(FingerprintKey::new([7; FingerprintKey::OCTETS].into())),
            registrar: through(&self.store, life),
            server_id: "acme.dm".parse().unwrap(),
            journal: through(&self.keys, life),
            writes: through(&self.writes, life),
            policy: KeyPolicy::new(KeyPolicy::FLOOR, Vec::new()),
            permit: None,
            addressing: Addressing::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
        }
    }

    fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// A process that does a job and is killed after so many things. What it wanted on the card, and whether it got it done.
    fn process(&self, life: &Arc<Life>, adm: &str, fault: Option<Fault>) -> (Vec<u8>, bool) {
        let mut inner = InProcess::insert(&self.card, "bay 0".parse().unwrap());
        if let Some(fault) = fault {
            inner = inner.with_fault(fault);
        }
        let mut reader = Reader { inner, life: Arc::clone(life) };
        let imei = Some("490154203237518".parse().unwrap());
        let job = CardJob {
            key: None,
            profile: Profile::parse(PROFILE).unwrap(),
            subscriber: Subscriber { imei, ..Subscriber::default() },
            payload: PayloadKind::Cp,
            layout: Layout::default(),
            keys: vec![Key::adm(KeyRef::ADM1, adm.parse().unwrap())],
            adm: Vec::new(),
            rings: KeyRings::default(),
            attested: false,
        };
        let mut ear = Ear::default();
        let done = self.route(life).run(&job, &mut reader, &mut ear, self.handle());
        (ear.payload, done.is_ok())
    }

    /// Another process starts, and the card comes back to a reader.
    fn next_contact(&mut self, adm: &str) {
        self.writes = Arc::new(MemoryWriteJournal::clone(&self.writes));
        let life = Life::of(usize::MAX);
        let route = self.route(&life);
        self.runtime.block_on(abandon(&route)).unwrap();
        let mut reader = InProcess::insert(&self.card, "bay 0".parse().unwrap());
        let mut fs = FileSystem::new(Session::new(&mut reader));
        let guard = KeyGuard::new(&*route.journal, &route.policy);
        let keys = [Key::adm(KeyRef::ADM1, adm.parse().unwrap())];
        let mut jobs = JobWrites::new(&route, self.handle().clone());
        settle(&mut fs, &ICCID.parse().unwrap(), &keys, &guard, &*route.writes, &mut jobs).unwrap();
        assert!(self.writes.list().unwrap().is_empty());
    }

    fn on_card(&self) -> Vec<u8> {
        let mut reader = InProcess::insert(&self.card, "bay 1".parse().unwrap());
        let view = locate(&mut FileSystem::new(Session::new(&mut reader)), Depth::Everything).unwrap();
        let content = view.file(ObjectId::CP_BOOTSTRAP).map(|file| &file.content);
        content.and_then(Content::used).map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// The jobs, the oldest first.
    fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.runtime.block_on(self.store.list(&Filter { states: vec![], limit: 9 })).unwrap();
        jobs.sort_by_key(|job| job.created_at);
        jobs
    }

    fn accounts(&self) -> Vec<AccountId> {
        let found = self.runtime.block_on(self.store.candidates(None, DEVICE)).unwrap();
        found.into_iter().map(|account| account.id).collect()
    }

    /// Every job has ended as the card says, and the DM server knows the accounts that are on a card and no others. How many it
    /// knows besides.
    fn agree(&self, wanted: &[&[u8]], at: &str) -> usize {
        let (card, jobs) = (self.on_card(), self.jobs());
        let mut standing = Vec::new();
        for (job, wanted) in jobs.iter().zip(wanted) {
            let is_there = !card.is_empty() && card == *wanted;
            let right = if is_there { State::Delivered } else { State::Failed };
            assert_eq!(job.state, right, "{at}: {} octets on the card, {:?}", card.len(), job.reason);
            standing.extend(job.account.filter(|_| is_there));
        }
        let known = self.accounts();
        assert!(standing.iter().all(|account| known.contains(account)), "{at}");
        let of_jobs: Vec<_> = jobs.iter().filter_map(|job| job.account).collect();
        assert!(known.iter().filter(|a| of_jobs.contains(a)).all(|a| standing.contains(a)), "{at}");
        known.len() - standing.len()
    }
}

/// Kills the process of a job before each of the things that it does. How many those are.
fn killed_everywhere(what: &str, adm: &str, fault: Option<Fault>) -> usize {
    // An account that was registered when the process was killed before it could write down which.
    let mut nameless = 0;
    for things in 0.. {
        let mut world = World::new();
        let life = Life::of(things);
        let (wanted, done) = world.process(&life, adm, fault);
        let was_killed = !life.goes_on();
        let at = format!("{what}, killed after {things} things");
        assert!(!(done && was_killed && world.on_card() != wanted), "{at}");
        if was_killed {
            world.next_contact("MARKED-A");
            nameless += world.agree(&[&wanted], &at);
        } else {
            world.next_contact("MARKED-A");
            assert_eq!(world.agree(&[&wanted], &at), 0, "{at}");
            assert_eq!(nameless, 1, "{what}");
            return things;
        }
    }
    unreachable!()
}

#[test]
fn a_job_that_is_killed_anywhere_ends_as_its_card_says() {
    let things = killed_everywhere("a write", "MARKED-A", None);
    assert_eq!(things, 71, "commands to the card, entries of journals, records");
}

#[test]
fn a_job_that_fails_and_is_killed_anywhere_ends_as_its_card_says() {
    // A key that is refused; memory that gives trouble in the middle of the write.
    let refused = killed_everywhere("a refused key", "MARKED-K", None);
    let trouble = killed_everywhere("memory trouble", "MARKED-A", Some(Fault::MemoryTrouble(40)));
    assert_eq!((refused, trouble), (44, 60));
}

#[test]
fn a_job_that_settles_another_and_is_killed_anywhere_leaves_both_as_the_card_says() {
    for things in 0.. {
        let mut world = World::new();
        let (first, done) = world.process(&Life::of(usize::MAX), "MARKED-A", Some(Fault::TornUpdate(2)));
        assert!(!done);
        // What is on the card is not known; so neither is what becomes of the job.
        assert_eq!(world.jobs()[0].state, State::Unknown);
        assert_eq!(world.accounts().len(), 1, "it may be resumed");
        std::thread::sleep(std::time::Duration::from_millis(2));
        let life = Life::of(things);
        let (second, done) = world.process(&life, "MARKED-A", None);
        let was_killed = !life.goes_on();
        let at = format!("killed after {things} things");
        world.next_contact("MARKED-A");
        world.agree(&[&first, &second], &at);
        if !was_killed {
            assert!(done);
            assert_eq!(world.jobs()[0].state, State::Failed);
            assert_eq!(things, 122, "commands to the card, entries of journals, records");
            return;
        }
    }
}

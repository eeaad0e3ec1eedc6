//! A job by the card route: an app on a database of its own, a virtual card in a reader, and what becomes of both when
//! all goes well and when it does not.

mod meanwhile;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bootgate::{
    app::{
        App, OsRandom, SystemClock,
        config::{Config, Flag, Sources},
    },
    bootstrap::{Payload, PayloadKind},
    card::{ApduTrace, ApplyError, Key, KeyError, KeyRings, Outcome, Plan, PlanError},
    dm::Accounts,
    ident::{Iccid, JobId},
    job::{CardDone, CardJob, CardJobError, Event, Filter, Layout, Observer, Reason, State, Verdict},
    lab::{
        card::VirtualCard,
        image::{Sample, SampleKind},
        reader::{CardHandle, Fault, InProcess},
    },
    profile::{Profile, Subscriber},
    store::Store,
    wire::arr::KeyRef,
};

const ICCID: &str = "89490200001234567892";
const PROFILE: &str = include_str!("../../config/profiles/consumer-phone.toml");
const RIGHT: &str = "MARKED-A";
/// Not a key of any sample card.
const WRONG: &str = "MARKED-K";

/// A station: an app, a card, and what was heard.
struct Station {
    dir: tempfile::TempDir,
    app: App,
    card: CardHandle,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Clone, Default)]
struct Heard {
    states: Vec<State>,
    apdus: usize,
    verifies: usize,
    payload: Vec<u8>,
    planned: usize,
}

struct Ear {
    heard: Arc<Mutex<Heard>>,
    verdict: Verdict,
}

impl Observer for Ear {
    fn exchanged(&mut self, apdu: &ApduTrace) {
        let mut heard = self.heard.lock().unwrap();
        heard.apdus += 1;
        heard.verifies += usize::from(apdu.command == "VERIFY" && apdu.sent > 0);
    }

    fn built(&mut self, payload: &Payload) {
        self.heard.lock().unwrap().payload.clone_from(&payload.octets);
    }

    fn planned(&mut self, plan: &Plan) -> Verdict {
        assert!(!plan.is_unchanged());
        self.heard.lock().unwrap().planned += 1;
        self.verdict
    }

    fn reached(&mut self, _job: JobId, state: State) {
        self.heard.lock().unwrap().states.push(state);
    }
}

fn sample(kind: SampleKind) -> CardHandle {
    let mut sample = Sample::new(kind, ICCID.parse().unwrap(), "262011234567890".parse().unwrap());
    sample.adm = RIGHT.parse().unwrap();
    CardHandle::new(VirtualCard::from_image(sample.image()).unwrap())
}

fn config(directory: &Path) -> Config {
    let path = directory.join("jobs.db").to_str().unwrap().to_owned();
    let flags = vec![Flag { flag: "--store", key: "store.path", value: path }];
    Config::load(&Sources { flags, ..Sources::default() }).unwrap()
}

fn job(adm: &str) -> CardJob {
    CardJob {
        key: None,
        profile: Profile::parse(PROFILE).unwrap(),
        subscriber: Subscriber { imei: Some("490154203237518".parse().unwrap()), ..Subscriber::default() },
        payload: PayloadKind::Cp,
        layout: Layout::default(),
        keys: vec![Key::adm(KeyRef::ADM1, adm.parse().unwrap())],
        adm: Vec::new(),
        rings: KeyRings::default(),
        attested: false,
    }
}

impl Station {
    async fn with(kind: SampleKind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(config(dir.path()), Arc::new(SystemClock), Arc::new(OsRandom)).await.unwrap();
        Self { dir, app, card: sample(kind), heard: Arc::default() }
    }

    async fn run(&self, job: CardJob) -> Result<CardDone, CardJobError> {
        self.run_with(job, self.reader(), Verdict::GoOn).await
    }

    async fn run_with(
        &self,
        job: CardJob,
        reader: InProcess,
        verdict: Verdict,
    ) -> Result<CardDone, CardJobError> {
        *self.heard.lock().unwrap() = Heard::default();
        let ear = Ear { heard: Arc::clone(&self.heard), verdict };
        self.app.bootstrap_card(job, Box::new(reader), Box::new(ear)).await
    }

    fn reader(&self) -> InProcess {
        InProcess::insert(&self.card, "bay 0".parse().unwrap())
    }

    fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }

    /// The newest job's way and its reason.
    async fn newest(&self) -> (Vec<State>, String) {
        let jobs = self.app.jobs().list(&Filter { states: Vec::new(), limit: 1 }).await.unwrap();
        let record = self.app.jobs().get(jobs[0].id).await.unwrap().unwrap();
        let reason = record.job.reason.map(|r| r.as_str().to_owned()).unwrap_or_default();
        (record.history.iter().map(|e| e.to).collect(), reason)
    }

    async fn accounts(&self) -> usize {
        let store = Store::open(&self.dir.path().join("jobs.db"), Duration::from_secs(5)).await.unwrap();
        store.candidates(None, "IMEI:490154203237518").await.unwrap().len()
    }
}

/// Whether the octets stand somewhere on the card.
fn holds(card: &CardHandle, octets: &[u8]) -> bool {
    fn search(file: &bootgate::lab::image::FileImage, octets: &[u8]) -> bool {
        file.content().is_some_and(|c| c.windows(octets.len()).any(|w| w == octets))
            || file.files().iter().any(|f| search(f, octets))
    }
    search(&card.image().mf, octets)
}

#[tokio::test]
async fn a_card_is_delivered_and_every_state_is_recorded() {
    let station = Station::with(SampleKind::Prepared).await;
    let done = station.run(job(RIGHT)).await.unwrap();
    let way = [State::Queued, State::Registered, State::Prepared, State::Delivering, State::Delivered];
    assert_eq!(station.heard().states, way);
    assert_eq!(done.record.job.state, State::Delivered);
    assert_eq!(done.record.history.iter().map(|e| e.to).collect::<Vec<_>>(), way);
    assert_eq!(done.record.job.iccid, Some(ICCID.parse().unwrap()));
    assert_eq!(done.record.attempts.len(), 1);
    assert!(matches!(done.outcome, Outcome::Written { .. }));
    assert_eq!(station.heard().verifies, 1);
    assert!(station.heard().apdus > 10);
    assert_eq!(done.payload_octets, station.heard().payload.len());
    assert!(holds(&station.card, &station.heard().payload));
    assert_eq!(station.accounts().await, 1);

    // What the device was given stands on the card and nowhere else, and neither does the key of the card.
    let settings = bootgate::bootstrap::read(PayloadKind::Cp, &station.heard().payload).unwrap();
    let given = settings.dm_account.unwrap().credentials;
    let mut files = 0;
    for file in std::fs::read_dir(station.dir.path()).unwrap() {
        let octets = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [given.client.secret.expose(), given.server.secret.expose(), RIGHT, "262011234567890"] {
            assert!(
                !octets.windows(secret.len()).any(|w| w == secret.as_bytes()),
                "a secret is in the database"
            );
        }
        files += 1;
    }
    assert!(files >= 2, "database and log");

    // A second bootstrap of the same card is another job with another account and fresh secrets.
    let first = station.heard().payload.clone();
    let again = station.run(job(RIGHT)).await.unwrap();
    assert_ne!(again.record.job.id, done.record.job.id);
    assert_ne!(again.record.job.account, done.record.job.account);
    assert!(!holds(&station.card, &first) && holds(&station.card, &station.heard().payload));
    assert_eq!(station.accounts().await, 2, "the old one holds until the new one was used");
}

#[tokio::test]
async fn a_bare_card_is_prepared_and_delivered_with_a_dm_payload() {
    let station = Station::with(SampleKind::Bare).await;
    let done = station.run(CardJob { payload: PayloadKind::Dm, ..job(RIGHT) }).await.unwrap();
    assert_eq!(done.record.job.state, State::Delivered);
    assert!(holds(&station.card, &station.heard().payload));
}

#[tokio::test]
async fn a_card_behind_a_pin_is_read_with_it() {
    let station = Station::with(SampleKind::Pin).await;
    let err = station.run(job(RIGHT)).await.unwrap_err();
    assert!(matches!(&err, CardJobError::Plan { source, .. } if source.is_refusal()), "{err:?}");

    let mut with_pin = job(RIGHT);
    with_pin.keys.push(Key::pin(KeyRef::PIN1, &"1234".parse().unwrap()).unwrap());
    let done = station.run(with_pin.clone()).await.unwrap();
    assert_eq!(done.record.job.state, State::Delivered);
    assert_eq!(station.heard().verifies, 2);

    let tries = || station.card.image().key_mut(KeyRef::PIN1).unwrap().tries;
    let before = tries();
    with_pin.keys.pop();
    with_pin.keys.push(Key::pin(KeyRef::PIN1, &"4321".parse().unwrap()).unwrap());
    let err = station.run(with_pin).await.unwrap_err();
    assert!(matches!(&err, CardJobError::Apply { state: State::Failed, .. }), "{err:?}");
    assert_eq!(tries(), before - 1);
    assert_eq!(station.newest().await.0, [State::Queued, State::Failed]);
}

#[tokio::test]
async fn a_wrong_key_costs_one_try_and_is_not_presented_again() {
    let station = Station::with(SampleKind::Prepared).await;
    let tries = || station.card.image().key_mut(KeyRef::ADM1).unwrap().tries;
    let before = (tries(), station.card.image().mf);
    let err = station.run(job(WRONG)).await.unwrap_err();
    let CardJobError::Apply { state: State::Failed, source, .. } = &err else { panic!("{err:?}") };
    assert!(matches!(**source, ApplyError::Key(KeyError::Wrong { .. })), "{source:?}");
    assert_eq!(tries(), before.0 - 1);
    let (way, reason) = station.newest().await;
    assert_eq!(way.last(), Some(&State::Failed));
    assert!(
        reason.contains("refused key 0A") && !reason.contains(WRONG) && !format!("{err:?}").contains(WRONG),
        "{reason}"
    );

    // Again, after the process was started anew, and with the right key: a person has to look first.
    let app = App::open(config(station.dir.path()), Arc::new(SystemClock), Arc::new(OsRandom)).await.unwrap();
    let station = Station { app, ..station };
    for key in [WRONG, RIGHT] {
        let err = station.run(job(key)).await.unwrap_err();
        assert!(err.to_string().contains("was refused by card"), "{err}");
        assert_eq!(station.heard().verifies, 0);
    }
    let tries_left = station.card.image().key_mut(KeyRef::ADM1).unwrap().tries;
    assert_eq!(tries_left, before.0 - 1);
    assert!(station.card.image().mf == before.1, "nothing was written");
    let card: Iccid = ICCID.parse().unwrap();
    let journal = station.app.key_journal();
    assert_eq!(tokio::task::spawn_blocking(move || journal.clear(&card).unwrap().len()).await.unwrap(), 1);
    assert_eq!(station.run(job(RIGHT)).await.unwrap().record.job.state, State::Delivered);
}

#[tokio::test]
async fn a_card_that_does_not_allow_it_fails_before_anything_is_sent() {
    let station = Station::with(SampleKind::Closed).await;
    let err = station.run(job(RIGHT)).await.unwrap_err();
    let CardJobError::Plan { source, .. } = &err else { panic!("{err:?}") };
    assert!(matches!(**source, PlanError::NoRight { .. }), "{source:?}");
    let (way, reason) = station.newest().await;
    assert_eq!(way, [State::Queued, State::Failed]);
    assert!(reason.contains("do not let anybody"), "{reason}");
    assert_eq!((station.heard().verifies, station.accounts().await), (0, 0));
}

#[tokio::test]
async fn a_card_pulled_in_the_middle_is_unknown_and_never_ok() {
    // How many commands the whole job takes.
    let whole = Station::with(SampleKind::Prepared).await;
    whole.run(job(RIGHT)).await.unwrap();
    let commands = whole.heard().apdus;

    let mut unknown = 0;
    for at in 1..=commands {
        let station = Station::with(SampleKind::Prepared).await;
        let reader = station.reader().with_fault(Fault::CutAfter(at));
        let result = station.run_with(job(RIGHT), reader, Verdict::GoOn).await;
        let err = match result {
            // The very last answer was read before the card went.
            Ok(_) => panic!("pulled at {at} of {commands}, and it was ok"),
            Err(err) => err,
        };
        let jobs = station.app.jobs().list(&Filter { states: Vec::new(), limit: 9 }).await.unwrap();
        match &err {
            CardJobError::Transport(_) => assert!(jobs.is_empty()),
            CardJobError::Plan { .. } => assert_eq!(jobs[0].state, State::Failed),
            CardJobError::Apply { state, source, .. } => {
                assert_eq!(jobs[0].state, *state);
                let lost = matches!(**source, ApplyError::Unknown { .. });
                assert_eq!(*state, if lost { State::Unknown } else { State::Failed }, "{source}");
                unknown += usize::from(lost);
                assert!(jobs[0].reason.is_some());
            }
            other => panic!("{other:?}"),
        }
        assert!(!jobs.iter().any(|j| j.state == State::Delivering), "nothing is left open");
        // The next contact with the card brings it through, whatever was on it: the key was never refused.
        if at % 7 == 0 {
            station.run(job(RIGHT)).await.unwrap_or_else(|e| panic!("after a cut at {at}: {e}"));
            assert!(holds(&station.card, &station.heard().payload));
        }
    }
    assert!(unknown > 5, "{unknown} of {commands}");
}

#[tokio::test]
async fn a_plan_that_is_not_approved_changes_nothing() {
    let station = Station::with(SampleKind::Prepared).await;
    let before = station.card.changes();
    let err = station.run_with(job(RIGHT), station.reader(), Verdict::CallOff).await.unwrap_err();
    assert!(matches!(err, CardJobError::CalledOff { .. }));
    assert_eq!(station.newest().await.0, [State::Queued, State::Cancelled]);
    assert_eq!((station.heard().planned, station.heard().verifies), (1, 0));
    assert_eq!((station.card.changes(), station.accounts().await), (before, 0));
}

#[tokio::test]
async fn one_key_makes_one_job() {
    let station = Station::with(SampleKind::Prepared).await;
    let keyed = || CardJob { key: Some("order 7".parse().unwrap()), ..job(RIGHT) };
    let done = station.run(keyed()).await.unwrap();
    let before = station.card.changes();
    let err = station.run(keyed()).await.unwrap_err();
    let CardJobError::AlreadyAccepted { id, state: State::Delivered } = err else { panic!("{err:?}") };
    assert_eq!(id, done.record.job.id);
    assert_eq!(station.card.changes(), before);
}

#[tokio::test]
async fn what_cannot_become_a_job_does_not() {
    let station = Station::with(SampleKind::Prepared).await;
    let other = Profile::parse(&PROFILE.replace("\"acme.dm\"", "\"other.dm\"")).unwrap();
    let err = station.run(CardJob { profile: other, ..job(RIGHT) }).await.unwrap_err();
    assert!(err.to_string().contains("`other.dm`, and the DM server here is `acme.dm`"), "{err}");

    let meant = Subscriber { iccid: Some("8949020000000000014".parse().unwrap()), ..job(RIGHT).subscriber };
    let err = station.run(CardJob { subscriber: meant, ..job(RIGHT) }).await.unwrap_err();
    assert!(matches!(err, CardJobError::OtherCard { .. }), "{err}");

    let err = station.run(CardJob { subscriber: Subscriber::default(), ..job(RIGHT) }).await.unwrap_err();
    assert!(err.to_string().contains("{imei}"), "{err}");

    let reader = station.reader().with_fault(Fault::Mute);
    let err = station.run_with(job(RIGHT), reader, Verdict::GoOn).await.unwrap_err();
    assert!(matches!(err, CardJobError::Transport(_)), "{err}");

    assert!(station.app.jobs().list(&Filter { states: Vec::new(), limit: 9 }).await.unwrap().is_empty());
    assert_eq!(station.card.changes(), 0);
}

#[tokio::test]
async fn a_job_that_was_called_off_meanwhile_is_not_written() {
    struct CallOff(App, tokio::runtime::Handle);
    impl Observer for CallOff {
        fn reached(&mut self, job: JobId, state: State) {
            if state == State::Prepared {
                let event = Event::CalledOff { reason: Reason::new("by hand") };
                let tell = self.0.jobs().tell(job, &event, self.0.clock().now());
                self.1.block_on(tell).unwrap();
            }
        }
    }
    let station = Station::with(SampleKind::Prepared).await;
    let before = station.card.changes();
    let observer = CallOff(station.app.clone(), tokio::runtime::Handle::current());
    let run = station.app.bootstrap_card(job(RIGHT), Box::new(station.reader()), Box::new(observer));
    let err = run.await.unwrap_err();
    assert!(err.to_string().contains("a job that is cancelled cannot take `started`"), "{err}");
    assert_eq!(station.card.changes(), before);
    assert_eq!(station.newest().await.0.last(), Some(&State::Cancelled));
}

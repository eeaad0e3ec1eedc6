//! The rehearsal: the whole main job on parts that are at hand, every step shown.
//!
//! A profile becomes a payload, the payload goes on a card, a phone is switched on with that card in it, and holds its
//! first session with the DM server, which ends the job. Station, card, phone and server are the real rooms of this
//! program; only the phone's body, and the card when it is a virtual one, are of the laboratory.

mod clear;
mod push;
mod recorder;
mod report;
mod sequence;

use std::sync::Arc;

use tokio::net::TcpListener;

use super::{
    network::{Call, Network, NetworkError, Passed},
    random::{ScriptClock, SeededRandom},
    slot::PhoneSlot,
};
use crate::{
    app::{App, OsRandom, SystemClock, config::Config},
    bootstrap::PayloadKind,
    card::{ApplyError, CardTransport, Key, KeyRings, PlanError, ReaderError},
    http,
    ident::{Clock, Imei, JobId, Pin, Random, ServerId, Timestamp},
    job::{CardJob, CardJobError, JobsError, Layout, State},
    phone::{CardError, Identity, Phone, tree::TreeError, usim_settings},
    profile::{Profile, Subscriber},
    store::StoreError,
    wire::{Syntax, arr::KeyRef},
};

pub use crate::phone::SAMPLE_IMEI;
pub use push::{PushPlot, rehearse_push};
pub use recorder::Detail;
pub use report::{CardSeen, PushSeen, Rehearsal};
pub use sequence::{Party, Sequence, Step};

use recorder::{Exchange, Recorder};

/// Opens the card anew: once for the station, once for the phone.
pub type Connect<'a> = dyn FnMut() -> Result<Box<dyn CardTransport>, ReaderError> + Send + 'a;

/// What is rehearsed.
#[derive(Debug, Clone)]
pub struct Plot {
    /// The profile.
    pub profile: Profile,
    /// What the payload is.
    pub payload: PayloadKind,
    /// The subscriber, as far as it is known; the ICCID comes from the card, the IMEI from the phone.
    pub subscriber: Subscriber,
    /// How the payload goes on the card.
    pub layout: Layout,
    /// Keys of the card.
    pub keys: Vec<Key>,
    /// Which administrative keys were named by their references.
    pub adm: Vec<KeyRef>,
    /// CHV1 (PIN1) of the card, for the phone; the station has it among its keys.
    pub card_pin: Option<Pin>,
    /// What may be on the card already.
    pub past: Past,
    /// The phone's number.
    pub imei: Imei,
    /// How the phone writes its messages.
    pub syntax: Syntax,
    /// How closely APDUs are shown.
    pub detail: Detail,
    /// Makes secrets and times the same in each run. Never together with a card that is not a virtual one.
    pub seed: Option<u64>,
}

/// What may be on a card before a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// Nothing: it was made for this rehearsal.
    None,
    /// Bootstraps of earlier runs. A phone would go by them, so those for the same server are emptied first.
    Unknown,
}

/// Where jobs, accounts and presented keys are kept.
#[derive(Debug, Clone)]
pub enum Keeper {
    /// In memory: all is gone afterwards.
    Memory(Config),
    /// In the database that the configuration names.
    Database(Config),
}

/// Why a rehearsal did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearsalError {
    /// The reader or the card in it is not there.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The card was not written.
    #[error(transparent)]
    Card(#[from] CardJobError),
    /// Bootstraps of earlier runs cannot be emptied.
    #[error("what earlier runs left on the card cannot be emptied: {0}")]
    Plan(#[from] PlanError),
    /// Bootstraps of earlier runs were not emptied.
    #[error("what earlier runs left on the card was not emptied: {0}")]
    Apply(#[from] ApplyError),
    /// The profile hands devices to nobody.
    #[error("the profile has no [dm-account], so there is no DM server to reach; add one")]
    NoAccount,
    /// The keeper does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keeper of jobs does not answer.
    #[error(transparent)]
    Jobs(#[from] JobsError),
    /// The DM server cannot listen on loopback.
    #[error("the DM server cannot listen on loopback")]
    Listen(#[from] std::io::Error),
    /// The phone has no such identity.
    #[error("the phone cannot be made: {0}")]
    Phone(#[from] TreeError),
    /// The card went out while the phone read its settings.
    #[error("the phone cannot read the settings files of the USIM: {0}")]
    Settings(#[from] CardError),
    /// The phone did not take the account from the card.
    #[error("the phone has no account of {server_id} after power-on: {why}")]
    NoBootstrap {
        /// The server that it should have an account of.
        server_id: ServerId,
        /// What it says of the card.
        why: String,
    },
    /// The session broke off.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The API did not take the job.
    #[error("the job was not accepted: {why}")]
    NotAccepted {
        /// What it says.
        why: String,
    },
    /// Nothing came.
    #[error("{who} was silent for 10 s; `-v` shows what happened")]
    Silent {
        /// Who.
        who: &'static str,
    },
    /// The phone did not take the push.
    #[error("the phone did not take the push: {why}")]
    NotTaken {
        /// Why.
        why: String,
    },
    /// The phone has it, and the job does not know.
    #[error("the phone has the push, and the job is {state}, not delivered")]
    NotDelivered {
        /// Where it stands.
        state: State,
    },
    /// The session ended, and the job is not where it should be.
    #[error("the session ended ({outcome}), and the job is {state}, not handed-off")]
    NotHandedOff {
        /// How the session ended.
        outcome: String,
        /// Where the job stands.
        state: State,
    },
}

/// Runs it. What is shown goes as far as the job went; the error says why not farther.
pub async fn rehearse(
    plot: &Plot,
    keeper: Keeper,
    connect: &mut Connect<'_>,
) -> (Rehearsal, Result<(), RehearsalError>) {
    let mut stage = Stage::of(&plot.profile, plot.payload, plot.seed, plot.detail);
    let done = stage.run(plot, keeper, connect).await;
    (stage.into_report(plot.seed), done)
}

/// When a repeatable rehearsal begins, whatever the day.
const SCRIPT_START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

struct Stage {
    recorder: Recorder,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    rehearsal: Rehearsal,
}

impl Stage {
    fn of(profile: &Profile, payload: PayloadKind, seed: Option<u64>, detail: Detail) -> Self {
        let script = seed.map(|_| Arc::new(ScriptClock::new(SCRIPT_START, std::time::Duration::ZERO)));
        let clock: Arc<dyn Clock> = match &script {
            Some(script) => script.clone(),
            None => Arc::new(SystemClock),
        };
        let random: Arc<dyn Random> = match seed {
            Some(seed) => Arc::new(SeededRandom::new(seed)),
            None => Arc::new(OsRandom),
        };
        let recorder = Recorder::new(script, detail);
        Self { recorder, clock, random, rehearsal: Rehearsal::begin(profile, payload, seed) }
    }

    async fn run(
        &mut self,
        plot: &Plot,
        keeper: Keeper,
        connect: &mut Connect<'_>,
    ) -> Result<(), RehearsalError> {
        let server_id = plot.profile.dm_account.as_ref().ok_or(RehearsalError::NoAccount)?.server_id.clone();
        let app = self.open(keeper, &server_id).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("http://{}{}", listener.local_addr()?, app.config().http.dm_path.as_str());
        // Nothing is under way when the play is over: the server needs no word to stop.
        let server = tokio::spawn(http::serve(listener, app.clone(), std::future::pending()));
        let played = self.play(plot, &app, &server_id, &address, connect).await;
        server.abort();
        played
    }

    async fn open(&self, keeper: Keeper, server_id: &ServerId) -> Result<App, RehearsalError> {
        // The server that is rehearsed with is the one that the profile names.
        let ours = |mut config: Config| {
            config.dm.server_id = server_id.clone();
            config
        };
        let (clock, random) = (Arc::clone(&self.clock), Arc::clone(&self.random));
        Ok(match keeper {
            Keeper::Memory(config) => App::in_memory(ours(config), clock, random),
            Keeper::Database(config) => App::open(ours(config), clock, random).await?,
        })
    }

    async fn play(
        &mut self,
        plot: &Plot,
        app: &App,
        server_id: &ServerId,
        address: &str,
        connect: &mut Connect<'_>,
    ) -> Result<(), RehearsalError> {
        let job = self.station(plot, app, connect).await?;
        let mut phone = self.phone(plot, server_id, connect)?;
        let session = self.session(plot.syntax, &mut phone, server_id, address).await;
        self.rehearsal.keep_tree(phone.tree());
        let record = app.jobs().get(job).await?;
        let state = record.as_ref().map(|r| r.job.state);
        self.rehearsal.job = record;
        self.handed_off(state, session?)
    }

    /// Whether the first session ended the job.
    fn handed_off(&self, state: Option<State>, outcome: String) -> Result<(), RehearsalError> {
        match state {
            Some(State::HandedOff) => {
                self.recorder.note(Party::Server, format!("first session seen: job {}", State::HandedOff));
                Ok(())
            }
            other => {
                let state = other.unwrap_or(State::Unknown);
                Err(RehearsalError::NotHandedOff { outcome, state })
            }
        }
    }

    /// At the station: profile to payload to card.
    async fn station(
        &mut self,
        plot: &Plot,
        app: &App,
        connect: &mut Connect<'_>,
    ) -> Result<JobId, RehearsalError> {
        if plot.past == Past::Unknown {
            let card = connect()?;
            let (recorder, plot, app) = (self.recorder.clone(), plot.clone(), app.clone());
            let clear = move || clear::clear_others(card, &plot, &app, &recorder);
            tokio::task::spawn_blocking(clear).await.unwrap_or(Err(CardJobError::Crashed.into()))?;
        }
        let card = connect()?;
        self.rehearsal.card = Some(CardSeen::of(&*card));
        let job = CardJob {
            key: None,
            profile: plot.profile.clone(),
            subscriber: Subscriber { imei: Some(plot.imei.clone()), ..plot.subscriber.clone() },
            payload: plot.payload,
            layout: plot.layout,
            keys: plot.keys.clone(),
            adm: plot.adm.clone(),
            rings: KeyRings::default(),
            attested: false,
        };
        let done = app.bootstrap_card(job, card, Box::new(self.recorder.at_station(&plot.profile))).await;
        self.rehearsal.plan = self.recorder.take_plan();
        match done {
            Ok(done) => {
                let id = done.record.job.id;
                self.rehearsal.card_is(done.record.job.iccid.clone());
                self.rehearsal.losses = done.losses;
                self.rehearsal.job = Some(done.record);
                Ok(id)
            }
            Err(error) => {
                if let Some(id) = self.recorder.job() {
                    self.rehearsal.job = app.jobs().get(id).await?;
                }
                Err(error.into())
            }
        }
    }

    /// The card goes into a phone, which is switched on.
    fn phone(
        &mut self,
        plot: &Plot,
        server_id: &ServerId,
        connect: &mut Connect<'_>,
    ) -> Result<Phone, RehearsalError> {
        let mut phone = Phone::new(&identity(&plot.imei))?;
        if let Some(pin) = &plot.card_pin {
            phone.enter_card_pin(pin.clone());
        }
        let mut card = connect()?;
        self.recorder.note(Party::Phone, "power-on with the card".into());
        let slot = PhoneSlot::insert(&mut *card).map_err(CardJobError::from)?;
        let mut slot = self.recorder.at_phone(slot);
        let report = phone.power_on(Some(&mut slot));
        if !plot.profile.card.settings.is_empty() {
            self.rehearsal.settings = Some(usim_settings(&mut slot)?);
        }
        self.recorder.flush();
        let said = report.to_string();
        for line in said.lines() {
            self.recorder.note(Party::Phone, line.trim_start().to_owned());
        }
        self.rehearsal.keep_tree(phone.tree());
        self.rehearsal.power_on = Some(report);
        if phone.accounts().iter().any(|a| a.server_id == *server_id) {
            return Ok(phone);
        }
        let why = said.lines().map(str::trim).collect::<Vec<_>>().join("; ");
        Err(RehearsalError::NoBootstrap { server_id: server_id.clone(), why })
    }

    /// The phone's first session.
    async fn session(
        &mut self,
        syntax: Syntax,
        phone: &mut Phone,
        server_id: &ServerId,
        address: &str,
    ) -> Result<String, RehearsalError> {
        let network = Network::to(address)?;
        let random = Arc::clone(&self.random);
        let call = Call { server_id, number: 1, syntax, random: &*random };
        let recorder = &mut self.recorder;
        let mut passed = |message: Passed| recorder.exchange(Exchange::Message(message));
        let outcome = network.session(phone, call, &mut passed).await?;
        self.rehearsal.session = Some(outcome.clone());
        Ok(outcome.to_string())
    }

    fn into_report(mut self, seed: Option<u64>) -> Rehearsal {
        self.rehearsal.sequence = self.recorder.into_sequence();
        self.rehearsal.seed = seed;
        self.rehearsal
    }
}

/// What the virtual phone says it is.
pub fn identity(imei: &Imei) -> Identity {
    Identity::virtual_phone(imei.clone(), None)
}

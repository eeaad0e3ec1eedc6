//! Composition: wires the rooms together from configuration, clock and random source.
//!
//! An [`App`] is what `serve`, the card commands, the rehearsal and the tests start. It holds the keepers (a file, or
//! memory), and makes the DM server whose first sessions end jobs. Processes that share a database file share all that
//! follows from it: a job whose card one process wrote is handed off by the session that another one served.

mod card_keys;
mod clock;
pub mod config;
mod gateway;
mod kept_results;
mod pin_webhook;
mod profiles;
mod push;
mod random;
mod references;
pub(crate) mod results;
mod routes;

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::mpsc};
use tracing::warn;
use zeroize::Zeroizing;

pub use card_keys::{CellVault, KeyRingName};
pub use clock::SystemClock;
use config::Config;
use gateway::OwnGateway;
pub(crate) use kept_results::{KeptResult, kept_results};
pub use random::OsRandom;
use results::ServedResults;

use crate::{
    bearer::{self, Bearer, Capture, Outbox, ppg::Ppg},
    card::{CardRange, CardTransport, KeyJournal, KeyPolicy, MemoryKeyJournal, WriteJournal},
    dm::{self, Accounts, Register, Server},
    handoff::FirstSession,
    ident::{Clock, FingerprintKey, JobId, Random},
    job::{
        self, CardDone, CardJob, CardJobError, CardRoute, Created, Devices, Fingerprints, JobWrites, Jobs,
        JobsError, NewJob, Observer, SettleError, State, Watch,
        batch::{Claims, Keepers},
        push::{Orders, PushGateway},
    },
    store::{
        self, Keys, Memory, MemoryOutbox, MemoryWrites, OutboxFile, SealedFingerprints, Store, StoreError,
        Writes,
    },
    vault::{KeySource, Vault},
};

/// How often the DM server looks for sessions that were given up.
const SWEEP: Duration = Duration::from_secs(30);

/// The rooms, wired together. Cloning is cheap; clones share everything.
#[derive(Clone)]
pub struct App {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    jobs: Arc<dyn Jobs>,
    devices: Arc<dyn Devices>,
    accounts: Arc<dyn Accounts>,
    registrar: Arc<dyn Register>,
    keys: Arc<dyn KeyJournal>,
    writes: Arc<dyn WriteJournal>,
    claims: Arc<dyn Claims>,
    fingerprints: Arc<dyn Fingerprints>,
    vault: Arc<Vault>,
    ppg: Ppg,
    orders: Arc<dyn Orders>,
    gateway: Option<Arc<dyn PushGateway>>,
    results: Arc<ServedResults>,
}

impl App {
    /// On the database file that the configuration names; it is made when missing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        let store = Store::open(&config.store.path, config.store.busy_timeout).await?;
        Ok(Self::on(store, config, clock, random))
    }

    /// On the database file that the configuration names, which must be there: who only looks makes none, where a path may
    /// have been mistyped.
    ///
    /// # Errors
    /// [`StoreError`], among them [`StoreError::Missing`].
    pub async fn open_existing(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        let store = Store::open_existing(&config.store.path, config.store.busy_timeout).await?;
        Ok(Self::on(store, config, clock, random))
    }

    fn on(store: Store, config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let keys = Arc::new(Keys::new(&store, Arc::clone(&clock)));
        let vault = Self::vault_of(&config, Arc::clone(&random));
        let writes = Arc::new(Writes::new(&store, Arc::clone(&vault), Arc::clone(&clock)));
        let outbox = OutboxFile::new(&store, Arc::clone(&vault), config.ppg.durability);
        let ppg = gateway(&config, Arc::new(outbox), &clock);
        let fingerprints = SealedFingerprints::new(&store, Arc::clone(&vault), Arc::clone(&random));
        let results = ServedResults::of(&config, &clock);
        let store = Arc::new(store);
        let orders = Arc::new(store::Orders::new(Arc::clone(&store), Arc::clone(&vault)));
        Self {
            config: Arc::new(config),
            clock,
            random,
            jobs: store.clone(),
            devices: store.clone(),
            accounts: store.clone(),
            claims: store.clone(),
            registrar: store,
            keys,
            writes,
            fingerprints: Arc::new(fingerprints),
            vault,
            orders,
            gateway: OwnGateway::over(ppg.clone()),
            ppg,
            results,
        }
    }

    /// The vault that the configuration names, for what needs no store. Its key is fetched when it is first needed.
    pub fn vault_of(config: &Config, random: Arc<dyn Random>) -> Arc<Vault> {
        Arc::new(Vault::new(key_source(config), random))
    }

    /// In memory: all is gone with the last clone. For rehearsals and tests.
    pub fn in_memory(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let memory = Arc::new(Memory::new());
        let writes = Arc::new(MemoryWrites::new(Arc::clone(&memory), Arc::clone(&clock)));
        let ppg = gateway(&config, Arc::new(MemoryOutbox::new()), &clock);
        let results = ServedResults::of(&config, &clock);
        Self {
            config: Arc::new(config),
            clock,
            random,
            jobs: memory.clone(),
            devices: memory.clone(),
            accounts: memory.clone(),
            orders: memory.clone(),
            gateway: OwnGateway::over(ppg.clone()),
            ppg,
            results,
            claims: memory.clone(),
            registrar: memory,
            keys: Arc::new(MemoryKeyJournal::new()),
            writes,
            // As the vault below, not from `random`.
            fingerprints: Arc::new(FingerprintKey::new(drawn(&OsRandom))),
            // Not from `random`: a rehearsal that can be repeated must not depend on what is sealed meanwhile.
            vault: Arc::new(Vault::new(KeySource::Drawn, Arc::new(OsRandom))),
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The random source.
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// The jobs.
    pub fn jobs(&self) -> &dyn Jobs {
        &*self.jobs
    }

    /// The accounts of devices at our DM server.
    pub fn accounts(&self) -> &dyn Accounts {
        &*self.accounts
    }

    /// What devices said they are.
    pub fn devices(&self) -> &dyn Devices {
        &*self.devices
    }

    /// The journal of presented keys, for code that blocks.
    pub fn key_journal(&self) -> Arc<dyn KeyJournal> {
        Arc::clone(&self.keys)
    }

    /// The journal of writes to cards, for code that blocks.
    pub fn write_journal(&self) -> Arc<dyn WriteJournal> {
        Arc::clone(&self.writes)
    }

    /// Seals secrets.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// The Push Proxy Gateway. It takes pushes once it [delivers](Ppg::deliver).
    pub fn ppg(&self) -> &Ppg {
        &self.ppg
    }

    /// The bearer of the gateway, as configured, which tells `events` what happens; none when there is no way to devices.
    ///
    /// # Errors
    /// When what it needs cannot be had.
    pub fn bearer(&self, events: mpsc::Sender<bearer::Event>) -> std::io::Result<Option<Arc<dyn Bearer>>> {
        if let Some(directory) = &self.config.ppg.capture {
            let capture = Capture::new(directory, events).map_err(|e| {
                std::io::Error::new(e.kind(), format!("[ppg] capture: pushes cannot be written there: {e}"))
            })?;
            return Ok(Some(Arc::new(capture)));
        }
        self.results.receipts_to(events.clone());
        let routes = routes::open(&self.config, &events, &self.clock, &self.random)?;
        Ok(routes.map(|routes| Arc::new(routes) as Arc<dyn Bearer>))
    }

    /// Who takes what gateways of others tell this service.
    pub fn results(&self) -> Arc<dyn bearer::Results> {
        self.results.clone()
    }

    /// Who knows what batches did before.
    pub fn keepers(&self) -> Keepers {
        Keepers {
            jobs: Arc::clone(&self.jobs),
            claims: Arc::clone(&self.claims),
            fingerprints: Arc::clone(&self.fingerprints),
        }
    }

    /// When a key may be presented, as configured.
    pub fn key_policy(&self) -> KeyPolicy {
        let ranges = self.config.card.key_policies.iter().map(|rule| match rule {
            config::KeyRule::Iccid(prefix) => CardRange::Iccid(prefix.digits().to_owned()),
            config::KeyRule::Iccids(first, last) => {
                CardRange::Iccids(first.digits().to_owned(), last.digits().to_owned())
            }
            config::KeyRule::Atr(atr) => CardRange::AtrLike(atr.octets().to_vec()),
        });
        KeyPolicy::new(self.config.card.key_floor, ranges.collect())
    }

    /// Accepts a job, or gives back the one that the same key made before.
    ///
    /// # Errors
    /// [`JobsError`].
    pub async fn submit(&self, new: &NewJob) -> Result<Created, JobsError> {
        let now = self.clock.now();
        self.jobs.create(JobId::new(now, self.random()), new, now).await
    }

    /// The way over a card, as configured.
    pub fn card_route(&self) -> CardRoute {
        CardRoute {
            jobs: Arc::clone(&self.jobs),
            fingerprints: Arc::clone(&self.fingerprints),
            registrar: Arc::clone(&self.registrar),
            server_id: self.config.dm.server_id.clone(),
            journal: Arc::clone(&self.keys),
            writes: Arc::clone(&self.writes),
            policy: self.key_policy(),
            permit: None,
            addressing: self.config.card.addressing,
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
        }
    }

    /// Puts a bootstrap on the card behind `card`, which was connected just now, as a job of its own: see
    /// [`CardRoute::run`]. It goes on to its end when the caller does not wait for it, because a write to a card cannot
    /// be taken back half-way.
    ///
    /// # Errors
    /// [`CardJobError`].
    pub async fn bootstrap_card(
        &self,
        job: CardJob,
        mut card: Box<dyn CardTransport>,
        mut observer: Box<dyn Observer>,
    ) -> Result<CardDone, CardJobError> {
        let route = self.card_route();
        let runtime = Handle::current();
        let run = move || route.run(&job, &mut *card, &mut *observer, &runtime);
        tokio::task::spawn_blocking(run).await.unwrap_or(Err(CardJobError::Crashed))
    }

    /// Tells jobs of interrupted writes that are settled outside of a job: see [`JobWrites`].
    pub fn job_writes(&self, runtime: Handle) -> JobWrites {
        JobWrites::new(&self.card_route(), runtime)
    }

    /// Makes the DM server that devices know by `uri`. Each call makes one with sessions of its own.
    pub fn dm_server(&self, uri: String) -> Server {
        let limits = &self.config.dm;
        let config = dm::Config {
            uri,
            server_id: limits.server_id.clone(),
            max_message_size: limits.max_message_size,
            max_object_size: limits.max_object_size,
            session_cap: limits.max_sessions,
            idle_time: limits.session_idle,
        };
        let watch = Watch::new(Arc::clone(&self.jobs), Arc::clone(&self.devices));
        let events = Arc::new(FirstSession::new(Arc::new(watch)));
        Server::new(
            config,
            Arc::clone(&self.accounts),
            events,
            Arc::clone(&self.clock),
            Arc::clone(&self.random),
        )
    }

    /// Closes sessions that were given up and goes on with push jobs that were left behind, from time to time, for ever.
    pub async fn tend(&self, server: Server) {
        loop {
            tokio::time::sleep(SWEEP.min(self.config.dm.session_idle)).await;
            server.sweep().await;
            if let Err(error) = self.resume_pushes().await {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "Push jobs that were left behind cannot be found: {error}"
                );
            }
        }
    }

    /// What a service does when it starts, about jobs whose process is gone: see [`job::abandon`]. A job whose process lives is
    /// left alone.
    ///
    /// # Errors
    /// [`SettleError`].
    pub async fn recover(&self) -> Result<Vec<JobId>, SettleError> {
        let abandoned = job::abandon(&self.card_route()).await?;
        for (id, state) in &abandoned {
            match state {
                State::Unknown => {
                    warn!(job.id = %id, "The delivery of job {id} was cut off; what arrived is not known");
                }
                state => {
                    warn!(job.id = %id, "Job {id} was cut off before anything was written; it is {state}")
                }
            }
        }
        Ok(abandoned.into_iter().map(|(id, _)| id).collect())
    }
}

fn gateway(config: &Config, outbox: Arc<dyn Outbox>, clock: &Arc<dyn Clock>) -> Ppg {
    Ppg::new(config.ppg.settings.clone(), config.ppg.initiators.clone(), outbox, Arc::clone(clock))
}

/// Octets of a key that lasts as long as the process.
fn drawn(random: &dyn Random) -> Zeroizing<[u8; FingerprintKey::OCTETS]> {
    let mut octets = Zeroizing::new([0; FingerprintKey::OCTETS]);
    random.fill(octets.as_mut());
    octets
}

/// Where the key of the vault is, as configured.
fn key_source(config: &Config) -> KeySource {
    match &config.vault.key_file {
        config::KeyFile::Auto => {
            let mut path = config.store.path.as_os_str().to_owned();
            path.push("-vault-key");
            KeySource::Made(path.into())
        }
        config::KeyFile::Path(path) => KeySource::File(path.clone()),
        config::KeyFile::Env(name) => KeySource::Env(name.clone()),
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}

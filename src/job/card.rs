//! A job by the card route: from a profile and a card in a reader to a card that holds the bootstrap, with every state
//! recorded before what it allows is done.
//!
//! | step                                             | state after          | when it fails          |
//! |--------------------------------------------------|----------------------|------------------------|
//! | read the ICCID, fill in the profile, build       | no job yet           | no job                 |
//! | accept the job                                   | `queued`             | no job                 |
//! | present PINs; take back an earlier write that was cut off | `queued`    | `failed`, `cancelled`  |
//! | plan what would change on the card; ask          | `queued`             | `failed`, `cancelled`  |
//! | register the account at the DM server            | `registered`         | `failed`               |
//! | have the payload ready                           | `prepared`           | `failed`               |
//! | present keys; enter the write in the journal     | `prepared`           | `failed`               |
//! | record that writing begins; write                | `delivering`         | `failed`, `unknown`    |
//! | read back; record it; close the journal's entry  | `delivered`          | `unknown`              |
//!
//! A job is `unknown` while the journal holds its write: the next contact with the card takes that back or goes on to its end,
//! and tells the job (see [`WriteObserver`](crate::card::WriteObserver)). It is `failed` only when nothing of the write is on the card.
//!
//! Cards block: [`CardRoute::run`] belongs on a thread that may wait, and asks the keepers of jobs and accounts through
//! the runtime that it is given.

mod error;
mod held;
mod progress;
mod settle;

use std::{cell::RefCell, sync::Arc};

use tokio::runtime::Handle;

pub use error::CardJobError;
pub(super) use held::{holds, holds_settings};
use progress::Progress;
pub use settle::{JobWrites, SettleError, abandon};

use super::{Event, Fingerprints, Job, JobKey, Jobs, Layout, NewJob, Record, Route, State, target, wanted};
use crate::{
    bootstrap::{self, Payload, PayloadKind},
    card::{
        self, Addressing, AdmKeys, ApduTrace, BootstrapFile, CardTransport, FileSystem, Key, KeyGuard, KeyId,
        KeyJournal, KeyPermit, KeyPolicy, KeyRings, Outcome, PendingWrite, Plan, PlanOptions, Recovered,
        Session, WriteJournal,
    },
    dm::Register,
    ident::{Clock, Iccid, JobId, Random, ServerId},
    profile::{Profile, Subscriber},
    wire::{arr::KeyRef, pkcs15::ObjectId, usim::SettingsContent},
};

/// What is to be put on a card.
#[derive(Debug, Clone)]
pub struct CardJob {
    /// The caller's name for the job.
    pub key: Option<JobKey>,
    /// The profile.
    pub profile: Profile,
    /// The subscriber's numbers, as far as they are known. The ICCID comes from the card; one that is given must be
    /// the card's.
    pub subscriber: Subscriber,
    /// What the payload is.
    pub payload: PayloadKind,
    /// How it goes on the card.
    pub layout: Layout,
    /// Keys that may be presented, each only when the plan needs it.
    pub keys: Vec<Key>,
    /// Which administrative keys of the card somebody has named by their references, for cards that do not say which they mean.
    pub adm: Vec<KeyRef>,
    /// Where other keys of the card come from.
    pub rings: KeyRings,
    /// True when somebody has attested that a key may be presented once to this card although it does not tell its counter.
    pub attested: bool,
}

impl CardJob {
    /// When a key may be presented to the card: as the configuration says, or as somebody attests of it.
    pub(super) fn policy(&self, card: Option<&Iccid>, policy: &KeyPolicy) -> KeyPolicy {
        match card {
            Some(card) if self.attested => policy.allowing_once(card),
            card => self.rings.policy(card, policy),
        }
    }

    /// The file of the card that a payload becomes, and how to plan for it: as the job says, then as its profile does.
    /// `adm` are the administrative keys at hand, `settings` settings files of the USIM that are filled besides.
    pub(super) fn wish<'a>(
        &self,
        adm: &'a AdmKeys,
        payload: &Payload,
        settings: &'a [SettingsContent],
    ) -> (BootstrapFile, PlanOptions<'a>) {
        let layout = self.layout.or(&self.profile.card);
        (layout.file(payload), PlanOptions { settings, ..layout.options(adm, &describe) })
    }
}

/// Hears how a card job goes. All methods have a default that does nothing.
pub trait Observer: Send {
    /// An APDU went to the card and back. Its data is not told.
    fn exchanged(&mut self, _apdu: &ApduTrace) {}

    /// The payload is built. It holds secrets.
    fn built(&mut self, _payload: &Payload) {}

    /// An earlier write to this card was cut off. It is taken back before anything is planned, or closed when all of it is
    /// on the card; nothing is done when the verdict is no.
    fn interrupted(&mut self, _write: &PendingWrite) -> Verdict {
        Verdict::GoOn
    }

    /// This PIN would be presented to the card, which does not let itself be looked at without. It is not when the verdict is no, and
    /// the job is called off.
    fn pin(&mut self, _card: &Iccid, _pin: KeyId) -> Verdict {
        Verdict::GoOn
    }

    /// That was done.
    fn recovered(&mut self, _recovered: &Recovered) {}

    /// This would be done to the card. Nothing is, when the verdict is no.
    fn planned(&mut self, _plan: &Plan) -> Verdict {
        Verdict::GoOn
    }

    /// The job is in this state now.
    fn reached(&mut self, _job: JobId, _state: State) {}
}

/// Whether a plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    GoOn,
    /// No: the job is called off, and nothing was changed.
    CallOff,
}

/// A card job that was delivered.
#[derive(Debug)]
pub struct CardDone {
    /// The job with its history.
    pub record: Record,
    /// What was planned.
    pub plan: Plan,
    /// What was done.
    pub outcome: Outcome,
    /// How many octets the payload has.
    pub payload_octets: usize,
    /// What the profile holds and this kind of payload does not carry.
    pub losses: Vec<String>,
}

/// The way over a card: what a card job needs beside the card.
#[derive(Clone)]
pub struct CardRoute {
    /// Keeps jobs.
    pub jobs: Arc<dyn Jobs>,
    /// Recognises IMSIs, which jobs do not keep.
    pub fingerprints: Arc<dyn Fingerprints>,
    /// Keeps the accounts of our DM server.
    pub registrar: Arc<dyn Register>,
    /// Our DM server.
    pub server_id: ServerId,
    /// Remembers presented keys.
    pub journal: Arc<dyn KeyJournal>,
    /// Remembers writes until they were read back.
    pub writes: Arc<dyn WriteJournal>,
    /// When a key may be presented.
    pub policy: KeyPolicy,
    /// Who is asked before a key is presented, where many cards are worked on.
    pub permit: Option<Arc<dyn KeyPermit>>,
    /// How the card is spoken to.
    pub addressing: Addressing,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where secrets come from.
    pub random: Arc<dyn Random>,
}

impl CardRoute {
    /// The guard before keys, going by a policy.
    pub(super) fn guard<'a>(&'a self, policy: &'a KeyPolicy) -> KeyGuard<'a> {
        KeyGuard::new(&*self.journal, policy).asking(self.permit.as_deref())
    }

    /// Runs a job to `delivered`, or says why it is not. Blocks.
    ///
    /// The card must have been connected or reset just now. `runtime` is the one that the keepers live on; this may not
    /// run on one of its asynchronous threads.
    ///
    /// # Errors
    /// [`CardJobError`].
    pub fn run(
        &self,
        job: &CardJob,
        card: &mut dyn CardTransport,
        observer: &mut dyn Observer,
        runtime: &Handle,
    ) -> Result<CardDone, CardJobError> {
        let observer = RefCell::new(observer);
        let mut session = Session::new(card);
        session.set_trace(|apdu| observer.borrow_mut().exchanged(apdu));
        session.address(self.addressing)?;
        let mut fs = FileSystem::new(session);

        let asked = target::server(&job.profile, &self.server_id)?;
        let iccid = number(&mut fs, job.subscriber.iccid.as_ref())?;
        let keys = job.rings.complete(iccid.as_ref(), &job.keys)?;
        let subscriber = Subscriber { iccid: iccid.clone(), ..job.subscriber.clone() };
        let settings = bootstrap::resolve(&job.profile, &subscriber, &*self.random)?;
        let payload = bootstrap::build(&settings, job.payload)?;
        let files = bootstrap::usim_files(&settings, &job.profile.card)?;
        observer.borrow_mut().built(&payload);

        let imsi = subscriber.imsi.as_ref().map(|imsi| self.fingerprints.of_imsi(imsi)).transpose()?;
        let key = self.fingerprints.key()?;
        let content = wanted::print(key, &job.profile, &subscriber, job.payload);
        let new = NewJob {
            key: job.key.clone(),
            profile: job.profile.name.clone(),
            profile_version: job.profile.version,
            server_id: asked,
            route: Route::Card,
            payload: job.payload,
            imei: subscriber.imei,
            iccid,
            imsi,
            asked: content,
            octets: Some(wanted::of_octets(key, &payload.octets)),
        };
        let policy = job.policy(new.iccid.as_ref(), &self.policy);
        let progress = self.accept(&new, policy, &observer, runtime)?;
        let plan = progress.plan(&mut fs, job, &keys, &payload, files)?;
        progress.register(&settings)?;
        progress.tell(&Event::PayloadBuilt)?;
        let outcome = progress.deliver(&mut fs, &plan, &keys, &job.rings)?;
        let record = progress.record()?;
        Ok(CardDone { record, plan, outcome, payload_octets: payload.octets.len(), losses: payload.losses })
    }

    fn accept<'a, 'o>(
        &'a self,
        new: &NewJob,
        policy: KeyPolicy,
        observer: &'a RefCell<&'o mut dyn Observer>,
        runtime: &'a Handle,
    ) -> Result<Progress<'a, 'o>, CardJobError> {
        let now = self.clock.now();
        let id = JobId::new(now, &*self.random);
        let created = runtime.block_on(self.jobs.create(id, new, now))?;
        let Job { id, state, .. } = created.job;
        if !created.fresh {
            return Err(CardJobError::AlreadyAccepted { id, state });
        }
        observer.borrow_mut().reached(id, state);
        Ok(Progress { route: self, policy, id, observer, runtime })
    }
}

/// The card's ICCID, which must be the one that was meant. A card that does not tell it has none.
fn number(fs: &mut FileSystem<'_>, meant: Option<&Iccid>) -> Result<Option<Iccid>, CardJobError> {
    let found = match fs.iccid() {
        Ok(iccid) => Some(iccid),
        Err(card::FileError::Transport(error)) => return Err(error.into()),
        Err(_) => None,
    };
    match (meant, &found) {
        (Some(meant), Some(found)) if meant != found => {
            Err(CardJobError::OtherCard { meant: meant.clone(), found: found.clone() })
        }
        _ => Ok(found),
    }
}

/// What octets on a card are, in a few words and without secrets, for plans.
pub fn describe(oid: ObjectId, octets: &[u8]) -> String {
    let Some(kind) = bootstrap::recognise(octets) else {
        return match PayloadKind::from_oid(&oid) {
            Some(kind) => format!("not a {}", kind.title()),
            None => "octets of another kind".to_owned(),
        };
    };
    let account = bootstrap::read(kind, octets).ok().and_then(|settings| settings.dm_account);
    match account {
        Some(account) => format!("{} for {}", kind.title(), account.server_id),
        None => kind.title().to_owned(),
    }
}

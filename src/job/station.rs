//! The station: says of a card that was put in which card it is, which jobs it had, which waits for it and what that would
//! change; and does it when somebody agrees.

use std::{collections::HashMap, sync::Arc};

use serde::Serialize;
use tokio::runtime::Handle;
use tracing::debug;

use super::{
    CardContact, CardDone, CardJob, CardJobError, CardRoute, Job, KeyStop, Layout, Observer, Route, State,
    TargetError, Verdict, Wanted,
    batch::{Batch, Row},
    card::{holds, holds_settings},
};
use crate::{
    bootstrap::{self, BootstrapError, Payload, PayloadKind},
    card::{
        self, AdmKeys, ApduTrace, CardKind, CardTransport, CardView, Content, Depth, FilePath, FileSystem,
        FoundFile, Holds, Key, KeyId, KeyRingError, KeyRings, Outcome, PendingSummary, PendingWrite, Plan,
        PlanError, Protocol, Session, TransportError, locate,
    },
    ident::{Iccid, JobId, ProfileName},
    profile::{Profile, Subscriber},
    wire::{arr::KeyRef, pkcs15::ObjectId},
};

/// A station: the way to the cards, and what they may get.
pub struct Station {
    route: CardRoute,
    offer: Option<Offer>,
}

/// What cards may get at a station.
#[derive(Debug)]
pub struct Offer {
    /// The profile.
    pub profile: Profile,
    /// What the payload is.
    pub payload: PayloadKind,
    /// How it goes on the card.
    pub layout: Layout,
    /// The rows of a table, one a card; without it every card gets the same.
    pub rows: Option<HashMap<Iccid, Row>>,
    /// The numbers of the subscriber, where no table tells them.
    pub subscriber: Subscriber,
    /// The keys that may be presented, where no table tells them.
    pub keys: Vec<Key>,
    /// Which administrative keys were named by their references.
    pub adm: Vec<KeyRef>,
    /// Where other keys of the cards come from.
    pub rings: KeyRings,
}

impl Offer {
    /// The rows of a table by their cards. Rows without a card are for batches.
    pub fn rows(batch: Batch) -> HashMap<Iccid, Row> {
        batch.rows.into_iter().filter_map(|row| Some((row.subscriber.iccid.clone()?, row))).collect()
    }
}

/// A card that was put in.
#[derive(Debug, Serialize)]
pub struct Sighting {
    /// Its number; none when it cannot be read.
    pub iccid: Option<Iccid>,
    /// What it is, in words.
    pub kind: &'static str,
    /// Its answer to reset, in hexadecimal.
    pub atr: String,
    /// The protocol in use.
    pub protocol: Protocol,
    /// Its bootstrap files that hold something.
    pub files: Vec<HeldFile>,
    /// The jobs that it had, the newest first.
    pub jobs: Vec<Job>,
    /// A write to it that was cut off. It is taken back before anything else is written.
    pub interrupted: Option<PendingSummary>,
    /// What waits for it.
    pub waiting: Option<Waiting>,
    /// Why nothing does, where something could.
    pub nothing_because: Option<String>,
}

/// A bootstrap file on a card.
#[derive(Debug, Serialize)]
pub struct HeldFile {
    /// What kind of object it is.
    pub oid: Option<ObjectId>,
    /// Where.
    pub file: FilePath,
    /// How many octets it uses.
    pub octets: usize,
    /// What they are.
    pub what: String,
}

/// A job that waits for a card.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    /// The profile.
    pub profile: ProfileName,
    /// Its version.
    pub version: u32,
    /// What the payload is.
    pub payload: PayloadKind,
    /// The line of the table.
    pub line: Option<u64>,
    /// The job that has brought it before. Whether the card still holds it cannot be read, perhaps for want of a PIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<JobId>,
}

/// What was written on a card and read back.
#[derive(Debug, Serialize)]
pub struct ReadBack {
    /// The job.
    pub job: JobId,
    /// Where it stands.
    pub state: State,
    /// Octets of the bootstrap.
    pub octets: usize,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// What the profile holds and the payload does not carry.
    pub losses: Vec<String>,
    /// What was done.
    pub outcome: Outcome,
}

/// Why it cannot be said what a job would change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// Nothing is offered at this station.
    #[error("no profile is offered at this station")]
    Nothing,
    /// The profile does not become a payload.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// A source of keys told none.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The card's content or rights do not allow it.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The reader or the card failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Hears what a station finds, and says whether it is to go on.
pub trait Clerk: Send {
    /// This would be done to the card.
    fn planned(&mut self, plan: &Plan) -> Verdict;

    /// This PIN would be presented to the card, which does not let itself be looked at without.
    fn pin(&mut self, card: &Iccid, pin: KeyId) -> Verdict;

    /// An earlier write to the card was cut off. It would be taken back, with the keys that takes.
    fn interrupted(&mut self, write: &PendingWrite) -> Verdict;
}

impl Station {
    /// A station.
    pub fn new(route: CardRoute, offer: Option<Offer>) -> Self {
        Self { route, offer }
    }

    /// A contact with a card, which begins. `keys` gives turns to all of them.
    pub fn contact(&self, keys: &Arc<KeyStop>) -> CardContact {
        CardContact::new(keys, Arc::clone(&self.route.writes))
    }

    /// Looks at a card. Nothing is written, and no key is presented.
    ///
    /// # Errors
    /// [`CardJobError::Transport`] and [`CardJobError::Jobs`].
    pub fn look(&self, card: &mut dyn CardTransport, runtime: &Handle) -> Result<Sighting, CardJobError> {
        let mut session = Session::new(card);
        session.address(self.route.addressing)?;
        let mut fs = FileSystem::new(session);
        let view = locate(&mut fs, Depth::Everything)?;
        let jobs = match &view.iccid {
            Some(iccid) => runtime.block_on(self.route.jobs.of_card(iccid))?,
            None => Vec::new(),
        };
        // A journal that cannot be read stops the write, and says why then.
        let writes = self.route.writes.list().unwrap_or_default();
        let interrupted = writes.into_iter().find(|write| Some(&write.card) == view.iccid.as_ref());
        let (waiting, nothing_because) = match self.waiting(&mut fs, &view, interrupted.is_some(), &jobs) {
            Ok(waiting) => (waiting, None),
            Err(why) => (None, Some(why)),
        };
        Ok(Sighting {
            kind: view.kind.map_or("card without a telecom application", CardKind::as_str),
            atr: view.atr.iter().map(|octet| format!("{octet:02X}")).collect(),
            protocol: view.protocol,
            files: held(&view),
            iccid: view.iccid,
            jobs,
            interrupted,
            waiting,
            nothing_because,
        })
    }

    /// What the job that waits for a card would change. Nothing is written, and no PIN is presented: nobody is asked here. `card`
    /// was looked at before.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn plan(&self, iccid: &Iccid, card: &mut dyn CardTransport) -> Result<Plan, OfferError> {
        let Some(job) = self.job(iccid) else { return Err(OfferError::Nothing) };
        let keys = job.rings.complete(Some(iccid), &job.keys)?;
        card.reset()?;
        // Secrets that are drawn here are for nothing.
        let settings = bootstrap::resolve(&job.profile, &job.subscriber, &*self.route.random)?;
        let payload = bootstrap::build(&settings, job.payload)?;
        let files = bootstrap::usim_files(&settings, &job.profile.card)?;
        let adm = AdmKeys::new(&job.adm, &keys);
        let (wanted, options) = job.wish(&adm, &payload, &files);
        let mut session = Session::new(card);
        session.address(self.route.addressing)?;
        Ok(card::plan(&mut FileSystem::new(session), &[wanted], &options)?)
    }

    /// Does the job that waits for a card, up to the plan; and the rest, when the clerk agrees. The clerk is asked before any key
    /// is presented, too. `contact` is that of this card; whoever gives it up takes the card out of its hands.
    ///
    /// # Errors
    /// [`CardJobError`]; [`CardJobError::CalledOff`] when the clerk did not agree.
    pub fn work(
        &self,
        iccid: &Iccid,
        card: &mut dyn CardTransport,
        contact: &CardContact,
        clerk: &mut dyn Clerk,
        runtime: &Handle,
    ) -> Result<ReadBack, CardJobError> {
        let job = self.job(iccid).ok_or(TargetError::NoAccount)?;
        let mut witness = Witness { clerk, agreed: false, sha256: String::new() };
        // The look before may have left a file selected.
        card.reset()?;
        let done = contact.route(&self.route).run(&job, card, &mut witness, runtime);
        let CardDone { record, outcome, payload_octets, losses, .. } = done?;
        Ok(ReadBack {
            job: record.job.id,
            state: record.job.state,
            octets: payload_octets,
            sha256: witness.sha256,
            losses,
            outcome,
        })
    }

    /// What a card may get, as a job.
    fn job(&self, iccid: &Iccid) -> Option<CardJob> {
        let offer = self.offer.as_ref()?;
        let row = offer.rows.as_ref().and_then(|rows| rows.get(iccid));
        let (subscriber, keys) = match row {
            Some(row) => (row.subscriber.clone(), row.keys.clone()),
            None => (offer.subscriber.clone(), offer.keys.clone()),
        };
        Some(CardJob {
            key: row.and_then(|row| row.key.clone()),
            profile: offer.profile.clone(),
            subscriber: Subscriber { iccid: Some(iccid.clone()), ..subscriber },
            payload: offer.payload,
            layout: offer.layout,
            keys,
            adm: offer.adm.clone(),
            rings: offer.rings.clone(),
            attested: row.is_some_and(|row| row.allow_once),
        })
    }

    /// What waits for a card, or why nothing does.
    fn waiting(
        &self,
        fs: &mut FileSystem<'_>,
        view: &CardView,
        torn: bool,
        jobs: &[Job],
    ) -> Result<Option<Waiting>, String> {
        let Some(offer) = &self.offer else { return Ok(None) };
        let iccid = view.iccid.as_ref().ok_or("its number cannot be read")?;
        let row = match &offer.rows {
            None => None,
            Some(rows) => Some(rows.get(iccid).ok_or("the table has no row for it")?),
        };
        let wanted = Wanted { profile: &offer.profile, payload: Some(offer.payload), again: false };
        let key = self.route.fingerprints.known_key().map_err(|error| error.to_string())?;
        let numbers = row.map_or(&offer.subscriber, |row| &row.subscriber);
        let subscriber = Subscriber { iccid: Some(iccid.clone()), ..numbers.clone() };
        let done = |job: &&Job| wanted.is_done_by(job, &subscriber, key);
        let job = jobs.iter().find(|job| job.route == Route::Card).filter(done).filter(|_| !torn);
        let mut unread = None;
        if let Some(job) = job {
            let settings =
                holds_settings(fs, &offer.profile, &subscriber).map_err(|error| error.to_string())?;
            match holds(view, job, key).and(settings) {
                Holds::Yes => {
                    return Err(format!("it has this version of the profile already, by job {}", job.id));
                }
                Holds::Unread => unread = Some(job.id),
                Holds::No => {}
            }
        }
        Ok(Some(Waiting {
            profile: offer.profile.name.clone(),
            version: offer.profile.version,
            payload: offer.payload,
            line: row.map(|row| row.line),
            unread,
        }))
    }
}

impl std::fmt::Debug for Station {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Station").field("offer", &self.offer).finish_non_exhaustive()
    }
}

/// The bootstrap files that hold something.
fn held(view: &CardView) -> Vec<HeldFile> {
    let file = |found: &FoundFile| {
        let (octets, what) = match &found.content {
            Content::Unreadable(error) => (0, error.to_string()),
            content => {
                let used = content.used().filter(|octets| !octets.is_empty())?;
                let what = found.oid.map_or_else(String::new, |oid| super::describe(oid, used));
                (used.len(), what)
            }
        };
        Some(HeldFile { oid: found.oid, file: found.file.clone(), octets, what })
    };
    view.files.iter().filter_map(file).collect()
}

/// Hands plans to the clerk, and keeps the digest of what goes on the card.
struct Witness<'a> {
    clerk: &'a mut dyn Clerk,
    /// To something that takes the card's PINs.
    agreed: bool,
    sha256: String,
}

impl Observer for Witness<'_> {
    fn exchanged(&mut self, apdu: &ApduTrace) {
        debug!("{apdu}");
    }

    fn built(&mut self, payload: &Payload) {
        self.sha256 = payload.sha256();
    }

    fn interrupted(&mut self, write: &PendingWrite) -> Verdict {
        let verdict = self.clerk.interrupted(write);
        self.agreed |= verdict == Verdict::GoOn;
        verdict
    }

    fn pin(&mut self, card: &Iccid, pin: KeyId) -> Verdict {
        if self.agreed { Verdict::GoOn } else { self.clerk.pin(card, pin) }
    }

    fn planned(&mut self, plan: &Plan) -> Verdict {
        self.clerk.planned(plan)
    }
}

//! A bootstrap for each card: a job by the card route, and what a batch needs to know of the jobs before it.

use tokio::runtime::Handle;

use super::{
    Matched, Run,
    away::{Lapse, Tries, is_before_delivery, kept_job_away, told},
};
use crate::{
    bootstrap::{Payload, PayloadKind},
    card::{
        ApplyError, BOOTSTRAP_OBJECTS, CardTransport, Depth, FileSystem, Holds, Key, KeyError, KeyRings, Now,
        RecoverError, Settled, TransportError, WriteObserver as _, locate,
    },
    ident::{Iccid, JobId},
    job::{
        CardDone, CardJob, CardJobError, Job, JobWrites, JobsError, Layout, Observer, State, Wanted,
        batch::{CardResult, Ending, Hand, check::is_standing, claims::newest, result::is_refused},
        card::{holds, holds_settings},
    },
    profile::Profile,
    wire::arr::KeyRef,
};

/// The most jobs that a row with a name may make.
const MOST_JOBS: u32 = 20;

/// What every card of a run gets.
#[derive(Debug, Clone)]
pub struct Work {
    /// The profile.
    pub profile: Profile,
    /// What the payload is.
    pub payload: PayloadKind,
    /// How it goes on the card.
    pub layout: Layout,
    /// Which administrative key of the cards was named by its reference, for cards that do not say which they mean.
    pub adm: Option<KeyRef>,
    /// Where keys come from that the table does not have.
    pub rings: KeyRings,
    /// Whether cards are written also that have it.
    pub again: bool,
}

impl Work {
    /// What the cards are to have.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { profile: &self.profile, payload: Some(self.payload), again: self.again }
    }
}

impl Run {
    pub(super) fn bootstrap(
        &self,
        work: &Work,
        result: &mut CardResult,
        matched: &Matched<'_>,
        card: &mut dyn CardTransport,
    ) {
        let row = &matched.row;
        let mut job = CardJob {
            key: row.key.clone(),
            profile: work.profile.clone(),
            subscriber: row.subscriber_of(&matched.iccid),
            payload: work.payload,
            layout: work.layout,
            keys: row.keys.clone(),
            adm: work.adm.into_iter().collect(),
            rings: work.rings.clone(),
            attested: row.allow_once,
        };
        let mut witness = Witness { hand: matched.hand, last: None, sha256: String::new() };
        let mut tries = Tries::default();
        let done = loop {
            let name = job.key.clone();
            let done = self.again(&mut job, card, &mut witness, matched.runtime);
            let state = witness.last.map(|(_, state)| state);
            match &done {
                Err(error)
                    if kept_job_away(error, state)
                        && tries.another(card)
                        && self.drop_job(&witness, error, matched.runtime) =>
                {
                    (job.key, witness.last) = (name, None);
                }
                _ => break done,
            }
        };
        (result.job, result.state) = witness.last.unzip();
        match done {
            Ok(CardDone { record, payload_octets, .. }) => {
                result.ending = Ending::Done;
                (result.job, result.state) = (Some(record.job.id), Some(record.job.state));
                // The route says so only of what was read back.
                (result.octets, result.sha256) = (Some(payload_octets), Some(witness.sha256));
            }
            Err(error) => {
                result.ending = match &error {
                    // Whether it was recorded or not: it was at it.
                    CardJobError::Jobs(_) if !is_before_delivery(result.state) => Ending::Unknown,
                    other => ending(other),
                };
                result.reason = Some(match &error {
                    CardJobError::Jobs(error) => told(error),
                    other => other.to_string(),
                });
            }
        }
    }

    /// Runs a row's job. One that ended without success, or whose work the card does not hold or is to have anew, keeps the row's name;
    /// the next gets it with a number.
    fn again(
        &self,
        job: &mut CardJob,
        card: &mut dyn CardTransport,
        witness: &mut Witness<'_>,
        runtime: &Handle,
    ) -> Result<CardDone, CardJobError> {
        let name = job.key.clone();
        let route = witness.hand.route(&self.route);
        let mut number = 1;
        loop {
            let done = route.run(job, card, witness, runtime);
            let Some(name) = &name else { return done };
            let taken = match &done {
                Err(CardJobError::AlreadyAccepted { state, .. }) => {
                    !is_standing(*state) || state.has_delivered()
                }
                // The row was taken back from the card of that job: it could not be this card's otherwise.
                Err(CardJobError::Jobs(JobsError::KeyTaken { id, .. })) => {
                    self.given.is_some() || self.is_for(*id, job, runtime)
                }
                _ => false,
            };
            if !taken || number == MOST_JOBS {
                return done;
            }
            number += 1;
            // A name that has no room for a number is done without.
            job.key = format!("{} ({number})", name.as_str()).parse().ok();
        }
    }

    /// Whether a job was for the same card as another: as another kind of payload, or of another version.
    fn is_for(&self, id: JobId, job: &CardJob, runtime: &Handle) -> bool {
        let record = runtime.block_on(self.route.jobs.get(id));
        record.is_ok_and(|found| found.is_some_and(|found| found.job.iccid == job.subscriber.iccid))
    }

    /// Ends a job of which nothing was sent to its card, so that another can take its place. False where it cannot be told.
    fn drop_job(&self, witness: &Witness<'_>, why: &CardJobError, runtime: &Handle) -> bool {
        let Some((job, _)) = witness.last else { return true };
        let reference = job.to_string();
        let nothing = Settled { reference: Some(&reference), now: Now::Old, why: Some(why) };
        JobWrites::new(&self.route, runtime.clone()).settled(&nothing).is_ok()
    }

    /// The job that has put on the card what is wanted there.
    pub(super) fn bootstrapped(
        &self,
        work: &Work,
        card: &Iccid,
        runtime: &Handle,
    ) -> Result<Option<Job>, Lapse> {
        let row = self.ledger().row_of(card).cloned();
        if row.is_none() && self.given.is_none() {
            return Ok(None);
        }
        let jobs = runtime.block_on(self.route.jobs.of_card(card))?;
        let key = self.keepers.fingerprints.known_key()?;
        let done = |job: &&&Job| match &row {
            Some(row) => work.wanted().is_done_by(job, &row.subscriber_of(card), key),
            // Its row was taken back, or was another table's.
            None => job.state.has_delivered() && work.wanted().is_named_by(job),
        };
        Ok(newest(&jobs).get(card).filter(done).map(|job| (*job).clone()))
    }

    /// Whether what a job has put on the card is there still, to the octet: somebody may have erased it, or torn a write. What cannot
    /// be read does not stand: the row is done again, which says why where it cannot be.
    pub(super) fn stands(
        &self,
        work: &Work,
        job: &Job,
        hand: &Hand,
        iccid: &Iccid,
        card: &mut dyn CardTransport,
    ) -> Result<bool, Lapse> {
        if self.route.writes.pending(iccid)?.is_some() {
            return Ok(false);
        }
        let row = self.ledger().row_of(iccid).cloned();
        let key = self.keepers.fingerprints.known_key()?;
        let look = |fs: &mut FileSystem<'_>| {
            let view = locate(fs, Depth::Objects(&BOOTSTRAP_OBJECTS))?;
            let held = holds(&view, job, key);
            Ok::<_, TransportError>(match &row {
                Some(row) => held.and(holds_settings(fs, &work.profile, &row.subscriber_of(iccid))?),
                None => held,
            })
        };
        let mut fs = self.files(card)?;
        let mut held = look(&mut fs)?;
        if held == Holds::Unread
            && let Some(row) = &row
        {
            let keys = work.rings.complete(Some(iccid), &row.keys).map_err(Lapse::of)?;
            held = self.look_with_pins(hand, iccid, &keys, &mut fs, look)?;
        }
        drop(fs);
        // What comes next begins in the MF of a fresh card.
        card.reset()?;
        Ok(held == Holds::Yes)
    }

    /// Looks once more, with the PINs at hand that the card asks for. One whose tries the card does not tell is kept for the write: it
    /// may be presented once.
    fn look_with_pins(
        &self,
        hand: &Hand,
        iccid: &Iccid,
        keys: &[Key],
        fs: &mut FileSystem<'_>,
        mut look: impl FnMut(&mut FileSystem<'_>) -> Result<Holds, TransportError>,
    ) -> Result<Holds, Lapse> {
        let route = hand.route(&self.route);
        let guard = route.guard(&route.policy);
        let told = |key: &&Key| {
            key.is_pin() && matches!(guard.look(fs.session_mut(), Some(iccid), key.id), Ok(Some(_)))
        };
        let pins: Vec<Key> = keys.iter().filter(told).cloned().collect();
        match guard.with_pins(fs, &pins, &mut look) {
            Ok(held) => Ok(held?),
            Err(KeyError::Transport(error)) => Err(error.into()),
            // The write meets it again, and tells it as what it is.
            Err(_) => Ok(Holds::Unread),
        }
    }
}

/// Sees which job it is, where it stands, and what goes on the card.
struct Witness<'a> {
    hand: &'a Hand,
    last: Option<(JobId, State)>,
    sha256: String,
}

impl Observer for Witness<'_> {
    fn built(&mut self, payload: &Payload) {
        self.sha256 = payload.sha256();
    }

    fn reached(&mut self, job: JobId, state: State) {
        self.last = Some((job, state));
        self.hand.note(|held| held.job = self.last);
    }
}

/// What an error of the route means for the card.
fn ending(error: &CardJobError) -> Ending {
    match error {
        CardJobError::Crashed => Ending::Unknown,
        CardJobError::Apply { source, .. } if refuses(source) => Ending::Refused,
        // Its row waits for it.
        CardJobError::Apply { source, .. } if matches!(**source, ApplyError::Key(KeyError::Stopped(_))) => {
            Ending::Skipped
        }
        // A part of it may be there, or is.
        CardJobError::Apply { source, .. } if !source.wrote_nothing() => Ending::Unknown,
        // What was cut off earlier is on the card still.
        CardJobError::Interrupted { source, .. } => match &**source {
            RecoverError::Apply(source) if refuses(source) => Ending::Refused,
            _ => Ending::Unknown,
        },
        _ => Ending::Failed,
    }
}

fn refuses(error: &ApplyError) -> bool {
    matches!(error, ApplyError::Key(error) if is_refused(error))
}

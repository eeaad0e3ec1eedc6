//! Does what [`next`] says, until nothing comes next.

use std::{sync::Arc, time::Duration};

use tracing::{info, warn};

use crate::{
    dm::Register,
    handoff,
    ident::{Clock, JobId, Pin, Random, ServerId},
    job::{Created, Event, Jobs, JobsError, Reason, Record, State, Step, TargetError},
    profile::PinChannel,
    wire::pap::{MessageState, PushId, StatusCode},
};

use super::{
    Facts, GatewayError, Letter, Next, Order, Orders, PinError, PinNote, PinPost, PushContent, PushGateway,
    PushJob, PushJobError, PushOrder, PushStanding, next, pin_id, prepare, push_id,
};

/// The pause before the first new try, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// How often a job that waits for its gateway is looked at all the same: its device may have come in.
const LOOK: Duration = Duration::from_secs(30);

/// The way over the air: what a push job needs beside itself.
#[derive(Clone)]
pub struct PushRoute {
    /// Keeps jobs.
    pub jobs: Arc<dyn Jobs>,
    /// Keeps what is sealed of them.
    pub orders: Arc<dyn Orders>,
    /// Keeps the accounts of our DM server.
    pub registrar: Arc<dyn Register>,
    /// Our DM server.
    pub server_id: ServerId,
    /// Takes pushes.
    pub gateway: Arc<dyn PushGateway>,
    /// Is told PINs, where a system of the operator is.
    pub pins: Option<Arc<dyn PinPost>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where secrets come from.
    pub random: Arc<dyn Random>,
}

/// A job that was accepted, now or before.
#[derive(Debug)]
pub struct PushAccepted {
    /// The job with its history.
    pub record: Record,
    /// Whether this call made it.
    pub fresh: bool,
    /// What the user will enter, where it is printed: for whoever asked, until the job has ended.
    pub pin: Option<Pin>,
    /// What the profile holds and this kind of payload does not carry; known when the job is made.
    pub losses: Vec<String>,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    On,
    Ended(State),
}

impl PushRoute {
    /// Accepts a job, or gives back the one that the same key made before. Whoever gets a fresh one has it run.
    ///
    /// # Errors
    /// [`PushJobError`]; there is no job then.
    pub async fn accept(&self, job: &PushJob) -> Result<PushAccepted, PushJobError> {
        if let Some(before) = self.before(job).await? {
            return Ok(before);
        }
        let now = self.clock.now();
        let prepared = prepare(job, &self.server_id, &*self.random, now)?;
        let channel = prepared.order.letter.as_ref().map(|letter| letter.channel);
        if channel == Some(PinChannel::Webhook) && self.pins.is_none() {
            let why = "no [job] pin-webhook is configured; name the address that is told, or use `printed`";
            return Err(PushJobError::NoChannel { channel: PinChannel::Webhook.as_str(), why });
        }
        if channel == Some(PinChannel::Sms) && !self.gateway.carries_text() {
            let why = "the push gateway here carries no text; use `printed` or `webhook`";
            return Err(PushJobError::NoChannel { channel: PinChannel::Sms.as_str(), why });
        }
        let id = JobId::new(now, &*self.random);
        // What the gateway never takes is said now, not when the job has failed.
        if let Some(entity) = &prepared.order.push {
            let push_id = push_id(id).map_err(|_| JobsError::NotFound { id })?;
            let content = PushContent::Push(entity.clone());
            let (to, expires) = (prepared.order.to.clone(), prepared.order.expires);
            self.gateway.admit(&PushOrder { push_id, to, content, expires }).await?;
        }
        if let Some(letter) = prepared.order.letter.as_ref().filter(|l| l.channel == PinChannel::Sms) {
            self.gateway.admit(&pin_text(id, &prepared.order, letter)?).await?;
        }
        let Created { job: made, fresh } =
            self.orders.accept(id, &prepared.new, &prepared.order, now).await?;
        let mut accepted = self.accepted(made.id, job, fresh).await?;
        accepted.losses = prepared.losses;
        Ok(accepted)
    }

    /// The job that the key has made before.
    async fn before(&self, job: &PushJob) -> Result<Option<PushAccepted>, PushJobError> {
        let Some(key) = &job.key else { return Ok(None) };
        let Some(found) = self.jobs.of_keys(std::slice::from_ref(key)).await?.pop() else { return Ok(None) };
        match self.orders.order(found.id).await? {
            Some(order) if order.asked == job.asked => self.accepted(found.id, job, false).await.map(Some),
            _ => Err(JobsError::KeyTaken { key: key.clone(), id: found.id }.into()),
        }
    }

    async fn accepted(&self, id: JobId, job: &PushJob, fresh: bool) -> Result<PushAccepted, PushJobError> {
        let record = self.record(id).await?;
        let order = self.orders.order(id).await?;
        let printed = |order: Order| {
            let own = order.creator == job.creator;
            order.letter.filter(|l| own && l.channel == PinChannel::Printed).map(|l| l.pin)
        };
        Ok(PushAccepted { record, fresh, pin: order.and_then(printed), losses: Vec::new() })
    }

    /// Runs a job to where only its device can bring it further, or to its end. Gateways and systems that do not answer are
    /// tried again until its time has run out.
    ///
    /// # Errors
    /// [`PushJobError::Jobs`] when it is not there.
    pub async fn run(&self, id: JobId) -> Result<State, PushJobError> {
        let mut pause = PAUSES.0;
        loop {
            match self.step(id).await {
                Ok(Progress::On) => pause = PAUSES.0,
                Ok(Progress::Ended(state)) => return Ok(state),
                Err(PushJobError::Jobs(error @ JobsError::NotFound { .. })) => return Err(error.into()),
                Err(error) => {
                    // A job that cannot fail any more is looked at again, after a pause as any other.
                    if let Some(reason) = final_reason(&error)
                        && self.tell(id, &Event::Failed { reason }).await.unwrap_or(false)
                    {
                        continue;
                    }
                    warn!(job.id = %id, error = &error as &dyn std::error::Error, "Job {id} cannot go on now: {error}");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    /// Does what comes next, and records it.
    pub(super) async fn step(&self, id: JobId) -> Result<Progress, PushJobError> {
        let record = self.record(id).await?;
        let state = record.job.state;
        let found = self.orders.order(id).await?;
        let mut order = found.ok_or(JobsError::NotFound { id })?;
        let push = push_id(id).map_err(|_| JobsError::NotFound { id })?;
        let standing = match state {
            State::Delivering | State::Unknown => self.gateway.standing(&push).await?,
            _ => None,
        };
        let now = self.clock.now();
        match next(Facts { state, order: &order, standing: standing.as_ref(), now }) {
            Next::Register => {
                let account = order.account.as_ref().ok_or(TargetError::NoAccount)?;
                let account = handoff::keep(&*self.registrar, account, now).await?;
                self.tell(id, &Event::AccountRegistered { account }).await?;
            }
            Next::SendPin => {
                if let Some(letter) = &order.letter
                    && let Err(error) = self.send_pin(&record, &order, letter).await
                {
                    return Err(if letter.goes_first() {
                        error
                    } else {
                        self.without_pin(&push, error).await
                    });
                }
                order.letter = None;
                self.orders.keep(id, &order).await?;
            }
            Next::Submit => {
                let content = order.push.clone().ok_or(JobsError::NotFound { id })?;
                let (to, expires) = (order.to.clone(), order.expires);
                let push = PushOrder { push_id: push, to, content: PushContent::Push(content), expires };
                self.gateway.submit(&push).await?;
                (order.push, order.account) = (None, None);
                self.orders.keep(id, &order).await?;
            }
            Next::Tell(event) => drop(self.tell(id, &event).await?),
            Next::Wait => {
                let nowhere = || PushStanding { state: MessageState::Unknown, why: String::new() };
                let seen = standing.unwrap_or_else(nowhere);
                let _ = tokio::time::timeout(LOOK, self.gateway.changed(&push, &seen)).await;
            }
            Next::End => {
                self.end(&record, order).await?;
                return Ok(Progress::Ended(state));
            }
        }
        Ok(Progress::On)
    }

    /// The user's PIN, by the way that the profile names. It may be told twice when this process is killed in between.
    async fn send_pin(&self, record: &Record, order: &Order, letter: &Letter) -> Result<(), PushJobError> {
        let id = record.job.id;
        let unsent = |error: PinError| match error {
            PinError::Refused { why } => GatewayError::Refused { code: StatusCode::FORBIDDEN, why },
            PinError::Unavailable { why } => GatewayError::Unavailable { why },
        };
        match (letter.channel, &self.pins) {
            (PinChannel::Printed, _) => {}
            (PinChannel::Webhook, Some(pins)) => {
                let note = PinNote {
                    job: id,
                    key: record.job.key.clone(),
                    msisdn: order.to.clone(),
                    pin: letter.pin.clone(),
                    expires: order.expires,
                };
                pins.post(&note).await.map_err(unsent)?;
            }
            (PinChannel::Webhook, None) => {
                let why = "no [job] pin-webhook is configured any more";
                return Err(PushJobError::NoChannel { channel: letter.channel.as_str(), why });
            }
            (PinChannel::Sms, _) => {
                let message = pin_text(id, order, letter)?;
                self.gateway.submit(&message).await?;
            }
        }
        Ok(())
    }

    /// Why a job ends whose PIN is refused for good: nobody could use what its push brings, so that is taken back.
    async fn without_pin(&self, push: &PushId, error: PushJobError) -> PushJobError {
        let PushJobError::Gateway(GatewayError::Refused { code, why }) = error else { return error };
        let push = match self.gateway.cancel(push, "the PIN for its user was refused").await {
            Ok(true) => "its push was taken back",
            Ok(false) => "its push has left: the device may ask for a PIN that its user never gets",
            Err(unavailable) => return unavailable.into(),
        };
        GatewayError::Refused { code, why: format!("{why} (the PIN for the user); {push}") }.into()
    }

    /// Takes the short message with the PIN back, where there is one and it has not left.
    pub(super) async fn take_pin_back(&self, id: JobId) {
        let Ok(pin) = pin_id(id) else { return };
        if let Err(error) = self.gateway.cancel(&pin, "its job has ended").await {
            warn!(job.id = %id, error = &error as &dyn std::error::Error, "The PIN of job {id} could not be taken back: {error}");
        }
    }

    /// Credentials that no device has open no session, a PIN for nothing goes to nobody, and nothing sealed is kept longer than it is needed.
    async fn end(&self, record: &Record, mut order: Order) -> Result<(), PushJobError> {
        let id = record.job.id;
        if matches!(record.job.state, State::Failed | State::Expired | State::Cancelled) {
            self.take_pin_back(id).await;
        }
        if let (State::Failed | State::Expired | State::Cancelled, Some(account)) =
            (record.job.state, record.job.account)
            && let Err(error) = self.registrar.withdraw(account).await
        {
            warn!(job.id = %id, error = &error as &dyn std::error::Error, "Account {account} could not be withdrawn");
        }
        order.wipe();
        self.orders.close(id, &order).await?;
        info!(job.id = %id, job.state = %record.job.state, "Job {id} is {}", record.job.state);
        Ok(())
    }

    pub(super) async fn record(&self, id: JobId) -> Result<Record, JobsError> {
        self.jobs.get(id).await?.ok_or(JobsError::NotFound { id })
    }

    /// Records what happened, and says whether that changed anything. A device that came in meanwhile has outrun the news;
    /// that is no error.
    pub(super) async fn tell(&self, id: JobId, event: &Event) -> Result<bool, JobsError> {
        match self.jobs.tell(id, event, self.clock.now()).await {
            Ok(step) => Ok(matches!(step, Step::To(_))),
            Err(JobsError::Illegal { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The short message with the PIN.
fn pin_text(id: JobId, order: &Order, letter: &Letter) -> Result<PushOrder, JobsError> {
    let push_id = pin_id(id).map_err(|_| JobsError::NotFound { id })?;
    let text = format!("PIN for your new settings: {}", letter.pin.expose());
    let (to, expires) = (order.to.clone(), order.expires);
    Ok(PushOrder { push_id, to, content: PushContent::Text(text.into()), expires })
}

/// Why the job can never go on; none when another try may help.
fn final_reason(error: &PushJobError) -> Option<Reason> {
    match error {
        PushJobError::Jobs(JobsError::Unavailable { .. })
        | PushJobError::Handoff(_)
        | PushJobError::Gateway(GatewayError::Unavailable { .. }) => None,
        error => Some(Reason::new(&error.to_string())),
    }
}

impl std::fmt::Debug for PushRoute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushRoute").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

//! Our own Push Proxy Gateway as the one that push jobs are handed to.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{Notify, broadcast::error::RecvError};

use crate::{
    bearer::{
        InitiatorName,
        ppg::{Initiator, Ppg, Rights},
    },
    job::push::{GatewayError, PushContent, PushEntity, PushGateway, PushOrder, PushStanding},
    wire::pap::{Address, CancelMessage, PushId, PushMessage, StatusCode, StatusQuery, multipart::Entity},
};

/// The initiator that jobs are, beside those of the configuration.
const JOBS: &str = "bootgate.jobs";

/// A gateway of this process. Jobs wait on one subscription, however many there are.
pub(super) struct OwnGateway {
    ppg: Ppg,
    name: InitiatorName,
    waiting: Arc<Mutex<HashMap<PushId, Arc<Notify>>>>,
    listening: OnceLock<()>,
}

impl OwnGateway {
    /// Over this gateway. Always some: the name of the initiator is one.
    pub(super) fn over(ppg: Ppg) -> Option<Arc<dyn PushGateway>> {
        let name = JOBS.parse().ok()?;
        Some(Arc::new(Self { ppg, name, waiting: Arc::default(), listening: OnceLock::new() }))
    }

    fn initiator(&self, unsigned: bool) -> Initiator {
        Initiator {
            name: self.name.clone(),
            rights: Rights { unsigned_bootstrap: unsigned, ..Rights::all() },
        }
    }

    /// Begins to hear what comes to its end.
    fn listen(&self) {
        self.listening.get_or_init(|| {
            let (mut ends, waiting, name) =
                (self.ppg.subscribe(), Arc::clone(&self.waiting), self.name.clone());
            tokio::spawn(async move {
                loop {
                    match ends.recv().await {
                        Ok(end) if end.initiator == name => {
                            if let Some(job) = lock(&waiting).get(&end.push_id) {
                                job.notify_one();
                            }
                        }
                        Ok(_) => {}
                        // Something was missed: everybody looks.
                        Err(RecvError::Lagged(_)) => {
                            lock(&waiting).values().for_each(|job| job.notify_one());
                        }
                        Err(RecvError::Closed) => return,
                    }
                }
            });
        });
    }
}

#[async_trait]
impl PushGateway for OwnGateway {
    fn is_there(&self) -> bool {
        self.ppg.has_route()
    }

    fn carries_text(&self) -> bool {
        true
    }

    async fn submit(&self, order: &PushOrder) -> Result<(), GatewayError> {
        let entity = match &order.content {
            PushContent::Push(entity) => entity,
            PushContent::Text(text) => {
                let (id, to, expires) = (order.push_id.clone(), &order.to, order.expires);
                let kept = self.ppg.submit_text(&self.initiator(false), id, to, text, expires).await;
                return kept.or_else(|refused| answered(refused.code, Some(refused.why)));
            }
        };
        let (message, content) = message(order, entity)?;
        let response = self.ppg.submit(&self.initiator(entity.unsigned), message, &content).await;
        answered(response.code, response.desc)
    }

    async fn admit(&self, order: &PushOrder) -> Result<(), GatewayError> {
        let admitted = match &order.content {
            PushContent::Text(text) => self.ppg.admit_text(&order.to, text, order.expires),
            PushContent::Push(entity) => {
                let (message, content) = message(order, entity)?;
                self.ppg.admit(&self.initiator(entity.unsigned), &message, &content)
            }
        };
        admitted.map_err(|refused| match answered(refused.code, Some(refused.why)) {
            Err(error) => error,
            Ok(()) => GatewayError::Unavailable { why: "the push is known already".to_owned() },
        })
    }

    async fn cancel(&self, id: &PushId, why: &str) -> Result<bool, GatewayError> {
        let cancel = CancelMessage { push_id: id.clone(), addresses: Vec::new() };
        let response = self.ppg.cancel_because(&self.initiator(false), cancel, why).await;
        match response.results.into_iter().next() {
            Some(result) if result.code.is_transient() => {
                Err(GatewayError::Unavailable { why: result.desc.unwrap_or_default() })
            }
            Some(result) => Ok(result.code.is_success()),
            None => Ok(false),
        }
    }

    async fn standing(&self, id: &PushId) -> Result<Option<PushStanding>, GatewayError> {
        let query = StatusQuery { push_id: id.clone(), addresses: Vec::new() };
        let response = self.ppg.status(&self.initiator(false), query).await;
        let Some(result) = response.results.into_iter().next() else { return Ok(None) };
        let why = result.desc.unwrap_or_default();
        match result.code {
            StatusCode::PUSH_ID_NOT_FOUND => Ok(None),
            code if code.is_transient() && result.event_time.is_none() => {
                Err(GatewayError::Unavailable { why })
            }
            _ => Ok(Some(PushStanding { state: result.state, why })),
        }
    }

    async fn changed(&self, id: &PushId, seen: &PushStanding) {
        self.listen();
        let notify = Arc::clone(lock(&self.waiting).entry(id.clone()).or_default());
        let _leave = Leave { waiting: &self.waiting, id };
        // What came before this began to listen is not missed.
        if self.standing(id).await.is_ok_and(|now| now.as_ref() != Some(seen)) {
            return;
        }
        notify.notified().await;
    }
}

/// A push as PAP has it.
fn message<'a>(order: &PushOrder, entity: &'a PushEntity) -> Result<(PushMessage, Entity<'a>), GatewayError> {
    let address = format!("WAPPUSH=+{}/TYPE=PLMN@bootgate", order.to.digits());
    let unfit = |why: &str| GatewayError::Refused { code: StatusCode::ADDRESS_ERROR, why: why.to_owned() };
    let message = PushMessage {
        push_id: order.push_id.clone(),
        replace: None,
        deliver_before: jiff::Timestamp::from_millisecond(order.expires.as_millis()).ok(),
        deliver_after: None,
        source_reference: None,
        progress_notes_requested: false,
        ppg_notify_requested_to: None,
        addresses: vec![address.parse::<Address>().map_err(|_| unfit("the number cannot be addressed"))?],
        quality_of_service: None,
    };
    let content = Entity { fields: entity.fields.clone(), body: &entity.body };
    Ok((message, content))
}

/// What an answer of the gateway means for a job.
fn answered(code: StatusCode, desc: Option<String>) -> Result<(), GatewayError> {
    let why = desc.unwrap_or_else(|| "no reason is given".to_owned());
    match code {
        code if code.is_success() || code == StatusCode::DUPLICATE_PUSH_ID => Ok(()),
        code if code.is_transient() => Err(GatewayError::Unavailable { why }),
        code => Err(GatewayError::Refused { code, why }),
    }
}

/// Takes a job out of those that wait, however its wait ends.
struct Leave<'a> {
    waiting: &'a Mutex<HashMap<PushId, Arc<Notify>>>,
    id: &'a PushId,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        lock(self.waiting).remove(self.id);
    }
}

fn lock(waiting: &Mutex<HashMap<PushId, Arc<Notify>>>) -> MutexGuard<'_, HashMap<PushId, Arc<Notify>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for OwnGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnGateway").field("ppg", &self.ppg).finish_non_exhaustive()
    }
}

//! PAP as the gateway speaks it: push, cancel, status query; the rest is answered as the specification says of a gateway
//! that does not have it.
//!
//! A client capabilities query is answered 3008, since no capabilities are known here. A request for progress notes is
//! taken, and no notes come: they are the gateway's to give.

use std::{collections::BTreeSet, sync::Arc};

use tracing::{debug, warn};

use super::{Initiator, Ppg};
use crate::{
    bearer::{Accepted, Delivery, Destination, Hindrance, Kept, NewPush, OutboxError, Refused, Stage, State},
    ident::Timestamp,
    wire::{
        DecodeError,
        pap::{
            Address, BadMessage, CancelMessage, CancelResponse, CancelResult, CapabilitiesResponse, Message,
            Pap, PushMessage, PushResponse, Recipient, StatusCode, StatusQuery, StatusResponse, StatusResult,
            Strictness, Version,
            multipart::{self, Entity},
        },
    },
};

impl Ppg {
    /// Answers a request: the body of a POST with its `Content-Type`. The answer has the version of the request.
    pub async fn handle(&self, initiator: &Initiator, content_type: &str, body: &[u8]) -> Pap {
        let (version, message) = match self.answer(initiator, content_type, body).await {
            Ok(answer) => answer,
            Err(error) => (None, bad(&error)),
        };
        let product_name = Some(self.settings().name.clone());
        Pap { version: Some(version.unwrap_or(Version::V2_0)), product_name, ..Pap::new(message) }
    }

    async fn answer(
        &self,
        initiator: &Initiator,
        content_type: &str,
        body: &[u8],
    ) -> Result<(Option<Version>, Message), DecodeError> {
        let (kind, _) = multipart::media_type(content_type)?;
        let entities = match kind.as_str() {
            "multipart/related" => multipart::read(&multipart::boundary(content_type)?, body)?,
            "application/xml" | "text/xml" => vec![Entity::new(content_type, body)],
            _ => {
                let why = "expected multipart/related for a push, application/xml for anything else";
                return Err(DecodeError::invalid("Content-Type", 0, why));
            }
        };
        let control = entities.first().ok_or_else(|| DecodeError::invalid("body", 0, "no control entity"))?;
        let pap = Pap::decode(control.body, Strictness::Strict)?;
        if let Some(foreign) = &pap.foreign_version {
            let desc = format!("PAP {foreign} is not spoken here; expected 1.0, 2.0 or 2.1");
            let code = StatusCode::VERSION_NOT_SUPPORTED;
            return Ok((None, Message::BadMessage(BadMessage { code, desc: Some(desc), fragment: None })));
        }
        let version = pap.version;
        let message = match (pap.message, entities.get(1)) {
            (Message::Push(push), Some(content)) => {
                let response =
                    self.submit_as(initiator, push, content, version.unwrap_or(Version::V2_0)).await;
                Message::PushResponse(response)
            }
            (Message::Push(push), None) => {
                let why = "the push has no content entity; expected it behind the control entity";
                let refused = Refused { code: StatusCode::BAD_REQUEST, why: why.to_owned() };
                Message::PushResponse(self.response(&push, refused.code, Some(refused.why)))
            }
            (Message::Cancel(cancel), _) => Message::CancelResponse(self.cancel(initiator, cancel).await),
            (Message::StatusQuery(query), _) => Message::StatusResponse(self.status(initiator, query).await),
            (Message::CapabilitiesQuery(query), _) => Message::CapabilitiesResponse(CapabilitiesResponse {
                query_id: query.query_id,
                code: StatusCode::CAPABILITIES_NOT_AVAILABLE,
                desc: Some("this gateway knows no capabilities of devices".to_owned()),
                address: Some(query.address),
            }),
            (_, _) => {
                let desc = "a gateway takes pushes, cancels and queries; this is an answer or a result";
                let desc = Some(desc.to_owned());
                Message::BadMessage(BadMessage { code: StatusCode::BAD_REQUEST, desc, fragment: None })
            }
        };
        Ok((version, message))
    }

    /// Checks a push as [`submit`](Self::submit) does, and takes nothing.
    ///
    /// # Errors
    /// With the code and the reason that it would be answered with.
    pub fn admit(
        &self,
        initiator: &Initiator,
        push: &PushMessage,
        content: &Entity<'_>,
    ) -> Result<(), Refused> {
        let bearer = self.0.bearer.get().ok_or_else(|| Refused {
            code: StatusCode::SERVICE_UNAVAILABLE,
            why: "this gateway has no route yet; try again later".to_owned(),
        })?;
        self.check(initiator, push, content, Version::V2_0, &**bearer, self.0.clock.now()).map(drop)
    }

    /// Takes a push: checked, kept, and then 1001.
    pub async fn submit(
        &self,
        initiator: &Initiator,
        push: PushMessage,
        content: &Entity<'_>,
    ) -> PushResponse {
        self.submit_as(initiator, push, content, Version::V2_0).await
    }

    async fn submit_as(
        &self,
        initiator: &Initiator,
        push: PushMessage,
        content: &Entity<'_>,
        version: Version,
    ) -> PushResponse {
        let (code, desc) = match self.take(initiator, &push, content, version).await {
            Ok(desc) => (StatusCode::ACCEPTED, desc),
            Err(refused) => (refused.code, Some(refused.why)),
        };
        debug!(ppg.initiator = %initiator.name, pap.code = code.0, "Answered a push of {} with {code}", initiator.name);
        self.response(&push, code, desc)
    }

    /// What else there is to say of a push that was taken.
    async fn take(
        &self,
        initiator: &Initiator,
        push: &PushMessage,
        content: &Entity<'_>,
        version: Version,
    ) -> Result<Option<String>, Refused> {
        let now = self.0.clock.now();
        let refused = |code, why: &str| Refused { code, why: why.to_owned() };
        let bearer = self.0.bearer.get().ok_or_else(|| {
            refused(StatusCode::SERVICE_UNAVAILABLE, "this gateway has no route yet; try again later")
        })?;
        let new = self.check(initiator, push, content, version, &**bearer, now)?;
        self.keep(new).await
    }

    /// Keeps a push that was checked, and sees to it that it is sent, even when whoever handed it in is gone.
    pub(super) async fn keep(&self, new: NewPush) -> Result<Option<String>, Refused> {
        let ppg = self.clone();
        let kept = to_its_end(async move { ppg.keep_here(new).await }).await;
        kept.unwrap_or_else(|error| {
            let code = StatusCode::SERVICE_FAILURE;
            Err(Refused { code, why: failed(&error).to_owned() })
        })
    }

    async fn keep_here(&self, new: NewPush) -> Result<Option<String>, Refused> {
        let refused = |code, why: &str| Refused { code, why: why.to_owned() };
        let (of, out) = (new.deliveries.len(), new.deliveries.iter().filter(|d| d.to.is_err()).count());
        let accepted = match &new.replace {
            Some(replace) => match self.make_way(&new, &replace.push_id).await {
                Ok(()) => self.0.outbox.accept(new).await,
                Err(error) => Err(error),
            },
            None => self.0.outbox.accept(new).await,
        };
        match accepted {
            Ok(accepted @ (Accepted::Kept | Accepted::Replaced(_))) => {
                if let Accepted::Replaced(ended) = accepted {
                    self.announce(ended);
                }
                self.0.wake.notify_one();
                if out > 0 {
                    self.0.tell.notify_one();
                }
                Ok((out > 0)
                    .then(|| format!("{out} of {of} addresses were refused; a status query tells which")))
            }
            Ok(Accepted::Duplicate) => {
                Err(refused(StatusCode::DUPLICATE_PUSH_ID, "there is a push of this id already"))
            }
            Ok(Accepted::NothingToReplace) => {
                Err(refused(StatusCode::PUSH_ID_NOT_FOUND, "the push to be replaced is not known"))
            }
            Ok(Accepted::NothingPending) => {
                let why = "the push to be replaced is pending at none of these addresses any more";
                Err(refused(StatusCode::NOT_POSSIBLE, why))
            }
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "A push could not be kept");
                Err(refused(StatusCode::SERVICE_FAILURE, "the push could not be kept; try again later"))
            }
        }
    }

    fn response(&self, push: &PushMessage, code: StatusCode, desc: Option<String>) -> PushResponse {
        PushResponse {
            push_id: push.push_id.clone(),
            sender_address: self.settings().address.clone(),
            sender_name: Some(self.settings().name.clone()),
            reply_time: stamp(self.0.clock.now()),
            progress: Vec::new(),
            code,
            desc,
        }
    }

    /// Where a push is: one result for each address.
    pub async fn status(&self, initiator: &Initiator, query: StatusQuery) -> StatusResponse {
        let result = |state: State, code, at, desc: &str, addresses| StatusResult {
            state: state.message_state(),
            code,
            event_time: at,
            desc: (!desc.is_empty()).then(|| desc.to_owned()),
            addresses,
            quality_of_service: None,
        };
        let results = match self.0.outbox.find(&initiator.name, &query.push_id).await {
            Ok(Some(kept)) => {
                let (mine, strangers) = chosen(&kept, &query.addresses);
                let mut results: Vec<_> = mine
                    .into_iter()
                    .map(|d| {
                        let s = &d.standing;
                        let hindrance = || self.hindrance(d).map(|h| h.says(initiator.rights.sees_links));
                        let says = |stage: Stage| stage.says(&s.desc, hindrance(), self.0.clock.now());
                        let desc = d.stage.and_then(says).unwrap_or_else(|| s.desc.clone());
                        result(s.state, s.code, stamp(s.at), &desc, vec![d.address.clone()])
                    })
                    .collect();
                if !strangers.is_empty() {
                    let why = "the push does not go there";
                    let code = StatusCode::ADDRESS_NOT_FOUND;
                    results.push(result(State::Unknown, code, None, why, strangers));
                }
                results
            }
            Ok(None) => {
                let code = StatusCode::PUSH_ID_NOT_FOUND;
                vec![result(State::Unknown, code, None, "no push of this id is known", query.addresses)]
            }
            Err(error) => {
                vec![result(
                    State::Unknown,
                    StatusCode::SERVICE_FAILURE,
                    None,
                    failed(&error),
                    query.addresses,
                )]
            }
        };
        StatusResponse { push_id: query.push_id, results }
    }

    /// What keeps a delivery from leaving, where its bearer knows.
    fn hindrance(&self, delivery: &Delivery) -> Option<Hindrance> {
        if !matches!(delivery.standing.state, State::Waiting | State::Sending) {
            return None;
        }
        let Recipient::Plmn(number) = delivery.address.recipient() else { return None };
        self.0.bearer.get()?.hindrance(&Destination::Msisdn(number.clone()))
    }

    /// Takes a push back where it was not sent.
    pub async fn cancel(&self, initiator: &Initiator, cancel: CancelMessage) -> CancelResponse {
        self.cancel_because(initiator, cancel, "the initiator took it back").await
    }

    /// The same, and says why.
    pub async fn cancel_because(
        &self,
        initiator: &Initiator,
        cancel: CancelMessage,
        why: &str,
    ) -> CancelResponse {
        let result =
            |code, desc: &str, addresses| CancelResult { code, desc: Some(desc.to_owned()), addresses };
        let kept = match self.0.outbox.find(&initiator.name, &cancel.push_id).await {
            Ok(Some(kept)) => kept,
            Ok(None) => {
                let (code, why) = (StatusCode::PUSH_ID_NOT_FOUND, "no push of this id is known");
                return CancelResponse {
                    push_id: cancel.push_id,
                    results: vec![result(code, why, cancel.addresses)],
                };
            }
            Err(error) => {
                let results = vec![result(StatusCode::SERVICE_FAILURE, failed(&error), cancel.addresses)];
                return CancelResponse { push_id: cancel.push_id, results };
            }
        };
        let (mine, strangers) = chosen(&kept, &cancel.addresses);
        let mut results = Vec::new();
        match self.take_back(initiator, &cancel.push_id, &mine, why).await {
            Ok(taken) => {
                let (back, late): (Vec<&Delivery>, Vec<&Delivery>) =
                    mine.into_iter().partition(|d| taken.contains(&d.id));
                let addresses =
                    |of: Vec<&Delivery>| of.into_iter().map(|d| d.address.clone()).collect::<Vec<_>>();
                if !back.is_empty() {
                    results.push(result(StatusCode::OK, "taken back", addresses(back)));
                }
                if !late.is_empty() {
                    let why = "it has left, or has ended";
                    results.push(result(StatusCode::CANCELLATION_NOT_POSSIBLE, why, addresses(late)));
                }
            }
            Err(error) => results.push(result(StatusCode::SERVICE_FAILURE, failed(&error), cancel.addresses)),
        }
        if !strangers.is_empty() {
            results.push(result(StatusCode::ADDRESS_NOT_FOUND, "the push does not go there", strangers));
        }
        CancelResponse { push_id: cancel.push_id, results }
    }
}

/// The deliveries to these addresses, or all; and the addresses that the push does not go to.
fn chosen<'k>(kept: &'k Kept, addresses: &[Address]) -> (Vec<&'k Delivery>, Vec<Address>) {
    if addresses.is_empty() {
        return (kept.deliveries.iter().collect(), Vec::new());
    }
    // The same place may be written in another way than the push did.
    let asked: BTreeSet<_> = addresses.iter().map(Address::recipient).collect();
    let mine: Vec<&Delivery> =
        kept.deliveries.iter().filter(|d| asked.contains(d.address.recipient())).collect();
    let known: BTreeSet<_> = mine.iter().map(|d| d.address.recipient()).collect();
    let strangers = addresses.iter().filter(|a| !known.contains(a.recipient())).cloned().collect();
    (mine, strangers)
}

/// Does it to the end, whether somebody waits for that or not.
pub(super) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, OutboxError> {
    // It fails when the runtime ends in the middle.
    tokio::spawn(work).await.map_err(|error| OutboxError { doing: "written", source: Arc::new(error) })
}

fn bad(error: &DecodeError) -> Message {
    let (code, desc) = (StatusCode::BAD_REQUEST, Some(error.to_string()));
    Message::BadMessage(BadMessage { code, desc, fragment: None })
}

fn failed(error: &OutboxError) -> &'static str {
    warn!(error = error as &dyn std::error::Error, "The outbox does not answer");
    "the gateway cannot look at its outbox now; try again later"
}

pub(super) fn stamp(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(at.as_millis()).ok()
}

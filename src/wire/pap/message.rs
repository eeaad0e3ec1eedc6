//! The messages (WAP-247-PAP, section 9): one struct for each element that a document may hold.

use jiff::Timestamp;

use super::{Address, MessageState, PushId, QualityOfService, ReplaceMethod, StatusCode};

/// What a document says. `…Message`, `…Query` and notifications ask, the others answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// `push-message`: the control entity of a push.
    Push(PushMessage),
    /// `push-response`.
    PushResponse(PushResponse),
    /// `cancel-message`.
    Cancel(CancelMessage),
    /// `cancel-response`.
    CancelResponse(CancelResponse),
    /// `resultnotification-message`.
    ResultNotification(ResultNotification),
    /// `resultnotification-response`.
    ResultNotificationResponse(ResultNotificationResponse),
    /// `statusquery-message`.
    StatusQuery(StatusQuery),
    /// `statusquery-response`.
    StatusResponse(StatusResponse),
    /// `ccq-message`: client capabilities query.
    CapabilitiesQuery(CapabilitiesQuery),
    /// `ccq-response`.
    CapabilitiesResponse(CapabilitiesResponse),
    /// `badmessage-response`: what came was not understood.
    BadMessage(BadMessage),
}

/// `push-message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushMessage {
    /// The initiator's name for it.
    pub push_id: PushId,
    /// The push that it takes the place of (2.x).
    pub replace: Option<Replace>,
    /// Not delivered from this time on.
    pub deliver_before: Option<Timestamp>,
    /// Not delivered before this time.
    pub deliver_after: Option<Timestamp>,
    /// The initiator, as it calls itself.
    pub source_reference: Option<String>,
    /// Whether answers should tell the steps.
    pub progress_notes_requested: bool,
    /// Where the result goes.
    pub ppg_notify_requested_to: Option<String>,
    /// Whom it is for: at least one.
    pub addresses: Vec<Address>,
    /// How it should travel.
    pub quality_of_service: Option<QualityOfService>,
}

/// The push that another takes the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// Its id.
    pub push_id: PushId,
    /// What happens where it was delivered already.
    pub method: ReplaceMethod,
}

/// `push-response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushResponse {
    /// The push.
    pub push_id: PushId,
    /// Where the gateway is.
    pub sender_address: Option<String>,
    /// What the gateway calls itself.
    pub sender_name: Option<String>,
    /// When it answered.
    pub reply_time: Option<Timestamp>,
    /// The steps, when they were asked for.
    pub progress: Vec<ProgressNote>,
    /// The outcome.
    pub code: StatusCode,
    /// The outcome in words.
    pub desc: Option<String>,
}

/// `progress-note`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressNote {
    /// The step.
    pub stage: String,
    /// What happened.
    pub note: Option<String>,
    /// When.
    pub time: Option<Timestamp>,
}

/// `cancel-message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelMessage {
    /// The push.
    pub push_id: PushId,
    /// For whom; none is for all.
    pub addresses: Vec<Address>,
}

/// `cancel-response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelResponse {
    /// The push.
    pub push_id: PushId,
    /// The outcomes: at least one.
    pub results: Vec<CancelResult>,
}

/// `cancel-result`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelResult {
    /// The outcome.
    pub code: StatusCode,
    /// The outcome in words.
    pub desc: Option<String>,
    /// For whom; none is for all.
    pub addresses: Vec<Address>,
}

/// `resultnotification-message`: a push came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultNotification {
    /// The push.
    pub push_id: PushId,
    /// Where it ended.
    pub state: MessageState,
    /// The outcome.
    pub code: StatusCode,
    /// Where the gateway is.
    pub sender_address: Option<String>,
    /// What the gateway calls itself.
    pub sender_name: Option<String>,
    /// When the gateway took the push.
    pub received_time: Option<Timestamp>,
    /// When it ended.
    pub event_time: Option<Timestamp>,
    /// The outcome in words.
    pub desc: Option<String>,
    /// For whom.
    pub address: Address,
    /// How it travelled.
    pub quality_of_service: Option<QualityOfService>,
}

#[cfg(test)]
impl ResultNotification {
    /// A result of the push `1@pi` for a number.
    pub(crate) fn sample(number: &str, state: MessageState) -> Self {
        Self {
            push_id: "1@pi".parse().unwrap(),
            state,
            code: StatusCode::OK,
            sender_address: None,
            sender_name: None,
            received_time: None,
            event_time: None,
            desc: None,
            address: format!("WAPPUSH=+{number}/TYPE=PLMN@x").parse().unwrap(),
            quality_of_service: None,
        }
    }
}

/// `resultnotification-response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultNotificationResponse {
    /// The push.
    pub push_id: PushId,
    /// 1000 or 2000.
    pub code: StatusCode,
    /// In words.
    pub desc: Option<String>,
    /// For whom.
    pub address: Option<Address>,
}

/// `statusquery-message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusQuery {
    /// The push.
    pub push_id: PushId,
    /// For whom; none is for all.
    pub addresses: Vec<Address>,
}

/// `statusquery-response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusResponse {
    /// The push.
    pub push_id: PushId,
    /// Where it is: at least one.
    pub results: Vec<StatusResult>,
}

/// `statusquery-result`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusResult {
    /// Where it is.
    pub state: MessageState,
    /// The outcome so far.
    pub code: StatusCode,
    /// Since when.
    pub event_time: Option<Timestamp>,
    /// In words.
    pub desc: Option<String>,
    /// For whom; none is for all.
    pub addresses: Vec<Address>,
    /// How it travelled.
    pub quality_of_service: Option<QualityOfService>,
}

/// `ccq-message`: what can a client do?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilitiesQuery {
    /// The initiator's name for the query.
    pub query_id: Option<String>,
    /// The application that is asked about.
    pub app_id: Option<String>,
    /// The client.
    pub address: Address,
}

/// `ccq-response`. The capabilities come as a second entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilitiesResponse {
    /// The query.
    pub query_id: Option<String>,
    /// The outcome.
    pub code: StatusCode,
    /// In words.
    pub desc: Option<String>,
    /// The client.
    pub address: Option<Address>,
}

/// `badmessage-response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMessage {
    /// 2000, or 3002 for a version that is not spoken.
    pub code: StatusCode,
    /// In words.
    pub desc: Option<String>,
    /// The part that was not understood.
    pub fragment: Option<String>,
}

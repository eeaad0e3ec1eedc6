//! `/api/v1/jobs`.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{super::Service, auth::authorise, problem::Problem};
use crate::{
    app::config::Right,
    ident::JobId,
    job::{
        Filter, Job, Record, State as JobState,
        push::{CallOff, PushAccepted},
    },
};

/// Jobs of one answer: usually, and at most.
const LISTED: (u32, u32) = (50, 1000);

/// Jobs, as an answer has them.
#[derive(Serialize)]
struct Listed {
    jobs: Vec<Job>,
}

/// A job, as answers have it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Answer<'a> {
    #[serde(flatten)]
    record: &'a Record,
    /// What the profile holds and this kind of payload does not carry.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    not_carried: &'a [String],
    /// The PIN that is to be printed for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_pin: Option<&'a str>,
}

/// Asks for a job.
pub(super) async fn create(
    State(service): State<Service>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let app = &service.app;
    let token = authorise(&app.config().api.tokens, &headers, Right::Submit)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        let detail = "the Content-Type is another; expected application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-type", "Not JSON", detail));
    }
    let body = body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = format!(
                "the body is longer than {} octets; see [http] body-limit",
                app.config().http.body_limit
            );
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large", detail)
        }
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request is not understood",
            "the body did not come whole",
        ),
    })?;
    let (reading, name) = (app.clone(), token.name.clone());
    let read = tokio::task::spawn_blocking(move || reading.read_request(&body, &name)).await;
    let job = read.map_err(|_| {
        let detail = "the request could not be read by a mistake of ours";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Our mistake", detail)
    })??;
    let PushAccepted { record, fresh, pin, losses } = app.push(&job).await?;
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    let user_pin = pin.as_ref().map(|pin| pin.expose());
    let location = format!("/api/v1/jobs/{}", record.job.id);
    let answer = Json(Answer { record: &record, not_carried: &losses, user_pin });
    let headers = [(header::CACHE_CONTROL, "no-store".to_owned()), (header::LOCATION, location)];
    Ok((status, headers, answer).into_response())
}

/// Shows a job.
pub(super) async fn show(
    State(service): State<Service>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    authorise(&service.app.config().api.tokens, &headers, Right::Read)?;
    let id: JobId = id.parse().map_err(|_| Problem::no_job())?;
    let record = service.app.jobs().get(id).await?.ok_or_else(Problem::no_job)?;
    let answer = Json(Answer { record: &record, not_carried: &[], user_pin: None });
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], answer).into_response())
}

/// Lists jobs.
pub(super) async fn list(
    State(service): State<Service>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    authorise(&service.app.config().api.tokens, &headers, Right::Read)?;
    let jobs = service.app.jobs().list(&filter(query.as_deref().unwrap_or(""))?).await?;
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Json(Listed { jobs })).into_response())
}

/// Calls a job off.
pub(super) async fn cancel(
    State(service): State<Service>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let token = authorise(&service.app.config().api.tokens, &headers, Right::Submit)?;
    let id: JobId = id.parse().map_err(|_| Problem::no_job())?;
    let record = match service.app.call_off(id, &token.name).await? {
        CallOff::Done(record) => record,
        CallOff::TooLate { record, why } => return Err(Problem::too_late(&record.job, why)),
    };
    let answer = Json(Answer { record: &record, not_carried: &[], user_pin: None });
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], answer).into_response())
}

/// `state=a,b&limit=N`. All values are plain words.
fn filter(query: &str) -> Result<Filter, Problem> {
    let wrong = |detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", "The request is not understood", detail)
    };
    let mut filter = Filter { states: Vec::new(), limit: LISTED.0 };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("state", words)) => {
                for word in words.split(',').flat_map(|words| words.split("%2C")) {
                    let state: JobState = word.parse().map_err(|e| wrong(format!("state: {e}")))?;
                    filter.states.push(state);
                }
            }
            Some(("limit", number)) => {
                let limit = number.parse().ok().filter(|limit| (1..=LISTED.1).contains(limit));
                let expected = || wrong(format!("limit is no number from 1 to {}", LISTED.1));
                filter.limit = limit.ok_or_else(expected)?;
            }
            _ => return Err(wrong("the query has another name than state and limit".to_owned())),
        }
    }
    Ok(filter)
}

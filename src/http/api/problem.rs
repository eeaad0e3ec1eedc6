//! Errors as `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::job::{
    JobsError,
    push::{GatewayError, PushJobError},
    request::{Mistake, RequestError},
};

/// What went wrong. `mistakes` says where.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    /// What kind of problem it is, for programs.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    /// What, where, what was expected, what to do.
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<Mistake>,
    /// The job that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
}

impl Problem {
    /// A problem of this kind. The name is the last part of its type, which is no address.
    pub(super) fn new(
        status: StatusCode,
        name: &str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: format!("urn:bootgate:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            mistakes: Vec::new(),
            job: None,
        }
    }

    /// It is too late for what was asked.
    pub(super) fn too_late(job: &crate::job::Job, why: &str) -> Self {
        let detail = format!("the job is {} and cannot be called off: {why}", job.state);
        let problem = Self::new(StatusCode::CONFLICT, "too-late", "Too late", detail);
        Self { job: Some(job.id.to_string()), ..problem }
    }

    /// There is no such job.
    pub(super) fn no_job() -> Self {
        let detail = "there is no job of that name; expected the 26 characters that the answer to POST /api/v1/jobs gave as `id`";
        Self::new(StatusCode::NOT_FOUND, "no-such-job", "No such job", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(&self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"bootgate\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let detail = error.to_string();
        let (status, name, title, mistakes) = match error {
            RequestError::Form(mistakes) => {
                (StatusCode::BAD_REQUEST, "bad-request", "The request is not understood", mistakes)
            }
            RequestError::Content(mistakes) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", "The request cannot be met", mistakes)
            }
        };
        Self { mistakes, ..Self::new(status, name, title, detail) }
    }
}

impl From<PushJobError> for Problem {
    fn from(error: PushJobError) -> Self {
        let detail = error.to_string();
        match error {
            PushJobError::Jobs(error) => error.into(),
            PushJobError::Gateway(GatewayError::Unavailable { .. }) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "gateway-unavailable",
                "The push gateway does not answer",
                detail,
            ),
            PushJobError::NoGateway => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-gateway", "There is no push gateway", detail)
            }
            _ => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unprocessable",
                "The request cannot be met",
                detail,
            ),
        }
    }
}

impl From<JobsError> for Problem {
    fn from(error: JobsError) -> Self {
        match error {
            JobsError::KeyTaken { id, .. } => {
                let detail = format!(
                    "the key already names job {id}, which asks for something else; send the same request as then, or use a new key"
                );
                let problem = Self::new(StatusCode::CONFLICT, "key-taken", "The key is taken", detail);
                Self { job: Some(id.to_string()), ..problem }
            }
            JobsError::NotFound { .. } => Self::no_job(),
            error => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "A request could not be answered: {error}"
                );
                let detail = "the store does not answer; try again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "Not now", detail)
            }
        }
    }
}

/// A path that is none.
pub(super) async fn no_route() -> Problem {
    let detail =
        "there is nothing here; expected /api/v1/jobs, /api/v1/jobs/{id} or /api/v1/jobs/{id}/cancel";
    Problem::new(StatusCode::NOT_FOUND, "no-such-path", "No such path", detail)
}

/// A path that takes other methods.
pub(super) async fn no_method() -> Problem {
    let detail =
        "expected POST or GET for /api/v1/jobs, GET for /api/v1/jobs/{id}, POST for /api/v1/jobs/{id}/cancel";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no-such-method", "No such method", detail)
}

//! The API for programs that ask for jobs. All answers are JSON; errors are problems (RFC 9457).
//!
//! | method | path               | answer                                                                          |
//! |--------|--------------------|---------------------------------------------------------------------------------|
//! | POST   | `/api/v1/jobs`     | 201 with the job, 200 when the same key made it before; 400, 401, 403, 409, 413, 415, 422, 503 |
//! | GET    | `/api/v1/jobs`     | 200 with `jobs`, the newest first; `?state=` (words with commas), `?limit=` (50, at most 1000); 400, 401, 503 |
//! | GET    | `/api/v1/jobs/{id}`| 200 with the job, its attempts and its history; 401, 404, 503                   |
//! | POST   | `/api/v1/jobs/{id}/cancel` | 200 with the job, which is cancelled; 401, 403, 404, 409 when it is too late, 503 |
//!
//! A token is shown as `Authorization: Bearer`; the configuration knows it by its digest. No answer holds a secret but one:
//! a PIN that is to be printed, told to whoever asked for the job, until the job has ended.

mod auth;
mod jobs;
mod problem;

use axum::{
    Router,
    routing::{any, get, post},
};

use super::Service;

/// The routes.
pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/api/v1/jobs", post(jobs::create).get(jobs::list).fallback(problem::no_method))
        .route("/api/v1/jobs/{id}", get(jobs::show).fallback(problem::no_method))
        .route("/api/v1/jobs/{id}/cancel", post(jobs::cancel).fallback(problem::no_method))
        .route("/api/{*rest}", any(problem::no_route))
}

//! One page of routes: the DM endpoint, the Push Proxy Gateway, the API and `/healthz`.
//!
//! | method | path                                  | answer                                                     |
//! |--------|---------------------------------------|------------------------------------------------------------|
//! | POST   | `[http] dm-path`, `/dm` by default    | the DM server's message; 400, 413, 415 or 503 without body |
//! | POST   | `[ppg] path`, `/pap` by default       | 202 with a PAP document; 401, 408 or 413 without           |
//! | GET    | `/healthz`                            | 200 while the store answers, else 503                      |
//! | any    | below `[push] results`                | what gateways of others tell: see `results`                |
//! | any    | `/api/v1/…`                           | for programs that ask for jobs: see `api`                  |
//!
//! Bodies are capped, headers and requests have time limits, connections are counted. Nothing of a body is logged.

mod api;
mod connection;
mod pap;
mod read_on;
mod results;
mod tls;

pub use results::serve_results;

use std::time::Duration;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::net::TcpListener;
use tower_http::timeout::TimeoutLayer;
use tracing::{debug, warn};

use crate::{
    app::App,
    dm::{Outcome, Server},
};

/// How long the store may take to show that it is well.
const HEALTH: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Service {
    app: App,
    dm: Server,
}

/// Serves on `listener` until `stop` is done, then lets requests under way go on for `[http] stop-grace`.
///
/// # Errors
/// When the listener's address cannot be told; what happens to single connections is logged.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let config = app.config();
    let dm = app.dm_server(config.dm.uri.for_listener(listener.local_addr()?, &config.http.dm_path));
    let routes = router(Service { app: app.clone(), dm: dm.clone() });
    let tending = app.tend(dm);
    let connections = connection::accept(listener, None, routes, &app.config().http, stop);
    tokio::select! {
        () = tending => {}
        () = connections => {}
    }
    Ok(())
}

/// Serves the Push Proxy Gateway alone, on a listener of its own, with TLS where the configuration says so; until `stop`.
///
/// # Errors
/// When the files of TLS cannot be used.
pub async fn serve_gateway(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let config = app.config();
    let tls = config.ppg.tls.as_ref().map(tls::acceptor).transpose()?;
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, config.http.request_timeout);
    connection::accept(listener, tls, gateway(&app).layer(timeout), &config.http, stop).await;
    Ok(())
}

fn router(service: Service) -> Router {
    let http = &service.app.config().http;
    Router::new()
        .route(http.dm_path.as_str(), post(dm))
        .route("/healthz", get(healthz))
        .merge(api::routes())
        .layer(DefaultBodyLimit::max(http.body_limit))
        .with_state(service.clone())
        .merge(match service.app.config().ppg.listen {
            None => gateway(&service.app),
            Some(_) => Router::new(),
        })
        .merge(match &service.app.config().push.results {
            Some(at) => results::routes(at.path(), service.app.results()),
            None => Router::new(),
        })
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, http.request_timeout))
}

/// The route of the Push Proxy Gateway.
fn gateway(app: &App) -> Router {
    let config = &app.config().ppg;
    let state = pap::Gateway::new(app.ppg().clone(), config.body_limit);
    Router::new().route(config.path.as_str(), post(pap::pap)).with_state(state)
}

/// One message of a device.
async fn dm(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let reply = service.dm.handle(content_type, &body).await;
    let status = match reply.outcome {
        Outcome::Ok => StatusCode::OK,
        Outcome::BadRequest => StatusCode::BAD_REQUEST,
        Outcome::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Outcome::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Outcome::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    debug!(
        http.status = status.as_u16(),
        http.request_octets = body.len(),
        http.response_octets = reply.body.len(),
        "Answered a management message of {} octets with {status}",
        body.len()
    );
    // Sessions must not be answered from a cache on the way.
    let mut response = (status, [(header::CACHE_CONTROL, "no-store")], reply.body).into_response();
    match reply.content_type {
        Some(kind) => {
            let kind = header::HeaderValue::from_static(kind);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        None => drop(response.headers_mut().remove(header::CONTENT_TYPE)),
    }
    response
}

/// Whether this process can do its work.
async fn healthz(State(service): State<Service>) -> Response {
    let answer = |status: StatusCode, text: &str| {
        (status, [(header::CACHE_CONTROL, "no-store")], Json(serde_json::json!({ "status": text })))
            .into_response()
    };
    match tokio::time::timeout(HEALTH, service.app.jobs().ping()).await {
        Ok(Ok(())) => answer(StatusCode::OK, "ok"),
        Ok(Err(error)) => {
            warn!(error = &error as &dyn std::error::Error, "The store does not answer");
            answer(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable")
        }
        Err(_) => {
            warn!("The store did not answer within {} s", HEALTH.as_secs());
            answer(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::{OsRandom, SystemClock, config::Config};

    /// What a rehearsal does: everything in one process, nothing on disk.
    #[tokio::test]
    async fn serves_an_app_in_memory_until_it_is_told_to_stop() {
        let app = App::in_memory(Config::built_in().unwrap(), Arc::new(SystemClock), Arc::new(OsRandom));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, app, async { drop(stopped.await) }));

        let client = reqwest::Client::new();
        let health = client.get(format!("http://{address}/healthz")).send().await.unwrap();
        assert_eq!(
            (health.status().as_u16(), health.text().await.unwrap().as_str()),
            (200, r#"{"status":"ok"}"#)
        );
        let body = client.post(format!("http://{address}/dm")).header("content-type", "text/plain").body("x");
        let refused = body.send().await.unwrap();
        assert_eq!(refused.status(), 415);
        assert!(refused.headers().get("content-type").is_none());
        assert_eq!(refused.headers()["cache-control"], "no-store");

        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
        assert!(client.get(format!("http://{address}/healthz")).send().await.is_err());
    }
}

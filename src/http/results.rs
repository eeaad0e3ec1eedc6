//! Where gateways that are not ours tell what became of pushes.
//!
//! | method | path                    | from                  | answer                                                    |
//! |--------|-------------------------|-----------------------|-----------------------------------------------------------|
//! | POST   | `/KEY/result`           | a PPG (PAP)           | 202 with `resultnotification-response`: 1000, or 2000; 503 |
//! | GET    | `/KEY/receipt/SEGMENT`  | Kannel (`?d=STATE`)   | 204; 404 when nothing of that number is waited for; 503   |
//!
//! 503 is what cannot be kept now and is to be told again.
//!
//! `push send` draws `KEY` for each listener, `serve` has it from `[push] results`: who does not know it is answered 404. It is
//! no credential of anything else, because gateways write such URLs into their logs. Telling a thing twice changes nothing.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::net::TcpListener;
use tower_http::timeout::TimeoutLayer;
use tracing::debug;

use super::connection;
use crate::{
    app::config::Http,
    bearer::{Heard, Results, Told, sendsms::receipt_state},
    wire::pap::{
        self, BadMessage, Message, Pap, ResultNotificationResponse, StatusCode as PapCode, Strictness,
    },
};

/// The most octets of a result.
const MAX_OCTETS: usize = 64 * 1024;

/// Serves until `stop`.
pub async fn serve_results(
    listener: TcpListener,
    key: &str,
    results: Arc<dyn Results>,
    http: &Http,
    stop: impl Future<Output = ()>,
) {
    let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, http.request_timeout);
    let routes = routes(&format!("/{key}"), results).layer(timeout);
    connection::accept(listener, None, routes, http, stop).await;
}

/// The routes below `path`, which ends in a key.
pub(super) fn routes(path: &str, results: Arc<dyn Results>) -> Router {
    Router::new()
        .route(&format!("{path}/result"), post(result))
        .route(&format!("{path}/receipt/{{segment}}"), get(receipt))
        .layer(DefaultBodyLimit::max(MAX_OCTETS))
        .with_state(results)
}

/// A result in PAP.
async fn result(State(results): State<Arc<dyn Results>>, body: Bytes) -> Response {
    let answer = match Pap::decode(&body, Strictness::Lenient).map(|pap| pap.message) {
        Ok(Message::ResultNotification(told)) => {
            let (push_id, address) = (told.push_id.clone(), Some(told.address.clone()));
            let heard = results.told(Told::Result(Box::new(told))).await;
            debug!(pap.push_id = %push_id, "A gateway tells of {push_id}");
            let (code, desc) = match heard {
                Heard::NotNow => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
                Heard::Taken => (PapCode::OK, None),
                Heard::Strange => {
                    (PapCode::BAD_REQUEST, Some("no push of that id is waited for here".to_owned()))
                }
            };
            Message::ResultNotificationResponse(ResultNotificationResponse { push_id, code, desc, address })
        }
        Ok(_) => bad("expected resultnotification-message".to_owned()),
        Err(error) => bad(error.to_string()),
    };
    let head = [(header::CONTENT_TYPE, pap::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::ACCEPTED, head, Pap::new(answer).encode()).into_response()
}

fn bad(desc: String) -> Message {
    Message::BadMessage(BadMessage { code: PapCode::BAD_REQUEST, desc: Some(desc), fragment: None })
}

/// The state of a segment, as Kannel tells it.
#[derive(serde::Deserialize)]
struct Reported {
    d: u8,
}

async fn receipt(
    State(results): State<Arc<dyn Results>>,
    Path(segment): Path<String>,
    Query(Reported { d }): Query<Reported>,
) -> StatusCode {
    let Some(state) = receipt_state(d) else { return StatusCode::BAD_REQUEST };
    match results.told(Told::Receipt { segment, state }).await {
        Heard::Taken => StatusCode::NO_CONTENT,
        Heard::Strange => StatusCode::NOT_FOUND,
        Heard::NotNow => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{app::config::Config, bearer::ReceiptState};

    /// Takes what is told of one push and one segment.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Told>>);

    #[async_trait::async_trait]
    impl Results for Kept {
        async fn told(&self, told: Told) -> Heard {
            let known = match &told {
                Told::Result(result) => result.push_id.as_str() == "1@pi",
                Told::Receipt { segment, .. } => segment == "ab",
            };
            if !known {
                return Heard::Strange;
            }
            self.0.lock().unwrap().push(told);
            Heard::Taken
        }
    }

    #[tokio::test]
    async fn results_and_receipts_are_taken_and_answered() {
        let kept = Arc::new(Kept::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let results = Arc::clone(&kept);
        let config = Config::built_in().unwrap();
        let serving = tokio::spawn(async move {
            serve_results(listener, "k3y", results, &config.http, std::future::pending()).await;
        });
        let client = reqwest::Client::new();
        let told = |push_id: &str| {
            format!(
                r#"<pap><resultnotification-message push-id="{push_id}" message-state="delivered" code="1000"><address address-value="WAPPUSH=+358401234567/TYPE=PLMN@x"/></resultnotification-message></pap>"#
            )
        };
        // The second time is as the first.
        for (body, wanted) in [
            (told("1@pi"), r#"<resultnotification-response push-id="1@pi" code="1000">"#),
            (told("1@pi"), r#"<resultnotification-response push-id="1@pi" code="1000">"#),
            (told("2@pi"), r#"<resultnotification-response push-id="2@pi" code="2000""#),
            ("<pap/>".to_owned(), r#"<badmessage-response code="2000""#),
            (r#"<pap><badmessage-response code="2000"/></pap>"#.to_owned(), "<badmessage-response"),
        ] {
            let answer = client.post(format!("{base}/k3y/result")).body(body).send().await.unwrap();
            assert_eq!(answer.status(), 202);
            let text = answer.text().await.unwrap();
            assert!(text.contains(wanted), "{text}");
        }
        for (path, status) in [
            ("/k3y/receipt/ab?d=8", 204),
            ("/k3y/receipt/ab?d=1", 204),
            ("/k3y/receipt/cd?d=1", 404),
            ("/k3y/receipt/ab?d=3", 400),
            ("/k3y/receipt/ab?d=x", 400),
            ("/other/receipt/ab?d=1", 404),
        ] {
            assert_eq!(client.get(format!("{base}{path}")).send().await.unwrap().status(), status, "{path}");
        }
        assert_eq!(client.post(format!("{base}/other/result")).send().await.unwrap().status(), 404);
        let kept = kept.0.lock().unwrap().clone();
        assert_eq!(kept.len(), 4);
        let receipt = |state| Told::Receipt { segment: "ab".to_owned(), state };
        assert_eq!(kept[2..], [receipt(ReceiptState::Enroute), receipt(ReceiptState::Delivered)]);
        serving.abort();
    }
}

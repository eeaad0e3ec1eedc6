//! Tells PINs to a system of the operator, which tells the users.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::Serialize;
use zeroize::Zeroizing;

use super::config;
use crate::job::push::{PinError, PinNote, PinPost};

/// How long the system may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A POST for each PIN: `{"job", "key", "msisdn", "user-pin", "expires"}`, with the job's name as `Idempotency-Key`.
#[derive(Debug, Clone)]
pub(super) struct PinWebhook {
    http: reqwest::Client,
    url: reqwest::Url,
    token: Option<PathBuf>,
}

/// The body.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Body<'a> {
    job: String,
    key: Option<&'a str>,
    msisdn: &'a str,
    user_pin: &'a str,
    expires: String,
}

impl PinWebhook {
    /// To the address that the configuration names; none when it names none.
    pub(super) fn of(config: &config::Job) -> Option<Self> {
        let url = config.pin_webhook.clone()?;
        // A redirection could lead anywhere.
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let http = http.redirect(reqwest::redirect::Policy::none()).build().ok()?;
        Some(Self { http, url, token: config.pin_webhook_token.clone() })
    }

    async fn token(&self) -> Result<Option<Zeroizing<String>>, PinError> {
        let Some(path) = &self.token else { return Ok(None) };
        let text = tokio::task::spawn_blocking({
            let path = path.clone();
            move || std::fs::read_to_string(path).map(Zeroizing::new)
        });
        let unread = |why: String| PinError::Unavailable { why: format!("[job] pin-webhook-token: {why}") };
        let text = text.await.map_err(|e| unread(e.to_string()))?.map_err(|e| unread(e.to_string()))?;
        Ok(Some(Zeroizing::new(text.lines().next().unwrap_or("").trim().to_owned())))
    }
}

#[async_trait]
impl PinPost for PinWebhook {
    async fn post(&self, note: &PinNote) -> Result<(), PinError> {
        let body = Body {
            job: note.job.to_string(),
            key: note.key.as_ref().map(|key| key.as_str()),
            msisdn: note.msisdn.digits(),
            user_pin: note.pin.expose(),
            expires: note.expires.to_string(),
        };
        let body = Zeroizing::new(serde_json::to_vec(&body).unwrap_or_default());
        let mut request = self.http.post(self.url.clone()).header("content-type", "application/json");
        request = request.header("idempotency-key", note.job.to_string());
        if let Some(token) = self.token().await? {
            request = request.bearer_auth(&*token);
        }
        let answer = request.body(body.to_vec()).send().await;
        // Without the address: it may hold a secret of its own.
        let answer = answer.map_err(|e| PinError::Unavailable { why: e.without_url().to_string() })?;
        let status = answer.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            // Wrong for now: too fast, too early, or being mended.
            401 | 403 | 404 | 408 | 425 | 429 | 500.. => {
                Err(PinError::Unavailable { why: format!("HTTP {status}") })
            }
            _ => Err(PinError::Refused { why: format!("HTTP {status}") }),
        }
    }
}

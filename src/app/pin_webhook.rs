//! Tells PINs to a system of the operator, which tells the users.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Serialize;
use zeroize::Zeroizing;

use super::config;
use crate::{
    bearer::{Endpoint, Patience, PostError, post},
    job::push::{PinError, PinNote, PinPost},
    vault::short_text,
};

/// How long the system may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest file of the token, in octets.
const MAX_TOKEN_FILE: u64 = 4096;

/// The most octets of its answer.
const ANSWER: usize = 64 * 1024;

/// A POST for each PIN: `{"job", "key", "msisdn", "user-pin", "expires"}`, with the job's name as `Idempotency-Key`.
#[derive(Debug, Clone)]
pub(super) struct PinWebhook {
    endpoint: Endpoint,
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
        // Redirections are not followed: one could lead anywhere.
        let endpoint = config.pin_webhook.clone()?;
        Some(Self { endpoint, token: config.pin_webhook_token.clone() })
    }

    async fn token(&self) -> Result<Option<Zeroizing<String>>, PinError> {
        let Some(path) = &self.token else { return Ok(None) };
        let text = tokio::task::spawn_blocking({
            let path = path.clone();
            move || short_text(&path, MAX_TOKEN_FILE)
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
        let unfit = |_| PinError::Refused { why: "its token is no field of HTTP".to_owned() };
        let name = HeaderValue::from_str(&note.job.to_string()).map_err(unfit)?;
        let mut fields = vec![(HeaderName::from_static("idempotency-key"), name)];
        if let Some(token) = self.token().await? {
            let bearer = Zeroizing::new(format!("Bearer {}", token.as_str()));
            let mut value = HeaderValue::from_str(&bearer).map_err(unfit)?;
            value.set_sensitive(true);
            fields.push((AUTHORIZATION, value));
        }
        let patience = Patience { connect: PATIENCE, answer: PATIENCE, octets: ANSWER };
        let answer = post(&self.endpoint, "application/json", &fields, body.to_vec(), &patience).await;
        // Without the address: it may hold a secret of its own.
        let answer = answer.map_err(|error| PinError::Unavailable {
            why: match error {
                PostError::Unreachable { source, .. } => format!("it cannot be reached: {source}"),
                PostError::Lost { why, .. } => format!("its answer was lost: {why}"),
                _ => "its answer is too long".to_owned(),
            },
        })?;
        let status = answer.status;
        match status {
            200..=299 => Ok(()),
            // Wrong for now: too fast, too early, or being mended.
            401 | 403 | 404 | 408 | 425 | 429 | 500.. => {
                Err(PinError::Unavailable { why: format!("HTTP {status}") })
            }
            _ => Err(PinError::Refused { why: format!("HTTP {status}") }),
        }
    }
}

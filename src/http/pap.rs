//! PAP over HTTP (WAP-247-PAP, section 14): `POST` to the gateway's path.
//!
//! | answer | when                                                                                      |
//! |--------|-------------------------------------------------------------------------------------------|
//! | 202    | whatever PAP has to say, good or bad, stands in the body                                  |
//! | 401    | nobody is known by the credentials; before anything of the body is looked at              |
//! | 413    | the body is longer than `[ppg] body-limit`                                                |
//! | 408    | the request was not there in time                                                         |

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use http_body_util::{BodyExt as _, Limited};

use crate::{
    bearer::ppg::{CredentialDigest, Initiator, Ppg, Presented},
    wire::pap::CONTENT_TYPE,
};

/// What the route needs.
#[derive(Clone)]
pub(super) struct Gateway {
    pub(super) ppg: Ppg,
    pub(super) body_limit: usize,
}

/// The digest of the certificate that the TLS client showed, where there is one.
#[derive(Clone, Copy)]
pub(super) struct ClientCertificate(pub(super) CredentialDigest);

/// One request of an initiator.
pub(super) async fn pap(
    State(gateway): State<Gateway>,
    certificate: Option<Extension<ClientCertificate>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(initiator) = authenticate(&gateway.ppg, &headers, certificate.map(|c| c.0.0)) else {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"bootgate PPG\", charset=\"UTF-8\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    };
    let body = match Limited::new(body, gateway.body_limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let answer = gateway.ppg.handle(&initiator, content_type, &body).await;
    let head = [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::ACCEPTED, head, answer.encode()).into_response()
}

/// Whose request it is. Credentials in the header come before a certificate, because an operator's proxy may hold one
/// certificate for many.
fn authenticate(
    ppg: &Ppg,
    headers: &HeaderMap,
    certificate: Option<CredentialDigest>,
) -> Option<Arc<Initiator>> {
    let known = ppg.initiators();
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return known.authenticate(Presented::Certificate(&certificate?));
    };
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return known.authenticate(Presented::Token(rest.trim()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
    let text = zeroize::Zeroizing::new(String::from_utf8(decoded).ok()?);
    let (user, password) = text.split_once(':')?;
    known.authenticate(Presented::Basic { user, password })
}

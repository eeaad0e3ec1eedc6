//! PAP over HTTP (WAP-247-PAP, section 14): `POST` to the gateway's path.
//!
//! | answer | when                                                                                      |
//! |--------|-------------------------------------------------------------------------------------------|
//! | 202    | whatever PAP has to say, good or bad, stands in the body                                  |
//! | 401    | nobody is known by the credentials; before anything of the body is looked at              |
//! | 413    | the body is longer than `[ppg] body-limit`                                                |
//! | 408    | the request was not there in time                                                         |
//! | 503    | bodies of other requests fill the memory that there is for them: try again later          |
//!
//! Bodies that are being read and worked on, and answers that are being written, take [`BODIES`] times `[ppg] body-limit` at the most, however many connections
//! there are. None waits for another: a request that finds no room is answered at once, so that those who send slowly hold
//! up nobody for longer than a request may take.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    bearer::ppg::{CredentialDigest, Initiator, Ppg, Presented},
    wire::pap::CONTENT_TYPE,
};

/// How many of the longest bodies are held at the same time.
const BODIES: usize = 32;

/// Octets of an answer that every connection may have.
const SHORT: usize = 16 * 1024;

/// What the route needs.
#[derive(Clone)]
pub(super) struct Gateway {
    ppg: Ppg,
    body_limit: usize,
    /// An octet each.
    room: Arc<Semaphore>,
}

impl Gateway {
    /// With bodies of at most `body_limit` octets.
    pub(super) fn new(ppg: Ppg, body_limit: usize) -> Self {
        let room = body_limit.saturating_mul(BODIES).min(Semaphore::MAX_PERMITS);
        Self { ppg, body_limit, room: Arc::new(Semaphore::new(room)) }
    }

    /// Reads a body; the room that it takes is given back with the second value.
    async fn read(&self, mut body: Body) -> Result<(Vec<u8>, OwnedSemaphorePermit), StatusCode> {
        let nothing = Arc::clone(&self.room).try_acquire_many_owned(0);
        let mut taken = nothing.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let mut octets = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
            let wanted = octets.len() + data.len();
            if wanted > self.body_limit {
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            // It doubles as it grows, so that it is seldom moved: room is taken for what it may hold.
            if wanted > taken.num_permits() {
                let size = wanted.max(2 * taken.num_permits()).min(self.body_limit);
                let more = u32::try_from(size - taken.num_permits()).unwrap_or(u32::MAX);
                let room = Arc::clone(&self.room).try_acquire_many_owned(more);
                taken.merge(room.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?);
                octets.reserve_exact(size - octets.len());
            }
            octets.extend_from_slice(&data);
        }
        Ok((octets, taken))
    }

    /// Takes what an answer of that many octets needs beyond the room of its request; false when there is none. Answers about a push are
    /// short, so that none is refused after its push was accepted; what asks for much at once can be asked again.
    fn hold(&self, room: &mut OwnedSemaphorePermit, octets: usize) -> bool {
        let more = octets.saturating_sub(room.num_permits().max(SHORT));
        let more = Arc::clone(&self.room).try_acquire_many_owned(u32::try_from(more).unwrap_or(u32::MAX));
        more.map(|more| room.merge(more)).is_ok()
    }
}

/// An answer that is being written, and the room that it takes.
struct Held {
    octets: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
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
    let (body, mut room) = match gateway.read(body).await {
        Ok(read) => read,
        Err(status) => return status.into_response(),
    };
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let answer = gateway.ppg.handle(&initiator, content_type, &body).await;
    let head = [(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    let answer = answer.encode().into_bytes();
    if !gateway.hold(&mut room, answer.len()) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // Until it is written, whoever is slow to read it.
    let answer = Bytes::from_owner(Held { octets: answer, _room: room });
    (StatusCode::ACCEPTED, head, Body::from(answer)).into_response()
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

//! One POST over HTTP/1.1, with or without TLS, with exactly the header fields that it was given.
//!
//! Not by `reqwest`, which adds `Accept` to every request: a Push Proxy Gateway in the field encodes fields of the HTTP
//! request that it does not know into the push that it sends to the device.

use std::{fmt, str::FromStr, time::Duration};

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::rustls::pki_types::ServerName;

use super::tls::{ClientTls, Octets};

/// Where requests go: an `http` or `https` URL without credentials. `Display` and `Debug` leave its query out, which may hold
/// some.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: reqwest::Url,
    /// Under `https`; none for what the system trusts.
    tls: Option<ClientTls>,
}

/// A URL that no request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not a URL of a server.
    #[error("not the URL of a server; expected http://HOST:PORT/PATH or https://HOST:PORT/PATH")]
    Form,
    /// A name or password in the URL.
    #[error("the URL holds a user name or a password, which would stand in every log; give them apart")]
    Credentials,
}

/// How long and how large an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Time to connect.
    pub connect: Duration,
    /// Time for the request and its answer.
    pub answer: Duration,
    /// Most octets of an answer's body.
    pub octets: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), answer: Duration::from_secs(30), octets: 1024 * 1024 }
    }
}

/// What a server answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A request without an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// Nothing left: the server did not take the connection.
    #[error("{endpoint} cannot be reached")]
    Unreachable {
        /// The server.
        endpoint: Endpoint,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The connection ended, or the time was up, before the answer was whole: the server may have done what it was asked
    /// for, or not.
    #[error("the answer of {endpoint} was lost ({why}): what was asked for may have been done or not")]
    Lost {
        /// The server.
        endpoint: Endpoint,
        /// How.
        why: String,
    },
    /// More of an answer than is read; what it says is not known.
    #[error("{endpoint} answers with more than {limit} octets, so what it says is not known")]
    TooLong {
        /// The server.
        endpoint: Endpoint,
        /// What would have been read.
        limit: usize,
    },
    /// A field that HTTP cannot carry.
    #[error("{name} holds what a header field of HTTP cannot carry")]
    Field {
        /// The field.
        name: HeaderName,
    },
}

impl PostError {
    /// Whether the server may have done what it was asked for.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::TooLong { .. })
    }
}

/// Posts `body` with `fields` and nothing else but `Host`, `Content-Type`, `Content-Length` and `Connection`.
///
/// # Errors
/// [`PostError`]; [`PostError::is_in_doubt`] says whether the server may have done it all the same.
pub async fn post(
    endpoint: &Endpoint,
    content_type: &str,
    fields: &[(HeaderName, HeaderValue)],
    body: Vec<u8>,
    patience: &Patience,
) -> Result<Answer, PostError> {
    let lost = |why: String| PostError::Lost { endpoint: endpoint.clone(), why };
    let request = endpoint.request(content_type, fields, body)?;
    let stream = endpoint.connect(patience.connect).await?;
    let exchange = async {
        let handshake = http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(|e| lost(e.to_string()))?;
        // Ends with the exchange; what went wrong on it is said by the exchange.
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(|e| lost(chain(&e)))?;
        let status = answer.status().as_u16();
        match Limited::new(answer.into_body(), patience.octets).collect().await {
            Ok(body) => Ok(Answer { status, body: body.to_bytes().to_vec() }),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(PostError::TooLong { endpoint: endpoint.clone(), limit: patience.octets })
            }
            Err(error) => Err(lost(error.to_string())),
        }
    };
    match timeout(patience.answer, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(lost(format!("none within {} s", patience.answer.as_secs()))),
    }
}

impl Endpoint {
    /// The same with trust and a certificate of its own, where it is `https`.
    #[must_use]
    pub fn with_tls(self, tls: ClientTls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Whether it is reached under TLS.
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Host and port as the field `Host` has them.
    pub(super) fn authority(&self) -> String {
        let host = self.host();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn request(
        &self,
        content_type: &str,
        fields: &[(HeaderName, HeaderValue)],
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, PostError> {
        let value =
            |name: HeaderName, text: &str| HeaderValue::from_str(text).map_err(|_| PostError::Field { name });
        let path = self
            .url
            .query()
            .map_or_else(|| self.url.path().to_owned(), |query| format!("{}?{query}", self.url.path()));
        let length = body.len();
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = hyper::Method::POST;
        // The URL was read as one, so its path is a target of a request.
        *request.uri_mut() = path.parse().map_err(|_| PostError::Field { name: HOST })?;
        let headers = request.headers_mut();
        headers.insert(HOST, value(HOST, &self.authority())?);
        headers.insert(CONTENT_TYPE, value(CONTENT_TYPE, content_type)?);
        headers.insert(CONTENT_LENGTH, length.into());
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.extend(fields.iter().cloned());
        Ok(request)
    }

    async fn connect(&self, patience: Duration) -> Result<Box<dyn Octets>, PostError> {
        let failed = |source| PostError::Unreachable { endpoint: self.clone(), source };
        match timeout(patience, self.open()).await {
            Ok(stream) => stream.map_err(failed),
            Err(_) => Err(failed(std::io::ErrorKind::TimedOut.into())),
        }
    }

    async fn open(&self) -> std::io::Result<Box<dyn Octets>> {
        let host = self.host();
        // An IPv6 address stands in brackets in a URL and without them everywhere else.
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = self.url.port_or_known_default().unwrap_or(80);
        let stream = TcpStream::connect((host, port)).await?;
        // The request is whole when it is written.
        let _ = stream.set_nodelay(true);
        if !self.is_tls() {
            return Ok(Box::new(stream));
        }
        let tls = match &self.tls {
            Some(tls) => tls.clone(),
            None => ClientTls::system()?,
        };
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        tls.connect(&name, stream).await
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let url = reqwest::Url::parse(text).map_err(|_| EndpointError::Form)?;
        if !["http", "https"].contains(&url.scheme()) || !url.has_host() || url.fragment().is_some() {
            return Err(EndpointError::Form);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        Ok(Self { url, tls: None })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.url.query().is_some() { "?…" } else { "" };
        write!(f, "{}://{}{}{query}", self.url.scheme(), self.authority(), self.url.path())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl fmt::Debug for Answer {
    /// Status and size: bodies may hold telephone numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} octets)", self.status, self.body.len())
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

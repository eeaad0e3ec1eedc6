//! `[[dm-account.further-auth]]`: ways to prove oneself beside `client-auth` and `server-auth`. A device with several ways
//! takes the one that its server asks for; two of them are about a layer below the protocol, which no DM server sees.
//!
//! | level    | who proves itself               | `AAUTHLEVEL` | `AAuthLevel` | types          |
//! |----------|---------------------------------|--------------|--------------|----------------|
//! | `client` | the client to the server        | APPSRV       | CLCRED       | all            |
//! | `server` | the server to the client        | CLIENT       | SRVCRED      | all            |
//! | `obex`   | the device to the OBEX layer    | OBEX         | OBEX         | [`LayerAuthType`] |
//! | `http`   | the device to HTTP or WSP       | absent       | HTTP         | [`LayerAuthType`] |
//!
//! (OMA DM Standardized Objects 1.2, DMAcc: `AAuthLevel`, `AAuthType`; OMA DM Bootstrap 1.2, mapping of w7. Remembered: how
//! HMAC and TRANSPORT, for which provisioning documents have no token, are spelled there; they are written as in DMAcc.)

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::ident::SharedSecret;

use super::{
    account::AuthRule,
    nap::MAX_AUTH_NAME,
    secret,
    template::{MissingNumber, Subscriber, Template},
    terms::{AccountAuthType, AuthPlace, AuthScheme, LayerAuthType},
    walk::{Notes, Section, Value},
};

/// One more way to prove oneself. `N` as in [`super::NapDef`].
#[derive(Clone, PartialEq, Eq)]
pub struct FurtherAuth<N = Template> {
    /// `AAUTHLEVEL` and `AAUTHTYPE`.
    pub way: AuthWay,
    /// `AAUTHNAME`.
    pub name: Option<N>,
    /// `AAUTHSECRET`.
    pub secret: Option<SharedSecret>,
    /// `AAUTHDATA`: octets, as a rule the first nonce; empty for none.
    pub data: Vec<u8>,
}

/// Who proves itself to whom, and how: only what the standard lets stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthWay {
    /// The client to the server.
    Client(AccountAuthType),
    /// The server to the client.
    Server(AccountAuthType),
    /// The device to the OBEX layer.
    Obex(LayerAuthType),
    /// The device to HTTP or WSP.
    Http(LayerAuthType),
}

impl AuthWay {
    /// That place with that type; none where the two do not go together.
    pub fn new(place: AuthPlace, kind: AccountAuthType) -> Option<Self> {
        let layer = match kind {
            AccountAuthType::HttpBasic => Some(LayerAuthType::HttpBasic),
            AccountAuthType::HttpDigest => Some(LayerAuthType::HttpDigest),
            AccountAuthType::Transport => Some(LayerAuthType::Transport),
            _ => None,
        };
        match place {
            AuthPlace::Client => Some(Self::Client(kind)),
            AuthPlace::Server => Some(Self::Server(kind)),
            AuthPlace::Obex => layer.map(Self::Obex),
            AuthPlace::Http => layer.map(Self::Http),
        }
    }

    /// Who proves itself to whom.
    pub const fn place(self) -> AuthPlace {
        match self {
            Self::Client(_) => AuthPlace::Client,
            Self::Server(_) => AuthPlace::Server,
            Self::Obex(_) => AuthPlace::Obex,
            Self::Http(_) => AuthPlace::Http,
        }
    }

    /// How.
    pub const fn kind(self) -> AccountAuthType {
        match self {
            Self::Client(kind) | Self::Server(kind) => kind,
            Self::Obex(kind) | Self::Http(kind) => match kind {
                LayerAuthType::HttpBasic => AccountAuthType::HttpBasic,
                LayerAuthType::HttpDigest => AccountAuthType::HttpDigest,
                LayerAuthType::Transport => AccountAuthType::Transport,
            },
        }
    }
}

impl From<AuthScheme> for AccountAuthType {
    fn from(scheme: AuthScheme) -> Self {
        match scheme {
            AuthScheme::Basic => Self::Basic,
            AuthScheme::Digest => Self::Digest,
        }
    }
}

impl fmt::Display for AuthWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place(), self.kind())
    }
}

impl<N> fmt::Debug for FurtherAuth<N> {
    /// The way only: names may be subscriber numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FurtherAuth({}, ***)", self.way)
    }
}

impl FurtherAuth {
    /// The same with the subscriber's numbers filled in.
    ///
    /// # Errors
    /// [`MissingNumber`] when the name asks for a number that is not known.
    pub fn fill(&self, subscriber: &Subscriber) -> Result<FurtherAuth<String>, MissingNumber> {
        Ok(FurtherAuth {
            way: self.way,
            name: self.name.as_ref().map(|n| n.fill(subscriber)).transpose()?,
            secret: self.secret.clone(),
            data: self.data.clone(),
        })
    }
}

/// Keys of `[[dm-account.further-auth]]`.
pub(super) const KEYS: &[&str] = &["level", "type", "name", "secret", "data"];
/// The most octets of `data`: no limit is known, this one is ours.
const MAX_DATA: usize = 128;

/// Reads all `[[dm-account.further-auth]]`. A way stands once in an account: a device could not choose between two.
pub(super) fn read<'i>(
    n: &mut Notes<'i>,
    v: &Value<'_, 'i>,
    client: Option<&AuthRule>,
    server: Option<&AuthRule>,
) -> Vec<FurtherAuth> {
    let mut seen: Vec<AuthWay> = Vec::new();
    seen.extend(client.map(|rule| AuthWay::Client(rule.scheme.into())));
    seen.extend(server.map(|rule| AuthWay::Server(rule.scheme.into())));
    let entries = n.sections(v, usize::MAX, "[[dm-account.further-auth]]", KEYS);
    entries.iter().filter_map(|s| read_one(n, s, &mut seen)).collect()
}

fn read_one<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, seen: &mut Vec<AuthWay>) -> Option<FurtherAuth> {
    let place = s.require(n, "level", "client, server, obex or http").and_then(|v| n.term::<AuthPlace>(&v));
    let kind = s
        .require(n, "type", "a way of authentication, for example HMAC")
        .and_then(|v| n.term::<AccountAuthType>(&v).map(|kind| (v, kind)));
    let name = s.optional("name").and_then(|v| n.template(&v, MAX_AUTH_NAME));
    let secret = s.optional("secret").and_then(|v| secret::plain(n, &v));
    let data = s.optional("data").and_then(|v| octets(n, &v)).unwrap_or_default();
    let (place, (v, kind)) = (place?, kind?);
    let Some(way) = AuthWay::new(place, kind) else {
        let known: Vec<&str> = LayerAuthType::ALL.iter().map(|t| t.as_str()).collect();
        let why = format!("level {place} is a layer below the protocol; expected {}", known.join(", "));
        n.invalid(&v, why);
        return None;
    };
    if seen.contains(&way) {
        n.invalid(&v, format!("the account has {way} already; expected each type once at a level"));
        return None;
    }
    seen.push(way);
    Some(FurtherAuth { way, name, secret, data })
}

fn octets<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<Vec<u8>> {
    let octets = BASE64.decode(n.secret_text(v, MAX_DATA * 2)?).ok();
    let octets = octets.filter(|octets| (1..=MAX_DATA).contains(&octets.len()));
    if octets.is_none() {
        n.invalid(v, format!("expected base64 of 1 to {MAX_DATA} octets"));
    }
    octets
}

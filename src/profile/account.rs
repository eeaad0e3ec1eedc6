//! `[dm-account]`: the account at the DM server (APPID w7; OMA DM 1.2 DMAcc).

use std::fmt;

use crate::ident::ServerId;

use super::{
    acl::{self, Acl},
    further_auth::{self, FurtherAuth},
    link::{Ids, Link},
    nap::MAX_AUTH_NAME,
    parameter::{self, Parameter},
    secret::{self, SecretRule},
    template::Template,
    terms::AuthScheme,
    url::HttpUrl,
    walk::{Notes, Section},
};

/// The account at the DM server, as the profile asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmAccount {
    /// `PROVIDER-ID`, `ServerID`.
    pub server_id: ServerId,
    /// `NAME`: what the user sees.
    pub name: Option<String>,
    /// `ADDR`: where the server is.
    pub address: HttpUrl,
    /// `TO-NAPID`, `TO-PROXY`, best first.
    pub connect_via: Vec<Link>,
    /// How the client proves itself to the server (`AAUTHLEVEL` `APPSRV`, `CLCRED`).
    pub client_auth: AuthRule,
    /// How the server proves itself to the client (`AAUTHLEVEL` `CLIENT`, `SRVCRED`).
    pub server_auth: AuthRule,
    /// Ways to prove oneself beside these two.
    pub further_auth: Vec<FurtherAuth>,
    /// `INIT`: open a session as soon as the account is there.
    pub init: bool,
    /// Who may do what with the account's object in the management tree; without one it is left to the device.
    pub acl: Option<Acl>,
    /// What a maker's devices read besides, for example `DEFAULTENCODING`.
    pub parameters: Vec<Parameter>,
}

/// How one side proves itself, as the profile asks for it.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthRule {
    /// `AAUTHTYPE`.
    pub scheme: AuthScheme,
    /// `AAUTHNAME`.
    pub name: Template,
    /// `AAUTHSECRET`.
    pub secret: SecretRule,
}

impl fmt::Debug for AuthRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthRule({}, {:?}, {:?})", self.scheme, self.name, self.secret)
    }
}

/// The longest URL that is known to be taken; no limit for w7 is known, this one is ours.
const MAX_URL: usize = 255;
/// The longest NAME of an APPLICATION that a known parser takes.
pub(super) const MAX_NAME: usize = 128;

/// Keys of `[dm-account]`.
pub(super) const KEYS: &[&str] = &[
    "server-id",
    "name",
    "address",
    "connect-via",
    "client-auth",
    "server-auth",
    "further-auth",
    "init",
    "acl",
    "parameters",
];
/// What has a key of its own, by the name in the document.
const TAKEN: &[(&str, &str)] = &[
    ("APPID", "[dm-account]"),
    ("PROVIDER-ID", "server-id"),
    ("NAME", "name"),
    ("ADDR", "address"),
    ("TO-NAPID", "connect-via"),
    ("TO-PROXY", "connect-via"),
    ("INIT", "init"),
];
/// Keys of `client-auth` and `server-auth`.
pub(super) const AUTH_KEYS: &[&str] = &["type", "name", "secret"];

/// Reads `[dm-account]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, ids: &Ids) -> Option<DmAccount> {
    let server_id = s
        .require(n, "server-id", "the identifier of the DM server")
        .and_then(|v| n.parse(&v, 128, "a server id"));
    let name = s.optional("name").map(|v| n.text(&v, MAX_NAME, "what the user sees"));
    let address = s.require(n, "address", "the URL of the DM server").and_then(|v| n.url(&v, MAX_URL));
    let connect_via = s.optional("connect-via").map_or_else(Vec::new, |v| ids.links(n, &v));
    let client_auth = read_auth(n, s, "client-auth", "`client-auth`");
    let server_auth = read_auth(n, s, "server-auth", "`server-auth`");
    let further_auth = s
        .optional("further-auth")
        .map_or_else(Vec::new, |v| further_auth::read(n, &v, client_auth.as_ref(), server_auth.as_ref()));
    let init = s.optional("init").map_or(Some(false), |v| n.flag(&v));
    let acl = s.optional("acl").map(|v| acl::read(n, &v));
    let parameters = s.optional("parameters").map_or_else(Vec::new, |v| parameter::read(n, &v, TAKEN));
    Some(DmAccount {
        server_id: server_id?,
        name: name.unwrap_or_default(),
        address: address?,
        connect_via,
        client_auth: client_auth?,
        server_auth: server_auth?,
        further_auth,
        init: init?,
        acl: acl.unwrap_or_default(),
        parameters,
    })
}

fn read_auth<'i>(
    n: &mut Notes<'i>,
    s: &Section<'_, 'i>,
    key: &'static str,
    place: &'static str,
) -> Option<AuthRule> {
    const EXPECTED: &str = "{ type = \"DIGEST\", name = \"…\", secret = \"generate\" }";
    let v = s.require(n, key, EXPECTED)?;
    let s = n.section(&v, place, AUTH_KEYS)?;
    let scheme = s.require(n, "type", "DIGEST or BASIC").and_then(|v| n.term(&v));
    // Clients are known that refuse an account without a name.
    let name =
        s.require(n, "name", "a name, for example \"{imei}\"").and_then(|v| n.template(&v, MAX_AUTH_NAME));
    let secret =
        s.require(n, "secret", "\"generate\" or { plain = \"…\" }").and_then(|v| secret::rule(n, &v));
    Some(AuthRule { scheme: scheme?, name: name?, secret: secret? })
}

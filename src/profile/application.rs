//! `[[application]]`: what else the device is set up for (`APPLICATION`, `APPADDR`, `APPAUTH`, `RESOURCE` of OMA ProvCont
//! 1.1, section 4.9). What a kind must have is one row in `rules.rs`; what only one kind has goes by its name.

mod rules;

use std::fmt;

use crate::ident::SharedSecret;

use super::{
    account::MAX_NAME,
    appid::AppId,
    link::{Ids, Link},
    nap::MAX_AUTH_NAME,
    parameter::{self, Parameter},
    port::{self, Port},
    secret,
    template::{MissingNumber, Subscriber, Template},
    terms::{AppAddressType, AuthLevel},
    walk::{Notes, Section, Value},
};

/// An application other than the DM account. `N` as in [`super::NapDef`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application<N = Template> {
    /// `APPID`.
    pub kind: AppId,
    /// `PROVIDER-ID`: joins what belongs to one provider, such as sending and receiving mail.
    pub provider_id: Option<String>,
    /// `NAME`: what the user sees.
    pub name: Option<String>,
    /// `AACCEPT`: media types that it takes.
    pub accept: Option<String>,
    /// `APROTOCOL`.
    pub protocol: Option<String>,
    /// `ADDR`.
    pub addresses: Vec<String>,
    /// `TO-NAPID`, `TO-PROXY`, best first.
    pub connect_via: Vec<Link>,
    /// What only this kind has, by name.
    pub parameters: Vec<Parameter>,
    /// `APPADDR`.
    pub servers: Vec<AppAddr>,
    /// `APPAUTH`.
    pub auth: Vec<AppAuth<N>>,
    /// `RESOURCE`.
    pub resources: Vec<Resource<N>>,
}

/// A server of an application (`APPADDR`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppAddr {
    /// `ADDR`.
    pub address: String,
    /// `ADDRTYPE`; none for an IPv4 address, a host name or a URI.
    pub address_type: Option<AppAddressType>,
    /// `PORT`.
    pub ports: Vec<Port<String>>,
}

/// How one side proves itself to the other (`APPAUTH`, and the same parameters of a `RESOURCE`).
#[derive(Clone, PartialEq, Eq)]
pub struct AppAuth<N = Template> {
    /// `AAUTHLEVEL`; none for the transport.
    pub level: Option<AuthLevel>,
    /// `AAUTHTYPE`: a word that the application knows, or a list of them.
    pub scheme: Option<String>,
    /// `AAUTHNAME`.
    pub name: Option<N>,
    /// `AAUTHSECRET`.
    pub secret: Option<SharedSecret>,
    /// `AAUTHDATA`.
    pub data: Option<String>,
}

/// A resource of an application: for browsing, a bookmark; for synchronisation, a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource<N = Template> {
    /// `URI`.
    pub uri: String,
    /// `NAME`.
    pub name: Option<String>,
    /// `AACCEPT`.
    pub accept: Option<String>,
    /// `AAUTHTYPE` and what goes with it.
    pub auth: Option<AppAuth<N>>,
    /// `STARTPAGE`: what is shown first.
    pub start_page: bool,
    /// What only this kind has, by name: for w5, `CLIURI` and `SYNCTYPE`.
    pub parameters: Vec<Parameter>,
}

const MAX_URL: usize = 255;
const MAX_WORD: usize = 255;

/// Keys of `[[application]]`.
pub(super) const KEYS: &[&str] = &[
    "id",
    "provider-id",
    "name",
    "accept",
    "protocol",
    "address",
    "connect-via",
    "parameters",
    "server",
    "auth",
    "resource",
];
/// Keys of `[[application.server]]`.
pub(super) const SERVER_KEYS: &[&str] = &["address", "address-type", "ports"];
/// Keys of `auth` of an `[[application]]`.
pub(super) const AUTH_KEYS: &[&str] = &["level", "type", "name", "secret", "data"];
/// Keys of `[[application.resource]]`.
pub(super) const RESOURCE_KEYS: &[&str] = &["uri", "name", "accept", "auth", "start-page", "parameters"];
/// Keys of `auth` of an `[[application.resource]]`.
pub(super) const RESOURCE_AUTH_KEYS: &[&str] = &["type", "name", "secret", "data"];

/// What has a key of its own, by the name in the document.
const TAKEN: &[(&str, &str)] = &[
    ("APPID", "id"),
    ("PROVIDER-ID", "provider-id"),
    ("NAME", "name"),
    ("AACCEPT", "accept"),
    ("APROTOCOL", "protocol"),
    ("ADDR", "address"),
    ("TO-NAPID", "connect-via"),
    ("TO-PROXY", "connect-via"),
];
const RESOURCE_TAKEN: &[(&str, &str)] = &[
    ("URI", "uri"),
    ("NAME", "name"),
    ("AACCEPT", "accept"),
    ("STARTPAGE", "start-page"),
    ("AAUTHTYPE", "auth.type"),
    ("AAUTHNAME", "auth.name"),
    ("AAUTHSECRET", "auth.secret"),
    ("AAUTHDATA", "auth.data"),
];

impl Application {
    /// The same with the subscriber's numbers filled in.
    ///
    /// # Errors
    /// [`MissingNumber`] when a name asks for a number that is not known.
    pub fn fill(&self, subscriber: &Subscriber) -> Result<Application<String>, MissingNumber> {
        let resource = |r: &Resource| {
            Ok(Resource {
                uri: r.uri.clone(),
                name: r.name.clone(),
                accept: r.accept.clone(),
                auth: r.auth.as_ref().map(|a| a.fill(subscriber)).transpose()?,
                start_page: r.start_page,
                parameters: r.parameters.clone(),
            })
        };
        Ok(Application {
            kind: self.kind.clone(),
            provider_id: self.provider_id.clone(),
            name: self.name.clone(),
            accept: self.accept.clone(),
            protocol: self.protocol.clone(),
            addresses: self.addresses.clone(),
            connect_via: self.connect_via.clone(),
            parameters: self.parameters.clone(),
            servers: self.servers.clone(),
            auth: self.auth.iter().map(|a| a.fill(subscriber)).collect::<Result<_, _>>()?,
            resources: self.resources.iter().map(resource).collect::<Result<_, _>>()?,
        })
    }
}

impl AppAuth {
    fn fill(&self, subscriber: &Subscriber) -> Result<AppAuth<String>, MissingNumber> {
        Ok(AppAuth {
            level: self.level,
            scheme: self.scheme.clone(),
            name: self.name.as_ref().map(|n| n.fill(subscriber)).transpose()?,
            secret: self.secret.clone(),
            data: self.data.clone(),
        })
    }
}

impl<N> fmt::Debug for AppAuth<N> {
    /// Level and type only: names may be subscriber numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppAuth({:?}, {:?}, ***)", self.level, self.scheme)
    }
}

/// Reads one `[[application]]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, ids: &Ids) -> Option<Application> {
    let kind = s.require(n, "id", "the id of the application, for example w2 or w4").and_then(|v| {
        if v.peek_text() == Some("w7") {
            n.invalid(
                &v,
                "the DM account is written as [dm-account]; expected the id of another application",
            );
            return None;
        }
        AppId::read(n, &v)
    });
    let is = |id: &str| kind.as_ref().is_some_and(|k| k.as_str() == id);
    let url = is(AppId::W2) || is(AppId::W4) || is(AppId::W5) || is(AppId::WA);
    let mut text = |key, max, expected| s.optional(key).and_then(|v| n.text(&v, max, expected));
    let provider_id = text("provider-id", MAX_NAME, "an identifier");
    let name = text("name", MAX_NAME, "what the user sees");
    let accept = text("accept", MAX_WORD, "media types");
    let protocol = text("protocol", MAX_WORD, "the name of a protocol");
    let addresses = s.optional("address").map_or_else(Vec::new, |v| {
        let one = |n: &mut Notes<'i>, v: &Value<'_, 'i>| match url {
            true => n.url(v, MAX_URL).map(|u| u.to_string()),
            false => n.text(v, MAX_URL, "an address"),
        };
        if !v.is_array() {
            return one(n, &v).into_iter().collect();
        }
        let entries = n.list(&v, usize::MAX, "an address, or an array of addresses");
        entries.iter().filter_map(|e| one(n, e)).collect()
    });
    let connect_via = s.optional("connect-via").map_or_else(Vec::new, |v| ids.links(n, &v));
    let parameters = s.optional("parameters").map_or_else(Vec::new, |v| parameter::read(n, &v, TAKEN));
    let servers = s.optional("server").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "[[application.server]]", SERVER_KEYS);
        entries.iter().filter_map(|e| read_server(n, e)).collect()
    });
    let auth = s.optional("auth").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "`auth` of an [[application]]", AUTH_KEYS);
        entries.iter().map(|e| read_auth(n, e)).collect()
    });
    let resources = s.optional("resource").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "[[application.resource]]", RESOURCE_KEYS);
        let is_url = is(AppId::W2);
        entries.iter().filter_map(|e| read_resource(n, e, is_url)).collect()
    });
    let application = Application {
        kind: kind?,
        provider_id,
        name,
        accept,
        protocol,
        addresses,
        connect_via,
        parameters,
        servers,
        auth,
        resources,
    };
    rules::check(n, s, &application);
    Some(application)
}

fn read_server<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<AppAddr> {
    let address = s
        .require(n, "address", "a host name, IP address or URL")
        .and_then(|v| n.text(&v, MAX_URL, "an address"));
    let address_type = s.optional("address-type").map(|v| n.term(&v));
    let ports = s.optional("ports").map_or_else(Vec::new, |v| {
        port::read_ports(n, &v, |n, v, expected| {
            let entries = n.list(v, usize::MAX, expected);
            entries.iter().filter_map(|e| n.text(e, MAX_WORD, "a service, for example \"993\"")).collect()
        })
    });
    Some(AppAddr { address: address?, address_type: address_type.unwrap_or_default(), ports })
}

fn read_auth<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> AppAuth {
    let level = s.optional("level").and_then(|v| n.term(&v));
    let scheme = s.optional("type").and_then(|v| n.text(&v, MAX_WORD, "a way of authentication"));
    let name = s.optional("name").and_then(|v| n.template(&v, MAX_AUTH_NAME));
    let secret = s.optional("secret").and_then(|v| secret::plain(n, &v));
    let data = s.optional("data").and_then(|v| n.text(&v, MAX_WORD, "what goes beside the secret"));
    AppAuth { level, scheme, name, secret, data }
}

fn read_resource<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, is_url: bool) -> Option<Resource> {
    let uri = s.require(n, "uri", "a URL").and_then(|v| match is_url {
        true => n.url(&v, MAX_URL).map(|u| u.to_string()),
        false => n.text(&v, MAX_URL, "a URI"),
    });
    let name = s.optional("name").and_then(|v| n.text(&v, MAX_NAME, "what the user sees"));
    let accept = s.optional("accept").and_then(|v| n.text(&v, MAX_WORD, "media types"));
    let auth = s
        .optional("auth")
        .and_then(|v| n.section(&v, "`auth` of a resource", RESOURCE_AUTH_KEYS))
        .map(|s| read_auth(n, &s));
    let start_page = s.optional("start-page").map_or(Some(false), |v| n.flag(&v));
    let parameters =
        s.optional("parameters").map_or_else(Vec::new, |v| parameter::read(n, &v, RESOURCE_TAKEN));
    Some(Resource { uri: uri?, name, accept, auth, start_page: start_page?, parameters })
}

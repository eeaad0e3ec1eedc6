//! Settings → management objects. The nodes of the account are those of DMAcc; those of access points and proxies are the
//! ones that implementations of the connectivity objects were seen to use (remembered: the objects themselves were not at
//! hand).

use crate::{
    bootstrap::{Account, BootstrapError, Credential, DmCredentials, Settings, proof},
    profile::{AuthWay, FurtherAuth, HttpUrl, Link, NapDef, NonceFormat, PxLogical},
    wire::tnds::{Node, OctetFormat, TextFormat, Value},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::place::{INBOX, Place};

/// A management object and the place that it belongs to.
pub(super) struct Object {
    pub(super) place: Place,
    pub(super) node: Node,
}

/// Where the objects go, and so how they refer to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Each to its place.
    ToPlaces,
    /// All to the Inbox, in one piece: a reference is the path inside of it (OMA DM Bootstrap 1.2, the sheet).
    ToInbox,
}

/// The objects of settings that were reduced: the account first, because a client is known that takes the server from
/// the first one.
///
/// # Errors
/// [`BootstrapError::NoAccount`], [`BootstrapError::NodeName`].
pub(super) fn objects(settings: &Settings, delivery: Delivery) -> Result<Vec<Object>, BootstrapError> {
    let account = settings.dm_account.as_ref().ok_or(BootstrapError::NoAccount)?;
    let names = Names::new(settings, account, delivery)?;
    let account_node = account_object(&names, account, settings.dm.nonce_format);
    let mut out = vec![Object { place: Place::DmAcc, node: account_node }];
    for (nap, name) in settings.naps.iter().zip(&names.naps) {
        out.push(Object { place: Place::Nap, node: nap_object(name, nap) });
    }
    for (proxy, name) in settings.proxies.iter().zip(&names.proxies) {
        out.push(Object { place: Place::Proxy, node: proxy_object(&names, name, proxy) });
    }
    Ok(out)
}

/// The names of the objects' nodes. In the Inbox they are siblings, so what has the id of another gets a longer name.
struct Names<'a> {
    settings: &'a Settings,
    delivery: Delivery,
    naps: Vec<String>,
    proxies: Vec<String>,
}

impl<'a> Names<'a> {
    fn new(settings: &'a Settings, account: &Account, delivery: Delivery) -> Result<Self, BootstrapError> {
        let mut used = vec![node_name(account.server_id.as_str())?];
        let mut name = |id: &str, place: Place| {
            let mut name = node_name(id)?;
            while delivery == Delivery::ToInbox && used.contains(&name) {
                name = format!("{name}-{}", place.name());
            }
            used.push(name.clone());
            Ok(name)
        };
        let naps = settings.naps.iter().map(|n| name(&n.id, Place::Nap));
        let naps = naps.collect::<Result<_, BootstrapError>>()?;
        let proxies = settings.proxies.iter().map(|p| name(&p.id, Place::Proxy));
        let proxies = proxies.collect::<Result<_, BootstrapError>>()?;
        Ok(Self { settings, delivery, naps, proxies })
    }

    /// What a reference says.
    fn reference(&self, link: &Link) -> String {
        let (place, id, at) = match link {
            Link::Nap(id) => (Place::Nap, id, self.settings.naps.iter().position(|n| n.id == *id)),
            Link::Proxy(id) => (Place::Proxy, id, self.settings.proxies.iter().position(|p| p.id == *id)),
            // Reducing leaves none.
            Link::Internet => return link.to_string(),
        };
        let names = if place == Place::Nap { &self.naps } else { &self.proxies };
        let name = at.and_then(|at| names.get(at)).unwrap_or(id);
        match self.delivery {
            // What the message does not hold is an access point for whoever reads its name in the Inbox.
            Delivery::ToInbox if place == Place::Proxy && at.is_none() => {
                format!("./{}/{name}", place.name())
            }
            Delivery::ToPlaces => format!("./{}/{name}", place.name()),
            Delivery::ToInbox => format!("./{INBOX}/{name}"),
        }
    }
}

/// An id that can name a node.
fn node_name(id: &str) -> Result<String, BootstrapError> {
    let bad = id.is_empty() || id == "." || id == ".." || id.contains(['/', '?']);
    if bad { Err(BootstrapError::NodeName { id: id.to_owned() }) } else { Ok(id.to_owned()) }
}

fn chr(name: &str, text: impl Into<String>) -> Node {
    Node::leaf(name, Value::Text(TextFormat::Chr, text.into()))
}

fn interior(name: &str, nodes: Vec<Node>) -> Node {
    Node::interior(name, "", nodes)
}

/// Nodes with the names 1, 2, 3 …, as the standard suggests; none at all without entries.
fn numbered<T>(name: &str, entries: &[T], nodes: impl Fn(&T) -> Vec<Node>) -> Option<Node> {
    let one = |(at, entry): (usize, &T)| interior(&(at + 1).to_string(), nodes(entry));
    (!entries.is_empty()).then(|| interior(name, entries.iter().enumerate().map(one).collect()))
}

/// The root of an object.
fn root(place: Place, name: &str, nodes: Vec<Node>, acl: Option<String>) -> Node {
    Node { acl, ..Node::interior(name, place.ddf_name(), nodes) }
}

fn account_object(names: &Names<'_>, a: &Account, nonce_format: NonceFormat) -> Node {
    let mut nodes = vec![chr("AppID", "w7"), chr("ServerID", a.server_id.as_str())];
    nodes.extend(a.name.as_ref().map(|name| chr("Name", name)));
    nodes.extend(a.connect_via.first().map(|first| chr("PrefConRef", names.reference(first))));
    if a.connect_via.len() > 1 {
        let reference = |link: &Link| vec![chr("ConRef", names.reference(link))];
        nodes.extend(numbered("ToConRef", &a.connect_via, reference));
    }
    nodes.push(chr("AAuthPref", a.credentials.client.scheme.as_str()));
    let mut address = vec![chr("Addr", &a.address), chr("AddrType", "URI")];
    if let Ok(url) = a.address.parse::<HttpUrl>() {
        address.extend(numbered("Port", &[url.port()], |port| vec![chr("PortNbr", port.to_string())]));
    }
    nodes.push(interior("AppAddr", vec![interior("1", address)]));
    nodes.extend(numbered("AppAuth", &proofs(a), |p| auth(p, nonce_format)));
    root(Place::DmAcc, a.server_id.as_str(), nodes, a.acl.as_ref().map(ToString::to_string))
}

/// Whatever proves one side to the other, in the order of the profile.
fn proofs(a: &Account) -> Vec<FurtherAuth<String>> {
    let main = |way, c: &Credential| FurtherAuth {
        way,
        name: Some(c.name.clone()),
        secret: Some(c.secret.clone()),
        data: c.nonce.clone(),
    };
    let DmCredentials { client, server } = &a.credentials;
    let mut all = vec![
        main(AuthWay::Client(client.scheme.into()), client),
        main(AuthWay::Server(server.scheme.into()), server),
    ];
    all.extend(a.further_auth.iter().cloned());
    all
}

fn auth(p: &FurtherAuth<String>, nonce_format: NonceFormat) -> Vec<Node> {
    let mut nodes = vec![
        chr("AAuthLevel", proof::tree_level(p.way.place())),
        chr("AAuthType", proof::tree_type(p.way.kind())),
    ];
    nodes.extend(p.name.as_ref().map(|name| chr("AAuthName", name)));
    nodes.extend(p.secret.as_ref().map(|secret| chr("AAuthSecret", secret.expose())));
    nodes.extend((!p.data.is_empty()).then(|| Node::leaf("AAuthData", nonce(&p.data, nonce_format))));
    nodes
}

/// DMAcc says `bin`; a client is known that takes only base64 text here, and none that refuses it.
fn nonce(octets: &[u8], format: NonceFormat) -> Value {
    match format {
        NonceFormat::Chr => Value::chr(BASE64.encode(octets)),
        NonceFormat::Bin => Value::Octets(OctetFormat::Bin, octets.to_vec()),
        NonceFormat::B64 => Value::Octets(OctetFormat::B64, octets.to_vec()),
    }
}

fn nap_object(name: &str, nap: &NapDef<String>) -> Node {
    let mut nodes = vec![
        chr("NapId", &nap.id),
        chr("Name", &nap.name),
        chr("Addr", &nap.address),
        chr("AddrType", nap.address_type.as_str()),
    ];
    for (family, v6) in [("IPv4", false), ("IPv6", true)] {
        let dns: Vec<_> = nap.dns.iter().filter(|a| a.is_ipv6() == v6).collect();
        let local = nap.tuning.local_address.filter(|a| a.is_ipv6() == v6);
        let mut inner: Vec<Node> = local.map(|a| chr("LocalAddr", a.to_string())).into_iter().collect();
        inner.extend(numbered("DNS", &dns, |a| vec![chr("DNSAddr", a.to_string())]));
        nodes.extend((!inner.is_empty()).then(|| interior(family, inner)));
    }
    nodes.extend(nap.linger.map(|linger| chr("Linger", linger.to_string())));
    for auth in nap.auth.iter().take(1) {
        let mut info = vec![chr("AuthType", auth.kind.as_str())];
        info.extend(auth.name.as_ref().map(|name| chr("AuthName", name)));
        info.extend(auth.secret.as_ref().map(|secret| chr("AuthSecret", secret.expose())));
        info.extend(numbered("AuthEntities", &auth.entities, |e| vec![chr("AuthEntity", e.as_str())]));
        info.extend(auth.spi.map(|spi| chr("SPI", format!("{spi:X}"))));
        nodes.push(interior("AuthInfo", info));
    }
    let bearer = nap.bearers.first();
    nodes.extend(bearer.map(|b| interior("Bearer", vec![chr("BearerType", b.as_str())])));
    root(Place::Nap, name, nodes, nap.acl.as_ref().map(ToString::to_string))
}

fn proxy_object(names: &Names<'_>, name: &str, proxy: &PxLogical<String>) -> Node {
    let mut nodes = vec![chr("PROXYID", &proxy.id), chr("NAME", &proxy.name)];
    if let Some(physical) = proxy.physical.first() {
        nodes.push(chr("ADDR", &physical.address));
        nodes.push(chr("ADDRTYPE", physical.address_type.as_str()));
        let ports = numbered("PORTS", &physical.ports, |port| {
            let mut nodes = vec![chr("PORTNBR", port.number.to_string())];
            nodes.extend(numbered("Services", &port.services, |s| vec![chr("ServiceName", s.as_str())]));
            nodes
        });
        nodes.extend(ports);
        let reference = |link: &Link| vec![chr("ConRef", names.reference(link))];
        nodes.extend(numbered("ConRefs", &physical.connect_via, reference));
    }
    root(Place::Proxy, name, nodes, proxy.acl.as_ref().map(ToString::to_string))
}

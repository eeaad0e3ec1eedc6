//! `[[proxy]]`: a logical proxy and the physical proxies that make it up (`PXLOGICAL`, `PXPHYSICAL`, `PORT` of OMA
//! ProvCont 1.1, sections 4.2 to 4.5).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

use crate::ident::SharedSecret;

use super::{
    link::{Ids, Link},
    nap::{self, MAX_AUTH_NAME, MAX_ID},
    problem::ProblemKind,
    secret,
    template::{MissingNumber, Subscriber, Template},
    terms::{ProxyAddressType, ProxyAuthType, Service},
    url,
    walk::{Notes, Section, Value},
};

/// A logical proxy. `N` as in [`super::NapDef`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PxLogical<N = Template> {
    /// `PROXY-ID`: what others refer to. 1 to 128 characters.
    pub id: String,
    /// `NAME`: what the user sees. 1 to 128 characters.
    pub name: String,
    /// `DOMAIN`: the domains that it serves; at most 4.
    pub domains: Vec<String>,
    /// `STARTPAGE`.
    pub start_page: Option<String>,
    /// `PUSHENABLED`; a device takes "no" when it is absent.
    pub push: Option<bool>,
    /// `PXAUTHINFO`.
    pub auth: Vec<ProxyAuth<N>>,
    /// `PORT` for all physical proxies.
    pub ports: Vec<Port>,
    /// `PXPHYSICAL`, one or more.
    pub physical: Vec<PxPhysical>,
}

/// A physical proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PxPhysical {
    /// `PHYSICAL-PROXY-ID`.
    pub id: String,
    /// `PXADDR`.
    pub address: String,
    /// `PXADDRTYPE`.
    pub address_type: ProxyAddressType,
    /// `PORT`.
    pub ports: Vec<Port>,
    /// `TO-NAPID`, one or more: the access points that it is reached through, best first.
    pub connect_via: Vec<Link>,
}

/// A port and what is spoken there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// `PORTNBR`, not 0.
    pub number: u16,
    /// `SERVICE`.
    pub services: Vec<Service>,
}

/// How the device authenticates itself at a proxy (`PXAUTHINFO`).
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAuth<N = Template> {
    /// `PXAUTH-TYPE`.
    pub kind: ProxyAuthType,
    /// `PXAUTH-ID`.
    pub name: Option<N>,
    /// `PXAUTH-PW`.
    pub secret: Option<SharedSecret>,
}

/// The most DOMAINs that a known parser takes.
const MAX_DOMAINS: usize = 4;
const MAX_URL: usize = 255;

/// Keys of `[[proxy]]`.
pub(super) const KEYS: &[&str] =
    &["id", "name", "domains", "start-page", "push", "auth", "ports", "physical"];
/// Keys of `[[proxy.physical]]`.
pub(super) const PHYSICAL_KEYS: &[&str] = &["id", "address", "address-type", "ports", "connect-via"];
const AUTH_KEYS: &[&str] = &["type", "name", "secret"];
const PORT_KEYS: &[&str] = &["number", "services"];

impl PxLogical {
    /// The same with the subscriber's numbers filled in.
    ///
    /// # Errors
    /// [`MissingNumber`] when a name asks for a number that is not known.
    pub fn fill(&self, subscriber: &Subscriber) -> Result<PxLogical<String>, MissingNumber> {
        let auth = |a: &ProxyAuth| {
            let name = a.name.as_ref().map(|n| n.fill(subscriber)).transpose()?;
            Ok(ProxyAuth { kind: a.kind, name, secret: a.secret.clone() })
        };
        Ok(PxLogical {
            id: self.id.clone(),
            name: self.name.clone(),
            domains: self.domains.clone(),
            start_page: self.start_page.clone(),
            push: self.push,
            auth: self.auth.iter().map(auth).collect::<Result<_, _>>()?,
            ports: self.ports.clone(),
            physical: self.physical.clone(),
        })
    }
}

impl<N> fmt::Debug for ProxyAuth<N> {
    /// The type only: names may be subscriber numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyAuth({}, ***)", self.kind)
    }
}

/// Reads one `[[proxy]]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, ids: &Ids) -> Option<PxLogical> {
    let id = s.require(n, "id", "a name that others refer to").and_then(|v| nap::id(n, &v));
    let name =
        s.require(n, "name", "what the user sees").and_then(|v| n.text(&v, MAX_ID, "what the user sees"));
    let domains = s.optional("domains").map_or_else(Vec::new, |v| {
        let entries = n.list(&v, MAX_DOMAINS, "an array of domain names");
        entries.iter().filter_map(|e| domain(n, e)).collect()
    });
    let start_page = s.optional("start-page").map(|v| n.url(&v, MAX_URL).map(|u| u.to_string()));
    let push = s.optional("push").map(|v| n.flag(&v));
    let auth = s.optional("auth").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "`auth` of a [[proxy]]", AUTH_KEYS);
        entries.iter().filter_map(|e| read_auth(n, e)).collect()
    });
    let ports = s.optional("ports").map_or_else(Vec::new, |v| read_ports(n, &v));
    let physical = s.require(n, "physical", "one or more tables [[proxy.physical]]").map(|v| {
        let entries = n.sections(&v, usize::MAX, "[[proxy.physical]]", PHYSICAL_KEYS);
        if v.is_empty_array() {
            n.at(
                &v,
                ProblemKind::Empty { key: v.key.clone(), expected: "one or more tables [[proxy.physical]]" },
            );
        }
        entries.iter().filter_map(|e| read_physical(n, e, ids)).collect()
    });
    Some(PxLogical {
        id: id?,
        name: name?,
        domains,
        start_page: start_page.unwrap_or_default(),
        push: push.unwrap_or_default(),
        auth,
        ports,
        physical: physical?,
    })
}

fn read_physical<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, ids: &Ids) -> Option<PxPhysical> {
    let id = s.require(n, "id", "a name of its own").and_then(|v| nap::id(n, &v));
    let kind = s.optional("address-type").map(|v| n.term(&v));
    let address = s
        .require(n, "address", "an IP address or a host name")
        .and_then(|v| Some((n.text(&v, 255, "an IP address or a host name")?, v)))
        .and_then(|(text, v)| {
            let kind = kind.unwrap_or_else(|| Some(kind_of(&text)))?;
            address(n, &v, &text, kind).then_some((text, kind))
        });
    let ports = s.optional("ports").map_or_else(Vec::new, |v| read_ports(n, &v));
    let connect_via =
        s.require(n, "connect-via", "the ids of one or more [[nap]], best first").map(|v| ids.naps(n, &v));
    let (address, address_type) = address?;
    Some(PxPhysical { id: id?, address, address_type, ports, connect_via: connect_via? })
}

/// The type that an address has by its looks.
fn kind_of(text: &str) -> ProxyAddressType {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => ProxyAddressType::Ipv4,
        Ok(IpAddr::V6(_)) => ProxyAddressType::Ipv6,
        Err(_) => ProxyAddressType::Alpha,
    }
}

fn address<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>, text: &str, kind: ProxyAddressType) -> bool {
    let (right, expected) = match kind {
        ProxyAddressType::Ipv4 => (text.parse::<Ipv4Addr>().is_ok(), "an IPv4 address"),
        ProxyAddressType::Ipv6 => (text.parse::<Ipv6Addr>().is_ok(), "an IPv6 address"),
        ProxyAddressType::E164 => (nap::is_e164(text), "a telephone number"),
        ProxyAddressType::Alpha => (url::is_host_name(text), "a host name"),
    };
    if !right {
        n.invalid(v, format!("not of type {kind}; expected {expected}"));
    }
    right
}

fn domain<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<String> {
    let text = n.text(v, 253, "a domain name")?;
    // A leading dot means "and all below it".
    if !url::is_host_name(text.strip_prefix('.').unwrap_or(&text)) {
        n.invalid(v, "not a domain name; expected for example acme.example");
        return None;
    }
    Some(text)
}

/// Reads `ports`: numbers, or tables with `number` and `services`. A number stands once.
fn read_ports<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Vec<Port> {
    let mut out: Vec<Port> = Vec::new();
    for entry in
        n.list(v, usize::MAX, "an array of port numbers, or of tables { number = 8080, services = [] }")
    {
        let port = if entry.is_table() { port_table(n, &entry) } else { bare_port(n, &entry) };
        let Some(port) = port else { continue };
        // Of a doubled PORTNBR devices keep the first.
        if out.iter().any(|p| p.number == port.number) {
            let kind = ProblemKind::DoubledEntry { key: v.key.clone(), value: port.number.to_string() };
            n.at(&entry, kind);
        } else {
            out.push(port);
        }
    }
    out
}

fn bare_port<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<Port> {
    Some(Port { number: n.port(v)?, services: Vec::new() })
}

fn port_table<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<Port> {
    let s = n.section(v, "an entry of `ports`", PORT_KEYS)?;
    let number = s.require(n, "number", "a port number").and_then(|v| n.port(&v));
    let services = s.optional("services").map_or_else(Vec::new, |v| n.terms(&v, "an array of services"));
    Some(Port { number: number?, services })
}

fn read_auth<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<ProxyAuth> {
    let kind = s.require(n, "type", "HTTP-BASIC, HTTP-DIGEST or WTLS-SS").and_then(|v| n.term(&v));
    let name = s.optional("name").map(|v| n.template(&v, MAX_AUTH_NAME));
    let secret = s.optional("secret").map(|v| secret::plain(n, &v));
    Some(ProxyAuth { kind: kind?, name: name.unwrap_or_default(), secret: secret.unwrap_or_default() })
}

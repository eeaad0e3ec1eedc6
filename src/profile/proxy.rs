//! `[[proxy]]`: a logical proxy and the physical proxies that make it up (`PXLOGICAL`, `PXPHYSICAL`, `PORT` of OMA
//! ProvCont 1.1, sections 4.2 to 4.5).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

use crate::ident::SharedSecret;

use super::{
    acl::{self, Acl},
    link::{Ids, Link},
    nap::{self, MAX_AUTH_NAME, MAX_ID},
    port::{Port, read_ports},
    problem::ProblemKind,
    secret,
    template::{MissingNumber, Subscriber, Template},
    terms::{ProxyAddressType, ProxyAuthType},
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
    /// `PROXY-PW`: what the proxy proves itself with when it pushes (with [`Self::ppg_auth`]).
    pub secret: Option<SharedSecret>,
    /// `PPGAUTH-TYPE`: how.
    pub ppg_auth: Option<ProxyAuthType>,
    /// `PROXY-PROVIDER-ID`.
    pub provider_id: Option<String>,
    /// `TRUST`: it may provision the device.
    pub trust: bool,
    /// `MASTER`: it may send the device to other proxies.
    pub master: bool,
    /// `STARTPAGE`.
    pub start_page: Option<String>,
    /// `BASAUTH-ID` and `BASAUTH-PW`: for the start page.
    pub basic_auth: Option<BasicAuth<N>>,
    /// `WSP-VERSION`; a device takes 1.2 when it is absent.
    pub wsp_version: Option<String>,
    /// `PUSHENABLED`; a device takes "no" when it is absent.
    pub push: Option<bool>,
    /// `PULLENABLED`; a device takes "no" when it is absent.
    pub pull: Option<bool>,
    /// `PXAUTHINFO`.
    pub auth: Vec<ProxyAuth<N>>,
    /// `PORT` for all physical proxies.
    pub ports: Vec<Port>,
    /// `PXPHYSICAL`, one or more.
    pub physical: Vec<PxPhysical>,
    /// Who may do what with its object in the management tree; without one it is left to the device.
    pub acl: Option<Acl>,
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
    /// `PXADDR-FQDN`: its name, where the address is an IP address.
    pub fqdn: Option<String>,
    /// `DOMAIN`: the domains that it serves; at most 4.
    pub domains: Vec<String>,
    /// `WSP-VERSION`; a device takes 1.2 when it is absent.
    pub wsp_version: Option<String>,
    /// `PUSHENABLED`; a device takes "no" when it is absent.
    pub push: Option<bool>,
    /// `PULLENABLED`; a device takes "no" when it is absent.
    pub pull: Option<bool>,
    /// `PORT`.
    pub ports: Vec<Port>,
    /// `TO-NAPID`, one or more: the access points that it is reached through, best first.
    pub connect_via: Vec<Link>,
}

/// Name and secret for the start page of a proxy (`BASAUTH-ID`, `BASAUTH-PW`).
#[derive(Clone, PartialEq, Eq)]
pub struct BasicAuth<N = Template> {
    /// `BASAUTH-ID`.
    pub name: Option<N>,
    /// `BASAUTH-PW`.
    pub secret: Option<SharedSecret>,
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
pub(super) const KEYS: &[&str] = &[
    "id",
    "name",
    "secret",
    "ppg-auth",
    "provider-id",
    "domains",
    "trust",
    "master",
    "start-page",
    "basic-auth",
    "wsp-version",
    "push",
    "pull",
    "auth",
    "ports",
    "physical",
    "acl",
];
/// Keys of `[[proxy.physical]]`.
pub(super) const PHYSICAL_KEYS: &[&str] = &[
    "id",
    "address",
    "address-type",
    "fqdn",
    "domains",
    "wsp-version",
    "push",
    "pull",
    "ports",
    "connect-via",
];
/// Keys of `auth` of a `[[proxy]]`.
pub(super) const AUTH_KEYS: &[&str] = &["type", "name", "secret"];
/// Keys of `basic-auth`.
pub(super) const BASIC_AUTH_KEYS: &[&str] = &["name", "secret"];

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
        let basic_auth = self.basic_auth.as_ref().map(|a| {
            let name = a.name.as_ref().map(|n| n.fill(subscriber)).transpose()?;
            Ok(BasicAuth { name, secret: a.secret.clone() })
        });
        Ok(PxLogical {
            id: self.id.clone(),
            name: self.name.clone(),
            secret: self.secret.clone(),
            ppg_auth: self.ppg_auth,
            provider_id: self.provider_id.clone(),
            domains: self.domains.clone(),
            trust: self.trust,
            master: self.master,
            start_page: self.start_page.clone(),
            basic_auth: basic_auth.transpose()?,
            wsp_version: self.wsp_version.clone(),
            push: self.push,
            pull: self.pull,
            auth: self.auth.iter().map(auth).collect::<Result<_, _>>()?,
            ports: self.ports.clone(),
            physical: self.physical.clone(),
            acl: self.acl.clone(),
        })
    }
}

impl<N> fmt::Debug for ProxyAuth<N> {
    /// The type only: names may be subscriber numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyAuth({}, ***)", self.kind)
    }
}

impl<N> fmt::Debug for BasicAuth<N> {
    /// Nothing: the name may be a subscriber number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicAuth(***)")
    }
}

/// Reads one `[[proxy]]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, ids: &Ids) -> Option<PxLogical> {
    let id = s.require(n, "id", "a name that others refer to").and_then(|v| nap::id(n, &v));
    let name =
        s.require(n, "name", "what the user sees").and_then(|v| n.text(&v, MAX_ID, "what the user sees"));
    let secret = s.optional("secret").map(|v| secret::plain(n, &v));
    let ppg_auth = s.optional("ppg-auth").map(|v| n.term(&v));
    let provider_id = s.optional("provider-id").map(|v| n.text(&v, MAX_ID, "an identifier"));
    let domains = s.optional("domains").map_or_else(Vec::new, |v| read_domains(n, &v, MAX_DOMAINS));
    let trust = s.optional("trust").map_or(Some(false), |v| n.flag(&v));
    let master = s.optional("master").map_or(Some(false), |v| n.flag(&v));
    let start_page = s.optional("start-page").map(|v| n.url(&v, MAX_URL).map(|u| u.to_string()));
    let basic_auth = s
        .optional("basic-auth")
        .and_then(|v| n.section(&v, "`basic-auth` of a [[proxy]]", BASIC_AUTH_KEYS))
        .map(|s| read_basic_auth(n, &s));
    let wsp_version = s.optional("wsp-version").map(|v| wsp_version(n, &v));
    let push = s.optional("push").map(|v| n.flag(&v));
    let pull = s.optional("pull").map(|v| n.flag(&v));
    let auth = s.optional("auth").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "`auth` of a [[proxy]]", AUTH_KEYS);
        let mut kinds = Vec::new();
        entries.iter().filter_map(|e| read_auth(n, e, &mut kinds)).collect()
    });
    let ports = s.optional("ports").map_or_else(Vec::new, |v| read_ports(n, &v, Notes::terms));
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
    let acl = s.optional("acl").map(|v| acl::read(n, &v));
    Some(PxLogical {
        id: id?,
        name: name?,
        secret: secret.unwrap_or_default(),
        ppg_auth: ppg_auth.unwrap_or_default(),
        provider_id: provider_id.unwrap_or_default(),
        domains,
        trust: trust?,
        master: master?,
        start_page: start_page.unwrap_or_default(),
        basic_auth,
        wsp_version: wsp_version.unwrap_or_default(),
        push: push.unwrap_or_default(),
        pull: pull.unwrap_or_default(),
        auth,
        ports,
        physical: physical?,
        acl: acl.unwrap_or_default(),
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
    let fqdn = s.optional("fqdn").map(|v| domain(n, &v));
    let domains = s.optional("domains").map_or_else(Vec::new, |v| read_domains(n, &v, MAX_DOMAINS));
    let wsp_version = s.optional("wsp-version").map(|v| wsp_version(n, &v));
    let push = s.optional("push").map(|v| n.flag(&v));
    let pull = s.optional("pull").map(|v| n.flag(&v));
    let ports = s.optional("ports").map_or_else(Vec::new, |v| read_ports(n, &v, Notes::terms));
    let connect_via =
        s.require(n, "connect-via", "the ids of one or more [[nap]], best first").map(|v| ids.naps(n, &v));
    let (address, address_type) = address?;
    Some(PxPhysical {
        id: id?,
        address,
        address_type,
        fqdn: fqdn.unwrap_or_default(),
        domains,
        wsp_version: wsp_version.unwrap_or_default(),
        push: push.unwrap_or_default(),
        pull: pull.unwrap_or_default(),
        ports,
        connect_via: connect_via?,
    })
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
    if !right && kind != ProxyAddressType::E164 && url::looks_like_ipv4(text) {
        n.invalid(v, url::NOT_IPV4);
    } else if !right {
        n.invalid(v, format!("not of type {kind}; expected {expected}"));
    }
    right
}

/// Reads `domains`.
pub(super) fn read_domains<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>, max: usize) -> Vec<String> {
    let entries = n.list(v, max, "an array of domain names");
    entries.iter().filter_map(|e| domain(n, e)).collect()
}

/// Two numbers with a point between them.
fn wsp_version<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<String> {
    let text = n.text(v, 8, "a version, for example \"1.2\"")?;
    let number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !text.split_once('.').is_some_and(|(major, minor)| number(major) && number(minor)) {
        n.invalid(v, "not a version; expected for example \"1.2\"");
        return None;
    }
    Some(text)
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

/// Reads one entry of `auth`; each type stands once, because devices keep the first only.
fn read_auth<'i>(
    n: &mut Notes<'i>,
    s: &Section<'_, 'i>,
    kinds: &mut Vec<ProxyAuthType>,
) -> Option<ProxyAuth> {
    let kind = s.require(n, "type", "HTTP-BASIC, HTTP-DIGEST or WTLS-SS").and_then(|v| {
        let kind = n.term(&v)?;
        if kinds.contains(&kind) {
            n.at(&v, ProblemKind::DoubledEntry { key: v.key.clone(), value: kind.to_string() });
        }
        kinds.push(kind);
        Some(kind)
    });
    let name = s.optional("name").map(|v| n.template(&v, MAX_AUTH_NAME));
    let secret = s.optional("secret").map(|v| secret::plain(n, &v));
    Some(ProxyAuth { kind: kind?, name: name.unwrap_or_default(), secret: secret.unwrap_or_default() })
}

fn read_basic_auth<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> BasicAuth {
    let name = s.optional("name").and_then(|v| n.template(&v, MAX_AUTH_NAME));
    let secret = s.optional("secret").and_then(|v| secret::plain(n, &v));
    BasicAuth { name, secret }
}

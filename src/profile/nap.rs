//! `[[nap]]`: a network access point (`NAPDEF` of OMA ProvCont 1.1, section 4.6).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

use crate::ident::SharedSecret;

use super::{
    acl::{self, Acl},
    problem::ProblemKind,
    secret,
    template::{MissingNumber, Subscriber, Template},
    terms::{AuthEntity, Bearer, NapAddressType, NapAuthType},
    tuning::{self, NapTuning, Validity},
    url,
    walk::{Notes, Section, Value},
};

/// A network access point. `N` is what its authentication names are: a [`Template`] in a profile, text once the
/// subscriber is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NapDef<N = Template> {
    /// `NAPID`: what others refer to. 1 to 128 characters.
    pub id: String,
    /// `NAME`: what the user sees. 1 to 128 characters.
    pub name: String,
    /// `BEARER`, one or more.
    pub bearers: Vec<Bearer>,
    /// `NAP-ADDRESS`.
    pub address: String,
    /// `NAP-ADDRTYPE`.
    pub address_type: NapAddressType,
    /// `INTERNET`: leads to the internet, so that a reference to `INTERNET` may mean it.
    pub internet: bool,
    /// `DNS-ADDR`.
    pub dns: Vec<IpAddr>,
    /// `LINGER`: seconds that an unused connection stays open.
    pub linger: Option<u32>,
    /// What most access points leave to the device.
    pub tuning: NapTuning,
    /// `NAPAUTHINFO`.
    pub auth: Vec<NapAuth<N>>,
    /// `VALIDITY`: where it may be used; none means everywhere.
    pub validity: Vec<Validity>,
    /// Who may do what with its object in the management tree; without one it is left to the device.
    pub acl: Option<Acl>,
}

/// How the device authenticates itself at an access point (`NAPAUTHINFO`).
#[derive(Clone, PartialEq, Eq)]
pub struct NapAuth<N = Template> {
    /// `AUTHTYPE`.
    pub kind: NapAuthType,
    /// `AUTHNAME`.
    pub name: Option<N>,
    /// `AUTHSECRET`.
    pub secret: Option<SharedSecret>,
    /// `AUTH-ENTITY` (Mobile IP).
    pub entities: Vec<AuthEntity>,
    /// `SPI` (Mobile IP): the security parameter index.
    pub spi: Option<u32>,
}

/// The reserved id that stands for any access point with the internet flag.
pub const INTERNET: &str = "INTERNET";

/// The longest NAPID, PROXY-ID and NAME that a known parser takes.
pub(super) const MAX_ID: usize = 128;
/// The longest authentication name that a known client takes.
pub(super) const MAX_AUTH_NAME: usize = 100;
/// The longest access point name (3GPP TS 23.003, section 9.1; remembered).
const MAX_APN: usize = 100;
/// The longest other address: no limit is known, this one is ours.
const MAX_ADDRESS: usize = 255;

/// Keys of `[[nap]]`.
pub(super) const KEYS: &[&str] = &[
    "id",
    "name",
    "bearers",
    "address",
    "address-type",
    "internet",
    "dns",
    "linger",
    "call-type",
    "local-address",
    "link-speed",
    "dn-link-speed",
    "qos",
    "max-num-retry",
    "first-retry-timeout",
    "rereg-threshold",
    "t-bit",
    "auth",
    "validity",
    "acl",
];
/// Keys of `auth` of a `[[nap]]`.
pub(super) const AUTH_KEYS: &[&str] = &["type", "name", "secret", "entities", "spi"];

impl NapDef {
    /// The same with the subscriber's numbers filled in.
    ///
    /// # Errors
    /// [`MissingNumber`] when a name asks for a number that is not known.
    pub fn fill(&self, subscriber: &Subscriber) -> Result<NapDef<String>, MissingNumber> {
        let auth = |a: &NapAuth| {
            let name = a.name.as_ref().map(|n| n.fill(subscriber)).transpose()?;
            let (secret, entities) = (a.secret.clone(), a.entities.clone());
            Ok(NapAuth { kind: a.kind, name, secret, entities, spi: a.spi })
        };
        Ok(NapDef {
            id: self.id.clone(),
            name: self.name.clone(),
            bearers: self.bearers.clone(),
            address: self.address.clone(),
            address_type: self.address_type,
            internet: self.internet,
            dns: self.dns.clone(),
            linger: self.linger,
            tuning: self.tuning.clone(),
            validity: self.validity.clone(),
            acl: self.acl.clone(),
            auth: self.auth.iter().map(auth).collect::<Result<_, _>>()?,
        })
    }
}

impl<N> fmt::Debug for NapAuth<N> {
    /// The type only: names may be subscriber numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NapAuth({}, ***)", self.kind)
    }
}

/// Reads one `[[nap]]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<NapDef> {
    let id = s.require(n, "id", "a name that others refer to").and_then(|v| id(n, &v));
    let name =
        s.require(n, "name", "what the user sees").and_then(|v| n.text(&v, MAX_ID, "what the user sees"));
    let bearers = s.require(n, "bearers", "one or more bearers, for example [\"GSM-GPRS\"]").map(|v| {
        // Access points without a bearer are dropped by parsers in the field.
        if v.is_empty_array() {
            n.at(&v, ProblemKind::Empty { key: v.key.clone(), expected: "one or more bearers" });
        }
        n.terms(&v, "an array of bearers")
    });
    let address_type = match s.optional("address-type") {
        Some(v) => n.term(&v),
        None => Some(NapAddressType::Apn),
    };
    let address = s
        .require(n, "address", "an address of the type that `address-type` says (APN when it is absent)")
        .and_then(|v| address(n, &v, address_type?));
    let internet = s.optional("internet").map_or(Some(false), |v| n.flag(&v));
    let dns = s.optional("dns").map_or_else(Vec::new, |v| {
        let entries = n.list(&v, usize::MAX, "an array of IP addresses");
        entries.iter().filter_map(|e| n.parse(e, MAX_ADDRESS, "an IP address")).collect()
    });
    let linger = s.optional("linger").map(|v| n.number(&v, 0, u32::MAX));
    let auth = s.optional("auth").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "`auth` of a [[nap]]", AUTH_KEYS);
        entries.iter().filter_map(|e| read_auth(n, e)).collect()
    });
    let tuning = tuning::read(n, s);
    let validity = s.optional("validity").map_or_else(Vec::new, |v| {
        let entries = n.sections(&v, usize::MAX, "`validity` of a [[nap]]", tuning::VALIDITY_KEYS);
        entries.iter().filter_map(|e| tuning::read_validity(n, e)).collect()
    });
    let acl = s.optional("acl").map(|v| acl::read(n, &v));
    Some(NapDef {
        id: id?,
        name: name?,
        bearers: bearers?,
        address: address?,
        address_type: address_type?,
        internet: internet?,
        dns,
        linger: linger.unwrap_or_default(),
        tuning: tuning?,
        auth,
        validity,
        acl: acl.unwrap_or_default(),
    })
}

/// Reads an id of an access point or a proxy.
pub(super) fn id<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<String> {
    let id = n.text(v, MAX_ID, "a name that others refer to")?;
    if id == INTERNET {
        n.invalid(v, "\"INTERNET\" is reserved: as a reference it means any [[nap]] with `internet = true`");
        return None;
    }
    // In a DM payload the id is the name of a node, so it must not look like a path.
    if let Some(at) = id.chars().position(|c| c == '/' || c == '?' || c.is_whitespace()) {
        n.invalid(
            v,
            format!("character at position {} is not allowed; expected no '/', '?' or space", at + 1),
        );
        return None;
    }
    if id == "." || id == ".." {
        n.invalid(v, "\".\" and \"..\" have a meaning in paths; expected another id");
        return None;
    }
    Some(id)
}

fn address<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>, kind: NapAddressType) -> Option<String> {
    let max = if kind == NapAddressType::Apn { MAX_APN } else { MAX_ADDRESS };
    let text = n.text(v, max, "an address")?;
    let wrong = match kind {
        NapAddressType::Apn if !url::is_host_name(&text) => {
            "an access point name, for example internet.acme.example"
        }
        NapAddressType::Ipv4 if text.parse::<Ipv4Addr>().is_err() => "an IPv4 address",
        NapAddressType::Ipv6 if text.parse::<Ipv6Addr>().is_err() => "an IPv6 address",
        NapAddressType::E164 if !is_e164(&text) => {
            "a telephone number of digits, with or without a leading +"
        }
        _ => return Some(text),
    };
    n.invalid(v, format!("not of type {kind}; expected {wrong}"));
    None
}

/// A telephone number: digits, perhaps behind a `+` (ITU-T E.164).
pub(super) fn is_e164(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

fn read_auth<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<NapAuth> {
    let kind = s.require(n, "type", "PAP, CHAP or MD5").and_then(|v| n.term(&v));
    let name = s.optional("name").map(|v| n.template(&v, MAX_AUTH_NAME));
    let secret = s.optional("secret").map(|v| secret::plain(n, &v));
    let entities = s.optional("entities").map_or_else(Vec::new, |v| n.terms(&v, "an array of AAA and HA"));
    let spi = s.optional("spi").map(|v| n.number(&v, 0, u32::MAX));
    Some(NapAuth {
        kind: kind?,
        name: name.unwrap_or_default(),
        secret: secret.unwrap_or_default(),
        entities,
        spi: spi.unwrap_or_default(),
    })
}

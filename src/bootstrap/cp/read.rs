//! Document → settings, as a device reads it: unknown types and parameters are skipped, of a parameter that may stand
//! once the first counts, a characteristic that lacks what it must have is not there. What is skipped is named.

use core::net::IpAddr;
use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{Account, BootstrapError, Credential, DmCredentials, Settings, kind::Reading},
    ident::{ServerId, SharedSecret},
    profile::{
        AppId, Application, AuthScheme, Bootstrap, INTERNET, Link, NapAddressType, NapAuth, NapDef, Port,
        ProxyAddressType, ProxyAuth, PxLogical, PxPhysical, Resource,
    },
    wire::prov::{Characteristic, Item, ProvDoc},
};

pub(super) fn settings(document: &ProvDoc) -> Result<Reading, BootstrapError> {
    if let Some(version) = &document.version
        && version.split('.').next() != Some("1")
    {
        return Err(BootstrapError::Version { found: version.clone() });
    }
    let mut n = Ignored::default();
    let mut settings = Settings {
        device: None,
        bootstrap: None,
        naps: Vec::new(),
        proxies: Vec::new(),
        dm_account: None,
        applications: Vec::new(),
    };
    for (at, c) in document.characteristics.iter().enumerate() {
        let r = Part { c, place: format!("{}[{}]", c.kind, at + 1) };
        match c.kind.as_str() {
            "BOOTSTRAP" if settings.bootstrap.is_none() => settings.bootstrap = Some(bootstrap(&mut n, &r)),
            "NAPDEF" => settings.naps.extend(nap(&mut n, &r)),
            "PXLOGICAL" => settings.proxies.extend(proxy(&mut n, &r)),
            "APPLICATION" => match c.value("APPID") {
                Some("w7") if settings.dm_account.is_none() => settings.dm_account = account(&mut n, &r),
                Some("w7") => n.skip(&r.place, "a second DM account"),
                _ => settings.applications.extend(application(&mut n, &r)),
            },
            _ => n.skip(&r.place, "not a part of the settings"),
        }
    }
    Ok(Reading { settings, ignored: n.0 })
}

/// What was skipped.
#[derive(Default)]
struct Ignored(Vec<String>);

impl Ignored {
    fn skip(&mut self, place: &str, why: &str) {
        self.0.push(format!("{place}: {why}"));
    }
}

/// A characteristic and its place in the document.
struct Part<'a> {
    c: &'a Characteristic,
    place: String,
}

impl<'a> Part<'a> {
    /// The value of a parameter; an empty one says nothing.
    fn text(&self, name: &str) -> Option<String> {
        self.c.value(name).filter(|v| !v.is_empty()).map(str::to_owned)
    }

    /// The value of a parameter that must be there.
    fn required(&self, n: &mut Ignored, name: &str) -> Option<String> {
        let found = self.text(name);
        if found.is_none() {
            n.skip(&self.place, &format!("has no {name}"));
        }
        found
    }

    /// The value of a parameter as `T`.
    fn parsed<T: FromStr>(&self, n: &mut Ignored, name: &str) -> Option<T> {
        let parsed = self.text(name)?.parse().ok();
        if parsed.is_none() {
            n.skip(&self.place, &format!("{name} has a value that is not known"));
        }
        parsed
    }

    /// All values of a parameter that read as `T`.
    fn all<T: FromStr>(&self, n: &mut Ignored, name: &str) -> Vec<T> {
        let mut out = Vec::new();
        for value in self.c.values(name) {
            match value.parse() {
                Ok(value) => out.push(value),
                Err(_) => n.skip(&self.place, &format!("{name} has a value that is not known")),
            }
        }
        out
    }

    fn flag(&self, name: &str) -> bool {
        self.c.value(name).is_some()
    }

    /// The characteristics of a type in this one.
    fn inner(&self, kind: &'static str) -> Vec<Part<'a>> {
        let part = |(at, c): (usize, &'a Characteristic)| Part {
            c,
            place: format!("{}/{kind}[{}]", self.place, at + 1),
        };
        self.c.inner(kind).enumerate().map(part).collect()
    }

    /// Names everything in it that nothing reads.
    fn known(&self, n: &mut Ignored, parms: &[&str], inner: &[&str]) {
        for item in &self.c.items {
            match item {
                Item::Parm(p) if !parms.contains(&p.name.as_str()) => {
                    n.skip(&self.place, &format!("{} is not a part of the settings", p.name));
                }
                Item::Characteristic(c) if !inner.contains(&c.kind.as_str()) => {
                    n.skip(&self.place, &format!("{} is not a part of the settings", c.kind));
                }
                _ => {}
            }
        }
    }

    /// TO-NAPID and TO-PROXY, in the order of the document.
    fn links(&self) -> Vec<Link> {
        let link = |p: &crate::wire::prov::Parm| {
            let value = p.value.as_deref().filter(|v| !v.is_empty())?;
            match p.name.as_str() {
                "TO-NAPID" if value == INTERNET => Some(Link::Internet),
                "TO-NAPID" => Some(Link::Nap(value.to_owned())),
                "TO-PROXY" => Some(Link::Proxy(value.to_owned())),
                _ => None,
            }
        };
        self.c.parms().filter_map(link).collect()
    }

    fn ports(&self, n: &mut Ignored) -> Vec<Port> {
        let mut out: Vec<Port> = Vec::new();
        for part in self.inner("PORT") {
            part.known(n, &["PORTNBR", "SERVICE"], &[]);
            let Some(number) = part.parsed::<u16>(n, "PORTNBR").filter(|p| *p != 0) else {
                n.skip(&part.place, "has no port number");
                continue;
            };
            // Of a doubled PORTNBR the first counts.
            if out.iter().all(|p| p.number != number) {
                out.push(Port { number, services: part.all(n, "SERVICE") });
            }
        }
        out
    }
}

fn bootstrap(n: &mut Ignored, r: &Part<'_>) -> Bootstrap {
    r.known(n, &["NAME", "PROVURL", "PROXY-ID", "CONTEXT-ALLOW"], &[]);
    Bootstrap {
        name: r.text("NAME"),
        prov_url: r.text("PROVURL"),
        proxies: r.all(n, "PROXY-ID"),
        context_allow: r.parsed(n, "CONTEXT-ALLOW"),
    }
}

fn nap(n: &mut Ignored, r: &Part<'_>) -> Option<NapDef<String>> {
    const PARMS: &[&str] =
        &["NAPID", "NAME", "BEARER", "NAP-ADDRESS", "NAP-ADDRTYPE", "INTERNET", "DNS-ADDR", "LINGER"];
    r.known(n, PARMS, &["NAPAUTHINFO"]);
    let auth = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, &["AUTHTYPE", "AUTHNAME", "AUTHSECRET"], &[]);
        let kind = r.required(n, "AUTHTYPE").and_then(|_| r.parsed(n, "AUTHTYPE"))?;
        Some(NapAuth { kind, name: r.text("AUTHNAME"), secret: r.parsed::<SharedSecret>(n, "AUTHSECRET") })
    };
    let address_type = match r.text("NAP-ADDRTYPE") {
        Some(_) => r.parsed(n, "NAP-ADDRTYPE"),
        None => Some(NapAddressType::E164),
    };
    Some(NapDef {
        id: r.required(n, "NAPID")?,
        name: r.required(n, "NAME")?,
        bearers: r.all(n, "BEARER"),
        address: r.required(n, "NAP-ADDRESS")?,
        address_type: address_type?,
        internet: r.flag("INTERNET"),
        dns: r.all::<IpAddr>(n, "DNS-ADDR"),
        linger: r.parsed(n, "LINGER"),
        auth: r.inner("NAPAUTHINFO").iter().filter_map(|r| auth(n, r)).collect(),
    })
}

fn proxy(n: &mut Ignored, r: &Part<'_>) -> Option<PxLogical<String>> {
    const PARMS: &[&str] = &["PROXY-ID", "NAME", "DOMAIN", "STARTPAGE", "PUSHENABLED"];
    r.known(n, PARMS, &["PXAUTHINFO", "PORT", "PXPHYSICAL"]);
    let auth = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, &["PXAUTH-TYPE", "PXAUTH-ID", "PXAUTH-PW"], &[]);
        let kind = r.required(n, "PXAUTH-TYPE").and_then(|_| r.parsed(n, "PXAUTH-TYPE"))?;
        Some(ProxyAuth { kind, name: r.text("PXAUTH-ID"), secret: r.parsed::<SharedSecret>(n, "PXAUTH-PW") })
    };
    let id = r.required(n, "PROXY-ID")?;
    let name = r.required(n, "NAME")?;
    let physicals: Vec<_> = r.inner("PXPHYSICAL").iter().filter_map(|r| physical(n, r)).collect();
    if physicals.is_empty() {
        n.skip(&r.place, "has no PXPHYSICAL");
        return None;
    }
    Some(PxLogical {
        id,
        name,
        domains: r.all(n, "DOMAIN"),
        start_page: r.text("STARTPAGE"),
        push: r.text("PUSHENABLED").map(|v| v == "1"),
        auth: r.inner("PXAUTHINFO").iter().filter_map(|r| auth(n, r)).collect(),
        ports: r.ports(n),
        physical: physicals,
    })
}

fn physical(n: &mut Ignored, r: &Part<'_>) -> Option<PxPhysical> {
    r.known(n, &["PHYSICAL-PROXY-ID", "PXADDR", "PXADDRTYPE", "TO-NAPID"], &["PORT"]);
    let address_type = match r.text("PXADDRTYPE") {
        Some(_) => r.parsed(n, "PXADDRTYPE"),
        None => Some(ProxyAddressType::Ipv4),
    };
    Some(PxPhysical {
        id: r.required(n, "PHYSICAL-PROXY-ID")?,
        address: r.required(n, "PXADDR")?,
        address_type: address_type?,
        ports: r.ports(n),
        connect_via: r.links(),
    })
}

fn account(n: &mut Ignored, r: &Part<'_>) -> Option<Account> {
    const PARMS: &[&str] = &["APPID", "PROVIDER-ID", "NAME", "TO-NAPID", "TO-PROXY", "INIT", "ADDR"];
    r.known(n, PARMS, &["APPADDR", "APPAUTH"]);
    let (mut client, mut server) = (None, None);
    for part in r.inner("APPAUTH") {
        part.known(n, &["AAUTHLEVEL", "AAUTHTYPE", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA"], &[]);
        match part.c.value("AAUTHLEVEL") {
            Some("APPSRV") if client.is_none() => client = Some(part),
            Some("CLIENT") if server.is_none() => server = Some(part),
            _ => n.skip(&part.place, "its AAUTHLEVEL is not APPSRV or CLIENT, or stands twice"),
        }
    }
    let (Some(client), Some(server)) = (client, server) else {
        n.skip(&r.place, "the DM account lacks an APPAUTH of level APPSRV or CLIENT");
        return None;
    };
    // A client is known that takes the server's name where PROVIDER-ID is absent, and the other way round.
    let server_name = server.text("AAUTHNAME");
    let server_id = r.text("PROVIDER-ID").or_else(|| server_name.clone());
    let Some(server_id) = server_id.and_then(|id| id.parse::<ServerId>().ok()) else {
        n.skip(&r.place, "has no PROVIDER-ID, or one that cannot name a server");
        return None;
    };
    let address = address(n, r)?;
    let client_name = client.required(n, "AAUTHNAME")?;
    Some(Account {
        name: r.text("NAME"),
        address,
        connect_via: r.links(),
        init: r.flag("INIT"),
        credentials: DmCredentials {
            client: credential(n, &client, client_name)?,
            server: credential(n, &server, server_name.unwrap_or_else(|| server_id.to_string()))?,
        },
        server_id,
    })
}

/// ADDR of the APPLICATION, or of its first APPADDR with the PORTNBR put behind the host where the URL has no port.
fn address(n: &mut Ignored, r: &Part<'_>) -> Option<String> {
    if let Some(address) = r.text("ADDR") {
        return Some(address);
    }
    let Some(part) = r.inner("APPADDR").into_iter().next() else {
        n.skip(&r.place, "has no ADDR");
        return None;
    };
    part.known(n, &["ADDR", "ADDRTYPE"], &["PORT"]);
    let address = part.required(n, "ADDR")?;
    let port = part.ports(n).into_iter().next().map(|p| p.number);
    Some(match (address.parse::<crate::profile::HttpUrl>(), port) {
        (Ok(url), Some(port)) => url.with_port_or(port),
        _ => address,
    })
}

fn credential(n: &mut Ignored, r: &Part<'_>, name: String) -> Option<Credential> {
    // A list of types may stand there; the strongest that is spoken here counts.
    let kinds = r.required(n, "AAUTHTYPE")?;
    let kinds: Vec<AuthScheme> = kinds.split(',').filter_map(|k| k.trim().parse().ok()).collect();
    let Some(scheme) = kinds.iter().max().copied() else {
        n.skip(&r.place, "AAUTHTYPE is neither DIGEST nor BASIC");
        return None;
    };
    r.required(n, "AAUTHSECRET")?;
    let secret = r.parsed::<SharedSecret>(n, "AAUTHSECRET")?;
    // Most write the nonce as base64; one client takes the text itself.
    let nonce = r.text("AAUTHDATA").map(|t| BASE64.decode(&t).unwrap_or_else(|_| t.into_bytes()));
    Some(Credential { scheme, name, secret, nonce: nonce.unwrap_or_default() })
}

fn application(n: &mut Ignored, r: &Part<'_>) -> Option<Application> {
    let kind = r.required(n, "APPID").and_then(|_| r.parsed::<AppId>(n, "APPID"))?;
    const PARMS: &[&str] = &["APPID", "PROVIDER-ID", "NAME", "TO-NAPID", "TO-PROXY", "ADDR"];
    r.known(n, PARMS, &["RESOURCE", "APPADDR"]);
    let resource = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, &["URI", "NAME", "STARTPAGE"], &[]);
        Some(Resource { uri: r.required(n, "URI")?, name: r.text("NAME"), start_page: r.flag("STARTPAGE") })
    };
    let in_appaddr = || r.inner("APPADDR").into_iter().find_map(|p| p.text("ADDR"));
    Some(Application {
        kind,
        provider_id: r.text("PROVIDER-ID"),
        name: r.text("NAME"),
        address: r.text("ADDR").or_else(in_appaddr),
        connect_via: r.links(),
        resources: r.inner("RESOURCE").iter().filter_map(|r| resource(n, r)).collect(),
    })
}

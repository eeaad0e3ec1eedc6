//! Settings → document. The order inside APPLICATION w7 is not free: clients are known that choose by the first parameter
//! and that lose a name or secret which stands before its level.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{Account, Credential, Settings},
    profile::{Application, Bootstrap, Link, NapDef, Port, PxLogical, PxPhysical},
    wire::prov::{Characteristic, ProvDoc},
};

pub(super) fn document(settings: &Settings) -> ProvDoc {
    let mut characteristics = Vec::new();
    characteristics.extend(settings.bootstrap.as_ref().map(bootstrap));
    characteristics.extend(settings.naps.iter().map(nap));
    characteristics.extend(settings.proxies.iter().map(proxy));
    characteristics.extend(settings.dm_account.as_ref().map(account));
    characteristics.extend(settings.applications.iter().map(application));
    ProvDoc { version: Some("1.0".into()), characteristics }
}

/// Adds what may be absent.
trait Optional: Sized {
    fn with_some(self, name: &str, value: Option<&str>) -> Self;
    fn with_flag_if(self, name: &str, set: bool) -> Self;
    fn with_links(self, links: &[Link]) -> Self;
    fn with_ports(self, ports: &[Port]) -> Self;
}

impl Optional for Characteristic {
    fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn with_flag_if(self, name: &str, set: bool) -> Self {
        if set { self.with_flag(name) } else { self }
    }

    fn with_links(self, links: &[Link]) -> Self {
        links.iter().fold(self, |c, link| match link {
            Link::Nap(id) => c.with("TO-NAPID", id),
            Link::Internet => c.with("TO-NAPID", link.to_string()),
            Link::Proxy(id) => c.with("TO-PROXY", id),
        })
    }

    fn with_ports(self, ports: &[Port]) -> Self {
        ports.iter().fold(self, |c, port| {
            let mut inner = Characteristic::new("PORT").with("PORTNBR", port.number.to_string());
            for service in &port.services {
                inner = inner.with("SERVICE", service.as_str());
            }
            c.with_characteristic(inner)
        })
    }
}

fn bootstrap(b: &Bootstrap) -> Characteristic {
    let mut c = Characteristic::new("BOOTSTRAP")
        .with_some("NAME", b.name.as_deref())
        .with_some("PROVURL", b.prov_url.as_deref());
    for id in &b.proxies {
        c = c.with("PROXY-ID", id);
    }
    c.with_some("CONTEXT-ALLOW", b.context_allow.map(|n| n.to_string()).as_deref())
}

fn nap(nap: &NapDef<String>) -> Characteristic {
    let mut c = Characteristic::new("NAPDEF").with("NAPID", &nap.id).with("NAME", &nap.name);
    for bearer in &nap.bearers {
        c = c.with("BEARER", bearer.as_str());
    }
    c = c
        .with("NAP-ADDRESS", &nap.address)
        .with("NAP-ADDRTYPE", nap.address_type.as_str())
        .with_flag_if("INTERNET", nap.internet);
    for dns in &nap.dns {
        c = c.with("DNS-ADDR", dns.to_string());
    }
    c = c.with_some("LINGER", nap.linger.map(|l| l.to_string()).as_deref());
    for auth in &nap.auth {
        let inner = Characteristic::new("NAPAUTHINFO")
            .with("AUTHTYPE", auth.kind.as_str())
            .with_some("AUTHNAME", auth.name.as_deref())
            .with_some("AUTHSECRET", auth.secret.as_ref().map(|s| s.expose()));
        c = c.with_characteristic(inner);
    }
    c
}

fn proxy(proxy: &PxLogical<String>) -> Characteristic {
    let mut c = Characteristic::new("PXLOGICAL").with("PROXY-ID", &proxy.id).with("NAME", &proxy.name);
    for domain in &proxy.domains {
        c = c.with("DOMAIN", domain);
    }
    c = c
        .with_some("STARTPAGE", proxy.start_page.as_deref())
        .with_some("PUSHENABLED", proxy.push.map(|p| if p { "1" } else { "0" }));
    for auth in &proxy.auth {
        let inner = Characteristic::new("PXAUTHINFO")
            .with("PXAUTH-TYPE", auth.kind.as_str())
            .with_some("PXAUTH-ID", auth.name.as_deref())
            .with_some("PXAUTH-PW", auth.secret.as_ref().map(|s| s.expose()));
        c = c.with_characteristic(inner);
    }
    c = c.with_ports(&proxy.ports);
    proxy.physical.iter().fold(c, |c, p| c.with_characteristic(physical(p)))
}

fn physical(p: &PxPhysical) -> Characteristic {
    Characteristic::new("PXPHYSICAL")
        .with("PHYSICAL-PROXY-ID", &p.id)
        .with("PXADDR", &p.address)
        .with("PXADDRTYPE", p.address_type.as_str())
        .with_links(&p.connect_via)
        .with_ports(&p.ports)
}

fn account(a: &Account) -> Characteristic {
    Characteristic::new("APPLICATION")
        .with("APPID", "w7")
        .with("PROVIDER-ID", a.server_id.as_str())
        .with_some("NAME", a.name.as_deref())
        .with_links(&a.connect_via)
        .with_flag_if("INIT", a.init)
        // The whole URL with its port, and no PORT: clients put a PORTNBR in different places.
        .with_characteristic(Characteristic::new("APPADDR").with("ADDR", &a.address))
        .with_characteristic(auth("APPSRV", &a.credentials.client))
        .with_characteristic(auth("CLIENT", &a.credentials.server))
}

fn auth(level: &str, c: &Credential) -> Characteristic {
    let nonce = (!c.nonce.is_empty()).then(|| BASE64.encode(&c.nonce));
    Characteristic::new("APPAUTH")
        .with("AAUTHLEVEL", level)
        .with("AAUTHTYPE", c.scheme.as_str())
        .with("AAUTHNAME", &c.name)
        .with("AAUTHSECRET", c.secret.expose())
        .with_some("AAUTHDATA", nonce.as_deref())
}

fn application(a: &Application) -> Characteristic {
    let mut c = Characteristic::new("APPLICATION")
        .with("APPID", a.kind.as_str())
        .with_some("PROVIDER-ID", a.provider_id.as_deref())
        .with_some("NAME", a.name.as_deref())
        .with_links(&a.connect_via)
        .with_some("ADDR", a.address.as_deref());
    for resource in &a.resources {
        let inner = Characteristic::new("RESOURCE")
            .with("URI", &resource.uri)
            .with_some("NAME", resource.name.as_deref())
            .with_flag_if("STARTPAGE", resource.start_page);
        c = c.with_characteristic(inner);
    }
    c
}

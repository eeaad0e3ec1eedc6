//! Settings → document. The order inside APPLICATION w7 is not free: clients are known that choose by the first parameter
//! and that lose a name or secret which stands before its level.

use std::{borrow::Cow, fmt::Display};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{Account, Credential, Settings, proof},
    ident::SharedSecret,
    profile::{
        Access, AppAddressType, AppAuth, Application, AuthLevel, Bootstrap, CallType, FurtherAuth, Link,
        NapDef, Parameter, Port, ProxyAuthType, PxLogical, PxPhysical, VendorConfig,
    },
    wire::prov::{Characteristic, Item, Parm, ProvDoc},
};

/// A characteristic that is only written: what the settings hold is borrowed from them.
type Sheet<'a> = Characteristic<Cow<'a, str>>;

/// The whole document.
pub(in crate::bootstrap) fn document(settings: &Settings) -> ProvDoc<Cow<'_, str>> {
    let mut characteristics = Vec::with_capacity(16);
    characteristics.extend(settings.bootstraps.iter().map(bootstrap));
    characteristics.extend(settings.client_id.iter().map(|id| sheet("CLIENTIDENTITY").with("CLIENT-ID", id)));
    characteristics.extend(settings.naps.iter().map(nap));
    characteristics.extend(settings.proxies.iter().map(proxy));
    characteristics.extend(settings.dm_account.as_ref().map(account));
    characteristics.extend(settings.applications.iter().map(application));
    characteristics.extend(settings.access.iter().map(access));
    characteristics.extend(settings.vendor_configs.iter().map(vendor_config));
    ProvDoc { version: Some(settings.cp_version.as_str().into()), characteristics }
}

/// An empty characteristic. Most hold a few parameters.
fn sheet(kind: &str) -> Sheet<'_> {
    Characteristic { kind: kind.into(), items: Vec::with_capacity(8) }
}

/// Adds what is there, and what may be absent.
impl<'a> Sheet<'a> {
    fn with(mut self, name: &'a str, value: impl Into<Cow<'a, str>>) -> Self {
        self.items.push(Item::Parm(Parm { name: name.into(), value: Some(value.into()) }));
        self
    }

    fn with_flag(mut self, name: &'a str) -> Self {
        self.items.push(Item::Parm(Parm { name: name.into(), value: None }));
        self
    }

    fn with_characteristic(mut self, inner: Self) -> Self {
        self.items.push(Item::Characteristic(inner));
        self
    }

    fn with_some(self, name: &'a str, value: Option<impl Into<Cow<'a, str>>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn with_flag_if(self, name: &'a str, set: bool) -> Self {
        if set { self.with_flag(name) } else { self }
    }

    fn with_links(self, links: &'a [Link]) -> Self {
        links.iter().fold(self, |c, link| match link {
            Link::Nap(id) => c.with("TO-NAPID", id),
            Link::Internet => c.with("TO-NAPID", link.to_string()),
            Link::Proxy(id) => c.with("TO-PROXY", id),
        })
    }

    fn with_ports<S: Display>(self, ports: &[Port<S>]) -> Self {
        ports.iter().fold(self, |c, port| {
            let inner = sheet("PORT").with("PORTNBR", port.number.to_string());
            c.with_characteristic(inner.with_each("SERVICE", &port.services))
        })
    }

    fn with_each<V: Display>(self, name: &'a str, values: &[V]) -> Self {
        values.iter().fold(self, |c, v| c.with(name, v.to_string()))
    }

    fn with_number(self, name: &'a str, value: Option<u32>) -> Self {
        self.with_some(name, value.map(|v| v.to_string()))
    }

    fn with_switch(self, name: &'a str, value: Option<bool>) -> Self {
        self.with_some(name, value.map(|v| if v { "1" } else { "0" }))
    }

    fn with_secret(self, name: &'a str, value: Option<&'a SharedSecret>) -> Self {
        self.with_some(name, value.map(SharedSecret::expose))
    }

    fn with_parameters(self, parameters: &'a [Parameter]) -> Self {
        parameters.iter().fold(self, |c, p| match &p.value {
            Some(value) => c.with(&p.name, value),
            None => c.with_flag(&p.name),
        })
    }
}

fn bootstrap(b: &Bootstrap) -> Sheet<'_> {
    sheet("BOOTSTRAP")
        .with_some("NAME", b.name.as_deref())
        .with_some("PROVURL", b.prov_url.as_deref())
        .with_some("COUNTRY", b.country.as_deref())
        .with_each("NETWORK", &b.networks)
        .with_each("PROXY-ID", &b.proxies)
        .with_number("CONTEXT-ALLOW", b.context_allow.map(u32::from))
}

fn nap(nap: &NapDef<String>) -> Sheet<'_> {
    let t = &nap.tuning;
    let local = t.local_address.map(|a| a.to_string());
    let local_type = t.local_address.map(|a| if a.is_ipv6() { "IPV6" } else { "IPV4" });
    let mut c = sheet("NAPDEF")
        .with("NAPID", &nap.id)
        .with("NAME", &nap.name)
        .with_each("BEARER", &nap.bearers)
        .with("NAP-ADDRESS", &nap.address)
        .with("NAP-ADDRTYPE", nap.address_type.as_str())
        .with_flag_if("INTERNET", nap.internet)
        .with_each("DNS-ADDR", &nap.dns)
        .with_some("CALLTYPE", t.call_type.map(CallType::as_str))
        .with_some("LOCAL-ADDR", local)
        .with_some("LOCAL-ADDRTYPE", local_type)
        .with_some("LINKSPEED", t.link_speed.map(|s| s.to_string()))
        .with_some("DNLINKSPEED", t.dn_link_speed.map(|s| s.to_string()))
        .with_number("LINGER", nap.linger);
    for (parameter, value) in &t.qos {
        c = c.with(parameter.as_str(), format!("{value:X}"));
    }
    c = c
        .with_number("MAX-NUM-RETRY", t.max_num_retry)
        .with_number("FIRST-RETRY-TIMEOUT", t.first_retry_timeout)
        .with_number("REREG-THRESHOLD", t.rereg_threshold)
        .with_flag_if("T-BIT", t.t_bit);
    for auth in &nap.auth {
        let inner = sheet("NAPAUTHINFO")
            .with("AUTHTYPE", auth.kind.as_str())
            .with_some("AUTHNAME", auth.name.as_deref())
            .with_secret("AUTHSECRET", auth.secret.as_ref())
            .with_each("AUTH-ENTITY", &auth.entities)
            .with_some("SPI", auth.spi.map(|spi| format!("{spi:X}")));
        c = c.with_characteristic(inner);
    }
    for v in &nap.validity {
        let inner = sheet("VALIDITY")
            .with_some("COUNTRY", v.country.as_deref())
            .with_some("NETWORK", v.network.as_deref())
            .with_some("SID", v.sid.as_deref())
            .with_some("SOC", v.soc.as_deref())
            .with_some("VALIDUNTIL", v.valid_until.as_deref());
        c = c.with_characteristic(inner);
    }
    c
}

fn proxy(proxy: &PxLogical<String>) -> Sheet<'_> {
    let basic = proxy.basic_auth.as_ref();
    let mut c = sheet("PXLOGICAL")
        .with("PROXY-ID", &proxy.id)
        .with_secret("PROXY-PW", proxy.secret.as_ref())
        .with_some("PPGAUTH-TYPE", proxy.ppg_auth.map(ProxyAuthType::as_str))
        .with_some("PROXY-PROVIDER-ID", proxy.provider_id.as_deref())
        .with("NAME", &proxy.name)
        .with_each("DOMAIN", &proxy.domains)
        .with_flag_if("TRUST", proxy.trust)
        .with_flag_if("MASTER", proxy.master)
        .with_some("STARTPAGE", proxy.start_page.as_deref())
        .with_some("BASAUTH-ID", basic.and_then(|b| b.name.as_deref()))
        .with_secret("BASAUTH-PW", basic.and_then(|b| b.secret.as_ref()))
        .with_some("WSP-VERSION", proxy.wsp_version.as_deref())
        .with_switch("PUSHENABLED", proxy.push)
        .with_switch("PULLENABLED", proxy.pull);
    for auth in &proxy.auth {
        let inner = sheet("PXAUTHINFO")
            .with("PXAUTH-TYPE", auth.kind.as_str())
            .with_some("PXAUTH-ID", auth.name.as_deref())
            .with_secret("PXAUTH-PW", auth.secret.as_ref());
        c = c.with_characteristic(inner);
    }
    c = c.with_ports(&proxy.ports);
    proxy.physical.iter().fold(c, |c, p| c.with_characteristic(physical(p)))
}

fn physical(p: &PxPhysical) -> Sheet<'_> {
    sheet("PXPHYSICAL")
        .with("PHYSICAL-PROXY-ID", &p.id)
        .with_each("DOMAIN", &p.domains)
        .with("PXADDR", &p.address)
        .with("PXADDRTYPE", p.address_type.as_str())
        .with_some("PXADDR-FQDN", p.fqdn.as_deref())
        .with_some("WSP-VERSION", p.wsp_version.as_deref())
        .with_switch("PUSHENABLED", p.push)
        .with_switch("PULLENABLED", p.pull)
        .with_links(&p.connect_via)
        .with_ports(&p.ports)
}

fn access(a: &Access) -> Sheet<'_> {
    // The names first, then what it is for, then where it leads: a parser is known that wants this order.
    sheet("ACCESS")
        .with_each("RULE", &a.rules)
        .with_each("APPID", &a.app_ids)
        .with_each("PORTNBR", &a.ports)
        .with_each("DOMAIN", &a.domains)
        .with_links(&a.connect_via)
}

fn vendor_config(v: &VendorConfig) -> Sheet<'_> {
    sheet("VENDORCONFIG").with("NAME", &v.name).with_parameters(&v.parameters)
}

fn account(a: &Account) -> Sheet<'_> {
    let c = sheet("APPLICATION")
        .with("APPID", "w7")
        .with("PROVIDER-ID", a.server_id.as_str())
        .with_some("NAME", a.name.as_deref())
        .with_links(&a.connect_via)
        .with_flag_if("INIT", a.init)
        .with_parameters(&a.parameters)
        // The whole URL with its port, and no PORT: clients put a PORTNBR in different places.
        .with_characteristic(sheet("APPADDR").with("ADDR", &a.address))
        .with_characteristic(auth("APPSRV", &a.credentials.client))
        .with_characteristic(auth("CLIENT", &a.credentials.server));
    a.further_auth.iter().fold(c, |c, further| c.with_characteristic(further_auth(further)))
}

fn auth<'a>(level: &'a str, c: &'a Credential) -> Sheet<'a> {
    let nonce = (!c.nonce.is_empty()).then(|| BASE64.encode(&c.nonce));
    sheet("APPAUTH")
        .with("AAUTHLEVEL", level)
        .with("AAUTHTYPE", c.scheme.as_str())
        .with("AAUTHNAME", &c.name)
        .with("AAUTHSECRET", c.secret.expose())
        .with_some("AAUTHDATA", nonce)
}

fn further_auth(f: &FurtherAuth<String>) -> Sheet<'_> {
    let data = (!f.data.is_empty()).then(|| BASE64.encode(&f.data));
    sheet("APPAUTH")
        .with_some("AAUTHLEVEL", proof::document_level(f.way.place()))
        .with("AAUTHTYPE", f.way.kind().as_str())
        .with_some("AAUTHNAME", f.name.as_deref())
        .with_secret("AAUTHSECRET", f.secret.as_ref())
        .with_some("AAUTHDATA", data)
}

fn application(a: &Application<String>) -> Sheet<'_> {
    let mut c = sheet("APPLICATION")
        .with("APPID", a.kind.as_str())
        .with_some("PROVIDER-ID", a.provider_id.as_deref())
        .with_some("NAME", a.name.as_deref())
        .with_some("AACCEPT", a.accept.as_deref())
        .with_some("APROTOCOL", a.protocol.as_deref())
        .with_links(&a.connect_via)
        .with_each("ADDR", &a.addresses)
        .with_parameters(&a.parameters);
    for server in &a.servers {
        let inner = sheet("APPADDR")
            .with("ADDR", &server.address)
            .with_some("ADDRTYPE", server.address_type.map(AppAddressType::as_str));
        c = c.with_characteristic(inner.with_ports(&server.ports));
    }
    for auth in &a.auth {
        c = c.with_characteristic(app_auth(sheet("APPAUTH"), auth));
    }
    for resource in &a.resources {
        let mut inner = sheet("RESOURCE")
            .with("URI", &resource.uri)
            .with_some("NAME", resource.name.as_deref())
            .with_some("AACCEPT", resource.accept.as_deref());
        if let Some(auth) = &resource.auth {
            inner = app_auth(inner, auth);
        }
        inner = inner.with_flag_if("STARTPAGE", resource.start_page).with_parameters(&resource.parameters);
        c = c.with_characteristic(inner);
    }
    c
}

fn app_auth<'a>(c: Sheet<'a>, auth: &'a AppAuth<String>) -> Sheet<'a> {
    c.with_some("AAUTHLEVEL", auth.level.map(AuthLevel::as_str))
        .with_some("AAUTHTYPE", auth.scheme.as_deref())
        .with_some("AAUTHNAME", auth.name.as_deref())
        .with_secret("AAUTHSECRET", auth.secret.as_ref())
        .with_some("AAUTHDATA", auth.data.as_deref())
}

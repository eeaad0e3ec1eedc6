//! A provisioning document as blocks of a profile. Names that a profile has no words for are named as lost; so is whatever
//! had to be made up because the document leaves it out.

use std::borrow::Cow;

use crate::{
    profile::{Bearer, HttpUrl, INTERNET, SecurityMethod},
    wire::prov::{Characteristic, Item, ProvDoc},
};

use super::{
    account,
    draft::{Block, Draft, quoted},
    ids::Ids,
    part::{Form, Part, Rest},
};

/// Writes a document.
pub(super) fn draft(
    document: &ProvDoc,
    name: &str,
    method: Option<SecurityMethod>,
    losses: &mut Vec<String>,
) -> Draft {
    let mut out = Draft::default();
    let ids = Ids::of(document, losses);
    let mut top = Block::new("", "document");
    top.put("name", "name", quoted(name));
    top.put("version", "version", "1");
    match document.version.as_deref() {
        None | Some("1.0") => {}
        Some(version) => top.put("cp-version", "version", quoted(version)),
    }
    let mut blocks = Vec::new();
    let contexts = document.characteristics.iter().filter(|c| c.kind == "BOOTSTRAP").count();
    let (mut naps, mut proxies, mut account_seen) = (0, 0, false);
    for (at, c) in document.characteristics.iter().enumerate() {
        let c = with_app_id(c);
        let c = c.as_ref();
        let mut p = Part::new(c, format!("{}[{}]", c.kind, at + 1));
        let mut rest = Rest::Named;
        match c.kind.as_str() {
            "BOOTSTRAP" => {
                let header = if contexts > 1 { "[[bootstrap]]" } else { "[bootstrap]" };
                blocks.push(bootstrap(&mut p, header, &ids, losses));
            }
            "NAPDEF" => {
                blocks.extend(nap(&mut p, ids.nap_at(naps), losses));
                naps += 1;
            }
            "PXLOGICAL" => {
                blocks.extend(proxy(&mut p, proxies, &ids, losses));
                proxies += 1;
            }
            "CLIENTIDENTITY" => p.put(&mut top, losses, "client-id", "CLIENT-ID", Form::Name),
            "ACCESS" => blocks.push(access(&mut p, &ids, losses)),
            "VENDORCONFIG" => {
                let mut block = Block::new("[[vendor-config]]", &p.place);
                p.put(&mut block, losses, "name", "NAME", Form::Text);
                blocks.push(block);
                blocks.extend(p.parameters("vendor-config"));
                rest = Rest::Kept;
            }
            "APPLICATION" if c.value("APPID") == Some("w7") => {
                if account_seen {
                    losses.push(format!("{}: a second DM account; a profile has one", p.place));
                    continue;
                }
                account_seen = true;
                blocks.extend(account::account(&mut p, &ids, losses));
                rest = Rest::Kept;
            }
            "APPLICATION" => {
                blocks.extend(application(&mut p, &ids, losses));
                rest = Rest::Kept;
            }
            _ => {
                losses.push(format!("{}: a profile has no place for it", p.place));
                continue;
            }
        }
        p.finish(losses, rest);
    }
    out.push(top);
    match method {
        Some(SecurityMethod::None) | None => {
            losses.push("security: no SEC that says how it is authenticated; add [security]".into());
        }
        Some(method) => {
            let mut block = Block::new("[security]", "security");
            block.put("method", "SEC", quoted(method.as_str()));
            out.push(block);
        }
    }
    blocks.into_iter().for_each(|b| out.push(b));
    out
}

fn bootstrap(p: &mut Part<'_>, header: &str, ids: &Ids, losses: &mut Vec<String>) -> Block {
    let mut b = Block::new(header, &p.place);
    p.put(&mut b, losses, "name", "NAME", Form::Text);
    p.put(&mut b, losses, "prov-url", "PROVURL", Form::Text);
    p.put(&mut b, losses, "country", "COUNTRY", Form::Text);
    p.put_all(&mut b, "networks", "NETWORK", Form::Text);
    let proxies = p.all("PROXY-ID").into_iter().filter_map(|id| ids.proxy(id, &p.place, losses)).collect();
    b.put_all("proxies", "PROXY-ID", proxies);
    p.put(&mut b, losses, "context-allow", "CONTEXT-ALLOW", Form::Number);
    b
}

fn nap(p: &mut Part<'_>, id: &str, losses: &mut Vec<String>) -> Vec<Block> {
    let mut b = Block::new("[[nap]]", &p.place);
    let given = p.take(losses, "NAPID");
    b.put("id", "NAPID", quoted(id));
    name(p, &mut b, given.unwrap_or(id), losses);
    let mut bearers = Vec::new();
    for bearer in p.all("BEARER") {
        if bearer.parse::<Bearer>().is_ok() {
            bearers.push(quoted(bearer));
        } else {
            losses.push(format!("{}/BEARER: not a bearer of the standard", p.place));
        }
    }
    if bearers.is_empty() {
        losses.push(format!("{}/BEARER: none is left; GSM-GPRS was put there", p.place));
        bearers.push(quoted("GSM-GPRS"));
    }
    bearers.dedup();
    b.put_all("bearers", "BEARER", bearers);
    p.put(&mut b, losses, "address", "NAP-ADDRESS", Form::Text);
    match p.take(losses, "NAP-ADDRTYPE") {
        Some(kind) => b.put("address-type", "NAP-ADDRTYPE", quoted(kind)),
        // The default of the standard.
        None => b.put("address-type", "NAP-ADDRTYPE", quoted("E164")),
    }
    p.put_flag(&mut b, "internet", "INTERNET");
    p.put_all(&mut b, "dns", "DNS-ADDR", Form::Text);
    p.put(&mut b, losses, "linger", "LINGER", Form::Number);
    p.put(&mut b, losses, "call-type", "CALLTYPE", Form::Text);
    p.put(&mut b, losses, "local-address", "LOCAL-ADDR", Form::Text);
    // It follows from the address.
    p.all("LOCAL-ADDRTYPE");
    p.put(&mut b, losses, "link-speed", "LINKSPEED", Form::Number);
    p.put(&mut b, losses, "dn-link-speed", "DNLINKSPEED", Form::Number);
    p.put(&mut b, losses, "max-num-retry", "MAX-NUM-RETRY", Form::Number);
    p.put(&mut b, losses, "first-retry-timeout", "FIRST-RETRY-TIMEOUT", Form::Number);
    p.put(&mut b, losses, "rereg-threshold", "REREG-THRESHOLD", Form::Number);
    p.put_flag(&mut b, "t-bit", "T-BIT");
    let mut out = vec![b];
    let mut qos = Block::new("[nap.qos]", &p.place);
    for (key, parameter) in QOS {
        p.put(&mut qos, losses, key, parameter, Form::Hex);
    }
    if !qos.is_empty() {
        out.push(qos);
    }
    for mut a in p.inner("NAPAUTHINFO") {
        let mut b = Block::new("[[nap.auth]]", &a.place);
        a.put(&mut b, losses, "type", "AUTHTYPE", Form::Text);
        a.put(&mut b, losses, "name", "AUTHNAME", Form::Name);
        a.put(&mut b, losses, "secret", "AUTHSECRET", Form::Secret);
        a.put_all(&mut b, "entities", "AUTH-ENTITY", Form::Text);
        a.put(&mut b, losses, "spi", "SPI", Form::Hex);
        a.finish(losses, Rest::Named);
        out.push(b);
    }
    for mut v in p.inner("VALIDITY") {
        let mut b = Block::new("[[nap.validity]]", &v.place);
        for (key, parameter) in VALIDITY {
            v.put(&mut b, losses, key, parameter, Form::Text);
        }
        v.finish(losses, Rest::Named);
        out.push(b);
    }
    out
}

const QOS: [(&str, &str); 12] = [
    ("delivery-err-sdu", "DELIVERY-ERR-SDU"),
    ("delivery-order", "DELIVERY-ORDER"),
    ("traffic-class", "TRAFFIC-CLASS"),
    ("max-sdu-size", "MAX-SDU-SIZE"),
    ("max-bitrate-uplink", "MAX-BITRATE-UPLINK"),
    ("max-bitrate-dnlink", "MAX-BITRATE-DNLINK"),
    ("residual-ber", "RESIDUAL-BER"),
    ("sdu-error-ratio", "SDU-ERROR-RATIO"),
    ("traffic-handl-prio", "TRAFFIC-HANDL-PRIO"),
    ("transfer-delay", "TRANSFER-DELAY"),
    ("guaranteed-bitrate-uplink", "GUARANTEED-BITRATE-UPLINK"),
    ("guaranteed-bitrate-dnlink", "GUARANTEED-BITRATE-DNLINK"),
];

const VALIDITY: [(&str, &str); 5] = [
    ("country", "COUNTRY"),
    ("network", "NETWORK"),
    ("sid", "SID"),
    ("soc", "SOC"),
    ("valid-until", "VALIDUNTIL"),
];

/// `NAME`, which a profile cannot do without.
fn name(p: &mut Part<'_>, b: &mut Block, instead: &str, losses: &mut Vec<String>) {
    match p.take(losses, "NAME") {
        Some(name) => b.put("name", "NAME", quoted(name)),
        None => {
            losses.push(format!("{}/NAME: there is none; the id was put there", p.place));
            b.put("name", "NAME", quoted(instead));
        }
    }
}

fn proxy(p: &mut Part<'_>, nth: usize, ids: &Ids, losses: &mut Vec<String>) -> Vec<Block> {
    let id = ids.proxy_at(nth);
    let mut b = Block::new("[[proxy]]", &p.place);
    let given = p.take(losses, "PROXY-ID");
    b.put("id", "PROXY-ID", quoted(id));
    name(p, &mut b, given.unwrap_or(id), losses);
    p.put(&mut b, losses, "secret", "PROXY-PW", Form::Secret);
    p.put(&mut b, losses, "ppg-auth", "PPGAUTH-TYPE", Form::Text);
    p.put(&mut b, losses, "provider-id", "PROXY-PROVIDER-ID", Form::Text);
    p.put_all(&mut b, "domains", "DOMAIN", Form::Text);
    p.put_flag(&mut b, "trust", "TRUST");
    p.put_flag(&mut b, "master", "MASTER");
    p.put(&mut b, losses, "start-page", "STARTPAGE", Form::Text);
    common(p, &mut b, losses);
    b.put_all("ports", "PORT", ports(p, losses));
    let mut out = vec![b];
    let mut basic = Block::new("[proxy.basic-auth]", &p.place);
    p.put(&mut basic, losses, "name", "BASAUTH-ID", Form::Name);
    p.put(&mut basic, losses, "secret", "BASAUTH-PW", Form::Secret);
    if !basic.is_empty() {
        out.push(basic);
    }
    for mut a in p.inner("PXAUTHINFO") {
        let mut b = Block::new("[[proxy.auth]]", &a.place);
        a.put(&mut b, losses, "type", "PXAUTH-TYPE", Form::Text);
        a.put(&mut b, losses, "name", "PXAUTH-ID", Form::Name);
        a.put(&mut b, losses, "secret", "PXAUTH-PW", Form::Secret);
        a.finish(losses, Rest::Named);
        out.push(b);
    }
    for (at, mut x) in p.inner("PXPHYSICAL").into_iter().enumerate() {
        let mut b = Block::new("[[proxy.physical]]", &x.place);
        x.all("PHYSICAL-PROXY-ID");
        b.put("id", "PHYSICAL-PROXY-ID", quoted(ids.physical_at(nth, at)));
        x.put(&mut b, losses, "address", "PXADDR", Form::Text);
        match x.take(losses, "PXADDRTYPE") {
            Some(kind) => b.put("address-type", "PXADDRTYPE", quoted(kind)),
            // The default of the standard.
            None => b.put("address-type", "PXADDRTYPE", quoted("IPV4")),
        }
        x.put(&mut b, losses, "fqdn", "PXADDR-FQDN", Form::Text);
        x.put_all(&mut b, "domains", "DOMAIN", Form::Text);
        common(&mut x, &mut b, losses);
        b.put_all("ports", "PORT", ports(&mut x, losses));
        b.put_all("connect-via", "TO-NAPID", ids.links(&mut x, losses));
        x.finish(losses, Rest::Named);
        out.push(b);
    }
    out
}

/// What logical and physical proxies have in common.
fn common(p: &mut Part<'_>, b: &mut Block, losses: &mut Vec<String>) {
    p.put(b, losses, "wsp-version", "WSP-VERSION", Form::Text);
    p.put(b, losses, "push", "PUSHENABLED", Form::Switch);
    p.put(b, losses, "pull", "PULLENABLED", Form::Switch);
}

/// The ports, each as TOML.
fn ports(p: &mut Part<'_>, losses: &mut Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    for mut port in p.inner("PORT") {
        let number = port.take(losses, "PORTNBR").and_then(|n| n.parse::<u16>().ok());
        let services: Vec<String> = port.all("SERVICE").into_iter().map(quoted).collect();
        match number {
            None => losses.push(format!("{}: has no port number", port.place)),
            Some(number) if services.is_empty() => out.push(number.to_string()),
            Some(number) => {
                out.push(format!("{{ number = {number}, services = [{}] }}", services.join(", ")));
            }
        }
        port.finish(losses, Rest::Named);
    }
    out
}

fn access(p: &mut Part<'_>, ids: &Ids, losses: &mut Vec<String>) -> Block {
    let mut b = Block::new("[[access]]", &p.place);
    p.put_all(&mut b, "rules", "RULE", Form::Text);
    p.put_all(&mut b, "app-ids", "APPID", Form::Text);
    p.put_all(&mut b, "ports", "PORTNBR", Form::Number);
    p.put_all(&mut b, "domains", "DOMAIN", Form::Text);
    b.put_all("connect-via", "TO-NAPID", ids.links(p, losses));
    b
}

fn application(p: &mut Part<'_>, ids: &Ids, losses: &mut Vec<String>) -> Vec<Block> {
    let mut b = Block::new("[[application]]", &p.place);
    p.put(&mut b, losses, "id", "APPID", Form::Text);
    p.put(&mut b, losses, "provider-id", "PROVIDER-ID", Form::Text);
    p.put(&mut b, losses, "name", "NAME", Form::Text);
    p.put(&mut b, losses, "accept", "AACCEPT", Form::Text);
    p.put(&mut b, losses, "protocol", "APROTOCOL", Form::Text);
    let mut addresses: Vec<String> = p.all("ADDR").into_iter().map(quoted).collect();
    let mut servers = p.inner("APPADDR");
    // A URL alone in an APPADDR is the same thing in another place.
    let bare = |s: &Part<'_>| {
        s.c.items.len() == 1 && s.c.value("ADDR").is_some_and(|a| a.parse::<HttpUrl>().is_ok())
    };
    if addresses.is_empty() && !servers.is_empty() && servers.iter().all(bare) {
        addresses.extend(servers.drain(..).filter_map(|s| s.c.value("ADDR").map(quoted)));
    }
    match addresses.as_slice() {
        [one] => b.put("address", "ADDR", one.clone()),
        _ => b.put_all("address", "ADDR", addresses),
    }
    b.put_all("connect-via", "TO-NAPID", ids.links(p, losses));
    let mut out = vec![b];
    for mut server in servers {
        let mut b = Block::new("[[application.server]]", &server.place);
        server.put(&mut b, losses, "address", "ADDR", Form::Text);
        server.put(&mut b, losses, "address-type", "ADDRTYPE", Form::Text);
        b.put_all("ports", "PORT", ports(&mut server, losses));
        server.finish(losses, Rest::Named);
        out.push(b);
    }
    for mut a in p.inner("APPAUTH") {
        let mut b = Block::new("[[application.auth]]", &a.place);
        a.put(&mut b, losses, "level", "AAUTHLEVEL", Form::Text);
        auth(&mut a, &mut b, losses);
        a.finish(losses, Rest::Named);
        out.push(b);
    }
    for mut r in p.inner("RESOURCE") {
        let mut b = Block::new("[[application.resource]]", &r.place);
        r.put(&mut b, losses, "uri", "URI", Form::Text);
        r.put(&mut b, losses, "name", "NAME", Form::Text);
        r.put(&mut b, losses, "accept", "AACCEPT", Form::Text);
        r.put_flag(&mut b, "start-page", "STARTPAGE");
        out.push(b);
        let mut a = Block::new("[application.resource.auth]", &r.place);
        auth(&mut r, &mut a, losses);
        if !a.is_empty() {
            out.push(a);
        }
        out.extend(r.parameters("application.resource"));
        r.finish(losses, Rest::Kept);
    }
    out.extend(p.parameters("application"));
    out
}

fn auth(a: &mut Part<'_>, b: &mut Block, losses: &mut Vec<String>) {
    a.put(b, losses, "type", "AAUTHTYPE", Form::Text);
    a.put(b, losses, "name", "AAUTHNAME", Form::Name);
    a.put(b, losses, "secret", "AAUTHSECRET", Form::Secret);
    a.put(b, losses, "data", "AAUTHDATA", Form::Text);
}

/// True for the reserved reference.
pub(super) fn is_internet(id: &str) -> bool {
    id == INTERNET
}

/// An application with its id under the name that provisioning documents have for it. Documents of RCS style, which are
/// such documents otherwise, call it `AppID` (GSMA RCC.14, as an open server writes it).
fn with_app_id(c: &Characteristic) -> Cow<'_, Characteristic> {
    let is_id = |item: &Item| matches!(item, Item::Parm(parm) if parm.name == "AppID");
    if c.kind != "APPLICATION" || c.value("APPID").is_some() || !c.items.iter().any(is_id) {
        return Cow::Borrowed(c);
    }
    let mut own = c.clone();
    if let Some(Item::Parm(parm)) = own.items.iter_mut().find(|item| is_id(item)) {
        parm.name = "APPID".to_owned();
    }
    Cow::Owned(own)
}

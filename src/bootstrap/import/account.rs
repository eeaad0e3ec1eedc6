//! The DM account (APPLICATION w7) as `[dm-account]`. A profile needs the credentials of both sides; where a document
//! leaves one out, drawn ones are put there and named.

use crate::profile::{AuthScheme, HttpUrl};

use super::{
    draft::{Block, literal, plain, quoted},
    ids::Ids,
    part::{Form, Part, Rest},
};

pub(super) fn account(p: &mut Part<'_>, ids: &Ids, losses: &mut Vec<String>) -> Vec<Block> {
    let mut b = Block::new("[dm-account]", &p.place);
    p.all("APPID");
    let (mut client, mut server) = (None, None);
    for a in p.inner("APPAUTH") {
        match a.c.value("AAUTHLEVEL") {
            Some("APPSRV") if client.is_none() => client = Some(a),
            Some("CLIENT") if server.is_none() => server = Some(a),
            _ => losses.push(format!("{}: its level is not APPSRV or CLIENT, or stands twice", a.place)),
        }
    }
    // Devices fall back to the name that the server has.
    let fallback = server.as_ref().and_then(|s| s.c.value("AAUTHNAME")).filter(|n| !n.is_empty());
    let server_id = match p.take(losses, "PROVIDER-ID") {
        Some(id) => id.to_owned(),
        None => {
            losses.push(format!(
                "{}/PROVIDER-ID: there is none; the server's AAUTHNAME was put there",
                p.place
            ));
            fallback.unwrap_or("").to_owned()
        }
    };
    b.put("server-id", "PROVIDER-ID", quoted(&server_id));
    p.put(&mut b, losses, "name", "NAME", Form::Text);
    if let Some(address) = address(p, losses) {
        b.put("address", "ADDR", quoted(&address));
    }
    b.put_all("connect-via", "TO-NAPID", ids.links(p, losses));
    p.put_flag(&mut b, "init", "INIT");
    let mut out = vec![b];
    out.push(auth("[dm-account.client-auth]", "APPSRV", client, "{imei}", &p.place, losses));
    let name = literal(&server_id);
    let name = name.trim_matches('"');
    out.push(auth("[dm-account.server-auth]", "CLIENT", server, name, &p.place, losses));
    out.extend(p.parameters("dm-account"));
    out
}

/// The URL of the server, with its port in it.
fn address(p: &mut Part<'_>, losses: &mut Vec<String>) -> Option<String> {
    let direct = p.take(losses, "ADDR").map(str::to_owned);
    let mut found = None;
    for mut a in p.inner("APPADDR") {
        if direct.is_some() || found.is_some() {
            losses.push(format!("{}: a second address", a.place));
            continue;
        }
        // Devices take a URL whatever the type says.
        a.all("ADDRTYPE");
        let address = a.take(losses, "ADDR").map(str::to_owned);
        let mut port = None;
        for mut inner in a.inner("PORT") {
            port = port.or_else(|| inner.take(losses, "PORTNBR").and_then(|n| n.parse::<u16>().ok()));
            inner.finish(losses, Rest::Named);
        }
        found = match (address, port) {
            (Some(address), Some(port)) => {
                Some(address.parse::<HttpUrl>().map_or(address, |url| url.with_port_or(port)))
            }
            (address, _) => address,
        };
        a.finish(losses, Rest::Named);
    }
    direct.or(found)
}

fn auth(
    header: &str,
    level: &str,
    part: Option<Part<'_>>,
    name: &str,
    place: &str,
    losses: &mut Vec<String>,
) -> Block {
    let mut b = Block::new(header, &format!("{place}/APPAUTH"));
    let made_up = |b: &mut Block, key, value: String, losses: &mut Vec<String>| {
        losses.push(format!("{place}/APPAUTH={level}: has no {key}; {value} was put there"));
        b.put(key, "", value);
    };
    let Some(mut a) = part else {
        made_up(&mut b, "type", quoted("DIGEST"), losses);
        made_up(&mut b, "name", format!("\"{name}\""), losses);
        made_up(&mut b, "secret", quoted("generate"), losses);
        return b;
    };
    a.all("AAUTHLEVEL");
    let written = a.take(losses, "AAUTHTYPE").unwrap_or("");
    // Several may stand there, with commas between them.
    match written.split(',').find(|t| t.trim().parse::<AuthScheme>().is_ok()) {
        Some(scheme) => {
            if scheme != written {
                losses.push(format!("{}/AAUTHTYPE: several; only one was taken", a.place));
            }
            b.put("type", "AAUTHTYPE", quoted(scheme.trim()));
        }
        None => made_up(&mut b, "type", quoted("DIGEST"), losses),
    }
    match a.take(losses, "AAUTHNAME") {
        Some(name) => b.put("name", "AAUTHNAME", literal(name)),
        None => made_up(&mut b, "name", format!("\"{name}\""), losses),
    }
    match a.take(losses, "AAUTHSECRET") {
        Some(secret) => b.put("secret", "AAUTHSECRET", plain(secret)),
        None => made_up(&mut b, "secret", quoted("generate"), losses),
    }
    if a.take(losses, "AAUTHDATA").is_some() {
        losses.push(format!("{}/AAUTHDATA: a nonce is drawn for each device", a.place));
    }
    a.finish(losses, Rest::Named);
    b
}

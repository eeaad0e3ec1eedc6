//! The DM account (APPLICATION w7) as `[dm-account]`. A profile needs the credentials of both sides; where a document
//! leaves one out, drawn ones are put there and named.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::proof,
    profile::{AccountAuthType, AuthPlace, AuthScheme, AuthWay, HttpUrl},
};

use super::{
    draft::{Block, literal, plain, quoted},
    ids::Ids,
    part::{Form, Part, Rest},
};

pub(super) fn account(p: &mut Part<'_>, ids: &Ids, losses: &mut Vec<String>) -> Vec<Block> {
    let mut b = Block::new("[dm-account]", &p.place);
    p.all("APPID");
    let (mut client, mut server, mut others) = (None, None, Vec::new());
    for a in p.inner("APPAUTH") {
        let Some(place) = proof::of_document_level(a.c.value("AAUTHLEVEL")) else {
            losses.push(format!("{}: its level is not APPSRV, CLIENT or OBEX", a.place));
            continue;
        };
        let (ways, _) = proof::ways(place, a.c.value("AAUTHTYPE").unwrap_or(""));
        let fits = ways.is_empty() || proof::strongest(&ways).is_some();
        match place {
            AuthPlace::Client if client.is_none() && fits => client = Some(a),
            AuthPlace::Server if server.is_none() && fits => server = Some(a),
            _ => others.push((place, a)),
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
    let mut further = Further::default();
    let client = (AuthPlace::Client, "[dm-account.client-auth]", client);
    out.push(auth(client, "{imei}", &p.place, &mut further, losses));
    let name = literal(&server_id);
    let name = name.trim_matches('"');
    let server = (AuthPlace::Server, "[dm-account.server-auth]", server);
    out.push(auth(server, name, &p.place, &mut further, losses));
    for (place, mut a) in others {
        let (ways, all_known) = proof::ways(place, a.take(losses, "AAUTHTYPE").unwrap_or(""));
        if ways.is_empty() || !all_known {
            losses.push(format!("{}/AAUTHTYPE: {UNKNOWN_TYPE}", a.place));
        }
        for name in ["AAUTHLEVEL", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA"] {
            a.take(losses, name);
        }
        further.add(&a, ways, losses);
        a.finish(losses, Rest::Named);
    }
    out.extend(further.blocks);
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

const UNKNOWN_TYPE: &str = "a type that is not known at its level";

/// The ways beside client-auth and server-auth, as they are found.
#[derive(Default)]
struct Further {
    seen: Vec<AuthWay>,
    blocks: Vec<Block>,
}

impl Further {
    fn add(&mut self, a: &Part<'_>, ways: Vec<AuthWay>, losses: &mut Vec<String>) {
        for way in ways {
            if self.seen.contains(&way) {
                losses.push(format!("{}: stands twice; the first counts", a.place));
                continue;
            }
            self.seen.push(way);
            let value = |name| a.c.value(name).filter(|v: &&str| !v.is_empty());
            let mut b = Block::new("[[dm-account.further-auth]]", &a.place);
            b.put("level", "AAUTHLEVEL", quoted(way.place().as_str()));
            b.put("type", "AAUTHTYPE", quoted(way.kind().as_str()));
            if let Some(name) = value("AAUTHNAME") {
                b.put("name", "AAUTHNAME", literal(name));
            }
            if let Some(secret) = value("AAUTHSECRET") {
                b.put("secret", "AAUTHSECRET", plain(secret));
            }
            if let Some(data) = value("AAUTHDATA") {
                // Octets as they stand are base64 in a profile.
                let data = BASE64.decode(data).unwrap_or_else(|_| data.as_bytes().to_vec());
                b.put("data", "AAUTHDATA", quoted(&BASE64.encode(data)));
            }
            self.blocks.push(b);
        }
    }
}

/// `client-auth` or `server-auth`. Other types that stand beside its own go to `further`.
fn auth(
    (at, header, part): (AuthPlace, &str, Option<Part<'_>>),
    name: &str,
    place: &str,
    further: &mut Further,
    losses: &mut Vec<String>,
) -> Block {
    let level = proof::document_level(at).unwrap_or_default();
    let mut b = Block::new(header, &format!("{place}/APPAUTH"));
    let made_up = |b: &mut Block, key, value: String, losses: &mut Vec<String>| {
        losses.push(format!("{place}/APPAUTH={level}: has no {key}; {value} was put there"));
        b.put(key, "", value);
    };
    let Some(mut a) = part else {
        made_up(&mut b, "type", quoted("DIGEST"), losses);
        made_up(&mut b, "name", format!("\"{name}\""), losses);
        made_up(&mut b, "secret", quoted("generate"), losses);
        further.seen.extend(AuthWay::new(at, AccountAuthType::Digest));
        return b;
    };
    a.all("AAUTHLEVEL");
    // Several may stand there, with commas between them.
    let (mut ways, all_known) = proof::ways(at, a.take(losses, "AAUTHTYPE").unwrap_or(""));
    if !all_known {
        losses.push(format!("{}/AAUTHTYPE: {UNKNOWN_TYPE}", a.place));
    }
    let scheme = proof::strongest(&ways);
    match scheme {
        Some(scheme) => b.put("type", "AAUTHTYPE", quoted(scheme.as_str())),
        None => made_up(&mut b, "type", quoted("DIGEST"), losses),
    }
    let kind = scheme.unwrap_or(AuthScheme::Digest).into();
    ways.retain(|way| way.kind() != kind);
    further.seen.extend(AuthWay::new(at, kind));
    further.add(&a, ways, losses);
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

//! The DM account and the other applications.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{Account, Credential, DmCredentials},
    ident::{ServerId, SharedSecret},
    profile::{AppAddr, AppAuth, AppId, Application, AuthScheme, Resource},
};

use super::part::{Ignored, Part};

pub(super) fn account(n: &mut Ignored, r: &Part<'_>) -> Option<Account> {
    const PARMS: &[&str] = &["APPID", "PROVIDER-ID", "NAME", "TO-NAPID", "TO-PROXY", "INIT", "ADDR"];
    r.inner_known(n, &["APPADDR", "APPAUTH"]);
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
        acl: None,
        parameters: r.others(PARMS),
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
    let port = part.ports::<String>(n).into_iter().next().map(|p| p.number);
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

pub(super) fn application(n: &mut Ignored, r: &Part<'_>) -> Option<Application<String>> {
    const PARMS: &[&str] =
        &["APPID", "PROVIDER-ID", "NAME", "AACCEPT", "APROTOCOL", "TO-NAPID", "TO-PROXY", "ADDR"];
    const AUTH: &[&str] = &["AAUTHLEVEL", "AAUTHTYPE", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA"];
    let kind = r.required(n, "APPID").and_then(|_| r.parsed::<AppId>(n, "APPID"))?;
    r.inner_known(n, &["APPADDR", "APPAUTH", "RESOURCE"]);
    let server = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, &["ADDR", "ADDRTYPE"], &["PORT"]);
        let address_type = r.parsed(n, "ADDRTYPE");
        Some(AppAddr { address: r.required(n, "ADDR")?, address_type, ports: r.ports(n) })
    };
    let auth = |n: &mut Ignored, r: &Part<'_>| {
        r.known(n, AUTH, &[]);
        app_auth(n, r)
    };
    Some(Application {
        kind,
        provider_id: r.text("PROVIDER-ID"),
        name: r.text("NAME"),
        accept: r.text("AACCEPT"),
        protocol: r.text("APROTOCOL"),
        addresses: r.all(n, "ADDR"),
        connect_via: r.links(),
        parameters: r.others(PARMS),
        servers: r.inner("APPADDR").iter().filter_map(|r| server(n, r)).collect(),
        auth: r.inner("APPAUTH").iter().map(|r| auth(n, r)).collect(),
        resources: r.inner("RESOURCE").iter().filter_map(|r| resource(n, r)).collect(),
    })
}

fn app_auth(n: &mut Ignored, r: &Part<'_>) -> AppAuth<String> {
    AppAuth {
        level: r.parsed(n, "AAUTHLEVEL"),
        scheme: r.text("AAUTHTYPE"),
        name: r.text("AAUTHNAME"),
        secret: r.parsed::<SharedSecret>(n, "AAUTHSECRET"),
        data: r.text("AAUTHDATA"),
    }
}

fn resource(n: &mut Ignored, r: &Part<'_>) -> Option<Resource<String>> {
    const PARMS: &[&str] =
        &["URI", "NAME", "AACCEPT", "AAUTHTYPE", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA", "STARTPAGE"];
    r.inner_known(n, &[]);
    let has_auth = PARMS.iter().any(|p| p.starts_with("AAUTH") && r.text(p).is_some());
    Some(Resource {
        uri: r.required(n, "URI")?,
        name: r.text("NAME"),
        accept: r.text("AACCEPT"),
        // No level stands in a RESOURCE; one that does is kept among the parameters.
        auth: has_auth.then(|| AppAuth { level: None, ..app_auth(n, r) }),
        start_page: r.flag("STARTPAGE"),
        parameters: r.others(PARMS),
    })
}

//! The DM account (APPLICATION w7).

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{
        Account,
        proof::{self, Proof, Proofs},
    },
    ident::{ServerId, SharedSecret},
    profile::HttpUrl,
};

use super::part::{Ignored, Part};

pub(super) fn account(n: &mut Ignored, r: &Part<'_>) -> Option<Account> {
    const PARMS: &[&str] = &["APPID", "PROVIDER-ID", "NAME", "TO-NAPID", "TO-PROXY", "INIT", "ADDR"];
    r.inner_known(n, &["APPADDR", "APPAUTH"]);
    let mut proofs = Proofs::default();
    r.inner("APPAUTH").iter().for_each(|part| prove(n, part, &mut proofs));
    // A client is known that takes the server's name where PROVIDER-ID is absent, and the other way round.
    let server_id = r.text("PROVIDER-ID").or_else(|| proofs.server_name().map(str::to_owned));
    let Some(server_id) = server_id.and_then(|id| id.parse::<ServerId>().ok()) else {
        n.skip(&r.place, "has no PROVIDER-ID, or one that cannot name a server");
        return None;
    };
    let Some((credentials, further_auth)) = proofs.finish(&server_id) else {
        n.skip(
            &r.place,
            "the DM account lacks an APPAUTH of level APPSRV or CLIENT with DIGEST or BASIC, AAUTHNAME and AAUTHSECRET",
        );
        return None;
    };
    let address = address(n, r)?;
    Some(Account {
        name: r.text("NAME"),
        address,
        connect_via: r.links(),
        init: r.flag("INIT"),
        acl: None,
        parameters: r.others(PARMS),
        credentials,
        further_auth,
        server_id,
    })
}

/// Adds the ways of one APPAUTH.
fn prove(n: &mut Ignored, part: &Part<'_>, proofs: &mut Proofs) {
    part.known(n, &["AAUTHLEVEL", "AAUTHTYPE", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA"], &[]);
    let Some(place) = proof::of_document_level(part.c.value("AAUTHLEVEL")) else {
        n.skip(&part.place, "its AAUTHLEVEL is not APPSRV, CLIENT or OBEX");
        return;
    };
    let Some(types) = part.required(n, "AAUTHTYPE") else { return };
    let (ways, all_known) = proof::ways(place, &types);
    if !all_known {
        n.skip(&part.place, "AAUTHTYPE has a type that is not known at its AAUTHLEVEL");
    }
    // Most write the nonce as base64; one client takes the text itself.
    let data = part.text("AAUTHDATA").map(|t| BASE64.decode(&t).unwrap_or_else(|_| t.into_bytes()));
    let proof = Proof {
        name: part.text("AAUTHNAME"),
        secret: part.parsed::<SharedSecret>(n, "AAUTHSECRET"),
        data: data.unwrap_or_default(),
    };
    if !proofs.add(place, ways, proof) {
        n.skip(&part.place, "its AAUTHLEVEL has its AAUTHTYPE more than once; only one counts");
    }
}

/// ADDR of the APPLICATION, or of its first APPADDR with the PORTNBR put behind the host where the URL has no port. An account
/// has one address here; others are named.
fn address(n: &mut Ignored, r: &Part<'_>) -> Option<String> {
    const OTHER: &str = "another address of the account; the first counts";
    let mut direct = r.c.values("ADDR").filter(|a| !a.is_empty());
    let mut parts = r.inner("APPADDR").into_iter();
    let found = match direct.next() {
        Some(address) => Some(address.to_owned()),
        None => match parts.next() {
            Some(part) => Some(with_port(n, &part)?),
            None => None,
        },
    };
    direct.for_each(|_| n.skip(&r.place, OTHER));
    parts.for_each(|part| n.skip(&part.place, OTHER));
    if found.is_none() {
        n.skip(&r.place, "has no ADDR");
    }
    found
}

fn with_port(n: &mut Ignored, part: &Part<'_>) -> Option<String> {
    part.known(n, &["ADDR", "ADDRTYPE"], &["PORT"]);
    let address = part.required(n, "ADDR")?;
    let port = part.ports::<String>(n).into_iter().next().map(|p| p.number);
    Some(match (address.parse::<HttpUrl>(), port) {
        (Ok(url), Some(port)) => url.with_port_or(port),
        _ => address,
    })
}

//! The DM account (DMAcc, OMA DM Standardized Objects 1.2).

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{
        Account,
        proof::{self, Proof, Proofs},
    },
    ident::{ServerId, SharedSecret},
    profile::{Link, NonceFormat},
    wire::tnds::{OctetFormat, Value},
};

use super::{Ignored, Links, Node, link};

pub(super) fn account(n: &mut Ignored, links: &Links, x: &Node<'_>) -> Option<(Account, NonceFormat)> {
    let server_id = x.required(n, "ServerID").and_then(|_| x.parsed::<ServerId>(n, "ServerID"))?;
    let mut addresses = x.several("AppAddr").into_iter();
    let address = addresses.next().and_then(|a| a.text("Addr"));
    addresses.for_each(|a| n.skip(&a.path, "another address of the account; the first counts"));
    let Some(address) = address else {
        n.skip(&x.path, "has no AppAddr with an Addr");
        return None;
    };
    let mut connect_via: Vec<Link> =
        x.several("ToConRef").iter().filter_map(|r| r.text("ConRef")).map(|r| link(links, &r)).collect();
    if connect_via.is_empty() {
        connect_via.extend(x.text("PrefConRef").map(|r| link(links, &r)));
    }
    let mut proofs = Proofs::default();
    let mut format = None;
    for auth in x.several("AppAuth") {
        prove(n, &auth, &mut proofs);
        format = format.or_else(|| nonce_format(&auth));
    }
    let Some((credentials, further_auth)) = proofs.finish(&server_id) else {
        n.skip(
            &x.path,
            "lacks an AppAuth of level CLCRED or SRVCRED with DIGEST or BASIC, AAuthName and AAuthSecret",
        );
        return None;
    };
    let account = Account {
        name: x.text("Name"),
        address,
        connect_via,
        credentials,
        further_auth,
        // A device opens a session with each new server as soon as it can.
        init: true,
        acl: x.acl(n),
        parameters: Vec::new(),
        server_id,
    };
    Some((account, format.unwrap_or(NonceFormat::Chr)))
}

/// Adds the way of one AppAuth.
fn prove(n: &mut Ignored, x: &Node<'_>, proofs: &mut Proofs) {
    let Some(place) = x.required(n, "AAuthLevel").and_then(|level| proof::of_tree_level(&level)) else {
        n.skip(&x.path, "its AAuthLevel is not CLCRED, SRVCRED, OBEX or HTTP");
        return;
    };
    let Some(types) = x.required(n, "AAuthType") else { return };
    let (ways, all_known) = proof::ways(place, &types);
    if !all_known {
        n.skip(&x.path, "its AAuthType is not known at its AAuthLevel");
    }
    let proof = Proof {
        name: x.text("AAuthName"),
        secret: x.parsed::<SharedSecret>(n, "AAuthSecret"),
        data: nonce(x),
    };
    if !proofs.add(place, ways, proof) {
        n.skip(&x.path, "its AAuthLevel has its AAuthType more than once; only one counts");
    }
}

/// The octets of a nonce. In `chr` old devices have base64 text; text that is not base64 is the nonce as it stands.
fn nonce(x: &Node<'_>) -> Vec<u8> {
    match x.value("AAuthData") {
        Some(Value::Text(_, text)) => BASE64.decode(text).unwrap_or_else(|_| text.clone().into_bytes()),
        Some(Value::Octets(_, octets)) => octets.clone(),
        Some(Value::Null) | None => Vec::new(),
    }
}

fn nonce_format(x: &Node<'_>) -> Option<NonceFormat> {
    match x.value("AAuthData")? {
        Value::Text(..) => Some(NonceFormat::Chr),
        Value::Octets(OctetFormat::Bin, _) => Some(NonceFormat::Bin),
        Value::Octets(OctetFormat::B64, _) => Some(NonceFormat::B64),
        Value::Null => None,
    }
}

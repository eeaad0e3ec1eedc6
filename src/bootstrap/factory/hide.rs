//! References in the place of secrets, and secrets in the place of references. A reference is `sealed:`, a number drawn
//! for the image, and a count; it stands where the secret stood and nowhere else.

use std::fmt::Write as _;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    bootstrap::Settings,
    ident::{Random, SharedSecret},
    profile::{AppAuth, Parameter},
    wire::{
        Syntax,
        prov::{Characteristic, Item, ProvDoc},
        tnds::{Content, MgmtTree, Node, Value as NodeValue},
    },
};

use super::{FactoryError, File, seal::Secrets};

/// Settings whose secrets are references, and the secrets. Nonces stay: each challenge shows the next one in clear.
pub(super) fn hide(settings: &Settings, random: &dyn Random) -> Result<(Settings, Secrets), FactoryError> {
    let mut tag = [0; 8];
    random.fill(&mut tag);
    let mut prefix = String::from("sealed:");
    for octet in tag {
        let _ = write!(prefix, "{octet:02x}");
    }
    let mut h = Hider { prefix, secrets: Secrets::new() };
    let mut out = settings.clone();
    for nap in &mut out.naps {
        for auth in &mut nap.auth {
            h.some(&mut auth.secret)?;
        }
    }
    for proxy in &mut out.proxies {
        h.some(&mut proxy.secret)?;
        if let Some(basic) = &mut proxy.basic_auth {
            h.some(&mut basic.secret)?;
        }
        for auth in &mut proxy.auth {
            h.some(&mut auth.secret)?;
        }
    }
    if let Some(account) = &mut out.dm_account {
        h.secret(&mut account.credentials.client.secret)?;
        h.secret(&mut account.credentials.server.secret)?;
        for further in &mut account.further_auth {
            h.some(&mut further.secret)?;
        }
        h.parameters(&mut account.parameters);
    }
    for application in &mut out.applications {
        for auth in &mut application.auth {
            h.auth(auth)?;
        }
        h.parameters(&mut application.parameters);
        for resource in &mut application.resources {
            if let Some(auth) = &mut resource.auth {
                h.auth(auth)?;
            }
            h.parameters(&mut resource.parameters);
        }
    }
    for vendor in &mut out.vendor_configs {
        h.parameters(&mut vendor.parameters);
    }
    Ok((out, h.secrets))
}

struct Hider {
    prefix: String,
    secrets: Secrets,
}

impl Hider {
    fn reference(&mut self, secret: &str) -> String {
        let reference = format!("{}:{}", self.prefix, self.secrets.len() + 1);
        self.secrets.insert(reference.clone(), Zeroizing::new(secret.to_owned()));
        reference
    }

    fn secret(&mut self, secret: &mut SharedSecret) -> Result<(), FactoryError> {
        *secret = self.reference(secret.expose()).parse().map_err(|_| FactoryError::Seal)?;
        Ok(())
    }

    fn some(&mut self, secret: &mut Option<SharedSecret>) -> Result<(), FactoryError> {
        secret.as_mut().map_or(Ok(()), |s| self.secret(s))
    }

    fn auth(&mut self, auth: &mut AppAuth<String>) -> Result<(), FactoryError> {
        if let Some(data) = &mut auth.data {
            *data = self.reference(data);
        }
        self.some(&mut auth.secret)
    }

    fn parameters(&mut self, parameters: &mut [Parameter]) {
        for parameter in parameters.iter_mut().filter(|p| p.is_secret()) {
            if let Some(value) = &mut parameter.value {
                *value = self.reference(value);
            }
        }
    }
}

/// A document with its secrets in it again.
pub(super) fn reveal(file: &File, secrets: &Secrets) -> Result<Vec<u8>, FactoryError> {
    let bad =
        |_| FactoryError::Unreadable { file: file.name, why: "it is not the document that it should be" };
    let again = |_| FactoryError::Seal;
    match file.name {
        super::CP_WBXML | super::CP_XML => {
            let syntax = if file.name == super::CP_WBXML { Syntax::Wbxml } else { Syntax::Xml };
            let mut document = ProvDoc::decode(syntax, &file.octets).map_err(bad)?;
            document.characteristics.iter_mut().for_each(|c| reveal_characteristic(c, secrets));
            document.encode(syntax).map_err(again)
        }
        super::TREE_XML => {
            let mut tree = MgmtTree::decode(Syntax::Xml, &file.octets).map_err(bad)?;
            tree.nodes.iter_mut().for_each(|n| reveal_node(n, secrets));
            super::tree::xml(&tree)
        }
        _ => {
            let mut value: Value = serde_json::from_slice(&file.octets)
                .map_err(|_| FactoryError::Unreadable { file: file.name, why: "it is not JSON" })?;
            reveal_json(&mut value, secrets);
            super::json(&value)
        }
    }
}

/// Recursion is bounded by the limits of the document, as below.
fn reveal_characteristic(c: &mut Characteristic, secrets: &Secrets) {
    for item in &mut c.items {
        match item {
            Item::Characteristic(inner) => reveal_characteristic(inner, secrets),
            Item::Parm(parm) => {
                if let Some(value) = &mut parm.value {
                    reveal_text(value, secrets);
                }
            }
        }
    }
}

fn reveal_node(node: &mut Node, secrets: &Secrets) {
    match &mut node.content {
        Content::Interior { nodes, .. } => nodes.iter_mut().for_each(|n| reveal_node(n, secrets)),
        Content::Leaf { value: NodeValue::Text(_, text), .. } => reveal_text(text, secrets),
        Content::Leaf { .. } => {}
    }
}

fn reveal_json(value: &mut Value, secrets: &Secrets) {
    match value {
        Value::String(text) => reveal_text(text, secrets),
        Value::Array(values) => values.iter_mut().for_each(|v| reveal_json(v, secrets)),
        Value::Object(map) => map.values_mut().for_each(|v| reveal_json(v, secrets)),
        _ => {}
    }
}

fn reveal_text(text: &mut String, secrets: &Secrets) {
    if let Some(secret) = secrets.get(text.as_str()) {
        secret.as_str().clone_into(text);
    }
}

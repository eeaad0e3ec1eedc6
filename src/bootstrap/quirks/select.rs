//! Finding characteristics in a provisioning document by the words of a rule, and naming their places: in the document,
//! and in the profile that it was made from.

use crate::wire::prov::{Characteristic, Item, Parm};

/// A characteristic and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    pub(super) c: &'a Characteristic,
    steps: Vec<Step<'a>>,
}

/// One step on the way.
#[derive(Debug, Clone)]
struct Step<'a> {
    kind: &'a str,
    /// Which of its type, from 0.
    nth: usize,
    /// For an APPLICATION, which of those that are not the DM account.
    application: usize,
    /// Its APPID, AAUTHLEVEL or NAME.
    label: Option<&'a str>,
}

/// The characteristics that `within` names.
pub(super) fn select<'a>(root: &'a Characteristic, within: &str) -> Vec<Found<'a>> {
    let mut found = vec![Found { c: root, steps: Vec::new() }];
    for word in within.split('/').filter(|w| !w.is_empty()) {
        found = found.iter().flat_map(|f| f.inner(word)).collect();
    }
    found
}

/// What tells characteristics of one type apart.
fn label(c: &Characteristic) -> Option<&str> {
    c.value(match c.kind.as_str() {
        "APPLICATION" => "APPID",
        "APPAUTH" => "AAUTHLEVEL",
        _ => "NAME",
    })
}

impl<'a> Found<'a> {
    /// The characteristics directly in this one that a word names: `TYPE` or `TYPE=LABEL`.
    fn inner(&self, word: &str) -> Vec<Self> {
        let (kind, wanted) = word.split_once('=').map_or((word, None), |(k, l)| (k, Some(l)));
        let mut out = Vec::new();
        let (mut nth, mut application) = (0, 0);
        for item in &self.c.items {
            let Item::Characteristic(c) = item else { continue };
            if c.kind != kind {
                continue;
            }
            let label = label(c);
            if wanted.is_none() || wanted == label {
                let mut steps = self.steps.clone();
                steps.push(Step { kind: &c.kind, nth, application, label });
                out.push(Self { c, steps });
            }
            nth += 1;
            application += usize::from(label != Some("w7"));
        }
        out
    }

    /// The parameters of that name.
    pub(super) fn parms<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a Parm> + use<'a, 'n> {
        self.c.parms().filter(move |p| p.name == name)
    }

    /// The values of the parameters of that name.
    pub(super) fn values<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.parms(name).map(|p| p.value.as_deref().unwrap_or(""))
    }

    /// True when a parameter of that name, or characteristics that the word names, stand in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parms(name).next().is_some() || !select(self.c, name).is_empty()
    }

    /// The same, and a parameter has something to say: it is no empty text.
    pub(super) fn says(&self, name: &str) -> bool {
        match self.parms(name).next() {
            Some(p) => p.value.as_deref() != Some(""),
            None => !select(self.c, name).is_empty(),
        }
    }

    /// Its place in the document, and that of a parameter in it.
    pub(super) fn place(&self, name: &str) -> String {
        let steps = self.steps.iter().map(|s| match s.label.filter(|_| s.kind.starts_with("APP")) {
            Some(label) => format!("{}={label}", s.kind),
            None => format!("{}[{}]", s.kind, s.nth + 1),
        });
        let mut parts: Vec<String> = steps.collect();
        if !name.is_empty() {
            parts.push(name.to_owned());
        }
        if parts.is_empty() { "document".to_owned() } else { parts.join("/") }
    }

    /// The place in the profile that such a document is made from.
    pub(super) fn path(&self, name: &str) -> String {
        let mut path = String::new();
        for step in &self.steps {
            let Step { kind, nth, application, label } = step;
            path += &match (*kind, *label) {
                ("BOOTSTRAP", _) => "bootstrap".to_owned(),
                ("NAPDEF", _) => format!("nap[{nth}]"),
                ("PXLOGICAL", _) => format!("proxy[{nth}]"),
                ("APPLICATION", Some("w7")) => "dm-account".to_owned(),
                ("APPLICATION", _) => format!("application[{application}]"),
                ("PXPHYSICAL", _) => format!(".physical[{nth}]"),
                ("NAPAUTHINFO" | "PXAUTHINFO", _) => format!(".auth[{nth}]"),
                ("RESOURCE", _) => format!(".resource[{nth}]"),
                ("PORT", _) => ".ports".to_owned(),
                // Ours has client-auth and server-auth first.
                ("APPAUTH", _) if path == "dm-account" && *nth > 1 => format!(".further-auth[{}]", nth - 2),
                ("APPAUTH", Some("APPSRV")) => ".client-auth".to_owned(),
                ("APPAUTH", Some("CLIENT")) => ".server-auth".to_owned(),
                _ => String::new(),
            };
        }
        match key(name, self.steps.first().map_or("", |s| s.kind), path == "dm-account") {
            Some(key) => format!("{path}.{key}"),
            None => path,
        }
    }
}

/// The key of a profile that a parameter is made from.
fn key(name: &str, kind: &str, is_account: bool) -> Option<&'static str> {
    Some(match name {
        "PROXY-ID" if kind == "BOOTSTRAP" => "proxies",
        "NAPID" | "PROXY-ID" | "PHYSICAL-PROXY-ID" | "APPID" => "id",
        "PROVIDER-ID" if is_account => "server-id",
        "PROVIDER-ID" => "provider-id",
        "NAME" | "AAUTHNAME" | "AUTHNAME" | "PXAUTH-ID" => "name",
        "AAUTHSECRET" | "AUTHSECRET" | "PXAUTH-PW" => "secret",
        "AAUTHTYPE" | "AUTHTYPE" | "PXAUTH-TYPE" => "type",
        "ADDR" | "NAP-ADDRESS" | "PXADDR" => "address",
        "NAP-ADDRTYPE" | "PXADDRTYPE" => "address-type",
        "TO-NAPID" | "TO-PROXY" => "connect-via",
        "PROVURL" => "prov-url",
        "CONTEXT-ALLOW" => "context-allow",
        "BEARER" => "bearers",
        "INTERNET" => "internet",
        "DNS-ADDR" => "dns",
        "LINGER" => "linger",
        "DOMAIN" => "domains",
        "STARTPAGE" => "start-page",
        "PUSHENABLED" => "push",
        "URI" => "uri",
        "INIT" => "init",
        _ => return None,
    })
}

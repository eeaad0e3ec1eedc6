//! What the parts of a provisioning document mean for each other: references, identifiers, conditions (the semantic
//! rules of the sheet, section 2.1, as a client in the field executes them).

use std::collections::HashSet;

use crate::wire::prov::{Characteristic, Item};

use super::{
    finding::{Finding, Rule},
    rules::{self, Numbered},
};

/// TO-NAPID with this value means every NAPDEF that carries the INTERNET flag.
pub(super) const INTERNET: &str = "INTERNET";

/// The most octets of PROVURL that clients take.
const PROVURL_LIMIT: usize = 256;

/// The characteristics that mean something, in order.
pub(super) fn keep_meaningful(root: Vec<Numbered>, findings: &mut Vec<Finding>) -> Vec<Characteristic> {
    let mut kept: Vec<Characteristic> = Vec::new();
    let mut pass = Pass { findings, place: String::new() };
    // Access points first: proxies and applications refer to them.
    let naps = pass.naps(&root);
    let proxies = pass.proxies(&root, &naps);
    let of = |all: &[Numbered], n: usize| all.iter().find(|(at, _)| *at == n).map(|(_, c)| c.clone());
    let mut rules = HashSet::new();
    let mut applications = HashSet::new();
    for (n, characteristic) in root {
        pass.place = format!("{} {n}", characteristic.kind);
        match characteristic.kind.as_str() {
            "NAPDEF" => kept.extend(of(&naps, n)),
            "PXLOGICAL" => kept.extend(of(&proxies, n)),
            "BOOTSTRAP" => kept.push(pass.bootstrap(characteristic)),
            "ACCESS" => kept.extend(pass.access(characteristic, &naps, &proxies, &mut rules)),
            "APPLICATION" => {
                kept.extend(pass.application(characteristic, &naps, &proxies, &mut applications))
            }
            _ => kept.push(characteristic),
        }
    }
    kept
}

struct Pass<'f> {
    findings: &'f mut Vec<Finding>,
    place: String,
}

impl Pass<'_> {
    fn find(&mut self, rule: Rule) {
        self.findings.push(Finding { place: self.place.clone(), rule });
    }

    fn naps(&mut self, root: &[Numbered]) -> Vec<Numbered> {
        let mut kept: Vec<Numbered> = Vec::new();
        for (n, nap) in root.iter().filter(|(_, c)| c.kind == "NAPDEF") {
            self.place = format!("NAPDEF {n}");
            if kept.iter().any(|(_, k)| k.value("NAPID") == nap.value("NAPID")) {
                self.find(Rule::Doubled { name: "NAPID" });
                continue;
            }
            let mut nap = nap.clone();
            for item in &mut nap.items {
                if let Item::Characteristic(validity) = item
                    && validity.kind == "VALIDITY"
                {
                    self.needs(validity, "NETWORK", "COUNTRY");
                    self.needs(validity, "SID", "SOC");
                }
            }
            kept.push((*n, nap));
        }
        kept
    }

    fn proxies(&mut self, root: &[Numbered], naps: &[Numbered]) -> Vec<Numbered> {
        let mut merged: Vec<Numbered> = Vec::new();
        for (n, proxy) in root.iter().filter(|(_, c)| c.kind == "PXLOGICAL") {
            self.place = format!("PXLOGICAL {n}");
            match merged.iter_mut().find(|(_, k)| k.value("PROXY-ID") == proxy.value("PROXY-ID")) {
                Some((_, first)) => {
                    merge(first, proxy);
                    self.find(Rule::Merged { name: "PROXY-ID" });
                }
                None => merged.push((*n, proxy.clone())),
            }
        }
        merged.into_iter().filter_map(|(n, proxy)| Some((n, self.proxy(n, proxy, naps)?))).collect()
    }

    fn proxy(&mut self, n: usize, mut proxy: Characteristic, naps: &[Numbered]) -> Option<Characteristic> {
        self.place = format!("PXLOGICAL {n}");
        self.at_most_four_domains(&mut proxy);
        self.first_only(&mut proxy, "PXAUTHINFO", "PXAUTH-TYPE");
        self.ports(&mut proxy);
        let mut physical: Vec<Characteristic> = Vec::new();
        for (p, from) in proxy.inner("PXPHYSICAL").enumerate() {
            self.place = format!("PXLOGICAL {n} / PXPHYSICAL {}", p + 1);
            let id = from.value("PHYSICAL-PROXY-ID");
            match physical.iter_mut().find(|k| k.value("PHYSICAL-PROXY-ID") == id) {
                Some(first) => {
                    merge(first, from);
                    self.find(Rule::Merged { name: "PHYSICAL-PROXY-ID" });
                }
                None => physical.push(from.clone()),
            }
        }
        proxy.items.retain(|i| !matches!(i, Item::Characteristic(c) if c.kind == "PXPHYSICAL"));
        for (p, mut physical) in physical.into_iter().enumerate() {
            self.place = format!("PXLOGICAL {n} / PXPHYSICAL {}", p + 1);
            self.at_most_four_domains(&mut physical);
            self.ports(&mut physical);
            self.references(&mut physical, naps, &[]);
            if physical.value("TO-NAPID").is_some() {
                proxy.items.push(Item::Characteristic(physical));
            } else {
                self.find(Rule::Unreachable);
            }
        }
        self.place = format!("PXLOGICAL {n}");
        if proxy.inner("PXPHYSICAL").next().is_none() {
            self.find(Rule::MissingCharacteristic { kind: "PXPHYSICAL" });
            return None;
        }
        Some(proxy)
    }

    fn bootstrap(&mut self, mut c: Characteristic) -> Characteristic {
        if c.value("PROVURL").is_some_and(|url| url.len() > PROVURL_LIMIT || host_of(url).is_none()) {
            self.find(Rule::BadValue { name: "PROVURL", expected: "a URL of at most 256 octets" });
            drop_parm(&mut c, "PROVURL");
        }
        if c.value("PROVURL").is_some() {
            for name in ["COUNTRY", "NETWORK"] {
                if c.value(name).is_some() {
                    self.find(Rule::NotBeside { name, other: "PROVURL" });
                    drop_parm(&mut c, name);
                }
            }
            if c.value("CONTEXT-ALLOW").is_some_and(|v| v.trim().parse::<u8>().is_err()) {
                self.find(Rule::BadValue { name: "CONTEXT-ALLOW", expected: "a number from 0 to 255" });
                drop_parm(&mut c, "CONTEXT-ALLOW");
            }
        } else {
            self.needs(&mut c, "NETWORK", "COUNTRY");
        }
        c
    }

    fn access(
        &mut self,
        mut c: Characteristic,
        naps: &[Numbered],
        proxies: &[Numbered],
        rules: &mut HashSet<String>,
    ) -> Option<Characteristic> {
        let rank = |name: &str| match name {
            "RULE" => 0,
            "TO-NAPID" | "TO-PROXY" => 2,
            _ => 1,
        };
        if !c.parms().map(|p| rank(&p.name)).is_sorted() {
            self.find(Rule::AccessOrder);
            return None;
        }
        if c.values("PORTNBR").any(|v| port(v).is_none()) {
            self.find(Rule::BadValue { name: "PORTNBR", expected: "a port number" });
            c.items.retain(|i| !matches!(i, Item::Parm(p) if p.name == "PORTNBR" && port_of(p).is_none()));
        }
        if c.values("RULE").any(|rule| !rules.insert(rule.to_owned())) {
            self.find(Rule::Doubled { name: "RULE" });
            return None;
        }
        self.references(&mut c, naps, proxies);
        Some(c)
    }

    fn application(
        &mut self,
        mut c: Characteristic,
        naps: &[Numbered],
        proxies: &[Numbered],
        before: &mut HashSet<(String, String)>,
    ) -> Option<Characteristic> {
        let appid = c.value("APPID").unwrap_or_default().to_owned();
        let address =
            c.value("ADDR").is_some_and(|a| !a.trim().is_empty()) || c.inner("APPADDR").next().is_some();
        let port = c.inner("APPADDR").any(|a| a.inner("PORT").next().is_some());
        // ADDR may stand any number of times (ProvCont 1.1), and the registrations of 554, ap2001 and others have none; one
        // client that was read asks for it in all but w2.
        let lacks = match appid.as_str() {
            "w4" | "w5" | "w7" | "wA" | "wa" | "25" | "110" | "143" if !address => Some("ADDR or APPADDR"),
            "w7" => c.value("PROVIDER-ID").is_none_or(|p| p.trim().is_empty()).then_some("PROVIDER-ID"),
            "25" if c.value("FROM").is_none() => Some("FROM"),
            "25" | "110" | "143" => (!port).then_some("PORT"),
            "w5" => {
                c.inner("RESOURCE").all(|r| r.value("AACCEPT").is_none()).then_some("a RESOURCE with AACCEPT")
            }
            "wA" | "wa" => c.value("AACCEPT").is_none().then_some("AACCEPT"),
            _ => None,
        };
        if let Some(needs) = lacks {
            self.find(Rule::ApplicationNeeds { appid, needs });
            return None;
        }
        let whole = self.place.clone();
        let inner =
            c.items.iter_mut().filter_map(|i| if let Item::Characteristic(c) = i { Some(c) } else { None });
        for (n, address) in inner.filter(|c| c.kind == "APPADDR").enumerate() {
            self.place = format!("{whole} / APPADDR {}", n + 1);
            self.ports(address);
        }
        self.place = whole;
        // What makes two accounts of one kind the same is not said beyond "identity".
        let identity =
            ["PROVIDER-ID", "ADDR", "NAME"].into_iter().find_map(|name| c.value(name)).unwrap_or_default();
        if !before.insert((appid, identity.to_owned())) {
            self.find(Rule::DoubledApplication);
            return None;
        }
        self.references(&mut c, naps, proxies);
        Some(c)
    }

    /// Drops TO-NAPID and TO-PROXY that lead nowhere.
    fn references(&mut self, c: &mut Characteristic, naps: &[Numbered], proxies: &[Numbered]) {
        let is = |all: &[Numbered], id: &str, to: &str| all.iter().any(|(_, c)| c.value(id) == Some(to));
        let mut lost = Vec::new();
        c.items.retain(|item| {
            let Item::Parm(parm) = item else { return true };
            let to = parm.value.as_deref().unwrap_or_default();
            let (name, found) = match parm.name.as_str() {
                "TO-NAPID" => ("TO-NAPID", to == INTERNET || is(naps, "NAPID", to)),
                "TO-PROXY" => ("TO-PROXY", is(proxies, "PROXY-ID", to)),
                _ => return true,
            };
            if !found {
                lost.push(Rule::Unresolved { name, to: to.to_owned() });
            }
            found
        });
        lost.into_iter().for_each(|rule| self.find(rule));
    }

    fn needs(&mut self, c: &mut Characteristic, name: &'static str, other: &'static str) {
        if c.value(name).is_some() && c.value(other).is_none() {
            self.find(Rule::Needs { name, other });
            drop_parm(c, name);
        }
    }

    fn at_most_four_domains(&mut self, c: &mut Characteristic) {
        const LIMIT: usize = 4;
        let mut seen = 0;
        c.items.retain(|i| {
            seen += usize::from(matches!(i, Item::Parm(p) if p.name == "DOMAIN"));
            seen <= LIMIT || !matches!(i, Item::Parm(p) if p.name == "DOMAIN")
        });
        if seen > LIMIT {
            self.find(Rule::TooMany { name: "DOMAIN", limit: LIMIT });
        }
    }

    /// Drops ports that are none, and all but the first of those with the same number.
    fn ports(&mut self, c: &mut Characteristic) {
        let bad = c.inner("PORT").any(|p| p.value("PORTNBR").and_then(port).is_none());
        if bad {
            self.find(Rule::BadValue { name: "PORTNBR", expected: "a port number" });
            c.items.retain(|i| {
                !matches!(i, Item::Characteristic(p) if p.kind == "PORT" && p.value("PORTNBR").and_then(port).is_none())
            });
        }
        self.first_only(c, "PORT", "PORTNBR");
    }

    fn first_only(&mut self, c: &mut Characteristic, kind: &str, id: &'static str) {
        let mut seen = HashSet::new();
        let before = c.items.len();
        c.items.retain(|i| match i {
            Item::Characteristic(inner) if inner.kind == kind => {
                seen.insert(inner.value(id).unwrap_or_default().to_owned())
            }
            _ => true,
        });
        if c.items.len() < before {
            self.find(Rule::Doubled { name: id });
        }
    }
}

/// Puts what is in a second characteristic with the same identifier behind what is in the first; of parameters that
/// may stand once the first counts.
fn merge(first: &mut Characteristic, second: &Characteristic) {
    let repeats = |kind: &str, name: &str| rules::shape(kind).is_some_and(|s| s.repeats(name));
    for item in &second.items {
        let keep = match item {
            Item::Parm(p) => repeats(&first.kind, &p.name) || first.value(&p.name).is_none(),
            Item::Characteristic(_) => true,
        };
        if keep {
            first.items.push(item.clone());
        }
    }
}

fn drop_parm(c: &mut Characteristic, name: &str) {
    c.items.retain(|i| !matches!(i, Item::Parm(p) if p.name == name));
}

fn port(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|p| *p != 0)
}

fn port_of(parm: &crate::wire::prov::Parm) -> Option<u16> {
    parm.value.as_deref().and_then(port)
}

/// The host part of PROVURL in lower case; `http://` is assumed where no scheme stands.
pub(super) fn host_of(url: &str) -> Option<String> {
    let rest = url.trim().split_once("://").map_or(url.trim(), |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty() && !host.contains(char::is_whitespace)).then(|| host.to_ascii_lowercase())
}

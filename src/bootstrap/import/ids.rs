//! The ids of a document as a profile can have them: without '/', '?' and white space, and each only once.

use crate::wire::prov::ProvDoc;

use super::{document::is_internet, draft::quoted, part::Part};

/// The ids of a document, old and new, in its order.
#[derive(Default)]
pub(super) struct Ids {
    naps: Vec<(String, String)>,
    proxies: Vec<(String, String)>,
    physical: Vec<Vec<String>>,
    used: Vec<String>,
    internet: bool,
}

impl Ids {
    pub(super) fn of(document: &ProvDoc, losses: &mut Vec<String>) -> Self {
        let mut ids = Self::default();
        for c in document.characteristics.iter().filter(|c| c.kind == "NAPDEF") {
            let old = c.value("NAPID").unwrap_or("");
            let new = ids.fresh(old, "nap", "NAPID", losses);
            ids.naps.push((old.to_owned(), new));
            ids.internet |= c.value("INTERNET").is_some();
        }
        for c in document.characteristics.iter().filter(|c| c.kind == "PXLOGICAL") {
            let old = c.value("PROXY-ID").unwrap_or("");
            let new = ids.fresh(old, "proxy", "PROXY-ID", losses);
            ids.proxies.push((old.to_owned(), new));
        }
        for c in document.characteristics.iter().filter(|c| c.kind == "PXLOGICAL") {
            let mut inner = Vec::new();
            for p in c.inner("PXPHYSICAL") {
                let old = p.value("PHYSICAL-PROXY-ID").unwrap_or("");
                inner.push(ids.fresh(old, "physical", "PHYSICAL-PROXY-ID", losses));
            }
            ids.physical.push(inner);
        }
        ids
    }

    /// An id that a profile can have, as near to the old one as may be.
    fn fresh(&mut self, old: &str, empty: &str, parameter: &str, losses: &mut Vec<String>) -> String {
        let good =
            |c: char| if c == '/' || c == '?' || c.is_whitespace() || c.is_control() { '-' } else { c };
        let mut base: String = old.chars().take(120).map(good).collect();
        if base.is_empty() {
            base = empty.to_owned();
        }
        if is_internet(&base) || base.chars().all(|c| c == '.') {
            base.push_str("-1");
        }
        let mut new = base.clone();
        let mut count = 1;
        while self.used.contains(&new) {
            count += 1;
            new = format!("{base}-{count}");
        }
        if new != old {
            losses.push(format!(
                "{parameter}: an id that a profile cannot have, or not twice, became \"{new}\""
            ));
        }
        self.used.push(new.clone());
        new
    }

    pub(super) fn nap_at(&self, nth: usize) -> &str {
        self.naps.get(nth).map_or("", |(_, new)| new)
    }

    pub(super) fn proxy_at(&self, nth: usize) -> &str {
        self.proxies.get(nth).map_or("", |(_, new)| new)
    }

    pub(super) fn physical_at(&self, proxy: usize, nth: usize) -> &str {
        self.physical.get(proxy).and_then(|p| p.get(nth)).map_or("", String::as_str)
    }

    /// A reference to a proxy as TOML; none, and named, when it leads nowhere.
    pub(super) fn proxy(&self, id: &str, place: &str, losses: &mut Vec<String>) -> Option<String> {
        let found = self.proxies.iter().find(|(old, _)| old == id);
        if found.is_none() {
            losses.push(format!("{place}: a reference to a proxy that the document does not have"));
        }
        found.map(|(_, new)| quoted(new))
    }

    /// TO-NAPID and TO-PROXY as TOML, in the order of the document, each once.
    pub(super) fn links(&self, p: &mut Part<'_>, losses: &mut Vec<String>) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        // Both are taken here, one after the other in the order of the document.
        p.all("TO-NAPID");
        p.all("TO-PROXY");
        for parm in p.c.parms() {
            let id = parm.value.as_deref().unwrap_or("");
            let link = match parm.name.as_str() {
                "TO-NAPID" if is_internet(id) && self.internet => Some(quoted(id)),
                "TO-NAPID" => {
                    let found = self.naps.iter().find(|(old, _)| old == id);
                    if found.is_none() {
                        losses.push(format!(
                            "{}/TO-NAPID: leads to an access point that the document does not have",
                            p.place
                        ));
                    }
                    found.map(|(_, new)| quoted(new))
                }
                "TO-PROXY" => self.proxy(id, &format!("{}/TO-PROXY", p.place), losses),
                _ => None,
            };
            out.extend(link.filter(|l| !out.contains(l)));
        }
        out
    }
}

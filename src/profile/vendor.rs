//! `[[vendor-config]]` and `[[access]]`: what only one maker's devices read, and which access an application takes that
//! names none (`VENDORCONFIG` and `ACCESS` of OMA ProvCont 1.1, sections 4.10 and 4.11; section numbers remembered).

use super::{
    link::{Ids, Link},
    nap::MAX_ID,
    parameter::{self, Parameter},
    problem::ProblemKind,
    proxy,
    walk::{Notes, Section},
};

/// `VENDORCONFIG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorConfig {
    /// `NAME`: whose it is.
    pub name: String,
    /// What the vendor defined.
    pub parameters: Vec<Parameter>,
}

/// `ACCESS`: applications without a `connect-via` of their own take that of the first rule that they fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `RULE`: its names, one or more; each stands once in a document.
    pub rules: Vec<String>,
    /// `APPID` that it is for; none means all.
    pub app_ids: Vec<String>,
    /// `PORTNBR` that it is for.
    pub ports: Vec<u16>,
    /// `DOMAIN` that it is for.
    pub domains: Vec<String>,
    /// `TO-NAPID`, `TO-PROXY`, best first.
    pub connect_via: Vec<Link>,
}

/// Keys of `[[vendor-config]]`.
pub(super) const VENDOR_KEYS: &[&str] = &["name", "parameters"];
/// Keys of `[[access]]`.
pub(super) const ACCESS_KEYS: &[&str] = &["rules", "app-ids", "ports", "domains", "connect-via"];

/// Reads one `[[vendor-config]]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<VendorConfig> {
    let name = s.require(n, "name", "the name of the vendor").and_then(|v| n.text(&v, MAX_ID, "a name"));
    let taken = &[("NAME", "name")];
    let parameters = s.optional("parameters").map_or_else(Vec::new, |v| parameter::read(n, &v, taken));
    Some(VendorConfig { name: name?, parameters })
}

/// Reads one `[[access]]`. `rules` are the names of those above it.
pub(super) fn read_access<'i>(
    n: &mut Notes<'i>,
    s: &Section<'_, 'i>,
    ids: &Ids,
    above: &mut Vec<String>,
) -> Option<Access> {
    let rules = s.require(n, "rules", "the names of one or more rules").map(|v| {
        if v.is_empty_array() {
            n.at(&v, ProblemKind::Empty { key: v.key.clone(), expected: "the name of one or more rules" });
        }
        let mut rules = Vec::new();
        for entry in n.list(&v, usize::MAX, "an array of names") {
            let Some(rule) = n.text(&entry, MAX_ID, "a name") else { continue };
            // Devices want the names to be unique in the document.
            if above.contains(&rule) {
                n.at(&entry, ProblemKind::DoubledEntry { key: v.key.clone(), value: rule });
            } else {
                above.push(rule.clone());
                rules.push(rule);
            }
        }
        rules
    });
    let app_ids = s.optional("app-ids").map_or_else(Vec::new, |v| {
        let entries = n.list(&v, usize::MAX, "an array of application ids");
        entries.iter().filter_map(|e| n.text(e, MAX_ID, "an application id")).collect()
    });
    let ports = s.optional("ports").map_or_else(Vec::new, |v| {
        let entries = n.list(&v, usize::MAX, "an array of port numbers");
        entries.iter().filter_map(|e| n.port(e)).collect()
    });
    let domains = s.optional("domains").map_or_else(Vec::new, |v| proxy::read_domains(n, &v, usize::MAX));
    let connect_via = s.optional("connect-via").map_or_else(Vec::new, |v| ids.links(n, &v));
    Some(Access { rules: rules?, app_ids, ports, domains, connect_via })
}

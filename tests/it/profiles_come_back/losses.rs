//! What the names of losses mean: each takes out of settings just what it names. A name that is not known here, or that
//! takes nothing out, fails.

use bootgate::{
    bootstrap::{PayloadKind, Settings},
    profile::{CpVersion, Link, NapDef, NapTuning, PxLogical},
};

/// What is left of settings without what is named.
pub fn without(mut settings: Settings, losses: &[String]) -> Settings {
    for loss in losses {
        let before = settings.clone();
        let (object, what) = loss.split_once(": ").unwrap_or_else(|| panic!("{loss}"));
        if let Some(id) = object.strip_prefix("nap ") {
            let nap = settings.naps.iter_mut().find(|n| n.id == id);
            without_of_nap(nap.unwrap_or_else(|| panic!("{loss}")), what);
        } else if let Some(id) = object.strip_prefix("proxy ") {
            let proxy = settings.proxies.iter_mut().find(|p| p.id == id);
            without_of_proxy(proxy.unwrap_or_else(|| panic!("{loss}")), what);
        } else if let Some(rules) = object.strip_prefix("access ") {
            let at = settings.access.iter().position(|a| a.rules.join(", ") == rules);
            settings.access.remove(at.unwrap_or_else(|| panic!("{loss}")));
        } else if let Some(name) = object.strip_prefix("vendor-config ") {
            let at = settings.vendor_configs.iter().position(|v| v.name == name);
            settings.vendor_configs.remove(at.unwrap_or_else(|| panic!("{loss}")));
        } else if object.starts_with("application ") {
            // Names may hold anything: the first whose whole name it is.
            let named = |a: &_| {
                let a: &bootgate::profile::Application<String> = a;
                let name = a.name.as_deref().unwrap_or("without a name");
                loss.starts_with(&format!("application {} ({name}): ", a.kind))
            };
            let at = settings.applications.iter().position(named).unwrap_or_else(|| panic!("{loss}"));
            settings.applications.remove(at);
        } else {
            without_of_rest(&mut settings, loss, object, what);
        }
        assert!(settings != before, "it is named as lost and was not there: {loss}");
    }
    settings
}

fn without_of_rest(settings: &mut Settings, loss: &str, object: &str, what: &str) {
    match object {
        "[bootstrap]" => settings.bootstraps.clear(),
        "client-id" => settings.client_id = None,
        "dm-account" => {
            let account = settings.dm_account.as_mut().unwrap();
            match what {
                what if what.starts_with("its acl; ") => account.acl = None,
                what if what.starts_with("`init = false`; ") => account.init = true,
                what if what.starts_with("the parameters ") => account.parameters.clear(),
                _ => panic!("{loss}"),
            }
        }
        _ => panic!("{loss}"),
    }
}

fn without_of_nap(nap: &mut NapDef<String>, what: &str) {
    match what {
        what if what.starts_with("its acl; ") => nap.acl = None,
        "the internet flag; references to INTERNET name the first such access point" => {
            // The references are followed in `same_thing`, which still has to know where they lead.
            nap.internet = false;
            nap.name = format!("{}{FLAGGED}", nap.name);
        }
        "all bearers but the first" => nap.bearers.truncate(1),
        "all ways of authentication but the first" => nap.auth.truncate(1),
        "call type, speeds, quality of service and Mobile IP timing" => {
            nap.tuning = NapTuning { local_address: nap.tuning.local_address, ..NapTuning::default() };
        }
        "where it may be used (validity)" => nap.validity.clear(),
        _ => panic!("nap: {what}"),
    }
}

/// Marks an access point whose flag is lost; no name ends so.
const FLAGGED: &str = "\u{0}INTERNET";

fn without_of_proxy(proxy: &mut PxLogical<String>, what: &str) {
    match what {
        what if what.starts_with("its acl; ") => proxy.acl = None,
        "its domains" => proxy.domains.clear(),
        "its start page" => proxy.start_page = None,
        "whether it pushes and is pulled from" => (proxy.push, proxy.pull) = (None, None),
        "how it proves itself" => (proxy.secret, proxy.ppg_auth) = (None, None),
        "name and secret for its start page" => proxy.basic_auth = None,
        "its provider" => proxy.provider_id = None,
        "that it is trusted or the master" => (proxy.trust, proxy.master) = (false, false),
        "its version of WSP" => proxy.wsp_version = None,
        "its authentication" => proxy.auth.clear(),
        "all physical proxies but the first" => proxy.physical.truncate(1),
        "name, domains, version of WSP and switches of its physical proxy" => {
            for physical in &mut proxy.physical {
                physical.fqdn = None;
                physical.domains.clear();
                physical.wsp_version = None;
                (physical.push, physical.pull) = (None, None);
            }
        }
        _ => panic!("proxy: {what}"),
    }
}

/// The same settings in the form in which a payload has them: nothing that a device does is different.
pub fn same_thing(kind: PayloadKind, mut settings: Settings) -> Settings {
    // A table without entries says nothing.
    for resource in settings.applications.iter_mut().flat_map(|a| &mut a.resources) {
        let says = resource.auth.as_ref().is_some_and(|a| {
            a.scheme.is_some() || a.name.is_some() || a.secret.is_some() || a.data.is_some()
        });
        if !says {
            resource.auth = None;
        }
    }
    if kind == PayloadKind::Cp {
        return settings;
    }
    // A DM message has a version of its own.
    settings.cp_version = CpVersion::V1_0;
    let flagged =
        settings.naps.iter().find(|n| n.internet || n.name.ends_with(FLAGGED)).map(|n| n.id.clone());
    for nap in &mut settings.naps {
        if let Some(name) = nap.name.strip_suffix(FLAGGED) {
            nap.name = name.to_owned();
        }
        // Addresses of each family are a list of their own.
        nap.dns.sort_by_key(std::net::IpAddr::is_ipv6);
    }
    let follow = |links: &mut Vec<Link>| {
        let mut once: Vec<Link> = Vec::new();
        for link in links.drain(..) {
            let link = match (link, &flagged) {
                (Link::Internet, Some(id)) => Link::Nap(id.clone()),
                (link, _) => link,
            };
            if !once.contains(&link) {
                once.push(link);
            }
        }
        *links = once;
    };
    settings.dm_account.iter_mut().for_each(|a| follow(&mut a.connect_via));
    for proxy in &mut settings.proxies {
        // The object is logical and physical proxy in one: it has one id, and one list of ports.
        let shared = std::mem::take(&mut proxy.ports);
        for physical in &mut proxy.physical {
            follow(&mut physical.connect_via);
            physical.id.clone_from(&proxy.id);
            for port in &shared {
                if physical.ports.iter().all(|p| p.number != port.number) {
                    physical.ports.push(port.clone());
                }
            }
        }
    }
    settings
}

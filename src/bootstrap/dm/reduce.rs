//! What is left of settings when they go into management objects.

use core::net::IpAddr;

use crate::{
    bootstrap::Settings,
    profile::{Link, NapDef, Port, PxLogical},
};

/// The settings that management objects can carry, and the names of what they cannot.
pub(super) fn reduce(settings: &Settings) -> (Settings, Vec<String>) {
    let mut losses = Vec::new();
    let mut lose = |what: String| losses.push(what);
    let mut out = settings.clone();

    if out.bootstrap.take().is_some() {
        lose("[bootstrap]: a DM bootstrap has no provisioning context".into());
    }
    for application in out.applications.drain(..) {
        let name = application.name.as_deref().unwrap_or("without a name");
        lose(format!("application {} ({name}): no management object for it", application.kind));
    }
    // A device opens a session with each new server as soon as it can, so there is no node that asks for it.
    if let Some(account) = &mut out.dm_account
        && !account.init
    {
        lose("dm-account: `init = false`; a device opens a session with a new server anyway".into());
        account.init = true;
    }

    let internet = settings.naps.iter().find(|n| n.internet).map(|n| n.id.clone());
    let resolve = |links: &mut Vec<Link>| {
        let found = |link: Link| match (link, &internet) {
            (Link::Internet, Some(id)) => Some(Link::Nap(id.clone())),
            (Link::Internet, None) => None,
            (link, _) => Some(link),
        };
        let mut once: Vec<Link> = Vec::new();
        for link in links.drain(..).filter_map(found) {
            if !once.contains(&link) {
                once.push(link);
            }
        }
        *links = once;
    };
    if let Some(account) = &mut out.dm_account {
        resolve(&mut account.connect_via);
    }
    for proxy in &mut out.proxies {
        reduce_proxy(proxy, &mut losses);
        proxy.physical.iter_mut().for_each(|p| resolve(&mut p.connect_via));
    }
    for nap in &mut out.naps {
        reduce_nap(nap, &mut losses);
    }
    (out, losses)
}

fn reduce_nap(nap: &mut NapDef<String>, losses: &mut Vec<String>) {
    let mut lose = |what: &str| losses.push(format!("nap {}: {what}", nap.id));
    if nap.internet {
        nap.internet = false;
        lose("the internet flag; references to INTERNET name the first such access point");
    }
    if nap.bearers.len() > 1 {
        nap.bearers.truncate(1);
        lose("all bearers but the first");
    }
    if nap.auth.len() > 1 {
        nap.auth.truncate(1);
        lose("all ways of authentication but the first");
    }
    // The addresses of each family have their own node, so the two families do not keep an order between them.
    nap.dns.sort_by_key(IpAddr::is_ipv6);
}

fn reduce_proxy(proxy: &mut PxLogical<String>, losses: &mut Vec<String>) {
    let mut lose = |what: &str| losses.push(format!("proxy {}: {what}", proxy.id));
    if !proxy.domains.is_empty() {
        proxy.domains.clear();
        lose("its domains");
    }
    if proxy.start_page.take().is_some() {
        lose("its start page");
    }
    if proxy.push.take().is_some() {
        lose("whether it pushes");
    }
    if !proxy.auth.is_empty() {
        proxy.auth.clear();
        lose("its authentication");
    }
    if proxy.physical.len() > 1 {
        proxy.physical.truncate(1);
        lose("all physical proxies but the first");
    }
    // The object is logical and physical proxy in one: it has one id and one list of ports.
    let shared: Vec<Port> = proxy.ports.drain(..).collect();
    for physical in &mut proxy.physical {
        physical.id.clone_from(&proxy.id);
        for port in &shared {
            if physical.ports.iter().all(|p| p.number != port.number) {
                physical.ports.push(port.clone());
            }
        }
    }
}

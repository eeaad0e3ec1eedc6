//! What is left of settings when they go into management objects.

use core::net::IpAddr;

use crate::{
    bootstrap::Settings,
    profile::{CpVersion, DmEncoding, Link, NapDef, NapTuning, NonceFormat, Port, PxLogical},
};

/// The settings that management objects can carry, and the names of what they cannot.
pub(super) fn reduce(settings: &Settings) -> (Settings, Vec<String>) {
    let mut losses = Vec::new();
    let mut lose = |what: String| losses.push(what);
    let mut out = settings.clone();

    // A DM message has a version of its own.
    out.cp_version = CpVersion::V1_0;
    if !out.bootstraps.is_empty() {
        out.bootstraps.clear();
        lose("[bootstrap]: a DM bootstrap has no provisioning context".into());
    }
    if out.client_id.take().is_some() {
        lose("client-id: a DM bootstrap names its device in its address".into());
    }
    for access in out.access.drain(..) {
        let rules = access.rules.join(", ");
        lose(format!("access {rules}: no management object for it"));
    }
    for vendor in out.vendor_configs.drain(..) {
        lose(format!("vendor-config {}: no management object for it", vendor.name));
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

    if let Some(account) = &mut out.dm_account
        && !account.parameters.is_empty()
    {
        let names: Vec<String> = account.parameters.drain(..).map(|p| p.name).collect();
        lose(format!("dm-account: the parameters {}; DMAcc has no nodes for them", names.join(", ")));
    }

    reduce_form(&mut out, &mut losses);
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

/// What the form of the message cannot carry.
fn reduce_form(out: &mut Settings, losses: &mut Vec<String>) {
    let nonce = |s: &Settings| {
        s.dm_account.as_ref().is_some_and(|a| {
            let c = &a.credentials;
            let further = a.further_auth.iter().any(|f| !f.data.is_empty());
            further || !(c.client.nonce.is_empty() && c.server.nonce.is_empty())
        })
    };
    if !nonce(out) {
        out.dm.nonce_format = NonceFormat::Chr;
    }
    match out.dm.encoding {
        // New objects have their lists inside of TNDS (OMA DM Bootstrap 1.2).
        DmEncoding::Plain => {
            for object in out.acls() {
                losses
                    .push(format!("{object}: its acl; plain Adds carry none, an `encoding` of tnds-… does"));
            }
            out.dm_account.iter_mut().for_each(|a| a.acl = None);
            out.naps.iter_mut().for_each(|n| n.acl = None);
            out.proxies.iter_mut().for_each(|p| p.acl = None);
        }
        // XML carries octets as base64 only.
        DmEncoding::TndsXml if out.dm.nonce_format == NonceFormat::Bin => {
            out.dm.nonce_format = NonceFormat::B64;
        }
        DmEncoding::TndsOpaque | DmEncoding::TndsInline | DmEncoding::TndsXml => {}
    }
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
    let kept = NapTuning { local_address: nap.tuning.local_address, ..NapTuning::default() };
    if nap.tuning != kept {
        nap.tuning = kept;
        lose("call type, speeds, quality of service and Mobile IP timing");
    }
    if !nap.validity.is_empty() {
        nap.validity.clear();
        lose("where it may be used (validity)");
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
    if proxy.push.take().is_some() | proxy.pull.take().is_some() {
        lose("whether it pushes and is pulled from");
    }
    if proxy.secret.take().is_some() | proxy.ppg_auth.take().is_some() {
        lose("how it proves itself");
    }
    if proxy.basic_auth.take().is_some() {
        lose("name and secret for its start page");
    }
    if proxy.provider_id.take().is_some() {
        lose("its provider");
    }
    if proxy.trust || proxy.master {
        (proxy.trust, proxy.master) = (false, false);
        lose("that it is trusted or the master");
    }
    if proxy.wsp_version.take().is_some() {
        lose("its version of WSP");
    }
    if !proxy.auth.is_empty() {
        proxy.auth.clear();
        lose("its authentication");
    }
    if proxy.physical.len() > 1 {
        proxy.physical.truncate(1);
        lose("all physical proxies but the first");
    }
    let mut details = false;
    for physical in &mut proxy.physical {
        details |= physical.fqdn.take().is_some();
        details |= !physical.domains.is_empty();
        physical.domains.clear();
        details |= physical.wsp_version.take().is_some();
        details |= physical.push.take().is_some() | physical.pull.take().is_some();
    }
    if details {
        lose("name, domains, version of WSP and switches of its physical proxy");
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

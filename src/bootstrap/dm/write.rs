//! Settings → message. The nodes of the account are those of DMAcc; those of access points and proxies are the ones that
//! implementations of the connectivity objects were seen to use (remembered: the objects themselves were not at hand).

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{Account, BootstrapError, Credential, Settings},
    ident::Imei,
    profile::{HttpUrl, Link, NapDef, PxLogical},
    wire::syncml::{Command, Data, Header, Item, Location, Message, Meta, MoreData, Operation, Verb},
};

use super::{ACCOUNTS, NAPS, PROXIES};

/// Writes settings that were reduced.
pub(super) fn message(settings: &Settings) -> Result<Message, BootstrapError> {
    let account = settings.dm_account.as_ref().ok_or(BootstrapError::NoAccount)?;
    let mut nodes = Nodes::default();
    write_account(&mut nodes, account)?;
    let mut commands = vec![add("1", nodes)];

    let mut nodes = Nodes::default();
    for nap in &settings.naps {
        write_nap(&mut nodes, nap)?;
    }
    for proxy in &settings.proxies {
        write_proxy(&mut nodes, proxy)?;
    }
    if !nodes.0.is_empty() {
        commands.push(add("2", nodes));
    }
    // A device has no name before it has one: the message is for whoever reads it.
    let device = settings.device.as_ref().map_or_else(|| "unknown".to_owned(), Imei::device_uri);
    let header = Header {
        ver_dtd: "1.2".into(),
        ver_proto: "DM/1.2".into(),
        session_id: "0".into(),
        msg_id: "0".into(),
        target: Location::new(device),
        // It must be an address of the account.
        source: Location::new(&account.address),
        resp_uri: None,
        cred: None,
        meta: None,
    };
    Ok(Message { header, commands, is_final: true })
}

/// The nodes of an Add, in order: a parent before its children.
#[derive(Default)]
struct Nodes(Vec<Item>);

/// One interior node, which others are put below.
struct At(String);

impl At {
    fn below(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0))
    }

    /// The first, second … of several, named as the standard suggests.
    fn numbered(&self, at: usize) -> Self {
        self.below(&(at + 1).to_string())
    }
}

impl Nodes {
    fn interior(&mut self, at: At) -> At {
        let meta = Meta { format: Some("node".into()), ..Meta::default() };
        self.push(at.0.clone(), meta, None);
        at
    }

    fn leaf(&mut self, at: &At, name: &str, value: impl Into<String>) {
        let meta = Meta { format: Some("chr".into()), kind: Some("text/plain".into()), ..Meta::default() };
        self.push(at.below(name).0, meta, Some(Data::Text(value.into())));
    }

    fn push(&mut self, uri: String, meta: Meta, data: Option<Data>) {
        let target = Some(Location::new(uri));
        self.0.push(Item { target, source: None, meta: Some(meta), data, more_data: MoreData::No });
    }
}

fn add(cmd_id: &str, nodes: Nodes) -> Command {
    Command::Operation(Operation {
        verb: Verb::Add,
        cmd_id: cmd_id.into(),
        meta: None,
        correlator: None,
        items: nodes.0,
    })
}

/// An object below `root`, named by its id.
fn object(root: &str, id: &str) -> Result<At, BootstrapError> {
    let bad = id.is_empty() || id == "." || id == ".." || id.contains(['/', '?']);
    if bad { Err(BootstrapError::NodeName { id: id.to_owned() }) } else { Ok(At(format!("{root}/{id}"))) }
}

fn reference(link: &Link) -> String {
    match link {
        Link::Nap(id) => format!("{NAPS}/{id}"),
        Link::Proxy(id) => format!("{PROXIES}/{id}"),
        Link::Internet => link.to_string(),
    }
}

fn write_account(n: &mut Nodes, a: &Account) -> Result<(), BootstrapError> {
    let x = n.interior(object(ACCOUNTS, a.server_id.as_str())?);
    n.leaf(&x, "AppID", "w7");
    n.leaf(&x, "ServerID", a.server_id.as_str());
    if let Some(name) = &a.name {
        n.leaf(&x, "Name", name);
    }
    if let Some(first) = a.connect_via.first() {
        n.leaf(&x, "PrefConRef", reference(first));
    }
    if a.connect_via.len() > 1 {
        let all = n.interior(x.below("ToConRef"));
        for (at, link) in a.connect_via.iter().enumerate() {
            let one = n.interior(all.numbered(at));
            n.leaf(&one, "ConRef", reference(link));
        }
    }
    n.leaf(&x, "AAuthPref", a.credentials.client.scheme.as_str());
    let addresses = n.interior(x.below("AppAddr"));
    let first = n.interior(addresses.numbered(0));
    n.leaf(&first, "Addr", &a.address);
    n.leaf(&first, "AddrType", "URI");
    if let Ok(url) = a.address.parse::<HttpUrl>() {
        let ports = n.interior(first.below("Port"));
        let port = n.interior(ports.numbered(0));
        n.leaf(&port, "PortNbr", url.port().to_string());
    }
    let auth = n.interior(x.below("AppAuth"));
    for (at, (level, c)) in
        [("CLCRED", &a.credentials.client), ("SRVCRED", &a.credentials.server)].into_iter().enumerate()
    {
        let one = n.interior(auth.numbered(at));
        write_credential(n, &one, level, c);
    }
    Ok(())
}

fn write_credential(n: &mut Nodes, at: &At, level: &str, c: &Credential) {
    n.leaf(at, "AAuthLevel", level);
    n.leaf(at, "AAuthType", c.scheme.as_str());
    n.leaf(at, "AAuthName", &c.name);
    n.leaf(at, "AAuthSecret", c.secret.expose());
    if !c.nonce.is_empty() {
        // The object says bin; a client is known that takes only base64 text here, and none that refuses it.
        n.leaf(at, "AAuthData", BASE64.encode(&c.nonce));
    }
}

fn write_nap(n: &mut Nodes, nap: &NapDef<String>) -> Result<(), BootstrapError> {
    let x = n.interior(object(NAPS, &nap.id)?);
    n.leaf(&x, "NapId", &nap.id);
    n.leaf(&x, "Name", &nap.name);
    n.leaf(&x, "Addr", &nap.address);
    n.leaf(&x, "AddrType", nap.address_type.as_str());
    for (family, v6) in [("IPv4", false), ("IPv6", true)] {
        let dns: Vec<_> = nap.dns.iter().filter(|a| a.is_ipv6() == v6).collect();
        let local = nap.tuning.local_address.filter(|a| a.is_ipv6() == v6);
        if dns.is_empty() && local.is_none() {
            continue;
        }
        let family = n.interior(x.below(family));
        if let Some(local) = local {
            n.leaf(&family, "LocalAddr", local.to_string());
        }
        if dns.is_empty() {
            continue;
        }
        let all = n.interior(family.below("DNS"));
        for (at, address) in dns.into_iter().enumerate() {
            let one = n.interior(all.numbered(at));
            n.leaf(&one, "DNSAddr", address.to_string());
        }
    }
    if let Some(linger) = nap.linger {
        n.leaf(&x, "Linger", linger.to_string());
    }
    for auth in nap.auth.iter().take(1) {
        let info = n.interior(x.below("AuthInfo"));
        n.leaf(&info, "AuthType", auth.kind.as_str());
        if let Some(name) = &auth.name {
            n.leaf(&info, "AuthName", name);
        }
        if let Some(secret) = &auth.secret {
            n.leaf(&info, "AuthSecret", secret.expose());
        }
        if !auth.entities.is_empty() {
            let all = n.interior(info.below("AuthEntities"));
            for (at, entity) in auth.entities.iter().enumerate() {
                let one = n.interior(all.numbered(at));
                n.leaf(&one, "AuthEntity", entity.as_str());
            }
        }
        if let Some(spi) = auth.spi {
            n.leaf(&info, "SPI", format!("{spi:X}"));
        }
    }
    for bearer in nap.bearers.iter().take(1) {
        let at = n.interior(x.below("Bearer"));
        n.leaf(&at, "BearerType", bearer.as_str());
    }
    Ok(())
}

fn write_proxy(n: &mut Nodes, proxy: &PxLogical<String>) -> Result<(), BootstrapError> {
    let x = n.interior(object(PROXIES, &proxy.id)?);
    n.leaf(&x, "PROXYID", &proxy.id);
    n.leaf(&x, "NAME", &proxy.name);
    let Some(physical) = proxy.physical.first() else { return Ok(()) };
    n.leaf(&x, "ADDR", &physical.address);
    n.leaf(&x, "ADDRTYPE", physical.address_type.as_str());
    if !physical.ports.is_empty() {
        let ports = n.interior(x.below("PORTS"));
        for (at, port) in physical.ports.iter().enumerate() {
            let one = n.interior(ports.numbered(at));
            n.leaf(&one, "PORTNBR", port.number.to_string());
            if port.services.is_empty() {
                continue;
            }
            let services = n.interior(one.below("Services"));
            for (at, service) in port.services.iter().enumerate() {
                let service_at = n.interior(services.numbered(at));
                n.leaf(&service_at, "ServiceName", service.as_str());
            }
        }
    }
    if !physical.connect_via.is_empty() {
        let references = n.interior(x.below("ConRefs"));
        for (at, link) in physical.connect_via.iter().enumerate() {
            let one = n.interior(references.numbered(at));
            n.leaf(&one, "ConRef", reference(link));
        }
    }
    Ok(())
}

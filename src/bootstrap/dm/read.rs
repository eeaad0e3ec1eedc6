//! Message → settings: the items of all Adds are put into a tree, and the tree is read object by object. Node names that
//! a server chose are taken as they come. What is skipped is named.

use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    bootstrap::{Account, Credential, DmCredentials, Settings, kind::Reading},
    ident::{ServerId, SharedSecret},
    profile::{
        CpVersion, Link, NapAddressType, NapAuth, NapDef, NapTuning, Port, ProxyAddressType, PxLogical,
        PxPhysical,
    },
    wire::{
        syncml::{Command, Data, GroupKind, Message, Verb},
        wbxml,
    },
};

use super::{ACCOUNTS, NAPS, PROXIES};

pub(super) fn settings(message: &Message) -> Reading {
    let mut tree = Tree::default();
    let mut n = Ignored::default();
    for command in &message.commands {
        grow(&mut tree, &mut n, command);
    }
    let root = Node { tree: &tree, path: String::new() };
    let below = |path: &str| root.at(path).map(|n| n.children()).unwrap_or_default();

    let device = message.header.target.uri.strip_prefix("IMEI:").and_then(|d| d.parse().ok());
    let mut settings = Settings {
        device,
        cp_version: CpVersion::V1_0,
        client_id: None,
        bootstraps: Vec::new(),
        naps: below(NAPS).iter().filter_map(|x| nap(&mut n, x)).collect(),
        proxies: below(PROXIES).iter().filter_map(|x| proxy(&mut n, x)).collect(),
        dm_account: None,
        applications: Vec::new(),
        access: Vec::new(),
        vendor_configs: Vec::new(),
    };
    for x in below(ACCOUNTS) {
        if settings.dm_account.is_some() {
            n.skip(&x.path, "a second DM account");
        } else {
            settings.dm_account = account(&mut n, &x);
        }
    }
    for (path, _) in &tree.0 {
        let known = |root: &str| {
            path.strip_prefix(root.trim_start_matches("./"))
                .is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        if ![ACCOUNTS, NAPS, PROXIES].into_iter().any(known) {
            n.skip(path, "not a part of the settings");
        }
    }
    Reading { settings, ignored: n.0 }
}

/// What was skipped.
#[derive(Default)]
struct Ignored(Vec<String>);

impl Ignored {
    fn skip(&mut self, place: &str, why: &str) {
        self.0.push(format!("{place}: {why}"));
    }
}

/// Nodes by path (without the leading `./`), in the order of the message; interior ones have no value.
#[derive(Default)]
struct Tree(Vec<(String, Option<String>)>);

/// A node of the tree.
struct Node<'a> {
    tree: &'a Tree,
    path: String,
}

/// Puts the items of a command into the tree.
fn grow(tree: &mut Tree, n: &mut Ignored, command: &Command) {
    match command {
        Command::Operation(op) if matches!(op.verb, Verb::Add | Verb::Replace) => {
            for item in &op.items {
                let Some(target) = &item.target else { continue };
                let path = target.uri.trim_start_matches("./").trim_end_matches('/').to_owned();
                let value = match &item.data {
                    None => None,
                    Some(Data::Text(text)) => Some(text.clone()),
                    Some(Data::Octets(octets)) if wbxml::decode(octets).is_err() => {
                        // Only AAuthData is octets that are no text, and below it is read as base64.
                        Some(String::from_utf8(octets.clone()).unwrap_or_else(|_| BASE64.encode(octets)))
                    }
                    Some(Data::Element(_) | Data::Octets(_)) => {
                        n.skip(&path, "a serialised tree");
                        continue;
                    }
                };
                let interior = item.meta.as_ref().and_then(|m| m.format.as_deref()) == Some("node");
                tree.0.push((path, value.filter(|_| !interior)));
            }
        }
        Command::Group(group) if matches!(group.kind, GroupKind::Atomic | GroupKind::Sequence) => {
            group.commands.iter().for_each(|c| grow(tree, n, c));
        }
        _ => n.skip("message", "a command that is not an Add or Replace"),
    }
}

impl<'a> Node<'a> {
    /// The node at a path below this one, when it or anything below it is there.
    fn at(&self, path: &str) -> Option<Self> {
        let path = path.trim_start_matches("./");
        let path = if self.path.is_empty() { path.to_owned() } else { format!("{}/{path}", self.path) };
        let inside =
            |p: &str| p.strip_prefix(path.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        self.tree.0.iter().any(|(p, _)| inside(p)).then_some(Self { tree: self.tree, path })
    }

    /// The nodes directly below this one, in the order of the message.
    fn children(&self) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        for (path, _) in &self.tree.0 {
            let rest = path.strip_prefix(self.path.as_str()).and_then(|r| r.strip_prefix('/'));
            if let Some(name) = rest.and_then(|r| r.split('/').next())
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
            .into_iter()
            .map(|name| Self { tree: self.tree, path: format!("{}/{name}", self.path) })
            .collect()
    }

    /// The nodes below the child of that name.
    fn several(&self, name: &str) -> Vec<Self> {
        self.at(name).map(|n| n.children()).unwrap_or_default()
    }

    /// The value of the child of that name; an empty one says nothing.
    fn text(&self, name: &str) -> Option<String> {
        let path = format!("{}/{name}", self.path);
        let found = self.tree.0.iter().find(|(p, _)| *p == path);
        found.and_then(|(_, value)| value.clone()).filter(|v| !v.is_empty())
    }

    fn required(&self, n: &mut Ignored, name: &str) -> Option<String> {
        let found = self.text(name);
        if found.is_none() {
            n.skip(&self.path, &format!("has no {name}"));
        }
        found
    }

    fn parsed<T: FromStr>(&self, n: &mut Ignored, name: &str) -> Option<T> {
        let parsed = self.text(name)?.parse().ok();
        if parsed.is_none() {
            n.skip(&self.path, &format!("{name} has a value that is not known"));
        }
        parsed
    }
}

impl Node<'_> {
    /// A number in hexadecimal digits.
    fn hex(&self, n: &mut Ignored, name: &str) -> Option<u32> {
        let number = u32::from_str_radix(&self.text(name)?, 16).ok();
        if number.is_none() {
            n.skip(&self.path, &format!("{name} has a value that is not known"));
        }
        number
    }
}

/// A reference to a connectivity object: by its place, or by its name below the inbox.
fn link(text: &str) -> Link {
    let path = text.trim_start_matches("./");
    let below =
        |root: &str| path.strip_prefix(root.trim_start_matches("./")).and_then(|r| r.strip_prefix('/'));
    match (below(PROXIES), below(NAPS)) {
        (Some(id), _) => Link::Proxy(id.to_owned()),
        (None, Some(id)) => Link::Nap(id.to_owned()),
        (None, None) => Link::Nap(path.strip_prefix("Inbox/").unwrap_or(path).to_owned()),
    }
}

fn account(n: &mut Ignored, x: &Node<'_>) -> Option<Account> {
    let server_id = x.required(n, "ServerID").and_then(|_| x.parsed::<ServerId>(n, "ServerID"))?;
    let address = x.several("AppAddr").into_iter().next();
    let Some(address) = address.and_then(|a| a.text("Addr")) else {
        n.skip(&x.path, "has no AppAddr with an Addr");
        return None;
    };
    let mut connect_via: Vec<Link> =
        x.several("ToConRef").iter().filter_map(|r| r.text("ConRef")).map(|r| link(&r)).collect();
    if connect_via.is_empty() {
        connect_via.extend(x.text("PrefConRef").map(|r| link(&r)));
    }
    let (mut client, mut server) = (None, None);
    for auth in x.several("AppAuth") {
        match auth.text("AAuthLevel").as_deref() {
            Some("CLCRED") if client.is_none() => client = Some(auth),
            Some("SRVCRED") if server.is_none() => server = Some(auth),
            _ => n.skip(&auth.path, "its AAuthLevel is not CLCRED or SRVCRED, or stands twice"),
        }
    }
    let (Some(client), Some(server)) = (client, server) else {
        n.skip(&x.path, "lacks an AppAuth of level CLCRED or SRVCRED");
        return None;
    };
    let client_name = client.required(n, "AAuthName")?;
    let server_name = server.text("AAuthName").unwrap_or_else(|| server_id.to_string());
    Some(Account {
        name: x.text("Name"),
        address,
        connect_via,
        credentials: DmCredentials {
            client: credential(n, &client, client_name)?,
            server: credential(n, &server, server_name)?,
        },
        // A device opens a session with each new server as soon as it can.
        init: true,
        parameters: Vec::new(),
        server_id,
    })
}

fn credential(n: &mut Ignored, x: &Node<'_>, name: String) -> Option<Credential> {
    let scheme = x.required(n, "AAuthType").and_then(|_| x.parsed(n, "AAuthType"))?;
    let secret = x.required(n, "AAuthSecret").and_then(|_| x.parsed::<SharedSecret>(n, "AAuthSecret"))?;
    let nonce = x.text("AAuthData").map(|t| BASE64.decode(&t).unwrap_or_else(|_| t.into_bytes()));
    Some(Credential { scheme, name, secret, nonce: nonce.unwrap_or_default() })
}

fn nap(n: &mut Ignored, x: &Node<'_>) -> Option<NapDef<String>> {
    let auth = x.at("AuthInfo").and_then(|a| {
        let kind = a.required(n, "AuthType").and_then(|_| a.parsed(n, "AuthType"))?;
        let entities = a.several("AuthEntities");
        Some(NapAuth {
            kind,
            name: a.text("AuthName"),
            secret: a.parsed::<SharedSecret>(n, "AuthSecret"),
            entities: entities.iter().filter_map(|e| e.parsed(n, "AuthEntity")).collect(),
            spi: a.hex(n, "SPI"),
        })
    });
    let dns = |n: &mut Ignored, family: &str| -> Vec<_> {
        let all = x.at(family).map(|f| f.several("DNS")).unwrap_or_default();
        all.iter().filter_map(|d| d.parsed(n, "DNSAddr")).collect()
    };
    let dns = [dns(n, "IPv4"), dns(n, "IPv6")].concat();
    let local = |n: &mut Ignored, family: &str| x.at(family).and_then(|f| f.parsed(n, "LocalAddr"));
    let local_address = local(n, "IPv4").or_else(|| local(n, "IPv6"));
    Some(NapDef {
        id: x.required(n, "NapId")?,
        name: x.required(n, "Name")?,
        bearers: x.at("Bearer").and_then(|b| b.parsed(n, "BearerType")).into_iter().collect(),
        address: x.required(n, "Addr")?,
        address_type: x.parsed::<NapAddressType>(n, "AddrType")?,
        internet: false,
        dns,
        linger: x.parsed(n, "Linger"),
        tuning: NapTuning { local_address, ..NapTuning::default() },
        validity: Vec::new(),
        auth: auth.into_iter().collect(),
    })
}

fn proxy(n: &mut Ignored, x: &Node<'_>) -> Option<PxLogical<String>> {
    let id = x.required(n, "PROXYID")?;
    let mut ports: Vec<Port> = Vec::new();
    for port in x.several("PORTS") {
        let Some(number) = port.parsed::<u16>(n, "PORTNBR").filter(|p| *p != 0) else {
            n.skip(&port.path, "has no port number");
            continue;
        };
        let services = port.several("Services");
        let services = services.iter().filter_map(|s| s.parsed(n, "ServiceName")).collect();
        ports.push(Port { number, services });
    }
    let references = x.several("ConRefs");
    let physical = PxPhysical {
        id: id.clone(),
        address: x.required(n, "ADDR")?,
        address_type: x.parsed::<ProxyAddressType>(n, "ADDRTYPE")?,
        fqdn: None,
        domains: Vec::new(),
        wsp_version: None,
        push: None,
        pull: None,
        ports,
        connect_via: references.iter().filter_map(|r| r.text("ConRef")).map(|r| link(&r)).collect(),
    };
    Some(PxLogical {
        name: x.required(n, "NAME")?,
        id,
        secret: None,
        ppg_auth: None,
        provider_id: None,
        domains: Vec::new(),
        trust: false,
        master: false,
        start_page: None,
        basic_auth: None,
        wsp_version: None,
        push: None,
        pull: None,
        auth: Vec::new(),
        ports: Vec::new(),
        physical: vec![physical],
    })
}

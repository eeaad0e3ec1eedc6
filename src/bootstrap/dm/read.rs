//! Tree → settings, object by object. Node names that a server chose are taken as they come. What is skipped is named.

mod account;

use std::{borrow::Cow, collections::HashMap, str::FromStr};

use crate::{
    bootstrap::{BootstrapError, Settings, kind::Reading},
    ident::SharedSecret,
    profile::{
        Acl, CpVersion, DmEncoding, DmOptions, Link, NapAddressType, NapAuth, NapDef, NapTuning, Port,
        ProxyAddressType, PxLogical, PxPhysical,
    },
    wire::{syncml::Message, tnds::Value},
};

use self::account::account;

use super::{
    place::{INBOX, Place},
    tree::{Branch, Tree},
};

pub(super) fn settings(message: &Message) -> Result<Reading, BootstrapError> {
    let mut n = Ignored::default();
    let tree = Tree::grown(message, &mut n)?;
    let mut objects = Vec::new();
    find(&tree.root, "", Depth::Root, &mut objects, &mut n);
    let links = links(&objects, &tree);
    let of = |place: Place| objects.iter().filter(move |(p, _)| *p == place).map(|(_, x)| x);

    let device = message.header.target.uri.strip_prefix("IMEI:").and_then(|d| d.parse().ok());
    let mut settings = Settings {
        device,
        cp_version: CpVersion::V1_0,
        dm: DmOptions { encoding: tree.encoding.unwrap_or(DmEncoding::Plain), ..DmOptions::default() },
        client_id: None,
        bootstraps: Vec::new(),
        naps: of(Place::Nap).filter_map(|x| nap(&mut n, x)).collect(),
        proxies: Vec::new(),
        dm_account: None,
        applications: Vec::new(),
        access: Vec::new(),
        vendor_configs: Vec::new(),
    };
    settings.proxies = of(Place::Proxy).filter_map(|x| proxy(&mut n, &links, x)).collect();
    for x in of(Place::DmAcc) {
        if settings.dm_account.is_some() {
            n.skip(&x.path, "a second DM account");
        } else if let Some((account, nonce_format)) = account(&mut n, &links, x) {
            settings.dm_account = Some(account);
            settings.dm.nonce_format = nonce_format;
        }
    }
    Ok(Reading { settings, ignored: n.finish() })
}

/// What was skipped.
#[derive(Default)]
pub(super) struct Ignored {
    named: Vec<String>,
    more: usize,
}

/// How much is named one by one: a message with more than that is not made for people.
const MAX_NAMED: usize = 256;

impl Ignored {
    pub(super) fn skip(&mut self, place: &str, why: &str) {
        if self.named.len() < MAX_NAMED {
            self.named.push(format!("{place}: {why}"));
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.named.push(format!("message: {} more that are not named", self.more));
        }
        self.named
    }
}

/// A node of the tree, with its address.
struct Node<'a> {
    branch: &'a Branch,
    path: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Root,
    Below,
}

/// Finds the objects: by where they are, or by their type. What belongs to none is named, once for all that is below it.
/// Recursion is bounded by the limit of depth that the tree has.
fn find<'a>(
    branch: &'a Branch,
    path: &str,
    depth: Depth,
    objects: &mut Vec<(Place, Node<'a>)>,
    n: &mut Ignored,
) {
    for child in &branch.below {
        let path = if path.is_empty() { child.name.clone() } else { format!("{path}/{}", child.name) };
        if let (Depth::Root, Some(place)) = (depth, Place::of_name(&child.name)) {
            let node = |x: &'a Branch| (place, Node { branch: x, path: format!("{path}/{}", x.name) });
            objects.extend(child.below.iter().map(node));
        } else if let Some(place) = Place::of_type(&child.ddf_name) {
            objects.push((place, Node { branch: child, path }));
        } else if has_objects(child) {
            find(child, &path, Depth::Below, objects, n);
        } else {
            n.skip(&path, "not a part of the settings");
        }
    }
}

fn has_objects(branch: &Branch) -> bool {
    branch.below.iter().any(|b| Place::of_type(&b.ddf_name).is_some() || has_objects(b))
}

/// What references to the objects mean, by where those are and by where they were in the Inbox.
type Links = HashMap<String, Link>;

fn links(objects: &[(Place, Node<'_>)], tree: &Tree) -> Links {
    let mut links = Links::new();
    for (place, x) in objects {
        let link = match place {
            Place::DmAcc => continue,
            Place::Nap => Link::Nap(x.text("NapId").unwrap_or_else(|| x.branch.name.clone())),
            Place::Proxy => Link::Proxy(x.text("PROXYID").unwrap_or_else(|| x.branch.name.clone())),
        };
        links.insert(x.path.clone(), link);
    }
    for (inbox, place, name) in &tree.delivered {
        if let Some(link) = links.get(&format!("{}/{name}", place.name())).cloned() {
            links.insert(inbox.clone(), link);
        }
    }
    links
}

impl<'a> Node<'a> {
    /// The node of that name below this one.
    fn at(&self, name: &str) -> Option<Self> {
        let branch = self.branch.below.iter().find(|b| b.name == name)?;
        Some(Node { branch, path: format!("{}/{name}", self.path) })
    }

    /// The nodes directly below this one, in the order of the message.
    fn children(&self) -> Vec<Self> {
        let node = |branch: &'a Branch| Node { branch, path: format!("{}/{}", self.path, branch.name) };
        self.branch.below.iter().map(node).collect()
    }

    /// The nodes below the child of that name.
    fn several(&self, name: &str) -> Vec<Self> {
        self.at(name).map(|n| n.children()).unwrap_or_default()
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.branch.below.iter().find(|b| b.name == name).and_then(|b| b.value.as_ref())
    }

    /// The value of the child of that name; an empty one says nothing.
    fn text(&self, name: &str) -> Option<String> {
        let text = match self.value(name)? {
            Value::Text(_, text) => Cow::from(text),
            Value::Octets(_, octets) => Cow::from(std::str::from_utf8(octets).ok()?),
            Value::Null => return None,
        };
        (!text.is_empty()).then(|| text.into_owned())
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

    /// Its access control list. Those of nodes inside of an object are named: a profile has one for each object.
    fn acl(&self, n: &mut Ignored) -> Option<Acl> {
        let inside = |b: &Branch| b.acl.as_ref().is_some_and(|a| !a.is_empty());
        let mut open: Vec<&Branch> = self.branch.below.iter().collect();
        while let Some(branch) = open.pop() {
            if inside(branch) {
                n.skip(&self.path, &format!("{} inside of it has an ACL of its own", branch.name));
            }
            open.extend(&branch.below);
        }
        let text = self.branch.acl.as_ref().filter(|a| !a.trim().is_empty())?;
        let acl = text.parse().ok();
        if acl.is_none() {
            n.skip(&self.path, "has an ACL that is none");
        }
        acl
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

/// A reference to a connectivity object: one that the message holds, or by its place, or by its name below the Inbox.
fn link(links: &Links, text: &str) -> Link {
    let path = text.trim().trim_start_matches("./");
    if let Some(link) = links.get(path) {
        return link.clone();
    }
    let below = |root: &str| path.strip_prefix(root).and_then(|r| r.strip_prefix('/'));
    match (below(Place::Proxy.name()), below(Place::Nap.name())) {
        (Some(id), _) => Link::Proxy(id.to_owned()),
        (None, Some(id)) => Link::Nap(id.to_owned()),
        (None, None) => Link::Nap(below(INBOX).unwrap_or(path).to_owned()),
    }
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
        acl: x.acl(n),
    })
}

fn proxy(n: &mut Ignored, links: &Links, x: &Node<'_>) -> Option<PxLogical<String>> {
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
        connect_via: references.iter().filter_map(|r| r.text("ConRef")).map(|r| link(links, &r)).collect(),
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
        acl: x.acl(n),
    })
}

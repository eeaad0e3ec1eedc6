//! A checked provisioning document becomes nodes of the management tree.
//!
//! | in the document  | in the tree          | names of the nodes below                                          |
//! |------------------|----------------------|-------------------------------------------------------------------|
//! | APPLICATION w7   | `./DMAcc/n`          | of the DM account object ([`account`])                            |
//! | NAPDEF           | `./NAP/n`            | as in configuration service providers that follow the connectivity objects (inferred); the rest below `Ext`, named as in the document |
//! | PXLOGICAL        | `./Proxy/n`          | likewise; `ADDR` and `PORTS` of the first PXPHYSICAL              |
//! | everything else  | `./CP/TYPE/n`        | as in the document                                                |
//!
//! `n` is 1, 2, 3 in the order of the document, or the next number that is free. Below `Ext` and `./CP`, what may
//! stand more than once stands as `NAME/1`, `NAME/2`, and a flag is a leaf without octets.

mod account;

use crate::{
    ident::ServerId,
    phone::tree::{Acl, Node, Origin, Tree, TreeError, Uri},
    wire::prov::{Characteristic, Item},
};

use super::{
    Applied,
    finding::{Finding, Rule},
    meaning::INTERNET,
    rules,
};

/// Puts what the document holds into the tree.
pub(super) fn insert(tree: &mut Tree, document: &[Characteristic], number: u32, applied: &mut Applied) {
    let mut map = Map { tree, origin: Origin::Bootstrap(number), roots: Vec::new(), places: Vec::new() };
    // Addresses first: accounts refer to access points and proxies that stand behind them in the document.
    let mut counts = std::collections::HashMap::<&str, usize>::new();
    let mut work = Vec::new();
    for c in document {
        let n = counts.entry(&c.kind).or_default();
        *n += 1;
        let at = map.reserve(c);
        work.push((c, at, format!("{} {n}", c.kind)));
    }
    for (c, at, place) in &work {
        let done = match c.kind.as_str() {
            "NAPDEF" => map.nap(at, c),
            "PXLOGICAL" => map.proxy(at, c),
            "APPLICATION" if c.value("APPID") == Some("w7") => {
                map.account(at, c, document, place, applied);
                continue;
            }
            _ => map.mirror(at, c),
        };
        match done {
            Ok(()) => map.roots.push(at.clone()),
            Err(error) => {
                map.tree.remove(at);
                applied.findings.push(Finding { place: place.clone(), rule: Rule::Tree(error) });
            }
        }
    }
    let servers: Vec<ServerId> = applied.accounts.iter().map(|a| a.server_id.clone()).collect();
    let acl = Acl::of_a_bootstrap(&servers);
    for root in &map.roots {
        // Cannot fail: the root was put there above.
        let _ = map.tree.set_acl(root, acl.clone());
    }
}

struct Map<'t> {
    tree: &'t mut Tree,
    origin: Origin,
    roots: Vec<Uri>,
    places: Vec<Place>,
}

/// An access point or proxy that the document can refer to.
struct Place {
    /// The parameter that refers to it.
    reference: &'static str,
    /// Its NAPID or PROXY-ID.
    id: String,
    /// Where it stands.
    at: Uri,
    /// It carries the INTERNET flag.
    internet: bool,
}

impl Map<'_> {
    /// Decides where a characteristic goes, and takes the place.
    fn reserve(&mut self, c: &Characteristic) -> Uri {
        let (parent, id) = match c.kind.as_str() {
            "NAPDEF" => (Uri::root().child("NAP"), Some(("TO-NAPID", "NAPID"))),
            "PXLOGICAL" => (Uri::root().child("Proxy"), Some(("TO-PROXY", "PROXY-ID"))),
            "APPLICATION" if c.value("APPID") == Some("w7") => (Uri::root().child("DMAcc"), None),
            kind => (Uri::root().child("CP").child(kind), None),
        };
        let at = parent.child(self.tree.free_number(&parent));
        if let Some((reference, id)) = id {
            let (id, internet) = (c.value(id).unwrap_or_default().to_owned(), c.value(INTERNET).is_some());
            self.places.push(Place { reference, id, at: at.clone(), internet });
        }
        // The place itself is the device's: the next document puts its own there too. A place that is there already
        // is left alone, and a tree that is full says so again when the first leaf comes.
        let _ = self.tree.insert(&parent, Node::interior("", Origin::Device));
        let _ = self.tree.insert(&at, Node::interior("", self.origin));
        at
    }

    fn leaf(&mut self, at: &Uri, value: Option<&str>) -> Result<(), TreeError> {
        let Some(value) = value else { return Ok(()) };
        self.tree.insert(at, Node::text(value, self.origin)?)
    }

    fn leaves<'a>(
        &mut self,
        at: &Uri,
        inner: &str,
        values: impl Iterator<Item = &'a str>,
    ) -> Result<(), TreeError> {
        for (n, value) in values.enumerate() {
            self.leaf(&at.child(n + 1).child(inner), Some(value))?;
        }
        Ok(())
    }

    fn nap(&mut self, at: &Uri, c: &Characteristic) -> Result<(), TreeError> {
        self.leaf(&at.child("NapId"), c.value("NAPID"))?;
        self.leaf(&at.child("Name"), c.value("NAME"))?;
        self.leaf(&at.child("Addr"), c.value("NAP-ADDRESS"))?;
        self.leaf(&at.child("AddrType"), c.value("NAP-ADDRTYPE").or(Some("E164")))?;
        self.leaf(&at.child("Linger"), c.value("LINGER"))?;
        self.leaf(&at.child("Bearer").child("BearerType"), c.value("BEARER"))?;
        self.leaf(&at.child("IPv4").child("LocalAddr"), c.value("LOCAL-ADDR"))?;
        self.leaves(&at.child("IPv4").child("DNS"), "DNSAddr", c.values("DNS-ADDR"))?;
        if let Some(auth) = c.inner("NAPAUTHINFO").next() {
            let at = at.child("AuthInfo");
            self.leaf(&at.child("AuthType"), auth.value("AUTHTYPE"))?;
            self.leaf(&at.child("AuthName"), auth.value("AUTHNAME"))?;
            self.leaf(&at.child("AuthSecret"), auth.value("AUTHSECRET"))?;
            self.leaf(&at.child("SPI"), auth.value("SPI"))?;
            self.leaves(&at.child("AuthEntities"), "AuthEntity", auth.values("AUTH-ENTITY"))?;
        }
        let mut rest =
            without(c, &["NAPID", "NAME", "NAP-ADDRESS", "NAP-ADDRTYPE", "LINGER", "LOCAL-ADDR", "DNS-ADDR"]);
        drop_first(&mut rest, |i| matches!(i, Item::Parm(p) if p.name == "BEARER"));
        drop_first(&mut rest, |i| matches!(i, Item::Characteristic(c) if c.kind == "NAPAUTHINFO"));
        self.mirror(&at.child("Ext"), &rest)
    }

    fn proxy(&mut self, at: &Uri, c: &Characteristic) -> Result<(), TreeError> {
        self.leaf(&at.child("PROXYID"), c.value("PROXY-ID"))?;
        self.leaf(&at.child("NAME"), c.value("NAME"))?;
        let mut rest = without(c, &["PROXY-ID", "NAME"]);
        if let Some(physical) = c.inner("PXPHYSICAL").next() {
            self.leaf(&at.child("ADDR"), physical.value("PXADDR"))?;
            self.leaf(&at.child("ADDRTYPE"), physical.value("PXADDRTYPE").or(Some("IPV4")))?;
            for (n, port) in physical.inner("PORT").chain(c.inner("PORT")).enumerate() {
                let at = at.child("PORTS").child(n + 1);
                self.leaf(&at.child("PORTNBR"), port.value("PORTNBR"))?;
                self.leaves(&at.child("Services"), "ServiceName", port.values("SERVICE"))?;
            }
            let to: Vec<String> = self.addresses_of(physical);
            self.leaves(&at.child("ConRefs"), "ConRef", to.iter().map(String::as_str))?;
            drop_first(&mut rest, |i| matches!(i, Item::Characteristic(c) if c.kind == "PXPHYSICAL"));
            rest.items.retain(|i| !matches!(i, Item::Characteristic(c) if c.kind == "PORT"));
            // What the physical proxy has beyond its address and ports stands first below Ext. Its identifier tells it
            // from others in this document, and has no node in the object.
            let mut beside = without(physical, &["PXADDR", "PXADDRTYPE", "TO-NAPID", "PHYSICAL-PROXY-ID"]);
            beside.items.retain(|i| matches!(i, Item::Parm(_)));
            rest.items.insert(0, Item::Characteristic(beside));
        }
        self.mirror(&at.child("Ext"), &rest)
    }

    /// The addresses of what the references in `c` name, in their order.
    fn addresses_of(&self, c: &Characteristic) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for parm in c.parms() {
            let to = parm.value.as_deref().unwrap_or_default();
            let hits = self.places.iter().filter(|place| {
                place.reference == parm.name && (place.id == to || to == INTERNET && place.internet)
            });
            for place in hits {
                let at = place.at.to_string();
                if !found.contains(&at) {
                    found.push(at);
                }
            }
        }
        found
    }

    /// The characteristic as it is.
    fn mirror(&mut self, at: &Uri, c: &Characteristic) -> Result<(), TreeError> {
        let shape = rules::shape(&c.kind);
        let mut numbers = std::collections::HashMap::<&str, usize>::new();
        for item in &c.items {
            match item {
                Item::Parm(p) => {
                    let named = at.join(&p.name)?;
                    let at = if shape.is_some_and(|s| s.repeats(&p.name)) {
                        let n = numbers.entry(&p.name).or_default();
                        *n += 1;
                        named.child(*n)
                    } else {
                        named
                    };
                    self.leaf(&at, Some(p.value.as_deref().unwrap_or_default()))?;
                }
                Item::Characteristic(inner) => {
                    let n = numbers.entry(&inner.kind).or_default();
                    *n += 1;
                    let at = at.join(&inner.kind)?.child(*n);
                    self.mirror(&at, inner)?;
                }
            }
        }
        Ok(())
    }
}

fn without(c: &Characteristic, names: &[&str]) -> Characteristic {
    let items = c.items.iter().filter(|i| !matches!(i, Item::Parm(p) if names.contains(&p.name.as_str())));
    Characteristic { kind: c.kind.clone(), items: items.cloned().collect() }
}

fn drop_first(c: &mut Characteristic, is: impl Fn(&Item) -> bool) {
    if let Some(at) = c.items.iter().position(is) {
        c.items.remove(at);
    }
}

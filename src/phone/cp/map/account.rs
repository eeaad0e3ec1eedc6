//! The w7 application becomes a DM account, `urn:oma:mo:oma-dm-dmacc:1.0` (the sheet, section 3).
//!
//! | w7                          | below the account                                    |
//! |-----------------------------|------------------------------------------------------|
//! | APPID                       | `AppID`                                              |
//! | PROVIDER-ID                 | `ServerID`                                           |
//! | NAME                        | `Name`                                               |
//! | first TO-PROXY or TO-NAPID  | `PrefConRef`                                         |
//! | each of several             | `ToConRef/n/ConRef`                                  |
//! | ADDR, or APPADDR/ADDR       | `AppAddr/n/Addr`                                     |
//! | APPADDR/ADDRTYPE            | `AppAddr/n/AddrType`                                 |
//! | APPADDR/PORT/PORTNBR, or the port that ADDR names | `AppAddr/n/Port/n/PortNbr`     |
//! | APPAUTH/AAUTHLEVEL          | `AppAuth/n/AAuthLevel`: APPSRV is CLCRED, CLIENT is SRVCRED, none is HTTP |
//! | APPAUTH/AAUTHTYPE           | `AppAuth/n/AAuthType`; one AppAuth for each of a list |
//! | APPAUTH/AAUTHNAME           | `AppAuth/n/AAuthName`                                |
//! | APPAUTH/AAUTHSECRET         | `AppAuth/n/AAuthSecret`                              |
//! | APPAUTH/AAUTHDATA           | `AppAuth/n/AAuthData`, base64 undone, format bin     |
//! | INIT                        | no node: the phone wants to start a session          |
//! | anything else               | `Ext/NAME`                                           |

use crate::{
    ident::ServerId,
    phone::{
        account::{DMACC, port_in},
        cp::{
            AccountFound, Applied, FirstSession,
            finding::{Finding, Rule},
        },
        tree::{Format, Node, TreeError, Uri},
        value,
    },
    wire::prov::{Characteristic, Item},
};

use super::{Map, without};

impl Map<'_> {
    /// Puts the account at `at`, or takes `at` away again and says why.
    pub(super) fn account(
        &mut self,
        at: &Uri,
        c: &Characteristic,
        document: &[Characteristic],
        place: &str,
        applied: &mut Applied,
    ) {
        let mut find = |rule| applied.findings.push(Finding { place: place.to_owned(), rule });
        let provider = c.value("PROVIDER-ID").unwrap_or_default().trim();
        let server_id = match provider.parse::<ServerId>() {
            Err(_) => {
                find(Rule::BadServerId);
                None
            }
            Ok(id) if applied.known.contains(&id) || applied.accounts.iter().any(|a| a.server_id == id) => {
                find(Rule::ServerKnown { server_id: provider.to_owned() });
                None
            }
            Ok(id) => Some(id),
        };
        self.tree.remove(at);
        let Some(server_id) = server_id else { return };
        match self.account_nodes(at, c, document, &server_id, place, &mut applied.findings) {
            Ok(()) => {
                let wanted = c.value("INIT").is_some();
                let first_session = if wanted { FirstSession::AtOnce } else { FirstSession::Later };
                applied.accounts.push(AccountFound { server_id, uri: at.clone(), first_session });
                self.roots.push(at.clone());
            }
            Err(error) => {
                self.tree.remove(at);
                applied.findings.push(Finding { place: place.to_owned(), rule: Rule::Tree(error) });
            }
        }
    }

    fn account_nodes(
        &mut self,
        at: &Uri,
        c: &Characteristic,
        document: &[Characteristic],
        server_id: &ServerId,
        place: &str,
        findings: &mut Vec<Finding>,
    ) -> Result<(), TreeError> {
        self.tree.insert(at, Node::interior(DMACC, self.origin))?;
        self.leaf(&at.child("AppID"), Some("w7"))?;
        self.leaf(&at.child("ServerID"), Some(server_id.as_str()))?;
        self.leaf(&at.child("Name"), c.value("NAME"))?;
        let ways = self.ways(c, document);
        self.leaf(&at.child("PrefConRef"), ways.first().map(String::as_str))?;
        // A single one has said all in PrefConRef (OMA DM Bootstrap 1.2: "or ToConRef when several").
        let several = ways.iter().filter(|_| ways.len() > 1);
        self.leaves(&at.child("ToConRef"), "ConRef", several.map(String::as_str))?;
        self.addresses(&at.child("AppAddr"), c)?;
        for (n, auth) in c.inner("APPAUTH").enumerate() {
            let place = format!("{place} / APPAUTH {}", n + 1);
            self.auth(&at.child("AppAuth"), auth, &place, findings)?;
        }
        let mapped = ["APPID", "PROVIDER-ID", "NAME", "ADDR", "TO-NAPID", "TO-PROXY", "INIT"];
        let mut rest = without(c, &mapped);
        rest.items
            .retain(|i| !matches!(i, Item::Characteristic(c) if c.kind == "APPADDR" || c.kind == "APPAUTH"));
        self.mirror(&at.child("Ext"), &rest)
    }

    /// The ways to the server, best first: those that the application names; else those of the ACCESS rules that
    /// name its APPID, or no APPID; else all proxies and access points of the document.
    fn ways(&self, c: &Characteristic, document: &[Characteristic]) -> Vec<String> {
        let own = self.addresses_of(c);
        if !own.is_empty() {
            return own;
        }
        let appid = c.value("APPID").unwrap_or_default();
        let by_rule: Vec<String> = document
            .iter()
            .filter(|a| a.kind == "ACCESS")
            .filter(|a| a.value("APPID").is_none() || a.values("APPID").any(|v| v == appid))
            .flat_map(|a| self.addresses_of(a))
            .collect();
        if !by_rule.is_empty() {
            return by_rule;
        }
        let of = |reference: &'static str| self.places.iter().filter(move |p| p.reference == reference);
        of("TO-PROXY").chain(of("TO-NAPID")).map(|p| p.at.to_string()).collect()
    }

    /// ADDR directly in the application goes before APPADDR.
    fn addresses(&mut self, at: &Uri, c: &Characteristic) -> Result<(), TreeError> {
        let plain: Vec<&str> = c.values("ADDR").filter(|a| !a.trim().is_empty()).collect();
        for (n, addr) in plain.iter().enumerate() {
            let at = at.child(n + 1);
            self.leaf(&at.child("Addr"), Some(addr.trim()))?;
            self.leaf(&at.child("AddrType"), Some("URI"))?;
            self.leaves(&at.child("Port"), "PortNbr", port_in(addr).as_deref().into_iter())?;
        }
        if !plain.is_empty() {
            return Ok(());
        }
        for (n, address) in c.inner("APPADDR").enumerate() {
            let at = at.child(n + 1);
            self.leaf(&at.child("Addr"), address.value("ADDR").map(str::trim))?;
            let kind = match address.value("ADDRTYPE") {
                None => "URI",
                Some("IPV4") => "IPv4",
                Some("IPV6") => "IPv6",
                Some(other) => other,
            };
            self.leaf(&at.child("AddrType"), Some(kind))?;
            let mut ports: Vec<&str> = address.inner("PORT").filter_map(|p| p.value("PORTNBR")).collect();
            // Operators write the port into ADDR; a server finds it where it looks for it all the same (inferred).
            let in_address = address.value("ADDR").filter(|_| kind == "URI").and_then(port_in);
            if ports.is_empty() {
                ports.extend(in_address.as_deref());
            }
            self.leaves(&at.child("Port"), "PortNbr", ports.into_iter())?;
        }
        Ok(())
    }

    fn auth(
        &mut self,
        above: &Uri,
        c: &Characteristic,
        place: &str,
        findings: &mut Vec<Finding>,
    ) -> Result<(), TreeError> {
        let mut find = |rule| findings.push(Finding { place: place.to_owned(), rule });
        let level = match c.value("AAUTHLEVEL") {
            Some("APPSRV") => "CLCRED",
            Some("CLIENT") => "SRVCRED",
            Some("OBEX") => "OBEX",
            // Without a level it is the transport that asks.
            None => "HTTP",
            Some(_) => {
                find(Rule::BadValue { name: "AAUTHLEVEL", expected: "APPSRV, CLIENT or OBEX" });
                return Ok(());
            }
        };
        let Some(kinds) = c.value("AAUTHTYPE") else {
            find(Rule::MissingParm { name: "AAUTHTYPE" });
            return Ok(());
        };
        let nonce = c.value("AAUTHDATA").map(|text| {
            value::base64_octets(text.as_bytes()).unwrap_or_else(|| {
                find(Rule::RawNonce);
                text.as_bytes().to_vec()
            })
        });
        for kind in kinds.split(',').map(str::trim) {
            let Some(kind) = auth_type(level, kind) else {
                find(Rule::BadValue { name: "AAUTHTYPE", expected: "a type that its AAUTHLEVEL knows" });
                continue;
            };
            let at = above.child(self.tree.free_number(above));
            self.leaf(&at.child("AAuthLevel"), Some(level))?;
            self.leaf(&at.child("AAuthType"), Some(kind))?;
            self.leaf(&at.child("AAuthName"), c.value("AAUTHNAME"))?;
            self.leaf(&at.child("AAuthSecret"), c.value("AAUTHSECRET"))?;
            if let Some(nonce) = &nonce {
                let leaf = Node::leaf(Format::Bin, "application/octet-stream", nonce.clone(), self.origin)?;
                self.tree.insert(&at.child("AAuthData"), leaf)?;
            }
        }
        Ok(())
    }
}

/// The value of `AAuthType` for a type of AAUTHTYPE; OBEX and HTTP know three only.
fn auth_type(level: &str, kind: &str) -> Option<&'static str> {
    let known = match kind {
        "HTTP-BASIC" => "HTTP-BASIC",
        "HTTP-DIGEST" => "HTTP-DIGEST",
        "TRANSPORT" => "TRANSPORT",
        "BASIC" => "BASIC",
        "DIGEST" => "DIGEST",
        // Has no token in provisioning documents; it comes as text.
        "HMAC" => "HMAC",
        "X509" => "X509",
        "SECUREID" | "SECURID" => "SECURID",
        "SAFEWORD" => "SAFEWORD",
        "DIGIPASS" => "DIGIPASS",
        _ => return None,
    };
    let layered = matches!(known, "HTTP-BASIC" | "HTTP-DIGEST" | "TRANSPORT");
    (layered || matches!(level, "CLCRED" | "SRVCRED")).then_some(known)
}

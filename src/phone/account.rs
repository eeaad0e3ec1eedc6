//! DM accounts as the tree holds them: the object `urn:oma:mo:oma-dm-dmacc:1.0` below `./DMAcc` (OMA DM Standardized
//! Objects 1.2, section 5.2).

use crate::ident::{ServerId, SharedSecret};

use super::{
    tree::{Format, Tree, Uri},
    value,
};

/// The identifier of the DM account object.
pub(super) const DMACC: &str = "urn:oma:mo:oma-dm-dmacc:1.0";

/// An account that a session can be opened with.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) uri: Uri,
    pub(super) server_id: ServerId,
    pub(super) name: Option<String>,
    /// `AppAddr/x/Addr`, each with the URL that it makes together with its port.
    pub(super) addresses: Vec<ServerAddress>,
    /// `AAuthPref`; none when it is missing or empty.
    pub(super) preference: Option<String>,
    pub(super) auth: Vec<AppAuth>,
}

/// One address of a server.
#[derive(Debug, Clone)]
pub(super) struct ServerAddress {
    /// As it stands in the tree.
    pub(super) addr: String,
    /// With the port, when `Addr` has none of its own.
    pub(super) url: String,
}

/// `AppAuth/x`.
#[derive(Debug, Clone)]
pub(super) struct AppAuth {
    pub(super) uri: Uri,
    pub(super) level: Level,
    /// `AAuthType`.
    pub(super) kind: String,
    /// `AAuthName`.
    pub(super) name: Option<String>,
    /// `AAuthSecret`.
    pub(super) secret: Option<SharedSecret>,
    /// `AAuthData`: the nonce for the next credentials.
    pub(super) nonce: Vec<u8>,
}

/// `AAuthLevel`: who proves itself to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// `CLCRED`: the client to the server.
    Client,
    /// `SRVCRED`: the server to the client.
    Server,
    /// `OBEX` or `HTTP`: below the protocol.
    Transport,
}

/// Why nodes below `./DMAcc` are not an account that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// A node that must be there is not, or has no value.
    #[error("{at} has no {name}")]
    Missing {
        /// Where.
        at: Uri,
        /// The node.
        name: &'static str,
    },
    /// A value is not one of those that its node can have.
    #[error("{at} is not {expected}")]
    BadValue {
        /// Where.
        at: Uri,
        /// What it should be.
        expected: &'static str,
    },
}

/// Reads the accounts below `./DMAcc`, in the order of their nodes' names.
pub(super) fn accounts(tree: &Tree) -> Vec<(Uri, Result<Account, AccountError>)> {
    let above = Uri::root().child("DMAcc");
    let names: Vec<String> =
        tree.node(&above).into_iter().flat_map(|n| n.children()).map(|(name, _)| name.to_owned()).collect();
    names.into_iter().map(|name| above.child(name)).map(|uri| (uri.clone(), read(tree, &uri))).collect()
}

/// The account of a server.
pub(super) fn of_server(tree: &Tree, server_id: &ServerId) -> Option<Account> {
    accounts(tree).into_iter().filter_map(|(_, a)| a.ok()).find(|a| a.server_id == *server_id)
}

/// Reads one account.
pub(super) fn read(tree: &Tree, uri: &Uri) -> Result<Account, AccountError> {
    let reader = AccountReader { tree };
    let app_id = reader.required(uri, "AppID")?;
    if app_id != "w7" {
        return Err(AccountError::BadValue { at: uri.child("AppID"), expected: "w7" });
    }
    let server_id = reader.required(uri, "ServerID")?.parse().map_err(|_| AccountError::BadValue {
        at: uri.child("ServerID"),
        expected: "a server id without white space and = & * + /",
    })?;
    let addresses = reader
        .below(&uri.child("AppAddr"))
        .iter()
        .map(|at| reader.address(at))
        .collect::<Result<Vec<_>, _>>()?;
    if addresses.is_empty() {
        return Err(AccountError::Missing { at: uri.clone(), name: "AppAddr" });
    }
    let auth = reader
        .below(&uri.child("AppAuth"))
        .iter()
        .map(|at| reader.auth(at))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Account {
        uri: uri.clone(),
        server_id,
        name: reader.optional(uri, "Name"),
        addresses,
        preference: reader.optional(uri, "AAuthPref"),
        auth,
    })
}

struct AccountReader<'t> {
    tree: &'t Tree,
}

impl AccountReader<'_> {
    fn below(&self, uri: &Uri) -> Vec<Uri> {
        let children = self.tree.node(uri).into_iter().flat_map(|n| n.children());
        children.map(|(name, _)| uri.child(name)).collect()
    }

    fn optional(&self, uri: &Uri, name: &str) -> Option<String> {
        let text = self.tree.node(&uri.child(name))?.as_text()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn required(&self, uri: &Uri, name: &'static str) -> Result<String, AccountError> {
        self.optional(uri, name).ok_or_else(|| AccountError::Missing { at: uri.clone(), name })
    }

    fn address(&self, at: &Uri) -> Result<ServerAddress, AccountError> {
        let addr = self.required(at, "Addr")?;
        let port = self.below(&at.child("Port")).first().and_then(|port| self.optional(port, "PortNbr"));
        let port = port
            .map(|text| text.parse::<u16>().ok().filter(|p| *p != 0))
            .map(|p| {
                p.ok_or_else(|| AccountError::BadValue { at: at.child("Port"), expected: "a port number" })
            })
            .transpose()?;
        let bare = match self.optional(at, "AddrType").as_deref() {
            None | Some("URI") => addr.clone(),
            Some("IPv4") => format!("http://{addr}"),
            Some("IPv6") => format!("http://[{}]", addr.trim_matches(['[', ']'])),
            Some(_) => {
                return Err(AccountError::BadValue {
                    at: at.child("AddrType"),
                    expected: "URI, IPv4 or IPv6",
                });
            }
        };
        let url = url(&bare, port).ok_or_else(|| AccountError::BadValue {
            at: at.child("Addr"),
            expected: "the URL of an HTTP server",
        })?;
        Ok(ServerAddress { addr, url })
    }

    fn auth(&self, at: &Uri) -> Result<AppAuth, AccountError> {
        let level = match self.required(at, "AAuthLevel")?.as_str() {
            "CLCRED" => Level::Client,
            "SRVCRED" => Level::Server,
            "OBEX" | "HTTP" => Level::Transport,
            _ => {
                return Err(AccountError::BadValue {
                    at: at.child("AAuthLevel"),
                    expected: "CLCRED, SRVCRED, OBEX or HTTP",
                });
            }
        };
        let secret =
            self.tree.node(&at.child("AAuthSecret")).and_then(|n| n.as_text()).filter(|s| !s.is_empty());
        let secret = secret.map(str::parse).transpose().map_err(|_| AccountError::BadValue {
            at: at.child("AAuthSecret"),
            expected: "at most 255 characters without control characters",
        })?;
        Ok(AppAuth {
            uri: at.clone(),
            level,
            kind: self.required(at, "AAuthType")?,
            name: self.optional(at, "AAuthName"),
            secret,
            nonce: self.nonce(&at.child("AAuthData")),
        })
    }

    /// The octets of a nonce. Old devices and the servers that speak to them keep base64 text in a `chr` node; the
    /// object says `bin`, which is the octets themselves. Text that is not base64 is the nonce as it stands.
    fn nonce(&self, at: &Uri) -> Vec<u8> {
        let Some(node) = self.tree.node(at) else { return Vec::new() };
        let octets = node.value().unwrap_or_default();
        match node.format() {
            Format::Chr => value::base64_octets(octets).unwrap_or_else(|| octets.to_vec()),
            _ => octets.to_vec(),
        }
    }
}

/// The URL of a server, with `port` after its host when it names none itself. A missing scheme is `http://`.
pub(super) fn url(address: &str, port: Option<u16>) -> Option<String> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") || rest.contains(char::is_whitespace) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    if host.is_empty() || host.starts_with(':') {
        return None;
    }
    Some(match port {
        Some(port) if !after_host(host).contains(':') => format!("{scheme}://{authority}:{port}{path}"),
        _ => format!("{scheme}://{rest}"),
    })
}

/// The port that a URL names.
pub(super) fn port_in(url: &str) -> Option<String> {
    let (_, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let port: u16 = after_host(host).rsplit_once(':')?.1.parse().ok()?;
    (port != 0).then(|| port.to_string())
}

/// What stands behind the brackets of an IPv6 address, whose colons are its own.
fn after_host(host: &str) -> &str {
    host.rsplit(']').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::tree::{Node, Origin};

    fn tree(leaves: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::new();
        for (uri, value) in leaves {
            let node = Node::text(value, Origin::Device).unwrap();
            tree.insert(&uri.parse().unwrap(), node).unwrap();
        }
        tree
    }

    const GOOD: [(&str, &str); 9] = [
        ("./DMAcc/1/AppID", "w7"),
        ("./DMAcc/1/ServerID", "acme.dm"),
        ("./DMAcc/1/AppAddr/1/Addr", "http://dm.example/dm"),
        ("./DMAcc/1/AppAddr/1/Port/1/PortNbr", "8080"),
        ("./DMAcc/1/AppAuth/1/AAuthLevel", "CLCRED"),
        ("./DMAcc/1/AppAuth/1/AAuthType", "DIGEST"),
        ("./DMAcc/1/AppAuth/1/AAuthName", "dev1"),
        ("./DMAcc/1/AppAuth/1/AAuthSecret", "devpw"),
        ("./DMAcc/1/AppAuth/1/AAuthData", "bm9uY2VDMQ=="),
    ];

    #[test]
    fn an_account_is_read_with_its_nonce_undone() {
        let tree = tree(&GOOD);
        let account = of_server(&tree, &"acme.dm".parse().unwrap()).unwrap();
        assert_eq!(account.addresses[0].url, "http://dm.example:8080/dm");
        assert_eq!(account.auth[0].nonce, b"nonceC1");
        assert!(!format!("{account:?}").contains("devpw"));
    }

    #[test]
    fn each_missing_part_is_named() {
        for (skip, name) in [(0, "AppID"), (1, "ServerID"), (4, "AAuthLevel"), (5, "AAuthType")] {
            let leaves: Vec<_> =
                GOOD.iter().enumerate().filter(|(n, _)| *n != skip).map(|(_, l)| *l).collect();
            let (_, result) = accounts(&tree(&leaves)).remove(0);
            assert!(matches!(result, Err(AccountError::Missing { name: n, .. }) if n == name), "{name}");
        }
        let (_, result) = accounts(&tree(&GOOD[..2])).remove(0);
        assert_eq!(result.unwrap_err().to_string(), "./DMAcc/1 has no AppAddr");
    }

    #[test]
    fn the_port_goes_behind_the_host_unless_one_is_there() {
        for (address, port, wanted) in [
            ("http://h/p", Some(80), "http://h:80/p"),
            ("https://h:1/p", Some(2), "https://h:1/p"),
            ("h", Some(8080), "http://h:8080"),
            ("http://[::1]/p", Some(2), "http://[::1]:2/p"),
            ("http://[::1]:3/p", Some(2), "http://[::1]:3/p"),
            ("HTTP://u@h?x", Some(2), "http://u@h:2?x"),
            ("http://h/p", None, "http://h/p"),
        ] {
            assert_eq!(url(address, port).as_deref(), Some(wanted));
        }
        for (address, port) in
            [("https://h:443/p", Some("443")), ("http://u:1@h/", None), ("http://[::1]", None)]
        {
            assert_eq!(port_in(address).as_deref(), port, "{address}");
        }
        assert_eq!(port_in("http://[::1]:80?x").as_deref(), Some("80"));
        for bad in ["ftp://h", "http://", "http://:80", "http://a b", ""] {
            assert_eq!(url(bad, None), None, "{bad:?}");
        }
    }
}

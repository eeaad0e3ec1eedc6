//! `[push]`: gateways of others that we hand pushes to.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::layer::{Layers, Names};
use crate::bearer::{
    ClientFiles, Endpoint, MOST_SEGMENTS,
    pap_client::{Capabilities, GatewayKind},
};

/// `[push]`: gateways of others.
#[derive(Debug, Clone)]
pub struct Push {
    /// The gateways.
    pub gateways: Vec<PushGateway>,
    /// Where they tell this service what became of pushes; none for nowhere.
    pub results: Option<ResultsUrl>,
    /// Where results are written; none to take none.
    pub results_file: Option<PathBuf>,
}

/// The address of this service's endpoint for what gateways tell: `http://HOST:PORT/…/KEY`. Who knows it may tell.
#[derive(Clone, PartialEq, Eq)]
pub struct ResultsUrl {
    url: String,
    path: String,
}

/// The least letters and digits of the last part of its path, which nobody may guess.
const KEY: usize = 16;

impl ResultsUrl {
    /// The address, without `/` at its end.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Its path.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl std::str::FromStr for ResultsUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected, for example, \"http://gw.example:8100/results/\" and 16 or more letters and digits \
             that nobody can guess (openssl rand -hex 16)";
        let _: Endpoint = text.parse().map_err(|e| format!("is wrong: {e}; {EXPECTED}"))?;
        let path = text.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap_or_default();
        let key = path.rsplit('/').next().unwrap_or("");
        let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b));
        if key.len() < KEY || !plain || path.contains("//") {
            return Err(format!("has a path that ends in no key; {EXPECTED}"));
        }
        Ok(Self { url: text.to_owned(), path })
    }
}

impl std::fmt::Debug for ResultsUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResultsUrl(***)")
    }
}

/// A gateway of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushGateway {
    /// What people call it.
    pub name: String,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Where it is.
    pub endpoint: Endpoint,
    /// The user that it knows us as.
    pub user: Option<String>,
    /// That user's password.
    pub password: Option<SecretPlace>,
    /// A bearer token in place of both.
    pub token: Option<SecretPlace>,
    /// Whom is trusted under https, and who we are there.
    pub tls: ClientFiles,
}

/// How a gateway is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// PAP, with what the gateway can do.
    Pap(Capabilities),
    /// Kannel's `sendsms`.
    Sendsms {
        /// From whom messages come.
        sender: Option<String>,
        /// By which of its SMSCs.
        smsc: Option<String>,
        /// The most segments of one push.
        most_segments: u8,
    },
}

/// Where a secret stands: not in the configuration itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// The first line of a file: `@FILE`.
    File(PathBuf),
    /// An environment variable: `env:NAME`.
    Env(String),
}

/// The keys of a `[[push.gateway]]`.
const KEYS: &[&str] = &[
    "name",
    "protocol",
    "url",
    "kind",
    "keeps-authentication",
    "most-segments",
    "user",
    "password",
    "token",
    "sender",
    "smsc",
    "tls-ca",
    "tls-certificate",
    "tls-key",
];

impl Push {
    pub(super) fn read(layers: &mut Layers, home: Option<&Path>) -> Option<Self> {
        let names = Names::default();
        let gateways = layers.tables("push.gateway", KEYS, |table| {
            let gateway = gateway(table)?;
            names.take(&gateway.name, "[[push.gateway]]")?;
            Ok(gateway)
        });
        let results = layers.text("push.results", |text| match text {
            "" => Ok(None),
            text => text.parse().map(Some),
        });
        let results_file = match layers.text("push.results-file", |text| Ok(text.is_empty()))? {
            true => Some(None),
            false => layers.path("push.results-file", home).map(Some),
        };
        if let (Some(None), Some(Some(_))) = (&results, &results_file) {
            layers.wrong_value("push.results-file", "needs [push] results: the address that is told".into());
        }
        Some(Self { gateways: gateways?, results: results?, results_file: results_file? })
    }
}

/// One `[[push.gateway]]`.
fn gateway(table: &BTreeMap<String, String>) -> Result<PushGateway, String> {
    let text = |key: &str| table.get(key).filter(|text| !text.is_empty()).cloned();
    let name = text("name").ok_or("has no name")?;
    if name.len() > 64 || name.chars().any(char::is_control) {
        return Err("has a name that is not 1 to 64 characters".into());
    }
    let endpoint: Endpoint =
        text("url").ok_or("has no url")?.parse().map_err(|e| format!("has a url that is wrong: {e}"))?;
    let tls = client_files(table)?;
    if !tls.is_empty() && !endpoint.is_tls() {
        return Err("has tls-ca, tls-certificate or tls-key, and a url without https".into());
    }
    let most = match text("most-segments") {
        None => None,
        Some(number) => match number.parse() {
            Ok(most @ 1..=255) => Some(most),
            _ => return Err("has most-segments that is not \"1\" to \"255\"".into()),
        },
    };
    let secret = |key: &str| text(key).map(|place| place_of(key, &place)).transpose();
    let (user, password, token) = (text("user"), secret("password")?, secret("token")?);
    if user.is_some() != password.is_some() {
        return Err("has a user without a password, or the other way round".into());
    }
    let only = |protocol: &str, keys: &[&str]| match keys.iter().find(|key| table.contains_key(**key)) {
        Some(key) => Err(format!("has {key}, which is for protocol = {protocol:?}")),
        None => Ok(()),
    };
    let protocol = match text("protocol").as_deref() {
        None | Some("pap") => {
            only("sendsms", &["sender", "smsc"])?;
            let kind: GatewayKind = match text("kind") {
                None => GatewayKind::default(),
                Some(word) => word.parse().map_err(|e| format!("has a wrong kind: {e}"))?,
            };
            let mut can = Capabilities::of(kind);
            match text("keeps-authentication").as_deref() {
                None => {}
                Some("yes") => can.keeps_authentication = true,
                Some("no") => can.keeps_authentication = false,
                Some(_) => {
                    return Err("has keeps-authentication that is neither \"yes\" nor \"no\"".into());
                }
            }
            can.most_segments = most.or(can.most_segments);
            Protocol::Pap(can)
        }
        Some("sendsms") => {
            only("pap", &["kind", "keeps-authentication", "token"])?;
            if user.is_none() {
                return Err("has no user and password; sendsms needs both".into());
            }
            let most_segments = most.unwrap_or(MOST_SEGMENTS);
            Protocol::Sendsms { sender: text("sender"), smsc: text("smsc"), most_segments }
        }
        Some(_) => return Err("has a protocol that is neither \"pap\" nor \"sendsms\"".into()),
    };
    Ok(PushGateway { name, protocol, endpoint, user, password, token, tls })
}

/// The files of TLS that a table names.
pub(super) fn client_files(table: &BTreeMap<String, String>) -> Result<ClientFiles, String> {
    let file = |key: &str| table.get(key).filter(|text| !text.is_empty()).map(PathBuf::from);
    let own = match (file("tls-certificate"), file("tls-key")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err("has one of tls-certificate and tls-key; expected both or neither".into()),
    };
    Ok(ClientFiles { ca: file("tls-ca"), own })
}

/// `@FILE` or `env:NAME`. The text is not repeated: it may be the secret itself.
pub(super) fn place_of(key: &str, text: &str) -> Result<SecretPlace, String> {
    match (text.strip_prefix('@'), text.strip_prefix("env:")) {
        (Some(file), _) if !file.is_empty() => Ok(SecretPlace::File(file.into())),
        (_, Some(name)) if !name.is_empty() => Ok(SecretPlace::Env(name.to_owned())),
        _ => Err(format!(
            "has a {key} that is neither \"@FILE\" nor \"env:NAME\"; it does not stand here itself"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<PushGateway, String> {
        gateway(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    const URL: (&str, &str) = ("url", "http://ppg.example/wappush");

    #[test]
    fn gateways_are_read() {
        let kannel = read(&[("name", "k"), URL, ("kind", "kannel"), ("most-segments", "40")]).unwrap();
        let Protocol::Pap(can) = kannel.protocol else { panic!() };
        assert_eq!((can.keeps_authentication, can.most_segments), (false, Some(40)));
        let kept = read(&[("name", "x"), URL, ("keeps-authentication", "yes")]).unwrap();
        assert!(matches!(kept.protocol, Protocol::Pap(can) if can.keeps_authentication));
        let sms = [("name", "s"), URL, ("protocol", "sendsms"), ("user", "ota"), ("password", "env:OTA")];
        let sms = read(&sms).unwrap();
        assert_eq!(sms.password, Some(SecretPlace::Env("OTA".into())));
        assert_eq!(
            sms.protocol,
            Protocol::Sendsms { sender: None, smsc: None, most_segments: MOST_SEGMENTS }
        );
    }

    #[test]
    fn the_address_for_results_ends_in_a_key() {
        let good: ResultsUrl = "https://gw.example/results/0123456789abcdef".parse().unwrap();
        assert_eq!(good.path(), "/results/0123456789abcdef");
        assert!(!format!("{good:?}").contains("0123"));
        for bad in [
            "http://gw.example/",
            "http://gw.example/results/short",
            "gw/0123456789abcdef",
            "http://g/0123456789abcde?",
        ] {
            assert!(bad.parse::<ResultsUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_values_of_secrets() {
        for (pairs, why) in [
            (&[URL][..], "has no name"),
            (&[("name", "x")], "has no url"),
            (&[("name", "x"), ("url", "ppg.example")], "expected http://"),
            (&[("name", "x"), URL, ("user", "u"), ("password", "Marked")], "does not stand here itself"),
            (&[("name", "x"), URL, ("user", "u")], "without a password"),
            (&[("name", "x"), URL, ("sender", "9")], "which is for protocol = \"sendsms\""),
            (&[("name", "x"), URL, ("protocol", "sendsms")], "sendsms needs both"),
            (&[("name", "x"), URL, ("kind", "wap")], "expected standard, bootgate or kannel"),
            (&[("name", "x"), URL, ("most-segments", "0")], "not \"1\" to \"255\""),
            (&[("name", "x"), URL, ("protocol", "ucp")], "neither \"pap\" nor \"sendsms\""),
        ] {
            let error = read(pairs).unwrap_err();
            assert!(error.contains(why) && !error.contains("Marked"), "{error}");
        }
    }
}

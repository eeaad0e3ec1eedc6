//! The configuration: `config/bootgate.toml`, compiled in as the base layer, then a file, the environment and flags.
//!
//! Every value is parsed into the type that the rooms use, and remembers where it came from. All mistakes are
//! reported together, each with its place and, for a key that is not known, the nearest one that is.

mod api;
mod error;
mod files;
mod layer;
mod mask;
mod ppg;
mod push;
mod sendsms;
mod smpp;
mod sources;
mod toml;
mod value;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    app::KeyRingName,
    card::{Addressing, Label},
    ident::{IdentError, ServerId},
    vault::short_text,
};

pub use api::{Api, ApiToken, Job, Right};
pub use error::{ConfigError, Problem, Wrong};
pub use layer::Origin;
pub use ppg::{Ppg, Tls};
pub use push::{Protocol, Push, PushGateway, SecretPlace};
pub use sendsms::Kannel;
pub use smpp::{RouteRule, Smsc};
pub use sources::{FileSource, Flag, Sources};
pub use value::{Atr, DmPath, DmUri, IccidPrefix, KeyRule};

use layer::{Entry, Layers};

/// The compiled-in base layer.
pub const BUILT_IN: &str = include_str!("../../../config/bootgate.toml");

/// The longest configuration file, in octets.
const MAX_FILE: u64 = 1024 * 1024;

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[http]`
    pub http: Http,
    /// `[dm]`
    pub dm: Dm,
    /// `[store]`
    pub store: Store,
    /// `[vault]`
    pub vault: Vault,
    /// `[card]`
    pub card: Card,
    /// `[ppg]`
    pub ppg: Ppg,
    /// `[api]`
    pub api: Api,
    /// `[job]`
    pub job: Job,
    /// `[push]`
    pub push: Push,
    entries: BTreeMap<String, Entry>,
    file: Option<String>,
}

/// `[http]`: the listener and its limits.
#[derive(Debug, Clone)]
pub struct Http {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where devices post.
    pub dm_path: DmPath,
    /// Largest request body, in octets.
    pub body_limit: usize,
    /// Time for a request's header.
    pub header_timeout: Duration,
    /// Time for a request until it is answered, and for a peer to take any octet of the answer.
    pub request_timeout: Duration,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Time for requests under way when the server is told to stop.
    pub stop_grace: Duration,
}

/// `[dm]`: the embedded DM server.
#[derive(Debug, Clone)]
pub struct Dm {
    /// Our identifier.
    pub server_id: ServerId,
    /// The address that devices know us by.
    pub uri: DmUri,
    /// Largest message, in octets.
    pub max_message_size: usize,
    /// Largest object put together from several messages, in octets.
    pub max_object_size: usize,
    /// Sessions at the same time.
    pub max_sessions: usize,
    /// How long a silent session is kept.
    pub session_idle: Duration,
}

/// `[store]`: the database file.
#[derive(Debug, Clone)]
pub struct Store {
    /// The file.
    pub path: PathBuf,
    /// How long to wait for another writer.
    pub busy_timeout: Duration,
}

/// `[vault]`: sealing of secrets.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Where the key is.
    pub key_file: KeyFile,
}

/// Where the key of the vault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFile {
    /// In a file beside the database, made when missing.
    Auto,
    /// In this file.
    Path(PathBuf),
    /// In this environment variable.
    Env(String),
}

/// `[card]`: protection of keys on cards, and the readers.
#[derive(Debug, Clone)]
pub struct Card {
    /// Fewest tries left at which a key is presented.
    pub key_floor: u8,
    /// Cards whose counter cannot be read and that may be tried once.
    pub key_policies: Vec<KeyRule>,
    /// How long a card may take for one answer.
    pub watchdog: Duration,
    /// What people call their readers.
    pub bays: Vec<Label>,
    /// Where keys come from when the command line does not have them.
    pub key_rings: Vec<KeyRingName>,
    /// How cards are spoken to.
    pub addressing: Addressing,
}

/// One value in force, as `bootgate config show` prints it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Shown {
    /// `section.key`.
    pub key: String,
    /// The value, written as TOML.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake found.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Layers::built_in(BUILT_IN)?;
        if let Some(path) = sources.file.path() {
            let text = short_text(&path, MAX_FILE)
                .map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            layers.file(&path, &text);
        }
        layers.env(&sources.env);
        layers.flags(&sources.flags);
        let mut config = Self::from_layers(layers, sources)?;
        config.file = sources.file.told();
        Ok(config)
    }

    /// The compiled-in values alone.
    ///
    /// # Errors
    /// Never, unless the program was built with a broken default file, which a test rules out.
    pub fn built_in() -> Result<Self, ConfigError> {
        let sources = Sources { home: Some("/".into()), ..Sources::default() };
        Self::from_layers(Layers::built_in(BUILT_IN)?, &sources)
    }

    /// What is in force and where it comes from, section by section. Keys in URLs read `***`.
    pub fn shown(&self) -> Vec<Shown> {
        let show = |(key, entry): (&String, &Entry)| Shown {
            key: key.clone(),
            value: mask::shown(&entry.raw).to_string(),
            origin: entry.origin.to_string(),
        };
        self.entries.iter().map(show).collect()
    }

    /// The file over the compiled-in values, if one was read, and why it was.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Where a value comes from.
    pub fn origin(&self, key: &str) -> &Origin {
        self.entries.get(key).map_or(&Origin::Default, |entry| &entry.origin)
    }

    fn from_layers(mut layers: Layers, sources: &Sources) -> Result<Self, ConfigError> {
        let home = sources.home.as_deref();
        layers.home = sources.home.clone();
        // All sections are read before one is missed, so that every mistake is reported.
        let http = Http::read(&mut layers);
        let dm = Dm::read(&mut layers);
        let store = Store::read(&mut layers, sources);
        let vault = Vault::read(&mut layers, home);
        let card = Card::read(&mut layers);
        let ppg = Ppg::read(&mut layers, home);
        let push = Push::read(&mut layers, home);
        if let (Some(http), Some(ppg)) = (&http, &ppg)
            && ppg.listen.is_none()
            && http.dm_path == ppg.path
        {
            layers.wrong_value("ppg.path", "is [http] dm-path, too; give each a path of its own".into());
        }
        if let (Some(ppg), Some(http), Some(push)) = (&ppg, &http, &push)
            && let Some(path) = push.results.as_ref().map(|results| results.path())
            && [&http.dm_path, &ppg.path].iter().any(|taken| taken.as_str() == path)
        {
            layers.wrong_value(
                "push.results",
                "has a path that is taken by [http] dm-path or [ppg] path".into(),
            );
        }
        let jobs = (Api::read(&mut layers, home), Job::read(&mut layers, home));
        if let (Some(http), Some(dm)) = (&http, &dm) {
            if http.body_limit < dm.max_message_size {
                let message = "is smaller than [dm] max-message-size, which devices are told they may send";
                layers.wrong_value("http.body-limit", message.into());
            }
            if dm.uri == DmUri::Auto && http.listen.ip().is_unspecified() {
                let message =
                    "is \"auto\", but [http] listen is every address; name the one that devices use";
                layers.wrong_value("dm.uri", message.into());
            }
        }
        match (http, dm, store, vault, card, (ppg, jobs, push)) {
            (
                Some(http),
                Some(dm),
                Some(store),
                Some(vault),
                Some(card),
                (Some(ppg), (Some(api), Some(job)), Some(push)),
            ) if layers.problems.is_empty() => Ok(Self {
                http,
                dm,
                store,
                vault,
                card,
                ppg,
                api,
                job,
                push,
                entries: layers.entries,
                file: None,
            }),
            _ => Err(ConfigError::Wrong(layers.problems)),
        }
    }
}

impl Http {
    fn read(layers: &mut Layers) -> Option<Self> {
        let listen = layers.text("http.listen", value::socket_address);
        let dm_path = layers.text("http.dm-path", str::parse);
        let body_limit = layers.text("http.body-limit", value::size);
        let header_timeout = layers.text("http.header-timeout", value::time);
        let request_timeout = layers.text("http.request-timeout", value::time);
        let max_connections = layers.number("http.max-connections", 1, 65_536);
        let stop_grace = layers.text("http.stop-grace", value::time);
        Some(Self {
            listen: listen?,
            dm_path: dm_path?,
            body_limit: body_limit?,
            header_timeout: header_timeout?,
            request_timeout: request_timeout?,
            max_connections: max_connections?,
            stop_grace: stop_grace?,
        })
    }
}

impl Dm {
    fn read(layers: &mut Layers) -> Option<Self> {
        let server_id =
            layers.text("dm.server-id", |text| text.parse().map_err(|e: IdentError| e.to_string()));
        let uri = layers.text("dm.uri", str::parse);
        let max_message_size = layers.text("dm.max-message-size", value::size);
        let max_object_size = layers.text("dm.max-object-size", value::size);
        let max_sessions = layers.number("dm.max-sessions", 1, 10_000_000);
        let session_idle = layers.text("dm.session-idle", value::time);
        Some(Self {
            server_id: server_id?,
            uri: uri?,
            max_message_size: max_message_size?,
            max_object_size: max_object_size?,
            max_sessions: max_sessions?,
            session_idle: session_idle?,
        })
    }
}

impl Store {
    fn read(layers: &mut Layers, sources: &Sources) -> Option<Self> {
        let path = match layers.text("store.path", |text| Ok(text == "auto")) {
            Some(true) => match sources.data_file("bootgate.db") {
                Some(path) => {
                    layers.resolve("store.path", &path);
                    Some(path)
                }
                None => {
                    let message =
                        "is \"auto\", and neither XDG_DATA_HOME nor HOME is an absolute path; name a file";
                    layers.wrong_value("store.path", message.into());
                    None
                }
            },
            Some(false) => layers.path("store.path", sources.home.as_deref()),
            None => None,
        };
        let busy_timeout = layers.text("store.busy-timeout", value::time);
        Some(Self { path: path?, busy_timeout: busy_timeout? })
    }
}

impl Vault {
    fn read(layers: &mut Layers, home: Option<&Path>) -> Option<Self> {
        let named = layers.text("vault.key-file", |text| match (text, text.strip_prefix("env:")) {
            ("auto", _) => Ok(Some(KeyFile::Auto)),
            (_, Some("")) => Err("names no environment variable; expected env:NAME".into()),
            (_, Some(name)) => Ok(Some(KeyFile::Env(name.to_owned()))),
            _ => Ok(None),
        })?;
        let key_file = match named {
            Some(named) => named,
            None => KeyFile::Path(layers.path("vault.key-file", home)?),
        };
        Some(Self { key_file })
    }
}

impl Card {
    fn read(layers: &mut Layers) -> Option<Self> {
        let key_floor = layers.number("card.key-floor", 2, 15);
        let key_policies = layers.tables("card.key-policy", value::KEY_RULE_KEYS, value::key_rule);
        let watchdog = layers.text("card.watchdog", value::time);
        let bays = layers.tables("card.bay", value::LABEL_KEYS, value::label);
        if let Some(bays) = &bays {
            let twice = |(at, label): (usize, &Label)| bays.iter().take(at).any(|l| l.name == label.name);
            if bays.iter().enumerate().any(twice) {
                layers.wrong_value("card.bay", "has one label twice".into());
            }
        }
        let key_rings = layers.tables("card.key-source", &["from"], value::key_ring);
        let channel = layers.text("card.channel", value::channel);
        let class = layers.text("card.class", value::class);
        Some(Self {
            key_floor: key_floor?,
            key_policies: key_policies?,
            watchdog: watchdog?,
            bays: bays?,
            key_rings: key_rings?,
            addressing: Addressing { class: class?, channel: channel? },
        })
    }
}

#[cfg(test)]
mod tests;

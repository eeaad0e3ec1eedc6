//! Which gateway a push goes to, and who we are to it.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::{
    app::config::{Protocol, PushGateway, SecretPlace},
    bearer::{
        ClientFiles, ClientTls, Endpoint, MOST_SEGMENTS, Patience,
        pap_client::{Capabilities, Credentials, Gateway, GatewayKind, PapClient},
        sendsms::Sendsms,
    },
    cli::{Exit, Failure, Global, config, secret::SecretSource},
};

/// Arguments about the gateway.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("peer").args(["gateway", "ppg", "sendsms"]))]
pub(super) struct PeerArgs {
    /// Gateway by its name in the configuration ([[push.gateway]]). Without any, the only one that stands there.
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// Where a Push Proxy Gateway takes PAP requests: http://HOST:PORT/PATH, or https.
    #[arg(long, value_name = "URL")]
    ppg: Option<String>,
    /// Where Kannel's smsbox takes messages: http://HOST:PORT/cgi-bin/sendsms, or https. Short messages are made here and go through
    /// as they are, authentication with them.
    #[arg(long, value_name = "URL", requires = "user")]
    sendsms: Option<String>,
    /// Which program a --ppg is: standard, bootgate or kannel. A push is refused where the gateway would lose something of
    /// it.
    #[arg(long, value_name = "KIND", requires = "ppg")]
    ppg_kind: Option<GatewayKind>,
    /// The --ppg keeps SEC and MAC: without it an authenticated bootstrap goes to a gateway of kind bootgate only.
    #[arg(long, requires = "ppg")]
    keeps_authentication: bool,
    /// The user that the gateway knows us as.
    #[arg(long, value_name = "NAME", requires = "password", conflicts_with = "gateway")]
    user: Option<String>,
    /// That user's password: @FILE, env:NAME or - (prompt).
    #[arg(long, value_name = "SECRET", requires = "user")]
    password: Option<SecretSource>,
    /// A bearer token in place of user and password: @FILE, env:NAME or - (prompt).
    #[arg(long, value_name = "SECRET", conflicts_with = "user", requires = "ppg")]
    token: Option<SecretSource>,
    /// From whom messages of --sendsms come; without it, what Kannel is set to.
    #[arg(long, value_name = "SENDER", requires = "sendsms")]
    sender: Option<String>,
    /// https: certificates (PEM) that the gateway's must come from; without it, those that the system trusts.
    #[arg(long, value_name = "FILE", conflicts_with = "gateway")]
    tls_ca: Option<PathBuf>,
    /// https: our certificate (PEM), for gateways that ask for one.
    #[arg(long, value_name = "FILE", conflicts_with = "gateway", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// https: the key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
}

/// A gateway that pushes can be handed to.
#[derive(Debug)]
pub(super) enum Peer {
    /// A Push Proxy Gateway.
    Ppg(PapClient),
    /// Kannel's smsbox.
    Sendsms(Sendsms),
}

impl PeerArgs {
    /// The gateway.
    pub(super) fn read(&self, global: &Global) -> anyhow::Result<Peer> {
        let url = |flag: &str, url: &str| -> anyhow::Result<Endpoint> {
            let endpoint = url.parse().map_err(|e| Failure::because(Exit::Usage, format!("{flag}: {e}")))?;
            let own = self.tls_certificate.clone().zip(self.tls_key.clone());
            let files = ClientFiles { ca: self.tls_ca.clone(), own };
            secured(endpoint, &files).map_err(|why| Failure::because(Exit::Usage, format!("{flag}: {why}")))
        };
        let password = || self.password.as_ref().map(|p| p.read("--password")).transpose();
        if let Some(sendsms) = &self.sendsms {
            let endpoint = url("--sendsms", sendsms)?;
            return Ok(Peer::Sendsms(Sendsms {
                name: endpoint.to_string(),
                endpoint,
                user: self.user.clone().unwrap_or_default(),
                password: password()?.unwrap_or_default(),
                sender: self.sender.clone(),
                smsc: None,
                most_segments: MOST_SEGMENTS,
                patience: Patience::default(),
            }));
        }
        let Some(ppg) = &self.ppg else { return self.configured(global) };
        let endpoint = url("--ppg", ppg)?;
        let credentials = match (&self.user, password()?, &self.token) {
            (Some(user), Some(password), _) => Some(Credentials::Basic { user: user.clone(), password }),
            (_, _, Some(token)) => Some(Credentials::Bearer(token.read("--token")?)),
            _ => None,
        };
        let mut capabilities = Capabilities::of(self.ppg_kind.unwrap_or_default());
        capabilities.keeps_authentication |= self.keeps_authentication;
        Ok(Peer::Ppg(PapClient::new(Gateway {
            name: endpoint.to_string(),
            endpoint,
            credentials,
            capabilities,
            patience: Patience::default(),
        })))
    }

    /// The gateway, which must be one that takes PAP.
    pub(super) fn ppg(&self, global: &Global) -> anyhow::Result<PapClient> {
        match self.read(global)? {
            Peer::Ppg(client) => Ok(client),
            Peer::Sendsms(kannel) => {
                let why = format!("{} does not know pushes, only short messages on their way", kannel.name);
                Err(Failure::because(Exit::Usage, why))
            }
        }
    }

    fn configured(&self, global: &Global) -> anyhow::Result<Peer> {
        let gateways = config::load(global, Vec::new())?.push.gateways;
        let names = || gateways.iter().map(|g| g.name.as_str()).collect::<Vec<_>>().join(", ");
        let gateway = match (&self.gateway, gateways.as_slice()) {
            (Some(name), _) => gateways.iter().find(|g| g.name == *name).ok_or_else(|| {
                let why = format!(
                    "--gateway: no such [[push.gateway]] in the configuration; there is: {}",
                    names()
                );
                Failure::because(Exit::Usage, why)
            })?,
            (None, [only]) => only,
            (None, []) => {
                let why = "which gateway? Give --ppg or --sendsms, or name one in the configuration ([[push.gateway]])";
                return Err(Failure::because(Exit::Usage, why));
            }
            (None, _) => {
                let why = format!("which gateway? Give --gateway with one of: {}", names());
                return Err(Failure::because(Exit::Usage, why));
            }
        };
        peer(gateway)
    }
}

impl Peer {
    /// What people call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Ppg(client) => &client.gateway().name,
            Self::Sendsms(kannel) => &kannel.name,
        }
    }

    /// Its host, of which addresses are.
    pub(super) fn host(&self) -> &str {
        match self {
            Self::Ppg(client) => client.gateway().endpoint.host(),
            Self::Sendsms(kannel) => kannel.endpoint.host(),
        }
    }
}

/// The endpoint with what the files say of its TLS.
fn secured(endpoint: Endpoint, files: &ClientFiles) -> Result<Endpoint, String> {
    match (files.is_empty(), endpoint.is_tls()) {
        (true, _) => Ok(endpoint),
        (false, true) => ClientTls::open(files).map(|tls| endpoint.with_tls(tls)).map_err(|e| e.to_string()),
        (false, false) => Err("files of TLS are named, and the URL is not https".to_owned()),
    }
}

/// A gateway of the configuration, with its secrets fetched.
fn peer(gateway: &PushGateway) -> anyhow::Result<Peer> {
    let PushGateway { name, protocol, endpoint, user, password, token, tls } = gateway;
    let endpoint = secured(endpoint.clone(), tls)
        .map_err(|why| Failure::because(Exit::Config, format!("the gateway {name}: {why}")))?;
    let fetch = |what: &str, place: &Option<SecretPlace>| -> anyhow::Result<Option<Zeroizing<String>>> {
        let source = place.as_ref().map(|place| match place {
            SecretPlace::File(file) => SecretSource::File(file.to_string_lossy().into_owned()),
            SecretPlace::Env(name) => SecretSource::Env(name.clone()),
        });
        // The configuration names it, not the command line.
        let read = source.map(|s| s.read(&format!("{what} of the gateway {name}"))).transpose();
        read.map_err(|error| Failure::because(Exit::Config, error))
    };
    let password = fetch("password", password)?;
    Ok(match protocol {
        Protocol::Pap(capabilities) => {
            let basic = user.clone().zip(password);
            let basic = basic.map(|(user, password)| Credentials::Basic { user, password });
            let bearer = fetch("token", token)?.map(Credentials::Bearer);
            Peer::Ppg(PapClient::new(Gateway {
                name: name.clone(),
                endpoint: endpoint.clone(),
                credentials: basic.or(bearer),
                capabilities: *capabilities,
                patience: Patience::default(),
            }))
        }
        Protocol::Sendsms { sender, smsc, most_segments } => Peer::Sendsms(Sendsms {
            name: name.clone(),
            endpoint: endpoint.clone(),
            user: user.clone().unwrap_or_default(),
            password: password.unwrap_or_default(),
            sender: sender.clone(),
            smsc: smsc.clone(),
            most_segments: *most_segments,
            patience: Patience::default(),
        }),
    })
}

//! Routes to devices, as configured: links to SMSCs with their passwords and certificates, and UDP.

use std::{io, sync::Arc, time::Duration};

use tokio::sync::mpsc;

use zeroize::Zeroizing;

use super::config::{Config, Kannel, RouteRule, SecretPlace, Smsc};
use crate::{
    bearer::{
        ClientTls, Event, Link, Patience, References, Route, Routes, UdpRoute,
        sendsms::{Sendsms, SendsmsLink, SendsmsSettings},
        smpp::{Credentials, LinkSettings, SmppLink, SmscAddress, Tls},
    },
    ident::{Clock, Random, SharedSecret},
    vault::short_text,
};

/// How long connecting to an SMSC may take.
const CONNECT: Duration = Duration::from_secs(10);

/// The longest file of a password that is read.
const PASSWORD_FILE: u64 = 1_024;

/// Starts all links and opens all routes; none when none is configured. To be called within a tokio runtime.
///
/// Links without a route carry everything, in their order, so that one link is enough of a configuration.
///
/// # Errors
/// With the link, and what it needs and cannot have.
pub(super) fn open(
    config: &Config,
    events: &mpsc::Sender<Event>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> io::Result<Option<Routes>> {
    let (smscs, kannels, rules) = (&config.ppg.smscs, &config.ppg.kannels, &config.ppg.routes);
    if smscs.is_empty() && kannels.is_empty() && rules.is_empty() {
        return Ok(None);
    }
    let references = Arc::new(References::default());
    let mut links: Vec<Arc<dyn Link>> = Vec::new();
    for smsc in smscs {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("[[ppg.smpp]] {}: {error}", smsc.settings.name))
        };
        let tls = smsc.tls.as_ref().map(Tls::open).transpose().map_err(named)?;
        let address = SmscAddress { address: smsc.address.as_str().into(), connect_timeout: CONNECT, tls };
        let settings = settings(smsc).map_err(named)?;
        let (references, events) = (Arc::clone(&references), events.clone());
        links.push(Arc::new(SmppLink::start(
            settings,
            address,
            references,
            events,
            Arc::clone(clock),
            Arc::clone(random),
        )));
    }
    for kannel in kannels {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("[[ppg.sendsms]] {}: {error}", kannel.name))
        };
        let settings = SendsmsSettings {
            window: kannel.window,
            capacity: kannel.capacity,
            write_ahead: true,
            receipts: config.push.results.as_ref().map(|results| format!("{}/receipt/", results.as_str())),
        };
        links.push(Arc::new(SendsmsLink::start(
            sendsms(kannel).map_err(named)?,
            settings,
            Arc::clone(&references),
            events.clone(),
            Arc::clone(clock),
            Arc::clone(random),
        )));
    }
    let find = |name: &String| links.iter().find(|link| link.name() == *name);
    let mut routes = Vec::new();
    let mut udp = None;
    for rule in rules {
        match rule {
            RouteRule::Numbers { prefix, over } => routes.push(Route {
                prefix: prefix.clone(),
                links: over.iter().filter_map(find).cloned().collect(),
            }),
            RouteRule::Udp { port } => {
                let opened = UdpRoute::open("udp", *port, events.clone(), Arc::clone(clock));
                udp = Some(opened.map_err(|e| {
                    io::Error::new(
                        e.kind(),
                        format!("[[ppg.route]] over udp: port {port}: {e}; see source-port"),
                    )
                })?);
            }
        }
    }
    if routes.is_empty() && !links.is_empty() {
        routes.push(Route { prefix: String::new(), links });
    }
    Ok(Some(Routes::new(routes, udp)))
}

/// The settings with the password.
fn settings(smsc: &Smsc) -> io::Result<LinkSettings> {
    let own = &smsc.settings.credentials;
    let password = smsc.password.as_ref().map(secret).transpose()?;
    let password = password.map(|text| text.parse::<SharedSecret>()).transpose();
    let password = password.map_err(io::Error::other)?;
    let credentials =
        Credentials::new(own.system_id(), password, own.system_type()).map_err(io::Error::other)?;
    Ok(LinkSettings { credentials, ..smsc.settings.clone() })
}

/// A Kannel with its password and its trust.
fn sendsms(kannel: &Kannel) -> io::Result<Sendsms> {
    let endpoint = match kannel.tls.is_empty() {
        true => kannel.endpoint.clone(),
        false => kannel.endpoint.clone().with_tls(ClientTls::open(&kannel.tls)?),
    };
    Ok(Sendsms {
        name: kannel.name.clone(),
        endpoint,
        user: kannel.user.clone(),
        password: secret(&kannel.password)?,
        sender: kannel.sender.clone(),
        smsc: kannel.smsc.clone(),
        most_segments: kannel.segment_limit,
        patience: Patience::default(),
    })
}

/// A secret from where it is.
fn secret(place: &SecretPlace) -> io::Result<Zeroizing<String>> {
    let text = match place {
        SecretPlace::Env(name) => Zeroizing::new(
            std::env::var(name)
                .map_err(|_| io::Error::other(format!("the environment variable {name} is not set")))?,
        ),
        SecretPlace::File(path) => {
            let named =
                |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            short_text(path, PASSWORD_FILE).map_err(named)?
        }
    };
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

//! `bootgate serve`: API, Push Proxy Gateway and DM server, until SIGTERM or SIGINT.

use std::{fmt, sync::Arc};

use serde::Serialize;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};
use tracing::info;

use super::{Exit, Failure, Global, config, output};
use crate::{
    app::{App, OsRandom, SystemClock, config::Flag},
    bearer::{Bearer, ClientTls, Event},
    http,
};

/// What a bearer may say before it waits to be heard.
const EVENTS: usize = 4096;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address and port to listen on, in place of `[http] listen`; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

pub(super) fn run(args: Args, global: &Global) -> anyhow::Result<Exit> {
    let flag = |value| Flag { flag: "--listen", key: "http.listen", value };
    let config = config::load(global, args.listen.map(flag).into_iter().collect())?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let listen = config.http.listen;
        let app = App::open(config, Arc::new(SystemClock), Arc::new(OsRandom)).await?;
        // Before the first request is taken, so that none meets a job in a state that is no longer true.
        app.recover().await?;
        let listener = TcpListener::bind(listen).await;
        let listener = listener.map_err(|e| {
            Failure::because(Exit::Unavailable, format!("cannot listen on {listen}: {e}; see [http] listen"))
        })?;
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (stopping, stopped) = watch::channel(());
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => info!("Stopping: SIGTERM"),
                _ = int.recv() => info!("Stopping: SIGINT"),
            }
            drop(stopping);
        });
        let stop = move || {
            let mut stopped = stopped.clone();
            async move { drop(stopped.changed().await) }
        };
        let config = app.config();
        let mut listening = Listening {
            listening: format!("http://{}", listener.local_addr()?),
            dm: config.dm.uri.for_listener(listener.local_addr()?, &config.http.dm_path),
            server_id: config.dm.server_id.to_string(),
            ppg: None,
            initiators: config.ppg.initiators.count(),
            api: None,
            results: config.push.results.is_some(),
            store: config.store.path.display().to_string(),
        };
        if !config.ppg.settings.notify.tls.is_empty() {
            ClientTls::open(&config.ppg.settings.notify.tls).map_err(|e| {
                Failure::because(
                    Exit::Config,
                    format!("[ppg] notify-ca, notify-certificate, notify-key: {e}"),
                )
            })?;
        }
        let (events, told) = mpsc::channel(EVENTS);
        let bearer = app
            .bearer(events)
            .map_err(|e| Failure::because(Exit::Config, format!("pushes cannot go to devices: {e}")))?;
        let gateway = match config.ppg.listen {
            None => None,
            Some(listen) => Some(TcpListener::bind(listen).await.map_err(|e| {
                Failure::because(
                    Exit::Unavailable,
                    format!("cannot listen on {listen}: {e}; see [ppg] listen"),
                )
            })?),
        };
        let base = match &gateway {
            None => listening.listening.clone(),
            Some(own) => {
                let scheme = if config.ppg.tls.is_some() { "https" } else { "http" };
                format!("{scheme}://{}", own.local_addr()?)
            }
        };
        listening.ppg = bearer.as_ref().map(|_| format!("{base}{}", config.ppg.path.as_str()));
        listening.api =
            (!config.api.tokens.is_empty()).then(|| format!("{}/api/v1/jobs", listening.listening));
        output::emit(global.format, &listening)?;
        let own = async {
            match gateway {
                Some(listener) => http::serve_gateway(listener, app.clone(), stop()).await,
                None => Ok(()),
            }
        };
        let has_way = bearer.is_some();
        let delivery = tokio::spawn(deliver(app.clone(), bearer, told, stop()));
        // Push jobs that were left behind need the gateway, which takes pushes once it delivers.
        while has_way && !app.ppg().has_route() {
            tokio::task::yield_now().await;
        }
        app.resume_pushes().await?;
        tokio::try_join!(own, http::serve(listener, app.clone(), stop()))?;
        delivery.await?;
        Ok(Exit::Ok)
    })
}

/// Delivers pushes, where there is a way to devices, until `stop`.
async fn deliver(
    app: App,
    bearer: Option<Arc<dyn Bearer>>,
    told: mpsc::Receiver<Event>,
    stop: impl Future<Output = ()>,
) {
    if let Some(bearer) = bearer {
        let grace = app.config().http.stop_grace;
        app.ppg().deliver(Arc::clone(&bearer), told, stop, grace).await;
        bearer.close(grace).await;
    }
}

/// The line that says that connections are taken.
#[derive(Serialize)]
struct Listening {
    listening: String,
    /// Where devices post their sessions.
    dm: String,
    server_id: String,
    /// Where initiators push; none without a way to devices.
    ppg: Option<String>,
    /// How many may.
    initiators: usize,
    /// Where programs ask for jobs; none while nobody may.
    api: Option<String>,
    /// Whether gateways of others may tell it what became of pushes; the address is none to be shown.
    results: bool,
    store: String,
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "listening on {}", self.listening)?;
        writeln!(f, "DM server {} at {}", self.server_id, self.dm)?;
        match &self.ppg {
            Some(url) if self.initiators == 0 => {
                writeln!(f, "push gateway (PAP) at {url}: nobody may push yet ([[ppg.initiator]])")?
            }
            Some(url) => writeln!(f, "push gateway (PAP) at {url}")?,
            None => writeln!(
                f,
                "no push gateway: no way to devices is configured ([[ppg.smpp]], [[ppg.sendsms]], [[ppg.route]])"
            )?,
        }
        match &self.api {
            Some(url) => writeln!(f, "API at {url}")?,
            None => writeln!(f, "no API: nobody may ask for jobs ([[api.token]])")?,
        }
        if self.results {
            writeln!(f, "results and receipts of other gateways at the address of [push] results")?;
        }
        write!(f, "database {}", self.store)
    }
}

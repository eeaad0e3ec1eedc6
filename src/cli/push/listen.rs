//! `--listen`: where gateways tell what became of a push, while `--wait` stays.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    app::OsRandom,
    bearer::{Heard, Results, Told},
    cli::{Exit, Failure, Global, config},
    http,
    ident::Random as _,
    wire::pap::PushId,
};

/// Arguments about listening.
#[derive(Debug, clap::Args)]
pub(super) struct ListenArgs {
    /// Address and port at which --wait listens for results (PAP) and receipts (Kannel) of the gateway; port 0 takes a free
    /// one.
    #[arg(long, value_name = "ADDRESS", requires = "wait")]
    listen: Option<SocketAddr>,
    /// That address as the gateway reaches it, where it is another.
    #[arg(long, value_name = "URL", requires = "listen")]
    listen_url: Option<String>,
}

/// What hears a gateway.
pub(super) struct Ear {
    base: String,
    known: Arc<Known>,
    news: mpsc::Receiver<Told>,
}

/// What is waited for.
struct Known {
    push_ids: Mutex<BTreeSet<PushId>>,
    segments: Mutex<BTreeSet<String>>,
    news: mpsc::Sender<Told>,
}

/// What may wait to be looked at; a gateway that is told no tells it again.
const BACKLOG: usize = 1024;

impl ListenArgs {
    /// True when it is asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.listen.is_some()
    }

    /// Begins to listen, where that was asked for.
    pub(super) async fn open(&self, global: &Global) -> anyhow::Result<Option<Ear>> {
        let Some(listen) = self.listen else { return Ok(None) };
        if listen.ip().is_unspecified() && self.listen_url.is_none() {
            let why = "--listen is every address; give --listen-url with the one that the gateway reaches";
            return Err(Failure::because(Exit::Usage, why));
        }
        let limits = config::load(global, Vec::new())?.http;
        let listener = TcpListener::bind(listen).await.map_err(|e| {
            Failure::because(Exit::Unavailable, format!("--listen: cannot listen on {listen}: {e}"))
        })?;
        let key = drawn();
        let outside = match &self.listen_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", listener.local_addr()?),
        };
        let (news, heard) = mpsc::channel(BACKLOG);
        let known = Arc::new(Known { push_ids: Mutex::default(), segments: Mutex::default(), news });
        let base = format!("{outside}/{key}");
        let results = Arc::clone(&known);
        tokio::spawn(async move {
            http::serve_results(listener, &key, results, &limits, std::future::pending()).await;
        });
        Ok(Some(Ear { base, known, news: heard }))
    }
}

impl Ear {
    /// Where the results of a push are to be told.
    pub(super) fn for_push(&self, push_id: &PushId) -> String {
        let mut known = self.known.push_ids.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(push_id.clone());
        format!("{}/result", self.base)
    }

    /// A number of its own for a segment, and where its receipt is to be told: `%d` stands for the state.
    pub(super) fn for_segment(&self) -> (String, String) {
        let segment = drawn();
        let url = format!("{}/receipt/{segment}?d=%d", self.base);
        let mut known = self.known.segments.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(segment.clone());
        (segment, url)
    }

    /// The next thing that is told.
    pub(super) async fn next(&mut self) -> Option<Told> {
        self.news.recv().await
    }
}

#[async_trait::async_trait]
impl Results for Known {
    async fn told(&self, told: Told) -> Heard {
        let known = match &told {
            Told::Result(result) => {
                self.push_ids.lock().unwrap_or_else(PoisonError::into_inner).contains(&result.push_id)
            }
            Told::Receipt { segment, .. } => {
                self.segments.lock().unwrap_or_else(PoisonError::into_inner).contains(segment)
            }
        };
        match known {
            true if self.news.try_send(told).is_ok() => Heard::Taken,
            true => Heard::NotNow,
            false => Heard::Strange,
        }
    }
}

/// Hexadecimal digits of 80 bits.
pub(super) fn drawn() -> String {
    let mut octets = [0; 10];
    OsRandom.fill(&mut octets);
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

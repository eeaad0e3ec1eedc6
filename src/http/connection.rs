//! Connections: how many, how long, and how they end.
//!
//! In place of `axum::serve`, which sets no time limit on a request's header: a peer that sends one octet a minute
//! would hold its connection for ever.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::{pap::ClientCertificate, read_on::ReadOn};
use crate::{app::config::Http, bearer::ppg::CredentialDigest};

/// Octets of a connection that are read ahead, at the most, and of the header of a request.
const BUFFER: usize = 64 * 1024;

/// How long to wait when the system has no more file descriptors or memory for a connection.
const BREATH: Duration = Duration::from_millis(200);

/// Accepts connections and serves `routes` on them until `stop`, then waits for requests under way, within bounds. With
/// TLS the shake of hands has the time of a request's header, and routes are told of the client's certificate.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Router,
    http: &Http,
    stop: impl Future<Output = ()>,
) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(http.header_timeout).max_buf_size(BUFFER);
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(http.max_connections));
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _peer)) => stream,
            // Mostly a peer that was gone again, or no file descriptor left; neither is a reason to end.
            Err(error) => {
                warn!(%error, "A connection could not be accepted: {error}");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        // Messages are small and each waits for the answer to the one before.
        let _ = stream.set_nodelay(true);
        let (watcher, server, tls) = (open.watcher(), server.clone(), tls.clone());
        let (routes, patience) = (routes.clone(), http.header_timeout);
        let stream = ReadOn::new(stream, http.request_timeout);
        tokio::spawn(async move {
            let Some(tls) = tls else {
                let service = TowerToHyperService::new(routes);
                told(watcher.watch(server.serve_connection(TokioIo::new(stream), service)).await);
                return drop(place);
            };
            if let Ok(Ok(stream)) = tokio::time::timeout(patience, tls.accept(stream)).await {
                let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                let shown = certificate.map(|c| ClientCertificate(CredentialDigest::of(c)));
                let routes = match shown {
                    Some(shown) => routes.layer(Extension(shown)),
                    None => routes,
                };
                let service = TowerToHyperService::new(routes);
                told(watcher.watch(server.serve_connection(TokioIo::new(stream), service)).await);
            }
            drop(place);
        });
    }
    drop(listener);
    let left = open.count();
    if tokio::time::timeout(http.stop_grace, open.shutdown()).await.is_err() {
        warn!("Stopped while requests were still under way, {left} connection(s) at the start of the wait");
    }
}

fn told(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        debug!(%error, "A connection ended early: {error}");
    }
}

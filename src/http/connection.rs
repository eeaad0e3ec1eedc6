//! Connections: how many, how long, and how they end.
//!
//! In place of `axum::serve`, which sets no time limit on a request's header: a peer that sends one octet a minute
//! would hold its connection for ever.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tracing::{debug, warn};

use crate::app::config::Http;

/// How long to wait when the system has no more file descriptors or memory for a connection.
const BREATH: Duration = Duration::from_millis(200);

/// Accepts connections and serves `routes` on them until `stop`, then waits for requests under way, within bounds.
pub(super) async fn accept(
    listener: TcpListener,
    routes: Router,
    http: &Http,
    stop: impl Future<Output = ()>,
) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(http.header_timeout);
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
        let service = TowerToHyperService::new(routes.clone());
        let connection = open.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "A connection ended early: {error}");
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

//! A virtual SMSC: takes submit_sm, answers, sends receipts, and hands on what it got, whole networks away from a real one.
//!
//! It is written for what it tests and shares with the bearer only the cutting of the stream and the codec, so that both
//! sides agree on octets because the standard says so.

mod behaviour;
mod book;
mod received;
mod session;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinHandle,
};

pub use behaviour::{Behaviour, FaultError, Faults, Happened, ReceiptForm, Receipts};
pub use received::Received;

use book::Book;

/// Connections at the same time; further ones are closed.
const CONNECTIONS: usize = 256;

/// What is told of received messages before somebody takes them.
const WAITING: usize = 4_096;

/// A virtual SMSC that listens. Dropping it closes all its connections.
#[derive(Debug)]
pub struct VirtualSmsc {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    behaviour: Behaviour,
    book: Mutex<Book>,
    /// Receipts came up.
    receipts: Notify,
    received: mpsc::Sender<Received>,
}

impl VirtualSmsc {
    /// Listens at `address` (port 0 takes a free one). What it takes comes out of the channel; while that is full, nothing is
    /// answered; when nobody holds it, messages are forgotten.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn start(
        address: SocketAddr,
        behaviour: Behaviour,
    ) -> io::Result<(Self, mpsc::Receiver<Received>)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (to, received) = mpsc::channel(WAITING);
        let book = Mutex::new(Book::new(&behaviour));
        let shared = Arc::new(Shared { behaviour, book, receipts: Notify::new(), received: to });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok((Self { address, shared, task }, received))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many submit_sm it has taken, answered or not.
    pub fn taken(&self) -> u64 {
        self.shared.book().taken()
    }

    /// How often what went wrong, as it was told to.
    pub fn happened(&self) -> Happened {
        self.shared.book().happened
    }

    /// Keeps receipts back, or lets those go that are due.
    pub fn hold_receipts(&self, held: bool) {
        self.shared.book().hold(held);
        self.shared.receipts.notify_waiters();
    }

    /// How many receipts have not been answered yet, those whose time has not come among them.
    pub fn receipts_open(&self) -> usize {
        self.shared.book().receipts_open()
    }
}

impl Drop for VirtualSmsc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Sessions end with this task.
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted
                    && sessions.len() < CONNECTIONS
                {
                    sessions.spawn(session::run(stream, Arc::clone(&shared)));
                }
            }
            Some(_) = sessions.join_next() => {}
        }
    }
}

//! The Push Proxy Gateway (WAP-247-PAP, WAP-151-PPGService): takes pushes from initiators, keeps them in the outbox,
//! feeds bearers, and knows and tells what became of each.
//!
//! | step     | file           | what                                                            |
//! |----------|----------------|-----------------------------------------------------------------|
//! | speak    | `protocol`     | a PAP document in, a PAP document out                            |
//! | check    | `submission`   | rights, times, quality of service, addresses, size              |
//! | encode   | `content`      | the content entity as a WSP PDU                                  |
//! | keep     | [`Outbox`]     | accepted is what is kept                                         |
//! | feed     | `feed`         | claims what is due and hands it to the bearer                    |
//! | deliver  | `engine`       | keeps both going, takes down what the bearer says                |
//! | add up   | `receipts`     | receipts of segments                                             |
//! | tell     | `notify`       | results to initiators that want them                             |
//! | undo     | `take_back`    | what has not left yet, in this process or in another             |
//! | replace  | `replace`      | one push by another, where it has not left yet                   |

mod content;
mod engine;
mod feed;
mod initiator;
mod notify;
mod protocol;
mod rate;
mod receipts;
mod replace;
mod settings;
mod submission;
mod take_back;
#[cfg(test)]
mod tests;
mod text;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use tokio::sync::{Notify, broadcast};

pub use initiator::{CredentialDigest, Credentials, Initiator, Initiators, Presented, Rights};
pub use receipts::{add_up, silence};
pub use settings::{InDoubt, NotifySettings, Settings, Switches};

use super::{Bearer, DispatchId, Outbox, Settled};
use crate::ident::Clock;

/// Ends that a subscriber may lag behind.
const BACKLOG: usize = 4096;

/// A gateway. Cloning is cheap; clones are the same gateway.
#[derive(Clone)]
pub struct Ppg(Arc<Inner>);

struct Inner {
    settings: Settings,
    initiators: Initiators,
    outbox: Arc<dyn Outbox>,
    clock: Arc<dyn Clock>,
    bearer: OnceLock<Arc<dyn Bearer>>,
    /// Deliveries that the bearer has.
    under_way: Mutex<HashMap<DispatchId, engine::UnderWay>>,
    rates: rate::Rates,
    tid: AtomicU8,
    /// Something may be due.
    wake: Notify,
    /// A lane had no room when it was looked last: it wants to know when there is some.
    starved: AtomicBool,
    /// Something may be to be told.
    tell: Notify,
    settled: broadcast::Sender<Settled>,
}

impl Ppg {
    /// A gateway on an outbox. It takes pushes once it [delivers](Self::deliver).
    pub fn new(
        settings: Settings,
        initiators: Initiators,
        outbox: Arc<dyn Outbox>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            settings,
            initiators,
            outbox,
            clock,
            bearer: OnceLock::new(),
            under_way: Mutex::default(),
            rates: rate::Rates::default(),
            tid: AtomicU8::new(0),
            wake: Notify::new(),
            starved: AtomicBool::new(false),
            tell: Notify::new(),
            settled: broadcast::Sender::new(BACKLOG),
        }))
    }

    /// Who may hand in pushes.
    pub fn initiators(&self) -> &Initiators {
        &self.0.initiators
    }

    /// How it behaves.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Deliveries that come to their end from now on. Who lags behind by thousands loses some, and can ask with
    /// [`status`](Self::status).
    pub fn subscribe(&self) -> broadcast::Receiver<Settled> {
        self.0.settled.subscribe()
    }

    /// Whether there is a bearer to deliver over.
    pub fn has_route(&self) -> bool {
        self.0.bearer.get().is_some()
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<DispatchId, engine::UnderWay>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transaction identifier: any will do, and none like the one before makes captures easier to read.
    fn next_tid(&self) -> u8 {
        self.0.tid.fetch_add(1, Ordering::Relaxed)
    }

    /// Passes on what came to its end.
    fn announce(&self, settled: Vec<Settled>) {
        if settled.is_empty() {
            return;
        }
        self.0.tell.notify_one();
        if self.0.settled.receiver_count() > 0 {
            for end in settled {
                // Fails when the last subscriber has just gone.
                let _ = self.0.settled.send(end);
            }
        }
    }
}

impl fmt::Debug for Ppg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ppg").field("outbox", &self.0.outbox).field("bearer", &self.0.bearer.get()).finish()
    }
}

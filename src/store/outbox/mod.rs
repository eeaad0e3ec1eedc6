//! The outbox in the SQLite file.
//!
//! One task writes. Whatever waits for it when it begins goes into one transaction: many pushes that came in at once, what
//! bearers reported, and the next deliveries to send. Each kind is written by one statement for all, because a
//! statement costs several times what a row costs. Payloads are sealed by the vault.
//!
//! It has a connection of its own, so that what its transactions survive can be chosen apart from jobs and journals of
//! cards. It takes turns with the writer of the rest: SQLite lets one write at a time, and waits by polling.

mod accept;
mod ahead;
mod called_back;
mod claim;
mod lanes;
mod notice;
mod record;
mod row;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteSynchronous};
use tokio::sync::{OnceCell, mpsc, oneshot};

use super::{Store, error::Failed};
use crate::{
    bearer::{
        Abandoned, Accepted, Claim, DispatchId, InitiatorName, Kept, Lane, LaneOf, NewPush, Noticed, Notices,
        Outbox, OutboxError, Report, Settled,
    },
    ident::Timestamp,
    vault::{Purpose, Vault},
    wire::pap::PushId,
};

/// The most pushes of one transaction, and the most that wait for the next one.
const GROUP: usize = 512;

/// Deliveries that are put into other lanes at a time.
const PLACED: usize = 10_000;

/// What an outbox survives, beyond the end of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power cut, too: each transaction is synchronised to disk (`synchronous = FULL`).
    Power,
    /// SIGKILL, but a power cut may take the last moments (`synchronous = NORMAL`).
    Kill,
}

/// The outbox in a file.
pub struct OutboxFile {
    store: Store,
    vault: Arc<Vault>,
    durability: Durability,
    work: OnceCell<mpsc::Sender<Work>>,
}

/// What the writing task is asked, and where the answer goes.
type Work = (Ask, oneshot::Sender<Result<Answer, OutboxError>>);

enum Ask {
    Accept(accept::Sealed),
    Claim { lanes: Vec<Lane>, now: Timestamp },
    Place(Vec<(i64, Arc<str>)>),
    Record { reports: Vec<Report>, now: Timestamp },
    SetAside { of: InitiatorName, id: PushId, until: Timestamp },
    CallBack(Vec<DispatchId>, Option<Timestamp>),
    CalledBack,
    Abandoned { receipts_until: Timestamp, now: Timestamp },
    Noticed(Vec<Noticed>),
    Prune { before: Timestamp, most: usize },
}

/// What it answers, once that is on disk.
enum Answer {
    Accepted(Accepted),
    Claimed(claim::Rows),
    Settled(Vec<Settled>),
    Calls(Vec<(DispatchId, Option<Timestamp>)>),
    Abandoned(Abandoned),
    SetAside,
    CallingBack,
    Noticed,
    Placed,
    Pruned(usize),
}

impl OutboxFile {
    /// The outbox in the file of `store`. The task that writes starts when something is written for the first time, and
    /// ends with the last user.
    pub fn new(store: &Store, vault: Arc<Vault>, durability: Durability) -> Self {
        Self { store: store.clone(), vault, durability, work: OnceCell::new() }
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, OutboxError> {
        let work = self.work.get_or_try_init(|| self.start()).await.map_err(writing)?;
        let (reply, answer) = oneshot::channel();
        work.send((ask, reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn start(&self) -> Result<mpsc::Sender<Work>, sqlx::Error> {
        let (work, waiting) = mpsc::channel(GROUP);
        tokio::spawn(write(self.store.clone(), self.connect().await?, waiting));
        Ok(work)
    }

    /// The connection that writes.
    pub(super) async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        let synchronous = match self.durability {
            Durability::Power => SqliteSynchronous::Full,
            Durability::Kill => SqliteSynchronous::Normal,
        };
        let options = self.store.options.clone().synchronous(synchronous);
        SqliteConnection::connect_with(&options).await
    }
}

#[async_trait]
impl Outbox for OutboxFile {
    async fn accept(&self, push: NewPush) -> Result<Accepted, OutboxError> {
        let name = purpose(push.initiator.as_str(), push.push_id.as_str());
        let sealed = self.vault.seal(Purpose { kind: "push", of: &name }, &push.octets).map_err(writing)?;
        match self.ask(Ask::Accept(accept::Sealed { push, octets: sealed })).await? {
            Answer::Accepted(accepted) => Ok(accepted),
            _ => Err(closed()),
        }
    }

    async fn find(&self, initiator: &InitiatorName, id: &PushId) -> Result<Option<Kept>, OutboxError> {
        row::find(&self.store.readers, initiator, id).await.map_err(reading)
    }

    async fn claim(&self, lanes: &[Lane], now: Timestamp) -> Result<Claim, OutboxError> {
        match self.ask(Ask::Claim { lanes: lanes.to_vec(), now }).await? {
            Answer::Claimed(rows) => Ok(rows.open(&self.vault)),
            _ => Err(closed()),
        }
    }

    async fn sort_into_lanes(&self, lane: LaneOf<'_>, own: &[Arc<str>]) -> Result<(), OutboxError> {
        self.store.owner.claims(own).map_err(writing)?;
        // What one of them is saying just now is read next time.
        let Some(others) = self.store.owner.lanes_of_others() else { return Ok(()) };
        let misplaced = lanes::misplaced(&self.store.readers, lane, own, &others).await.map_err(reading)?;
        for some in misplaced.chunks(PLACED) {
            self.ask(Ask::Place(some.to_vec())).await?;
        }
        Ok(())
    }

    async fn record(&self, reports: Vec<Report>, now: Timestamp) -> Result<Vec<Settled>, OutboxError> {
        if reports.is_empty() {
            return Ok(Vec::new());
        }
        match self.ask(Ask::Record { reports, now }).await? {
            Answer::Settled(settled) => Ok(settled),
            _ => Err(closed()),
        }
    }

    async fn set_aside(&self, of: &InitiatorName, id: &PushId, until: Timestamp) -> Result<(), OutboxError> {
        self.ask(Ask::SetAside { of: of.clone(), id: id.clone(), until }).await.map(drop)
    }

    async fn call_back(&self, ids: Vec<DispatchId>, until: Option<Timestamp>) -> Result<(), OutboxError> {
        self.ask(Ask::CallBack(ids, until)).await.map(drop)
    }

    async fn called_back(&self) -> Result<Vec<(DispatchId, Option<Timestamp>)>, OutboxError> {
        // Asked often, and seldom with an answer: that is to cost no transaction.
        if !called_back::any(&self.store.readers).await.map_err(reading)? {
            return Ok(Vec::new());
        }
        match self.ask(Ask::CalledBack).await? {
            Answer::Calls(calls) => Ok(calls),
            _ => Err(closed()),
        }
    }

    async fn abandoned(&self, receipts_until: Timestamp, now: Timestamp) -> Result<Abandoned, OutboxError> {
        match self.ask(Ask::Abandoned { receipts_until, now }).await? {
            Answer::Abandoned(abandoned) => Ok(abandoned),
            _ => Err(closed()),
        }
    }

    async fn notices(
        &self,
        each: usize,
        busy: &BTreeSet<InitiatorName>,
        now: Timestamp,
    ) -> Result<Notices, OutboxError> {
        notice::due(&self.store.readers, each, busy, now).await.map_err(reading)
    }

    async fn noticed(&self, outcomes: Vec<Noticed>) -> Result<(), OutboxError> {
        self.ask(Ask::Noticed(outcomes)).await.map(drop)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<usize, OutboxError> {
        match self.ask(Ask::Prune { before, most }).await? {
            Answer::Pruned(count) => Ok(count),
            _ => Err(closed()),
        }
    }
}

/// Writes until nobody can ask any more.
async fn write(store: Store, mut connection: SqliteConnection, mut waiting: mpsc::Receiver<Work>) {
    let mut works: Vec<Work> = Vec::new();
    while waiting.recv_many(&mut works, GROUP).await > 0 {
        let (asks, replies): (Vec<_>, Vec<_>) = works.drain(..).unzip();
        // Whoever does not wait for the answer any more has what it asked for all the same.
        match transact(&store, &mut connection, asks).await {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _ = reply.send(Ok(answer));
                }
            }
            Err(error) => {
                let error = writing(error);
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }
    let _ = connection.close().await;
}

/// All of it in one transaction. New pushes first, so that they can be sent at once; what bearers said before the next
/// deliveries are handed out.
async fn transact(
    store: &Store,
    connection: &mut SqliteConnection,
    asks: Vec<Ask>,
) -> Result<Vec<Answer>, Failed> {
    let owner = store.owner.token()?;
    // Whoever holds the one connection of the rest's writer is the only one who writes in this process.
    let _turn = store.writer.acquire().await?;
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut pushes = Vec::new();
    let mut rest = Vec::new();
    for (place, ask) in asks.into_iter().enumerate() {
        match ask {
            Ask::Accept(push) => pushes.push((place, push)),
            other => rest.push((place, other)),
        }
    }
    rest.sort_by_key(|(_, ask)| matches!(ask, Ask::Claim { .. }));
    let mut answered = Vec::new();
    if !pushes.is_empty() {
        let (places, pushes): (Vec<_>, Vec<_>) = pushes.into_iter().unzip();
        let accepted = accept::all(&mut tx, &pushes).await?;
        answered.extend(places.into_iter().zip(accepted.into_iter().map(Answer::Accepted)));
    }
    for (place, ask) in rest {
        let answer = match ask {
            Ask::Accept(_) => continue,
            Ask::Record { reports, now } => Answer::Settled(record::reports(&mut tx, &reports, now).await?),
            Ask::Claim { lanes, now } => Answer::Claimed(claim::due(&mut tx, &owner, &lanes, now).await?),
            Ask::Place(lanes) => {
                lanes::place(&mut tx, &lanes).await?;
                Answer::Placed
            }
            Ask::SetAside { of, id, until } => {
                called_back::set_aside(&mut tx, &of, &id, until).await?;
                Answer::SetAside
            }
            Ask::CallBack(ids, until) => {
                called_back::ask(&mut tx, &ids, until).await?;
                Answer::CallingBack
            }
            Ask::CalledBack => Answer::Calls(called_back::take(&mut tx, &owner).await?),
            Ask::Abandoned { receipts_until, now } => {
                Answer::Abandoned(claim::abandoned(&mut tx, store, receipts_until, now).await?)
            }
            Ask::Noticed(outcomes) => {
                notice::noticed(&mut tx, &outcomes).await?;
                Answer::Noticed
            }
            Ask::Prune { before, most } => Answer::Pruned(notice::prune(&mut tx, before, most).await?),
        };
        answered.push((place, answer));
    }
    tx.commit().await?;
    answered.sort_by_key(|(place, _)| *place);
    Ok(answered.into_iter().map(|(_, answer)| answer).collect())
}

fn closed() -> OutboxError {
    writing(std::io::Error::other("the database was closed"))
}

fn purpose(initiator: &str, push_id: &str) -> String {
    format!("{initiator} {push_id}")
}

fn reading(source: impl std::error::Error + Send + Sync + 'static) -> OutboxError {
    OutboxError { doing: "read", source: Arc::new(source) }
}

fn writing(source: impl std::error::Error + Send + Sync + 'static) -> OutboxError {
    OutboxError { doing: "written", source: Arc::new(source) }
}

impl std::fmt::Debug for OutboxFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutboxFile({})", self.store.path.display())
    }
}

//! What gateways of others tell this service: receipts of its own links to Kannels, and results of pushes that were handed
//! to them with its address.

use std::{
    collections::{BTreeSet, VecDeque},
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::config::Config;
use crate::{
    bearer::{Event, Heard, MessageId, Receipt, Results, Taken, Told},
    ident::{Clock, Timestamp},
    wire::pap::ResultNotification,
};

/// Results that are known again when a gateway tells them twice.
const REMEMBERED: usize = 4096;
/// How each line begins: names are in the order of the alphabet.
const BEGINNING: &[u8] = b"{\"address\":";
/// How often another gateway is waited for that writes to it, and how long each time.
const TURNS: u32 = 100;
const TURN: Duration = Duration::from_millis(20);
/// More octets than a line of the file has: that of a request that is taken.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// Takes what is told. A thing that cannot be kept is not taken, so that the gateway tells it again.
pub(crate) struct ServedResults {
    clock: Arc<dyn Clock>,
    /// Names of links to Kannels.
    links: BTreeSet<String>,
    /// The gateway's own events, once it delivers.
    events: OnceLock<mpsc::Sender<Event>>,
    /// Where results are written; none to take none.
    file: Option<Arc<ResultsFile>>,
}

/// The file of results.
struct ResultsFile {
    path: PathBuf,
    /// Those that were written last.
    told: Mutex<VecDeque<String>>,
}

impl ServedResults {
    /// As configured.
    pub(super) fn of(config: &Config, clock: &Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            links: config.ppg.kannels.iter().map(|kannel| kannel.name.clone()).collect(),
            events: OnceLock::new(),
            file: config.push.results_file.clone().map(|path| Arc::new(ResultsFile::new(path))),
        })
    }

    /// Receipts go here from now on.
    pub(super) fn receipts_to(&self, events: mpsc::Sender<Event>) {
        // A gateway has one bearer for its whole life.
        let _ = self.events.set(events);
    }
}

impl ResultsFile {
    fn new(path: PathBuf) -> Self {
        Self { path, told: Mutex::default() }
    }

    /// Appends a result, on disk when it returns; once, however often it is told. Takes as long as the disk does.
    fn keep(&self, result: &ResultNotification, now: Timestamp) -> std::io::Result<()> {
        let mut line = json!({
            "push-id": result.push_id.as_str(),
            "address": result.address.as_str(),
            "state": result.state.to_string(),
            "code": result.code.0,
            "desc": result.desc,
            "event-time": result.event_time.map(|at| at.to_string()),
        });
        let name = line.to_string();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.contains(&name) {
            return Ok(());
        }
        line["told-at"] = now.to_string().into();
        let mut out = File::options().read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        // Gateways that share it take turns.
        let mut tries = 0..TURNS;
        while let Err(error) = out.try_lock() {
            if tries.next().is_none() {
                return Err(error.into());
            }
            std::thread::sleep(TURN);
        }
        cut_half_a_line(&mut out)?;
        out.write_all(format!("{line}\n").as_bytes())?;
        out.sync_data()?;
        if told.len() >= REMEMBERED {
            told.pop_front();
        }
        told.push_back(name);
        Ok(())
    }
}

/// Takes away the beginning of a line at the end: a full disk or a kill left it, and its result is told again, since it was
/// not taken.
fn cut_half_a_line(file: &mut File) -> std::io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut tail = |octets: u64| {
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(end.saturating_sub(octets)))?;
        file.take(octets).read_to_end(&mut tail)?;
        Ok::<_, std::io::Error>(tail)
    };
    if tail(1)?.last().is_none_or(|last| *last == b'\n') {
        return Ok(());
    }
    let tail = tail(LONGEST_LINE)?;
    let half = tail.rsplit(|octet| *octet == b'\n').next().unwrap_or_default();
    let ours = half.starts_with(BEGINNING) || BEGINNING.starts_with(half);
    if !ours || half.len() as u64 == LONGEST_LINE {
        return Err(std::io::Error::other("its last line is none of ours; is it another file?"));
    }
    file.set_len(end - half.len() as u64)
}

#[async_trait]
impl Results for ServedResults {
    async fn told(&self, told: Told) -> Heard {
        match told {
            Told::Receipt { segment, state } => {
                let Some((link, id)) = segment.split_once('.') else { return Heard::Strange };
                // Names of segments are digits of ours; anything else would only fill the database.
                let ours = id.len() == 20 && id.bytes().all(|b| b.is_ascii_hexdigit());
                if !self.links.contains(link) || !ours {
                    return Heard::Strange;
                }
                let message = MessageId { smsc: link.into(), id: id.to_owned() };
                let Some(events) = self.events.get() else { return Heard::NotNow };
                // The other end goes with the last copy of the receipt, once that is in the outbox.
                let (copies, gone) = oneshot::channel::<()>();
                let taken = Taken::new(move || {
                    let _ = &copies;
                });
                let receipt = Receipt { message, state, network_error: None, at: self.clock.now(), taken };
                if events.try_send(Event::Receipt(receipt)).is_err() {
                    return Heard::NotNow;
                }
                let _ = gone.await;
                // A gateway that stopped may have dropped it unread.
                if events.is_closed() { Heard::NotNow } else { Heard::Taken }
            }
            Told::Result(result) => {
                let Some(file) = self.file.clone() else { return Heard::Strange };
                let now = self.clock.now();
                let keeping = tokio::task::spawn_blocking(move || file.keep(&result, now)).await;
                let kept = keeping
                    .map_err(std::io::Error::other)
                    .flatten()
                    .inspect_err(
                        |error| warn!(%error, "[push] results-file: a result cannot be kept: {error}"),
                    )
                    .is_ok();
                if kept { Heard::Taken } else { Heard::NotNow }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::PermissionsExt as _,
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;
    use crate::{app::SystemClock, bearer::ReceiptState, wire::pap::MessageState};

    fn results(file: Option<PathBuf>) -> ServedResults {
        ServedResults {
            clock: Arc::new(SystemClock),
            links: BTreeSet::from(["op".to_owned()]),
            events: OnceLock::new(),
            file: file.map(|path| Arc::new(ResultsFile::new(path))),
        }
    }

    #[tokio::test]
    async fn receipts_of_our_links_become_events_and_nothing_else_does() {
        let results = Arc::new(results(None));
        let receipt = |segment: &str| {
            let (results, segment) = (Arc::clone(&results), segment.to_owned());
            async move { results.told(Told::Receipt { segment, state: ReceiptState::Delivered }).await }
        };
        let ours = "op.0123456789abcdef0123";
        assert_eq!(receipt(ours).await, Heard::NotNow, "nobody delivers yet: it is told again");
        let (events, mut told) = mpsc::channel(1);
        results.receipts_to(events);
        for stranger in ["op", "other.0123456789abcdef0123", "op.0123", "op.0123456789abcdef012x"] {
            assert_eq!(receipt(stranger).await, Heard::Strange, "{stranger}");
        }
        let mut now = Context::from_waker(Waker::noop());
        let mut first = pin!(receipt(ours));
        assert!(first.as_mut().poll(&mut now).is_pending(), "it is not kept yet");
        assert_eq!(receipt(ours).await, Heard::NotNow, "there is no room: it is told again");
        let Some(Event::Receipt(kept)) = told.recv().await else { panic!() };
        assert_eq!((&*kept.message.smsc, kept.message.id.as_str()), ("op", &ours[3..]));
        let copy = kept.clone();
        drop(kept);
        assert!(first.as_mut().poll(&mut now).is_pending(), "a copy is on its way to the outbox");
        drop(copy);
        assert_eq!(first.await, Heard::Taken);
        // What waits in the gateway when that stops is told again.
        let mut last = pin!(receipt(ours));
        assert!(last.as_mut().poll(&mut now).is_pending());
        drop(told);
        assert_eq!(last.await, Heard::NotNow);
    }

    #[tokio::test]
    async fn a_result_is_kept_once_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.jsonl");
        let result = |state| Told::Result(Box::new(ResultNotification::sample("358401", state)));
        assert_eq!(
            results(None).told(result(MessageState::Delivered)).await,
            Heard::Strange,
            "it would be lost"
        );
        let nowhere = results(Some(folder.path().to_owned()));
        assert_eq!(nowhere.told(result(MessageState::Delivered)).await, Heard::NotNow);
        // A kill in the middle of a line, which was told to nobody as taken.
        assert_eq!(results(Some(file.clone())).told(result(MessageState::Unknown)).await, Heard::Taken);
        let line = std::fs::read(&file).unwrap();
        for half in [1, 5, line.len() - 1] {
            std::fs::write(&file, [&line[..], &line[..half]].concat()).unwrap();
            cut_half_a_line(&mut File::options().read(true).append(true).open(&file).unwrap()).unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), line);
        }
        std::fs::write(&file, [&line[..], &line[..line.len() / 2]].concat()).unwrap();
        let other = folder.path().join("other");
        std::fs::write(&other, "the operator's own notes").unwrap();
        let wrong = results(Some(other.clone()));
        assert_eq!(wrong.told(result(MessageState::Delivered)).await, Heard::NotNow);
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "the operator's own notes");
        let results = results(Some(file.clone()));
        for state in [MessageState::Pending, MessageState::Delivered, MessageState::Delivered] {
            assert_eq!(results.told(result(state)).await, Heard::Taken);
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let states: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["state"].clone())
            .collect();
        assert_eq!(states, ["unknown", "pending", "delivered"]);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

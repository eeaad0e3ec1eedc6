//! What gateways of others tell this service: receipts of its own links to Kannels, and results of pushes that were handed
//! to them with its address.

use std::{
    collections::{BTreeSet, VecDeque},
    fs::File,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::config::Config;
use crate::{
    bearer::{Event, Heard, MessageId, Receipt, Results, Taken, Told},
    ident::Clock,
    wire::pap::ResultNotification,
};

/// Results that are known again when a gateway tells them twice.
const REMEMBERED: usize = 4096;

/// Takes what is told. A thing that cannot be kept is not taken, so that the gateway tells it again.
pub(crate) struct ServedResults {
    clock: Arc<dyn Clock>,
    /// Names of links to Kannels.
    links: BTreeSet<String>,
    /// The gateway's own events, once it delivers.
    events: OnceLock<mpsc::Sender<Event>>,
    /// Where results are written; none to take none.
    file: Option<PathBuf>,
    told: Mutex<VecDeque<String>>,
}

impl ServedResults {
    /// As configured.
    pub(super) fn of(config: &Config, clock: &Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            links: config.ppg.kannels.iter().map(|kannel| kannel.name.clone()).collect(),
            events: OnceLock::new(),
            file: config.push.results_file.clone(),
            told: Mutex::default(),
        })
    }

    /// Receipts go here from now on.
    pub(super) fn receipts_to(&self, events: mpsc::Sender<Event>) {
        // A gateway has one bearer for its whole life.
        let _ = self.events.set(events);
    }

    /// Appends a result to the file, on disk when it returns; once, however often it is told.
    fn keep(&self, file: &Path, result: &ResultNotification) -> std::io::Result<()> {
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
        line["told-at"] = self.clock.now().to_string().into();
        let mut out = File::options().append(true).create(true).mode(0o600).open(file)?;
        out.write_all(format!("{line}\n").as_bytes())?;
        out.sync_data()?;
        if told.len() >= REMEMBERED {
            told.pop_front();
        }
        told.push_back(name);
        Ok(())
    }
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
                let Some(file) = &self.file else { return Heard::Strange };
                let kept = self
                    .keep(file, &result)
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
    use crate::{
        app::SystemClock,
        bearer::ReceiptState,
        wire::pap::{MessageState, StatusCode},
    };

    fn results(file: Option<PathBuf>) -> ServedResults {
        ServedResults {
            clock: Arc::new(SystemClock),
            links: BTreeSet::from(["op".to_owned()]),
            events: OnceLock::new(),
            file,
            told: Mutex::default(),
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
        let result = |state| {
            Told::Result(Box::new(ResultNotification {
                push_id: "1@pi".parse().unwrap(),
                state,
                code: StatusCode::OK,
                sender_address: None,
                sender_name: None,
                received_time: None,
                event_time: None,
                desc: None,
                address: "WAPPUSH=+358401/TYPE=PLMN@x".parse().unwrap(),
                quality_of_service: None,
            }))
        };
        assert_eq!(
            results(None).told(result(MessageState::Delivered)).await,
            Heard::Strange,
            "it would be lost"
        );
        let nowhere = results(Some(folder.path().to_owned()));
        assert_eq!(nowhere.told(result(MessageState::Delivered)).await, Heard::NotNow);
        let results = results(Some(file.clone()));
        for state in [MessageState::Pending, MessageState::Delivered, MessageState::Delivered] {
            assert_eq!(results.told(result(state)).await, Heard::Taken);
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let states: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["state"].clone())
            .collect();
        assert_eq!(states, ["pending", "delivered"]);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

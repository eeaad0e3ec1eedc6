//! `--wait`: stays until a push has come to its end.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::{Instant, sleep_until};

use super::{
    listen::Ear,
    report::{SendReport, Where, texts},
};
use crate::{
    bearer::{ReceiptState, Told, add_up, pap_client::PapClient},
    cli::{exit::failure, output},
    wire::pap::{MessageState, PushId, PushMessage, ResultNotification, StatusCode, StatusQuery},
};

/// How often a gateway is asked: at first, and at last.
const ASK_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// A push at a gateway that is asked, or tells, where it is.
pub(super) struct Watch<'a> {
    pub(super) client: &'a PapClient,
    pub(super) push: &'a PushMessage,
    pub(super) ear: Option<Ear>,
}

/// The segments of a push for one number, by our numbers for them, and what became of each.
pub(super) struct Segments {
    pub(super) address: String,
    pub(super) states: Vec<(String, Option<ReceiptState>)>,
}

/// What is shown while it is waited.
struct Screen(ProgressBar);

impl Watch<'_> {
    /// Asks and listens until the push stays where it is, or the time is up.
    pub(super) async fn stay(mut self, at_most: Duration, report: &mut SendReport) -> anyhow::Result<()> {
        let screen = Screen::new();
        let (until, mut ask) = (Instant::now() + at_most, Instant::now());
        let (mut every, slowest) = ASK_EVERY;
        let asks = self.client.gateway().capabilities.status_query;
        loop {
            let before = report.states.clone();
            tokio::select! {
                biased;
                () = sleep_until(ask), if asks => {
                    self.ask(report).await?;
                    ask = Instant::now() + every;
                    every = (every * 3 / 2).min(slowest);
                }
                Some(told) = heard(self.ear.as_mut()) => {
                    if let Told::Result(result) = told {
                        take(&mut report.states, &result);
                    }
                }
                () = sleep_until(until) => {
                    report.unfinished = Some(up(at_most, report.unfinished.take()));
                    return Ok(());
                }
            }
            screen.show(&before, &report.states);
            if self.is_over(&report.states) {
                report.unfinished = unknown(&report.states, &self.push.push_id);
                return Ok(());
            }
        }
    }

    async fn ask(&self, report: &mut SendReport) -> anyhow::Result<()> {
        let query = StatusQuery { push_id: self.push.push_id.clone(), addresses: Vec::new() };
        match self.client.query(query).await {
            Ok(answer) => {
                report.states = answer.results.iter().map(Where::from).collect();
                report.unfinished = None;
            }
            // The push is in; that the gateway cannot be asked for a while changes nothing of it.
            Err(error) if error.is_transient() || error.is_in_doubt() => {
                report.unfinished = Some(error.to_string());
            }
            Err(error) => return Err(failure(error)),
        }
        Ok(())
    }

    fn is_over(&self, states: &[Where]) -> bool {
        let for_all = states.iter().any(|s| s.addresses.is_empty());
        let told: usize = states.iter().map(|s| s.addresses.len()).sum();
        let all = for_all || told >= self.push.addresses.len();
        !states.is_empty() && all && states.iter().all(Where::is_final)
    }
}

/// Listens until all segments are where they stay, or the time is up.
pub(super) async fn for_receipts(
    mut ear: Ear,
    mut pushes: Vec<Segments>,
    at_most: Duration,
    report: &mut SendReport,
) {
    let screen = Screen::new();
    let until = Instant::now() + at_most;
    report.states = pushes.iter().map(Segments::place).collect();
    while !report.states.iter().all(Where::is_final) {
        let before = report.states.clone();
        tokio::select! {
            Some(told) = ear.next() => {
                if let Told::Receipt { segment, state } = told {
                    pushes.iter_mut().for_each(|p| p.take(&segment, state));
                }
            }
            () = sleep_until(until) => {
                report.unfinished = Some(up(at_most, None));
                return;
            }
        }
        report.states = pushes.iter().map(Segments::place).collect();
        screen.show(&before, &report.states);
    }
}

impl Segments {
    fn take(&mut self, segment: &str, state: ReceiptState) {
        for (_, known) in self.states.iter_mut().filter(|(name, _)| name == segment) {
            // Receipts may come in any order: what is final stays.
            if state.counts_after(*known) {
                *known = Some(state);
            }
        }
    }

    fn place(&self) -> Where {
        let states = (0..).zip(&self.states).filter_map(|(n, (_, state))| Some((n, (*state)?)));
        let states: Vec<(u8, ReceiptState)> = states.collect();
        let there = states.iter().filter(|(_, s)| *s == ReceiptState::Delivered).count();
        let of = self.states.len();
        let ended = add_up(&states, u8::try_from(of).unwrap_or(u8::MAX));
        let (state, code, why) = match ended {
            Some((state, code, why)) => (state.message_state(), code, why),
            None => (MessageState::Pending, StatusCode::ACCEPTED, String::new()),
        };
        let why = if code == StatusCode::SERVICE_FAILURE { format!(": {why}") } else { String::new() };
        let desc = Some(format!("{there} of {of} short messages delivered{why}"));
        Where { addresses: vec![self.address.clone()], state, code, desc, since: None }
    }
}

/// What a result says of one address, in place of what was known of it.
fn take(states: &mut Vec<Where>, result: &ResultNotification) {
    let address = result.address.as_str();
    for state in states.iter_mut() {
        state.addresses.retain(|a| a != address);
    }
    states.retain(|s| !s.addresses.is_empty());
    states.push(Where {
        addresses: texts(std::slice::from_ref(&result.address)),
        state: result.state,
        code: result.code,
        desc: result.desc.clone(),
        since: result.event_time.map(|t| t.to_string()),
    });
}

async fn heard(ear: Option<&mut Ear>) -> Option<Told> {
    match ear {
        Some(ear) => ear.next().await,
        None => std::future::pending().await,
    }
}

/// What is said where a push ended without anybody knowing how.
fn unknown(states: &[Where], push_id: &PushId) -> Option<String> {
    let unknown = || states.iter().filter(|s| s.state == MessageState::Unknown);
    // The thousands of the codes: a mistake of ours, of which the gateway knows nothing; all well, as far as it goes.
    let all = |thousands: u16| unknown().all(|s| s.code.0 / 1000 == thousands);
    unknown().next()?;
    Some(match () {
        () if all(2) => "what became of it: the gateway does not know it".to_owned(),
        () if all(1) => "whether the device has it: its network tells nothing of that".to_owned(),
        () => format!(
            "whether the device has it; a receipt that comes late still tells `bootgate push status {push_id}`"
        ),
    })
}

fn up(at_most: Duration, why: Option<String>) -> String {
    let left = format!("waited {} s, and it has not come to an end", at_most.as_secs());
    why.map_or_else(|| left.clone(), |why| format!("{left}: {why}"))
}

impl Screen {
    fn new() -> Self {
        // Drawn on a terminal only.
        let spinner = ProgressBar::new_spinner();
        spinner.enable_steady_tick(Duration::from_millis(120));
        Self(spinner)
    }

    fn show(&self, before: &[Where], now: &[Where]) {
        if before != now {
            let lines: Vec<String> = now.iter().map(ToString::to_string).collect();
            self.0.suspend(|| output::note(&lines.join("\n")));
            let first = now.first().map(|s| match &s.desc {
                Some(desc) => format!("{}: {desc}", s.state),
                None => s.state.to_string(),
            });
            self.0.set_message(first.unwrap_or_default());
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_stands_in_place_of_what_was_known_of_its_address() {
        let result = ResultNotification::sample;
        let mut states = Vec::new();
        take(&mut states, &result("358401", MessageState::Pending));
        take(&mut states, &result("358402", MessageState::Delivered));
        take(&mut states, &result("358401", MessageState::Expired));
        take(&mut states, &result("358401", MessageState::Expired));
        let shown: Vec<_> = states.iter().map(|s| (s.addresses.concat(), s.state)).collect();
        let address = |number: &str| format!("WAPPUSH=+{number}/TYPE=PLMN@x");
        assert_eq!(
            shown,
            [(address("358402"), MessageState::Delivered), (address("358401"), MessageState::Expired)]
        );
    }

    #[test]
    fn a_receipt_that_comes_late_changes_nothing() {
        let mut push = Segments { address: "x".into(), states: vec![("a".into(), None), ("b".into(), None)] };
        push.take("a", ReceiptState::Delivered);
        push.take("a", ReceiptState::Enroute);
        push.take("b", ReceiptState::Enroute);
        push.take("c", ReceiptState::Rejected);
        assert_eq!(push.place().state, MessageState::Pending);
        assert_eq!(push.place().desc.as_deref(), Some("1 of 2 short messages delivered"));
        push.take("b", ReceiptState::Delivered);
        assert_eq!(push.place().state, MessageState::Delivered);
    }

    #[test]
    fn what_nobody_knows_is_told_for_what_it_is() {
        let stands = |state, code| Where {
            addresses: Vec::new(),
            state,
            code: StatusCode(code),
            desc: None,
            since: None,
        };
        let (id, lost) = ("1@pi".parse().unwrap(), MessageState::Unknown);
        for (states, said) in [
            (vec![stands(MessageState::Delivered, 1000)], None),
            (vec![stands(lost, 2004)], Some("the gateway does not know it")),
            (
                vec![stands(lost, 1000), stands(MessageState::Delivered, 1000)],
                Some("its network tells nothing"),
            ),
            (vec![stands(lost, 1000), stands(lost, 4000)], Some("still tells `bootgate push status 1@pi`")),
        ] {
            let told = unknown(&states, &id);
            assert_eq!(told.is_some(), said.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(said.unwrap_or_default()), "{said:?}");
        }
    }
}

//! `bootgate push send`: hands a push in, and waits for its end where that is asked for.

use std::time::Duration;

use indicatif::ProgressBar;

use super::{
    block_on,
    gateway::GatewayArgs,
    payload::PayloadArgs,
    push_id,
    report::{SendReport, Where, is_final, texts},
    when::{Span, When},
    whom::Whom,
};
use crate::{
    app::{OsRandom, SystemClock},
    bearer::pap_client::{PapClient, PapError},
    cli::{Exit, Failure, Global, exit::failure, output},
    ident::{Clock as _, Random as _, Timestamp},
    wire::pap::{DeliveryMethod, Priority, PushId, PushMessage, QualityOfService, StatusQuery},
};

pub(super) const EXAMPLES: &str = "Examples:
  bootgate push send --ppg http://ppg.example:8100/pap --ppg-kind bootgate --user acme --password @pw \\
      --to +358401234567 --profile acme.toml --as cp --imsi 244051234567890 --pin @pin --wait
  bootgate push send --ppg http://ppg.example/wappush --to +358401234567 --file si.wbxml \\
      --content-type application/vnd.wap.sic";

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SendArgs {
    #[command(flatten)]
    gateway: GatewayArgs,
    /// Whom it is for: a telephone number (international), or WAPPUSH=VALUE/TYPE=KIND@GATEWAY; as often as wanted.
    #[arg(long, value_name = "WHOM", required = true)]
    to: Vec<Whom>,
    #[command(flatten)]
    payload: PayloadArgs,
    /// Our name for the push; without it one is drawn.
    #[arg(long, value_name = "ID")]
    push_id: Option<String>,
    /// Not delivered from then on: a time in UTC, or from now, such as +2h.
    #[arg(long, value_name = "TIME")]
    deliver_before: Option<When>,
    /// Not delivered before then.
    #[arg(long, value_name = "TIME")]
    deliver_after: Option<When>,
    /// Before or after others: high, medium or low.
    #[arg(long, value_name = "PRIORITY")]
    priority: Option<Priority>,
    /// Whether the device confirms: confirmed, preferconfirmed, unconfirmed or notspecified.
    #[arg(long, value_name = "METHOD")]
    delivery_method: Option<DeliveryMethod>,
    /// Stays until the push is delivered or cannot be; exit status 0 only when all have it.
    #[arg(long)]
    wait: bool,
    /// How long --wait stays at most: a number and s, min, h or d.
    #[arg(long, value_name = "SPAN", default_value = "10min", requires = "wait")]
    timeout: Span,
    /// Builds and checks the push, shows it, and sends nothing.
    #[arg(long)]
    dry_run: bool,
}

/// How often a gateway is asked: at first, and at last.
const ASK_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

pub(super) fn run(args: &SendArgs, global: &Global) -> anyhow::Result<Exit> {
    let client = args.gateway.client()?;
    let now = SystemClock.now();
    let (content, content_report) = args.payload.content()?;
    let push = args.message(&client, now)?;
    client.admit(&push, &content).map_err(|e| failure(PapError::from(e)))?;
    if args.wait {
        can_wait(&client)?;
    }
    let mut report = SendReport {
        push_id: push.push_id.to_string(),
        gateway: client.gateway().name.clone(),
        addresses: texts(&push.addresses),
        content: content_report,
        deliver_before: push.deliver_before.map(|t| t.to_string()),
        deliver_after: push.deliver_after.map(|t| t.to_string()),
        accepted: false,
        code: None,
        desc: None,
        states: Vec::new(),
        unfinished: None,
        dry_run: args.dry_run,
    };
    if args.dry_run {
        output::emit(global.format, &report)?;
        return Ok(Exit::Ok);
    }
    block_on(async {
        let answer = client.push(&push, &content).await;
        let answer = answer.map_err(|error| refused(error, &client, &push.push_id))?;
        report.accepted = true;
        report.code = Some(answer.code);
        report.desc = answer.desc;
        if args.wait {
            output::note(&format!("accepted as {}", push.push_id));
            wait(&client, &push, args.timeout.0, &mut report).await?;
        }
        Ok(())
    })?;
    output::emit(global.format, &report)?;
    Ok(if !args.wait || report.is_delivered() { Exit::Ok } else { Exit::Failed })
}

impl SendArgs {
    fn message(&self, client: &PapClient, now: Timestamp) -> anyhow::Result<PushMessage> {
        let host = client.gateway().endpoint.host();
        let deliver_before = self.deliver_before.map(|when| when.from(now));
        let deliver_after = self.deliver_after.map(|when| when.from(now));
        if let (Some(before), Some(after)) = (deliver_before, deliver_after)
            && before <= after
        {
            let why = "--deliver-before is not later than --deliver-after: no time is left";
            return Err(Failure::because(Exit::Usage, why));
        }
        if deliver_before.is_some_and(|before| before.as_millisecond() <= now.as_millis()) {
            return Err(Failure::because(Exit::Usage, "--deliver-before has passed"));
        }
        let quality = QualityOfService::default();
        let quality = QualityOfService {
            priority: self.priority.unwrap_or(quality.priority),
            delivery_method: self.delivery_method.unwrap_or(quality.delivery_method),
            ..quality
        };
        Ok(PushMessage {
            push_id: self.push_id.as_deref().map_or_else(drawn, push_id)?,
            replace: None,
            deliver_before,
            deliver_after,
            source_reference: None,
            progress_notes_requested: false,
            ppg_notify_requested_to: None,
            addresses: self.to.iter().map(|to| to.read(host)).collect::<anyhow::Result<_>>()?,
            quality_of_service: Some(quality).filter(|q| *q != QualityOfService::default()),
        })
    }
}

/// An id that no other push has. One gateway in the field takes 40 characters.
fn drawn() -> anyhow::Result<PushId> {
    let mut octets = [0; 10];
    OsRandom.fill(&mut octets);
    push_id(&format!("{}@bootgate", octets.iter().map(|o| format!("{o:02x}")).collect::<String>()))
}

/// The error of a push that was not accepted; where that is in doubt, what to do.
fn refused(error: PapError, client: &PapClient, push_id: &PushId) -> anyhow::Error {
    if !error.is_in_doubt() {
        return failure(error);
    }
    let how = if client.gateway().capabilities.status_query {
        format!("ask with `bootgate push status {push_id}` before it is sent again")
    } else {
        format!("look for {push_id} at the gateway before it is sent again")
    };
    Failure::because(Exit::Failed, format!("{error}; {how}"))
}

fn can_wait(client: &PapClient) -> anyhow::Result<()> {
    if client.gateway().capabilities.status_query {
        return Ok(());
    }
    let why = format!(
        "--wait: the gateway {} does not tell where a push is; send without it, and look at the gateway",
        client.gateway().name
    );
    Err(Failure::because(Exit::Usage, why))
}

/// Asks where the push is until it stays there, or the time is up.
async fn wait(
    client: &PapClient,
    push: &PushMessage,
    at_most: Duration,
    report: &mut SendReport,
) -> anyhow::Result<()> {
    let until = tokio::time::Instant::now() + at_most;
    // Shown on a terminal only.
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(120));
    let (mut every, slowest) = ASK_EVERY;
    loop {
        let query = StatusQuery { push_id: push.push_id.clone(), addresses: Vec::new() };
        match client.query(query).await {
            Ok(answer) => {
                let states: Vec<Where> = answer.results.iter().map(Where::from).collect();
                if states != report.states {
                    let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
                    spinner.suspend(|| output::note(&lines.join("\n")));
                }
                report.states = states;
                report.unfinished = None;
                if report.states.iter().all(|s| is_final(s.state)) {
                    break;
                }
            }
            // The push is in; that the gateway cannot be asked for a while changes nothing of it.
            Err(error) if error.is_transient() || error.is_in_doubt() => {
                report.unfinished = Some(error.to_string());
            }
            Err(error) => {
                spinner.finish_and_clear();
                return Err(failure(error));
            }
        }
        spinner.set_message(report.states.first().map_or_else(String::new, |s| s.state.to_string()));
        let next = tokio::time::Instant::now() + every;
        if next > until {
            let left = format!("waited {} s, and it has not come to an end", at_most.as_secs());
            report.unfinished =
                Some(report.unfinished.take().map_or_else(|| left.clone(), |why| format!("{left}: {why}")));
            break;
        }
        tokio::time::sleep_until(next).await;
        every = (every * 3 / 2).min(slowest);
    }
    spinner.finish_and_clear();
    Ok(())
}

//! `bootgate push send`: hands a push in, and waits for its end where that is asked for.

use std::time::Duration;

use super::{
    block_on,
    listen::{Ear, ListenArgs, drawn},
    payload::{ContentReport, PayloadArgs},
    peer::{Peer, PeerArgs},
    push_id,
    report::{SendReport, texts},
    short_messages::{self, Count},
    wait::Watch,
    when::{Span, When},
    whom::Whom,
};
use crate::{
    app::SystemClock,
    bearer::pap_client::{Content, PapClient, PapError},
    cli::{Exit, Failure, Global, exit::failure, output},
    ident::{Clock as _, Timestamp},
    wire::pap::{DeliveryMethod, Priority, PushId, PushMessage, QualityOfService},
};

pub(super) const EXAMPLES: &str = "Examples:
  bootgate push send --ppg http://ppg.example:8100/pap --ppg-kind bootgate --user acme --password @pw \\
      --to +358401234567 --profile acme.toml --as cp --imsi 244051234567890 --imei 490154203237518 \\
      --pin @pin --wait
  bootgate push send --ppg http://ppg.example/wappush --to +358401234567 --file si.wbxml \\
      --content-type application/vnd.wap.sic
  bootgate push send --sendsms http://kannel.example:13013/cgi-bin/sendsms --user ota --password @pw \\
      --to +358401234567 --profile acme.toml --as cp --imsi 244051234567890 --imei 490154203237518 \\
      --pin @pin --wait --listen 192.0.2.1:0";

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SendArgs {
    #[command(flatten)]
    payload: PayloadArgs,
    #[command(flatten)]
    pub(in crate::cli) way: WayArgs,
}

/// Where a push goes, and how.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WayArgs {
    #[command(flatten)]
    peer: PeerArgs,
    /// Whom it is for: a telephone number (international), or WAPPUSH=VALUE/TYPE=KIND@GATEWAY; as often as wanted.
    #[arg(long, value_name = "WHOM", required = true)]
    to: Vec<Whom>,
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
    #[command(flatten)]
    listen: ListenArgs,
    /// Where a Push Proxy Gateway tells the results, by the address of a service that takes them: URL/result for `[push]
    /// results` of `bootgate serve`.
    #[arg(long, value_name = "URL", conflicts_with = "listen")]
    results_to: Option<String>,
    /// Builds and checks the push, shows it, and sends nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &SendArgs, global: &Global) -> anyhow::Result<Exit> {
    let (content, report) = args.payload.content()?;
    args.way.send(&content, report, global)
}

impl WayArgs {
    /// Sends content, and tells what came of it.
    pub(in crate::cli) fn send(
        &self,
        content: &Content,
        told: ContentReport,
        global: &Global,
    ) -> anyhow::Result<Exit> {
        let peer = self.peer.read(global)?;
        let mut push = self.message(peer.host(), SystemClock.now())?;
        let mut report = SendReport {
            push_id: push.push_id.to_string(),
            gateway: peer.name().to_owned(),
            addresses: texts(&push.addresses),
            content: told,
            deliver_before: push.deliver_before.map(|t| t.to_string()),
            deliver_after: push.deliver_after.map(|t| t.to_string()),
            short_messages: None,
            accepted: false,
            code: None,
            desc: None,
            states: Vec::new(),
            unfinished: None,
            dry_run: self.dry_run,
        };
        block_on(async {
            let ear = if self.dry_run { None } else { self.listen.open(global).await? };
            match &peer {
                Peer::Ppg(client) => self.by_ppg(client, &mut push, content, ear, &mut report).await,
                Peer::Sendsms(_) if self.results_to.is_some() => {
                    let why = "--results-to is for a Push Proxy Gateway; Kannel tells --listen";
                    Err(Failure::because(Exit::Usage, why))
                }
                Peer::Sendsms(kannel) => {
                    // Nobody is to notice a look at what would be sent.
                    let count = if self.dry_run { Count::default() } else { Count::shared(global).await? };
                    let at_most = self.at_most();
                    short_messages::send(kannel, &push, content, ear, at_most, &count, &mut report).await
                }
            }
        })?;
        output::emit(global.format, &report)?;
        let done = !self.wait || self.dry_run || report.is_delivered();
        Ok(if done { Exit::Ok } else { Exit::Failed })
    }

    /// How long is waited; none when that was not asked for.
    fn at_most(&self) -> Option<Duration> {
        self.wait.then_some(self.timeout.0)
    }

    async fn by_ppg(
        &self,
        client: &PapClient,
        push: &mut PushMessage,
        content: &Content,
        ear: Option<Ear>,
        report: &mut SendReport,
    ) -> anyhow::Result<()> {
        client.admit(push, content).map_err(|e| failure(PapError::from(e)))?;
        let can = client.gateway().capabilities;
        if self.wait && !can.status_query && !(can.result_notification && self.listen.is_asked()) {
            let why = format!(
                "--wait: the gateway {} does not tell where a push is; send without it, and look at the gateway",
                client.gateway().name
            );
            return Err(Failure::because(Exit::Usage, why));
        }
        if self.dry_run {
            return Ok(());
        }
        let heard = ear.as_ref().map(|ear| ear.for_push(&push.push_id));
        push.ppg_notify_requested_to = heard.or_else(|| self.results_to.clone());
        let answer = client.push(push, content).await;
        let answer = answer.map_err(|error| refused(error, client, &push.push_id))?;
        report.accepted = true;
        report.code = Some(answer.code);
        report.desc = answer.desc;
        if let Some(at_most) = self.at_most() {
            output::note(&format!("accepted as {}", push.push_id));
            Watch { client, push, ear }.stay(at_most, report).await?;
        }
        Ok(())
    }

    fn message(&self, host: &str, now: Timestamp) -> anyhow::Result<PushMessage> {
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
        // One gateway in the field takes 40 characters.
        let drawn = || push_id(&format!("{}@bootgate", drawn()));
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

//! `bootgate push status` and `push cancel`.

use super::{
    block_on,
    peer::PeerArgs,
    push_id,
    report::{CancelReport, Cancelled, Kept, StatusReport, ToldBefore, Where, texts},
    whom::Whom,
};
use crate::{
    app::{KeptResult, kept_results},
    bearer::pap_client::PapClient,
    cli::{Exit, Failure, Global, config, exit::failure, output},
    wire::pap::{Address, CancelMessage, PushId, StatusQuery},
};

pub(super) const STATUS_EXAMPLES: &str = "Examples:
  bootgate push status 4066419c710bfd3ce5b5@bootgate --gateway operator
  bootgate push status order-4711@acme --to +358401234567 --ppg http://127.0.0.1:8100/pap --user acme \\
      --password @pw --format json";

pub(super) const CANCEL_EXAMPLES: &str = "Examples:
  bootgate push cancel 4066419c710bfd3ce5b5@bootgate --gateway operator
  bootgate push cancel order-4711@acme --to +358401234567 --ppg http://127.0.0.1:8100/pap --user acme \\
      --password @pw --dry-run";

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    push: PushArgs,
}

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CancelArgs {
    #[command(flatten)]
    push: PushArgs,
    /// Shows what would be asked for and sends nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Which push is meant.
#[derive(Debug, clap::Args)]
struct PushArgs {
    /// The push, by the id that `push send` told.
    #[arg(value_name = "PUSH-ID")]
    push_id: String,
    /// For whom alone: a telephone number, or WAPPUSH=VALUE/TYPE=KIND@GATEWAY. Without it, for all.
    #[arg(long, value_name = "WHOM")]
    to: Vec<Whom>,
    #[command(flatten)]
    peer: PeerArgs,
}

impl PushArgs {
    fn addresses(&self, client: &PapClient) -> anyhow::Result<Vec<Address>> {
        self.to.iter().map(|to| to.read(client.gateway().endpoint.host())).collect()
    }
}

/// Exit 0 when the gateway told where the push is, wherever that is, now or before.
pub(super) fn status(args: &StatusArgs, global: &Global) -> anyhow::Result<Exit> {
    let client = args.push.peer.ppg(global)?;
    let push_id = push_id(&args.push.push_id)?;
    let addresses = args.push.addresses(&client)?;
    let kept = Kept::read(global, &push_id, &addresses)?;
    let query = StatusQuery { push_id: push_id.clone(), addresses };
    let (states, unasked) = match block_on(async { Ok(client.query(query).await) })? {
        Ok(answer) => (answer.results.iter().map(Where::from).collect(), None),
        // What it told by itself is known all the same.
        Err(error) if kept.is_some() => (Vec::new(), Some(error.to_string())),
        Err(error) => return Err(failure(error)),
    };
    // A gateway that does not know the push, or not any more, says so as a result (2004).
    let known = kept.is_some() || states.iter().all(|s: &Where| s.code.0 / 1000 != 2);
    let gateway = client.gateway().name.clone();
    output::emit(
        global.format,
        &StatusReport { push_id: push_id.to_string(), gateway, states, unasked, kept },
    )?;
    Ok(if known { Exit::Ok } else { Exit::Failed })
}

impl Kept {
    /// What the gateway told `serve` of these addresses, or of all; none where there is no file, or nothing in it.
    fn read(global: &Global, push_id: &PushId, addresses: &[Address]) -> anyhow::Result<Option<Self>> {
        let Some(file) = config::load(global, Vec::new())?.push.results_file else { return Ok(None) };
        let results = kept_results(&file, push_id).map_err(|e| {
            let why = format!("[push] results-file: cannot read {}: {e}", file.display());
            Failure::because(Exit::Config, why)
        })?;
        let wanted =
            |told: &KeptResult| addresses.is_empty() || addresses.iter().any(|a| a.as_str() == told.address);
        let results: Vec<ToldBefore> = results.into_iter().filter(wanted).map(ToldBefore::from).collect();
        Ok((!results.is_empty()).then(|| Self { file: file.display().to_string(), results }))
    }
}

/// Exit 0 when it was cancelled for all.
pub(super) fn cancel(args: &CancelArgs, global: &Global) -> anyhow::Result<Exit> {
    let client = args.push.peer.ppg(global)?;
    let push_id = push_id(&args.push.push_id)?;
    let addresses = args.push.addresses(&client)?;
    let mut report = CancelReport {
        push_id: push_id.to_string(),
        gateway: client.gateway().name.clone(),
        dry_run: args.dry_run,
        results: Vec::new(),
    };
    if !args.dry_run {
        let cancel = CancelMessage { push_id, addresses };
        let answer = block_on(async { client.cancel(cancel).await.map_err(failure) })?;
        report.results = answer
            .results
            .into_iter()
            .map(|r| Cancelled { addresses: texts(&r.addresses), code: r.code, desc: r.desc })
            .collect();
    }
    output::emit(global.format, &report)?;
    Ok(if report.results.iter().all(|r| r.code.is_success()) { Exit::Ok } else { Exit::Failed })
}

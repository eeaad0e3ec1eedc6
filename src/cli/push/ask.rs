//! `bootgate push status` and `push cancel`.

use super::{
    block_on,
    peer::PeerArgs,
    push_id,
    report::{CancelReport, Cancelled, StatusReport, Where, texts},
    whom::Whom,
};
use crate::{
    bearer::pap_client::PapClient,
    cli::{Exit, Global, exit::failure, output},
    wire::pap::{Address, CancelMessage, StatusQuery},
};

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

/// Exit 0 when the gateway told where the push is, wherever that is.
pub(super) fn status(args: &StatusArgs, global: &Global) -> anyhow::Result<Exit> {
    let client = args.push.peer.ppg(global)?;
    let push_id = push_id(&args.push.push_id)?;
    let query = StatusQuery { push_id: push_id.clone(), addresses: args.push.addresses(&client)? };
    let answer = block_on(async { client.query(query).await.map_err(failure) })?;
    let report = StatusReport {
        push_id: push_id.to_string(),
        gateway: client.gateway().name.clone(),
        states: answer.results.iter().map(Where::from).collect(),
    };
    output::emit(global.format, &report)?;
    // A gateway that does not know the push says so as a result (2004).
    let known = answer.results.iter().all(|r| r.code.0 / 1000 != 2);
    Ok(if known { Exit::Ok } else { Exit::Failed })
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

//! `bootgate push`: hands pushes to a Push Proxy Gateway, asks where they are, takes them back.

mod ask;
mod listen;
mod payload;
mod peer;
mod report;
mod send;
mod short_messages;
mod wait;
mod when;
mod whom;

pub(super) use payload::ContentReport;
pub(super) use send::WayArgs;

use super::{Exit, Failure, Global};
use crate::wire::pap::PushId;

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Hands a push in, and with --wait stays until it is delivered or cannot be.
    #[command(after_help = send::EXAMPLES)]
    Send(Box<send::SendArgs>),
    /// Asks where a push is, and says what its gateway has told `serve` of it (`[push] results-file`).
    #[command(after_help = ask::STATUS_EXAMPLES)]
    Status(ask::StatusArgs),
    /// Asks for a push not to be delivered.
    #[command(after_help = ask::CANCEL_EXAMPLES)]
    Cancel(ask::CancelArgs),
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    match action {
        Action::Send(args) => send::run(&args, global),
        Action::Status(args) => ask::status(&args, global),
        Action::Cancel(args) => ask::cancel(&args, global),
    }
}

/// A push id as it was typed.
fn push_id(text: &str) -> anyhow::Result<PushId> {
    text.parse().map_err(|e| Failure::because(Exit::Usage, format!("push id: {e}")))
}

/// Runs what waits for the network.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

//! `bootgate notify`: notifications (package 0), by which a DM server asks a device for a session. `bootgate decode` checks
//! them.

mod build;
mod key;
mod octets;
mod package;
mod send;

use super::{Exit, Global};

pub(super) use key::KeyArgs;

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Builds a notification for one device. `bootgate decode` checks it.
    Build(build::BuildArgs),
    /// Sends a notification to one device through a gateway, and with --wait stays until it is delivered or cannot be.
    #[command(after_help = send::EXAMPLES)]
    Send(Box<send::SendArgs>),
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    match action {
        Action::Build(args) => build::run(&args, global),
        Action::Send(args) => send::run(&args, global),
    }
}

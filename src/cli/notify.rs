//! `bootgate notify`: notifications (package 0), by which a DM server asks a device for a session. `bootgate decode` checks
//! them.

mod build;
mod key;
mod octets;

use super::{Exit, Global};

pub(super) use key::KeyArgs;

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Builds a notification for one device. `bootgate decode` checks it.
    Build(build::BuildArgs),
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    match action {
        Action::Build(args) => build::run(&args, global),
    }
}

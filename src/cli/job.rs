//! `bootgate job`.

use super::{Exit, Global};

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {}

pub(super) fn run(_action: Action, _global: &Global) -> anyhow::Result<Exit> {
    Ok(Exit::Failed)
}

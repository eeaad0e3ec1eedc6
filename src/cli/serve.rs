//! `bootgate serve`.

use super::{Exit, Global};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: Args, _global: &Global) -> anyhow::Result<Exit> {
    Ok(Exit::Failed)
}

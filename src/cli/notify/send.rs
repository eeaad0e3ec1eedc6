//! `bootgate notify send`: a notification for one device, on its way through a gateway.

use super::package::{Made, PackageArgs};
use crate::{
    bearer::pap_client::Content,
    cli::{
        Exit, Global,
        push::{ContentReport, WayArgs},
    },
    wire::{
        Encode as _,
        wsp::{MediaCode, Push},
    },
};

pub(super) const EXAMPLES: &str = "Examples:
  bootgate notify send --account 490154203237518 --gateway operator --to +358401234567 --wait
  bootgate notify send --server-id acme.dm --secret @server-secret --zero-nonce octets \\
      --ppg http://127.0.0.1:8100/pap --ppg-kind bootgate --to +358401234567";

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SendArgs {
    #[command(flatten)]
    package: PackageArgs,
    #[command(flatten)]
    way: WayArgs,
}

pub(super) fn run(args: &SendArgs, global: &Global) -> anyhow::Result<Exit> {
    let Made { package, warnings, .. } = args.package.make(global)?;
    let octets = package.to_octets();
    // What a device takes for the DM client: the type, and the application.
    let application = Push::notification(0, Vec::new()).application().map(|a| a.uri().into_owned());
    let content = Content {
        content_type: MediaCode::SYNCML_NOTIFICATION.name().unwrap_or_default().to_owned(),
        application,
        octets,
    };
    let report = ContentReport {
        content_type: content.content_type.clone(),
        size: content.octets.len(),
        application: content.application.clone(),
        notes: warnings,
        session: Some(package.trigger.session.to_string()),
        ..ContentReport::default()
    };
    args.way.send(&content, report, global)
}

//! `bootgate notify build`: a notification for one device.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::package::{Made, PackageArgs};
use crate::{
    cli::{
        Exit, Format, Global,
        output::{self, ForceArg},
        wsp::{PushReport, WspArgs, hex},
    },
    dm::AccountId,
    wire::{
        Encode as _,
        wsp::{MediaCode, Push},
    },
};

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BuildArgs {
    #[command(flatten)]
    package: PackageArgs,
    #[command(flatten)]
    wsp: WspArgs,
    /// Where the notification goes; without it, standard output as hexadecimal digits.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArg,
}

pub(super) fn run(args: &BuildArgs, global: &Global) -> anyhow::Result<Exit> {
    let Made { package, account, warnings } = args.package.make(global)?;
    let octets = package.to_octets();
    let pushed = args.wsp.push(|tid| Push::notification(tid, octets.clone()))?;

    let trigger = &package.trigger;
    let mut report = BuildReport {
        server_id: trigger.server_id().to_string(),
        session: trigger.session.to_string(),
        version: trigger.version().to_string(),
        ui_mode: trigger.ui_mode.to_string(),
        initiator: trigger.initiator.to_string(),
        vendor_octets: trigger.vendor.len(),
        size: octets.len(),
        account: account.map(AccountId::number),
        warnings,
        content_type: MediaCode::SYNCML_NOTIFICATION.name().unwrap_or_default(),
        push: pushed.as_ref().map(|p| p.report.clone()),
        file: None,
        hex: None,
        wsp_hex: None,
        segments: None,
    };
    let (octets, segments) = match pushed {
        Some(pushed) => (pushed.octets, pushed.segments),
        None => (octets, None),
    };
    let lines =
        segments.as_ref().map(|lines| lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    if let Some(file) = &args.output {
        output::file(
            file,
            lines.as_ref().map_or(octets.as_slice(), |lines| lines.as_bytes()),
            args.force.existing(),
        )?;
        report.file = Some(file.display().to_string());
        output::emit(global.format, &report)?;
        return Ok(Exit::Ok);
    }
    match global.format {
        Format::Json => {
            let digits = if args.wsp.wanted() { &mut report.wsp_hex } else { &mut report.hex };
            *digits = Some(hex(&octets));
            report.segments = segments;
            output::json(&report)?;
        }
        Format::Text => {
            output::note(report.to_string().trim_end());
            output::text(lines.as_ref().unwrap_or(&hex(&octets)))?;
        }
    }
    Ok(Exit::Ok)
}

/// What `build` made.
#[derive(Serialize)]
struct BuildReport {
    server_id: String,
    /// `SessionID` of the session to come.
    session: String,
    version: String,
    ui_mode: String,
    initiator: String,
    vendor_octets: usize,
    size: usize,
    /// The account at our DM server that secret and nonce are of.
    account: Option<i64>,
    warnings: Vec<String>,
    content_type: &'static str,
    /// The push, where one was asked for.
    push: Option<PushReport>,
    /// Where it went.
    file: Option<String>,
    /// The notification alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    /// The whole push.
    #[serde(skip_serializing_if = "Option::is_none")]
    wsp_hex: Option<String>,
    /// The push as user data of short messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<String>>,
}

impl fmt::Display for BuildReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "notification  server {}, session {}", self.server_id, self.session)?;
        write!(f, "              version {}, user interaction {}", self.version, self.ui_mode)?;
        write!(f, ", initiator {}, {} octets", self.initiator, self.size)?;
        match self.vendor_octets {
            0 => writeln!(f)?,
            n => writeln!(f, ", {n} of them the vendor's")?,
        }
        if let Some(account) = self.account {
            writeln!(f, "account       {account}")?;
        }
        writeln!(f, "content type  {}", self.content_type)?;
        if let Some(push) = &self.push {
            writeln!(f, "WSP push      {push}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning       {warning}")?;
        }
        if let Some(file) = &self.file {
            writeln!(f, "written to    {file}")?;
        }
        Ok(())
    }
}

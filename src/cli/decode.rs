//! `bootgate decode`: explains any artefact, octet by octet.

use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Serialize;

use super::{Exit, Failure, Format, Global, input, notify::KeyArgs, output, secret::SecretOrLiteral};
use crate::{
    explain::{
        Explanation, Input, Kind, MAX_OCTETS, Options, Secrets, Simulation, Style, explain, read, simulate,
    },
    ident::Imsi,
};

/// Explains any artefact: short message, user data header, push, bootstrap, notification, PAP with or without HTTP, SMPP, APDU, file of a card.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The artefact, or - for standard input: octets, hexadecimal digits, a dump, lines of a log with digits in them, or XML.
    /// Several lines are the segments of a message, in any order, or artefacts of their own.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The input is text with hexadecimal digits, even where it looks like octets.
    #[arg(long)]
    hex: bool,
    /// What it is, where that is not plain: sms, udh, wsp, cp, dm, wbxml, cp-xml, dm-xml, xml, http, multipart, pap, smpp, package0, apdu, response, fcp, dir, odf, dodf,
    /// iccid, imsi; and settings files of a USIM, which have to be named: acl, mmsn, mmsicp, mmsup, mmsucp, gbabp, nasconfig, ims, xcap,
    /// mudmid.
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<Kind>,
    /// The PIN that a bootstrap should be signed with: the digits, @FILE, env:NAME or - (prompt).
    #[arg(long, value_name = "SECRET")]
    pin: Option<SecretOrLiteral>,
    /// The IMSI that a bootstrap should be signed with.
    #[arg(long, value_name = "DIGITS")]
    imsi: Option<HiddenText>,
    #[command(flatten)]
    notification: KeyArgs,
    /// Feeds the artefact to a virtual phone, which has --imsi and whose user enters --pin: accepted or refused, why, and its
    /// tree afterwards. Several artefacts reach the same phone one after the other. Exit status 1 when one is refused.
    #[arg(long)]
    simulate: bool,
    /// Shows passwords, nonces and keys instead of ***.
    #[arg(long)]
    show_secrets: bool,
}

/// Text that does not print. It is read later, because errors of the argument parser repeat the value.
#[derive(Clone)]
struct HiddenText(String);

impl std::str::FromStr for HiddenText {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HiddenText(…)")
    }
}

pub(super) fn run(args: Args, global: &Global) -> anyhow::Result<Exit> {
    let imsi: Option<Imsi> = match &args.imsi {
        Some(text) => {
            Some(text.0.parse().map_err(|e| Failure::because(Exit::Usage, format!("--imsi: {e}")))?)
        }
        None => None,
    };
    let options = Options {
        kind: args.kind,
        secrets: if args.show_secrets { Secrets::Shown } else { Secrets::Masked },
        pin: args.pin.as_ref().map(|pin| pin.parse("--pin")).transpose()?,
        imsi,
        notification: args.notification.read()?,
    };
    let input = octets(&args.file)?;
    let how = if args.hex { Input::Text } else { Input::Any };
    let name = args.file.display();
    let pieces = read(&input, how).with_context(|| format!("{name}"))?;
    let explanation = explain(&pieces, &options).with_context(|| format!("{name}"))?;
    let simulation = if args.simulate {
        Some(simulate(&pieces, &options).with_context(|| format!("{name}"))?)
    } else {
        None
    };
    match global.format {
        Format::Json => {
            output::json(&Decoded { explanation: &explanation, simulation: simulation.as_ref() })?
        }
        Format::Text => {
            let style = if std::io::stdout().is_terminal() { Style::Colour } else { Style::Plain };
            let mut text = explanation.listing(style);
            if let Some(simulation) = &simulation {
                text.push('\n');
                text.push_str(&simulation.to_string());
            }
            match style {
                Style::Colour => output::verbatim(&text)?,
                Style::Plain => output::text(&text)?,
            }
        }
    }
    let accepted = simulation.is_none_or(|simulation| simulation.accepted);
    Ok(if explanation.is_sound() && accepted { Exit::Ok } else { Exit::Failed })
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Decoded<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulation: Option<&'a Simulation>,
}

/// The input, as far as it can be explained; one octet more shows that it is too long.
fn octets(file: &Path) -> anyhow::Result<Vec<u8>> {
    // Text has more characters than it has octets.
    let most = u64::try_from(8 * MAX_OCTETS).unwrap_or(u64::MAX);
    if file.as_os_str() != "-" {
        return input::read_most(file, most);
    }
    let mut octets = Vec::new();
    std::io::stdin().lock().take(most).read_to_end(&mut octets).context("standard input")?;
    Ok(octets)
}

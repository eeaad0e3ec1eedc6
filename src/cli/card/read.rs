//! `bootgate card read`: one bootstrap file, octet for octet or in words.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{
    args::{PinArgs, ReaderArgs, objects_to_read},
    connect, failure, file_system,
    inspect::hex,
    with_pin,
};
use crate::{
    bootstrap::{PayloadKind, describe},
    card::{Content, Depth, FilePath, FoundFile, locate},
    cli::{
        Exit, Failure, Global,
        output::{self, ForceArg},
    },
    wire::pkcs15::ObjectId,
};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    reader: ReaderArgs,
    #[command(flatten)]
    pin: PinArgs,
    /// Which file: cp or dm. Without it, the first that holds something.
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<PayloadKind>,
    /// Writes the octets into FILE, readable by its owner alone. They hold the secrets.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArg,
    /// Prints the octets as hexadecimal digits, secrets and all, in place of what they say.
    #[arg(long, conflicts_with = "output")]
    hex: bool,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    args.force.check(args.output.as_deref())?;
    let mut card = connect(&args.reader.reader)?;
    let mut fs = file_system(&mut card, global)?;
    let wanted = objects_to_read(args.kind);
    let view = with_pin(&mut fs, &args.pin, global, |fs| locate(fs, Depth::Objects(&wanted)))?;
    let view = view.map_err(failure)?;
    view.warnings.iter().for_each(|warning| output::note(&format!("warning: {warning}")));
    let candidates: Vec<_> = wanted.iter().filter_map(|oid| view.file(*oid)).collect();
    let octets = |found: &FoundFile| found.content.used().filter(|o| !o.is_empty()).map(<[u8]>::to_vec);
    let Some((found, octets)) = candidates.iter().find_map(|found| Some((*found, octets(found)?))) else {
        return Err(nothing(&candidates));
    };
    let description = describe(&octets).ok();
    let mut report = Read {
        oid: found.oid,
        file: found.file.clone(),
        octets: octets.len(),
        kind: description.as_ref().map(|d| d.kind),
        lines: description.map(|d| d.lines).unwrap_or_default(),
        hex: args.hex.then(|| hex(&octets)),
        saved: None,
    };
    if let Some(path) = &args.output {
        output::file(path, &octets, args.force.existing())?;
        report.saved = Some(path.display().to_string());
    }
    output::emit(global.format, &report)?;
    Ok(Exit::Ok)
}

/// Why there are no octets.
fn nothing(candidates: &[&FoundFile]) -> anyhow::Error {
    let unreadable = candidates.iter().find_map(|found| match &found.content {
        Content::Unreadable(error) => Some(error.clone()),
        _ => None,
    });
    match unreadable {
        Some(error) if error.is_denied() => {
            Failure::because(Exit::Refused, format!("{error}; if it is behind a PIN, give that with --pin"))
        }
        Some(error) => failure(error),
        None if candidates.is_empty() => {
            Failure::because(Exit::Failed, "the card has no such bootstrap file")
        }
        None => Failure::because(Exit::Failed, "the bootstrap file is empty"),
    }
}

#[derive(Serialize)]
struct Read {
    oid: Option<ObjectId>,
    file: FilePath,
    octets: usize,
    kind: Option<PayloadKind>,
    lines: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<String>,
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(hex) = &self.hex {
            return f.write_str(hex);
        }
        write!(f, "{}: {} octets", self.file, self.octets)?;
        match self.kind {
            Some(kind) => write!(f, ", {}", kind.title())?,
            None => f.write_str(", of no kind that is known")?,
        }
        if let Some(path) = &self.saved {
            return write!(f, ", written into {path}");
        }
        self.lines.iter().try_for_each(|(path, value)| write!(f, "\n  {path} = {value}"))
    }
}

//! `bootgate card read`: one bootstrap file, or one settings file of the USIM, octet for octet or in words.

mod settings;

use std::{fmt, path::PathBuf, str::FromStr};

use serde::Serialize;

use super::{
    args::{PinArgs, ReaderArgs, objects_to_read},
    connect, failure, file_system,
    inspect::hex,
    with_pin,
};
use crate::{
    bootstrap::{PayloadKind, describe},
    card::{Content, Depth, FileError, FilePath, FoundFile, locate},
    cli::{
        Exit, Failure, Global,
        output::{self, ForceArg},
    },
    explain::Kind,
    ident::counted,
    wire::{pkcs15::ObjectId, usim::SettingsFile},
};

pub(super) const EXAMPLES: &str = "Examples:
  bootgate card read -r 'bay 0 00 00'
  bootgate card read -r 'bay 0 00 00' --as dm --pin @pin -o bootstrap.wbxml
  bootgate card read -r 'bay 0 00 00' --as nasconfig --format json";

/// Arguments.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    reader: ReaderArgs,
    #[command(flatten)]
    pin: PinArgs,
    /// Which file: cp or dm, or a settings file of the USIM: acl, mmsn, mmsicp, mmsup, mmsucp, gbabp, nasconfig, ims, xcap, mudmid.
    /// Without it, the first bootstrap file that holds something.
    #[arg(long = "as", value_name = "KIND")]
    which: Option<Which>,
    /// Writes the octets into FILE, readable by its owner alone. They hold the secrets.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArg,
    /// Prints the octets as hexadecimal digits, secrets and all, in place of what they say.
    #[arg(long, conflicts_with = "output")]
    hex: bool,
}

/// A file that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// The bootstrap file of a kind of payload.
    Bootstrap(PayloadKind),
    /// A settings file.
    Settings(SettingsFile),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(kind) = text.parse() {
            return Ok(Self::Bootstrap(kind));
        }
        match text.parse() {
            Ok(Kind::Settings(file)) => Ok(Self::Settings(file)),
            _ => {
                let is_settings = |kind: &Kind| matches!(kind, Kind::Settings(_));
                let words: Vec<_> = Kind::all().filter(is_settings).map(Kind::word).collect();
                Err(format!("expected cp or dm, or a settings file of the USIM: {}", words.join(", ")))
            }
        }
    }
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    args.force.check(args.output.as_deref())?;
    match args.which {
        Some(Which::Settings(file)) => settings::run(file, args, global),
        Some(Which::Bootstrap(kind)) => bootstrap(Some(kind), args, global),
        None => bootstrap(None, args, global),
    }
}

fn bootstrap(kind: Option<PayloadKind>, args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let mut card = connect(&args.reader.reader, global)?;
    let mut fs = file_system(&mut card, global)?;
    let wanted = objects_to_read(kind);
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
    let error = candidates.iter().find_map(|found| match &found.content {
        Content::Unreadable(error) => Some(error.clone()),
        _ => None,
    });
    match error {
        Some(error) => unreadable(error),
        None if candidates.is_empty() => {
            Failure::because(Exit::Failed, "the card has no such bootstrap file")
        }
        None => Failure::because(Exit::Failed, "the bootstrap file is empty"),
    }
}

/// Why a file cannot be read, and what to do.
fn unreadable(error: FileError) -> anyhow::Error {
    if error.is_denied() {
        let why = format!("{error}; if it is behind a PIN, give that with --pin");
        return Failure::because(Exit::Refused, why);
    }
    failure(error)
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
        write!(f, "{}: {}", self.file, counted(self.octets, "octet"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_by_their_words() {
        assert_eq!("cp".parse(), Ok(Which::Bootstrap(PayloadKind::Cp)));
        assert_eq!("ims".parse(), Ok(Which::Settings(SettingsFile::Ims)));
        for bad in ["", "sms", "EF(ACL)"] {
            let why = bad.parse::<Which>().unwrap_err();
            assert!(why.contains("cp or dm") && why.contains("nasconfig"), "{why}");
        }
        assert_eq!(SettingsFile::ALL.len(), Kind::all().filter(|k| matches!(k, Kind::Settings(_))).count());
    }
}

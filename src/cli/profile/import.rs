//! `bootgate profile import`: an existing bootstrap becomes a profile.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{Exit, Failure, Format, Global, failure_in, output, read};
use crate::{
    bootstrap::{
        PayloadKind,
        import::{ImportError, Imported, import},
        quirks::Quirks,
    },
    cli::output::ForceArg,
    ident::{ProfileName, counted},
};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ImportArgs {
    /// Provisioning document or DM bootstrap message: WBXML, XML or hexadecimal digits, alone, in a WSP push, or in its
    /// short messages, a line of digits each.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the profile; without it, that of the file.
    #[arg(long)]
    name: Option<ProfileName>,
    /// Where the profile goes; without it, standard output. It holds the secrets of the bootstrap.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArg,
}

/// What `import` made.
#[derive(Serialize)]
struct ImportReport {
    name: ProfileName,
    kind: PayloadKind,
    /// What does not stand in the profile, or stands in it and not in the bootstrap.
    losses: Vec<String>,
    /// Rules about devices that the bootstrap broke.
    refusals: Vec<Refusal>,
    /// Where the profile went.
    file: Option<String>,
    /// The profile, when it went to standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
}

/// A rule that the bootstrap broke, with its place in it.
#[derive(Serialize)]
struct Refusal {
    rule: String,
    place: String,
    message: String,
    families: Vec<String>,
    refuses: String,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for loss in &self.losses {
            writeln!(f, "not as it was  {loss}")?;
        }
        for Refusal { rule, place, message, families, refuses } in &self.refusals {
            let whom = if families.is_empty() { "devices".to_owned() } else { families.join(", ") };
            writeln!(f, "was refused    {place}: {message}; {whom}: {refuses} [{rule}]")?;
        }
        let what = self.kind.title();
        writeln!(f, "profile        {}, from a {what}, {}", self.name, counted(self.losses.len(), "note"))?;
        match &self.file {
            Some(file) => writeln!(f, "written to     {file}"),
            None => Ok(()),
        }
    }
}

pub(super) fn run(args: &ImportArgs, global: &Global) -> anyhow::Result<Exit> {
    let name = args.name.clone().map_or_else(|| name_of(&args.file), Ok)?;
    let octets = read(&args.file)?;
    let Imported { kind, profile, losses, subject } = import(&octets, &name).map_err(|e| match e {
        ImportError::Bootstrap(error) => failure_in(&args.file, error),
        other => Failure::because(Exit::Failed, format!("{}: {other}", output::name(&args.file))),
    })?;
    let found = Quirks::builtin()?.apply(&[], &[subject], None);
    let refusal = |f: crate::bootstrap::quirks::Finding| Refusal {
        rule: f.rule,
        place: f.place,
        message: f.what,
        families: f.families,
        refuses: f.refuses,
    };
    let refusals = found.into_iter().map(refusal).collect();
    let mut report = ImportReport { name, kind, losses, refusals, file: None, profile: None };
    if let Some(file) = &args.output {
        output::file(file, profile.as_bytes(), args.force.existing())?;
        report.file = Some(file.display().to_string());
        output::emit(global.format, &report)?;
        return Ok(Exit::Ok);
    }
    match global.format {
        Format::Json => {
            report.profile = Some(profile);
            output::json(&report)?;
        }
        Format::Text => {
            output::note(report.to_string().trim_end());
            output::verbatim(&profile)?;
        }
    }
    Ok(Exit::Ok)
}

/// A name for the profile out of that of the file.
fn name_of(file: &std::path::Path) -> anyhow::Result<ProfileName> {
    let stem = file.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    let good = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = stem.chars().take(64).map(good).collect();
    name.parse().map_err(|_| Failure::because(Exit::Usage, "the file has no name to use; give --name"))
}

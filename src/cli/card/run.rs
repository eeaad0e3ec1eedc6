//! `bootgate card run --check`: what is wrong with card scripts, before any card is near.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    cli::{Exit, Global, output},
    wire::script::{EffectKind, Need, Severity, check},
};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Args {
    /// Checks the scripts and sends nothing.
    #[arg(long, required = true)]
    check: bool,
    /// Card scripts: the language of 3GPP TS 51.013, Annex B, or the superset of it that begins with `REM bootgate 1`.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  bootgate card run --check survey.scr
  bootgate card run --check --format json *.scr

Exit status: 0 when no script has an error, 78 otherwise";

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let files = args.files.iter().map(report).collect::<anyhow::Result<Vec<_>>>()?;
    let count = |severity| {
        files.iter().flat_map(|file| &file.problems).filter(|problem| problem.severity == severity).count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    output::emit(global.format, &Report { files, errors, warnings })?;
    Ok(if errors == 0 { Exit::Ok } else { Exit::Config })
}

fn report(file: &PathBuf) -> anyhow::Result<FileReport> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let checked = check(&text, &BTreeMap::new(), Need::Nothing);
    let problems = checked.problems.iter().map(|problem| Found {
        line: problem.at.line,
        column: problem.at.column,
        severity: problem.severity(),
        message: problem.kind.to_string(),
    });
    let effects = checked.declared.all().map(|(kind, place)| Declared { kind, file: place.to_string() });
    Ok(FileReport {
        file: file.display().to_string(),
        version: checked.script.version,
        effects: effects.collect(),
        problems: problems.collect(),
    })
}

/// What was found, of all files.
#[derive(Serialize)]
struct Report {
    files: Vec<FileReport>,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct FileReport {
    file: String,
    /// Version of the superset; none for plain Annex B.
    version: Option<u16>,
    /// What the script declares to do.
    effects: Vec<Declared>,
    problems: Vec<Found>,
}

#[derive(Serialize)]
struct Declared {
    kind: EffectKind,
    file: String,
}

#[derive(Serialize)]
struct Found {
    line: usize,
    column: usize,
    severity: Severity,
    message: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            for Found { line, column, severity, message } in &file.problems {
                let severity = match severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                };
                writeln!(f, "{}:{line}:{column}: {severity}: {message}", file.file)?;
            }
        }
        write!(f, "{} script(s), {} error(s), {} warning(s)", self.files.len(), self.errors, self.warnings)
    }
}

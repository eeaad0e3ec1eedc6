//! What is wrong with card scripts, before any card is near.

use std::fmt;

use serde::Serialize;

use super::values::Assignment;
use crate::{
    cli::{Exit, Global, output},
    ident::{counted, printable},
    wire::script::{EffectKind, Need, Severity, check},
};

pub(super) fn run(files: &[String], set: &[Assignment], global: &Global) -> anyhow::Result<Exit> {
    let files = files.iter().map(|file| report(file, set)).collect::<anyhow::Result<Vec<_>>>()?;
    let count = |severity| {
        files.iter().flat_map(|file| &file.problems).filter(|problem| problem.severity == severity).count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    output::emit(global.format, &Report { files, errors, warnings })?;
    Ok(if errors == 0 { Exit::Ok } else { Exit::Config })
}

fn report(file: &str, set: &[Assignment]) -> anyhow::Result<FileReport> {
    let text = super::text(file)?;
    let checked = check(&text, &super::values::given(&text, set)?, Need::Nothing);
    let problems = checked.problems.iter().map(|problem| Found {
        line: problem.at.line,
        column: problem.at.column,
        severity: problem.severity(),
        message: problem.kind.to_string(),
    });
    let effects = checked.declared.all().map(|(kind, place)| Declared { kind, file: place.to_string() });
    Ok(FileReport {
        file: file.to_owned(),
        version: checked.script.version,
        effects: effects.collect(),
        changes_keys: checked.declared.changed_keys().iter().map(ToString::to_string).collect(),
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
    /// The keys that it gives another value, or switches on or off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes_keys: Vec<String>,
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
            let name = printable(&file.file);
            for Found { line, column, severity, message } in &file.problems {
                let severity = match severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                };
                writeln!(f, "{name}:{line}:{column}: {severity}: {message}")?;
            }
        }
        let (files, errors) = (counted(self.files.len(), "script"), counted(self.errors, "error"));
        write!(f, "{files}, {errors}, {}", counted(self.warnings, "warning"))
    }
}

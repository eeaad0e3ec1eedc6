//! `bootgate profile check`: what is wrong with profiles, what is worth a look, and what devices are known to refuse.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Exit, Failure, Global, failure, output, read};
use crate::{
    bootstrap::{
        ddf::{self, Missing},
        quirks::{Family, Finding, Quirks, Subject, TacTable, subjects},
    },
    ident::{Imei, counted, printable},
    profile::{Checked, Position, Positions, Problem, Profile, Severity, check_octets},
};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CheckArgs {
    /// Profiles (TOML).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Family of devices, or a model of it: says which of the rules about it the profiles break.
    #[arg(long = "for", value_name = "MODEL", conflicts_with = "imei")]
    model: Option<String>,
    /// IMEI of a device whose family --tac knows, in place of --for.
    #[arg(long, value_name = "DIGITS", requires = "tac")]
    imei: Option<String>,
    /// Table of type allocation codes and families: CSV with the columns TAC,family.
    #[arg(long, value_name = "FILE")]
    tac: Option<PathBuf>,
    /// Device description (DDF 1.2, XML or WBXML): says which nodes of the DM bootstrap such a device does not have.
    #[arg(long, value_name = "FILE")]
    ddf: Option<PathBuf>,
}

/// What `check` found, of all files.
#[derive(Serialize)]
struct CheckReport {
    files: Vec<FileReport>,
    /// The family that was asked for.
    family: Option<Family>,
    /// How many rules about it there are.
    rules: Option<usize>,
    errors: usize,
    warnings: usize,
}

/// What `check` found in one file.
#[derive(Serialize)]
struct FileReport {
    file: String,
    /// Why it could not be read.
    unreadable: Option<String>,
    /// The profile's name and version; none when it has errors.
    profile: Option<String>,
    version: Option<u32>,
    problems: Vec<Problem>,
    /// The rules about devices that it breaks.
    refusals: Vec<Refusal>,
    /// The nodes of its DM bootstrap that the device does not have.
    missing_nodes: Vec<Missing>,
}

/// A rule that a profile breaks, with its place in the text.
#[derive(Serialize)]
struct Refusal {
    line: usize,
    column: usize,
    severity: &'static str,
    rule: String,
    message: String,
    /// The place in the payload.
    place: String,
    /// The families that it concerns; empty for all.
    families: Vec<String>,
    refuses: String,
    advice: String,
}

impl Refusal {
    fn new(finding: Finding, positions: &Positions) -> Self {
        let Position { line, column } = positions.of(&finding.path);
        Self {
            line,
            column,
            severity: finding.severity.as_str(),
            rule: finding.rule,
            message: finding.what,
            place: finding.place,
            families: finding.families,
            refuses: finding.refuses,
            advice: finding.advice,
        }
    }

    fn is(&self, severity: Severity) -> bool {
        self.severity == severity.as_str()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = if self.families.is_empty() { "devices".to_owned() } else { self.families.join(", ") };
        let Self { line, column, severity, rule, message, place, refuses, advice, .. } = self;
        write!(f, "{line}:{column}: {severity}: {message} ({place}); {whom}: {refuses}; {advice} [{rule}]")
    }
}

impl FileReport {
    fn unreadable(file: &Path, why: String) -> Self {
        Self {
            file: file.display().to_string(),
            unreadable: Some(why),
            profile: None,
            version: None,
            problems: Vec::new(),
            refusals: Vec::new(),
            missing_nodes: Vec::new(),
        }
    }

    fn count(&self, severity: Severity) -> usize {
        let problems = self.problems.iter().filter(|p| p.severity() == severity).count();
        let missing = if severity == Severity::Error { self.missing_nodes.len() } else { 0 };
        problems + self.refusals.iter().filter(|r| r.is(severity)).count() + missing
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            let shown = printable(&file.file);
            for problem in &file.problems {
                writeln!(f, "{shown}:{problem}")?;
            }
            for refusal in &file.refusals {
                writeln!(f, "{shown}:{refusal}")?;
            }
            for Missing { uri, below } in &file.missing_nodes {
                write!(f, "{shown}: error: the device does not have the node {uri}")?;
                match below {
                    0 => writeln!(f)?,
                    n => writeln!(f, ", nor the {n} below it")?,
                }
            }
            let (Some(name), Some(version)) = (&file.profile, file.version) else { continue };
            if file.count(Severity::Error) == 0 {
                writeln!(f, "{shown}: ok, {name} version {version}")?;
            }
            if let (Some(family), Some(rules)) = (&self.family, self.rules) {
                let mut broken: Vec<&str> = file.refusals.iter().map(|r| r.rule.as_str()).collect();
                broken.dedup();
                let list = if broken.is_empty() { "none".to_owned() } else { broken.join(", ") };
                writeln!(f, "{shown}: of {rules} rules about {}, broken: {list}", family.id)?;
            }
        }
        if self.errors + self.warnings > 0 || self.files.len() > 1 {
            let (files, errors) = (counted(self.files.len(), "file"), counted(self.errors, "error"));
            write!(f, "{files}, {errors}, {}", counted(self.warnings, "warning"))?;
            match self.files.iter().filter(|file| file.unreadable.is_some()).count() {
                0 => writeln!(f)?,
                n => writeln!(f, ", {n} not read")?,
            }
        }
        Ok(())
    }
}

pub(super) fn run(args: &CheckArgs, global: &Global) -> anyhow::Result<Exit> {
    let quirks = Quirks::builtin()?;
    let family = family(args, &quirks)?;
    let device = args.ddf.as_ref().map(|file| super::ddf::parse(file)).transpose()?;
    let mut before = Vec::new();
    let mut files = Vec::new();
    let mut unreadable = 0;
    for file in &args.files {
        let octets = match read(file) {
            Ok(octets) => octets,
            Err(error) => {
                output::error(&error);
                unreadable += 1;
                files.push(FileReport::unreadable(file, error.to_string()));
                continue;
            }
        };
        let checked = check_octets(&octets);
        let missing_nodes =
            device.as_ref().map(|d| missing_nodes(&checked, d)).transpose()?.unwrap_or_default();
        let (refusals, mut seen) = refusals(&checked, &quirks, family, &before)?;
        before.append(&mut seen);
        files.push(FileReport {
            file: file.display().to_string(),
            unreadable: None,
            profile: checked.profile.as_ref().map(|p| p.name.to_string()),
            version: checked.profile.as_ref().map(|p| p.version),
            problems: checked.problems,
            refusals,
            missing_nodes,
        });
    }
    let errors = files.iter().map(|r| r.count(Severity::Error)).sum();
    let warnings = files.iter().map(|r| r.count(Severity::Warning)).sum();
    let rules = family.map(|f| quirks.rules_for(f).count());
    output::emit(global.format, &CheckReport { files, family: family.cloned(), rules, errors, warnings })?;
    Ok(match (errors, unreadable) {
        (0, 0) => Exit::Ok,
        (0, _) => Exit::Usage,
        _ => Exit::Config,
    })
}

/// A profile that has no errors; warnings are noted on standard error.
///
/// # Errors
/// [`Exit::Usage`] when the file cannot be read, [`Exit::Config`] when the profile has errors.
pub(in crate::cli) fn load(file: &Path) -> anyhow::Result<Profile> {
    let checked = check_octets(&read(file)?);
    for problem in &checked.problems {
        output::note(&format!("{}:{problem}", output::name(file)));
    }
    let (refusals, _) = refusals(&checked, &Quirks::builtin()?, None, &[])?;
    for refusal in &refusals {
        output::note(&format!("{}:{refusal}", output::name(file)));
    }
    checked.profile.ok_or_else(|| {
        let errors = checked.problems.iter().filter(|p| p.severity() == Severity::Error).count();
        let message = format!("{} has {}; nothing was done", output::name(file), counted(errors, "error"));
        Failure::because(Exit::Config, message)
    })
}

/// The rules that a profile breaks, and its payloads, which the next profiles may not contradict.
fn refusals(
    checked: &Checked,
    quirks: &Quirks,
    family: Option<&Family>,
    before: &[Subject],
) -> anyhow::Result<(Vec<Refusal>, Vec<Subject>)> {
    let Some(profile) = &checked.profile else { return Ok((Vec::new(), Vec::new())) };
    let subjects = subjects(profile).map_err(failure)?;
    let found = quirks.apply(before, &subjects, family);
    let mut refusals: Vec<_> = found.into_iter().map(|f| Refusal::new(f, &checked.positions)).collect();
    refusals.sort_by_key(|r| (r.line, r.column));
    Ok((refusals, subjects))
}

/// The nodes of the profile's DM bootstrap that the device does not have.
fn missing_nodes(checked: &Checked, device: &[ddf::Node]) -> anyhow::Result<Vec<Missing>> {
    let Some(profile) = &checked.profile else { return Ok(Vec::new()) };
    let subjects = subjects(profile).map_err(failure)?;
    let Some(message) = subjects.iter().find_map(Subject::message) else {
        output::note(
            "the profile has no DM account, so it has no DM bootstrap to compare with the description",
        );
        return Ok(Vec::new());
    };
    Ok(ddf::missing(device, message))
}

/// The family that was asked for, by name or by the device's number.
fn family<'q>(args: &CheckArgs, quirks: &'q Quirks) -> anyhow::Result<Option<&'q Family>> {
    let table = match &args.tac {
        None => TacTable::default(),
        Some(file) => TacTable::parse(&String::from_utf8_lossy(&read(file)?), quirks)
            .map_err(|e| Failure::because(Exit::Config, format!("{}: {e}", file.display())))?,
    };
    if let Some(model) = &args.model {
        return quirks.family(model).map(Some).ok_or_else(|| {
            let known = quirks.families().iter().map(|f| f.id.as_str()).collect::<Vec<_>>().join(", ");
            Failure::because(
                Exit::Usage,
                format!("--for: no rules about that family; expected one of {known}"),
            )
        });
    }
    let Some(imei) = &args.imei else { return Ok(None) };
    let imei: Imei = imei.parse().map_err(|e| Failure::because(Exit::Usage, format!("--imei: {e}")))?;
    let found = table.family(&imei).and_then(|id| quirks.family(id));
    if found.is_none() {
        output::note(
            "the table does not know the device's type allocation code; only what always holds is checked",
        );
    }
    Ok(found)
}

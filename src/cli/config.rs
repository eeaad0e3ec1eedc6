//! `bootgate config`: checks a configuration file, shows what is in force.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{Exit, Failure, Global, output};
use crate::app::config::{Config, FileSource, Flag, Shown, Sources};

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Checks a file, or the configuration in force; exit 78 when it is wrong.
    Check {
        /// The file; without it: the one in force, with environment.
        file: Option<PathBuf>,
    },
    /// Prints every value in force and where it comes from.
    Show,
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    match action {
        Action::Check { file: Some(file) } => {
            // The file alone, so that the answer does not depend on who asks.
            let home = Sources::of_process(None, Vec::new()).home;
            let sources = Sources { file: FileSource::Named(file.clone()), home, ..Sources::default() };
            Config::load(&sources).map_err(|e| Failure::because(Exit::Config, chain(&e)))?;
            output::emit(global.format, &Checked { ok: true, file: Some(file) })?;
        }
        Action::Check { file: None } => {
            load(global, Vec::new())?;
            output::emit(global.format, &Checked { ok: true, file: None })?;
        }
        Action::Show => output::emit(global.format, &All(load(global, Vec::new())?.shown()))?,
    }
    Ok(Exit::Ok)
}

/// The configuration in force for this run of the program, with `flags` on top.
pub(super) fn load(global: &Global, flags: Vec<Flag>) -> anyhow::Result<Config> {
    Config::load(&Sources::of_process(global.config.as_deref(), flags)).map_err(|e| {
        let exit = if e.is_of_flags() { Exit::Usage } else { Exit::Config };
        Failure::because(exit, chain(&e))
    })
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    file: Option<PathBuf>,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}: ok", file.display()),
            None => f.write_str("the configuration in force: ok"),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct All(Vec<Shown>);

impl fmt::Display for All {
    /// As a file that could be read back, with the origins as comments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut current = "";
        for shown in &self.0 {
            let (section, key) = shown.key.split_once('.').unwrap_or(("", &shown.key));
            if section != current {
                let gap = if current.is_empty() { "" } else { "\n" };
                writeln!(f, "{gap}[{section}]")?;
                current = section;
            }
            let assignment = format!("{key} = {}", shown.value);
            writeln!(f, "{assignment:<48} # {}", shown.origin)?;
        }
        Ok(())
    }
}

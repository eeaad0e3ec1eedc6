//! `bootgate config`: checks a configuration file, shows what is in force.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Once},
};

use serde::Serialize;

use super::{Exit, Failure, Global, output};
use crate::app::config::{Config, ConfigError, FileSource, Flag, Shown, Sources};
use crate::app::{App, OsRandom, SystemClock};
use crate::store::StoreError;

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
            let Sources { home, data_home, .. } = Sources::of_process(None, Vec::new());
            let file_source = FileSource::Named(file.clone());
            let sources = Sources { file: file_source, home, data_home, ..Sources::default() };
            let config = Config::load(&sources).map_err(|e| failure(&e))?;
            all_there(&config, false)?;
            output::emit(global.format, &Checked { ok: true, file: Some(file) })?;
        }
        Action::Check { file: None } => {
            all_there(&load(global, Vec::new())?, true)?;
            output::emit(global.format, &Checked { ok: true, file: None })?;
        }
        Action::Show => {
            let config = load(global, Vec::new())?;
            output::emit(
                global.format,
                &All { file: config.file().map(str::to_owned), values: config.shown() },
            )?;
        }
    }
    Ok(Exit::Ok)
}

/// Refuses a configuration that names files that cannot be read.
fn all_there(config: &Config, environment: bool) -> anyhow::Result<()> {
    let missing = config.missing(environment);
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failure::because(Exit::Config, missing.join("\n"))),
    }
}

/// The configuration in force for this run of the program, with `flags` on top.
pub(super) fn load(global: &Global, mut flags: Vec<Flag>) -> anyhow::Result<Config> {
    flags.extend(global.flags.iter().cloned());
    let config =
        Config::load(&Sources::of_process(global.config.as_deref(), flags)).map_err(|e| failure(&e))?;
    static TOLD: Once = Once::new();
    if let Some(file) = config.file() {
        TOLD.call_once(|| tracing::info!("Configuration is read from {file}"));
    }
    Ok(config)
}

fn failure(error: &ConfigError) -> anyhow::Error {
    let exit = if error.is_of_command_line() { Exit::Usage } else { Exit::Config };
    Failure::because(exit, chain(error))
}

/// Opens the database that the configuration names for who only looks: none is made.
pub(super) async fn open_existing(config: Config) -> anyhow::Result<App> {
    let origin = config.origin("store.path").to_string();
    App::open_existing(config, Arc::new(SystemClock), Arc::new(OsRandom)).await.map_err(|error| match error {
        StoreError::Missing { path } => {
            let why = format!(
                "there is no database {}, which is [store] path by {origin}; `card write`, `batch run` and `serve` \
                 make one",
                path.display()
            );
            Failure::because(Exit::Failed, why)
        }
        other => other.into(),
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

/// What is in force.
#[derive(Serialize)]
struct All {
    /// The file that was read over the compiled-in values.
    file: Option<String>,
    values: Vec<Shown>,
}

impl fmt::Display for All {
    /// As a file that could be read back, with the origins as comments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => {
                writeln!(f, "# compiled-in values; over them the file {file}; then environment and flags")?
            }
            None => writeln!(f, "# compiled-in values; no file over them; then environment and flags")?,
        }
        let mut current = "";
        for shown in &self.values {
            let (section, key) = shown.key.split_once('.').unwrap_or(("", &shown.key));
            if section != current {
                writeln!(f, "\n[{section}]")?;
                current = section;
            }
            let assignment = format!("{key} = {}", shown.value);
            writeln!(f, "{assignment:<48} # {}", shown.origin)?;
        }
        Ok(())
    }
}

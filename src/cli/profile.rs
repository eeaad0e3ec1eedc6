//! `bootgate profile`: checks profiles, and builds payloads from them.

mod build;
mod check;
mod ddf;
mod document;
mod factory;
mod import;
mod sign;

pub(super) use check::load;
pub(super) use sign::{Purpose, SignArgs, SignDefaults, Weakness, sign};

use super::{
    Exit, Failure, Format, Global,
    exit::{failure, failure_in},
    input::read,
    output,
};

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Says everything that is wrong with profiles, and what is worth a look. Exit status 78 when there are errors.
    Check(check::CheckArgs),
    /// Makes a profile out of an existing bootstrap, and names what does not fit.
    Import(import::ImportArgs),
    /// Describes the management objects that we use (DDF 1.2), or draws a device's description.
    Ddf(ddf::DdfArgs),
    /// Builds a payload or another output for one device. It holds freshly drawn secrets.
    Build(build::BuildArgs),
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    match action {
        Action::Check(args) => check::run(&args, global),
        Action::Import(args) => import::run(&args, global),
        Action::Ddf(args) => ddf::run(&args, global),
        Action::Build(args) => build::run(&args, global),
    }
}

/// Reads a profile that was checked before as the text that it is.
///
/// # Errors
/// [`Exit::Usage`] when the file cannot be read, [`Exit::Config`] when it is not text.
pub(super) fn text(file: &std::path::Path) -> anyhow::Result<String> {
    let text = String::from_utf8(read(file)?);
    text.map_err(|_| Failure::because(Exit::Config, format!("{} is not UTF-8 text", output::name(file))))
}

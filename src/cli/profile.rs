//! `bootgate profile`: checks profiles, and builds payloads from them.

mod build;
mod check;
mod ddf;
mod document;
mod factory;
mod import;
mod sign;

use std::{io::Write as _, path::Path};

use anyhow::Context as _;

pub(super) use check::load;

use super::{Exit, Failure, Format, Global, exit::failure, output};

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

/// Reads a file's octets.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Writes a payload to a file that only its owner can read: it holds secrets.
pub(super) fn write(file: &Path, octets: &[u8]) -> anyhow::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let failed = || format!("cannot write {}", file.display());
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .with_context(failed)?;
    // A file that was there keeps its mode when it is opened.
    if out.metadata().with_context(failed)?.is_file() {
        out.set_permissions(std::fs::Permissions::from_mode(0o600)).with_context(failed)?;
    }
    out.write_all(octets).with_context(failed)
}

//! `profile build --as factory`: an image for a manufacturer, as a directory.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::build::BuildArgs;
use crate::{
    app::OsRandom,
    bootstrap::{
        Settings,
        factory::{self, SIGNATURE, Secrecy},
    },
    cli::{
        Exit, Failure, Global, directory,
        exit::failure,
        factory::{sealing_key, signing_key},
        output,
        secret::SecretSource,
    },
    profile::Profile,
};

/// Arguments about a factory image.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FactoryArgs {
    /// Signs a factory image: a private Ed25519 key (PKCS#8 PEM), as @FILE or env:NAME.
    #[arg(long, value_name = "SECRET")]
    sign_key: Option<SecretSource>,
    /// Seals the secrets of a factory image to the manufacturer's public X25519 key (PEM).
    #[arg(long, value_name = "FILE")]
    seal_to: Option<PathBuf>,
}

impl FactoryArgs {
    /// True when anything was said that only an image has.
    pub(super) fn wanted(&self) -> bool {
        self.sign_key.is_some() || self.seal_to.is_some()
    }
}

pub(super) fn run(
    args: &BuildArgs,
    profile: &Profile,
    settings: &Settings,
    global: &Global,
) -> anyhow::Result<Exit> {
    let usage = |why: &str| Failure::because(Exit::Usage, why);
    if args.sign.asked() || args.wsp.wanted() || args.xml {
        return Err(usage(
            "--sec, --pin, --pin-length, --xml and --wsp are for cp and dm; a factory image has a signature of its own (--sign-key)",
        ));
    }
    let Some(folder) = &args.output else {
        return Err(usage("a factory image is a directory; say where with -o DIR"));
    };
    let sign = args.factory.sign_key.as_ref().map(signing_key).transpose()?;
    let seal = args.factory.seal_to.as_deref().map(sealing_key).transpose()?;
    let image = factory::image(profile, settings, seal.as_ref(), &OsRandom).map_err(failure)?;
    let signature = sign.as_ref().map(|key| key.sign(&image.manifest_octets));
    let signed = signature.iter().map(|s| (SIGNATURE, s.as_slice()));
    directory::write(folder, args.force.existing(), image.all().chain(signed))?;

    let manifest = &image.manifest;
    let report = FactoryReport {
        profile: manifest.profile.clone(),
        version: manifest.profile_version,
        kind: "factory",
        directory: folder.display().to_string(),
        files: manifest.files.iter().map(|e| FileReport { name: e.name.clone(), size: e.size }).collect(),
        secrets: manifest.secrets,
        sealed_to: manifest.sealed_to.clone(),
        signed: signature.is_some(),
        losses: manifest.not_carried.clone(),
    };
    output::emit(global.format, &report)?;
    Ok(Exit::Ok)
}

/// What was made.
#[derive(Serialize)]
struct FactoryReport {
    profile: String,
    version: u32,
    kind: &'static str,
    directory: String,
    files: Vec<FileReport>,
    secrets: Secrecy,
    sealed_to: Option<String>,
    signed: bool,
    /// What the tree cannot carry.
    losses: Vec<String>,
}

#[derive(Serialize)]
struct FileReport {
    name: String,
    size: u64,
}

impl fmt::Display for FactoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile       {} version {}", self.profile, self.version)?;
        writeln!(f, "written to    {}", self.directory)?;
        for file in &self.files {
            writeln!(f, "              {:14} {} octets", file.name, file.size)?;
        }
        match &self.sealed_to {
            Some(key) => writeln!(f, "secrets       sealed to {key}")?,
            None => writeln!(
                f,
                "secrets       stand in the files in clear; --seal-to seals them to the manufacturer"
            )?,
        }
        if self.signed {
            writeln!(f, "signature     manifest.sig")?;
        } else {
            writeln!(
                f,
                "not signed    whoever changes a file can change its digest; --sign-key signs the manifest"
            )?;
        }
        for loss in &self.losses {
            writeln!(f, "not in tree   {loss}")?;
        }
        Ok(())
    }
}

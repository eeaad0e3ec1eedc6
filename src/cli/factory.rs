//! `bootgate factory`: the receiving end of a factory image, checked and opened. (`profile build --as factory` makes one.)

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    Exit, Failure, Global, directory,
    exit::failure,
    input,
    output::{self, ForceArg},
    secret::SecretSource,
};
use crate::{
    bootstrap::factory::{self, Manifest, OpeningKey, SealingKey, Secrecy},
    ident::{IdentError, SigningKey, VerifyingKey, printable},
};

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Says whether an image is whole and whose it is. Exit status 1 when anything is wrong.
    Verify(VerifyArgs),
    /// Puts the secrets of a sealed image into their places, as a new image without a signature.
    Open(OpenArgs),
}

/// Which image, and whose it must be.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The directory of the image.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The public Ed25519 key (PEM) of whoever must have signed it.
    #[arg(long, value_name = "FILE", required_unless_present = "digests_only")]
    public_key: Option<PathBuf>,
    /// Compares sizes and digests alone: whoever changed a file may have changed them, too.
    #[arg(long, conflicts_with = "public_key")]
    digests_only: bool,
}

/// Arguments of `open`.
#[derive(Debug, clap::Args)]
pub(super) struct OpenArgs {
    #[command(flatten)]
    verify: VerifyArgs,
    /// The private X25519 key (PKCS#8 PEM) that the secrets are sealed to: @FILE or env:NAME.
    #[arg(long, value_name = "SECRET")]
    open_with: SecretSource,
    /// Where the opened image goes. It holds the secrets.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    force: ForceArg,
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    match action {
        Action::Verify(args) => {
            let (found, report) = verify(&args)?;
            drop(found);
            output::emit(global.format, &report)?;
            Ok(if report.problems.is_empty() { Exit::Ok } else { Exit::Failed })
        }
        Action::Open(args) => open(&args, global),
    }
}

fn open(args: &OpenArgs, global: &Global) -> anyhow::Result<Exit> {
    let (found, mut report) = verify(&args.verify)?;
    let (Some(manifest), true) = (&found.1, report.problems.is_empty()) else {
        output::emit(global.format, &report)?;
        return Err(Failure::because(
            Exit::Failed,
            "the image is not what it was when it left; nothing was opened",
        ));
    };
    let key = opening_key(&args.open_with)?;
    let image = factory::open(manifest, &found.0.files, &key).map_err(failure)?;
    directory::write(&args.output, args.force.existing(), image.all())?;
    report.opened = Some(args.output.display().to_string());
    output::emit(global.format, &report)?;
    Ok(Exit::Ok)
}

/// Reads the key that signs.
pub(super) fn signing_key(source: &SecretSource) -> anyhow::Result<SigningKey> {
    let text = source.read_text("--sign-key")?;
    SigningKey::from_pem(&text).map_err(|e| named("--sign-key", &e))
}

/// Reads the key that is sealed to.
pub(super) fn sealing_key(file: &Path) -> anyhow::Result<SealingKey> {
    SealingKey::from_pem(&pem("--seal-to", file)?).map_err(|e| named("--seal-to", &e))
}

/// Reads the key that checks signatures.
pub(super) fn public_key(file: &Path) -> anyhow::Result<VerifyingKey> {
    VerifyingKey::from_pem(&pem("--public-key", file)?).map_err(|e| named("--public-key", &e))
}

fn opening_key(source: &SecretSource) -> anyhow::Result<OpeningKey> {
    let text = source.read_text("--open-with")?;
    OpeningKey::from_pem(&text).map_err(|e| named("--open-with", &e))
}

fn named(option: &str, error: &IdentError) -> anyhow::Error {
    Failure::because(Exit::Usage, format!("{option}: {error}"))
}

fn pem(option: &str, file: &Path) -> anyhow::Result<String> {
    let octets = input::read(file).map_err(|e| Failure::because(Exit::Usage, format!("{option}: {e}")))?;
    let wrong = |_| Failure::because(Exit::Usage, format!("{option}: {} is no PEM text", output::name(file)));
    String::from_utf8(octets).map_err(wrong)
}

type Verified = (directory::Found, Option<Manifest>);

fn verify(args: &VerifyArgs) -> anyhow::Result<(Verified, VerifyReport)> {
    let key = args.public_key.as_deref().map(public_key);
    let key = key.transpose()?;
    let found = directory::read(&args.folder)?;
    let mut problems: Vec<String> = Vec::new();
    let signature = match (&key, &found.signature) {
        (None, None) => "none",
        (None, Some(_)) => "not checked",
        (Some(_), None) => {
            problems.push("there is no manifest.sig: the image is not signed".into());
            "none"
        }
        (Some(key), Some(signature)) if key.verifies(&found.manifest, signature) => "good",
        (Some(_), Some(_)) => {
            let why = "the signature of manifest.json does not fit: it was changed, or another key signed it";
            problems.push(why.into());
            "bad"
        }
    };
    problems.extend(found.foreign.iter().map(|name| format!("{name:?} does not belong to an image")));
    let manifest = match Manifest::parse(&found.manifest) {
        Ok(manifest) => {
            problems.extend(manifest.check(&found.files).iter().map(ToString::to_string));
            Some(manifest)
        }
        Err(error) => {
            problems.push(error.to_string());
            None
        }
    };
    let told = manifest.as_ref();
    let report = VerifyReport {
        profile: told.map(|m| m.profile.clone()),
        version: told.map(|m| m.profile_version),
        device: told.and_then(|m| m.device.clone()),
        secrets: told.map(|m| m.secrets),
        sealed_to: told.and_then(|m| m.sealed_to.clone()),
        files: found.files.len(),
        signature,
        problems,
        opened: None,
    };
    Ok(((found, manifest), report))
}

/// What is to be said of an image.
#[derive(Serialize)]
struct VerifyReport {
    profile: Option<String>,
    version: Option<u32>,
    device: Option<String>,
    secrets: Option<Secrecy>,
    sealed_to: Option<String>,
    /// How many files were compared.
    files: usize,
    /// `good`, `bad`, `none` or `not checked`.
    signature: &'static str,
    problems: Vec<String>,
    /// Where the opened image is.
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<String>,
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(profile), Some(version)) = (&self.profile, self.version) {
            writeln!(f, "profile       {} version {version}", printable(profile))?;
        }
        if let Some(device) = &self.device {
            writeln!(f, "device        {}", printable(device))?;
        }
        match (self.secrets, &self.sealed_to) {
            (Some(Secrecy::Sealed), Some(key)) => writeln!(f, "secrets       sealed to {}", printable(key))?,
            (Some(_), _) => writeln!(f, "secrets       stand in the files")?,
            (None, _) => {}
        }
        writeln!(f, "signature     {}", self.signature)?;
        for problem in &self.problems {
            writeln!(f, "wrong         {}", printable(problem))?;
        }
        if self.problems.is_empty() {
            writeln!(f, "ok            {} files, sizes and digests as the manifest says", self.files)?;
        }
        if let Some(opened) = &self.opened {
            writeln!(f, "opened to     {opened}, without a signature; it holds the secrets")?;
        }
        Ok(())
    }
}

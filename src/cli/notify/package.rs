//! A notification for one device, as `build` and `send` make it.

use std::{num::NonZeroU16, path::PathBuf};

use super::octets::{Nonce, octets};
use crate::{
    app::OsRandom,
    cli::{Exit, Failure, Global, config, profile, secret::SecretSource},
    dm::{Account, AccountId},
    ident::{Imei, Random, ServerId, SharedSecret},
    wire::{
        package0::{self, Package0, SessionNumber, Trigger, ZeroNonce},
        syncml::auth::UserDigest,
    },
};

/// Arguments about the notification.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("server").required(true).args(["server_id", "profile", "account"]),
    group = clap::ArgGroup::new("drawn").required(true).multiple(true).args(["nonce", "zero_nonce", "account"])
)]
pub(in crate::cli) struct PackageArgs {
    /// Identifier of the DM server, as the device's account has it.
    #[arg(long, value_name = "ID")]
    server_id: Option<ServerId>,
    /// Profile (TOML) whose DM account names the server.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// IMEI of a device that our DM server has an account of: server, secret and nonce are those of the newest one.
    #[arg(long, value_name = "DIGITS", conflicts_with_all = ["secret", "nonce"])]
    account: Option<String>,
    /// The server's secret in the device's account (SRVCRED): @FILE, env:NAME or - (prompt).
    #[arg(long, value_name = "SECRET", required_unless_present = "account")]
    secret: Option<SecretSource>,
    /// The nonce that the device holds for the server: base64, or hex: and hexadecimal digits.
    #[arg(long, value_name = "NONCE", conflicts_with = "zero_nonce")]
    nonce: Option<Nonce>,
    /// The nonce zero, for a device that has lost the server's: as four octets, which is how most read it, or as the
    /// characters 0x00000000. Both sides then agree on new ones.
    #[arg(long, value_name = "FORM")]
    zero_nonce: Option<ZeroForm>,
    /// Version of the notification. The specification says 1.1; some servers send 1.2, and some devices take it.
    #[arg(long, value_name = "VERSION", default_value = "1.1")]
    version: VersionName,
    /// Whether the user is told or asked.
    #[arg(long, value_name = "MODE", default_value = "not-specified")]
    ui_mode: UiMode,
    /// Who wanted the session.
    #[arg(long, value_name = "WHO", default_value = "server")]
    initiator: Initiator,
    /// Identifier of the session to come, in hexadecimal digits, 1 to FFFF. Without it one is drawn.
    #[arg(long, value_name = "HEX", value_parser = session_id)]
    session_id: Option<SessionNumber>,
    /// What a vendor's devices read besides: hexadecimal digits, or @FILE.
    #[arg(long, value_name = "OCTETS")]
    vendor: Option<String>,
}

/// How the nonce zero is written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ZeroForm {
    /// 00 00 00 00.
    Octets,
    /// The ten characters 0x00000000.
    Characters,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum VersionName {
    #[value(name = "1.0")]
    V1_0,
    #[value(name = "1.1")]
    V1_1,
    #[value(name = "1.2")]
    V1_2,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum UiMode {
    NotSpecified,
    Background,
    Informative,
    UserInteraction,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Initiator {
    User,
    Server,
}

/// Whom a notification is from, and what its digest is made with.
struct Signer {
    server_id: ServerId,
    digest: UserDigest,
    nonce: Vec<u8>,
    /// The account that it was taken from.
    account: Option<AccountId>,
    warnings: Vec<String>,
}

/// The fewest characters of a secret that has the 128 bits which the standard asks for.
const LONG_SECRET: usize = 16;

/// A notification, and what is to be told of it.
pub(super) struct Made {
    pub(super) package: Package0,
    /// The account that secret and nonce are of.
    pub(super) account: Option<AccountId>,
    pub(super) warnings: Vec<String>,
}

impl PackageArgs {
    /// Makes the notification.
    pub(super) fn make(&self, global: &Global) -> anyhow::Result<Made> {
        let vendor = self.vendor.as_ref().map(|text| octets("--vendor", text)).transpose()?;
        let signer = match &self.account {
            Some(imei) => kept(imei, self, global)?,
            None => given(self)?,
        };
        let session = self.session_id.unwrap_or_else(|| drawn(&OsRandom));
        let mut warnings = signer.warnings;
        if matches!(self.version, VersionName::V1_0) {
            warnings.push(
                "version 1.0: no device is known to take it; 1.1 is what the specification says".to_owned(),
            );
        }
        let trigger =
            Trigger::new(signer.server_id, session).map_err(|e| Failure::because(Exit::Usage, e))?;
        let mut trigger = match self.version {
            VersionName::V1_0 => trigger.with_version(package0::Version::V1_0),
            VersionName::V1_1 => trigger.with_version(package0::Version::V1_1),
            VersionName::V1_2 => trigger.with_version(package0::Version::V1_2),
        };
        trigger.ui_mode = match self.ui_mode {
            UiMode::NotSpecified => package0::UiMode::NotSpecified,
            UiMode::Background => package0::UiMode::Background,
            UiMode::Informative => package0::UiMode::Informative,
            UiMode::UserInteraction => package0::UiMode::UserInteraction,
        };
        trigger.initiator = match self.initiator {
            Initiator::User => package0::Initiator::User,
            Initiator::Server => package0::Initiator::Server,
        };
        trigger.vendor = vendor.unwrap_or_default();
        let package = Package0::sign(trigger, &signer.digest, &signer.nonce);
        Ok(Made { package, account: signer.account, warnings })
    }
}

/// What the command line gives.
fn given(args: &PackageArgs) -> anyhow::Result<Signer> {
    let server_id = match (&args.server_id, &args.profile) {
        (Some(id), _) => id.clone(),
        (None, Some(file)) => {
            let account = profile::load(file)?.dm_account;
            let missing =
                || Failure::because(Exit::Config, format!("{} has no [dm-account]", file.display()));
            account.ok_or_else(missing)?.server_id
        }
        (None, None) => {
            return Err(Failure::because(Exit::Usage, "give --server-id, --profile or --account"));
        }
    };
    let missing = || Failure::because(Exit::Usage, "give the server's secret with --secret");
    let secret: SharedSecret = args.secret.as_ref().ok_or_else(missing)?.parse("--secret")?;
    let nonce = match (args.zero_nonce, &args.nonce) {
        (Some(form), _) => zero(form).to_vec(),
        (None, Some(nonce)) => nonce.0.clone(),
        (None, None) => return Err(Failure::because(Exit::Usage, "give --nonce or --zero-nonce")),
    };
    let mut warnings = Vec::new();
    if secret.expose().chars().count() < LONG_SECRET {
        let better =
            "whoever captures the notification can try secrets on it; the standard asks for 128 bits";
        warnings.push(format!("a secret of less than {LONG_SECRET} characters: {better}"));
    }
    let digest = UserDigest::new(server_id.as_str(), &secret);
    Ok(Signer { server_id, digest, nonce, account: None, warnings })
}

/// What our DM server keeps of the device.
fn kept(imei: &str, args: &PackageArgs, global: &Global) -> anyhow::Result<Signer> {
    let imei: Imei = imei.parse().map_err(|e| Failure::because(Exit::Usage, format!("--account: {e}")))?;
    let config = config::load(global, Vec::new())?;
    let accounts = tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let app = config::open_existing(config).await?;
        let accounts = app.accounts().candidates(None, &imei.device_uri()).await?;
        if accounts.is_empty() {
            let file = app.config().store.path.display();
            let why = format!("--account: {file} has no account of that device");
            return Err(Failure::because(Exit::Failed, why));
        }
        Ok(accounts)
    })?;
    let mut warnings = Vec::new();
    if accounts.len() > 1 {
        let others = "a device that still holds an older one refuses the notification";
        warnings
            .push(format!("the device has {} accounts; this is of the newest, and {others}", accounts.len()));
    }
    // The newest comes first, and there is one.
    let Some(Account { id, server_id, server, .. }) = accounts.into_iter().next() else {
        return Err(Failure::because(Exit::Failed, "--account: no account"));
    };
    if server.name != server_id.as_str() {
        let why = "the digest of a notification is made with the server id, and the account has another name of the server";
        return Err(Failure::because(
            Exit::Failed,
            format!("--account: {why}; give --server-id and --secret"),
        ));
    }
    let nonce = args.zero_nonce.map_or(server.nonce, |form| zero(form).to_vec());
    Ok(Signer { server_id, digest: server.digest, nonce, account: Some(id), warnings })
}

fn zero(form: ZeroForm) -> &'static [u8] {
    match form {
        ZeroForm::Octets => ZeroNonce::Octets.octets(),
        ZeroForm::Characters => ZeroNonce::Characters.octets(),
    }
}

/// Any session, all equally likely.
fn drawn(random: &dyn Random) -> SessionNumber {
    loop {
        let mut octets = [0; 2];
        random.fill(&mut octets);
        if let Some(number) = NonZeroU16::new(u16::from_be_bytes(octets)) {
            return SessionNumber(number);
        }
    }
}

fn session_id(text: &str) -> Result<SessionNumber, &'static str> {
    let digits = text.len() <= 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let number = u16::from_str_radix(text, 16).ok().filter(|_| digits).and_then(NonZeroU16::new);
    number.map(SessionNumber).ok_or("expected 1 to FFFF, in hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_one_to_ffff() {
        let shown = |text| session_id(text).map(|s| s.to_string());
        assert_eq!(shown("abc"), Ok("ABC".to_owned()));
        assert_eq!(shown("0001"), Ok("1".to_owned()));
        assert_eq!(shown("FFFF"), Ok("FFFF".to_owned()));
        for bad in ["", "0", "0000", "10000", "+1", "x"] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }
}

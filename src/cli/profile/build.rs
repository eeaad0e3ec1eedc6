//! `bootgate profile build`: a payload for one device.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{load, write};
use crate::{
    app::OsRandom,
    bootstrap::{
        Payload, PayloadKind, build,
        mac::{self, Sec, Signature},
        resolve,
    },
    cli::{
        Exit, Failure, Format, Global, exit::failure, output, secret::SecretOrLiteral,
        subscriber::SubscriberArgs,
    },
    ident::{Imsi, Pin},
    profile::{Profile, SecurityMethod},
};

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BuildArgs {
    /// Profile (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Kind of payload: cp or dm.
    #[arg(long = "as", value_name = "KIND")]
    kind: PayloadKind,
    #[command(flatten)]
    subscriber: SubscriberArgs,
    /// PIN that signs the payload for a push: the value, @FILE, env:NAME or - (prompt). With userpinmac, the first half
    /// of what the user will enter.
    #[arg(long, value_name = "SECRET")]
    pin: Option<SecretOrLiteral>,
    /// Method that signs the payload for a push, in place of the profile's: netwpin, userpin, usernetwpin, userpinmac or
    /// none.
    #[arg(long, value_name = "METHOD")]
    sec: Option<SecurityMethod>,
    /// XML in place of WBXML, to look at. What is pushed or put on a card is WBXML.
    #[arg(long)]
    xml: bool,
    /// Where the payload goes; without it, standard output (WBXML as hexadecimal digits).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &BuildArgs, global: &Global) -> anyhow::Result<Exit> {
    let subscriber = args.subscriber.read()?;
    let pin: Option<Pin> = args.pin.as_ref().map(|p| p.parse("--pin")).transpose()?;
    let profile = load(&args.file)?;
    let settings = resolve(&profile, &subscriber, &OsRandom).map_err(failure)?;
    let payload = build(&settings, args.kind).map_err(failure)?;
    let signed = signature(args, &profile, subscriber.imsi.as_ref(), pin.as_ref(), &payload)?;

    let mut report = BuildReport {
        profile: profile.name.to_string(),
        version: profile.version,
        kind: payload.kind,
        title: payload.kind.title(),
        size: payload.octets.len(),
        content_type: payload.content_type(),
        unsigned: signed.as_ref().err().cloned(),
        sec: None,
        mac: None,
        parameters: None,
        user_pin: None,
        losses: payload.losses.clone(),
        file: None,
        wbxml_hex: None,
        xml: None,
    };
    if let Ok(signature) = &signed {
        let made = signature.user_pin.as_ref().filter(|_| signature.sec == Sec::UserPinMac);
        report.sec = Some(signature.sec.name().to_owned());
        report.mac = signature.mac;
        report.parameters = Some(signature.parameters());
        report.user_pin = made.map(|p| p.expose().to_owned());
    }

    let xml = if args.xml { Some(payload.to_xml().map_err(failure)?) } else { None };
    if let Some(file) = &args.output {
        write(file, xml.as_ref().map_or(payload.octets.as_slice(), |x| x.as_bytes()))?;
        report.file = Some(file.display().to_string());
        output::emit(global.format, &report)?;
        return Ok(Exit::Ok);
    }
    let hex = || payload.octets.iter().map(|o| format!("{o:02x}")).collect::<String>();
    match global.format {
        Format::Json => {
            report.wbxml_hex = xml.is_none().then(hex);
            report.xml = xml;
            output::json(&report)?;
        }
        Format::Text => {
            output::note(report.to_string().trim_end());
            output::text(&xml.unwrap_or_else(hex))?;
        }
    }
    Ok(Exit::Ok)
}

/// What `build` made.
#[derive(Serialize)]
struct BuildReport {
    profile: String,
    version: u32,
    kind: PayloadKind,
    #[serde(skip)]
    title: &'static str,
    size: usize,
    content_type: &'static str,
    /// Why it is not signed, when it is not.
    unsigned: Option<String>,
    /// `SEC` as a push names it.
    sec: Option<String>,
    /// `MAC`.
    mac: Option<mac::Mac>,
    /// What goes behind the content type in text form.
    parameters: Option<String>,
    /// What the user must enter; only where it is not what was given.
    user_pin: Option<String>,
    /// What the kind cannot carry.
    losses: Vec<String>,
    /// Where the payload went.
    file: Option<String>,
    /// The payload, when it went to standard output, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    wbxml_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xml: Option<String>,
}

impl fmt::Display for BuildReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile       {} version {}", self.profile, self.version)?;
        writeln!(f, "payload       {} ({}), {} octets", self.title, self.kind, self.size)?;
        writeln!(f, "content type  {}", self.content_type)?;
        match (&self.parameters, &self.unsigned) {
            (Some(parameters), _) => writeln!(f, "for a push    {parameters}")?,
            (None, Some(why)) => writeln!(f, "not signed    {why}")?,
            (None, None) => {}
        }
        if let Some(pin) = &self.user_pin {
            writeln!(f, "user enters   {pin}")?;
        }
        for loss in &self.losses {
            writeln!(f, "not carried   {loss}")?;
        }
        if let Some(file) = &self.file {
            writeln!(f, "written to    {file}")?;
        }
        Ok(())
    }
}

/// Signs the payload for a push, or says why not. What was asked for on the command line must work; what the profile
/// alone asks for may lack its key here, because a card needs no signature.
fn signature(
    args: &BuildArgs,
    profile: &Profile,
    imsi: Option<&Imsi>,
    pin: Option<&Pin>,
    payload: &Payload,
) -> anyhow::Result<Result<Signature, String>> {
    let Some(method) = args.sec.or(profile.security) else {
        return Ok(Err("the profile has no [security]; --sec names a method".into()));
    };
    let Some(sec) = Sec::from_method(method) else {
        return Ok(Err("method none: anybody could forge it".into()));
    };
    match mac::sign(payload.kind, sec, imsi, pin, &payload.octets) {
        Ok(signature) => Ok(Ok(signature)),
        Err(error) if args.sec.is_some() || args.pin.is_some() => Err(Failure::because(Exit::Usage, error)),
        Err(error) => Ok(Err(error.to_string())),
    }
}

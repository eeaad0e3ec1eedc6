//! `bootgate profile build`: a payload for one device.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{
    document, factory, load,
    sign::{Purpose, SignArgs, Weakness, sign},
};
use crate::{
    app::OsRandom,
    bootstrap::{Output, PayloadKind, build, mac, push, resolve},
    cli::{
        Exit, Failure, Format, Global,
        exit::failure,
        output::{self, ForceArg},
        subscriber::SubscriberArgs,
        wsp::{PushReport, WspArgs, hex},
    },
    profile::DmEncoding,
    wire::Syntax,
};

/// Arguments of `build`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BuildArgs {
    /// Profile (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to build: the payloads cp or dm; rcs or windows, documents that a server answers with over HTTP; or
    /// factory, a directory for a manufacturer.
    #[arg(long = "as", value_name = "KIND")]
    kind: Output,
    /// Form of a dm payload, in place of the profile's `[dm] encoding`: plain, tnds-opaque, tnds-inline or tnds-xml.
    #[arg(long, value_name = "FORM")]
    dm_encoding: Option<DmEncoding>,
    #[command(flatten)]
    subscriber: SubscriberArgs,
    #[command(flatten)]
    pub(super) sign: SignArgs,
    /// XML in place of WBXML: a CP document for delivery over HTTP, a DM message to look at. What is pushed or put on a
    /// card is WBXML, and a MAC is of WBXML.
    #[arg(long, conflicts_with_all = ["push", "pin", "pin_length", "sec"])]
    pub(super) xml: bool,
    #[command(flatten)]
    pub(super) wsp: WspArgs,
    #[command(flatten)]
    pub(super) factory: factory::FactoryArgs,
    /// Where the payload goes; without it, standard output (octets as hexadecimal digits). A factory image is a directory,
    /// which is made.
    #[arg(short, long, value_name = "PATH")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) force: ForceArg,
}

pub(super) fn run(args: &BuildArgs, global: &Global) -> anyhow::Result<Exit> {
    let subscriber = args.subscriber.read()?;
    let profile = load(&args.file)?;
    let mut settings = resolve(&profile, &subscriber, &OsRandom).map_err(failure)?;
    if let Some(encoding) = args.dm_encoding {
        if args.kind != Output::Payload(PayloadKind::Dm) {
            let why = format!("--dm-encoding is for --as dm; {} has one form", args.kind.title());
            return Err(Failure::because(Exit::Usage, why));
        }
        settings.dm.encoding = encoding;
    }
    if args.factory.wanted() && args.kind != Output::Factory {
        let why = format!("--sign-key and --seal-to are for --as factory, not for {}", args.kind.title());
        return Err(Failure::because(Exit::Usage, why));
    }
    let kind = match args.kind {
        Output::Payload(kind) => kind,
        Output::Document(kind) => return document::run(kind, args, &profile, &settings, global),
        Output::Factory => return factory::run(args, &profile, &settings, global),
    };
    let payload = build(&settings, kind).map_err(failure)?;
    let xml = if args.xml { Some(payload.to_xml().map_err(failure)?) } else { None };
    let purpose = match (args.wsp.wanted(), args.xml) {
        (true, _) => Purpose::Push,
        (false, true) => Purpose::Fetch,
        (false, false) => Purpose::Any,
    };
    let signed = sign(&args.sign, (&profile).into(), subscriber.imsi.as_ref(), &payload, purpose)?;
    let pushed = args.wsp.push(|tid| push(tid, &payload, signed.signature.as_ref().ok()))?;

    let mut report = BuildReport {
        profile: profile.name.to_string(),
        version: profile.version,
        kind: payload.kind,
        title: payload.kind.title(),
        size: xml.as_ref().map_or(payload.octets.len(), String::len),
        content_type: kind.content_type_in(if args.xml { Syntax::Xml } else { Syntax::Wbxml }),
        unsigned: signed.signature.as_ref().err().cloned(),
        sec: None,
        mac: None,
        parameters: None,
        user_pin: None,
        user_pin_drawn: false,
        warnings: signed.weaknesses,
        losses: payload.losses.clone(),
        push: pushed.as_ref().map(|p| p.report.clone()),
        file: None,
        wbxml_hex: None,
        xml: None,
        wsp_hex: None,
        segments: None,
    };
    if let Ok(signature) = &signed.signature {
        let made =
            signature.user_pin.as_ref().filter(|_| signed.drawn || signature.sec == mac::Sec::UserPinMac);
        report.sec = Some(signature.sec.name().to_owned());
        report.mac = signature.mac;
        report.parameters = Some(signature.parameters());
        report.user_pin = made.map(|p| p.expose().to_owned());
        report.user_pin_drawn = signed.drawn;
    }

    let (octets, segments) = match pushed {
        Some(pushed) => (pushed.octets, pushed.segments),
        None => (payload.octets, None),
    };
    let lines =
        segments.as_ref().map(|lines| lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    let text = xml.as_ref().or(lines.as_ref());
    if let Some(file) = &args.output {
        output::file(file, text.map_or(octets.as_slice(), |text| text.as_bytes()), args.force.existing())?;
        report.file = Some(file.display().to_string());
        output::emit(global.format, &report)?;
        return Ok(Exit::Ok);
    }
    match global.format {
        Format::Json => {
            if args.wsp.wanted() {
                report.wsp_hex = Some(hex(&octets));
            } else if xml.is_none() {
                report.wbxml_hex = Some(hex(&octets));
            }
            report.segments = segments;
            report.xml = xml;
            output::json(&report)?;
        }
        Format::Text => {
            output::note(report.to_string().trim_end());
            output::verbatim(text.unwrap_or(&hex(&octets)))?;
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
    /// True when it was drawn here: nothing keeps it.
    user_pin_drawn: bool,
    /// What is weak about the signature.
    warnings: Vec<Weakness>,
    /// What the kind cannot carry.
    losses: Vec<String>,
    /// The push, where one was asked for.
    push: Option<PushReport>,
    /// Where the payload went.
    file: Option<String>,
    /// The payload, when it went to standard output, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    wbxml_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xml: Option<String>,
    /// The whole push.
    #[serde(skip_serializing_if = "Option::is_none")]
    wsp_hex: Option<String>,
    /// The push as user data of short messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<String>>,
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
        if let Some(push) = &self.push {
            writeln!(f, "WSP push      {push}")?;
        }
        if let Some(pin) = &self.user_pin {
            writeln!(f, "user enters   {pin}")?;
            if self.user_pin_drawn {
                writeln!(
                    f,
                    "              drawn for this payload and told this once; it goes to the user by another way"
                )?;
            }
        }
        for warning in self.warnings.iter().filter(|w| !w.told) {
            writeln!(f, "warning       {}", warning.message)?;
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

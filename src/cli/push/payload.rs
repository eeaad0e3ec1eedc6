//! What a push carries: a payload that is built from a profile, or a file.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    app::OsRandom,
    bearer::{pap_client::Content, unsigned},
    bootstrap::{Payload, PayloadKind, build, mac::Sec, push, recognise, resolve},
    cli::{
        Exit, Failure,
        exit::failure,
        input,
        profile::{self, Purpose, SignArgs, SignDefaults, Weakness, sign},
        subscriber::SubscriberArgs,
    },
    profile::Subscriber,
};

/// Arguments about the content.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("content").required(true).args(["profile", "file"]))]
pub(super) struct PayloadArgs {
    /// Profile (TOML) that the payload is built from. Secrets that it asks to generate are drawn for this push, and no
    /// server learns them.
    #[arg(long, value_name = "FILE", requires = "kind")]
    profile: Option<PathBuf>,
    /// What is built from the profile: cp or dm.
    #[arg(long = "as", value_name = "KIND", requires = "profile")]
    kind: Option<PayloadKind>,
    /// File with the octets to push. A bootstrap in WBXML is recognised, and signed as --sec, --pin and --imsi say.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Content type of the file, parameters with it; for what is not recognised, or signed already.
    #[arg(long, value_name = "TYPE", requires = "file")]
    content_type: Option<String>,
    /// Application on the device that the file is for (X-Wap-Application-Id), for example x-wap-application:syncml.dm.
    #[arg(long, value_name = "ID", requires = "file")]
    application: Option<String>,
    #[command(flatten)]
    subscriber: SubscriberArgs,
    #[command(flatten)]
    sign: SignArgs,
}

/// What is told of the content.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct ContentReport {
    /// The media type, without its parameters.
    pub(in crate::cli) content_type: String,
    /// `SEC`, where it is signed here.
    pub(in crate::cli) sec: Option<&'static str>,
    /// Octets of the content.
    pub(in crate::cli) size: usize,
    /// The application that it is for; none for the default one.
    pub(in crate::cli) application: Option<String>,
    /// What the user must enter; only where it is not what was given.
    pub(in crate::cli) user_pin: Option<String>,
    /// What is weak about the signature.
    pub(in crate::cli) warnings: Vec<Weakness>,
    /// What the kind cannot carry.
    pub(in crate::cli) losses: Vec<String>,
    /// What else is worth a look.
    pub(in crate::cli) notes: Vec<String>,
    /// Of a notification: `SessionID` of the session to come.
    pub(in crate::cli) session: Option<String>,
}

impl PayloadArgs {
    /// The content.
    pub(super) fn content(&self) -> anyhow::Result<(Content, ContentReport)> {
        if self.sign.has_literal_pin() {
            let why = "--pin: what goes to a device is signed with a PIN given as @FILE, env:NAME, - (prompt) or random";
            return Err(Failure::because(Exit::Usage, why));
        }
        let subscriber = self.subscriber.read()?;
        match (&self.profile, self.kind, &self.file) {
            (Some(file), Some(kind), _) => {
                let profile = profile::load(file)?;
                let settings = resolve(&profile, &subscriber, &OsRandom).map_err(failure)?;
                let payload = build(&settings, kind).map_err(failure)?;
                self.signed((&profile).into(), &subscriber, payload)
            }
            (_, _, Some(file)) => self.of_file(file, &subscriber),
            _ => Err(Failure::because(Exit::Usage, "give --profile with --as, or --file")),
        }
    }

    fn of_file(&self, file: &Path, subscriber: &Subscriber) -> anyhow::Result<(Content, ContentReport)> {
        let octets = input::read(file).map_err(|e| Failure::because(Exit::Usage, format!("--file: {e}")))?;
        let kind = recognise(&octets);
        let Some(content_type) = &self.content_type else {
            let Some(kind) = kind else {
                let why = "--file: not a bootstrap in WBXML; say what it is with --content-type";
                return Err(Failure::because(Exit::Usage, why));
            };
            let payload = Payload { kind, octets, losses: Vec::new() };
            return self.signed(SignDefaults::default(), subscriber, payload);
        };
        let content =
            Content { content_type: content_type.clone(), application: self.application.clone(), octets };
        if self.sign.asked() && !matches!(self.sign.method(), Some(crate::profile::SecurityMethod::None)) {
            let why = "--content-type says what the file is signed with; leave it out to have it signed here";
            return Err(Failure::because(Exit::Usage, why));
        }
        // Unless it was asked for by name, nothing goes out that a device would have to believe blindly.
        if self.sign.method().is_none() {
            self.believable(&content, kind)?;
        }
        let report = ContentReport {
            content_type: content.media_type().to_owned(),
            size: content.octets.len(),
            application: content.application.clone(),
            ..ContentReport::default()
        };
        Ok((content, report))
    }

    /// That a device need not believe it blindly, whatever the type says and whatever the octets are.
    fn believable(&self, content: &Content, kind: Option<PayloadKind>) -> anyhow::Result<()> {
        let wrong = |why: String| Failure::because(Exit::Usage, why);
        let pushed = content.push(0).map_err(|e| wrong(format!("--content-type: {e}")))?;
        let by_type = unsigned(content.media_type(), &pushed.content_type);
        let by_octets = kind.and_then(|kind| unsigned(kind.content_type(), &pushed.content_type));
        by_type.or(by_octets).map_or(Ok(()), |why| {
            Err(wrong(format!(
                "--file: {why}; name SEC and MAC in --content-type, leave it out and give --sec, or say --sec none"
            )))
        })
    }

    fn signed(
        &self,
        defaults: SignDefaults,
        subscriber: &Subscriber,
        payload: Payload,
    ) -> anyhow::Result<(Content, ContentReport)> {
        if defaults.method.is_none() && self.sign.method().is_none() {
            let why = "what is pushed is signed; name a method with --sec (netwpin, userpin, usernetwpin, userpinmac), or none";
            return Err(Failure::because(Exit::Usage, why));
        }
        let signed = sign(&self.sign, defaults, subscriber.imsi.as_ref(), &payload, Purpose::Push)?;
        let signature = signed.signature.as_ref().ok();
        let application = push(0, &payload, signature).application().map(|a| a.uri().into_owned());
        let media_type = payload.content_type().to_owned();
        let shown = signature.filter(|s| signed.drawn || s.sec == Sec::UserPinMac);
        let report = ContentReport {
            content_type: media_type.clone(),
            sec: signature.map(|s| s.sec.name()),
            size: payload.octets.len(),
            application: application.clone(),
            user_pin: shown.and_then(|s| s.user_pin.as_ref()).map(|pin| pin.expose().to_owned()),
            warnings: signed.weaknesses,
            losses: payload.losses.clone(),
            ..ContentReport::default()
        };
        let content_type = signature.map_or(media_type, |s| s.content_type());
        Ok((Content { content_type, application, octets: payload.octets }, report))
    }
}

//! `profile build` of documents that a server answers with over HTTP.

use std::fmt;

use serde::Serialize;

use super::build::BuildArgs;
use crate::{
    app::OsRandom,
    bootstrap::{
        Settings,
        document::{self, DocumentKind, Heading},
    },
    cli::{Exit, Failure, Format, Global, exit::failure, output},
    profile::Profile,
};

pub(super) fn run(
    kind: DocumentKind,
    args: &BuildArgs,
    profile: &Profile,
    settings: &Settings,
    global: &Global,
) -> anyhow::Result<Exit> {
    if args.sign.asked() || args.wsp.wanted() || args.xml {
        let why =
            "is XML that is fetched over HTTP; --sec, --pin, --pin-length, --xml and --wsp are for cp and dm";
        return Err(Failure::because(Exit::Usage, format!("{} {why}", kind.as_str())));
    }
    let heading = Heading::new(profile, &OsRandom);
    let made = document::write(settings, kind, &heading).map_err(failure)?;
    let mut report = DocumentReport {
        profile: profile.name.to_string(),
        version: profile.version,
        kind: kind.as_str(),
        title: kind.title(),
        size: made.text.len(),
        content_type: kind.content_type(),
        losses: made.losses,
        file: None,
        xml: None,
    };
    if let Some(file) = &args.output {
        output::file(file, made.text.as_bytes(), args.force.existing())?;
        report.file = Some(file.display().to_string());
        output::emit(global.format, &report)?;
        return Ok(Exit::Ok);
    }
    match global.format {
        Format::Json => {
            report.xml = Some(made.text);
            output::json(&report)?;
        }
        Format::Text => {
            output::note(report.to_string().trim_end());
            output::verbatim(&made.text)?;
        }
    }
    Ok(Exit::Ok)
}

/// What was made.
#[derive(Serialize)]
struct DocumentReport {
    profile: String,
    version: u32,
    kind: &'static str,
    #[serde(skip)]
    title: &'static str,
    size: usize,
    content_type: &'static str,
    /// What the kind does not carry.
    losses: Vec<String>,
    /// Where the document went.
    file: Option<String>,
    /// The document, when it went to standard output, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    xml: Option<String>,
}

impl fmt::Display for DocumentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile       {} version {}", self.profile, self.version)?;
        writeln!(f, "document      {} ({}), {} octets", self.title, self.kind, self.size)?;
        writeln!(f, "content type  {}", self.content_type)?;
        writeln!(
            f,
            "not signed    it has no SEC and MAC; the connection over which it is fetched authenticates it"
        )?;
        for loss in &self.losses {
            writeln!(f, "not carried   {loss}")?;
        }
        if let Some(file) = &self.file {
            writeln!(f, "written to    {file}")?;
        }
        Ok(())
    }
}

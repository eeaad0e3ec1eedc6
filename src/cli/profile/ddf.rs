//! `bootgate profile ddf`: which nodes the management objects have that we use, or that a device describes.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Exit, Failure, Format, Global, failure, failure_in, output, read};
use crate::{bootstrap::ddf, cli::output::ForceArg};

/// Arguments of `ddf`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DdfArgs {
    /// Device description (DDF 1.2, XML or WBXML) to draw; without it, the management objects that we use.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Only the object below this node of the root, for example DMAcc.
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// What comes out.
    #[arg(long = "as", value_enum, default_value = "xml", value_name = "FORM")]
    form: Form,
    /// Where it goes; without it, standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArg,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// A device description, DDF 1.2.
    Xml,
    /// The graphical notation, in letters.
    Text,
    /// The graphical notation, as a picture.
    Svg,
}

/// What came out.
#[derive(Serialize)]
struct DdfReport {
    form: Form,
    content: String,
}

/// Reads a device description.
pub(super) fn parse(file: &Path) -> anyhow::Result<Vec<ddf::Node>> {
    ddf::parse(&read(file)?).map_err(|e| failure_in(file, e))
}

pub(super) fn run(args: &DdfArgs, global: &Global) -> anyhow::Result<Exit> {
    let mut nodes = match &args.file {
        Some(file) => parse(file)?,
        None => ddf::objects(),
    };
    if let Some(object) = &args.object {
        let known: Vec<String> = nodes.iter().filter_map(|n| n.name.clone()).collect();
        nodes.retain(|n| n.name.as_ref() == Some(object));
        if nodes.is_empty() {
            let message =
                format!("--object: there is none of that name; expected one of {}", known.join(", "));
            return Err(Failure::because(Exit::Usage, message));
        }
    }
    let content = match args.form {
        Form::Xml => ddf::to_xml(&nodes).map_err(failure)?,
        Form::Text => ddf::text(&nodes),
        Form::Svg => ddf::svg(&nodes),
    };
    if let Some(file) = &args.output {
        output::file(file, content.as_bytes(), args.force.existing())?;
        return Ok(Exit::Ok);
    }
    match global.format {
        Format::Text => output::verbatim(&content)?,
        Format::Json => output::json(&DdfReport { form: args.form, content })?,
    }
    Ok(Exit::Ok)
}

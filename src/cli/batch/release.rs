//! `bootgate batch release`: rows that were given to cards and are to go to others.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{columns, octets};
use crate::{
    app::CellVault,
    cli::{
        Exit, Failure, Global,
        card::{self, open_app, refusal::iccid},
        output,
    },
    ident::{Iccid, counted, printable},
    job::batch::{Matching, Report, ScriptWork},
};

/// Arguments of `release`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["card", "all"]))]
pub(in crate::cli) struct ReleaseArgs {
    /// Table (CSV) whose rows go to cards as they come.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What its columns are called (TOML), where they do not have their own names.
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// Script whose variables and keys are columns of the table.
    #[arg(long, value_name = "FILE")]
    script: Option<String>,
    /// Number of the card whose row is freed; may be given more than once.
    #[arg(long, value_name = "DIGITS", value_parser = iccid)]
    card: Vec<Iccid>,
    /// Frees all rows: the table is used for other cards from the beginning.
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: &ReleaseArgs, global: &Global) -> anyhow::Result<Exit> {
    let app = open_app(global)?;
    let names = match &args.script {
        Some(script) => ScriptWork::names(&card::run::text(script)?),
        None => Vec::new(),
    };
    let columns = columns(args.columns.as_deref())?.with_script(names);
    let opener = CellVault::new(app.vault());
    let (batch, report) = Report::of_sealed_table(&octets(&args.file)?, &columns, &opener);
    let file = args.file.display().to_string();
    if !report.is_sound() {
        output::emit(global.format, &super::Checked { file, report })?;
        return Ok(Exit::Config);
    }
    if batch.matching == Matching::ByIccid {
        let why = format!("{} names its cards, so no row was given away", printable(&file));
        return Err(Failure::because(Exit::Config, why));
    }
    let only = (!args.all).then_some(args.card.as_slice());
    let released = tokio::runtime::Runtime::new()?.block_on(app.keepers().release(&batch, only))?;
    output::emit(global.format, &Released { file, released })?;
    Ok(if released > 0 || args.all { Exit::Ok } else { Exit::Failed })
}

/// What is free again.
#[derive(Serialize)]
struct Released {
    file: String,
    released: usize,
}

impl fmt::Display for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, rows) = (printable(&self.file), counted(self.released, "row"));
        match self.released {
            0 => write!(f, "{file}: no row was given to such a card"),
            _ => write!(f, "{file}: {rows} free again"),
        }
    }
}

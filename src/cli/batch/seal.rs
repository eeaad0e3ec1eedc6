//! `bootgate batch seal`: a table whose keys only the vault opens.

use std::{fmt, path::PathBuf, sync::Arc};

use serde::Serialize;
use zeroize::Zeroizing;

use super::{Exit, Failure, columns, octets};
use crate::{
    app::{App, CellVault, OsRandom},
    cli::{
        Global, config,
        output::{self, ForceArg},
    },
    job::batch::{SealError, seal},
};

/// Arguments of `seal`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SealArgs {
    /// Table (CSV) with the column iccid.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What its columns are called (TOML), where they do not have their own names.
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// Where the sealed table goes.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    force: ForceArg,
}

pub(super) fn run(args: &SealArgs, global: &Global) -> anyhow::Result<Exit> {
    let columns = columns(args.columns.as_deref())?;
    let table = Zeroizing::new(octets(&args.file)?);
    let vault = App::vault_of(&config::load(global, Vec::new())?, Arc::new(OsRandom));
    let sealed = seal(&table, &columns, &CellVault::new(&vault)).map_err(|error| {
        let exit = if matches!(error, SealError::Cell { .. }) { Exit::Failed } else { Exit::Config };
        if let SealError::Unsound(problems) = &error {
            problems.iter().for_each(|problem| output::note(&format!("{}:{problem}", args.file.display())));
        }
        Failure::because(exit, format!("{}: {error}", args.file.display()))
    })?;
    output::file(&args.output, &sealed, args.force.existing())?;
    let key = vault.key_id().map_err(|e| Failure::because(Exit::Config, e))?.to_string();
    output::emit(global.format, &Sealed { file: args.output.display().to_string(), vault_key: key })?;
    Ok(Exit::Ok)
}

/// What was made.
#[derive(Serialize)]
struct Sealed {
    file: String,
    vault_key: String,
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: every key is sealed under vault key {}; take the table with the clear keys away",
            self.file, self.vault_key
        )
    }
}

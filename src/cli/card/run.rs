//! `bootgate card run`: card scripts, checked, shown and sent.

mod check;
mod execute;
mod help;
mod keep;
mod report;
mod rows;
mod values;

use std::path::PathBuf;

use serde::Serialize;

use super::args::{ConsentArgs, KeyRingArgs};
use crate::{
    card::script::{SHIPPED, nearest_shipped, shipped},
    cli::{Exit, Failure, Global, input, output},
};

pub(in crate::cli) use keep::{Keeps, require_backup};
pub(in crate::cli) use values::{Assignment, given};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = help::EXAMPLES, after_long_help = help::whole(), override_usage = USAGE)]
pub(in crate::cli) struct Args {
    /// Script file, or the name of a script that comes with bootgate (--list shows them). One; with --check as many as wanted.
    ///
    /// The language is that of 3GPP TS 51.013, Annex B, or the superset of it that begins with the line `REM bootgate 1`.
    #[arg(required_unless_present = "list", value_name = "SCRIPT")]
    scripts: Vec<String>,
    /// Checks the scripts and sends nothing.
    #[arg(long, conflicts_with_all = ["reader", "dry_run"])]
    check: bool,
    /// Lists the scripts that come with bootgate.
    #[arg(long, conflicts_with_all = ["reader", "dry_run", "check", "scripts"])]
    list: bool,
    /// Prints the text of the script, as a start for one of your own.
    #[arg(long, conflicts_with_all = ["reader", "dry_run", "check", "list"])]
    print: bool,
    /// Reader, as `card list` names it, or the beginning of its name where no other begins so.
    #[arg(short, long, value_name = "READER", required_unless_present_any = ["check", "dry_run", "list", "print"])]
    reader: Option<String>,
    /// Value of a variable. Secrets and keys are given as NAME=@FILE, NAME=env:NAME or NAME=- (prompt).
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<Assignment>,
    /// Table (CSV) with the values of variables, one row a card: the row whose iccid is the card's counts. It is read as tables of
    /// batches are: commas or semicolons, keys in columns as adm1. The other columns are called like the script's variables. --set
    /// goes before it. All rows are checked before any card is touched.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    rows: Option<PathBuf>,
    /// What the table's columns are called (TOML), where they do not have their own names (`batch check --help`).
    #[arg(long, value_name = "FILE", requires = "rows")]
    columns: Option<PathBuf>,
    #[command(flatten)]
    rings: KeyRingArgs,
    /// Keeps the old content of whatever the script changes in this new file, which only its owner can read and only this station's
    /// vault opens.
    #[arg(long, value_name = "FILE", conflicts_with = "no_backup")]
    backup: Option<PathBuf>,
    /// Keeps it in clear: another station can put it back, and whoever has the file can read it.
    #[arg(long, requires = "backup")]
    plain_backup: bool,
    /// Changes the card without keeping what was there.
    #[arg(long)]
    no_backup: bool,
    /// Backup from which RES puts content back.
    #[arg(long, value_name = "FILE")]
    restore: Option<PathBuf>,
    #[command(flatten)]
    consent: ConsentArgs,
}

/// The longest script, in octets.
const MAX_SCRIPT: u64 = 4 * 1024 * 1024;

const USAGE: &str = "bootgate card run [OPTIONS] -r <READER> <SCRIPT>
       bootgate card run --dry-run [--set <NAME=VALUE>]... <SCRIPT>
       bootgate card run --check <SCRIPT>...
       bootgate card run --print <SCRIPT>
       bootgate card run --list";

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    if args.list {
        output::emit(global.format, &List::new())?;
        return Ok(Exit::Ok);
    }
    if args.check {
        return check::run(&args.scripts, &args.set, global);
    }
    let [script] = args.scripts.as_slice() else {
        return Err(Failure::because(Exit::Usage, "give one script; only --check takes more"));
    };
    if args.print {
        output::text(&String::from_utf8_lossy(&text(script)?))?;
        return Ok(Exit::Ok);
    }
    execute::run(script, args, global)
}

/// The text of a script: of a file, or of one that comes with this program.
pub(in crate::cli) fn text(script: &str) -> anyhow::Result<Vec<u8>> {
    match (std::fs::metadata(script), shipped(script)) {
        (Ok(found), _) if !found.is_dir() => input::read_within(script.as_ref(), MAX_SCRIPT),
        (_, Some(shipped)) => Ok(shipped.text.as_bytes().to_vec()),
        (Ok(_), None) => Err(input::unreadable(script.as_ref(), "it is a folder")),
        (Err(error), None) => {
            let hint = match nearest_shipped(script) {
                Some(name) => format!("did you mean `{name}`, which comes with bootgate?"),
                None => "`bootgate card run --list` names those that come with bootgate".to_owned(),
            };
            Err(input::unreadable(script.as_ref(), format!("{error}; {hint}")))
        }
    }
}

#[derive(Serialize)]
struct List {
    scripts: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    title: &'static str,
}

impl List {
    fn new() -> Self {
        Self {
            scripts: SHIPPED
                .iter()
                .map(|script| Listed { name: script.name, title: script.title() })
                .collect(),
        }
    }
}

impl std::fmt::Display for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.scripts.iter().try_for_each(|script| writeln!(f, "{:<22} {}", script.name, script.title))
    }
}

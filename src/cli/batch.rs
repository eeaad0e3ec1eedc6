//! `bootgate batch`: tables with one card a row.

mod release;
mod run;
mod script;
mod seal;
mod signature;
mod verify;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;
use tokio::runtime::Runtime;

use super::{Exit, Failure, Global, card::args::KeyRingArgs, config, input, output, profile};
use crate::{
    app::{App, CellVault, OsRandom, config::Config},
    ident::{ServerId, printable},
    job::{
        Wanted,
        batch::{Batch, Columns, MAX_OCTETS, Report, ScriptWork},
    },
    vault::Vault,
};

use script::ScriptArgs;

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Says everything that is wrong with a table before the first card is touched. Exit status 78 when there are errors.
    #[command(after_help = "Examples:
  bootgate batch check shift.csv --profile acme.toml
  bootgate batch check vendor.csv --columns vendor-columns.toml --format json
  bootgate batch check shift.csv --script mine.scr --keys csv:keys.csv

A table is CSV with a line of titles: iccid, imsi, imei, msisdn, adm1 to adm10, pin, allow-once, key. What other tables call them
goes into a file:

  ignore = [\"Box\"]
  [columns]
  iccid = \"Serial number\"
  adm1 = \"ADM\"")]
    Check(CheckArgs),
    /// Writes the cards of a table in all readers at once, each read back, or runs a script on each. A card that was done before is left alone, so a run
    /// that was stopped goes on when it is started again.
    #[command(after_help = "Examples:
  bootgate batch run shift.csv --profile acme.toml --as cp --yes
  bootgate batch run shift.csv --profile acme.toml --as dm -r left -r right --go-on --csv shift-results.csv --yes
  bootgate batch run shift.csv --script mine.scr --keys csv:keys.csv --backup before/ --yes

Exit status: 0 when every card of the table is good, 77 when a key was refused, 1 when another card is not good, 2 usage, 69 no \
reader, 78 when the table, profile or script is wrong; then no card was touched.")]
    Run(Box<run::RunArgs>),
    /// Frees rows of a table without ICCIDs that were given to cards: the next cards get them. For cards that are lost or bad; a
    /// card that has its row's bootstrap keeps what it has.
    #[command(after_help = "Examples:
  bootgate batch release shift.csv --card 89490200001234567892
  bootgate batch release shift.csv --all")]
    Release(release::ReleaseArgs),
    /// Seals the keys of a table, each for its card and column, so that only this station's vault opens them. Every command that
    /// takes a table takes a sealed one.
    #[command(after_help = "Examples:
  bootgate batch seal vendor.csv -o shift.csv
  bootgate batch run shift.csv --profile acme.toml --as cp --yes

The key of the vault is where [vault] key-file in the configuration says.")]
    Seal(seal::SealArgs),
    /// Says whether results are those that a station signed, and what they come to. Needs neither readers nor the store. Exit
    /// status 1 when anything is wrong.
    #[command(after_help = "Examples:
  bootgate batch verify shift.results.jsonl --public-key station.pub

The same without bootgate:
  sha256sum -c shift.results.jsonl.sha256
  openssl pkeyutl -verify -rawin -pubin -inkey station.pub -in shift.results.jsonl.sha256 -sigfile shift.results.jsonl.sha256.sig")]
    Verify(verify::VerifyArgs),
}

/// A table and what it is checked against.
#[derive(Debug, clap::Args)]
pub(super) struct TableArgs {
    /// Table (CSV).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What its columns are called (TOML), where they do not have their own names.
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
    /// Profile (TOML) that the cards are to get: checks that each row has the numbers that it asks for, and which cards have
    /// it already.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Takes rows with an IMSI or IMEI that a job has given to another card: the cards of this table replace others. Without it such rows
    /// are errors.
    #[arg(long)]
    reissue: bool,
}

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    script: ScriptArgs,
    #[command(flatten)]
    rings: KeyRingArgs,
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    match action {
        Action::Check(args) => check(&args, global),
        Action::Run(args) => run::run(&args, global),
        Action::Release(args) => release::run(&args, global),
        Action::Seal(args) => seal::run(&args, global),
        Action::Verify(args) => verify::run(&args, global),
    }
}

fn check(args: &CheckArgs, global: &Global) -> anyhow::Result<Exit> {
    let config = config::load(global, Vec::new())?;
    let vault = App::vault_of(&config, Arc::new(OsRandom));
    let profile = args.table.profile.as_deref().map(profile::load).transpose()?;
    let script = args.script.work(|| args.rings.open_with(&config, &vault))?;
    if script.is_none() && args.rings.are_given() {
        output::note(
            "--keys is looked at with --script alone: `batch run` asks sources of keys when a card's plan needs one",
        );
    }
    let task = match (&profile, &script) {
        (Some(profile), _) => Some(Asked::Profile(Wanted { again: args.script.again, ..profile.into() })),
        (None, Some(script)) => Some(Asked::Script(script)),
        (None, None) => None,
    };
    let (_, report) = look(&args.table, script.as_ref(), task, config, &vault)?;
    let sound = report.is_sound();
    output::emit(global.format, &Checked { file: args.table.file.display().to_string(), report })?;
    Ok(if sound { Exit::Ok } else { Exit::Config })
}

/// Reads a table and checks it. No store is made for that, and nothing is kept.
fn look(
    args: &TableArgs,
    script: Option<&ScriptWork>,
    task: Option<Asked<'_>>,
    config: Config,
    vault: &Arc<Vault>,
) -> anyhow::Result<(Batch, Report)> {
    let (batch, mut report) = table_with(args, script, vault)?;
    let Some(task) = task else { return Ok((batch, report)) };
    if config.store.path.exists() {
        let runtime = Runtime::new()?;
        let app = runtime.block_on(config::open_existing(config))?;
        compare(&mut report, &batch, task, args.reissue, &app, &runtime)?;
    } else {
        let (file, origin) = (config.store.path.display(), config.origin("store.path"));
        let lost = "which cards were done already is not known";
        output::note(&format!("there is no database {file} ([store] path by {origin}): {lost}"));
        task.check(&mut report, &batch, &config.dm.server_id);
    }
    Ok((batch, report))
}

/// What is to be done with the cards of a table that is checked.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Profile(Wanted<'a>),
    Script(&'a ScriptWork),
}

impl Asked<'_> {
    /// Checks that each row has what is asked for, and that the profile is for `ours`, the DM server here.
    fn check(self, report: &mut Report, batch: &Batch, ours: &ServerId) {
        match self {
            Self::Profile(wanted) => {
                report.check_target(wanted.profile, ours);
                report.check_profile(batch, wanted.profile);
            }
            Self::Script(work) => report.check_script(batch, work),
        }
    }
}

/// Checks a table against what its cards are to get, and against what was done before.
pub(super) fn compare(
    report: &mut Report,
    batch: &Batch,
    task: Asked<'_>,
    reissue: bool,
    app: &App,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    task.check(report, batch, &app.config().dm.server_id);
    let keepers = app.keepers();
    runtime.block_on(async {
        match task {
            Asked::Profile(wanted) => report.check_store(batch, wanted, &keepers, reissue).await,
            Asked::Script(work) => report.check_runs(batch, work, &keepers, reissue).await,
        }
    })?;
    Ok(())
}

/// Reads a table. Sealed cells are opened with the vault.
pub(super) fn table(
    file: &Path,
    columns_file: Option<&Path>,
    vault: &Arc<Vault>,
) -> anyhow::Result<(Batch, Report)> {
    let columns = columns(columns_file)?;
    Ok(Report::of_sealed_table(&octets(file)?, &columns, &CellVault::new(vault)))
}

/// The same where columns may also be what a script declares.
fn table_with(
    args: &TableArgs,
    script: Option<&ScriptWork>,
    vault: &Arc<Vault>,
) -> anyhow::Result<(Batch, Report)> {
    let names = script.map(|work| ScriptWork::names(&work.text)).unwrap_or_default();
    let columns = columns(args.columns.as_deref())?.with_script(names);
    Ok(Report::of_sealed_table(&octets(&args.file)?, &columns, &CellVault::new(vault)))
}

/// What the columns are called.
pub(super) fn columns(file: Option<&Path>) -> anyhow::Result<Columns> {
    let Some(file) = file else { return Ok(Columns::default()) };
    let wrong = |why: String| Failure::because(Exit::Config, why);
    let name = output::name(file);
    let text = String::from_utf8(octets(file)?).map_err(|_| wrong(format!("{name}: not UTF-8")))?;
    Columns::parse(&text).map_err(|e| wrong(format!("{name}:{e}")))
}

/// The octets of a file, one more than a table may have at the most.
fn octets(file: &Path) -> anyhow::Result<Vec<u8>> {
    input::read_most(file, u64::try_from(MAX_OCTETS).unwrap_or(u64::MAX).saturating_add(1))
}

/// What `check` found.
#[derive(Serialize)]
struct Checked {
    file: String,
    #[serde(flatten)]
    report: Report,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = printable(&self.file);
        for problem in &self.report.problems {
            writeln!(f, "{file}:{problem}")?;
        }
        write!(f, "{file}: {}", self.report)
    }
}

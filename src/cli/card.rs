//! `bootgate card`: readers, and bootstrap files on the cards in them.

pub(super) mod args;
pub(super) mod bays;
mod erase;
mod failed;
mod inspect;
mod pin;
mod read;
mod recover;
pub(super) mod refusal;
mod restore;
pub(super) mod run;
mod watch;
mod write;

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;
use tracing::debug;

use super::{Exit, Global, config, exit::failure, output};
use crate::{
    app::{App, OsRandom, SystemClock},
    card::{
        BayName, FileError, FileSystem, Identity, Key, KeyGuard, LoneCard, Pcsc, ReaderError, ReaderInfo,
        Readers, Session, WriteJournalError, examine, settle, survey,
    },
};

use args::{ChangeArgs, PinArgs};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Speaks to the card in class A0: a UICC that knows it is in 2G mode then. As `[card] class` of the configuration does;
    /// commands of scripts have their own class.
    #[arg(long = "2g", global = true)]
    two_g: bool,
    #[command(subcommand)]
    action: Action,
}

/// Actions.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Lists the PC/SC readers and what is in them.
    #[command(after_help = "Examples:
  bootgate card list
  bootgate card list --identity --format json

Exit status: 0, or 69 when the PC/SC service or a reader is not there.")]
    List {
        /// Says, too, what tells readers apart: label, serial number and USB socket, as [[card.bay]] in the configuration takes
        /// them.
        #[arg(long)]
        identity: bool,
    },
    #[command(after_help = "Examples:
  bootgate card inspect -r 'bay 0 00 00'
  bootgate card inspect -r 'bay 0 00 00' --pin @pin --format json")]
    /// Shows a card: its number, its applications, its bootstrap files and what they hold. Secrets read ***.
    Inspect(inspect::Args),
    /// Reads one bootstrap file, or one settings file of the USIM: into a file, as hexadecimal digits, or line by line.
    #[command(after_help = read::EXAMPLES)]
    Read(read::Args),
    /// Shows what `write` would change, file by file, old and new. Changes nothing.
    #[command(after_help = write::PLAN_EXAMPLES)]
    Plan(write::PlanArgs),
    /// Puts a bootstrap on a card and reads it back; the DM server knows the account before. Asks first.
    #[command(after_help = write::EXAMPLES)]
    Write(write::WriteArgs),
    /// Empties bootstrap files. Asks first.
    /// Settings files of the USIM stay as they are: much of them may be the issuer's.
    #[command(after_help = "Examples:
  bootgate card erase -r 'bay 0 00 00' --dry-run
  bootgate card erase -r 'bay 0 00 00' --as cp --adm @adm.key
  bootgate card erase -r 'bay 0 00 00' --keys csv:keys.csv --yes

`card read -o FILE` keeps what is there before, and `card restore FILE` puts it back.")]
    Erase(erase::Args),
    /// Puts a bootstrap file back that `read -o` has saved. Asks first.
    #[command(after_help = "Examples:
  bootgate card read -r 'bay 0 00 00' --as cp -o before.wbxml
  bootgate card restore -r 'bay 0 00 00' before.wbxml --adm @adm.key")]
    Restore(restore::Args),
    /// Goes on with a write that was cut off, or takes it back: shows where it stands, then --resume or --roll-back.
    #[command(after_help = "Examples:
  bootgate card recover --list                                    cards whose writes were interrupted; needs no reader
  bootgate card recover -r 'bay 0 00 00'                          shows where the write stands
  bootgate card recover -r 'bay 0 00 00' --roll-back --adm @adm.key")]
    Recover(recover::Args),
    /// Runs a card script, shows what it would send, or checks it.
    Run(run::Args),
    /// The station: says of each card that is put in which card it is, which job waits for it and what that would change;
    /// with --apply it writes, when you agree, and says what was read back. Ends with Ctrl-C.
    #[command(after_help = watch::EXAMPLES)]
    Watch(watch::Args),
    /// Gives a PIN a new value and its tries back, by its PUK. Asks first.
    #[command(after_help = pin::EXAMPLES)]
    Unblock(pin::UnblockArgs),
    /// Gives a PIN a new value. Asks first.
    #[command(after_help = pin::EXAMPLES)]
    ChangePin(pin::ChangeArgs),
    /// Switches a PIN on: the card asks for it from then on. Asks first.
    #[command(after_help = pin::EXAMPLES)]
    EnablePin(pin::SwitchArgs),
    /// Switches a PIN off: the card does not ask for it any more. Asks first.
    #[command(after_help = pin::EXAMPLES)]
    DisablePin(pin::SwitchArgs),
    /// Lets keys be presented again to a card that refused one. For a person who has found out why.
    ClearRefusal(refusal::Args),
}

pub(super) fn run(args: Args, global: &Global) -> anyhow::Result<Exit> {
    let global = &global.in_2g(args.two_g);
    let done = match args.action {
        Action::List { identity } => list(identity, global),
        Action::Inspect(args) => inspect::run(&args, global),
        Action::Read(args) => read::run(&args, global),
        Action::Plan(args) => write::run_plan(&args, global),
        Action::Write(args) => write::run_write(&args, global),
        Action::Erase(args) => erase::run(&args, global),
        Action::Restore(args) => restore::run(&args, global),
        Action::Recover(args) => recover::run(&args, global),
        Action::Run(args) => run::run(&args, global),
        Action::Watch(args) => watch::run(&args, global),
        Action::Unblock(args) => pin::run_unblock(&args, global),
        Action::ChangePin(args) => pin::run_change(&args, global),
        Action::EnablePin(args) => pin::run_switch(&args, true, global),
        Action::DisablePin(args) => pin::run_switch(&args, false, global),
        Action::ClearRefusal(args) => refusal::run(&args, global),
    };
    if let Err(error) = &done {
        failed::tell(error, global)?;
    }
    done
}

fn list(identity: bool, global: &Global) -> anyhow::Result<Exit> {
    let readers = Readers::establish().and_then(|service| service.list()).map_err(failure)?;
    if readers.is_empty() {
        return Err(failure(ReaderError::NoReaders));
    }
    // Asking a reader who it is takes a connection, which another program would notice.
    let bays = if identity {
        survey(&Pcsc, &config::load(global, Vec::new())?.card.bays).map_err(failure)?
    } else {
        Vec::new()
    };
    let listed = |reader: ReaderInfo| {
        let found = bays.iter().find(|found| found.reader == reader.name);
        let identity = found.map(|found| found.identity.clone().unwrap_or_default());
        Listed { reader, bay: found.map(|found| found.bay.clone()), identity }
    };
    output::emit(global.format, &List { readers: readers.into_iter().map(listed).collect() })?;
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct List {
    readers: Vec<Listed>,
}

/// A reader, with what tells it from others where that was asked for.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    reader: ReaderInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    bay: Option<BayName>,
    #[serde(flatten)]
    identity: Option<Identity>,
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.readers.iter().map(|listed| listed.reader.name.as_str());
        let longest = names.map(|name| name.chars().count()).max().unwrap_or(0);
        for Listed { reader: ReaderInfo { name, state }, bay, identity } in &self.readers {
            write!(f, "{:longest$}  {state}", name.as_str())?;
            if let Some(bay) = bay.as_ref().filter(|bay| bay.as_str() != name.as_str()) {
                write!(f, ", bay {bay}")?;
            }
            if let Some(serial) = identity.as_ref().and_then(|identity| identity.serial.as_ref()) {
                write!(f, ", serial {serial}")?;
            }
            if let Some(usb) = identity.as_ref().and_then(|identity| identity.usb.as_ref()) {
                write!(f, ", USB {usb}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Connects to the card in the reader that was named. It is watched as those in bays are.
pub(super) fn connect(reader: &str, global: &Global) -> anyhow::Result<LoneCard> {
    let watchdog = config::load(global, Vec::new())?.card.watchdog;
    connect_within(reader, watchdog).map_err(failure)
}

/// The same for who has the configuration.
pub(super) fn connect_within(reader: &str, watchdog: Duration) -> Result<LoneCard, ReaderError> {
    let name = Readers::establish()?.resolve(reader)?;
    LoneCard::connect(Arc::new(Pcsc), &name, watchdog)
}

/// The file system of a card that was connected just now; its commands go to the log.
fn file_system<'c>(card: &'c mut LoneCard, global: &Global) -> anyhow::Result<FileSystem<'c>> {
    let addressing = config::load(global, Vec::new())?.card.addressing;
    let mut session = Session::new(card);
    session.set_trace(|apdu| debug!("{apdu}"));
    session.address(addressing).map_err(failure)?;
    Ok(FileSystem::new(session))
}

/// Opens the store, which holds the journal of presented keys. A station may have no service that looks after what a killed
/// process left, so that is done here.
pub(super) fn open_app(global: &Global) -> anyhow::Result<App> {
    let config = config::load(global, Vec::new())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = App::open(config, Arc::new(SystemClock), Arc::new(OsRandom)).await?;
        app.recover().await?;
        Ok(app)
    })
}

/// Opens the store for who asks it about cards: none is made, because a new one would know of no card.
pub(super) fn open_existing_app(global: &Global) -> anyhow::Result<App> {
    let config = config::load(global, Vec::new())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = config::open_existing(config).await?;
        app.recover().await?;
        Ok(app)
    })
}

/// Nothing is planned for a card that is between old and new: an earlier write that was cut off is taken back first. No key goes
/// to the card before somebody has agreed to that.
fn settle_first(
    change: &ChangeArgs,
    fs: &mut FileSystem<'_>,
    keys: &[Key],
    guard: &KeyGuard<'_>,
    app: &App,
) -> anyhow::Result<()> {
    let card = match fs.iccid() {
        Ok(card) => card,
        Err(FileError::Transport(error)) => return Err(failure(error)),
        // Without a number there is no journal, and no write either.
        Err(_) => return Ok(()),
    };
    let writes = app.write_journal();
    let entry = match writes.pending(&card).map_err(failure)? {
        None => return Ok(()),
        // Not one that was cut off.
        Some(entry) if entry.under_way => return Err(failure(WriteJournalError::UnderWay { card })),
        Some(entry) => entry,
    };
    let (consent, question) = (
        &change.consent,
        "An earlier write to this card was interrupted. Take it back, with the keys it needs?",
    );
    if consent.dry_run || !consent.can_ask() || !consent.ask(question) {
        return Err(failure(WriteJournalError::Pending { card }));
    }
    let keys = &entry.write.still_valid(keys)[..];
    // What is behind a PIN can be neither looked at nor taken back without it.
    if keys.iter().any(Key::is_pin) {
        guard.with_pins(fs, keys, |fs| drop(examine(fs, &entry.write))).map_err(failure)?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let mut jobs = app.job_writes(runtime.handle().clone());
    if let Some(recovered) = settle(fs, &card, keys, guard, &*writes, &mut jobs).map_err(failure)? {
        output::note(&recovered.to_string());
    }
    Ok(())
}

/// Reads a card, with the PIN that was given where the card asks for it.
fn with_pin<T>(
    fs: &mut FileSystem<'_>,
    pin: &PinArgs,
    global: &Global,
    mut work: impl FnMut(&mut FileSystem<'_>) -> T,
) -> anyhow::Result<T> {
    let Some(pin) = pin.key()? else { return Ok(work(fs)) };
    let app = open_app(global)?;
    let (journal, policy) = (app.key_journal(), app.key_policy());
    KeyGuard::new(&*journal, &policy).with_pins(fs, &[pin], work).map_err(failure)
}

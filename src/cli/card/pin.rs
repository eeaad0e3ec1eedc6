//! `bootgate card unblock`, `change-pin`, `enable-pin` and `disable-pin`: what is done with a PIN besides presenting it.

use std::fmt;

use serde::Serialize;

use super::{
    args::{ConsentArgs, KeyRingArgs, ReaderArgs, key_ref},
    connect, failure, file_system, open_app,
};
use crate::{
    card::{Key, KeyGuard, KeyId, Presented},
    cli::{Exit, Failure, Global, output, secret::SecretSource},
    ident::{Iccid, Pin, tries},
    wire::arr::KeyRef,
};

pub(super) const EXAMPLES: &str = "Examples:
  bootgate card unblock -r 'bay 0 00 00' --puk @puk --new-pin -
  bootgate card unblock -r 'bay 0 00 00' --keys csv:shift.csv --new-pin env:NEW_PIN --yes --format json
  bootgate card change-pin -r 'bay 0 00 00' --pin env:PIN --new-pin @new-pin --dry-run
  bootgate card disable-pin -r 'bay 0 00 00' --pin -

A PIN or PUK is presented under the rule that guards all keys: once, only while its counter shows two tries or more, and never
again after a refusal until `bootgate card clear-refusal`. When the answer to a new value is lost, neither value is presented
until then.

Exit status: 0 done or nothing to do, 2 usage, 69 reader or card unavailable, 77 refused or not presented";

/// What all of them are told.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    reader: ReaderArgs,
    /// Which PIN it is: 01, or 81 for the second one (02 on a SIM).
    #[arg(long, value_name = "REF", default_value = "01", value_parser = key_ref)]
    pin_ref: KeyRef,
    #[command(flatten)]
    rings: KeyRingArgs,
    #[command(flatten)]
    consent: ConsentArgs,
}

/// Arguments of `unblock`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct UnblockArgs {
    #[command(flatten)]
    common: Common,
    /// PUK of the PIN, 8 digits: @FILE, env:NAME or - (prompt). Without it, from a source of keys (`puk1`, `puk2`).
    #[arg(long, value_name = "SECRET")]
    puk: Option<SecretSource>,
    /// New value of the PIN, 4 to 8 digits: @FILE, env:NAME or - (prompt).
    #[arg(long, value_name = "SECRET")]
    new_pin: SecretSource,
}

/// Arguments of `change-pin`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ChangeArgs {
    #[command(flatten)]
    common: Common,
    /// The PIN as it is: @FILE, env:NAME or - (prompt). Without it, from a source of keys (`pin`, `pin2`).
    #[arg(long, value_name = "SECRET")]
    pin: Option<SecretSource>,
    /// New value of the PIN, 4 to 8 digits: @FILE, env:NAME or - (prompt).
    #[arg(long, value_name = "SECRET")]
    new_pin: SecretSource,
}

/// Arguments of `enable-pin` and `disable-pin`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SwitchArgs {
    #[command(flatten)]
    common: Common,
    /// The PIN: @FILE, env:NAME or - (prompt). Without it, from a source of keys (`pin`, `pin2`).
    #[arg(long, value_name = "SECRET")]
    pin: Option<SecretSource>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Unblock,
    #[serde(rename = "change-pin")]
    NewValue,
    EnablePin,
    DisablePin,
}

pub(super) fn run_unblock(args: &UnblockArgs, global: &Global) -> anyhow::Result<Exit> {
    run(&args.common, Change::Unblock, args.puk.as_ref(), Some(&args.new_pin), global)
}

pub(super) fn run_change(args: &ChangeArgs, global: &Global) -> anyhow::Result<Exit> {
    run(&args.common, Change::NewValue, args.pin.as_ref(), Some(&args.new_pin), global)
}

pub(super) fn run_switch(args: &SwitchArgs, on: bool, global: &Global) -> anyhow::Result<Exit> {
    let change = if on { Change::EnablePin } else { Change::DisablePin };
    run(&args.common, change, args.pin.as_ref(), None, global)
}

fn run(
    args: &Common,
    change: Change,
    given: Option<&SecretSource>,
    new: Option<&SecretSource>,
    global: &Global,
) -> anyhow::Result<Exit> {
    let id = match change {
        Change::Unblock => KeyId::Puk(args.pin_ref),
        _ => KeyId::Key(args.pin_ref),
    };
    let usage = |why: String| Failure::because(Exit::Usage, why);
    // Whoever is asked at the prompt need not hurry: the card is touched after that.
    let given = given.map(|source| {
        let text = source.read(&id.to_string())?;
        Key::read(id, &text).map_err(|why| usage(format!("{id}: {why}")))
    });
    let given = given.transpose()?;
    let new = new.map(|source| {
        let pin: Pin = source.parse("new PIN")?;
        Key::pin(args.pin_ref, &pin).map_err(|why| usage(format!("new PIN: {why}")))
    });
    let new = new.transpose()?;

    let app = open_app(global)?;
    let rings = args.rings.open(&app)?;
    let mut transport = connect(&args.reader.reader, global)?;
    let mut fs = file_system(&mut transport, global)?;
    let card = fs.iccid().map_err(failure)?;
    let key = match given {
        Some(key) => key,
        None => rings.key(&card, id).map_err(failure)?,
    };
    let (journal, policy) = (app.key_journal(), app.key_policy());
    let policy = rings.policy(Some(&card), &policy);
    let guard = KeyGuard::new(&*journal, &policy);
    let session = fs.session_mut();
    let tries_left = guard.look(session, Some(&card), id).map_err(failure)?;
    let mut report = Report { card, pin: args.pin_ref.to_string(), change, result: "planned", tries_left };
    if args.consent.dry_run {
        output::emit(global.format, &report)?;
        return Ok(Exit::Ok);
    }
    if !args.consent.can_ask() {
        return Err(ConsentArgs::missing());
    }
    if !args.consent.ask(&format!("{report}. Go on?")) {
        output::note("nothing was changed");
        return Ok(Exit::Failed);
    }
    let of = Some(&report.card);
    let done = match (change, &new) {
        (Change::Unblock, Some(new)) => guard.unblock(session, of, &key, new).map(|()| Presented::Accepted),
        (Change::NewValue, Some(new)) => guard.change(session, of, &key, new).map(|()| Presented::Accepted),
        (change, _) => guard.switch(session, of, &key, change == Change::EnablePin),
    };
    report.result = match done.map_err(failure)? {
        Presented::Accepted => "done",
        Presented::NotNeeded => "unchanged",
    };
    output::emit(global.format, &report)?;
    Ok(Exit::Ok)
}

/// What was done, or would be.
#[derive(Serialize)]
struct Report {
    card: Iccid,
    pin: String,
    change: Change,
    /// `planned`, `done` or `unchanged`.
    result: &'static str,
    /// What the counter of the key that is presented shows; none where the card does not tell.
    tries_left: Option<u8>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { card, pin, .. } = self;
        let key = if self.change == Change::Unblock { "its PUK" } else { "it" };
        let counter = match self.tries_left {
            Some(left) => format!("{key} has {} left", tries(left)),
            None => format!("the card does not tell how many tries {key} has left"),
        };
        match (self.result, self.change) {
            ("planned", Change::Unblock) => {
                write!(f, "card {card}: PIN {pin} gets a new value and all its tries, by its PUK; {counter}")
            }
            ("planned", Change::NewValue) => write!(f, "card {card}: PIN {pin} gets a new value; {counter}"),
            ("planned", Change::EnablePin) => write!(f, "card {card}: PIN {pin} is switched on; {counter}"),
            ("planned", Change::DisablePin) => write!(f, "card {card}: PIN {pin} is switched off; {counter}"),
            ("unchanged", _) => write!(f, "ok: PIN {pin} of card {card} was so already; nothing was sent"),
            (_, Change::Unblock) => {
                write!(f, "ok: PIN {pin} of card {card} has its new value and all its tries")
            }
            (_, Change::NewValue) => write!(f, "ok: PIN {pin} of card {card} has its new value"),
            (_, Change::EnablePin) => write!(f, "ok: PIN {pin} of card {card} is switched on"),
            (_, Change::DisablePin) => write!(f, "ok: PIN {pin} of card {card} is switched off"),
        }
    }
}

//! `bootgate card restore`: puts the octets of a bootstrap file back that `card read -o` has saved.

use std::{fmt, path::PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use super::{
    args::{ChangeArgs, LayoutArgs, ReaderArgs},
    connect, failure, file_system, open_app, settle_first,
};
use crate::{
    bootstrap::{PayloadKind, recognise},
    card::{KeyGuard, Outcome, Plan, apply, plan},
    cli::{Exit, Failure, Global, input, output},
    ident::counted,
    job::describe,
};

/// The largest file that a card can hold.
const LARGEST: u64 = 0x8000;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    reader: ReaderArgs,
    /// The octets, as `card read -o FILE` has saved them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which file of the card: cp or dm. Without it, what the octets are.
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<PayloadKind>,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
    let octets = Zeroizing::new(input::read_within(&args.file, LARGEST)?);
    let kind = args.kind.or_else(|| recognise(&octets)).ok_or_else(|| {
        let why = format!(
            "{} is no bootstrap that is known; say which file it is for: --as KIND",
            args.file.display()
        );
        Failure::because(Exit::Usage, why)
    })?;
    let keys = args.change.keys()?;
    let app = open_app(global)?;
    let rings = args.change.adm.rings(&app)?;
    let mut card = connect(&args.reader.reader, global)?;
    let mut fs = file_system(&mut card, global)?;
    let iccid = fs.iccid().ok();
    let keys = rings.complete(iccid.as_ref(), &keys).map_err(failure)?;
    let (journal, policy) = (app.key_journal(), rings.policy(iccid.as_ref(), &app.key_policy()));
    let guard = KeyGuard::new(&*journal, &policy);
    settle_first(&args.change, &mut fs, &keys, &guard, &app)?;
    let layout = args.layout.layout();
    let adm = args.change.adm.at_hand(&keys);
    let options = layout.options(&adm, &describe);
    let wanted = [layout.file_of(kind, octets.to_vec())];
    let plan = args.change.with_pins(&mut fs, &keys, &guard, |fs| plan(fs, &wanted, &options))?;
    let plan = plan.map_err(failure)?;
    if let Some(exit) = args.change.consent.agree(global, &plan, "Put these octets back on the card?")? {
        return Ok(exit);
    }
    let outcome = apply(&mut fs, &plan, &keys, &guard, &*app.write_journal())
        .map_err(|error| failure(error.looked_in(&rings, iccid.as_ref())))?;
    output::emit(global.format, &Restored { octets: octets.len(), plan, outcome })?;
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct Restored {
    octets: usize,
    plan: Plan,
    outcome: Outcome,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Unchanged => f.write_str("ok: nothing had to be changed"),
            Outcome::Written { apdus, .. } => {
                write!(f, "ok: {} put back and read back ({apdus})", counted(self.octets, "octet"))
            }
        }
    }
}

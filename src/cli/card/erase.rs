//! `bootgate card erase`: empties bootstrap files.

use std::fmt;

use serde::Serialize;

use super::{
    args::{ChangeArgs, ReaderArgs, objects},
    connect, failure, file_system, open_app, settle_first,
};
use crate::{
    bootstrap::PayloadKind,
    card::{KeyGuard, Outcome, Plan, apply, plan_erase},
    cli::{Exit, Global, output},
    job::{Layout, describe},
    profile::CardCpFile,
    wire::pkcs15::ObjectId,
};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    reader: ReaderArgs,
    /// Which file: cp or dm. Without it, both.
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<PayloadKind>,
    /// The file of a provisioning document that is meant: bootstrap, config1 or config2.
    #[arg(long, value_name = "FILE", conflicts_with = "kind")]
    cp_file: Option<CardCpFile>,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<Exit> {
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
    let adm = args.change.adm.at_hand(&keys);
    let options = Layout::default().options(&adm, &describe);
    let objects = match args.cp_file {
        Some(CardCpFile::Bootstrap) => vec![ObjectId::CP_BOOTSTRAP],
        Some(CardCpFile::Config1) => vec![ObjectId::CP_CONFIG1],
        Some(CardCpFile::Config2) => vec![ObjectId::CP_CONFIG2],
        None => objects(args.kind),
    };
    let plan = args.change.with_pins(&mut fs, &keys, &guard, |fs| plan_erase(fs, &objects, &options))?;
    let plan = plan.map_err(failure)?;
    if let Some(exit) = args.change.consent.agree(global, &plan, "Empty these files?")? {
        return Ok(exit);
    }
    let outcome = apply(&mut fs, &plan, &keys, &guard, &*app.write_journal())
        .map_err(|error| failure(error.looked_in(&rings, iccid.as_ref())))?;
    output::emit(global.format, &Erased { plan, outcome })?;
    Ok(Exit::Ok)
}

#[derive(Serialize)]
struct Erased {
    plan: Plan,
    outcome: Outcome,
}

impl fmt::Display for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Unchanged => f.write_str("ok: nothing had to be changed"),
            Outcome::Written { apdus, .. } => write!(f, "ok: erased and read back ({apdus})"),
        }
    }
}

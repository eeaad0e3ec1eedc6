//! `bootgate card plan` and `write`: a profile becomes a bootstrap on a card. A write is a job: the DM server knows the
//! account before the card does, and `bootgate job show` tells how it went.

use std::{fmt, path::PathBuf};

use serde::Serialize;
use tracing::{debug, info};

use super::{
    args::{AdmArgs, ConsentArgs, LayoutArgs, PinArgs, ReaderArgs},
    connect,
    failed::Failed,
    failure, file_system, open_app,
    recover::interrupted,
    with_pin,
};
use crate::{
    app::OsRandom,
    bootstrap::{Payload, PayloadKind, build, resolve, usim_files},
    card::{ApduTrace, FileError, KeyId, Outcome, PendingWrite, Plan, PlanOptions, Recovered, plan},
    cli::{Exit, Format, Global, config, output, profile, subscriber::SubscriberArgs},
    ident::{Iccid, JobId, counted},
    job::{CardDone, CardJob, CardJobError, Observer, State, Verdict, describe},
    profile::{Profile, Subscriber},
};

pub(super) const PLAN_EXAMPLES: &str = "Examples:
  bootgate card plan -r 'bay 0 00 00' --profile acme.toml --as cp --imei 490154203237518
  bootgate card plan -r 'bay 0 00 00' --profile acme.toml --as dm --imei 490154203237518 --pin @pin --format json";

pub(super) const EXAMPLES: &str = "Examples:
  bootgate card write -r 'bay 0 00 00' --profile acme.toml --as cp --imei 490154203237518 --adm @adm.key
  bootgate card write -r 'bay 0 00 00' --profile acme.toml --as dm --imei 490154203237518 --keys csv:keys.csv --yes
  bootgate card write -r 'bay 0 00 00' --profile acme.toml --as cp --imei 490154203237518 --adm - --allow-once 89490200001234567892

Exit status: 0 when all was read back, 1 failed, 2 usage, 69 reader or card unavailable, 77 key refused or not presented, 78 \
profile or configuration wrong";

/// What both actions are told.
#[derive(Debug, clap::Args)]
struct JobArgs {
    #[command(flatten)]
    reader: ReaderArgs,
    /// Profile (TOML).
    #[arg(long, value_name = "FILE")]
    profile: PathBuf,
    /// Kind of payload: cp or dm.
    #[arg(long = "as", value_name = "KIND")]
    kind: PayloadKind,
    #[command(flatten)]
    subscriber: SubscriberArgs,
    #[command(flatten)]
    layout: LayoutArgs,
    #[command(flatten)]
    adm: AdmArgs,
    #[command(flatten)]
    pin: PinArgs,
}

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PlanArgs {
    #[command(flatten)]
    job: JobArgs,
}

/// Arguments of `write`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WriteArgs {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    consent: ConsentArgs,
}

pub(super) fn run_plan(args: &PlanArgs, global: &Global) -> anyhow::Result<Exit> {
    let profile = profile::load(&args.job.profile)?;
    let subscriber = args.job.subscriber.read()?;
    let ours = config::load(global, Vec::new())?.dm.server_id;
    if let Some(account) = profile.dm_account.as_ref().filter(|account| account.server_id != ours) {
        output::note(&format!(
            "note: `card write` will refuse: the profile is for DM server `{}`, and [dm] server-id is `{ours}` here \
             (BOOTGATE_DM_SERVER_ID sets it)",
            account.server_id
        ));
    }
    output::emit(global.format, &planned(&args.job, &profile, subscriber, global)?)?;
    Ok(Exit::Ok)
}

pub(super) fn run_write(args: &WriteArgs, global: &Global) -> anyhow::Result<Exit> {
    let profile = profile::load(&args.job.profile)?;
    let subscriber = args.job.subscriber.read()?;
    if args.consent.dry_run || !args.consent.can_ask() {
        output::emit(global.format, &planned(&args.job, &profile, subscriber, global)?)?;
        return if args.consent.dry_run { Ok(Exit::Ok) } else { Err(ConsentArgs::missing()) };
    }
    // Keys are asked for before the card is touched: nobody has to hurry at the prompt.
    let mut keys = args.job.adm.keys()?;
    keys.extend(args.job.pin.key()?);
    let (layout, adm) = (args.job.layout.layout(), args.job.adm.named());
    let app = open_app(global)?;
    let rings = args.job.adm.rings(&app)?;
    let payload = args.job.kind;
    let job = CardJob { key: None, profile, subscriber, payload, layout, keys, adm, rings, attested: false };
    let card = Box::new(connect(&args.job.reader.reader, global)?);
    let consent = ConsentArgs { dry_run: false, yes: args.consent.yes };
    let (format, pin) = (global.format, args.job.pin.id());
    let station = Box::new(Station { format, consent, pin, losses: Vec::new() });
    let runtime = tokio::runtime::Runtime::new()?;
    match runtime.block_on(app.bootstrap_card(job, card, station)) {
        Ok(done) => {
            output::emit(global.format, &Written::new(done))?;
            Ok(Exit::Ok)
        }
        Err(error) => {
            if global.format == Format::Json {
                output::json(&runtime.block_on(Failed::of_job(&app, &error)))?;
            }
            Err(failure(error))
        }
    }
}

/// What would be done, with secrets that are drawn for nothing.
fn planned(
    args: &JobArgs,
    profile: &Profile,
    subscriber: Subscriber,
    global: &Global,
) -> anyhow::Result<Planned> {
    let mut card = connect(&args.reader.reader, global)?;
    let mut fs = file_system(&mut card, global)?;
    let iccid = match fs.iccid() {
        Ok(iccid) => Some(iccid),
        Err(FileError::Transport(error)) => return Err(failure(error)),
        Err(_) => None,
    };
    if let (Some(meant), Some(found)) = (&subscriber.iccid, &iccid)
        && meant != found
    {
        let error = CardJobError::OtherCard { meant: meant.clone(), found: found.clone() };
        return Err(failure(error));
    }
    let adm = args.adm.to_show(iccid.as_ref(), global)?;
    let subscriber = Subscriber { iccid, ..subscriber };
    let settings = resolve(profile, &subscriber, &OsRandom).map_err(failure)?;
    let payload = build(&settings, args.kind).map_err(failure)?;
    if interrupted(&mut fs, global)?.is_some() {
        output::note(
            "note: an earlier write to this card was interrupted; `card write` takes it back first, and then this plan \
             may be another (`bootgate card recover` shows it)",
        );
    }
    let files = usim_files(&settings, &profile.card).map_err(failure)?;
    let layout = args.layout.layout().or(&profile.card);
    let options = layout.options(&adm, &describe);
    let options = PlanOptions { settings: &files, ..options };
    let wanted = [layout.file(&payload)];
    let plan = with_pin(&mut fs, &args.pin, global, |fs| plan(fs, &wanted, &options))?.map_err(failure)?;
    Ok(Planned { plan, losses: payload.losses })
}

/// Shows how a write goes, and asks before the card is changed.
struct Station {
    format: Format,
    consent: ConsentArgs,
    /// The PIN that stands on the command line.
    pin: Option<KeyId>,
    losses: Vec<String>,
}

impl Observer for Station {
    fn exchanged(&mut self, apdu: &ApduTrace) {
        debug!("{apdu}");
    }

    fn built(&mut self, payload: &Payload) {
        self.losses.clone_from(&payload.losses);
    }

    fn interrupted(&mut self, write: &PendingWrite) -> Verdict {
        let files = counted(write.files().len(), "file");
        output::note(&format!(
            "an earlier write to this card, of {files}, was interrupted; it is taken back before anything else is \
             written (`bootgate card recover` shows it)"
        ));
        let question = "Take it back, with the keys it needs?";
        if self.consent.ask(question) { Verdict::GoOn } else { Verdict::CallOff }
    }

    fn pin(&mut self, card: &Iccid, pin: KeyId) -> Verdict {
        let agreed = self.pin == Some(pin) || self.consent.agrees_to_pin(card, pin);
        if agreed { Verdict::GoOn } else { Verdict::CallOff }
    }

    fn recovered(&mut self, recovered: &Recovered) {
        output::note(&recovered.to_string());
    }

    fn planned(&mut self, plan: &Plan) -> Verdict {
        let plan_text = with_losses(plan, &self.losses);
        // JSON has the plan in its one value at the end; who is asked must see it now.
        let shown = match (self.format, self.consent.yes) {
            (Format::Text, _) => output::text(&plan_text).is_ok(),
            (Format::Json, true) => true,
            (Format::Json, false) => {
                output::note(&plan_text);
                true
            }
        };
        let go_on = shown && (plan.is_unchanged() || self.consent.ask("Write this to the card?"));
        if go_on { Verdict::GoOn } else { Verdict::CallOff }
    }

    fn reached(&mut self, job: JobId, state: State) {
        info!(job.id = %job, "Job {job} is {state}");
    }
}

/// A plan that was only shown.
#[derive(Serialize)]
struct Planned {
    #[serde(flatten)]
    plan: Plan,
    losses: Vec<String>,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_losses(&self.plan, &self.losses))
    }
}

/// A plan, and what the profile holds that the payload does not carry: both are to be known before a card is written.
fn with_losses(plan: &Plan, losses: &[String]) -> String {
    let mut text = plan.to_string().trim_end().to_owned();
    for loss in losses {
        text.push_str("\nnot carried: ");
        text.push_str(loss);
    }
    text
}

/// A bootstrap that is on the card.
#[derive(Serialize)]
struct Written {
    job: JobId,
    state: State,
    payload_octets: usize,
    losses: Vec<String>,
    plan: Plan,
    outcome: Outcome,
}

impl Written {
    fn new(done: CardDone) -> Self {
        Self {
            job: done.record.job.id,
            state: done.record.job.state,
            payload_octets: done.payload_octets,
            losses: done.losses,
            plan: done.plan,
            outcome: done.outcome,
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Unchanged => writeln!(f, "ok: nothing had to be changed")?,
            Outcome::Written { apdus, .. } => {
                writeln!(f, "ok: {} written and read back ({apdus})", counted(self.payload_octets, "octet"))?;
            }
        }
        write!(f, "job {} is {}", self.job, self.state)
    }
}

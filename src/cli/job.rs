//! `bootgate job`: lists jobs, shows one with its history, calls one off.

use std::fmt;

use serde::Serialize;

use super::{Exit, Failure, Global, config, output};
use crate::{
    ident::JobId,
    job::{Entry, Filter, Job, Record, State, push::CallOff},
};

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Lists jobs, the newest first.
    List {
        /// In this state only: queued, registered, prepared, delivering, unknown, delivered, re-homed, handed-off, failed, expired or
        /// cancelled; may be given more than once.
        #[arg(long, value_name = "STATE")]
        state: Vec<State>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Shows one job: what it is, its attempts, its history.
    Show {
        /// The job's name, as `job list` prints it.
        #[arg(value_name = "ID")]
        id: JobId,
    },
    /// Calls a push job off, as long as nothing of it has left. Exit 1 when it is too late.
    ///
    /// What a running `bootgate serve` on the same database holds and has not sent is taken back by that one, within 3 seconds.
    Cancel {
        /// The job's name, as `job list` prints it.
        #[arg(value_name = "ID")]
        id: JobId,
        /// Shows the job and calls nothing off.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) fn run(action: Action, global: &Global) -> anyhow::Result<Exit> {
    let config = config::load(global, Vec::new())?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let app = config::open_existing(config).await?;
        match action {
            Action::List { state: states, limit } => {
                let jobs = app.jobs().list(&Filter { states, limit }).await?;
                output::emit(global.format, &List { jobs })?;
            }
            Action::Show { id } | Action::Cancel { id, dry_run: true } => {
                let found = app.jobs().get(id).await?;
                let record = found.ok_or_else(|| {
                    let file = app.config().store.path.display();
                    Failure::because(Exit::Failed, format!("there is no job {id} in {file}"))
                })?;
                output::emit(global.format, &Shown(record))?;
            }
            Action::Cancel { id, dry_run: false } => match app.call_off(id, "bootgate job cancel").await? {
                CallOff::Done(record) => output::emit(global.format, &Shown(record))?,
                CallOff::TooLate { record, why } => {
                    let why = format!("job {id} is {} and cannot be called off: {why}", record.job.state);
                    return Err(Failure::because(Exit::Failed, why));
                }
            },
        }
        Ok(Exit::Ok)
    })
}

#[derive(Serialize)]
struct List {
    jobs: Vec<Job>,
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.jobs.is_empty() {
            return f.write_str("no jobs");
        }
        writeln!(f, "{:<26}  {:<10}  {:<24}  {:<20}  PROFILE", "JOB", "STATE", "SINCE", "CARD")?;
        for job in &self.jobs {
            let card = job.iccid.as_ref().map_or("-", |i| i.digits());
            let (id, since) = (job.id.to_string(), job.changed_at.to_string());
            write!(f, "{id:<26}  {:<10}  {since:<24}  {card:<20}  {}", job.state, job.profile)?;
            match &job.reason {
                Some(reason) => writeln!(f, "  ({reason})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Record);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { job, attempts, history } = &self.0;
        let dash = || "-".to_owned();
        let optional = [
            ("key", job.key.as_ref().map(|k| k.as_str().to_owned())),
            ("device", job.imei.as_ref().map(|i| i.device_uri())),
            ("card", job.iccid.as_ref().map(|i| i.digits().to_owned())),
            ("account", job.account.map(|a| a.to_string())),
        ];
        writeln!(f, "{:<10} {}", "job", job.id)?;
        writeln!(f, "{:<10} {}", "state", job.state)?;
        writeln!(f, "{:<10} {}, version {}", "profile", job.profile, job.profile_version)?;
        writeln!(f, "{:<10} {}", "server", job.server_id)?;
        writeln!(f, "{:<10} {}, {}", "route", job.route, job.payload)?;
        for (name, value) in optional {
            writeln!(f, "{name:<10} {}", value.unwrap_or_else(dash))?;
        }
        for attempt in attempts {
            let ended = attempt.ended_at.map_or_else(dash, |t| t.to_string());
            let outcome = attempt.outcome.map_or("under way", State::name);
            writeln!(f, "attempt {:<2} {} to {ended}: {outcome}", attempt.number, attempt.started_at)?;
        }
        writeln!(f, "history")?;
        for Entry { at, to, reason, .. } in history {
            match reason {
                Some(reason) => writeln!(f, "  {at}  {to:<10}  {reason}")?,
                None => writeln!(f, "  {at}  {to}")?,
            }
        }
        Ok(())
    }
}

//! What a program is told of an action on a card that was not done: one JSON object, as of one that was.

use serde::Serialize;

use crate::{
    app::App,
    cli::{Exit, Failure, Format, Global, exit::Meaning as _, output},
    ident::{Iccid, JobId},
    job::{CardJobError, State},
};

/// An action that failed. People read its reason on standard error.
#[derive(Debug, Serialize)]
pub(super) struct Failed {
    ok: bool,
    /// The state of its job, or `failed` where there is none.
    state: State,
    /// Why.
    reason: String,
    /// The job, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    /// The card's number, as far as it is known. It is no secret: it stands on the card.
    iccid: Option<Iccid>,
    exit: u8,
}

impl Failed {
    /// Of a job.
    pub(super) async fn of_job(app: &App, error: &CardJobError) -> Self {
        let job = error.job();
        // The error is the news: where the job cannot be read, it is told without.
        let record = match job {
            Some(id) => app.jobs().get(id).await.ok().flatten(),
            None => None,
        };
        let found = match error {
            CardJobError::OtherCard { found, .. } => Some(found.clone()),
            _ => None,
        };
        Self {
            ok: false,
            state: record.as_ref().map_or(State::Failed, |record| record.job.state),
            reason: error.to_string(),
            job,
            iccid: record.and_then(|record| record.job.iccid).or(found),
            exit: error.exit() as u8,
        }
    }

    fn of(error: &anyhow::Error) -> Self {
        let exit = error.downcast_ref::<Failure>().map_or(Exit::Failed, |failure| failure.exit);
        let reason = format!("{error:#}");
        Self { ok: false, state: State::Failed, reason, job: None, iccid: None, exit: exit as u8 }
    }
}

/// Tells a program of a failure, when nothing was told yet.
pub(super) fn tell(error: &anyhow::Error, global: &Global) -> anyhow::Result<()> {
    match global.format {
        Format::Json if !output::has_printed() => output::json(&Failed::of(error)),
        _ => Ok(()),
    }
}

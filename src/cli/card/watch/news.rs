//! What a station tells: lines of text, or a JSON object a line.

use std::fmt;

use serde::Serialize;

use crate::{
    card::{BayName, BayNews, Plan, ReaderError},
    cli::{Exit, Format, exit::Meaning, output},
    ident::counted,
    job::{ReadBack, Sighting},
};

/// What is told of a card.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum News {
    /// It was put in.
    Card(Box<Sighting>),
    /// This would be done to it.
    Plan(Box<Plan>),
    /// It was written and read back.
    Written(Box<ReadBack>),
    /// It did not work.
    Failed {
        /// Why.
        reason: String,
    },
    /// It is out.
    Out,
}

/// Tells news. Cloning is cheap.
#[derive(Debug, Clone)]
pub(super) struct Teller(Format);

/// News of a bay.
#[derive(Serialize)]
struct Line<'a> {
    bay: &'a BayName,
    #[serde(flatten)]
    news: &'a News,
}

impl Teller {
    pub(super) fn new(format: Format) -> Self {
        Self(format)
    }

    /// Tells news. Output that cannot be written does not stop work on a card.
    pub(super) fn tell(&self, bay: &BayName, news: &News) {
        let line = Line { bay, news };
        let _ = match self.0 {
            Format::Text => output::text(&line.to_string()),
            Format::Json => match serde_json::to_string(&line) {
                Ok(line) => output::text(&line),
                Err(_) => Ok(()),
            },
        };
    }

    /// Tells why a card was not done; the exit status that it means.
    pub(super) fn failed<E: Meaning + std::error::Error>(&self, bay: &BayName, error: &E) -> Exit {
        self.tell(bay, &News::Failed { reason: error.to_string() });
        error.exit()
    }

    /// Tells what happened to all bays.
    pub(super) fn service(&self, news: &BayNews<Exit>) {
        match news {
            BayNews::ServiceLost { error } => output::note(&format!("{error}; waiting for it")),
            BayNews::ServiceBack => output::note("the PC/SC service is back"),
            _ => {}
        }
    }

    /// Tells what happened in a bay. When that ends the work on its card, the exit status that it means.
    pub(super) fn bay(&self, bay: &BayName, news: &BayNews<Exit>) -> Option<Exit> {
        let failed = |reason: String, exit| {
            self.tell(bay, &News::Failed { reason });
            Some(exit)
        };
        match news {
            BayNews::Done { result, .. } => return Some(*result),
            // It went as it came, or comes again.
            BayNews::NotBegun { error: ReaderError::NoCard { .. } } => {}
            BayNews::NotBegun { error } => return Some(self.failed(bay, error)),
            BayNews::Crashed { .. } => {
                return failed(
                    "bootgate made a mistake on this card; please report it".to_owned(),
                    Exit::Failed,
                );
            }
            BayNews::Stuck { waited, .. } => {
                let reason = format!("no answer for {:.1} s; take the card out", waited.as_secs_f64());
                return failed(reason, Exit::Unavailable);
            }
            BayNews::CardOut => self.tell(bay, &News::Out),
            BayNews::Opened { .. } => output::note(&format!("{bay}: put a card in")),
            BayNews::Closed => output::note(&format!("{bay}: the reader is gone")),
            BayNews::TooMany { most } => {
                output::note(&format!("{bay} is not used: {most} readers are the most"))
            }
            _ => {}
        }
        None
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bay = self.bay;
        match self.news {
            News::Card(seen) => {
                match &seen.iccid {
                    Some(iccid) => write!(f, "{bay}: card {iccid}, {}, {}", seen.kind, seen.protocol)?,
                    None => {
                        write!(f, "{bay}: card without a readable number, {}, {}", seen.kind, seen.protocol)?
                    }
                }
                for file in &seen.files {
                    write!(f, "\n  holds {} in {}: {}", counted(file.octets, "octet"), file.file, file.what)?;
                }
                if let Some(job) = seen.jobs.first() {
                    write!(f, "\n  last job {}: {} {} is {}", job.id, job.profile, job.payload, job.state)?;
                    if let Some(reason) = &job.reason {
                        write!(f, ", {reason}")?;
                    }
                }
                if let Some(write) = &seen.interrupted {
                    write!(
                        f,
                        "\n  a write of {} was interrupted; it is taken back first",
                        counted(write.steps, "step")
                    )?;
                }
                match (&seen.waiting, &seen.nothing_because) {
                    (Some(waiting), _) => {
                        write!(
                            f,
                            "\n  waits: {} {} as {}",
                            waiting.profile, waiting.version, waiting.payload
                        )?;
                        if let Some(line) = waiting.line {
                            write!(f, ", line {line} of the table")?;
                        }
                        match waiting.unread {
                            Some(job) => {
                                write!(
                                    f,
                                    "; job {job} has brought it, and whether it is still there cannot be read"
                                )
                            }
                            None => Ok(()),
                        }
                    }
                    (None, Some(why)) => write!(f, "\n  nothing waits: {why}"),
                    (None, None) => Ok(()),
                }
            }
            News::Plan(plan) => write!(f, "{}", plan.to_string().trim_end()),
            News::Written(done) => write!(
                f,
                "{bay}: job {} is {}: {} read back, SHA-256 {}; take the card out",
                done.job,
                done.state,
                counted(done.octets, "octet"),
                done.sha256
            ),
            News::Failed { reason } => write!(f, "{bay}: {reason}"),
            News::Out => write!(f, "{bay}: the card is out"),
        }
    }
}

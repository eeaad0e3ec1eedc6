//! What is kept of a job: itself, its attempts, its history; and how an event changes them.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{Event, Illegal, Reason, State, Step};
use crate::{
    bootstrap::PayloadKind,
    dm::AccountId,
    ident::{Fingerprint, Iccid, Imei, JobId, ProfileName, ServerId, Timestamp},
};

/// How a payload travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// A card in a reader.
    Card,
    /// A push over the air.
    Push,
}

/// A name that the caller gives to a job, so that asking twice makes one job: 1 to 128 printable characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct JobKey(String);

/// A job that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The caller's name for it.
    pub key: Option<JobKey>,
    /// The profile that the device gets.
    pub profile: ProfileName,
    /// The profile's version.
    pub profile_version: u32,
    /// The DM server that the device is handed to.
    pub server_id: ServerId,
    /// How the payload travels.
    pub route: Route,
    /// What the payload is.
    pub payload: PayloadKind,
    /// The device, where it is known.
    pub imei: Option<Imei>,
    /// The card, where it is known.
    pub iccid: Option<Iccid>,
    /// The subscriber, where one is known. The IMSI itself is not kept.
    pub imsi: Option<Fingerprint>,
    /// What is brought to a card, where it is one: for telling it from other content.
    pub asked: Option<Fingerprint>,
    /// The octets of the bootstrap for a card, where it is one, secrets included: for telling whether the card holds them still.
    pub octets: Option<Fingerprint>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// The caller's name for it.
    pub key: Option<JobKey>,
    /// Where it stands.
    pub state: State,
    /// Why it stands there.
    pub reason: Option<Reason>,
    /// The profile that the device gets.
    pub profile: ProfileName,
    /// The profile's version.
    pub profile_version: u32,
    /// The DM server that the device is handed to.
    pub server_id: ServerId,
    /// How the payload travels.
    pub route: Route,
    /// What the payload is.
    pub payload: PayloadKind,
    /// The device, where it is known.
    pub imei: Option<Imei>,
    /// The card, where it is known.
    pub iccid: Option<Iccid>,
    /// The subscriber, where one was known; for comparing, and shown to nobody.
    #[serde(skip)]
    pub imsi: Option<Fingerprint>,
    /// What was brought to the card; for comparing, and shown to nobody.
    #[serde(skip)]
    pub asked: Option<Fingerprint>,
    /// The octets of the bootstrap for the card; for comparing, and shown to nobody. Jobs of earlier versions have none.
    #[serde(skip)]
    pub octets: Option<Fingerprint>,
    /// When something else was begun to be written to the card, after this job had done its work: the card is not known to hold
    /// what the job brought any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwritten_at: Option<Timestamp>,
    /// The account at the DM server.
    #[serde(serialize_with = "as_number")]
    pub account: Option<AccountId>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
}

/// One delivery that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// How the payload travelled.
    pub route: Route,
    /// What the payload was.
    pub payload: PayloadKind,
    /// When the first octet was about to leave.
    pub started_at: Timestamp,
    /// When it became known how it ended; `unknown` may be followed by better news.
    pub ended_at: Option<Timestamp>,
    /// How it ended: the state that followed.
    pub outcome: Option<State>,
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// From which state; the first entry has none.
    pub from: Option<State>,
    /// To which.
    pub to: State,
    /// Why.
    pub reason: Option<Reason>,
}

/// All that is kept of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Its attempts, the first one first.
    pub attempts: Vec<Attempt>,
    /// Its history, the first change first.
    pub history: Vec<Entry>,
}

/// What an event changes: the new entry of the history, and the attempt that it opens or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The new entry.
    pub entry: Entry,
    /// The attempt as it is from now on.
    pub attempt: Option<Attempt>,
    /// The account that the job has from now on.
    pub account: Option<AccountId>,
}

impl Job {
    /// A job that was just accepted.
    pub fn accepted(id: JobId, new: &NewJob, at: Timestamp) -> Self {
        let NewJob {
            key,
            profile,
            profile_version,
            server_id,
            route,
            payload,
            imei,
            iccid,
            imsi,
            asked,
            octets,
        } = new.clone();
        Self {
            id,
            key,
            state: State::Queued,
            reason: None,
            profile,
            profile_version,
            server_id,
            route,
            payload,
            imei,
            iccid,
            imsi,
            asked,
            octets,
            overwritten_at: None,
            account: None,
            created_at: at,
            changed_at: at,
        }
    }

    /// Whether this job is what `new` asks for.
    pub fn answers(&self, new: &NewJob) -> bool {
        *new == NewJob {
            key: self.key.clone(),
            profile: self.profile.clone(),
            profile_version: self.profile_version,
            server_id: self.server_id.clone(),
            route: self.route,
            payload: self.payload,
            imei: self.imei.clone(),
            iccid: self.iccid.clone(),
            imsi: self.imsi,
            // The same job may be asked for with other content: what it was given once is what it brings.
            asked: new.asked,
            octets: new.octets,
        }
    }

    /// What `event` changes; `last` is the job's last attempt. `None` when the event is late news.
    ///
    /// # Errors
    /// [`Illegal`], from [`State::on`].
    pub fn change(
        &self,
        event: &Event,
        last: Option<&Attempt>,
        at: Timestamp,
    ) -> Result<Option<Change>, Illegal> {
        let Step::To(to) = self.state.on(event)? else { return Ok(None) };
        let attempt = match (self.state, to) {
            (_, State::Delivering) => Some(Attempt {
                number: last.map_or(0, |a| a.number) + 1,
                route: self.route,
                payload: self.payload,
                started_at: at,
                ended_at: None,
                outcome: None,
            }),
            (State::Delivering | State::Unknown, _) => {
                last.map(|a| Attempt { ended_at: Some(at), outcome: Some(to), ..a.clone() })
            }
            _ => None,
        };
        let account = match event {
            Event::AccountRegistered { account } => Some(*account),
            _ => self.account,
        };
        let entry = Entry { at, from: Some(self.state), to, reason: event.reason() };
        Ok(Some(Change { entry, attempt, account }))
    }
}

impl Record {
    /// All there is of a job that was just accepted.
    pub fn accepted(job: Job) -> Self {
        let entry = Entry { at: job.created_at, from: None, to: job.state, reason: None };
        Self { job, attempts: Vec::new(), history: vec![entry] }
    }

    /// Puts a change in force.
    pub fn apply(&mut self, change: Change) {
        self.job.state = change.entry.to;
        self.job.reason.clone_from(&change.entry.reason);
        self.job.changed_at = change.entry.at;
        self.job.account = change.account;
        if let Some(attempt) = change.attempt {
            self.attempts.retain(|a| a.number != attempt.number);
            self.attempts.push(attempt);
        }
        self.history.push(change.entry);
    }
}

impl JobKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that does not name what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}; expected {expected}")]
pub struct UnknownName {
    /// What was being read.
    pub what: &'static str,
    /// The text.
    pub text: String,
    /// What may stand there.
    pub expected: &'static str,
}

impl FromStr for JobKey {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        let text = text.escape_debug().take(128).collect();
        Err(UnknownName { what: "job key", text, expected: "1 to 128 printable characters" })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Card => "card",
            Self::Push => "push",
        })
    }
}

impl FromStr for Route {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text {
            "card" => Ok(Self::Card),
            "push" => Ok(Self::Push),
            _ => Err(UnknownName { what: "route", text: text.to_owned(), expected: "card or push" }),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn as_number<S: serde::Serializer>(account: &Option<AccountId>, s: S) -> Result<S::Ok, S::Error> {
    account.map(AccountId::number).serialize(s)
}

//! What a rehearsal shows: the sequence, the card's plan, the phone's tree, the job's history.

use std::fmt;

use serde::Serialize;

use super::Sequence;
use crate::{
    bootstrap::PayloadKind,
    card::{CardTransport, Plan, Protocol},
    ident::{Iccid, ProfileName, ReaderName, counted},
    job::{Record, Route, State},
    phone::{
        Outcome, PowerOnReport, UsimSettings,
        tree::{Leaf, Tree},
    },
    profile::{PinChannel, Profile},
};

/// What was rehearsed and how far it went.
#[derive(Debug, Serialize)]
pub struct Rehearsal {
    /// The profile.
    pub profile: ProfileName,
    /// Its version.
    pub profile_version: u32,
    /// What the payload is.
    pub payload: PayloadKind,
    /// What made secrets and times repeatable, if anything.
    pub seed: Option<u64>,
    /// The card.
    pub card: Option<CardSeen>,
    /// The push, as the phone took it.
    pub push: Option<PushSeen>,
    /// What the profile holds and this kind of payload cannot carry.
    pub losses: Vec<String>,
    /// Who sent what to whom.
    pub sequence: Sequence,
    /// What was planned for the card, file by file.
    pub plan: Option<Plan>,
    /// What the phone found on the card.
    pub power_on: Option<PowerOnReport>,
    /// What the phone takes from the settings files of the USIM, where the profile fills any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<UsimSettings>,
    /// How the session ended.
    pub session: Option<Outcome>,
    /// The phone's management tree afterwards.
    pub tree: Vec<Leaf>,
    /// The same as lines.
    #[serde(skip)]
    tree_text: String,
    /// The job with its history.
    pub job: Option<Record>,
}

/// The card in the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardSeen {
    /// The reader.
    pub reader: ReaderName,
    /// Its answer to reset, in hexadecimal.
    pub atr: String,
    /// The protocol.
    pub protocol: Protocol,
    /// Its number.
    pub iccid: Option<Iccid>,
}

/// A push that a phone took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PushSeen {
    /// How it proved where it comes from.
    pub method: String,
    /// How the PIN reached the user, where there was one.
    pub pin_channel: Option<PinChannel>,
    /// In how many short messages it came.
    pub segments: usize,
    /// How many octets it had.
    pub octets: usize,
}

impl CardSeen {
    /// What the reader tells of its card.
    pub fn of(card: &dyn CardTransport) -> Self {
        let atr = card.atr().iter().map(|octet| format!("{octet:02X}")).collect();
        Self { reader: card.reader().clone(), atr, protocol: card.protocol(), iccid: None }
    }
}

impl Rehearsal {
    pub(super) fn begin(profile: &Profile, payload: PayloadKind, seed: Option<u64>) -> Self {
        Self {
            profile: profile.name.clone(),
            profile_version: profile.version,
            payload,
            seed,
            card: None,
            push: None,
            losses: Vec::new(),
            sequence: Sequence::default(),
            plan: None,
            power_on: None,
            settings: None,
            session: None,
            tree: Vec::new(),
            tree_text: String::new(),
            job: None,
        }
    }

    pub(super) fn keep_tree(&mut self, tree: &Tree) {
        self.tree_text = tree.to_string();
        self.tree = tree.leaves();
    }

    pub(super) fn card_is(&mut self, iccid: Option<Iccid>) {
        if let Some(card) = &mut self.card {
            card.iccid = iccid;
        }
    }

    /// Whether the job came to its end.
    pub fn is_handed_off(&self) -> bool {
        self.job.as_ref().is_some_and(|r| r.job.state == State::HandedOff)
    }
}

impl fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Rehearsal of {} version {}, route {}, as {}",
            self.profile,
            self.profile_version,
            if self.sequence.is_push() { Route::Push } else { Route::Card },
            self.payload
        )?;
        match self.seed {
            Some(seed) => writeln!(f, ", seed {seed} (times are scripted)")?,
            None => writeln!(f)?,
        }
        if let Some(CardSeen { reader, atr, protocol, iccid }) = &self.card {
            let iccid = iccid.as_ref().map_or(String::new(), |iccid| format!(" {iccid}"));
            writeln!(f, "card{iccid} in {reader}, {protocol}, ATR {atr}")?;
        }
        if let Some(PushSeen { method, pin_channel, segments, octets }) = &self.push {
            let (octets, messages) = (counted(*octets, "octet"), counted(*segments, "short message"));
            write!(f, "push of {octets} in {messages}, proved by {method}")?;
            match pin_channel {
                Some(channel) => writeln!(f, ", PIN {channel}")?,
                None => writeln!(f)?,
            }
        }
        for loss in &self.losses {
            writeln!(f, "not carried: {loss}")?;
        }
        writeln!(f, "\n{}", self.sequence)?;
        if let Some(plan) = &self.plan {
            writeln!(f, "Plan for the card\n{}\n", plan.to_string().trim_end())?;
        }
        if let Some(settings) = &self.settings {
            writeln!(
                f,
                "What the phone takes from the settings files of the USIM\n{}\n",
                settings.to_string().trim_end()
            )?;
        }
        if !self.tree.is_empty() {
            writeln!(f, "The phone's tree afterwards\n{}", self.tree_text)?;
        }
        if let Some(outcome) = &self.session {
            writeln!(f, "{}\n", outcome.to_string().replacen("session", "Session", 1))?;
        }
        if let Some(record) = &self.job {
            writeln!(f, "Job {}", record.job.id)?;
            for entry in &record.history {
                write!(f, "  {}  {}", entry.at, entry.to)?;
                match &entry.reason {
                    Some(reason) => writeln!(f, ": {reason}")?,
                    None => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}

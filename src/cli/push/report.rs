//! What is told of a push.

use std::fmt;

use serde::Serialize;

use super::payload::ContentReport;
use crate::{
    app::KeptResult,
    ident::counted,
    wire::pap::{Address, MessageState, StatusCode, StatusResult},
};

/// The thousands of codes that say that another try may bring more (WAP-247-PAP, 9.13).
const SERVICE_FAILURES: u16 = 4;

/// Where a push is, for some or all of its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Where {
    /// For whom; none for all.
    pub(super) addresses: Vec<String>,
    /// Where it is.
    pub(super) state: MessageState,
    /// The outcome so far.
    pub(super) code: StatusCode,
    /// In words of the gateway.
    pub(super) desc: Option<String>,
    /// Since when.
    pub(super) since: Option<String>,
}

/// What `send` did.
#[derive(Debug, Serialize)]
pub(super) struct SendReport {
    pub(super) push_id: String,
    pub(super) gateway: String,
    /// For whom.
    pub(super) addresses: Vec<String>,
    pub(super) content: ContentReport,
    pub(super) deliver_before: Option<String>,
    pub(super) deliver_after: Option<String>,
    /// Short messages in all, where they are made here.
    pub(super) short_messages: Option<usize>,
    /// Whether the gateway has it.
    pub(super) accepted: bool,
    /// What the gateway says to it.
    pub(super) code: Option<StatusCode>,
    pub(super) desc: Option<String>,
    /// Where it is, where that was waited for.
    pub(super) states: Vec<Where>,
    /// Why no more is known, where waiting ended before the push did.
    pub(super) unfinished: Option<String>,
    pub(super) dry_run: bool,
}

/// Where a push is, as `status` tells it.
#[derive(Debug, Serialize)]
pub(super) struct StatusReport {
    pub(super) push_id: String,
    pub(super) gateway: String,
    pub(super) states: Vec<Where>,
    /// Why the gateway does not say more now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unasked: Option<String>,
    /// What it has told by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<Kept>,
}

/// What `serve` was told, and where it keeps that.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    pub(super) file: String,
    pub(super) results: Vec<ToldBefore>,
}

/// One of those results, and when it was told.
#[derive(Debug, Serialize)]
pub(super) struct ToldBefore {
    #[serde(flatten)]
    place: Where,
    told_at: String,
}

impl From<KeptResult> for ToldBefore {
    fn from(kept: KeptResult) -> Self {
        let KeptResult { address, state, code, desc, event_time, told_at, .. } = kept;
        Self { place: Where { addresses: vec![address], state, code, desc, since: event_time }, told_at }
    }
}

/// What `cancel` did.
#[derive(Debug, Serialize)]
pub(super) struct CancelReport {
    pub(super) push_id: String,
    pub(super) gateway: String,
    pub(super) dry_run: bool,
    pub(super) results: Vec<Cancelled>,
}

/// One result of a cancellation.
#[derive(Debug, Serialize)]
pub(super) struct Cancelled {
    /// For whom; none for all.
    pub(super) addresses: Vec<String>,
    pub(super) code: StatusCode,
    pub(super) desc: Option<String>,
}

/// Addresses as they are shown to who named them.
pub(super) fn texts(addresses: &[Address]) -> Vec<String> {
    addresses.iter().map(|a| a.as_str().to_owned()).collect()
}

impl Where {
    /// Whether there is nothing to wait for. Of one whose state is unknown nothing more is promised, though a receipt that comes
    /// after all may tell more; unless the gateway could not look, and so cannot say since when.
    pub(super) fn is_final(&self) -> bool {
        match self.state {
            MessageState::Pending => false,
            MessageState::Unknown => self.since.is_some() || self.code.0 / 1000 != SERVICE_FAILURES,
            _ => true,
        }
    }
}

impl From<&StatusResult> for Where {
    fn from(result: &StatusResult) -> Self {
        Self {
            addresses: texts(&result.addresses),
            state: result.state,
            code: result.code,
            desc: result.desc.clone(),
            since: result.event_time.map(|t| t.to_string()),
        }
    }
}

impl SendReport {
    /// True when every device has it, as far as the gateway tells.
    pub(super) fn is_delivered(&self) -> bool {
        !self.states.is_empty() && self.states.iter().all(|s| s.state == MessageState::Delivered)
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.state, self.code)?;
        if let Some(desc) = &self.desc {
            write!(f, ": {desc}")?;
        }
        if let Some(since) = &self.since {
            write!(f, ", since {since}")?;
        }
        if !self.addresses.is_empty() {
            write!(f, ", {}", self.addresses.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for SendReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "push          {}", self.push_id)?;
        writeln!(f, "gateway       {}", self.gateway)?;
        for address in &self.addresses {
            writeln!(f, "to            {address}")?;
        }
        self.content.fmt(f)?;
        if let Some(time) = &self.deliver_after {
            writeln!(f, "not before    {time}")?;
        }
        if let Some(time) = &self.deliver_before {
            writeln!(f, "not after     {time}")?;
        }
        match (self.dry_run, self.accepted, self.code) {
            (true, _, _) => writeln!(f, "dry run: nothing was sent")?,
            (_, true, Some(code)) => {
                writeln!(f, "accepted      {code}{}", words(self.desc.as_deref()))?;
            }
            (_, true, None) => {
                let all = counted(self.short_messages.unwrap_or(0), "short message");
                writeln!(f, "accepted      {all}{}", words(self.desc.as_deref()))?;
            }
            _ => {}
        }
        for state in &self.states {
            writeln!(f, "state         {state}")?;
        }
        if let Some(why) = &self.unfinished {
            writeln!(f, "not known     {why}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ContentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "content       {}, {} octets", self.content_type, self.size)?;
        match self.sec {
            Some(sec) => writeln!(f, ", {sec}")?,
            None => writeln!(f)?,
        }
        if let Some(application) = &self.application {
            writeln!(f, "application   {application}")?;
        }
        if let Some(pin) = &self.user_pin {
            writeln!(f, "user enters   {pin} (told this once; it goes to the user by another way)")?;
        }
        if let Some(session) = &self.session {
            writeln!(f, "session       {session}")?;
        }
        for note in &self.notes {
            writeln!(f, "warning       {note}")?;
        }
        for warning in self.warnings.iter().filter(|w| !w.told) {
            writeln!(f, "warning       {}", warning.message)?;
        }
        for loss in &self.losses {
            writeln!(f, "not carried   {loss}")?;
        }
        Ok(())
    }
}

impl fmt::Display for StatusReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "push          {}", self.push_id)?;
        for state in &self.states {
            writeln!(f, "state         {state}")?;
        }
        if let Some(why) = &self.unasked {
            writeln!(f, "not asked     {why}")?;
        }
        if let Some(Kept { file, results }) = &self.kept {
            for ToldBefore { place, told_at } in results {
                writeln!(f, "told          {place}; told at {told_at}, kept in {file}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for CancelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "push          {}", self.push_id)?;
        if self.dry_run {
            writeln!(f, "dry run: nothing was sent")?;
        }
        for Cancelled { addresses, code, desc } in &self.results {
            let done = if code.is_success() { "cancelled    " } else { "not cancelled" };
            write!(f, "{done} {code}{}", words(desc.as_deref()))?;
            writeln!(
                f,
                "{}",
                if addresses.is_empty() { String::new() } else { format!(", {}", addresses.join(", ")) }
            )?;
        }
        Ok(())
    }
}

fn words(desc: Option<&str>) -> String {
    desc.map(|desc| format!(": {desc}")).unwrap_or_default()
}

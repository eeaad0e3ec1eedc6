//! `--wsp`, `--transaction-id` and `--segments`: a message as the push that carries it, whole or as short messages, for
//! those who send it by other means.

use std::fmt;

use serde::Serialize;

use super::{Exit, Failure};
use crate::{
    app::OsRandom,
    ident::Random as _,
    wire::{
        Encode as _,
        wdp::{self, Ports, Reference},
        wsp::Push,
    },
};

/// Arguments about the push.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("push").multiple(true).args(["wsp", "segments"]))]
pub(super) struct WspArgs {
    /// The whole WSP push in place of its content alone, ready for a gateway, a modem or a UDP socket.
    #[arg(long)]
    wsp: bool,
    /// Transaction identifier of the push, 0 to 255; 1 when absent. It is the reference of its segments too, and drawn
    /// for them: a phone keeps segments of one reference for a while, and would mix two messages of the same.
    #[arg(long, value_name = "N", requires = "push")]
    transaction_id: Option<u8>,
    /// The whole WSP push as the user data of short messages, header first, one line of hexadecimal digits each; with a reference
    /// of 8 or 16 bits, 8 when nothing stands there. Their data coding is F5 or 04.
    #[arg(long, value_name = "BITS", num_args = 0..=1, require_equals = true, default_missing_value = "8")]
    segments: Option<Width>,
}

/// How wide the reference of segments is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Width {
    /// 8 bits: 128 octets in each segment. Every device takes it.
    #[value(name = "8")]
    Short,
    /// 16 bits: 127 octets.
    #[value(name = "16")]
    Long,
}

/// A push that was asked for.
pub(super) struct Pushed {
    /// Its octets.
    pub(super) octets: Vec<u8>,
    /// Its segments, where they were asked for: hexadecimal digits.
    pub(super) segments: Option<Vec<String>>,
    pub(super) report: PushReport,
}

/// What is told of a push.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PushReport {
    transaction_id: u8,
    /// Octets in all.
    size: usize,
    /// All in front of the content.
    header_hex: String,
    /// The application that it is for; none for the default one.
    application: Option<String>,
    /// How many short messages it takes; none when it fits no 255 of them.
    short_messages: Option<usize>,
}

impl WspArgs {
    /// True when the push is asked for.
    pub(super) fn wanted(&self) -> bool {
        self.wsp || self.segments.is_some()
    }

    /// The push that `make` gives for the transaction identifier, when one is asked for.
    ///
    /// # Errors
    /// When it does not fit the short messages that were asked for.
    pub(super) fn push(&self, make: impl FnOnce(u8) -> Push) -> anyhow::Result<Option<Pushed>> {
        if !self.wanted() {
            return Ok(None);
        }
        let tid = self.transaction_id.unwrap_or_else(|| match self.segments {
            None => 1,
            Some(_) => {
                let mut tid = [0];
                OsRandom.fill(&mut tid);
                let [tid] = tid;
                tid
            }
        });
        let push = make(tid);
        let octets = push.to_octets();
        let reference = match self.segments {
            Some(Width::Long) => Reference::Long(u16::from(tid)),
            Some(Width::Short) | None => Reference::Short(tid),
        };
        let split = wdp::split(Ports::PUSH, reference, u8::MAX, &octets);
        let header = octets.get(..octets.len() - push.body.len()).unwrap_or(&octets);
        let report = PushReport {
            transaction_id: tid,
            size: octets.len(),
            header_hex: hex(header),
            application: push.application().map(|a| a.uri().into_owned()),
            short_messages: split.as_ref().ok().map(Vec::len),
        };
        let segments = match (self.segments, split) {
            (None, _) => None,
            (Some(_), Ok(split)) => Some(split.iter().map(|s| hex(&s.to_octets())).collect()),
            (Some(_), Err(error)) => return Err(Failure::because(Exit::Failed, error)),
        };
        Ok(Some(Pushed { octets, segments, report }))
    }
}

/// Octets as hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

impl fmt::Display for PushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets, transaction {:02X}", self.size, self.transaction_id)?;
        if let Some(application) = &self.application {
            write!(f, ", for {application}")?;
        }
        match self.short_messages {
            Some(1) => f.write_str(", 1 short message"),
            Some(n) => write!(f, ", {n} short messages"),
            None => f.write_str(", too long for short messages"),
        }
    }
}

//! Times on the command line: a moment, or how long from now.

use std::{str::FromStr, time::Duration};

use crate::ident::Timestamp;

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// This one.
    At(jiff::Timestamp),
    /// So long from now: `+2h`.
    In(Duration),
}

/// A span of time: a number and s, min, h or d.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

const UNITS: &str = "expected a number and s, min, h or d";

impl When {
    /// The moment in whole seconds, which is what PAP has.
    pub(super) fn from(self, now: Timestamp) -> jiff::Timestamp {
        match self {
            Self::At(at) => at,
            Self::In(span) => {
                let seconds = now.plus(span).as_millis().div_euclid(1000);
                jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX)
            }
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(span) = text.strip_prefix('+') {
            return Ok(Self::In(span.parse::<Span>()?.0));
        }
        let at = text.parse::<jiff::Timestamp>();
        at.map(Self::At).map_err(|_| format!("expected a time such as 2026-12-01T10:00:00Z or +2h ({UNITS})"))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.find(|c: char| !c.is_ascii_digit()).ok_or(UNITS)?;
        let (number, unit) = text.split_at(at);
        let seconds = match unit {
            "s" => 1,
            "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(UNITS.to_owned()),
        };
        let number: u32 = number.parse().map_err(|_| UNITS)?;
        let span = Duration::from_secs(u64::from(number) * seconds);
        // Longer than any gateway keeps a push; and what is added to a time stays one.
        if span > Duration::from_secs(366 * 86_400) {
            return Err("at most a year".to_owned());
        }
        Ok(Self(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_spans_are_read() {
        let now = Timestamp::from_millis(1_795_656_633_942);
        let read = |text: &str| text.parse::<When>().map(|w| w.from(now).to_string());
        assert_eq!(read("2026-12-01T10:00:00Z"), Ok("2026-12-01T10:00:00Z".to_owned()));
        assert_eq!(read("+2h"), Ok("2026-11-26T03:30:33Z".to_owned()));
        assert_eq!(read("+90min"), Ok("2026-11-26T03:00:33Z".to_owned()));
        for bad in ["", "tomorrow", "+", "+h", "+2", "+2w", "+99999999999h", "+367d", "2h"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

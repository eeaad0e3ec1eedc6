//! How far a delivery is that has not ended, for whoever asks.

use crate::ident::Timestamp;

/// What is said of a delivery of which the network has everything, and receipts are to come.
pub const SENT: &str = "the network has it";

/// How far a delivery is that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits.
    Waits {
        /// When it is due.
        due: Timestamp,
        /// Whether it was handed out before: then `due` is the next try, and not when it was handed in for.
        tried: bool,
    },
    /// It leaves, or has left.
    Leaves {
        /// Short messages that the network has taken, as far as receipts are to come for them.
        taken: u8,
        /// Short messages that are delivered, as their receipts say.
        delivered: u8,
        /// Short messages in all.
        of: u8,
    },
}

/// What keeps a delivery from leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    /// For whoever pushes.
    pub what: &'static str,
    /// Which links it is, and what keeps each: for the operator.
    pub links: Vec<String>,
}

impl Hindrance {
    /// In words, with the links or without.
    pub fn says(&self, with_links: bool) -> String {
        match with_links && !self.links.is_empty() {
            true => format!("it waits: {} ({})", self.what, self.links.join("; ")),
            false => format!("it waits: {}", self.what),
        }
    }
}

impl Stage {
    /// In words; none where there is nothing to tell. `why` is what is known of it otherwise, such as why it was put off;
    /// `hindrance` is what keeps it.
    pub(super) fn says(self, why: &str, hindrance: Option<String>, now: Timestamp) -> Option<String> {
        let (why, later) = match self {
            Self::Waits { due, .. } if due > now && !why.is_empty() => {
                (None, Some(format!("it waits until {due}: {why}")))
            }
            Self::Waits { due, tried: false } if due > now => {
                return Some(format!("it waits until {due}: it was handed in for then"));
            }
            Self::Leaves { taken: taken @ 1.., delivered, of } => {
                let way = format!(
                    "the network has {taken} of {of} short messages, {delivered} of them are delivered"
                );
                // That it has all is said by number.
                let besides = why.strip_prefix(SENT).map(|besides| besides.trim_start_matches("; "));
                (Some(besides.unwrap_or(why)), Some(way))
            }
            Self::Waits { .. } | Self::Leaves { .. } => (Some(why), None),
        };
        let why = why.filter(|why| !why.is_empty()).map(str::to_owned);
        let all: Vec<String> = [later, hindrance, why].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_waited_for() {
        let (now, soon) = (Timestamp::from_millis(0), Timestamp::from_millis(5_000));
        let no_link = || Some("no link stands".to_owned());
        let leaves = |taken, delivered| Stage::Leaves { taken, delivered, of: 8 };
        let waits = |due, tried| Stage::Waits { due, tried };
        let at = "it waits until 1970-01-01T00:00:05.000Z";
        for (stage, why, hindrance, said) in [
            (waits(soon, false), "", no_link(), Some(format!("{at}: it was handed in for then"))),
            (waits(soon, true), "busy", None, Some(format!("{at}: busy"))),
            (waits(soon, true), "busy", no_link(), Some(format!("{at}: busy; no link stands"))),
            // Put back for a moment, because it could not leave.
            (waits(soon, true), "", no_link(), no_link()),
            (waits(soon, true), "", None, None),
            (waits(now, false), "busy", no_link(), Some("no link stands; busy".to_owned())),
            (waits(now, false), "", None, None),
            (leaves(0, 0), "", None, None),
            (
                leaves(8, 2),
                SENT,
                None,
                Some("the network has 8 of 8 short messages, 2 of them are delivered".to_owned()),
            ),
            (
                leaves(5, 2),
                "the network has it; twice",
                no_link(),
                Some(
                    "the network has 5 of 8 short messages, 2 of them are delivered; no link stands; twice"
                        .to_owned(),
                ),
            ),
        ] {
            assert_eq!(stage.says(why, hindrance, now), said);
        }
    }

    #[test]
    fn links_are_told_to_the_operator_alone() {
        let hindrance = Hindrance { what: "no link stands", links: vec!["a: refused".into(), "b".into()] };
        assert_eq!(hindrance.says(true), "it waits: no link stands (a: refused; b)");
        assert_eq!(hindrance.says(false), "it waits: no link stands");
    }
}

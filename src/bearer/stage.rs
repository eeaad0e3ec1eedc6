//! How far a delivery is that has not ended, for whoever asks.

use crate::ident::Timestamp;

/// How far a delivery is that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits, and is due then.
    Waits(Timestamp),
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

impl Stage {
    /// In words; none where there is nothing to tell yet. `why` is what is known of it otherwise, such as why it was put off;
    /// `trouble` is why nothing leaves.
    pub(super) fn says(self, why: &str, trouble: Option<String>, now: Timestamp) -> Option<String> {
        let way = match self {
            Self::Waits(due) if due > now => {
                let why = if why.is_empty() { "it was handed in for then" } else { why };
                return Some(format!("it waits until {due}: {why}"));
            }
            Self::Leaves { taken: taken @ 1.., delivered, of } => Some(format!(
                "the network has {taken} of {of} short messages, {delivered} of them are delivered"
            )),
            Self::Waits(_) | Self::Leaves { .. } => None,
        };
        let why = Some(why.to_owned()).filter(|why| !why.is_empty());
        let all: Vec<String> = [way, trouble, why].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_waited_for() {
        let (now, soon) = (Timestamp::from_millis(0), Timestamp::from_millis(5_000));
        let trouble = || Some("no link stands".to_owned());
        let leaves = |taken, delivered| Stage::Leaves { taken, delivered, of: 8 };
        for (stage, why, trouble, said) in [
            (
                Stage::Waits(soon),
                "",
                trouble(),
                Some("it waits until 1970-01-01T00:00:05.000Z: it was handed in for then"),
            ),
            (Stage::Waits(soon), "busy", None, Some("it waits until 1970-01-01T00:00:05.000Z: busy")),
            (Stage::Waits(now), "busy", trouble(), Some("no link stands; busy")),
            (Stage::Waits(now), "", None, None),
            (leaves(0, 0), "", None, None),
            (leaves(5, 2), "", None, Some("the network has 5 of 8 short messages, 2 of them are delivered")),
            (
                leaves(5, 0),
                "",
                trouble(),
                Some("the network has 5 of 8 short messages, 0 of them are delivered; no link stands"),
            ),
        ] {
            assert_eq!(stage.says(why, trouble, now).as_deref(), said);
        }
    }
}

//! How loud refused credentials are. An operator must see that devices are turned away; a stranger can cause as many
//! refusals as it likes, and may not fill the log.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    dm::Refusal,
    ident::{Timestamp, without_imsi},
};

/// Warnings in one [`WINDOW`].
const LOUD: u32 = 10;
/// The time after which refusals are told again.
const WINDOW: Duration = Duration::from_secs(60);
/// The most characters of what a stranger calls itself.
const MAX_NAME: usize = 64;

/// Counts refusals.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    since: Option<Timestamp>,
    told: u32,
    untold: u64,
}

impl Refusals {
    /// Warns of a refusal, or only counts it.
    pub(super) fn warn(&self, device: &str, refusal: Refusal, at: Timestamp) {
        let Some(untold) = self.loud(at) else { return };
        if untold > 0 {
            tracing::warn!(
                dm.refusals = untold,
                "Credentials were refused {untold} more times, not told one by one"
            );
        }
        let short: String = device.chars().take(MAX_NAME).collect();
        let device = without_imsi(&short);
        let then = match refusal {
            Refusal::Challenged => "it may try again with a fresh nonce",
            Refusal::Ended => "its session is over",
        };
        tracing::warn!(dm.device = %device, dm.refusal = ?refusal, "Credentials of {device:?} were refused; {then}");
    }

    /// How many were not told before this one, when this one is told.
    fn loud(&self, at: Timestamp) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |since: Timestamp| at.since(since) >= WINDOW;
        if window.since.is_none_or(is_old) {
            let untold = window.untold;
            *window = Window { since: Some(at), told: 1, untold: 0 };
            return Some(untold);
        }
        if window.told < LOUD {
            window.told += 1;
            return Some(0);
        }
        window.untold += 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_told() {
        let refusals = Refusals::default();
        let at = |second: i64| Timestamp::from_millis(second * 1000);
        let told = |second: i64| (0..1000).filter_map(|_| refusals.loud(at(second))).collect::<Vec<_>>();
        assert_eq!(told(0), [0; 10]);
        assert_eq!(told(59), [0; 0]);
        assert_eq!(told(60)[..2], [1990, 0], "what was not told is counted");
        assert_eq!(refusals.loud(at(130)), Some(990));
        // A clock that was set back tells again, sooner or later.
        assert_eq!(refusals.loud(at(0)), Some(0));
    }
}

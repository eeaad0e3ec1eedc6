//! The send rate limit: a bucket of tokens, one for each short message.

use std::{num::NonZeroU32, time::Duration};

/// Tokens come in evenly; what is not used stays for a tenth of a second, so that a pause does not end in a burst that an
/// SMSC answers with RTHROTTLED.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Between two tokens; none without a limit.
    every: Option<Duration>,
    /// When the bucket was, or will be, empty: `now - empty` is what is in it, in time.
    empty: Duration,
}

/// How long tokens are kept.
const KEPT: Duration = Duration::from_millis(100);

impl Bucket {
    /// A bucket that gives so many tokens a second.
    pub(super) fn new(rate: Option<NonZeroU32>, now: Duration) -> Self {
        Self { every: rate.map(|rate| Duration::from_secs(1) / rate.get()), empty: now }
    }

    /// When the next token can be taken.
    pub(super) fn ready(&self) -> Duration {
        self.every.map_or(Duration::ZERO, |_| self.empty)
    }

    /// Takes a token; false when there is none.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let Some(every) = self.every else { return true };
        let floor = now.saturating_sub(KEPT.saturating_sub(every));
        self.empty = self.empty.max(floor);
        let there = self.empty <= now;
        if there {
            self.empty += every;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_over_any_second() {
        for rate in [1, 7, 30, 1000] {
            let mut bucket = Bucket::new(NonZeroU32::new(rate), Duration::ZERO);
            let taken: Vec<u64> = (0..10_000).filter(|ms| bucket.take(Duration::from_millis(*ms))).collect();
            let wanted = u64::from(rate) * 10;
            assert!((wanted - 1..=wanted + 1).contains(&(taken.len() as u64)), "{rate}: {}", taken.len());
            for from in &taken {
                let within = taken.iter().filter(|at| (*from..*from + 1000).contains(*at)).count();
                assert!(within <= rate as usize + rate as usize / 10 + 1, "{rate}: {within} from {from}");
            }
        }
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let mut bucket = Bucket::new(None, Duration::ZERO);
        assert!((0..1000).all(|_| bucket.take(Duration::ZERO)));
        assert_eq!(bucket.ready(), Duration::ZERO);
    }

    #[test]
    fn it_says_when_the_next_one_is_there() {
        let mut bucket = Bucket::new(NonZeroU32::new(10), Duration::from_secs(5));
        assert!(bucket.take(Duration::from_secs(5)));
        assert!(!bucket.take(Duration::from_millis(5_099)));
        assert_eq!(bucket.ready(), Duration::from_millis(5_100));
        assert!(bucket.take(bucket.ready()));
    }
}

//! How fast an initiator may push: a bucket for each that fills with time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::{Initiator, Ppg};
use crate::{
    bearer::{InitiatorName, Refused},
    ident::Timestamp,
    wire::pap::StatusCode,
};

/// Seconds of its rate that an initiator may use up at once.
const BURST: i64 = 10;

/// What each initiator has left, in thousandths of a delivery, and since when.
#[derive(Default)]
pub(super) struct Rates(Mutex<HashMap<InitiatorName, (i64, Timestamp)>>);

impl Ppg {
    /// Takes deliveries from what an initiator has left.
    pub(super) fn spend(
        &self,
        initiator: &Initiator,
        deliveries: usize,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let Some(rate) = initiator.rights.rate else { return Ok(()) };
        if self.0.rates.take(&initiator.name, rate, deliveries, now) {
            return Ok(());
        }
        let why = format!("this initiator may push {rate} a second; try again later");
        Err(Refused { code: StatusCode::SERVICE_UNAVAILABLE, why })
    }
}

impl Rates {
    /// False when there is not enough left. A push for more devices than the bucket ever holds goes when it is full, and
    /// those after it wait the longer.
    fn take(&self, name: &InitiatorName, rate: u32, deliveries: usize, now: Timestamp) -> bool {
        let rate = i64::from(rate);
        let full = rate * BURST * 1000;
        let wanted = i64::try_from(deliveries).unwrap_or(i64::MAX).saturating_mul(1000);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = all.entry(name.clone()).or_insert((full, now));
        let passed = i64::try_from(now.since(*since).as_millis()).unwrap_or(i64::MAX);
        *left = left.saturating_add(passed.saturating_mul(rate)).min(full);
        *since = now;
        if *left < wanted.min(full) {
            return false;
        }
        *left -= wanted;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let (rates, name) = (Rates::default(), "a".parse().unwrap());
        let at = Timestamp::from_millis;
        let other = "b".parse().unwrap();
        let taken = (0..50).filter(|_| rates.take(&name, 2, 1, at(0))).count();
        assert_eq!(taken, 20);
        assert!(rates.take(&other, 2, 1, at(0)), "each has its own");
        assert!(!rates.take(&name, 2, 1, at(499)) && rates.take(&name, 2, 1, at(500)));
        // A campaign is let through once, and then paid for.
        assert!(rates.take(&name, 2, 100, at(60_000)));
        assert!(!rates.take(&name, 2, 1, at(61_000)) && rates.take(&name, 2, 1, at(100_500)));
        // A clock that goes back gives nothing and breaks nothing.
        assert!(rates.take(&name, 2, 1, at(200_000)) && rates.take(&name, 2, 1, at(0)));
    }
}

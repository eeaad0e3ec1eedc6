//! The operating system's random source behind [`Random`]: the only one that secrets for real cards and devices
//! are drawn from.

use crate::ident::Random;

/// Octets from the operating system's generator.
///
/// [`Random::fill`] cannot report a failure, and there is no safe way to go on without one: whoever asked would
/// put a secret on a card that anybody can guess. So when the operating system has no random octets to give, the
/// process says so and aborts.
#[derive(Debug, Clone, Copy)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, out: &mut [u8]) {
        if let Err(error) = getrandom::fill(out) {
            tracing::error!(%error, "The operating system gives no random octets ({error}); stopping at once");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ_and_fill_everything() {
        let (mut a, mut b) = ([0u8; 64], [0u8; 64]);
        OsRandom.fill(&mut a);
        OsRandom.fill(&mut b);
        assert_ne!(a, b);
        assert!(a.iter().filter(|o| **o == 0).count() < 16, "64 octets with more than 15 zeros");
    }
}

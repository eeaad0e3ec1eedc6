//! How often the journal is looked at again when another hand was faster.

use std::time::Duration;

use super::RecoverError;
use crate::card::WriteJournalError;

/// How often in all.
const MOST: u32 = 40;
/// How long an entry that somebody works on is left alone before the next look: 2 s in all.
const PAUSE: Duration = Duration::from_millis(50);

/// The looks at the journal that are left to who would settle a write. Whoever had begun it may come to its end between the look
/// and the hand on it; and one whose card was pulled, or whose reader went, needs a moment to hear of that and to let it go.
#[derive(Debug)]
pub struct Looks {
    left: u32,
}

impl Looks {
    /// True when it is worth another look after this error. Waits a moment where somebody still works on the write.
    pub fn again(&mut self, error: &RecoverError) -> bool {
        let pause = match error.journal() {
            Some(WriteJournalError::Gone { .. }) => Duration::ZERO,
            Some(WriteJournalError::UnderWay { .. }) => PAUSE,
            _ => return false,
        };
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        std::thread::sleep(pause);
        true
    }
}

impl Default for Looks {
    fn default() -> Self {
        Self { left: MOST }
    }
}

//! Whoever a write to a card is done for, and what he hears of it while the journal still holds it.
//!
//! | step                                   | a cut behind it leaves                 | the next contact                       |
//! |----------------------------------------|----------------------------------------|----------------------------------------|
//! | the journal holds the write            | an entry, an untouched card            | tells "old", closes                    |
//! | [`WriteObserver::begun`]               | an entry, an untouched card            | tells "old", closes                    |
//! | each step of the write                 | an entry, a card between old and new   | settles the card, tells, closes        |
//! | all was read back                      | an entry, a card that is new           | tells "new", closes                    |
//! | [`WriteObserver::settled`]             | an entry, an observer who knows        | tells once more, which changes nothing |
//! | the journal closes the entry           | nothing                                |                                        |

use super::Now;

/// Whoever a write is done for. He is told before the journal forgets, and may be told the same twice.
pub trait WriteObserver {
    /// The write is in the journal, and the first change is next. `reference` is what the plan says it is for.
    ///
    /// # Errors
    /// [`NotTold`]; then nothing is written.
    fn begun(&mut self, reference: Option<&str>) -> Result<(), NotTold>;

    /// The card holds all of the write, or nothing of it any more.
    ///
    /// # Errors
    /// [`NotTold`]; then the write stays in the journal, and the next contact with the card tells it again.
    fn settled(&mut self, settled: &Settled<'_>) -> Result<(), NotTold>;
}

/// How a write ended.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'a> {
    /// What it was for, in the words of whoever began it.
    pub reference: Option<&'a str>,
    /// What the card holds.
    pub now: Now,
    /// Why it was not written; none when it was cut off and taken back.
    pub why: Option<&'a (dyn std::error::Error + 'static)>,
}

/// Whoever a write is done for could not be told.
#[derive(Debug, thiserror::Error)]
#[error("it could not be recorded: {source}")]
pub struct NotTold {
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl NotTold {
    /// From the error of whatever keeps it.
    pub fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Box::new(source) }
    }
}

/// Nobody has to be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl WriteObserver for Unobserved {
    fn begun(&mut self, _reference: Option<&str>) -> Result<(), NotTold> {
        Ok(())
    }

    fn settled(&mut self, _settled: &Settled<'_>) -> Result<(), NotTold> {
        Ok(())
    }
}

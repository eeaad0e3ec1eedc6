//! How the card in a reader is connected to, in a bay or alone.

use std::time::Duration;

use super::{
    Contact,
    pulse::{Abandoned, Pulse},
};
use crate::{
    card::{CardTransport, ReaderContext, ReaderError},
    ident::ReaderName,
};

/// The first and the longest wait before the service, or a card that another program has, is tried again.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(50);
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(1600);
/// How often a card that another program has is tried: 3 s in all.
pub(super) const SHARING_TRIES: u32 = 7;

/// Connects: again after a while where another program has the card, and once more where it is mute, with its power taken away in
/// between; `repowered`: that was done before.
pub(super) fn connect(
    context: &mut dyn ReaderContext,
    reader: &ReaderName,
    pulse: &Pulse,
    (contact, repowered): (&mut Contact, &mut bool),
    is_over: &dyn Fn() -> bool,
) -> Result<Result<Box<dyn CardTransport>, ReaderError>, Abandoned> {
    let (mut wait, mut tries) = (FIRST_WAIT, 1);
    loop {
        let error = match pulse.watched(|| context.connect(reader))? {
            Ok(card) => return Ok(Ok(card)),
            Err(error) => error,
        };
        match error {
            ReaderError::InUse { .. } if tries < SHARING_TRIES && !is_over() => {
                std::thread::sleep(wait);
                wait = (wait * 2).min(LONGEST_WAIT);
                tries += 1;
            }
            ReaderError::Mute { .. } if !*repowered => {
                *repowered = true;
                contact.errors += 1;
                contact.repowered += 1;
                // The next connection tells whether it helped.
                let _ = pulse.watched(|| context.repower(reader))?;
            }
            error => return Ok(Err(error)),
        }
    }
}

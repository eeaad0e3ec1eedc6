//! Watches which readers there are: on a thread and in a context of its own, because the status call takes no more entries
//! than there may be readers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::thread::LOOK;
use crate::{
    card::{ReaderContext, ReaderError, ReaderService},
    ident::ReaderName,
};

/// Before the service is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// What is told of the readers as a whole.
pub(super) enum Plugged {
    /// These are there.
    Readers(Vec<ReaderName>),
    /// The service is gone.
    Lost(ReaderError),
}

/// Tells of the readers until it is stopped: at once, and again and again, so that a bay whose reader blinked comes back.
pub(super) fn watch(service: &dyn ReaderService, stop: &AtomicBool, tell: &dyn Fn(Plugged)) {
    let is_over = || stop.load(Ordering::Relaxed);
    while !is_over() {
        let lost = service.open().map_or_else(Some, |mut context| {
            std::iter::repeat_with(|| look(&mut *context, tell))
                .take_while(|_| !is_over())
                .find_map(Result::err)
        });
        if let Some(error) = lost {
            tell(Plugged::Lost(error));
            std::thread::sleep(PAUSE);
        }
    }
}

fn look(context: &mut dyn ReaderContext, tell: &dyn Fn(Plugged)) -> Result<(), ReaderError> {
    tell(Plugged::Readers(context.readers()?));
    let began = Instant::now();
    context.wait_for_readers(LOOK)?;
    // A service that answers at once although nothing happened must not keep a processor busy.
    std::thread::sleep(Duration::from_millis(20).saturating_sub(began.elapsed()));
    Ok(())
}

/// Starts the watch on a thread.
pub(super) fn start(
    service: Arc<dyn ReaderService>,
    stop: Arc<AtomicBool>,
    tell: impl Fn(Plugged) + Send + 'static,
) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("readers".to_owned());
    thread.spawn(move || watch(&*service, &stop, &tell)).map(drop)
}

//! A write that is another's between our look at the journal and our hand on it: whoever had begun it comes back and settles it,
//! or is still at it and lets it go.

use std::sync::{Arc, Mutex};

use bootgate::{
    card::{EntryId, Hold, PendingEntry, PendingSummary, PendingWrite, WriteJournal, WriteJournalError},
    ident::Iccid,
    job::{State, Verdict},
    lab::{image::SampleKind, reader::Fault},
};

use super::{Ear, ICCID, RIGHT, Station, holds, job};

/// A journal where somebody else has a write in his hands.
struct Meanwhile {
    journal: Arc<dyn WriteJournal>,
    other: Mutex<Other>,
}

/// What he does with it.
enum Other {
    /// He closes it when we have looked at it and would take it.
    Closes,
    /// He lets it go when we have looked at it so often.
    LetsGo(u32, Hold),
    /// He is done.
    Gone,
}

impl WriteJournal for Meanwhile {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        let found = self.journal.pending(card);
        let mut other = self.other.lock().unwrap();
        match std::mem::replace(&mut *other, Other::Gone) {
            Other::LetsGo(0, hold) => self.journal.leave(&hold),
            Other::LetsGo(looks, hold) => *other = Other::LetsGo(looks - 1, hold),
            same => *other = same,
        }
        found
    }

    fn begin(&self, write: &PendingWrite) -> Result<Hold, WriteJournalError> {
        self.journal.begin(write)
    }

    fn replace(&self, hold: &Hold, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.journal.replace(hold, write)
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<Hold, WriteJournalError> {
        let mut other = self.other.lock().unwrap();
        if let Other::Closes = std::mem::replace(&mut *other, Other::Gone) {
            let his = self.journal.take(card, entry)?;
            self.journal.close(&his)?;
        }
        self.journal.take(card, entry)
    }

    fn leave(&self, hold: &Hold) {
        self.journal.leave(hold);
    }

    fn close(&self, hold: &Hold) -> Result<(), WriteJournalError> {
        self.journal.close(hold)
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        self.journal.list()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_settled_meanwhile_keeps_nobody_from_the_next() {
    goes_on(|_, _| Other::Closes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_somebody_is_at_is_waited_for() {
    goes_on(|journal, entry| Other::LetsGo(2, journal.take(&ICCID.parse().unwrap(), entry).unwrap())).await;
}

/// A job whose card has a write in the journal that is in somebody else's hands.
async fn goes_on(other: impl FnOnce(&dyn WriteJournal, EntryId) -> Other) {
    let station = Station::with(SampleKind::Prepared).await;
    let clean = station.card.image();
    let mut route = station.app.card_route();
    // A write that is in the journal, and of which nothing is on the card.
    let mut at = 0;
    let entry = loop {
        at += 1;
        let reader = station.reader().with_fault(Fault::CutBefore(at));
        station.run_with(job(RIGHT), reader, Verdict::GoOn).await.unwrap_err();
        if let Some(entry) = route.writes.pending(&ICCID.parse().unwrap()).unwrap() {
            break entry.id;
        }
    };
    assert!(station.card.image() == clean);

    let other = Mutex::new(other(&*route.writes, entry));
    route.writes = Arc::new(Meanwhile { journal: route.writes, other });
    let (mut reader, heard) = (station.reader(), Arc::clone(&station.heard));
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        let mut ear = Ear { heard, verdict: Verdict::GoOn };
        route.run(&job(RIGHT), &mut reader, &mut ear, &runtime)
    });
    assert_eq!(done.await.unwrap().unwrap().record.job.state, State::Delivered);
    assert!(holds(&station.card, &station.heard().payload));
}

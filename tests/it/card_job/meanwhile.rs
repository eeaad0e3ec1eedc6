//! A write that is settled by another between our look at the journal and our hand on it: the thread of a card that was given up comes
//! back, having written nothing.

use std::sync::Arc;

use bootgate::{
    card::{EntryId, PendingEntry, PendingSummary, PendingWrite, WriteJournal, WriteJournalError},
    ident::Iccid,
    job::{State, Verdict},
    lab::{image::SampleKind, reader::Fault},
};

use super::{Ear, ICCID, RIGHT, Station, holds, job};

/// A journal where whoever had begun a write comes back, and closes it between our look at it and our hand on it.
struct SettledMeanwhile(Arc<dyn WriteJournal>);

impl WriteJournal for SettledMeanwhile {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        self.0.pending(card)
    }

    fn begin(&self, write: &PendingWrite) -> Result<EntryId, WriteJournalError> {
        self.0.begin(write)
    }

    fn replace(&self, entry: EntryId, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.0.replace(entry, write)
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<(), WriteJournalError> {
        self.0.take(card, entry)?;
        self.0.close(card, entry)?;
        self.0.take(card, entry)
    }

    fn leave(&self, entry: EntryId) {
        self.0.leave(entry);
    }

    fn close(&self, card: &Iccid, entry: EntryId) -> Result<(), WriteJournalError> {
        self.0.close(card, entry)
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        self.0.list()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_settled_meanwhile_keeps_nobody_from_the_next() {
    let station = Station::with(SampleKind::Prepared).await;
    let clean = station.card.image();
    let mut route = station.app.card_route();
    // A write that is in the journal, and of which nothing is on the card.
    for at in 1.. {
        let reader = station.reader().with_fault(Fault::CutBefore(at));
        station.run_with(job(RIGHT), reader, Verdict::GoOn).await.unwrap_err();
        if route.writes.pending(&ICCID.parse().unwrap()).unwrap().is_some() {
            break;
        }
    }
    assert!(station.card.image() == clean);

    route.writes = Arc::new(SettledMeanwhile(Arc::clone(&route.writes)));
    let (mut reader, heard) = (station.reader(), Arc::clone(&station.heard));
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        let mut ear = Ear { heard, verdict: Verdict::GoOn };
        route.run(&job(RIGHT), &mut reader, &mut ear, &runtime)
    });
    assert_eq!(done.await.unwrap().unwrap().record.job.state, State::Delivered);
    assert!(holds(&station.card, &station.heard().payload));
}

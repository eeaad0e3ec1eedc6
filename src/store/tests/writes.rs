//! The journal of writes: what outlives the process, and who can read it.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use super::{Fixed, at, open};
use crate::{
    card::{
        ContactWrites, EntryId, Hold, MemoryWriteJournal, PendingEntry, PendingSummary, PendingWrite,
        WriteJournal, WriteJournalError,
    },
    ident::Iccid,
    store::Writes,
    vault::{KeySource, Vault},
};

/// Octets of a file on a card that must be readable nowhere.
const MARK: &str = "4f68426568617665";

pub(super) fn write(card: &str) -> PendingWrite {
    let json = format!(
        r#"{{"form":1,"card":"{card}","keys":[10],"steps":[{{"step":"octets","file":"3F00/7F50/6431","at":0,"known":8,"old":"{MARK}","new":"FFFFFFFFFFFFFFFF"}}]}}"#
    );
    PendingWrite::from_octets(json.as_bytes()).unwrap()
}

async fn journal(dir: &Path, key: &str) -> Writes {
    let store = open(&dir.join("jobs.db")).await;
    let vault = Vault::new(KeySource::Made(dir.join(key)), Arc::new(Fixed));
    Writes::new(&store, Arc::new(vault), Arc::new(Fixed))
}

#[tokio::test]
async fn a_write_outlives_the_process_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (write("89490200001234567892"), write("89490200001234567900"));
    {
        let writes = journal(dir.path(), "key").await;
        assert_eq!(writes.pending(&one.card).unwrap(), None);
        let hold = writes.begin(&one).unwrap();
        writes.begin(&two).unwrap();
        // Only one at a time, and the first one stays.
        assert!(matches!(writes.begin(&one), Err(WriteJournalError::UnderWay { card }) if card == one.card));
        writes.leave(&hold);
        assert!(matches!(writes.begin(&one), Err(WriteJournalError::Pending { card }) if card == one.card));
    }
    let writes = journal(dir.path(), "key").await;
    let entry = writes.pending(&one.card).unwrap().unwrap();
    assert_eq!((&entry.write, entry.under_way), (&one, false));
    let list = writes.list().unwrap();
    assert_eq!(
        list.iter().map(|s| (&s.card, s.began, s.steps)).collect::<Vec<_>>(),
        [(&one.card, Some(at(7)), 1), (&two.card, Some(at(7)), 1)]
    );
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let octets = std::fs::read(&path).unwrap();
        for mark in [MARK.as_bytes(), b"OhBehave"] {
            assert!(!octets.windows(mark.len()).any(|w| w == mark), "{} holds it in clear", path.display());
        }
    }
    let hold = writes.take(&one.card, entry.id).unwrap();
    writes.close(&hold).unwrap();
    assert_eq!(writes.pending(&one.card).unwrap(), None);
    let next = writes.begin(&one).unwrap();
    assert!(next.entry > entry.id, "a number is never given twice");
}

/// What a journal answers when there are two cards of one number, in two processes or in two bays of one.
fn each_settles_its_own(mine: &dyn WriteJournal, other: &dyn WriteJournal) {
    let one = write("89490200001234567892");
    let card = &one.card;
    let hold = mine.begin(&one).unwrap();
    let id = hold.entry;
    // While I write, nobody takes it for a write that was cut off.
    for journal in [mine, other] {
        let seen = journal.pending(card).unwrap().unwrap();
        assert!((seen.id, seen.under_way) == (id, true));
        assert!(journal.list().unwrap()[0].under_way);
        assert!(matches!(journal.begin(&one), Err(WriteJournalError::UnderWay { .. })));
        assert!(matches!(journal.take(card, id), Err(WriteJournalError::UnderWay { .. })));
    }
    let more = write("89490200001234567892");
    mine.replace(&hold, &more).unwrap();
    // It was cut off: who comes first settles it, and nobody else.
    mine.leave(&hold);
    assert!(!other.pending(card).unwrap().unwrap().under_way);
    let his = other.take(card, id).unwrap();
    for _ in 0..2 {
        assert!(matches!(mine.take(card, id), Err(WriteJournalError::UnderWay { .. })));
    }
    // The hand before does nothing to it any more, also when it comes back late.
    assert!(matches!(mine.close(&hold), Err(WriteJournalError::Gone { .. })));
    assert!(matches!(mine.replace(&hold, &one), Err(WriteJournalError::Gone { .. })));
    mine.leave(&hold);
    assert!(mine.pending(card).unwrap().unwrap().under_way);
    other.close(&his).unwrap();
    assert!(matches!(other.take(card, id), Err(WriteJournalError::Gone { .. })));
    assert!(matches!(other.close(&his), Err(WriteJournalError::Gone { .. })));
    // What was mine is not, and I do not close what came after it.
    let next = other.begin(&one).unwrap();
    assert!(matches!(mine.close(&hold), Err(WriteJournalError::Gone { .. })));
    assert!(matches!(mine.replace(&hold, &one), Err(WriteJournalError::Gone { .. })));
    mine.leave(&hold);
    assert!(other.pending(card).unwrap().unwrap().under_way);
    other.close(&next).unwrap();
    assert!(mine.list().unwrap().is_empty());
}

#[tokio::test]
async fn each_process_and_each_bay_settles_its_own_writes() {
    let dir = tempfile::tempdir().unwrap();
    let mine = journal(dir.path(), "key").await;
    each_settles_its_own(&mine, &journal(dir.path(), "key").await);
    each_settles_its_own(&mine, &mine.clone());
    let memory = MemoryWriteJournal::new();
    each_settles_its_own(&memory, &memory);
}

/// A contact that is given up with an entry in its hands, and comes back when the next contact has taken that.
fn what_was_given_up_is_the_next_ones(journal: &Arc<dyn WriteJournal>) {
    let one = write("89490200001234567892");
    let card = &one.card;
    for _ in 0..2 {
        let contact = ContactWrites::new(Arc::clone(journal));
        // One that it has begun; the second time one that it has taken.
        let hold = match journal.pending(card).unwrap() {
            None => contact.begin(&one).unwrap(),
            Some(entry) => contact.take(card, entry.id).unwrap(),
        };
        contact.replace(&hold, &one).unwrap();
        assert!(matches!(journal.take(card, hold.entry), Err(WriteJournalError::UnderWay { .. })));
        contact.give_up();
        assert!(!contact.pending(card).unwrap().unwrap().under_way);
        // It does nothing any more: neither while the entry is nobody's, nor when it is somebody else's.
        let mut next = None;
        for _ in 0..2 {
            assert!(matches!(contact.close(&hold), Err(WriteJournalError::GivenUp { .. })));
            assert!(matches!(contact.replace(&hold, &one), Err(WriteJournalError::GivenUp { .. })));
            assert!(matches!(contact.take(card, hold.entry), Err(WriteJournalError::GivenUp { .. })));
            assert!(matches!(contact.begin(&one), Err(WriteJournalError::GivenUp { .. })));
            contact.leave(&hold);
            assert_eq!(journal.pending(card).unwrap().unwrap().under_way, next.is_some());
            next.get_or_insert_with(|| journal.take(card, hold.entry).unwrap());
        }
        journal.leave(&next.unwrap());
    }
}

#[tokio::test]
async fn a_contact_that_was_given_up_touches_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let journal: Arc<dyn WriteJournal> = Arc::new(journal(dir.path(), "key").await);
    what_was_given_up_is_the_next_ones(&journal);
    what_was_given_up_is_the_next_ones(&(Arc::new(MemoryWriteJournal::new()) as _));
}

/// A journal that is waited for until the contact that waits is given up.
#[derive(Default)]
struct Slow {
    kept: MemoryWriteJournal,
    contact: OnceLock<Arc<ContactWrites>>,
}

impl Slow {
    fn give_up<T>(&self, answer: T) -> T {
        self.contact.get().into_iter().for_each(|contact| contact.give_up());
        answer
    }
}

impl WriteJournal for Slow {
    fn pending(&self, card: &Iccid) -> Result<Option<PendingEntry>, WriteJournalError> {
        self.kept.pending(card)
    }

    fn begin(&self, write: &PendingWrite) -> Result<Hold, WriteJournalError> {
        self.give_up(self.kept.begin(write))
    }

    fn replace(&self, hold: &Hold, write: &PendingWrite) -> Result<(), WriteJournalError> {
        self.kept.replace(hold, write)
    }

    fn take(&self, card: &Iccid, entry: EntryId) -> Result<Hold, WriteJournalError> {
        self.give_up(self.kept.take(card, entry))
    }

    fn leave(&self, hold: &Hold) {
        self.kept.leave(hold);
    }

    fn close(&self, hold: &Hold) -> Result<(), WriteJournalError> {
        self.kept.close(hold)
    }

    fn list(&self) -> Result<Vec<PendingSummary>, WriteJournalError> {
        self.kept.list()
    }
}

/// A contact that is given up while it waits for the journal.
fn given_up_by(slow: &Arc<Slow>) -> Arc<ContactWrites> {
    let contact = Arc::new(ContactWrites::new(Arc::clone(slow) as Arc<dyn WriteJournal>));
    assert!(slow.contact.set(Arc::clone(&contact)).is_ok());
    contact
}

#[test]
fn what_comes_into_its_hands_when_it_was_given_up_is_let_go() {
    let (slow, one) = (Arc::new(Slow::default()), write("89490200001234567892"));
    let contact = given_up_by(&slow);
    assert!(matches!(contact.begin(&one), Err(WriteJournalError::GivenUp { .. })));
    let entry = slow.pending(&one.card).unwrap().unwrap();
    assert!(!entry.under_way);

    let slow = Arc::new(Slow { kept: slow.kept.clone(), contact: OnceLock::new() });
    let contact = given_up_by(&slow);
    assert!(matches!(contact.take(&one.card, entry.id), Err(WriteJournalError::GivenUp { .. })));
    assert!(!slow.pending(&one.card).unwrap().unwrap().under_way);
}

#[tokio::test]
async fn a_process_that_is_gone_works_on_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let one = write("89490200001234567892");
    let other = journal(dir.path(), "key").await;
    let killed = journal(dir.path(), "key").await;
    let id = killed.begin(&one).unwrap().entry;
    assert!(other.pending(&one.card).unwrap().unwrap().under_way);
    drop(killed);
    assert!(!other.pending(&one.card).unwrap().unwrap().under_way);
    let hold = other.take(&one.card, id).unwrap();
    other.close(&hold).unwrap();
}

#[tokio::test]
async fn an_entry_opens_under_its_key_and_for_its_card_alone() {
    let dir = tempfile::tempdir().unwrap();
    let one = write("89490200001234567892");
    journal(dir.path(), "key").await.begin(&one).unwrap();
    let error = journal(dir.path(), "other").await;
    // A key file that is not there is not made for reading.
    let error = error.pending(&one.card).unwrap_err().to_string();
    assert!(error.contains("no such key file"), "{error}");
    let other: Iccid = "89490200001234567900".parse().unwrap();
    let path = dir.path().join("jobs.db");
    let store = open(&path).await;
    sqlx::query("UPDATE card_write SET iccid = ?").bind(other.digits()).execute(&store.writer).await.unwrap();
    let error = journal(dir.path(), "key").await.pending(&other).unwrap_err().to_string();
    assert!(error.contains("a sealed card-write was changed, or belongs elsewhere"), "{error}");
}

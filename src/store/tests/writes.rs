//! The journal of writes: what outlives the process, and who can read it.

use std::{path::Path, sync::Arc};

use super::{Fixed, at, open};
use crate::{
    card::{PendingWrite, WriteJournal, WriteJournalError},
    ident::Iccid,
    store::Writes,
    vault::{KeySource, Vault},
};

/// Octets of a file on a card that must be readable nowhere.
const MARK: &str = "4f68426568617665";

fn write(card: &str) -> PendingWrite {
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
        let id = writes.begin(&one).unwrap();
        writes.begin(&two).unwrap();
        // Only one at a time, and the first one stays.
        assert!(matches!(writes.begin(&one), Err(WriteJournalError::UnderWay { card }) if card == one.card));
        writes.leave(id);
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
    writes.take(&one.card, entry.id).unwrap();
    writes.close(&one.card, entry.id).unwrap();
    assert_eq!(writes.pending(&one.card).unwrap(), None);
    let next = writes.begin(&one).unwrap();
    assert!(next > entry.id, "a number is never given twice");
}

/// What a journal answers when there are two cards of one number, in two processes or in two bays of one.
fn each_settles_its_own(mine: &dyn WriteJournal, other: &dyn WriteJournal) {
    let one = write("89490200001234567892");
    let card = &one.card;
    let id = mine.begin(&one).unwrap();
    // While I write, nobody takes it for a write that was cut off.
    for journal in [mine, other] {
        let seen = journal.pending(card).unwrap().unwrap();
        assert!((seen.id, seen.under_way) == (id, true));
        assert!(journal.list().unwrap()[0].under_way);
        assert!(matches!(journal.begin(&one), Err(WriteJournalError::UnderWay { .. })));
        assert!(matches!(journal.take(card, id), Err(WriteJournalError::UnderWay { .. })));
    }
    let more = write("89490200001234567892");
    mine.replace(id, &more).unwrap();
    // It was cut off: who comes first settles it, and nobody else.
    mine.leave(id);
    assert!(!other.pending(card).unwrap().unwrap().under_way);
    other.take(card, id).unwrap();
    for _ in 0..2 {
        assert!(matches!(mine.take(card, id), Err(WriteJournalError::UnderWay { .. })));
    }
    other.close(card, id).unwrap();
    assert!(matches!(other.take(card, id), Err(WriteJournalError::Gone { .. })));
    // What was mine is not, and I do not close what came after it.
    let next = other.begin(&one).unwrap();
    assert!(matches!(mine.close(card, id), Err(WriteJournalError::Gone { .. })));
    assert!(matches!(mine.replace(id, &one), Err(WriteJournalError::Gone { .. })));
    mine.leave(id);
    assert!(other.pending(card).unwrap().unwrap().under_way);
    other.close(card, next).unwrap();
    assert!(mine.list().unwrap().is_empty());
}

#[tokio::test]
async fn each_process_and_each_bay_settles_its_own_writes() {
    let dir = tempfile::tempdir().unwrap();
    let mine = journal(dir.path(), "key").await;
    each_settles_its_own(&mine, &journal(dir.path(), "key").await);
    each_settles_its_own(&mine, &mine.clone());
    let memory = crate::card::MemoryWriteJournal::new();
    each_settles_its_own(&memory, &memory);
}

#[tokio::test]
async fn a_process_that_is_gone_works_on_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let one = write("89490200001234567892");
    let other = journal(dir.path(), "key").await;
    let killed = journal(dir.path(), "key").await;
    let id = killed.begin(&one).unwrap();
    assert!(other.pending(&one.card).unwrap().unwrap().under_way);
    drop(killed);
    assert!(!other.pending(&one.card).unwrap().unwrap().under_way);
    other.take(&one.card, id).unwrap();
    other.close(&one.card, id).unwrap();
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

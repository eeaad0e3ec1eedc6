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
        writes.begin(&one).unwrap();
        writes.begin(&two).unwrap();
        // Only one at a time, and the first one stays.
        assert!(matches!(writes.begin(&one), Err(WriteJournalError::Pending { card }) if card == one.card));
    }
    let writes = journal(dir.path(), "key").await;
    assert_eq!(writes.pending(&one.card).unwrap(), Some(one.clone()));
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
    writes.close(&one.card).unwrap();
    assert_eq!(writes.pending(&one.card).unwrap(), None);
    writes.begin(&one).unwrap();
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

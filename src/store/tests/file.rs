//! What the file must stand.

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{BUSY, Fixed, any, at, delivery, id, new_account, new_job, open};
use crate::{
    card::{KeyId, KeyJournal, KeyOutcome, KeyState},
    dm::{AccountId, Register},
    ident::Iccid,
    job::{Event, Jobs, Reason, State, Step},
    store::{Keys, Store, StoreError},
    wire::arr::KeyRef,
};

#[tokio::test]
async fn the_file_is_for_its_owner_alone_and_holds_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/jobs.db");
    let store = open(&path).await;
    store.register(&new_account("own", None), at(0)).await.unwrap();
    store.create(id(0), &new_job(None), at(0)).await.unwrap();
    let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = entry.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let octets = std::fs::read(&file).unwrap();
        assert!(!octets.windows(8).any(|w| w == b"OhBehave"), "{}", file.display());
        files += 1;
    }
    assert!(files >= 2, "database and log");
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("notes.txt");
    std::fs::write(
        &text,
        "these are notes and no database, long enough to have a header of one hundred octets. ".repeat(20),
    )
    .unwrap();
    let before = std::fs::read(&text).unwrap();
    let err = Store::open(&text, BUSY).await.unwrap_err();
    assert!(matches!(err, StoreError::NotOurs { .. }), "{err:?}");
    assert_eq!(std::fs::read(&text).unwrap(), before);

    let foreign = dir.path().join("foreign.db");
    {
        let options = SqliteConnectOptions::new().filename(&foreign).create_if_missing(true);
        let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("CREATE TABLE theirs (a)").execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }
    let before = std::fs::read(&foreign).unwrap();
    let err = Store::open(&foreign, BUSY).await.unwrap_err();
    assert!(matches!(err, StoreError::NotOurs { .. }) && err.to_string().contains("foreign.db"), "{err}");
    assert_eq!(std::fs::read(&foreign).unwrap(), before);

    let err = Store::open(Path::new("/proc/no/such/jobs.db"), BUSY).await.unwrap_err();
    assert!(matches!(err, StoreError::Create { .. }), "{err:?}");
    let err = Store::open(dir.path(), BUSY).await.unwrap_err();
    assert!(matches!(err, StoreError::Sqlite { .. } | StoreError::Create { .. }), "{err:?}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.db");
    let store = open(&path).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .execute(&store.writer)
    .await
    .unwrap();
    store.close().await;
    let err = Store::open(&path, BUSY).await.unwrap_err();
    assert!(
        matches!(err, StoreError::Newer { found: 9999, .. }) && err.to_string().contains("update bootgate"),
        "{err}"
    );
}

#[tokio::test]
async fn a_history_cannot_be_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("jobs.db")).await;
    store.create(id(0), &new_job(None), at(0)).await.unwrap();
    for statement in ["UPDATE entry SET to_state = 'handed-off'", "DELETE FROM entry"] {
        let err = sqlx::query(statement).execute(&store.writer).await.unwrap_err();
        assert!(err.to_string().contains("only added to"), "{err}");
    }
    assert!(sqlx::query("DELETE FROM job").execute(&store.readers).await.is_err(), "readers only read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.db");
    // Each writer opens the file itself, as a process of its own does, and all at the same moment: the first
    // opening makes the schema.
    let writers = (0..8).map(|writer| {
        let path = path.clone();
        tokio::spawn(async move {
            let store = open(&path).await;
            for n in 0..10 {
                let number = writer * 10 + n;
                let job = id(number);
                store.create(job, &new_job(None), at(0)).await.unwrap();
                for event in &delivery(number + 1) {
                    assert!(matches!(store.tell(job, event, at(1)).await.unwrap(), Step::To(_)));
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let store = open(&path).await;
    let jobs = store.list(&any(1000)).await.unwrap();
    assert_eq!(jobs.len(), 80);
    assert!(jobs.iter().all(|job| job.state == State::Delivered));
    let entries: (i64,) =
        sqlx::query_as("SELECT count(*) FROM entry").fetch_one(&store.readers).await.unwrap();
    assert_eq!(entries, (8 * 50,));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_events_that_exclude_each_other_one_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.db");
    let (one, two) = (open(&path).await, open(&path).await);
    for n in 0..20 {
        one.create(id(n), &new_job(None), at(0)).await.unwrap();
        let called_off = Event::CalledOff { reason: Reason::new("by hand") };
        let registered = Event::AccountRegistered { account: AccountId::new(n + 1) };
        let failed = Event::Failed { reason: Reason::new("no") };
        let (a, b) = tokio::join!(one.tell(id(n), &called_off, at(1)), two.tell(id(n), &failed, at(1)));
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
        assert!(one.tell(id(n), &registered, at(2)).await.is_err());
        assert_eq!(one.get(id(n)).await.unwrap().unwrap().history.len(), 2);
    }
}

#[tokio::test]
async fn a_delivery_is_abandoned_when_its_process_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.db");
    let (one, two) = (open(&path).await, open(&path).await);
    one.create(id(0), &new_job(None), at(0)).await.unwrap();
    let [registered, built, started, confirmed] = delivery(1);
    for event in [registered, built, started] {
        one.tell(id(0), &event, at(1)).await.unwrap();
    }
    assert!(two.abandoned().await.unwrap().is_empty(), "its process lives");
    assert!(one.abandoned().await.unwrap().is_empty());
    one.close().await;
    drop(one);
    assert_eq!(two.abandoned().await.unwrap(), [id(0)]);
    two.tell(id(0), &Event::DeliveryUnclear { reason: Reason::new("killed") }, at(2)).await.unwrap();
    assert!(two.abandoned().await.unwrap().is_empty());
    two.tell(id(0), &confirmed, at(3)).await.unwrap();
    let record = two.get(id(0)).await.unwrap().unwrap();
    assert_eq!(record.job.state, State::Delivered);
    assert_eq!(record.attempts.len(), 1, "better news of the same attempt");
    assert_eq!(record.attempts[0].outcome, Some(State::Delivered));
}

#[tokio::test]
async fn a_job_by_the_card_route_is_abandoned_before_it_delivers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.db");
    let two = open(&path).await;
    for steps in 0..3 {
        let one = open(&path).await;
        one.create(id(steps), &new_job(None), at(0)).await.unwrap();
        for event in delivery(steps).iter().take(usize::try_from(steps).unwrap()) {
            one.tell(id(steps), event, at(1)).await.unwrap();
        }
        assert!(two.abandoned().await.unwrap().is_empty(), "its process lives");
        one.close().await;
        drop(one);
        assert_eq!(two.abandoned().await.unwrap(), [id(steps)]);
        two.tell(id(steps), &Event::Failed { reason: Reason::new("killed") }, at(2)).await.unwrap();
    }
}

#[tokio::test]
async fn the_key_journal_lasts_and_may_be_asked_from_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.db");
    let card = Iccid::from_card("89490200001234567898").unwrap();
    let journal = async || {
        let store = open(&path).await;
        Keys::new(&store, Arc::new(Fixed))
    };
    let keys = journal().await;
    let on_card = card.clone();
    let keys = tokio::task::spawn_blocking(move || {
        assert_eq!(keys.state(&on_card, KeyRef::ADM1.into()).unwrap(), KeyState::Clear);
        keys.presenting(&on_card, KeyRef::ADM1.into(), KeyState::Clear, Some(3)).unwrap();
        // Somebody who knows nothing of that is not let through.
        keys.presenting(&on_card, KeyRef::ADM1.into(), KeyState::Clear, Some(3)).unwrap_err();
        keys
    })
    .await
    .unwrap();
    drop(keys);

    // From a thread of the runtime itself, and by another process.
    let keys = journal().await;
    assert_eq!(keys.state(&card, KeyRef::ADM1.into()).unwrap(), KeyState::Unanswered { tries: Some(3) });
    keys.outcome(&card, KeyRef::ADM1.into(), KeyOutcome::Refused).unwrap();
    keys.presenting(&card, KeyRef::PIN1.into(), KeyState::Clear, None).unwrap();
    keys.outcome(&card, KeyRef::PIN1.into(), KeyOutcome::Accepted).unwrap();
    assert_eq!(keys.state(&card, KeyRef::ADM1.into()).unwrap(), KeyState::Refused { tries: Some(3) });
    // A PUK is counted apart from its PIN.
    let puk = KeyId::Puk(KeyRef::PIN1);
    keys.presenting(&card, puk, KeyState::Clear, Some(10)).unwrap();
    // What was not sent after all is as it was.
    for known in [KeyState::Refused { tries: None }, KeyState::Clear] {
        keys.presenting(&card, KeyRef::ADM3.into(), keys.state(&card, KeyRef::ADM3.into()).unwrap(), None)
            .unwrap();
        keys.put_back(&card, KeyRef::ADM3.into(), known).unwrap();
        assert_eq!(keys.state(&card, KeyRef::ADM3.into()).unwrap(), known);
    }
    let forgotten = keys.clear(&card).unwrap();
    assert_eq!(
        forgotten,
        [
            (KeyRef::PIN1.into(), KeyState::Accepted { tries: None }),
            (KeyRef::ADM1.into(), KeyState::Refused { tries: Some(3) }),
            (puk, KeyState::Unanswered { tries: Some(10) })
        ]
    );
    assert_eq!(keys.state(&card, KeyRef::ADM1.into()).unwrap(), KeyState::Clear);
    assert!(keys.clear(&card).unwrap().is_empty());
}

/// Journals of earlier versions had an entry for CHV2 of class A0 and one for PIN2 of class 00.
#[tokio::test]
async fn a_refusal_in_one_class_counts_in_the_other_also_where_it_is_old() {
    const ONE_ENTRY: &str = include_str!("../migrations/0008_one_entry_per_key.sql");
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("jobs.db")).await;
    let card = Iccid::from_card("89490200001234567898").unwrap();
    let keys = Keys::new(&store, Arc::new(Fixed));
    let [chv2, pin2] = [KeyId::Key(KeyRef(0x02)), KeyId::Key(KeyRef::PIN2)];
    let [old, new] = [
        [chv2, KeyId::Puk(KeyRef(0x02)), KeyId::Puk(KeyRef(0x00))],
        [pin2, KeyId::Puk(KeyRef::PIN2), KeyId::Puk(KeyRef::PIN1)],
    ];
    let refused = KeyState::Refused { tries: Some(3) };
    let [doubt, lost] = [None, Some(3)].map(|tries| KeyState::Unanswered { tries });
    let taken = KeyState::Accepted { tries: Some(3) };
    for (was, is, counts) in [
        (refused, KeyState::Clear, refused),
        (refused, taken, refused),
        (taken, refused, refused),
        (doubt, taken, doubt),
        (doubt, lost, doubt),
        (lost, doubt, doubt),
        (lost, taken, lost),
        (taken, KeyState::Clear, taken),
    ] {
        for (old, new) in old.into_iter().zip(new) {
            keys.put_back(&card, old, was).unwrap();
            keys.put_back(&card, new, is).unwrap();
        }
        sqlx::raw_sql(ONE_ENTRY).execute(&store.writer).await.unwrap();
        for (old, new) in old.into_iter().zip(new) {
            let known = (keys.state(&card, old).unwrap(), keys.state(&card, new).unwrap());
            assert_eq!(known, (was, counts), "{old}: {was:?}, {new}: {is:?}");
        }
        keys.clear(&card).unwrap();
    }
}

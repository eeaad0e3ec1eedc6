//! The key of fingerprints: one for a database, and no use without the vault.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use super::{at, id, new_job, open};
use crate::{
    ident::{Imsi, Random},
    job::{Fingerprints, Jobs as _, NewJob},
    store::SealedFingerprints,
    vault::{KeySource, Vault},
};

const IMSI: &str = "262019876598765";

/// Draws something else each time.
#[derive(Default)]
struct Count(AtomicU8);

impl Random for Count {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

async fn fingerprints(folder: &Path, vault_key: &str) -> SealedFingerprints {
    let store = open(&folder.join("jobs.db")).await;
    let random: Arc<dyn Random> = Arc::new(Count::default());
    let vault = Vault::new(KeySource::Made(folder.join(vault_key)), Arc::clone(&random));
    SealedFingerprints::new(&store, Arc::new(vault), random)
}

#[tokio::test]
async fn an_imsi_is_recognised_for_as_long_as_the_database_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let imsi: Imsi = IMSI.parse().unwrap();
    let first = fingerprints(folder.path(), "key").await;
    // Who only looks makes none.
    assert!(first.known_key().unwrap().is_none() && first.known_key().unwrap().is_none());
    // Two that begin at once have the same key.
    let second = fingerprints(folder.path(), "key").await;
    let print = first.of_imsi(&imsi).unwrap();
    assert_eq!(second.of_imsi(&imsi).unwrap(), print);
    let store = open(&folder.path().join("jobs.db")).await;
    let job = NewJob { imsi: Some(print), ..new_job(None) };
    store.create(id(0), &job, at(0)).await.unwrap();
    store.close().await;
    let later = fingerprints(folder.path(), "key").await;
    assert!(later.known_key().unwrap().is_some());
    assert_eq!(later.of_imsi(&imsi).unwrap(), print);

    // Not in clear, in no file of the database; and with another vault nothing is recognised, and nothing is drawn anew.
    let mut files = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let octets = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!octets.windows(IMSI.len()).any(|window| window == IMSI.as_bytes()));
        files += 1;
    }
    assert!(files >= 2, "{files} files");
    let stranger = fingerprints(folder.path(), "other-key").await;
    let refused = stranger.of_imsi(&imsi).unwrap_err();
    assert!(refused.to_string().contains("cannot be had"), "{refused}");
}

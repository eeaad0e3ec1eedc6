//! Which process delivers a job, and whether it still lives.
//!
//! A process that starts a delivery makes a file beside the database and holds a lock on it (`flock`) until it ends,
//! however it ends: the system releases the lock of a killed process. The job names the file. Another process that
//! finds the job `delivering` and can take that lock, or finds no such file, knows that nobody delivers any more.
//! Unlike a process number this cannot be taken by somebody else, and it holds across restarts of the machine and
//! containers that share the directory.
//!
//! In the file stand the lanes of pushes that the process claims, as JSON: what it says of itself holds as long as it lives.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions, TryLockError},
    hash::{BuildHasher, RandomState},
    io::{Error, ErrorKind, Result},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::error::Failed;

/// Between the name of the database and that of the owner.
const INFIX: &str = "-owner-";

/// How often a file is made anew that was cleared away before it was locked.
const TRIES: u32 = 20;

/// This process as an owner of deliveries; the file is made when the first one starts.
pub(super) struct Owner {
    database: PathBuf,
    held: Mutex<Option<Held>>,
}

struct Held {
    token: String,
    path: PathBuf,
    /// Holds the lock while it is open.
    file: File,
    /// What stands in it.
    claims: String,
}

impl Owner {
    pub(super) fn new(database: &Path) -> Self {
        Self { database: database.to_owned(), held: Mutex::new(None) }
    }

    /// The name under which this process owns deliveries. Once it is given out, the lock is held.
    pub(super) fn token(&self) -> std::result::Result<String, Failed> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref() {
            return Ok(held.token.clone());
        }
        let mut tries = 0..TRIES;
        loop {
            let token = format!("{}-{:016x}", std::process::id(), RandomState::new().hash_one(0));
            let path = beside(&self.database, &token);
            match take(&path) {
                Ok(file) => {
                    *held = Some(Held { token: token.clone(), path, file, claims: String::new() });
                    return Ok(token);
                }
                Err(source) if tries.next().is_none() => return Err(Failed::File { path, source }),
                Err(_) => {}
            }
        }
    }

    /// Whether the process of that name still lives. The file of one that is gone is cleared away.
    pub(super) fn lives(&self, token: &str) -> bool {
        // Not a name that we give: never touch another file for it.
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            return false;
        }
        is_held(&beside(&self.database, token))
    }

    /// Says to other processes which lanes this one claims. The one without a name is for what nobody claims.
    pub(super) fn claims(&self, lanes: &[Arc<str>]) -> std::result::Result<(), Failed> {
        let claims: serde_json::Value =
            lanes.iter().filter(|lane| !lane.is_empty()).map(|lane| &**lane).collect();
        let claims = claims.to_string();
        self.token()?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = held.as_mut().filter(|held| held.claims != claims) else { return Ok(()) };
        // Never empty in between: that would say that none is claimed.
        let length = u64::try_from(claims.len()).unwrap_or(u64::MAX);
        let written = held.file.write_all_at(claims.as_bytes(), 0).and_then(|()| held.file.set_len(length));
        written.map_err(|source| Failed::File { path: held.path.clone(), source })?;
        held.claims = claims;
        Ok(())
    }

    /// The lanes that other processes claim which live; none while one of them is writing down its own. One that has not said so
    /// yet claims no lane.
    pub(super) fn lanes_of_others(&self) -> Option<BTreeSet<String>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.as_ref().and_then(|held| held.path.file_name());
        let others = self.files().into_iter().filter(|path| path.file_name() != own && is_held(path));
        let claims = others.filter_map(|path| std::fs::read(path).ok()).filter(|text| !text.is_empty());
        let claims = claims.map(|text| serde_json::from_slice::<Vec<String>>(&text).ok());
        Some(claims.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Clears away what processes that were killed have left.
    pub(super) fn sweep(&self) {
        for path in self.files() {
            is_held(&path);
        }
    }

    /// The files of all owners.
    fn files(&self) -> Vec<PathBuf> {
        let (Some(directory), Some(name)) = (self.database.parent(), self.database.file_name()) else {
            return Vec::new();
        };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let prefix = format!("{}{INFIX}", name.to_string_lossy());
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let own = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        own.map(|entry| entry.path()).collect()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn beside(database: &Path, token: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!("{INFIX}{token}"));
    PathBuf::from(name)
}

/// Makes the file and locks it. Between the two a process that clears away may take it for one that was left.
fn take(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let lost = |_| Error::new(ErrorKind::WouldBlock, "its lock was taken by somebody else");
    file.try_lock().map_err(lost)?;
    if std::fs::metadata(path)?.ino() != file.metadata()?.ino() {
        return Err(Error::new(ErrorKind::NotFound, "it was cleared away by somebody else"));
    }
    Ok(file)
}

/// Whether a living process holds the file; one that nobody holds is cleared away.
fn is_held(path: &Path) -> bool {
    let Ok(file) = OpenOptions::new().write(true).open(path) else { return false };
    match file.try_lock() {
        // A file that cannot be asked is taken for a living owner: the other mistake would call a delivery that
        // goes on unknown.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        Ok(()) => {
            // Removed while the lock is held: whoever has just made it does not get the lock and makes another.
            let _ = std::fs::remove_file(path);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_lives_until_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("jobs.db");
        let (one, other) = (Owner::new(&database), Owner::new(&database));
        let token = one.token().unwrap();
        assert_eq!(one.token().unwrap(), token);
        assert!(other.lives(&token) && one.lives(&token));
        drop(one);
        assert!(!other.lives(&token));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "its file is gone with it");
    }

    #[test]
    fn a_file_without_its_process_is_cleared_away() {
        let dir = tempfile::tempdir().unwrap();
        let owner = Owner::new(&dir.path().join("jobs.db"));
        std::fs::write(dir.path().join("jobs.db-owner-12-ab"), "").unwrap();
        assert!(!owner.lives("12-ab"));
        assert!(!owner.lives("12-cd") && !owner.lives("../x") && !owner.lives(""));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn sweeping_never_takes_the_file_of_one_that_lives() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("jobs.db");
        std::fs::write(dir.path().join("jobs.db-owner-1-1"), "").unwrap();
        std::fs::write(dir.path().join("other.db-owner-1-1"), "").unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (database, done) = (&database, &done);
            let sweeper = scope.spawn(move || {
                let owner = Owner::new(database);
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    owner.sweep();
                }
            });
            let watcher = Owner::new(database);
            for _ in 0..300 {
                let owner = Owner::new(database);
                let token = owner.token().unwrap();
                assert!(watcher.lives(&token));
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            sweeper.join().unwrap();
        });
        Owner::new(&database).sweep();
        let left = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name());
        assert_eq!(
            left.collect::<Vec<_>>(),
            ["other.db-owner-1-1"],
            "another database's is not ours to clear"
        );
    }
}

//! Which process delivers a job, and whether it still lives.
//!
//! A process that starts a delivery makes a file beside the database and holds a lock on it (`flock`) until it ends,
//! however it ends: the system releases the lock of a killed process. The job names the file. Another process that
//! finds the job `delivering` and can take that lock, or finds no such file, knows that nobody delivers any more.
//! Unlike a process number this cannot be taken by somebody else, and it holds across restarts of the machine and
//! containers that share the directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    hash::{BuildHasher, RandomState},
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::error::Failed;

/// This process as an owner of deliveries; the file is made when the first one starts.
pub(super) struct Owner {
    database: PathBuf,
    held: Mutex<Option<Held>>,
}

struct Held {
    token: String,
    path: PathBuf,
    /// Holds the lock while it is open.
    _file: File,
}

impl Owner {
    pub(super) fn new(database: &Path) -> Self {
        Self { database: database.to_owned(), held: Mutex::new(None) }
    }

    /// The name under which this process owns deliveries. Once it is given out, the lock is held.
    pub(super) fn token(&self) -> Result<String, Failed> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref() {
            return Ok(held.token.clone());
        }
        let token = format!("{}-{:016x}", std::process::id(), RandomState::new().hash_one(0));
        let path = beside(&self.database, &token);
        let taken = take(&path).map_err(|source| Failed::File { path: path.clone(), source })?;
        *held = Some(Held { token: token.clone(), path, _file: taken });
        Ok(token)
    }

    /// Whether the process of that name still lives. The file of one that is gone is cleared away.
    pub(super) fn lives(&self, token: &str) -> bool {
        // Not a name that we give: never touch another file for it.
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            return false;
        }
        let path = beside(&self.database, token);
        let Ok(file) = OpenOptions::new().write(true).open(&path) else { return false };
        match file.try_lock() {
            // A file that cannot be asked is taken for a living owner: the other mistake would call a delivery that
            // goes on unknown.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
            Ok(()) => {
                let _ = std::fs::remove_file(&path);
                false
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn beside(database: &Path, token: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!("-owner-{token}"));
    PathBuf::from(name)
}

fn take(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.write(true).create_new(true).open(path)?;
    file.try_lock().map_err(|_| Error::new(ErrorKind::WouldBlock, "somebody else holds its lock"))?;
    Ok(file)
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
}

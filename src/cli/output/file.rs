//! Files that the program makes. What it makes mostly holds secrets, so only their owner can read them; a file that is there
//! is replaced when somebody says so, and then in one piece.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::name;
use crate::cli::{Exit, Failure};

/// What to do with what stands where something new goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Existing {
    /// Leave it, and say so.
    Keep,
    /// Put the new one in its place.
    Replace,
}

/// `--force`, the same wherever something is written.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(in crate::cli) struct ForceArg {
    /// Replaces what is there already; without it nothing is overwritten.
    #[arg(long)]
    force: bool,
}

impl ForceArg {
    /// What to do with what is there.
    pub(in crate::cli) fn existing(self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Keep }
    }

    /// Says before anything is done that the file is there and stays.
    ///
    /// # Errors
    /// Exit status 2.
    pub(in crate::cli) fn check(self, path: Option<&Path>) -> anyhow::Result<()> {
        let is_there = |path: &&Path| fs::symlink_metadata(path).is_ok() && !is_special(path);
        match path.filter(is_there) {
            Some(path) if self.existing() == Existing::Keep => Err(taken(path)),
            _ => Ok(()),
        }
    }
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Open {
    /// It must not be there.
    New,
    /// What is in it goes.
    Over,
    /// To be read, and written to behind what is in it.
    Append,
}

/// Opens a file that only its owner can read, even where others could before.
///
/// # Errors
/// Those of the operating system.
pub(in crate::cli) fn open(path: &Path, how: Open) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    match how {
        Open::New => options.write(true).create_new(true),
        Open::Over => options.write(true).create(true).truncate(true),
        Open::Append => options.read(true).append(true).create(true),
    };
    let file = options.mode(0o600).open(path)?;
    // A file that was there keeps its mode when it is opened.
    if how != Open::New && file.metadata()?.is_file() {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Says before anything is done that nothing can be written there. Nothing is made, and what is there stays as it is.
///
/// # Errors
/// Exit status 2.
pub(in crate::cli) fn check_place(path: &Path) -> anyhow::Result<()> {
    let cannot = |why: String| Failure::because(Exit::Usage, format!("cannot write {}: {why}", name(path)));
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(cannot("it is a directory; name a file".to_owned())),
        Ok(found) if found.is_file() => {
            let opened = fs::OpenOptions::new().append(true).open(path);
            opened.map(drop).map_err(|error| cannot(error.to_string()))
        }
        Ok(_) => Ok(()),
        Err(_) => {
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            match folder.is_dir() {
                true => Ok(()),
                false => Err(cannot(format!("there is no folder {}; make it first", name(folder)))),
            }
        }
    }
}

/// Writes a file that is on disk when this returns.
///
/// # Errors
/// Those of the operating system, with the file's name.
pub(in crate::cli) fn write(path: &Path, how: Open, octets: &[u8]) -> anyhow::Result<()> {
    let written = open(path, how).and_then(|mut file| {
        file.write_all(octets)?;
        if file.metadata()?.is_file() { file.sync_all() } else { Ok(()) }
    });
    written.with_context(|| format!("cannot write {}", name(path)))
}

/// Writes a file that was asked for by name, whole or not at all.
///
/// # Errors
/// Exit status 2 when it is there and `existing` keeps it, 1 when it cannot be written.
pub(in crate::cli) fn file(path: &Path, octets: &[u8], existing: Existing) -> anyhow::Result<()> {
    if is_special(path) {
        return write(path, Open::Over, octets);
    }
    let (place, done) = match existing {
        Existing::Keep => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(taken(path));
            }
            (path.to_owned(), write(path, Open::New, octets))
        }
        Existing::Replace => {
            // The file itself, and not a link that leads to it.
            let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let beside = sibling(&place, "new")?;
            let put = || fs::rename(&beside, &place).with_context(|| format!("cannot write {}", name(path)));
            let done = write(&beside, Open::New, octets).and_then(|()| put());
            (beside, done)
        }
    };
    if done.is_err() {
        // What could not be finished is taken away; the error says what happened, not how the tidying went.
        let _ = fs::remove_file(place);
    }
    done
}

/// A name beside a file or directory, of this process alone.
pub(in crate::cli) fn sibling(path: &Path, what: &str) -> anyhow::Result<PathBuf> {
    let Some(own) = path.file_name() else {
        anyhow::bail!("{} names nothing that can be made", name(path));
    };
    Ok(path.with_file_name(format!(".{}.{what}-{}", own.to_string_lossy(), std::process::id())))
}

fn taken(path: &Path) -> anyhow::Error {
    let why = match path.is_dir() {
        true => "is a directory; name a file",
        false => "is there already and was left as it is; --force replaces it",
    };
    Failure::because(Exit::Usage, format!("{} {why}", name(path)))
}

/// True for a device or a pipe, such as /dev/stdout: it is written to, and nothing is lost.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

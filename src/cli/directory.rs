//! A factory image as a directory: written whole or not at all, and read with caps. It holds secrets, so that only its
//! owner can look into it.

use std::{fs, io::Read as _, path::Path};

use anyhow::{Context as _, bail};

use super::{
    Exit, Failure,
    input::unreadable,
    output::{self, Existing, Open, sibling},
};
use crate::bootstrap::factory::{File, MANIFEST, Manifest, SIGNATURE};

/// The most octets of one file that are read: documents are capped at the same.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// An image as it was read.
pub(super) struct Found {
    /// `manifest.json`.
    pub(super) manifest: Vec<u8>,
    /// `manifest.sig`, when there is one.
    pub(super) signature: Option<Vec<u8>>,
    /// All other files.
    pub(super) files: Vec<File>,
    /// Names that no image has.
    pub(super) foreign: Vec<String>,
}

/// Reads an image.
pub(super) fn read(folder: &Path) -> anyhow::Result<Found> {
    let failed = || format!("cannot read {}", folder.display());
    let (mut manifest, mut signature) = (None, None);
    let (mut files, mut foreign) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let entry = entry.with_context(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Not through a link: an image is where it is.
        if !entry.file_type().with_context(failed)?.is_file() {
            foreign.push(name);
            continue;
        }
        match name.as_str() {
            MANIFEST => manifest = Some(octets(&entry.path())?),
            SIGNATURE => signature = Some(octets(&entry.path())?),
            _ if File::new(&name, Vec::new()).is_some() => {
                files.extend(File::new(&name, octets(&entry.path())?))
            }
            _ => foreign.push(name),
        }
    }
    foreign.sort();
    let Some(manifest) = manifest else {
        bail!("{} holds no factory image: it has no {MANIFEST}", folder.display());
    };
    Ok(Found { manifest, signature, files, foreign })
}

fn octets(path: &Path) -> anyhow::Result<Vec<u8>> {
    let failed = || format!("cannot read {}", path.display());
    let mut octets = Vec::new();
    let file = fs::File::open(path).with_context(failed)?;
    file.take(MAX_FILE + 1).read_to_end(&mut octets).with_context(failed)?;
    if octets.len() as u64 > MAX_FILE {
        bail!("{} has more than {MAX_FILE} octets; no file of a factory image has", path.display());
    }
    Ok(octets)
}

/// Writes an image: into a directory beside, which then takes its name. (Where it replaces another, there is a moment with
/// none of that name, because two directories cannot change places in one step.)
pub(super) fn write<'a>(
    folder: &Path,
    existing: Existing,
    files: impl Iterator<Item = (&'static str, &'a [u8])>,
) -> anyhow::Result<()> {
    let occupied = is_occupied(folder, existing)?;
    let (beside, old) = (sibling(folder, "new")?, sibling(folder, "old")?);
    let written = fill(&beside, files).and_then(|()| {
        let failed = || format!("cannot write {}", folder.display());
        if occupied {
            fs::rename(folder, &old).with_context(failed)?;
        }
        let done = fs::rename(&beside, folder).with_context(failed);
        if occupied && done.is_err() {
            fs::rename(&old, folder).with_context(failed)?;
        }
        done
    });
    // What was renamed stays so after a power cut.
    let written = written.and_then(|()| sync_parent(folder));
    if written.is_err() {
        // What could not be finished is taken away; the error says what happened, not how the tidying went.
        let _ = fs::remove_dir_all(&beside);
        return written;
    }
    if occupied {
        fs::remove_dir_all(&old)
            .with_context(|| format!("cannot take away the old image {}", old.display()))?;
    }
    Ok(())
}

fn sync_parent(folder: &Path) -> anyhow::Result<()> {
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(parent)
        .and_then(|p| p.sync_all())
        .with_context(|| format!("cannot write {}", parent.display()))
}

/// True when an image of ours is there that is to be replaced.
fn is_occupied(folder: &Path, existing: Existing) -> anyhow::Result<bool> {
    let failed = || format!("cannot write {}", folder.display());
    let refuse = |why: &str| Err(Failure::because(Exit::Usage, format!("{} {why}", folder.display())));
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(failed),
        Ok(found) if !found.is_dir() => return refuse("is no directory; name one that is not there yet"),
        Ok(_) => {}
    }
    if fs::read_dir(folder).with_context(failed)?.next().is_none() {
        return Ok(false);
    }
    let ours =
        read(folder).is_ok_and(|found| found.foreign.is_empty() && Manifest::parse(&found.manifest).is_ok());
    match (ours, existing) {
        (true, Existing::Replace) => Ok(true),
        (true, Existing::Keep) => {
            refuse("holds a factory image already; --force puts the new one in its place")
        }
        (false, _) => {
            refuse("is not empty and holds something other than a factory image; nothing was written")
        }
    }
}

fn fill<'a>(folder: &Path, files: impl Iterator<Item = (&'static str, &'a [u8])>) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let failed = || format!("cannot write {}", folder.display());
    fs::DirBuilder::new().mode(0o700).create(folder).with_context(failed)?;
    for (name, octets) in files {
        output::write(&folder.join(name), Open::New, octets)?;
    }
    fs::File::open(folder).and_then(|d| d.sync_all()).with_context(failed)
}

//! Old content of cards in a file, for scripts. It holds what was on the card in clear, so only its owner can read it.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    card::script::{Backup, BackupError, CardBackup, Saved},
    ident::Iccid,
};

/// What the file begins with.
const FORMAT: &str = "bootgate card backup 1";

/// A backup in a file. It is written as a whole for each entry, beside its name, and synced before it takes the name: what
/// was kept survives a loss of power.
#[derive(Debug)]
pub struct BackupFile {
    path: PathBuf,
    backup: CardBackup,
}

/// A file of old content could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BackupFileError {
    /// It is there already.
    #[error("{0} exists; a backup goes into a new file, so that none is lost")]
    Exists(PathBuf),
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no backup.
    #[error("{path} is no backup of a card: {why}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong; never what is in it.
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Whole<T> {
    format: String,
    card: T,
}

impl BackupFile {
    /// A backup that will be in that file. It is made when the first entry comes.
    ///
    /// # Errors
    /// [`BackupFileError::Exists`].
    pub fn new(path: &Path) -> Result<Self, BackupFileError> {
        if path.exists() {
            return Err(BackupFileError::Exists(path.to_owned()));
        }
        Ok(Self { path: path.to_owned(), backup: CardBackup::default() })
    }

    /// Reads a backup.
    ///
    /// # Errors
    /// [`BackupFileError::Read`] and [`BackupFileError::Content`].
    pub fn read(path: &Path) -> Result<CardBackup, BackupFileError> {
        let wrong = |why: String| BackupFileError::Content { path: path.to_owned(), why };
        let text = std::fs::read(path)
            .map(Zeroizing::new)
            .map_err(|source| BackupFileError::Read { path: path.to_owned(), source })?;
        // The error of the parser repeats what it does not like; that may be content.
        let whole: Whole<CardBackup> = serde_json::from_slice(&text)
            .map_err(|e| wrong(format!("line {}, column {}", e.line(), e.column())))?;
        if whole.format != FORMAT {
            return Err(wrong(format!("it does not say that it is `{FORMAT}`")));
        }
        Ok(whole.card)
    }

    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let text = serde_json::to_vec_pretty(&Whole { format: FORMAT.to_owned(), card: &self.backup })?;
        let text = Zeroizing::new(text);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&text)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        File::open(folder)?.sync_all()
    }
}

impl Backup for BackupFile {
    fn begin(&mut self, card: Option<&Iccid>) {
        self.backup.iccid = card.cloned();
    }

    fn keep(&mut self, saved: &Saved) -> Result<(), BackupError> {
        self.backup.saved.push(saved.clone());
        self.write().map_err(BackupError::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::script::Kept;

    #[test]
    fn what_was_kept_comes_back_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        let mut file = BackupFile::new(&path).unwrap();
        let iccid = Iccid::from_card("8988211000000430010").unwrap();
        file.begin(Some(&iccid));
        assert!(!path.exists());
        let place = Some("3F00/7F50/6431".parse().unwrap());
        for kept in [
            Kept::Octets { at: 3, octets: vec![0xAB, 0x01] },
            Kept::Record { number: 2, octets: vec![] },
            Kept::Absent {},
        ] {
            file.keep(&Saved { file: place.clone(), kept }).unwrap();
        }
        assert_eq!(BackupFile::read(&path).unwrap(), file.backup);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(BackupFile::new(&path), Err(BackupFileError::Exists(_))));
    }

    #[test]
    fn what_is_no_backup_is_told_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.json");
        for text in [
            "marked-7",
            r#"{"format":"marked-7","card":{"iccid":null,"saved":[]}}"#,
            r#"{"format":"bootgate card backup 1","card":{"iccid":"marked-7","saved":[]}}"#,
            r#"{"format":"bootgate card backup 1","card":{"iccid":null,"saved":[{"file":null,"octets":{"at":0,"octets":"marked-7"}}]}}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            let told = BackupFile::read(&path).unwrap_err().to_string();
            assert!(told.contains("is no backup") && !told.contains("marked-7"), "{told}");
        }
        assert!(matches!(BackupFile::read(&folder.path().join("none")), Err(BackupFileError::Read { .. })));
    }
}

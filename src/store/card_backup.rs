//! Old content of cards in a file, for scripts, readable by its owner alone. It may hold secrets of the card, so it is sealed by the
//! vault, unless somebody asks for it in clear. Either is JSON and says what it is:
//!
//! | field    | in clear                     | sealed                                                          |
//! |----------|------------------------------|-----------------------------------------------------------------|
//! | `format` | `bootgate card backup 1`     | `bootgate sealed card backup 1`                                 |
//! | `card`   | `iccid`, and what was `saved` | `iccid`, and `sealed`: base64 of the same in clear, sealed for the ICCID |

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    card::script::{Backup, BackupError, Backups, CardBackup, Saved},
    ident::Iccid,
    vault::{Purpose, Vault, VaultError},
};

/// What a file in clear begins with.
const FORMAT: &str = "bootgate card backup 1";
/// What a sealed one begins with.
const SEALED: &str = "bootgate sealed card backup 1";
/// The largest file that is read: many times what a card holds.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The most backups of one card in a folder.
const MOST: u32 = 1_000;

/// A backup in a file. It is written as a whole for each entry, beside its name, and synced before it takes the name: what
/// was kept survives a loss of power.
#[derive(Debug)]
pub struct BackupFile {
    path: PathBuf,
    vault: Option<Arc<Vault>>,
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
    /// It is sealed, and does not open.
    #[error("{path} does not open: {source}")]
    Sealed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VaultError,
    },
}

#[derive(Serialize, Deserialize)]
struct Whole<T> {
    format: String,
    card: T,
}

/// A backup that only the vault opens.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedBackup {
    iccid: Option<String>,
    sealed: String,
}

impl BackupFile {
    /// A backup that will be in that file, sealed by `vault` where there is one. It is made when the first entry comes.
    ///
    /// # Errors
    /// [`BackupFileError::Exists`].
    pub fn new(path: &Path, vault: Option<Arc<Vault>>) -> Result<Self, BackupFileError> {
        if path.exists() {
            return Err(BackupFileError::Exists(path.to_owned()));
        }
        Ok(Self { path: path.to_owned(), vault, backup: CardBackup::default() })
    }

    /// Reads a backup, in clear or sealed by `vault`.
    ///
    /// # Errors
    /// [`BackupFileError`], but for [`BackupFileError::Exists`].
    pub fn read(path: &Path, vault: &Vault) -> Result<CardBackup, BackupFileError> {
        let wrong = |why: String| BackupFileError::Content { path: path.to_owned(), why };
        let text = read(path).map_err(|source| BackupFileError::Read { path: path.to_owned(), source })?;
        let format = parse::<Whole<serde::de::IgnoredAny>>(&text).map_err(wrong)?.format;
        match format.as_str() {
            FORMAT => Ok(parse::<Whole<CardBackup>>(&text).map_err(wrong)?.card),
            SEALED => {
                let SealedBackup { iccid, sealed } = parse::<Whole<_>>(&text).map_err(wrong)?.card;
                let blob = BASE64.decode(sealed).map_err(|_| wrong("what is sealed is not base64".into()))?;
                let opened = vault.open(purpose(iccid.as_deref()), &blob);
                let opened =
                    opened.map_err(|source| BackupFileError::Sealed { path: path.to_owned(), source })?;
                parse(&opened).map_err(wrong)
            }
            _ => Err(wrong(format!("it does not say that it is `{FORMAT}` or `{SEALED}`"))),
        }
    }

    fn text(&self) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let text = match &self.vault {
            None => whole(FORMAT, &self.backup),
            Some(vault) => {
                let clear = Zeroizing::new(serde_json::to_vec(&self.backup).map_err(BackupError::new)?);
                let iccid = self.backup.iccid.as_ref().map(|card| card.digits().to_owned());
                let blob = vault.seal(purpose(iccid.as_deref()), &clear).map_err(BackupError::new)?;
                whole(SEALED, &SealedBackup { iccid, sealed: BASE64.encode(blob) })
            }
        };
        text.map_err(BackupError::new)
    }

    fn write(&self, text: &[u8]) -> std::io::Result<()> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text)?;
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
        self.write(&self.text()?).map_err(BackupError::new)
    }
}

/// Backups of many cards: `ICCID.json` in a folder, then `ICCID-2.json` and so on where a script is run on a card again.
#[derive(Debug, Clone)]
pub struct BackupFolder {
    folder: PathBuf,
    vault: Arc<Vault>,
    in_clear: bool,
}

impl BackupFolder {
    /// Backups in that folder, which is there. Those that are made are sealed by `vault`, or not if `in_clear`.
    pub fn new(folder: &Path, vault: Arc<Vault>, in_clear: bool) -> Self {
        Self { folder: folder.to_owned(), vault, in_clear }
    }

    fn path(&self, card: &Iccid, number: u32) -> PathBuf {
        let name = match number {
            1 => format!("{}.json", card.digits()),
            n => format!("{}-{n}.json", card.digits()),
        };
        self.folder.join(name)
    }
}

impl Backups for BackupFolder {
    fn begin(&self, card: &Iccid) -> Result<Box<dyn Backup>, BackupError> {
        let mut number = 1;
        loop {
            let vault = (!self.in_clear).then(|| Arc::clone(&self.vault));
            match BackupFile::new(&self.path(card, number), vault) {
                Ok(file) => return Ok(Box::new(file)),
                Err(error) if number == MOST => return Err(BackupError::new(error)),
                Err(_) => number += 1,
            }
        }
    }

    fn kept(&self, card: &Iccid) -> Result<Option<CardBackup>, BackupError> {
        match BackupFile::read(&self.path(card, 1), &self.vault) {
            Err(BackupFileError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(None)
            }
            other => other.map(Some).map_err(BackupError::new),
        }
    }
}

/// What a backup is sealed for: it opens for no other card.
fn purpose(iccid: Option<&str>) -> Purpose<'_> {
    Purpose { kind: "card-backup", of: iccid.unwrap_or("no number") }
}

fn read(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    use std::io::Read as _;
    let mut text = Zeroizing::new(Vec::new());
    File::open(path)?.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}

fn whole<T: Serialize>(format: &str, card: T) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    serde_json::to_vec_pretty(&Whole { format: format.to_owned(), card }).map(Zeroizing::new)
}

/// Reads JSON. The error of the parser repeats what it does not like; that may be content.
fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|e| format!("line {}, column {}", e.line(), e.column()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{card::script::Kept, ident::Random, vault::KeySource};

    /// Of the operating system.
    struct OsRandom;

    impl Random for OsRandom {
        fn fill(&self, octets: &mut [u8]) {
            getrandom::fill(octets).unwrap();
        }
    }

    fn vault(folder: &Path, name: &str) -> Arc<Vault> {
        Arc::new(Vault::new(KeySource::Made(folder.join(name)), Arc::new(OsRandom)))
    }

    fn saved(kept: Kept) -> Saved {
        Saved { file: Some("3F00/7F50/6431".parse().unwrap()), kept }
    }

    #[test]
    fn what_was_kept_comes_back_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path(), "key");
        let iccid = Iccid::from_card("8988211000000430010").unwrap();
        for seals in [false, true] {
            let path = folder.path().join(format!("card-{seals}.json"));
            let mut file = BackupFile::new(&path, seals.then(|| Arc::clone(&vault))).unwrap();
            file.begin(Some(&iccid));
            assert!(!path.exists());
            for kept in [
                Kept::Octets { at: 3, octets: vec![0xAB, 0x01, 0xEF] },
                Kept::Record { number: 2, octets: vec![] },
                Kept::Absent {},
            ] {
                file.keep(&saved(kept)).unwrap();
            }
            assert_eq!(BackupFile::read(&path, &vault).unwrap(), file.backup);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert!(matches!(BackupFile::new(&path, None), Err(BackupFileError::Exists(_))));
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.contains("AB01EF"), !seals, "{text}");
            assert!(text.contains(iccid.digits()));
        }
    }

    #[test]
    fn a_sealed_backup_opens_for_its_card_and_its_vault() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (vault(folder.path(), "key"), vault(folder.path(), "other"));
        theirs.seal(purpose(None), b"x").unwrap();
        let iccid = Iccid::from_card("8988211000000430010").unwrap();
        let backups = BackupFolder::new(folder.path(), Arc::clone(&ours), false);
        assert_eq!(backups.kept(&iccid).unwrap(), None);
        for octet in [1, 2] {
            let mut backup = backups.begin(&iccid).unwrap();
            backup.begin(Some(&iccid));
            backup.keep(&saved(Kept::Octets { at: 0, octets: vec![octet] })).unwrap();
        }
        let kept = backups.kept(&iccid).unwrap().unwrap();
        assert_eq!(kept.saved, [saved(Kept::Octets { at: 0, octets: vec![1] })], "what was there first");
        let path = folder.path().join("8988211000000430010.json");
        assert!(folder.path().join("8988211000000430010-2.json").exists());
        assert!(matches!(BackupFile::read(&path, &theirs), Err(BackupFileError::Sealed { .. })));
        let moved = std::fs::read_to_string(&path).unwrap().replace("430010", "430028");
        std::fs::write(&path, moved).unwrap();
        assert!(matches!(BackupFile::read(&path, &ours), Err(BackupFileError::Sealed { .. })));
    }

    #[test]
    fn what_is_no_backup_is_told_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let (path, vault) = (folder.path().join("card.json"), vault(folder.path(), "key"));
        for text in [
            "marked-7",
            r#"{"format":"bootgate sealed card backup 1","card":{"iccid":null,"sealed":"marked-7"}}"#,
            r#"{"format":"marked-7","card":{"iccid":null,"saved":[]}}"#,
            r#"{"format":"bootgate card backup 1","card":{"iccid":"marked-7","saved":[]}}"#,
            r#"{"format":"bootgate card backup 1","card":{"iccid":null,"saved":[{"file":null,"octets":{"at":0,"octets":"marked-7"}}]}}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            let told = BackupFile::read(&path, &vault).unwrap_err().to_string();
            assert!(told.contains("is no backup") && !told.contains("marked-7"), "{told}");
        }
        assert!(matches!(
            BackupFile::read(&folder.path().join("none"), &vault),
            Err(BackupFileError::Read { .. })
        ));
    }
}

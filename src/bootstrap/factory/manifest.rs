//! `manifest.json`: what is in an image, so that its receiver can tell that it is whole. Its octets are what is signed. No
//! time stands in it: the same image has the same manifest.

use serde::{Deserialize, Serialize};

use crate::{ident::Imei, profile::Profile};

use super::{FactoryError, File, MANIFEST, digest_hex};

const FORMAT: u32 = 1;

/// What is in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1.
    pub format: u32,
    /// Name of the profile that it was built from.
    pub profile: String,
    /// Version of that profile.
    pub profile_version: u32,
    /// The device's IMEI, of which only the type allocation code is shown.
    pub device: Option<String>,
    /// Whether secrets stand in the files.
    pub secrets: Secrecy,
    /// [`super::SealingKey::fingerprint`] of the key that the secrets are sealed to.
    pub sealed_to: Option<String>,
    /// All files but the manifest and its signature.
    pub files: Vec<Entry>,
    /// What the settings hold and the tree cannot carry, in words.
    pub not_carried: Vec<String>,
}

/// Whether secrets stand in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secrecy {
    /// They do, or there are none.
    Clear,
    /// References stand there.
    Sealed,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its octets.
    pub size: u64,
    /// Their SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

/// What is wrong with a file of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is named and not there.
    #[error("{0} is missing")]
    Missing(String),
    /// It is there and not named.
    #[error("{0} is not in the manifest")]
    Unnamed(String),
    /// It is named more than once.
    #[error("{0} is named twice")]
    Twice(String),
    /// It has another size or content.
    #[error("{0} was changed: size or SHA-256 differ from the manifest")]
    Changed(String),
}

impl Manifest {
    pub(super) fn new(
        profile: &Profile,
        device: Option<&Imei>,
        sealed_to: Option<String>,
        files: &[File],
        not_carried: Vec<String>,
    ) -> Self {
        let masked = |imei: &Imei| imei.to_string().chars().take(8).collect::<String>() + "…";
        Self {
            format: FORMAT,
            profile: profile.name.to_string(),
            profile_version: profile.version,
            device: device.map(masked),
            secrets: if sealed_to.is_some() { Secrecy::Sealed } else { Secrecy::Clear },
            sealed_to,
            files: files.iter().map(Entry::of).collect(),
            not_carried,
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`FactoryError::Unreadable`].
    pub fn parse(octets: &[u8]) -> Result<Self, FactoryError> {
        let bad = |why| FactoryError::Unreadable { file: MANIFEST, why };
        let manifest: Self =
            serde_json::from_slice(octets).map_err(|_| bad("it is not the JSON that it should be"))?;
        if manifest.format == FORMAT { Ok(manifest) } else { Err(bad("it has a format that is not known")) }
    }

    /// Compares all files of an image with the manifest.
    pub fn check(&self, files: &[File]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (at, entry) in self.files.iter().enumerate() {
            let name = || entry.name.clone();
            if self.files.iter().take(at).any(|e| e.name == entry.name) {
                faults.push(Fault::Twice(name()));
            }
            match files.iter().find(|f| f.name == entry.name) {
                None => faults.push(Fault::Missing(name())),
                Some(file)
                    if Entry::of(file) != (Entry { media_type: entry_type(file), ..entry.clone() }) =>
                {
                    faults.push(Fault::Changed(name()));
                }
                Some(_) => {}
            }
        }
        let named = |f: &File| self.files.iter().any(|e| e.name == f.name);
        faults.extend(files.iter().filter(|f| !named(f)).map(|f| Fault::Unnamed(f.name.to_owned())));
        faults
    }

    /// The manifest of the same image with other files: opened, so that secrets stand in it.
    pub(super) fn opened(&self, files: &[File]) -> Self {
        Self {
            secrets: Secrecy::Clear,
            sealed_to: None,
            files: files.iter().map(Entry::of).collect(),
            ..self.clone()
        }
    }
}

impl Entry {
    fn of(file: &File) -> Self {
        Self {
            name: file.name.to_owned(),
            media_type: entry_type(file),
            size: u64::try_from(file.octets.len()).unwrap_or(u64::MAX),
            sha256: digest_hex(&file.octets),
        }
    }
}

fn entry_type(file: &File) -> String {
    file.media_type().to_owned()
}

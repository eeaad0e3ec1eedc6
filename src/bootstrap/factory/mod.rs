//! The factory image: what a manufacturer puts into a device, as a directory of files.
//!
//! | file             | what it is                                                                    |
//! |------------------|-------------------------------------------------------------------------------|
//! | `cp.wbxml`       | the CP document, as a device reads it                                         |
//! | `cp.xml`         | the same as XML                                                               |
//! | `tree.xml`       | the management tree as TNDS XML                                               |
//! | `tree.json`      | the same as JSON                                                              |
//! | `secrets.sealed` | the secrets, sealed to the manufacturer ([`SealingKey`]), when it was asked for |
//! | `manifest.json`  | profile and version, sizes and SHA-256 digests ([`Manifest`])                 |
//! | `manifest.sig`   | the Ed25519 signature of `manifest.json`, 64 octets, when it was asked for    |
//!
//! Secret is what has a secret's key in a profile, what goes beside it (`data`), and a parameter whose name says so
//! ([`crate::profile::Parameter::is_secret`]); of any other parameter nothing says that it is one, and it stays readable.
//!
//! With sealed secrets, references into `secrets.sealed` stand in the other files; [`open`] puts the secrets back. Names
//! such as the IMEI of a device stay readable: whoever holds the image knows for which device it is.

mod hide;
mod key;
mod manifest;
mod seal;
mod tree;

pub use key::{OpeningKey, SealingKey};
pub use manifest::{Entry, Fault, Manifest, Secrecy};
pub use seal::INFO;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{
    ident::Random,
    profile::Profile,
    wire::{Syntax, tnds},
};

use super::{BootstrapError, PayloadKind, Settings, build, dm};

/// The CP document as WBXML.
pub const CP_WBXML: &str = "cp.wbxml";
/// The CP document as XML.
pub const CP_XML: &str = "cp.xml";
/// The tree as TNDS XML.
pub const TREE_XML: &str = "tree.xml";
/// The tree as JSON.
pub const TREE_JSON: &str = "tree.json";
/// The sealed secrets.
pub const SECRETS: &str = "secrets.sealed";
/// The manifest.
pub const MANIFEST: &str = "manifest.json";
/// The manifest's signature.
pub const SIGNATURE: &str = "manifest.sig";

/// The files that a manifest may name.
const CONTENT: [&str; 5] = [CP_WBXML, CP_XML, TREE_XML, TREE_JSON, SECRETS];

/// A file of an image. It may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, one of those above.
    name: &'static str,
    /// Its octets.
    octets: Vec<u8>,
}

/// An image without its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What is in it.
    pub manifest: Manifest,
    /// `manifest.json`: what is signed.
    pub manifest_octets: Vec<u8>,
    /// All other files.
    pub files: Vec<File>,
}

/// Why there is no image, or none can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactoryError {
    /// The settings did not become a document or a tree.
    #[error(transparent)]
    Encode(#[from] BootstrapError),
    /// The secrets could not be sealed: our fault.
    #[error("the secrets could not be sealed or put in their places")]
    Seal,
    /// A file is not what it should be.
    #[error("{file} is not readable: {why}")]
    Unreadable {
        /// Which.
        file: &'static str,
        /// Why.
        why: &'static str,
    },
    /// The secrets are sealed to another key.
    #[error("the secrets are sealed to another key than this one")]
    OtherRecipient,
    /// The secrets are sealed to that key, and were changed.
    #[error("secrets.sealed was changed: it does not open")]
    Open,
    /// There is nothing to open.
    #[error("nothing in this image is sealed")]
    NotSealed,
}

impl File {
    /// A file that was read, when it has a name that a manifest may have.
    pub fn new(name: &str, octets: Vec<u8>) -> Option<Self> {
        let name = CONTENT.into_iter().find(|n| *n == name)?;
        Some(Self { name, octets })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    fn media_type(&self) -> &'static str {
        match self.name {
            CP_WBXML => PayloadKind::Cp.content_type(),
            CP_XML => PayloadKind::Cp.content_type_in(Syntax::Xml),
            TREE_XML => tnds::TYPE_XML,
            _ => "application/json",
        }
    }
}

impl fmt::Debug for File {
    /// Name and size: the octets may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({}, {} octets)", self.name, self.octets.len())
    }
}

/// Makes an image of settings that a profile became. With a key the secrets are sealed to it.
///
/// # Errors
/// [`FactoryError`] when the settings do not become documents.
pub fn image(
    profile: &Profile,
    settings: &Settings,
    seal_to: Option<&SealingKey>,
    random: &dyn Random,
) -> Result<Image, FactoryError> {
    let Some(key) = seal_to else {
        let (files, losses) = documents(settings)?;
        return Image::of(Manifest::new(profile, settings.device.as_ref(), None, &files, losses), files);
    };
    let (hidden, secrets) = hide::hide(settings, random)?;
    let (mut files, losses) = documents(&hidden)?;
    files.push(File { name: SECRETS, octets: seal::seal(&secrets, key, random)? });
    let sealed_to = Some(key.fingerprint());
    Image::of(Manifest::new(profile, settings.device.as_ref(), sealed_to, &files, losses), files)
}

/// The same image with its secrets in their places, and no signature: it is another image.
///
/// # Errors
/// [`FactoryError`] when nothing is sealed, it is sealed to another key, or a file is not what it should be.
pub fn open(manifest: &Manifest, files: &[File], key: &OpeningKey) -> Result<Image, FactoryError> {
    let sealed = files.iter().find(|f| f.name == SECRETS).ok_or(FactoryError::NotSealed)?;
    let secrets = seal::open(&sealed.octets, key)?;
    let opened = files.iter().filter(|f| f.name != SECRETS).map(|f| {
        let octets = hide::reveal(f, &secrets)?;
        Ok(File { name: f.name, octets })
    });
    let opened: Vec<File> = opened.collect::<Result<_, FactoryError>>()?;
    Image::of(manifest.opened(&opened), opened)
}

impl Image {
    fn of(manifest: Manifest, files: Vec<File>) -> Result<Self, FactoryError> {
        let manifest_octets = json(&manifest)?;
        Ok(Self { manifest, manifest_octets, files })
    }

    /// Every file by name, the manifest last.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let files = self.files.iter().map(|f| (f.name, f.octets.as_slice()));
        files.chain(std::iter::once((MANIFEST, self.manifest_octets.as_slice())))
    }
}

/// The documents of settings, and what the tree cannot carry.
fn documents(settings: &Settings) -> Result<(Vec<File>, Vec<String>), FactoryError> {
    let cp = build(settings, PayloadKind::Cp)?;
    let cp_xml = cp.to_xml()?.into_bytes();
    let (tree, losses) = dm::tree(settings)?;
    let files = vec![
        File { name: CP_WBXML, octets: cp.octets },
        File { name: CP_XML, octets: cp_xml },
        File { name: TREE_XML, octets: tree::xml(&tree)? },
        File { name: TREE_JSON, octets: json(&tree::json(&tree))? },
    ];
    Ok((files, losses))
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, FactoryError> {
    // It cannot fail for what is written here: all keys are text.
    let mut text = serde_json::to_vec_pretty(value).map_err(|_| FactoryError::Seal)?;
    text.push(b'\n');
    Ok(text)
}

/// SHA-256 in hexadecimal digits.
pub(super) fn digest_hex(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().map(|o| format!("{o:02x}")).collect()
}

#[cfg(test)]
mod tests;

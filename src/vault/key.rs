//! The key of the vault: where it comes from, and how exactly one is made when many ask for it at once.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::Engine as _;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::VaultError;
use crate::ident::Random;

/// Octets of a key of XChaCha20-Poly1305.
const KEY: usize = 32;
/// A key file is not longer: 64 digits and a line end.
const LONGEST: u64 = 128;
/// How often another name is drawn for the file that becomes the key file.
const TRIES: u32 = 20;

/// Where the key of a vault comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file that is made when something is sealed for the first time.
    Made(PathBuf),
    /// A file that must be there.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A key of this process alone, drawn when it is first needed and gone with the process.
    Drawn,
}

/// Tells keys apart without telling them: the first octets of a hash of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; KeyId::OCTETS]);

impl KeyId {
    /// How many octets of the hash.
    pub const OCTETS: usize = 4;

    /// The octets.
    pub fn octets(self) -> [u8; Self::OCTETS] {
        self.0
    }
}

impl From<[u8; KeyId::OCTETS]> for KeyId {
    fn from(octets: [u8; KeyId::OCTETS]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A key; it is wiped when it is dropped, and does not print.
pub(super) struct VaultKey(Zeroizing<[u8; KEY]>);

impl VaultKey {
    pub(super) fn octets(&self) -> &[u8; KEY] {
        &self.0
    }

    /// SHA-256 with a prefix of its own, so that the id is no digest that anything else computes of a key.
    pub(super) fn id(&self) -> KeyId {
        let hash =
            Sha256::new().chain_update(b"bootgate vault key id\0").chain_update(self.octets()).finalize();
        let mut id = [0; KeyId::OCTETS];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        KeyId(id)
    }

    fn draw(random: &dyn Random) -> Self {
        let mut octets = Zeroizing::new([0; KEY]);
        random.fill(octets.as_mut());
        Self(octets)
    }

    /// Reads the three spellings: 64 hexadecimal digits, base64, and the octets as they are.
    fn read(text: &[u8]) -> Option<Self> {
        if let Ok(octets) = <[u8; KEY]>::try_from(text) {
            return Some(Self(Zeroizing::new(octets)));
        }
        let text = text.trim_ascii();
        let mut octets = Zeroizing::new([0; KEY]);
        if text.len() == 2 * KEY {
            for (to, pair) in octets.iter_mut().zip(text.chunks(2)) {
                let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|d| u8::try_from(d).ok());
                let (Some(high), Some(low)) = (digit(*pair.first()?), digit(*pair.get(1)?)) else {
                    return None;
                };
                *to = high << 4 | low;
            }
            return Some(Self(octets));
        }
        // One octet more than a key: the decoder wants room for what the length of the text lets expect.
        let mut decoded = Zeroizing::new([0; KEY + 1]);
        let count = base64::engine::general_purpose::STANDARD.decode_slice(text, decoded.as_mut()).ok()?;
        octets.copy_from_slice(decoded.get(..KEY).filter(|_| count == KEY)?);
        Some(Self(octets))
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(path) | Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Drawn => f.write_str("this process"),
        }
    }
}

impl KeySource {
    /// Fetches the key. `make` lets [`Self::Made`] make one.
    pub(super) fn fetch(&self, make: bool, random: &dyn Random) -> Result<VaultKey, VaultError> {
        match self {
            Self::File(path) => load(path),
            Self::Env(name) => {
                let text = std::env::var(name).map(Zeroizing::new);
                let text = text.map_err(|_| VaultError::Unset { name: name.clone() })?;
                VaultKey::read(text.as_bytes()).ok_or_else(|| VaultError::NotAKey { place: self.to_string() })
            }
            Self::Drawn => Ok(VaultKey::draw(random)),
            Self::Made(path) => {
                if make && !path.exists() {
                    self::make(path, random)
                        .map_err(|source| VaultError::Make { path: path.clone(), source })?;
                }
                let key = load(path)?;
                // Whoever made it may not have come so far yet, and a key that a power cut takes away opens nothing.
                sync_directory(path).map_err(|source| VaultError::Make { path: path.clone(), source })?;
                Ok(key)
            }
        }
    }
}

/// Reads a key file, and refuses one that others may read.
fn load(path: &Path) -> Result<VaultKey, VaultError> {
    let failed = |source: Error| match source.kind() {
        ErrorKind::NotFound => VaultError::NoKey { path: path.to_owned(), sealed_under: None },
        _ => VaultError::Read { path: path.to_owned(), source },
    };
    let file = File::open(path).map_err(failed)?;
    // Asked of the open file: the name may lead elsewhere a moment later.
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::Exposed { path: path.to_owned(), mode });
    }
    let place = || path.display().to_string();
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Err(VaultError::NotAKey { place: place() });
    }
    let mut text = Zeroizing::new(Vec::with_capacity(256));
    file.take(LONGEST).read_to_end(&mut text).map_err(failed)?;
    VaultKey::read(&text).ok_or_else(|| VaultError::NotAKey { place: place() })
}

/// Makes a key file so that of many who do it at once exactly one has made it: it is written whole under another name,
/// and gets its own by a hard link, which fails where the name is taken.
fn make(path: &Path, random: &dyn Random) -> Result<(), Error> {
    let key = VaultKey::draw(random);
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY + 1));
    for octet in key.octets() {
        for digit in [octet >> 4, octet & 0x0F] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text.push('\n');
    let (draft, mut file) = draft(path, random)?;
    let linked = (|| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::hard_link(&draft, path)
    })();
    let removed = std::fs::remove_file(&draft);
    match linked {
        // Somebody else was faster: theirs is the key.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => removed,
        other => other.and(removed),
    }
}

/// A new file beside `path` for its owner alone. Its name is drawn: process numbers are shared by threads, and repeat.
fn draft(path: &Path, random: &dyn Random) -> Result<(PathBuf, File), Error> {
    // A vault may be needed before there is a store beside it.
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty() && !d.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut tries = 0..TRIES;
    loop {
        let mut drawn = [0; 8];
        random.fill(&mut drawn);
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-draft-{:016x}", u64::from_be_bytes(drawn)));
        let name = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name) {
            Ok(file) => return Ok((name, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && tries.next().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

/// A name is on disk when its directory is.
fn sync_directory(path: &Path) -> Result<(), Error> {
    let directory = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

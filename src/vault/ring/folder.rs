//! A folder with a file for each card.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    card::{Key, KeyId, KeyRing, KeyRingError},
    ident::Iccid,
};

/// The most octets of a file.
const MAX_FILE: u64 = 16 * 1024;

/// A folder with `ICCID.toml` for each card: lines as `adm1 = "12345678"`. Only its owner may be able to read such a file.
#[derive(Debug)]
pub struct Folder {
    folder: PathBuf,
}

impl Folder {
    /// The folder, which must be one.
    ///
    /// # Errors
    /// [`KeyRingError::Unavailable`].
    pub fn open(folder: &Path) -> Result<Self, KeyRingError> {
        let ring = Self { folder: folder.to_owned() };
        match fs::metadata(folder) {
            Ok(found) if found.is_dir() => Ok(ring),
            Ok(_) => Err(ring.unavailable("it is no folder".to_owned())),
            Err(error) => Err(ring.unavailable(error.to_string())),
        }
    }

    fn unavailable(&self, why: String) -> KeyRingError {
        KeyRingError::Unavailable { ring: self.name(), why }
    }

    fn unusable(&self, file: &Path, why: &str) -> KeyRingError {
        let file = file.file_name().unwrap_or_default().to_string_lossy();
        KeyRingError::Unusable { ring: self.name(), why: format!("{file} {why}") }
    }
}

/// The text of a key, wiped when it is dropped.
#[derive(serde::Deserialize)]
struct Text(String);

impl Drop for Text {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl KeyRing for Folder {
    fn name(&self) -> String {
        format!("folder {}", self.folder.display())
    }

    fn place_of(&self, card: &Iccid, key: KeyId) -> String {
        let file = self.folder.join(format!("{}.toml", card.digits()));
        format!("`{} = \"…\"` in {}", key.name().unwrap_or("?"), file.display())
    }

    fn keys_of(&self, card: &Iccid) -> Result<Vec<Key>, KeyRingError> {
        let file = self.folder.join(format!("{}.toml", card.digits()));
        let open = match fs::File::open(&file) {
            Ok(open) => open,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.unavailable(error.to_string())),
        };
        let mode = open.metadata().map_err(|e| self.unavailable(e.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(self.unusable(&file, "can be read by others than its owner; chmod 600 it"));
        }
        let mut text = Zeroizing::new(String::new());
        open.take(MAX_FILE)
            .read_to_string(&mut text)
            .map_err(|_| self.unusable(&file, "is not text in UTF-8"))?;
        // What the parser has to say would repeat the line, which holds a key.
        let keys: BTreeMap<String, Text> = toml::from_str(&text).map_err(|e| {
            let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            let line = 1 + before.matches('\n').count();
            self.unusable(
                &file,
                &format!("is not as expected in line {line}: expected lines as adm1 = \"…\""),
            )
        })?;
        keys.iter()
            .map(|(name, text)| {
                let reference = KeyId::named(name).ok_or_else(|| {
                    self.unusable(&file, &format!("holds a name that is no key; expected {}", KeyId::names()))
                })?;
                Key::read(reference, &text.0).map_err(|why| self.unusable(&file, &format!("({name}): {why}")))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::arr::KeyRef;

    const CARD: &str = "89490200001234567892";

    fn told(text: &str, mode: u32) -> Result<Vec<KeyId>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(format!("{CARD}.toml"));
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let keys = Folder::open(folder.path()).unwrap().keys_of(&CARD.parse().unwrap());
        keys.map(|keys| keys.iter().map(|key| key.id).collect()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_card_has_its_file() {
        let text = "adm1 = \"MARKED-A\"\npin = \"4815\"\nadm6 = \"0011223344556677\"\n";
        assert_eq!(told(text, 0o600).unwrap(), [KeyRef::ADM1, KeyRef(0x8A), KeyRef::PIN1]);
        let folder = tempfile::tempdir().unwrap();
        let other = Folder::open(folder.path()).unwrap().keys_of(&CARD.parse().unwrap()).unwrap();
        assert!(other.is_empty());
        assert!(Folder::open(&folder.path().join("none")).is_err());
    }

    #[test]
    fn what_is_no_key_is_told_without_being_repeated() {
        for (text, mode, why) in [
            ("adm1 = \"MARKED-A\"", 0o640, "can be read by others"),
            ("pin = \"1\"\nadm1 = MARKED-A", 0o600, "line 2"),
            ("adm1 = \"MARKED-KEY\"", 0o600, "(adm1): ADM key has 10 characters"),
            ("marked-a = \"x\"", 0o600, "expected adm1"),
            ("pin = \"12\"", 0o600, "(pin): PIN has 2 digits"),
        ] {
            let error = told(text, mode).unwrap_err();
            assert!(error.contains(why) && !error.to_uppercase().contains("MARKED"), "{error}");
        }
    }
}

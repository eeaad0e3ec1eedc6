//! Where keys of cards come from, as configuration and command line name it, and the vault that opens sealed cells of tables.

use std::{path::PathBuf, str::FromStr, sync::Arc};

use zeroize::Zeroizing;

use super::{App, config::Config};
use crate::{
    card::{KeyRing, KeyRingError, KeyRings},
    ident::Iccid,
    job::batch::{CellOpener, CellSealer, Columns, MAX_OCTETS, TableRing},
    vault::{
        Purpose, Vault,
        ring::{Environment, Folder, Pkcs11Token, Pkcs11Uri},
    },
};

/// A source of keys by its name: `csv:FILE`, `dir:FOLDER`, `env:PREFIX` or `pkcs11:…` (RFC 7512).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRingName {
    /// A table with a column `iccid`; cells may be sealed.
    Table(PathBuf),
    /// A folder with `ICCID.toml` for each card.
    Folder(PathBuf),
    /// Variables named `PREFIX_ICCID_ADM1`.
    Environment(String),
    /// A PKCS#11 token.
    Pkcs11(Pkcs11Uri),
}

impl FromStr for KeyRingName {
    type Err = String;

    /// The text is not repeated: a PIN may stand in it by mistake.
    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "a source of keys is csv:FILE, dir:FOLDER, env:PREFIX or pkcs11:URI";
        match text.split_once(':') {
            Some(("pkcs11", _)) => text.parse().map(Self::Pkcs11).map_err(|e| format!("{e}")),
            Some((_, "")) | None => Err(EXPECTED.into()),
            Some(("csv", file)) => Ok(Self::Table(file.into())),
            Some(("dir", folder)) => Ok(Self::Folder(folder.into())),
            Some(("env", prefix)) => Ok(Self::Environment(prefix.to_owned())),
            Some(_) => Err(EXPECTED.into()),
        }
    }
}

impl KeyRingName {
    /// Opens the source: reads the table, logs in at the token.
    pub(super) fn open(&self, vault: &Arc<Vault>) -> Result<Arc<dyn KeyRing>, KeyRingError> {
        Ok(match self {
            Self::Folder(folder) => Arc::new(Folder::open(folder)?),
            Self::Environment(prefix) => Arc::new(Environment::new(prefix)),
            Self::Pkcs11(uri) => Arc::new(Pkcs11Token::open(uri)?),
            Self::Table(file) => {
                let name = file.display().to_string();
                let octets = read(file).map_err(|e| KeyRingError::Unavailable {
                    ring: format!("table {name}"),
                    why: e.to_string(),
                })?;
                Arc::new(TableRing::read(&name, &octets, &Columns::default(), &CellVault::new(vault))?)
            }
        })
    }
}

impl App {
    /// Opens sources of keys: these, then those of the configuration. Blocks.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn key_rings(&self, first: &[KeyRingName]) -> Result<KeyRings, KeyRingError> {
        Self::key_rings_of(&self.config, &self.vault, first)
    }

    /// The same for what needs no store.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub fn key_rings_of(
        config: &Config,
        vault: &Arc<Vault>,
        first: &[KeyRingName],
    ) -> Result<KeyRings, KeyRingError> {
        let configured = config.card.key_rings.iter();
        let open = |name: &KeyRingName| name.open(vault);
        first.iter().chain(configured).map(open).collect::<Result<_, _>>().map(KeyRings::new)
    }
}

/// One octet more than a table may have at the most is enough to see that it has more.
fn read(file: &std::path::Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    use std::io::Read as _;
    let most = u64::try_from(MAX_OCTETS).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Zeroizing::new(Vec::new());
    std::fs::File::open(file)?.take(most).read_to_end(&mut octets)?;
    Ok(octets)
}

/// The vault as the opener and sealer of cells.
#[derive(Debug, Clone)]
pub struct CellVault(Arc<Vault>);

impl CellVault {
    /// Cells of this vault.
    pub fn new(vault: &Arc<Vault>) -> Self {
        Self(Arc::clone(vault))
    }
}

/// What a cell is sealed for.
const KIND: &str = "card-key";

fn place(card: &Iccid, column: &str) -> String {
    format!("{}/{column}", card.digits())
}

impl CellOpener for CellVault {
    fn open(&self, card: &Iccid, column: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        let of = place(card, column);
        self.0.open(Purpose { kind: KIND, of: &of }, sealed).map_err(|e| e.to_string())
    }
}

impl CellSealer for CellVault {
    fn seal(&self, card: &Iccid, column: &str, text: &str) -> Result<Vec<u8>, String> {
        let of = place(card, column);
        self.0.seal(Purpose { kind: KIND, of: &of }, text.as_bytes()).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_by_its_kind() {
        assert_eq!("csv:a:b.csv".parse(), Ok(KeyRingName::Table("a:b.csv".into())));
        assert_eq!("dir:/keys".parse(), Ok(KeyRingName::Folder("/keys".into())));
        assert_eq!("env:KEYS".parse(), Ok(KeyRingName::Environment("KEYS".into())));
        assert!(matches!("pkcs11:?module-path=x".parse(), Ok(KeyRingName::Pkcs11(_))));
        for bad in ["48151623", "csv:", "adm:48151623", "pkcs11:?module-path=x&pin-value=48151623"] {
            let why = bad.parse::<KeyRingName>().unwrap_err();
            assert!(!why.contains("48151623"), "{why}");
        }
    }
}

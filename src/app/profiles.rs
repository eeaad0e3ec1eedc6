//! Profiles by name: files `NAME.toml` of one directory.

use std::{io::Read as _, path::PathBuf};

use crate::{ident::ProfileName, job::request::Profiles};

/// The longest profile that is read, in octets.
const LONGEST: u64 = 1024 * 1024;

/// A directory with profiles; none has none.
#[derive(Debug, Clone)]
pub(super) struct ProfileDirectory(pub(super) Option<PathBuf>);

impl Profiles for ProfileDirectory {
    fn text(&self, name: &ProfileName) -> Result<String, String> {
        let Some(directory) = &self.0 else {
            return Err("there are no profiles here: set [api] profiles, or send profile-toml".to_owned());
        };
        // A name has no `/`, so the file stands in the directory.
        let path = directory.join(format!("{name}.toml"));
        let file = std::fs::File::open(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => format!("there is no profile {name} here; see [api] profiles"),
            _ => format!("profile {name} cannot be read: {e}"),
        })?;
        let mut text = String::new();
        match file.take(LONGEST + 1).read_to_string(&mut text) {
            Ok(_) if text.len() as u64 > LONGEST => {
                Err(format!("profile {name} is longer than {LONGEST} octets"))
            }
            Ok(_) => Ok(text),
            Err(e) => Err(format!("profile {name} cannot be read: {e}")),
        }
    }
}

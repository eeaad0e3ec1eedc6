//! Where the layers of the configuration come from: a file, the environment, flags.

use std::path::{Path, PathBuf};

/// The file that is read when none is named and it exists.
const STANDARD_FILE: &str = "config/bootgate.toml";

/// Where the layers above the compiled-in one come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file.
    pub file: FileSource,
    /// Environment variables, name and value; those that do not name a section of ours are passed over.
    pub env: Vec<(String, String)>,
    /// Flags of the command line.
    pub flags: Vec<Flag>,
    /// The home directory, for `~/` in paths.
    pub home: Option<PathBuf>,
    /// `XDG_DATA_HOME`: where data of programs go (XDG Base Directory Specification).
    pub data_home: Option<PathBuf>,
}

/// Which file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FileSource {
    /// None.
    #[default]
    None,
    /// `config/bootgate.toml` under this directory, when it is there.
    Standard(PathBuf),
    /// This one; it must be there.
    Named(PathBuf),
}

/// A flag that stands for a key.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The flag as it is typed, for example `--listen`.
    pub flag: &'static str,
    /// `section.key`.
    pub key: &'static str,
    /// The value as it was typed.
    pub value: String,
}

impl Sources {
    /// What a program started by a person reads: the file named, or the standard one in the working directory; the
    /// process's environment; `flags`.
    pub fn of_process(named: Option<&Path>, flags: Vec<Flag>) -> Self {
        let standard = || FileSource::Standard(PathBuf::new());
        let env =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self {
            file: named.map_or_else(standard, |path| FileSource::Named(path.to_owned())),
            env: env.collect(),
            flags,
            home: std::env::home_dir(),
            data_home: std::env::var_os("XDG_DATA_HOME").map(PathBuf::from),
        }
    }
}

impl Sources {
    /// Where data files of ours go; none when neither variable says it.
    ///
    /// A relative `XDG_DATA_HOME` is to be ignored, the specification says. What was made before the variable was looked at,
    /// or set, is not left behind.
    pub(super) fn data_file(&self, name: &str) -> Option<PathBuf> {
        let below = |data: PathBuf| data.join("bootgate").join(name);
        let absolute = |path: &&PathBuf| path.is_absolute();
        let usual = self.home.as_ref().filter(absolute).map(|home| below(home.join(".local/share")));
        let named = self.data_home.as_ref().filter(absolute).cloned().map(below);
        match (named, usual) {
            (Some(named), Some(usual)) if usual.exists() && !named.exists() => Some(usual),
            (Some(named), _) => Some(named),
            (None, usual) => usual,
        }
    }
}

impl FileSource {
    /// The file to read.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::None => None,
            Self::Standard(directory) => Some(directory.join(STANDARD_FILE)).filter(|path| path.exists()),
            Self::Named(path) => Some(path.clone()),
        }
    }
}

impl FileSource {
    /// The file that is read and why, in words.
    pub(super) fn told(&self) -> Option<String> {
        let file = self.path()?.display().to_string();
        match self {
            Self::Standard(_) => Some(format!("{file}, which is in the working directory")),
            Self::None | Self::Named(_) => Some(file),
        }
    }
}

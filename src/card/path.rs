//! Names of files as this program reaches them: from the MF, or from an application that only its AID leads to.

use std::{fmt, str::FromStr};

use crate::wire::{Fid, Path};

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath {
    root: Root,
    fids: Vec<Fid>,
}

/// Where a path begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Root {
    Mf,
    Application(Vec<u8>),
}

impl FilePath {
    /// The MF.
    pub fn mf() -> Self {
        Self { root: Root::Mf, fids: Vec::new() }
    }

    /// The directory of an application, by its AID.
    pub fn application(aid: &[u8]) -> Self {
        Self { root: Root::Application(aid.to_vec()), fids: Vec::new() }
    }

    /// A file in this directory.
    #[must_use]
    pub fn child(&self, fid: Fid) -> Self {
        let mut fids = self.fids.clone();
        fids.push(fid);
        Self { root: self.root.clone(), fids }
    }

    /// A path as a file on the card gives it: from the MF when it begins 3F00, from this directory otherwise.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> Self {
        match path.fids().split_first() {
            Some((&Fid::MF, below)) => Self { root: Root::Mf, fids: below.to_vec() },
            _ => path.fids().iter().fold(self.clone(), |at, fid| at.child(*fid)),
        }
    }

    /// The directory that the file is in; none for the MF and for an application.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.fids.split_last()?;
        Some(Self { root: self.root.clone(), fids: above.to_vec() })
    }

    /// The file's own identifier; none for an application.
    pub fn fid(&self) -> Option<Fid> {
        match (self.fids.last(), &self.root) {
            (Some(fid), _) => Some(*fid),
            (None, Root::Mf) => Some(Fid::MF),
            (None, Root::Application(_)) => None,
        }
    }

    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// Identifiers below the root.
    pub(super) fn fids(&self) -> &[Fid] {
        &self.fids
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Root::Mf => f.write_str("3F00")?,
            Root::Application(aid) => aid.iter().try_for_each(|octet| write!(f, "{octet:02X}"))?,
        }
        self.fids.iter().try_for_each(|fid| write!(f, "/{fid}"))
    }
}

/// A text names no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a file is named from the MF, as 3F00/7F50/6431, or from an application's AID in hexadecimal digits")]
pub struct FilePathError;

impl FromStr for FilePath {
    type Err = FilePathError;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, FilePathError> {
        let mut names = text.split('/');
        let root = match names.next() {
            Some("3F00") => Root::Mf,
            Some(aid) if !aid.is_empty() && aid.len() <= 32 && aid.len() % 2 == 0 => {
                let octet = |pair: &[u8]| {
                    let pair = std::str::from_utf8(pair)
                        .ok()
                        .filter(|p| p.bytes().all(|b| b.is_ascii_hexdigit()))?;
                    u8::from_str_radix(pair, 16).ok()
                };
                let aid: Option<Vec<u8>> = aid.as_bytes().chunks(2).map(octet).collect();
                Root::Application(aid.ok_or(FilePathError)?)
            }
            _ => return Err(FilePathError),
        };
        let fids = names.map(|name| name.parse().map_err(|_| FilePathError)).collect::<Result<_, _>>()?;
        Ok(Self { root, fids })
    }
}

impl serde::Serialize for FilePath {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_mf_or_at_an_application() {
        let pkcs15 = FilePath::mf().child(Fid::PKCS15);
        assert_eq!(pkcs15.resolve(&"6431".parse().unwrap()).to_string(), "3F00/7F50/6431");
        let app = FilePath::application(&[0xA0, 0x01]);
        assert_eq!(app.resolve(&"6431".parse().unwrap()).to_string(), "A001/6431");
        assert_eq!(app.resolve(&"3F00/7F50/6431".parse().unwrap()), pkcs15.child(Fid(0x6431)));
        assert_eq!(app.child(Fid::ODF).parent(), Some(app.clone()));
        assert_eq!((app.parent(), app.fid(), FilePath::mf().fid()), (None, None, Some(Fid::MF)));
    }

    #[test]
    fn a_path_is_read_as_it_is_written() {
        let app = FilePath::application(&[0xA0, 0x01]);
        for path in [
            FilePath::mf(),
            FilePath::mf().child(Fid::PKCS15).child(Fid::ODF),
            app.clone(),
            app.child(Fid::ODF),
        ] {
            assert_eq!(path.to_string().parse(), Ok(path));
        }
        for bad in ["", "3F00/", "3F00/643", "A00", "A0x1/6431", "/6431", "3F00/7F50/+431"] {
            assert_eq!(bad.parse::<FilePath>(), Err(FilePathError), "{bad}");
        }
    }
}

//! Settings files of a USIM (3GPP TS 31.102, section 4.2): what is there, and whether the USIM says that it counts. The octets are
//! read; what they mean is another room's affair.

use crate::wire::usim::{self, SettingsContent, SettingsFile, Structure};

use super::{FileError, FilePath, FileSystem, Mode, TransportError};

/// A settings file that a card has.
#[derive(Debug, Clone)]
pub struct FoundSettings {
    /// Which it is.
    pub kind: SettingsFile,
    /// Where it is.
    pub file: FilePath,
    /// Whether EF(UST) says that its services are there; none when that cannot be read.
    pub served: Option<bool>,
    /// Its octets, or its records one by one.
    pub content: Result<Vec<SettingsOctets>, FileError>,
}

/// Octets of a settings file. `Debug` shows how many: they may open a key.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsOctets(pub Vec<u8>);

impl std::fmt::Debug for SettingsOctets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} octets]", self.0.len())
    }
}

/// The directory of the USIM application, by the part of its name that all have in common.
pub(super) fn usim() -> FilePath {
    FilePath::application(&usim::AID)
}

/// Looks for settings files. Nothing is written and no key is presented. A card of class A0 has no USIM.
///
/// # Errors
/// [`TransportError`]. Whatever is wrong with a file is in its place.
pub fn settings_files(fs: &mut FileSystem<'_>) -> Result<Vec<FoundSettings>, TransportError> {
    look_for(fs, &SettingsFile::ALL)
}

/// Looks for one settings file, as [`settings_files`] does for all; none when the card does not have it.
///
/// # Errors
/// [`TransportError`]. Whatever is wrong with the file is in its place.
pub fn settings_file(
    fs: &mut FileSystem<'_>,
    kind: SettingsFile,
) -> Result<Option<FoundSettings>, TransportError> {
    Ok(look_for(fs, &[kind])?.pop())
}

fn look_for(fs: &mut FileSystem<'_>, kinds: &[SettingsFile]) -> Result<Vec<FoundSettings>, TransportError> {
    let mut found = Vec::new();
    if fs.session().mode() == Mode::TwoG || kept(fs.parameters(&usim()))?.is_err() {
        return Ok(found);
    }
    let services = kept(fs.read_all(&usim().child(usim::SERVICES)))?.ok();
    for kind in kinds.iter().copied() {
        let file = usim().child(kind.fid());
        match kept(fs.parameters(&file))? {
            Err(error) if error.is_absent() => continue,
            Err(error) => found.push(FoundSettings { kind, file, served: None, content: Err(error) }),
            Ok(_) => {
                let content = kept(fs.settings(kind, &file))?;
                let served = services.as_deref().map(|services| kind.is_served(services));
                found.push(FoundSettings { kind, file, served, content });
            }
        }
    }
    Ok(found)
}

/// Whether a card holds something that was put there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It does; that was read.
    Yes,
    /// It does not; that was read.
    No,
    /// A file could not be read, and may hold it or not. Nobody may say that it does.
    Unread,
}

impl Holds {
    /// Whether it holds this and that.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unread,
        }
    }
}

/// Whether settings files hold this and nothing else. Nothing is written and no key is presented.
///
/// # Errors
/// [`TransportError`].
pub fn has_settings(fs: &mut FileSystem<'_>, wanted: &[SettingsContent]) -> Result<Holds, TransportError> {
    let mut holds = Holds::Yes;
    for content in wanted {
        let file = usim().child(content.file.fid());
        holds = holds.and(match kept(fs.settings(content.file, &file))? {
            Ok(now) if is_same(content, &now) => Holds::Yes,
            Err(error) if !error.is_absent() => Holds::Unread,
            _ => Holds::No,
        });
    }
    Ok(holds)
}

/// Whether what was read of a file is this and FF behind it.
fn is_same(wanted: &SettingsContent, now: &[SettingsOctets]) -> bool {
    let filled = |now: &[u8], wanted: &[u8]| {
        now.strip_prefix(wanted).is_some_and(|rest| rest.iter().all(|octet| *octet == 0xFF))
    };
    let mut parts = wanted.parts.clone();
    match wanted.file.structure() {
        Structure::Transparent => now.iter().all(|now| filled(&now.0, &parts.concat())),
        Structure::Records => {
            parts.len() <= now.len() && {
                parts.resize(now.len(), Vec::new());
                now.iter().zip(&parts).all(|(now, wanted)| filled(&now.0, wanted))
            }
        }
        Structure::Objects => {
            // The card is asked for them in the order of their tags.
            parts.sort_by_key(|object| object.first().copied());
            now.iter().flat_map(|now| &now.0).eq(parts.iter().flatten())
        }
    }
}

/// Lets trouble with the reader through and keeps trouble with the card.
fn kept<T>(result: Result<T, FileError>) -> Result<Result<T, FileError>, TransportError> {
    match result {
        Err(FileError::Transport(error)) => Err(error),
        other => Ok(other),
    }
}

impl FileSystem<'_> {
    pub(super) fn settings(
        &mut self,
        kind: SettingsFile,
        file: &FilePath,
    ) -> Result<Vec<SettingsOctets>, FileError> {
        match kind.structure() {
            Structure::Transparent => Ok(vec![SettingsOctets(self.read_all(file)?)]),
            Structure::Records => {
                let (_, count) = self.records(file)?;
                (1..=count).map(|number| self.read_record(file, number).map(SettingsOctets)).collect()
            }
            Structure::Objects => {
                let objects = self.objects(file, kind.tags())?;
                Ok(vec![SettingsOctets(objects.into_iter().flat_map(|(_, octets)| octets).collect())])
            }
        }
    }
}

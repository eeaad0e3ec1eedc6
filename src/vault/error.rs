//! Why a secret could not be sealed or opened.

use std::path::PathBuf;

use super::KeyId;

/// Why a secret could not be sealed or opened. It never repeats a key or a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no key file where one was said to be, or where the one must be that something was sealed under.
    #[error(
        "{}: there is no such key file{}; put the key back, or say where it is: [vault] key-file", .path.display(),
        .sealed_under.map(|id| format!(", and the secret was sealed under key {id}")).unwrap_or_default()
    )]
    NoKey {
        /// Where it was looked for.
        path: PathBuf,
        /// The key that is needed, where that is known.
        sealed_under: Option<KeyId>,
    },
    /// The environment variable that should hold the key is not set.
    #[error(
        "environment variable {name}, which [vault] key-file names, is not set; it holds the vault's key"
    )]
    Unset {
        /// The variable.
        name: String,
    },
    /// The key file cannot be read.
    #[error("{}: the vault's key cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Others may read the key file.
    #[error("{0}: the vault's key can be read by others (mode {mode:o}); chmod 600 {0}", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What is there is no key.
    #[error(
        "{place}: is no key of the vault; expected 32 octets as 64 hexadecimal digits, as base64, or as they are"
    )]
    NotAKey {
        /// Where it was found.
        place: String,
    },
    /// The key file cannot be made.
    #[error("{}: the vault's key cannot be made: {source}; name a key file of your own: [vault] key-file", .path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It was sealed under another key.
    #[error(
        "the secret was sealed under key {sealed_under}, and {place} holds key {ours}; name the file that holds the \
         other one: [vault] key-file"
    )]
    OtherKey {
        /// The key that is needed.
        sealed_under: KeyId,
        /// The key that is there.
        ours: KeyId,
        /// Where ours comes from.
        place: String,
    },
    /// The right key does not open it.
    #[error("a sealed {kind} was changed, or belongs elsewhere: key {key} does not open it")]
    Damaged {
        /// The kind of secret.
        kind: &'static str,
        /// The key.
        key: KeyId,
    },
    /// A newer bootgate sealed it.
    #[error("the secret was sealed in form {got}, and this bootgate knows form {known}; update bootgate")]
    Version {
        /// Its form.
        got: u8,
        /// Ours.
        known: u8,
    },
    /// It is too short to be sealed by us.
    #[error("the sealed secret has {got} octets; expected {least} or more")]
    Short {
        /// How many there are.
        got: usize,
        /// The fewest.
        least: usize,
    },
    /// It is too long for the cipher.
    #[error("a secret of {octets} octets is too long to be sealed")]
    TooLong {
        /// How many there are.
        octets: usize,
    },
}

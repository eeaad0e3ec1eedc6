//! Secrets on the command line: `@FILE`, `env:NAME` or `-` for a prompt without echo. A literal value would stand in
//! the shell's history and in the process list, so only commands that touch no real card or peer take one.

use std::str::FromStr;

use zeroize::Zeroizing;

use super::{Exit, Failure};
use crate::vault::short_text;

/// The longest file of a secret, in octets: keys in PEM with their chain are shorter.
const MAX_FILE: u64 = 1024 * 1024;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SecretSource {
    /// The first line of a file.
    File(String),
    /// An environment variable.
    Env(String),
    /// A prompt on the terminal.
    Prompt,
}

impl FromStr for SecretSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "-" => Ok(Self::Prompt),
            _ => {
                match (text.strip_prefix('@'), text.strip_prefix("env:")) {
                    (Some(file), _) if !file.is_empty() => Ok(Self::File(file.to_owned())),
                    (_, Some(name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
                    _ => Err("a secret is given as @FILE, env:NAME or - (prompt), never as the value itself"
                        .into()),
                }
            }
        }
    }
}

impl SecretSource {
    /// Fetches the secret's text. `what` names it in prompts and errors.
    pub(super) fn read(&self, what: &str) -> anyhow::Result<Zeroizing<String>> {
        match self {
            Self::File(path) => {
                let text = text_of(path, what)?;
                Ok(Zeroizing::new(text.lines().next().unwrap_or("").to_owned()))
            }
            Self::Env(name) => std::env::var(name).map(Zeroizing::new).map_err(|_| {
                Failure::because(Exit::Usage, format!("{what}: environment variable {name} is not set"))
            }),
            Self::Prompt => {
                rpassword::prompt_password(format!("{what}: ")).map(Zeroizing::new).map_err(|e| {
                    let instead = "there is no terminal to ask on; give it as @FILE or env:NAME";
                    Failure::because(Exit::Usage, format!("{what}: {instead} ({e})"))
                })
            }
        }
    }

    /// Fetches a secret of several lines, such as a key in PEM, as it stands.
    pub(super) fn read_text(&self, what: &str) -> anyhow::Result<Zeroizing<String>> {
        match self {
            Self::File(path) => text_of(path, what),
            Self::Env(_) => self.read(what),
            Self::Prompt => Err(Failure::because(
                Exit::Usage,
                format!("{what}: a key of several lines is given as @FILE or env:NAME"),
            )),
        }
    }

    /// Fetches the secret and reads it as `T`. The error never repeats the text.
    pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(&self, what: &str) -> anyhow::Result<T> {
        let text = self.read(what)?;
        text.parse().map_err(|e| Failure::because(Exit::Usage, format!("{what}: {e}")))
    }
}

/// The text of a file that was named on the command line: one that cannot be read is a mistake there.
fn text_of(path: &str, what: &str) -> anyhow::Result<Zeroizing<String>> {
    short_text(path.as_ref(), MAX_FILE)
        .map_err(|e| Failure::because(Exit::Usage, format!("{what}: cannot read {path}: {e}")))
}

/// A secret for commands that touch no real card or peer: the value itself is taken too.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum SecretOrLiteral {
    /// Fetched from somewhere.
    Source(SecretSource),
    /// The value itself.
    Literal(Zeroizing<String>),
}

impl FromStr for SecretOrLiteral {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Literal(Zeroizing::new(text.to_owned())), Self::Source))
    }
}

impl std::fmt::Debug for SecretOrLiteral {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretOrLiteral(***)")
    }
}

impl SecretOrLiteral {
    /// True when the value itself was given.
    pub(super) fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }

    /// True when the value itself was given and is this word.
    pub(super) fn is_literally(&self, word: &str) -> bool {
        matches!(self, Self::Literal(text) if text.as_str() == word)
    }

    /// Fetches the secret and reads it as `T`. The error never repeats the text.
    pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(&self, what: &str) -> anyhow::Result<T> {
        match self {
            Self::Source(source) => source.parse(what),
            Self::Literal(text) => {
                text.parse().map_err(|e| Failure::because(Exit::Usage, format!("{what}: {e}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_not_a_source() {
        assert_eq!("@adm.key".parse(), Ok(SecretSource::File("adm.key".into())));
        assert_eq!("env:ADM".parse(), Ok(SecretSource::Env("ADM".into())));
        assert_eq!("-".parse(), Ok(SecretSource::Prompt));
        for bad in ["12345678", "", "@", "env:"] {
            assert!(bad.parse::<SecretSource>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn where_a_literal_is_taken_it_does_not_print() {
        let literal: SecretOrLiteral = "48151623".parse().unwrap();
        assert!(!format!("{literal:?}").contains("4815"));
        assert_eq!("env:PIN".parse(), Ok(SecretOrLiteral::Source(SecretSource::Env("PIN".into()))));
        let error = literal.parse::<crate::ident::Imei>("PIN").unwrap_err().to_string();
        assert!(!error.contains("48151623"), "{error}");
    }
}

//! `bootgate token`: tokens of programs that use the API.

use std::fmt;

use serde::Serialize;

use super::{Exit, Global, output};
use crate::{app::OsRandom, ident::Token};

/// Actions.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Draws a token and prints it with its digest. The digest goes into the configuration, the token to the program; nothing
    /// else keeps it.
    New,
}

pub(super) fn run(action: &Action, global: &Global) -> anyhow::Result<Exit> {
    let Action::New = action;
    let token = Token::generate(&OsRandom);
    let digest = token.digest().to_string();
    output::emit(global.format, &New { token: token.expose(), digest })?;
    Ok(Exit::Ok)
}

/// A token, told this once.
#[derive(Serialize)]
struct New<'a> {
    token: &'a str,
    digest: String,
}

impl fmt::Display for New<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "token   {}", self.token)?;
        writeln!(f, "digest  {}", self.digest)?;
        writeln!(f, "\nThe token is told this once. For the configuration:\n")?;
        writeln!(f, "[[api.token]]\nname = \"pipeline\"\ndigest = \"{}\"\nmay = \"submit\"", self.digest)
    }
}

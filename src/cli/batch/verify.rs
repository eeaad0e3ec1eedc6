//! `bootgate batch verify`: results, checked where neither cards nor readers nor the store are.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{octets, signature::Place};
use crate::{
    cli::{Exit, Global, factory, output},
    ident::printable,
    job::batch::Sum,
};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct VerifyArgs {
    /// The results, as `batch run` wrote them: JSON lines or CSV. FILE.sha256 and FILE.sha256.sig stand beside them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The public Ed25519 key (PEM) of whoever must have signed them.
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
}

pub(super) fn run(args: &VerifyArgs, global: &Global) -> anyhow::Result<Exit> {
    let key = factory::public_key(&args.public_key)?;
    let results = octets(&args.file)?;
    let mut problems = Vec::new();
    let signature = match Place::beside(&args.file)?.read(&key)? {
        None => {
            let why = "no .sha256 and .sha256.sig stand beside it; `batch run --sign-key` makes them, and they go along with it";
            problems.push(why.to_owned());
            Signature::Missing
        }
        Some(signed) => match signed.check(&results, &key) {
            Ok(()) => Signature::Fits,
            Err(why) => {
                let why = match signed.check_to_go_on(&results, &key) {
                    Ok(true) => {
                        let goes_on =
                            if is_lines(&results) { ", and `batch run` goes on with it" } else { "" };
                        format!(
                            "its last line was not signed: its writer was ended before, or somebody else has added it; all \
                             before it is as it was signed{goes_on}"
                        )
                    }
                    _ => why.to_string(),
                };
                problems.push(why);
                Signature::Broken
            }
        },
    };
    let sum = if is_lines(&results) { Sum::of_lines(&results) } else { Sum::of_csv(&results) };
    problems.extend(sum.unreadable.iter().map(|line| format!("line {line} is no result")));
    let verified = Verified { file: args.file.display().to_string(), signature, sum, problems };
    output::emit(global.format, &verified)?;
    Ok(if verified.problems.is_empty() { Exit::Ok } else { Exit::Failed })
}

/// Whether results are JSON lines, and not CSV.
fn is_lines(results: &[u8]) -> bool {
    results.first() == Some(&b'{')
}

/// What was found.
#[derive(Serialize)]
struct Verified {
    file: String,
    signature: Signature,
    #[serde(flatten)]
    sum: Sum,
    problems: Vec<String>,
}

/// What became of the signature.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Signature {
    /// The file is what was signed.
    Fits,
    /// It is not, or somebody else has signed it.
    Broken,
    /// There is none.
    Missing,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = printable(&self.file);
        for problem in &self.problems {
            writeln!(f, "{file}: {problem}")?;
        }
        let word = match self.signature {
            Signature::Fits => "as it was signed",
            Signature::Broken => "not as it was signed",
            Signature::Missing => "not signed",
        };
        write!(f, "{file}: {word}, {}", self.sum)
    }
}

//! The command line: one file per noun. No logic of its own: it reads words, calls a room, prints what came back.
//!
//! Results go to standard output, as text or JSON from the same value; logs go to standard error. The exit status
//! is one of [`Exit`].

mod batch;
mod card;
mod config;
mod decode;
mod directory;
mod exit;
mod factory;
mod input;
mod job;
mod lab;
mod notify;
mod output;
mod profile;
mod push;
mod rehearse;
mod secret;
mod serve;
mod subscriber;
mod token;
mod wsp;

use std::{path::PathBuf, process::ExitCode};

use clap::{
    Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{app::config::Flag, ident::printable};

pub use output::Format;

/// Takes a device from empty to its first management session.
#[derive(Debug, Parser)]
#[command(name = "bootgate", version, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    noun: Noun,
}

const EXAMPLES: &str = "Examples:
  bootgate rehearse                                       the main job, on a virtual card and phone
  bootgate profile check config/profiles/*.toml
  bootgate decode --pin 1234 message.hex
  bootgate card list
  bootgate card plan -r 'bay 0 00 00' --profile config/profiles/consumer-phone.toml --as cp

Exit status: 0 ok, 1 failed, 2 usage (a file that is named and cannot be read, or is there already, among them), 69 reader or \
peer unavailable, 77 refused, 78 bad profile, table, script or configuration";

/// Options that every noun takes.
#[derive(Debug, Clone, clap::Args)]
struct Global {
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value = "text")]
    format: Format,
    /// Configuration file; the compiled-in defaults hold where it is silent.
    #[arg(long, global = true, value_name = "FILE", env = "BOOTGATE_CONFIG")]
    config: Option<PathBuf>,
    /// More log on standard error: -v info, -vv debug.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// What options of a noun say of the configuration.
    #[arg(skip)]
    flags: Vec<Flag>,
}

impl Global {
    /// The same, with cards spoken to in class A0.
    fn in_2g(&self, two_g: bool) -> Self {
        let mut global = self.clone();
        if two_g {
            global.flags.push(Flag { flag: "--2g", key: "card.class", value: "2g".into() });
        }
        global
    }
}

#[derive(Debug, Subcommand)]
enum Noun {
    /// Runs the main job on virtual parts, or over a PC/SC reader, and shows every step.
    Rehearse(rehearse::Args),
    /// Checks profiles and builds payloads from them.
    #[command(subcommand)]
    Profile(profile::Action),
    /// Explains any artefact, octet by octet; exit 1 when something is wrong with it.
    Decode(decode::Args),
    /// Reads and writes bootstrap files on cards in PC/SC readers.
    Card(card::Args),
    /// Builds and sends notifications, by which a DM server asks a device for a session.
    #[command(subcommand)]
    Notify(notify::Action),
    /// Hands pushes to a Push Proxy Gateway, asks where they are, takes them back.
    #[command(subcommand)]
    Push(push::Action),
    /// Checks and opens factory images.
    #[command(subcommand)]
    Factory(factory::Action),
    /// Runs the service: API for jobs, Push Proxy Gateway, results of other gateways, DM server.
    Serve(serve::Args),
    /// Lists and shows jobs, and calls push jobs off.
    #[command(subcommand)]
    Job(job::Action),
    /// Works on tables with one card a row: checks, writes, seals and verifies.
    #[command(subcommand)]
    Batch(batch::Action),
    /// Draws tokens for programs that use the API.
    #[command(subcommand)]
    Token(token::Action),
    /// Shows the configuration in force.
    #[command(subcommand)]
    Config(config::Action),
    /// Virtual parts, each as a process of its own.
    #[command(subcommand)]
    Lab(lab::Action),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Not done, or not known to be done.
    Failed = 1,
    /// The words on the command line are wrong.
    Usage = 2,
    /// A reader, card or peer is not there.
    Unavailable = 69,
    /// A PIN, key or credential was refused, or was not presented to protect the card.
    Refused = 77,
    /// The profile or the configuration is wrong.
    Config = 78,
}

/// An error that knows its exit status. The message is for people: what, where, what was expected, what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn because(exit: Exit, message: impl std::fmt::Display) -> anyhow::Error {
        anyhow::Error::new(Self { exit, message: message.to_string() })
    }
}

/// Runs the program: reads the command line, does what it says, and returns the exit status.
pub fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| without_secret(error).exit());
    output::start_log(cli.global.verbose);
    let done = match cli.noun {
        Noun::Rehearse(args) => rehearse::run(args, &cli.global),
        Noun::Profile(action) => profile::run(action, &cli.global),
        Noun::Decode(args) => decode::run(args, &cli.global),
        Noun::Card(args) => card::run(args, &cli.global),
        Noun::Notify(action) => notify::run(action, &cli.global),
        Noun::Push(action) => push::run(action, &cli.global),
        Noun::Factory(action) => factory::run(action, &cli.global),
        Noun::Serve(args) => serve::run(args, &cli.global),
        Noun::Job(action) => job::run(action, &cli.global),
        Noun::Batch(action) => batch::run(action, &cli.global),
        Noun::Token(action) => token::run(&action, &cli.global),
        Noun::Config(action) => config::run(action, &cli.global),
        Noun::Lab(action) => lab::run(action, &cli.global),
    };
    let exit = done.unwrap_or_else(|error| {
        output::error(&error);
        error.downcast_ref::<Failure>().map_or(Exit::Failed, |f| f.exit)
    });
    ExitCode::from(exit as u8)
}

/// What an option takes that may be a secret or an IMSI, as its help calls it. Errors do not repeat such a value; a test
/// goes through all of them. An ICCID or an IMEI is no secret, but it is easily given in place of an IMSI.
const HIDDEN: [&str; 8] =
    ["<SECRET>", "<KEY>", "<NONCE>", "<DIGITS>", "<OCTETS>", "<SOURCE>", "<NAME=VALUE>", "<WHOM>"];

/// The error of the argument parser, which repeats what it does not take, without what may be a secret: whoever gives the
/// value itself where it is not taken has made one mistake already. Nor does a terminal act on what is left.
fn without_secret(mut error: clap::Error) -> clap::Error {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(name)) => Some(name.clone()),
        _ => None,
    };
    let hidden = || ContextValue::String("***".to_owned());
    match (error.kind(), argument) {
        // A word that belongs to no option may have belonged to one with a secret: `--pin 1234 5678`, `--imsi2620…`.
        // Where no such option was given, a word without many digits is the user's own and is shown.
        (ErrorKind::UnknownArgument, Some(word)) if may_be_secret(&word, std::env::args()) => {
            error.insert(ContextKind::InvalidArg, hidden());
            // The hint repeats the word.
            error.remove(ContextKind::Suggested);
        }
        (_, Some(name)) if HIDDEN.iter().any(|what| name.contains(what)) => {
            error.insert(ContextKind::InvalidValue, hidden());
        }
        _ => {}
    }
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
        && many_digits(word)
    {
        error.insert(ContextKind::InvalidSubcommand, ContextValue::String("***".to_owned()));
    }
    let strings: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, printable(text).into_owned())),
            _ => None,
        })
        .collect();
    for (kind, text) in strings {
        error.insert(kind, ContextValue::String(text));
    }
    error
}

/// True for a word that has a place on the command line by mistake and may be the value of something secret.
fn may_be_secret(word: &str, mut given: impl Iterator<Item = String>) -> bool {
    // The number of a card begins with 89, has 18 digits or more, and is printed on it (ITU-T E.118); no IMSI is so long.
    let is_iccid = word.len() >= 18 && word.starts_with("89") && word.bytes().all(|b| b.is_ascii_digit());
    let is_option = |arg: String| arg.len() > 1 && arg.starts_with('-') && !HARMLESS.contains(&arg.as_str());
    !is_iccid && (many_digits(word) || !word.starts_with('-') && given.any(is_option))
}

/// Options that take nothing, or nothing that could be secret: behind others, a stray word may be the rest of a value.
const HARMLESS: [&str; 11] = [
    "--as",
    "--check",
    "--dry-run",
    "--format",
    "--help",
    "--list",
    "--profile",
    "--state",
    "--yes",
    "-v",
    "-y",
];

fn many_digits(word: &str) -> bool {
    word.bytes().filter(u8::is_ascii_digit).count() >= 4
}

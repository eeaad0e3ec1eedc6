//! Printing: results on standard output, in text or JSON from the same value; everything else on standard error.

mod file;

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::ident::{printable, printable_lines};

pub(super) use file::{Existing, ForceArg, Open, check_place, file, open, sibling, write};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON value, for programs.
    Json,
}

/// Prints a result: its `Display` as text, its `Serialize` as JSON.
pub(super) fn emit<T: Display + Serialize>(format: Format, value: &T) -> anyhow::Result<()> {
    match format {
        Format::Text => text(&value.to_string()),
        Format::Json => json(value),
    }
}

/// Prints lines of text on standard output, and nothing of theirs that a terminal would act on.
pub(super) fn text(lines: &str) -> anyhow::Result<()> {
    verbatim(&printable_lines(lines))
}

/// Prints what was asked for octet by octet, such as a payload in XML, or text that has colours of ours. A reader that went
/// away (`| head`) is not an error.
pub(super) fn verbatim(lines: &str) -> anyhow::Result<()> {
    PRINTED.store(true, Ordering::Relaxed);
    let mut out = std::io::stdout().lock();
    quiet(out.write_all(lines.as_bytes()))?;
    if !lines.ends_with('\n') {
        quiet(out.write_all(b"\n"))?;
    }
    quiet(out.flush())
}

/// Whether a result, or a part of one, is on standard output.
pub(super) fn has_printed() -> bool {
    PRINTED.load(Ordering::Relaxed)
}

static PRINTED: AtomicBool = AtomicBool::new(false);

/// Prints a value as JSON on standard output.
pub(super) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    // JSON escapes control characters but for DEL and those above it, which stand in strings alone.
    let mut out = String::new();
    for c in serde_json::to_string_pretty(value)?.chars() {
        match u32::from(c) {
            code @ 0x7F..=0x9F => out.push_str(&format!("\\u{code:04x}")),
            _ => out.push(c),
        }
    }
    verbatim(&out)
}

/// Says on standard error what went wrong, with its causes.
pub(super) fn error(error: &anyhow::Error) {
    let mut line = format!("bootgate: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !line.contains(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    note(&line);
}

/// Writes lines to standard error, as [`text`] does; there is nowhere to report it if that fails.
pub(super) fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable_lines(line));
}

/// A file's name as it is shown.
pub(super) fn name(file: &Path) -> String {
    printable(&file.to_string_lossy()).into_owned()
}

/// Starts the log on standard error: warnings, more with `-v`, or what `BOOTGATE_LOG` says.
pub(super) fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info,sqlx=warn",
        _ => "debug,sqlx=info,hyper=info",
    };
    let filter = EnvFilter::try_from_env("BOOTGATE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = log.with_ansi(std::io::stderr().is_terminal()).try_init();
}

fn quiet(done: std::io::Result<()>) -> anyhow::Result<()> {
    match done {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

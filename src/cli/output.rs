//! Printing: results on standard output, in text or JSON from the same value; everything else on standard error.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
};

use serde::Serialize;
use tracing_subscriber::EnvFilter;

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

/// Prints lines of text on standard output. A reader that went away (`| head`) is not an error.
pub(super) fn text(lines: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    quiet(out.write_all(lines.as_bytes()))?;
    if !lines.ends_with('\n') {
        quiet(out.write_all(b"\n"))?;
    }
    quiet(out.flush())
}

/// Prints a value as JSON on standard output.
pub(super) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    let mut out = serde_json::to_string_pretty(value)?;
    out.push('\n');
    text(&out)
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

/// Writes a line to standard error; there is nowhere to report it if that fails.
pub(super) fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
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

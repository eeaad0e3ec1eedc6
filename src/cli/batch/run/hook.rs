//! The command of a person's choice that hears each result: on a thread of its own, one result after the other, so that a
//! slow one keeps no bay waiting.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{self, Sender},
    thread::JoinHandle,
};

use crate::{cli::output, job::batch::Bin};

/// The command.
pub(super) struct Hook {
    results: Sender<(Vec<u8>, Bin)>,
    thread: JoinHandle<()>,
}

impl Hook {
    pub(super) fn start(command: PathBuf) -> Self {
        let (results, to_tell) = mpsc::channel::<(Vec<u8>, Bin)>();
        let thread = std::thread::spawn(move || {
            for (line, bin) in to_tell {
                if let Err(error) = run(&command, &line, bin) {
                    output::note(&format!("{}: {error}", command.display()));
                }
            }
        });
        Self { results, thread }
    }

    /// Lets the command hear a result when it has heard those before.
    pub(super) fn tell(&self, line: Vec<u8>, bin: Bin) {
        // The thread ends only with this.
        let _ = self.results.send((line, bin));
    }

    /// Waits until it has heard all.
    pub(super) fn finish(self) {
        drop(self.results);
        let _ = self.thread.join();
    }
}

/// Runs the command. What it does is its own affair; that it failed is told.
fn run(hook: &Path, line: &[u8], bin: Bin) -> anyhow::Result<()> {
    let word = match bin {
        Bin::Good => "good",
        Bin::Bad => "bad",
    };
    let mut child = Command::new(hook).arg(word).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read is no failure.
        let _ = stdin.write_all(line);
    }
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "the command ended with {status}");
    Ok(())
}

//! The program as a process, for situations that need nothing but its arguments.

use std::{
    path::Path,
    process::{Command, Output},
};

/// What it came to.
pub struct Ran {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Both outputs.
    pub fn shown(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Runs it where the tests run; for what touches no file but those that are named.
pub fn bootgate(args: &[&str]) -> Ran {
    ran(Command::new(env!("CARGO_BIN_EXE_bootgate")).args(args))
}

/// Runs it in a folder, with its database there.
pub fn bootgate_in(folder: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    ran(command.args(args).current_dir(folder).env("BOOTGATE_STORE_PATH", folder.join("store.db")))
}

fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.env_remove("BOOTGATE_CONFIG").output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

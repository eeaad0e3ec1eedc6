//! `bootgate serve` as a gateway: a process on files of its own, that can be killed and started again.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use super::pap::Target;
use crate::peers::Process;

/// Who pushes, as the configuration below knows it.
pub const TARGET: Target = Target { path: "/pap", authorization: "Basic cGk6c2VjcmV0" };

/// Writes the configuration: lines of `[ppg]`, and of one `[[ppg.smpp]]` towards `smsc`.
pub fn configure(folder: &Path, ppg: &str, smsc: SocketAddr, link: &str) {
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n[store]\npath = \"jobs.db\"\n[ppg]\n{ppg}\n[[ppg.initiator]]\nname = \"pi\"\n\
         user = \"pi\"\npassword = \"sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"\n\
         [[ppg.smpp]]\nname = \"main\"\naddress = \"{smsc}\"\nsystem-id = \"us\"\n{link}\n"
    );
    std::fs::write(folder.join("site.toml"), text).unwrap();
}

/// Starts the gateway of `folder` and waits until it listens.
pub fn start(folder: &Path) -> (Process, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["serve", "--config"]).arg(folder.join("site.toml")).env_clear().env("HOME", folder);
    let log = std::fs::File::options().create(true).append(true).open(folder.join("serve.log")).unwrap();
    command.current_dir(folder).stdout(Stdio::piped()).stderr(log);
    let mut process = Process::start("bootgate serve", &mut command);
    let mut line = String::new();
    BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| {
        let log = std::fs::read_to_string(folder.join("serve.log")).unwrap_or_default();
        panic!("bootgate serve says {line:?} and logs {log}")
    });
    (process, address.parse().unwrap())
}

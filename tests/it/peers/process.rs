//! Processes of peers, and waiting for them.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A process that is ended when this goes out of scope.
pub struct Process {
    child: Child,
    what: String,
}

impl Process {
    /// Starts `command`.
    pub fn start(what: &str, command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|e| panic!("{what} does not start ({e}); `make test` installs it"));
        Self { child, what: what.into() }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, for its pipes and its exit status.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Fails when the process has ended by itself.
    pub fn must_live(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("{} ended early with {status}", self.what);
        }
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks `ready` again and again, for at most 20 seconds.
pub fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}: not there after 20 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The path of a program from Debian, or a failed test that says which package has it.
pub fn program(name: &str, package: &str) -> std::path::PathBuf {
    let found = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
        .iter()
        .map(|dir| std::path::Path::new(dir).join(name))
        .find(|p| p.exists());
    found.unwrap_or_else(|| panic!("{name} is missing: package {package}; `make test` installs it"))
}

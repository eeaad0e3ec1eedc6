//! A network and mount namespace for a peer with fixed ports and paths.

use std::{path::Path, process::Command};

use super::{Process, program, wait_for};

/// How this machine lets us make a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A user namespace, which needs no privilege.
    User,
    /// Straight from root.
    Root,
}

/// A peer that runs in a namespace of its own, with an empty `/run` and only loopback as network.
pub struct Namespace {
    peer: Process,
    way: Way,
}

impl Namespace {
    /// Runs the shell line `exec` in a new namespace. `run` appears there as `inside` (below `/run`).
    pub fn start(what: &str, run: &Path, inside: &str, exec: &str) -> Self {
        let way = way();
        let flags = match way {
            Way::User => "-rnm",
            Way::Root => "-nm",
        };
        let line = format!(
            "mount -t tmpfs none /run && mkdir {inside} && mount --bind \"$RUN\" {inside} && ip link set lo up && exec {exec}"
        );
        program("ip", "iproute2");
        let mut command = Command::new(program("unshare", "util-linux"));
        command.args([flags, "sh", "-c", &line]).env("RUN", run);
        Self { peer: Process::start(what, &mut command), way }
    }

    /// Kills the peer and runs the shell line `exec` in its place, in the same namespace; `between` is called when the old
    /// one is gone.
    pub fn replace(&mut self, what: &str, exec: &str, between: impl FnOnce()) {
        // A namespace without a process is gone: this one holds it for the moment.
        let mut holder = self.enter(self.peer.id(), &["-n", "-m"]);
        let holder = Process::start("the holder of the namespace", holder.args(["sleep", "60"]));
        let is_in = |id: u32, as_id: u32| {
            let of = |id: u32, which: &str| std::fs::read_link(format!("/proc/{id}/ns/{which}")).ok();
            ["net", "mnt"].iter().all(|which| of(id, which) == of(as_id, which))
        };
        wait_for("the holder in its namespace", || is_in(holder.id(), self.peer.id()));
        self.peer.kill();
        between();
        let mut command = self.enter(holder.id(), &["-n", "-m"]);
        self.peer = Process::start(what, command.args(["sh", "-c", &format!("exec {exec}")]));
        wait_for("the new peer in its namespace", || is_in(self.peer.id(), holder.id()));
    }

    /// A command that enters namespaces of a process; which, and what is run there, follows.
    fn enter(&self, id: u32, which: &[&str]) -> Command {
        let mut command = Command::new(program("nsenter", "util-linux"));
        command.args(["-t", &id.to_string()]);
        if self.way == Way::User {
            command.args(["-U", "--preserve-credentials"]);
        }
        command.args(which).arg("--");
        command
    }

    /// A command that will run inside this namespace's network.
    pub fn command(&self, path: &Path) -> Command {
        let mut command = self.enter(self.peer.id(), &["-n"]);
        command.arg(path);
        command
    }

    /// The peer's process.
    pub fn peer(&mut self) -> &mut Process {
        &mut self.peer
    }
}

/// Finds out how a namespace can be made here, or fails and says which right is missing.
fn way() -> Way {
    let unshare = program("unshare", "util-linux");
    let can = |flags: &str| {
        let done = Command::new(&unshare).args([flags, "true"]).output();
        done.is_ok_and(|out| out.status.success())
    };
    if can("-rnm") {
        Way::User
    } else if can("-nm") {
        Way::Root
    } else {
        panic!(
            "these tests start pcscd in a namespace of its own; neither `unshare -rnm` (user namespaces, \
             sysctl kernel.unprivileged_userns_clone, on newer Ubuntu kernel.apparmor_restrict_unprivileged_userns) nor `unshare -nm` (CAP_SYS_ADMIN) is permitted here"
        )
    }
}
